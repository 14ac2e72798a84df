"""The CUDA kernels of :mod:`.scalar`, as in :mod:`coherence.cuda`. Import it late: it imports numba.cuda."""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import cuda, kernels_of

from .scalar import (
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

DEVICE_FUNCTIONS = ("facet_place",)

DECLARED = {
    "sight_points": Declared(
        arguments="ddddd32nsd",
        registers=128,
        float64=320,
        why_float64="geometry: orbit and coordinates in ECEF",
    ),
    "facet_areas": Declared(
        arguments="32sd",
        registers=80,
        float64=190,
        why_float64="geometry: areas of facets, from differences of coordinates",
    ),
    "spread_areas": Declared(
        arguments="3diiiidd",
        registers=120,
        float64=390,
        why_float64="places of facets, and sums of their parts in pixels",
    ),
    "finish_areas": Declared(arguments="ddf", registers=32, float64=32, why_float64="the ratio of two sums"),
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
    """Driver of :func:`.scalar.sight`, into points of six numbers each."""
    orbit = (orbit_time, coefficients)
    table = (doppler, *numbers)
    for i in range(cuda.grid(1), lon.size, cuda.gridsize(1)):
        x, w = sight(lon[i], lat[i], h[i], time[i], orbit, table, pixel)
        at = 6 * i
        points[at], points[at + 1], points[at + 2] = x
        points[at + 3], points[at + 4], points[at + 5] = w


def facet_areas(points: Any, heights: Any, ceiling: Any, areas: Any) -> None:
    """Driver of :func:`.scalar.lit_area`, a facet a thread."""
    cells = points.shape[1] - 1
    for i in range(cuda.grid(1), areas.size, cuda.gridsize(1)):
        row, column, half = facet_place(i, cells)
        areas[i] = lit_area(points, heights, row, column, half, ceiling)


def spread_areas(
    places: Any, areas: Any, first: int, lines: int, samples: int, share: int, area: Any, covered: Any
) -> None:
    """Every facet into its pixels; ``share`` threads take a facet's lines in turn. As :mod:`.cpu`."""
    cells = places.shape[1] - 1
    for i in range(cuda.grid(1), areas.size * share, cuda.gridsize(1)):
        facet = i // share
        row, column, half = facet_place(facet, cells)
        p, q, r = half_places(places, row, column, half)
        if not meets(p, q, r, first, lines, samples):
            continue
        low, middle, high, across, cover = divided(p, q, r)
        for part in range(2):
            tip = low if part == 0 else high
            own = share_of(tip, middle, low, high)
            begin, end = lines_of(tip, middle, first, lines)
            for n in range(begin + i - facet * share, end, share):
                one, other = band_of(np.float64(n), tip, middle, across)
                for piece in range(2):
                    triangle = one if piece == 0 else other
                    weight = own * triangle[3]
                    ordered = by_sample(triangle[0], triangle[1], triangle[2])
                    left, right = pixels_of(ordered, samples)
                    before = share_before(left - 0.5, ordered)
                    at = (n - first) * samples
                    for k in range(left, right):
                        after = share_before(k + 0.5, ordered)
                        cuda.atomic.add(area, at + k, areas[facet] * (weight * (after - before)))
                        cuda.atomic.add(covered, at + k, cover * (weight * (after - before)))
                        before = after


def finish_areas(area: Any, covered: Any, ratio: Any) -> None:
    """Driver of :func:`.scalar.ratio_of`."""
    for i in range(cuda.grid(1), ratio.size, cuda.gridsize(1)):
        ratio[i] = np.float32(ratio_of(area[i], covered[i]))


KERNEL = kernels_of(__name__)
