"""Layers on a map in memory: `alignsar_gpu.geocode`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from alignsar_gpu.application.dataset.derived import cube_at
from alignsar_gpu.application.geocoding.mapping import open_mapping
from alignsar_gpu.config import DeviceConfig, validate
from alignsar_gpu.config.geocoding import GeocodingConfig, check_geocoding
from alignsar_gpu.dataset.cube import fill_value
from alignsar_gpu.device import choose_device
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Sequence
    from os import PathLike

    from numpy.typing import NDArray


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
    values: dict[str, NDArray[Any]] = {
        layer.name: np.full(
            layout.shape[0 if layer.dated else 1 :], fill_value(layer.dtype), dtype=layer.dtype
        )
        for layer in layout.layers
    }
    for number in range(mapping.tiles.count):
        for tile, layer, date, found in mapping.row(number):
            values[layer.name][(*(() if date is None else (date,)), tile.rows, tile.columns)] = found
    variables = {
        layer.name: (layout.dimensions[0 if layer.dated else 1 :], values[layer.name], layer.attributes)
        for layer in layout.layers
    }
    return xr.Dataset(variables, layout.coordinates.coords, dict(layout.attributes))


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
