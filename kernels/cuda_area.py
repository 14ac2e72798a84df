"""The CUDA kernels of :mod:`.scalar_area`, as in :mod:`.cuda`. Import it late: it imports numba.cuda."""

from __future__ import annotations

import math
import sys
from typing import Any

import numpy as np

from . import scalar, scalar_area, scalar_geometry
from .binding import bind
from .cuda import Declared
from .gpujit import cuda, device_function, kernel
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

DEVICE_FUNCTIONS = ("facet_place", "drop_triangle", "drop_part")

DECLARED = {
    "sight_points": Declared(arguments="ddddd32nsd", registers=128, float64=400),
    "facet_areas": Declared(arguments="32sd", registers=128, float64=400),
    "spread_areas": Declared(arguments="3diiiidd", registers=128, float64=400),
    "finish_areas": Declared(arguments="ddf", registers=32, float64=20),
}


def facet_place(facet: int, cells: int) -> Any:
    """Row and column of a facet's cell in a terrain ``cells`` wide, and which half of it the facet is."""
    cell = np.uint64(facet) >> np.uint64(1)
    row = cell // np.uint64(cells)
    return np.int64(row), np.int64(cell - row * np.uint64(cells)), facet & 1


def sight_points(
    lon: Any,
    lat: Any,
    h: Any,
    time: Any,
    orbit_time: Any,
    coefficients: Any,
    doppler: Any,
    numbers: Any,
    pixel: Any,
    points: Any,
) -> None:
    """Driver of :func:`.scalar_area.sight`, into points of six numbers each."""
    orbit = (orbit_time, coefficients)
    table = (doppler, *numbers)
    for i in range(cuda.grid(1), lon.size, cuda.gridsize(1)):
        x, w = sight(lon[i], lat[i], h[i], time[i], orbit, table, pixel)
        at = 6 * i
        points[at], points[at + 1], points[at + 2] = x
        points[at + 3], points[at + 4], points[at + 5] = w


def facet_areas(points: Any, heights: Any, ceiling: Any, areas: Any) -> None:
    """Driver of :func:`.scalar_area.lit_area`, a facet a thread."""
    cells = points.shape[1] - 1
    for i in range(cuda.grid(1), areas.size, cuda.gridsize(1)):
        row, column, half = facet_place(i, cells)
        areas[i] = lit_area(points, heights, row, column, half, ceiling)


def drop_triangle(
    triangle: Any, seen: Any, cover: Any, at: int, samples: int, area: Any, covered: Any
) -> None:
    """As :func:`.cpu_area.spread_triangle`, into the line that begins at ``at``."""
    share = triangle[3]
    ordered = by_sample(triangle[0], triangle[1], triangle[2])
    first, stop = pixels_of(ordered, samples)
    before = share_before(first - 0.5, ordered)
    for k in range(first, stop):
        after = share_before(k + 0.5, ordered)
        part = share * (after - before)
        cuda.atomic.add(area, at + k, seen * part)
        cuda.atomic.add(covered, at + k, cover * part)
        before = after


def drop_part(
    size: Any,
    turn: Any,
    tip: Any,
    base: Any,
    near: Any,
    far: Any,
    seen: Any,
    cover: Any,
    area: Any,
    covered: Any,
) -> None:
    """As :func:`.cpu_area.spread_part`; ``turn`` is which of its lines a thread takes, and of how many."""
    first, lines, samples = size
    low = min(tip[LINE], base)
    high = max(tip[LINE], base)
    if not low < high:
        return
    begin = max(math.floor(low + 0.5), first) + turn[0]
    end = min(math.floor(high + 0.5) + 1, first + lines)
    for n in range(begin, end, turn[1]):
        one, other = band_of(np.float64(n), tip, base, near, far)
        at = (n - first) * samples
        drop_triangle(one, seen, cover, at, samples, area, covered)
        drop_triangle(other, seen, cover, at, samples, area, covered)


def spread_areas(
    places: Any, areas: Any, first: int, lines: int, samples: int, share: int, area: Any, covered: Any
) -> None:
    """Every facet into its pixels; ``share`` threads take a facet's lines in turn. As :mod:`.cpu_area`."""
    cells = places.shape[1] - 1
    size = (first, lines, samples)
    for i in range(cuda.grid(1), areas.size * share, cuda.gridsize(1)):
        facet = i // share
        row, column, half = facet_place(facet, cells)
        a = row + half
        b = column + half
        c = row + 1 - half
        d = column + 1 - half
        p = (places[a, b, 0], places[a, b, 1])
        q = (places[a, d, 0], places[a, d, 1])
        r = (places[c, b, 0], places[c, b, 1])
        low, middle, high = by_line(p, q, r)
        near = min(p[SAMPLE], q[SAMPLE], r[SAMPLE])
        far = max(p[SAMPLE], q[SAMPLE], r[SAMPLE])
        if not low[LINE] < first + lines - 0.5 or not high[LINE] > first - 0.5:
            continue
        if not near < samples - 0.5 or not far > -0.5:
            continue
        length = high[LINE] - low[LINE]
        if not length > 0.0 or not math.isfinite(p[0] + p[1] + q[0] + q[1] + r[0] + r[1]):
            continue
        cover = 0.5 * ((q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0]))
        seen = areas[facet]
        upper = (middle[LINE] - low[LINE]) / length
        lower = (high[LINE] - middle[LINE]) / length
        across = low[SAMPLE] + upper * (high[SAMPLE] - low[SAMPLE])
        turn = (i - facet * share, share)
        base = middle[LINE]
        edge = middle[SAMPLE]
        drop_part(size, turn, low, base, edge, across, upper * seen, upper * cover, area, covered)
        drop_part(size, turn, high, base, edge, across, lower * seen, lower * cover, area, covered)


def finish_areas(area: Any, covered: Any, ratio: Any) -> None:
    """Driver of :func:`.scalar_area.ratio_of`."""
    for i in range(cuda.grid(1), ratio.size, cuda.gridsize(1)):
        ratio[i] = np.float32(ratio_of(area[i], covered[i]))


_functions = bind(device_function, scalar.FUNCTIONS, scalar)
_functions |= bind(device_function, scalar_geometry.FUNCTIONS, scalar_geometry, _functions)
_functions |= bind(device_function, scalar_area.FUNCTIONS, scalar_area, _functions)
_functions |= bind(device_function, DEVICE_FUNCTIONS, sys.modules[__name__], _functions)
KERNEL = bind(kernel, tuple(DECLARED), sys.modules[__name__], _functions)
