"""Cases of the kernels of ground cells, the steps of radarcoding that are done for every cell."""

from __future__ import annotations

from functools import lru_cache, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu import kernels

from .case import Case, Size

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

SHARE = (12, 2)  # of the lines and samples of a burst
DETAIL = (4, 4)  # cells to a pixel, as radarcoding has them
STEP = 128  # cells from a node to the next
CLASSES = 4
CELLS_BY_POLYGON = 500  # as a million over a burst
VERTICES = 10
CELLS = kernels.Cells(start=(0, 0), steps=(STEP, STEP), chart=(-0.5, -0.5), cell=(0.25, 0.25))
NO_SHIFTS = np.zeros((2, 0, 0), np.float32)


def tile(size: Size) -> tuple[int, int]:
    """Lines and samples of pixels."""
    return max(size.lines // SHARE[0], 1), size.samples // SHARE[1]


def cell_shape(size: Size) -> tuple[int, int]:
    lines, samples = tile(size)
    return lines * DETAIL[0], samples * DETAIL[1]


def hills(size: Size) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Where nodes lie on a DEM of hills, and how ground there moves with its height."""
    shape = cell_shape(size)
    row, column = np.mgrid[0.0 : shape[0] // STEP + 2, 0.0 : shape[1] // STEP + 2]
    factors = np.ones((4, *row.shape)) * np.array([1e-4, 1e-9, -0.3, 1e-6])[:, None, None]
    lattice = np.stack([2.0 + 17.0 * row, 2.0 + 4.0 * column, *factors])
    y, x = np.mgrid[0.0 : 17.0 * len(row) + 4.0, 0.0 : 4.0 * row.shape[1] + 4.0]
    heights = 60.0 * np.sin(0.23 * y) + 50.0 * np.cos(0.31 * x)
    return lattice, heights.astype(np.float32)


@lru_cache(maxsize=1)
def town(size: Size) -> tuple[NDArray[Any], ...]:
    """Polygons of ten vertices, some cells to a hundred across, of some classes: as `kernels.cover_cells` has them."""
    rng = np.random.default_rng(1)
    shape = cell_shape(size)
    count = max(shape[0] * shape[1] // CELLS_BY_POLYGON, 2)
    angle = np.sort(rng.uniform(0.0, 2.0 * np.pi, (count, VERTICES)), axis=1)
    angle = np.concatenate([angle, angle[:, :1]], axis=1)
    radius = 10.0 ** rng.uniform(0.3, 1.5, (count, 1))
    y = rng.uniform(0.0, shape[0], (count, 1)) + radius * np.sin(angle)
    x = rng.uniform(0.0, shape[1], (count, 1)) + radius * np.cos(angle)
    first = np.arange(count) * (VERTICES + 1)
    signs = np.full(count, -1)  # they go round clockwise, where rows go down
    rings = np.stack([first, first + VERTICES + 1, rng.integers(0, CLASSES, count), signs], axis=1)
    return x.ravel(), y.ravel(), rings, np.stack([y.min(axis=1), y.max(axis=1)], axis=1)


def covered(x: Any, y: Any, rings: Any, extents: Any, like: Any) -> tuple[Any]:
    """Covers of the cells, where one class hides the next."""
    cover = like * 0
    kernels.cover_cells(x, y, rings, extents, cover)
    kernels.resolve_overlaps(cover, np.arange(CLASSES))
    return (cover,)


@lru_cache(maxsize=1)
def windows(size: Size) -> tuple[NDArray[Any], ...]:
    """The same polygons, each with the window of cells that it spans, and room for the covers of all of these."""
    x, y, rings, extents = town(size)
    shape = cell_shape(size)
    across = x.reshape(len(rings), -1)
    ends = [*extents.T, across.min(axis=1), across.max(axis=1)]
    sides = np.stack([np.floor(ends[0]), np.ceil(ends[1]), np.floor(ends[2]), np.ceil(ends[3])], axis=1)
    sides = np.clip(sides, 0, np.repeat(shape, 2)).astype(np.int64)
    count = (sides[:, 1] - sides[:, 0]) * (sides[:, 3] - sides[:, 2])
    found = np.column_stack([sides, np.cumsum(count) - count])
    own = np.ascontiguousarray(rings[:, [0, 1, 3]]).astype(np.int64)
    return x, y, own, found, np.zeros(int(count.sum()), np.int32)


def covered_rings(x: Any, y: Any, rings: Any, places: Any, like: Any) -> tuple[Any]:
    """Covers of the cells by each polygon alone."""
    covers = like * 0
    kernels.cover_rings(x, y, rings, places, covers)
    return (covers,)


def displacement(size: Size) -> Case:
    shape = cell_shape(size)

    def run(lattice: Any, posts: Any, shifts: Any) -> tuple[Any, ...]:
        return kernels.displace_cells(lattice, CELLS, shape, posts, (0, 0), shifts)

    return Case(
        function="displace_cells",
        arrays=(*hills(size), NO_SHIFTS),
        run=run,
        pixels=shape[0] * shape[1],
        bytes_per_pixel=2 * 4,
        strays=1e-4,  # a place on the side of two triangles may be in either
    )


def lattice(size: Size) -> Case:
    shape = cell_shape(size)
    return Case(
        function="lattice_cells",
        arrays=(hills(size)[0][:1].copy(),),
        run=lambda nodes: (kernels.lattice_cells(nodes, CELLS, shape),),
        pixels=shape[0] * shape[1],
        bytes_per_pixel=8,
        bound=1e-13,
    )


def cover(size: Size) -> Case:
    """Emptied, summed and put in order."""
    shape = cell_shape(size)
    return Case(
        function="cover_cells",
        arrays=(*town(size), np.zeros((CLASSES, *shape), np.int32)),
        run=covered,
        pixels=shape[0] * shape[1],
        bytes_per_pixel=CLASSES * (4 + 8 + 8),
        bound=0.0,
    )


def order(size: Size) -> Case:
    """Sums along rows, and classes in order, of covers that are copied for it."""
    shape = cell_shape(size)
    edges = np.zeros((CLASSES, *shape), np.int32)
    kernels.cover_cells(*town(size), edges)

    def run(edges: Any) -> tuple[Any]:
        settled = edges.copy()
        kernels.resolve_overlaps(settled, np.arange(CLASSES))
        return (settled,)

    return Case(
        function="resolve_overlaps",
        arrays=(edges,),
        run=run,
        pixels=shape[0] * shape[1],
        bytes_per_pixel=CLASSES * (8 + 8 + 8),
        bound=0.0,
    )


def planes(kind: str, size: Size) -> NDArray[Any]:
    """Covers, numbers of classes, or a quantity."""
    shape = cell_shape(size)
    if kind == "int32":
        return covered(*town(size), np.zeros((CLASSES, *shape), np.int32))[0]
    rng = np.random.default_rng(3)
    if kind == "uint8":
        return rng.integers(0, CLASSES, (1, *shape)).astype(np.uint8)
    return rng.uniform(1.0, 2.0, (1, *shape)).astype(np.float32)


def push(kind: str, size: Size) -> Case:
    shape = cell_shape(size)
    placed = kernels.displace_cells(hills(size)[0], CELLS, shape, hills(size)[1], (0, 0), NO_SHIFTS)
    area = np.full(shape, 2.0, np.float32)
    values = planes(kind, size)
    sums = np.zeros((2 if kind == "float32" else CLASSES + 1, *tile(size)))

    def run(*arrays: Any) -> tuple[Any]:
        found = arrays[-1] * 0.0
        kernels.accumulate_cells(CELLS, *arrays[:-1], found)
        return (found,)

    return Case(
        function="accumulate_cells",
        arrays=(*placed, area, values, sums),
        run=run,
        pixels=shape[0] * shape[1],
        bytes_per_pixel=(
            3 * 4  # places and area
            + values.itemsize * len(values)
            + 2 * 8 * len(sums) / (DETAIL[0] * DETAIL[1])  # sums are read and written
        ),
        strays=1e-4,
    )


def ring_cover(size: Size) -> Case:
    arrays = windows(size)
    return Case(
        function="cover_rings",
        arrays=arrays,
        run=covered_rings,
        pixels=arrays[-1].size,
        bytes_per_pixel=4 + 8 + 8,
        bound=0.0,
    )


def reach(size: Size) -> Case:
    shape, (lattice, heights) = cell_shape(size), hills(size)
    placed = kernels.displace_cells(lattice, CELLS, shape, heights, (0, 0), NO_SHIFTS)
    *_, places, covers = windows(size)
    return Case(
        function="reach_rings",
        arrays=(places, *placed),
        run=lambda *arrays: (kernels.reach_rings(*arrays),),
        pixels=covers.size,
        bytes_per_pixel=2 * 4,
        bound=0.0,
    )


def spread(size: Size) -> Case:
    """Areas in whole steps, a thousand for each cell."""
    shape, (lattice, heights) = cell_shape(size), hills(size)
    placed = kernels.displace_cells(lattice, CELLS, shape, heights, (0, 0), NO_SHIFTS)
    area = np.full(shape, 2.0, np.float32)
    x, y, rings, places, like = windows(size)
    (covers,) = covered_rings(x, y, rings, places, like)
    low = np.stack([places[:, 0], places[:, 2]], axis=1) // DETAIL - 12  # of pixels: hills move ground by ten
    high = -(-np.stack([places[:, 1], places[:, 3]], axis=1) // DETAIL) + 12
    low, high = (np.clip(side, 0, tile(size)) for side in (low, high))
    count = np.prod(high - low, axis=1)
    pixels = np.stack([low[:, 0], high[:, 0], low[:, 1], high[:, 1], np.cumsum(count) - count], axis=1)

    def run(*arrays: Any) -> tuple[Any]:
        found = arrays[-1] * 0
        kernels.spread_rings(CELLS, *arrays[:-1], 1000.0 / kernels.WHOLE_CELL, found)
        return (found,)

    return Case(
        function="spread_rings",
        arrays=(*placed, area, places, covers, pixels, np.zeros(int(count.sum()), np.int64)),
        run=run,
        pixels=covers.size,
        bytes_per_pixel=3 * 4 + 4 + 2 * 8 / (DETAIL[0] * DETAIL[1]),
        bound=1e-2,  # a step or two
        strays=1e-4,
    )


FAMILIES: dict[str, dict[str, Callable[[Size], Case]]] = {
    "cells": {
        "displace cells": displacement,
        "lattice cells": lattice,
        "cover cells": cover,
        "settle cells": order,
        "push covers": partial(push, "int32"),
        "push classes": partial(push, "uint8"),
        "push heights": partial(push, "float32"),
        "cover rings": ring_cover,
        "reach rings": reach,
        "spread rings": spread,
    },
}
