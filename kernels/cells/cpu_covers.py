"""The CPU drivers of :mod:`.scalar_covers`: loops in plain Python, compiled by :mod:`driving.cpujit`.

Rows of cells are covered independently of each other; what is added are integers, in any order.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.threads import in_threads

from .scalar_covers import ONE, cover_edge, covered_once, visible_cover

BAND = 16  # rows of cells that are covered together by one thread

PARTS = ("cover_band", "sum_row", "fill_row", "order_row")
INLINED = ("cover_band",)
LOOPS = ("cover_bands", "resolve_rows")
DRIVERS = ("cover_cells", "resolve_overlaps")


def cover_band(x: Any, y: Any, rings: Any, extents: Any, band: Any, shape: Any, deltas: Any) -> None:
    """Add all rings that reach into a band of rows, from one on and before another."""
    rows, columns = shape
    for ring in range(rings.shape[0]):
        if extents[ring, 0] < band[1] and extents[ring, 1] > band[0]:
            first = rings[ring, 2] * rows * columns
            for k in range(rings[ring, 0], rings[ring, 1] - 1):
                edge = (x[k], y[k], x[k + 1], y[k + 1])
                cover_edge(edge, rings[ring, 3], band, deltas, first, columns)


def cover_bands(
    first: int, stop: int, x: Any, y: Any, rings: Any, extents: Any, shape: Any, deltas: Any
) -> None:
    """`cover_band` over bands of rows."""
    for band in range(first, stop):
        top = band * BAND
        cover_band(x, y, rings, extents, (top, min(top + BAND, shape[0])), shape, deltas)


def sum_row(cover: Any) -> None:
    """Sums of the differences in a row of cells, a whole cell at most; of 32 bits, as the differences are."""
    total = np.int32(0)
    for j in range(cover.size):
        total = np.int32(total + cover[j])
        cover[j] = covered_once(total)


def fill_row(left: Any) -> None:
    """All of a row of cells is left."""
    for j in range(left.size):
        left[j] = ONE


def order_row(cover: Any, left: Any) -> None:
    """What is visible of the covers of a row of cells, and what it leaves."""
    for j in range(cover.size):
        visible = visible_cover(cover[j], left[j])
        cover[j] = visible
        left[j] -= visible


def resolve_rows(first: int, stop: int, cover: Any, order: Any) -> None:
    """`sum_row` and `order_row` over the rows of cover [plane, row, column]."""
    left = np.empty(cover.shape[2], np.int32)
    for i in range(first, stop):
        for plane in range(cover.shape[0]):
            sum_row(cover[plane, i])
        if order.size > 0:
            fill_row(left)
            for k in range(order.size):
                order_row(cover[order[k], i], left)


def cover_cells(x: Any, y: Any, rings: Any, extents: Any, shape: Any, deltas: Any) -> None:
    """Add polygons to cells of so many rows and columns: their cover of a cell less that of the cell before.

    ``rings`` [ring, 4]: first vertex, vertex after the last, plane, sign; ``extents`` [ring, 2]: smallest and largest
    y. ``deltas`` are flat: planes of rows.
    """
    in_threads(cover_bands, -(-shape[0] // BAND), x, y, rings, extents, tuple(shape), deltas)


def resolve_overlaps(cover: Any, order: Any) -> None:
    """Differences [plane, row, column] to covers, in place; planes in ``order`` hide what comes after them."""
    in_threads(resolve_rows, cover.shape[1], cover, order)
