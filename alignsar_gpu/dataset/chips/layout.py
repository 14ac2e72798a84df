"""chips.zarr: which arrays it has, of which layers, and how they are stored."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
import zarr

from alignsar_gpu.dataset.cube import CubeLayer, compression_of, fill_value, write_dataset

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from alignsar_gpu.dataset.cube import Compression

STORE = "chips.zarr"
TEXT = np.dtypes.StringDType()
SHARD_BYTES = 1 << 28  # of chips before they are compressed
MOST_CHIPS = 4096  # of a shard, whose index is read with the first of them
# Arrays, in the order in which checksums of chips take them: along what, and how their layers are called.
ARRAYS = {
    "images": ("chip", "layer"),
    "pairs": ("chip", "pair_layer"),
    "valid": ("chip", ""),
    "ground": ("place", "ground_layer"),
    "classes": ("place", "class_layer"),
    "targets": ("place", "target_layer"),
    "dated_classes": ("chip", "dated_class_layer"),
    "dated_targets": ("chip", "dated_target_layer"),
}
CLASSES, TARGETS = ("classes", "dated_classes"), ("targets", "dated_targets")  # labels


@dataclass(frozen=True, kw_only=True)
class ChipArray:
    """An array of chips.

    Attributes
    ----------
    name : of ARRAYS.
    layers : names of its layers, in order; none where it is one layer itself.
    dtype : of its values.
    mantissa_bits : that are kept, where not all are.
    compressed : whether chunks are; otherwise Blosc wraps them as they are.
    """

    name: str
    layers: tuple[str, ...]
    dtype: str
    mantissa_bits: int | None = None
    compressed: bool = True

    @property
    def along(self) -> str:
        """What its first axis counts: chips (places on a date), or places."""
        return ARRAYS[self.name][0]

    def as_layer(self) -> CubeLayer:
        """Return it as what a cube calls a layer: what changes with the date is compressed in another way."""
        return CubeLayer(
            name=self.name,
            dtype=self.dtype,
            dated=self.along == "chip" and self.dtype != "bool",
            mantissa_bits=self.mantissa_bits,
        )

    @property
    def compression(self) -> Compression:
        """How its chunks are compressed."""
        how = compression_of(self.as_layer())
        return how if self.compressed else replace(how, level=0)


@dataclass(frozen=True, kw_only=True)
class ChipLayout:
    """All of chips.zarr but its content.

    Attributes
    ----------
    shape : lines and samples of a chip, its halo included.
    dimensions : what these are called.
    counts : of chips and of places.
    arrays : that it has.
    """

    shape: tuple[int, int]
    dimensions: tuple[str, str]
    counts: Mapping[str, int]
    arrays: Sequence[ChipArray]

    def chunk(self, array: ChipArray) -> tuple[int, ...]:
        """Return the shape of a chunk, which is a chip with all layers of the array."""
        return (1, *((len(array.layers),) if array.layers else ()), *self.shape)

    def chips_of_shard(self, array: ChipArray) -> int:
        """Return how many chips a shard has, a power of two; the same however many there are of them."""
        size = math.prod(self.chunk(array)) * np.dtype(array.dtype).itemsize
        count = max(1, min(MOST_CHIPS, SHARD_BYTES // size))
        return 1 << (count.bit_length() - 1)

    def create(self, path: Path) -> None:
        """Create the store at ``path``: names of layers complete, arrays without chunks."""
        names = {
            ARRAYS[array.name][1]: np.array(array.layers, dtype=TEXT) for array in self.arrays if array.layers
        }
        # without indices, which early versions of xarray make of a type of pandas that Zarr does not know
        texts = {dimension: xr.Variable(dimension, values) for dimension, values in names.items()}
        write_dataset(path, xr.Dataset(coords=xr.Coordinates(texts, indexes={})))
        group = zarr.open_group(path, mode="r+", zarr_format=3)
        for array in self.arrays:
            self._create_array(group, array)

    def _create_array(self, group: zarr.Group, array: ChipArray) -> None:
        chunk = self.chunk(array)
        along, layers = ARRAYS[array.name]
        group.create_array(
            array.name,
            shape=(self.counts[along], *chunk[1:]),
            chunks=chunk,
            shards=(self.chips_of_shard(array), *chunk[1:]),
            compressors=array.compression.codec,
            dtype=array.dtype,
            fill_value=fill_of(array),
            dimension_names=(along, *((layers,) if array.layers else ()), *self.dimensions),
        )


def fill_of(array: ChipArray) -> Any:
    """Return what stands in an array where nothing is known."""
    return 255 if array.dtype == "uint8" else fill_value(array.dtype)
