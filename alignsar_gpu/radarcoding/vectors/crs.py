"""Coordinates of a vector file: to longitude and latitude, and areas the other way."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely
from pyproj import CRS, Geod
from pyproj.transformer import AreaOfInterest

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.frame import is_wgs84, period_of, pipeline_between, transform, turn
from alignsar_gpu.radarcoding.crs import area_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from alignsar_gpu.radarcoding.crs import Box
    from alignsar_gpu.radarcoding.vectors.formats.sources import Shapes

    Pair = tuple[NDArray[np.float64], NDArray[np.float64]]

SCALE = 0.01  # of a metre of the Earth: how far a system's own may be from it
STEPS = 64  # pieces that an area is cut into each way before it is turned to another system
AROUND = 1e-3  # of the size of an area: more than it is bent between these
AREA = 1e-3  # degrees around a file, for the choice of an operation
EDGE = 1e-7  # degrees to the meridian that a projection is cut along
METRES_PER_DEGREE = 111_000.0  # of latitude, at least nearly: rounded down
CENTRES = {  # of projections, as EPSG calls them
    "Longitude of natural origin",
    "Longitude of false origin",
    "Longitude of projection centre",
    "Longitude of origin",
}
STRAIGHT = 500.0  # units of a projection, metres or feet: as long, what is straight is so in degrees, to a centimetre
PLANE = (
    "+proj=pipeline +step +proj=unitconvert +xy_in=deg +xy_out=rad "
    "+step +proj=aeqd +lat_0={latitude} +lon_0={longitude} +ellps=WGS84"
)


@dataclass(frozen=True, kw_only=True)
class Georeference:
    """How coordinates of a vector file are converted to longitude and latitude, all by one pipeline.

    Attributes
    ----------
    pipeline : to longitude and latitude on WGS84, "" where coordinates are these.
    operation : in words.
    period : a full circle in units of x, 0 where x is no longitude.
    cut : longitude of the meridian that a projection is cut along, None for none.
    metric : whether lengths are metres, to 1 %, all over the file.
    extent : of the file, in its coordinates.
    """

    pipeline: str
    operation: str
    period: float
    cut: float | None
    metric: bool
    extent: Box | None

    def to_geodetic(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> Pair:
        """Convert coordinates to longitude and latitude (degrees), NaN where there are none."""
        return transform_points(self.pipeline, x, y) if self.pipeline else (x, y)

    @property
    def outline(self) -> BaseGeometry | None:
        """Box around the file, a polygon in degrees; None where the file does not state its extent."""
        if self.extent is None:
            return None
        west, south, east, north = self.extent
        if self.period and east - west > 0.5 * self.period:  # round the Earth, or across 180 degrees
            west, east = -self.period, self.period
        fine = shapely.box(west, south, east, north).segmentize(
            max(east - west, north - south) / STEPS or 1.0
        )
        x, y = self.to_geodetic(*np.ascontiguousarray(shapely.get_coordinates(fine).T))
        x, y = x[np.isfinite(x)], y[np.isfinite(x)]
        x = x if self.period else turn(x, float(x[0]) if len(x) else 0.0, 360.0)
        return shapely.Polygon(np.stack([x, y], axis=1)) if len(x) > 2 else None

    def areas(self, area: BaseGeometry, reach: float) -> list[BaseGeometry]:
        """Convert a polygon in degrees to coordinates of the file: a bit larger, and by ``reach`` metres.

        Several where the file's longitudes may be those of the area plus or minus full circles, or the area lies
        on both sides of where the projection is cut.
        """
        high = min(max(abs(area.bounds[1]), abs(area.bounds[3])), 89.0)
        wider = area.buffer(reach / METRES_PER_DEGREE / math.cos(math.radians(high))) if reach else area
        west, south, east, north = wider.bounds
        fine = wider.segmentize(max(east - west, north - south) / STEPS)
        if self.period:
            return self._turned(self._in_file(fine, 0.5 * (west + east)))
        parts = (self._in_file(part, None) for part in self._cut(fine))
        return [part for part in parts if not part.is_empty]

    def _turned(self, shape: BaseGeometry) -> list[BaseGeometry]:
        """Return a shape, and its copies a full circle to each side that the file reaches."""
        middle = 0.5 * (shape.bounds[0] + shape.bounds[2])
        near = shapely.affinity.translate(shape, -self.period * round(middle / self.period))
        copies = [shapely.affinity.translate(near, number * self.period) for number in (0, -1, 1)]
        if self.extent is None:
            return copies
        west, _, east, _ = self.extent
        return copies[:1] + [copy for copy in copies[1:] if copy.bounds[0] <= east and copy.bounds[2] >= west]

    def _cut(self, area: BaseGeometry) -> list[BaseGeometry]:
        if self.cut is None:
            return [area]
        west, _, east, _ = area.bounds
        first = math.floor((west - self.cut) / 360.0)
        last = math.floor((east - self.cut) / 360.0)
        strips = [
            shapely.box(self.cut + 360.0 * n + EDGE, -90.0, self.cut + 360.0 * (n + 1) - EDGE, 90.0)
            for n in range(first, last + 1)
        ]
        return [area.intersection(strip) for strip in strips] if len(strips) > 1 else [area]

    def _in_file(self, area: BaseGeometry, middle: float | None) -> BaseGeometry:
        """Convert a shape to coordinates of the file, around longitude ``middle`` where x is a longitude."""

        longitude, latitude = shapely.get_coordinates(area).T
        x, y = (
            transform_points(self.pipeline, longitude, latitude, back=True)
            if self.pipeline
            else (longitude, latitude)
        )
        if middle is not None:
            x = turn(x, middle * self.period / 360.0, self.period)
        points = np.stack([x, y], axis=1)
        known = np.isfinite(points).all(axis=1)
        placed = shapely.transform(area, lambda _: points) if known.all() else None
        if placed is None or not placed.is_valid:
            placed = shapely.MultiPoint(points[known]).convex_hull
        west, south, east, north = placed.bounds if not placed.is_empty else (0.0, 0.0, 0.0, 0.0)
        return placed.buffer(AROUND * math.hypot(east - west, north - south))

    def in_planes(self, shapes: Shapes, change: Callable[[Shapes], Shapes]) -> Shapes:
        """Change shapes in metres: ``change`` works in a plane that touches the Earth near each of them.

        From coordinates of the file to longitude and latitude. Each square degree has a plane of its own, so that
        the result for a shape does not depend on others. Those that the Earth has no place for come back as None.
        """
        changed = np.full(len(shapes), None, dtype=object)
        if not len(shapes):
            return changed
        if not self.period:  # the result is straight in degrees between its vertices
            shapes = shapely.segmentize(shapes, STRAIGHT)
        points, owner = shapely.get_coordinates(shapes, return_index=True)
        places = np.stack(self.to_geodetic(*points.T), axis=1)
        good = np.bincount(owner, ~np.isfinite(places).all(axis=1), minlength=len(shapes)) == 0.0
        degrees = shapes.copy()
        degrees[good] = shapely.transform(shapes[good], lambda _: places[good[owner]])
        bounds = shapely.bounds(degrees)
        square = np.floor(0.5 * (bounds[:, :2] + bounds[:, 2:])) + 0.5
        square[~good] = np.nan
        for centre in np.unique(square[np.isfinite(square).all(axis=1)], axis=0):
            chosen = (square == centre).all(axis=1)
            changed[chosen] = _in_plane(degrees[chosen], change, float(centre[0]), float(centre[1]))
        return changed


def _in_plane(
    shapes: Shapes, change: Callable[[Shapes], Shapes], longitude: float, latitude: float
) -> Shapes:
    plane = PLANE.format(longitude=longitude, latitude=latitude)

    def down(points: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.stack(transform_points(plane, points[:, 0], points[:, 1]), axis=1)

    def up(points: NDArray[np.float64]) -> NDArray[np.float64]:
        x, y = transform_points(plane, points[:, 0], points[:, 1], back=True)
        return np.stack([turn(x, longitude, 360.0), y], axis=1)

    return np.asarray(shapely.transform(change(shapely.transform(shapes, down)), up), dtype=object)


def transform_points(
    pipeline: str, x: NDArray[np.float64], y: NDArray[np.float64], *, back: bool = False
) -> Pair:
    """Transform points (n,) by a pipeline; see `dem.frame.transform`."""
    if len(x) == 1:  # older versions of pyproj make numbers of an array of one
        u, v = transform(pipeline, np.repeat(x, 2), np.repeat(y, 2), back=back)
        return u[:1], v[:1]
    return transform(pipeline, x, y, back=back)


def find_georeference(crs: CRS, extent: Box | None, name: str) -> Georeference:
    """Find how coordinates in a system are converted to longitude and latitude.

    Raises AlignsarError, beginning with ``name``, where PROJ knows no way, or the extent is not on Earth.
    """
    flat = crs.to_2d()
    if extent is not None and not np.isfinite(extent).all():
        extent = None
    period = period_of(flat)
    if extent is not None and period:
        _check_degrees(flat, extent, period, name)
    pipeline, operation = "", "none: longitude and latitude on WGS84"
    if not is_wgs84(flat):
        pipeline, operation = pipeline_between(flat, CRS.from_epsg(4326), None, name)
        near = area_of(extent, pipeline)
        if near is not None:
            pipeline, operation = pipeline_between(flat, CRS.from_epsg(4326), _wider(near), name)
    return Georeference(
        pipeline=pipeline,
        operation=operation,
        period=period,
        cut=None if period else _cut_of(flat),
        metric=extent is not None and not period and _is_metric(pipeline, extent),
        extent=extent,
    )


def _wider(area: AreaOfInterest) -> AreaOfInterest:
    """Widen an area: older versions of PROJ find no operation for one without a width or height."""
    return AreaOfInterest(
        max(area.west_lon_degree - AREA, -180.0),
        max(area.south_lat_degree - AREA, -90.0),
        min(area.east_lon_degree + AREA, 180.0),
        min(area.north_lat_degree + AREA, 90.0),
    )


def _check_degrees(crs: CRS, extent: Box, period: float, name: str) -> None:
    low, high = extent[1] / period * 360.0, extent[3] / period * 360.0
    west, east = extent[0] / period * 360.0, extent[2] / period * 360.0
    if low < -90.01 or high > 90.01 or west < -360.01 or east > 540.01:
        raise AlignsarError(
            f"{name}: has x from {extent[0]:g} to {extent[2]:g} and y from {extent[1]:g} to {extent[3]:g}, which "
            f"cannot be longitude and latitude in its system, {crs.name!r}: state the right one in the file (ogr2ogr "
            "-a_srs EPSG:28992, for example; GeoJSON without a system is longitude and latitude)"
        )


def _cut_of(crs: CRS) -> float | None:
    """Return the meridian opposite the middle one of a projection, in degrees from Greenwich."""
    base = crs.source_crs if crs.is_bound else crs
    if base is None or base.coordinate_operation is None:
        return None
    prime = base.prime_meridian
    zero = math.degrees(prime.longitude * float(prime.unit_conversion_factor)) if prime is not None else 0.0
    for parameter in base.coordinate_operation.params:
        if parameter.name in CENTRES:
            return math.degrees(float(parameter.value) * parameter.unit_conversion_factor) + zero + 180.0
    return None


def _outline(box: Box) -> Pair:
    """Return points along the sides and across the middle of a box."""
    x, y = np.meshgrid(np.linspace(box[0], box[2], 9), np.linspace(box[1], box[3], 9))
    return x.ravel(), y.ravel()


def _is_metric(pipeline: str, extent: Box) -> bool:
    """Return whether 100 units are 100 metres each way, all over the extent."""
    x, y = _outline(extent)
    here = transform_points(pipeline, x, y)
    along = transform_points(pipeline, x + 100.0, y), transform_points(pipeline, x, y + 100.0)
    if not all(np.isfinite(values).all() for pair in (here, *along) for values in pair):
        return False
    geod = Geod(ellps="WGS84")
    lengths = [geod.inv(*here, *there)[2] for there in along]
    return bool(np.abs(np.asarray(lengths) / 100.0 - 1.0).max() <= SCALE)
