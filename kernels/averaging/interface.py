"""Public functions for averaging parts of pixels, and phases as phasors. Checks arguments and chooses the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from alignsar_gpu.kernels.driving.arrays import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["average_parts", "phases_to_phasors", "phasors_to_phases"]


def average_parts(values: NDArray[Any], parts: tuple[int, int], least: int) -> NDArray[Any]:
    """Average the parts that pixels are divided into; of classes, take the most frequent.

    Parameters
    ----------
    values : [part down, part across], C-contiguous: float32 or complex64 (what is not finite is no data), whose mean
        is computed from sums in float64, or uint8 (255 is no data), of which the most frequent code is taken, the
        lowest of several; numpy, or on the device.
    parts : rows and columns of parts in a pixel; whole pixels are given.
    least : how many parts of a pixel must have data, 1 or more.

    Returns
    -------
    Values [row, column] of the same dtype, where ``values`` is; no data (NaN, 255) where fewer parts have some. The
    bits depend neither on threads nor on which pixels are computed in one call.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, values=values)
    kind = np.dtype(values.dtype)
    if kind.name not in ("float32", "complex64", "uint8"):
        raise TypeError(f"values: expected float32, complex64 or uint8, got {kind.name}")
    given = arrays.checked("values", kind, "values")
    if min(parts) < 1 or least < 1:
        raise ValueError(f"parts and least: expected positive numbers, got {parts} and {least}")
    if given.ndim != 2 or given.shape[0] % parts[0] or given.shape[1] % parts[1]:
        raise ValueError(f"values: expected whole pixels of {parts} parts, got the shape {given.shape}")
    shape = given.shape[0] // parts[0], given.shape[1] // parts[1]
    out: NDArray[Any] = arrays.empty(shape, kind)
    pair = int(parts[0]), int(parts[1])
    if not out.size:
        return out
    if kind.kind == "u":
        arrays.run("majority_of_parts", given.reshape(-1), pair, int(least), out)
    else:
        planes = kind.itemsize // 4
        flat = given.reshape(-1).view(np.float32)
        arrays.run("mean_of_parts", flat, planes, pair, int(least), out.view(np.float32))
    return out


def phases_to_phasors(phase: NDArray[np.float32]) -> NDArray[np.complex64]:
    """Compute exp(i phase) of phases in radians.

    float32 of any shape, C-contiguous, numpy or on the device; gives complex64 where ``phase`` is, errors below 2e-7,
    NaN in both parts where a phase is not finite. Raises TypeError or ValueError for other arrays.
    """
    arrays = Arrays(__package__, phase=phase)
    given = arrays.checked("phase", np.float32, "phase")
    out: NDArray[np.complex64] = arrays.empty(given.shape, np.complex64)
    arrays.run("phasors", given.reshape(-1), out.reshape(-1))
    return out


def phasors_to_phases(values: NDArray[np.complex64]) -> NDArray[np.float32]:
    """Compute the angles of complex numbers, in radians within [-pi, pi].

    complex64 of any shape, C-contiguous, numpy or on the device; gives float32 where ``values`` is, errors below 4e-7,
    0 of 0, NaN where a part is. Raises TypeError or ValueError for other arrays.
    """
    arrays = Arrays(__package__, values=values)
    given = arrays.checked("values", np.complex64, "values")
    out: NDArray[np.float32] = arrays.empty(given.shape, np.float32)
    arrays.run("angles", given.reshape(-1), out.reshape(-1))
    return out
