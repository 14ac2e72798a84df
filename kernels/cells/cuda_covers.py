"""The CUDA kernels of :mod:`.scalar_covers`, as in :mod:`coherence.cuda`. Import it late: it imports numba.cuda.

What edges add are integers, in any order: covers have the bits of the CPU's.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from alignsar_gpu.kernels.driving.binding import bind
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import THREADS, cuda, device_function, kernel
from numba import int32

from . import scalar_covers
from .scalar_covers import ONE, cover_edge, covered_once, visible_cover

if TYPE_CHECKING:
    from collections.abc import Callable

PARTS = 8  # threads that share the rows of an edge, which a map divides into edges of all lengths
SUMS = 2 * THREADS

DEVICE_FUNCTIONS = ("add_to", "ring_of", "rows_of_part")

WHY_FLOAT64 = "geometry: crossings, which two polygons find alike on an edge that they share"
DECLARED = {
    "cover_edges": Declared(arguments="ddqqpw", registers=80, float64=150, why_float64=WHY_FLOAT64),
    "sum_rows": Declared(arguments="wi", registers=40, float64=0, shared=4 * SUMS),
    "order_cells": Declared(arguments="wqi", registers=40, float64=0),
}


def add_to(numbers: Any, at: int, amount: int) -> None:
    """Add to one of the numbers, at the same time as others."""
    cuda.atomic.add(numbers, at, np.int32(amount))


def ring_of(ends: Any, edge: int) -> Any:
    """The ring that an edge is in; ``ends``: numbers of the edges after the last of each ring."""
    first = np.int64(0)
    last = np.int64(ends.size - 1)
    while first < last:
        middle = (first + last) >> 1
        if ends[middle] > edge:
            last = middle
        else:
            first = middle + 1
    return first


def rows_of_part(begin: Any, end: Any, part: int) -> Any:
    """Rows that one of the threads takes, from one on and before another, of those between begin and end."""
    length = (end - begin + PARTS - 1) // PARTS
    return begin + part * length, min(begin + (part + 1) * length, end)


def cover_edges(x: Any, y: Any, rings: Any, ends: Any, shape: Any, deltas: Any) -> None:
    """Driver of :func:`.scalar_covers.cover_edge`; PARTS threads take the rows of an edge.

    ``rings``, flat, and ``deltas`` as :func:`.cpu_covers.cover_cells`; ``ends`` as `ring_of`.
    """
    rows, columns = shape
    for i in range(cuda.grid(1), ends[ends.size - 1] * PARTS, cuda.gridsize(1)):
        edge = i // PARTS
        ring = ring_of(ends, edge)
        k = rings[4 * ring + 1] - 1 - (ends[ring] - edge)
        low = max(min(y[k], y[k + 1]), 0.0)
        high = min(max(y[k], y[k + 1]), np.float64(rows))
        if low < high:
            part = rows_of_part(np.int64(low), np.int64(math.ceil(high)), i - edge * PARTS)
            first = rings[4 * ring + 2] * rows * columns
            ends_of_edge = (x[k], y[k], x[k + 1], y[k + 1])
            cover_edge(ends_of_edge, rings[4 * ring + 3], part, deltas, first, columns)


def sum_rows(cover: Any, columns: int) -> None:
    """Sums of the differences in rows of cells, a whole cell at most; a block takes a row.

    Of as many cells as there are threads, each adds the sum that ends 1, 2, 4 ... cells before its own, from one
    half of the shared memory into the other.
    """
    sums = cuda.shared.array(SUMS, int32)
    thread = cuda.threadIdx.x
    rows = cover.size // columns
    row = cuda.blockIdx.x
    while row < rows:
        before = np.int32(0)
        left = 0
        while left < columns:
            at = row * columns + left + thread
            inside = left + thread < columns
            total = cover[at] if inside else np.int32(0)
            half = 0
            sums[thread] = total
            cuda.syncthreads()
            reach = 1
            while reach < THREADS:
                if thread >= reach:
                    total = np.int32(total + sums[half + thread - reach])
                half = THREADS - half
                sums[half + thread] = total
                cuda.syncthreads()
                reach *= 2
            if inside:
                cover[at] = covered_once(np.int32(before + total))
            before = np.int32(before + sums[half + THREADS - 1])
            left += THREADS
            cuda.syncthreads()
        row += cuda.gridDim.x


def order_cells(cover: Any, order: Any, cells: int) -> None:
    """What is visible of covers, where planes in ``order`` hide what comes after them; a thread takes a cell."""
    for i in range(cuda.grid(1), cells, cuda.gridsize(1)):
        left = ONE
        for k in range(order.size):
            at = order[k] * cells + i
            visible = visible_cover(cover[at], left)
            cover[at] = visible
            left -= visible


def _compiled(function: Callable[..., Any]) -> Any:
    return kernel(function) if function.__name__ in DECLARED else device_function(function)


def _bound() -> dict[str, Any]:
    # All in one scope: the simulator gives its atomic additions to functions that share a kernel's globals.
    mathematics = tuple(name for name in scalar_covers.FUNCTIONS if name != "add_to")
    own = vars(sys.modules[__name__])
    forms = bind(_compiled, (*DEVICE_FUNCTIONS, *mathematics, *DECLARED), scalar_covers, {}, own)
    return {name: forms[own[name]] for name in DECLARED}


KERNEL = _bound()
