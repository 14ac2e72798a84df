"""Fill chips.zarr: chips one after the other, compressed in threads and appended to shards."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.shards import Shard
from alignsar_gpu.dataset.writer import Encoder

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.dataset.chips.layout import ChipArray, ChipLayout
    from alignsar_gpu.dataset.flow import Flow
    from alignsar_gpu.dataset.shards import Written


class ChipWriter:
    """Write an array of chips.zarr, chip after chip; those that are passed over stay without a chunk.

    Parameters
    ----------
    path : of chips.zarr.
    layout : of it.
    array : that is written.
    numbers : of the chips (or places) that will be written, increasing.
    flow : that compresses and writes.
    """

    def __init__(
        self, path: Path, layout: ChipLayout, array: ChipArray, numbers: NDArray[np.int64], flow: Flow
    ) -> None:
        self._folder, self._array, self._flow = path / array.name, array, flow
        self._chunk, self._count = layout.chunk(array), layout.chips_of_shard(array)
        self._encode = Encoder(array.as_layer(), self._chunk, array.compression)
        self._expected = dict(zip(*np.unique(numbers // self._count, return_counts=True), strict=True))
        self._shards: dict[int, Shard] = {}

    def write(self, number: int, values: NDArray[Any]) -> None:
        """Write chip ``number``, [layer, line, sample]; it must stay as it is until it is written."""
        part = partial(self._encode, values[np.newaxis])
        self._flow.put(values.nbytes, [part], partial(self._append, number))

    def _append(self, number: int, chunks: list[bytes]) -> None:
        shard, inside = divmod(number, self._count)
        place = (inside, *(0 for _ in self._chunk[1:]))
        self._shard(shard).append([place], chunks)

    def _shard(self, number: int) -> Shard:
        if number not in self._shards:
            path = self._file(number)
            path.parent.mkdir(parents=True, exist_ok=True)
            shape = (self._count, *(1 for _ in self._chunk[1:]))
            self._shards[number] = Shard(path=path, shape=shape, count=int(self._expected[number]))
        return self._shards[number]

    def _file(self, number: int) -> Path:
        return self._folder.joinpath("c", str(number), *("0" for _ in self._chunk[1:]))

    def mark(self) -> dict[Path, Written]:
        """See `writer.CubeWriter.mark`."""
        marks = {self._file(number): shard.mark() for number, shard in self._shards.items()}
        return {path: mark for path, mark in marks.items() if mark is not None}

    def restore(self, marks: Sequence[Mapping[Path, Written]]) -> bool:
        """See `writer.CubeWriter.restore`."""
        self._shards.clear()
        known = {path for mark in marks for path in mark}
        return all(
            self._shard(number).restore([mark[path] for mark in marks if path in mark])
            for number in self._expected
            if (path := self._file(number)) in known
        )
