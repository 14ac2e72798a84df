"""STAC item: one date of the dataset."""

from __future__ import annotations

import datetime as dt
import re
from typing import TYPE_CHECKING, Any

import numpy as np
import pystac
from pystac.extensions.datacube import DatacubeExtension
from pystac.extensions.projection import ProjectionExtension
from pystac.extensions.sat import OrbitState, SatExtension
from pystac.extensions.view import ViewExtension

from alignsar_gpu.catalog.datacube import date_variables, dimensions
from alignsar_gpu.catalog.facts import identifier
from alignsar_gpu.dataset.dates import date_name, iso, reference_time, scalar
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    import xarray as xr

    from alignsar_gpu.catalog.footprint import Footprint

# Upper frequencies (GHz) of the bands, as the table of the SAR extension has them.
BANDS = ((1.0, "P"), (2.0, "L"), (4.0, "S"), (8.0, "C"), (12.5, "X"), (18.0, "Ku"), (26.5, "K"), (40.0, "Ka"))

# International designators (COSPAR): launches of 3 April 2014, 25 April 2016, 5 December 2024, 4 November 2025.
DESIGNATORS = {
    "Sentinel-1A": "2014-016A",
    "Sentinel-1B": "2016-025A",
    "Sentinel-1C": "2024-235A",
    "Sentinel-1D": "2025-251A",
}


def make_item(cube: xr.Dataset, date: xr.Dataset, outline: Footprint) -> pystac.Item:
    """Make the item of one date, without its asset, from the date's own element of the cube."""
    of, time = cube.attrs, scalar(date["time"])
    half = np.timedelta64(round((cube["azimuth"].values[-1] - cube["azimuth"].values[0]) / 2 * 1e9), "ns")
    product, platform = str(scalar(date["product_id"])), str(scalar(date["platform"]))
    properties = {
        "title": f"{of.get('title', 'SAR dataset')}, {np.datetime_as_string(time, unit='D')}",
        **_instrument(platform),
        "processing:software": _software(of["software"], str(scalar(date["processor"]))),
        "processing:lineage": f"made from {product}, on the radar grid of {of['reference_product_id']}",
        **_interferometry(cube, date),
        **_radar(cube),
    }
    for name, attribute in (("processing:level", "processing_level"), ("version", "product_version")):
        if attribute in of:
            properties[name] = str(of[attribute])
    item = pystac.Item(
        id=f"{identifier(cube)}-{date_name(time)}",
        geometry=outline.geometry,
        bbox=outline.bbox,
        datetime=_datetime(time),
        start_datetime=_datetime(time - half),
        end_datetime=_datetime(time + half),
        properties=properties,
    )
    SatExtension.ext(item, add_if_missing=True).apply(
        orbit_state=OrbitState(of["pass_direction"]),
        relative_orbit=int(of["relative_orbit"]),
        absolute_orbit=int(scalar(date["absolute_orbit"])),
        platform_international_designator=DESIGNATORS.get(platform),
    )
    view = ViewExtension.ext(item, add_if_missing=True)
    view.incidence_angle = float(of["incidence_angle_mid"])
    if "heading" in of:
        view.azimuth = (float(of["heading"]) + (90 if of["look_side"] == "right" else -90)) % 360
    # No code: radar geometry has no map projection, the raster's corners are not those of the footprint.
    shape = [cube.sizes["azimuth"], cube.sizes["range"]]
    ProjectionExtension.ext(item, add_if_missing=True).apply(code=None, shape=shape)
    DatacubeExtension.ext(item, add_if_missing=True).apply(dimensions(date), date_variables(cube))
    return item


def _radar(cube: xr.Dataset) -> dict[str, Any]:
    """The fields of the SAR extension, version 1.3, which pystac does not know."""
    of = cube.attrs
    frequency = float(of["radar_frequency"]) / 1e9
    band = next((name for upper, name in BANDS if frequency <= upper), None)
    if band is None:
        raise AlignsarError(
            f"cube: radar_frequency {frequency} GHz is above every radar band: write the cube again"
        )
    fields = {
        "instrument_mode": of["instrument_mode"],
        "frequency_band": band,
        "center_frequency": frequency,
        "polarizations": [name.strip().upper() for name in of["polarizations"].split(",")],
        "product_type": "SLC",
        "pixel_spacing_range": float(of["range_spacing"]),
        "pixel_spacing_azimuth": float(of["azimuth_spacing"]),
        "looks_range": int(of["looks_range"]),
        "looks_azimuth": int(of["looks_azimuth"]),
        "observation_direction": of["look_side"],
    }
    if of.get("swath"):
        fields["beam_ids"] = [name.strip() for name in of["swath"].split(",")]
    return {f"sar:{name}": value for name, value in fields.items()}


def _software(ours: str, processor: str) -> dict[str, str]:
    """Names and versions of what made the product, where it says both, and of what made the dataset of it."""
    named = [text.rpartition(" ") for text in (processor, ours)]
    return {name: version for name, _, version in named if name}


def _instrument(platform: str) -> dict[str, Any]:
    """Platform, and for Sentinel-1 constellation and instrument, in the spelling of the Copernicus catalogue."""
    fields: dict[str, Any] = {"platform": re.sub(r"\s+", "-", platform.lower())}
    if platform.startswith("Sentinel-1"):
        fields |= {"constellation": "sentinel-1", "instruments": ["c-sar"]}
    return fields


def _interferometry(cube: xr.Dataset, date: xr.Dataset) -> dict[str, Any]:
    """The fields of the InSAR extension; height of ambiguity only where there is one."""
    numbers = {
        f"insar:{name}": float(scalar(date[name]))
        for name in ("perpendicular_baseline", "temporal_baseline", "height_of_ambiguity")
    }
    return {
        **{name: value for name, value in numbers.items() if np.isfinite(value)},
        "insar:reference_datetime": iso(reference_time(cube)),
        "insar:secondary_datetime": iso(scalar(date["time"])),
    }


def _datetime(time: np.datetime64) -> dt.datetime:
    return dt.datetime.fromisoformat(iso(time))
