"""Describe the cube's dimensions and variables by the STAC datacube extension."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from pystac.extensions.datacube import Dimension, Variable

from alignsar_gpu.dataset.dates import iso

if TYPE_CHECKING:
    import xarray as xr


def dimensions(cube: xr.Dataset) -> dict[str, Dimension]:
    """Describe the dimensions of the cube. Those of radar geometry are "additional": they are not x and y."""
    times = [iso(time) for time in np.sort(np.atleast_1d(cube["time"].values))]
    fields: dict[str, dict[str, Any]] = {
        "time": {"type": "temporal", "extent": [times[0], times[-1]], "values": times}
    }
    for name in ("azimuth", "range"):
        values = cube[name].values
        fields[name] = {
            "type": name,
            **_described(cube[name]),
            "extent": [float(values[0]), float(values[-1])],
        }
        if len(values) > 1:
            fields[name]["step"] = float((values[-1] - values[0]) / (len(values) - 1))
    return {name: Dimension.from_dict(properties) for name, properties in fields.items()}


def variables(cube: xr.Dataset) -> dict[str, Variable]:
    """Describe every layer and every value per date."""
    return {
        name: Variable(
            {
                "type": "data" if cube[name].ndim == 3 else "auxiliary",
                "dimensions": [str(dimension) for dimension in cube[name].dims],
                **_described(cube[name]),
            }
        )
        for name in sorted(str(name) for name in cube.variables if name not in cube.dims)
    }


def date_variables(cube: xr.Dataset) -> dict[str, Variable]:
    """Describe the variables of a date's NetCDF file: a complex layer is in two parts."""
    parts: dict[str, Variable] = {}
    for name, variable in variables(cube).items():
        fields = variable.to_dict()
        names = [f"{name}_real", f"{name}_imag"] if cube[name].dtype.kind == "c" else [name]
        parts |= {part: Variable(fields) for part in names}
    return parts


def _described(array: xr.DataArray) -> dict[str, Any]:
    """Description, unit and bounds of a variable, as the datacube extension has them."""
    fields: dict[str, Any] = {}
    if "long_name" in array.attrs:
        fields["description"] = array.attrs["long_name"]
    if "units" in array.attrs:
        fields["unit"] = array.attrs["units"]
    if "valid_range" in array.attrs:
        fields["extent"] = [float(value) for value in array.attrs["valid_range"]]
    return fields
