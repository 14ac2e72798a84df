"""Quick-look picture of a simulated product, as real ones have: preview/quick-look.png."""

from __future__ import annotations

import warnings
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from PIL import Image
from rasterio.errors import NotGeoreferencedWarning
from rasterio.windows import Window

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

LOOKS = 2, 10  # lines and samples averaged, at least
WIDEST = 1200  # pixels of a subswath
GAP = 4  # pixels between subswaths


def write_quicklook(safe: Path) -> None:
    """Draw all subswaths of a SAFE folder side by side: co-polarization red, cross green, their ratio blue.

    Grey where there is one polarization. Lines run down, samples from left to right; bursts stand one below the
    other, as in the measurements.
    """
    swaths: dict[str, dict[str, NDArray[np.float64]]] = {}
    for tiff in sorted((safe / "measurement").glob("*.tiff")):
        _, swath, _, polarization = tiff.name.split("-")[:4]
        swaths.setdefault(swath, {})[polarization] = _multilooked(tiff)
    pictures = [_colours(swath) for swath in swaths.values()]
    height = max(picture.shape[0] for picture in pictures)
    width = sum(picture.shape[1] + GAP for picture in pictures) - GAP
    page = np.full((height, width, 3), 255, dtype=np.uint8)
    left = 0
    for picture in pictures:
        page[: picture.shape[0], left : left + picture.shape[1]] = picture
        left += picture.shape[1] + GAP
    (safe / "preview").mkdir(exist_ok=True)
    Image.fromarray(page).save(safe / "preview" / "quick-look.png", compress_level=7)


def _multilooked(tiff: Path) -> NDArray[np.float64]:
    """Mean intensity of blocks of pixels about as long as wide."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(tiff) as raster:
            factor = max(1, -(-raster.width // (LOOKS[1] * WIDEST)))
            down, across = LOOKS[0] * factor, LOOKS[1] * factor
            rows = []
            for line in range(0, raster.height - down + 1, down):
                part = raster.read(1, window=Window(0, line, raster.width // across * across, down))
                rows.append(np.mean(np.abs(part).reshape(down, -1, across) ** 2, axis=(0, 2)))
    return np.array(rows, dtype=np.float64)


def _colours(swath: dict[str, NDArray[np.float64]]) -> NDArray[np.uint8]:
    decibels = {name: 10.0 * np.log10(np.maximum(power, 1e-3)) for name, power in swath.items()}
    co, *cross = sorted(swath, key=lambda name: name[0] != name[1])
    known = swath[co] > 0.0
    shades = [decibels[co]] * 3
    if cross:
        shades = [decibels[co], decibels[cross[0]], decibels[co] - decibels[cross[0]]]
    picture = (255.0 * np.stack([_stretched(one, known) for one in shades], axis=-1)).astype(np.uint8)
    picture[~known] = 0
    return picture


def _stretched(values: NDArray[np.float64], known: NDArray[np.bool_]) -> NDArray[np.float64]:
    if not known.any():
        return np.zeros(values.shape)
    low, high = np.percentile(values[known], (1.0, 99.0))
    return np.asarray(np.clip((values - low) / max(high - low, 1.0), 0.0, 1.0))
