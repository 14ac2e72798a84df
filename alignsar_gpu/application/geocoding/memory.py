"""Layers on a map in memory: `alignsar_gpu.geocode`."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from alignsar_gpu.application.dataset.derived import cube_at
from alignsar_gpu.application.geocoding.mapping import open_mapping
from alignsar_gpu.application.space import in_units
from alignsar_gpu.config import DeviceConfig, validate
from alignsar_gpu.config.geocoding import GeocodingConfig, check_geocoding
from alignsar_gpu.dataset.cube import fill_value
from alignsar_gpu.device import choose_device
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from numpy.typing import NDArray

    from alignsar_gpu.dataset.cube import CubeLayout


def geocoded(
    cube: str | PathLike[str] | xr.Dataset,
    *,
    bounds: Sequence[float],
    match: str | PathLike[str] | None,
    layers: Sequence[str],
    **keys: Any,
) -> xr.Dataset:
    """Bring layers to a map; see `alignsar_gpu.geocode`."""
    config = GeocodingConfig(
        bounds=[float(edge) for edge in bounds],
        match=None if match is None else str(match),
        layers=list(layers),
        **keys,
    )
    validate(config, "geocoding.")
    if not config.is_wanted:
        raise AlignsarError(
            "geocode: give resolution, the size of a map pixel (20, m of UTM), or a raster to match"
        )
    check_geocoding(config)
    given = cube if isinstance(cube, xr.Dataset) else None
    mapping = open_mapping(_path_of(cube), config, choose_device(DeviceConfig()), given)
    layout = mapping.layout()
    _require_memory(layout)
    values: dict[str, NDArray[Any]] = {
        layer.name: np.full(
            layout.shape[0 if layer.dated else 1 :], fill_value(layer.dtype), dtype=layer.dtype
        )
        for layer in layout.layers
    }
    for number in range(mapping.tiles.count):
        for tile, layer, date, found in mapping.row(number):
            values[layer.name][(*(() if date is None else (date,)), tile.rows, tile.columns)] = found.result()
    variables = {
        layer.name: (layout.dimensions[0 if layer.dated else 1 :], values[layer.name], layer.attributes)
        for layer in layout.layers
    }
    return xr.Dataset(variables, layout.coordinates.coords, dict(layout.attributes))


def _require_memory(layout: CubeLayout) -> None:
    """Raise AlignsarError for a map that does not fit into the memory of the machine."""
    pixels = math.prod(layout.shape[1:])
    images = [layout.shape[0] if layer.dated else 1 for layer in layout.layers]
    needed = sum(
        pixels * count * np.dtype(layer.dtype).itemsize
        for layer, count in zip(layout.layers, images, strict=True)
    )
    there = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    if needed > there:
        raise AlignsarError(
            f"geocode: the map of {layout.shape[1]} x {layout.shape[2]} pixels, {sum(images)} layers and dates, takes "
            f"{in_units(needed)} of memory, and this machine has {in_units(there)}; give a coarser resolution, bounds "
            "or fewer layers, or let the command geocoding.resolution=... output=FOLDER write it"
        )


def _path_of(cube: str | PathLike[str] | xr.Dataset) -> Path:
    """Return the path of a cube.zarr."""
    if not isinstance(cube, xr.Dataset):
        return cube_at(cube)
    source = cube.encoding.get("source")
    if source is None:
        raise AlignsarError(
            "geocode: this dataset does not say which cube it comes from; give its folder, or what alignsar_gpu.open "
            "returns"
        )
    return Path(source)
