"""Rasters in WGS84 longitude and latitude, for simulated scenes."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from rasterio import Affine

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.simulate.geometry import FLATTENING, SEMI_MAJOR_AXIS

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, DTypeLike, NDArray

HAIR = 1e-6  # posts: what rounding of coordinates may put a point outside
WIDEST = 60.0  # degrees each way: beyond this one scale of metres per degree is no description of the ground
MOST_POSTS = 1 << 31


def metres_per_degree(latitude: float) -> tuple[float, float]:
    """Compute metres per degree of longitude and of latitude on the WGS84 ellipsoid at ``latitude`` degrees."""
    squared = FLATTENING * (2.0 - FLATTENING)
    sine, cosine = np.sin(np.radians(latitude)), np.cos(np.radians(latitude))
    root = 1.0 - squared * sine**2
    east = SEMI_MAJOR_AXIS / np.sqrt(root) * cosine
    north = SEMI_MAJOR_AXIS * (1.0 - squared) / root**1.5
    return float(np.radians(1.0) * east), float(np.radians(1.0) * north)


def shifted(transform: Affine, row: int, column: int) -> Affine:
    """Return the transform of a part of a raster that begins at (row, column).

    Affine's own operator is being renamed.
    """
    a, b, c, d, e, f = tuple(transform)[:6]
    return Affine(a, b, c + a * column + b * row, d, e, f + d * column + e * row)


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """A box in degrees. Longitudes are continuous: across the antimeridian ``east`` is beyond 180.

    Raises AlignsarError where it is not a box on Earth of at most 60 degrees each way.
    """

    west: float
    south: float
    east: float
    north: float

    def __post_init__(self) -> None:
        known = np.isfinite([self.west, self.south, self.east, self.north]).all()
        upright = self.west < self.east and self.south < self.north
        on_earth = self.south > -90.0 and self.north < 90.0 and self.west >= -360.0 and self.east <= 540.0
        small = self.east - self.west <= WIDEST and self.north - self.south <= WIDEST
        if not (known and upright and on_earth and small):
            raise AlignsarError(
                f"simulated scene: bounds {self.west:g},{self.south:g},{self.east:g},{self.north:g} are not "
                "west,south,east,north in degrees with west < east and south < north, between the poles and at most "
                f"{WIDEST:g} degrees wide and high (across the antimeridian, east goes on beyond 180)"
            )

    @property
    def middle(self) -> tuple[float, float]:
        """Longitude and latitude of the middle."""
        return 0.5 * (self.west + self.east), 0.5 * (self.south + self.north)

    def holds(self, longitude: float, latitude: float) -> bool:
        """Whether a point lies inside, with its longitude taken modulo 360 degrees."""
        turned = longitude - 360.0 * round((longitude - self.middle[0]) / 360.0)
        return self.west <= turned <= self.east and self.south <= latitude <= self.north

    @property
    def size(self) -> tuple[float, float]:
        """Metres from west to east and from south to north, at the middle latitude."""
        east, north = metres_per_degree(self.middle[1])
        return (self.east - self.west) * east, (self.north - self.south) * north


@dataclass(frozen=True, kw_only=True)
class Plane:
    """Flat coordinates in metres, x to the east and y to the south of a raster's first post.

    One scale for the whole raster, that of its middle latitude: shapes are drawn here.
    """

    longitude: float
    latitude: float
    metres: tuple[float, float]

    def degrees(self, x: ArrayLike, y: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Convert x and y to longitude and latitude."""
        across, down = np.asarray(x, dtype=np.float64), np.asarray(y, dtype=np.float64)
        return self.longitude + across / self.metres[0], self.latitude - down / self.metres[1]

    def position(
        self, longitude: ArrayLike, latitude: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Convert longitude and latitude (degrees, longitudes as continuous as the raster's) to x and y."""
        lon, lat = np.asarray(longitude, dtype=np.float64), np.asarray(latitude, dtype=np.float64)
        return (lon - self.longitude) * self.metres[0], (self.latitude - lat) * self.metres[1]


@dataclass(frozen=True, kw_only=True, eq=False)
class Raster:
    """A raster: values [row, column] at posts.

    Row i has latitude - i step_latitude, column j longitude + j step_longitude.

    Attributes
    ----------
    longitude, latitude : degrees, of values[0, 0], the north-western post. Longitudes are continuous: they
        may exceed 180.
    step_longitude, step_latitude : degrees, positive.
    values : floats are heights and the like, between which one interpolates; integers are classes.
    """

    longitude: float
    latitude: float
    step_longitude: float
    step_latitude: float
    values: NDArray[Any]

    @classmethod
    def over(
        cls, bounds: Bounds, posting_metres: float, fill: float, dtype: DTypeLike, what: str = "raster"
    ) -> Raster:
        """Create a raster of ``fill`` that covers ``bounds``, its first post at their north-western corner.

        Posts are ``posting_metres`` apart at the middle latitude. Raises AlignsarError for a posting that is
        not a positive length, or that makes fewer than 2 x 2 or more than 2^31 posts.
        """
        if not 0.0 < posting_metres < np.inf:
            raise AlignsarError(f"{what}: the posting must be a positive length, got {posting_metres:g} m")
        east, north = metres_per_degree(bounds.middle[1])
        steps = posting_metres / east, posting_metres / north
        columns = int(np.ceil((bounds.east - bounds.west) / steps[0] - HAIR)) + 1
        rows = int(np.ceil((bounds.north - bounds.south) / steps[1] - HAIR)) + 1
        if min(rows, columns) < 2 or rows * columns > MOST_POSTS:
            raise AlignsarError(
                f"{what}: a posting of {posting_metres:g} m makes {rows} x {columns} posts over the "
                f"{bounds.size[0] / 1e3:.1f} x {bounds.size[1] / 1e3:.1f} km of the scene: at least 2 x 2 and at "
                f"most {MOST_POSTS} can be made; choose another posting"
            )
        return cls(
            longitude=bounds.west,
            latitude=bounds.north,
            step_longitude=steps[0],
            step_latitude=steps[1],
            values=np.full((rows, columns), fill, dtype=dtype),
        )

    def with_values(self, values: NDArray[Any]) -> Raster:
        """Return a raster with other values at the same posts."""
        assert values.shape == self.values.shape
        return replace(self, values=values)

    @property
    def shape(self) -> tuple[int, int]:
        """Numbers of rows and columns."""
        return self.values.shape[0], self.values.shape[1]

    @cached_property
    def longitudes(self) -> NDArray[np.float64]:
        """Longitudes of the columns, degrees."""
        return self.longitude + self.step_longitude * np.arange(self.shape[1], dtype=np.float64)

    @cached_property
    def latitudes(self) -> NDArray[np.float64]:
        """Latitudes of the rows, degrees, decreasing."""
        return self.latitude - self.step_latitude * np.arange(self.shape[0], dtype=np.float64)

    @cached_property
    def plane(self) -> Plane:
        """Local plane in metres."""
        middle = self.latitude - 0.5 * self.step_latitude * (self.shape[0] - 1)
        return Plane(longitude=self.longitude, latitude=self.latitude, metres=metres_per_degree(middle))

    @property
    def posting(self) -> tuple[float, float]:
        """Distances (m) from row to row and from column to column."""
        east, north = self.plane.metres
        return self.step_latitude * north, self.step_longitude * east

    def transform_in(self, plane: Plane) -> Affine:
        """Return the transform from (column, row) of pixel corners, as GDAL counts, to (x, y) of a ``plane``."""
        x, y = self.axes_in(plane)
        across, down = self.step_longitude * plane.metres[0], self.step_latitude * plane.metres[1]
        return Affine(across, 0.0, float(x[0]) - 0.5 * across, 0.0, down, float(y[0]) - 0.5 * down)

    def axes_in(self, plane: Plane) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return x of the columns and y of the rows in a ``plane``."""
        return (
            (self.longitudes - plane.longitude) * plane.metres[0],
            (plane.latitude - self.latitudes) * plane.metres[1],
        )

    @property
    def transform(self) -> Affine:
        """Transform from (column, row) of pixel corners, as GDAL counts, to (longitude, latitude)."""
        west = self.longitude - 0.5 * self.step_longitude
        north = self.latitude + 0.5 * self.step_latitude
        return Affine(self.step_longitude, 0.0, west, 0.0, -self.step_latitude, north)

    def sample(self, longitude: ArrayLike, latitude: ArrayLike) -> NDArray[Any]:
        """Sample at points (degrees, of one shape): bilinear for floats (float64), the nearest for integers.

        Floats are known between the outermost posts, integers half a step further. Longitudes a turn away are
        understood. Raises AlignsarError for a point outside, and for one that is not finite.
        """
        beyond = 0.0 if self.values.dtype.kind == "f" else 0.5
        row, column = self._position(longitude, latitude, beyond)
        if beyond:
            rows, columns = self.shape
            i = np.clip(np.rint(row).astype(np.intp), 0, rows - 1)
            return np.asarray(self.values[i, np.clip(np.rint(column).astype(np.intp), 0, columns - 1)])
        (a, b, d, e), v, u = self._cell(row, column)
        return np.asarray((1.0 - v) * (a + u * (b - a)) + v * (d + u * (e - d)))

    def on_triangles(self, longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.float64]:
        """Interpolate heights as the surface of `alignsar_gpu.geometry.dem.dem.Dem`: two triangles a cell.

        With posts a, b (next column), d (next row), e and the fractions u and v of a column and a row:
        a + u (b - a) + v (d - a) where u + v <= 1, and e + (1 - u)(d - e) + (1 - v)(b - e) elsewhere.
        Raises AlignsarError as ``sample`` does.
        """
        (a, b, d, e), v, u = self._cell(*self._position(longitude, latitude, 0.0))
        upper = a + u * (b - a) + v * (d - a)
        return np.asarray(np.where(u + v <= 1.0, upper, e + (1.0 - u) * (d - e) + (1.0 - v) * (b - e)))

    def _cell(self, row: NDArray[np.float64], column: NDArray[np.float64]) -> tuple[Any, Any, Any]:
        """The four posts (float64) around points, and the fractions of a row and a column."""
        rows, columns = self.shape
        i = np.minimum(row.astype(np.intp), rows - 2)
        j = np.minimum(column.astype(np.intp), columns - 2)
        corners = (self.values[i + k, j + n].astype(np.float64) for k in (0, 1) for n in (0, 1))
        return tuple(corners), row - i, column - j

    def _position(
        self, longitude: ArrayLike, latitude: ArrayLike, beyond: float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Fractional row and column, inside the raster; points up to ``beyond`` posts outside are let in."""
        lon, lat = np.broadcast_arrays(
            np.asarray(longitude, dtype=np.float64), np.asarray(latitude, dtype=np.float64)
        )
        rows, columns = self.shape
        middle = self.longitude + 0.5 * self.step_longitude * (columns - 1)
        turned = lon - 360.0 * np.rint((lon - middle) / 360.0)
        row = (self.latitude - lat) / self.step_latitude
        column = (turned - self.longitude) / self.step_longitude
        margin = beyond + HAIR
        inside = (row >= -margin) & (row <= rows - 1 + margin)
        inside &= (column >= -margin) & (column <= columns - 1 + margin)
        if not inside.all():
            first = np.unravel_index(int(np.argmin(inside)), inside.shape)
            raise AlignsarError(
                f"simulated scene: asked for longitude {lon[first]:.6f}, latitude {lat[first]:.6f}"
                f" ({np.count_nonzero(~inside)} of {inside.size} points), which is outside the raster from "
                f"{self.longitude:.6f} to {self.longitudes[-1]:.6f} and {self.latitudes[-1]:.6f} to "
                f"{self.latitude:.6f} degrees: make the scene with wider bounds"
            )
        return np.clip(row, 0.0, rows - 1.0), np.clip(column, 0.0, columns - 1.0)
