"""NetCDF files of a map, one a date, as xarray writes them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignsar_gpu.dataset.cube import open_cube
from alignsar_gpu.dataset.dates import date_name

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr

PACKED = {"zlib": True, "complevel": 1, "shuffle": True}


def write_map_date(cube: Path, folder: Path, index: int) -> Path:
    """Write date ``index`` of the map cube at ``cube``, ``<YYYYMMDD>.nc``; a complex layer as its two parts."""
    date = open_cube(cube).isel(time=[index])
    path = folder / f"{date_name(date['time'].values[0])}.nc"
    beside = path.with_name(f".{path.name}.partial")
    layers = {str(name): layer for name, layer in date.data_vars.items()}
    for name in [name for name, layer in layers.items() if layer.dtype.kind == "c"]:
        layer = layers.pop(name)
        layers |= {f"{name}_real": layer.real, f"{name}_imag": layer.imag}
    plain = date.drop_vars(list(date.data_vars)).assign(layers)
    plain.attrs = {name: value for name, value in date.attrs.items() if _is_plain(name)}
    plain.attrs["Conventions"] = "CF-1.11"
    # What is the same on all dates gets no time when xarray joins the files of several.
    plain = plain.set_coords([name for name, layer in layers.items() if "time" not in layer.dims])
    folder.mkdir(parents=True, exist_ok=True)
    try:
        plain.to_netcdf(
            beside, engine="netcdf4", encoding={name: _encoding(layer) for name, layer in layers.items()}
        )
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
    return path


def _is_plain(name: str) -> bool:
    """Whether an attribute is not one of GeoZarr's, which are of Zarr alone."""
    return ":" not in name and name not in {"zarr_conventions", "cube_format"}


def _encoding(layer: xr.DataArray) -> dict[str, Any]:
    return PACKED | ({"_FillValue": float("nan")} if layer.dtype.kind == "f" else {"_FillValue": None})
