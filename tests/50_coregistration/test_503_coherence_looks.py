"""Coherence with the number of looks stated: how many a window has, and the bias of so many taken off."""

import warnings

import numpy as np
import pytest
import rasterio
from alignsar_gpu.kernels import boxcar_coherence
from band_limited import AZIMUTH, RANGE, Speckle
from rasterio.errors import NotGeoreferencedWarning
from scipy.special import gammaln
from speckle import speckle

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.interferometry.looks import independent_looks
from alignsar_gpu.interferometry.statistics import expected_coherence, remove_coherence_bias

WINDOWS = [(3, 3), (1, 9), (9, 1), (3, 11), (5, 21)]


def white(seed, shape):
    return speckle(np.random.default_rng(seed), shape), np.ones(shape, dtype=bool)


def sentinel(seed, name, shape=(256, 2048)):
    """Speckle in the band of a subswath of Sentinel-1."""
    parts = [
        Speckle(np.random.default_rng([seed, part]), (shape[0], 512), (AZIMUTH[name], RANGE[name])).image()
        for part in range(shape[1] // 512)
    ]
    return np.concatenate(parts, axis=1)


def window_means(values, window):
    """Means over all windows that lie within the image, float64."""
    sums = np.cumsum(np.cumsum(np.pad(values, ((1, 0), (1, 0))), axis=0), axis=1)
    a, b = window
    return (sums[a:, b:] - sums[:-a, b:] - sums[a:, :-b] + sums[:-a, :-b]) / (a * b)


def equivalent_looks(image, window):
    """Squared mean over variance of the mean intensity of homogeneous speckle: by brute force."""
    means = window_means(np.abs(image.astype(np.complex128)) ** 2, window)
    return means.mean() ** 2 / means.var()


class TestIndependentLooks:
    @pytest.mark.parametrize("shape", [(64, 4096), (40, 300), (64, 97)])
    @pytest.mark.parametrize("window", WINDOWS)
    def test_of_white_noise_are_all_pixels(self, window, shape):
        pixels, valid = white(1, shape)
        count = window[0] * window[1]
        assert independent_looks(pixels, valid, window) == pytest.approx(count, rel=0.03)

    @pytest.mark.parametrize("name", ["IW1", "IW3"])
    def test_of_band_limited_speckle_are_the_equivalent_looks_of_its_mean_intensity(self, name):
        image = sentinel(2, name)
        valid = np.ones(image.shape, dtype=bool)
        for window in WINDOWS:
            looks = independent_looks(image, valid, window)
            assert looks == pytest.approx(equivalent_looks(image, window), rel=0.05)
            assert looks < 0.9 * window[0] * window[1]

    def test_lines_and_samples_are_not_swapped(self):
        image, _ = white(3, (64, 2049))
        image = (image[:, 1:] + image[:, :-1]) / 2  # correlated along the line alone
        valid = np.ones(image.shape, dtype=bool)
        assert independent_looks(image, valid, (9, 1)) == pytest.approx(9, rel=0.03)
        # neighbours have |rho|^2 = 1/4
        assert independent_looks(image, valid, (1, 9)) == pytest.approx(81 / (9 + 2 * 8 / 4), rel=0.03)

    def test_a_carrier_does_not_matter(self):
        """That of TOPS: from line to line its phase turns, ever faster; and fringes along the line."""
        image = sentinel(4, "IW2")
        valid = np.ones(image.shape, dtype=bool)
        line, sample = np.ogrid[: image.shape[0], : image.shape[1]]
        turned = image * np.exp(1j * np.pi * 0.02 * (line - 77.0) ** 2 + 0.3j * sample)
        for window in WINDOWS:
            found = independent_looks(turned.astype(np.complex64), valid, window)
            assert found == pytest.approx(independent_looks(image, valid, window), rel=1e-3)

    def test_brightness_does_not_matter(self):
        """Fields of 30 dB more, a target of 60 dB more, and any scale."""
        image = sentinel(5, "IW1")
        valid = np.ones(image.shape, dtype=bool)
        wanted = independent_looks(image, valid, (5, 21))
        assert independent_looks(image * np.float32(1e-9), valid, (5, 21)) == pytest.approx(wanted, rel=1e-6)
        fields = image.copy()
        fields[:, 512:1024] *= np.float32(30)
        fields[20, 100] = 1e3
        assert independent_looks(fields, valid, (5, 21)) == pytest.approx(wanted, rel=0.05)

    def test_invalid_pixels_are_left_out_whatever_they_hold(self):
        image = sentinel(6, "IW1")
        valid = np.random.default_rng(6).random(image.shape) > 0.2
        valid[:, :700] = False
        valid[:90] = False
        wanted = independent_looks(image, np.ones(image.shape, dtype=bool), (5, 9))
        image[~valid] = np.random.default_rng(7).choice([np.nan, np.inf, 0, 1e9], np.count_nonzero(~valid))
        assert independent_looks(image, valid, (5, 9)) == pytest.approx(wanted, rel=0.05)

    def test_same_every_time(self):
        image = sentinel(8, "IW1", (64, 512))
        valid = np.ones(image.shape, dtype=bool)
        assert independent_looks(image, valid, (3, 7)) == independent_looks(image, valid, (3, 7))

    def test_of_one_pixel_and_of_identical_pixels_are_one(self):
        image, valid = white(9, (20, 300))
        assert independent_looks(image, valid, (1, 1)) == 1.0
        assert independent_looks(np.ones_like(image), valid, (3, 3)) == pytest.approx(1.0, abs=1e-6)

    @pytest.mark.parametrize("shape", [(1, 40), (3, 5), (6, 12)])
    def test_of_small_images(self, shape):
        image, valid = white(10, shape)
        assert 1.0 <= independent_looks(image, valid, (3, 3)) <= 9.0

    def test_refused(self):
        image, valid = white(11, (20, 300))
        with pytest.raises(AlignsarError, match="valid pixels"):
            independent_looks(image, np.zeros_like(valid), (3, 3))
        with pytest.raises(AlignsarError, match="valid pixels"):
            independent_looks(np.zeros_like(image), valid, (3, 3))
        with pytest.raises(AlignsarError, match="window 0 x 3"):
            independent_looks(image, valid, (0, 3))

    def test_of_real_pixels_are_those_of_the_band_of_their_subswath(self, real_data):
        """IW3 over the Azores, mostly sea: within 15 % of speckle that fills the same band."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", NotGeoreferencedWarning)
            with rasterio.open(next(real_data("s1_iw_slc_azores_20220918").glob("*.tiff"))) as file:
                image = file.read(1).astype(np.complex64)
        homogeneous = sentinel(12, "IW3")
        for window in WINDOWS:
            wanted = equivalent_looks(homogeneous, window)
            assert independent_looks(image, image != 0, window) == pytest.approx(wanted, rel=0.15)


def touzi(coherence, looks):
    """The mean in closed form, a 3F2 (Touzi et al. 1999), as its series."""
    k = np.arange(4000.0)
    terms = gammaln(1.5 + k) + 2 * gammaln(looks + k) - gammaln(looks + 0.5 + k) - 2 * gammaln(1 + k)
    terms += looks * np.log1p(-(coherence**2)) - gammaln(looks)
    return float(np.sum(np.exp(terms + 2 * k * np.log(max(coherence, 1e-300)))))


class TestExpectedCoherenceOfRealLooks:
    @pytest.mark.parametrize("looks", [2.0, 2.3, 2.999, 4.53, 9.0, 15.5, 45.2, 120.3, 200.9, 201.1, 330.3])
    @pytest.mark.parametrize("coherence", [0.0, 0.05, 0.3, 0.6, 0.9])
    def test_against_the_closed_form(self, looks, coherence):
        assert expected_coherence(coherence, looks) == pytest.approx(touzi(coherence, looks), abs=2e-6)

    def test_grows_with_coherence_and_falls_with_looks(self):
        looks = [2, 2.5, 3.3, 8, 8.01, 60.7, 200, 202, 5000.5]
        means = np.array([[expected_coherence(g, n) for g in (0, 0.2, 0.5, 0.8, 0.97)] for n in looks])
        assert (np.diff(means, axis=1) > 0).all()
        assert (np.diff(means, axis=0) < 0).all()


def estimates(rng, coherence, looks, count):
    """Sample coherence of so many windows of independent pixels."""
    first, noise = (speckle(rng, (count, looks)).astype(np.complex128) for _ in range(2))
    second = coherence * first + np.sqrt(1 - coherence**2) * noise
    powers = np.sum(np.abs(first) ** 2, axis=1) * np.sum(np.abs(second) ** 2, axis=1)
    return (np.abs(np.sum(first * second.conj(), axis=1)) / np.sqrt(powers)).astype(np.float32)


class TestBiasRemoval:
    @pytest.mark.parametrize("looks", [2.0, 2.37, 4.53, 9.0, 33.3, 250.0, 100_000.0])
    def test_inverts_the_expected_coherence(self, looks):
        rng = np.random.default_rng(20)
        true = np.concatenate([rng.uniform(0, 1, 60), 10.0 ** rng.uniform(-2, -1, 20), [0.0, 1.0]])
        means = np.array([expected_coherence(float(g), looks) for g in true])
        found = remove_coherence_bias(means, looks)
        # where the mean hardly grows with coherence, float32 of the result is still fine: the input is float64
        assert np.abs(found - true).max() < 1e-4

    @pytest.mark.parametrize("looks", [9, 16, 33])
    @pytest.mark.parametrize("coherence", [0.0, 0.1, 0.3, 0.6, 0.9])
    def test_mean_of_estimates_becomes_the_truth(self, coherence, looks):
        count = 60_000
        sample = estimates(np.random.default_rng([looks, int(10 * coherence)]), coherence, looks, count)
        scatter = 4 * sample.std() / np.sqrt(count)
        means = np.float32([sample.mean() - scatter, sample.mean(), sample.mean() + scatter])
        low, found, high = remove_coherence_bias(means, looks)
        assert low <= coherence <= high
        assert found == pytest.approx(coherence, abs=0.01 if coherence > 0.2 else 0.06)
        if coherence < 0.2:
            assert sample.mean() - coherence > 0.05

    @pytest.mark.parametrize(
        ("looks", "coherence", "before", "after"),
        [
            (9, 0.0, 0.300, 0.154),
            (9, 0.3, 0.095, -0.017),
            (9, 0.6, 0.023, -0.013),
            (33, 0.0, 0.155, 0.077),
            (33, 0.3, 0.023, -0.010),
            (33, 0.6, 0.005, 0.000),
        ],
    )
    def test_what_is_left_of_the_bias_in_the_mean_of_inverses(self, looks, coherence, before, after):
        """The numbers of the docstring: the inverse of a mean is not the mean of inverses."""
        sample = estimates(np.random.default_rng([7, looks]), coherence, looks, 60_000)
        assert sample.mean() - coherence == pytest.approx(before, abs=0.003)
        assert remove_coherence_bias(sample, looks).mean() - coherence == pytest.approx(after, abs=0.004)

    def test_of_correlated_pixels_with_their_independent_looks(self):
        """Windows of band-limited speckle of known coherence: the bias is that of fewer looks than pixels."""
        first, noise = sentinel(30, "IW1", (128, 1024)), sentinel(31, "IW1", (128, 1024))
        valid = np.ones(first.shape, dtype=bool)
        for window in ((3, 7), (5, 15), (5, 21)):
            looks = independent_looks(first, valid, window)
            for coherence in (0.1, 0.3, 0.6, 0.9):
                second = (coherence * first + np.sqrt(1 - coherence**2) * noise).astype(np.complex64)
                measured = boxcar_coherence(first, second, valid, window=window)[0][4:-4, 12:-12]
                mean = float(measured.mean())
                assert mean == pytest.approx(expected_coherence(coherence, looks), abs=0.012)
                if coherence < 0.5:
                    assert mean > expected_coherence(coherence, window[0] * window[1]) + 0.003
                corrected = float(remove_coherence_bias(np.float32([mean]), looks)[0])
                assert corrected == pytest.approx(coherence, abs=0.05 if coherence < 0.2 else 0.015)

    def test_float32_in_float32_out_and_nothing_else_changes(self):
        floor = expected_coherence(0.0, 9)
        values = np.float32([[np.nan, 0.0, 0.5 * floor], [floor, 1.0, 0.95]])
        kept = values.copy()
        found = remove_coherence_bias(values, 9.0)
        assert found.dtype == np.float32
        assert found.shape == values.shape
        np.testing.assert_array_equal(values, kept)
        np.testing.assert_array_equal(found[0], [np.nan, 0.0, 0.0])
        assert found[1, 0] < 1e-3
        assert found[1, 1] == 1.0
        assert 0.94 < found[1, 2] < 0.95

    @pytest.mark.parametrize("looks", [1.9, 0.0, np.nan, 2e5])
    def test_refused(self, looks):
        with pytest.raises(AlignsarError, match="looks"):
            remove_coherence_bias(np.zeros(3, dtype=np.float32), looks)
