"""NetCDF output, a file a date or one of all: CF-1.11 and ACDD-1.3 attributes, and the sar_* attributes of AlignSAR."""

from __future__ import annotations

from contextlib import nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import h5py
import netCDF4
import numpy as np

from alignsar_gpu.dataset.dates import date_name, iso, reference_time
from alignsar_gpu.dataset.deflate import Chunks, copy_chunks, write_chunks
from alignsar_gpu.dataset.flow import Flow
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray

IMAGE = ("azimuth", "range")

CHUNK = (256, 512)  # lines and samples of a chunk, where the cube has none
WAITING_BYTES = 1 << 27  # of values that are read and not yet written

# What CF wants, where the cube says it in another way. "days" as units makes xarray before 2025.4 read a
# duration instead of a number; the singular means the same to UDUNITS and leaves it a number.
_UNITS = {"longitude": "degrees_east", "latitude": "degrees_north"}
_SINGULAR = {"days": "day", "hours": "hour", "minutes": "minute", "seconds": "s", "degrees": "degree"}

# The global attributes that a file cannot do without.
_NEEDED = (
    "software",
    "fingerprint",
    "reference_product_id",
    "reference_date",
    "instrument_mode",
    "relative_orbit",
    "pass_direction",
    "look_side",
    "heading",
    "incidence_angle_mid",
    "looks_range",
    "looks_azimuth",
    "range_spacing",
    "azimuth_spacing",
)
_CROP = ("crop_first_line", "crop_lines", "crop_first_sample", "crop_samples")

# An image in radar geometry has no map projection: the grid mapping says, as CF has it, on which ellipsoid
# its longitude and latitude are. The last two are GDAL's own words: only a variable with both keeps its
# NetCDF driver from turning the image upside down (it takes the first row of other files for the southern
# one, and looks at nothing else where y is not a map coordinate that decreases).
_GRID_MAPPING: dict[str, Any] = {
    "grid_mapping_name": "latitude_longitude",
    "geographic_crs_name": "WGS 84",
    "horizontal_datum_name": "World Geodetic System 1984",
    "reference_ellipsoid_name": "WGS 84",
    "semi_major_axis": 6378137.0,
    "inverse_flattening": 298.257223563,
    "prime_meridian_name": "Greenwich",
    "longitude_of_prime_meridian": 0.0,
    "comment": "ellipsoid of the coordinates longitude and latitude; the image itself is in radar geometry "
    "(azimuth, range), which spatial_ref and GeoTransform tell GDAL",
    "spatial_ref": 'ENGCRS["radar geometry",EDATUM["first line and sample of the image"],CS[Cartesian,2],'
    'AXIS["sample",unspecified,ORDER[1],LENGTHUNIT["pixel",1]],'
    'AXIS["line",unspecified,ORDER[2],LENGTHUNIT["pixel",1]]]',
    "GeoTransform": "0 1 0 0 0 1",
}

_COMMENT = (
    "Radar geometry: rows are lines (azimuth, in the order of acquisition), columns are samples (slant "
    "range). Longitude, latitude and height refer to the WGS84 ellipsoid. NaN where there is no value."
)


def netcdf_files(cube: xr.Dataset, folder: Path) -> list[Path]:
    """List the paths of the NetCDF files, ``<YYYYMMDD>.nc`` in ``folder``, one for every date of the cube.

    Raises AlignsarError where two dates would have one name.
    """
    dates = [date_name(time) for time in cube["time"].values]
    twice = {date for date in dates if dates.count(date) > 1}
    if twice:
        raise AlignsarError(
            f"cube: more than one acquisition on {', '.join(sorted(twice))}: NetCDF has one a date"
        )
    return [folder / f"{date}.nc" for date in dates]


def netcdf_file(cube: xr.Dataset, folder: Path) -> Path:
    """Name the NetCDF file of all dates, ``<first>_<last>.nc`` in ``folder``."""
    first, last = (date_name(cube["time"].values[place]) for place in (0, -1))
    return folder / f"{first}_{last}.nc"


def write_date(
    cube: xr.Dataset, index: int, path: Path, *, other: Path | None = None, workers: int = 1
) -> None:
    """Write date ``index`` of the cube to ``path``: beside it first, then renamed.

    ``other`` is the file of another date, if there is one: what is the same on all dates is copied from it. Layers
    are compressed in ``workers`` threads. The same cube gives the same bytes, whatever the order of its variables.
    Layers are [azimuth, range], float32 with NaN where invalid; a complex layer becomes two, ``<name>_real`` and
    ``<name>_imag``; what the cube has per date are scalars.
    Raises AlignsarError where the cube lacks metadata, or where the file cannot be written.
    """
    _write(cube, cube.isel(time=index), path, other, workers)


