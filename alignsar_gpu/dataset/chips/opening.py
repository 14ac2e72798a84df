"""Open a dataset of chips with xarray, lazily."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from alignsar_gpu.dataset.chips.description import read_facts
from alignsar_gpu.dataset.chips.index import choose_chips, read_index
from alignsar_gpu.dataset.chips.layout import ARRAYS
from alignsar_gpu.dataset.chips.store import ChipStore

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.dataset.stored import StoredLayer

GEOMETRIES = ("geometry", "footprint")
OF_STORAGE = ("shard", "offset", "length", "checksum", "chip", "place")
OF_DATASET = ("id", "title", "license", "version", "geometry", "halo", "dates", "crs")


class _Chips(BackendArray):
    """Chips, or what all dates of a place share, of some numbers: no others are read."""

    def __init__(self, array: StoredLayer, numbers: NDArray[np.intp]) -> None:
        self._array, self._numbers = array, numbers
        self.shape, self.dtype = (len(numbers), *array.shape[1:]), array.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        outer = indexing.IndexingSupport.OUTER
        return indexing.explicit_indexing_adapter(key, self.shape, outer, self._part)

    def _part(self, key: tuple[int | slice | NDArray[np.intp], ...]) -> NDArray[Any]:
        numbers = np.atleast_1d(self._numbers[key[0]])
        chips = np.full((len(numbers), *self.shape[1:]), self._array.fill, dtype=self.dtype)
        for number, chip in zip(numbers.tolist(), chips, strict=True):
            self._array.read_into(number, chip)
        for axis, part in enumerate(key[1:], 1):
            if not isinstance(part, int | np.integer):
                chips = chips[(*(slice(None),) * axis, part)]
        whole = (slice(None) if isinstance(part, slice | np.ndarray) else part for part in key[1:])
        return chips[(0 if isinstance(key[0], int | np.integer) else slice(None), *whole)]


def folder_of(path: Path) -> Path:
    """Return the folder of chips: the one that is named, or chips/ of the run that is named."""
    return path / "chips" if (path / "chips").is_dir() else path


def open_chips(path: Path, query: str = "") -> xr.Dataset:
    """Open the chips at ``path``, those that ``query`` (as of `pandas.DataFrame.query`, on the index) chooses."""
    folder = folder_of(path)
    facts, store = read_facts(folder), ChipStore.open(folder)
    index = choose_chips(read_index(folder), query)
    dimensions = ("line", "sample") if facts["geometry"] == "radar" else ("y", "x")
    variables: dict[str, Any] = {}
    for name, array in store.arrays.items():
        along, layers = ARRAYS[name]
        numbers = index[along].to_numpy(dtype=np.intp)
        axes = ("chip", *((layers,) if layers else ()), *dimensions)
        variables[name] = xr.Variable(axes, indexing.LazilyIndexedArray(_Chips(array, numbers)))
    columns = {n: ("chip", index[n].to_numpy()) for n in index if n not in {*GEOMETRIES, *OF_STORAGE, "id"}}
    names = {ARRAYS[name][1]: list(layers) for name, layers in store.layers.items()}
    coordinates = {"chip": index["id"].to_numpy(), **names, **columns}
    attributes = {name: facts[name] for name in OF_DATASET if name in facts}
    return xr.Dataset(variables, coordinates, attributes)
