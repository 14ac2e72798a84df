"""Areas of rings in pixels: of each ring and each pixel that it reaches, in whole steps."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu import kernels
from alignsar_gpu.radarcoding.tiles import ImageTile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.device import Device
    from alignsar_gpu.radarcoding.level_ground import GroundCells, LevelGround
    from alignsar_gpu.radarcoding.vectors.polygons import PlacedRings

PIXEL_STEPS = 1 << 30  # or more than half as many: steps of the largest pixel of level ground
BYTES_AT_A_TIME = 1 << 26  # for covers and areas of some rings
CELL_BYTES, SEEN_BYTES = 4, 32  # of a cell of a window, and of a pixel of one
SLACK = 1e-3  # pixels around what a ring reaches, for rounding


@dataclass(frozen=True, kw_only=True, eq=False)
class Surface:
    """Cells and where they are seen, see `kernels.accumulate_cells`: the ground, or pixels themselves."""

    cells: kernels.Cells
    down: Any
    across: Any
    area: Any


def ground_surface(ground: GroundCells) -> Surface:
    """Return the cells of the ground of a tile."""
    return Surface(cells=ground.cells, down=ground.down, across=ground.across, area=ground.area)


def pixel_surface(ground: GroundCells) -> Surface:
    """Return the pixels of a tile as cells, each seen where it is, with its area on level ground."""
    xp, (lines, samples) = ground.device.xp, ground.tile.shape
    area = ground.level_ground.pixel_area(ground.tile).astype(np.float32)
    return Surface(
        cells=kernels.Cells(start=(0, 0), steps=(1, 1), chart=(-0.5, -0.5), cell=(1.0, 1.0)),
        down=xp.zeros((lines + 1, samples + 1), dtype=np.float32),
        across=xp.zeros((lines + 1, samples + 1), dtype=np.float32),
        area=ground.device.upload(np.ascontiguousarray(area)),
    )


def steps_of(level: LevelGround) -> float:
    """Return how many steps an area of 1 m2 has, the same for all tiles of an image."""
    largest = level.pixel_area(ImageTile(lines=slice(0, 1), samples=slice(0, level.terrain.grid.samples)))
    return PIXEL_STEPS / 2.0 ** math.ceil(math.log2(float(np.nanmax(largest))))


@dataclass(frozen=True, kw_only=True, eq=False)
class RingAreas:
    """Areas of some rings (e): the feature, the pixel (flat, of the tile) and the area in steps, on the device."""

    feature: Any
    pixel: Any
    area: Any


@dataclass(frozen=True, kw_only=True, eq=False)
class _Reaching:
    """Rings (r) on a surface, on the host, with the windows of cells and of pixels that they reach.

    ``x`` and ``y``, their vertices, are on the device.
    """

    surface: Surface
    x: Any
    y: Any
    rings: NDArray[np.int64]
    feature: NDArray[np.int64]
    cells: NDArray[np.int64]
    pixels: NDArray[np.int64]

    @property
    def sizes(self) -> NDArray[np.int64]:
        """Bytes that each ring takes while it is worked on."""
        return CELL_BYTES * _size(self.cells) + SEEN_BYTES * _size(self.pixels)


def areas_of(
    parts: Sequence[tuple[Surface, Sequence[PlacedRings]]],
    groups: NDArray[np.int32],
    tile: ImageTile,
    scale: float,
    device: Device,
) -> Iterator[RingAreas]:
    """Compute the areas of the rings of features, some at a time.

    Parameters
    ----------
    parts : surfaces, with the rings on each; the plane of a ring is the number of its feature.
    groups : int32 (f,): features of the same group come together, groups in their order.
    scale : steps of an area of 1 m2.
    """
    reaching = [
        found
        for surface, placed in parts
        if (found := _reaching(surface, placed, tile.shape, device)) is not None
    ]
    if not reaching:
        return
    group = np.concatenate([groups[found.feature] for found in reaching])
    surface = np.repeat(np.arange(len(reaching)), [len(found.feature) for found in reaching])
    ring = np.concatenate([np.arange(len(found.feature)) for found in reaching])
    size = np.concatenate([found.sizes for found in reaching])
    order = np.argsort(group, kind="stable")
    for chunk in _chunks(order, group, size):
        chosen = [(found, ring[chunk[surface[chunk] == k]]) for k, found in enumerate(reaching)]
        entries = [_spread(found, own, tile.shape[1], scale, device) for found, own in chosen if len(own)]
        if len(entries) == 1:
            yield entries[0]
        else:
            names = ("feature", "pixel", "area")
            yield RingAreas(**{n: device.xp.concatenate([getattr(e, n) for e in entries]) for n in names})


def _chunks(
    order: NDArray[np.intp], group: NDArray[np.int32], size: NDArray[np.int64]
) -> Iterator[NDArray[np.intp]]:
    """Divide rings, given in ``order``, where groups end, into chunks of as many bytes as are taken at a time."""
    ends = np.flatnonzero(np.diff(group[order], append=-1) != 0) + 1
    total = np.cumsum(size[order])[ends - 1]
    first, done = 0, 0
    while first < len(order):
        last = np.searchsorted(total, done + BYTES_AT_A_TIME, side="right") - 1
        last = max(last, np.searchsorted(ends, first, side="right"))
        yield order[first : ends[last]]
        first, done = int(ends[last]), int(total[last])


def _size(windows: NDArray[np.int64]) -> NDArray[np.int64]:
    return (windows[:, 1] - windows[:, 0]) * (windows[:, 3] - windows[:, 2])


def _reaching(
    surface: Surface, placed: Sequence[PlacedRings], shape: tuple[int, int], device: Device
) -> _Reaching | None:
    """Gather rings, and find the windows that they reach; None where none reaches any pixel."""
    placed = [part for part in placed if len(part.table)]
    if not placed:
        return None
    first = np.cumsum([0, *(len(part.column) for part in placed)])
    table = np.concatenate([part.table for part in placed])
    table[:, :2] += np.repeat(first[:-1], [len(part.table) for part in placed])[:, np.newaxis]
    sides = np.concatenate([np.concatenate([part.extents, part.sides], axis=1) for part in placed])
    count = np.repeat(surface.area.shape, 2)
    ends = [np.floor(sides[:, 0]), np.ceil(sides[:, 1]), np.floor(sides[:, 2]), np.ceil(sides[:, 3])]
    cells = np.clip(np.stack(ends, axis=1), 0, count).astype(np.int64)
    pixels = _pixels_of(cells, surface, shape, device)
    keep = (_size(cells) > 0) & (_size(pixels) > 0)
    if not keep.any():
        return None
    return _Reaching(
        surface=surface,
        x=device.upload(np.concatenate([part.column for part in placed])),
        y=device.upload(np.concatenate([part.row for part in placed])),
        rings=table[keep][:, [0, 1, 3]],
        feature=table[keep, 2],
        cells=cells[keep],
        pixels=pixels[keep],
    )


def _pixels_of(
    cells: NDArray[np.int64], surface: Surface, shape: tuple[int, int], device: Device
) -> NDArray[np.int64]:
    """Return the window of pixels that windows of cells may be seen in: of so many lines and samples."""
    windows = np.empty((len(cells), 4), dtype=np.int64)
    given = device.upload(np.column_stack([cells, np.zeros(len(cells), dtype=np.int64)]))
    reach = device.download(kernels.reach_rings(given, surface.down, surface.across)).astype(np.float64)
    for axis, (chart, cell, count) in enumerate(
        zip(surface.cells.chart, surface.cells.cell, shape, strict=True)
    ):
        low, high = reach[:, 2 * axis], reach[:, 2 * axis + 1]
        beyond = 0.25 * (high - low) if axis else 0.0  # of a cell's sides, which are taken for parallel
        begin = chart + cells[:, 2 * axis] * cell + low - beyond - SLACK
        end = chart + cells[:, 2 * axis + 1] * cell + high + beyond + SLACK
        seen = np.isfinite(begin) & np.isfinite(end)
        first = np.floor(np.where(seen, begin, 0.0) + 0.5)
        stop = np.where(seen, np.floor(np.where(seen, end, 0.0) + 0.5) + 1.0, first)
        windows[:, 2 * axis] = np.clip(first, 0, count)
        windows[:, 2 * axis + 1] = np.clip(stop, 0, count)
    return windows


def _spread(
    found: _Reaching, chosen: NDArray[np.intp], samples: int, scale: float, device: Device
) -> RingAreas:
    """Compute the areas of chosen rings in all pixels where they have one."""
    xp = device.xp
    (windows, cells), (pixels, seen) = (_placed(table[chosen]) for table in (found.cells, found.pixels))
    covers = xp.zeros(cells, dtype=np.int32)
    areas = xp.zeros(seen, dtype=np.int64)
    given, table = device.upload(windows), device.upload(pixels)
    kernels.cover_rings(found.x, found.y, device.upload(found.rings[chosen]), given, covers)
    surface = found.surface
    kernels.spread_rings(
        surface.cells,
        surface.down,
        surface.across,
        surface.area,
        given,
        covers,
        table,
        scale / kernels.WHOLE_CELL,
        areas,
    )
    place = xp.flatnonzero(areas)
    ring = xp.searchsorted(xp.ascontiguousarray(table[:, 4]), place, side="right") - 1
    inside, width = place - table[ring, 4], table[ring, 3] - table[ring, 2]
    pixel = (table[ring, 0] + inside // width) * samples + table[ring, 2] + inside % width
    return RingAreas(feature=device.upload(found.feature[chosen])[ring], pixel=pixel, area=areas[place])


def _placed(windows: NDArray[np.int64]) -> tuple[NDArray[np.int64], int]:
    """Return windows with the place of each among numbers that follow each other, and how many these are."""
    ends = np.cumsum(_size(windows))
    return np.column_stack([windows, ends - _size(windows)]), int(ends[-1])
