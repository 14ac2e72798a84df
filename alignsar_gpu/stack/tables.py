"""Small tables over azimuth and range, as products carry them, at every pixel of an image."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.kernels import interpolate_rows

if TYPE_CHECKING:
    from numpy.typing import NDArray


def positions(nodes: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fractional index of ``values`` among increasing ``nodes``; that of the nearest end outside them."""
    return np.asarray(np.interp(values, nodes, np.arange(len(nodes), dtype=np.float64)))


def table_at(
    table: NDArray[np.float64],
    rows: NDArray[np.float64],
    columns: NDArray[np.float64],
    xp: Any,
    *,
    as_gain: bool = False,
    compiled: bool = True,
) -> Any:
    """A table interpolated bilinearly at every pixel of an image.

    Parameters
    ----------
    table : (n, m) float64, without negative values: sums of them keep their relative precision in float32.
    rows : (lines,) float64, the fractional row of the table that each line of the image lies on.
    columns : (samples,) float64, the fractional column of each sample. `positions` gives both.
    xp : numpy or CuPy.
    as_gain : whether 1 / A^2 is wanted of a table of amplitudes A.
    compiled : by a kernel; otherwise by numpy, which gives the same bits and need not be waited for: a compiler takes
        longer to start than a few pixels take.

    Returns
    -------
    (lines, samples) float32 array of ``xp``, within 2e-7 of the exact value. Positions beyond the table's
    edges take the value on the edge. A pixel has the same bits whatever lines are asked for with it.
    """
    last = len(table) - 1
    rows = np.clip(rows, 0, last)
    first = min(int(rows.min()), max(last - 1, 0))
    used = table[first : int(rows.max()) + 2]
    of_samples: Any = np.stack([np.interp(columns, np.arange(len(one)), one) for one in used])
    of_samples = of_samples.astype(np.float32)
    if compiled:
        return interpolate_rows(xp.asarray(of_samples), rows - first, as_gain=as_gain)
    row = np.minimum((rows - first).astype(np.int64), max(len(used) - 2, 0))
    share = (rows - first - row)[:, np.newaxis]
    below = of_samples[np.minimum(row + 1, len(used) - 1)]
    amplitude = of_samples[row] * (1.0 - share).astype(np.float32) + below * share.astype(np.float32)
    return np.float32(1.0) / (amplitude * amplitude) if as_gain else amplitude
