"""Rasters that layers are made of: positions, values and classes of their pixels."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import shapely
from rasterio.errors import RasterioError
from rasterio.windows import Window

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.bounds import require
from alignsar_gpu.opening.rasters import open_raster
from alignsar_gpu.radarcoding.files import damaged
from alignsar_gpu.radarcoding.rasters.classes import NO_CLASS, is_nodata

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import rasterio
    from numpy.typing import NDArray
    from pyproj import CRS

    from alignsar_gpu.geometry.dem.frame import Frame
    from alignsar_gpu.radarcoding.dates import Validity
    from alignsar_gpu.radarcoding.rasters.classes import ClassTable

OUTLINE = 33  # points along the sides of a raster, to find its middle and its operation
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

    def unit_of(self, band: str) -> str:  # noqa: ARG002 - of bands whose file has none that could be relied on
        """Return the unit of a band; "1", as files have none that can be relied on."""
        return "1"

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
        lon, lat = outline_of(self.frame)
        extent = (
            f"lies within longitude {lon.min():.4f} to {lon.max():.4f}, latitude {lat.min():.4f} to {lat.max():.4f}"
            if lon.size
            else "lies nowhere on Earth"
        )
        raise AlignsarError(
            f"{self.key}: {self.name}: {extent}, but {what} lies at longitude {np.nanmin(longitude):.4f} to "
            f"{np.nanmax(longitude):.4f}, latitude {np.nanmin(latitude):.4f} to {np.nanmax(latitude):.4f}; choose a "
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

        def take(file: rasterio.DatasetReader, window: Window, where: tuple[slice, slice]) -> None:
            image = file.read(number, window=window, masked=True)
            known = self._known(image)
            require("raster_scale", abs(file.scales[number - 1]), f"{self.key}: {self.name}")
            values = image.data.astype(np.float64) * file.scales[number - 1] + file.offsets[number - 1]
            known &= np.abs(values) <= LARGEST
            out[where][known] = values[known]

        self._from_tiles(rows, columns, take)
        return out

    def read_classes(self, rows: slice, columns: slice) -> NDArray[np.uint8]:
        """Read numbers of classes; the number after the last for codes in no class, 255 without data."""
        out = np.full((rows.stop - rows.start, columns.stop - columns.start), NO_CLASS, dtype=np.uint8)

        def take(file: rasterio.DatasetReader, window: Window, where: tuple[slice, slice]) -> None:
            image = file.read(self.numbers[0], window=window, masked=True)
            known = self._known(image)
            out[where][known] = self.table.numbers_of(image.data[known])

        self._from_tiles(rows, columns, take)
        return out

    def _known(self, image: np.ma.MaskedArray) -> NDArray[np.bool_]:
        """Return which pixels have data, by the file and by the no-data value."""
        known: NDArray[np.bool_] = ~np.ma.getmaskarray(image)
        if image.dtype.kind == "f":
            known &= np.isfinite(image.data)
        return known & ~is_nodata(image.data, self.nodata)

    def _from_tiles(
        self,
        rows: slice,
        columns: slice,
        take: Callable[[rasterio.DatasetReader, Window, tuple[slice, slice]], None],
    ) -> None:
        """Call ``take`` for each file in a window, with the windows of the file and of the result."""
        turns = (-self.turn, 0, self.turn) if self.turn else (0,)
        for tile, turned in ((tile, turned) for tile in self.tiles for turned in turns):
            first = tile.row, tile.column + turned
            asked = [
                (max(part.start, begin), min(part.stop, begin + count))
                for part, begin, count in zip((rows, columns), first, tile.shape, strict=True)
            ]
            if any(start >= stop for start, stop in asked):
                continue
            inside, where = (
                tuple(
                    slice(start - begin, stop - begin)
                    for (start, stop), begin in zip(asked, ends, strict=True)
                )
                for ends in (first, (rows.start, columns.start))
            )
            try:
                with open_raster(tile.name, f"{self.key}: {tile.name}") as file:
                    take(file, Window.from_slices(*inside), (where[0], where[1]))
            except RasterioError as error:
                raise AlignsarError(damaged(self.key, tile.name, error)) from None


def _means(values: NDArray[np.float32], step: int) -> NDArray[np.float32]:
    """Average blocks of pixels over those that have data; the last blocks may be smaller."""
    known = np.isfinite(values)
    total = _added(_added(np.where(known, values, 0.0).astype(np.float64), step).T, step).T
    count = _added(_added(known.astype(np.float64), step).T, step).T
    means = np.divide(total, count, out=np.full_like(total, np.nan), where=count > 0.0)
    return np.asarray(means.astype(np.float32))


def _added(plane: NDArray[np.float64], step: int) -> NDArray[np.float64]:
    """Sum groups of rows in their order, so that the bits do not depend on the number of columns."""
    total = plane[::step].copy()
    for number in range(1, min(step, len(plane))):
        part = plane[number::step]
        total[: len(part)] += part
    return total


def outline_of(frame: Frame) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return longitude and latitude around a raster, where its system has them."""
    along, (rows, columns) = np.linspace(0.0, 1.0, OUTLINE), frame.shape
    none, full = np.zeros_like(along), np.ones_like(along)
    lon, lat = frame.geodetic(
        np.concatenate([none, along, full, along]) * (rows - 1),
        np.concatenate([along, full, along, none]) * (columns - 1),
    )
    known = np.isfinite(lon)
    return lon[known], lat[known]
