"""The CUDA kernels of :mod:`.scalar`, as in :mod:`coherence.cuda`. Import it late: it imports numba.cuda.

The facets of a terrain are drawn in two steps. In the first, facets compete for pixels: a pixel keeps the
largest key, which is the level of the look angle above the facet's number counted backwards, so that of equal
levels the first facet stays, as on the CPU. In the second, each pixel is solved on the facet that has it.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import THREADS, cuda, kernels_of
from numba import int32

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
    joined,
    level,
    met,
    span,
)

NAN = np.float32(np.nan)
FACETS = 2**32  # a key holds its facet's number in so many values

# The line of a radar grid is looked through for shadows by PARTS threads, a block takes LINES of them.
PARTS = 32
LINES = THREADS // PARTS
STATES = 4 * THREADS

DEVICE_FUNCTIONS = ("key_of", "level_in", "facet_in", "place_of", "crossings")

DECLARED = {
    "claim_pixels": Declared(
        arguments="3Fiiiiiqw",
        registers=104,
        float64=140,
        why_float64="geometry: edges of facets, which two neighbours find alike",
    ),
    "draw_pixels": Declared(
        arguments="3Fiiiqdddff",
        registers=64,
        float64=94,
        why_float64="geometry: longitude, latitude and height of a pixel on its facet",
    ),
    "cast_shadows": Declared(arguments="qwiiiu", registers=80, float64=0, shared=4 * STATES),
}


def key_of(found: int, facet: int) -> int:
    """What a facet bids for a pixel."""
    return found * FACETS + (FACETS - 1 - facet)


def level_in(key: int) -> int:
    """Level of the look angle in a key, NOTHING in -1, that of pixels without a facet."""
    return key >> 32


def facet_in(key: int) -> int:
    """Number of the facet in a key."""
    return FACETS - 1 - (key & (FACETS - 1))


def place_of(facet: int, cells: int) -> Any:
    """Row and column of a facet's cell in a terrain ``cells`` wide, and which half of it the facet is."""
    cell = np.uint64(facet) >> np.uint64(1)
    row = cell // np.uint64(cells)
    return np.int64(row), np.int64(cell - row * np.uint64(cells)), facet & 1


def claim_pixels(
    posts: Any,
    bends: Any,
    first: int,
    lines: int,
    samples: int,
    margin: int,
    share: int,
    keys: Any,
    farthest: Any,
) -> None:
    """Every facet bids for its pixels; ``share`` threads take a facet's lines in turn.

    ``keys`` [line, margin + sample] begin as -1 and become the largest of their pixels, ``farthest`` begin
    as FARTHEST and become the lowest level of those that several facets bid for.
    """
    cells = posts.shape[1] - 1
    width = margin + samples
    for i in range(cuda.grid(1), 2 * (posts.shape[0] - 1) * cells * share, cuda.gridsize(1)):
        facet = i // share
        row, column, half = place_of(facet, cells)
        p, q, r, sides = half_cell(posts, bends, row, column, half)
        low, middle, high = in_order(p, q, r)
        if not low[LINE] <= first + lines - 1 or not high[LINE] >= first:
            continue
        near = min(p[SAMPLE], q[SAMPLE], r[SAMPLE])
        far = max(p[SAMPLE], q[SAMPLE], r[SAMPLE])
        shape = edges(p, q, r)
        if not near <= samples - 1 or not far >= -margin or not math.isfinite(shape[4] + low[HEIGHT]):
            continue
        look_angle = corners(p, q, r, LOOK)
        begin = max(math.ceil(low[LINE]), first) + i - facet * share
        end = min(math.ceil(high[LINE]), first + lines)
        for n in range(begin, end, share):
            line = np.float64(n)
            left, right = span(line, low, middle, high)
            for s in range(max(left, -margin), min(right, samples)):
                a, b = facet_shares(s - p[SAMPLE], line - p[LINE], shape, sides)
                found = level(blend(look_angle, a, b))
                at = (n - first) * width + margin + s
                kept = level_in(cuda.atomic.max(keys, at, key_of(found, facet)))
                if kept != NOTHING:
                    cuda.atomic.min(farthest, at, np.int32(min(found, kept)))


