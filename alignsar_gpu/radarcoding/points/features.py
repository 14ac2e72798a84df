"""Read vector files of points by GDAL, and JSON lists of stations with corner reflectors."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError
from pyproj import CRS
from pyproj.exceptions import ProjError
from shapely.errors import GEOSException

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.texts import load_json, shapes_of_wkb, system_of
from alignsar_gpu.opening.vectors import reading_vectors
from alignsar_gpu.radarcoding.points.sources import AT_A_TIME, Coordinates, column

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.radarcoding.crs import Box
    from alignsar_gpu.radarcoding.points.config import PointLayerConfig

UNREADABLE = (DataLayerError, DataSourceError, ValueError, RuntimeError, OSError, pa.ArrowException)
POINT, MULTIPOINT = 0, 4  # of Shapely's kinds of geometry
WITH_HEIGHT = ("2.5D ", " Z", " ZM")
LONGEST_LIST = 1 << 25  # bytes of JSON that are looked through for stations
LOOKED_AT = 100  # features whose geometry tells whether a layer of several kinds has heights


def kind_of(kind: str, where: str) -> bool:
    """Return whether a kind of geometry has heights. Raises AlignsarError for kinds other than points."""
    plain = kind
    for mark in (*WITH_HEIGHT, " M"):
        plain = plain.removeprefix(mark).removesuffix(mark)
    if plain not in {"Point", "MultiPoint", "Unknown"}:
        raise AlignsarError(
            f"{where}: holds shapes of the kind {kind}, not points: make it a vector layer of the configuration, "
            "or take the shapes' centroids"
        )
    return kind not in {plain, f"{plain} M"}


def from_wkb(
    shapes: Any,
    z: NDArray[np.float64] | None,
    value: NDArray[np.float64] | None,
    counts: Counter[str],
    where: str,
) -> Coordinates:
    """Return the coordinates of an Arrow column of geometries; points of a multipoint share the feature's value."""
    try:
        geometry = shapes_of_wkb(shapes.to_numpy(zero_copy_only=False))
    except GEOSException as error:
        raise AlignsarError(f"{where}: has a geometry that cannot be read ({error})") from None
    kinds = shapely.get_type_id(geometry)
    other = (kinds >= 0) & (kinds != POINT) & (kinds != MULTIPOINT)
    if other.any():
        others = Counter(shape.geom_type for shape in geometry[other])
        named = ", ".join(f"{count} {name}" for name, count in sorted(others.items()))
        raise AlignsarError(
            f"{where}: holds shapes that are not points ({named} among the {len(geometry)} features looked at): "
            "make them a vector layer of the configuration, or choose the points with key where"
        )
    lost = int(np.count_nonzero((kinds < 0) | shapely.is_empty(geometry)))
    if lost:
        counts["without geometry"] += lost
    places, feature = shapely.get_coordinates(geometry, include_z=z is None, return_index=True)
    return Coordinates(
        np.ascontiguousarray(places[:, 0]),
        np.ascontiguousarray(places[:, 1]),
        np.ascontiguousarray(places[:, 2]) if z is None else z[feature],
        None if value is None else value[feature],
        None,
    )


@dataclass(frozen=True, kw_only=True)
class PointFeatures:
    """A layer of points in a vector file, open."""

    where: str
    path: str
    layer: str | None
    condition: str | None
    crs: CRS | None
    bounds: Box | None
    has_height: bool
    z: str
    value: str

    @property
    def files(self) -> tuple[Path | str, ...]:
        """The vector file."""
        return (Path(self.path),)

    def read(self, windows: Sequence[Box], counts: Counter[str]) -> Iterator[Coordinates]:
        """Read the points within the windows, by the file's spatial index where it has one."""
        columns = list(dict.fromkeys(name for name in (self.z, self.value) if name))
        for window in windows:
            try:
                with (
                    reading_vectors(self.path, self.where, self.layer),
                    pyogrio.open_arrow(
                        self.path,
                        layer=self.layer,
                        columns=columns,
                        where=self.condition,
                        bbox=window,
                        batch_size=AT_A_TIME // 8,
                        use_pyarrow=True,
                    ) as (about, batches),
                ):
                    geometry = about["geometry_name"] or "wkb_geometry"
                    for batch in batches:
                        yield self._coordinates(batch, geometry, counts)
            except UNREADABLE as error:
                asked = f" with where={self.condition!r}" if self.condition else ""
                raise AlignsarError(f"{self.where}: cannot be read{asked} ({error})") from None

    def _coordinates(self, batch: pa.RecordBatch, geometry: str, counts: Counter[str]) -> Coordinates:
        def numbers(name: str) -> NDArray[np.float64] | None:
            if not name:
                return None
            values = batch.column(name).cast(pa.float64(), safe=False)
            return np.array(values.to_numpy(zero_copy_only=False), dtype=np.float64)

        return from_wkb(batch.column(geometry), numbers(self.z), numbers(self.value), counts, self.where)


