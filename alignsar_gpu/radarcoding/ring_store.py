"""Rings of a vector file on the chart of a scene, for the lines that are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.radarcoding.polygons import ChartRings, chart_rings, divided, pieces_of
from alignsar_gpu.radarcoding.rings import Counts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from alignsar_gpu.radarcoding.layers import Scene
    from alignsar_gpu.radarcoding.rings import Rings
    from alignsar_gpu.radarcoding.vector_files import VectorFile


@dataclass(frozen=True, kw_only=True, eq=False)
class Batch:
    """Rings on the ground, by lines and samples of the chart, and rings in the air, by those that they are seen at."""

    ground: ChartRings
    raised: ChartRings

    @property
    def nbytes(self) -> int:
        """Memory that it takes."""
        return self.ground.nbytes + self.raised.nbytes


class RingStore:
    """Rings of a vector file: kept where they fit into ``limit`` bytes, else read anew for every strip.

    ``counts`` says what the file has for the scene, once `of` or `look_through` was called.
    """

    def __init__(self, file: VectorFile, first_plane: int, counts: Counts, limit: int) -> None:
        self._file, self._plane, self._counts, self._limit = file, first_plane, counts, limit
        self._kept: list[Batch] | None = None
        self._looked = False

    def look_through(self, scene: Scene) -> None:
        """Read all that the scene has, and keep it if it is not too much."""
        if self._looked:
            return
        kept: list[Batch] = []
        size = 0
        for batch in self._read(scene, None, self._counts):
            size += batch.nbytes
            if size <= self._limit:
                kept.append(batch)
            else:
                kept.clear()
        self._kept = kept if size <= self._limit else None
        self._looked = True

    def of(self, scene: Scene, lines: slice) -> list[Batch]:
        """What may be seen in some lines of the image."""
        self.look_through(scene)
        if self._kept is None:
            return list(self._read(scene, lines, Counts()))
        (before, after), _ = scene.chart.reach
        ground = lines.start - after - 1.0, lines.stop - before + 1.0
        return [
            Batch(
                ground=between(batch.ground, *ground),
                raised=between(batch.raised, lines.start - 1.0, lines.stop),
            )
            for batch in self._kept
        ]

    def _read(self, scene: Scene, lines: slice | None, counts: Counts) -> Iterator[Batch]:
        for rings in self._file.rings(scene.area(lines), counts):
            yield self._placed(scene, rings)

    def _placed(self, scene: Scene, rings: Rings) -> Batch:
        height = rings.height[rings.owner]
        plane = self._plane + rings.class_index[rings.owner].astype(np.int64)
        up = np.isfinite(height)
        if not up.any():
            return Batch(ground=self._on_chart(scene, rings, plane), raised=_nothing())
        low, high = _chosen(rings, ~up), _chosen(rings, up)
        return Batch(
            ground=self._on_chart(scene, low, plane[~up]),
            raised=self._in_air(scene, high, plane[up]),
        )

    def _on_chart(self, scene: Scene, rings: Rings, plane: NDArray[np.int64]) -> ChartRings:
        line, sample = scene.chart.places(*self._file.to_geodetic(rings.x, rings.y))
        pieces = pieces_of(line, sample, rings.start)
        start = rings.start
        if (pieces > 1).any():
            x, y, start = divided(rings.x, rings.y, rings.start, pieces)
            added = np.ones(len(x), dtype=bool)
            old = np.cumsum(pieces) - pieces
            added[old] = False
            whole = np.empty((2, len(x)))
            whole[:, old] = line, sample
            whole[:, added] = scene.chart.places(*self._file.to_geodetic(x[added], y[added]))
            line, sample = whole
        return chart_rings(line, sample, start, rings.hole, plane)

    def _in_air(self, scene: Scene, rings: Rings, plane: NDArray[np.int64]) -> ChartRings:
        """Rings at a height of their own: flat, above the mean of the terrain under their vertices or above WGS84."""
        longitude, latitude = self._file.to_geodetic(rings.x, rings.y)
        height = np.repeat(rings.height[rings.owner], np.diff(rings.start))
        if self._file.above_terrain:
            owner = np.repeat(rings.owner, np.diff(rings.start))
            terrain = scene.chart.terrain.dem.height_at(longitude, latitude)
            known = np.isfinite(terrain)
            total = np.bincount(owner[known], terrain[known], minlength=len(rings.height))
            count = np.bincount(owner[known], minlength=len(rings.height))
            with np.errstate(invalid="ignore"):
                height = height + (total / count)[owner]
        line, sample = scene.chart.terrain.seen(longitude, latitude, height)
        return chart_rings(line, sample, rings.start, rings.hole, plane)


def _chosen(rings: Rings, keep: NDArray[np.bool_]) -> Rings:
    """Some rings of a batch."""
    size = np.diff(rings.start)
    vertices = np.repeat(keep, size)
    return replace(
        rings,
        x=rings.x[vertices],
        y=rings.y[vertices],
        start=np.concatenate([[0], np.cumsum(size[keep])]),
        hole=rings.hole[keep],
        owner=rings.owner[keep],
    )


def _nothing() -> ChartRings:
    empty, none = np.zeros(0), np.zeros(0, dtype=np.int64)
    return ChartRings(line=empty, sample=empty, start=np.zeros(1, dtype=np.int64), plane=none, sign=none)


def between(rings: ChartRings, first: float, last: float) -> ChartRings:
    """The rings that reach between two lines."""
    if len(rings.start) < 2:
        return rings
    low, high = (one.reduceat(rings.line, rings.start[:-1]) for one in (np.minimum, np.maximum))
    keep = (low <= last) & (high >= first)
    if keep.all():
        return rings
    size = np.diff(rings.start)
    vertices = np.repeat(keep, size)
    return ChartRings(
        line=rings.line[vertices],
        sample=rings.sample[vertices],
        start=np.concatenate([[0], np.cumsum(size[keep])]),
        plane=rings.plane[keep],
        sign=rings.sign[keep],
    )
