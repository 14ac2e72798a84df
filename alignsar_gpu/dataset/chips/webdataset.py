"""Chips as WebDataset: tar files that are read one after the other, from a disk or a server.

https://github.com/webdataset/webdataset: the files of a sample have one name and different endings, .npy for arrays.
"""

from __future__ import annotations

import io
import json
import tarfile
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.chips.layout import ARRAYS
from alignsar_gpu.errors import writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.dataset.chips.store import ChipStore

FOLDER = "webdataset"
TAR_BYTES = 1 << 29  # of a tar file, about
OF_INDEX = (
    *("id", "place_id", "date", "split", "scene", "track", "burst"),
    *("first_line", "first_sample", "valid_share", "labelled_share"),
)


@dataclass(frozen=True, kw_only=True)
class TarShard:
    """A tar file: its name, and the rows of the index of each of its samples."""

    name: str
    samples: Sequence[NDArray[np.int64]]


def tar_shards(store: ChipStore, index: Mapping[str, Any], version: int, *, together: bool) -> list[TarShard]:
    """Divide the chips of each split into tar files; ``together``: all dates of a place are a sample."""
    splits, places = np.asarray(index["split"]), np.asarray(index["place"])
    size = sum(int(np.prod(a.chunks)) * a.dtype.itemsize for a in store.arrays.values())
    shards = []
    for split in np.unique(splits).tolist():
        rows = np.flatnonzero(splits == split)
        samples = [rows[[number]] for number in range(len(rows))]
        if together:
            of_place = places[rows]
            samples = [rows[of_place == place] for place in np.unique(of_place)]
        begin = split if version == 1 else f"{split}-v{version}"
        count = max(1, TAR_BYTES // (size * max(len(sample) for sample in samples)))
        for number, first in enumerate(range(0, len(samples), count)):
            shards.append(TarShard(name=f"{begin}-{number:06d}.tar", samples=samples[first : first + count]))
    return shards


def write_tar(
    path: Path, shard: TarShard, store: ChipStore, index: Mapping[str, Any], *, together: bool
) -> Path:
    """Write a tar file into the folder ``path``; the same bytes for the same chips."""
    file = path / shard.name
    path.mkdir(parents=True, exist_ok=True)
    with writing(file), tarfile.open(file, "w", format=tarfile.USTAR_FORMAT) as tar:
        for rows in shard.samples:
            key = str(index["place_id" if together else "id"][rows[0]])
            for ending, content in _files(rows, store, index, together=together):
                about = tarfile.TarInfo(f"{key}.{ending}")
                about.size = len(content)
                tar.addfile(about, io.BytesIO(content))
    return file


def _files(
    rows: NDArray[np.int64], store: ChipStore, index: Mapping[str, Any], *, together: bool
) -> Iterator[tuple[str, bytes]]:
    """Yield the files of a sample: their endings and contents."""
    chips, place = (np.asarray(index[name])[rows] for name in ("chip", "place"))
    facts = [{name: _plain(index[name][row]) for name in OF_INDEX} for row in rows]
    yield "json", json.dumps(facts if together else facts[0], allow_nan=False).encode()
    for name in store.arrays:
        if ARRAYS[name][0] == "place":
            yield f"{name}.npy", _npy(store.read(name, int(place[0])))
            continue
        there = [chip for chip in chips.tolist() if name != "pairs" or store.holds(name, chip)]
        if there:
            values = np.stack([store.read(name, chip) for chip in there])
            yield f"{name}.npy", _npy(values if together else values[0])


def _npy(values: NDArray[Any]) -> bytes:
    content = io.BytesIO()
    np.save(content, values, allow_pickle=False)
    return content.getvalue()


def _plain(value: Any) -> Any:
    plain = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(plain, float) and not np.isfinite(plain) else plain