def open_features(config: PointLayerConfig, where: str) -> PointFeatures:
    """Open a layer of a vector file. Raises AlignsarError for a layer, column or kind of geometry it lacks."""
    layer = _layer(config, where)
    label = where if layer is None else f"{where}, layer {layer}"
    try:
        with reading_vectors(config.path, label, layer):
            about = pyogrio.read_info(
                config.path, layer=layer, force_total_bounds=True, force_feature_count=True
            )
        crs = None if about["crs"] is None else system_of(about["crs"])
    except ProjError as error:
        raise AlignsarError(f"{label}: states a system that cannot be used ({error})") from None
    except UNREADABLE as error:
        raise AlignsarError(f"{label}: cannot be read as a vector file ({error})") from None
    if about["geometry_type"] is None:
        raise AlignsarError(
            f"{label}: has no geometry: name a layer that has, or a table with columns x and y"
        )
    has_height = kind_of(about["geometry_type"], label)
    if not about["features"]:
        raise AlignsarError(f"{label}: has no features; name a layer that has, or leave this one out")
    if about["geometry_type"] == "Unknown":
        has_height = _some_have_height(config.path, layer, label)
    names = [str(name) for name in about["fields"]]
    for key, wanted in (("z", config.z), ("value", config.value)):
        kind = dict(zip(names, about["dtypes"], strict=True)).get(column(names, wanted, key, label))
        if kind is not None and not str(kind).startswith(("int", "uint", "float")):
            raise AlignsarError(f"{label}: {key} names column {wanted!r}, which does not hold numbers")
    bounds = about["total_bounds"]
    known = bounds is not None and np.isfinite(bounds).all()
    return PointFeatures(
        where=label,
        path=config.path,
        layer=layer,
        condition=config.where,
        crs=crs,
        bounds=tuple(float(v) for v in bounds) if known else None,  # type: ignore[arg-type]  # four of them
        has_height=has_height or config.z is not None,
        z=column(names, config.z, "z", label),
        value=column(names, config.value, "value", label),
    )


def _layer(config: PointLayerConfig, where: str) -> str | None:
    try:
        with reading_vectors(config.path, f"{where}: is not a known file of points (LAS, LAZ, CSV, Parquet)"):
            layers = {str(name): kind for name, kind in pyogrio.list_layers(config.path)}
    except UNREADABLE as error:
        raise AlignsarError(
            f"{where}: is not a known file of points (LAS, LAZ, CSV, Parquet, or a vector file of GDAL's: "
            f"{error})"
        ) from None
    if config.layer is not None:
        if config.layer not in layers:
            raise AlignsarError(f"{where}: has no layer {config.layer!r}; its layers are {', '.join(layers)}")
        return config.layer
    spatial = [name for name, kind in layers.items() if kind is not None]
    if len(spatial) > 1:
        raise AlignsarError(f"{where}: has several layers, {', '.join(spatial)}: name one (key layer)")
    return next(iter(spatial or layers), None)


def _some_have_height(path: str, layer: str | None, where: str) -> bool:
    try:
        with reading_vectors(path, where, layer):
            _, _, shapes, _ = pyogrio.raw.read(path, layer=layer, columns=[], max_features=LOOKED_AT)
        return bool(shapely.has_z(shapes_of_wkb(shapes)).any())
    except (*UNREADABLE, GEOSException) as error:
        raise AlignsarError(f"{where}: cannot be read as a vector file ({error})") from None


@dataclass(frozen=True, kw_only=True)
class Stations:
    """Corner reflectors of a list of stations, those that face one pass direction."""

    path: Path
    crs: CRS
    place: NDArray[np.float64]
    names: tuple[str, ...]
    has_height: bool = True

    @property
    def files(self) -> tuple[Path | str, ...]:
        """The list."""
        return (self.path,)

    @property
    def bounds(self) -> Box:
        """Extent of the stations."""
        (west, south), (east, north) = self.place[:, :2].min(axis=0), self.place[:, :2].max(axis=0)
        return float(west), float(south), float(east), float(north)

    def read(self, windows: Sequence[Box], counts: Counter[str]) -> Iterator[Coordinates]:  # noqa: ARG002  (a few stations)
        """Return all stations."""
        x, y, z = self.place.T.copy()
        yield Coordinates(x, y, z, None, list(self.names))


def list_of_stations(path: Path) -> list[Any] | None:
    """Read the stations of a JSON list; None where the file is something else."""
    try:
        if path.stat().st_size > LONGEST_LIST:
            return None
        content = load_json(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError):
        return None
    stations = content.get("stations") if isinstance(content, dict) else None
    return stations if isinstance(stations, list) else None


def open_stations(path: Path, stations: list[Any], pass_direction: str | None, where: str) -> Stations:
    """Select the stations with a reflector facing ``pass_direction``, at that reflector's coordinates.

    Each has "ascending" and "descending" with "coordinates" (longitude, latitude, elevation, EPSG). The
    elevation is above the ellipsoid, as the coordinates of a survey are.
    """
    if pass_direction not in {"ascending", "descending"}:
        raise AlignsarError(
            f"{where}: its stations have coordinates for ascending and descending passes: say which the images "
            f"are of (key pass_direction), not {pass_direction!r}"
        )
    names, places, codes = [], [], []
    for number, station in enumerate(stations, start=1):
        label = f"{where}, station {number}"
        try:
            name, face = str(station["id"]), station[pass_direction]
            if not face or not face.get("orientation", True):
                continue  # nothing at this station looks that way
            place = face["coordinates"]
            codes.append(int(place["EPSG"]))
            places.append([float(place[axis]) for axis in ("longitude", "latitude", "elevation")])
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise AlignsarError(f"{label}: has missing or wrong entries ({error!r})") from None
        names.append(name)
    if not names:
        raise AlignsarError(f"{where}: no station has a reflector for {pass_direction} passes")
    if len(set(codes)) > 1:
        raise AlignsarError(
            f"{where}: its coordinates are in several systems (EPSG {', '.join(map(str, sorted(set(codes))))}): "
            "write them in one"
        )
    try:
        crs = CRS.from_epsg(codes[0])
    except ProjError as error:
        raise AlignsarError(
            f"{where}: EPSG {codes[0]} is not a known coordinate reference system ({error})"
        ) from None
    return Stations(path=path, crs=crs, place=np.array(places), names=tuple(names))
