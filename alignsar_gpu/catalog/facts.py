"""Attributes of the cube that STAC needs, in STAC's spelling."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    import xarray as xr

# The global attributes that an item cannot do without.
_NEEDED = (
    "software",
    "reference_product_id",
    "instrument_mode",
    "pass_direction",
    "look_side",
    "relative_orbit",
    "radar_frequency",
    "polarizations",
    "range_spacing",
    "azimuth_spacing",
    "looks_range",
    "looks_azimuth",
    "incidence_angle_mid",
)


def require_attributes(cube: xr.Dataset) -> None:
    """Raise AlignsarError if the cube lacks a global attribute that every item needs."""
    missing = [key for key in _NEEDED if key not in cube.attrs]
    if missing:
        raise AlignsarError(f"cube: it lacks the attributes {', '.join(missing)}: write the cube again")


def identifier(cube: xr.Dataset) -> str:
    """Return the dataset's id, or make one of title and reference in letters that every file system accepts."""
    made = f"{cube.attrs.get('title', 'SAR dataset')} {cube.attrs['reference_product_id']}"
    return re.sub(r"[^A-Za-z0-9_.]+", "-", cube.attrs.get("id") or made).strip("-.") or "dataset"
