"""Point layers: statistics of the points that each pixel shows."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from alignsar_gpu.radarcoding.layers import LayerSpec
from alignsar_gpu.radarcoding.points.files import open_points
from alignsar_gpu.radarcoding.points.placing import point_values, points_to_radar
from alignsar_gpu.radarcoding.points.statistics import PointStatistics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from alignsar_gpu.radarcoding.layers import LabelScene, Strip
    from alignsar_gpu.radarcoding.points.config import PointLayerConfig
    from alignsar_gpu.radarcoding.points.files import PointFile

TALL = 0.005  # degrees around the ground of a strip, for points that stand high above it
SHARE_OF_BUDGET = 0.25  # of the memory, for the points of a strip; the rest goes to a file


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
    """

    name: str
    file: PointFile
    statistics: tuple[str, ...]
    above: str
    value: str | None
    attributes: Mapping[str, Any] = field(default_factory=dict)

    @property
    def files(self) -> tuple[Path, ...]:
        """See `layers.Source`."""
        return self.file.files

    @property
    def layers(self) -> tuple[LayerSpec, ...]:
        """See `layers.Source`."""
        return tuple(
            LayerSpec(
                name=f"{self.name}_{statistic}",
                dtype="float32",
                attributes={**self._attributes(statistic), **self.attributes},
            )
            for statistic in self.statistics
        )

    def _attributes(self, statistic: str) -> dict[str, Any]:
        words, points = statistic.replace("_", " "), self.name.replace("_", " ")
        where = "points belong to the pixel that they are seen in at their own height"
        if statistic == "count":
            return {"units": "1", "long_name": f"number of points: {points}", "description": where}
        if self.value is not None:
            return {"units": "1", "long_name": f"{words} of {self.value}: {points}", "description": where}
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

    def strip(self, scene: LabelScene, strip: Strip) -> Iterator[tuple[str, int | None, NDArray[np.float32]]]:
        """See `layers.StripSource`."""
        terrain, shifts = scene.level_ground.terrain, scene.level_ground.shifts
        memory = int(scene.device.memory_budget * SHARE_OF_BUDGET)
        statistics = PointStatistics(
            strip.tile.shape, strip.lines.start, self.statistics, memory, scene.temporary
        )
        for batch in self.file.batches(scene.area(strip.lines).buffer(TALL), required=False):
            line, sample = points_to_radar(batch, terrain.grid, terrain.orbit, terrain.dem, terrain.doppler)
            later, farther = shifts.at(line, sample)
            statistics.add(line - later, sample - farther, point_values(batch, self.above, terrain.dem))
        for statistic, values in statistics.result().items():
            yield f"{self.name}_{statistic}", None, values

    def facts(self) -> dict[str, Any]:
        """See `layers.Source`."""
        return {self.name: {"coordinates": self.file.operation}}

    def warnings(self) -> list[str]:
        """See `layers.Source`."""
        return [] if self.file.counts["inside"] else [f"{self.name}: {self.file.name} has no point here"]


def open_layer(name: str, layer: PointLayerConfig, key: str, attributes: Mapping[str, str]) -> PointLayers:
    """Open the points of a layer; see `kinds.LabelKind`."""
    return PointLayers(
        name=name,
        file=open_points(layer, key),
        statistics=tuple(dict.fromkeys(layer.statistics)),
        above=layer.above,
        value=layer.value,
        attributes=attributes,
    )
