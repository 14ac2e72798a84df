"""Residual offsets: split-band shifts and matching of amplitudes, on simulated speckle of known shift."""

from functools import partial

import numpy as np
import pytest
from scipy.fft import fft2, ifft2, rfft2
from scipy.ndimage import gaussian_filter

from alignsar_gpu.coregistration.offsets import HIGHEST, Offset, _CrossSpectrum, fit_offsets, patch_offset
from alignsar_gpu.coregistration.timing.diversity import NOTHING
from alignsar_gpu.coregistration.timing.sublooks import band_shift

MARGIN = 24
WEIGHTED = (0.67, 0.7), (0.75, 0.75)  # bands of IW2 and coefficients of their Hamming windows: lines, samples
FLAT = (0.67, 1.0), (0.75, 1.0)


def speckle_pair(rng, shape, coherence, shift, *, bands=WEIGHTED, texture=1.0):
    """A reference and a secondary that is late by ``shift``, cut out of periodic images."""
    size = tuple(count + 2 * MARGIN for count in shape)
    noise = rng.standard_normal((6, *size), dtype=np.float32)
    common, one, other = noise[0::2] + 1j * noise[1::2]
    alike, apart = np.sqrt([coherence, 1.0 - coherence]).astype(np.float32)  # FFTs in single precision
    pair = []
    for own, late in ((one, (0.0, 0.0)), (other, shift)):
        spectrum = fft2(texture * (alike * common + apart * own))
        for axis, (band, weight) in enumerate(bands):
            f = np.fft.fftfreq(size[axis])
            turned = (weight + (1.0 - weight) * np.cos(2.0 * np.pi * f / band)) * (np.abs(f) <= band / 2.0)
            turned = turned * np.exp(-2j * np.pi * f * late[axis])
            spectrum *= np.expand_dims(turned, 1 - axis)
        pair.append(ifft2(spectrum).astype(np.complex64)[MARGIN:-MARGIN, MARGIN:-MARGIN])
    return pair


def along(axis, pixels):
    return (pixels, 0.0) if axis == 0 else (0.0, pixels)


def sub_bands(reference, secondary, axis, valid=None, bands=WEIGHTED, looks=0.4):
    valid = np.ones(reference.shape, dtype=bool) if valid is None else valid
    return band_shift(reference, secondary, valid, axis=axis, band=bands[axis][0], looks=looks)


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shift", [0.03, 0.3, -0.7])
def test_shifts_of_coherent_images_are_exact(axis, shift):
    found = sub_bands(*speckle_pair(np.random.default_rng(1), (30, 2000), 1.0, along(axis, shift)), axis)
    assert abs(found.seconds - shift) < 1e-3 * max(abs(shift), 0.3)
    assert found.deviation < 1e-3
    assert found.coherence > 0.999
    assert found.phase == pytest.approx(2.0 * np.pi * 2.0 / 3.0 * WEIGHTED[axis][0] * shift, rel=0.1)
    assert abs(found.left) < 1e-4
    assert 0.7 < found.share <= 1.0


@pytest.mark.parametrize("axis", [0, 1])
def test_a_secondary_whose_features_lie_at_larger_indices_is_late(axis):
    image, _ = speckle_pair(np.random.default_rng(2), (64, 500), 1.0, (0.0, 0.0))
    assert sub_bands(image, np.roll(image, 1, axis), axis).seconds == pytest.approx(1.0, abs=0.005)
    assert sub_bands(np.roll(image, 1, axis), image, axis).seconds == pytest.approx(-1.0, abs=0.005)


@pytest.mark.parametrize("axis", [0, 1])
def test_noise_does_not_bias_the_shift(axis):
    """The same noise at several shifts: errors differ by far less than they scatter."""
    errors = []
    for seed in range(6):
        own = [
            sub_bands(*speckle_pair(np.random.default_rng(seed), (40, 6000), 0.6, along(axis, shift)), axis)
            for shift in (0.0, 0.03, 0.3)
        ]
        errors.append([one.seconds - shift for one, shift in zip(own, (0.0, 0.03, 0.3), strict=True)])
    errors = np.array(errors)
    assert np.abs((errors - errors[:, :1]).mean(axis=0)).max() < 7e-4
    # Without a shift nothing tells late from early: what is left is scatter.
    assert abs(errors[:, 0].mean()) < 3.5 * own[0].deviation / np.sqrt(len(errors))


