"""NetCDF output, a file a date or one of all."""

from __future__ import annotations

from contextlib import contextmanager, nullcontext
from functools import partial
from typing import TYPE_CHECKING, Any

import h5py
import netCDF4
import numpy as np

from alignsar_gpu.dataset.dates import date_name
from alignsar_gpu.dataset.deflate import Chunks, copy_chunks, write_chunks
from alignsar_gpu.dataset.flow import Flow
from alignsar_gpu.dataset.netcdf.attributes import array_attributes, global_attributes, layer_attributes
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray

IMAGE = ("azimuth", "range")

CHUNK = (256, 512)  # lines and samples of a chunk, where the cube has none
WAITING_BYTES = 1 << 27  # of values that are read and not yet written

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
    Layers are [time, azimuth, range] with one time, those that are the same on all dates [azimuth, range]; float32
    with NaN where invalid. A complex layer becomes two, ``<name>_real`` and ``<name>_imag``.
    Raises AlignsarError where the cube lacks metadata, or where the file cannot be written.
    """
    _write(cube, cube.isel(time=[index]), path, other, workers)


def write_dates(cube: xr.Dataset, path: Path, *, workers: int = 1) -> None:
    """Write all dates of the cube to ``path``, as `write_date` does one."""
    _write(cube, cube, path, None, workers)


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Give the name of a file that is written beside ``path``, and renamed at the end; removed if anything fails.

    Raises AlignsarError where it cannot be written.
    """
    beside = path.with_name(f".{path.name}.partial")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            yield beside
            beside.replace(path)
        finally:
            beside.unlink(missing_ok=True)
    except (OSError, RuntimeError) as error:
        # netCDF4 reports what HDF5 could not write, on a full disk for one, as a RuntimeError.
        raise AlignsarError(
            f"{path}: could not be written ({error}): check the free space and the permissions of its folder"
        ) from error


def _write(cube: xr.Dataset, part: xr.Dataset, path: Path, other: Path | None, workers: int) -> None:
    """Write a part of the cube, a date or all."""
    attributes = global_attributes(cube, part)
    with written_beside(path) as beside:
        layers = sorted(str(n) for n in part.variables if set(IMAGE) <= set(part[n].dims))
        shared = [name for name in layers if "time" not in cube[name].dims]
        chunk = chunk_of([part[name] for name in layers])
        with netCDF4.Dataset(beside, "w", format="NETCDF4") as file:
            _write_coordinates(file, part, cube.attrs["reference_date"])
            _write_auxiliary(file, part, cube)
            for name in layers:
                _define_layer(file, part[name], chunk, per_date=name not in shared)
            # xarray's: what is the same on all dates gets no time when it joins the files of several.
            fixed = ["crs", *(name for layer in shared for name in _names(part[layer]))]
            file.setncatts({**attributes, "coordinates": " ".join(fixed)})
        fill(beside, other, [part[name] for name in layers], shared, workers)


def _write_coordinates(file: netCDF4.Dataset, part: xr.Dataset, reference_date: str) -> None:
    """The axes, the coordinate time (since the reference's midnight), and the grid mapping."""
    for name in IMAGE:
        file.createDimension(name, part.sizes[name])
        variable = file.createVariable(name, "f8", (name,))
        # No axis X or Y: GDAL would take them for map coordinates and turn the image upside down.
        variable.setncatts(array_attributes(part[name]))
        variable.coverage_content_type = "coordinate"
        variable[:] = part[name].values
    file.createDimension("time", part.sizes["time"])
    value, units = _encode_time(part["time"].values, np.datetime64(reference_date, "ns"))
    variable = file.createVariable("time", "i8", ("time",))
    variable.setncatts(array_attributes(part["time"]))
    variable.setncatts({"standard_name": "time", "axis": "T", "units": units, "calendar": "standard"})
    variable.coverage_content_type = "coordinate"
    variable.units_metadata = "leap_seconds: none"  # as in datetime64: every day has 86400 s
    variable[...] = value
    variable = file.createVariable("crs", "i4", ())
    variable.setncatts(_GRID_MAPPING)
    variable[...] = 0


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
        variable = file.createVariable(name, kind, ("time",), fill_value=fill_value)
        variable.setncatts(array_attributes(part[name]))
        variable.coverage_content_type = "auxiliaryInformation"
        variable[...] = values.astype(object) if is_text else values


def _names(layer: xr.DataArray) -> list[str]:
    """The variables that a layer becomes: two of a complex one."""
    name = str(layer.name)
    return [f"{name}_real", f"{name}_imag"] if layer.dtype.kind == "c" else [name]


def _storage(layer: xr.DataArray) -> np.dtype[Any]:
    """The type that a layer is stored in."""
    return np.dtype({"c": "f4", "b": "i1"}.get(layer.dtype.kind, layer.dtype)).newbyteorder("=")


def chunk_of(layers: Sequence[xr.DataArray]) -> tuple[int, int]:
    """The lines and samples of a chunk: those of the cube, so that each of its own is read once."""
    found = [layer.encoding["preferred_chunks"] for layer in layers if "preferred_chunks" in layer.encoding]
    lines, samples = (found[0][name] for name in IMAGE) if found else CHUNK
    return min(lines, layers[0].sizes["azimuth"]), min(samples, layers[0].sizes["range"])


def create_variable(
    file: netCDF4.Dataset,
    name: str,
    storage: np.dtype[Any],
    dimensions: tuple[str, ...],
    chunk: tuple[int, int],
) -> netCDF4.Variable[Any]:
    """Create the compressed variable of an image, or of one a date, still without values."""
    return file.createVariable(
        name,
        storage,
        dimensions,
        compression="zlib",
        complevel=1,
        shuffle=True,
        fill_value=np.nan if storage.kind == "f" else False,
        chunksizes=(1,) * (len(dimensions) - len(chunk)) + chunk,
    )


def _define_layer(
    file: netCDF4.Dataset, layer: xr.DataArray, chunk: tuple[int, int], *, per_date: bool
) -> None:
    """Define the compressed variables of a layer, still without values."""
    storage = _storage(layer)
    attributes = layer_attributes(layer, storage, per_date=per_date)
    long_name = attributes.get("long_name", layer.name)
    dimensions = IMAGE if layer.ndim == len(IMAGE) else ("time", *IMAGE)
    for name in _names(layer):
        variable = create_variable(file, name, storage, dimensions, chunk)
        variable.setncatts(attributes)
        if name != layer.name:
            part = "real" if name.endswith("_real") else "imaginary"
            variable.long_name = f"{long_name}, {part} part"


def fill(
    path: Path, other: Path | None, layers: Sequence[xr.DataArray], shared: Sequence[str], workers: int
) -> None:
    """Write the values of layers into a file that has their variables.

    ``shared`` are those that all dates have: they are taken as they are compressed in the ``other`` file of a date.
    """
    with (
        h5py.File(path, "r+") as file,
        nullcontext() if other is None else h5py.File(other, "r") as source,
    ):
        _fill(file, source, layers, [] if source is None else shared, workers)


def _fill(
    file: h5py.File,
    source: h5py.File | None,
    layers: Sequence[xr.DataArray],
    shared: Sequence[str],
    workers: int,
) -> None:
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
