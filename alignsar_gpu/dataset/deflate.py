"""Chunks of HDF5 as its own filters shuffle and deflate read them, compressed in as many threads as there are.

HDF5 compresses by zlib in one thread, at some 44 MB/s, and looks for repetitions in noise. Here each byte of the
numbers is treated by itself: those of the last digits are stored as they are, exponents of speckle get shorter codes
for what is frequent, and repetitions are searched where there are some. What is written is plain deflate, which every
reader opens.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from zlib_ng import zlib_ng

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    import h5py
    from numpy.typing import NDArray

    from alignsar_gpu.dataset.flow import Flow

FILTERS = 0  # bits of the filters that a chunk has not gone through
# Of zlib's format (RFC 1950) and deflate (RFC 1951): what a stream begins with; a block that is stored as it is
# (whether it is the last, its bytes, and these inverted), and the most bytes of such.
BEGIN = b"\x78\x01"
STORED, MOST_STORED = struct.Struct("<BHH"), 65535
LEVEL, MEMORY = 2, 9  # of zlib
PIECES, PIECE = 8, 512  # parts of a plane that are tried, and their bytes
NOISE = 0.98  # share of its bytes that a plane still has, compressed, from which on it is stored as it is
SEARCH = 0.9  # share of what short codes alone leave, below which repetitions are searched


def shuffled_and_deflated(values: NDArray[Any], chunk: tuple[int, int]) -> bytes:
    """Compress a part of an array as a chunk of it, padded with zeros where it is smaller.

    The bytes of all values come in order of their places in a value (HDF5's shuffle), then zlib's format.
    """
    padded = values
    if values.shape != chunk:
        padded = np.zeros(chunk, dtype=values.dtype)
        padded[: values.shape[0], : values.shape[1]] = values
    planes = np.ascontiguousarray(np.ascontiguousarray(padded).reshape(-1, 1).view(np.uint8).T)
    content = [BEGIN]
    for number, plane in enumerate(planes, 1):
        content += _deflated(plane, final=number == len(planes))
    content.append(zlib_ng.adler32(planes.data).to_bytes(4, "big"))
    return b"".join(content)


def _deflated(plane: NDArray[np.uint8], *, final: bool) -> list[bytes]:
    """Return the blocks of deflate of a plane of bytes, in the way that suits a sample of it."""
    sample = (
        plane[: plane.size - plane.size % PIECES].reshape(PIECES, -1)[:, :PIECE].tobytes() or plane.tobytes()
    )
    coded, searched = (
        len(_compressed(sample, strategy, zlib_ng.Z_FINISH)) / len(sample)
        for strategy in (zlib_ng.Z_HUFFMAN_ONLY, zlib_ng.Z_DEFAULT_STRATEGY)
    )
    if min(coded, searched) > NOISE:
        return list(_stored(plane.tobytes(), final=final))
    strategy = zlib_ng.Z_DEFAULT_STRATEGY if searched < SEARCH * coded else zlib_ng.Z_HUFFMAN_ONLY
    return [_compressed(plane.data, strategy, zlib_ng.Z_FINISH if final else zlib_ng.Z_SYNC_FLUSH)]


def _compressed(octets: bytes | memoryview, strategy: int, flush: int) -> bytes:
    packing = zlib_ng.compressobj(LEVEL, zlib_ng.DEFLATED, -zlib_ng.MAX_WBITS, MEMORY, strategy)
    first: bytes = packing.compress(octets)
    return first + packing.flush(flush)


def _stored(octets: bytes, *, final: bool) -> Iterator[bytes]:
    """Yield blocks of deflate that hold bytes as they are."""
    for first in range(0, len(octets), MOST_STORED):
        block = octets[first : first + MOST_STORED]
        yield STORED.pack(final and first + MOST_STORED >= len(octets), len(block), len(block) ^ 0xFFFF)
        yield block


@dataclass(frozen=True, kw_only=True, eq=False)
class Chunks:
    """The chunks of images in an HDF5 file: what `write_chunks` and `copy_chunks` need, looked up beforehand.

    HDF5 is not made for threads: while a `Flow` is open, only its last steps may call it.
    """

    id: Any
    itemsize: int
    shape: tuple[int, int]
    chunk: tuple[int, int]

    @classmethod
    def of(cls, dataset: h5py.Dataset) -> Chunks:
        """Look up the chunks of a dataset, of an image or of several, one in each chunk."""
        size = dataset.dtype.itemsize
        return cls(id=dataset.id, itemsize=size, shape=dataset.shape[-2:], chunk=dataset.chunks[-2:])

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
    size = len(targets) * first.itemsize * first.chunk[0] * first.shape[1]
    for line in range(0, first.shape[0], first.chunk[0]):
        flow.put(size, [partial(pack, line, sample) for sample in samples], partial(write, line))


def copy_chunks(flow: Flow, source: Chunks, target: Chunks) -> None:
    """Copy the compressed chunks of an image into another of the same shape, type and filters, in its turn."""

    def copy(_: list[Any]) -> None:
        for place in source.places:
            skipped, content = source.id.read_direct_chunk(place)
            target.id.write_direct_chunk(place, content, skipped)

    flow.put(0, (), copy)
