"""Chunks of HDF5 compressed by ISA-L, as its own filters shuffle and deflate read them.

HDF5 compresses by zlib in one thread, at some 44 MB/s. What is written here is plain deflate too, which every reader of
HDF5 opens: ISA-L's first level, in as many threads as there are, of what can be compressed, and the noise as it is.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from isal import isal_zlib

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import h5py
    from numpy.typing import NDArray

    from alignsar_gpu.dataset.flow import Flow

LEVEL = 1
FILTERS = 0  # bits of the filters that a chunk has not gone through
# Of zlib's format (RFC 1950) and deflate (RFC 1951): what a stream begins with, a block that is stored as it is
# (whether it is the last, its bytes, and these inverted), and the most bytes of such.
BEGIN = b"\x78\x01"
STORED, MOST_STORED = struct.Struct("<BHH"), 65535
PIECES, PIECE = 16, 512  # parts of a plane, and their bytes, that are tried
NOISE = 0.98  # share of its bytes that a plane still has, compressed, from which on it is stored as it is


def shuffled_and_deflated(values: NDArray[Any], chunk: tuple[int, int]) -> bytes:
    """Compress a part of an array as a chunk of it, padded with zeros where it is smaller.

    The bytes of all values come in order of their places in a value (HDF5's shuffle), then zlib's format. The first
    of these planes, those of the last digits, are often noise: they are stored, which is faster to write and to read.
    """
    padded = values
    if values.shape != chunk:
        padded = np.zeros(chunk, dtype=values.dtype)
        padded[: values.shape[0], : values.shape[1]] = values
    planes = np.ascontiguousarray(np.ascontiguousarray(padded).reshape(-1, 1).view(np.uint8).T)
    noisy = 0
    while noisy < len(planes) - 1 and _is_noise(planes[noisy]):
        noisy += 1
    # at once, not by a compressobj: what that makes of the same bytes differs now and then
    rest = isal_zlib.compress(planes[noisy:].data, LEVEL, -isal_zlib.MAX_WBITS)
    return b"".join(
        [
            BEGIN,
            *_stored(planes[:noisy].reshape(-1).data),
            rest,
            isal_zlib.adler32(planes.data).to_bytes(4, "big"),
        ]
    )


def _is_noise(plane: NDArray[np.uint8]) -> bool:
    """Whether compressing a plane would not make it smaller, judged by parts of it."""
    if plane.size < PIECES * PIECE:
        return False
    parts = plane[: plane.size - plane.size % PIECES].reshape(PIECES, -1)[:, :PIECE]
    sample = np.ascontiguousarray(parts)
    return len(isal_zlib.compress(sample.data, LEVEL)) > NOISE * sample.size


def _stored(octets: memoryview) -> Iterator[bytes | memoryview]:
    """Yield blocks of deflate that hold bytes as they are, others following."""
    for first in range(0, len(octets), MOST_STORED):
        block = octets[first : first + MOST_STORED]
        yield STORED.pack(0, len(block), len(block) ^ 0xFFFF)
        yield block


@dataclass(frozen=True, kw_only=True, eq=False)
class Chunks:
    """The chunks of images in an HDF5 file: what `write_chunks` and `copy_chunks` need, looked up beforehand.

    HDF5 is not made for threads: while a `Flow` is open, only its last steps may call it.
    """

    id: Any
    shape: tuple[int, int]
    chunk: tuple[int, int]

    @classmethod
    def of(cls, dataset: h5py.Dataset) -> Chunks:
        """Look up the chunks of a dataset, of an image or of several, one in each chunk."""
        return cls(id=dataset.id, shape=dataset.shape[-2:], chunk=dataset.chunks[-2:])

    @property
    def places(self) -> Iterator[tuple[int, int]]:
        """Lines and samples that chunks begin at."""
        for line in range(0, self.shape[0], self.chunk[0]):
            for sample in range(0, self.shape[1], self.chunk[1]):
                yield line, sample


def write_chunks(
    flow: Flow,
    targets: Sequence[Chunks],
    read: Callable[[slice, slice], Sequence[NDArray[Any]]],
    date: tuple[int, ...] = (),
) -> None:
    """Write images of one shape, type and chunks; of a ``date``, where the dataset has several.

    ``read`` returns a part of each, by lines and samples. That, and compression, is done in the threads of ``flow``;
    all is in the file when that is left, and the order of the bytes is always the same.
    """
    first = targets[0]

    def pack(line: int, sample: int) -> list[bytes]:
        lines, samples = first.chunk
        parts = read(slice(line, line + lines), slice(sample, sample + samples))
        return [shuffled_and_deflated(part, first.chunk) for part in parts]

    def write(line: int, packed: list[list[bytes]]) -> None:
        for sample, contents in zip(samples, packed, strict=True):
            for target, content in zip(targets, contents, strict=True):
                target.id.write_direct_chunk((*date, line, sample), content, FILTERS)

    samples = range(0, first.shape[1], first.chunk[1])
    size = len(targets) * first.id.dtype.itemsize * first.chunk[0] * first.shape[1]
    for line in range(0, first.shape[0], first.chunk[0]):
        flow.put(size, [partial(pack, line, sample) for sample in samples], partial(write, line))


def copy_chunks(flow: Flow, source: Chunks, target: Chunks) -> None:
    """Copy the compressed chunks of an image into another of the same shape, type and filters, in its turn."""

    def copy(_: list[Any]) -> None:
        for place in source.places:
            skipped, content = source.id.read_direct_chunk(place)
            target.id.write_direct_chunk(place, content, skipped)

    flow.put(0, (), copy)
