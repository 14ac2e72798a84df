"""What a ring on the ground has of each pixel: the mathematics of a cell, see :mod:`driving.mathematics`.

Areas are whole steps: what is added has the same bits in any order.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import ONE

from .scalar import (
    FARTHEST_PIXEL,
    cell_area,
    from_whole,
    line_reach,
    line_share,
    nearest_whole,
    pixel_reach,
    sample_span,
    share_through,
)
from .scalar_covers import add_to

FUNCTIONS = (  # in the order in which they call each other
    "sides",
    "cell_lines",
    "cell_pixels",
    "is_seen",
    "nearest_step",
    "spread_cell",
)
INLINED = ()


def sides(displaced: Any, at: Any, stride: Any) -> Any:
    """Displacements of the corners of a cell, its upper ones first; ``at``: number of the first."""
    below = at + stride
    one = np.uint64(1)
    return displaced[at], displaced[at + one], displaced[below], displaced[below + one]


def cell_lines(displaced: Any, height: Any, row: Any, begin: Any, lines: int) -> Any:
    """A cell's reach along lines and what it counts from, and the first and the last of so many that it reaches into.

    ``row``: the upper side of the cell on the chart, ``begin``: the whole line before it.
    """
    corners, whole = from_whole(displaced[0], displaced[1], displaced[2], displaced[3])
    low, high = line_reach(corners, height, np.float32(row - begin))
    first = nearest_whole(low) + whole
    last = nearest_whole(high) + whole
    if abs(first) <= FARTHEST_PIXEL and abs(last) <= FARTHEST_PIXEL:
        return low, high, whole, max(begin + np.int64(first), 0), min(begin + np.int64(last), lines - 1)
    return low, high, whole, np.int64(0), np.int64(-1)


def cell_pixels(displaced: Any, width: Any, left: Any, samples: int) -> Any:
    """A cell's span along samples, its reach, the sample that both count from, and what it reaches of so many.

    ``left``: the left side of the cell on the chart.
    """
    column = np.int64(math.floor(left))
    corners, whole = from_whole(displaced[0], displaced[1], displaced[2], displaced[3])
    span = sample_span(corners, width, np.float32(left - column))
    reach = pixel_reach(span)
    origin = column + np.int64(min(max(whole, -FARTHEST_PIXEL), FARTHEST_PIXEL))
    first = max(np.int64(reach[0]), -origin)
    return span, reach, origin, first, min(np.int64(reach[1]), samples - 1 - origin)


def is_seen(down: Any, across: Any) -> Any:
    """Whether a corner of cells, displaced by lines and samples, is on ground that is seen at some pixel."""
    return (abs(down) <= FARTHEST_PIXEL) & (abs(across) <= FARTHEST_PIXEL)


def nearest_step(value: Any) -> Any:
    """The whole number of steps next to a positive float64."""
    return np.int64(math.floor(value + 0.5))


def spread_cell(
    cover: Any,
    place: Any,
    cell: Any,
    down: Any,
    across: Any,
    area: Any,
    columns: Any,
    window: Any,
    scale: Any,
    areas: Any,
) -> None:
    """Add the area of the covered part of a cell to the pixels that show it, in ``scale`` steps for a cover of 1.

    ``place``: its row and column, and the line and sample of its first corner on the chart; ``down``, ``across`` and
    ``area`` flat, of so many ``columns`` of cells; ``window``: lines and samples, from one on and before another, and
    the number in ``areas`` of the first of these pixels.
    """
    i, j, row, left = place
    at = np.uint64(i * columns + j)
    corner = at + np.uint64(i)
    stride = np.uint64(columns + 1)
    displaced = sides(across, corner, stride)
    upper = sides(down, corner, stride)
    whole_area = cell_area(1.0, area[at], upper, displaced, ONE)
    if whole_area > 0.0:
        begin = np.int64(math.floor(row))
        low, high, whole, top, bottom = cell_lines(upper, np.float32(cell[0]), row, begin, window[1])
        span, reach, origin, first, last = cell_pixels(displaced, np.float32(cell[1]), left, window[3])
        first = max(first, window[2] - origin)
        steps = abs(cover) * (scale * whole_area)
        for n in range(max(top, window[0]), bottom + 1):
            weight = line_share(low, high, np.float32(n - begin) - whole) * steps
            start = window[4] + (n - window[0]) * (window[3] - window[2]) + origin - window[2]
            pixel = first
            before = share_through(np.float32(first - 1), reach, span)
            while pixel <= last and before < ONE:
                after = share_through(np.float32(pixel), reach, span)
                amount = nearest_step(weight * (np.float64(after) - np.float64(before)))
                if amount != 0:
                    add_to(areas, start + pixel, amount if cover > 0 else -amount)
                before = after
                pixel += 1
