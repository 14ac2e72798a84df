"""Chips as they are stored: their arrays, opened, and the bytes of a chip."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr

from alignsar_gpu.dataset.chips.layout import ARRAYS, STORE
from alignsar_gpu.dataset.stored import StoredLayer
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Stored:
    """Where a chip lies, and that it is whole.

    Attributes
    ----------
    shard : path of the shard with its images, below the dataset's folder.
    offset, length : of its chunk in that shard, bytes.
    checksum : SHA-256 of all its chunks, one after the other, in the order of ARRAYS.
    """

    shard: str
    offset: int
    length: int
    checksum: str


@dataclass(frozen=True, kw_only=True, eq=False)
class ChipStore:
    """The arrays of the chips in a folder, of which parts are read; several threads and processes may."""

    folder: Path
    arrays: Mapping[str, StoredLayer]
    layers: Mapping[str, Sequence[str]]

    @classmethod
    def open(cls, folder: Path) -> ChipStore:
        """Open the chips in the folder of a dataset. Raises AlignsarError where there are none."""
        path = folder / STORE
        if not (path / "zarr.json").is_file():
            raise AlignsarError(
                f"{folder}: holds no chips; name the folder chips/ of a run (chips.size makes them)"
            )
        group = zarr.open_group(path, mode="r", zarr_format=3)
        there = dict(group.arrays())
        arrays: dict[str, StoredLayer] = {}
        for name in ARRAYS:
            found = StoredLayer.of(there[name], path / name) if name in there else None
            if found is not None:
                arrays[name] = found
        names = {name: ARRAYS[name][1] for name in arrays if ARRAYS[name][1]}
        layers = {name: tuple(map(str, np.asarray(there[text][:]))) for name, text in names.items()}
        return cls(folder=folder, arrays=arrays, layers=layers)

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and samples of a chip, its halo included."""
        *_, lines, samples = next(iter(self.arrays.values())).chunks
        return lines, samples

    def read(self, name: str, number: int) -> NDArray[Any]:
        """Read chip (or place) ``number`` of an array, with all layers."""
        array = self.arrays[name]
        values = np.empty(array.chunks[1:], dtype=array.dtype)
        if not array.read_into(number, values):
            values.fill(array.fill)
        return values

    def holds(self, name: str, number: int) -> bool:
        """Whether chip (or place) ``number`` of an array is there."""
        return self.arrays[name].chunk_of(number) is not None

    def stored(self, chip: int, place: int) -> Stored:
        """Find where a chip lies, and compute its checksum. Raises AlignsarError for one that is not there."""
        digest, found = hashlib.sha256(), None
        for name, array in self.arrays.items():
            chunk = array.chunk_of(chip if ARRAYS[name][0] == "chip" else place)
            if chunk is None:
                continue
            path, offset, content = chunk
            digest.update(content)
            if found is None:
                found = str(path.relative_to(self.folder)), offset, len(content)
        if found is None:
            raise AlignsarError(f"{self.folder / STORE}: chip {chip} is not there; make the chips again")
        shard, offset, length = found
        return Stored(shard=shard, offset=offset, length=length, checksum=digest.hexdigest())
