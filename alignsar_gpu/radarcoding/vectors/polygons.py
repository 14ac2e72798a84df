"""Cover ground cells or pixels with polygons, exactly by area."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu import kernels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.device import Device
    from alignsar_gpu.radarcoding.level_ground import GroundCells

LONGEST = 64.0  # pixels of an edge: what is straight on a map is bent by 8 mm over as many on the chart


@dataclass(frozen=True, kw_only=True, eq=False)
class RadarRings:
    """Closed rings in radar coordinates.

    Attributes
    ----------
    line, sample : float64 (n,), vertices.
    start : int64 (r + 1,), where each ring begins.
    plane : int64 (r,), the class that each is of.
    sign : int64 (r,), see `kernels.cover_cells`: holes are taken away.
    dates : bool (r, d), on which dates each is there; of one that stands for all, or of each.
    """

    line: NDArray[np.float64]
    sample: NDArray[np.float64]
    start: NDArray[np.int64]
    plane: NDArray[np.int64]
    sign: NDArray[np.int64]
    dates: NDArray[np.bool_]

    @property
    def nbytes(self) -> int:
        """Memory that the rings take, bytes."""
        return 2 * self.line.nbytes + 3 * self.start.nbytes + self.dates.nbytes


def radar_rings(
    line: NDArray[np.float64],
    sample: NDArray[np.float64],
    start: NDArray[np.int64],
    hole: NDArray[np.bool_],
    plane: NDArray[np.int64],
    dates: NDArray[np.bool_] | None = None,
) -> RadarRings:
    """Make rings of vertices in lines and samples; rings with a vertex that is NaN are left out.

    Without ``dates`` they are there on all. Long edges are to be divided before, see `divide_edges`.
    """
    if dates is None:
        dates = np.ones((len(hole), 1), dtype=bool)
    known = np.isfinite(line) & np.isfinite(sample)
    if not known.all():
        keep = np.logical_and.reduceat(known, start[:-1])
        vertices = np.repeat(keep, np.diff(start))
        line, sample, hole, plane = line[vertices], sample[vertices], hole[keep], plane[keep]
        dates = dates[keep]
        start = np.concatenate([[0], np.cumsum(np.diff(start)[keep])])
    turn = np.where(_signed_area(line, sample, start) > 0.0, -1, 1)
    sign = np.where(hole, -turn, turn).astype(np.int64)
    return RadarRings(line=line, sample=sample, start=start, plane=plane, sign=sign, dates=dates)


def _signed_area(
    line: NDArray[np.float64], sample: NDArray[np.float64], start: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Return twice the area of closed rings, positive where they turn from samples to lines."""
    if len(start) < 2:
        return np.zeros(0)
    first = np.repeat(start[:-1], np.diff(start))
    x, y = sample - sample[first], line - line[first]
    cross = np.zeros(len(x))
    cross[:-1] = x[:-1] * y[1:] - x[1:] * y[:-1]
    cross[start[1:] - 1] = 0.0  # from the end of a ring to the next is no edge
    return np.add.reduceat(cross, start[:-1])


