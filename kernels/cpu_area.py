"""The CPU drivers that measure the area of a terrain's facets and spread it over a radar grid: loops in plain Python.

Compiled by :mod:`.cpujit`. Strips of lines are filled independently of each other; every strip goes through the
cells of the terrain that reach into it, always in the same order.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .scalar_area import (
    LINE,
    SAMPLE,
    band_of,
    by_line,
    by_sample,
    lit_area,
    pixels_of,
    ratio_of,
    share_before,
    sight,
)

prange = range

STRIP_LINES = 32  # lines that are filled together by one thread
RUN = 64  # cells of a row that share an entry in the table of extents

PARTS = (  # in the order in which they call each other
    "sight_row",
    "lit_row",
    "area_extents",
    "spread_triangle",
    "spread_part",
    "spread_facet",
    "spread_run",
    "spread_strip",
)
DRIVERS = ("sight_points", "facet_areas", "spread_areas")


def sight_row(
    lon: Any, lat: Any, h: Any, time: Any, orbit: Any, doppler: Any, pixel: Any, points: Any
) -> None:
    """`.scalar_area.sight` of a row of points, into points [column, 6]."""
    for i in range(lon.size):
        x, w = sight(lon[i], lat[i], h[i], time[i], orbit, doppler, pixel)
        points[i, 0], points[i, 1], points[i, 2] = x
        points[i, 3], points[i, 4], points[i, 5] = w


def sight_points(ground: Any, time: Any, orbit: Any, doppler: Any, pixel: Any, points: Any) -> None:
    """`.scalar_area.sight` of points [row, column]."""
    lon, lat, h = ground
    for row in prange(lon.shape[0]):
        sight_row(lon[row], lat[row], h[row], time[row], orbit, doppler, pixel, points[row])


def lit_row(points: Any, heights: Any, row: int, ceiling: Any, areas: Any) -> None:
    """`.scalar_area.lit_area` of a row of cells, into areas [column, half]."""
    for column in range(areas.shape[0]):
        for half in range(2):
            areas[column, half] = lit_area(points, heights, row, column, half, ceiling)


def facet_areas(points: Any, heights: Any, ceiling: Any, areas: Any) -> None:
    """`.scalar_area.lit_area` of every facet, into areas [row, column, half]."""
    for row in prange(areas.shape[0]):
        lit_row(points, heights, row, ceiling, areas[row])


def area_extents(places: Any, row: int, extents: Any) -> None:
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


def spread_triangle(triangle: Any, seen: Any, cover: Any, area: Any, covered: Any) -> None:
    """Spread a triangle of a line over its pixels: three samples, and its share of what is seen and of what covers."""
    share = triangle[3]
    samples = by_sample(triangle[0], triangle[1], triangle[2])
    first, stop = pixels_of(samples, area.size)
    before = share_before(first - 0.5, samples)
    for k in range(first, stop):
        after = share_before(k + 0.5, samples)
        part = share * (after - before)
        area[k] += seen * part
        covered[k] += cover * part
        before = after


def spread_part(
    first: int, tip: Any, base: Any, near: Any, far: Any, seen: Any, cover: Any, area: Any, covered: Any
) -> None:
    """Spread the triangle between a corner and a side along a line, into a strip that begins at line ``first``."""
    low = min(tip[LINE], base)
    high = max(tip[LINE], base)
    if not low < high:
        return
    begin = max(math.floor(low + 0.5), first)
    end = min(math.floor(high + 0.5) + 1, first + area.shape[0])
    for n in range(begin, end):
        one, other = band_of(np.float64(n), tip, base, near, far)
        spread_triangle(one, seen, cover, area[n - first], covered[n - first])
        spread_triangle(other, seen, cover, area[n - first], covered[n - first])


def spread_facet(p: Any, q: Any, r: Any, seen: Any, first: int, area: Any, covered: Any) -> None:
    """Spread a facet between three places, divided along the line of the middle one."""
    cover = 0.5 * ((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))
    low, middle, high = by_line(p, q, r)
    length = high[LINE] - low[LINE]
    if not length > 0.0:
        return
    share = (middle[LINE] - low[LINE]) / length
    rest = (high[LINE] - middle[LINE]) / length
    across = low[SAMPLE] + share * (high[SAMPLE] - low[SAMPLE])
    base = middle[LINE]
    near = middle[SAMPLE]
    spread_part(first, low, base, near, across, share * seen, share * cover, area, covered)
    spread_part(first, high, base, near, across, rest * seen, rest * cover, area, covered)


def spread_run(places: Any, areas: Any, row: int, run: Any, first: int, area: Any, covered: Any) -> None:
    """Spread the facets of the cells ``run`` (first and last column) of a row into a strip."""
    lines, samples = area.shape
    for column in range(run[0], run[1]):
        for half in range(2):
            a = row + half
            b = column + half
            p = (places[a, b, 0], places[a, b, 1])
            q = (places[a, column + 1 - half, 0], places[a, column + 1 - half, 1])
            r = (places[row + 1 - half, b, 0], places[row + 1 - half, b, 1])
            low = min(p[LINE], q[LINE], r[LINE])
            high = max(p[LINE], q[LINE], r[LINE])
            near = min(p[SAMPLE], q[SAMPLE], r[SAMPLE])
            far = max(p[SAMPLE], q[SAMPLE], r[SAMPLE])
            if not low < first + lines - 0.5 or not high > first - 0.5:
                continue
            if not near < samples - 0.5 or not far > -0.5:
                continue
            if math.isfinite(p[0] + p[1] + q[0] + q[1] + r[0] + r[1]):
                spread_facet(p, q, r, areas[row, column, half], first, area, covered)


def spread_strip(places: Any, areas: Any, extents: Any, first: int, ratio: Any) -> None:
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


def spread_areas(places: Any, areas: Any, first: int, ratio: Any) -> None:
    """Spread the facets between places [row, column, 2] over the pixels of lines from ``first`` on."""
    extents = np.empty((places.shape[0] - 1, (places.shape[1] - 2) // RUN + 1, 2))
    for row in prange(extents.shape[0]):
        area_extents(places, row, extents[row])
    lines = ratio.shape[0]
    for k in prange((lines + STRIP_LINES - 1) // STRIP_LINES):
        a = k * STRIP_LINES
        b = min(a + STRIP_LINES, lines)
        spread_strip(places, areas, extents, first + a, ratio[a:b])
