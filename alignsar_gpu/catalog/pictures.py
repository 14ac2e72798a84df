"""Thumbnails and overviews of dates: from their pictures on a map, or else from the cube's brightness."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.dataset.blocks import ChunkGrid
from alignsar_gpu.opening.rasters import open_raster

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray

THUMBNAIL, OVERVIEW = "thumbnail.png", "overview.webp"
THUMBNAIL_ACROSS, OVERVIEW_ACROSS = 256, 1024  # pixels of the longer side
POWERS = ("sigma0", "gamma0", "beta0", "intensity")
STRIP_PIXELS = 4_000_000
DARKEST, BRIGHTEST = 2.0, 98.0  # percentiles


def write_pictures(folder: Path, visual: Path | None, date: xr.Dataset) -> tuple[Path, ...]:
    """Write the thumbnail and the overview of a date, from ``visual``, a picture on a map, where there is one.

    Without one they show the brightness of the first polarization in radar geometry, turned so that north is up; a
    cube without brightness gets none. The same input gives the same bits.
    """
    pixels = _visual(visual) if visual is not None else _brightness(date)
    if pixels is None:
        return ()
    from PIL import Image  # noqa: PLC0415  (not needed by what only reads catalogues)

    picture = Image.fromarray(pixels)
    folder.mkdir(parents=True, exist_ok=True)
    small = picture.copy()
    small.thumbnail((THUMBNAIL_ACROSS, THUMBNAIL_ACROSS), Image.Resampling.BOX)
    small.save(folder / THUMBNAIL, optimize=True)
    picture.save(folder / OVERVIEW, quality=80, method=4)
    return folder / THUMBNAIL, folder / OVERVIEW


def _visual(path: Path) -> NDArray[np.uint8]:
    """Picture of a map [row, column, colour and alpha], from its overviews."""
    from rasterio.enums import Resampling  # noqa: PLC0415  (a geospatial library)

    with open_raster(path, f"STAC: {path}") as file:
        step = max(1.0, max(file.shape) / OVERVIEW_ACROSS)
        shape = tuple(max(1, round(size / step)) for size in file.shape)
        pixels = file.read(out_shape=(file.count, *shape), resampling=Resampling.average)
    return np.ascontiguousarray(np.moveaxis(pixels, 0, -1))


def _brightness(date: xr.Dataset) -> NDArray[np.uint8] | None:
    """Mean power of cells in decibels [row, column, grey and alpha]; None without a layer of it."""
    first = str(date.attrs["polarizations"]).split(",")[0].strip()
    names = [*(f"{name}_{first}" for name in POWERS), f"amplitude_{first}"]
    name = next((name for name in names if name in date), None)
    if name is None:
        return None
    with np.errstate(divide="ignore", invalid="ignore"):
        power = _means(date[name], _cell(date), squared=name.startswith("amplitude"))
        levels = np.where(power > 0, 10 * np.log10(power), np.nan)
    known = np.isfinite(levels)
    low, high = np.percentile(levels[known], [DARKEST, BRIGHTEST]) if known.any() else (0.0, 1.0)
    grey = np.clip((np.where(known, levels, low) - low) / max(high - low, 1e-6), 0, 1)
    pixels = np.stack([np.round(255 * grey), 255 * known], axis=-1).astype(np.uint8)
    northward = {"ascending": -1, "descending": 1}[date.attrs["pass_direction"]]
    eastward = -northward if date.attrs["look_side"] == "right" else northward
    return np.ascontiguousarray(pixels[::northward, ::eastward])


def _cell(date: xr.Dataset) -> tuple[int, int]:
    """Lines and samples of a cell that is about square on the ground, so that the picture is not too large."""
    lines, samples = date.sizes["azimuth"], date.sizes["range"]
    incidence = math.radians(float(date.attrs["incidence_angle_mid"]))
    spacings = float(date.attrs["azimuth_spacing"]), float(date.attrs["range_spacing"]) / math.sin(incidence)
    size = max(*spacings, lines * spacings[0] / OVERVIEW_ACROSS, samples * spacings[1] / OVERVIEW_ACROSS)
    tall, wide = (max(1, math.ceil(size / spacing)) for spacing in spacings)
    return min(tall, lines), min(wide, samples)


def _means(layer: xr.DataArray, cell: tuple[int, int], *, squared: bool) -> NDArray[np.float64]:
    """Means of the finite values of whole cells, strip by strip."""
    tall, wide = cell
    rows, columns = layer.sizes["azimuth"] // tall, layer.sizes["range"] // wide
    strip = max(tall, ChunkGrid.of(layer).chunk[0], STRIP_PIXELS // layer.sizes["range"]) // tall
    means = np.empty((rows, columns))
    for first in range(0, rows, strip):
        last = min(first + strip, rows)
        values = layer[first * tall : last * tall, : columns * wide].values.astype(np.float64)
        values = (values**2 if squared else values).reshape(last - first, tall, columns, wide)
        finite = np.isfinite(values)
        counts = finite.sum(axis=(1, 3))
        means[first:last] = np.where(finite, values, 0).sum(axis=(1, 3)) / np.where(counts, counts, np.nan)
    return means
