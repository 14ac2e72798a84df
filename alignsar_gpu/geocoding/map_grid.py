"""MapGrid: the pixels of a map in any coordinate reference system, and their positions on WGS84."""

from __future__ import annotations

import math
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj import CRS
from pyproj.exceptions import CRSError
from pyproj.transformer import AreaOfInterest

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.frame import (
    Frame,
    is_wgs84,
    period_of,
    pipeline_between,
    pixel_centre,
    transform,
)
from alignsar_gpu.geometry.lattice import smooth_pair

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.geometry.dem.frame import Affine, Pair

HAIR = 1e-6  # pixels: what rounding of coordinates may make of a multiple of the resolution
MOST_PIXELS = 1_000_000  # rows or columns: beyond that the resolution is in other units than it is meant in
POLAR = {
    1: (84.0, 5041),
    -1: (80.0, 5042),
}  # latitude from which UTM ends, and the EPSG code of UPS, north and south
WHICH_CRS = "name one by its code, such as EPSG:32631 (UTM zone 31 north), or as WKT"


def _known(crs: Any) -> CRS:
    """Return the horizontal part of a map's coordinate reference system. Raises AlignsarError for other systems."""
    try:
        system = CRS.from_user_input(crs).to_2d()
    except CRSError:
        raise AlignsarError(
            f"map grid: {str(crs)[:80]!r} is no coordinate reference system that PROJ knows: {WHICH_CRS}"
        ) from None
    if not (system.is_geographic or system.is_projected):
        raise AlignsarError(
            f"map grid: {system.name!r} is neither a map projection nor longitude and latitude: {WHICH_CRS}"
        )
    return system


