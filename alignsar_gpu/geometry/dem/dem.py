"""Digital elevation model: posts on a grid, heights above the WGS84 ellipsoid."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from pyproj import CRS, Geod
from pyproj.transformer import AreaOfInterest

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.coverage import refuse_uncovered
from alignsar_gpu.geometry.dem.frame import (
    Frame,
    is_wgs84,
    period_of,
    pipeline_between,
    pixel_centre,
    transform,
)
from alignsar_gpu.geometry.dem.geoid_files import open_geoid
from alignsar_gpu.geometry.dem.mosaic import DemMosaic, arrange
from alignsar_gpu.geometry.dem.raster import describe, list_names

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.geometry.dem.geoid import Geoid
    from alignsar_gpu.geometry.dem.raster import HeightRaster

VerticalDatum = Literal["egm96", "egm2008", "ellipsoid"]
WHICH_DATUM = (
    "dem.vertical_datum must say which: egm2008 for the Copernicus DEM, egm96 for SRTM, NASADEM, ALOS and "
    "ASTER, ellipsoid for heights above WGS84 (TanDEM-X)"
)
HAIR = 1e-6  # posts: what rounding of coordinates may put a point outside
BLOCK = 512  # posts each way of the blocks that height_at keeps
POSTS_AT_A_TIME = 1 << 20  # of a window that is looked through
BLOCKS = 32  # as many are kept: 67 MB


@dataclass(frozen=True, kw_only=True, eq=False)
class Posts:
    """A window of posts, float64 [row, column]: degrees, and metres above WGS84; NaN in holes."""

    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    height: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class Dem:
    """A digital elevation model; each cell between four posts consists of two triangles.

    Nothing is read until it is asked for, and then only the window. A post's longitude, latitude and height
    have the same bits whatever window they are read with.

    Attributes
    ----------
    source : the file or files.
    vertical_datum : what the files' heights count from.
    geoid : its undulation, None for ellipsoidal heights.
    """

    source: str
    vertical_datum: VerticalDatum
    geoid: Geoid | None
    mosaic: DemMosaic
    frame: Frame
    _blocks: dict[tuple[int, int], NDArray[np.float64]] = field(default_factory=dict, init=False, repr=False)

    def __repr__(self) -> str:
        return f"Dem({self.source!r}, {self.vertical_datum}, {' x '.join(map(str, self.shape))} posts)"

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_blocks": {}}  # other processes read their own blocks

    @property
    def shape(self) -> tuple[int, int]:
        """(rows, columns) of posts."""
        return self.mosaic.shape

    @property
    def posting(self) -> float:
        """Mean distance (m) between neighbouring posts in the middle of the DEM."""
        return sum(self._postings) / 2.0

    @cached_property
    def _postings(self) -> tuple[float, float]:
        row, column = (0.5 * (n - 1) for n in self.shape)
        lon, lat = self.frame.geodetic(np.array([row, row + 1, row]), np.array([column, column, column + 1]))
        metres = Geod(ellps="WGS84").inv(lon[[0, 0]], lat[[0, 0]], lon[1:], lat[1:])[2]
        return float(metres[0]), float(metres[1])

    def facts(self) -> dict[str, Any]:
        """Describe the DEM for the metadata of a product: names, numbers and texts only."""
        return {
            "source": self.source,
            "files": len({tile.raster.name for tile in self.mosaic.tiles}),
            "resampled_files": len({t.raster.name for t in self.mosaic.tiles if t.sampling is not None}),
            "coordinate_reference_system": CRS.from_wkt(self.mosaic.crs).name,
            "horizontal_transformation": self.frame.operation,
            "rows_columns": list(self.shape),
            "posting_m": [round(metres, 3) for metres in self._postings],
            "vertical_datum": self.vertical_datum,
            "geoid": f"{self.geoid.name} from {self.geoid.source}" if self.geoid else "",
        }

    def posts(self, rows: slice, columns: slice) -> Posts:
        """Read the posts of a window (slices with start and stop inside the DEM, no step).

        Raises AlignsarError where the geoid does not cover the window or a file cannot be read.
        """
        rows, columns = _inside(rows, self.shape[0]), _inside(columns, self.shape[1])
        height = self.mosaic.read(rows, columns)
        longitude, latitude = self.frame.posts(rows, columns)
        if not self.frame.on_axes:
            height[np.isnan(longitude)] = np.nan
        if self.geoid is not None and not np.isnan(height).all():
            height += self._undulation(rows, columns, longitude, latitude, height)
        return Posts(longitude=longitude, latitude=latitude, height=height)

    def lowest_and_highest(self, rows: slice, columns: slice, what: str) -> tuple[float, float]:
        """Return the lowest and highest height (m) of a window, read some rows at a time.

        Raises AlignsarError when the window, which ``what`` lies in, has nothing but holes.
        """
        low, high = np.inf, -np.inf
        step = max(1, POSTS_AT_A_TIME // (columns.stop - columns.start))
        for first in range(rows.start, rows.stop, step):
            height = self.posts(slice(first, min(first + step, rows.stop)), columns).height
            low = min(low, float(np.min(height, where=np.isfinite(height), initial=np.inf)))
            high = max(high, float(np.max(height, where=np.isfinite(height), initial=-np.inf)))
        if not low <= high:
            raise AlignsarError(f"{self.source}: the DEM has nothing but holes where {what} lies")
        return low, high

    def _undulation(
        self,
        rows: slice,
        columns: slice,
        longitude: NDArray[np.float64],
        latitude: NDArray[np.float64],
        height: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        assert self.geoid is not None
        if self.frame.on_axes:
            undulation = self.geoid.undulation_on_axes(*self.frame.axes(rows, columns))
        else:
            undulation = self.geoid.undulation(longitude, latitude)
        lost = int(np.count_nonzero(np.isnan(undulation) & ~np.isnan(height)))
        if lost:
            raise AlignsarError(
                f"geoid grid {self.geoid.source}: has no undulation at {lost} posts of the DEM {self.source}, "
                f"near longitude {np.nanmean(longitude):.3f}, latitude {np.nanmean(latitude):.3f}: name a grid "
                "that covers the whole area (dem.geoid)"
            )
        return undulation

    def window(self, longitude: ArrayLike, latitude: ArrayLike, margin_posts: int) -> tuple[slice, slice]:
        """Find the smallest window (rows, columns) whose cells contain all points, plus a margin.

        The window ends where the DEM does. Points (degrees, wrapped or continuous longitudes) that are not
        finite do not count. Raises AlignsarError where the window would be empty.
        """
        row, column = self.frame.position_of_set(*_flat(longitude, latitude))
        known = np.isfinite(row) & np.isfinite(column)
        windows = []
        for position, count in ((row[known], self.shape[0]), (column[known], self.shape[1])):
            if not len(position) or position.max() < -HAIR or position.min() > count - 1 + HAIR:
                self.require(longitude, latitude, "the area asked for")
                raise AlignsarError(f"DEM {self.source}: the area asked for has no finite coordinates")
            first, last = np.clip(np.floor([position.min(), position.max()]), 0, count - 2).astype(int)
            windows.append(slice(max(int(first) - margin_posts, 0), min(int(last) + 2 + margin_posts, count)))
        return windows[0], windows[1]

    def require(self, longitude: ArrayLike, latitude: ArrayLike, what: str) -> None:
        """Raise AlignsarError unless the DEM covers all points of an outline (degrees).

        ``what`` needs the DEM: it is named in the message, with the sides on which the DEM ends too early
        and by how much. Holes inside are not looked for: they show as NaN in the posts.
        """
        lon, lat = _flat(longitude, latitude)
        row, column = self.frame.position_of_set(lon, lat)
        known = np.isfinite(lon) & np.isfinite(lat)
        refuse_uncovered(self.frame, (row[known], column[known]), (lon[known], lat[known]), what, self.source)

    def height_at(self, longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.float64]:
        """Interpolate heights (m above WGS84) at points (degrees); NaN outside and in holes.

        A cell of four posts a, b (next column), d (next row), e is two triangles: with u and v the fractions
        of a column and a row, a + u (b - a) + v (d - a) where u + v <= 1, and
        e + (1 - u)(d - e) + (1 - v)(b - e) elsewhere. u and v are linear in the coordinates of the DEM's
        own reference system.
        """
        shape = np.broadcast_shapes(np.shape(longitude), np.shape(latitude))
        row, column = self.frame.position(*_flat(longitude, latitude))
        out = np.full(row.shape, np.nan)
        rows, columns = self.shape
        with np.errstate(invalid="ignore"):
            reached = (row >= -HAIR) & (row <= rows - 1 + HAIR) & (column >= -HAIR)
            reached &= column <= columns - 1 + HAIR
        where = np.flatnonzero(reached)
        row, column = np.clip(row[where], 0, rows - 1), np.clip(column[where], 0, columns - 1)
        i = np.minimum(row.astype(np.intp), rows - 2)
        j = np.minimum(column.astype(np.intp), columns - 2)
        blocks = (i // BLOCK) * (columns // BLOCK + 1) + j // BLOCK
        order = np.argsort(blocks, kind="stable")
        for part in np.split(order, np.flatnonzero(np.diff(blocks[order])) + 1):
            if not len(part):
                continue
            top, left = int(i[part[0]]) // BLOCK, int(j[part[0]]) // BLOCK
            cell = i[part] - top * BLOCK, j[part] - left * BLOCK
            fraction = row[part] - i[part], column[part] - j[part]
            out[where[part]] = _on_triangles(self._block(top, left), cell, fraction)
        return out.reshape(shape)

    def _block(self, top: int, left: int) -> NDArray[np.float64]:
        """Heights of a block and of the row and column after it, kept for the next call."""
        key = top, left
        height = self._blocks.pop(key, None)
        if height is None:
            rows, columns = (
                slice(k * BLOCK, min((k + 1) * BLOCK + 1, n)) for k, n in zip(key, self.shape, strict=True)
            )
            height = self.posts(rows, columns).height
        self._blocks[key] = height  # the one used last is the last to go
        while len(self._blocks) > BLOCKS:
            self._blocks.pop(next(iter(self._blocks)), None)
        return height


def _on_triangles(
    height: NDArray[np.float64],
    cell: tuple[NDArray[np.intp], NDArray[np.intp]],
    fraction: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.float64]:
    (i, j), (v, u) = cell, fraction
    a, b, d, e = height[i, j], height[i, j + 1], height[i + 1, j], height[i + 1, j + 1]
    upper = a + u * (b - a) + v * (d - a)
    lower = e + (1.0 - u) * (d - e) + (1.0 - v) * (b - e)
    return np.where(u + v <= 1.0, upper, lower)


def _flat(longitude: ArrayLike, latitude: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lon, lat = np.broadcast_arrays(
        np.asarray(longitude, dtype=np.float64), np.asarray(latitude, dtype=np.float64)
    )
    return lon.ravel(), lat.ravel()


def _inside(part: slice, count: int) -> slice:
    start, stop = part.start or 0, count if part.stop is None else part.stop
    if not 0 <= start < stop <= count or part.step not in {None, 1}:
        raise ValueError(f"a window of posts {part} is not inside 0 to {count}")
    return slice(start, stop)


def open_dem(
    paths: str | Path | Sequence[str | Path], vertical_datum: VerticalDatum, geoid: Path | None = None
) -> Dem:
    """Open a DEM: a raster file, a VRT, a folder of tiles (not of folders), or several of these.

    Any raster that rasterio reads, in any coordinate reference system. Tiles whose posts coincide are put
    together as they are, others brought to the grid of the first (name the finest first). ``vertical_datum``
    is what the heights count from; ``geoid`` names a grid of undulations to use instead of an installed one.
    Raises AlignsarError where a file is not a DEM, the datum is missing or contradicts the file's own, or no
    grid of the geoid is there.
    """
    names = list_names(paths)
    rasters = [describe(name) for name in names]
    _check_datum(rasters, vertical_datum, geoid)
    mosaic = arrange(rasters)
    source = names[0] if len(names) == 1 else f"{names[0]} and {len(names) - 1} more"
    frame = _frame(mosaic, source)
    grid = None if vertical_datum == "ellipsoid" else open_geoid(vertical_datum, geoid)
    return Dem(source=source, vertical_datum=vertical_datum, geoid=grid, mosaic=mosaic, frame=frame)


def _check_datum(rasters: Sequence[HeightRaster], datum: str, geoid: Path | None) -> None:
    for raster in rasters:
        if datum not in get_args(VerticalDatum):
            stated = f"says that its heights count from {raster.stated!r}"
            unsaid = "does not say which surface its heights count from"
            given = f", not {datum!r}" if datum else ""
            raise AlignsarError(
                f"DEM {raster.name}: the file {stated if raster.stated else unsaid}; {WHICH_DATUM}{given}"
            )
        if raster.stated not in {"", datum}:
            raise AlignsarError(
                f"DEM {raster.name}: the file says that its heights count from {raster.stated!r}, but "
                f"dem.vertical_datum says {datum}: correct the key, or convert the file to ellipsoidal heights "
                "(gdalwarp -t_srs EPSG:4979) and set dem.vertical_datum=ellipsoid"
            )
    if datum == "ellipsoid" and geoid is not None:
        raise AlignsarError(
            f"dem.geoid names {geoid}, but heights above the ellipsoid (dem.vertical_datum=ellipsoid) need no "
            "geoid: remove one of the two keys"
        )


def _frame(mosaic: DemMosaic, source: str) -> Frame:
    crs = CRS.from_wkt(mosaic.crs)
    pipeline, operation = "", "none: longitude and latitude on WGS84"
    rows, columns = mosaic.shape
    if not is_wgs84(crs):
        pipeline, _ = pipeline_between(crs, CRS.from_epsg(4326), None, f"DEM {source}")
        corners = pixel_centre(
            mosaic.affine,
            np.array([0.0, 0, rows - 1, rows - 1]),
            np.array([0.0, columns - 1, 0, columns - 1]),
        )
        lon, lat = transform(pipeline, *corners)
        if np.isfinite(lon).all():
            area = AreaOfInterest(lon.min(), lat.min(), lon.max(), lat.max())
            pipeline, operation = pipeline_between(crs, CRS.from_epsg(4326), area, f"DEM {source}")
    frame = Frame(
        affine=mosaic.affine,
        shape=mosaic.shape,
        period=period_of(crs),
        pipeline=pipeline,
        operation=operation,
    )
    latitudes = frame.geodetic(np.array([0.0, rows - 1]), np.array([0.0, columns - 1]))[1]
    if not pipeline and np.abs(latitudes).max() > 90.0 + 1e-6:
        raise AlignsarError(
            f"DEM {source}: has latitudes from {latitudes.min():g} to {latitudes.max():g}: its coordinate "
            "reference system is not the one it states; correct it (gdal_edit -a_srs)"
        )
    return frame
