"""Every kernel on the device against its CPU twin, on images of a realistic size."""

from __future__ import annotations

import numpy as np
import pytest

from alignsar_gpu import kernels

SHAPE = (1500, 4000)
TOLERANCE = 1e-5


@pytest.fixture(scope="module")
def images():
    """Two images of coherence 0.8 and their mask, with NaN where it is False."""
    rng = np.random.default_rng(20)
    common, noise, other = (
        (rng.standard_normal(SHAPE, dtype=np.float32) + 1j * rng.standard_normal(SHAPE, dtype=np.float32))
        for _ in range(3)
    )
    reference = (300.0 * (common + 0.5 * noise)).astype(np.complex64)
    secondary = (200.0 * (common * np.exp(2j) + 0.5 * other)).astype(np.complex64)
    valid = rng.random(SHAPE) > 0.01
    valid[:, :37] = False
    valid[-20:] = False
    reference[~valid] = np.nan
    return reference, secondary, valid


@pytest.fixture
def device(cupy, images):
    return tuple(cupy.asarray(image) for image in images)


def assert_same(cupy, got, wanted, scale=1.0):
    """On the device, of the same kind and mask, and within the tolerance relative to ``scale``."""
    assert isinstance(got, cupy.ndarray)
    assert got.dtype == wanted.dtype
    got = cupy.asnumpy(got)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
    assert np.nanmax(np.abs(got - wanted) / scale) <= TOLERANCE


def assert_same_phase(cupy, got, wanted, weight=None):
    """The same for phases: but for whole turns, and weighted by how well the phase is defined."""
    assert isinstance(got, cupy.ndarray)
    assert got.dtype == np.float32
    got = cupy.asnumpy(got).astype(np.float64)
    np.testing.assert_array_equal(np.isnan(got), np.isnan(wanted))
    difference = np.abs(np.angle(np.exp(1j * (got - wanted))))
    assert np.nanmax(difference * (1.0 if weight is None else weight)) <= TOLERANCE


def test_amplitude_intensity_phase(cupy, images, device):
    wanted = kernels.amplitude_intensity_phase(images[0], images[2])
    got = kernels.amplitude_intensity_phase(device[0], device[2])
    for g, w in zip(got[:2], wanted[:2], strict=True):
        assert_same(cupy, g, w, scale=w)
    assert_same_phase(cupy, got[2], wanted[2])


def test_phase_difference(cupy, images, device):
    assert_same_phase(cupy, kernels.phase_difference(*device), kernels.phase_difference(*images))


@pytest.mark.parametrize("size", [3.0, 1e8])
def test_rotate_phase(cupy, images, device, size):
    phase = np.random.default_rng(21).uniform(-size, size, SHAPE)
    wanted = kernels.rotate_phase(images[1], phase)
    got = kernels.rotate_phase(device[1], cupy.asarray(phase))
    assert_same(cupy, got, wanted, scale=np.abs(images[1]))
    exact = images[1] * np.exp(1j * phase)
    assert np.max(np.abs(cupy.asnumpy(got) - exact) / np.abs(exact)) <= 1e-6


@pytest.mark.parametrize("window", [(1, 1), (3, 1), (1, 3), (3, 11), (5, 21), (21, 5), (5, 129), (3, 131)])
def test_boxcar_coherence(cupy, images, device, window):
    wanted = kernels.boxcar_coherence(*images, window=window)
    got = kernels.boxcar_coherence(*device, window=window)
    assert_same(cupy, got[0], wanted[0])
    assert_same_phase(cupy, got[1], wanted[1], weight=wanted[0])


@pytest.mark.parametrize("block", [(4, 8), (7, 19), (1500, 1)])
def test_block_coherence(cupy, images, device, block):
    lines, samples = (np.arange(0, count + 1, size) for count, size in zip(SHAPE, block, strict=True))
    wanted = kernels.block_coherence(*images, lines=lines, samples=samples)
    got = kernels.block_coherence(*device, lines=lines, samples=samples)
    assert_same(cupy, got[0], wanted[0])
    np.testing.assert_array_equal(cupy.asnumpy(got[1]), wanted[1])


