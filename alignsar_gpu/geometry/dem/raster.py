"""Raster files of a DEM: their metadata and reading of windows."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import rasterio
from pyproj import CRS
from pyproj.exceptions import ProjError
from rasterio.enums import ColorInterp
from rasterio.errors import CRSError, NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.bounds import BOUNDS, require
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.opening.rasters import GDAL_NAME, affine_of, open_raster
from alignsar_gpu.opening.sources import source_files
from alignsar_gpu.opening.texts import system_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.geometry.dem.frame import Affine

SUFFIXES = (
    *(".tif", ".tiff", ".vrt", ".hgt", ".hgt.zip", ".dt0", ".dt1", ".dt2"),
    *(".img", ".asc", ".nc", ".bil", ".flt", ".grd"),
)
# What lies beside the heights in Copernicus and TanDEM-X tiles: masks, error maps, amplitudes.
BESIDE = ("_EDM", "_FLM", "_HEM", "_WBM", "_ACM", "_WAM", "_LSM", "_IPM", "_COV", "_COM", "_AMP", "_AM2")
# What is beyond stands for no data in a file that does not say so: -32768, -9999, 3.4e38.
LOWEST, HIGHEST = BOUNDS["height"].low, BOUNDS["height"].high
METRES = {
    **dict.fromkeys(("", "m", "metre", "metres", "meter", "meters", "unknown"), 1.0),
    **dict.fromkeys(("cm", "centimetre", "centimeter", "centimeters"), 0.01),
    **dict.fromkeys(("ft", "foot", "feet", "international foot"), 0.3048),
    **dict.fromkeys(("us survey foot", "foot_us", "us-ft", "ftus"), 1200.0 / 3937.0),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class HeightRaster:
    """One raster file of heights.

    Attributes
    ----------
    name : as the user called it.
    crs : its horizontal coordinate reference system, WKT.
    stated : the vertical datum its own system states: "egm96", "egm2008", "ellipsoid", another name, or "".
    affine : see ``Frame``.
    shape : rows, columns.
    scale, offset : heights in metres are scale times the file's value plus offset.
    """

    name: str
    crs: str
    stated: str
    affine: Affine
    shape: tuple[int, int]
    scale: float
    offset: float

    @cached_property
    def horizontal(self) -> CRS:
        """The horizontal coordinate reference system."""
        return CRS.from_wkt(self.crs)

    def read(self, rows: slice, columns: slice) -> NDArray[np.float64]:
        """Read heights [row, column] of a window in metres above the file's datum; NaN for no data."""
        window = Window.from_slices(rows, columns)
        try:
            with open_raster(self.name, f"DEM {self.name}") as file:
                values = file.read(1, window=window)
                mask = file.read_masks(1, window=window)
        except RasterioError as error:
            raise AlignsarError(
                f"DEM {self.name}: cannot be read ({error}): the file is cut off or damaged, copy it again"
            ) from None
        heights: NDArray[np.float64] = values.astype(np.float64)
        if (self.scale, self.offset) != (1.0, 0.0):
            heights = heights * self.scale + self.offset
        with np.errstate(invalid="ignore"):
            heights[(mask == 0) | ~((heights > LOWEST) & (heights < HIGHEST))] = np.nan
        return heights


def list_names(paths: str | Path | Sequence[str | Path]) -> list[str]:
    """List the raster files that a file, a folder, or several of either stand for."""
    given = [paths] if isinstance(paths, str | Path) else list(paths)
    if not given:
        raise AlignsarError("DEM: no file is named; name a file, a folder of tiles, or several (dem.path)")
    names: list[str] = []
    for item in given:
        path = Path(item)
        if path.is_dir():
            names += _in_folder(path)
        elif path.exists() or str(item).startswith("/vsi") or GDAL_NAME.match(str(item)):
            names.append(str(item))
        else:
            raise AlignsarError(f"DEM {path}: there is no such file or folder (dem.path)")
    return list(dict.fromkeys(names))


def _in_folder(folder: Path) -> list[str]:
    found = [
        str(path)
        for path in sorted(without_clutter(folder.iterdir()))
        if path.name.lower().endswith(SUFFIXES) and not path.stem.endswith(BESIDE)
    ]
    if not found:
        raise AlignsarError(
            f"DEM {folder}: the folder holds no raster of heights ({', '.join(SUFFIXES)}); folders inside it "
            "are not searched: name the folder that the tiles lie in, or the files (dem.path)"
        )
    return found


