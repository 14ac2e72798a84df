"""Fill cube.zarr: rows of chunks, compressed in threads and appended to shards."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from numcodecs import Blosc
from numcodecs.bitround import BitRound

from alignsar_gpu.dataset.cube import compression_of, fill_value
from alignsar_gpu.dataset.shards import Shard
from alignsar_gpu.transfers import part_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.dataset.cube import Compression, CubeLayer, CubeLayout
    from alignsar_gpu.dataset.flow import Flow
    from alignsar_gpu.dataset.shards import Written
    from alignsar_gpu.transfers import Transfer

SHUFFLES = {"shuffle": Blosc.SHUFFLE, "bitshuffle": Blosc.BITSHUFFLE}


class CubeWriter:
    """Write the layers of a cube made by `create_cube`.

    Chunks go into the shards in the order in which they are written. Where that is always the same (rows from the first
    on, in each the dates), a cube has the same bytes however many rows were computed at a time.
    """

    def __init__(self, path: Path, layout: CubeLayout, flow: Flow) -> None:
        self._path, self._layout, self._flow = path, layout, flow
        self._layers = {layer.name: layer for layer in layout.layers}
        self._encoders = {layer.name: Encoder(layer, layout.chunk) for layer in layout.layers}
        self._shards: dict[Path, Shard] = {}

    def write(
        self,
        name: str,
        first: int,
        values: NDArray[Any] | Transfer,
        date: int | None = None,
        *,
        left: int = 0,
    ) -> None:
        """Write ``values`` [line, sample] of layer ``name`` from line ``first`` on (of one date, if dated).

        ``left`` is their first sample. Blocks must start at a chunk, so that none is written by two blocks. Values are
        compressed and written later, and `mark` tells when: those that are here are copied, those that are still on
        their way are waited for then.
        """
        lines, samples = self._layout.chunk
        if first % lines or left % samples:
            raise ValueError(f"block starts at {first}, {left}, not at a multiple of {lines}, {samples}")
        encode, layer = self._encoders[name], self._layers[name]
        height, width = values.shape
        for start in range(0, height, lines):
            rows = slice(start, min(start + lines, height))
            parts = [
                part_of(values, (rows, slice(column, min(column + samples, width))))
                for column in range(0, width, samples)
            ]
            finish = partial(self._append, layer, (first + start) // lines, left // samples, date)
            size = (rows.stop - rows.start) * width * np.dtype(values.dtype).itemsize
            self._flow.put(size, [partial(_encoded, encode, part) for part in parts], finish)

    def _append(self, layer: CubeLayer, row: int, column: int, date: int | None, chunks: list[bytes]) -> None:
        """Append chunks of a row, from ``column`` on, to its shard."""
        number, inside = divmod(row, self._layout.shard(layer)[1])
        shard = self._shard(layer, number)
        when = () if date is None else (date,)
        shard.append([(*when, inside, column + place) for place in range(len(chunks))], chunks)

    def _shard(self, layer: CubeLayer, number: int) -> Shard:
        path = self._file(layer, number)
        if path not in self._shards:
            dates, rows, columns = self._layout.shard(layer)
            there = min(rows, self._layout.rows - number * rows)
            shape = (dates, rows, columns) if layer.dated else (rows, columns)
            (self._path / layer.name / "c").mkdir(
                exist_ok=True
            )  # not its parents: somebody may have removed them
            path.parent.mkdir(parents=True, exist_ok=True)
            self._shards[path] = Shard(path=path, shape=shape, count=dates * there * columns)
        return self._shards[path]

    def _file(self, layer: CubeLayer, number: int) -> Path:
        place = (0, number, 0) if layer.dated else (number, 0)
        return self._path.joinpath(layer.name, "c", *map(str, place))

    def mark(self) -> dict[Path, Written]:
        """Return what is written by now of the files that have changed since the last mark.

        To be called when the flow has finished what was written before: by the last step of an item of it.
        """
        marks = {path: shard.mark() for path, shard in self._shards.items()}
        return {path: mark for path, mark in marks.items() if mark is not None}

    def restore(self, marks: Sequence[Mapping[Path, Written]]) -> bool:
        """Continue what was written up to the last of ``marks``; False where that is not there.

        Without marks, everything is written anew.
        """
        self._shards.clear()
        known = {path for mark in marks for path in mark}
        found: list[tuple[Shard, list[Written]]] = []
        for layer in self._layers.values():
            for number in range(-(-self._layout.rows // self._layout.shard(layer)[1])):
                path = self._file(layer, number)
                if path in known:
                    found.append((self._shard(layer, number), [mark[path] for mark in marks if path in mark]))
        with ThreadPoolExecutor() as pool:
            return all(pool.map(lambda item: item[0].restore(item[1]), found))


def _encoded(encode: Encoder, part: Callable[[], NDArray[Any]]) -> bytes:
    return encode(part())


class Encoder:
    """Turn a part of a layer into a chunk: padded, rounded where that is asked for, and compressed."""

    def __init__(self, layer: CubeLayer, chunk: tuple[int, ...], how: Compression | None = None) -> None:
        how = how or compression_of(layer)
        self._chunk, self._fill = chunk, fill_value(layer.dtype)
        self._codec = Blosc(how.name, clevel=how.level, shuffle=SHUFFLES[how.shuffle], typesize=how.size)
        self._rounding = None if layer.mantissa_bits is None else BitRound(keepbits=layer.mantissa_bits)
        self._kind = np.dtype(layer.dtype).newbyteorder("<")

    def __call__(self, tile: NDArray[Any]) -> bytes:
        """Encode a tile [line, sample], smaller than a chunk at the edges of the image."""
        values = np.ascontiguousarray(tile, dtype=self._kind)
        if self._rounding is not None:
            values = self._rounding.encode(values).view(self._kind)
        if values.shape != self._chunk:
            padded = np.full(self._chunk, self._fill, dtype=self._kind)
            padded[: values.shape[0], : values.shape[1]] = values
            values = padded
        chunk: bytes = self._codec.encode(values)
        return chunk
