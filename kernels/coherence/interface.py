"""What the package offers: argument checks, and the choice of the driver by the kind of the arrays."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray


class Arrays:
    """The arrays of a call, checked to be all on the host or all on the device, and what takes them."""

    def __init__(self, **arrays: Any) -> None:
        self._arrays: Mapping[str, Any] = arrays
        device = {name: _on_device(name, array) for name, array in arrays.items()}
        self._device = all(device.values())
        if any(device.values()) and not self._device:
            where = ", ".join(f"{name} is on the {'device' if device[name] else 'host'}" for name in arrays)
            raise TypeError(f"the arrays of a call must all be numpy arrays or all be on the device: {where}")
        if self._device:
            from alignsar_gpu.kernels.driving import gpujit  # noqa: PLC0415 - imports numba.cuda

            gpujit.require_compiler()
            from alignsar_gpu.kernels.driving import launching  # noqa: PLC0415 - imports numba.cuda

            from . import launch  # noqa: PLC0415 - imports numba.cuda

            self._arrays = {name: launching.as_array(array) for name, array in arrays.items()}
            self._drivers = vars(launch)
            self.empty = launching.empty
            self.place: Callable[..., Any] = launching.place
        else:
            from alignsar_gpu.kernels.driving import cpujit  # noqa: PLC0415 - imports numba

            self._drivers = cpujit.drivers()
            self.empty = np.empty
            self.place = np.ascontiguousarray

    def checked(self, name: str, dtype: Any, like: str) -> Any:
        """The array ``name``, which must be contiguous, of this dtype, and of the shape of ``like``."""
        array = self._arrays[name]
        if array.dtype != dtype:
            raise TypeError(f"{name}: expected dtype {np.dtype(dtype).name}, got {array.dtype}")
        shape = self._arrays[like].shape
        if array.shape != shape:
            raise ValueError(f"{name}: expected the shape {shape} of {like}, got {array.shape}")
        if not array.flags.c_contiguous:
            raise ValueError(f"{name}: expected a C-contiguous array, got one with strides {array.strides}")
        return array

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def run(self, driver: str, *arguments: Any) -> None:
        """Call the driver of this name for where the arrays are."""
        self._drivers[driver](*arguments)


def _on_device(name: str, array: Any) -> bool:
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{name}: a masked array is not accepted; give its data, and its mask in valid")
    if isinstance(array, np.ndarray):
        return False
    # The arrays of numba's simulator have only the second of these.
    if hasattr(array, "__cuda_array_interface__") or hasattr(array, "__cuda_ndarray__"):
        return True
    raise TypeError(
        f"{name}: expected a numpy array, or an array on a CUDA device such as CuPy's (one that has "
        f"__cuda_array_interface__), got {type(array).__name__}"
    )


def half_window(window: tuple[int, int]) -> tuple[int, int]:
    """Lines and samples that an odd window reaches to each side; TypeError or ValueError for any other."""
    message = f"window: expected an odd and positive number of lines and of samples, got {window!r}"
    try:
        lines, samples = (operator.index(size) for size in window)
    except (TypeError, ValueError):
        raise TypeError(message) from None
    if min(lines, samples) < 1 or lines % 2 == 0 or samples % 2 == 0:
        raise ValueError(message)
    return lines // 2, samples // 2


def lines_between(name: str, image: Any, first: int, stop: int | None) -> tuple[int, int]:
    """First line and the line after the last one of an image that is to have two dimensions."""
    if image.ndim != 2:
        raise ValueError(f"{name}: expected two dimensions, line and sample, got the shape {image.shape}")
    lines = image.shape[0]
    end = lines if stop is None else stop
    if not 0 <= first <= end <= lines:
        raise ValueError(
            f"first and stop: expected 0 <= first <= stop <= {lines} lines, got {first} and {end}"
        )
    return first, end


def amplitude_intensity_phase(
    pixels: NDArray[np.complex64], valid: NDArray[np.bool_]
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Amplitude |z|, intensity |z|^2 and phase arg(z) in radians of an image.

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
    arrays = Arrays(pixels=pixels, valid=valid)
    z = arrays.checked("pixels", np.complex64, "pixels")
    mask = arrays.checked("valid", np.bool_, "pixels")
    amplitude, intensity, phase = (arrays.empty(z.shape, np.float32) for _ in range(3))
    outputs = (array.reshape(-1) for array in (amplitude, intensity, phase))
    arrays.run("amplitude_intensity_phase", z.reshape(-1), mask.reshape(-1), *outputs)
    return amplitude, intensity, phase


def phase_difference(
    reference: NDArray[np.complex64], secondary: NDArray[np.complex64], valid: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Interferometric phase arg(reference conj(secondary)) in radians, without averaging.

    Parameters
    ----------
    reference, secondary : complex64, any shape, C-contiguous; numpy, or on the device.
    valid : bool, the same shape: where both mean something.

    Returns
    -------
    float32 of that shape, where ``reference`` is; NaN where not valid.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(reference=reference, secondary=secondary, valid=valid)
    r = arrays.checked("reference", np.complex64, "reference")
    s = arrays.checked("secondary", np.complex64, "reference")
    mask = arrays.checked("valid", np.bool_, "reference")
    phase: NDArray[np.float32] = arrays.empty(r.shape, np.float32)
    arrays.run("phase_difference", *(array.reshape(-1) for array in (r, s, mask, phase)))
    return phase


def rotate_phase(pixels: NDArray[np.complex64], phase: NDArray[np.float64]) -> NDArray[np.complex64]:
    """Pixels times exp(i phase).

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
    arrays = Arrays(pixels=pixels, phase=phase)
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
    """Coherence and interferometric phase of two coregistered images, over a rectangular window.

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
    arrays = Arrays(reference=reference, secondary=secondary, valid=valid)
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