@pytest.mark.parametrize(("axis", "coherence"), [(0, 0.6), (1, 0.6), (1, 0.3)])
def test_deviations_are_honest_and_close_to_theory(axis, coherence):
    rng = np.random.default_rng(3)
    shape, shift = (40, 1500), 0.3
    found = [
        sub_bands(*speckle_pair(rng, shape, coherence, along(axis, shift), bands=FLAT), axis, bands=FLAT)
        for _ in range(40)
    ]
    errors = np.array([one.seconds - shift for one in found])
    deviation = float(np.mean([one.deviation for one in found]))
    assert abs(errors.mean()) < 3.5 * deviation / np.sqrt(len(errors))
    assert 1.0 / 1.5 < errors.std() / deviation < 1.5
    independent = found[0].share * np.prod(shape) * FLAT[0][0] * FLAT[1][0]
    split = np.sqrt(27.0) / (4.0 * np.pi) * np.sqrt(1.0 - coherence**2) / (coherence * np.sqrt(independent))
    assert 0.9 < deviation / (split / FLAT[axis][0]) < 1.2
    assert errors.std() < 1.3 * split / FLAT[axis][0]


@pytest.mark.parametrize("axis", [0, 1])
def test_a_large_overlap_is_known_to_a_thousandth_of_a_pixel(axis):
    found = sub_bands(*speckle_pair(np.random.default_rng(5), (100, 20000), 0.6, along(axis, 0.05)), axis)
    assert found.deviation < 1e-3
    assert abs(found.seconds - 0.05) < 3.0 * found.deviation


def test_windows_of_the_processor_cost_little():
    """Whitened, Hamming's window along the axis leaves the deviation of a flat band."""
    rng = np.random.default_rng(6)
    strong = (0.67, 1.0), (0.75, 0.54)
    flat, weighted = (
        np.mean(
            [
                sub_bands(*speckle_pair(rng, (40, 1500), 0.6, (0.0, 0.1), bands=bands), 1).deviation
                for _ in range(8)
            ]
        )
        for bands in (FLAT, strong)
    )
    assert weighted < 1.15 * flat


