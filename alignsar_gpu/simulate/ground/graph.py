"""Graphs of cells and places for SciPy's graph algorithms."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import csr_array

if TYPE_CHECKING:
    from numpy.typing import NDArray


def graph_of(
    cost: NDArray[np.float64], start: NDArray[np.integer[Any]], end: NDArray[np.integer[Any]], count: int
) -> csr_array:
    """Make the graph of ``count`` places with edges of a ``cost`` above 0 between places ``start`` and ``end``.

    Before SciPy 1.15 its algorithms take 32-bit indices alone.
    """
    ends = start.astype(np.int32), end.astype(np.int32)
    return csr_array((cost, ends), shape=(count, count))
