"""Mosaic of DEM tiles on one grid of posts, read in windows."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.frame import period_of, pipeline_between, pixel, pixel_centre, transform, turn

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray
    from pyproj import CRS

    from alignsar_gpu.geometry.dem.frame import Affine
    from alignsar_gpu.geometry.dem.raster import HeightRaster

ALIGNED = 1e-3  # posts: tiles whose posts coincide within this are taken as they are
HAIR = 1e-6  # posts: what rounding of coordinates may move an edge
EDGE_POINTS = 65  # points along an edge of a tile that is transformed to another system


@dataclass(frozen=True, kw_only=True, eq=False)
class DemTile:
    """A raster placed on the grid of the mosaic: rows ``top`` to ``bottom``, columns ``left`` to ``right``.

    ``sampling`` is None where the tile's own posts lie on that grid.
    """

    raster: HeightRaster
    top: int
    left: int
    bottom: int
    right: int
    sampling: Sampling | None

    def moved(self, rows: int, columns: int) -> DemTile:
        """Return the tile with rows and columns counted from another post."""
        return replace(
            self,
            top=self.top - rows,
            left=self.left - columns,
            bottom=self.bottom - rows,
            right=self.right - columns,
            sampling=self.sampling
            and replace(self.sampling, row=self.sampling.row + rows, column=self.sampling.column + columns),
        )

    def read(self, top: int, bottom: int, left: int, right: int) -> NDArray[np.float64]:
        """Read the heights of the mosaic's posts that lie in the tile."""
        if self.sampling is not None:
            return self.sampling.read(self.raster, top, bottom, left, right)
        return self.raster.read(
            slice(top - self.top, bottom - self.top), slice(left - self.left, right - self.left)
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Sampling:
    """Bilinear resampling of a tile with other posts onto the grid of the mosaic.

    GDAL's warper is not used: what it gives for a post depends on the window around it, and a post on the
    common edge of two tiles may fall outside both by rounding.

    Attributes
    ----------
    affine : of the mosaic's system, with rows and columns counted from post (``row``, ``column``).
    shift : what to add to the tile's own x: whole turns of longitude.
    pipeline : from the mosaic's (x, y) to the tile's, empty where both have the same system.
    period : a full circle in the tile's x, 0 where it is projected.
    """

    affine: Affine
    row: int
    column: int
    shift: float
    pipeline: str
    period: float

    def read(self, raster: HeightRaster, top: int, bottom: int, left: int, right: int) -> NDArray[np.float64]:
        """Resample heights at the mosaic's posts: NaN outside the tile and beside holes."""
        rows, columns = np.meshgrid(
            np.arange(top + self.row, bottom + self.row, dtype=np.float64),
            np.arange(left + self.column, right + self.column, dtype=np.float64),
            indexing="ij",
        )
        x, y = pixel_centre(self.affine, rows, columns)
        if self.pipeline:
            x, y = transform(self.pipeline, x, y)
            if self.period:
                x = turn(x, float(_outline(raster)[0].mean()), self.period)
        else:
            x = x - self.shift
        v, u = (_snapped(position) for position in pixel(raster.affine, x, y))
        last_row, last_column = raster.shape[0] - 1, raster.shape[1] - 1
        # A pixel reaches half a post beyond its centre, so tiles that touch leave no gap.
        reach = 0.5 + HAIR
        inside = (v >= -reach) & (v <= last_row + reach) & (u >= -reach) & (u <= last_column + reach)
        out = np.full(v.shape, np.nan)
        if inside.any():
            out[inside] = _bilinear(
                raster, np.clip(v[inside], 0, last_row), np.clip(u[inside], 0, last_column)
            )
        return out


def _snapped(position: NDArray[np.float64]) -> NDArray[np.float64]:
    """Whole where it is whole but for rounding, so that a hole does not spread to rows that coincide."""
    whole = np.rint(position)
    return np.where(np.abs(position - whole) < HAIR, whole, position)


def _bilinear(
    raster: HeightRaster, row: NDArray[np.float64], column: NDArray[np.float64]
) -> NDArray[np.float64]:
    i, j = np.floor(row).astype(np.intp), np.floor(column).astype(np.intp)
    v, u = row - i, column - j
    top, left = int(i.min()), int(j.min())
    bottom, right = min(int(i.max()) + 2, raster.shape[0]), min(int(j.max()) + 2, raster.shape[1])
    values = raster.read(slice(top, bottom), slice(left, right))
    total = np.zeros(row.shape)
    for down, weight_down in ((0, 1.0 - v), (1, v)):
        for across, weight_across in ((0, 1.0 - u), (1, u)):
            weight = weight_down * weight_across
            rows = np.minimum(i + down, bottom - 1) - top
            columns = np.minimum(j + across, right - 1) - left
            total += np.where(weight > 0.0, weight * values[rows, columns], 0.0)
    return total


@dataclass(frozen=True, kw_only=True, eq=False)
class DemMosaic:
    """Tiles on one grid of posts; where several have a height, the first one counts.

    ``affine`` places the grid in the system ``crs`` (WKT) of the first tile, see ``Frame``.
    """

    crs: str
    affine: Affine
    shape: tuple[int, int]
    tiles: tuple[DemTile, ...]

    def read(self, rows: slice, columns: slice) -> NDArray[np.float64]:
        """Read heights [row, column] in metres above the files' datum; NaN in holes and between tiles."""
        out = np.full((rows.stop - rows.start, columns.stop - columns.start), np.nan)
        for tile in self.tiles:
            top, bottom = max(rows.start, tile.top), min(rows.stop, tile.bottom)
            left, right = max(columns.start, tile.left), min(columns.stop, tile.right)
            if top >= bottom or left >= right:
                continue
            part = out[top - rows.start : bottom - rows.start, left - columns.start : right - columns.start]
            missing = np.isnan(part)
            if missing.any():
                part[...] = np.where(missing, tile.read(top, bottom, left, right), part)
        return out


def arrange(rasters: Sequence[HeightRaster]) -> DemMosaic:
    """Arrange rasters on the grid of the first one, extended to cover them all.

    Tiles on both sides of the 180th meridian become neighbours; where tiles go all the way round the
    Earth, the grid goes round twice, so that every area less than a turn wide lies in it in one piece.
    """
    first = rasters[0]
    crs = first.horizontal
    period = period_of(crs)
    pipelines = [_pipeline(crs, raster) for raster in rasters]
    extents = [_extent(raster, pipeline, period) for raster, pipeline in zip(rasters, pipelines, strict=True)]
    shifts = _unwrapped(extents, period, abs(first.affine[0])) if period else [[0.0]] * len(rasters)
    tiles = [
        _tile(first, raster, pipeline, extent, shift)
        for turn_number in range(len(shifts[0]))
        for raster, pipeline, extent, shift in zip(
            rasters, pipelines, extents, [s[turn_number] for s in shifts], strict=True
        )
    ]
    top, left = min(t.top for t in tiles), min(t.left for t in tiles)
    rows, columns = max(t.bottom for t in tiles) - top, max(t.right for t in tiles) - left
    if min(rows, columns) < 2:
        raise AlignsarError(f"DEM {first.name}: has {rows} x {columns} posts, a surface needs two each way")
    a, b, c, d, e, f = first.affine
    return DemMosaic(
        crs=first.crs,
        affine=(a, b, c + a * left + b * top, d, e, f + d * left + e * top),
        shape=(rows, columns),
        tiles=tuple(tile.moved(top, left) for tile in tiles),
    )


def _pipeline(crs: CRS, raster: HeightRaster) -> str:
    """From the mosaic's system to the raster's, empty where they are the same."""
    if raster.horizontal.equals(crs, ignore_axis_order=True):
        return ""
    return pipeline_between(crs, raster.horizontal, None, f"DEM {raster.name}")[0]


def _outline(raster: HeightRaster) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(x, y) along the edges of a raster in its own system."""
    rows, columns = raster.shape
    along = np.linspace(0.0, 1.0, EDGE_POINTS)
    none, full = np.zeros_like(along), np.ones_like(along)
    row = np.concatenate([none, along, full, along]) * rows - 0.5
    column = np.concatenate([along, full, along, none]) * columns - 0.5
    return pixel_centre(raster.affine, row, column)


Extent = tuple[float, float, float, float]  # west, south, east, north in the mosaic's system


def _extent(raster: HeightRaster, pipeline: str, period: float) -> Extent:
    x, y = _outline(raster)
    if pipeline:
        x, y = transform(pipeline, x, y, back=True)
        if not np.isfinite(x).all():
            raise AlignsarError(
                f"DEM {raster.name}: reaches where the projection of the first tile has no coordinates: "
                "name a tile nearer to it first, or reproject the tiles to EPSG:4326"
            )
        if period:
            x = turn(x, float(x[0]), period)
    return float(x.min()), float(y.min()), float(x.max()), float(y.max())


def _unwrapped(extents: Sequence[Extent], period: float, post: float) -> list[list[float]]:
    """Whole turns to add to each tile's x, so that all lie side by side east of the widest gap.

    The west end comes to lie in [-half a turn, half a turn). Tiles without a gap get two turns each.
    """
    west = np.array([extent[0] for extent in extents])
    width = np.array([extent[2] for extent in extents]) - west
    start = np.mod(west, period)
    order = np.argsort(start)
    reached = np.maximum.accumulate(np.append(-np.inf, (start + width)[order]))
    reached[0] = reached[-1] - period  # what the last tiles cover beyond a full turn
    gaps = start[order] - np.maximum(reached[:-1], reached[0])
    widest = int(np.argmax(gaps))
    if gaps[widest] > 0.5 * post:
        begin, turns = start[order][widest], 1
    else:
        begin, turns = float(np.mod(-0.5 * period - 0.5 * post, period)), 2
    base = start + np.where(start < begin - HAIR * post, period, 0.0)
    # The first post's centre decides, not its pixel's edge: Copernicus tiles begin half a post west of 180.
    base -= period * np.floor((begin + 0.5 * post + HAIR * post + 0.5 * period) / period)
    shift = np.rint((base - west) / period) * period
    return [[float(s + k * period) for k in range(turns)] for s in shift]


def _tile(first: HeightRaster, raster: HeightRaster, pipeline: str, extent: Extent, shift: float) -> DemTile:
    if not pipeline:
        offset = _whole_posts(first, raster, shift)
        if offset is not None:
            top, left = offset
            bottom, right = top + raster.shape[0], left + raster.shape[1]
            return DemTile(raster=raster, top=top, left=left, bottom=bottom, right=right, sampling=None)
    west, south, east, north = extent
    x = np.array([west, west, east, east]) + shift
    row, column = pixel(first.affine, x, np.array([south, north, south, north]))
    return DemTile(
        raster=raster,
        top=int(np.ceil(row.min() - HAIR)),
        left=int(np.ceil(column.min() - HAIR)),
        bottom=int(np.floor(row.max() + HAIR)) + 1,
        right=int(np.floor(column.max() + HAIR)) + 1,
        sampling=Sampling(
            affine=first.affine,
            row=0,
            column=0,
            shift=shift,
            pipeline=pipeline,
            period=period_of(raster.horizontal) if pipeline else 0.0,
        ),
    )


def _whole_posts(first: HeightRaster, raster: HeightRaster, shift: float) -> tuple[int, int] | None:
    """Rows and columns from the first raster's post to this one's, None where posts do not coincide."""
    a, b, c, d, e, f = raster.affine
    rows, columns = raster.shape
    x, y = np.array([c, c + a * columns, c + b * rows]) + shift, np.array([f, f + d * columns, f + e * rows])
    row, column = pixel(first.affine, x, y)
    row, column = row + 0.5, column + 0.5
    top, left = round(float(row[0])), round(float(column[0]))
    expected = np.array([top, top, top + rows]), np.array([left, left + columns, left])
    if max(np.abs(row - expected[0]).max(), np.abs(column - expected[1]).max()) > ALIGNED:
        return None
    return top, left
