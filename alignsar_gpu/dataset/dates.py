"""Dates of a cube: times, names and single values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    import xarray as xr


def reference_time(cube: xr.Dataset) -> np.datetime64:
    """Find the time of the reference date, by its product id."""
    product = cube.attrs["reference_product_id"]
    times = cube["time"].values[cube["product_id"].values == product]
    if len(times) != 1:
        raise AlignsarError(
            f"cube: its reference is product {product}, which {len(times)} of its dates have: write the cube again"
        )
    reference: np.datetime64 = times[0]
    return reference


def date_name(time: np.datetime64) -> str:
    """Format a time as YYYYMMDD, as files are named."""
    return str(np.datetime_as_string(time, unit="D")).replace("-", "")


def scalar(array: xr.DataArray) -> Any:
    """Return the only element of an array without dimensions."""
    return array.values[()]


def iso(time: np.datetime64) -> str:
    """Format a time as ISO 8601 in UTC, to the microsecond."""
    return f"{np.datetime_as_string(time, unit='us')}Z"
