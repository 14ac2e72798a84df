"""Rasters that layers are made of: positions, values and classes of their pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import shapely
from rasterio.errors import RasterioError
from rasterio.windows import Window, intersect, intersection

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.bounds import require
from alignsar_gpu.opening.rasters import open_raster
from alignsar_gpu.radarcoding.files import damaged
from alignsar_gpu.radarcoding.rasters.classes import NO_CLASS, is_nodata

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    import rasterio
    from numpy.typing import NDArray
    from pyproj import CRS

    from alignsar_gpu.geometry.dem.frame import Frame
    from alignsar_gpu.radarcoding.dates import Validity
    from alignsar_gpu.radarcoding.rasters.classes import ClassTable

ALIGNED = 0.01  # pixels that tiles may lie beside the grid of the first
MOST_PIXELS = 1 << 23  # that are averaged together
LARGEST = float(np.finfo(np.float32).max)


@dataclass(frozen=True, kw_only=True)
class RasterTile:
    """A file of a raster, and the row and column of its first pixel in the whole raster."""

    name: str
    files: tuple[Path | str, ...]
    row: int
    column: int
    shape: tuple[int, int]


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelRaster:
    """A raster of one file, or of several on the same grid, open.

    Attributes
    ----------
    key : of the configuration, for messages.
    bands : their names. numbers : their numbers in the file.
    nodata : value without data besides what the file says.
    table : of the classes; empty for values.
    resolution : metres of a row and a column, in the middle; NaN where its system has no place there.
    validity : the time that it is of; None where it does not say it.
    """

    key: str
    name: str
    tiles: tuple[RasterTile, ...]
    frame: Frame
    crs: CRS
    bands: tuple[str, ...]
    numbers: tuple[int, ...]
    nodata: float | None
    table: ClassTable
    resolution: tuple[float, float]
    validity: Validity | None = None
    units: ClassVar[Mapping[str, str]] = {}  # of bands; files have none that could be relied on

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and columns."""
        return self.frame.shape

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes, in the order of their numbers."""
        return self.table.names

    @property
    def files(self) -> tuple[Path | str, ...]:
        """Files that are read, for a fingerprint."""
        return tuple(dict.fromkeys(file for tile in self.tiles for file in tile.files))

    @property
    def operation(self) -> str:
        """Conversion from longitude and latitude to coordinates of the raster, in words."""
        return self.frame.operation

    @cached_property
    def turn(self) -> int:
        """Number of columns of a full turn, of a raster whose last column is beside its first; otherwise 0."""
        if not self.frame.period:
            return 0
        columns = self.frame.period / math.hypot(self.frame.affine[0], self.frame.affine[3])
        whole = round(columns)
        return whole if self.shape[1] >= columns - 0.5 and abs(columns - whole) < ALIGNED else 0

    def position(
        self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return fractional row and column of places (degrees) from the first pixel's centre; NaN for none.

        Columns of a raster that goes round the Earth may go on beyond its last, and before its first.
        """
        shape = np.shape(longitude)
        row, column = self.frame.position_of_set(np.ravel(longitude), np.ravel(latitude))
        return row.reshape(shape), column.reshape(shape)

    def window(
        self, rows: tuple[float, float], columns: tuple[float, float], margin: int, step: int = 1
    ) -> tuple[slice, slice] | None:
        """Return the rows and columns that enclose positions, with a margin, in whole steps.

        Positions and margin count pixels of ``step`` rows and columns. None where the raster has nothing of them.
        """
        window = []
        whole = self.shape[0], 3 * self.turn or self.shape[1]
        before = 0, -self.turn // step * step
        for (low, high), count, least in zip((rows, columns), whole, before, strict=True):
            if not low <= high:
                return None
            first = max((math.floor(low) - margin) * step, least)
            stop = min((math.ceil(high) + margin + 1) * step, count + least)
            if first >= stop:
                return None
            window.append(slice(first, stop))
        return window[0], window[1]

    def is_inside(self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> bool:
        """Return whether the raster has pixels between some places (degrees)."""
        row, column = self.position(longitude, latitude)
        known = np.isfinite(row) & np.isfinite(column)
        rows, columns = self.shape
        outline = shapely.box(-0.5 - self.turn, -0.5, columns - 0.5 + self.turn, rows - 0.5)
        hull = shapely.MultiPoint(np.stack([column[known], row[known]], axis=1)).convex_hull
        return bool(hull.intersects(outline))

    def require_inside(
        self, longitude: NDArray[np.float64], latitude: NDArray[np.float64], what: str
    ) -> None:
        """Check that the raster has pixels between some places (degrees); raise AlignsarError otherwise."""
        if self.is_inside(longitude, latitude):
            return
        corners = np.meshgrid(*([0.0, count - 1.0] for count in self.shape))
        lon, lat = (part.ravel() for part in self.frame.geodetic(*corners))
        west, east, south, north = (end.reduce(part) for part in (lon, lat) for end in (np.fmin, np.fmax))
        raise AlignsarError(
            f"{self.key}: {self.name}: lies within longitude {west:.4f} to {east:.4f}, latitude {south:.4f} to "
            f"{north:.4f}, but {what} lies at longitude {np.nanmin(longitude):.4f} to {np.nanmax(longitude):.4f}, "
            f"latitude {np.nanmin(latitude):.4f} to {np.nanmax(latitude):.4f}; choose a "
            f"raster that covers it; if this one should, its system, {self.crs.name!r}, may be wrong"
        )

    def read(self, rows: slice, columns: slice, band: str, step: int = 1) -> NDArray[np.float32]:
        """Read values of a band, scaled as the file states; NaN without data.

        With a ``step``, means of so many rows and columns, over the pixels that have data.
        """
        number = self.numbers[self.bands.index(band)]
        if step == 1:
            return self._values(rows, columns, number)
        height, width = rows.stop - rows.start, columns.stop - columns.start
        out = np.empty((-(-height // step), -(-width // step)), dtype=np.float32)
        each = max(MOST_PIXELS // (step * width), 1)
        for first in range(0, out.shape[0], each):
            top = rows.start + first * step
            part = slice(top, min(top + each * step, rows.stop))
            out[first : first + each] = _means(self._values(part, columns, number), step)
        return out

    def _values(self, rows: slice, columns: slice, number: int) -> NDArray[np.float32]:
        out = np.full((rows.stop - rows.start, columns.stop - columns.start), np.nan, dtype=np.float32)
        for file, image, where in self._parts(rows, columns, number):
            require("raster_scale", abs(file.scales[number - 1]), f"{self.key}: {self.name}")
            values = image.data.astype(np.float64) * file.scales[number - 1] + file.offsets[number - 1]
            known = self._known(image) & (np.abs(values) <= LARGEST)
            out[where][known] = values[known]
        return out

    def read_classes(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Read numbers of classes; the number after the last for codes in no class, 255 without data."""
        out = np.full((rows.stop - rows.start, columns.stop - columns.start), NO_CLASS, dtype=np.uint8)
        for _, image, where in self._parts(rows, columns, self.numbers[0]):
            known = self._known(image)
            out[where][known] = self.table.numbers_of(image.data[known])
        return out

    def _known(self, image: np.ma.MaskedArray) -> NDArray[np.bool_]:
        """Return which pixels have data, by the file and by the no-data value."""
        known: NDArray[np.bool_] = ~np.ma.getmaskarray(image)
        if image.dtype.kind == "f":
            known &= np.isfinite(image.data)
        return known & ~is_nodata(image.data, self.nodata)

    def _parts(
        self, rows: slice, columns: slice, number: int
    ) -> Iterator[tuple[rasterio.DatasetReader, np.ma.MaskedArray, tuple[slice, slice]]]:
        """Read a band from each file in a window: the file, its part of the image, and where in the window that is."""
        asked = Window(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
        turns = (-self.turn, 0, self.turn) if self.turn else (0,)
        for tile, turned in product(self.tiles, turns):
            left, top = tile.column + turned, tile.row
            place = Window(left, top, tile.shape[1], tile.shape[0])
            if not intersect(asked, place):
                continue
            common = intersection(asked, place)
            inside = Window(common.col_off - left, common.row_off - top, common.width, common.height)
            first, start = common.row_off - rows.start, common.col_off - columns.start
            try:
                with open_raster(tile.name, f"{self.key}: {tile.name}") as file:
                    image = file.read(number, window=inside, masked=True)
                    yield file, image, np.s_[first : first + common.height, start : start + common.width]
            except RasterioError as error:
                raise AlignsarError(damaged(self.key, tile.name, error)) from None


def _means(values: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Average blocks of pixels over those that have data; the last blocks may be smaller.

    First rows, then columns, so that the bits do not depend on how many blocks there are.
    """
    rows, columns = (-(-count // step) for count in values.shape)
    padded = np.full((rows * step, columns * step), np.nan)
    padded[: values.shape[0], : values.shape[1]] = values
    blocks = padded.reshape(rows, step, columns, step)
    known = np.isfinite(blocks)
    total, count = (part.sum(axis=1).sum(axis=-1) for part in (np.where(known, blocks, 0.0), known))
    means = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0)
    return np.asarray(means.astype(np.float32))
