"""Keep the rings of a vector file in radar coordinates, and return those of some lines."""

from __future__ import annotations

import os
import weakref
from dataclasses import dataclass, fields, replace
from tempfile import TemporaryFile
from typing import IO, TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.vectors.polygons import RadarRings, count_pieces, divide_edges, radar_rings
from alignsar_gpu.radarcoding.vectors.values.ids import Ids, IdTable
from alignsar_gpu.radarcoding.vectors.values.numbers import NumberList, Numbers

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from alignsar_gpu.geometry.terrain.terrain import Terrain
    from alignsar_gpu.radarcoding.layers import LabelScene
    from alignsar_gpu.radarcoding.vectors.files import VectorFile
    from alignsar_gpu.radarcoding.vectors.rings import Counts, Rings

LEANING = 0.005  # degrees: from as far outside of it may what is high lean into the image


@dataclass(frozen=True, kw_only=True, eq=False)
class RingBatch:
    """Rings on the ground, on level ground, and raised rings, by the lines and samples that they are seen at."""

    ground: RadarRings
    raised: RadarRings

    @property
    def nbytes(self) -> int:
        """Memory that the batch takes, bytes."""
        return self.ground.nbytes + self.raised.nbytes


@dataclass(frozen=True, kw_only=True, eq=False)
class _Stored:
    """A batch in a temporary file that vanishes with the store."""

    file: IO[bytes]
    place: int

    def read(self) -> RingBatch:
        """Read the batch."""
        self.file.seek(self.place)
        ground, raised = (
            RadarRings(**{field.name: np.load(self.file) for field in fields(RadarRings)}) for _ in range(2)
        )
        return RingBatch(ground=ground, raised=raised)


def _stored(batch: RingBatch, file: IO[bytes]) -> _Stored:
    """Write a batch at the end of a file. Raises AlignsarError where there is no room."""
    place = file.seek(0, os.SEEK_END)
    try:
        for rings in (batch.ground, batch.raised):
            for field in fields(rings):
                np.save(file, getattr(rings, field.name))
        file.flush()
    except OSError as error:
        raise AlignsarError(
            f"output: shapes of maps that do not fit into device.memory_gib could not be written beside it ({error}); "
            "free space there, or raise device.memory_gib"
        ) from error
    return _Stored(file=file, place=place)