def draw_pixels(
    posts: Any,
    bends: Any,
    first: int,
    samples: int,
    margin: int,
    keys: Any,
    lon: Any,
    lat: Any,
    h: Any,
    incidence: Any,
    local: Any,
) -> None:
    """Every pixel on the facet that has it; NaN where there is none."""
    cells = posts.shape[1] - 1
    for i in range(cuda.grid(1), lon.size, cuda.gridsize(1)):
        line = np.uint64(i) // np.uint64(samples)
        s = np.int64(np.uint64(i) - line * np.uint64(samples))
        key = keys[i + (np.int64(line) + 1) * margin]
        if level_in(key) == NOTHING:
            lon[i] = math.nan
            lat[i] = math.nan
            h[i] = math.nan
            incidence[i] = NAN
            local[i] = NAN
        else:
            row, column, half = place_of(facet_in(key), cells)
            p, q, r, sides = half_cell(posts, bends, row, column, half)
            dy = np.float64(first + np.int64(line)) - p[LINE]
            a, b = facet_shares(np.float64(s) - p[SAMPLE], dy, edges(p, q, r), sides)
            lon[i] = blend(corners(p, q, r, LONGITUDE), a, b)
            lat[i] = blend(corners(p, q, r, LATITUDE), a, b)
            h[i] = blend(corners(p, q, r, HEIGHT), a, b)
            incidence[i] = angle_of(np.float32(blend(corners(p, q, r, INCIDENCE), a, b)))
            local[i] = angle_of(np.float32(blend(corners(p, q, r, LOCAL), a, b)))


def crossings(keys: Any, farthest: Any, at: int) -> Any:
    """Levels of a pixel's nearest crossing and, of several, the farthest."""
    return level_in(keys[at]), np.int64(farthest[at])


def cast_shadows(keys: Any, farthest: Any, lines: int, samples: int, margin: int, flags: Any) -> None:
    """Layover and shadow: every thread goes through its part of a line twice.

    First for what may cast shadows on the parts behind it, then, with what those before it left, for the
    flags of its pixels.
    """
    states = cuda.shared.array(STATES, int32)
    thread = cuda.threadIdx.x
    part = thread % PARTS
    width = margin + samples
    length = (width + PARTS - 1) // PARTS
    top = cuda.blockIdx.x * LINES
    while top < lines:
        line = top + thread // PARTS
        begin = line * width + part * length
        end = min(begin + length, (line + 1) * width) if line < lines else begin
        heads = FARTHEST
        within = FARTHEST
        before = FARTHEST
        ended = False
        for k in range(begin, end):
            nearest, deepest = crossings(keys, farthest, k)
            heads, within, before, ended = met((heads, within, before, ended), nearest, deepest)
        states[4 * thread] = heads
        states[4 * thread + 1] = within
        states[4 * thread + 2] = before
        states[4 * thread + 3] = 1 if ended else 0
        cuda.syncthreads()
        state = (FARTHEST, FARTHEST, FARTHEST, False)
        for other in range(thread - part, thread):
            at = 4 * other
            behind = (
                np.int64(states[at]),
                np.int64(states[at + 1]),
                np.int64(states[at + 2]),
                states[at + 3] != 0,
            )
            state = joined(state, behind)
        for k in range(begin, end):
            nearest, deepest = crossings(keys, farthest, k)
            after = met(state, nearest, deepest)
            s = k - line * width - margin
            if s >= 0:
                layover = LAYOVER if deepest != FARTHEST else 0
                flags[line * samples + s] = layover + (SHADOW if in_shadow(state, after, nearest) else 0)
            state = after
        cuda.syncthreads()
        top += cuda.gridDim.x * LINES


KERNEL = kernels_of(__name__)
