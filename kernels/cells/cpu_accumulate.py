"""The CPU driver that accumulates ground cells in pixels, and its loops in plain Python.

Lines of pixels are filled independently of each other. A row of cells is taken a run at a time: how its cells are
divided is found in loops that LLVM vectorises, then their areas are added to pixels one by one. Most cells reach into
two pixels at most, and take two additions; where one of a run reaches farther, it is divided into several such pairs.
Into a pixel, cells come in the order of rows and columns, wherever runs begin and however they are divided.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import ONE
from alignsar_gpu.kernels.driving.threads import in_threads

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
    weighted,
)

RUN = 256  # cells at a time: what is kept of them from one loop to the next stays in the first cache
PAIRS = 2 * RUN  # of pixels, where cells reach far
PAD = 2  # pixels before and after a line, for what is not in it
NOT_BEGUN = -(1 << 40)  # instead of the pixel at which a cell is to be continued
NOWHERE = np.int32(1 << 30)

PARTS = (  # in the order in which they call each other
    "low_run",
    "high_run",
    "row_reach",
    "weigh_run",
    "share_run",
    "place_run",
    "any_far",
    "first_part_run",
    "second_part_run",
    "any_of",
    "divide_run",
    "copy_run",
    "read_run",
    "take_run",
    "add_areas",
    "add_values",
    "add_classes",
    "accumulate_near",
    "accumulate_far",
    "accumulate_run",
    "accumulate_row",
    "add_line",
    "accumulate_line",
)
INLINED = (
    "read_run",
    "accumulate_near",
    "accumulate_far",
    "accumulate_run",
    "accumulate_row",
    "accumulate_line",
    "row_reach",
)
LOOPS = ("find_columns", "reach_rows", "accumulate_lines")
DRIVERS = ("accumulate_cells",)


def find_columns(first: int, stop: int, start: Any, width: Any, wholes: Any, fractions: Any) -> None:
    """Where the left sides of columns of cells are: whole samples and the rest."""
    for j in range(first, stop):
        left = start + j * width
        whole = math.floor(left)
        wholes[j] = whole
        fractions[j] = left - whole


def low_run(upper: Any, lower: Any, size: Any, row: Any, out: Any) -> None:
    """First lines that cells between two rows of corners are seen at; NOWHERE without ground."""
    for j in range(out.size):
        corners, whole = from_whole(upper[j], upper[j + 1], lower[j], lower[j + 1])
        line = nearest_whole(line_reach(corners, size, row)[0]) + whole
        out[j] = np.int32(line) if abs(line) <= FARTHEST_PIXEL else NOWHERE


def high_run(upper: Any, lower: Any, size: Any, row: Any, out: Any) -> None:
    """Last lines of the same."""
    for j in range(out.size):
        corners, whole = from_whole(upper[j], upper[j + 1], lower[j], lower[j + 1])
        line = nearest_whole(line_reach(corners, size, row)[1]) + whole
        out[j] = np.int32(line) if abs(line) <= FARTHEST_PIXEL else -NOWHERE


def row_reach(row: Any, size: Any, upper: Any, lower: Any, reach: Any) -> None:
    """First and last line that a row of cells is seen at."""
    low = NOWHERE
    high = -NOWHERE
    begin = math.floor(row)
    lines = np.empty(RUN, np.int32)
    for a in range(0, upper.size - 1, RUN):
        b = min(a + RUN, upper.size - 1)
        above, below = upper[a : b + 1], lower[a : b + 1]
        low_run(above, below, np.float32(size), np.float32(row - begin), lines[: b - a])
        for j in range(b - a):
            low = min(low, lines[j])
        high_run(above, below, np.float32(size), np.float32(row - begin), lines[: b - a])
        for j in range(b - a):
            high = max(high, lines[j])
    reach[0] = begin + low
    reach[1] = begin + high


def weigh_run(
    line: Any, row: Any, size: Any, downs: Any, acrosses: Any, area: Any, value: Any, out: Any
) -> None:
    """Areas of what cells have in a line, which counts from where ``row`` does."""
    upper, lower = downs
    above, below = acrosses
    for j in range(out.size):
        corners, whole = from_whole(upper[j], upper[j + 1], lower[j], lower[j + 1])
        low, high = line_reach(corners, size, row)
        sides = (above[j], above[j + 1], below[j], below[j + 1])
        out[j] = cell_area(line_share(low, high, line - whole), area[j], corners, sides, value[j])


def share_run(upper: Any, lower: Any, width: Any, column: Any, out: Any) -> None:
    """Shares of cells that lie in their first pixels."""
    for j in range(out.size):
        corners, _ = from_whole(upper[j], upper[j + 1], lower[j], lower[j + 1])
        span = sample_span(corners, width, column[j])
        reach = pixel_reach(span)
        out[j] = share_through(reach[0], reach, span)


def place_run(upper: Any, lower: Any, width: Any, column: Any, whole: Any, samples: Any, out: Any) -> None:
    """First pixels of cells, counted from PAD before the line; what is farther out counts as there."""
    for j in range(out.size):
        corners, near = from_whole(upper[j], upper[j + 1], lower[j], lower[j + 1])
        first = pixel_reach(sample_span(corners, width, column[j]))[0]
        shift = np.int32(min(max(first + near, -FARTHEST_PIXEL), FARTHEST_PIXEL))
        out[j] = min(max(whole[j] + shift, -PAD), samples) + PAD


def any_far(upper: Any, lower: Any, width: Any, column: Any, weight: Any) -> bool:
    """Whether one of the cells reaches into more than two pixels."""
    count = 0
    for j in range(weight.size):
        corners, _ = from_whole(upper[j], upper[j + 1], lower[j], lower[j + 1])
        first, last = pixel_reach(sample_span(corners, width, column[j]))
        count += (last - first > ONE) & (weight[j] > 0.0)
    return count > 0


def first_part_run(weight: Any, share: Any, out: Any) -> None:
    """Areas in first pixels."""
    for j in range(out.size):
        out[j] = weight[j] * np.float64(share[j])


def second_part_run(weight: Any, share: Any, out: Any) -> None:
    """Areas in the pixels after these."""
    for j in range(out.size):
        out[j] = weight[j] * (1.0 - np.float64(share[j]))


def copy_run(values: Any, out: Any) -> None:
    """Numbers as float64."""
    for j in range(out.size):
        out[j] = values[j]


def any_of(values: Any) -> bool:
    """Whether one is not zero."""
    count = 0
    for j in range(values.size):
        count += values[j] != 0
    return count > 0


def divide_run(
    upper: Any, lower: Any, width: Any, columns: Any, samples: int, near: Any, state: Any, pairs: Any
) -> Any:
    """Pairs of pixels of cells, some of which reach far, until there is no room left.

    ``near``: areas of cells, then places and areas of pairs for those that do not reach far; ``state``: the cell to
    begin with, and its pixel; ``pairs``: cells, places, areas. Returned is their number, and the state then.
    """
    weight, place, one, other = near
    cells, places, first, second = pairs
    j, pixel = state
    count = 0
    while j < weight.size and count < cells.size:
        corners, whole = from_whole(upper[j], upper[j + 1], lower[j], lower[j + 1])
        span = sample_span(corners, width, columns[1][j])
        reach = pixel_reach(span)
        if weight[j] > 0.0 and reach[1] - reach[0] > ONE:
            begin = int(columns[0][j]) + int(whole)
            pixel = max(pixel, int(reach[0]), -begin - 1)
            end = min(int(reach[1]), samples - 1 - begin)
            while pixel <= end and count < cells.size:
                before = np.float64(share_through(np.float32(pixel - 1), reach, span))
                between = np.float64(share_through(np.float32(pixel), reach, span))
                after = np.float64(share_through(np.float32(pixel + 1), reach, span))
                cells[count] = j
                places[count] = begin + pixel + PAD
                first[count] = weight[j] * (between - before)
                second[count] = weight[j] * (after - between)
                count += 1
                pixel += 2
            if pixel <= end:
                break
        elif weight[j] > 0.0:
            cells[count] = j
            places[count] = place[j]
            first[count] = one[j]
            second[count] = other[j]
            count += 1
        j += 1
        pixel = NOT_BEGUN
    return count, (j, pixel)


def read_run(planes: Any, plane: int, cells: Any, out: Any) -> None:
    """Values of a run of cells (row, first, after the last) of a plane, or numbers of classes, as float64.

    ``planes``: float32, int32 and uint8, of which one kind is there: what comes of them is compiled once.
    """
    floats, wholes, numbers = planes
    i, a, b = cells
    if floats.size > 0:
        copy_run(floats[plane, i, a:b], out)
    elif wholes.size > 0:
        copy_run(wholes[plane, i, a:b], out)
    else:
        copy_run(numbers[plane, i, a:b], out)


def take_run(values: Any, cells: Any, out: Any) -> None:
    """Values of some of the cells."""
    for e in range(out.size):
        out[e] = values[cells[e]]


def add_areas(place: Any, one: Any, other: Any, sums: Any) -> None:
    """Add areas to pairs of pixels."""
    for e in range(place.size):
        at = np.uint32(place[e])
        sums[at] += one[e]
        sums[at + np.uint32(1)] += other[e]


def add_values(place: Any, one: Any, other: Any, value: Any, sums: Any) -> None:
    """Add areas times values to pairs of pixels."""
    for e in range(place.size):
        if value[e] != 0:
            at = np.uint32(place[e])
            sums[at] += weighted(one[e], value[e])
            sums[at + np.uint32(1)] += weighted(other[e], value[e])


def add_classes(place: Any, one: Any, other: Any, number: Any, sums: Any) -> None:
    """Add areas to pairs of pixels, of the classes of the cells; there is one less than planes."""
    for e in range(place.size):
        if number[e] < sums.shape[0] - 1:
            k = int(number[e])
            at = np.uint32(place[e])
            sums[k, at] += one[e]
            sums[k, at + np.uint32(1)] += other[e]


def accumulate_near(
    place: Any, one: Any, other: Any, planes: Any, cells: Any, classes: Any, value: Any, sums: Any
) -> None:
    """Add a run of cells (row, first, after the last) to a line, each to a pair of pixels; ``value``: of plane 0."""
    last = sums.shape[0] - 1
    add_areas(place, one, other, sums[last])
    if classes:
        add_classes(place, one, other, value, sums)
    else:
        for plane in range(last):
            if plane > 0:
                read_run(planes, plane, cells, value)
            if any_of(value):
                add_values(place, one, other, value, sums[plane])


def accumulate_far(
    upper: Any,
    lower: Any,
    width: Any,
    columns: Any,
    near: Any,
    planes: Any,
    cells: Any,
    classes: Any,
    value: Any,
    sums: Any,
) -> None:
    """Add a run of cells to a line, some of them to more than two pixels."""
    pairs = (np.empty(PAIRS, np.int32), np.empty(PAIRS, np.int32), np.empty(PAIRS), np.empty(PAIRS))
    taken = np.empty(PAIRS)
    samples = sums.shape[1] - 2 * PAD
    last = sums.shape[0] - 1
    j: Any = np.int64(0)  # typed: the function would be compiled once more for a literal
    pixel: Any = np.int64(NOT_BEGUN)
    while j < value.size:
        count, (j, pixel) = divide_run(upper, lower, width, columns, samples, near, (j, pixel), pairs)
        place, one, other = pairs[1][:count], pairs[2][:count], pairs[3][:count]
        add_areas(place, one, other, sums[last])
        for plane in range(1 if classes else last):
            if last > 1 and not classes:
                read_run(planes, plane, cells, value)
            take_run(value, pairs[0], taken[:count])
            if classes:
                add_classes(place, one, other, taken[:count], sums)
            elif any_of(taken[:count]):
                add_values(place, one, other, taken[:count], sums[plane])


def accumulate_run(
    across: Any,
    width: Any,
    columns: Any,
    weight: Any,
    planes: Any,
    cells: Any,
    classes: Any,
    value: Any,
    room: Any,
    sums: Any,
) -> None:
    """Add a run of cells (row, first, after the last) to a line of pixels."""
    i, a, b = cells
    share, place, one, other = room[0][: b - a], room[1][: b - a], room[2][: b - a], room[3][: b - a]
    upper, lower = across[i, a : b + 1], across[i + 1, a : b + 1]
    whole, column = columns[0][a:b], columns[1][a:b]
    share_run(upper, lower, width, column, share)
    place_run(upper, lower, width, column, whole, sums.shape[1] - 2 * PAD, place)
    first_part_run(weight, share, one)
    second_part_run(weight, share, other)
    if any_far(upper, lower, width, column, weight):
        near = (weight, place, one, other)
        accumulate_far(upper, lower, width, (whole, column), near, planes, cells, classes, value, sums)
    else:
        accumulate_near(place, one, other, planes, cells, classes, value, sums)


def accumulate_row(
    line: int,
    row: Any,
    i: int,
    cell: Any,
    down: Any,
    across: Any,
    columns: Any,
    area: Any,
    planes: Any,
    classes: Any,
    room: Any,
    sums: Any,
) -> None:
    """Accumulate row ``i`` of cells, whose upper side is at ``row`` on the chart, in a line of pixels."""
    begin = math.floor(row)
    for a in range(0, area.shape[1], RUN):
        b = min(a + RUN, area.shape[1])
        weight = room[0][: b - a]
        value = room[1][: b - a]
        read_run(planes, 0, (i, a, b), value)
        weigh_run(
            np.float32(line - begin),
            np.float32(row - begin),
            np.float32(cell[0]),
            (down[i, a : b + 1], down[i + 1, a : b + 1]),
            (across[i, a : b + 1], across[i + 1, a : b + 1]),
            area[i, a:b],
            value,
            weight,
        )
        if any_of(weight):
            width = np.float32(cell[1])
            cells = (i, a, b)
            accumulate_run(across, width, columns, weight, planes, cells, classes, value, room[2:], sums)


def add_line(row: Any, sums: Any) -> None:
    """Add a row, PAD longer at both ends, to a line of pixels."""
    for s in range(sums.size):
        sums[s] += row[s + PAD]


def accumulate_line(
    line: int,
    reaches: Any,
    chart: Any,
    cell: Any,
    down: Any,
    across: Any,
    columns: Any,
    area: Any,
    planes: Any,
    classes: Any,
    sums: Any,
) -> None:
    """Accumulate all rows of cells that reach into a line of pixels into sums [plane, line, sample]."""
    room = (
        np.empty(RUN),
        np.empty(RUN),
        np.empty(RUN, np.float32),
        np.empty(RUN, np.int32),
        np.empty(RUN),
        np.empty(RUN),
    )
    own = np.zeros((sums.shape[0], sums.shape[2] + 2 * PAD))
    for i in range(area.shape[0]):
        if reaches[i, 0] <= line <= reaches[i, 1]:
            row = chart[0] + i * cell[0]
            accumulate_row(line, row, i, cell, down, across, columns, area, planes, classes, room, own)
    for plane in range(sums.shape[0]):
        add_line(own[plane], sums[plane, line])


def reach_rows(first: int, stop: int, chart: Any, cell: Any, down: Any, reaches: Any) -> None:
    """First and last line that rows of cells are seen at, into reaches [row, 2]."""
    for i in range(first, stop):
        row_reach(chart[0] + i * cell[0], cell[0], down[i], down[i + 1], reaches[i])


def accumulate_lines(
    first: int,
    stop: int,
    reaches: Any,
    chart: Any,
    cell: Any,
    down: Any,
    across: Any,
    columns: Any,
    area: Any,
    planes: Any,
    classes: Any,
    sums: Any,
) -> None:
    """`accumulate_line` over lines of pixels."""
    for line in range(first, stop):
        accumulate_line(line, reaches, chart, cell, down, across, columns, area, planes, classes, sums)


def accumulate_cells(
    chart: Any, cell: Any, down: Any, across: Any, area: Any, planes: Any, classes: Any, sums: Any
) -> None:
    """Accumulate cells [row, column] into the pixels of sums [plane, line, sample], each with its area.

    ``chart``: line and sample of the first corner, counted from the first pixel. Into the last plane of ``sums``
    goes the area, into the others the area times ``planes`` [plane, row, column], or, where these are numbers of
    ``classes``, into that of its class. Cells whose first plane is not finite are left out.
    """
    columns = (np.empty(area.shape[1], np.int32), np.empty(area.shape[1], np.float32))
    in_threads(find_columns, len(columns[0]), chart[1], cell[1], *columns)
    reaches = np.empty((len(area), 2), np.int64)
    in_threads(reach_rows, len(area), chart, cell, down, reaches)
    kinds = tuple(
        planes if planes.dtype == kind else np.empty((0, 0, 0), kind)
        for kind in (np.float32, np.int32, np.uint8)
    )
    given = (reaches, chart, cell, down, across, columns, area, kinds, classes)
    in_threads(accumulate_lines, sums.shape[1], *given, sums)
