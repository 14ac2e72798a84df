"""Open rasters: read what files state, arrange tiles on one grid, and find where that lies on Earth."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from pyproj import CRS, Geod

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.frame import Frame, is_wgs84, period_of, pipeline_between, pixel_centre
from alignsar_gpu.geometry.dem.raster import SUFFIXES
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.opening.rasters import GDAL_NAME
from alignsar_gpu.radarcoding.crs import agreed_crs, area_of, given_crs
from alignsar_gpu.radarcoding.dates import Validity
from alignsar_gpu.radarcoding.files import matching
from alignsar_gpu.radarcoding.rasters.classes import ClassTable, class_table
from alignsar_gpu.radarcoding.rasters.describing import describe
from alignsar_gpu.radarcoding.rasters.files import ALIGNED, LabelRaster, RasterTile
from alignsar_gpu.radarcoding.rasters.slopes import DERIVATIVES, SlopeRaster

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from alignsar_gpu.geometry.dem.frame import Affine
    from alignsar_gpu.radarcoding.rasters.config import RasterLayerConfig
    from alignsar_gpu.radarcoding.rasters.describing import Described

KINDS = (*SUFFIXES, ".jp2")


def open_raster(config: RasterLayerConfig, key: str) -> LabelRaster:
    """Open the raster of a layer; every message begins with ``key``.

    Raises AlignsarError for files that are missing or no rasters, on different grids, without a coordinate
    reference system or georeference, for bands that they do not have, and for classes that are not whole numbers.
    """
    config.check(key)
    files = described(config.path, key)
    table = table_of(config, files, [numbers_of(config, files[0], key)], key)
    return raster_of(config, files, table, key)


def described(path: Any, key: str) -> list[Described]:
    """Read what the files asked for state. Raises AlignsarError as `open_raster` does."""
    return [describe(name, key) for name in dict.fromkeys(_names(path, key))]


def table_of(
    config: RasterLayerConfig, files: Sequence[Described], numbers: Sequence[Sequence[int]], key: str
) -> ClassTable:
    """Return the classes of the bands of some files, each band of a date; empty for values."""
    if not config.categorical:
        return ClassTable.empty()
    where = f"{key}: {name_of(files)}"
    for of_date in numbers:
        if len(of_date) != 1:
            raise AlignsarError(
                f"{where}: classes must be in one band, and {len(of_date)} bands are read; name one (bands)"
            )
    bands = [of_date[0] for of_date in numbers]
    return class_table(
        config, files[0].tags[bands[0] - 1], [(file.name, band) for file in files for band in bands], where
    )


def raster_of(
    config: RasterLayerConfig, files: Sequence[Described], table: ClassTable, key: str
) -> LabelRaster:
    """Make one raster of files on one grid. Raises AlignsarError as `open_raster` does."""
    first, where = files[0], f"{key}: {name_of(files)}"
    crs = agreed_crs(first.crs, given_crs(config.crs, key), f"{key}: {first.name}").to_2d()
    tiles, affine, shape = _arranged(files, period_of(crs), key)
    numbers = numbers_of(config, first, key)
    if any(first.dtypes[number - 1].startswith("complex") for number in numbers):
        raise AlignsarError(f"{where}: has complex values; give real ones, such as their power")
    frame = _frame(affine, shape, crs, where)
    if config.derivatives and len(numbers) != 1:
        raise AlignsarError(
            f"{where}: heights must be in one band, and {len(numbers)} bands are read; name one (bands)"
        )
    return (SlopeRaster if config.derivatives else LabelRaster)(
        key=key,
        name=name_of(files),
        tiles=tiles,
        frame=frame,
        crs=crs,
        bands=DERIVATIVES if config.derivatives else _band_names(first, numbers),
        numbers=numbers * len(DERIVATIVES) if config.derivatives else numbers,
        nodata=config.nodata,
        table=table,
        resolution=_resolution(frame),
        validity=_validity(files),
    )


def name_of(files: Sequence[Described]) -> str:
    """Return the name of the first file, and how many there are besides."""
    return files[0].name if len(files) == 1 else f"{files[0].name} and {len(files) - 1} more"


def _validity(files: Sequence[Described]) -> Validity | None:
    """Return the time that all files together are of, None where one does not say it."""
    times = [file.validity for file in files]
    known = [time for time in times if time is not None]
    if len(known) < len(times):
        return None
    return Validity(min(time.start for time in known), max(time.end for time in known))


def _names(path: Any, key: str) -> Iterator[str]:
    """List the files asked for: of patterns those that they match, of folders the rasters in them."""
    asked = path if isinstance(path, list | tuple) else [path]
    if not asked:
        raise AlignsarError(f"{key}: no file is named (path)")
    for item in map(str, asked):
        text = str(Path(item).expanduser()) if item.startswith("~") else item
        place = Path(text)
        if place.is_dir():
            yield from _in_folder(place, key)
        elif place.exists() or text.startswith("/vsi") or GDAL_NAME.match(text):
            yield text
        elif any(sign in text for sign in "*?"):
            yield from matching(place, key)
        else:
            raise AlignsarError(f"{key}: {text}: there is no such file or folder (path)")


def _in_folder(folder: Path, key: str) -> list[str]:
    listed = without_clutter(folder.iterdir())
    files = sorted(str(file) for file in listed if file.name.lower().endswith(KINDS))
    if not files:
        raise AlignsarError(
            f"{key}: {folder}: the folder holds no raster ({', '.join(KINDS)}); name the folder that the tiles lie "
            "in, or the files"
        )
    return files


def _arranged(
    files: Sequence[Described], period: float, key: str
) -> tuple[tuple[RasterTile, ...], Affine, tuple[int, int]]:
    """Arrange tiles on the grid of the first, across the antimeridian too. Raises AlignsarError where grids differ."""
    a, b, c, d, e, f = files[0].affine
    corners = []
    for file in files:
        same = np.allclose(file.affine[:2] + file.affine[3:5], (a, b, d, e), rtol=1e-6, atol=1e-12)
        agree = file.crs == files[0].crs and file.dtypes == files[0].dtypes
        determinant = a * e - b * d
        dx, dy = file.affine[2] - c, file.affine[5] - f
        dx -= period * round(dx / period) if period else 0.0
        column, row = (e * dx - b * dy) / determinant, (a * dy - d * dx) / determinant
        off = max(abs(column - round(column)), abs(row - round(row)))
        if not (same and agree) or off > ALIGNED:
            raise AlignsarError(
                f"{key}: {file.name} and {files[0].name} are not tiles of one grid (system, size of pixels, bands); "
                "give each a layer of its own, or bring them together (gdalbuildvrt, gdalwarp)"
            )
        corners.append((round(row), round(column)))
    top, left = min(corner[0] for corner in corners), min(corner[1] for corner in corners)
    tiles = tuple(
        RasterTile(name=file.name, files=file.files, row=row - top, column=column - left, shape=file.shape)
        for file, (row, column) in zip(files, corners, strict=True)
    )
    rows = max(tile.row + tile.shape[0] for tile in tiles)
    columns = max(tile.column + tile.shape[1] for tile in tiles)
    affine = (a, b, c + a * left + b * top, d, e, f + d * left + e * top)
    return tiles, affine, (rows, columns)


def numbers_of(config: RasterLayerConfig, file: Described, key: str) -> tuple[int, ...]:
    """Return the numbers of the bands asked for, or of all but masks."""
    count = len(file.dtypes)
    if config.bands is None:
        return tuple(number for number in range(1, count + 1) if not file.alpha[number - 1])
    known = {str(text): number for number, text in enumerate(file.descriptions, 1) if text}
    numbers = []
    for band in config.bands:
        number = int(band) if str(band).isdigit() else 0
        if isinstance(band, str):
            number = known.get(band, number)
        if not 1 <= number <= count:
            names = f", called {', '.join(known)}" if known else ""
            raise AlignsarError(f"{key}: {file.name}: has no band {band!r}; it has 1 to {count}{names}")
        numbers.append(number)
    if not numbers:
        raise AlignsarError(f"{key}: {file.name}: no band is named (bands); name some, or leave the key out")
    return tuple(dict.fromkeys(numbers))


def _band_names(file: Described, numbers: Sequence[int]) -> tuple[str, ...]:
    """Name the layers of bands: by their descriptions, or else by their numbers."""
    descriptions = [
        re.sub(r"\W+", "_", file.descriptions[number - 1] or "").strip("_").lower() for number in numbers
    ]
    return tuple(
        text if text and descriptions.count(text) == 1 else f"{text or 'band'}_{number}"
        for text, number in zip(descriptions, numbers, strict=True)
    )


def _frame(affine: Affine, shape: tuple[int, int], crs: CRS, where: str) -> Frame:
    """Find the best operation for the middle of the raster. Raises AlignsarError where PROJ knows none."""
    target = CRS.from_epsg(4326)
    pipeline, operation = "", "none: longitude and latitude on WGS84"
    if not is_wgs84(crs):
        pipeline, operation = pipeline_between(crs, target, None, where)
        ends = [np.array([-0.5, count - 0.5]) for count in shape]
        x, y = pixel_centre(affine, ends[0][:, np.newaxis], ends[1][np.newaxis])
        bounds = float(x.min()), float(y.min()), float(x.max()), float(y.max())
        pipeline, operation = pipeline_between(crs, target, area_of(bounds, pipeline), where)
    return Frame(affine=affine, shape=shape, period=period_of(crs), pipeline=pipeline, operation=operation)


def _resolution(frame: Frame) -> tuple[float, float]:
    """Return the size of a row and a column in metres, in the middle of a raster; NaN where it is not on Earth."""
    row, column = (0.5 * (count - 1) for count in frame.shape)
    lon, lat = frame.geodetic(np.array([row, row + 1.0, row]), np.array([column, column, column + 1.0]))
    if not np.isfinite(lon).all():
        return math.nan, math.nan
    geod = Geod(ellps="WGS84")
    down, across = (geod.inv(lon[0], lat[0], lon[k], lat[k])[2] for k in (1, 2))
    return float(down), float(across)
