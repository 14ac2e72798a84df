"""Polygons over cells, exactly: the mathematics as plain Python functions of scalars, see :mod:`driving.mathematics`.

As rasterisers of fonts do, every edge adds the area to the right of it, signed, as differences between neighbouring
cells, in whole steps of a cell. An edge is walked downwards whichever way it is given, so that what the two polygons
on its sides add cancels to the last bit. No sum is that of a product and something else, unless the product is
exact: where a compiler makes one rounding of the two, the bits are still the same.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

FUNCTIONS = (  # in the order in which they call each other
    "add_to",
    "fixed_point",
    "crossed",
    "within_row",
    "entry",
    "left_part",
    "cover_row",
    "cover_edge",
    "covered_once",
    "visible_cover",
)
INLINED = ()

ONE = 1 << 20  # a whole cell; 2000 polygons may lie upon each other
SCALE = float(ONE)


def add_to(numbers: Any, at: int, amount: int) -> None:
    """Add to one of the numbers; CUDA has its own."""
    numbers[at] += amount


def fixed_point(value: Any) -> Any:
    """A row or a part of a cell in whole steps."""
    return np.int64(math.floor(value * SCALE + 0.5))


def crossed(x: Any, y: Any, x_step: Any, y_step: Any, at: Any) -> Any:
    """y where a line through (x, y) comes to x = at."""
    return y + (at - x) * y_step / x_step


def within_row(x0: Any, y0: Any, x1: Any, y1: Any, row: int) -> Any:
    """The part of an edge, given downwards, in a row of cells: x and y of its left end, then of its right end."""
    xa = x0
    ya = y0
    xb = x1
    yb = y1
    if y0 < row:
        ya = np.float64(row)
        xa = crossed(y0, x0, y1 - y0, x1 - x0, ya)
    if y1 > row + 1:
        yb = np.float64(row + 1)
        xb = crossed(y0, x0, y1 - y0, x1 - x0, yb)
    if xa > xb:
        return xb, yb, xa, ya
    return xa, ya, xb, yb


def entry(xa: Any, ya: Any, xb: Any, yb: Any, column: int) -> Any:
    """y at which a part of an edge enters a column."""
    if xa >= column:
        return ya
    if xb <= column:
        return yb
    y = crossed(xa, ya, xb - xa, yb - ya, np.float64(column))
    return min(max(y, min(ya, yb)), max(ya, yb))


def left_part(xa: Any, xb: Any, column: int, count: Any) -> Any:
    """How much of ``count``, the steps that an edge takes in a cell, lies to the left of it in the cell."""
    left = max(xa, np.float64(column)) - column
    right = min(xb, np.float64(column + 1)) - column
    return np.int64(math.floor((left + right) * count * 0.5 + 0.5))


def cover_row(part: Any, sign: int, deltas: Any, first: int, columns: int) -> None:
    """Add the cover to the right of a part of an edge to a row of cells, whose first is the number ``first``."""
    xa, ya, xb, yb = part
    if not xa < columns:
        return
    here = fixed_point(ya)
    if xa < 0.0:
        there = fixed_point(entry(xa, ya, xb, yb, 0))
        add_to(deltas, first, sign * abs(there - here))
        here = there
        if xb <= 0.0:
            return
    last = np.int64(math.floor(min(xb, np.float64(columns - 1))))
    for column in range(np.int64(math.floor(max(xa, 0.0))), last + 1):
        there = fixed_point(entry(xa, ya, xb, yb, column + 1))
        count = abs(there - here)
        left = left_part(xa, xb, column, count)
        add_to(deltas, first + column, sign * (count - left))
        if column + 1 < columns:
            add_to(deltas, first + column + 1, sign * left)
        here = there


def cover_edge(edge: Any, sign: int, rows: Any, deltas: Any, first: int, columns: int) -> None:
    """Add an edge to rows of cells, from one on and before another; the number ``first`` begins row 0."""
    x0, y0, x1, y1 = edge
    if y0 == y1:
        return
    if y0 > y1:
        x0, y0, x1, y1 = x1, y1, x0, y0
        sign = -sign
    begin = np.int64(math.floor(max(y0, np.float64(rows[0]))))
    end = np.int64(math.ceil(min(y1, np.float64(rows[1]))))
    for row in range(begin, end):
        cover_row(within_row(x0, y0, x1, y1, row), sign, deltas, first + row * columns, columns)


def covered_once(total: Any) -> Any:
    """The cover of a cell: polygons that overlap cover it once."""
    return min(max(total, 0), ONE)


def visible_cover(cover: int, left: int) -> int:
    """What is visible of a cell's cover, where ``left`` of the cell is not yet covered by what lies above it."""
    return min(cover, left)