def write_dates(cube: xr.Dataset, path: Path, *, workers: int = 1) -> None:
    """Write all dates of the cube to ``path``, as `write_date` does one: layers are [time, azimuth, range]."""
    _write(cube, cube, path, None, workers)


def _write(cube: xr.Dataset, part: xr.Dataset, path: Path, other: Path | None, workers: int) -> None:
    """Write a part of the cube, a date or all."""
    attributes = _global_attributes(cube, part)
    beside = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            layers = sorted(str(n) for n in part.variables if set(IMAGE) <= set(part[n].dims))
            dated = {name for name in layers if "time" in cube[name].dims}
            chunk = _chunk_of([part[name] for name in layers])
            with netCDF4.Dataset(beside, "w", format="NETCDF4") as file:
                _write_coordinates(file, part, cube.attrs["reference_date"])
                _write_auxiliary(file, part, cube)
                for name in layers:
                    _define_layer(file, part[name], chunk, per_date=name in dated)
                file.setncatts(attributes)
            with (
                h5py.File(beside, "r+") as hdf5,
                nullcontext() if other is None else h5py.File(other, "r") as source,
            ):
                shared = [] if source is None else [name for name in layers if name not in dated]
                _fill(hdf5, source, [part[name] for name in layers], shared, workers)
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:
        # netCDF4 reports what HDF5 could not write, on a full disk for one, as a RuntimeError.
        raise AlignsarError(
            f"{path}: could not be written ({error}): check the free space and the permissions of its folder"
        ) from error


def _write_coordinates(file: netCDF4.Dataset, part: xr.Dataset, reference_date: str) -> None:
    """The axes, the coordinate time (since the reference's midnight), and the grid mapping."""
    for name in IMAGE:
        file.createDimension(name, part.sizes[name])
        variable = file.createVariable(name, "f8", (name,))
        variable.setncatts(_attributes(part[name]))
        variable[:] = part[name].values
    for name in _dims(part["time"]):
        file.createDimension(name, part.sizes[name])
    value, units = _encode_time(part["time"].values, np.datetime64(reference_date, "ns"))
    variable = file.createVariable("time", "i8", _dims(part["time"]))
    variable.setncatts(_attributes(part["time"]))
    variable.setncatts({"standard_name": "time", "units": units, "calendar": "standard"})
    variable.units_metadata = "leap_seconds: none"  # as in datetime64: every day has 86400 s
    variable[...] = value
    variable = file.createVariable("crs", "i4", ())
    variable.setncatts(_GRID_MAPPING)
    variable[...] = 0


def _dims(array: xr.DataArray) -> tuple[str, ...]:
    return tuple(map(str, array.dims))


def _encode_time(times: NDArray[np.datetime64], epoch: np.datetime64) -> tuple[NDArray[np.int64], str]:
    """Whole units since ``epoch``, and the unit's CF name: microseconds, or nanoseconds if it takes those.

    Seconds in float64 are read back a nanosecond short by xarray now and then.
    """
    nanoseconds = (times - epoch).astype("timedelta64[ns]").astype(np.int64)
    since = f"since {np.datetime_as_string(epoch, unit='s').replace('T', ' ')}"
    if (nanoseconds % 1000).any():
        return nanoseconds, f"nanoseconds {since}"
    return nanoseconds // 1000, f"microseconds {since}"


def _write_auxiliary(file: netCDF4.Dataset, part: xr.Dataset, cube: xr.Dataset) -> None:
    """What the cube has per date and not per pixel."""
    for name in sorted(str(n) for n in cube.variables if cube[n].dims == ("time",) and n != "time"):
        values = part[name].values
        is_text = values.dtype.kind in "OUT"
        fill_value = np.nan if values.dtype.kind == "f" else None
        kind: Any = str if is_text else values.dtype.newbyteorder("=")
        variable = file.createVariable(name, kind, _dims(part[name]), fill_value=fill_value)
        variable.setncatts(_attributes(part[name]))
        variable.setncatts({"coordinates": "time", "coverage_content_type": "auxiliaryInformation"})
        variable[...] = (values.astype(object) if is_text else values)[()]


def _names(layer: xr.DataArray) -> list[str]:
    """The variables that a layer becomes: two of a complex one."""
    name = str(layer.name)
    return [f"{name}_real", f"{name}_imag"] if layer.dtype.kind == "c" else [name]


