"""Check that every chip of the index is stored, where and as it says, and that nothing else is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.chips.description import DATASET
from alignsar_gpu.dataset.chips.index import INDEX
from alignsar_gpu.dataset.chips.layout import ARRAYS, STORE
from alignsar_gpu.dataset.chips.summing import in_order
from alignsar_gpu.dataset.shards import MISSING, read_index
from alignsar_gpu.dataset.stored import SIZE
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from geopandas import GeoDataFrame
    from numpy.typing import NDArray

    from alignsar_gpu.dataset.chips.checks.findings import Dataset, Findings
    from alignsar_gpu.dataset.chips.store import ChipStore
    from alignsar_gpu.dataset.stored import StoredLayer

OF_STORAGE = ("shard", "offset", "length", "checksum")


def check_shapes(dataset: Dataset, store: ChipStore, findings: Findings) -> bool:
    """Check shapes, types and layers of arrays against dataset.json; tell whether they are as it says."""
    before, layers = len(findings.failures), dataset.facts["layers"]
    named, there = ({layer["array"] for layer in layers.values()}, set(store.arrays))
    if named != there:
        findings.fail(STORE, f"has the arrays {_listed(there)}; {DATASET} names {_listed(named)}")
    size = tuple(pixels + 2 * dataset.facts["halo"] for pixels in dataset.facts["size"])
    for name, array in store.arrays.items():
        of_array = {key: layer for key, layer in layers.items() if layer["array"] == name}
        shape = (*((len(of_array),) if ARRAYS[name][1] else ()), *size)
        if not (1, *shape) == array.chunks == (1, *array.shape[1:]):
            what = f"chips are of the shape {array.chunks[1:]}, and {DATASET} says {shape}"
            findings.fail(f"{STORE}/{name}", what)
        _check_layers(of_array, store.layers.get(name, tuple(of_array)), array, findings)
    return len(findings.failures) == before


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names))


def _check_layers(
    layers: Mapping[str, Mapping[str, Any]], stored: Sequence[str], array: StoredLayer, findings: Findings
) -> None:
    """Check types and order of the layers of an array; ``stored`` are their names in chips.zarr."""
    where, order = f"{STORE}/{array.path.name}", {layer["index"]: name for name, layer in layers.items()}
    other = [name for name, layer in layers.items() if layer["type"] != array.dtype.name]
    findings.require(other, where, f"layers of another type in {DATASET} than {array.dtype}")
    pairs = [(name, order.get(number)) for number, name in enumerate(stored)]
    wrong = [f"{name} for {said}" for name, said in pairs if name != said]
    findings.require(wrong, where, f"layers called otherwise than in {DATASET}")


def check_chunks(dataset: Dataset, store: ChipStore, findings: Findings, workers: int) -> None:
    """Check that each row of the index has its chunks, each chunk its row, and each the size of its shape."""
    before, lacking = len(findings.failures), {"chip": set[int](), "place": set[int]()}
    for name, array in store.arrays.items():
        lacking[ARRAYS[name][0]] |= _check_array(dataset, array, name, findings, workers)
    index = dataset.index
    complete = index[~(index["chip"].isin(lacking["chip"]) | index["place"].isin(lacking["place"]))]
    _check_rows(complete, store, findings, workers)
    if len(findings.failures) == before:
        arrays = ", ".join(store.arrays)
        findings.prove(f"{len(index)} chips are stored where the index says ({arrays}), and no others")


def _expected(dataset: Dataset, name: str) -> NDArray[np.int64]:
    """Return the numbers along the first axis of an array that must be stored, sorted."""
    rows = dataset.index
    if name == "pairs":
        references = {
            scene["id"]: str(scene.get("reference_date", "")).replace("-", "")
            for scene in dataset.facts["scenes"]
        }
        rows = rows[rows["date"].str.replace("-", "") != rows["scene"].map(references)]
    return np.unique(rows[ARRAYS[name][0]].to_numpy(dtype=np.int64))


def _stored_numbers(array: StoredLayer) -> NDArray[np.int64]:
    """Return the numbers along the first axis that have a chunk, from the indices of all shards."""
    found = [np.empty(0, np.int64)]
    for number in range(-(-array.shape[0] // array.shard[0])):
        path = array.path.joinpath("c", str(number), *("0" for _ in array.shape[1:]))
        if path.is_file():
            with path.open("rb", buffering=0) as file:
                places = read_index(file.fileno(), str(path), array.shard)
            there = places.reshape(array.shard[0], -1)[:, 0] != MISSING
            found.append(number * array.shard[0] + np.flatnonzero(there))
    return np.concatenate(found)


def _check_array(
    dataset: Dataset, array: StoredLayer, name: str, findings: Findings, workers: int
) -> set[int]:
    """Check which chunks of an array there are, and that each unpacks to its shape; return those that do not."""
    along, where = ARRAYS[name][0], f"{STORE}/{name}"
    ids = dataset.index.drop_duplicates(along).set_index(along)["id" if along == "chip" else "place_id"]
    try:
        stored = _stored_numbers(array)
    except AlignsarError as error:
        findings.fail(where, str(error))
        return set(ids.index)
    expected = _expected(dataset, name)
    lacking, surplus = np.setdiff1d(expected, stored), np.setdiff1d(stored, expected)
    findings.require(ids.loc[lacking].tolist(), where, f"{along}s of {INDEX} that are not there")
    findings.require(surplus.tolist(), where, f"{along}s that {INDEX} does not have, by number")
    there = np.intersect1d(expected, stored).tolist()
    found = in_order(lambda number: _problem(array, number), there, workers)
    problems = {number: text for number, text in zip(there, found, strict=True) if text}
    for kind in sorted(set(problems.values())):
        names = [str(ids.loc[number]) for number, text in problems.items() if text == kind]
        findings.require(names, where, f"{along}s that are {kind}")
    return {*lacking.tolist(), *problems}


def _problem(array: StoredLayer, number: int) -> str:
    """Return what is wrong with a stored chip: nothing, its shape, or its content."""
    values = np.empty(array.chunks[1:], dtype=array.dtype)
    try:
        chunk = array.chunk_of(number)
        if chunk is not None and int.from_bytes(chunk[2][SIZE], "little") != values.nbytes:
            return f"of another shape than {values.shape}"
        array.read_into(number, values)
    except AlignsarError:
        return "damaged"
    return ""


def _check_rows(index: GeoDataFrame, store: ChipStore, findings: Findings, workers: int) -> None:
    """Check shard, offset, length and checksum of rows of the index whose chips are there."""
    rows = list(zip(index["chip"].tolist(), index["place"].tolist(), strict=True))
    actual = list(in_order(lambda row: store.stored(*row), rows, workers))
    for column in OF_STORAGE:
        stored = (getattr(one, column) for one in actual)
        pairs = zip(index["id"], index[column], stored, strict=True)
        wrong = [name for name, said, found in pairs if said != found]
        findings.require(wrong, INDEX, f"chips stored with another {column} than it says")
