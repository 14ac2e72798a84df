"""cube.zarr: created once with all its names, filled by `writer.CubeWriter`, and opened."""

from __future__ import annotations

import json
import warnings
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
import zarr
from xarray.core import indexing
from zarr.codecs import BloscCname, BloscCodec, BloscShuffle

from alignsar_gpu.dataset.bounds import bounds_of, longitude_bounds
from alignsar_gpu.dataset.stored import StoredLayer
from alignsar_gpu.opening.texts import load_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

DIMENSIONS = ("time", "azimuth", "range")
LONGITUDE = "longitude"  # the layer whose values go round the Earth
OF_REFERENCE = "value_of_reference_date"  # attribute of layers that compare a date with the reference
SINCE = " since "  # in units of what counts from a date
FORMAT = 1  # of what is written here; one more whenever earlier cubes cannot be read any more
MOST_CHUNKS = 8192  # of a shard, whose index is read with every access


@dataclass(frozen=True, kw_only=True)
class CubeLayer:
    """An array of the cube that is filled block by block.

    ``dated`` layers have all dimensions of the cube, others those in space. A ``coordinate``
    says where the pixels of the others lie. Of ``mantissa_bits`` are kept, where not all are.
    """

    name: str
    dtype: str
    dated: bool
    coordinate: bool = False
    mantissa_bits: int | None = None
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

    @property
    def columns(self) -> int:
        """Number of chunks in a row, of one date."""
        return -(-self.shape[2] // self.chunk[1])

    def shard(self, layer: CubeLayer) -> tuple[int, int, int]:
        """Chunks of a shard of a layer: all dates and samples, and as many rows as give no more than MOST_CHUNKS."""
        dates = self.shape[0] if layer.dated else 1
        rows = max(1, min(MOST_CHUNKS // (dates * self.columns), self.rows))
        return dates, rows, self.columns


@dataclass(frozen=True, kw_only=True)
class Compression:
    """How the chunks of a layer are compressed by Blosc; ``size`` are the bytes of what is shuffled."""

    name: str
    level: int
    shuffle: str
    size: int

    @property
    def codec(self) -> BloscCodec:
        """The same as Zarr describes it."""
        return BloscCodec(
            typesize=self.size,
            cname=BloscCname(self.name),
            clevel=self.level,
            shuffle=BloscShuffle(self.shuffle),
        )


def compression_of(layer: CubeLayer) -> Compression:
    """Choose how the chunks of a layer are compressed; ``benchmarks/codecs.py`` measures the alternatives.

    What changes with the date has noise in nearly all its bits. LZ4 of shuffled bits finds those that are alike, at
    2 GB/s a core. What is smooth, or has a few values, takes less space by Zstandard of shuffled bytes, and is there
    only once.
    """
    kind = np.dtype(layer.dtype)
    size = kind.itemsize // 2 if kind.kind == "c" else kind.itemsize
    if layer.dated:
        return Compression(name="lz4", level=5, shuffle="bitshuffle", size=size)
    return Compression(name="zstd", level=3, shuffle="shuffle", size=size)


def fill_value(dtype: str) -> Any:
    """Return what stands where nothing is known, in arrays of a type."""
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
    others = [name for name in layout.coordinates.coords if name not in layout.dimensions]
    along_time = sorted(str(name) for name in others if layout.coordinates[name].dims)
    of_all = sorted(str(name) for name in others if not layout.coordinates[name].dims)
    of_all += [layer.name for layer in layout.layers if layer.coordinate]
    for layer in layout.layers:
        skip = 0 if layer.dated else 1
        names = [] if layer.coordinate else [*(along_time if layer.dated else []), *of_all]
        chunk = (1, *layout.chunk)
        group.create_array(
            layer.name,
            shape=layout.shape[skip:],
            chunks=chunk[skip:],
            shards=tuple(np.multiply(chunk, layout.shard(layer)).tolist())[skip:],
            compressors=compression_of(layer).codec,
            dtype=layer.dtype,
            fill_value=fill_value(layer.dtype),
            dimension_names=layout.dimensions[skip:],
            attributes={**layer.attributes, **({"coordinates": " ".join(names)} if names else {})},
        )


def layer_bounds(path: Path, layer: str) -> tuple[float, float]:
    """Find the smallest and largest finite value of a layer, of longitudes west and east; read a row at a time.

    NaN, NaN if there is none; see `bounds.longitude_bounds`.
    """
    values = open_layer(path, layer)
    rows = range(0, values.shape[0], values.chunks[0])
    blocks = (np.asarray(values[first : first + values.chunks[0]]) for first in rows)
    return longitude_bounds(blocks) if layer == LONGITUDE else bounds_of(blocks)


def finish_cube(path: Path, attributes: Mapping[str, Any]) -> None:
    """Add ``attributes``, then consolidate the metadata so that opening the cube reads one file.

    The time comes first in it: xarray names a picture of one date after its first coordinate.
    """
    zarr.open_group(path, mode="r+", zarr_format=3).update_attributes(dict(attributes))
    with warnings.catch_warnings():
        # consolidated metadata is an extension of Zarr v3 that xarray reads
        warnings.filterwarnings("ignore", message="Consolidated metadata", category=UserWarning)
        zarr.consolidate_metadata(path, zarr_format=3)
    file = path / "zarr.json"
    document = load_json(file.read_bytes())
    arrays = document["consolidated_metadata"]["metadata"]
    document["consolidated_metadata"]["metadata"] = dict(
        sorted(arrays.items(), key=lambda item: item[0] != DIMENSIONS[0])
    )
    beside = file.with_name(f".{file.name}.partial")
    beside.write_text(json.dumps(document, indent=2), encoding="utf-8")
    beside.replace(file)


def open_layer(path: Path, name: str) -> StoredLayer | zarr.Array[Any]:
    """Open a layer of the cube at ``path``, to be read by indices."""
    array = zarr.open_array(path, path=name, mode="r", zarr_format=3)
    return StoredLayer.of(array, path / name) or array


def open_cube(path: Path) -> xr.Dataset:
    """Open the cube at ``path``, lazily; layers that count days from a date stay numbers."""
    arrays = dict(zarr.open_group(path, mode="r", zarr_format=3).arrays())
    days = {
        name: False
        for name, array in arrays.items()
        if array.ndim > 1 and SINCE in str(array.attrs.get("units"))
    }
    cube: xr.Dataset = xr.open_zarr(path, chunks=None, consolidated=True, decode_times=days or True)
    layers: dict[str, xr.Variable] = {}
    for name, array in arrays.items():
        if (stored := StoredLayer.of(array, path / name)) is not None:
            layer, lazy = cube[name].variable, indexing.LazilyIndexedArray(stored)
            layers[name] = xr.Variable(layer.dims, lazy, layer.attrs, layer.encoding)
    return cube.assign(layers)


def write_dataset(path: Path, dataset: xr.Dataset) -> None:
    """Write a small in-memory dataset as Zarr v3 with consolidated metadata."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", zarr.errors.UnstableSpecificationWarning)
        warnings.filterwarnings("ignore", message="Consolidated metadata", category=UserWarning)
        dataset.to_zarr(path, mode="w", zarr_format=3, consolidated=True)
