"""Attributes of NetCDF files: CF-1.11, ACDD-1.3, and the sar_* attributes of AlignSAR."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.dates import date_name, iso, reference_time
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping

    import xarray as xr
    from numpy.typing import NDArray

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

_COMMENT = (
    "Radar geometry: rows are lines (azimuth, in the order of acquisition), columns are samples (slant "
    "range). Longitude, latitude and height refer to the WGS84 ellipsoid. NaN where there is no value."
)


def layer_attributes(layer: xr.DataArray, storage: np.dtype[Any], *, per_date: bool) -> dict[str, Any]:
    """The local attributes of a layer, flags and coordinates included."""
    name = str(layer.name)
    attributes = array_attributes(layer, storage)
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
        attributes["coordinates"] = "longitude latitude"
    return {"coverage_content_type": content, **attributes}


def array_attributes(array: xr.DataArray, storage: np.dtype[Any] | None = None) -> dict[str, Any]:
    """The local attributes, with units of UDUNITS and bounds in the type that the values are stored in."""
    attributes = dict(array.attrs)
    if "units" in attributes:
        units = str(attributes["units"])
        attributes["units"] = _UNITS.get(str(array.name), _SINGULAR.get(units, units))
    for key in ("valid_range", "flag_values", "flag_masks"):
        if key in attributes:
            attributes[key] = np.asarray(attributes[key], dtype=storage or array.dtype)
    return attributes


def global_attributes(cube: xr.Dataset, part: xr.Dataset) -> dict[str, Any]:
    """The cube's own attributes, those of ACDD that change with the dates, and the sar_* ones."""
    missing = [key for key in _NEEDED if key not in cube.attrs]
    if missing:
        raise AlignsarError(f"cube: it lacks the attributes {', '.join(missing)}: write the cube again")
    times = part["time"].values
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
        "standard_name_vocabulary": "CF Standard Name Table v93",
        "cdm_data_type": "Swath",
        "platform": ", ".join(sorted(set(map(str, part["platform"].values)))),
        "instrument": "SAR",
        "geospatial_lat_units": "degrees_north",
        "geospatial_lon_units": "degrees_east",
        "geospatial_vertical_units": "m",
        "geospatial_vertical_positive": "up",
        **_bounds(cube.attrs),
        "time_coverage_start": iso(start),
        "time_coverage_end": iso(end),
        "time_coverage_duration": f"PT{(end - start) / np.timedelta64(1, 's'):.6f}S",
        "time_coverage_resolution": f"PT{_interval(times, cube['azimuth'].values):.6f}S",
    }
    return attributes | sar_attributes(cube, part)


def _interval(times: NDArray[np.datetime64], azimuth: NDArray[np.float64]) -> float:
    """Return the shortest time between two dates, s; of a single date between two lines."""
    values = azimuth if len(times) == 1 else (times - times[0]) / np.timedelta64(1, "s")
    return float(np.diff(values).min()) if len(values) > 1 else 0.0


def _bounds(of: Mapping[str, Any]) -> dict[str, str]:
    """Return the box around the pixels as a polygon of latitudes and longitudes, as EPSG:4326 has them.

    None where a limit is unknown, and for a box across the 180th meridian, which is no polygon.
    """
    keys = [f"geospatial_{name}_{end}" for name in ("lat", "lon") for end in ("min", "max")]
    if not all(key in of for key in keys) or of["geospatial_lon_min"] > of["geospatial_lon_max"]:
        return {}
    south, north, west, east = (of[key] for key in keys)
    corners = [(south, west), (south, east), (north, east), (north, west), (south, west)]
    ring = ", ".join(f"{latitude:.6f} {longitude:.6f}" for latitude, longitude in corners)
    return {
        "geospatial_bounds": f"POLYGON (({ring}))",
        "geospatial_bounds_crs": "EPSG:4326",
        "geospatial_bounds_vertical_crs": "EPSG:4979",
    }


def sar_attributes(cube: xr.Dataset, part: xr.Dataset) -> dict[str, Any]:
    """Return the sar_* attributes of the AlignSAR format, of a date's product; of several, one after the other.

    They follow AlignSAR's table of attributes, from which its published code differs: sar_reference_date_time is what
    the code calls sar_master_date_time, and sar_view_azimuth is the heading, where the code writes the pass.
    """
    of = cube.attrs
    dates = [iso(time) for time in part["time"].values]
    attributes = {
        "sar_date_time": " ".join(dates),
        "sar_reference_date_time": iso(reference_time(cube)),
        "sar_UTC_time": " ".join(date.removesuffix("Z").partition("T")[2] for date in dates),
        "sar_instrument_mode": of["instrument_mode"],
        "sar_looks_range": of["looks_range"],
        "sar_looks_azimuth": of["looks_azimuth"],
        "sar_pixel_spacing_range": of["range_spacing"],
        "sar_pixel_spacing_azimuth": of["azimuth_spacing"],
        "sar_processing_software": _software(cube, part),
        "sar_absolute_orbit": part["absolute_orbit"].values,
        "sar_relative_orbit": of["relative_orbit"],
        "sar_pass_direction": of["pass_direction"],
        "sar_view_azimuth": float(of["heading"]),
        "sar_look_azimuth": look_azimuth(of["heading"], of["look_side"]),
        "sar_view_incidence_angle": of["incidence_angle_mid"],
    }
    return attributes | _crop(of)


def _software(cube: xr.Dataset, part: xr.Dataset) -> str:
    """Name the software from the raw data to the file, in the order in which it ran."""
    stack = [cube.attrs["stack_software"]] if "stack_software" in cube.attrs else []
    return "; ".join([*sorted(set(map(str, part["processor"].values))), *stack, cube.attrs["software"]])


def _crop(of: Mapping[str, Any]) -> dict[str, Any]:
    """Return which lines and samples of the SLC are in the file, where that is known."""
    if not all(key in of for key in _CROP):
        return {}
    first_line, lines, first_sample, samples = (of[key] for key in _CROP)
    crop = [first_line, first_line + lines - 1, first_sample, first_sample + samples - 1]
    return {
        "sar_SLC_crop": np.array(crop, dtype=np.int32),
        "sar_SLC_crop_meanings": "first_line last_line first_sample last_sample",
        "sar_SLC_crop_comment": "counted from 0; the last line and the last sample belong to the crop",
    }


def look_azimuth(heading: float, look_side: str) -> float:
    """Compute the azimuth of the look direction, degrees clockwise from north, 0 to 360.

    A right angle to the heading: clockwise of it for a radar that looks right, else the other way.
    Raises AlignsarError for a side that is neither "right" nor "left".
    """
    if look_side not in {"right", "left"}:
        raise AlignsarError(f"cube: look_side must be right or left, got {look_side!r}")
    return (float(heading) + (90.0 if look_side == "right" else -90.0)) % 360.0
