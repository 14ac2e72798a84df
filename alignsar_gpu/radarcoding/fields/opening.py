"""Open gridded fields: NetCDF and Zarr by xarray, GRIB and dated rasters by rasterio."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from pyproj import CRS
from pyproj.exceptions import ProjError
from rasterio.errors import RasterioError
from rasterio.windows import Window

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.bounds import require
from alignsar_gpu.geometry.dem.frame import is_wgs84, period_of, pipeline_between
from alignsar_gpu.opening.files import DAMAGED
from alignsar_gpu.opening.listing import without_clutter
from alignsar_gpu.opening.netcdf import check_netcdf
from alignsar_gpu.opening.rasters import affine_of, open_raster
from alignsar_gpu.opening.texts import system_of
from alignsar_gpu.opening.zarrs import check_store
from alignsar_gpu.radarcoding.crs import agreed_crs, given_crs
from alignsar_gpu.radarcoding.fields.files import FieldFile
from alignsar_gpu.radarcoding.files import matching

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.radarcoding.fields.config import FieldLayerConfig

GRIB = (".grib", ".grb", ".grib2", ".grb2")
LATITUDES, LONGITUDES = ("latitude", "lat", "y"), ("longitude", "lon", "x")
TIMES = ("time", "valid_time", "date")
DATE = re.compile(r"(?<!\d)(\d{8})(?:[T_]?(\d{2})(\d{2})(\d{2})?)?(?!\d)(?![T_]\d{1,3}(?!\d))")
KILOMETRES = ("km", "kilometer", "kilometers", "kilometre", "kilometres")
MOST_NODES = 1 << 20  # of an axis
LONGEST = 9e9  # seconds from 1970: nanoseconds in 64 bits
CALENDARS = ("standard", "gregorian", "proleptic_gregorian")


@dataclass(frozen=True, eq=False)
class _XarrayGrids:
    """Grids of an xarray variable (time, y, x), or (y, x)."""

    array: xr.DataArray
    order: tuple[int, ...]

    def read(self, time: int, rows: slice, columns: slice) -> NDArray[np.float64]:
        """See `Grids.read`."""
        part = self.array if not self.order else self.array[self.order[time]]
        return np.asarray(part[rows, columns].values, dtype=np.float64)


@dataclass(frozen=True, eq=False)
class _RasterGrids:
    """Grids that are bands of rasters: file and band of each time."""

    bands: tuple[tuple[str, int], ...]

    def read(self, time: int, rows: slice, columns: slice) -> NDArray[np.float64]:
        """See `Grids.read`."""
        name, band = self.bands[time]
        with open_raster(name, str(name)) as file:
            image = file.read(band, window=Window.from_slices(rows, columns), masked=True)
            require("raster_scale", abs(file.scales[band - 1]), name)
            values = image.data.astype(np.float64) * file.scales[band - 1] + file.offsets[band - 1]
        return np.where(np.ma.getmaskarray(image), np.nan, values)


@dataclass(frozen=True)
class _Variable:
    """What a file states about the variable that is read."""

    path: str
    variable: str
    units: str
    long_name: str


def open_field(config: FieldLayerConfig, key: str) -> FieldFile:
    """Open the field of a layer; every message begins with ``key``.

    Raises AlignsarError for files that are missing or cannot be read, for a variable that is missing, dimensions of
    which no value is selected, times that are not understood, and grids without a georeference.
    """
    path = Path(config.path).expanduser()
    pattern = not path.exists() and any(sign in str(path) for sign in "*?")
    if not pattern and not path.exists():
        raise AlignsarError(f"{key}: {path}: there is no such file")
    grib, dated = path.suffix.lower() in GRIB, pattern or path.suffix.lower() in {".tif", ".tiff"}
    if not (grib or dated):
        return _with_xarray(config, path, key)
    if config.select:
        raise AlignsarError(
            f"{key}.select: is for NetCDF and Zarr; give a file with only the values that you want"
        )
    if dated and config.variable is not None:
        raise AlignsarError(f"{key}.variable: is for NetCDF, Zarr and GRIB; a dated raster has one band")
    return _dated_rasters(config, path, key) if dated else _grib(config, path, key)


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
    times, order = (None, ()) if time is None else _times(array[time], where)
    array = array.transpose(*([time] if time else []), y, x)
    stated = _stated_crs(dataset, array, where)
    degrees = str(array[x].attrs.get("units", "")).startswith("degree") or str(x).lower() in LONGITUDES[:2]
    inside = without_clutter(path.rglob("*")) if path.is_dir() else [path]
    files = tuple(sorted(file for file in inside if file.is_file()))
    return _field(
        config,
        key,
        _Variable(
            str(path), str(array.name), *(str(array.attrs.get(key, "")) for key in ("units", "long_name"))
        ),
        files,
        times,
        (_nodes(array[y]), _nodes(array[x])),
        stated or (CRS.from_epsg(4326) if degrees else None),
        _XarrayGrids(array, order),
    )


def _dataset(path: Path, where: str) -> xr.Dataset:
    """Open NetCDF, or a folder of Zarr, without reading more than coordinates."""
    if path.is_dir():
        check_store(path, where)
    else:
        check_netcdf(path, where)
    try:
        plain = _opened(path, decode_cf=False, create_default_indexes=False)
        for name, length in plain.sizes.items():
            if name in plain.variables and length > MOST_NODES:
                raise AlignsarError(
                    f"{where}: its coordinate {name} has {length} values, more than any grid; not read"
                )
        return _opened(path, decode_timedelta=False)
    except DAMAGED as error:
        raise AlignsarError(f"{where}: cannot be read as NetCDF or Zarr ({error})") from None


def _opened(path: Path, **options: Any) -> xr.Dataset:
    opened: xr.Dataset = (
        xr.open_zarr(path, chunks=None, consolidated=False, **options)
        if path.is_dir()
        else xr.open_dataset(path, engine="netcdf4", **options)
    )
    return opened


def _field(
    config: FieldLayerConfig,
    key: str,
    variable: _Variable,
    files: tuple[Path, ...],
    times: NDArray[np.datetime64] | None,
    axes: tuple[NDArray[np.float64], NDArray[np.float64]],
    stated: CRS | None,
    grids: Any,
) -> FieldFile:
    name = ", ".join(text for text in (variable.path, variable.variable) if text)
    crs = agreed_crs(stated, given_crs(config.crs, key), f"{key}: {name}").to_2d()
    pipeline, operation = "", "none: longitude and latitude on WGS84"
    if not is_wgs84(crs):
        pipeline, operation = pipeline_between(crs, CRS.from_epsg(4326), None, f"{key}: {name}")
    y, x = axes
    period = period_of(crs)
    if period:
        x = np.unwrap(x, period=period)
    for axis, values in (("y", y), ("x", x)):
        steps = np.diff(values)
        if not (np.isfinite(values).all() and ((steps > 0).all() or (steps < 0).all())):
            raise AlignsarError(
                f"{key}: {name}: its coordinate {axis} does not rise or fall from node to node; sort it"
            )
    return FieldFile(
        key=key,
        name=name,
        variable=variable.variable,
        units=variable.units,
        long_name=variable.long_name,
        files=files,
        times=times,
        y=y,
        x=x,
        pipeline=pipeline,
        operation=operation,
        period=period,
        grids=grids,
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
        if name in chosen:
            place = int(np.argmin(np.abs(values - chosen[name])))
            if not np.isclose(values[place], chosen[name]):
                raise AlignsarError(f"{where}: {name} has no {chosen[name]:g}; it has {_few(values)}")
            array = array.isel({name: place})
        elif len(values) == 1:
            array = array.isel({name: 0})
        else:
            raise AlignsarError(
                f"{where}: has a dimension {name!r} with {_few(values)}; choose one (select={{{name}: VALUE}})"
            )
    return array


def _few(values: NDArray[Any]) -> str:
    shown = ", ".join(f"{value:g}" for value in values[:8])
    return shown + (", ..." if len(values) > 8 else "")


def _times(axis: xr.DataArray, where: str) -> tuple[NDArray[np.datetime64], tuple[int, ...]]:
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
    return values, tuple(int(place) for place in order)


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


def _grib(config: FieldLayerConfig, path: Path, key: str) -> FieldFile:
    try:
        with open_raster(path, f"{key}: {path}") as file:
            tags = [file.tags(band) for band in range(1, file.count + 1)]
            affine, crs, shape = file.transform, file.crs, (file.height, file.width)
    except RasterioError as error:
        raise AlignsarError(f"{key}: {path}: cannot be read as GRIB ({error})") from None
    elements = sorted({band_tags.get("GRIB_ELEMENT", "") for band_tags in tags})
    element = config.variable or (elements[0] if len(elements) == 1 else None)
    if element is None or element not in elements:
        raise AlignsarError(f"{key}: {path}: has the elements {', '.join(elements)}; name one (variable)")
    wanted = [number for number, band_tags in enumerate(tags) if band_tags.get("GRIB_ELEMENT") == element]
    levels = sorted({tags[number].get("GRIB_SHORT_NAME", "") for number in wanted})
    if len(levels) > 1:
        raise AlignsarError(
            f"{key}: {path}: {element} has the levels {', '.join(levels)}; give a file with one of them"
        )
    seconds = _seconds([tags[number].get("GRIB_VALID_TIME", "") for number in wanted], f"{key}: {path}")
    times, order = np.unique(seconds.astype("datetime64[s]").astype("datetime64[ns]"), return_index=True)
    band_tags = tags[wanted[0]]
    variable = _Variable(
        str(path), element, band_tags.get("GRIB_UNIT", "").strip("[]"), band_tags.get("GRIB_COMMENT", "")
    )
    bands = tuple((str(path), wanted[int(place)] + 1) for place in order)
    axes = _axes_of(affine, shape, f"{key}: {path}")
    stated = _raster_crs(crs, f"{key}: {variable.path}")
    return _field(config, key, variable, (path,), times, axes, stated, _RasterGrids(bands))


def _seconds(times: Sequence[str], where: str) -> NDArray[np.int64]:
    """Return seconds since 1970 of GRIB's texts. Raises AlignsarError for what is no time."""
    try:
        seconds = np.array([float(text.split()[0]) for text in times])
    except (ValueError, IndexError):
        seconds = np.array([np.nan])
    if not (np.abs(seconds) < LONGEST).all():
        raise AlignsarError(f"{where}: has bands without a time; it is damaged, fetch it again")
    return seconds.astype(np.int64)


