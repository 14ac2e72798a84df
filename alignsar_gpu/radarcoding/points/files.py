"""Read points of any kind of file and reference system as longitude, latitude and height on WGS84."""

from __future__ import annotations

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import CRS

from alignsar_gpu.device import cpu_threads
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.frame import is_wgs84, period_of, pipeline_between, transform, turn
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.opening.web_pages import refuse_web_page
from alignsar_gpu.radarcoding.crs import agreed_crs, area_of, given_crs
from alignsar_gpu.radarcoding.points import clouds as point_clouds
from alignsar_gpu.radarcoding.points import tables as point_tables
from alignsar_gpu.radarcoding.points.features import list_of_stations, open_features, open_stations
from alignsar_gpu.radarcoding.points.heights import heights_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from alignsar_gpu.radarcoding.crs import Box
    from alignsar_gpu.radarcoding.points.config import PointLayerConfig
    from alignsar_gpu.radarcoding.points.heights import Heights
    from alignsar_gpu.radarcoding.points.sources import Coordinates, PointSource

WGS84 = CRS.from_epsg(4326)
SHARE = 1 << 16  # points that a thread transforms at a time
OUTLINE_PARTS = 64  # each way, that the edges of an area are cut into where they are projected
MARGIN = 1e-3  # of its size, by which a window is wider than the outline that is projected into it
ANYWHERE = (-1e30, -1e30, 1e30, 1e30)  # a window around everything
MOST_DEGREES = 540.0  # of a longitude; 0 to 360 and beyond 180 are understood
# Keys that some kinds of files have a meaning for, and which.
KEYS = {
    "point cloud": {"classification", "value"},
    "table": {"x", "y", "z", "value"},
    "vector file": {"layer", "where", "z", "value"},
    "list of stations": set[str](),
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
    identifier : names of stations, None for other points.
    """

    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    height: NDArray[np.float64]
    above_terrain: NDArray[np.float64] | None
    value: NDArray[np.float64] | None
    identifier: list[str] | None

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
    files : what is read.
    has_height : whether the points have heights of their own.
    operation : from that system to WGS84, in words. A system that moves with a continent (ETRS89, NAD83) is
        taken as PROJ takes it, mostly as WGS84 itself: the coordinates of the Netherlands in ETRS89 are 0.9 m
        from those of the year 2024 in WGS84, which is 0.05 line and 0.2 sample of Sentinel-1.
    counts : points that were read, kept, and left out, and why; grows with each call of ``batches``.
    """

    name: str
    where: str
    crs: str
    files: tuple[Path | str, ...]
    has_height: bool
    operation: str
    heights: Heights
    source: PointSource
    pipeline: str
    period: float
    counts: Counter[str] = field(default_factory=Counter)

    def batches(self, area: shapely.Polygon, *, required: bool = True) -> Iterator[PointBatch]:
        """Read the points inside ``area`` (degrees, longitudes continuous), about a million at a time.

        Files, tiles and parts of files that a header or an index tells to lie outside are not read. Points
        whose coordinates are not finite are left out and counted. Raises AlignsarError where a file is
        damaged, or, if some are ``required``, where there are no points around the area.
        """
        shapely.prepare(area)
        windows = self._windows(area)
        reached: list[Box] = []
        kept = 0
        for points in self.source.read(windows, self.counts) if windows else ():
            batch = self._batch(points, area, windows, reached)
            kept += len(batch)
            if len(batch):
                yield batch
        around = any(_meet(box, window) for box in reached for window in windows)
        if required and not kept and not around:
            raise self._nothing_inside(area, reached)

    def extent(self) -> BaseGeometry:
        """Return the box around all points, in degrees; they are read where the file does not state it."""
        west, south, east, north = self.source.bounds or self._read_bounds()
        if self.period and east - west > 0.5 * self.period:  # round the Earth, or across 180 degrees
            west, east = -self.period, self.period
        box = shapely.box(west, south, east, north)
        if not self.pipeline:
            return box
        outline = shapely.segmentize(box, max(east - west, north - south) / OUTLINE_PARTS)
        x, y = self._geodetic(*np.ascontiguousarray(shapely.get_coordinates(outline).T))
        return shapely.Polygon(np.stack([turn(x, float(x[0]), 360.0), y], axis=1))

    def _read_bounds(self) -> Box:
        boxes = [
            (points.x[finite].min(), points.y[finite].min(), points.x[finite].max(), points.y[finite].max())
            for points in self.source.read([ANYWHERE], Counter())
            if (finite := np.isfinite(points.x) & np.isfinite(points.y)).any()
        ]
        if not boxes:
            raise AlignsarError(
                f"{self.where}: has no points, so coverage=extent means nothing; name polygons"
            )
        west, south, east, north = np.array(boxes).T
        return float(west.min()), float(south.min()), float(east.max()), float(north.max())

    def _windows(self, area: shapely.Polygon) -> list[Box]:
        """Return the area's box in coordinates of the file, once for each turn its longitudes may be in."""
        west, south, east, north = area.bounds
        step = max(east - west, north - south) / OUTLINE_PARTS
        outline = shapely.get_coordinates(shapely.segmentize(area, step))
        x, y = np.ascontiguousarray(outline[:, 0]), np.ascontiguousarray(outline[:, 1])
        if self.pipeline:
            x, y = transform(self.pipeline, x, y, back=True)
            known = np.isfinite(x)
            x, y = x[known], y[known]
            if self.period and len(x):
                x = turn(x, float(x[0]), self.period)
        if not len(x):
            return []
        margin = MARGIN * max(np.ptp(x), np.ptp(y))
        low, high = (x.min() - margin, y.min() - margin), (x.max() + margin, y.max() + margin)
        box = float(low[0]), float(low[1]), float(high[0]), float(high[1])
        shifts = [0.0]
        if self.period:
            middle = np.rint(0.5 * (box[0] + box[2]) / self.period)
            shifts = [float(k - middle) * self.period for k in (-1, 0, 1)]
        windows = [(box[0] + shift, box[1], box[2] + shift, box[3]) for shift in shifts]
        bounds = self.source.bounds
        return [w for w in windows if bounds is None or _meet(w, bounds)]

    def _batch(
        self, points: Coordinates, area: shapely.Polygon, windows: list[Box], reached: list[Box]
    ) -> PointBatch:
        """Convert points to WGS84 and keep those inside the area."""
        x, y = points.x, points.y
        finite = np.isfinite(x) & np.isfinite(y)
        if points.z is not None and self.has_height:
            finite &= np.isfinite(points.z)
        self.counts["read"] += len(x)
        self.counts["not finite"] += len(x) - int(np.count_nonzero(finite))
        if finite.any():
            reached.append(self._extent(x[finite], y[finite]))
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
        z = points.z[at] if points.z is not None and self.has_height else None
        height, above = self.heights.convert(z, longitude, latitude, self.where)
        return PointBatch(
            longitude=longitude,
            latitude=latitude,
            height=height,
            above_terrain=above,
            value=None if points.value is None else points.value[at],
            identifier=None if points.identifier is None else [points.identifier[i] for i in at],
        )

    def _geodetic(
        self, x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Convert to longitude and latitude in degrees, in threads: this takes most of the time."""
        if not self.pipeline:
            return x, y
        parts = [slice(k, k + SHARE) for k in range(0, len(x), SHARE)]
        if len(parts) < 2:
            return transform(self.pipeline, x, y)
        with ThreadPoolExecutor(cpu_threads()) as pool:
            places = list(pool.map(lambda part: transform(self.pipeline, x[part], y[part]), parts))
        return np.concatenate([f[0] for f in places]), np.concatenate([f[1] for f in places])

    def _extent(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Box:
        """Return the extent of points. Raises AlignsarError for degrees out of range."""
        box = float(x.min()), float(y.min()), float(x.max()), float(y.max())
        if self.period:
            degree = self.period / 360.0
            if (
                max(abs(box[1]), abs(box[3])) > 90.001 * degree
                or max(-box[0], box[2]) > MOST_DEGREES * degree
            ):
                raise AlignsarError(
                    f"{self.where}: has longitudes from {box[0]:g} to {box[2]:g} and latitudes from {box[1]:g} to "
                    f"{box[3]:g}: its coordinate reference system is not {self.crs}, or x and y are confused; "
                    "correct crs, x or y"
                )
        return box

    def _nothing_inside(self, area: shapely.Polygon, reached: list[Box]) -> AlignsarError:
        boxes = reached or ([self.source.bounds] if self.source.bounds else [])
        extent = ""
        if boxes:
            low, high = np.min(boxes, axis=0), np.max(boxes, axis=0)
            extent = (
                f" They lie within x {low[0]:g} to {high[2]:g}, y {low[1]:g} to {high[3]:g} of {self.crs}."
            )
        left_out = {k: n for k, n in self.counts.items() if n and k not in {"read", "inside"}}
        and_left = f" Left out: {', '.join(f'{n} {k}' for k, n in left_out.items())}." if left_out else ""
        west, south, east, north = area.bounds
        return AlignsarError(
            f"{self.where}: has no point inside longitudes {west:.4f} to {east:.4f}, latitudes {south:.4f} to "
            f"{north:.4f}.{extent}{and_left} Name points that lie there, or leave this layer out"
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
    kind, source = _source(config, given, where)
    for name in ("layer", "where", "x", "y", "z", "value", "classification"):
        if getattr(config, name) is not None and name not in KEYS[kind]:
            raise AlignsarError(f"{where}: is a {kind}, which has no use for the key {name}: remove it")
    crs = agreed_crs(source.crs, given, where)
    datum = config.vertical_datum
    if kind == "list of stations" and datum is None:
        datum = "ellipsoid"
    horizontal = crs.to_2d()
    if not (horizontal.is_geographic or horizontal.is_projected):
        raise AlignsarError(
            f"{where}: {crs.name!r} has neither longitude and latitude nor a map's x and y: convert the points, "
            "or name their system (key crs)"
        )
    pipeline, operation = "", "none: longitude and latitude on WGS84"
    if not is_wgs84(horizontal):
        pipeline, operation = pipeline_between(horizontal, WGS84, None, where)
        interest = area_of(source.bounds, pipeline)
        if interest is not None:
            pipeline, operation = pipeline_between(horizontal, WGS84, interest, where)
    return PointFile(
        name=config.path,
        where=where,
        crs=crs.name,
        files=source.files,
        has_height=source.has_height,
        operation=operation,
        heights=heights_of(datum, crs, where, has_height=source.has_height),
        source=source,
        pipeline=pipeline,
        period=period_of(horizontal),
    )


def _source(config: PointLayerConfig, given: CRS | None, where: str) -> tuple[str, PointSource]:
    """Return what kind of file it is, and its reader."""
    files = _files(config.path, where)
    for path in files:
        refuse_web_page(path, f"{where}: {path.name}")
    suffixes = {_suffix(path) for path in files}
    if suffixes <= set(point_clouds.SUFFIXES):
        return "point cloud", point_clouds.open_tiles(files, config.classification, config.value, where)
    if suffixes <= set(point_tables.TEXT) or suffixes <= set(point_tables.PARQUET):
        return "table", point_tables.open_tables(files, config, given, where)
    if len(files) > 1:
        raise AlignsarError(
            f"{where}: matches {len(files)} files, and only LAS and LAZ tiles or tables of one kind may be "
            "several; name one file"
        )
    stations = list_of_stations(files[0]) if suffixes == {".json"} else None
    if stations is not None:
        return "list of stations", open_stations(files[0], stations, config.pass_direction, where)
    return "vector file", open_features(config, where)


def _suffix(path: Path) -> str:
    return path.suffix.lower()


def _files(name: str, where: str) -> list[Path]:
    """List the files that a name, a folder of tiles or a pattern stands for."""
    path = Path(name)
    if path.is_dir():
        inside = sorted(without_clutter(path.iterdir()))
        for kind in (point_clouds.SUFFIXES, point_tables.PARQUET, point_tables.TEXT):
            if files := [file for file in inside if _suffix(file) in kind]:
                return files
        return [path]  # folders that are vector files: a geodatabase, shapefiles
    if path.exists() or name.startswith("/vsi"):
        return [path]
    if any(mark in name for mark in "*?["):
        root = Path(path.anchor)
        files = sorted(without_clutter(root.glob(str(path.relative_to(root)))))
        if files:
            return files
        raise AlignsarError(f"{where}: no file matches the pattern; correct it")
    raise AlignsarError(f"{where}: there is no such file or folder")
