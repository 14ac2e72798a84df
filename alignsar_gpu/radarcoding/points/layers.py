"""Point layers: statistics of the points that each pixel shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely

from alignsar_gpu.geometry.dem.frame import turn
from alignsar_gpu.radarcoding.layers import LayerSpec, mask_layer, mask_name
from alignsar_gpu.radarcoding.points.files import open_points
from alignsar_gpu.radarcoding.points.placing import point_values, points_to_radar
from alignsar_gpu.radarcoding.points.statistics import PointStatistics
from alignsar_gpu.radarcoding.vectors.config import EVERYWHERE, EXTENT, VectorLayerConfig
from alignsar_gpu.radarcoding.vectors.coverage import area_in_degrees
from alignsar_gpu.radarcoding.vectors.files import open_vectors
from alignsar_gpu.radarcoding.vectors.values.numbers import DAYS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from alignsar_gpu.radarcoding.layers import LabelScene, Strip
    from alignsar_gpu.radarcoding.points.config import PointLayerConfig
    from alignsar_gpu.radarcoding.points.files import PointFile
    from alignsar_gpu.radarcoding.vectors.files import VectorFile

TALL = 0.005  # degrees around the ground of a strip, for points that stand high above it
SHARE_OF_BUDGET = 0.25  # of the memory, for the points of a strip; the rest goes to a file
COUNT, DEVIATION = "count", "standard_deviation"
EARTH = shapely.box(-360.0, -90.0, 360.0, 90.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class PointLayers:
    """Points and the layers that are made of them, one for each statistic.

    Attributes
    ----------
    name : the layers are called after it and their statistic, NAME_STATISTIC.
    statistics : see `statistics.PointStatistics`.
    above : "ellipsoid" or "terrain": what heights count from.
    value : the attribute that statistics are of; None for heights.
    attributes : further attributes of the layers.
    covered : where points were looked for, a polygon in degrees; None where only pixels with points are known.
    polygons : the file that this area is from, if any.
    """

    name: str
    file: PointFile
    statistics: tuple[str, ...]
    above: str
    value: str | None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    covered: BaseGeometry | None = None
    polygons: VectorFile | None = None

    @property
    def files(self) -> tuple[Path | str, ...]:
        """See `layers.Source`."""
        return (*self.file.source.files, *(() if self.polygons is None else self.polygons.files))

    @property
    def layers(self) -> tuple[LayerSpec, ...]:
        """See `layers.Source`."""
        looked_for = "the pixel has points" + (
            ", or its ground was looked at for points" if self.covered else ""
        )
        return (
            *(
                LayerSpec(
                    name=f"{self.name}_{statistic}",
                    dtype="float32",
                    attributes={**self._attributes(statistic), **self.attributes},
                )
                for statistic in self.statistics
            ),
            mask_layer(self.name, f"where {looked_for}; elsewhere there may be any number"),
        )

    def _attributes(self, statistic: str) -> dict[str, Any]:
        words, points = statistic.replace("_", " "), self.name.replace("_", " ")
        where = "points belong to the pixel that they are seen in at their own height"
        if statistic == COUNT:
            return {"units": "1", "long_name": f"number of points: {points}", "description": where}
        if self.value is not None:
            units = self.file.source.units
            if statistic == DEVIATION and units == DAYS:
                units = "days"
            return {"units": units, "long_name": f"{words} of {self.value}: {points}", "description": where}
        above = "the terrain" if self.above == "terrain" else "the WGS84 ellipsoid"
        return {
            "units": "m",
            "long_name": f"{words} of heights above {above}: {points}",
            "description": where,
        }

    def require_inside(self, scene: LabelScene) -> None:
        """See `layers.Source`."""
        for _ in self.file.batches(scene.area()):
            return

    def strip(self, scene: LabelScene, strip: Strip) -> Iterator[tuple[str, int | None, NDArray[Any]]]:
        """See `layers.StripSource`."""
        terrain, shifts = scene.level_ground.terrain, scene.level_ground.shifts
        memory = int(scene.device.memory_budget * SHARE_OF_BUDGET)
        statistics = PointStatistics(
            strip.tile.shape,
            strip.lines.start,
            tuple(dict.fromkeys((*self.statistics, COUNT))),
            memory,
            scene.temporary,
        )
        for batch in self.file.batches(scene.area(strip.lines).buffer(TALL), required=False):
            line, sample = points_to_radar(batch, terrain.grid, terrain.orbit, terrain.dem, terrain.doppler)
            later, farther = shifts.at(line, sample)
            statistics.add(line - later, sample - farther, point_values(batch, self.above, terrain.dem))
        found = statistics.result()
        known = (found[COUNT] > 0) | self._is_covered(strip)
        found[COUNT] = np.where(known, found[COUNT], np.float32(np.nan))
        for statistic in self.statistics:
            yield f"{self.name}_{statistic}", None, found[statistic]
        yield mask_name(self.name), None, known

    def _is_covered(self, strip: Strip) -> NDArray[np.bool_]:
        if self.covered is None:
            return np.zeros(strip.longitude.shape, dtype=np.bool_)
        west, _, east, _ = self.covered.bounds
        longitude = turn(strip.longitude, 0.5 * (west + east), 360.0)
        return np.asarray(shapely.contains_xy(self.covered, longitude, strip.latitude), dtype=np.bool_)

    def facts(self) -> dict[str, Any]:
        """See `layers.Source`."""
        return {self.name: {"coordinates": self.file.place.operation}}

    def warnings(self) -> list[str]:
        """See `layers.Source`."""
        return [] if self.file.counts["inside"] else [f"{self.name}: {self.file.name} has no point here"]


def _polygons(layer: PointLayerConfig, key: str) -> VectorFile | None:
    """Open the polygons in which points were looked for, where the layer names some."""
    if layer.coverage in {None, EXTENT, EVERYWHERE}:
        return None
    return open_vectors(VectorLayerConfig(path=str(layer.coverage)), f"{key}.coverage")


def _covered(layer: PointLayerConfig, file: PointFile, polygons: VectorFile | None) -> BaseGeometry | None:
    """Return the area in which points were looked for, in degrees."""
    if layer.coverage is None:
        return None
    area = EARTH if layer.coverage == EVERYWHERE else area_in_degrees(polygons) if polygons else file.extent()
    shapely.prepare(area)
    return area


def open_layer(name: str, layer: PointLayerConfig, key: str, attributes: Mapping[str, str]) -> PointLayers:
    """Open the points of a layer; see `kinds.LabelKind`."""
    file = open_points(layer, key)
    polygons = _polygons(layer, key)
    return PointLayers(
        name=name,
        file=file,
        polygons=polygons,
        covered=_covered(layer, file, polygons),
        statistics=tuple(dict.fromkeys(layer.statistics)),
        above=layer.above,
        value=layer.value,
        attributes=attributes,
    )
