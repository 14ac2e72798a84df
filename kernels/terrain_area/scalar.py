"""The area of a terrain's facets as a radar sees it, as plain Python functions of scalars and of posts.

As in :mod:`geometry.scalar`, in float64. Areas are counted in pixels of the slant-range plane: a facet's area as
it is seen along the line of sight, over the area that a pixel has in that plane. The sum over a pixel's facets is
A_gamma / A_beta (Small 2011, Flattening gamma: radiometric terrain correction for SAR imagery, IEEE TGRS 49(8)).
"""

from __future__ import annotations

import math
from typing import Any

from alignsar_gpu.kernels.geometry.scalar import doppler_terms, dot, minus, orbit_state, position

FUNCTIONS = (  # in the order in which they call each other
    "sight",
    "vertex",
    "cross",
    "projected_area",
    "slant",
    "ray",
    "hidden_between",
    "is_hidden",
    "lit_area",
    "half_places",
    "meets",
    "by_line",
    "share_of",
    "divided",
    "lines_of",
    "band_of",
    "by_sample",
    "pixels_of",
    "share_before",
    "ratio_of",
)
INLINED = ()

X, SIGHT = 0, 3  # where a post's position and its sight begin
QUANTITIES = 6
SAMPLE, LINE = 0, 1
COVERED = 1e-4  # of a pixel may lie beside the surface


def sight(lon: Any, lat: Any, h: Any, time: Any, orbit: Any, doppler: Any, pixel: Any) -> Any:
    """Position of a point, and the direction from it to the antenna over the area of a pixel there.

    ``pixel`` is the product of the grid's steps, seconds times metres. The slant-range plane holds the line of
    sight and the direction across it in which the time of zero (or the given) Doppler grows fastest, by
    ``along / rate`` a metre: a line is so long that level ground has the area A_beta / sin(incidence), to the
    square of the angle (0.2 degrees) by which the track is not level. A facet's own coordinates are not asked,
    so that those seen edge-on are as good as others.
    """
    x = position(lon, lat, h)
    antenna, v, a, _, _ = orbit_state(time, orbit[0], orbit[1])
    d = minus(x, antenna)
    slant_range = math.sqrt(dot(d, d))
    along = dot(v, v)
    rate = along - dot(d, a)
    if doppler[0].size > 0:
        g, change = doppler_terms(time, slant_range, doppler)
        along -= (g / slant_range) * (g / slant_range)
        rate += change
    scale = -math.sqrt(along) / (slant_range * rate * pixel)
    return x, (scale * d[0], scale * d[1], scale * d[2])


def vertex(points: Any, row: int, column: int, begin: int) -> Any:
    """A post's position, or its sight."""
    return points[row, column, begin], points[row, column, begin + 1], points[row, column, begin + 2]


