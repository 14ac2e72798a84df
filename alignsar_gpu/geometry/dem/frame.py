"""Convert between the posts of a raster in any coordinate reference system and WGS84 degrees."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TYPE_CHECKING, Literal

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError
from pyproj.transformer import AreaOfInterest, TransformerGroup

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Pair = tuple[NDArray[np.float64], NDArray[np.float64]]
    Affine = tuple[float, float, float, float, float, float]


@lru_cache(maxsize=64)
def _transformer(pipeline: str) -> Transformer:
    return Transformer.from_pipeline(pipeline)


def transform(pipeline: str, x: NDArray[np.float64], y: NDArray[np.float64], *, back: bool = False) -> Pair:
    """Transform ``x`` and ``y`` by a PROJ pipeline, point by point; NaN where it is undefined."""
    direction: Literal["INVERSE", "FORWARD"] = "INVERSE" if back else "FORWARD"
    u, v = _transformer(pipeline).transform(x, y, direction=direction)
    u, v = np.asarray(u), np.asarray(v)
    bad = ~(np.isfinite(u) & np.isfinite(v))
    if bad.any():
        u, v = np.where(bad, np.nan, u), np.where(bad, np.nan, v)
    return u, v


def pixel(affine: Affine, x: NDArray[np.float64], y: NDArray[np.float64]) -> Pair:
    """Convert map coordinates to fractional (row, column), counted from the first pixel's centre."""
    a, b, c, d, e, f = affine
    if b == 0.0 and d == 0.0:
        return (y - f) / e - 0.5, (x - c) / a - 0.5
    determinant = a * e - b * d
    dx, dy = x - c, y - f
    return (a * dy - d * dx) / determinant - 0.5, (e * dx - b * dy) / determinant - 0.5


def pixel_centre(affine: Affine, row: NDArray[np.float64], column: NDArray[np.float64]) -> Pair:
    """Convert (fractional) rows and columns, counted from the first pixel's centre, to map coordinates (x, y)."""
    a, b, c, d, e, f = affine
    if b == 0.0 and d == 0.0:
        return c + a * (column + 0.5), f + e * (row + 0.5)
    return c + a * (column + 0.5) + b * (row + 0.5), f + d * (column + 0.5) + e * (row + 0.5)


def turn(x: NDArray[np.float64], centre: float, period: float) -> NDArray[np.float64]:
    """Shift ``x`` by whole periods to within half a period of ``centre``."""
    return x - period * np.rint((x - centre) / period)


def period_of(crs: CRS) -> float:
    """Return a full circle of longitude in the units of a geographic system; 0 for a projected one."""
    return 2.0 * np.pi / crs.axis_info[0].unit_conversion_factor if crs.is_geographic else 0.0


def pipeline_between(source: CRS, target: CRS, area: AreaOfInterest | None, where: str) -> tuple[str, str]:
    """Find the best available PROJ pipeline from ``source`` to ``target`` (x, y), and its name.

    One pipeline for all points: PROJ's own choice among several could change within a raster.
    """
    try:
        with warnings.catch_warnings(record=True):  # a missing grid: said in the name
            warnings.simplefilter("always")
            group = TransformerGroup(source, target, always_xy=True, area_of_interest=area)
    except (ProjError, IndexError) as error:  # the latter: what pyproj makes of odd parameters
        raise AlignsarError(f"{where}: its coordinate reference system cannot be used ({error})") from None
    if not group.transformers:
        raise AlignsarError(
            f"{where}: PROJ knows no way from {source.name!r} to {target.name!r}: reproject it to EPSG:4326"
        )
    best = group.transformers[0]
    steps = best.description.split(" + ")
    name = " + ".join(step for step in steps if not step.startswith("axis order change"))
    if best.accuracy >= 0:
        name += f", accurate to {best.accuracy:g} m"
    if not group.best_available:
        grids = {g.short_name for o in group.unavailable_operations for g in o.grids if not g.available}
        name += f"; a better one needs {', '.join(sorted(grids))}" if grids else ""
    return best.definition, name


def is_wgs84(crs: CRS) -> bool:
    """Whether a horizontal system is WGS84 longitude and latitude in degrees."""
    return bool(crs.is_geographic and crs.equals(CRS.from_epsg(4326), ignore_axis_order=True))


