"""Overviews of wrapped phases: the phase of averaged phasors, for the average of 3.1 and -3.1 is not 0."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree as ET

import numpy as np
import rasterio
from rasterio.enums import Resampling
from rasterio.shutil import copy
from rasterio.windows import Window

from alignsar_gpu.geocoding.tiff_tiles import require_tiles

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SMALLEST = 512  # rows and columns that need no overviews


def with_phase_overviews(pixels: Path, threads: str) -> Path:
    """Make overviews of a raster of phases (radians, NaN is no data) for GDAL's COG driver.

    GDAL averages the cosine and the sine. Returns a VRT beside the raster that refers to it and to its overviews.
    """
    phasors = pixels.with_name("phasors.tif")
    with rasterio.open(pixels) as source:
        levels = _levels(source.shape)
        about = {**source.profile, "count": 2, "bigtiff": "YES"}
        with rasterio.open(phasors, "w", **about) as target:
            for window in _windows(source):
                phase = source.read(1, window=window)
                target.write(np.stack([np.cos(phase), np.sin(phase)]), window=window)
    if levels:
        with rasterio.Env(GDAL_NUM_THREADS=threads), rasterio.open(phasors, "r+") as target:
            target.build_overviews([1 << level for level in levels], Resampling.average)
    require_tiles(phasors)
    overviews = [_phase(phasors, level - 1) for level in levels]
    return _mosaic(pixels, overviews)


def _levels(shape: tuple[int, int]) -> range:
    """Return the powers of two that a raster is made smaller by."""
    return range(1, ((max(shape) - 1) // SMALLEST).bit_length() + 1)


def _windows(raster: Any) -> Iterator[Window]:
    """Divide a raster into rows of tiles."""
    for first in range(0, raster.height, SMALLEST):
        yield Window(0, first, raster.width, min(SMALLEST, raster.height - first))


def _phase(phasors: Path, level: int) -> Path:
    """Write the phase of an overview of phasors."""
    path = phasors.with_name(f"phase_{level}.tif")
    with (
        rasterio.open(phasors, OVERVIEW_LEVEL=level) as source,
        rasterio.open(path, "w", **{**source.profile, "count": 1}) as target,
    ):
        for window in _windows(source):
            cosine, sine = source.read(window=window)
            phase: NDArray[np.float32] = np.arctan2(sine, cosine)
            target.write(phase, 1, window=window)
    require_tiles(path)
    return path


def _mosaic(pixels: Path, overviews: list[Path]) -> Path:
    """Write a VRT of a raster with one band and these overviews."""
    path = pixels.with_name("pixels.vrt")
    copy(pixels, path, driver="VRT")
    tree = ET.parse(path)  # noqa: S314  (just written)
    band = tree.getroot().find("VRTRasterBand")
    assert band is not None
    for overview in overviews:
        element = ET.SubElement(band, "Overview")
        ET.SubElement(element, "SourceFilename", relativeToVRT="1").text = overview.name
        ET.SubElement(element, "SourceBand").text = "1"
    tree.write(path)
    return path