def _storage(layer: xr.DataArray) -> np.dtype[Any]:
    """The type that a layer is stored in."""
    return np.dtype({"c": "f4", "b": "i1"}.get(layer.dtype.kind, layer.dtype)).newbyteorder("=")


def _chunk_of(layers: Sequence[xr.DataArray]) -> tuple[int, int]:
    """The lines and samples of a chunk: those of the cube, so that each of its own is read once."""
    found = [layer.encoding["preferred_chunks"] for layer in layers if "preferred_chunks" in layer.encoding]
    lines, samples = (found[0][name] for name in IMAGE) if found else CHUNK
    return min(lines, layers[0].sizes["azimuth"]), min(samples, layers[0].sizes["range"])


def _define_layer(
    file: netCDF4.Dataset, layer: xr.DataArray, chunk: tuple[int, int], *, per_date: bool
) -> None:
    """Define the compressed variables of a layer, still without values."""
    storage = _storage(layer)
    attributes = _layer_attributes(layer, storage, per_date=per_date)
    long_name = attributes.get("long_name", layer.name)
    for name in _names(layer):
        variable = file.createVariable(
            name,
            storage,
            IMAGE if layer.ndim == len(IMAGE) else ("time", *IMAGE),
            compression="zlib",
            complevel=1,
            shuffle=True,
            fill_value=np.nan if storage.kind == "f" else False,
            chunksizes=chunk if layer.ndim == len(IMAGE) else (1, *chunk),
        )
        variable.setncatts(attributes)
        if name != layer.name:
            part = "real" if name.endswith("_real") else "imaginary"
            variable.long_name = f"{long_name}, {part} part"


def _fill(
    file: h5py.File,
    source: h5py.File | None,
    layers: Sequence[xr.DataArray],
    shared: Sequence[str],
    workers: int,
) -> None:
    """Write the values of layers; the ``shared`` ones as they are compressed in the file of another date."""
    chunks = {name: Chunks.of(file[name]) for layer in layers for name in _names(layer)}
    known = {} if source is None else {name: Chunks.of(source[name]) for name in chunks if name in source}
    with Flow(workers, WAITING_BYTES) as flow:
        for layer in layers:
            if layer.name in shared:
                for name in _names(layer):
                    copy_chunks(flow, known[name], chunks[name])
                continue
            targets = [chunks[name] for name in _names(layer)]
            for date in np.ndindex(*[layer.sizes[name] for name in layer.dims if name not in IMAGE]):
                image = layer if not date else layer.isel(time=date[0])
                write_chunks(flow, targets, partial(_read, image), date)


def _read(layer: xr.DataArray, lines: slice, samples: slice) -> list[NDArray[Any]]:
    """The real arrays that a part of a layer is stored as. Infinity is a bug upstream: ValueError."""
    values = layer.variable.isel(azimuth=lines, range=samples).transpose(*IMAGE).values
    if values.dtype.kind in "fc" and np.isinf(values).any():
        raise ValueError(f"layer {layer.name} holds infinite values; what is not known must be NaN")
    planes = [values.real, values.imag] if values.dtype.kind == "c" else [values]
    return [plane.astype(_storage(layer), copy=False) for plane in planes]


def _layer_attributes(layer: xr.DataArray, storage: np.dtype[Any], *, per_date: bool) -> dict[str, Any]:
    """The local attributes of a layer, flags and coordinates included."""
    name = str(layer.name)
    attributes = _attributes(layer, storage)
    measured = per_date or "compares" in layer.attrs
    content = "physicalMeasurement" if measured else "referenceInformation"
    if layer.dtype.kind == "b":
        attributes.pop("valid_range", None)
        attributes["flag_values"] = np.array([0, 1], dtype=np.int8)
        attributes["flag_meanings"] = f"not_{name} {name}"
    if "flag_meanings" in attributes:
        attributes.pop("units", None)
        content = "qualityInformation"
    # On longitude and latitude too: GDAL would turn them upside down, and the image not.
    attributes["grid_mapping"] = "crs"
    if name in _UNITS:
        content = "coordinate"
    else:
        attributes["coordinates"] = "longitude latitude time" if per_date else "longitude latitude"
    return {"coverage_content_type": content, **attributes}


