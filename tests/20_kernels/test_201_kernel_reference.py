"""CPU kernels against plain NumPy, and against their own functions run as plain Python."""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from alignsar_gpu.kernels.coherence import cpu
from alignsar_gpu.kernels.driving import mathematics
from hypothesis import given, settings
from hypothesis import strategies as st
from speckle import pair, same_bits, speckle

from alignsar_gpu import kernels

WINDOWS = [(1, 1), (3, 1), (1, 3), (5, 21), (3, 11), (7, 9), (5, 15), (21, 3), (1, 81), (201, 301)]


def direct(reference, secondary, valid, window):
    """Coherence by direct sums in float64: the definition."""
    r = np.where(valid, reference, 0).astype(np.complex128)
    s = np.where(valid, secondary, 0).astype(np.complex128)
    pad = [(window[0] // 2,) * 2, (window[1] // 2,) * 2]

    def total(values):
        return np.lib.stride_tricks.sliding_window_view(np.pad(values, pad), window).sum(axis=(-2, -1))

    with np.errstate(invalid="ignore"):
        cross = total(r * s.conj())
        power = total(r.real**2 + r.imag**2) * total(s.real**2 + s.imag**2)
        good = valid & (power > 0) & np.isfinite(power)
        gamma = cross / np.sqrt(np.where(good, power, np.nan))
    return np.where(good, np.abs(gamma), np.nan), np.where(good, np.angle(gamma), np.nan)


def assert_phases(got, wanted, tolerance):
    """Equal but for whole turns; NaN in the same places."""
    assert got.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
    difference = np.angle(np.exp(1j * (got.astype(np.float64) - wanted)))[~np.isnan(wanted)]
    assert np.abs(difference).max(initial=0.0) <= tolerance


def assert_coherence(got, wanted, tolerance=1e-6, phase_tolerance=4e-6):
    magnitude, angle = got
    assert magnitude.dtype == np.float32
    np.testing.assert_allclose(magnitude, wanted[0], rtol=0, atol=tolerance, equal_nan=True)
    assert_phases(angle, wanted[1], phase_tolerance)


# The mathematics


def test_arctangent_is_within_its_stated_error_in_every_octant():
    angle = np.linspace(-math.pi, math.pi, 100_003)
    for radius in (1e-12, 1.0, 3e7):
        pixels = (radius * np.exp(1j * angle)).astype(np.complex64)
        secondary = np.ones_like(pixels)
        got = kernels.phase_difference(pixels, secondary, np.ones(pixels.shape, dtype=bool))
        exact = np.arctan2(pixels.imag.astype(np.float64), pixels.real.astype(np.float64))
        assert np.abs(got - exact).max() <= 4e-7


def test_arctangent_of_axes_diagonals_and_signed_zeros():
    zero = np.float32(0.0)
    for y in (1.0, -1.0, 0.0, -0.0, 2.5):
        for x in (1.0, -1.0, 2.5, -2.5):
            got = mathematics.arctangent2(np.float32(y), np.float32(x))
            assert abs(float(got) - math.atan2(y, x)) <= 2e-7
            assert math.copysign(1.0, got) == math.copysign(1.0, y)
    assert mathematics.arctangent2(np.float32(3.0), zero) == np.float32(math.pi / 2)
    assert mathematics.arctangent2(np.float32(-3.0), -zero) == np.float32(-math.pi / 2)
    for y in (zero, -zero):
        for x in (zero, -zero):
            assert mathematics.arctangent2(y, x) == 0.0
    assert math.isnan(mathematics.arctangent2(np.float32("nan"), np.float32(1.0)))
    assert math.isnan(mathematics.arctangent2(np.float32(1.0), np.float32("nan")))


@pytest.mark.parametrize("size", [1.0, 10.0, 1e4, 1e8])
def test_rotation_is_within_its_stated_error_for_phases_of_any_size(size):
    phase = np.random.default_rng(3).uniform(-size, size, 200_000)
    phase[:9] = np.arange(-4, 5) * math.pi / 2
    got = kernels.rotate_phase(np.ones(phase.shape, dtype=np.complex64), phase)
    assert np.abs(got - np.exp(1j * phase)).max() <= 3e-7


def test_rotation_of_a_range_phase_keeps_what_float64_holds():
    # -4 pi R / lambda at 850 km and C band is 1.9e8 rad; its last place in float64 is 3e-8 rad.
    distance = np.linspace(850e3, 850e3 + 50.0, 5000)
    phase = -4.0 * np.pi * distance / 0.0555
    pixels = np.full(phase.shape, 1e-3 - 2e3j, dtype=np.complex64)
    wanted = pixels.astype(np.complex128) * np.exp(1j * phase)
    assert np.abs(kernels.rotate_phase(pixels, phase) - wanted).max() <= 4e-7 * abs(pixels[0])


def test_a_phase_that_is_not_finite_gives_nan():
    got = kernels.rotate_phase(np.ones(3, dtype=np.complex64), np.array([np.nan, np.inf, 0.0]))
    assert np.isnan(got[:2]).all()
    assert got[2] == 1.0


# Elementwise kernels against NumPy


@pytest.mark.parametrize("shape", [(), (1,), (7, 13), (3, 5, 11), (129, 301), (0, 4)])
def test_amplitude_intensity_phase_against_numpy(shape):
    rng = np.random.default_rng(1)
    pixels = np.asarray(100.0 * speckle(rng, shape), dtype=np.complex64)
    valid = np.asarray(rng.random(shape) > 0.2)
    amplitude, intensity, phase = kernels.amplitude_intensity_phase(pixels, valid)
    assert amplitude.shape == intensity.shape == phase.shape == shape
    exact = np.where(valid, pixels, np.nan).astype(np.complex128)
    assert {array.dtype for array in (amplitude, intensity, phase)} == {np.dtype(np.float32)}
    np.testing.assert_allclose(amplitude, np.abs(exact), rtol=3e-7)
    np.testing.assert_allclose(intensity, np.abs(exact) ** 2, rtol=3e-7)
    assert_phases(phase, np.where(valid, np.angle(exact), np.nan), 4e-7)


def test_zero_is_a_value_with_phase_zero():
    zeros = np.array([0.0, complex(-0.0, 0.0), complex(0.0, -0.0), complex(-0.0, -0.0)], dtype=np.complex64)
    for got in kernels.amplitude_intensity_phase(zeros, np.ones(4, dtype=bool)):
        assert (got == 0.0).all()


def test_invalid_pixels_are_nan_whatever_they_hold():
    pixels = np.array([np.nan, np.inf, 1.0, 0.0], dtype=np.complex64)
    valid = np.zeros(4, dtype=bool)
    for got in kernels.amplitude_intensity_phase(pixels, valid):
        assert np.isnan(got).all()
    assert np.isnan(kernels.phase_difference(pixels, pixels, valid)).all()


def test_phase_difference_against_numpy():
    rng = np.random.default_rng(2)
    reference, secondary, valid = pair(rng, (61, 203))
    got = kernels.phase_difference(reference, secondary, valid)
    with np.errstate(invalid="ignore"):
        product = reference.astype(np.complex128) * secondary.astype(np.complex128).conj()
        wanted = np.where(valid, np.angle(product), np.nan)
    assert_phases(got, wanted, 8e-7)


# Coherence against NumPy


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("shape", [(37, 131), (1, 40), (70, 1), (100, 17)])
def test_coherence_against_direct_sums(window, shape):
    reference, secondary, valid = pair(np.random.default_rng(4), shape)
    got = kernels.boxcar_coherence(reference, secondary, valid, window=window)
    assert got[0].shape == got[1].shape == shape
    assert_coherence(got, direct(reference, secondary, valid, window))


@pytest.mark.parametrize("window", [(3, 11), (1, 1037), (5, 1201)])
def test_coherence_of_images_wider_than_a_tile(window):
    shape = (5, 2 * cpu.TILE + 77)
    reference, secondary, valid = pair(np.random.default_rng(5), shape)
    got = kernels.boxcar_coherence(reference, secondary, valid, window=window)
    assert_coherence(got, direct(reference, secondary, valid, window))


def test_lines_and_samples_of_the_window_are_not_swapped():
    reference, secondary, valid = pair(np.random.default_rng(6), (40, 50), invalid=0.0)
    got = kernels.boxcar_coherence(reference, secondary, valid, window=(3, 11))[0]
    swapped = direct(reference, secondary, valid, (11, 3))[0]
    assert np.abs(got - swapped).max() > 0.05


def test_sign_of_the_phase_is_that_of_reference_times_conjugate_of_secondary():
    reference = np.full((9, 12), 2.0j, dtype=np.complex64)
    secondary = np.full((9, 12), 1.0, dtype=np.complex64)
    valid = np.ones((9, 12), dtype=bool)
    angle = kernels.boxcar_coherence(reference, secondary, valid, window=(3, 3))[1]
    np.testing.assert_allclose(angle, math.pi / 2, rtol=1e-7)
    np.testing.assert_allclose(kernels.phase_difference(reference, secondary, valid), math.pi / 2, rtol=1e-7)


def test_window_of_one_pixel_is_fully_coherent():
    reference, secondary, valid = pair(np.random.default_rng(7), (20, 30))
    magnitude, angle = kernels.boxcar_coherence(reference, secondary, valid, window=(1, 1))
    assert (magnitude[valid] == 1.0).all()
    assert np.isnan(magnitude[~valid]).all()
    assert_phases(angle, kernels.phase_difference(reference, secondary, valid).astype(np.float64), 1e-6)


def test_nothing_valid_gives_nan_everywhere():
    reference, secondary, _ = pair(np.random.default_rng(8), (12, 34))
    for got in kernels.boxcar_coherence(reference, secondary, np.zeros((12, 34), dtype=bool), window=(5, 7)):
        assert np.isnan(got).all()


def test_windows_of_zeros_are_nan():
    image = np.zeros((10, 20), dtype=np.complex64)
    for got in kernels.boxcar_coherence(image, image, np.ones(image.shape, dtype=bool), window=(3, 3)):
        assert np.isnan(got).all()


@pytest.mark.parametrize("amplitude", [1e4, 1e18])
def test_a_bright_target_leaves_no_trace_in_windows_beside_it(amplitude):
    """80 dB above its surroundings in power (and far more): the same coherence as by direct sums."""
    rng = np.random.default_rng(9)
    reference, secondary, valid = pair(rng, (45, 90), invalid=0.0)
    for line, sample in ((20, 40), (0, 3), (44, 89), (33, 0)):
        reference[line, sample] = secondary[line, sample] = amplitude
    reference[22:34, 30:70] = 0.0
    wanted = direct(reference, secondary, valid, (5, 21))
    assert np.count_nonzero(np.isnan(wanted[0])) == 8 * 20
    assert_coherence(kernels.boxcar_coherence(reference, secondary, valid, window=(5, 21)), wanted)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_valid_pixel_that_is_not_finite_spoils_its_windows_alone(value):
    reference, secondary, valid = pair(np.random.default_rng(10), (70, 60), invalid=0.0)
    reference[30, 25] = value
    magnitude, angle = kernels.boxcar_coherence(reference, secondary, valid, window=(5, 7))
    spoiled = np.zeros(valid.shape, dtype=bool)
    spoiled[28:33, 22:29] = True
    np.testing.assert_array_equal(np.isnan(magnitude), spoiled)
    np.testing.assert_array_equal(np.isnan(angle), spoiled)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**32 - 1),
    scale=st.floats(1e-12, 1e12),
    turn=st.floats(-math.pi, math.pi),
    window=st.sampled_from(WINDOWS),
)
def test_coherence_does_not_change_with_scale_and_constant_phase(seed, scale, turn, window):
    reference, secondary, valid = pair(np.random.default_rng(seed), (23, 31))
    before = kernels.boxcar_coherence(reference, secondary, valid, window=window)
    factor = np.complex64(scale * np.exp(1j * turn))
    with np.errstate(invalid="ignore", over="ignore"):
        turned = reference * factor
    after = kernels.boxcar_coherence(turned, secondary, valid, window=window)
    np.testing.assert_allclose(after[0], before[0], atol=1e-6, equal_nan=True)
    steady = np.where(before[0] > 0.05, before[1], np.nan).astype(np.float64)
    assert_phases(np.where(before[0] > 0.05, after[1], np.float32(np.nan)), steady + np.angle(factor), 2e-5)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), window=st.sampled_from(WINDOWS))
