"""The CPU driver that draws the facets of a terrain into a radar grid: loops in plain Python.

Compiled by :mod:`.cpujit`. Strips of lines are drawn independently of each other; every strip goes through
the cells of the terrain that reach into it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from .scalar import arctangent2
from .scalar_geometry import DEGREES, NAN, blend, facet_shares

prange = range

STRIP_LINES = 32  # lines that are drawn together by one thread
RUN = 64  # cells of a row that share an entry in the table of extents

# What the terrain's posts hold; a post fills a line of the cache.
SAMPLE, LINE, LONGITUDE, LATITUDE, HEIGHT, INCIDENCE, LOCAL, LOOK = range(8)
QUANTITIES = 8
SIDES = 6  # numbers that a post has of the three sides that begin at it

LAYOVER = 1
SHADOW = 2

PARTS = (  # in the order in which they call each other
    "run_extent",
    "row_extents",
    "corners",
    "crossing",
    "span",
    "in_order",
    "edges",
    "post",
    "half_cell",
    "draw_run",
    "horizon",
    "finish_angles",
    "strip",
)
DRIVERS = ("draw_terrain",)


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


def corners(p: Any, q: Any, r: Any, quantity: int) -> Any:
    """A quantity at the first of three posts, and how it differs at the other two."""
    return p[quantity], q[quantity] - p[quantity], r[quantity] - p[quantity]


def crossing(line: Any, low: Any, high: Any) -> Any:
    """Sample at which the edge between two posts crosses a line."""
    return low[SAMPLE] + (line - low[LINE]) * ((high[SAMPLE] - low[SAMPLE]) / (high[LINE] - low[LINE]))


def span(line: Any, low: Any, middle: Any, high: Any) -> Any:
    """Samples, from and up to, of a line of the facet between three posts in the order of their lines.

    A pixel belongs to a facet if its line is at or after the first post and before the last, and its sample
    at or after the left edge and before the right one. Neighbours compute the crossings of their common edge
    from the same numbers in the same order, so that every pixel belongs to one of them.
    """
    x = crossing(line, low, high)
    y = crossing(line, low, middle) if line < middle[LINE] else crossing(line, middle, high)
    return math.ceil(min(x, y)), math.ceil(max(x, y))


def in_order(p: Any, q: Any, r: Any) -> Any:
    """Three posts in the order of their lines."""
    if q[LINE] < p[LINE]:
        p, q = q, p
    if r[LINE] < q[LINE]:
        q, r = r, q
    if q[LINE] < p[LINE]:
        p, q = q, p
    return p, q, r


def edges(p: Any, q: Any, r: Any) -> Any:
    """Sides of a facet from its first post, in samples and lines, and one over twice its area."""
    ux = q[SAMPLE] - p[SAMPLE]
    uy = q[LINE] - p[LINE]
    vx = r[SAMPLE] - p[SAMPLE]
    vy = r[LINE] - p[LINE]
    return ux, uy, vx, vy, 1.0 / (ux * vy - uy * vx)


def post(posts: Any, row: int, column: int) -> Any:
    """The eight quantities of a post."""
    return (
        posts[row, column, 0],
        posts[row, column, 1],
        posts[row, column, 2],
        posts[row, column, 3],
        posts[row, column, 4],
        posts[row, column, 5],
        posts[row, column, 6],
        posts[row, column, 7],
    )


def half_cell(posts: Any, bends: Any, row: int, column: int, half: int) -> Any:
    """The posts of one of the two facets of a cell, and the bends of its sides.

    A cell is divided from the upper right to the lower left.
    """
    p = post(posts, row + half, column + half)
    q = post(posts, row + half, column + 1 - half)
    r = post(posts, row + 1 - half, column + half)
    sides = (
        np.float64(bends[row + half, column, 0]),
        np.float64(bends[row + half, column, 1]),
        np.float64(bends[row, column + half, 2]),
        np.float64(bends[row, column + half, 3]),
        np.float64(bends[row, column, 4]),
        np.float64(bends[row, column, 5]),
    )
    return p, q, r, sides


def draw_run(  # noqa: PLR0913, PLR0917 - see the docstring
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
    count: Any,
) -> None:
    """Draw the cells ``run`` (first and last column) of a row into a strip that begins at line ``first``.

    Of several facets that a pixel meets, that nearest to nadir is kept; samples before 0 only cast shadows.
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
                    look = blend(look_angle, a, b)
                    k = s + margin
                    count[i, k] = min(count[i, k] + 1, 255)
                    farthest[i, k] = min(farthest[i, k], look)
                    if look > nearest[i, k]:
                        nearest[i, k] = look
                        if s >= 0:
                            lon[i, s] = blend(longitude, a, b)
                            lat[i, s] = blend(latitude, a, b)
                            h[i, s] = blend(height, a, b)
                            incidence[i, s] = blend(ellipsoid_angle, a, b)
                            local[i, s] = blend(terrain_angle, a, b)