def _attributes(array: xr.DataArray, storage: np.dtype[Any] | None = None) -> dict[str, Any]:
    """The local attributes, with units of UDUNITS and bounds in the type that the values are stored in."""
    attributes = dict(array.attrs)
    if "units" in attributes:
        units = str(attributes["units"])
        attributes["units"] = _UNITS.get(str(array.name), _SINGULAR.get(units, units))
    for key in ("valid_range", "flag_values", "flag_masks"):
        if key in attributes:
            attributes[key] = np.asarray(attributes[key], dtype=storage or array.dtype)
    return attributes


def _global_attributes(cube: xr.Dataset, part: xr.Dataset) -> dict[str, Any]:
    """The cube's own attributes, those of ACDD that change with the dates, and the sar_* ones."""
    missing = [key for key in _NEEDED if key not in cube.attrs]
    if missing:
        raise AlignsarError(f"cube: it lacks the attributes {', '.join(missing)}: write the cube again")
    times = np.atleast_1d(part["time"].values)
    ends = [times[0], times[-1]][: len(times)]
    half = np.timedelta64(round((cube["azimuth"].values[-1] - cube["azimuth"].values[0]) / 2 * 1e9), "ns")
    start, end = ends[0] - half, ends[-1] + half
    attributes: dict[str, Any] = {"Conventions": "CF-1.11, ACDD-1.3", "comment": _COMMENT, **cube.attrs}
    attributes.pop("cube_format", None)
    if "title" in attributes:
        days = " to ".join(np.datetime_as_string(time, unit="D") for time in ends)
        attributes["title"] = f"{attributes['title']}, {days}"
    if "id" in attributes:
        attributes["id"] = "-".join([attributes["id"], *map(date_name, ends)])
    attributes |= {
        "history": f"{attributes['software']}, configuration {attributes['fingerprint']}: written from the "
        "cube of all dates (no time of writing: the same input gives the same file)",
        "standard_name_vocabulary": "CF Standard Name Table v85",
        "cdm_data_type": "Swath",
        "platform": ", ".join(sorted(set(map(str, np.atleast_1d(part["platform"].values))))),
        "instrument": "SAR",
        "geospatial_lat_units": "degrees_north",
        "geospatial_lon_units": "degrees_east",
        "geospatial_vertical_units": "m",
        "geospatial_vertical_positive": "up",
        "time_coverage_start": iso(start),
        "time_coverage_end": iso(end),
        "time_coverage_duration": f"PT{(end - start) / np.timedelta64(1, 's'):.6f}S",
    }
    return attributes | _sar_attributes(cube, part)


def _sar_attributes(cube: xr.Dataset, part: xr.Dataset) -> dict[str, Any]:
    """The sar_* attributes of the AlignSAR format, of a date's product; of several, one after the other.

    Two differ from its published code: sar_reference_date_time is what it calls sar_master_date_time, and
    sar_view_azimuth is an angle, the pass having its own attribute, sar_pass_direction.
    """
    of = cube.attrs
    dates = [iso(time) for time in np.atleast_1d(part["time"].values)]
    attributes = {
        "sar_date_time": " ".join(dates),
        "sar_reference_date_time": iso(reference_time(cube)),
        "sar_UTC_time": " ".join(date.removesuffix("Z").partition("T")[2] for date in dates),
        "sar_instrument_mode": of["instrument_mode"],
        "sar_looks_range": of["looks_range"],
        "sar_looks_azimuth": of["looks_azimuth"],
        "sar_pixel_spacing_range": of["range_spacing"],
        "sar_pixel_spacing_azimuth": of["azimuth_spacing"],
        "sar_processing_software": of["software"],
        "sar_absolute_orbit": part["absolute_orbit"].values[()],
        "sar_relative_orbit": of["relative_orbit"],
        "sar_pass_direction": of["pass_direction"],
        "sar_view_azimuth": view_azimuth(of["heading"], of["look_side"]),
        "sar_view_incidence_angle": of["incidence_angle_mid"],
    }
    if all(key in of for key in _CROP):
        attributes["sar_SLC_crop"] = np.array([of[key] for key in _CROP], dtype=np.int32)
        attributes["sar_SLC_crop_meanings"] = " ".join(key.removeprefix("crop_") for key in _CROP)
    return attributes


def view_azimuth(heading: float, look_side: str) -> float:
    """Compute the azimuth of the look direction, degrees clockwise from north, 0 to 360.

    A right angle to the heading: clockwise of it for a radar that looks right, else the other way.
    Raises AlignsarError for a side that is neither "right" nor "left".
    """
    if look_side not in {"right", "left"}:
        raise AlignsarError(f"cube: look_side must be right or left, got {look_side!r}")
    return (float(heading) + (90.0 if look_side == "right" else -90.0)) % 360.0
