"""Shards of Zarr v3: files that hold many compressed chunks, written chunk by chunk as they are made.

zarr-python writes a shard as a whole, which would keep all dates of an image in memory. Here chunks are appended in the
order in which they come; when the last one is there, the index follows (Zarr v3 specification, sharding codec 1.0: the
offset and length of each chunk as uint64, little-endian, and their CRC-32C).
"""

from __future__ import annotations

import hashlib
import math
import os
import struct
from dataclasses import dataclass, field
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import google_crc32c
import numpy as np

from alignsar_gpu.errors import AlignsarError, writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

MISSING = np.uint64(2**64 - 1)  # in an index: there is no such chunk
READ_BYTES = 1 << 20
CHECKSUM = struct.Struct("<I")
PLACE = np.dtype("<u8")  # of an index
KEPT = 256  # indices of shards, at most 128 KB each, in memory at a time


@dataclass(frozen=True, kw_only=True)
class Written:
    """What is known of the first ``size`` bytes of a file: their SHA-256, and the chunks that were added last.

    ``chunks`` are pairs: the number of a chunk in the shard (in C order), and its bytes.
    """

    size: int
    sha256: str
    chunks: tuple[tuple[int, int], ...] = ()


@dataclass(kw_only=True, eq=False)
class Shard:
    """A shard on its way.

    Attributes
    ----------
    path : of its file.
    shape : chunks along each axis of the shard.
    count : chunks that it will have; those beyond the edge of the array are never there.
    """

    path: Path
    shape: tuple[int, ...]
    count: int
    _index: Any = field(init=False)
    _there: int = 0
    _size: int = 0
    _digest: Any = field(default_factory=hashlib.sha256)
    _added: list[tuple[int, int]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._index = np.full((math.prod(self.shape), 2), MISSING, dtype=PLACE)

    @property
    def is_complete(self) -> bool:
        """Whether all its chunks are there, and the index."""
        return self._there == self.count

    def append(self, places: Sequence[tuple[int, ...]], chunks: Sequence[bytes]) -> None:
        """Append compressed chunks at their places in the shard, and the index behind the last of all."""
        content, offset = list(chunks), self._size
        for place, chunk in zip(places, chunks, strict=True):
            number = int(np.ravel_multi_index(place, self.shape))
            self._place(number, len(chunk), offset)
            self._added.append((number, len(chunk)))
            offset += len(chunk)
        if self.is_complete:
            content.append(self._encoded_index())
        self._write(b"".join(content))

    def _place(self, number: int, length: int, offset: int) -> None:
        if self._index[number, 0] != MISSING:
            raise ValueError(f"{self.path}: chunk {number} is written twice")
        self._index[number] = offset, length
        self._there += 1

    def _encoded_index(self) -> bytes:
        index: bytes = self._index.tobytes()
        return index + CHECKSUM.pack(google_crc32c.value(index))

    def _write(self, content: bytes) -> None:
        with writing(self.path), self.path.open("r+b" if self._size else "wb") as file:
            file.seek(self._size)
            file.write(content)
        self._digest.update(content)
        self._size += len(content)

    def mark(self) -> Written | None:
        """Return what has been written, with the chunks since the last mark; None if there are none."""
        if not self._added:
            return None
        chunks, self._added = tuple(self._added), []
        return Written(size=self._size, sha256=self._digest.hexdigest(), chunks=chunks)

    def restore(self, marks: Sequence[Written]) -> bool:
        """Continue a shard that was written up to the last of ``marks``; False if its file is another by now."""
        offset = 0
        for number, length in (chunk for mark in marks for chunk in mark.chunks):
            self._place(number, length, offset)
            offset += length
        self._size = marks[-1].size
        try:
            with self.path.open("rb") as file:
                left = self._size
                while left and (content := file.read(min(left, READ_BYTES))):
                    self._digest.update(content)
                    left -= len(content)
            if left or self._digest.hexdigest() != marks[-1].sha256:
                return False
            os.truncate(self.path, self._size)
        except FileNotFoundError:
            return False
        return True


@dataclass(frozen=True)
class _Opened:
    """A file, which is the same as long as its path and state are; ``number`` is what it is open as."""

    path: str
    state: tuple[int, ...]
    number: int = field(compare=False)


def read_index(number: int, path: str, shape: tuple[int, ...]) -> NDArray[np.uint64]:
    """Read the index of a shard of ``shape`` chunks that is open: the offset and length [..., 2] of each.

    Those read last are kept. Raises AlignsarError for a file that is damaged.
    """
    status = os.fstat(number)
    state = status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size
    return _read_index(_Opened(path, state, number), shape)


@lru_cache(maxsize=KEPT)
def _read_index(file: _Opened, shape: tuple[int, ...]) -> NDArray[np.uint64]:
    length, size = math.prod(shape) * PLACE.itemsize * 2, file.state[-1]
    behind = os.pread(file.number, length + CHECKSUM.size, max(size - length - CHECKSUM.size, 0))
    content, checksum = behind[:length], behind[length:]
    if len(checksum) == CHECKSUM.size and CHECKSUM.unpack(checksum)[0] == google_crc32c.value(content):
        index = np.frombuffer(content, dtype=PLACE).reshape(*shape, 2)
        offset, count = index[index[..., 0] != MISSING].T
        if (offset <= size).all() and (count <= size - offset).all():
            return index
    raise damaged(file.path)


def damaged(path: str) -> AlignsarError:
    """Return the error of a shard that does not hold what was written."""
    return AlignsarError(f"{path}: is damaged; copy it again, or make it again")
