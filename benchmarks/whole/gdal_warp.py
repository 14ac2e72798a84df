"""`gdalwarp`, the program, in this process: the GDAL library of rasterio's wheel has all of it."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import Any

import rasterio

RASTER_VERBOSE = 0x02 | 0x40  # kinds of files to open, and errors to tell
LIBRARIES = Path(rasterio.__file__).parent.with_name("rasterio.libs")


def library() -> Any:
    """GDAL as rasterio's wheel has it; None where rasterio was built otherwise."""
    found = sorted(LIBRARIES.glob("libgdal*"))
    if not found:
        return None
    gdal = ctypes.CDLL(str(found[0]))
    for name in ("GDALOpenEx", "GDALWarpAppOptionsNew", "GDALWarp"):
        getattr(gdal, name).restype = ctypes.c_void_p
    gdal.GDALAllRegister()
    return gdal


def warp(gdal: Any, source: str, target: Path, *arguments: str) -> None:
    """Do what `gdalwarp ARGUMENTS SOURCE TARGET` does."""
    given = [argument.encode() for argument in arguments]
    opened = gdal.GDALOpenEx(source.encode(), RASTER_VERBOSE, None, None, None)
    options = gdal.GDALWarpAppOptionsNew((ctypes.c_char_p * (len(given) + 1))(*given, None), None)
    if not opened or not options:
        raise SystemExit(f"gdalwarp: cannot open {source}, or does not know {arguments}")
    sources = (ctypes.c_void_p * 1)(opened)
    done = gdal.GDALWarp(str(target).encode(), None, 1, sources, ctypes.c_void_p(options), None)
    if not done:
        raise SystemExit(f"gdalwarp: failed for {source}")
    for dataset in (done, opened):
        gdal.GDALClose(ctypes.c_void_p(dataset))
