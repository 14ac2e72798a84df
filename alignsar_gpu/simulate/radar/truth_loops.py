"""The loops that say what is seen where, compiled by numba; complete in themselves, for numba's cache."""

from __future__ import annotations

import math

import numpy as np

from alignsar_gpu.simulate.radar.loops import compiled, compiled_loop

HAIR = 1e-9
STRIP = 16  # lines of the image that are filled at a time


@compiled
def _polynomials(x, out):
    out[0], out[1] = 1.0, x
    for n in range(2, out.shape[0]):
        out[n] = 2.0 * x * out[n - 1] - out[n - 2]


@compiled
def _between(values, frame, longitude, latitude):
    """Value between the cells of a raster; beyond its outermost centres, that of the edge."""
    rows, columns = values.shape
    row = min(max((frame[1] - latitude) / frame[3], 0.0), rows - 1.0)
    column = min(max((longitude - frame[0]) / frame[2], 0.0), columns - 1.0)
    i, j = min(int(row), rows - 2), min(int(column), columns - 2)
    v, u = row - i, column - j
    top = values[i, j] + u * (float(values[i, j + 1]) - values[i, j])
    bottom = values[i + 1, j] + u * (float(values[i + 1, j + 1]) - values[i + 1, j])
    return top + v * (bottom - top)


@compiled_loop
def place(  # noqa: PLR0913, PLR0917 - loops take flat arrays
    first, stop, u, v, low, high, places, longitude, latitude
):
    """Fills ``longitude`` and ``latitude`` (n,) of points (u, v); ``places`` (2, i, j) is their series."""
    rows, columns = places.shape[1:]
    for n in range(first, stop):
        down, across = np.empty(rows), np.empty(columns)
        _polynomials((2.0 * u[n] - low[0] - high[0]) / (high[0] - low[0]), down)
        _polynomials((2.0 * v[n] - low[1] - high[1]) / (high[1] - low[1]), across)
        x, y = 0.0, 0.0
        for i in range(rows):
            for j in range(columns):
                x += places[0, i, j] * down[i] * across[j]
                y += places[1, i, j] * down[i] * across[j]
        longitude[n], latitude[n] = x, y


@compiled_loop
def locate(  # noqa: PLR0913, PLR0917 - loops take flat arrays
    first,
    stop,
    u,
    v,
    height,
    longitude,
    latitude,
    low,
    high,
    sight,
    motion,
    motion_frame,
    screen,
    screen_frame,
    stratified,
    incidence,
    seen,
):
    """How a pass sees points (n,) of the ground on a date.

    Fills ``seen`` (4, n): zero-Doppler time (s), slant range without delay, that of the point where it would be
    had it not moved, and the delay (m). ``sight`` (2, i, j, k) is the pass's series over the box ``low``, ``high``;
    ``incidence`` the angle (radians) at the lowest v and how it grows with v.
    """
    count = sight.shape[1:]
    for n in range(first, stop):
        down, across = np.empty(count[0]), np.empty(count[1])
        up, still = np.empty(count[2]), np.empty(count[2])
        moved = height[n] + _between(motion, motion_frame, longitude[n], latitude[n])
        _polynomials((2.0 * u[n] - low[0] - high[0]) / (high[0] - low[0]), down)
        _polynomials((2.0 * v[n] - low[1] - high[1]) / (high[1] - low[1]), across)
        _polynomials((2.0 * moved - low[2] - high[2]) / (high[2] - low[2]), up)
        _polynomials((2.0 * height[n] - low[2] - high[2]) / (high[2] - low[2]), still)
        time, slant_range, unmoved = 0.0, 0.0, 0.0
        for i in range(count[0]):
            for j in range(count[1]):
                factor = down[i] * across[j]
                for k in range(count[2]):
                    time += sight[0, i, j, k] * factor * up[k]
                    slant_range += sight[1, i, j, k] * factor * up[k]
                    unmoved += sight[1, i, j, k] * factor * still[k]
        zenith = stratified[0] * math.exp(-moved / stratified[1])
        zenith += _between(screen, screen_frame, longitude[n], latitude[n])
        seen[0, n], seen[1, n], seen[2, n] = u[n] + time, v[n] + slant_range, v[n] + unmoved
        seen[3, n] = zenith / math.cos(incidence[0] + incidence[1] * (v[n] - low[1]))


