"""The ground in cells, and its way into the pixels of a radar grid, as plain Python functions of scalars.

A chart is the ground by the line and sample where it would be seen at one height. Its cells, some to a pixel, are
accumulated, each with its area, where the antenna sees them at the terrain's height. As in :mod:`driving.mathematics`.

Lines and samples are float32 once whole pixels are taken off. Shares of a cell are float32 too, but subtracted as
float64, which is exact: however a cell is divided among pixels, these have all of it and no more.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import ONE, ROUND_FLOAT32, ZERO
from alignsar_gpu.kernels.gathering.scalar import (
    HAIR,
    first_of_four,
    fraction,
    height_of_three,
    is_data,
    is_inside,
    within,
)

FUNCTIONS = (  # in the order in which they call each other
    "blended",
    "node_of",
    "at_side",
    "at_node",
    "post_height",
    "displacement",
    "moved_by",
    "nearest_whole",
    "from_whole",
    "line_reach",
    "line_share",
    "cell_area",
    "sample_span",
    "pixel_reach",
    "share_below",
    "share_through",
    "weighted",
)
INLINED = FUNCTIONS

ROW, COLUMN, LINE_SLOPE, LINE_BEND, SAMPLE_SLOPE, SAMPLE_BEND = range(6)  # the planes of a chart's lattice
QUANTITIES = 6
QUARTER = np.float32(0.25)
HALF = np.float32(0.5)
EIGHT = np.float32(8.0)
THINNEST = np.float32(1e-15)  # cells: where there is nothing to divide by, what comes out is not taken
FARTHEST_PIXEL = np.float32(1e9)


def blended(a: Any, b: Any, share: Any) -> Any:
    """Between a and b."""
    return a + (b - a) * share


def node_of(place: Any, step: int) -> Any:
    """The node of a lattice before a place, counted in cells, and the share of the way to the next."""
    node = int(place) // step
    return node, (place - node * step) / step


def at_side(lattice: Any, plane: int, node: int, share: Any, column: int) -> Any:
    """A plane of a lattice between two of its nodes, ``share`` of the way down."""
    return blended(lattice[plane, node, column], lattice[plane, node + 1, column], share)


def at_node(lattice: Any, plane: int, down: Any, across: Any) -> Any:
    """A plane of a lattice between four of its nodes; ``down`` and ``across``: node and share of the way."""
    left = at_side(lattice, plane, down[0], down[1], across[0])
    right = at_side(lattice, plane, down[0], down[1], across[0] + 1)
    return blended(left, right, across[1])


def post_height(posts: Any, shape: Any, row: Any, column: Any) -> Any:
    """Height between a DEM's posts, flat, on triangles as `geometry.dem.Dem.height_at`; NaN outside and in holes."""
    inside = is_inside(row, column, shape, HAIR)
    a = first_of_four(row, column, shape, inside)
    c = a + shape[1]
    v = fraction(within(row, shape[0], inside), shape[0])
    u = fraction(within(column, shape[1], inside), shape[1])
    return height_of_three(posts[a], posts[a + 1], posts[c], posts[c + 1], v, u, inside)


def displacement(height: Any, slope: Any, bend: Any) -> Any:
    """How far ground is seen from its place on the chart, for its height above the chart's."""
    return height * (np.float32(slope) + np.float32(bend) * height)


def moved_by(shifts: Any, axis: Any, line: Any, sample: Any, nodes: Any) -> Any:
    """What annotated coordinates are off at a pixel: of the nearest line, linear in samples; held at the ends.

    ``nodes``: line and sample of the first of ``shifts``, and samples from one to the next.
    """
    last = shifts.shape[1] - 1.0
    n = int(min(max(line - nodes[0] + 0.5, 0.0), last))
    place = min(max((sample - nodes[1]) / nodes[2], 0.0), shifts.shape[2] - 1.0)
    c = min(int(place), shifts.shape[2] - 2)
    return blended(shifts[axis, n, c], shifts[axis, n, c + 1], np.float32(place - c))


def nearest_whole(x: Any) -> Any:
    """The whole number next to a float32."""
    return (x + ROUND_FLOAT32) - ROUND_FLOAT32


def from_whole(a: Any, b: Any, c: Any, d: Any) -> Any:
    """Displacements of the corners of a cell, its upper ones first, counted from a whole number; and that."""
    whole = nearest_whole(a)
    return (a - whole, b - whole, c - whole, d - whole), whole


def line_reach(corners: Any, size: Any, row: Any) -> Any:
    """Where a cell begins and ends along lines, by its mean sides; ``row``: the upper one's on the chart."""
    upper = row + HALF * (corners[0] + corners[1])
    lower = row + size + HALF * (corners[2] + corners[3])
    return min(upper, lower), max(upper, lower)


def line_share(low: Any, high: Any, line: Any) -> Any:
    """Share, float64, of a cell between two lines that lies in the pixels of a line; none without ground."""
    first = nearest_whole(low)
    last = nearest_whole(high)
    size = max(high - low, THINNEST)
    before = ZERO if line <= first else (line - HALF - low) / size
    after = ONE if line >= last else (line + HALF - low) / size
    return np.float64(after) - np.float64(before) if (line >= first) & (line <= last) else 0.0


def cell_area(share: Any, area: Any, down: Any, across: Any, value: Any) -> Any:
    """Area of a share of a cell, float64; none without ground or where it has no value.

    ``down``, ``across``: displacements of its corners along lines and samples.
    """
    weight = share * np.float64(area)
    seen = (down[0] + down[1] + down[2] + down[3]) + (across[0] + across[1] + across[2] + across[3])
    known = is_data(seen) & is_data(value)
    return weight if known & (weight > 0.0) else 0.0


def sample_span(corners: Any, width: Any, column: Any) -> Any:
    """Middle of a cell along samples and half its extents, the larger one first; ``column``: its left side."""
    a, b, c, d = corners
    middle = column + (QUARTER * ((a + b) + (c + d)) + HALF * width)
    across = abs(QUARTER * ((b - a) + (d - c)) + HALF * width)
    down = abs(QUARTER * ((c - a) + (d - b)))
    return middle, max(across, down), min(across, down)


def pixel_reach(span: Any) -> Any:
    """First and last pixel that a cell reaches into."""
    middle, wide, narrow = span
    first = nearest_whole(middle - (wide + narrow))
    last = nearest_whole(middle + (wide + narrow))
    return max(first, -FARTHEST_PIXEL), min(last, FARTHEST_PIXEL)


def share_below(t: Any, wide: Any, narrow: Any) -> Any:
    """Share of a parallelogram before t, from its middle; half its extents along the axis are wide and narrow."""
    x = abs(t)
    rest = max(wide + narrow - x, ZERO)
    steep = HALF - x * HALF / max(wide, THINNEST)
    bent = rest * rest / (EIGHT * max(wide, THINNEST) * max(narrow, THINNEST))
    beyond = steep if x <= wide - narrow else min(bent, HALF)
    return beyond if t < ZERO else ONE - beyond


def share_through(pixel: Any, reach: Any, span: Any) -> Any:
    """Share of a cell that lies in the pixels up to one, and in this."""
    share = share_below(pixel + HALF - span[0], span[1], span[2])
    if pixel < reach[0]:
        share = ZERO
    return ONE if pixel >= reach[1] else share


def weighted(area: Any, value: Any) -> Any:
    """Area times value; of no area none, even if the value is not finite."""
    return area * value if area != 0.0 else 0.0
