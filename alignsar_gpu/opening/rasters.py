"""Open rasters of users by GDAL: by the driver of their ending, off the network, with nothing from elsewhere."""

from __future__ import annotations

import math
import re
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.hdf5 import HDF5, check_hdf5
from alignsar_gpu.opening.netcdf import check_netcdf
from alignsar_gpu.opening.network import OFFLINE, is_remote
from alignsar_gpu.opening.vrt import sources_of
from alignsar_gpu.opening.web_pages import refuse_web_page

if TYPE_CHECKING:
    from collections.abc import Iterator

    import rasterio
    from rasterio import Affine

GDAL_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]+:")  # zip://..., netcdf:FILE:VARIABLE; two letters: no drive
ESRI, ENVI = ("EHdr", "ENVI"), ("ENVI",)
DRIVERS = {
    **dict.fromkeys((".tif", ".tiff", ".gtiff"), ("GTiff",)),
    **dict.fromkeys((".dt0", ".dt1", ".dt2"), ("DTED",)),
    **dict.fromkeys((".bil", ".bip", ".bsq", ".flt"), ESRI),
    **dict.fromkeys((".dat", ".bin", ".wgs84", ".rdr", ".geo", ".slc", ""), ENVI),
    **dict.fromkeys((".grib", ".grb", ".grib2", ".grb2"), ("GRIB",)),
    **dict.fromkeys((".jpg", ".jpeg"), ("JPEG",)),
    **dict.fromkeys((".h5", ".hdf5", ".he5"), ("HDF5", "HDF5Image", "BAG")),
    ".adf": ("AIG",),
    ".asc": ("AAIGrid", "GRASSASCIIGrid", "ISG"),
    ".bag": ("BAG", "HDF5"),
    ".bt": ("BT",),
    ".byn": ("BYN",),
    ".dem": ("USGSDEM",),
    ".gpkg": ("GPKG",),
    ".grd": ("GSAG", "GSBG", "GS7BG", "netCDF", "RRASTER", "NWT_GRD", "AAIGrid"),
    ".gsb": ("NTv2",),
    ".gtx": ("GTX",),
    ".hgt": ("SRTMHGT",),
    ".img": ("HFA", "ENVI"),
    ".isg": ("ISG",),
    ".jp2": ("JP2OpenJPEG", "JP2ECW", "JP2KAK", "JP2MrSID", "JP2Lura"),
    ".map": ("PCRaster",),
    ".nc": ("netCDF",),
    ".pgm": ("PNM",),
    ".png": ("PNG",),
    ".rst": ("RST",),
    ".sdat": ("SAGA",),
    ".vrt": ("VRT",),
    ".xyz": ("XYZ",),
}
NETCDF = (".nc", ".grd")
PREFIXES = {"netcdf": ("netCDF",), "hdf5": ("HDF5Image",), "gtiff_dir": ("GTiff",), "gpkg": ("GPKG",)}
PACKED = (".gz", ".zip")
SMALLEST, FARTHEST = 1e-10, 1e9  # of pixels and places, in degrees or metres
LEAST_ANGLE = 1e-6  # radians between rows and columns
DEEPEST = 8  # VRTs in VRTs
HEAD = 1 << 12  # bytes: GDAL tells the driver by the first kilobyte
BESIDE = re.compile(
    r"\.(?:ovr|msk)(?:\.|$)", re.IGNORECASE
)  # overviews and masks, which GDAL opens by any driver
TIFF_OR_HFA = (b"II*\0", b"II+\0", b"MM\0*", b"MM\0+", b"EHFA_HEADER_TAG")


@contextmanager
def open_raster(
    name: str | Path, where: str, drivers: tuple[str, ...] | None = None
) -> Iterator[rasterio.DatasetReader]:
    """Open a raster for reading by the driver of its ending; the network is off unless ``name`` is itself a URL.

    ``where`` begins messages; ``drivers`` are those of a product's own format, whatever the ending. A VRT may refer
    to rasters beside it or below, which are held to the same rules. Raises AlignsarError for endings that no raster
    has and for files that refer to others elsewhere, and what rasterio raises for those that cannot be read.
    """
    text = str(name)
    drivers = drivers or _drivers(text, where)
    if Path(text).is_file():
        _check_file(Path(text), where)
    elif drivers == DRIVERS[".vrt"]:
        raise AlignsarError(
            f"{where}: is a VRT in an archive or on a server; unpack or fetch it with its tiles"
        )
    with _opened(text, drivers) as file:
        overviews = file.tags(ns="OVERVIEWS").get("OVERVIEW_FILE")
        if overviews is not None:
            raise AlignsarError(
                f"{where}: refers to another file for its overviews ({overviews}), which is not opened; write it anew "
                "(gdal_translate) without them"
            )
        yield file


