"""Public functions for calibration. Checks arguments and chooses the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from alignsar_gpu.kernels.driving.arrays import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float32]

__all__ = ["calibrate_powers", "interpolate_rows"]


def interpolate_rows(table: Image, row: NDArray[np.float64], *, as_gain: bool = False) -> Image:
    """Interpolate linearly between the rows of a table, for every line of an image.

    Parameters
    ----------
    table : float32 [row, sample], C-contiguous; numpy, or on the device.
    row : (lines,) float64, numpy: the fractional row that each line of the image lies on; the first or the last
        beyond them.
    as_gain : whether the table holds amplitudes A, and their gains 1 / A^2 are wanted.

    Returns
    -------
    float32 [line, sample], where ``table`` is. A line has the same bits whatever lines are asked for with it.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, table=table)
    rows = arrays.checked("table", np.float32, "table")
    if rows.ndim != 2 or not len(rows):
        raise ValueError(f"table: expected two dimensions, row and sample, got the shape {rows.shape}")
    last = len(rows) - 1
    place = np.clip(row, 0, last)
    above = np.minimum(place.astype(np.int64), max(last - 1, 0))
    share = place - above
    out: Image = arrays.empty((len(place), rows.shape[1]), np.float32)
    if out.size:
        shares = np.stack([1.0 - share, share]).astype(np.float32)
        tables = (arrays.place(values) for values in (above, np.minimum(above + 1, last), shares))
        arrays.run("interpolate_rows", rows, *tables, bool(as_gain), out)
    return out


def calibrate_powers(gain: Image, power: Image, floor: Image | None = None, *, masked: bool = False) -> Image:
    """Calibrate powers: gain * power, less the noise.

    Parameters
    ----------
    gain, power : float32 [line, sample], C-contiguous; numpy, or on the device.
    floor : calibrated noise to take away, likewise; None for none.
    masked : whether powers below the noise become NaN.

    Returns
    -------
    float32 [line, sample], where these are.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    noise = {} if floor is None else {"floor": floor}
    arrays = Arrays(__package__, gain=gain, power=power, **noise)
    factor = arrays.checked("gain", np.float32, "gain")
    if factor.ndim != 2:
        raise ValueError(f"gain: expected two dimensions, line and sample, got the shape {factor.shape}")
    value = arrays.checked("power", np.float32, "gain")
    below = arrays.empty((0, 0), np.float32) if floor is None else arrays.checked("floor", np.float32, "gain")
    out: Image = arrays.empty(factor.shape, np.float32)
    if out.size:
        arrays.run("calibrate", factor, value, below, bool(masked), out)
    return out
