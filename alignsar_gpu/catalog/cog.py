"""Describe a GeoTIFF of a map by the fields that its STAC asset has."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING, Any

from alignsar_gpu.opening.rasters import open_raster

if TYPE_CHECKING:
    from pathlib import Path

    import rasterio

STATISTICS = {
    "minimum": "STATISTICS_MINIMUM",
    "maximum": "STATISTICS_MAXIMUM",
    "mean": "STATISTICS_MEAN",
    "stddev": "STATISTICS_STDDEV",
    "valid_percent": "STATISTICS_VALID_PERCENT",
}
CLASS = re.compile(r"class_(\d+)")
NO_COLOUR = (0, 0, 0, 255)  # of codes that a colour table does not list


def describe_cog(path: Path) -> dict[str, Any]:
    """Return the fields of a GeoTIFF: its place, its bands, and the names and colours of its classes."""
    with open_raster(path, f"STAC: {path}") as file:
        about = {"description": file.tags()["description"]} if "description" in file.tags() else {}
        return {**about, **_place(file), "bands": _bands(file), **_classes(file)}


def _place(file: rasterio.DatasetReader) -> dict[str, Any]:
    authority = file.crs.to_authority() if file.crs else None
    fields: dict[str, Any] = {
        "proj:code": ":".join(authority) if authority else None,
        "proj:shape": list(file.shape),
        "proj:transform": list(file.transform)[:6],
        "proj:bbox": list(file.bounds),
    }
    if file.crs and not authority:
        fields["proj:wkt2"] = file.crs.to_wkt(version="WKT2_2019")
    return fields


def _bands(file: rasterio.DatasetReader) -> list[dict[str, Any]]:
    bands = []
    for index, dtype in enumerate(file.dtypes, start=1):
        name, _, description = (file.descriptions[index - 1] or f"band {index}").partition(": ")
        band: dict[str, Any] = {"name": name, "data_type": dtype, "raster:sampling": "area"}
        if description:
            band["description"] = description
        if (unit := file.units[index - 1]) is not None:
            band["unit"] = unit
        if file.nodata is not None:
            band["nodata"] = "nan" if math.isnan(file.nodata) else int(file.nodata)
        if file.crs and file.crs.is_projected:
            band["raster:spatial_resolution"] = abs(file.transform.a) * file.crs.linear_units_factor[1]
        stored = file.tags(index)
        statistics = {name: float(stored[tag]) for name, tag in STATISTICS.items() if tag in stored}
        if all(map(math.isfinite, statistics.values())) and statistics:
            band["statistics"] = statistics
        bands.append(band)
    return bands


def _classes(file: rasterio.DatasetReader) -> dict[str, Any]:
    """Classes of a layer of classes or flags, by the tags that name them and the colour table."""
    names = {int(found[1]): name for tag, name in file.tags().items() if (found := CLASS.fullmatch(tag))}
    if not names:
        return {}
    colours = file.colormap(1) if file.colorinterp[0].name == "palette" else {}
    classes = [class_of(code, name) for code, name in sorted(names.items())]
    for entry in classes:
        colour = colours.get(entry["value"], NO_COLOUR)
        if entry["value"] == file.nodata:
            entry["nodata"] = True
        elif colour != NO_COLOUR:
            entry["color_hint"] = "".join(f"{part:02X}" for part in colour[:3])
    return {"classification:classes": classes}


def class_of(code: int, name: str) -> dict[str, Any]:
    """Describe a class by its code, its name in the letters that STAC takes, and its name as it is."""
    plain = re.sub(r"[^0-9A-Za-z-]+", "_", name).strip("_")
    return {"value": code, "name": plain or f"class_{code}", "title": name}