def test_coherence_of_an_image_with_itself_is_one(seed, window):
    reference, _, valid = pair(np.random.default_rng(seed), (23, 31))
    magnitude, angle = kernels.boxcar_coherence(reference, reference, valid, window=window)
    assert (magnitude[valid] == 1.0).all()
    assert (angle[valid] == 0.0).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), size=st.floats(0, 1e8))
def test_turning_there_and_back_gives_the_pixels(seed, size):
    rng = np.random.default_rng(seed)
    pixels = speckle(rng, (9, 17))
    phase = rng.uniform(-size, size, pixels.shape)
    back = kernels.rotate_phase(kernels.rotate_phase(pixels, phase), -phase)
    assert (np.abs(back - pixels) <= 8e-7 * np.abs(pixels)).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1))
def test_swapping_the_images_conjugates_the_interferogram(seed):
    reference, secondary, valid = pair(np.random.default_rng(seed), (15, 19))
    there = kernels.boxcar_coherence(reference, secondary, valid, window=(3, 5))
    back = kernels.boxcar_coherence(secondary, reference, valid, window=(3, 5))
    assert same_bits((there[0],), (back[0],))
    np.testing.assert_array_equal(there[1], -back[1])


LINES, SAMPLES = np.array([0, 4, 9, 9, 12]), np.array([2, 3, 11, 23, 29])


