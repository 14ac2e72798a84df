"""Small tables over azimuth and range, as products carry them, at every pixel of an image."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

STRIP = 32  # lines at a time: what is computed on the way stays in the cache


def positions(nodes: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Fractional index of ``values`` among increasing ``nodes``; that of the nearest end outside them."""
    return np.asarray(np.interp(values, nodes, np.arange(len(nodes), dtype=np.float64)))


def table_at(
    table: NDArray[np.float64], rows: NDArray[np.float64], columns: NDArray[np.float64], xp: Any
) -> Any:
    """A table interpolated bilinearly at every pixel of an image.

    Parameters
    ----------
    table : (n, m) float64, without negative values: sums of them keep their relative precision in float32.
    rows : (lines,) float64, the fractional row of the table that each line of the image lies on.
    columns : (samples,) float64, the fractional column of each sample. `positions` gives both.
    xp : numpy or CuPy.

    Returns
    -------
    (lines, samples) float32 array of ``xp``, within 2e-7 of the exact value. Positions beyond the table's
    edges take the value on the edge. A pixel has the same bits whatever lines are asked for with it.
    """
    count = len(table)
    rows = np.clip(rows, 0, count - 1)
    row = np.minimum(rows.astype(np.int64), max(count - 2, 0))
    first = int(row.min())
    used = table[first : int(row.max()) + 2]
    of_samples = xp.asarray(
        np.stack([np.interp(columns, np.arange(len(one)), one) for one in used]).astype(np.float32)
    )
    weight = (rows - row)[:, np.newaxis]
    of_above, of_below = (xp.asarray(share.astype(np.float32)) for share in (1.0 - weight, weight))
    result = xp.empty((len(rows), len(columns)), dtype=np.float32)
    # lines between the same two rows of the table, not too many at a time
    changes = np.flatnonzero(np.diff(row)) + 1
    for start, stop in pairwise(sorted({*changes.tolist(), *range(0, len(row), STRIP), len(row)})):
        above, below = int(row[start]) - first, min(int(row[start]) + 1, count - 1) - first
        xp.multiply(of_samples[above], of_above[start:stop], out=result[start:stop])
        result[start:stop] += of_samples[below] * of_below[start:stop]
    return result