def horizon(nearest: Any, farthest: Any, count: Any, margin: int, flags: Any) -> None:
    """Layover and shadow of a line.

    A pixel that several parts of the terrain fall into is in layover. One is in shadow if the terrain
    before it, on the ground, is seen under a larger look angle (a smaller cosine). Before it are the nearest
    crossings of all earlier pixels, and all crossings of those, except of the layover it is in itself.
    """
    before = 2.0
    within = 2.0
    heads = 2.0
    for k in range(count.size):
        if count[k] == 0:
            continue
        if count[k] == 1:
            before = min(before, within)
            within = 2.0
            heads = 2.0
        shadow = nearest[k] > min(before, heads)
        heads = min(heads, nearest[k])
        if count[k] == 1:
            before = min(before, nearest[k])
        else:
            within = min(within, farthest[k])
        if k >= margin:
            flags[k - margin] = (LAYOVER if count[k] > 1 else 0) + (SHADOW if shadow else 0)


def finish_angles(angle: Any) -> None:
    """Degrees from 1 - cosine, in place; its float32 keeps small angles where that of the cosine does not."""
    two = np.float32(2.0)
    scale = np.float32(2.0 * DEGREES)
    for i in range(angle.size):
        v = angle[i]
        rest = two - v
        rest = rest if rest > np.float32(0.0) else np.float32(0.0)
        v = np.float32(0.0) if v < np.float32(0.0) else v
        angle[i] = scale * arctangent2(np.float32(math.sqrt(v)), np.float32(math.sqrt(rest)))


def strip(posts: Any, bends: Any, extents: Any, radar: Any, images: Any, flags: Any) -> None:
    """Draw the lines of a strip."""
    first, margin = radar
    lines, samples = flags.shape
    nearest = np.full((lines, samples + margin), -2.0)
    farthest = np.full((lines, samples + margin), 2.0)
    count = np.zeros((lines, samples + margin), np.uint8)
    lon, lat, h, incidence, local = images
    lon[:] = NAN
    lat[:] = NAN
    h[:] = NAN
    incidence[:] = NAN
    local[:] = NAN
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
                    count,
                )
    for i in range(lines):
        horizon(nearest[i], farthest[i], count[i], margin, flags[i])
        finish_angles(incidence[i])
        finish_angles(local[i])


def draw_terrain(posts: Any, bends: Any, first: int, margin: int, images: Any, flags: Any) -> None:
    """Longitude, latitude, height, incidence, local incidence and flags of lines from ``first`` on.

    ``posts`` [row, column, 8] hold what is named at the top of this module, angles as 1 - cosine but the
    look angle as cosine; ``bends`` [row, column, 6] are those of `.scalar_geometry.facet_shares`, of the
    sides to the right, downwards and across. The ``margin`` samples before the first only cast shadows.
    """
    extents = np.empty((posts.shape[0] - 1, (posts.shape[1] - 2) // RUN + 1, 2))
    for row in prange(extents.shape[0]):
        row_extents(posts[row : row + 2], extents[row])
    lon, lat, h, incidence, local = images
    lines = flags.shape[0]
    for k in prange((lines + STRIP_LINES - 1) // STRIP_LINES):
        a = k * STRIP_LINES
        b = min(a + STRIP_LINES, lines)
        part = (lon[a:b], lat[a:b], h[a:b], incidence[a:b], local[a:b])
        strip(posts, bends, extents, (first + a, margin), part, flags[a:b])