def in_blocks(values):
    """Sums over the blocks between LINES and SAMPLES."""
    return np.array([[values[a:b, c:d].sum() for c, d in pairwise(SAMPLES)] for a, b in pairwise(LINES)])


def test_coherence_of_blocks_is_their_sums():
    reference, secondary, valid = pair(np.random.default_rng(13), (14, 31))
    reference[5, 13] = secondary[5, 13] = 1e4  # 80 dB above what is in the blocks beside it
    valid[5, 13], valid[4:9, 3:11] = True, False
    gamma, count = kernels.block_coherence(reference, secondary, valid, lines=LINES, samples=SAMPLES)
    r, s = (np.where(valid, image, 0).astype(np.complex128) for image in (reference, secondary))
    power = in_blocks(abs(r) ** 2) * in_blocks(abs(s) ** 2)
    wanted = np.where(power > 0, in_blocks(r * s.conj()) / np.sqrt(np.where(power > 0, power, 1.0)), 0)
    assert (gamma.dtype, count.dtype) == (np.complex64, np.float32)
    np.testing.assert_allclose(gamma, wanted, atol=2e-7)
    np.testing.assert_array_equal(count, in_blocks(valid))
    assert not gamma[1, 1]
    assert not gamma[2].any()
    reference[1, 2], reference[10, 4] = np.nan, np.inf
    valid[1, 2] = valid[10, 4] = True
    spoiled, _ = kernels.block_coherence(reference, secondary, valid, lines=LINES, samples=SAMPLES)
    assert not spoiled[0, 0]
    assert not spoiled[3, 1]
    assert (spoiled != gamma).sum() == 2
    none = kernels.block_coherence(reference, secondary, valid, lines=LINES[:1], samples=SAMPLES)
    assert [array.shape for array in none] == [(0, 4), (0, 4)]


