"""A taster: some chips of a dataset as a dataset of its own, small enough to look at before the whole is fetched."""

from __future__ import annotations

import hashlib
import shutil
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.chips.description import BLOCKS, DATASET, STATISTICS, as_json
from alignsar_gpu.dataset.chips.index import INDEX, write_index
from alignsar_gpu.dataset.chips.layout import STORE, ChipArray, ChipLayout
from alignsar_gpu.dataset.chips.store import ChipStore
from alignsar_gpu.dataset.chips.summing import locate, training_splits, training_statistics
from alignsar_gpu.dataset.chips.writer import ChipWriter
from alignsar_gpu.dataset.cube import finish_cube
from alignsar_gpu.errors import writing

if TYPE_CHECKING:
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

    from alignsar_gpu.card.subject import Subject
    from alignsar_gpu.dataset.flow import Flow

OF_WHOLE = ("boxes", "ignored")  # keys of dataset.json that say what a taster lacks, or count it


def write_taster(subject: Subject, folder: Path, chips: int, flow: Flow, workers: int) -> int:
    """Write about ``chips`` chips of a dataset into ``folder``, as a dataset that is read and checked in the same way.

    Places are taken with all their dates, from every split by its share of the chips: first those that have most of
    each class, rare classes first, then places at equal steps through the index. Returns the number of chips.
    """
    index = subject.index[np.isin(subject.index["place"], choose_places(subject, chips))].reset_index(
        drop=True
    )
    _copy(subject, folder / STORE, index, flow)
    store = ChipStore.open(folder)
    _renumber(index)
    stored = locate(store, 0, index["place"].to_numpy(), workers)
    for name in ("shard", "offset", "length", "checksum"):
        index[name] = [getattr(one, name) for one in stored]
    write_index(folder / INDEX, index)
    shutil.copyfile(subject.chips / BLOCKS, folder / BLOCKS)
    decibels = {name: of["decibel"] for name, of in subject.facts["layers"].items() if "decibel" in of}
    statistics = training_statistics(store, index, decibels, training_splits(index), workers)
    with writing(folder):
        (folder / STATISTICS).write_text(as_json(statistics), encoding="utf-8")
        facts = _facts(subject, folder, index, statistics)
        (folder / DATASET).write_text(as_json(facts), encoding="utf-8")
    return len(index)


def choose_places(subject: Subject, chips: int) -> NDArray[np.int64]:
    """Choose places for about ``chips`` chips; see `write_taster`."""
    table = subject.index.drop_duplicates("place")
    wanted = max(len(subject.splits), round(chips * len(table) / len(subject.index)))
    rarest_first = table[subject.class_shares].mean().sort_values(kind="stable").index
    by_dates = subject.facts["split"]["by"] == "dates"  # all places are in all splits then
    parts = [table] if by_dates else [table[table["split"] == split] for split in subject.splits]
    ends = np.cumsum([len(own) for own in parts]) * wanted / len(table)
    counts = np.diff(ends.round().astype(int), prepend=0)
    chosen: list[int] = []
    for own, share in zip(parts, counts.tolist(), strict=True):
        count = min(len(own), max(1, share))
        found: dict[int, None] = {}
        for name in rarest_first:
            if len(found) < count and own[name].max() > 0.0:
                found[int(own.loc[own[name].idxmax(), "place"])] = None
        rest = own["place"][~own["place"].isin(found)].to_numpy()
        steps = np.linspace(0, len(rest) - 1, count - len(found)).round().astype(int) if len(rest) else ()
        chosen += [*found, *rest[steps].tolist()]
    return np.array(sorted(chosen), dtype=np.int64)


def _renumber(index: gpd.GeoDataFrame) -> None:
    """Number chips and places from 0 on, in their order."""
    index["chip"] = np.arange(len(index))
    index["place"] = np.unique(index["place"], return_inverse=True)[1]


def _copy(subject: Subject, path: Path, index: gpd.GeoDataFrame, flow: Flow) -> None:
    """Copy the chips of ``index``, numbered anew, to a store at ``path``."""
    store = subject.store
    numbers = {"chip": index["chip"].to_numpy(), "place": np.unique(index["place"])}
    layout = ChipLayout(
        shape=store.shape,
        dimensions=("line", "sample") if subject.facts["geometry"] == "radar" else ("y", "x"),
        counts={along: len(of) for along, of in numbers.items()},
        arrays=[
            ChipArray(name=name, layers=tuple(store.layers.get(name, ())), dtype=array.dtype.name)
            for name, array in store.arrays.items()
        ],
    )
    layout.create(path)
    with flow:
        for array in layout.arrays:
            old_numbers = enumerate(numbers[array.along].tolist())
            there = [(new, old) for new, old in old_numbers if store.holds(array.name, old)]
            writer = ChipWriter(
                path, layout, array, np.array([new for new, _ in there], dtype=np.int64), flow
            )
            for new, old in there:
                writer.write(new, store.read(array.name, old))
    finish_cube(path, {})


def _facts(
    subject: Subject, folder: Path, index: gpd.GeoDataFrame, statistics: dict[str, Any]
) -> dict[str, Any]:
    """Return dataset.json of the taster: that of the dataset, with its own counts, classes and files."""
    facts, counts = subject.facts, index["split"].value_counts()
    occurring = {
        layer: {value for pixels in of_splits.values() for value in pixels}
        for layer, of_splits in statistics["classes"].items()
    }
    whole = (subject.chips / DATASET).read_bytes()
    return {
        **{name: fact for name, fact in facts.items() if name not in OF_WHOLE},
        "id": f"{facts['id']}-taster",
        "title": f"{subject.title}: taster",
        "taster_of": {"id": facts["id"], f"sha256_of_its_{DATASET}": hashlib.sha256(whole).hexdigest()},
        "counts": {name: int(counts.get(name, 0)) for name in facts["counts"]},
        "classes": {
            layer: {name: value for name, value in of.items() if str(value) in occurring.get(layer, ())}
            for layer, of in facts["classes"].items()
        },
        "files": {
            path.relative_to(folder).as_posix(): {
                "size": path.stat().st_size,
                "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
            }
            for path in sorted(folder.rglob("*"))
            if path.is_file() and path.name != DATASET
        },
    }
