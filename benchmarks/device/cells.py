"""The kernels of ground cells that `gpu.py` runs on a tile: cells placed, covered and pushed into pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from burst import Case

from alignsar_gpu import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

TILE = (256, 2048)  # pixels
DETAIL = (4, 4)  # cells to a pixel, as radarcoding has them
SHAPE = (TILE[0] * DETAIL[0], TILE[1] * DETAIL[1])
STEP = 128  # cells from a node to the next
CLASSES = 4
POLYGONS = 17_000  # as dense as a million over a burst
VERTICES = 10
CELLS = kernels.Cells(start=(0, 0), steps=(STEP, STEP), chart=(-0.5, -0.5), cell=(0.25, 0.25))


def cases() -> list[Case]:
    """The steps of radarcoding that are done for every cell; bytes are of a cell."""
    lattice, posts = hills()
    shifts = np.zeros((2, 0, 0), np.float32)
    placed = kernels.displace_cells(lattice, CELLS, SHAPE, posts, (0, 0), shifts)
    area = np.full(SHAPE, 2.0, np.float32)
    covers = covered(*town(), np.zeros((CLASSES, *SHAPE), np.int32))[0]
    sums = np.zeros((CLASSES + 1, *TILE))

    def push(*arrays: Any) -> tuple[Any]:
        found = np.zeros_like(arrays[-1])
        kernels.push_cells(CELLS, *arrays[:-1], found)
        return (found,)

    return [
        Case(
            name="displace_cells",
            run=lambda *arrays: kernels.displace_cells(arrays[0], CELLS, SHAPE, arrays[1], (0, 0), arrays[2]),
            arrays=(lattice, posts, shifts),
            bytes_per_pixel=2 * 4,
        ),
        Case(
            name="lattice_cells",
            run=lambda nodes: (kernels.lattice_cells(nodes, CELLS, SHAPE),),
            arrays=(lattice[:1].copy(),),
            bytes_per_pixel=8,
        ),
        Case(  # emptied, summed and put in order
            name=f"cover_cells, {CLASSES} classes",
            run=covered,
            arrays=(*town(), covers),
            bytes_per_pixel=CLASSES * (4 + 8 + 8),
        ),
        Case(  # sums are read and written
            name=f"push_cells, {CLASSES} classes",
            run=push,
            arrays=(*placed, area, covers, sums),
            bytes_per_pixel=3 * 4 + CLASSES * 4 + round(2 * 8 * (CLASSES + 1) / (DETAIL[0] * DETAIL[1])),
        ),
        Case(
            name="push_cells, heights",
            run=push,
            arrays=(*placed, area, np.ones((1, *SHAPE), np.float32), np.zeros((2, *TILE))),
            bytes_per_pixel=4 * 4 + round(2 * 8 * 2 / (DETAIL[0] * DETAIL[1])),
        ),
    ]


def hills() -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Where nodes lie on a DEM of hills, and how ground there moves with its height."""
    row, column = np.mgrid[0.0 : SHAPE[0] // STEP + 2, 0.0 : SHAPE[1] // STEP + 2]
    factors = np.ones((4, *row.shape)) * np.array([1e-4, 1e-9, -0.3, 1e-6])[:, None, None]
    lattice = np.stack([2.0 + 17.0 * row, 2.0 + 4.0 * column, *factors])
    y, x = np.mgrid[0.0:180.0, 0.0:280.0]
    heights = 60.0 * np.sin(0.23 * y) + 50.0 * np.cos(0.31 * x)
    return lattice, heights.astype(np.float32)


def town() -> tuple[NDArray[Any], ...]:
    """Polygons of ten vertices, some cells to a hundred across, of some classes: as `kernels.cover_cells` has them."""
    rng = np.random.default_rng(1)
    angle = np.sort(rng.uniform(0.0, 2.0 * np.pi, (POLYGONS, VERTICES)), axis=1)
    angle = np.concatenate([angle, angle[:, :1]], axis=1)
    radius = 10.0 ** rng.uniform(0.3, 1.5, (POLYGONS, 1))
    y = rng.uniform(0.0, SHAPE[0], (POLYGONS, 1)) + radius * np.sin(angle)
    x = rng.uniform(0.0, SHAPE[1], (POLYGONS, 1)) + radius * np.cos(angle)
    first = np.arange(POLYGONS) * (VERTICES + 1)
    signs = np.full(POLYGONS, -1)  # they go round clockwise, where rows go down
    rings = np.stack([first, first + VERTICES + 1, rng.integers(0, CLASSES, POLYGONS), signs], axis=1)
    return x.ravel(), y.ravel(), rings, np.stack([y.min(axis=1), y.max(axis=1)], axis=1)


def covered(x: Any, y: Any, rings: Any, extents: Any, like: Any) -> tuple[Any]:
    """Covers of the cells, where one class hides the next."""
    cover = np.zeros_like(like)
    kernels.cover_cells(x, y, rings, extents, cover)
    kernels.settle_cells(cover, np.arange(CLASSES))
    return (cover,)
