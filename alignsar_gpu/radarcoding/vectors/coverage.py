"""Where maps show all there is: the extent of their files, polygons of another file, or everywhere."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from alignsar_gpu.radarcoding.vectors.classes import Classes
from alignsar_gpu.radarcoding.vectors.config import EVERYWHERE, EXTENT, VectorLayerConfig
from alignsar_gpu.radarcoding.vectors.crs import STRAIGHT
from alignsar_gpu.radarcoding.vectors.files import VectorFile, open_vectors
from alignsar_gpu.radarcoding.vectors.formats.sources import LayerSource
from alignsar_gpu.radarcoding.vectors.shapes import repaired
from alignsar_gpu.radarcoding.vectors.validity import FeatureValidity

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from shapely.geometry.base import BaseGeometry

    from alignsar_gpu.radarcoding.crs import Box
    from alignsar_gpu.radarcoding.layers import LabelScene
    from alignsar_gpu.radarcoding.vectors.formats.sources import Rows

ANY_TURN = 2.0  # full circles of longitude to each side, of a map that goes round the Earth


@dataclass(frozen=True, kw_only=True, eq=False)
class Coverage:
    """An area that maps cover.

    Attributes
    ----------
    file : whose polygons are covered; None where all is.
    text : what it is, in words.
    is_box : whether it is one polygon.
    """

    file: VectorFile | None
    text: str
    is_box: bool = False

    @property
    def files(self) -> tuple[Path | str, ...]:
        """Files that are read for it besides those of the maps."""
        return () if self.file is None or self.is_box else self.file.files

    def holds(self, scene: LabelScene) -> bool:
        """Return whether it surely covers the whole scene, so that there is nothing to compute."""
        if self.file is None:
            return True
        if not self.is_box:
            return False
        (box,) = self.file.source.head(1).shapes
        inside = [bool(box.covers(part)) for part in self.file.place.areas(scene.area(), 0.0)]
        return any(inside) if self.file.place.period else bool(inside) and all(inside)


EVERYTHING = Coverage(file=None, text="taken as known everywhere")


def open_coverage(config: VectorLayerConfig, key: str) -> VectorFile | None:
    """Open the polygons that a map covers; None where its configuration names no file.

    Raises AlignsarError, naming the key, for files that cannot be used.
    """
    if config.coverage in {EXTENT, EVERYWHERE}:
        return None
    return open_vectors(VectorLayerConfig(path=config.coverage), f"{key}.coverage")


def find_coverages(
    maps: Sequence[tuple[VectorFile, VectorFile | None]],
) -> tuple[list[Coverage], list[int]]:
    """Find the areas that maps cover, each once, and the index of each map's area.

    ``maps``: each with the polygons that it covers, see `open_coverage`. Layers of the same files and system have one
    extent together: where one has nothing amid the others, there is nothing.
    """
    keys = [_key(file, polygons) for file, polygons in maps]
    groups = list(dict.fromkeys(keys))
    areas = [
        _coverage([one for one, key in zip(maps, keys, strict=True) if key == group]) for group in groups
    ]
    return areas, [groups.index(key) for key in keys]


def _key(file: VectorFile, polygons: VectorFile | None) -> Any:
    """Return what maps of the same area have in common."""
    if file.config.coverage == EXTENT:
        return file.files, file.crs.to_wkt()
    return EVERYWHERE if polygons is None else file.config.coverage


def _coverage(maps: Sequence[tuple[VectorFile, VectorFile | None]]) -> Coverage:
    file, polygons = maps[0]
    if polygons is not None:
        return Coverage(file=polygons, text=f"the polygons of {Path(file.config.coverage).name}")
    if file.config.coverage == EVERYWHERE:
        return EVERYTHING
    return Coverage(file=_extent([one for one, _ in maps]), text="the extent of its file", is_box=True)


def _extent(files: Sequence[VectorFile]) -> VectorFile:
    """Return a file with one area, the box around some layers of a file and as far as their shapes are widened."""
    first = files[0]
    boxes = np.array([box_around(file) for file in files])
    (west, south), (east, north) = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    period = first.place.period
    if period and east - west > 0.5 * period:  # round the Earth, or across 180 degrees
        west, east = -ANY_TURN * period, ANY_TURN * period
    corners = shapely.MultiPoint([(west, south), (west, north), (east, south), (east, north)])
    reach = max(file.config.reach for file in files)
    return replace(
        first,
        config=VectorLayerConfig(path=first.config.path, buffer=reach or None),
        source=AreaSource(
            name=first.name,
            files=first.files,
            fields={},
            geometry_type="Polygon",
            crs=first.crs,
            bounds=(west, south, east, north),
            features=1,
            area=corners.convex_hull,
        ),
        validity=FeatureValidity(key=first.key, first=None, last=None),
        place=replace(first.place, extent=(west, south, east, north)),
        legend=Classes(index={}),
    )


def box_around(file: VectorFile) -> Box:
    """Return the extent of all features of a file, read where the file does not state it."""
    if file.place.extent is not None:
        return file.place.extent
    boxes = np.concatenate([shapely.bounds(batch.shapes) for batch in file.source.batches([], None)])
    west, south = np.nanmin(boxes[:, :2], axis=0)
    east, north = np.nanmax(boxes[:, 2:], axis=0)
    return float(west), float(south), float(east), float(north)


def area_in_degrees(file: VectorFile) -> BaseGeometry:
    """Return all polygons of a file together, in degrees."""
    shapes = np.concatenate([batch.shapes for batch in file.source.batches([], None)])
    union = shapely.union_all([repaired(shape) for shape in shapes if shape is not None])
    if not file.place.period:  # what is straight in the file is not in degrees
        union = shapely.segmentize(union, STRAIGHT)
    return shapely.transform(union, lambda points: np.stack(file.to_geodetic(*points.T), axis=1))


@dataclass(frozen=True, kw_only=True, eq=False)
class AreaSource(LayerSource):
    """One area as a source of vectors."""

    area: BaseGeometry

    def rows(
        self,
        columns: Sequence[str],  # noqa: ARG002  (it has no attributes)
        box: Box | None,  # noqa: ARG002
        most: int | None,  # noqa: ARG002
        *,
        shapes: bool,  # noqa: ARG002
    ) -> Iterator[Rows]:
        """See `LayerSource`."""
        yield np.array([shapely.to_wkb(self.area)], dtype=object), {}
