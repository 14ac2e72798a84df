"""cube.zarr: created once with all its names, then filled by rows of chunks."""

from __future__ import annotations

import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
import zarr

from alignsar_gpu.dataset.bounds import bounds_of, longitude_bounds
from alignsar_gpu.errors import writing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

DIMENSIONS = ("time", "azimuth", "range")
LONGITUDE = "longitude"  # the layer whose values go round the Earth


@dataclass(frozen=True, kw_only=True)
class CubeLayer:
    """An array of the cube that is filled block by block.

    ``dated`` layers have the dimensions (time, azimuth, range), others (azimuth, range). A ``coordinate``
    says where the pixels of the others lie.
    """

    name: str
    dtype: str
    dated: bool
    coordinate: bool = False
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class CubeLayout:
    """Layout of a cube: everything but the content of its layers.

    Attributes
    ----------
    shape : (dates, lines, samples).
    chunk : (lines, samples) of a chunk; a chunk holds one date.
    dimensions : what these three are called; dates may be pairs of dates.
    coordinates : small arrays written at once (an xarray.Dataset with the coordinates and the variables
        along time, all as coordinates).
    layers : what is filled later.
    attributes : the global attributes.
    """

    shape: tuple[int, int, int]
    chunk: tuple[int, int]
    coordinates: xr.Dataset
    layers: Sequence[CubeLayer]
    attributes: Mapping[str, Any]
    dimensions: tuple[str, str, str] = DIMENSIONS

    @property
    def rows(self) -> int:
        """Number of rows of chunks."""
        return -(-self.shape[1] // self.chunk[0])


def _fill_value(dtype: str) -> Any:
    kind = np.dtype(dtype).kind
    return {"f": np.nan, "c": complex(np.nan, np.nan), "b": False, "u": 0, "i": 0}[kind]


def create_cube(path: Path, layout: CubeLayout) -> None:
    """Create an empty cube at ``path``: coordinates and attributes complete, layers without chunks."""
    with warnings.catch_warnings():
        # text as a Zarr v3 data type is an extension that zarr and xarray agree on
        warnings.simplefilter("ignore", zarr.errors.UnstableSpecificationWarning)
        layout.coordinates.assign_attrs(dict(layout.attributes)).to_zarr(
            path, mode="w", zarr_format=3, consolidated=False
        )
    group = zarr.open_group(path, mode="r+", zarr_format=3)
    along_time = sorted(str(name) for name in layout.coordinates.coords if name not in layout.dimensions)
    in_space = [layer.name for layer in layout.layers if layer.coordinate]
    for layer in layout.layers:
        skip = 0 if layer.dated else 1
        names = [] if layer.coordinate else [*(along_time if layer.dated else []), *in_space]
        group.create_array(
            layer.name,
            shape=layout.shape[skip:],
            chunks=(1, *layout.chunk)[skip:],
            dtype=layer.dtype,
            fill_value=_fill_value(layer.dtype),
            dimension_names=layout.dimensions[skip:],
            attributes={**layer.attributes, **({"coordinates": " ".join(names)} if names else {})},
        )


class CubeWriter:
    """Write the layers of a cube made by `create_cube`."""

    def __init__(self, path: Path, layout: CubeLayout) -> None:
        self._path, self._layout = path, layout
        self._group = zarr.open_group(path, mode="r+", zarr_format=3)
        self._arrays: dict[str, zarr.Array[Any]] = {}

    def write(self, name: str, first: int, values: NDArray[Any], date: int | None = None) -> None:
        """Write ``values`` [line, sample] of layer ``name`` from line ``first`` on (of one date, if dated).

        Blocks must start at a row of chunks, so that no chunk is written by two blocks.
        """
        if first % self._layout.chunk[0]:
            raise ValueError(f"block starts at line {first}, not at a multiple of {self._layout.chunk[0]}")
        if name not in self._arrays:
            self._arrays[name] = self._array(name)
        lines = slice(first, first + values.shape[0])
        with writing(self._path / name):
            self._arrays[name][lines if date is None else (date, lines)] = values

    def _array(self, name: str) -> zarr.Array[Any]:
        with zarr.config.set({"array.write_empty_chunks": True}):  # a missing chunk is damage, not emptiness
            array = self._group[name]
        if not isinstance(array, zarr.Array):
            raise TypeError(f"{self._path}/{name} is no array")
        return array

    def chunk_files(self, row: int, names: Sequence[str] | None = None) -> list[Path]:
        """List the files that hold row ``row`` of chunks, of all layers or of some, sorted."""
        files: list[Path] = []
        for layer in self._layout.layers:
            if names is not None and layer.name not in names:
                continue
            pattern = f"c/*/{row}/*" if layer.dated else f"c/{row}/*"
            files += (self._path / layer.name).glob(pattern)
        return sorted(files)


def layer_bounds(path: Path, layer: str) -> tuple[float, float]:
    """Find the smallest and largest finite value of a layer, of longitudes west and east; read a row at a time.

    NaN, NaN if there is none; see `bounds.longitude_bounds`.
    """
    array = zarr.open_array(path, path=layer, mode="r", zarr_format=3)
    rows = range(0, array.shape[0], array.chunks[0])
    blocks = (np.asarray(array[first : first + array.chunks[0]]) for first in rows)
    return longitude_bounds(blocks) if layer == LONGITUDE else bounds_of(blocks)


def finish_cube(path: Path, attributes: Mapping[str, Any]) -> None:
    """Add ``attributes``, then consolidate the metadata so that opening the cube reads one file."""
    zarr.open_group(path, mode="r+", zarr_format=3).update_attributes(dict(attributes))
    with warnings.catch_warnings():
        # consolidated metadata is an extension of Zarr v3 that xarray reads
        warnings.filterwarnings("ignore", message="Consolidated metadata", category=UserWarning)
        zarr.consolidate_metadata(path, zarr_format=3)


def open_cube(path: Path) -> xr.Dataset:
    """Open the cube at ``path``, lazily."""
    cube: xr.Dataset = xr.open_zarr(path, chunks=None, consolidated=True)
    return cube


def write_dataset(path: Path, dataset: xr.Dataset) -> None:
    """Write a small in-memory dataset as Zarr v3 with consolidated metadata."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", zarr.errors.UnstableSpecificationWarning)
        warnings.filterwarnings("ignore", message="Consolidated metadata", category=UserWarning)
        dataset.to_zarr(path, mode="w", zarr_format=3, consolidated=True)


def append_dataset(path: Path, dataset: xr.Dataset, dimension: str) -> None:
    """Append ``dataset`` along a dimension to one written by `write_dataset`; other variables stay as they are."""
    fixed = [name for name, variable in dataset.variables.items() if dimension not in variable.dims]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", zarr.errors.UnstableSpecificationWarning)
        warnings.filterwarnings("ignore", message="Consolidated metadata", category=UserWarning)
        dataset.drop_vars(fixed).to_zarr(path, append_dim=dimension, zarr_format=3, consolidated=True)