@contextmanager
def _opened(name: str, drivers: tuple[str, ...] | None) -> Iterator[rasterio.DatasetReader]:
    """Open by rasterio; what it lets through of GDAL's errors and of texts that are not UTF-8, it should raise."""
    import rasterio  # noqa: PLC0415  (a geospatial library)
    from rasterio._err import CPLE_BaseError  # noqa: PLC0415

    remote = is_remote(name)  # those by rasterio.open, which finds the credentials
    driver = drivers[0] if drivers and len(drivers) == 1 else None
    try:
        with (
            rasterio.Env(**({} if remote else OFFLINE)),
            (
                rasterio.open(name, driver=driver)
                if remote
                else rasterio.io.DatasetReader(name, driver=drivers and list(drivers))
            ) as file,
        ):
            yield file
    except (CPLE_BaseError, UnicodeDecodeError) as error:
        raise rasterio.errors.RasterioIOError(str(error)) from None


def affine_of(transform: Affine, where: str) -> tuple[float, float, float, float, float, float]:
    """Return the transform of a raster's pixels. Raises AlignsarError if it is not finite or cannot be inverted."""
    a, b, c, d, e, f = (float(value) for value in tuple(transform)[:6])
    column, row = math.hypot(a, d), math.hypot(b, e)
    possible = all(abs(value) < FARTHEST for value in (a, b, c, d, e, f))  # false for NaN
    if not possible or min(column, row) < SMALLEST or abs(a * e - b * d) < LEAST_ANGLE * column * row:
        raise AlignsarError(
            f"{where}: its pixels have no size or place (the transform is {a:g}, {b:g}, {c:g}, {d:g}, {e:g}, {f:g}); "
            "write the right one into the file (gdal_edit -a_ullr WEST NORTH EAST SOUTH)"
        )
    return a, b, c, d, e, f


def _drivers(name: str, where: str) -> tuple[str, ...] | None:
    """Return the drivers for a name; None for any, where the configuration names one of GDAL's own forms."""
    if not Path(name).exists() and GDAL_NAME.match(name) and "://" not in name:
        return PREFIXES.get(name.partition(":")[0].lower())
    plain = name.lower().partition("?")[0] if is_remote(name) else name.lower()
    while plain.endswith(PACKED):
        plain = plain[: plain.rindex(".")]
    ending = Path(plain).suffix
    if ending not in DRIVERS:
        raise AlignsarError(
            f"{where}: rasters with the ending {ending!r} are not read; convert it to GeoTIFF (gdal_translate IN "
            "OUT.tif)"
        )
    return DRIVERS[ending]


def _check_file(path: Path, where: str) -> None:
    """Check that a raster on the disk, and what GDAL takes from beside it, refers to nothing elsewhere."""
    for beside in _overviews_and_masks(path.parent, path.parent.stat().st_mtime_ns):
        if beside.lower().startswith((path.name.lower(), path.stem.lower())):
            with (path.parent / beside).open("rb") as file:
                if not file.read(16).startswith(TIFF_OR_HFA):
                    raise AlignsarError(f"{where}: {beside} beside it holds no overviews or mask; remove it")
    about = path.stat()
    _check_content(path, about.st_mtime_ns, about.st_size, where)


@lru_cache(maxsize=64)
def _overviews_and_masks(folder: Path, _changed: int) -> tuple[str, ...]:
    return tuple(path.name for path in folder.iterdir() if BESIDE.search(path.name) and path.is_file())


@lru_cache(maxsize=1024)
def _check_content(path: Path, _changed: int, _size: int, where: str) -> None:
    with path.open("rb") as file:
        head = file.read(HEAD)
    refuse_web_page(head, where)
    if head.startswith(HDF5):
        (check_netcdf if path.suffix.lower() in NETCDF else check_hdf5)(path, where)
    if path.suffix.lower() == ".vrt":
        _check_sources(path, where, 0)


def _check_sources(vrt: Path, where: str, depth: int) -> None:
    """Check the sources of a VRT, which GDAL opens by any driver: none may be a text that refers to others."""
    if depth > DEEPEST:
        raise AlignsarError(f"{where}: has VRTs in VRTs more than {DEEPEST} deep; make a GeoTIFF of it")
    for source in sources_of(vrt, where):
        if source.raw:
            continue
        if source.path.suffix.lower() == ".vrt":
            _check_sources(source.path, where, depth + 1)
            continue
        label = f"{where}: its source {source.path.name}"
        _drivers(str(source.path), label)
        with source.path.open("rb") as file:
            head = file.read(HEAD)
        text = head.partition(b"\0")[0].removeprefix(b"\xef\xbb\xbf").lstrip()
        if text.startswith((b"<", b"{", b"[")) or b"<VRTDataset" in text:
            raise AlignsarError(
                f"{label} is no raster but a text that may refer to others; remove it from the VRT"
            )
        if head.startswith(HDF5):
            check_netcdf(source.path, label)
