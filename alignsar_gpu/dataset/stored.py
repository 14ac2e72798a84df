"""Layers of a cube as they are read: chunks straight from their shards, in the threads that ask for them.

zarr-python passes each chunk through one event loop: 0.7 GB/s, however many threads ask. Here a thread has what Blosc
unpacks, some 4 GB/s. Arrays that are stored in another way are left to zarr-python.
"""

from __future__ import annotations

import os
import threading
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numcodecs import Blosc
from xarray.backends import BackendArray
from xarray.core import indexing

from alignsar_gpu.dataset.shards import MISSING, damaged, read_index

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import zarr
    from numpy.typing import NDArray

BLOSC = Blosc()  # unpacks what any settings have packed
HEADER, SIZE = 16, slice(4, 8)  # of what Blosc packs, in bytes; where it says how many it unpacks to


class _Packed(threading.local):
    """Memory for a chunk as it is stored, kept by each thread: new memory would cost as much as reading it."""

    content = bytearray()


PACKED = _Packed()


@dataclass(frozen=True, kw_only=True, eq=False)
class StoredLayer(BackendArray):
    """An array in shards, for xarray, or as it is: ``layer[date, first:stop]`` reads what is asked for.

    Attributes
    ----------
    path : folder of the array.
    shape, chunks : of the array and of a chunk.
    shard : chunks along each axis of a shard.
    dtype, fill : type of the values, and what stands where no chunk is.
    """

    path: Path
    shape: tuple[int, ...]
    chunks: tuple[int, ...]
    shard: tuple[int, ...]
    dtype: np.dtype[Any]
    fill: Any

    @classmethod
    def of(cls, array: zarr.Array[Any], path: Path) -> StoredLayer | None:
        """Describe an array that lies at ``path``; None where it is stored in a way that is not known here."""
        about: Any = array.metadata.to_dict()
        how = about["codecs"][0].get("configuration", {})
        keys = {"name": "default", "configuration": {"separator": "/"}}
        if (
            array.shards is None
            or [_names(about["codecs"]), _names(how.get("codecs", ()))]
            != [["sharding_indexed"], ["bytes", "blosc"]]
            or _names(how["index_codecs"]) != ["bytes", "crc32c"]
            or how["index_location"] != "end"
            or any(_is_big_endian(codec) for codec in (how["codecs"][0], how["index_codecs"][0]))
            or about["chunk_key_encoding"] != keys
        ):
            return None
        return cls(
            path=path,
            shape=array.shape,
            chunks=array.chunks,
            shard=tuple(np.floor_divide(array.shards, array.chunks).tolist()),
            dtype=array.dtype.newbyteorder("<"),
            fill=array.fill_value,
        )

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, indexing.ExplicitIndexer):
            basic = indexing.IndexingSupport.BASIC
            return indexing.explicit_indexing_adapter(key, self.shape, basic, self._part)
        first = key if isinstance(key, tuple) else (key,)
        return self._part((*first, *[slice(None)] * (len(self.shape) - len(first))))

    def _part(self, key: tuple[int | slice, ...]) -> NDArray[Any]:
        axes = [
            range(count)[part] if isinstance(part, slice) else range(part, part + 1)
            for count, part in zip(self.shape, key, strict=True)
        ]
        values = np.full([len(axis) for axis in axes], self.fill, dtype=self.dtype)
        with ExitStack() as opened:
            shards: dict[tuple[int, ...], _OpenShard | None] = {}
            places = (list(_shares(axis, count)) for axis, count in zip(axes, self.chunks, strict=True))
            for shares in product(*places):
                number = tuple(share[0] for share in shares)
                place = tuple(np.floor_divide(number, self.shard).tolist())
                if place not in shards:
                    shards[place] = self._open(place, opened)
                shard = shards[place]
                content = None if shard is None else self._chunk(shard, tuple(np.mod(number, self.shard)))
                if content is not None:
                    source, target = (tuple(share[side] for share in shares) for side in (1, 2))
                    values[target] = content[source]
        kept = tuple(slice(None) if isinstance(part, slice) else 0 for part in key)
        return np.asarray(values[kept])

    def _open(self, place: tuple[int, ...], opened: ExitStack) -> _OpenShard | None:
        """Open a shard and its index; None where there is no such file, which means that none of its chunks is."""
        path = f"{self.path}/c/{'/'.join(map(str, place))}"  # a Path would take as long as opening the file
        try:
            number = os.open(path, os.O_RDONLY)
        except FileNotFoundError:
            return None
        opened.callback(os.close, number)
        return _OpenShard(path, number, read_index(number, path, self.shard))

    def _chunk(self, shard: _OpenShard, place: tuple[int, ...]) -> NDArray[Any] | None:
        """Unpack a chunk of a shard; None where it is not there."""
        content = self._content(shard, place)
        return (
            None if content is None else self._unpack(content, shard, np.empty(self.chunks, dtype=self.dtype))
        )

    def _content(self, shard: _OpenShard, place: tuple[int, ...]) -> memoryview | None:
        """Read a chunk as it is stored, into memory that the thread's next chunk will take; None for none."""
        offset, length = shard.places[place].tolist()
        if offset == MISSING:
            return None
        if len(PACKED.content) < length:
            PACKED.content = bytearray(length)
        content = memoryview(PACKED.content)[:length]
        if os.preadv(shard.number, [content], offset) < max(length, HEADER):
            raise damaged(shard.path)
        return content

    def _unpack(self, content: memoryview, shard: _OpenShard, values: NDArray[Any]) -> NDArray[Any]:
        if int.from_bytes(content[SIZE], "little") != values.nbytes:
            raise damaged(shard.path)
        try:
            BLOSC.decode(content, out=values)
        except RuntimeError:
            raise damaged(shard.path) from None
        return values

    def chunk_of(self, number: int) -> tuple[Path, int, bytes] | None:
        """Return the file, the offset and the bytes of chunk ``number`` along the first axis, the first along others.

        None where it is not there.
        """
        place, inside = self._first(number)
        with ExitStack() as opened:
            shard = self._open(place, opened)
            content = None if shard is None else self._content(shard, inside)
            if shard is None or content is None:
                return None
            return Path(shard.path), int(shard.places[inside][0]), bytes(content)

    def read_into(self, number: int, values: NDArray[Any]) -> bool:
        """Unpack chunk ``number`` along the first axis, the first along others, into ``values``; False for none.

        ``values`` are contiguous, with the shape of a chunk.
        """
        place, inside = self._first(number)
        with ExitStack() as opened:
            shard = self._open(place, opened)
            content = None if shard is None else self._content(shard, inside)
            if shard is None or content is None:
                return False
            self._unpack(content, shard, values)
            return True

    def _first(self, number: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The shard of a chunk that is the first along all axes but the first, and its place in it."""
        shard, inside = divmod(number, self.shard[0])
        others = (0,) * (len(self.shape) - 1)
        return (shard, *others), (inside, *others)


class _OpenShard(NamedTuple):
    """A shard: its path, what the file is open as, and the places (offset and length) of its chunks."""

    path: str
    number: int
    places: NDArray[np.uint64]


def _names(codecs: Sequence[Mapping[str, Any]]) -> list[str]:
    return [codec["name"] for codec in codecs]


def _is_big_endian(codec: Mapping[str, Any]) -> bool:
    return bool(codec.get("configuration", {}).get("endian") == "big")


def _shares(axis: range, count: int) -> Iterator[tuple[int, slice, slice]]:
    """Divide places along an axis, upwards, by chunks of ``count``: a chunk, the places in it, their own numbers."""
    if not axis:
        return
    for chunk in range(axis[0] // count, axis[-1] // count + 1):
        begin, end = (
            max(-(-(edge - axis.start) // axis.step), 0) for edge in (chunk * count, (chunk + 1) * count)
        )
        end = min(end, len(axis))
        if begin < end:
            first = axis[begin] - chunk * count
            yield chunk, slice(first, axis[end - 1] - chunk * count + 1, axis.step), slice(begin, end)
