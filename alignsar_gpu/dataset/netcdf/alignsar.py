"""NetCDF files that AlignSAR's code reads: its names of files, dimensions, variables and attributes.

All variables are images of one shape, the ten signatures first, then the four labels, then the place: that code takes
them by their order. Its table of attributes differs from what its code writes here and there: the table's name and
meaning count, and the code's name is there too where it is another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import netCDF4
import numpy as np

from alignsar_gpu.dataset.netcdf.attributes import global_attributes
from alignsar_gpu.dataset.netcdf.files import (
    IMAGE,
    chunk_of,
    create_variable,
    fill,
    netcdf_files,
    written_beside,
)

if TYPE_CHECKING:
    from pathlib import Path

    import xarray as xr

DIMENSIONS = ("lines (azimuth)", "pixels (range)")
SIGNATURES = {
    "VV amplitude (linear)": "amplitude_vv",
    "VH amplitude (linear)": "amplitude_vh",
    "VV interferometric phase (radians)": "interferometric_phase_vv",
    "VV coherence": "coherence_vv",
    "Intensity summation": "intensity_sum",
    "Intensity difference (dual-pol difference)": "intensity_difference",
    "Intensity ratio (dual-pol power ratio)": "intensity_ratio",
    "Cross-pol correlation coefficient": "cross_correlation",
    "Cross-pol cross product": "cross_product",
    "Entropy": "entropy",
}
LABELS = {"Buildings": "building", "Railways": "railway", "Water": "water", "Roads": "road"}
PLACE = {"Lon": "longitude", "Lat": "latitude"}
_CODE = {name: name.capitalize() for name in ("format", "range", "description", "source", "reference")}
_CODE["unit"] = "Units"
_GLOBAL = {
    "sar_slc_crop": ("sar_SLC_crop", "sar_SLC_crop[azimuth,range]"),
    "sar_reference_date_time": ("sar_reference_date_time", "sar_master_date_time"),
}


@dataclass(frozen=True)
class Chosen:
    """The layers of a cube by AlignSAR's names, in its order, and the names that the cube has nothing for."""

    layers: dict[str, str]
    absent: tuple[str, ...]


def choose_layers(cube: xr.Dataset) -> Chosen:
    """Find the layers of the cube that AlignSAR's format has a name for.

    A label is a layer of shares called as AlignSAR's in the singular or the plural, or ending so (``cover_water``).
    Other labels follow under their own names, in words: ``oil_region`` as "Oil region".
    """
    labels = sorted(str(name) for name, layer in cube.variables.items() if _is_label(layer))
    found: dict[str, str] = {}
    absent = []
    for name, of in (SIGNATURES | LABELS | PLACE).items():
        candidates = _called(of, labels) if name in LABELS else [of][: of in cube.variables]
        if candidates:
            found[name] = candidates[0]
        else:
            absent.append(name)
    others = [label for label in labels if label not in found.values()]
    found |= {label.replace("_", " ").capitalize(): label for label in others}
    return Chosen(layers=found, absent=tuple(absent))


def _is_label(layer: xr.Variable) -> bool:
    return layer.dims == IMAGE and layer.dtype.kind == "f" and "inherited_from" in layer.attrs


def _called(name: str, labels: list[str]) -> list[str]:
    """Return the labels of a name, the one that is called just so first."""
    names = [name, f"{name}s"]
    exact = [label for label in labels if label in names]
    return exact + [label for label in labels if label not in names and label.rpartition("_")[2] in names]


def alignsar_files(cube: xr.Dataset, folder: Path) -> list[Path]:
    """List the paths of the files, ``netcdf_<YYYYMMDD>_full_attributes.nc``, one for every date of the cube.

    Raises AlignsarError where two dates would have one name.
    """
    return [file.with_name(f"netcdf_{file.stem}_full_attributes.nc") for file in netcdf_files(cube, folder)]


def write_alignsar_date(
    cube: xr.Dataset, index: int, path: Path, *, other: Path | None = None, workers: int = 1
) -> None:
    """Write date ``index`` of the cube to ``path`` as AlignSAR's code reads it; see `files.write_date`."""
    attributes = _global_attributes(cube, cube.isel(time=[index]))
    chosen = choose_layers(cube).layers
    layers = {name: cube[of] for name, of in chosen.items()}
    shared = [name for name, layer in layers.items() if "time" not in layer.dims]
    images = [
        (layer if name in shared else layer.isel(time=index)).rename(name) for name, layer in layers.items()
    ]
    chunk = chunk_of(images)
    with written_beside(path) as beside:
        with netCDF4.Dataset(beside, "w", format="NETCDF4") as file:
            for dimension, axis in zip(DIMENSIONS, IMAGE, strict=True):
                file.createDimension(dimension, cube.sizes[axis])
            for image in images:
                storage = image.dtype.newbyteorder("=")
                variable = create_variable(file, str(image.name), storage, DIMENSIONS, chunk)
                variable.setncatts(_layer_attributes(cube, image))
            file.setncatts(attributes)
        fill(beside, other, images, shared, workers)


def _layer_attributes(cube: xr.Dataset, layer: xr.DataArray) -> dict[str, str]:
    """Return unit, format, range, description, source and reference of a layer, as far as they are known."""
    of = layer.attrs
    description = [str(of[key]) for key in ("long_name", "description", "comment") if key in of]
    found = {
        "unit": _unit(str(of.get("units", "1"))),
        "format": str(layer.dtype),
        "range": _range(of),
        "description": "; ".join(description),
        "source": str(of.get("source", of.get("inherited_from", cube.attrs.get("source", "")))),
        "reference": str(of.get("references", "")),
    }
    known = {key: text for key, text in found.items() if text}
    return known | {_CODE[key]: text for key, text in known.items()}


def _unit(units: str) -> str:
    """Return units in AlignSAR's words."""
    return {"1": "unitless", "rad": "radians"}.get(units, "degree" if units.startswith("degree") else units)


def _range(of: dict[str, Any]) -> str:
    if "valid_range" not in of:
        return ""
    ends = [float(end) for end in of["valid_range"]]
    if np.allclose(ends, [-np.pi, np.pi]):
        return "between -pi and +pi"
    return "between {:g} and {:g}".format(*ends)


def _global_attributes(cube: xr.Dataset, part: xr.Dataset) -> dict[str, Any]:
    """Return our own global attributes, with the names of AlignSAR's table and of its code.

    Names with blanks are not CF's, so that Conventions names ACDD alone.
    """
    attributes = global_attributes(cube, part)
    attributes["Conventions"] = "ACDD-1.3"
    for key, aliases in _GLOBAL.items():
        if aliases[0] in attributes:
            value = attributes[aliases[0]]
            attributes |= dict.fromkeys((key, *aliases), value)
    return attributes
