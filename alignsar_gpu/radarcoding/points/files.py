"""Read points of any kind of file and reference system as longitude, latitude and height on WGS84."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely

from alignsar_gpu.device import cpu_threads
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.frame import turn
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.opening.web_pages import refuse_web_page
from alignsar_gpu.radarcoding.crs import agreed_crs, box_of, given_crs
from alignsar_gpu.radarcoding.files import matching
from alignsar_gpu.radarcoding.points import clouds as point_clouds
from alignsar_gpu.radarcoding.points import tables as point_tables
from alignsar_gpu.radarcoding.points.features import open_features
from alignsar_gpu.radarcoding.points.heights import heights_of
from alignsar_gpu.radarcoding.vectors.crs import find_georeference

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray
    from pyproj import CRS
    from shapely.geometry.base import BaseGeometry

    from alignsar_gpu.radarcoding.crs import Box
    from alignsar_gpu.radarcoding.points.config import PointLayerConfig
    from alignsar_gpu.radarcoding.points.heights import Heights
    from alignsar_gpu.radarcoding.points.sources import Coordinates, PointSource
    from alignsar_gpu.radarcoding.vectors.crs import Georeference

SHARE = 1 << 16  # points that a thread transforms at a time
NOT_LEFT_OUT = {"read", "inside", "tiles not read"}  # of the counts
# Keys that some kinds of files have a meaning for, and which.
KEYS = {
    "point cloud": {"classification", "value"},
    "table": {"x", "y", "z", "value"},
    "vector file": {"layer", "where", "z", "value"},
}


@dataclass(frozen=True, kw_only=True, eq=False)
class PointBatch:
    """Some points on WGS84, arrays (n,) float64.

    Attributes
    ----------
    longitude, latitude : degrees on WGS84; longitudes are continuous around the area that was asked for.
    height : metres above the ellipsoid of WGS84; NaN where heights count from the terrain.
    above_terrain : metres above the terrain, None where heights do not count from it.
    value : the attribute that statistics are made of, None for heights; NaN where it is missing.
    """

    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    height: NDArray[np.float64]
    above_terrain: NDArray[np.float64] | None
    value: NDArray[np.float64] | None

    def __len__(self) -> int:
        return len(self.longitude)


@dataclass(frozen=True, kw_only=True, eq=False)
class PointFile:
    """A file of points, open; its points are read some at a time.

    Attributes
    ----------
    name : the path of the configuration.
    where : how messages call it: the key and the path.
    crs : the coordinate reference system, in words.
    place : how coordinates are converted to WGS84. A system that moves with a continent (ETRS89, NAD83) is
        taken as PROJ takes it, mostly as WGS84 itself: the coordinates of the Netherlands in ETRS89 are 0.9 m
        from those of the year 2024 in WGS84, which is 0.05 line and 0.2 sample of Sentinel-1.
    counts : points that were read, kept, and left out, and why; grows with each call of ``batches``.
    """

    name: str
    where: str
    crs: str
    heights: Heights
    source: PointSource
    place: Georeference
    counts: Counter[str] = field(default_factory=Counter)

    def batches(self, area: shapely.Polygon, *, required: bool = True) -> Iterator[PointBatch]:
        """Read the points inside ``area`` (degrees, longitudes continuous), about a million at a time.

        Files, tiles and parts of files that a header or an index tells to lie outside are not read. Points
        whose coordinates are not finite are left out and counted. Raises AlignsarError where a file is
        damaged, or, if some are ``required``, where the file has none inside, nor states an extent around it.
        """
        shapely.prepare(area)
        windows = self._windows(area)
        kept = 0
        for points in self.source.read(windows, self.counts) if windows else ():
            batch = self._batch(points, area, windows)
            kept += len(batch)
            if len(batch):
                yield batch
        left_out = {name: n for name, n in self.counts.items() if n and name not in NOT_LEFT_OUT}
        if required and not kept and (left_out or not windows or self.source.bounds is None):
            raise self._nothing_inside(area, left_out)

    def extent(self) -> BaseGeometry:
        """Return the box around all points, in degrees. Raises AlignsarError where the file does not state it."""
        outline = self.place.outline
        if outline is None:
            raise AlignsarError(
                f"{self.where}: does not state the extent of its points (coverage=extent): say everywhere, name a file "
                "of polygons, or convert it to GeoPackage"
            )
        return outline

    def _windows(self, area: shapely.Polygon) -> list[Box]:
        """Return the area's box in coordinates of the file, once for each turn its longitudes may be in."""
        windows = [box_of(part.bounds) for part in self.place.areas(area, 0.0)]
        bounds = self.source.bounds
        return [window for window in windows if bounds is None or _meet(window, bounds)]

    def _batch(self, points: Coordinates, area: shapely.Polygon, windows: list[Box]) -> PointBatch:
        """Convert points to WGS84 and keep those inside the area."""
        x, y = points.x, points.y
        finite = np.isfinite(x) & np.isfinite(y)
        if points.z is not None and self.source.has_height:
            finite &= np.isfinite(points.z)
        self.counts["read"] += len(x)
        self.counts["not finite"] += len(x) - int(np.count_nonzero(finite))
        near = np.zeros_like(finite)
        for west, south, east, north in windows:
            near |= (x >= west) & (x <= east) & (y >= south) & (y <= north)
        at = np.flatnonzero(finite & near)
        longitude, latitude = self._geodetic(x[at], y[at])
        centre = 0.5 * (area.bounds[0] + area.bounds[2])
        longitude = turn(longitude, centre, 360.0)
        inside = np.flatnonzero(shapely.intersects_xy(area, longitude, latitude))
        at, longitude, latitude = at[inside], longitude[inside], latitude[inside]
        self.counts["inside"] += len(at)
        z = points.z[at] if points.z is not None and self.source.has_height else None
        height, above = self.heights.convert(z, longitude, latitude, self.where)
        return PointBatch(
            longitude=longitude,
            latitude=latitude,
            height=height,
            above_terrain=above,
            value=None if points.value is None else points.value[at],
        )

    def _geodetic(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Convert to longitude and latitude in degrees, in threads: this takes most of the time."""
        parts = [slice(k, k + SHARE) for k in range(0, len(x), SHARE)]
        if not self.place.pipeline or len(parts) < 2:
            return self.place.to_geodetic(x, y)
        with ThreadPoolExecutor(cpu_threads()) as pool:
            places = list(pool.map(lambda part: self.place.to_geodetic(x[part], y[part]), parts))
        return np.concatenate([f[0] for f in places]), np.concatenate([f[1] for f in places])

    def _nothing_inside(self, area: shapely.Polygon, left_out: Mapping[str, int]) -> AlignsarError:
        box, extent = self.source.bounds, ""
        if box:
            extent = f" They lie within x {box[0]:g} to {box[2]:g}, y {box[1]:g} to {box[3]:g} of {self.crs}."
        counts = f" Left out: {', '.join(f'{n} {name}' for name, n in left_out.items())}." if left_out else ""
        west, south, east, north = area.bounds
        return AlignsarError(
            f"{self.where}: has no point inside longitudes {west:.4f} to {east:.4f}, latitudes {south:.4f} to "
            f"{north:.4f}.{extent}{counts} Name points that lie there, or leave this layer out; if some should, its "
            f"system, {self.crs!r}, may be wrong, or x and y confused"
        )


def _meet(a: Box, b: Box) -> bool:
    return a[0] <= b[2] and b[0] <= a[2] and a[1] <= b[3] and b[1] <= a[3]


def open_points(config: PointLayerConfig, key: str) -> PointFile:
    """Open the points of a layer; ``key`` is the key of the configuration that messages begin with.

    No more of the points is read than tells what they are. Raises AlignsarError, by key and file, for files that are
    missing, damaged, empty, without a coordinate reference system, without a vertical datum where there are heights,
    or of a kind that is not points.
    """
    if config.path.startswith("~"):
        config = replace(config, path=str(Path(config.path).expanduser()))
    where = f"{key}: {config.path}"
    given = given_crs(config.crs, where)
    kind, source = _source(config, given, key, where)
    for name in ("layer", "where", "x", "y", "z", "value", "classification"):
        if getattr(config, name) is not None and name not in KEYS[kind]:
            raise AlignsarError(f"{where}: is a {kind}, which has no use for the key {name}: remove it")
    crs = agreed_crs(source.crs, given, where)
    flat = crs.to_2d()
    if not (flat.is_geographic or flat.is_projected):
        raise AlignsarError(
            f"{where}: {crs.name!r} has neither longitude and latitude nor a map's x and y: convert the points, "
            "or name their system (key crs)"
        )
    return PointFile(
        name=config.path,
        where=where,
        crs=crs.name,
        heights=heights_of(config.vertical_datum, crs, where, has_height=source.has_height),
        source=source,
        place=find_georeference(crs, source.bounds, where),
    )


def _source(config: PointLayerConfig, given: CRS | None, key: str, where: str) -> tuple[str, PointSource]:
    """Return what kind of file it is, and its reader."""
    files = _files(config.path, where)
    for path in files:
        refuse_web_page(path, f"{where}: {path.name}")
    suffixes = {path.suffix.lower() for path in files}
    if suffixes <= set(point_clouds.SUFFIXES):
        return "point cloud", point_clouds.open_tiles(files, config.classification, config.value, where)
    columns = suffixes <= set(point_tables.PARQUET) and not point_tables.is_geoparquet(files[0])
    if suffixes <= set(point_tables.TEXT) or columns:
        return "table", point_tables.open_tables(files, config, given, where)
    if len(files) > 1:
        raise AlignsarError(
            f"{where}: matches {len(files)} files, and only LAS and LAZ tiles or tables of one kind may be "
            "several; name one file"
        )
    return "vector file", open_features(config, key, where)


def _files(name: str, where: str) -> list[Path]:
    """List the files that a name, a folder of tiles or a pattern stands for."""
    path = Path(name)
    if path.is_dir():
        inside = sorted(without_clutter(path.iterdir()))
        for kind in (point_clouds.SUFFIXES, point_tables.PARQUET, point_tables.TEXT):
            if files := [file for file in inside if file.suffix.lower() in kind]:
                return files
    elif any(mark in name for mark in "*?") and not path.exists():
        return [Path(file) for file in matching(path, where.removesuffix(f": {name}"))]
    elif not path.exists() and not name.startswith("/vsi"):
        raise AlignsarError(f"{where}: there is no such file or folder")
    return [path]  # folders too: a geodatabase, shapefiles