@compiled
def _fill(line, sample, corner, fields, first, stop, out, folded):
    """Fill the pixels whose centres lie in a triangle; ``corner`` (3, 2) are rows and columns of the lattice."""
    a, b, c = corner[0], corner[1], corner[2]
    y0, y1, y2 = line[a[0], a[1]], line[b[0], b[1]], line[c[0], c[1]]
    x0, x1, x2 = sample[a[0], a[1]], sample[b[0], b[1]], sample[c[0], c[1]]
    top, bottom = max(math.ceil(min(y0, y1, y2)), first), min(math.floor(max(y0, y1, y2)), stop - 1)
    left, right = max(math.ceil(min(x0, x1, x2)), 0), min(math.floor(max(x0, x1, x2)), out.shape[2] - 1)
    twice = (y1 - y0) * (x2 - x0) - (y2 - y0) * (x1 - x0)
    if top > bottom or left > right or twice == 0.0:
        return
    for y in range(int(top), int(bottom) + 1):
        for x in range(int(left), int(right) + 1):
            to_b = ((y - y0) * (x2 - x0) - (y2 - y0) * (x - x0)) / twice
            to_c = ((y1 - y0) * (x - x0) - (y - y0) * (x1 - x0)) / twice
            # A centre on an edge belongs to both sides: rounding must not leave it to neither.
            if to_b < -HAIR or to_c < -HAIR or to_b + to_c > 1.0 + HAIR:
                continue
            shown = fields[3, a[0], a[1]] > 0.0
            if twice < 0.0:
                folded[y, x] = 1
            if math.isnan(out[0, y, x]) or (shown and not out[3, y, x] > 0.0):
                for f in range(fields.shape[0]):
                    value = fields[f, a[0], a[1]] * (1.0 - to_b - to_c)
                    value += fields[f, b[0], b[1]] * to_b + fields[f, c[0], c[1]] * to_c
                    out[f, y, x] = value


@compiled_loop
def draw(first, stop, line, sample, span, fields, out, folded):
    """Carry ``fields`` (f, row, column) of lattice points to the pixels (f, line, sample) whose centres they surround.

    ``line`` and ``sample`` (row, column) say where the lattice points lie, ``span`` (row, 2) the lowest and highest
    line of every row. Field 3 is positive where a facet is seen. Where several facets lie over each other (layover),
    the nearest that is seen counts; there is then a facet that runs backwards, and ``folded`` (line, sample) is set
    to 1. NaN where there is none.
    """
    for strip in range(first, stop):
        begin, end = strip * STRIP, min((strip + 1) * STRIP, out.shape[1])
        corner = np.empty((3, 2), dtype=np.int64)
        for i in range(line.shape[0] - 1):
            if max(span[i, 1], span[i + 1, 1]) < begin or min(span[i, 0], span[i + 1, 0]) > end - 1:
                continue
            for j in range(line.shape[1] - 1):
                corner[0, 0], corner[0, 1] = i, j
                corner[1, 0], corner[1, 1] = i + 1, j
                corner[2, 0], corner[2, 1] = i, j + 1
                _fill(line, sample, corner, fields, begin, end, out, folded)
                corner[0, 0], corner[0, 1] = i + 1, j + 1
                corner[1, 0], corner[1, 1] = i, j + 1
                corner[2, 0], corner[2, 1] = i + 1, j
                _fill(line, sample, corner, fields, begin, end, out, folded)
