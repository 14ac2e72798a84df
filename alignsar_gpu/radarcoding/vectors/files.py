"""VectorFile: the features of a vector layer as rings, whatever the format of the file."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
import shapely

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.crs import agreed_crs, box_of, given_crs
from alignsar_gpu.radarcoding.vectors.checks import (
    LOOKED_AT,
    check_features,
    check_heights,
    check_kinds,
    numbers,
    stated_crs,
)
from alignsar_gpu.radarcoding.vectors.classes import Classes, find_classes
from alignsar_gpu.radarcoding.vectors.config import MEAN, Z
from alignsar_gpu.radarcoding.vectors.crs import Georeference, find_georeference
from alignsar_gpu.radarcoding.vectors.formats.paths import find_vectors
from alignsar_gpu.radarcoding.vectors.formats.sources import OTHER, check_fields
from alignsar_gpu.radarcoding.vectors.rings import ClassifiedFeatures, Counts, FeatureWindow, rings_of
from alignsar_gpu.radarcoding.vectors.validity import FeatureValidity
from alignsar_gpu.radarcoding.vectors.values.ids import Ids, find_ids
from alignsar_gpu.radarcoding.vectors.values.numbers import Numbers, find_numbers

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray
    from pyproj import CRS
    from shapely.geometry.base import BaseGeometry

    from alignsar_gpu.radarcoding.crs import Box
    from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
    from alignsar_gpu.radarcoding.vectors.formats.sources import FeatureBatch, LayerSource, Shapes
    from alignsar_gpu.radarcoding.vectors.rings import Rings

BEYOND = 1000.0  # metres around a scene that shapes are kept in: the orbit sees them


@dataclass(frozen=True, kw_only=True, eq=False)
class VectorFile:
    """The features of a vector layer, open.

    Attributes
    ----------
    key : of the configuration, for messages.
    config : what is asked for.
    validity : which features there are on the reference date, or on each date.
    crs : of the file.
    place : where its coordinates lie.
    """

    key: str
    config: VectorLayerConfig
    source: LayerSource
    validity: FeatureValidity
    crs: CRS
    place: Georeference
    legend: Classes | Numbers | Ids

    @property
    def name(self) -> str:
        """File and layer, for messages."""
        return self.source.name

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their indices; empty where there is no attribute."""
        return self.legend.names

    @property
    def unmatched(self) -> tuple[str, ...]:
        """Values of classes that no feature has."""
        return self.legend.unmatched

    @property
    def files(self) -> tuple[Path | str, ...]:
        """Files that are read, for a fingerprint."""
        return self.source.files

    @property
    def raised(self) -> bool:
        """Whether features have heights of their own."""
        return bool(self.config.height or self.config.elevation)

    @property
    def above_terrain(self) -> bool:
        """Whether heights count from the terrain, not from the WGS84 ellipsoid."""
        return self.config.elevation is None

    @property
    def operation(self) -> str:
        """Conversion from coordinates of the file to longitude and latitude, in words."""
        return self.place.operation

    @property
    def bounds(self) -> Box | None:
        """West, south, east and north of the layer in degrees; None where the file does not state its extent."""
        outline = self.place.outline
        return None if outline is None else box_of(outline.bounds)

    @property
    def _in_degrees(self) -> bool:
        """Whether rings are in longitude and latitude, not in coordinates of the file."""
        return bool(self.config.reach) and not self.place.metric

    def to_geodetic(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Convert points of rings to longitude and latitude (degrees, of any turn); NaN where there are none.

        By the same operation for all points, each on its own.
        """
        return (x, y) if self._in_degrees else self.place.to_geodetic(x, y)

    def rings(self, area: BaseGeometry, counts: Counts) -> Iterator[Rings]:
        """Read the rings of features that meet an area, cut off a kilometre beyond it, some features at a time.

        Parameters
        ----------
        area : polygon in degrees; longitudes may go beyond 180.
        counts : what is met is added to it.

        Raises AlignsarError where the file cannot be read.
        """
        areas = self.place.areas(area, self.config.reach)
        edges = self.place.areas(area, self.config.reach + BEYOND)
        for number, part in enumerate(areas):
            edge = next((edge for edge in edges if edge.intersects(part)), part)
            window = FeatureWindow(area=part, before=areas[:number], edge=edge)
            with beginning_with(self.key):
                for batch in self.source.batches(self.config.columns, part.bounds):
                    features = self._features(batch, part.bounds, counts)
                    rings = rings_of(features, self.config, self.place, window, counts)
                    if len(rings.class_index):
                        yield self._with_columns(rings, batch) if self.config.by_feature else rings

    def _with_columns(self, rings: Rings, batch: FeatureBatch) -> Rings:
        """Add the attributes of features, whose class is their row in a batch."""
        rows = pa.array(rings.class_index)
        return replace(rings, columns={name: column.take(rows) for name, column in batch.columns.items()})

    def _features(self, batch: FeatureBatch, box: Box, counts: Counts) -> ClassifiedFeatures:
        """Select features in a class whose bounds meet a box: not all formats can be asked for these alone."""
        shapes, attribute = batch.shapes, self.config.attribute
        index = (
            self.legend.of(batch.columns[attribute]) if attribute else np.zeros(len(shapes), dtype=np.int32)
        )
        west, south, east, north = shapely.bounds(shapes).T
        near = (west <= box[2]) & (east >= box[0]) & (south <= box[3]) & (north >= box[1])
        counts.other_values += int(np.count_nonzero(near & (index < 0)))
        valid = self.validity.select(batch.columns, near & (index >= 0), counts)
        keep = valid.any(axis=1)
        return ClassifiedFeatures(
            shapes=shapes[keep],
            class_index=index[keep],
            height=self._heights(batch)[keep].astype(np.float64),
            dates=valid[keep],
        )

    def _heights(self, batch: FeatureBatch) -> NDArray[np.float64]:
        name = self.config.height or self.config.elevation
        if not name:
            return np.full(len(batch.shapes), np.nan)
        return _highest(batch.shapes) if self.config.elevation == Z else numbers(batch.columns[name])

    def require_inside(self, area: BaseGeometry) -> None:
        """Check that the layer has something in an area (a polygon in degrees); raise AlignsarError otherwise.

        Where a layer has nothing of a kind amid other things, there is nothing of it: that is an observation.
        """
        extent = self.place.extent
        areas = self.place.areas(area, self.config.reach)
        if extent is not None and any(shapely.box(*extent).intersects(part) for part in areas):
            return
        for _ in self.rings(area, Counts()):
            return
        bounds = self.bounds
        lies = (
            ""
            if bounds is None
            else f" It lies within {_text(bounds)} (west, south, east, north in degrees)."
        )
        raise AlignsarError(
            f"{self.key}: {self.name}: none of its features lies inside {_text(area.bounds)}.{lies} "
            f"Choose a file that covers the scene; if it should, its system, {self.crs.name!r}, may be wrong"
        )


def open_source(config: VectorLayerConfig, key: str) -> LayerSource:
    """Open a layer of a file by the reader of its format; see `open_vectors`."""
    # both need pyogrio, which a run without vectors does not
    from alignsar_gpu.radarcoding.vectors.formats.geoparquet import ENDINGS, open_parquet  # noqa: PLC0415
    from alignsar_gpu.radarcoding.vectors.formats.ogr import open_ogr  # noqa: PLC0415

    path = find_vectors(config.path, key)
    is_parquet = path.path is not None and path.path.is_file() and path.path.suffix.lower() in ENDINGS
    source: LayerSource = (open_parquet if is_parquet else open_ogr)(path, config, key)
    check_fields(source, config.columns)
    return source


def open_vectors(config: VectorLayerConfig, key: str) -> VectorFile:
    """Open the features of a layer.

    Parameters
    ----------
    config : file, layer and what of it.
    key : of the configuration; every message begins with it.

    Raises AlignsarError for a file that is not there or holds no vectors, a layer or attribute it does not have, a
    condition that is not understood or met by nothing, a system that is missing, unusable or contradicted, kinds
    of shapes that have no area, values that are in no class, and heights that cannot be.
    """
    config.check(key)
    with beginning_with(key):
        source = open_source(config, key)
        config = _with_table(config, source)
        crs = agreed_crs(stated_crs(source, config), given_crs(config.crs, key), source.name)
        head = source.head(LOOKED_AT)
        check_features(source, head.shapes)
        check_kinds(source, config, head.shapes)
        check_heights(source, config, crs, head.shapes)
        return VectorFile(
            key=key,
            config=config,
            source=source,
            validity=FeatureValidity(
                key=key, first=config.valid_from, last=config.valid_until, each_date=config.each_date
            ),
            crs=crs,
            place=find_georeference(crs, source.bounds, source.name),
            legend=_legend(source, config, key),
        )


@contextmanager
def beginning_with(key: str) -> Iterator[None]:
    """Let messages of errors begin with the key of the configuration."""
    try:
        yield
    except AlignsarError as error:
        text = str(error)
        raise AlignsarError(text if text.startswith(key) else f"{key}: {text}") from None


def _with_table(config: VectorLayerConfig, source: LayerSource) -> VectorLayerConfig:
    """Name the attributes of the table of ids: all that can be in one, unless the configuration names some."""
    if not config.by_feature or config.method == MEAN or config.table is not None:
        return config
    return replace(config, table=[name for name, kind in source.fields.items() if kind != OTHER])


def _legend(source: LayerSource, config: VectorLayerConfig, key: str) -> Classes | Numbers | Ids:
    """Find out what the values of the attribute are."""
    if not config.by_feature or not config.attribute:
        return find_classes(source, config)
    if config.method == MEAN:
        return find_numbers(source, config.attribute, f"{key}.attribute")
    return find_ids(source, config.attribute, config.table or (), key)


def _highest(shapes: Shapes) -> NDArray[np.float64]:
    """Return the highest z of each shape, NaN where it has none."""
    highest = np.full(len(shapes), np.nan)
    places, owner = shapely.get_coordinates(shapes, include_z=True, return_index=True)
    first = np.flatnonzero(np.diff(owner, prepend=-1))
    if len(first):
        highest[owner[first]] = np.fmax.reduceat(places[:, 2], first)
    return highest


def _text(box: Box) -> str:
    return ",".join(f"{degrees:.4f}" for degrees in box)