def files_of(name: str) -> tuple[Path | str, ...]:
    """List what a raster is read from: its own files, those that a VRT refers to, an archive as a whole."""
    try:
        with open_raster(name, f"DEM {name}") as file:
            listed = tuple(file.files)
    except RasterioError as error:
        raise AlignsarError(f"DEM {name}: cannot be opened as a raster ({error})") from None
    return source_files(name, listed, f"DEM {name}")


def describe(name: str) -> HeightRaster:
    """Read the metadata of a height raster. Raises AlignsarError, naming the file, if it is not one."""
    try:
        with warnings.catch_warnings(record=True) as caught, rasterio.Env(GTIFF_REPORT_COMPD_CS=True):
            warnings.simplefilter("always")
            with open_raster(name, f"DEM {name}") as file:
                _refuse_no_heights(name, file)
                # Not by the transform: for some formats GDAL leaves it uninitialised.
                unplaced = any(w.category is NotGeoreferencedWarning for w in caught)
                _refuse_nowhere(name, file, unplaced=unplaced)
                crs = system_of(file.crs.to_wkt(version="WKT2_2019"))
                factor = _metres(name, file.units[0], crs)
                require("height_scale", abs(file.scales[0] * factor), f"DEM {name}")
                require("height_offset", file.offsets[0] * factor, f"DEM {name}")
                return HeightRaster(
                    name=name,
                    crs=crs.to_2d().to_wkt(),
                    stated=_stated_datum(crs),
                    affine=affine_of(file.transform, f"DEM {name}"),
                    shape=file.shape,
                    scale=file.scales[0] * factor,
                    offset=file.offsets[0] * factor,
                )
    except (RasterioError, CRSError, ProjError) as error:
        raise AlignsarError(f"DEM {name}: cannot be opened as a raster ({error})") from None


def _refuse_no_heights(name: str, file: rasterio.DatasetReader) -> None:
    if file.count == 0:
        inside = f": it holds {', '.join(file.subdatasets)}, name one of these" if file.subdatasets else ""
        raise AlignsarError(f"DEM {name}: has no band{inside}")
    if any(band != ColorInterp.alpha for band in file.colorinterp[1:]):
        raise AlignsarError(f"DEM {name}: has {file.count} bands, a DEM has one: heights in metres")
    if np.dtype(file.dtypes[0]).kind not in "iuf":
        raise AlignsarError(f"DEM {name}: its values are {file.dtypes[0]}, heights are real numbers")


def _refuse_nowhere(name: str, file: rasterio.DatasetReader, *, unplaced: bool) -> None:
    unplaced = unplaced or file.transform.is_identity  # ground control points do not make a grid of posts
    if unplaced or file.crs is None:
        lacks = "georeference" if unplaced else "coordinate reference system"
        raise AlignsarError(
            f"DEM {name}: does not say where it lies on Earth (no {lacks}): write it into the file, for example "
            "with gdal_edit -a_srs EPSG:4326 -a_ullr WEST NORTH EAST SOUTH"
        )


def _stated_datum(crs: CRS) -> str:
    if not crs.is_compound:
        return "ellipsoid" if len(crs.axis_info) == 3 else ""
    name = crs.sub_crs_list[-1].name
    plain = name.lower().replace(" ", "").replace("_", "")
    for word, datum in (
        ("egm96", "egm96"),
        ("egm1996", "egm96"),
        ("egm2008", "egm2008"),
        ("egm08", "egm2008"),
        ("ellipsoid", "ellipsoid"),
    ):
        if word in plain:
            return datum
    return "" if plain in {"unknown", "unnamed"} else name


def _metres(name: str, unit: str | None, crs: CRS) -> float:
    """Metres of one unit of the band: as the band says, else as the vertical axis does."""
    key = (unit or "").lower()
    if key not in METRES:
        raise AlignsarError(
            f"DEM {name}: heights in {unit!r} are not understood: convert them to metres and say so in the "
            "file (gdal_translate -scale, gdal_edit -units m)"
        )
    if not key and len(crs.axis_info) == 3:
        return float(crs.axis_info[2].unit_conversion_factor)
    return METRES[key]
