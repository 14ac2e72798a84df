"""Ground cells to be accumulated in pixels, and what is to come of them by the model in float64."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from alignsar_gpu.kernels import Cells

from alignsar_gpu import kernels

UNIT = 2.0**-24  # half of what float32 rounds to, relative
SHAPE = (18, 70)  # rows and columns of cells
PIXELS = (9, 26)


class Ground(NamedTuple):
    """What `accumulate_cells` is given, but for the sums."""

    cells: Cells
    down: Any
    across: Any
    area: Any
    planes: Any


def placed(chart=(0.0, 0.0), cell=(0.25, 0.25)):
    return Cells(start=(0, 0), steps=(1, 1), chart=chart, cell=cell)


GROUNDS = {  # chart, cell, noise of displacements, displacements of lines and samples by row and by column
    "gentle": ((0.83, 1.27), (0.27, 0.31), 0.05, (0.1, 0.0), (0.0, 0.02)),
    "rough": ((1.83, 3.27), (0.27, 0.31), 1.0, (0.0, 0.0), (0.0, 0.0)),
    "layover": ((1.5, 24.0), (0.25, 0.25), 0.1, (0.0, 0.0), (0.0, -0.55)),
    "sheared": ((2.25, -3.0), (0.25, 0.4), 0.05, (0.0, 0.01), (0.9, 0.0)),
    "folded in lines": ((6.5, 2.0), (0.25, 0.25), 0.05, (-0.6, 0.0), (0.0, 0.05)),
    "far": ((-0.7, -40.2), (0.6, 1.7), 4.0, (0.0, 0.0), (0.0, 0.0)),
    "no width": ((1.3, 6.3), (0.25, 0.25), 0.0, (0.0, 0.0), (0.0, -0.25)),
    "no height": ((4.3, 2.3), (0.25, 0.25), 0.0, (-0.25, 0.0), (0.0, 0.0)),
    "away": ((3001.5, -7005.0), (0.25, 0.25), 0.4, (0.0, 0.0), (0.0, 0.0)),
}


def ground(rng, name="rough", shape=SHAPE, planes="float32"):
    chart, cell, noise, down_by, across_by = GROUNDS[name]
    i, j = np.mgrid[0 : shape[0] + 1, 0 : shape[1] + 1]
    down = down_by[0] * i + down_by[1] * j + rng.normal(0.0, 1.0, i.shape) * noise
    across = across_by[0] * i + across_by[1] * j + rng.normal(0.0, 1.0, i.shape) * noise
    if name == "away":  # seen far from where the chart has it
        down, across = down - 3000.0, across + 7007.0
    area = rng.uniform(1.0, 400.0, shape).astype(np.float32)
    if planes == "uint8":
        values = rng.integers(0, 6, (1, *shape)).astype(np.uint8)
    elif planes == "int32":
        values = rng.integers(0, kernels.WHOLE_CELL, (3, *shape)).astype(np.int32)
        values[1][rng.random(shape) < 0.7] = 0
        values[2] = 0
    else:
        values = rng.normal(0.0, 30.0, (3, *shape)).astype(np.float32)
    return Ground(placed(chart, cell), down.astype(np.float32), across.astype(np.float32), area, values)


def accumulate(given, pixels=PIXELS, classes=4, start=0.0):
    count = classes if given.planes.dtype == np.uint8 else len(given.planes)
    sums = np.zeros((count + 1, *pixels)) + start
    kernels.accumulate_cells(*given, sums)
    return sums


def four(corners):
    corners = corners.astype(np.float64)
    return corners[:-1, :-1], corners[:-1, 1:], corners[1:, :-1], corners[1:, 1:]


def cumulative(t, wide, narrow):
    """Of the sum of two numbers, each anywhere within plus and minus its half extent: the share before t."""
    below = -np.abs(t)
    area = 8.0 * np.where(wide * narrow > 0.0, wide * narrow, 1.0)
    bent = (np.maximum(below + wide + narrow, 0.0) ** 2 - np.maximum(below + wide - narrow, 0.0) ** 2) / area
    steep = np.clip(0.5 + below / (2.0 * np.maximum(wide, 1e-30)), 0.0, 1.0)
    share = np.where(narrow > 1e-8 * np.maximum(wide, 1e-8), bent, np.where(wide > 0.0, steep, 0.0))
    return np.where(t < 0.0, share, 1.0 - share)


@np.errstate(invalid="ignore")  # of corners that are not finite
def expected(given, pixels=PIXELS, classes=4):
    """The documented model in float64, and how far float32 places of cells may put the sums from it."""
    cells, down, across, area, planes = given
    rows, columns = (np.arange(n, dtype=np.float64) for n in area.shape)
    a, b, c, d = four(down)
    top = cells.chart[0] + rows[:, None] * cells.cell[0]
    sides = np.stack([top + (a + b) / 2.0, top + cells.cell[0] + (c + d) / 2.0])
    spread = np.max([abs(x - a) for x in (b, c, d)], axis=0)
    low, high = sides.min(axis=0), sides.max(axis=0)
    ends = np.arange(pixels[0] + 1.0)[:, None, None] - 0.5
    size = np.maximum(high - low, 1e-30)
    line = np.diff(np.clip((ends - low) / size, 0.0, 1.0), axis=0)
    line = np.where(high > low, line, (np.rint(low) == ends[:-1] + 0.5).astype(float))
    line_error = np.minimum(8.0 * UNIT * (3.0 + 2.0 * spread + size) / size, 1.0) * (high > low)

    a, b, c, d = four(across)
    spread = np.max([abs(x - a) for x in (b, c, d)], axis=0)
    middle = cells.chart[1] + (columns + 0.5) * cells.cell[1] + (a + b + c + d) / 4.0
    extents = np.abs([(b - a + d - c) / 4.0 + cells.cell[1] / 2.0, (c - a + d - b) / 4.0])
    wide, narrow = extents.max(axis=0), extents.min(axis=0)
    borders = np.arange(pixels[1] + 1.0)[:, None, None] - 0.5
    sample = np.diff(cumulative(borders - middle, wide, narrow), axis=0)
    place_error = 8.0 * UNIT * (3.0 + 2.0 * spread + cells.cell[1])
    sample_error = np.minimum(place_error / np.maximum(wide, 1e-30) + 2e-8, 1.0) * (wide > 0.0)

    good = np.isfinite(low + high + middle)
    if planes.dtype == np.float32:
        good &= np.isfinite(planes[0])
    weights = np.where(good, area.astype(np.float64), 0.0)
    line, sample, low, high, middle = (np.where(good, x, 0.0) for x in (line, sample, low, high, middle))
    near_line = (ends[1:] > low - 1e-3) & (ends[:-1] < high + 1e-3)
    reach = np.where(good, wide + narrow, 0.0)
    near_sample = (borders[1:] > middle - reach - 1e-3) & (borders[:-1] < middle + reach + 1e-3)
    line_most = line + np.where(good, line_error, 0.0) * near_line
    sample_most = sample + np.where(good, sample_error, 0.0) * near_sample
    if planes.dtype == np.uint8:
        values = np.stack([planes[0] == k for k in range(classes)] + [np.ones(area.shape)]).astype(float)
    else:
        values = np.concatenate([planes.astype(np.float64), np.ones((1, *area.shape))])
    values = np.where(good, values, 0.0)
    wanted = np.einsum("pij,ij,lij,sij->pls", values, weights, line, sample, optimize=True)
    most = np.einsum("pij,ij,lij,sij->pls", abs(values), weights, line_most, sample_most, optimize=True)
    whole = np.einsum("pij,ij,lij,sij->pls", abs(values), weights, line, sample, optimize=True)
    return wanted, most - whole + 1e-12 * most
