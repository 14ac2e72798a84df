"""Chunks of HDF5 compressed by ISA-L, as its own filters shuffle and deflate read them.

HDF5 compresses by zlib in one thread, at some 44 MB/s; ISA-L's first level takes 2 % more space and is four times as
fast, in as many threads as there are. What is written is plain deflate, which every reader of HDF5 opens.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from isal import isal_zlib

if TYPE_CHECKING:
    from collections.abc import Iterator

    import h5py
    from numpy.typing import NDArray

    from alignsar_gpu.dataset.flow import Flow

LEVEL = 1
FILTERS = 0  # bits of the filters that a chunk has not gone through


def shuffled_and_deflated(values: NDArray[Any], chunk: tuple[int, int]) -> bytes:
    """Compress a part of an array as a chunk of it, padded with zeros where it is smaller.

    The bytes of all values come in order of their places in a value (HDF5's shuffle), then zlib's format.
    """
    padded = values
    if values.shape != chunk:
        padded = np.zeros(chunk, dtype=values.dtype)
        padded[: values.shape[0], : values.shape[1]] = values
    octets = np.ascontiguousarray(padded).reshape(-1, 1).view(np.uint8)
    compressed: bytes = isal_zlib.compress(np.ascontiguousarray(octets.T).data, LEVEL)
    return compressed


@dataclass(frozen=True, kw_only=True, eq=False)
class Chunks:
    """The chunks of an image in an HDF5 file: what `write_chunks` and `copy_chunks` need, looked up beforehand.

    HDF5 is not made for threads: while a `Flow` is open, only its last steps may call it.
    """

    id: Any
    shape: tuple[int, int]
    chunk: tuple[int, int]

    @classmethod
    def of(cls, dataset: h5py.Dataset) -> Chunks:
        """Look up the chunks of a dataset."""
        return cls(id=dataset.id, shape=dataset.shape, chunk=dataset.chunks)

    @property
    def places(self) -> Iterator[tuple[int, int]]:
        """Lines and samples that chunks begin at."""
        for line in range(0, self.shape[0], self.chunk[0]):
            for sample in range(0, self.shape[1], self.chunk[1]):
                yield line, sample


def write_chunks(flow: Flow, target: Chunks, first: int, values: NDArray[Any]) -> None:
    """Write lines of an image from ``first`` on, a row of chunks.

    Values are compressed in the threads of ``flow`` and are in the file when that is left; the order of the bytes is
    always the same.
    """
    columns = range(0, values.shape[1], target.chunk[1])

    def write(packed: list[bytes]) -> None:
        for column, content in zip(columns, packed, strict=True):
            target.id.write_direct_chunk((first, column), content, FILTERS)

    parts = [values[:, column : column + target.chunk[1]] for column in columns]
    flow.put(values.nbytes, [partial(shuffled_and_deflated, part, target.chunk) for part in parts], write)


def copy_chunks(flow: Flow, source: Chunks, target: Chunks) -> None:
    """Copy the compressed chunks of an image into another of the same shape, type and filters, in its turn."""

    def copy(_: list[Any]) -> None:
        for place in source.places:
            skipped, content = source.id.read_direct_chunk(place)
            target.id.write_direct_chunk(place, content, skipped)

    flow.put(0, (), copy)
