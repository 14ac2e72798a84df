"""The CPU drivers of :mod:`.scalar`: loops in plain Python, compiled by :mod:`driving.cpujit`.

As in :mod:`coherence.cpu`, the loops that LLVM vectorises are in functions of their own. Loads from anywhere are not
among them: the pixels around a run of positions are first brought together in a buffer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import NAN
from alignsar_gpu.kernels.driving.threads import in_threads

from .scalar import (
    HAIR,
    HALF_A_PIXEL,
    cubic_or,
    cubic_weights,
    first_of_four,
    fraction,
    has_sixteen,
    height_of_three,
    is_data,
    is_inside,
    mean_of_four,
    nearest_of_four,
    parabola,
    sum_of_four,
    within,
)

RUN = 256  # positions at a time: what is kept of them from one loop to the next stays in the first cache

PARTS = (  # in the order in which they call each other
    "inside_run",
    "is_any",
    "first_run",
    "fraction_run",
    "locate_run",
    "pick_run",
    "steps_of",
    "pick_four",
    "nearest_run",
    "triangle_run",
    "bilinear_run",
    "sixteen_run",
    "weights_run",
    "four_in_row",
    "cubic_run",
    "count_run",
    "choose_run",
    "store_run",
    "parabola_run",
    "nearest_row",
    "triangles_row",
    "bilinear_row",
    "cubic_row",
    "parabolas_row",
)
INLINED = ("nearest_row", "triangles_row", "bilinear_row", "cubic_row", "parabolas_row")
LOOPS = ("nearest_rows", "triangles_rows", "bilinear_rows", "cubic_rows", "parabolas_rows")
DRIVERS = ("gather_nearest", "gather_triangles", "gather_bilinear", "gather_cubic", "spread_parabolas")


def inside_run(row: Any, column: Any, shape: Any, margin: float, inside: Any) -> None:
    """Which of a run of positions are inside."""
    for i in range(row.size):
        inside[i] = is_inside(row[i], column[i], shape, margin)


def is_any(inside: Any, count: int) -> Any:
    """Whether any of a run is inside."""
    found = False
    for i in range(count):
        found |= inside[i]
    return found


def first_run(row: Any, column: Any, shape: Any, inside: Any, first: Any) -> None:
    """The first of the four pixels around each."""
    for i in range(row.size):
        first[i] = first_of_four(row[i], column[i], shape, inside[i])


def fraction_run(position: Any, count: int, inside: Any, out: Any) -> None:
    """How far each is from it, in rows or in columns."""
    for i in range(position.size):
        out[i] = fraction(within(position[i], count, inside[i]), count)


def locate_run(row: Any, column: Any, shape: Any, margin: float, place: Any) -> None:
    """All of these; ``place``: which are inside, the first pixels, both fractions."""
    inside, first, fractions = place
    inside_run(row, column, shape, margin, inside)
    first_run(row, column, shape, inside, first)
    fraction_run(row, shape[0], inside, fractions[0])
    fraction_run(column, shape[1], inside, fractions[1])


def pick_run(image: Any, first: Any, step: int, planes: int, out: Any, count: int) -> None:
    """The numbers ``step`` after those that the pixels of a run begin with."""
    for i in range(count):
        out[i] = image[np.uint64(planes * first[i] + step)]


def steps_of(shape: Any) -> Any:
    """Pixels from one to the next in its column and in its row; 0 where there is but one."""
    return shape[1] if shape[0] > 1 else 0, 1 if shape[1] > 1 else 0


def pick_four(image: Any, shape: Any, first: Any, plane: Any, planes: Any, four: Any, count: int) -> None:
    """The four pixels around each position, of one of so many planes."""
    below, right = steps_of(shape)
    pick_run(image, first, plane, planes, four[0], count)
    pick_run(image, first, plane + planes * right, planes, four[1], count)
    pick_run(image, first, plane + planes * below, planes, four[2], count)
    pick_run(image, first, plane + planes * (below + right), planes, four[3], count)


def nearest_run(image: Any, place: Any, stride: int, nothing: Any, out: Any) -> None:
    """The nearest pixels of a run."""
    inside, first, fractions = place
    down, across = fractions[0], fractions[1]
    for i in range(out.size):
        value = image[np.uint64(first[i] + nearest_of_four(down[i], across[i], stride))]
        out[i] = value if inside[i] else nothing


def triangle_run(four: Any, place: Any, out: Any) -> None:
    """Heights between posts."""
    inside, _, fractions = place
    a, b, c, d = four[0], four[1], four[2], four[3]
    down, across = fractions[0], fractions[1]
    for i in range(out.size):
        out[i] = height_of_three(a[i], b[i], c[i], d[i], down[i], across[i], inside[i])


def bilinear_run(own: Any, other: Any, place: Any, out: Any, count: int) -> None:
    """Means of four pixels."""
    inside, _, fractions = place
    a, b, c, d = own[0], own[1], own[2], own[3]
    p, q, r, s = other[0], other[1], other[2], other[3]
    down, across = fractions[0], fractions[1]
    for i in range(count):
        values = (a[i], b[i], c[i], d[i])
        out[i] = mean_of_four(values, (p[i], q[i], r[i], s[i]), down[i], across[i], inside[i])


def sixteen_run(row: Any, column: Any, shape: Any, place: Any, sixteen: Any, middle: Any) -> None:
    """Where there are sixteen pixels, and the first of the four in their middle; elsewhere one that has them."""
    inside, first, _ = place
    for i in range(row.size):
        sixteen[i] = has_sixteen(row[i], column[i], shape, inside[i])
    for i in range(row.size):
        middle[i] = first[i] if sixteen[i] else shape[1] + 1


def four_in_row(image: Any, first: int, planes: int, weights: Any) -> Any:
    """Weighted sum of four pixels of a row, ``planes`` numbers from one to the next."""
    return sum_of_four(
        image[np.uint64(first)],
        image[np.uint64(first + planes)],
        image[np.uint64(first + 2 * planes)],
        image[np.uint64(first + 3 * planes)],
        weights,
    )


def weights_run(fractions: Any, weights: Any, count: int) -> None:
    """The four weights of each fraction."""
    first, second, third, fourth = weights[0], weights[1], weights[2], weights[3]
    for i in range(count):
        first[i] = cubic_weights(fractions[i])[0]
    for i in range(count):
        second[i] = cubic_weights(fractions[i])[1]
    for i in range(count):
        third[i] = cubic_weights(fractions[i])[2]
    for i in range(count):
        fourth[i] = cubic_weights(fractions[i])[3]


def cubic_run(image: Any, stride: int, middle: Any, weights: Any, plane: Any, out: Any, count: int) -> None:
    """Weighted sums of sixteen pixels, of a plane (which, of how many); rows of the image have so many pixels."""
    number, planes = plane
    down, across = weights
    for i in range(count):
        first = planes * (middle[i] - stride - 1) + number
        row = (across[0, i], across[1, i], across[2, i], across[3, i])
        a = four_in_row(image, first, planes, row)
        b = four_in_row(image, first + planes * stride, planes, row)
        c = four_in_row(image, first + 2 * planes * stride, planes, row)
        d = four_in_row(image, first + 3 * planes * stride, planes, row)
        out[i] = sum_of_four(a, b, c, d, (down[0, i], down[1, i], down[2, i], down[3, i]))


def count_run(own: Any, other: Any, sixteen: Any, count: int) -> Any:
    """How many sums mean something."""
    total = np.int64(0)
    for i in range(count):
        total += np.int64(sixteen[i] & is_data(own[i]) & is_data(other[i]))
    return total


def choose_run(own: Any, other: Any, sixteen: Any, out: Any, count: int) -> None:
    """The sums where they mean something, elsewhere what is in ``out``."""
    for i in range(count):
        out[i] = cubic_or(own[i], other[i], sixteen[i], out[i])


def store_run(values: Any, plane: int, planes: int, out: Any, count: int) -> None:
    """Values of one of so many planes."""
    for i in range(count):
        out[planes * i + plane] = values[i]


def parabola_run(p: float, q: float, b: float, along: Any, out: Any) -> None:
    """Values of a parabola at places."""
    for i in range(out.size):
        out[i] = parabola(p, q, b, along[i])


def nearest_row(image: Any, shape: Any, row: Any, column: Any, nothing: Any, out: Any) -> None:
    """The same as the driver, of one row of positions."""
    place = (np.empty(RUN, np.bool_), np.empty(RUN, np.int64), np.empty((2, RUN), np.float32))
    for a in range(0, row.size, RUN):
        b = min(a + RUN, row.size)
        locate_run(row[a:b], column[a:b], shape, HALF_A_PIXEL, place)
        nearest_run(image, place, shape[1], nothing, out[a:b])


def triangles_row(image: Any, shape: Any, row: Any, column: Any, out: Any) -> None:
    """The same as the driver, of one row of positions."""
    place = (np.empty(RUN, np.bool_), np.empty(RUN, np.int64), np.empty((2, RUN), np.float32))
    four = np.empty((4, RUN), np.float32)
    for a in range(0, row.size, RUN):
        b = min(a + RUN, row.size)
        locate_run(row[a:b], column[a:b], shape, HAIR, place)
        pick_four(image, shape, place[1], np.int64(0), np.int64(1), four, b - a)
        triangle_run(four, place, out[a:b])


def bilinear_row(image: Any, planes: int, shape: Any, row: Any, column: Any, out: Any) -> None:
    """The same as the driver, of one row of positions."""
    place = (np.empty(RUN, np.bool_), np.empty(RUN, np.int64), np.empty((2, RUN), np.float32))
    four = np.empty((2, 4, RUN), np.float32)
    values = np.empty(RUN, np.float32)
    for a in range(0, row.size, RUN):
        b = min(a + RUN, row.size)
        locate_run(row[a:b], column[a:b], shape, HALF_A_PIXEL, place)
        for plane in range(planes):
            pick_four(image, shape, place[1], plane, planes, four[plane], b - a)
        for plane in range(planes):
            bilinear_run(four[plane], four[planes - 1 - plane], place, values, b - a)
            store_run(values, plane, planes, out[planes * a : planes * b], b - a)


def cubic_row(image: Any, planes: int, shape: Any, row: Any, column: Any, out: Any) -> None:
    """The same as the driver, of one row of positions."""
    place = (np.empty(RUN, np.bool_), np.empty(RUN, np.int64), np.empty((2, RUN), np.float32))
    sixteen, middle = np.empty(RUN, np.bool_), np.empty(RUN, np.int64)
    four = np.empty((2, 4, RUN), np.float32)
    weights = np.empty((2, 4, RUN), np.float32)
    sums = np.empty((2, RUN), np.float32)
    values = np.empty(RUN, np.float32)
    for a in range(0, row.size, RUN):
        b = min(a + RUN, row.size)
        locate_run(row[a:b], column[a:b], shape, HALF_A_PIXEL, place)
        if not is_any(place[0], b - a):
            out[planes * a : planes * b] = NAN
            continue
        sixteen_run(row[a:b], column[a:b], shape, place, sixteen, middle)
        for axis in range(2):
            weights_run(place[2][axis], weights[axis], b - a)
        for plane in range(planes):
            cubic_run(image, shape[1], middle, weights, (plane, planes), sums[plane], b - a)
        if count_run(sums[0], sums[planes - 1], sixteen, b - a) == b - a:
            for plane in range(planes):
                store_run(sums[plane], plane, planes, out[planes * a : planes * b], b - a)
        else:
            for plane in range(planes):
                pick_four(image, shape, place[1], plane, planes, four[plane], b - a)
            for plane in range(planes):
                other = planes - 1 - plane
                bilinear_run(four[plane], four[other], place, values, b - a)
                choose_run(sums[plane], sums[other], sixteen, values, b - a)
                store_run(values, plane, planes, out[planes * a : planes * b], b - a)


def parabolas_row(p: Any, q: Any, b: Any, along: Any, begin: int, out: Any) -> None:
    """The same as the driver, of one row."""
    size = along.size
    for cell in range(begin // size, -(-(begin + out.size) // size)):
        first = max(cell * size, begin)
        stop = min((cell + 1) * size, begin + out.size)
        places = along[first - cell * size : stop - cell * size]
        parabola_run(p[cell], q[cell], b[cell], places, out[first - begin : stop - begin])


def nearest_rows(
    first: int, stop: int, image: Any, shape: Any, row: Any, column: Any, nothing: Any, out: Any
) -> None:
    """`scalar.nearest_of_four` over positions [row, column], of a flat image."""
    for k in range(first, stop):
        nearest_row(image, shape, row[k], column[k], nothing, out[k])


def triangles_rows(first: int, stop: int, image: Any, shape: Any, row: Any, column: Any, out: Any) -> None:
    """`scalar.height_of_three`; as above."""
    for k in range(first, stop):
        triangles_row(image, shape, row[k], column[k], out[k])


def bilinear_rows(
    first: int, stop: int, image: Any, planes: int, shape: Any, row: Any, column: Any, out: Any
) -> None:
    """`scalar.mean_of_four`; a flat image and outputs of one or two planes, in turn."""
    for k in range(first, stop):
        bilinear_row(image, planes, shape, row[k], column[k], out[k])


def cubic_rows(
    first: int, stop: int, image: Any, planes: int, shape: Any, row: Any, column: Any, out: Any
) -> None:
    """`scalar.cubic_or`; as above, of an image of four rows and columns at least."""
    for k in range(first, stop):
        cubic_row(image, planes, shape, row[k], column[k], out[k])


def parabolas_rows(first: int, stop: int, p: Any, q: Any, b: Any, along: Any, begin: int, out: Any) -> None:
    """`scalar.parabola` over columns from ``begin`` on, of coefficients [row, cell]."""
    for k in range(first, stop):
        parabolas_row(p[k], q[k], b[k], along, begin, out[k])


def gather_nearest(image: Any, shape: Any, row: Any, column: Any, nothing: Any, out: Any) -> None:
    """Driver of `nearest_rows`."""
    in_threads(nearest_rows, len(row), image, shape, row, column, nothing, out)


def gather_triangles(image: Any, shape: Any, row: Any, column: Any, out: Any) -> None:
    """Driver of `triangles_rows`."""
    in_threads(triangles_rows, len(row), image, shape, row, column, out)


def gather_bilinear(image: Any, planes: int, shape: Any, row: Any, column: Any, out: Any) -> None:
    """Driver of `bilinear_rows`."""
    in_threads(bilinear_rows, len(row), image, planes, shape, row, column, out)


def gather_cubic(image: Any, planes: int, shape: Any, row: Any, column: Any, out: Any) -> None:
    """Driver of `cubic_rows`."""
    in_threads(cubic_rows, len(row), image, planes, shape, row, column, out)


def spread_parabolas(p: Any, q: Any, b: Any, along: Any, begin: int, out: Any) -> None:
    """Driver of `parabolas_rows`."""
    in_threads(parabolas_rows, len(out), p, q, b, along, begin, out)
