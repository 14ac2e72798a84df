"""What can be known of chips before there is a cube."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from pyproj import CRS

from alignsar_gpu.application.chips.boxes.layers import check_boxes
from alignsar_gpu.application.chips.growth import Earlier
from alignsar_gpu.application.chips.layers import check_names
from alignsar_gpu.application.chips.places import Windows
from alignsar_gpu.application.chips.regions import read_regions
from alignsar_gpu.application.chips.selection import ranges_of
from alignsar_gpu.application.chips.source import require_longitude, require_metres, require_valid
from alignsar_gpu.application.geocoding.grids import grid_of
from alignsar_gpu.application.geocoding.stage import MAP
from alignsar_gpu.application.objects.choice import LayerFacts
from alignsar_gpu.dataset.chips.splits.dates import check_ranges, split_by_dates
from alignsar_gpu.dataset.chips.splits.files import read_blocks
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignsar_gpu.config import Config
    from alignsar_gpu.dataset.cube import CubeLayer

DEGREES = CRS.from_epsg(4326)


def check_keys(config: Config) -> None:
    """Raise AlignsarError for keys of chips, and files that they name, that can be of no use whatever the cube is.

    Files that a simulation of the same run makes are not asked for.
    """
    chips = config.chips
    if chips.geometry == "map":
        _check_map(config)
    if chips.split.by == "dates":
        check_ranges(ranges_of(chips.split.dates.there))
    if _is_there(chips.split.regions, config):
        read_regions(str(chips.split.regions), chips.split.field, DEGREES)
    if _is_there(chips.split.file, config):
        read_blocks(Path(str(chips.split.file)).expanduser(), DEGREES)
    if chips.onto is not None:
        Earlier.open(chips.onto).continuing(chips)


def _is_there(path: str | None, config: Config) -> bool:
    if path is None or config.simulate is None:
        return path is not None
    made = Path(config.simulate.path).expanduser().absolute()
    return made not in Path(path).expanduser().absolute().parents


def _check_map(config: Config) -> None:
    """Raise AlignsarError where there is no map, will be none, or it is in degrees."""
    if config.geocoding.is_wanted:
        if "cube" not in config.geocoding.products:
            raise AlignsarError("chips.geometry=map: is cut from map.zarr; add cube to geocoding.products")
        if config.geocoding.layers:
            require_valid(config.geocoding.layers)
        crs = config.geocoding.crs if config.geocoding.match is None else grid_of(config.geocoding.match).crs
        if crs:
            require_metres(CRS.from_user_input(crs))
    elif not (Path(config.output).expanduser() / MAP).exists():
        raise AlignsarError(
            "chips.geometry=map: there is no map; give geocoding.resolution too, such as 20 (m of UTM)"
        )


def check_chips(
    config: Config, layers: Sequence[CubeLayer], shape: tuple[int, int], dates: Sequence[str], memory: int
) -> None:
    """Raise AlignsarError for layers and dates that the cube will not have, and for chips too large or too many.

    ``shape`` is of the image, and ``memory`` what may be held, in bytes.
    """
    chips, on_map = config.chips, config.geocoding.layers
    if chips.geometry == "map" and on_map:
        layers = [layer for layer in layers if layer.name in on_map]
    check_names(chips, {layer.name: layer.attributes for layer in layers})
    facts = {layer.name: LayerFacts(np.dtype(layer.dtype), layer.attributes, layer.dated) for layer in layers}
    check_boxes(chips, facts)
    if chips.geometry == "radar":
        require_longitude({layer.name for layer in layers})
        Windows.of(chips, shape).require_memory(memory)
    if chips.split.by == "dates":
        days = [np.datetime64(dt.date.fromisoformat(day)) for day in dates]
        split_by_dates(days, ranges_of(chips.split.dates.there))