@pytest.mark.parametrize(
    ("lines", "error"), [(LINES + 3, ValueError), (LINES[::-1], ValueError), (LINES * 1.0, TypeError)]
)
def test_edges_of_blocks_must_be_inside_the_image(lines, error):
    with pytest.raises(error, match="lines: expected"):
        kernels.block_coherence(*pair(np.random.default_rng(13), (14, 31)), lines=lines, samples=SAMPLES)


# The compiled drivers against the same code run as plain Python


def test_compiled_coherence_of_blocks_is_the_plain_python_one():
    images = pair(np.random.default_rng(14), (14, 31))
    got = kernels.block_coherence(*images, lines=LINES, samples=SAMPLES)
    plain = np.empty((4, 4), dtype=np.complex64), np.empty((4, 4), dtype=np.float32)
    with np.errstate(all="ignore"):
        cpu.block_coherence(*images, LINES, SAMPLES, *plain)
    assert same_bits(got, plain)


def test_compiled_coherence_is_the_plain_python_one():
    reference, secondary, valid = pair(np.random.default_rng(11), (cpu.STRIP + 5, 19))
    for window in ((1, 1), (3, 11), (5, 3), (3, 21)):
        got = kernels.boxcar_coherence(reference, secondary, valid, window=window, first=1, stop=36)
        plain = tuple(np.empty((35, 19), dtype=np.float32) for _ in range(2))
        half = (min(window[0] // 2, 36), min(window[1] // 2, 18))
        with np.errstate(all="ignore"):
            cpu.boxcar_coherence(reference, secondary, valid, half, 1, *plain)
        assert same_bits(got, plain)


def test_compiled_elementwise_drivers_are_the_plain_python_ones():
    rng = np.random.default_rng(12)
    reference, secondary, valid = pair(rng, (700,))
    phase = rng.uniform(-1e8, 1e8, 700)
    plain = tuple(np.empty(700, dtype=np.float32) for _ in range(4))
    rotated = np.empty(700, dtype=np.complex64)
    with np.errstate(all="ignore"):
        cpu.amplitude_intensity_phase(reference, valid, *plain[:3])
        cpu.phase_difference(reference, secondary, valid, plain[3])
        cpu.rotate_phase(secondary, phase, rotated)
    assert same_bits(kernels.amplitude_intensity_phase(reference, valid), plain[:3])
    assert same_bits((kernels.phase_difference(reference, secondary, valid),), plain[3:])
    assert same_bits((kernels.rotate_phase(secondary, phase),), (rotated,))
