"""Open gridded fields: NetCDF and Zarr by xarray, dated rasters by rasterio."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from pyproj import CRS
from pyproj.exceptions import ProjError
from rasterio.windows import Window
from xarray.backends import BackendArray
from xarray.core import indexing

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.bounds import require
from alignsar_gpu.geometry.dem.frame import is_wgs84, period_of, pipeline_between
from alignsar_gpu.opening.files import DAMAGED
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.opening.netcdf import check_netcdf
from alignsar_gpu.opening.rasters import open_raster
from alignsar_gpu.opening.texts import system_of
from alignsar_gpu.opening.zarrs import check_store
from alignsar_gpu.radarcoding.crs import agreed_crs, given_crs
from alignsar_gpu.radarcoding.dates import time_in_name
from alignsar_gpu.radarcoding.fields.files import FieldFile
from alignsar_gpu.radarcoding.files import matching
from alignsar_gpu.radarcoding.rasters.describing import describe

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.radarcoding.fields.config import FieldLayerConfig

GRIB = (".grib", ".grb", ".grib2", ".grb2")
LATITUDES, LONGITUDES = ("latitude", "lat", "y"), ("longitude", "lon", "x")
TIMES = ("time", "valid_time", "date")
KILOMETRES = ("km", "kilometer", "kilometers", "kilometre", "kilometres")
MOST_NODES = 1 << 20  # of an axis
LONGEST = 9e9  # seconds from 1970: nanoseconds in 64 bits
WHOLE_TURN = 0.5  # cells that a field may lack of a whole turn and still go round
CALENDARS = ("standard", "gregorian", "proleptic_gregorian")


class _DatedRasters(BackendArray):
    """Rasters of one band on one grid as a lazy array (time, y, x); see xarray, "How to add a new backend"."""

    def __init__(self, paths: Sequence[Path], shape: tuple[int, int]) -> None:
        self.paths, self.shape, self.dtype = paths, (len(paths), *shape), np.dtype(np.float64)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._read)

    def _read(self, key: tuple[Any, ...]) -> NDArray[np.float64]:
        name = str(self.paths[key[0]])
        with open_raster(name, name) as file:
            image = file.read(1, window=Window.from_slices(*key[1:]), masked=True)
            require("raster_scale", abs(file.scales[0]), name)
            values = image.data.astype(np.float64) * file.scales[0] + file.offsets[0]
        return np.where(np.ma.getmaskarray(image), np.nan, values)


def open_field(config: FieldLayerConfig, key: str) -> FieldFile:
    """Open the field of a layer; every message begins with ``key``.

    Raises AlignsarError for files that are missing or cannot be read, for a variable that is missing, dimensions of
    which no value is selected, times that are not understood, and grids without a georeference.
    """
    path = Path(config.path).expanduser()
    pattern = not path.exists() and any(sign in str(path) for sign in "*?")
    if not pattern and not path.exists():
        raise AlignsarError(f"{key}: {path}: there is no such file")
    if path.suffix.lower() in GRIB:
        raise AlignsarError(
            f"{key}: {path}: GRIB is not read as a field; convert it to NetCDF (cdo -f nc4 copy IN OUT), or take it as "
            "kind=raster with dates=bands"
        )
    if not pattern and path.suffix.lower() not in {".tif", ".tiff"}:
        return _with_xarray(config, path, key)
    if config.select or config.variable:
        raise AlignsarError(
            f"{key}: variable and select are for NetCDF and Zarr; a dated raster has one band"
        )
    return _dated_rasters(config, path, key)


def _with_xarray(config: FieldLayerConfig, path: Path, key: str) -> FieldFile:
    dataset = _dataset(path, f"{key}: {path}")
    array = _variable(dataset, config, f"{key}: {path}")
    where = f"{key}: {path}, {array.name}"
    require("raster_scale", abs(array.encoding.get("scale_factor", 1.0)), where)
    y, x = _axis(array, LATITUDES, where), _axis(array, LONGITUDES, where)
    time = next((name for name in (*array.dims, *array.coords) if str(name).lower() in TIMES), None)
    if time is not None and time not in array.dims:
        array = array.expand_dims(time)
    array = _selected(array, {y, x} | ({time} if time else set()), config, where)
    times, order = (None, []) if time is None else _times(array[time], where)
    array = array.transpose(*([time] if time else []), y, x).isel({time: order} if time else {})
    stated = _stated_crs(dataset, array, where)
    degrees = str(array[x].attrs.get("units", "")).startswith("degree") or str(x).lower() in LONGITUDES[:2]
    inside = without_clutter(path.rglob("*")) if path.is_dir() else [path]
    files = sorted(file for file in inside if file.is_file())
    crs = stated or (CRS.from_epsg(4326) if degrees else None)
    return _field(config, key, array, (_nodes(array[y]), _nodes(array[x])), times, crs, files)


def _dataset(path: Path, where: str) -> xr.Dataset:
    """Open NetCDF, or a folder of Zarr, without reading more than coordinates."""
    opened: partial[xr.Dataset]
    if path.is_dir():
        check_store(path, where)
        opened = partial(xr.open_zarr, path, chunks=None, consolidated=False)
    else:
        check_netcdf(path, where)
        opened = partial(xr.open_dataset, path, engine="netcdf4")
    try:
        plain = opened(decode_cf=False, create_default_indexes=False)
        for name, length in plain.sizes.items():
            if name in plain.variables and length > MOST_NODES:
                raise AlignsarError(
                    f"{where}: its coordinate {name} has {length} values, more than any grid; not read"
                )
        return opened(decode_timedelta=False)
    except DAMAGED as error:
        raise AlignsarError(f"{where}: cannot be read as NetCDF or Zarr ({error})") from None


def _field(
    config: FieldLayerConfig,
    key: str,
    array: xr.DataArray,
    axes: tuple[NDArray[np.float64], NDArray[np.float64]],
    times: NDArray[np.datetime64] | None,
    stated: CRS | None,
    files: Sequence[Path],
) -> FieldFile:
    name = ", ".join(filter(None, (str(Path(config.path).expanduser()), str(array.name or ""))))
    where = f"{key}: {name}"
    crs = agreed_crs(stated, given_crs(config.crs, key), where).to_2d()
    pipeline, operation = "", "none: longitude and latitude on WGS84"
    if not is_wgs84(crs):
        pipeline, operation = pipeline_between(crs, CRS.from_epsg(4326), None, where)
    period = period_of(crs)
    y, x = axes[0], np.unwrap(axes[1], period=period) if period else axes[1]
    rising = []
    for axis, values, dimension in (("y", y, -2), ("x", x, -1)):
        backwards = slice(None, None, -1 if len(values) > 1 and values[0] > values[-1] else 1)
        values = values[backwards]  # noqa: PLW2901
        if len(values) < 2 or not (np.isfinite(values).all() and (np.diff(values) > 0).all()):
            raise AlignsarError(
                f"{where}: its coordinate {axis} does not rise or fall from node to node; sort it, and give two or more"
            )
        array = array.isel({array.dims[dimension]: backwards})
        rising.append(values)
    y, x = rising
    if period and abs(x[-1] - x[0] + x[1] - x[0] - period) < WHOLE_TURN * (x[1] - x[0]):
        x = np.append(x, x[0] + period)
    return FieldFile(
        key=key,
        name=name,
        files=tuple(files),
        array=array,
        times=times,
        y=y,
        x=x,
        pipeline=pipeline,
        operation=operation,
        period=period,
        tolerance=config.tolerance_hours,
    )


def _variable(dataset: xr.Dataset, config: FieldLayerConfig, where: str) -> xr.DataArray:
    gridded = [
        str(name)
        for name, variable in dataset.data_vars.items()
        if variable.dtype.kind in "fiu"
        and all(any(str(dim).lower() in names for dim in variable.dims) for names in (LATITUDES, LONGITUDES))
    ]
    if config.variable is not None:
        if config.variable not in dataset.data_vars:
            raise AlignsarError(
                f"{where}: has no variable {config.variable!r}; it has {', '.join(gridded) or 'none'}"
            )
        return dataset[config.variable]
    if len(gridded) != 1:
        raise AlignsarError(
            f"{where}: has {len(gridded)} variables on a grid{': ' if gridded else ''}{', '.join(gridded)}; name one "
            "(variable)"
        )
    return dataset[gridded[0]]


def _axis(array: xr.DataArray, names: Sequence[str], where: str) -> str:
    """Return the dimension with one of some names; refuse grids whose coordinates have two dimensions."""
    dimension = next((str(name) for name in array.dims if str(name).lower() in names), None)
    if dimension is None or dimension not in array.coords:
        raise AlignsarError(
            f"{where}: has the dimensions {', '.join(map(str, array.dims))}, and none with coordinates called "
            f"{', '.join(names)}; bring it to a regular grid of longitude and latitude"
        )
    return dimension


def _selected(array: xr.DataArray, kept: set[Any], config: FieldLayerConfig, where: str) -> xr.DataArray:
    """Select one value of each further dimension."""
    chosen = dict(config.select or {})
    further = [str(name) for name in array.dims if name not in kept]
    for name in chosen:
        if name not in further:
            has = f"; it has {', '.join(further)}" if further else ""
            raise AlignsarError(f"{where}: has no further dimension {name!r} (select){has}")
    for name in further:
        numbers = name in array.coords and array[name].dtype.kind in "fiu"
        values = array[name].values if numbers else np.arange(array.sizes[name])
        places = np.flatnonzero(np.isclose(values, chosen.get(name, values[0])))
        if name not in chosen and len(values) > 1:
            raise AlignsarError(
                f"{where}: has a dimension {name!r} with {_few(values)}; choose one (select={{{name}: VALUE}})"
            )
        if not len(places):
            raise AlignsarError(f"{where}: {name} has no {chosen[name]:g}; it has {_few(values)}")
        array = array.isel({name: int(places[0])})
    return array


def _few(values: NDArray[Any]) -> str:
    shown = ", ".join(f"{value:g}" for value in values[:8])
    return shown + (", ..." if len(values) > 8 else "")


def _times(axis: xr.DataArray, where: str) -> tuple[NDArray[np.datetime64], NDArray[np.intp]]:
    """Return the times in order, each once, and the index of each in the file."""
    if axis.dtype.kind != "M" or np.isnat(axis.values).any():
        calendar = getattr(axis.values.flat[0], "calendar", "") if axis.dtype.kind == "O" else ""
        raise AlignsarError(
            f"{where}: its times cannot be understood{f' (calendar {calendar!r})' if calendar else ''}; they must be "
            f"CF times of a calendar of {', '.join(CALENDARS)}"
        )
    if np.abs(axis.values.astype("datetime64[D]").astype(np.int64)).max() > LONGEST / 86400:
        raise AlignsarError(f"{where}: has times that no calendar has; it is damaged, fetch it again")
    values, order = np.unique(axis.values.astype("datetime64[ns]"), return_index=True)
    return values, order


def _nodes(axis: xr.DataArray) -> NDArray[np.float64]:
    """Return the coordinates of the nodes: degrees, or metres."""
    values = np.asarray(axis.values, dtype=np.float64)
    return 1000.0 * values if str(axis.attrs.get("units", "")).lower() in KILOMETRES else values


def _stated_crs(dataset: xr.Dataset, array: xr.DataArray, where: str) -> CRS | None:
    """Return the system of a CF grid mapping. Raises AlignsarError for a mapping that states none."""
    name = array.attrs.get("grid_mapping", array.encoding.get("grid_mapping"))
    if name is None or name not in dataset.variables:
        return None
    attributes = dict(dataset[name].attrs)
    text = attributes.get("crs_wkt") or attributes.get("spatial_ref")
    try:
        return system_of(text or CRS.from_cf(attributes).to_wkt())
    except (ProjError, KeyError, TypeError) as error:
        raise AlignsarError(
            f"{where}: its grid mapping {name!r} does not define a coordinate reference system ({error})"
        ) from None


def _dated_rasters(config: FieldLayerConfig, pattern: Path, key: str) -> FieldFile:
    """Open rasters with their date in the name, one for each time."""
    names = [str(pattern)] if pattern.exists() else matching(pattern, key)
    path_of: dict[np.datetime64, Path] = {}
    first = describe(names[0], key)
    for name in names:
        where, file = f"{key}: {name}", describe(name, key)
        time = time_in_name(Path(name).stem, None, where).start.astype("datetime64[ns]")
        if len(file.dtypes) != 1:
            raise AlignsarError(
                f"{where}: has {len(file.dtypes)} bands; give rasters with one, one for each time"
            )
        if time in path_of:
            raise AlignsarError(f"{where} and {path_of[time]} have the same time; leave one out")
        if (file.affine, file.crs, file.shape) != (first.affine, first.crs, first.shape):
            raise AlignsarError(f"{where} and {names[0]} are not on the same grid; warp one to it (gdalwarp)")
        path_of[time] = Path(name)
    a, b, c, d, e, f = first.affine
    if b != 0.0 or d != 0.0:
        raise AlignsarError(f"{key}: {names[0]}: its grid is rotated; warp it (gdalwarp)")
    rows, columns = (np.arange(count, dtype=np.float64) + 0.5 for count in first.shape)
    times = np.array(sorted(path_of))
    paths = [path_of[time] for time in times]
    values = indexing.LazilyIndexedArray(_DatedRasters(paths, first.shape))
    array = xr.DataArray(xr.Variable(("time", "y", "x"), values, {"units": first.units[0] or ""}))
    return _field(config, key, array, (f + e * rows, c + a * columns), times, first.crs, paths)
