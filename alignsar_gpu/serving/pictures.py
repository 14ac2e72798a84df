"""Small PNG images of rasters, for pages."""

from __future__ import annotations

import io
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.opening.rasters import open_raster

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray
    from PIL import Image

SIDE = 512  # pixels of the longer side
KEPT = 256  # pictures
PERCENTILES = (2.0, 98.0)


def picture(path: Path) -> bytes:
    """Return a raster as a small PNG; kept in memory until the file changes.

    Bytes of red, green, blue and opacity are shown as they are, and palettes in their colours. Other values are shown
    in grey, from the 2nd to the 98th percentile, and transparent where there are none. Raises AlignsarError and
    rasterio's errors for what cannot be read.
    """
    about = path.stat()
    return _picture(path, about.st_mtime_ns, about.st_size)


@lru_cache(maxsize=KEPT)
def _picture(path: Path, _changed: int, _size: int) -> bytes:
    with open_raster(path, str(path)) as raster:
        scale = min(SIDE / max(raster.shape), 1.0)
        shape = tuple(max(round(side * scale), 1) for side in raster.shape)
        in_colour = raster.count >= 3 and set(raster.dtypes) == {"uint8"}
        bands = list(range(1, min(raster.count, 4) + 1)) if in_colour else [1]
        values = raster.read(bands, out_shape=(len(bands), *shape), masked=True)
        palette = raster.colormap(1) if "palette" in {c.name for c in raster.colorinterp} else None
    if in_colour:
        return _png(_coloured(values))
    return _png(_mapped(values[0], palette) if palette else _grey(values[0]))


def _coloured(values: np.ma.MaskedArray[Any, Any]) -> NDArray[np.uint8]:
    pixels: NDArray[np.uint8] = np.moveaxis(values.filled(0), 0, -1)
    if pixels.shape[-1] == 4:
        return pixels
    return np.dstack([pixels, np.where(np.ma.getmaskarray(values).any(axis=0), 0, 255).astype(np.uint8)])


def _mapped(values: np.ma.MaskedArray[Any, Any], palette: dict[int, tuple[int, ...]]) -> NDArray[np.uint8]:
    colours = np.zeros((max(palette) + 1, 4), dtype=np.uint8)
    for number, colour in palette.items():
        colours[number] = colour
    pixels: NDArray[np.uint8] = colours[np.clip(values.filled(0), 0, len(colours) - 1)]
    pixels[np.ma.getmaskarray(values)] = 0
    return pixels


def _grey(values: np.ma.MaskedArray[Any, Any]) -> NDArray[np.uint8]:
    numbers = (
        np.abs(values.filled(0)).astype(np.float64) if np.iscomplexobj(values) else values.astype(np.float64)
    )
    shown = ~np.ma.getmaskarray(values) & np.isfinite(np.ma.getdata(numbers))
    data = np.where(shown, np.ma.getdata(numbers), 0.0)
    low, high = np.percentile(data[shown], PERCENTILES) if shown.any() else (0.0, 1.0)
    grey = np.clip((data - low) / (high - low if high > low else 1.0), 0.0, 1.0)
    byte = np.rint(grey * 255).astype(np.uint8)
    return np.dstack([byte, byte, byte, np.where(shown, 255, 0).astype(np.uint8)])


def _png(pixels: NDArray[np.uint8]) -> bytes:
    from PIL import Image  # noqa: PLC0415

    image: Image.Image = Image.fromarray(np.ascontiguousarray(pixels))
    file = io.BytesIO()
    image.save(file, format="PNG")
    return file.getvalue()