def test_lines_from_first_to_stop_have_the_bits_of_the_whole_image(device):
    whole = kernels.boxcar_coherence(*device, window=(5, 21))
    first = 3 * kernels.STRIP
    part = kernels.boxcar_coherence(*device, window=(5, 21), first=first, stop=703)
    for p, w in zip(part, whole, strict=True):
        assert (p.view("u4") == w[first:703].view("u4")).all()


def test_coherence_beside_a_target_80_db_brighter(cupy):
    rng = np.random.default_rng(22)
    real = rng.standard_normal((4, 300, 700))
    reference = (real[0] + 1j * real[1]).astype(np.complex64)
    secondary = (reference + 0.7 * (real[2] + 1j * real[3])).astype(np.complex64)
    reference[150, 350] = secondary[150, 350] = 1e4
    reference[140:160, 360:420] = 0.0
    valid = np.ones(reference.shape, dtype=bool)
    wanted = kernels.boxcar_coherence(reference, secondary, valid, window=(5, 21))
    assert np.count_nonzero(np.isnan(wanted[0])) == 16 * 40
    arrays = (cupy.asarray(array) for array in (reference, secondary, valid))
    magnitude, angle = kernels.boxcar_coherence(*arrays, window=(5, 21))
    np.testing.assert_array_equal(np.isnan(cupy.asnumpy(magnitude)), np.isnan(wanted[0]))
    assert np.nanmax(np.abs(cupy.asnumpy(magnitude) - wanted[0])) < 1e-6
    assert_same_phase(cupy, angle, wanted[1], weight=wanted[0])


def test_zeros_and_pixels_that_are_not_finite(cupy):
    pixels = np.array([0.0, complex(-0.0, -0.0), np.nan, np.inf, 1.0, -1.0, 1j, -1j], dtype=np.complex64)
    valid = np.array([True] * 6 + [False, True])
    wanted = kernels.amplitude_intensity_phase(pixels, valid)
    got = kernels.amplitude_intensity_phase(cupy.asarray(pixels), cupy.asarray(valid))
    for g, w in zip(got, wanted, strict=True):
        np.testing.assert_allclose(cupy.asnumpy(g), w, rtol=TOLERANCE, equal_nan=True)


def test_small_and_empty_arrays(cupy):
    for shape in ((1, 1), (2, 3), (0, 5)):
        pixels = cupy.ones(shape, dtype=cupy.complex64)
        valid = cupy.ones(shape, dtype=bool)
        magnitude, _ = kernels.boxcar_coherence(pixels, pixels, valid, window=(3, 3))
        assert magnitude.shape == shape
        assert (magnitude == 1.0).all()
        assert kernels.phase_difference(pixels, pixels, valid).shape == shape


def test_kernels_run_in_the_order_of_the_current_stream(cupy, images):
    stream = cupy.cuda.Stream(non_blocking=True)
    phase = np.full(SHAPE, 1.0)
    with stream:
        pixels = cupy.asarray(images[1])
        for _ in range(10):
            pixels *= cupy.complex64(1.0)
        back = kernels.rotate_phase(kernels.rotate_phase(pixels, cupy.asarray(phase)), cupy.asarray(-phase))
        back -= pixels
        error = float(cupy.abs(back).max())
    assert error <= 1e-6 * np.abs(images[1]).max()


def test_host_and_device_do_not_mix(images, device):
    with pytest.raises(TypeError, match="reference is on the device, secondary is on the host"):
        kernels.phase_difference(device[0], images[1], device[2])


def test_errors_name_the_argument(cupy, device):
    with pytest.raises(TypeError, match="pixels: expected dtype complex64, got complex128"):
        kernels.amplitude_intensity_phase(device[0].astype(cupy.complex128), device[2])
    pixels = device[0][:1500, :1500].copy()
    transposed = device[2][:1500, :1500].copy().T
    with pytest.raises(ValueError, match="valid: expected a C-contiguous array"):
        kernels.amplitude_intensity_phase(pixels, transposed)
