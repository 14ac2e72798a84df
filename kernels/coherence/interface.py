"""Public functions for amplitude, phase and coherence. Checks the arguments and chooses the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from alignsar_gpu.kernels.driving.arrays import Arrays, half_window, lines_between

if TYPE_CHECKING:
    from numpy.typing import NDArray


def amplitude_intensity_phase(
    pixels: NDArray[np.complex64], valid: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Compute amplitude abs(z), intensity abs(z)^2 and phase arg(z), in radians, of an image.

    Parameters
    ----------
    pixels : complex64, any shape, C-contiguous; numpy, or on the device.
    valid : bool, the same shape: where the pixels mean something.

    Returns
    -------
    Three float32 arrays of that shape, where ``pixels`` is; NaN where not valid. The phase of 0 is 0; its
    error is below 4e-7 rad. Amplitudes are expected within 1e-18 and 1e18, whose squares float32 can hold.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, pixels=pixels, valid=valid)
    z = arrays.checked("pixels", np.complex64, "pixels")
    mask = arrays.checked("valid", np.bool_, "pixels")
    amplitude, intensity, phase = (arrays.empty(z.shape, np.float32) for _ in range(3))
    outputs = (array.reshape(-1) for array in (amplitude, intensity, phase))
    arrays.run("amplitude_intensity_phase", z.reshape(-1), mask.reshape(-1), *outputs)
    return amplitude, intensity, phase


def phase_difference(
    reference: NDArray[np.complex64], secondary: NDArray[np.complex64], valid: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Compute the interferometric phase arg(reference conj(secondary)) in radians, without averaging.

    Parameters
    ----------
    reference, secondary : complex64, any shape, C-contiguous; numpy, or on the device.
    valid : bool, the same shape: where both mean something.

    Returns
    -------
    float32 of that shape, where ``reference`` is; NaN where not valid.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, reference=reference, secondary=secondary, valid=valid)
    r = arrays.checked("reference", np.complex64, "reference")
    s = arrays.checked("secondary", np.complex64, "reference")
    mask = arrays.checked("valid", np.bool_, "reference")
    phase: NDArray[np.float32] = arrays.empty(r.shape, np.float32)
    arrays.run("phase_difference", *(array.reshape(-1) for array in (r, s, mask, phase)))
    return phase


def rotate_phase(pixels: NDArray[np.complex64], phase: NDArray[np.float64]) -> NDArray[np.complex64]:
    """Multiply pixels by exp(i phase).

    Parameters
    ----------
    pixels : complex64, any shape, C-contiguous; numpy, or on the device.
    phase : float64, the same shape, radians, not wrapped: up to 1e8 rad and beyond it is reduced without
        loss, apart from what float64 cannot hold of it.

    Returns
    -------
    complex64 of that shape, where ``pixels`` is; its error is below 4e-7 of the amplitude.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, pixels=pixels, phase=phase)
    z = arrays.checked("pixels", np.complex64, "pixels")
    angle = arrays.checked("phase", np.float64, "pixels")
    rotated: NDArray[np.complex64] = arrays.empty(z.shape, np.complex64)
    arrays.run("rotate_phase", *(array.reshape(-1) for array in (z, angle, rotated)))
    return rotated


def boxcar_coherence(
    reference: NDArray[np.complex64],
    secondary: NDArray[np.complex64],
    valid: NDArray[np.bool_],
    *,
    window: tuple[int, int],
    first: int = 0,
    stop: int | None = None,
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Estimate coherence and interferometric phase of two coregistered images over a rectangular window.

    gamma = sum(r conj(s)) / sqrt(sum |r|^2 sum |s|^2) over the valid pixels of the window around each pixel,
    cut off at the edges of the image (Touzi et al. 1999, Coherence estimation for SAR imagery, IEEE TGRS
    37(1)). The sums are in float64 and nothing is ever subtracted from them.

    Parameters
    ----------
    reference, secondary : complex64 [line, sample], C-contiguous; numpy, or on the device.
    valid : bool [line, sample]: where both mean something.
    window : lines and samples of the window, odd.
    first, stop : the lines to return the coherence of; all by default. The lines before and after these
        serve as halo. On the CPU, blocks of an image give the same bits as the whole image if each has a
        halo of half a window, or up to the edge of the image, and begins a multiple of ``STRIP`` lines after
        the first line.

    Returns
    -------
    |gamma| within 0 and 1, and arg(gamma) in radians: float32 [stop - first, sample], where ``reference``
    is. NaN in both where the pixel is not valid, and where a sum of powers is 0 or not finite.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, reference=reference, secondary=secondary, valid=valid)
    r = arrays.checked("reference", np.complex64, "reference")
    _, end = lines_between("reference", r, first, stop)
    s = arrays.checked("secondary", np.complex64, "reference")
    mask = arrays.checked("valid", np.bool_, "reference")
    lines, samples = r.shape
    half_lines, half_samples = half_window(window)
    magnitude, angle = (arrays.empty((end - first, samples), np.float32) for _ in range(2))
    # A window that reaches beyond the opposite edge holds no more than one that reaches it.
    half = (min(half_lines, max(lines - 1, 0)), min(half_samples, max(samples - 1, 0)))
    arrays.run("boxcar_coherence", r, s, mask, half, first, magnitude, angle)
    return magnitude, angle


def block_coherence(
    reference: NDArray[np.complex64],
    secondary: NDArray[np.complex64],
    valid: NDArray[np.bool_],
    *,
    lines: NDArray[np.int64],
    samples: NDArray[np.int64],
) -> tuple[NDArray[np.complex64], NDArray[np.float32]]:
    """Estimate the complex coherence of two images in blocks of pixels: one number for each block.

    gamma = sum(r conj(s)) / sqrt(sum |r|^2 sum |s|^2) over the valid pixels of a block, sums in float64.

    Parameters
    ----------
    reference, secondary : complex64 [line, sample], C-contiguous; numpy, or on the device.
    valid : bool [line, sample]: where both mean something.
    lines, samples : (blocks + 1,) int64, ascending: where blocks begin and where the last one ends; numpy.

    Returns
    -------
    gamma, complex64 [block down, block across], 0 where a power is 0 or not finite, and how many pixels of each
    block are valid, float32; both where ``reference`` is. The bits of a block depend neither on threads nor on
    other blocks.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, reference=reference, secondary=secondary, valid=valid)
    r = arrays.checked("reference", np.complex64, "reference")
    if r.ndim != 2:
        raise ValueError(f"reference: expected two dimensions, line and sample, got the shape {r.shape}")
    s = arrays.checked("secondary", np.complex64, "reference")
    mask = arrays.checked("valid", np.bool_, "reference")
    edges = _edges("lines", lines, r.shape[0]), _edges("samples", samples, r.shape[1])
    shape = len(lines) - 1, len(samples) - 1
    gamma: NDArray[np.complex64] = arrays.empty(shape, np.complex64)
    count: NDArray[np.float32] = arrays.empty(shape, np.float32)
    if count.size:
        arrays.run("block_coherence", r, s, mask, *map(arrays.place, edges), gamma, count)
    return gamma, count


def _edges(name: str, edges: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """Check where blocks begin and end along an axis of ``size`` pixels."""
    if not isinstance(edges, np.ndarray) or edges.dtype != np.int64 or edges.ndim != 1 or not edges.size:
        raise TypeError(f"{name}: expected edges of blocks, a numpy array of int64, got {edges!r}")
    if edges[0] < 0 or edges[-1] > size or np.any(np.diff(edges) < 0):
        raise ValueError(f"{name}: expected ascending edges within 0 and {size}, got {edges}")
    return edges