def divide_edges(
    x: NDArray[np.float64], y: NDArray[np.float64], start: NDArray[np.int64], pieces: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Divide the edges of rings into equal ``pieces``: a number for each vertex, 1 for the last of a ring."""
    if not (pieces > 1).any():
        return x, y, start
    end = np.cumsum(pieces)
    vertex = np.repeat(np.arange(len(x)), pieces)
    share = (np.arange(end[-1]) - (end - pieces)[vertex]) / pieces[vertex]
    following = np.minimum(vertex + 1, len(x) - 1)
    cut = [values[vertex] + share * (values[following] - values[vertex]) for values in (x, y)]
    return cut[0], cut[1], np.concatenate([[0], end])[start]


def count_pieces(
    line: NDArray[np.float64], sample: NDArray[np.float64], start: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Return into how many pieces to divide each edge, so that it stays straight on the map."""
    pieces = np.ones(len(line), dtype=np.int64)
    if len(line) > 1:
        with np.errstate(invalid="ignore"):
            length = np.nan_to_num(np.maximum(np.abs(np.diff(line)), np.abs(np.diff(sample))))
        pieces[:-1] = np.maximum(np.ceil(length / LONGEST), 1)
    pieces[start[1:] - 1] = 1
    return pieces


@dataclass(frozen=True, kw_only=True, eq=False)
class PlacedRings:
    """Rings that reach a grid of cells, or of pixels.

    Attributes
    ----------
    column, row : float64 (n,), vertices, counted from the upper left corner.
    table, extents : int64 [ring, 4] and float64 [ring, 2], see `kernels.cover_cells`.
    sides : float64 [ring, 2], smallest and largest column of each.
    dates : bool [ring, date], see `RadarRings`.
    """

    column: NDArray[np.float64]
    row: NDArray[np.float64]
    table: NDArray[np.int64]
    extents: NDArray[np.float64]
    sides: NDArray[np.float64]
    dates: NDArray[np.bool_]

    def on(self, date: int) -> PlacedRings:
        """Select the rings that are there on a date."""
        there = self.dates[:, date]
        return replace(
            self,
            table=self.table[there],
            extents=self.extents[there],
            sides=self.sides[there],
            dates=self.dates[there],
        )


def on_cells(ground: GroundCells, rings: RadarRings) -> PlacedRings:
    """Place rings on level ground on its cells."""
    column, row = ground.column_and_row(rings.line, rings.sample)
    return _placed(rings, column, row, ground.shape)


def on_pixels(ground: GroundCells, rings: RadarRings) -> PlacedRings:
    """Place rings, by the lines and samples that they are seen at, on the pixels of a tile."""
    tile, shifts = ground.tile, ground.level_ground.shifts.at(rings.line, rings.sample)
    column = rings.sample - shifts[1] + 0.5 - tile.samples.start
    row = rings.line - shifts[0] + 0.5 - tile.lines.start
    return _placed(rings, column, row, tile.shape)


def _placed(
    rings: RadarRings, column: NDArray[np.float64], row: NDArray[np.float64], shape: tuple[int, int]
) -> PlacedRings:
    if len(rings.start) < 2:
        none = np.zeros((0, 2))
        table = np.zeros((0, 4), dtype=np.int64)
        return PlacedRings(column=column, row=row, table=table, extents=none, sides=none, dates=rings.dates)
    (top, bottom), (left, right) = (
        [extreme.reduceat(place, rings.start[:-1]) for extreme in (np.minimum, np.maximum)]
        for place in (row, column)
    )
    inside = (top < shape[0]) & (bottom > 0.0) & (left < shape[1]) & (right > 0.0)
    return PlacedRings(
        column=column,
        row=row,
        table=np.stack([rings.start[:-1], rings.start[1:], rings.plane, rings.sign], axis=1)[inside],
        extents=np.stack([top, bottom], axis=1)[inside],
        sides=np.stack([left, right], axis=1)[inside],
        dates=rings.dates[inside],
    )


def cover(parts: Sequence[PlacedRings], shape: tuple[int, int], device: Device) -> tuple[list[int], Any]:
    """Cover cells with rings, see `kernels.cover_cells`: the planes that have any, and int32 [plane, row, column]."""
    planes = np.unique(np.concatenate([np.zeros(0, dtype=np.int64), *(part.table[:, 2] for part in parts)]))
    covers = device.xp.zeros((len(planes), *shape), dtype=np.int32)
    for part in parts:
        if part.table.size:
            table = part.table.copy()
            table[:, 2] = np.searchsorted(planes, table[:, 2])
            column, row, rings, extents = (
                device.upload(array) for array in (part.column, part.row, table, part.extents)
            )
            kernels.cover_cells(column, row, rings, extents, covers)
    return planes.tolist(), covers
