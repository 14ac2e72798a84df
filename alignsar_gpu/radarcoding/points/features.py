"""Read vector files of points, by the readers of vector layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.points.sources import Coordinates, PointSource, column
from alignsar_gpu.radarcoding.vectors.checks import check_features, numbers
from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
from alignsar_gpu.radarcoding.vectors.files import beginning_with, open_source
from alignsar_gpu.radarcoding.vectors.formats.sources import NUMBER
from alignsar_gpu.radarcoding.vectors.shapes import dimension_of
from alignsar_gpu.radarcoding.vectors.values.numbers import Numbers, find_numbers

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence

    from alignsar_gpu.radarcoding.crs import Box
    from alignsar_gpu.radarcoding.points.config import PointLayerConfig
    from alignsar_gpu.radarcoding.vectors.formats.sources import FeatureBatch, LayerSource

STATIONS = (
    "; convert a list of stations to a table (in Python, pandas.json_normalize(json.load(open(IN))['stations'])"
    ".to_csv(OUT)), and name its columns (keys x, y and z)"
)
LOOKED_AT = 100  # features whose geometry tells whether a layer has heights


@dataclass(frozen=True, kw_only=True)
class PointFeatures(PointSource):
    """A layer of points in a vector file, open; ``z`` is an attribute, "" for none; ``value`` has numbers or dates."""

    layer: LayerSource
    z: str
    value: Numbers | None

    def read(self, windows: Sequence[Box], counts: Counter[str]) -> Iterator[Coordinates]:
        """Read the points within the windows, by the file's spatial index where it has one."""
        value = self.value.attribute if self.value else ""
        names = list(dict.fromkeys(name for name in (self.z, value) if name))
        with beginning_with(self.where):
            for window in windows:
                for batch in self.layer.batches(names, window):
                    yield self._coordinates(batch, window, counts)

    def _coordinates(self, batch: FeatureBatch, window: Box, counts: Counter[str]) -> Coordinates:
        """Return the points in a window; those of a multipoint share the feature's value."""
        check_points(batch, self.layer)
        counts["without geometry"] += int(
            np.count_nonzero(shapely.is_missing(batch.shapes) | shapely.is_empty(batch.shapes))
        )
        places, feature = shapely.get_coordinates(batch.shapes, include_z=True, return_index=True)
        x, y, z = np.ascontiguousarray(places.T)
        west, south, east, north = window
        near = (x >= west) & (x <= east) & (y >= south) & (y <= north)
        height = numbers(batch.columns[self.z])[feature] if self.z else z
        if self.value is None:
            return Coordinates(x[near], y[near], height[near], None)
        value = self.value.values(batch.columns[self.value.attribute])
        return Coordinates(x[near], y[near], height[near], value[feature][near])


def check_points(batch: FeatureBatch, layer: LayerSource) -> None:
    """Raise AlignsarError where there are shapes other than points."""
    others = batch.shapes[(dimension_of(batch.shapes) != 0) & ~shapely.is_missing(batch.shapes)]
    if len(others):
        kinds = ", ".join(sorted({shape.geom_type for shape in others}))
        raise AlignsarError(
            f"{layer.name}: holds shapes that are not points ({kinds}): make it a vector layer of the configuration, "
            "take the shapes' centroids, or choose the points (key where)"
        )


def open_features(config: PointLayerConfig, key: str, where: str) -> PointFeatures:
    """Open a layer of a vector file. Raises AlignsarError for a layer, column or kind of geometry it lacks."""
    asked = VectorLayerConfig(path=config.path, layer=config.layer, where=config.where)
    try:
        with beginning_with(key):
            layer = open_source(asked, key)
            head = layer.head(LOOKED_AT)
            check_features(layer, head.shapes)
            check_points(head, layer)
    except AlignsarError as error:
        is_list = config.path.endswith(".json") and "cannot be read" in str(error)
        raise AlignsarError(f"{error}{STATIONS if is_list else ''}") from None
    z, value = (column(list(layer.fields), getattr(config, name), name, where) for name in ("z", "value"))
    if z and layer.fields[z] != NUMBER:
        raise AlignsarError(f"{where}: column {z!r} does not hold numbers: name another (key z)")
    legend = find_numbers(layer, value, f"{key}.value") if value else None
    return PointFeatures(
        where=key,
        files=layer.files,
        crs=layer.crs,
        bounds=layer.bounds if layer.bounds and np.isfinite(layer.bounds).all() else None,
        has_height=bool(z or shapely.has_z(head.shapes).any()),
        layer=layer,
        z=z,
        value=legend,
        units=legend.units if legend else "1",
    )
