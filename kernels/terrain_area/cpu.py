"""The CPU drivers that measure the area of a terrain's facets and spread it over a radar grid: loops in plain Python.

Compiled by :mod:`driving.cpujit`. Strips of lines are filled independently of each other; every strip goes through the
cells of the terrain that reach into it, always in the same order.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.threads import in_threads

from .scalar import (
    LINE,
    band_of,
    by_sample,
    divided,
    half_places,
    lines_of,
    lit_area,
    meets,
    pixels_of,
    ratio_of,
    share_before,
    share_of,
    sight,
)

STRIP_LINES = 32  # lines that are filled together by one thread
RUN = 64  # cells of a row that share an entry in the table of extents

PARTS = (  # in the order in which they call each other
    "sight_row",
    "lit_row",
    "area_extents",
    "spread_triangle",
    "spread_part",
    "spread_run",
    "spread_strip",
)
INLINED = ("sight_row", "lit_row", "area_extents", "spread_run", "spread_strip")
LOOPS = ("sight_rows", "lit_rows", "extent_rows", "spread_strips")
DRIVERS = ("sight_points", "facet_areas", "spread_areas")


def sight_row(
    lon: Any, lat: Any, h: Any, time: Any, orbit: Any, doppler: Any, pixel: Any, points: Any
) -> None:
    """`.scalar.sight` of a row of points, into points [column, 6]."""
    for i in range(lon.size):
        x, w = sight(lon[i], lat[i], h[i], time[i], orbit, doppler, pixel)
        points[i, 0], points[i, 1], points[i, 2] = x
        points[i, 3], points[i, 4], points[i, 5] = w


def lit_row(points: Any, heights: Any, row: Any, ceiling: Any, areas: Any) -> None:
    """`.scalar.lit_area` of a row of cells, into areas [column, half]."""
    for column in range(areas.shape[0]):
        for half in range(2):
            areas[column, half] = lit_area(points, heights, row, column, half, ceiling)


def area_extents(places: Any, row: Any, extents: Any) -> None:
    """First and last line of every RUN cells between two rows of posts, into extents [run, 2]."""
    for n in range(extents.shape[0]):
        low = math.inf
        high = -math.inf
        for i in range(n * RUN, min(n * RUN + RUN + 1, places.shape[1])):
            for k in range(row, row + 2):
                line = places[k, i, LINE]
                low = line if line < low else low
                high = line if line > high else high
        extents[n, 0] = low
        extents[n, 1] = high


def spread_triangle(triangle: Any, weights: Any, area: Any, covered: Any) -> None:
    """Spread a triangle of a line over its pixels: three samples, and its share of both ``weights``."""
    share = triangle[3]
    samples = by_sample(triangle[0], triangle[1], triangle[2])
    first, stop = pixels_of(samples, area.size)
    before = share_before(first - 0.5, samples)
    for k in range(first, stop):
        after = share_before(k + 0.5, samples)
        part = share * (after - before)
        area[k] += weights[0] * part
        covered[k] += weights[1] * part
        before = after


def spread_part(
    first: int, tip: Any, middle: Any, across: Any, weights: Any, area: Any, covered: Any
) -> None:
    """Spread the part of a facet between a corner and the line of the middle one, into a strip from ``first`` on."""
    begin, end = lines_of(tip, middle, first, area.shape[0])
    for n in range(begin, end):
        one, other = band_of(np.float64(n), tip, middle, across)
        spread_triangle(one, weights, area[n - first], covered[n - first])
        spread_triangle(other, weights, area[n - first], covered[n - first])


def spread_run(places: Any, areas: Any, row: int, run: Any, first: int, area: Any, covered: Any) -> None:
    """Spread the facets of the cells ``run`` (first and last column) of a row into a strip.

    What is spread of a facet is its area as it is seen, and that in the radar grid.
    """
    lines, samples = area.shape
    for column in range(run[0], run[1]):
        for half in range(2):
            p, q, r = half_places(places, row, column, half)
            if not meets(p, q, r, first, lines, samples):
                continue
            low, middle, high, across, cover = divided(p, q, r)
            seen = areas[row, column, half]
            one = share_of(low, middle, low, high)
            other = share_of(high, middle, low, high)
            spread_part(first, low, middle, across, (one * seen, one * cover), area, covered)
            spread_part(first, high, middle, across, (other * seen, other * cover), area, covered)


def spread_strip(places: Any, areas: Any, extents: Any, first: Any, ratio: Any) -> None:
    """Fill the lines of a strip."""
    lines, samples = ratio.shape
    area = np.zeros((lines, samples))
    covered = np.zeros((lines, samples))
    cells = places.shape[1] - 1
    for row in range(extents.shape[0]):
        for n in range(extents.shape[1]):
            if extents[row, n, 1] > first - 0.5 and extents[row, n, 0] < first + lines - 0.5:
                run = (n * RUN, min((n + 1) * RUN, cells))
                spread_run(places, areas, row, run, first, area, covered)
    for i in range(lines):
        for s in range(samples):
            ratio[i, s] = ratio_of(area[i, s], covered[i, s])


def sight_rows(
    first: int, stop: int, ground: Any, time: Any, orbit: Any, doppler: Any, pixel: float, points: Any
) -> None:
    """`scalar.sight` of points [row, column]."""
    lon, lat, h = ground
    for row in range(first, stop):
        sight_row(lon[row], lat[row], h[row], time[row], orbit, doppler, pixel, points[row])


def lit_rows(first: int, stop: int, points: Any, heights: Any, ceiling: float, areas: Any) -> None:
    """`scalar.lit_area` of every facet, into areas [row, column, half]."""
    for row in range(first, stop):
        lit_row(points, heights, row, ceiling, areas[row])


def extent_rows(first: int, stop: int, places: Any, extents: Any) -> None:
    """First and last lines of the runs of rows of cells, into extents [row, run, 2]."""
    for row in range(first, stop):
        area_extents(places, row, extents[row])


def spread_strips(first: int, stop: int, places: Any, areas: Any, extents: Any, top: int, ratio: Any) -> None:
    """Fill strips of lines, of which the first is ``top``."""
    for k in range(first, stop):
        a = k * STRIP_LINES
        b = min(a + STRIP_LINES, ratio.shape[0])
        spread_strip(places, areas, extents, top + a, ratio[a:b])


def sight_points(ground: Any, time: Any, orbit: Any, doppler: Any, pixel: float, points: Any) -> None:
    """Driver of `sight_rows`."""
    in_threads(sight_rows, len(time), ground, time, orbit, doppler, float(pixel), points)


def facet_areas(points: Any, heights: Any, ceiling: float, areas: Any) -> None:
    """Driver of `lit_rows`."""
    in_threads(lit_rows, len(areas), points, heights, float(ceiling), areas)


def spread_areas(places: Any, areas: Any, first: int, ratio: Any) -> None:
    """Spread the facets between places [row, column, 2] over the pixels of lines from ``first`` on."""
    extents = np.empty((places.shape[0] - 1, (places.shape[1] - 2) // RUN + 1, 2))
    in_threads(extent_rows, len(extents), places, extents)
    in_threads(spread_strips, -(-len(ratio) // STRIP_LINES), places, areas, extents, first, ratio)
