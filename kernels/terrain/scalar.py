"""Facets of a terrain in a radar grid, as plain Python functions of scalars and of posts.

As in :mod:`geometry.scalar`, in float64. A post is a tuple of what is named below. Look angles are compared
by their `level`, so that every driver, whatever its last bits, keeps the same one of two facets.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import arctangent2

FUNCTIONS = (  # in the order in which they call each other
    "post",
    "half_cell",
    "corners",
    "crossing",
    "span",
    "in_order",
    "edges",
    "weights",
    "facet_shares",
    "blend",
    "level",
    "met",
    "joined",
    "in_shadow",
    "angle_of",
)
INLINED = ()

# What the terrain's posts hold; a post fills a line of the cache.
SAMPLE, LINE, LONGITUDE, LATITUDE, HEIGHT, INCIDENCE, LOCAL, LOOK = range(8)
QUANTITIES = 8
SIDES = 6  # numbers that a post has of the three sides that begin at it

LAYOVER = 1
SHADOW = 2

# Levels of the cosine of the look angle: 5e-10 apart, which at 35 degrees is 1e-9 rad. NOTHING is
# the level of a pixel that no facet meets, FARTHEST that of what is not there: above all others.
NOTHING = -1
FARTHEST = 2**31 - 1
LEVELS = 2.0**31 - 2.0

ZERO = np.float32(0.0)
TWO = np.float32(2.0)
DEGREES_TWICE = np.float32(360.0 / math.pi)


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


def corners(p: Any, q: Any, r: Any, quantity: int) -> Any:
    """A quantity at the first of three posts, and how it differs at the other two."""
    return p[quantity], q[quantity] - p[quantity], r[quantity] - p[quantity]


def crossing(line: Any, low: Any, high: Any) -> Any:
    """Sample at which the edge between two posts crosses a line.

    Divided last: an addition to a product would be one rounding in some places of a CUDA kernel and two in
    others, and facets that share the edge must find the same.
    """
    part = (line - low[LINE]) * (high[SAMPLE] - low[SAMPLE]) / (high[LINE] - low[LINE])
    return low[SAMPLE] + part


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


def weights(dx: Any, dy: Any, edges: Any) -> Any:
    """Shares of a facet's second and third corner at ``dx`` samples and ``dy`` lines from its first.

    ``edges`` are the two sides (samples, lines; samples, lines) and one over twice the area.
    """
    ux, uy, vx, vy, inverse = edges
    return (dx * vy - dy * vx) * inverse, (dy * ux - dx * uy) * inverse


def facet_shares(dx: Any, dy: Any, edges: Any, bend: Any) -> Any:
    """`weights` for a facet that is bent: flat in longitude, latitude and height, not in sample and line.

    ``bend`` is how much farther (samples) and later (lines) the middles of its sides are seen than the mean
    of their ends: of the first side, the second, and the one across. With shares a, b of the second and
    third corner and c of the first, the pixel is 4 (c a B1 + c b B2 + a b B3) off, a quadratic element.
    Over a cell of 60 m the bend is 0.3 mm, and what the quadratic leaves is far below a micrometre.
    """
    a, b = weights(dx, dy, edges)
    for _ in range(2):
        c = 1.0 - a - b
        first = 4.0 * c * a
        second = 4.0 * c * b
        across = 4.0 * a * b
        x = first * bend[0] + second * bend[2] + across * bend[4]
        y = first * bend[1] + second * bend[3] + across * bend[5]
        a, b = weights(dx - x, dy - y, edges)
    return a, b


def blend(corners: Any, a: Any, b: Any) -> Any:
    """A value at shares ``a``, ``b`` of a facet, from that at its first corner and how the others differ."""
    return corners[0] + a * corners[1] + b * corners[2]


def level(look: Any) -> int:
    """The cosine of a look angle, from 0 to 1, in whole steps; 0 if it is not a number."""
    cosine = look if look > 0.0 else 0.0
    cosine = cosine if cosine < 1.0 else 1.0
    return int(cosine * LEVELS)


def met(state: Any, nearest: Any, farthest: Any) -> Any:
    """What can cast a shadow on later pixels of a line, after a pixel: four things, smallest levels first.

    Of the nearest crossings of all pixels; of all crossings in layover that has not ended; of those in
    layover that has; and whether any has ended. A pixel is given by the levels of its `nearest` crossing,
    and of its `farthest` if there are several.
    """
    heads, within, before, ended = state
    if nearest == NOTHING:
        return heads, within, before, ended
    if farthest == FARTHEST:
        return min(heads, nearest), FARTHEST, min(before, within), True
    return min(heads, nearest), min(within, farthest), before, ended


def joined(a: Any, b: Any) -> Any:
    """What `met` leaves after the pixels of ``a`` and then those of ``b``."""
    if b[3]:
        return min(a[0], b[0]), b[1], min(a[2], a[1], b[2]), True
    return min(a[0], b[0]), min(a[1], b[1]), a[2], a[3]


def in_shadow(state: Any, after: Any, nearest: Any) -> Any:
    """Whether a pixel is in shadow, from what `met` held before it and after it.

    It is if the terrain before it, on the ground, is seen under a larger look angle (a smaller cosine).
    Before it are the nearest crossings of all earlier pixels, and all crossings of those, except of the
    layover that it is in itself.
    """
    return nearest > min(state[0], after[2])


def angle_of(versine: Any) -> Any:
    """Degrees from 1 - cosine, float32; small angles keep digits that those of the cosine do not have."""
    rest = TWO - versine
    rest = rest if rest > ZERO else ZERO
    v = ZERO if versine < ZERO else versine
    return DEGREES_TWICE * arctangent2(np.float32(math.sqrt(v)), np.float32(math.sqrt(rest)))
