"""Two dates compared: coherence and phase of complex images, and ratios of powers, against brute force."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from alignsar_gpu.kernels import boxcar_coherence  # noqa: E402

from alignsar_gpu.learn.change.features import compare, log_ratio, window_sum  # noqa: E402

WINDOW = (3, 5)
SHAPE = (6, 9)


def complex_images(rng, images=2):
    shape = (images, *SHAPE)
    return (rng.normal(size=shape) + 1j * rng.normal(size=shape)).astype(np.complex64)


def as_parts(images):
    """Real and imaginary parts in turn, [1, part, line, sample]."""
    parts = np.stack([images.real, images.imag], axis=1).reshape(1, -1, *images.shape[1:])
    return torch.from_numpy(np.ascontiguousarray(parts))


def windows():
    """Around each pixel, what there is of the window."""
    half = WINDOW[0] // 2, WINDOW[1] // 2
    for line, sample in np.ndindex(SHAPE):
        yield (
            (line, sample),
            (
                slice(max(0, line - half[0]), line + half[0] + 1),
                slice(max(0, sample - half[1]), sample + half[1] + 1),
            ),
        )


def test_window_sum_is_that_of_the_pixels_there():
    values = np.random.default_rng(0).normal(size=(2, *SHAPE)).astype(np.float32)
    found = window_sum(torch.from_numpy(values), WINDOW).numpy()
    for place, window in windows():
        np.testing.assert_allclose(
            found[:, *place], values[:, *window].sum(axis=(1, 2)), rtol=1e-5, atol=1e-5
        )


def test_coherence_and_phase_are_those_of_valid_pixels():
    rng = np.random.default_rng(1)
    first, second = complex_images(rng), complex_images(rng)
    second += 1.5 * first * np.exp(1j * np.array([0.5, -2.0]))[:, None, None]
    first[0, 2, 3] = second[1, 4, 4] = 0.0  # not valid
    first[:, :2, :3] = 0.0
    found = [part.numpy()[0] for part in compare(as_parts(first), as_parts(second), WINDOW)]
    valid = (first != 0) & (second != 0)
    for place, window in windows():
        for image in range(2):
            a, b = (
                side[image][window][valid[image][window]].astype(np.complex128) for side in (first, second)
            )
            value = np.vdot(b, a)
            power = np.sqrt(np.vdot(a, a).real * np.vdot(b, b).real)
            expected = (
                [abs(value) / power, value.real / abs(value), value.imag / abs(value)] if power else [0.0] * 3
            )
            np.testing.assert_allclose(
                [part[image, *place] for part in found], expected, rtol=2e-5, atol=2e-6
            )


def test_coherence_and_phase_are_those_of_the_cube_s_layers():
    rng = np.random.default_rng(2)
    first, second = (complex_images(rng, 1) for _ in range(2))
    second += first
    first[0, 2:4, 3:7] = 0.0
    valid = first[0] != 0
    magnitude, angle = boxcar_coherence(first[0], second[0], valid, window=WINDOW)
    coherence, cosine, sine = (
        part.numpy()[0, 0] for part in compare(as_parts(first), as_parts(second), WINDOW)
    )
    np.testing.assert_allclose(coherence[valid], magnitude[valid], rtol=1e-5)
    np.testing.assert_allclose((cosine + 1j * sine)[valid], np.exp(1j * angle[valid]), atol=1e-5)


def test_images_of_one_phase_are_coherent_and_without_data_nothing_is():
    first = complex_images(np.random.default_rng(3))
    coherence, cosine, sine = compare(as_parts(first), as_parts(2.0 * first * np.complex64(1j)), WINDOW)
    np.testing.assert_allclose(coherence, 1.0, atol=1e-6)
    np.testing.assert_allclose(cosine, 0.0, atol=1e-6)
    np.testing.assert_allclose(sine, -1.0, atol=1e-6)  # first * conj(second)
    for part in compare(as_parts(first), as_parts(0.0 * first), WINDOW):
        assert not part.any()


def test_log_ratio_is_that_of_means_over_what_is_valid_on_both_dates():
    rng = np.random.default_rng(4)
    first, second = rng.uniform(0.1, 1.0, (2, 1, *SHAPE)).astype(np.float32)
    first[0, 3, 4], second[0, 1, 1], second[0, 5, 8] = np.nan, np.nan, 0.0
    first[0, :3, :3] = np.nan
    found = log_ratio(torch.from_numpy(first), torch.from_numpy(second), WINDOW).numpy()
    valid = (first > 0.0) & (second > 0.0)
    for place, window in windows():
        there = valid[0][window]
        ratio = second[0][window][there].sum() / first[0][window][there].sum() if there.any() else np.nan
        np.testing.assert_allclose(found[0, *place], 10.0 * np.log10(ratio), rtol=1e-4, atol=1e-5)
    assert np.isnan(found[0, 0, 0])