def cross(a: Any, b: Any) -> Any:
    """Vector product of two triples."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


def projected_area(p: Any, q: Any, r: Any, towards: Any) -> Any:
    """Area of the facet between three positions as it is seen, negative from below; ``towards`` as `sight`.

    A terrain's facets look away from the Earth's centre.
    """
    normal = cross(minus(q, p), minus(r, p))
    area = 0.5 * dot(normal, towards)
    return area if dot(normal, p) > 0.0 else -area


def slant(along: Any, down: Any, level: Any) -> Any:
    """Columns and rows a metre of a horizontal direction, from the horizontal sides of a cell."""
    aa = dot(along, along)
    dd = dot(down, down)
    ad = dot(along, down)
    a = dot(level, along)
    d = dot(level, down)
    inverse = 1.0 / (aa * dd - ad * ad)
    return (a * dd - d * ad) * inverse, (d * aa - a * ad) * inverse


def ray(p: Any, q: Any, r: Any, towards: Any, side: Any) -> Any:
    """The line of sight from the middle of a facet: where it begins, what is above it, how it runs over the posts.

    ``side`` is 1 or -1: along or against the order of rows and columns the facet's sides lead from its first post.
    Returns the middle, the direction (across the line of sight, upwards) that what casts a shadow lies in, what is
    gained in height, and the columns and rows that are passed, a metre.
    """
    middle = (
        (p[0] + q[0] + r[0]) * (1.0 / 3.0),
        (p[1] + q[1] + r[1]) * (1.0 / 3.0),
        (p[2] + q[2] + r[2]) * (1.0 / 3.0),
    )
    inverse = 1.0 / math.sqrt(dot(middle, middle))
    up = (middle[0] * inverse, middle[1] * inverse, middle[2] * inverse)
    inverse = 1.0 / math.sqrt(dot(towards, towards))
    t = (towards[0] * inverse, towards[1] * inverse, towards[2] * inverse)
    gain = dot(t, up)
    level = (t[0] - gain * up[0], t[1] - gain * up[1], t[2] - gain * up[2])
    above = (up[0] - gain * t[0], up[1] - gain * t[1], up[2] - gain * t[2])
    a = minus(q, p)
    d = minus(r, p)
    rise = dot(a, up)
    along = (side * (a[0] - rise * up[0]), side * (a[1] - rise * up[1]), side * (a[2] - rise * up[2]))
    rise = dot(d, up)
    down = (side * (d[0] - rise * up[0]), side * (d[1] - rise * up[1]), side * (d[2] - rise * up[2]))
    columns, rows = slant(along, down, level)
    return middle, above, gain, columns, rows


def hidden_between(low: Any, high: Any, share: Any, middle: Any, above: Any) -> Any:
    """Whether the surface between two posts lies above a line of sight; not where there is none."""
    return dot(minus(low, middle), above) * (1.0 - share) + dot(minus(high, middle), above) * share > 0.0


def is_hidden(points: Any, row: int, column: int, half: int, towards: Any, room: Any) -> Any:
    """Whether terrain stands between the middle of a facet and the antenna.

    The line of sight is followed over the posts until it has gained the height ``room``, or the posts end. The
    surface is compared with it wherever it crosses a row, or a column, if it runs along the rows.
    """
    p = vertex(points, row + half, column + half, X)
    q = vertex(points, row + half, column + 1 - half, X)
    r = vertex(points, row + 1 - half, column + half, X)
    middle, above, gain, columns, rows = ray(p, q, r, towards, 1.0 - 2.0 * half)
    by_row = abs(rows) >= abs(columns)
    fast = rows if by_row else columns
    slow = columns if by_row else rows
    begin = (1.0 + half) * (1.0 / 3.0)  # of the cell, both ways
    first = row if by_row else column
    step = 1 if fast > 0.0 else -1
    at = first + 1 if fast > 0.0 else first
    length = (at - first - begin) / fast  # metres along the line of sight
    place = (column if by_row else row) + begin + length * slow
    metres = step / fast
    last = points.shape[0] - 1 if by_row else points.shape[1] - 1
    most = points.shape[1] - 1 if by_row else points.shape[0] - 1
    hidden = False
    while not hidden and length * gain <= room and 0 <= at <= last and 0.0 <= place < most:
        k = int(place)
        low = vertex(points, at, k, X) if by_row else vertex(points, k, at, X)
        high = vertex(points, at, k + 1, X) if by_row else vertex(points, k + 1, at, X)
        hidden = hidden_between(low, high, place - k, middle, above)
        at += step
        length += metres
        place += metres * slow
    return hidden


def lit_area(points: Any, heights: Any, row: int, column: int, half: int, ceiling: Any) -> Any:
    """Seen area of one of the two facets of a cell, in pixels; 0 if it is turned away, hidden or not there.

    A cell is divided from the upper right to the lower left. ``ceiling`` is a height that no post is above.
    """
    r0 = row + half
    c0 = column + half
    r1 = row + 1 - half
    c1 = column + 1 - half
    p = vertex(points, r0, c0, X)
    q = vertex(points, r0, c1, X)
    r = vertex(points, r1, c0, X)
    a = vertex(points, r0, c0, SIGHT)
    b = vertex(points, r0, c1, SIGHT)
    c = vertex(points, r1, c0, SIGHT)
    towards = (
        (a[0] + b[0] + c[0]) * (1.0 / 3.0),
        (a[1] + b[1] + c[1]) * (1.0 / 3.0),
        (a[2] + b[2] + c[2]) * (1.0 / 3.0),
    )
    area = projected_area(p, q, r, towards)
    lit = False
    if area > 0.0:
        room = ceiling - (heights[r0, c0] + heights[r0, c1] + heights[r1, c0]) * (1.0 / 3.0)
        lit = not is_hidden(points, row, column, half, towards, room)
    return area if lit else 0.0


def half_places(places: Any, row: int, column: int, half: int) -> Any:
    """Sample and line of the corners of one of the two facets of a cell."""
    r0 = row + half
    c0 = column + half
    r1 = row + 1 - half
    c1 = column + 1 - half
    p = (places[r0, c0, SAMPLE], places[r0, c0, LINE])
    q = (places[r0, c1, SAMPLE], places[r0, c1, LINE])
    r = (places[r1, c0, SAMPLE], places[r1, c0, LINE])
    return p, q, r


def meets(p: Any, q: Any, r: Any, first: int, lines: int, samples: int) -> Any:
    """Whether a facet may lie in the pixels of some lines from ``first`` on."""
    low = min(p[LINE], q[LINE], r[LINE])
    high = max(p[LINE], q[LINE], r[LINE])
    near = min(p[SAMPLE], q[SAMPLE], r[SAMPLE])
    far = max(p[SAMPLE], q[SAMPLE], r[SAMPLE])
    there = math.isfinite(p[0] + p[1] + q[0] + q[1] + r[0] + r[1])
    return there and low < first + lines - 0.5 and high > first - 0.5 and near < samples - 0.5 and far > -0.5


def by_line(p: Any, q: Any, r: Any) -> Any:
    """Three places (sample, line) in the order of their lines."""
    if q[LINE] < p[LINE]:
        p, q = q, p
    if r[LINE] < q[LINE]:
        q, r = r, q
    if q[LINE] < p[LINE]:
        p, q = q, p
    return p, q, r


def divided(p: Any, q: Any, r: Any) -> Any:
    """The corners of a facet by line, and the sample at which the line of the middle one crosses the side opposite.

    With its area in the radar grid: negative where the order of its corners is reversed, as it is in layover.
    """
    cover = 0.5 * (
        (q[SAMPLE] - p[SAMPLE]) * (r[LINE] - p[LINE]) - (q[LINE] - p[LINE]) * (r[SAMPLE] - p[SAMPLE])
    )
    low, middle, high = by_line(p, q, r)
    across = low[SAMPLE] + share_of(low, middle, low, high) * (high[SAMPLE] - low[SAMPLE])
    return low, middle, high, across, cover


def share_of(tip: Any, middle: Any, low: Any, high: Any) -> Any:
    """Share of a facet that lies between one of its outer corners and the line of the middle one."""
    length = high[LINE] - low[LINE]
    return abs(middle[LINE] - tip[LINE]) / length if length > 0.0 else 0.0


def lines_of(tip: Any, middle: Any, first: int, lines: int) -> Any:
    """First line, and that after the last, whose pixels the part of a facet lies in; of ``lines`` from ``first`` on."""
    low = min(tip[LINE], middle[LINE])
    high = max(tip[LINE], middle[LINE])
    begin = max(math.floor(low + 0.5), first)
    end = min(math.floor(high + 0.5) + 1, first + lines)
    return begin, end if low < high else begin


def band_of(line: Any, tip: Any, middle: Any, across: Any) -> Any:
    """The part of a triangle in the pixels of a line, as two triangles of samples, each with its share of it.

    The triangle lies between the corner ``tip`` (sample, line) and the side along the line of the corner
    ``middle``, from there to the sample ``across``. Shares are of the triangle's own area, whatever that is in the
    radar grid.
    """
    inverse = 1.0 / (middle[LINE] - tip[LINE])
    u = (line - 0.5 - tip[LINE]) * inverse
    v = (line + 0.5 - tip[LINE]) * inverse
    s = max(min(u, v), 0.0)
    t = min(max(u, v), 1.0)
    thick = max(t - s, 0.0)
    one = middle[SAMPLE] - tip[SAMPLE]
    other = across - tip[SAMPLE]
    first = (tip[SAMPLE] + s * one, tip[SAMPLE] + s * other, tip[SAMPLE] + t * one, s * thick)
    second = (tip[SAMPLE] + t * one, tip[SAMPLE] + t * other, tip[SAMPLE] + s * other, t * thick)
    return first, second


def by_sample(a: Any, b: Any, c: Any) -> Any:
    """Three samples in their order, and what `share_before` multiplies by."""
    if b < a:
        a, b = b, a
    if c < b:
        b, c = c, b
    if b < a:
        a, b = b, a
    width = c - a
    rising = 1.0 / (width * (b - a)) if b > a else 0.0
    falling = 1.0 / (width * (c - b)) if c > b else 0.0
    return a, b, c, rising, falling


def pixels_of(samples: Any, count: int) -> Any:
    """First pixel, and that after the last, that samples (in their order) lie in; of ``count``."""
    first = math.floor(min(max(samples[0] + 0.5, 0.0), count))
    last = math.floor(min(max(samples[2] + 0.5, -1.0), count - 1.0))
    return first, last + 1


def share_before(x: Any, samples: Any) -> Any:
    """Share of a triangle that lies before the sample ``x``: of 1, however narrow it is."""
    a, b, c, rising, falling = samples
    if x <= a:
        return 0.0
    if x >= c:
        return 1.0
    if x < b:
        return (x - a) * (x - a) * rising
    return 1.0 - (c - x) * (c - x) * falling


def ratio_of(area: Any, cover: Any) -> Any:
    """The area of a pixel; NaN if it is not covered, or nothing in it is lit.

    ``cover`` counts the surface as often as it passes through the pixel, forwards less backwards: once, whatever
    the layover, unless it ends there.
    """
    return area if area > 0.0 and abs(abs(cover) - 1.0) < COVERED else math.nan