@dataclass(frozen=True, kw_only=True, eq=False)
class Frame:
    """Georeferencing of a raster's posts.

    Attributes
    ----------
    affine : the six coefficients (a, b, c, d, e, f) of x = a column + b row + c, y = d column + e row + f,
        counted from the corner of the first pixel. A post is the centre of a pixel.
    shape : rows, columns.
    period : a full circle in units of x, 0 where x is not a longitude.
    pipeline : from (x, y) to longitude and latitude, empty where x and y are these already.
    operation : the pipeline in words.
    """

    affine: Affine
    shape: tuple[int, int]
    period: float
    pipeline: str
    operation: str

    def posts(self, rows: slice, columns: slice) -> Pair:
        """Return longitude and latitude [row, column] of a window of posts; NaN where the projection is undefined."""
        if self.on_axes:
            lon, lat = self.axes(rows, columns)
            shape = len(lat), len(lon)
            return np.broadcast_to(lon, shape).copy(), np.broadcast_to(lat[:, np.newaxis], shape).copy()
        row, column = np.meshgrid(
            np.arange(rows.start, rows.stop, dtype=np.float64),
            np.arange(columns.start, columns.stop, dtype=np.float64),
            indexing="ij",
        )
        return self.geodetic(row, column)

    @property
    def on_axes(self) -> bool:
        """Whether longitude depends on the column alone and latitude on the row alone."""
        return not self.pipeline and self.affine[1] == 0.0 and self.affine[3] == 0.0

    def axes(self, rows: slice, columns: slice) -> Pair:
        """Return the longitude of columns and the latitude of rows, if `on_axes`."""
        lon, lat = pixel_centre(
            self.affine,
            np.arange(rows.start, rows.stop, dtype=np.float64),
            np.arange(columns.start, columns.stop, dtype=np.float64),
        )
        return lon, lat

    def geodetic(self, row: NDArray[np.float64], column: NDArray[np.float64]) -> Pair:
        """Convert fractional rows and columns to longitude and latitude (degrees).

        Longitudes go on beyond 180 degrees: they are within half a turn of the middle of the DEM.
        """
        x, y = pixel_centre(self.affine, row, column)
        if not self.pipeline:
            return x, y
        lon, lat = transform(self.pipeline, x, y)
        return turn(lon, self._middle_longitude, 360.0), lat

    def position(self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> Pair:
        """Convert points (degrees) to fractional (row, column), one by one; NaN where the projection is undefined."""
        x, y = longitude, latitude
        if self.pipeline:
            x, y = transform(self.pipeline, longitude, latitude, back=True)
        if self.period:
            x = turn(x, self._middle_x, self.period)
        return pixel(self.affine, x, y)

    def position_of_set(self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> Pair:
        """Convert an outline (degrees, less than half a turn wide) to fractional (row, column).

        Differs from ``position`` where a DEM goes round the Earth: the points are not torn apart.
        """
        row, column = self.position(longitude, latitude)
        per_turn = self.period / abs(self.affine[0]) if self.period else 0.0
        if not per_turn or not np.isfinite(column).any():
            return row, column
        direction = np.nanmean(np.exp(2j * np.pi * column / per_turn))
        middle = float(np.angle(direction)) / (2.0 * np.pi) * per_turn
        column = turn(column, middle, per_turn)
        return row, column - per_turn * np.rint((middle - 0.5 * (self.shape[1] - 1)) / per_turn)

    @cached_property
    def _middle_x(self) -> float:
        rows, columns = self.shape
        return float(pixel_centre(self.affine, np.array(0.5 * (rows - 1)), np.array(0.5 * (columns - 1)))[0])

    @cached_property
    def _middle_longitude(self) -> float:
        """Of the middle of the DEM, whose western corners are not west of the 180th meridian."""
        last_row, last_column = self.shape[0] - 1.0, self.shape[1] - 1.0
        row = np.array([0.5, 0.0, 0.0, 1.0, 1.0]) * last_row
        column = np.array([0.5, 0.0, 1.0, 0.0, 1.0]) * last_column
        longitude = transform(self.pipeline, *pixel_centre(self.affine, row, column))[0]
        longitude = longitude[np.isfinite(longitude)]
        if not len(longitude):
            return 0.0
        middle = float(longitude[0])
        return middle + 360.0 if turn(longitude, middle, 360.0).min() < -180.0 else middle
