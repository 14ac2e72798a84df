"""What a map is made of: the cube's own geometry, the map's pixels, and the layers that are brought to them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np
import xarray as xr

from alignsar_gpu import kernels
from alignsar_gpu.application.dataset.derived import open_dataset
from alignsar_gpu.application.geocoding.grids import map_grid
from alignsar_gpu.dataset.cube import DIMENSIONS, CubeLayer
from alignsar_gpu.dataset.wrapped import is_wrapped
from alignsar_gpu.errors import AlignsarError, did_you_mean
from alignsar_gpu.geocoding.coverage import image_outline
from alignsar_gpu.geocoding.map_cube import map_layout
from alignsar_gpu.geocoding.positions import Geocoding
from alignsar_gpu.geocoding.tiles import IDS, MapTiles
from alignsar_gpu.geometry.stored.geometry import read_geometry

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.config.geocoding import GeocodingConfig
    from alignsar_gpu.dataset.cube import CubeLayout
    from alignsar_gpu.device import Device
    from alignsar_gpu.geocoding.map_grid import MapGrid
    from alignsar_gpu.geocoding.tiles import Interpolation, Tile
    from alignsar_gpu.transfers import Transfer

PLACES = ("longitude", "latitude")  # a map has coordinates of its own
SINGLE = "slc"  # begins the names of layers whose phases turn from pixel to pixel: no values between pixels


@dataclass(frozen=True, kw_only=True, eq=False)
class Mapping:
    """The map of a cube.

    Attributes
    ----------
    cube : opened, lazily.
    tiles : the map's pixels, and where they are in the image.
    layers : that are brought to it, as they are in the cube; their types are those of the map.
    resampling : how values are found between pixels.
    """

    cube: xr.Dataset
    tiles: MapTiles
    layers: Sequence[CubeLayer]
    resampling: Interpolation

    @property
    def grid(self) -> MapGrid:
        """The map's pixels."""
        return self.tiles.geocoding.map_grid

    def layout(self) -> CubeLayout:
        """Return the layout of the map cube."""
        along_time = [name for name in self.cube.coords if self.cube[name].dims == (DIMENSIONS[0],)]
        dates = xr.Dataset(coords={name: self.cube[name].variable for name in along_time})
        attributes = {name: value for name, value in self.cube.attrs.items() if not name.startswith("crop_")}
        side = self.tiles.side
        return map_layout(
            self.grid, dates=dates, layers=self.layers, attributes=attributes, chunk=(side, side)
        )

    def row(self, number: int) -> Iterator[tuple[Tile, CubeLayer, int | None, Transfer]]:
        """Yield layers of a row of tiles: the tile, the layer, its date, and values [row, column] on their way."""
        for tile in self.tiles.row(number):
            for layer in self.layers:
                for date in range(self.cube.sizes[DIMENSIONS[0]]) if layer.dated else (None,):
                    yield tile, layer, date, self._sampled(tile, layer, date)

    def _sampled(self, tile: Tile, layer: CubeLayer, date: int | None) -> Transfer:
        values = self.cube[layer.name].variable
        image = _Image(values if date is None else values[date])
        if layer.name.startswith(SINGLE):
            found = tile.centre.sampled(image, "nearest")
        else:
            found = tile.sampled(image, self.resampling, phase=is_wrapped(layer.attributes))
        return tile.geocoding.device.begin_download(found)


class _Image:
    """A variable [line, sample], of which windows are read."""

    def __init__(self, variable: xr.Variable) -> None:
        self._variable, self.shape, self.dtype = variable, variable.shape, variable.dtype

    def __getitem__(self, window: Any) -> NDArray[Any]:
        return np.asarray(self._variable[window].values)


def open_mapping(
    path: Path,
    config: GeocodingConfig,
    device: Device,
    cube: xr.Dataset | None = None,
    grid: MapGrid | None = None,
) -> Mapping:
    """Open the cube at ``path`` (a cube.zarr), to bring its layers to the map that is configured.

    ``cube`` are those of its layers and dates that are wanted, or more of the user's; by default it is opened.
    ``grid`` is the map, where it is known already.
    Raises AlignsarError for layers that it does not have, for a map that does not show the image, and for a cube that
    does not say where it lies.
    """
    geometry = read_geometry(path)
    cube = open_dataset(path) if cube is None else cube
    layers = chosen_layers(cube, config.layers)
    lines, samples = (cube.sizes[name] for name in DIMENSIONS[1:])
    if (lines, samples) != geometry.grid.shape:
        raise AlignsarError(
            f"geocode: the image has {geometry.grid.lines} lines and {geometry.grid.samples} samples, these layers "
            f"{lines} and {samples}; give all of them, and bounds of the map instead"
        )
    if grid is None:
        outline = image_outline(geometry.grid, geometry.orbit, geometry.dem, geometry.doppler)
        grid = map_grid(config, *outline)
    geocoding = Geocoding(**vars(geometry), map_grid=grid, device=device, partial=True)
    return Mapping(
        cube=cube,
        tiles=MapTiles.over(geocoding, average=config.resampling != "nearest"),
        layers=layers,
        resampling=cast("Interpolation", config.resampling),
    )


def chosen_layers(cube: xr.Dataset, names: Sequence[str]) -> list[CubeLayer]:
    """Describe the layers of a cube that are brought to a map: those that are named, or all."""
    images = [str(name) for name in cube.variables if set(cube[name].dims) >= set(DIMENSIONS[1:])]
    there = [name for name in images if name not in PLACES]
    check_names(names, there)
    for name in names:
        if not _can_be_mapped(cube[name]):
            raise AlignsarError(
                f"geocoding.layers: {name} is of {cube[name].dtype}, which is not brought to maps"
            )
    return [_described(cube[name]) for name in sorted(names or there) if _can_be_mapped(cube[name])]


def check_names(names: Sequence[str], there: Sequence[str]) -> None:
    """Raise AlignsarError for names that are not among the layers that a cube has, or will have."""
    for name in names:
        if name in PLACES:
            raise AlignsarError(f"geocoding.layers: {name} is a coordinate; the map has its own, x and y")
        if name not in there:
            near = did_you_mean(name, there)
            raise AlignsarError(
                f"geocoding.layers: the cube has no layer {name!r}; {near or 'it has ' + ', '.join(sorted(there))}"
            )


def _can_be_mapped(layer: xr.DataArray) -> bool:
    return _kind(layer).name in {*kernels.NO_DATA, IDS.name} or layer.dtype == np.bool_


def _kind(layer: xr.DataArray) -> np.dtype[Any]:
    """The type of a layer on the map."""
    return np.dtype("float32") if layer.dtype.kind == "f" else layer.dtype


def _described(layer: xr.DataArray) -> CubeLayer:
    attributes = dict(layer.attrs)
    return CubeLayer(
        name=str(layer.name),
        dtype=_kind(layer).name,
        dated=DIMENSIONS[0] in layer.dims,
        attributes=attributes,
    )