@pytest.mark.parametrize("axis", [0, 1])
def test_holes_fringes_and_bright_places_do_no_harm(axis):
    rng = np.random.default_rng(7)
    shape = (80, 2000)
    bright = np.ones((shape[0] + 2 * MARGIN, shape[1] + 2 * MARGIN))
    bright[60:64, 300:330] = 30.0
    reference, secondary = speckle_pair(rng, shape, 0.8, along(axis, 0.3), texture=bright)
    line, sample = np.ogrid[: shape[0], : shape[1]]
    secondary *= np.exp(2j * np.pi * (line / 300 + sample / 400)).astype(np.complex64)
    valid = (line // 9 + sample // 60) % 3 > 0
    reference[~valid], secondary[~valid] = 1e6, 1e6
    secondary[40:42, 100:140] = np.nan
    found = sub_bands(reference, secondary, axis, valid)
    assert 0.1 < found.share < 0.67
    assert found.deviation < 0.006
    assert abs(found.seconds - 0.3) < 3.0 * found.deviation


def test_where_nothing_can_be_known_split_bands_say_so():
    rng = np.random.default_rng(8)
    reference, secondary = speckle_pair(rng, (30, 1000), 0.6, (0.1, 0.0))
    few = np.zeros(reference.shape, dtype=bool)
    few[:20, 100:140] = True
    noise = speckle_pair(rng, (30, 1000), 0.0, (0.0, 0.0))
    for axis in (0, 1):
        known = partial(sub_bands, axis=axis)
        assert known(reference, secondary).share > 0.5
        assert known(reference, secondary, valid=few[:, ::-1] & False) == NOTHING
        assert known(reference[:5, :15], secondary[:5, :15]) == NOTHING
        assert known(reference[:0], secondary[:0]) == NOTHING
        assert known(0 * reference, secondary) == NOTHING
        assert known(0 * reference, 0 * secondary) == NOTHING
        assert known(np.nan * reference, secondary) == NOTHING
        assert known(*noise) == NOTHING
    assert sub_bands(reference, secondary, 0, few).deviation > 0.01


def test_an_image_is_not_shifted_against_itself():
    image, _ = speckle_pair(np.random.default_rng(9), (30, 1000), 0.6, (0.0, 0.0))
    found = sub_bands(image, image, 0)
    assert abs(found.seconds) < 1e-5
    assert 0.0 < found.deviation < 1e-4


def textured(rng, size, length, contrast=1.0):
    """Amplitudes that vary by a factor e at ``contrast`` 1 over ``length`` pixels."""
    rough = gaussian_filter(rng.standard_normal((size + 2 * MARGIN, size + 2 * MARGIN)), length, mode="wrap")
    return np.exp(contrast * rough / rough.std())


def root_mean_square(errors):
    return float(np.sqrt(np.mean(np.square(errors))))


def offset_of(reference, secondary, valid=None, line=0.0, sample=0.0):
    valid = np.ones(reference.shape, dtype=bool) if valid is None else valid
    return patch_offset(reference, secondary, valid, line=line, sample=sample)


@pytest.mark.parametrize(("coherence", "length"), [(0.6, None), (0.0, 1.0), (0.0, 2.0), (0.6, 3.0)])
def test_patches_are_matched_by_coherence_and_by_texture(coherence, length):
    rng = np.random.default_rng(10)
    errors, deviation = [], []
    for _ in range(20):
        down, across = rng.uniform(-16.0, 16.0, 2)
        texture = 1.0 if length is None else textured(rng, 128, length)
        reference, secondary = speckle_pair(rng, (128, 128), coherence, (down, across), texture=texture)
        carrier = np.exp(2j * np.pi * 0.4 * np.arange(128))[:, np.newaxis]  # stripmap has one
        found = offset_of(reference * carrier, secondary * carrier)
        errors.append((found.down - down, found.across - across))
        deviation.append(found.deviation)
    scatter = root_mean_square(errors)
    assert scatter < (0.1 if length else 0.03)
    assert np.abs(errors).max() < 0.25
    assert 0.5 < scatter / np.mean(deviation) < 2.2
    assert np.abs(np.mean(errors, axis=0)).max() < 3.5 * scatter / np.sqrt(20)


@pytest.mark.parametrize("shape", [(24, 30), (25, 31)])
def test_half_spectra_count_as_whole_ones(shape):
    rng = np.random.default_rng(21)
    images = rng.standard_normal((2, *shape))
    halves = _CrossSpectrum(one=rfft2(images[0]), other=rfft2(images[1]), lines=shape[0], samples=shape[1])
    f = np.hypot(*np.meshgrid(*(np.fft.fftfreq(count) for count in shape), indexing="ij"))
    inside = (f > 1.5 / max(shape)) & (f < HIGHEST)
    assert halves.times.sum() == halves.count[1:].sum() == np.count_nonzero(inside)
    whole = np.sum((np.conj(fft2(images[0])) * fft2(images[1])).real[inside])
    product = (np.conj(halves.one) * halves.other).real
    assert np.sum(halves.mean(product)[1:] * halves.count[1:]) == pytest.approx(whole)


def test_all_offsets_of_the_search_are_found():
    rng = np.random.default_rng(11)
    for down, across in ((16.0, -16.0), (-16.0, 16.0), (0.0, 0.0), (15.5, 0.25)):
        found = offset_of(*speckle_pair(rng, (128, 128), 0.8, (down, across)), line=3.0, sample=4.0)
        assert (found.down, found.across) == pytest.approx((down, across), abs=0.06)
        assert (found.line, found.sample) == (3.0, 4.0)
        assert 0.3 < found.peak < 1.0


@pytest.mark.parametrize(
    ("offset", "coherence"), [((3.4, -2.2), 0.0), ((0.45, -0.6), 0.0), ((6.4, -5.8), 0.6)]
)
def test_masked_pixels_do_not_draw_an_offset_to_nothing(offset, coherence):
    rng = np.random.default_rng(12)
    line, sample = np.ogrid[:128, :128]
    valid = (np.hypot(line - 60, sample - 70) > 30) & (sample > 20)
    errors, deviation = [], []
    for _ in range(12):
        texture = 1.0 if coherence else textured(rng, 128, 1.0)
        reference, secondary = speckle_pair(rng, (128, 128), coherence, offset, texture=texture)
        reference[~valid], secondary[~valid] = 1e6, 1e6
        secondary[90:94, 90:100] = np.nan
        found = offset_of(reference, secondary, valid)
        errors.append((found.down - offset[0], found.across - offset[1]))
        deviation.append(found.deviation)
    scatter = root_mean_square(errors)
    assert scatter < (0.03 if coherence else 0.1)
    assert np.abs(np.mean(errors, axis=0)).max() < 3.5 * scatter / np.sqrt(12)
    assert 0.5 < scatter / np.mean(deviation) < 1.6


def test_offsets_at_which_little_is_shared_are_no_match():
    """A strip of 40 valid lines, searched over 38: the last few pixels that are compared correlate by chance."""
    rng = np.random.default_rng(22)
    valid = np.broadcast_to((np.arange(128) < 40)[:, np.newaxis], (128, 128))
    for _ in range(5):
        pair = speckle_pair(rng, (128, 128), 0.45, (1.0, -2.0))
        found = patch_offset(*pair, valid, line=0.0, sample=0.0, reach=38)
        assert (found.down, found.across) == pytest.approx((1.0, -2.0), abs=0.3)


@pytest.mark.parametrize("fraction", [0.1, 0.2, 0.4])
def test_coherent_patches_are_not_drawn_towards_pixels(fraction):
    found = offset_of(*speckle_pair(np.random.default_rng(19), (128, 128), 1.0, (fraction, 1.0 - fraction)))
    assert (found.down, found.across) == pytest.approx((fraction, 1.0 - fraction), abs=0.006)


def test_brightness_that_grows_across_a_patch_is_no_match():
    """A beam's edge lies still while the ground has moved."""
    rng = np.random.default_rng(20)
    reference, secondary = speckle_pair(rng, (128, 128), 0.8, (9.0, -7.5))
    beam = np.exp(np.linspace(0.0, 4.0, 128)).astype(np.float32)
    found = offset_of(reference * beam, secondary * beam)
    assert (found.down, found.across) == pytest.approx((9.0, -7.5), abs=0.1)


def test_where_nothing_can_be_matched_patches_say_so():
    rng = np.random.default_rng(13)
    noise = [offset_of(*speckle_pair(rng, (128, 128), 0.0, (0.0, 0.0))) for _ in range(40)]
    unknown = [
        one for one in noise if np.isnan(one.down) and np.isnan(one.across) and np.isinf(one.deviation)
    ]
    assert len(unknown) >= 36
    assert max(one.peak for one in noise) < 0.1
    image, _ = speckle_pair(rng, (128, 128), 0.0, (0.0, 0.0))
    none, corner = np.zeros(image.shape, dtype=bool), np.zeros(image.shape, dtype=bool)
    corner[:30, :30] = True
    for reference, secondary, valid in (
        (image, 0 * image, None),
        (0 * image, 0 * image, None),
        (0 * image + 1, 0 * image + 1, None),
        (np.nan * image, image, None),
        (image, image, none),
        (image, image, corner),
        (image[:4, :4], image[:4, :4], None),
        (image[:0], image[:0], None),
        (image[:12, :40], image[60:72, :40], None),
    ):
        found = offset_of(reference, secondary, valid)
        assert np.isnan(found.down)
        assert np.isnan(found.across)
        assert np.isinf(found.deviation)


COEFFICIENTS = np.array([[3.0, -5.0], [1.5, 0.5], [-1.0, 2.0], [0.4, -0.3], [0.2, 0.5], [-0.6, 0.1]])


def truth(line, sample, degree):
    """Down and across, pixels, of a scene of 5000 x 8000."""
    y, x = line / 2500.0 - 1.0, sample / 4000.0 - 1.0
    terms = np.array([1.0, y, x, y * y, y * x, x * x])[: (1, 3, 6)[degree]]
    return terms @ COEFFICIENTS[: len(terms)]


def at(place, down, across, deviation=0.1):
    return Offset(line=place[0], sample=place[1], down=down, across=across, deviation=deviation)


def errors_of(found, offsets, degree=2):
    return [np.stack(found.at(one.line, one.sample)) - truth(one.line, one.sample, degree) for one in offsets]


def scattered(rng, count, degree, *, noise=0.0, outliers=0.0):
    offsets = []
    for index in range(count):
        line, sample = rng.uniform(0.0, 5000.0), rng.uniform(0.0, 8000.0)
        down, across = truth(line, sample, degree) + noise * rng.standard_normal(2)
        if index < outliers * count:
            down, across = rng.uniform(-16.0, 16.0, 2)
        offsets.append(at((line, sample), down, across))
    return offsets


@pytest.mark.parametrize("degree", [0, 1, 2])
def test_polynomials_are_found_through_outliers(degree):
    found = fit_offsets(scattered(np.random.default_rng(14), 100, degree, outliers=0.3), degree)
    assert found.degree == degree
    assert found.share == pytest.approx(0.7, abs=0.01)
    assert found.rms < 1e-4
    line, sample = np.array([[0.0], [2000.0], [5000.0]]), np.array([0.0, 3000.0, 8000.0])
    down, across = found.at(line, sample)
    assert down.shape == across.shape == (3, 3)
    expected = [[truth(y, x, degree) for x in sample] for y in line[:, 0]]
    np.testing.assert_allclose(np.stack([down, across], axis=-1), expected, atol=1e-4)


@pytest.mark.parametrize(("outliers", "lost"), [(30, 0), (37, 6)])
def test_outliers_that_agree_with_each_other_do_no_harm(outliers, lost):
    """Beyond a third, chance puts many of them at the rim, where no fit tells them from the scene."""
    failed = 0
    for seed in range(40):
        rng = np.random.default_rng(seed)
        offsets = scattered(rng, 100 - outliers, 2, noise=0.05)
        places = rng.uniform(0.0, 1.0, (outliers, 2)) * (5000.0, 8000.0)
        found = fit_offsets(offsets + [at(place, 10.0, -12.0) for place in places])
        failed += not root_mean_square(errors_of(found, offsets)) < 0.04
    assert failed <= lost


def test_the_fit_says_how_well_it_is_known():
    rng = np.random.default_rng(15)
    places = scattered(rng, 200, 2)
    errors, said = [], []
    for _ in range(30):
        offsets = scattered(rng, 100, 2, noise=0.1, outliers=0.2)
        found = fit_offsets(offsets)
        assert 0.08 < found.rms < 0.12
        errors.append(root_mean_square(errors_of(found, places)))
        said.append(found.deviation)
    assert 0.7 < root_mean_square(errors) / np.mean(said) < 1.5


def test_better_patches_count_more():
    rng = np.random.default_rng(16)
    offsets = []
    for one in scattered(rng, 60, 1):
        deviation = 0.3 if rng.random() < 0.5 else 0.03
        down, across = np.array([one.down, one.across]) + deviation * rng.standard_normal(2)
        offsets.append(at((one.line, one.sample), down, across, deviation))
    found = fit_offsets(offsets, 1)
    assert root_mean_square(errors_of(found, offsets, 1)) < 0.02
    assert found.share > 0.95  # a patch that says how little it knows is no outlier


def test_a_scene_with_water_is_fitted_to_a_fiftieth_of_a_pixel():
    """100 patches of 128 x 128, 30 of them of water: neither coherent nor textured."""
    rng = np.random.default_rng(17)
    offsets = []
    for index in range(100):
        line, sample = 250.0 + 500.0 * (index // 10), 400.0 + 800.0 * (index % 10)
        water = index // 10 < 6 and index % 10 < 5
        pair = speckle_pair(rng, (128, 128), 0.0 if water else 0.6, truth(line, sample, 2))
        offsets.append(offset_of(*pair, line=line, sample=sample))
    found = fit_offsets(offsets)
    assert found.degree == 2
    assert 0.6 < found.share <= 0.7
    assert found.rms < 0.05
    errors = errors_of(found, offsets)
    assert root_mean_square(errors) < 0.02  # in the middle of the water too
    land = [error for error, one in zip(errors, offsets, strict=True) if one.peak > 0.1]
    assert len(land) == 70
    assert root_mean_square(land) < 0.01


def test_few_or_contradicting_patches_lower_the_degree():
    rng = np.random.default_rng(18)
    few = scattered(rng, 30, 0, noise=0.01)
    assert [fit_offsets(few[:count]).degree for count in (18, 17, 9, 8, 3, 2, 0)] == [
        2,
        1,
        1,
        0,
        0,
        None,
        None,
    ]
    row = [at((7.0, own), 1.0, 2.0) for own in np.arange(40.0)]
    on_a_line = fit_offsets(row)
    assert on_a_line.degree == 0
    assert on_a_line.at(100.0, 3.0) == pytest.approx((1.0, 2.0))
    nearly = [at((own, own + 0.01 * (own % 3)), 1.0, 2.0) for own in np.arange(40.0)]
    assert fit_offsets(nearly).degree == 0
    silent = [Offset(line=one.line, sample=one.sample) for one in few]
    assert fit_offsets(few[:12] + silent).share == pytest.approx(12 / 42)
    for nothing in (fit_offsets(silent), fit_offsets(scattered(rng, 60, 0, outliers=1.0)), fit_offsets([])):
        assert nothing.degree is None
        assert np.isinf(nothing.deviation)
        assert nothing.share == 0.0
        down, across = nothing.at(np.zeros((2, 1)), np.zeros(3))
        assert not down.any()
        assert not across.any()
        assert down.shape == across.shape == (2, 3)