def _dated_rasters(config: FieldLayerConfig, pattern: Path, key: str) -> FieldFile:
    """Open rasters with their date in the name, one for each time."""
    paths = [pattern] if pattern.exists() else [Path(name) for name in matching(pattern, key)]
    path_of: dict[np.datetime64, Path] = {}
    facts = None
    for path in paths:
        date = DATE.search(path.stem)
        if date is None:
            raise AlignsarError(
                f"{key}: {path}: its name has no date (YYYYMMDD, or YYYYMMDDTHHMM), so its time is not known; rename it"
            )
        day, *clock = date.groups("00")
        try:
            time = np.datetime64(f"{day[:4]}-{day[4:6]}-{day[6:]}T{':'.join(clock)}", "ns")
            with open_raster(path, f"{key}: {path}") as file:
                grid, count = (file.transform, file.crs, (file.height, file.width)), file.count
                units = file.units[0] or ""
        except (RasterioError, ValueError) as error:
            raise AlignsarError(f"{key}: {path}: cannot be read as a raster with a date ({error})") from None
        if count != 1:
            raise AlignsarError(f"{key}: {path}: has {count} bands; give rasters with one, one for each time")
        if path_of.setdefault(time, path) != path:
            raise AlignsarError(f"{key}: {path} and {path_of[time]} have the same time; leave one out")
        if facts is not None and grid != facts[0]:
            raise AlignsarError(f"{key}: {path} and {paths[0]} are not on the same grid")
        facts = grid, units
    assert facts is not None
    (affine, crs, shape), units = facts
    times = np.array(sorted(path_of))
    axes = _axes_of(affine, shape, f"{key}: {paths[0]}")
    stated = _raster_crs(crs, f"{key}: {paths[0]}")
    grids = _RasterGrids(tuple((str(path_of[time]), 1) for time in times))
    variable = _Variable(str(pattern), "", units, "")
    return _field(config, key, variable, tuple(path_of[t] for t in times), times, axes, stated, grids)


def _raster_crs(crs: Any, where: str) -> CRS | None:
    """Return the system of a raster. Raises AlignsarError for one that cannot be used."""
    try:
        return None if crs is None else system_of(crs.to_wkt())
    except ProjError as error:
        raise AlignsarError(f"{where}: its coordinate reference system cannot be used ({error})") from None


def _axes_of(
    affine: Any, shape: tuple[int, int], where: str
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return y of rows and x of columns. Raises AlignsarError for a grid that is rotated or not georeferenced."""
    affine_of(affine, where)
    if affine.is_identity or affine.b != 0.0 or affine.d != 0.0:
        raise AlignsarError(f"{where}: its grid is rotated or not georeferenced; warp it (gdalwarp)")
    rows, columns = np.arange(shape[0]) + 0.5, np.arange(shape[1]) + 0.5
    return affine.f + affine.e * rows, affine.c + affine.a * columns
