"""The CPU driver that draws the facets of a terrain into a radar grid: loops in plain Python.

Compiled by :mod:`driving.cpujit`. Strips of lines are drawn independently of each other; every strip goes through
the cells of the terrain that reach into it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.threads import in_threads

from .scalar import (
    FARTHEST,
    HEIGHT,
    INCIDENCE,
    LATITUDE,
    LAYOVER,
    LINE,
    LOCAL,
    LONGITUDE,
    LOOK,
    NOTHING,
    SAMPLE,
    SHADOW,
    angle_of,
    blend,
    corners,
    edges,
    facet_shares,
    half_cell,
    in_order,
    in_shadow,
    level,
    met,
    span,
)

STRIP_LINES = 32  # lines that are drawn together by one thread
RUN = 64  # cells of a row that share an entry in the table of extents

PARTS = (  # in the order in which they call each other
    "run_extent",
    "row_extents",
    "draw_run",
    "horizon",
    "finish_angles",
    "strip",
)
INLINED = ("row_extents", "strip")
LOOPS = ("extent_rows", "draw_strips")
DRIVERS = ("rasterize_terrain",)


def run_extent(posts: Any) -> Any:
    """First and last line of posts [2, n, quantity]; what is not a number has none."""
    low = math.inf
    high = -math.inf
    for i in range(posts.shape[1]):
        for k in range(2):
            t = posts[k, i, LINE]
            low = t if t < low else low
            high = t if t > high else high
    return low, high


def row_extents(posts: Any, extents: Any) -> None:
    """First and last line of every RUN cells between two rows of posts, into extents [run, 2]."""
    for k in range(extents.shape[0]):
        a = k * RUN
        b = min(a + RUN + 1, posts.shape[1])
        extents[k, 0], extents[k, 1] = run_extent(posts[:, a:b])


def draw_run(
    posts: Any,
    bends: Any,
    row: int,
    run: Any,
    first: int,
    margin: int,
    lon: Any,
    lat: Any,
    h: Any,
    incidence: Any,
    local: Any,
    nearest: Any,
    farthest: Any,
) -> None:
    """Draw the cells ``run`` (first and last column) of a row into a strip that begins at line ``first``.

    Of several facets that a pixel meets, that nearest to nadir is kept, the first of those of equal level;
    samples before 0 only cast shadows. ``farthest`` is the lowest level where there are several.
    One loop with all its arrays as arguments: a function that is handed an array counts its references, and
    threads that count the same array's wait for each other.
    """
    lines = lon.shape[0]
    samples = lon.shape[1]
    for column in range(run[0], run[1]):
        for half in range(2):
            p, q, r, sides = half_cell(posts, bends, row, column, half)
            low, middle, high = in_order(p, q, r)
            if not low[LINE] <= first + lines - 1 or not high[LINE] >= first:
                continue
            near = min(p[SAMPLE], q[SAMPLE], r[SAMPLE])
            far = max(p[SAMPLE], q[SAMPLE], r[SAMPLE])
            shape = edges(p, q, r)
            if not near <= samples - 1 or not far >= -margin or not math.isfinite(shape[4] + low[HEIGHT]):
                continue
            longitude = corners(p, q, r, LONGITUDE)
            latitude = corners(p, q, r, LATITUDE)
            height = corners(p, q, r, HEIGHT)
            ellipsoid_angle = corners(p, q, r, INCIDENCE)
            terrain_angle = corners(p, q, r, LOCAL)
            look_angle = corners(p, q, r, LOOK)
            begin = max(math.ceil(low[LINE]), first)
            end = min(math.ceil(high[LINE]), first + lines)
            for n in range(begin, end):
                line = np.float64(n)
                i = n - first
                left, right = span(line, low, middle, high)
                for s in range(max(left, -margin), min(right, samples)):
                    a, b = facet_shares(s - p[SAMPLE], line - p[LINE], shape, sides)
                    found = level(blend(look_angle, a, b))
                    k = s + margin
                    kept = nearest[i, k]
                    if kept != NOTHING:
                        farthest[i, k] = min(farthest[i, k], found, kept)
                    if found > kept:
                        nearest[i, k] = found
                        if s >= 0:
                            lon[i, s] = blend(longitude, a, b)
                            lat[i, s] = blend(latitude, a, b)
                            h[i, s] = blend(height, a, b)
                            incidence[i, s] = blend(ellipsoid_angle, a, b)
                            local[i, s] = blend(terrain_angle, a, b)


def horizon(nearest: Any, farthest: Any, margin: int, flags: Any) -> None:
    """Layover, of pixels that several parts of the terrain fall into, and shadow of a line."""
    state = (FARTHEST, FARTHEST, FARTHEST, False)
    for k in range(nearest.size):
        after = met(state, nearest[k], farthest[k])
        if k >= margin:
            layover = LAYOVER if farthest[k] != FARTHEST else 0
            flags[k - margin] = layover + (SHADOW if in_shadow(state, after, nearest[k]) else 0)
        state = after


def finish_angles(angle: Any) -> None:
    """Degrees from 1 - cosine, in place."""
    for i in range(angle.size):
        angle[i] = angle_of(angle[i])


def strip(posts: Any, bends: Any, extents: Any, radar: Any, images: Any, flags: Any) -> None:
    """Draw the lines of a strip."""
    first, margin = radar
    lines, samples = flags.shape
    nearest = np.full((lines, samples + margin), NOTHING, np.int32)
    farthest = np.full((lines, samples + margin), FARTHEST, np.int32)
    lon, lat, h, incidence, local = images
    lon[:] = math.nan
    lat[:] = math.nan
    h[:] = math.nan
    incidence[:] = math.nan
    local[:] = math.nan
    flags[:] = 0
    cells = posts.shape[1] - 1
    for row in range(extents.shape[0]):
        for run in range(extents.shape[1]):
            if extents[row, run, 1] >= first and extents[row, run, 0] <= first + lines - 1:
                columns = (run * RUN, min((run + 1) * RUN, cells))
                draw_run(
                    posts,
                    bends,
                    row,
                    columns,
                    first,
                    margin,
                    lon,
                    lat,
                    h,
                    incidence,
                    local,
                    nearest,
                    farthest,
                )
    for i in range(lines):
        horizon(nearest[i], farthest[i], margin, flags[i])
        finish_angles(incidence[i])
        finish_angles(local[i])


def extent_rows(first: int, stop: int, posts: Any, extents: Any) -> None:
    """First and last lines of the runs of rows of cells, into extents [row, run, 2]."""
    for row in range(first, stop):
        row_extents(posts[row : row + 2], extents[row])


def draw_strips(
    first: int, stop: int, posts: Any, bends: Any, extents: Any, radar: Any, images: Any, flags: Any
) -> None:
    """Draw strips of lines; ``radar``: the first line, and the margin of samples before it."""
    lon, lat, h, incidence, local = images
    lines = flags.shape[0]
    for k in range(first, stop):
        a = k * STRIP_LINES
        b = min(a + STRIP_LINES, lines)
        part = (lon[a:b], lat[a:b], h[a:b], incidence[a:b], local[a:b])
        strip(posts, bends, extents, (radar[0] + a, radar[1]), part, flags[a:b])


def rasterize_terrain(posts: Any, bends: Any, first: int, margin: int, images: Any, flags: Any) -> None:
    """Longitude, latitude, height, incidence, local incidence and flags of lines from ``first`` on.

    ``posts`` [row, column, 8] hold what `scalar` names, angles as 1 - cosine but the
    look angle as cosine; ``bends`` [row, column, 6] are those of `scalar.facet_shares`, of the
    sides to the right, downwards and across. The ``margin`` samples before the first only cast shadows.
    """
    extents = np.empty((posts.shape[0] - 1, (posts.shape[1] - 2) // RUN + 1, 2))
    in_threads(extent_rows, len(extents), posts, extents)
    strips = -(-len(flags) // STRIP_LINES)
    in_threads(draw_strips, strips, posts, bends, extents, (first, margin), images, flags)