class RingStore:
    """Rings of a vector file in radar coordinates, read once: in ``limit`` bytes of memory, the rest in a file.

    ``counts`` are those of the whole scene, once `in_lines` or `look_through` was called; so are the ``values`` of
    features that have their own, whose rings have the number of their feature for a plane.
    """

    def __init__(self, file: VectorFile, first_plane: int, counts: Counts, limit: int) -> None:
        self._file, self._plane, self._counts, self._limit = file, first_plane, counts, limit
        self.values: NumberList | IdTable | None = None
        self._kept: list[RingBatch | _Stored] | None = None

    def look_through(self, scene: LabelScene) -> None:
        """Read all features of the scene."""
        if self._kept is not None:
            return
        kept: list[RingBatch | _Stored] = []
        file: IO[bytes] | None = None
        size = 0
        area = scene.area().buffer(LEANING) if self._file.raised else scene.area()
        if isinstance(self._file.legend, Numbers):
            self.values = NumberList(legend=self._file.legend)
        elif isinstance(self._file.legend, Ids):
            self.values = IdTable(self._file.legend, scene.temporary)
        for rings in self._file.rings(area, self._counts):
            batch = self._placed(scene, self._numbered(rings))
            size += batch.nbytes
            if size <= self._limit:
                kept.append(batch)
                continue
            if file is None:
                file = TemporaryFile(dir=scene.temporary)  # noqa: SIM115 - closed with the store
                weakref.finalize(self, file.close)
            kept.append(_stored(batch, file))
        self._kept = kept

    def _numbered(self, rings: Rings) -> Rings:
        """Keep the values of features, where they have their own, and number these."""
        if self.values is None:
            return rings
        first = self.values.count
        self.values.add(rings.columns)
        return replace(rings, class_index=np.arange(first, self.values.count, dtype=np.int32))

    def in_lines(self, scene: LabelScene, lines: slice) -> Iterator[RingBatch]:
        """Return the rings that some lines of the image may show."""
        self.look_through(scene)
        (before, after), _ = scene.level_ground.reach
        ground = lines.start - after - 1.0, lines.stop - before + 1.0
        for kept in self._kept or ():
            batch = kept.read() if isinstance(kept, _Stored) else kept
            yield RingBatch(
                ground=rings_between(batch.ground, *ground),
                raised=rings_between(batch.raised, lines.start - 1.0, lines.stop),
            )

    def _placed(self, scene: LabelScene, rings: Rings) -> RingBatch:
        up = np.isfinite(rings.height)[rings.owner]
        if not up.any():
            return RingBatch(
                ground=self._to_radar(rings, scene.level_ground.terrain, scene.level_ground.height),
                raised=_nothing(rings.dates.shape[1]),
            )
        low, high = _chosen(rings, ~up), _chosen(rings, up)
        return RingBatch(
            ground=self._to_radar(low, scene.level_ground.terrain, scene.level_ground.height),
            raised=self._to_radar(
                high, scene.level_ground.terrain, self._heights(high, scene.level_ground.terrain)[high.owner]
            ),
        )

    def _to_radar(self, rings: Rings, terrain: Terrain, height: NDArray[np.float64] | float) -> RadarRings:
        """Convert rings, flat at a height each, to the lines and samples that they are seen at."""

        def to_radar(
            x: NDArray[np.float64], y: NDArray[np.float64], ring: NDArray[np.int64]
        ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
            longitude, latitude = self._file.to_geodetic(x, y)
            heights = height[ring, np.newaxis] if isinstance(height, np.ndarray) else height
            # each by itself: a corner that features share has one place, to the last bit
            line, sample = terrain.to_radar(longitude[:, np.newaxis], latitude[:, np.newaxis], heights)
            return line[:, 0], sample[:, 0]

        ring = _of_vertices(rings)
        line, sample = to_radar(rings.x, rings.y, ring)
        pieces = count_pieces(line, sample, rings.start)
        start = rings.start
        if (pieces > 1).any():  # what is straight in the file is not, as it is seen
            x, y, start = divide_edges(rings.x, rings.y, rings.start, pieces)
            added = np.ones(len(x), dtype=bool)
            old = np.cumsum(pieces) - pieces
            added[old] = False
            whole = np.empty((2, len(x)))
            whole[:, old] = line, sample
            whole[:, added] = to_radar(x[added], y[added], np.repeat(ring, pieces)[added])
            line, sample = whole
        plane = self._plane + rings.class_index[rings.owner].astype(np.int64)
        return radar_rings(line, sample, start, rings.hole, plane, rings.dates[rings.owner])

    def _heights(self, rings: Rings, terrain: Terrain) -> NDArray[np.float64]:
        """Return heights of features above WGS84: their own, or above the mean terrain under their vertices."""
        if not self._file.above_terrain:
            return rings.height
        owner = rings.owner[_of_vertices(rings)]
        under = terrain.dem.height_at(*self._file.to_geodetic(rings.x, rings.y))
        known = np.isfinite(under)
        total = np.bincount(owner[known], under[known], minlength=len(rings.height))
        count = np.bincount(owner[known], minlength=len(rings.height))
        with np.errstate(invalid="ignore"):
            return rings.height + total / count


def _of_vertices(rings: Rings) -> NDArray[np.int64]:
    """Return the ring that each vertex belongs to."""
    return np.repeat(np.arange(len(rings.hole)), np.diff(rings.start))


def _chosen(rings: Rings, keep: NDArray[np.bool_]) -> Rings:
    """Select some rings of a batch."""
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


def _nothing(count: int) -> RadarRings:
    empty, none = np.zeros(0), np.zeros(0, dtype=np.int64)
    start, dates = np.zeros(1, dtype=np.int64), np.zeros((0, count), dtype=bool)
    return RadarRings(line=empty, sample=empty, start=start, plane=none, sign=none, dates=dates)


def rings_between(rings: RadarRings, first: float, last: float) -> RadarRings:
    """Select the rings that reach between two lines."""
    if len(rings.start) < 2:
        return rings
    low, high = (extreme.reduceat(rings.line, rings.start[:-1]) for extreme in (np.minimum, np.maximum))
    keep = (low <= last) & (high >= first)
    if keep.all():
        return rings
    size = np.diff(rings.start)
    vertices = np.repeat(keep, size)
    return RadarRings(
        line=rings.line[vertices],
        sample=rings.sample[vertices],
        start=np.concatenate([[0], np.cumsum(size[keep])]),
        plane=rings.plane[keep],
        sign=rings.sign[keep],
        dates=rings.dates[keep],
    )