def _unit_vectors(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    lon, lat = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def _middle(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> tuple[float, float]:
    """Return longitude and latitude (degrees) of the middle of points, wherever these are on Earth."""
    x, y, z = _unit_vectors(longitude, latitude).mean(axis=0)
    return math.degrees(math.atan2(y, x)), math.degrees(math.atan2(z, math.hypot(x, y)))


def utm_or_ups(longitude: float, latitude: float) -> CRS:
    """Return the UTM zone on WGS84 of a place (degrees); beyond UTM, universal polar stereographic (UPS)."""
    side = 1 if latitude >= 0.0 else -1
    end, ups = POLAR[side]
    if abs(latitude) > end:
        return CRS.from_epsg(ups)
    zone = int((longitude + 180.0) // 6.0) % 60 + 1
    return CRS.from_epsg((32600 if side > 0 else 32700) + zone)


@dataclass(frozen=True, kw_only=True)
class MapGrid:
    """A grid of pixels in a map's coordinates; arrays on it are indexed [row, column].

    Attributes
    ----------
    crs : the coordinate reference system.
    affine : the six coefficients (a, b, c, d, e, f) of x = a column + b row + c, y = d column + e row + f, counted
        from the corner of the first pixel, in units of ``crs``, x to the east or along its first axis in GIS order;
        rows and columns lie along the axes (b = d = 0).
    shape : rows, columns.

    Raises AlignsarError for a system that PROJ does not know or that is not a map's, a resolution that is not
    positive, and a grid without pixels or with more than a million in a row.
    """

    crs: CRS
    affine: Affine
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        object.__setattr__(self, "crs", _known(self.crs))
        a, b, c, d, e, f = self.affine
        if not (math.isfinite(c + f) and 0.0 < abs(a) < math.inf and 0.0 < abs(e) < math.inf):
            raise AlignsarError(f"map grid: an affine transform of finite steps is needed, got {self.affine}")
        if b != 0.0 or d != 0.0:
            raise AlignsarError(
                f"map grid: its rows must lie along the x axis of {self.crs.name!r}, but the affine transform "
                f"{self.affine} is turned: give a grid with b = d = 0"
            )
        if not all(1 <= count <= MOST_PIXELS for count in self.shape):
            unit = self.crs.axis_info[0].unit_name
            raise AlignsarError(
                f"map grid: {self.shape[0]} rows and {self.shape[1]} columns, each 1 to {MOST_PIXELS} is possible: "
                f"is the resolution of {abs(a):g} meant in units of {self.crs.name!r}, which are {unit}?"
            )

    @classmethod
    def within(cls, bounds: tuple[float, float, float, float], *, crs: Any, resolution: float) -> MapGrid:
        """Make the grid of all pixels that meet a box (left, bottom, right, top) in units of ``crs``, north up.

        Edges of pixels are multiples of the resolution, so that grids of one system and resolution fit each other.
        ``crs`` is what PROJ knows: a code, WKT, a pyproj CRS. Raises AlignsarError as the grid itself does, and
        for a box without an extent.
        """
        system = _known(crs)
        if not 0.0 < resolution < math.inf:
            raise AlignsarError(
                f"map grid: a resolution of {resolution} is not possible: give a positive number of "
                f"{system.axis_info[0].unit_name}s"
            )
        left, bottom, right, top = (float(edge) for edge in bounds)
        if not (-math.inf < left <= right < math.inf and -math.inf < bottom <= top < math.inf):
            raise AlignsarError(
                f"map grid: {bounds} is no box: give left, bottom, right and top in units of {system.name!r}"
            )
        first, low = (math.floor(edge / resolution + HAIR) for edge in (left, bottom))
        last, high = (math.ceil(edge / resolution - HAIR) for edge in (right, top))
        shape = max(high - low, 1), max(last - first, 1)
        corner = first * resolution, (low + shape[0]) * resolution
        return cls(crs=system, affine=(resolution, 0.0, corner[0], 0.0, -resolution, corner[1]), shape=shape)

    @classmethod
    def over(
        cls, longitude: ArrayLike, latitude: ArrayLike, *, resolution: float, crs: Any | None = None
    ) -> MapGrid:
        """Make the grid over points on WGS84 (degrees; an outline of an area, say): see `within`.

        Without ``crs``, the UTM zone that the middle of the points lies in, or UPS near the poles. Longitudes may
        be wrapped or go on beyond 180 degrees; points that are not finite do not count. Raises AlignsarError
        besides where there are no points, and where the area is torn apart by the edge of the map.
        """
        lon, lat = (np.asarray(a, dtype=np.float64).ravel() for a in np.broadcast_arrays(longitude, latitude))
        known = np.isfinite(lon) & np.isfinite(lat)
        lon, lat = lon[known], lat[known]
        if not lon.size:
            raise AlignsarError("map grid: the area to be mapped has no points with coordinates")
        middle = _middle(lon, lat)
        system = utm_or_ups(*middle) if crs is None else _known(crs)
        lon = middle[0] + (lon - middle[0] + 180.0) % 360.0 - 180.0
        pipeline = _pipeline(system, lon, lat)
        x, y = (lon, lat) if not pipeline else transform(pipeline, lon, lat, back=True)
        if np.isnan(x).any():
            raise AlignsarError(
                f"map grid: {system.name!r} has no coordinates for longitude {lon[np.isnan(x)][0]:.4f}, latitude "
                f"{lat[np.isnan(x)][0]:.4f}: choose a system that holds the whole area"
            )
        size = max(np.ptp(x), np.ptp(y))
        if resolution > size > 0.0:
            unit = system.axis_info[0].unit_name
            raise AlignsarError(
                f"map grid: a pixel of {resolution:g} {unit}s is larger than the whole area of {size:g} {unit}s: "
                f"give a resolution in units of {system.name!r}"
            )
        grid = cls.within((x.min(), y.min(), x.max(), y.max()), crs=system, resolution=resolution)
        rows, columns = grid.shape
        centre = grid.geodetic(np.array([0.5 * (rows - 1)]), np.array([0.5 * (columns - 1)]))
        vectors = _unit_vectors(np.append(lon, centre[0]), np.append(lat, centre[1]))
        apart = vectors[:-1] @ _unit_vectors(*(np.array(v) for v in middle))
        if not vectors[-1] @ _unit_vectors(*(np.array(v) for v in middle)) >= apart.min() - 1e-6:
            raise AlignsarError(
                f"map grid: the area around longitude {middle[0]:.4f}, latitude {middle[1]:.4f} is in pieces in "
                f"{system.name!r}: choose a system that holds it as a whole, or leave the choice (UTM)"
            )
        return grid

    @cached_property
    def _frame(self) -> Frame:
        period = period_of(self.crs)
        pipeline = ""
        if not is_wgs84(self.crs):
            rows, columns = self.shape
            row, column = np.array([0.0, 0.0, rows, rows]) - 0.5, np.array([0.0, columns, 0.0, columns]) - 0.5
            pipeline = _pipeline(self.crs, *pixel_centre(self.affine, row, column), back=True)
        return Frame(affine=self.affine, shape=self.shape, period=period, pipeline=pipeline, operation="")

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """Left, bottom, right and top edge in units of ``crs``."""
        a, _, c, _, e, f = self.affine
        x, y = sorted((c, c + a * self.shape[1])), sorted((f, f + e * self.shape[0]))
        return x[0], y[0], x[1], y[1]

    def axes(self) -> Pair:
        """Return x of the columns' and y of the rows' centres, float64, in units of ``crs``."""
        rows, columns = self.shape
        return pixel_centre(
            self.affine, np.arange(rows, dtype=np.float64), np.arange(columns, dtype=np.float64)
        )

    def geodetic(self, row: NDArray[np.float64], column: NDArray[np.float64]) -> Pair:
        """Return longitude and latitude (degrees) of fractional rows and columns, each point on its own.

        Longitudes go on beyond 180 degrees: they are within half a turn of the middle of the grid. NaN where the
        projection has no place.
        """
        return self._frame.geodetic(row, column)

    def position(self, longitude: ArrayLike, latitude: ArrayLike) -> Pair:
        """Return fractional (row, column) of points (degrees), counted from the first pixel's centre.

        NaN where the projection has none.
        """
        lon, lat = (np.array(a, dtype=np.float64) for a in np.broadcast_arrays(longitude, latitude))
        return self._frame.position(lon, lat)

    def to_geodetic(
        self, first: int, stop: int, columns: slice | None = None, xp: Any = np
    ) -> tuple[Any, Any]:
        """Return longitude and latitude (degrees) of the pixels of rows ``first:stop``, float64 [row, column].

        As `geodetic`, but 1e-3 of a pixel from it at most: PROJ is asked for few of them, see
        `lattice.smooth_pair`. Pixels have the same bits whichever are asked for together. ``columns`` are all by
        default; ``xp`` is the library whose arrays are wanted, numpy or CuPy.
        """
        across = slice(0, self.shape[1]) if columns is None else columns
        if self._frame.on_axes:
            lon, lat = self._frame.axes(slice(first, stop), across)
            shape = stop - first, across.stop - across.start
            whole = (xp.empty(shape, dtype=np.float64) for _ in range(2))
            longitude, latitude = whole
            longitude[...] = xp.asarray(lon)
            latitude[...] = xp.asarray(lat)[:, np.newaxis]
            return longitude, latitude
        return smooth_pair(self.geodetic, slice(first, stop), across, xp)


def _pipeline(crs: CRS, x: NDArray[np.float64], y: NDArray[np.float64], *, back: bool = False) -> str:
    """Find the PROJ pipeline from ``crs`` to WGS84 for points in degrees, or, with ``back``, in units of ``crs``.

    Empty where ``crs`` is longitude and latitude on WGS84 itself.
    """
    wgs84 = CRS.from_epsg(4326)
    if is_wgs84(crs):
        return ""
    try:
        pipeline, _ = pipeline_between(crs, wgs84, None, "map grid")
        lon, lat = transform(pipeline, x, y) if back else (x, y)
        if np.isfinite(lon).all() and np.isfinite(lat).all():
            area = AreaOfInterest(lon.min(), lat.min(), lon.max(), lat.max())
            with suppress(AlignsarError):  # far from where the system is used, PROJ may have nothing better
                pipeline, _ = pipeline_between(crs, wgs84, area, "map grid")
    except AlignsarError:
        raise AlignsarError(
            f"map grid: PROJ knows no way from {crs.name!r} to longitude and latitude on WGS84: {WHICH_CRS}"
        ) from None
    return pipeline
