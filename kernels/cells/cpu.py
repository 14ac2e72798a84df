"""The CPU drivers of :mod:`.scalar`: loops in plain Python, compiled by :mod:`driving.cpujit`.

Corners are taken a run at a time, between two nodes of the lattice, in loops that LLVM vectorises; heights are looked
up one by one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.threads import in_threads
from alignsar_gpu.kernels.gathering.cpu import locate_run, pick_four, triangle_run
from alignsar_gpu.kernels.gathering.scalar import HAIR, is_data

from .scalar import COLUMN, LINE_SLOPE, ROW, SAMPLE_SLOPE, at_side, blended, displacement, moved_by, node_of

RUN = 256  # corners at a time: what is kept of them from one loop to the next stays in the first cache

PARTS = (  # in the order in which they call each other
    "run_end",
    "part_run",
    "blend_run",
    "displacement_run",
    "shift_run",
    "displace_run",
    "displace_row",
    "lattice_row",
)
INLINED = ("displace_row", "displace_run", "lattice_row")
LOOPS = ("displace_rows", "lattice_rows")
DRIVERS = ("displace_cells", "lattice_cells")


def run_end(place: int, step: int, left: int) -> int:
    """How many of the places that are left are before the next node, RUN at most."""
    return min((place // step + 1) * step - place, left, RUN)


def part_run(first: Any, step: int, part: Any) -> None:
    """Share of the way from a node to the next, of places from ``first`` on, counted from the node."""
    for j in range(part.size):
        part[j] = (first + j) / step


def blend_run(left: Any, right: Any, origin: Any, part: Any, out: Any) -> None:
    """A quantity between two columns of nodes, from an origin."""
    for j in range(out.size):
        out[j] = blended(left, right, part[j]) - origin


def displacement_run(height: Any, slope: Any, bend: Any, part: Any, out: Any) -> None:
    """Displacements along one axis; ``slope`` and ``bend`` of the columns of nodes on both sides."""
    for j in range(out.size):
        out[j] = displacement(
            height[j], blended(slope[0], slope[1], part[j]), blended(bend[0], bend[1], part[j])
        )


def shift_run(shifts: Any, line: Any, sample: Any, width: Any, nodes: Any, down: Any, across: Any) -> None:
    """Take off what annotated coordinates are off, from a line and sample of the chart on."""
    for j in range(down.size):
        if is_data(down[j] + across[j]):
            seen = (line + down[j], sample + j * width + across[j])
            down[j] -= moved_by(shifts, np.int64(0), seen[0], seen[1], nodes)
            across[j] -= moved_by(shifts, np.int64(1), seen[0], seen[1], nodes)


def displace_run(
    lattice: Any, place: Any, posts: Any, shape: Any, origin: Any, room: Any, down: Any, across: Any
) -> None:
    """Displacements of corners, float32, up to the next node; NaN without ground.

    ``place``: node and share of the way down, then column of nodes and share of the first corner, from there.
    """
    node, share, column, first, step = place
    part, position, found, four, height = room
    count = down.size
    part_run(np.float64(first), step, part[:count])
    for plane in range(ROW, COLUMN + 1):
        left = at_side(lattice, plane, node, share, column)
        right = at_side(lattice, plane, node, share, column + 1)
        blend_run(left, right, origin[plane - ROW], part[:count], position[plane - ROW, :count])
    locate_run(position[0, :count], position[1, :count], shape, HAIR, found)
    pick_four(posts, shape, found[1], np.int64(0), np.int64(1), four, count)
    triangle_run(four, found, height[:count])
    for plane in (LINE_SLOPE, SAMPLE_SLOPE):
        slope = (
            at_side(lattice, plane, node, share, column),
            at_side(lattice, plane, node, share, column + 1),
        )
        bend = (
            at_side(lattice, plane + 1, node, share, column),
            at_side(lattice, plane + 1, node, share, column + 1),
        )
        out = down if plane == LINE_SLOPE else across
        displacement_run(height, slope, bend, part, out)


def displace_row(
    lattice: Any,
    row: int,
    start: int,
    steps: Any,
    posts: Any,
    shape: Any,
    origin: Any,
    chart: Any,
    width: Any,
    shifts: Any,
    nodes: Any,
    down: Any,
    across: Any,
) -> None:
    """Displacements of a row of corners, which are counted from the first node of the lattice."""
    node, share = node_of(np.float64(row), steps[0])
    found = (np.empty(RUN, np.bool_), np.empty(RUN, np.int64), np.empty((2, RUN), np.float32))
    room = (
        np.empty(RUN),
        np.empty((2, RUN)),
        found,
        np.empty((4, RUN), np.float32),
        np.empty(RUN, np.float32),
    )
    a = 0
    while a < down.size:
        b = a + run_end(start + a, steps[1], down.size - a)
        column = (start + a) // steps[1]
        place = (node, share, column, start + a - column * steps[1], steps[1])
        displace_run(lattice, place, posts, shape, origin, room, down[a:b], across[a:b])
        if shifts.size > 0:
            shift_run(shifts, chart[0], chart[1] + a * width, width, nodes, down[a:b], across[a:b])
        a = b


def displace_rows(
    first: int,
    stop: int,
    lattice: Any,
    start: Any,
    steps: Any,
    posts: Any,
    shape: Any,
    origin: Any,
    chart: Any,
    cell: Any,
    shifts: Any,
    nodes: Any,
    down: Any,
    across: Any,
) -> None:
    """`displace_row` over rows of corners."""
    for i in range(first, stop):
        displace_row(
            lattice,
            start[0] + i,
            start[1],
            steps,
            posts,
            shape,
            origin,
            (chart[0] + i * cell[0], chart[1]),
            cell[1],
            shifts,
            nodes,
            down[i],
            across[i],
        )


def lattice_row(lattice: Any, row: int, start: int, steps: Any, values: Any) -> None:
    """All planes of a lattice at the middles of a row of cells, into values [plane, column]."""
    node, share = node_of(row + 0.5, steps[0])
    count = values.shape[1]
    part = np.empty(RUN)
    a = 0
    while a < count:
        b = a + run_end(start + a, steps[1], count - a)
        column = (start + a) // steps[1]
        part_run(start + a + 0.5 - column * steps[1], steps[1], part[: b - a])
        for plane in range(values.shape[0]):
            left = at_side(lattice, plane, node, share, column)
            right = at_side(lattice, plane, node, share, column + 1)
            blend_run(left, right, 0.0, part, values[plane, a:b])
        a = b


def lattice_rows(first: int, stop: int, lattice: Any, start: Any, steps: Any, values: Any) -> None:
    """`lattice_row` over rows of cells."""
    for i in range(first, stop):
        lattice_row(lattice, start[0] + i, start[1], steps, values[i])


def displace_cells(
    lattice: Any,
    start: Any,
    steps: Any,
    posts: Any,
    shape: Any,
    origin: Any,
    chart: Any,
    cell: Any,
    shifts: Any,
    nodes: Any,
    down: Any,
    across: Any,
) -> None:
    """Where the corners of cells [row, column] are seen, less where the chart has them.

    ``start``: row and column of the first corner, counted in cells from the lattice's first node; ``steps``: cells
    from a node to the next; ``posts``: flat, of a ``shape``; ``chart``: line and sample of the first corner;
    ``cell``: lines and samples of a cell.
    """
    given = (lattice, start, steps, posts, shape, origin, chart, cell, shifts, nodes)
    in_threads(displace_rows, len(down), *given, down, across)


def lattice_cells(lattice: Any, start: Any, steps: Any, values: Any) -> None:
    """A lattice at the middles of cells, into values [row, plane, column]; as `displace_cells`."""
    in_threads(lattice_rows, len(values), lattice, start, steps, values)
