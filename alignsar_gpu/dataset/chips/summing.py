"""Go through the chips that are stored: where each lies, and the statistics of the training split."""

from __future__ import annotations

from collections import deque
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np

from alignsar_gpu.dataset.chips.layout import ARRAYS, CLASSES, TARGETS
from alignsar_gpu.dataset.chips.splits.places import TRAIN
from alignsar_gpu.dataset.chips.statistics import LayerStatistics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.dataset.chips.store import ChipStore, Stored

Item = TypeVar("Item")
Result = TypeVar("Result")
BATCH_BYTES = 1 << 21  # of an array that a thread takes at a time: what is computed of it stays in the cache
NUMBERS = ("images", "pairs", "ground", *TARGETS)
AHEAD = 2  # results that wait to be taken, for each thread
VALUES = 256  # of classes


def in_order(work: Callable[[Item], Result], items: Sequence[Item], workers: int) -> Iterator[Result]:
    """Yield ``work(item)`` of each item, in order; computed in threads, a few before they are taken."""
    pending: deque[Any] = deque()
    with ThreadPoolExecutor(workers) as pool:
        for item in items:
            pending.append(pool.submit(work, item))
            if len(pending) > AHEAD * workers:
                yield pending.popleft().result()
        while pending:
            yield pending.popleft().result()


def locate(store: ChipStore, first: int, places: NDArray[np.int64], workers: int) -> list[Stored]:
    """Find where each chip lies, and its checksum; ``places`` are the numbers of the places of chips from ``first``."""
    chips = list(enumerate(places.tolist(), first))
    return list(in_order(lambda chip: store.stored(*chip), chips, workers))


def training_splits(index: Mapping[str, Any]) -> list[str]:
    """Return the splits that statistics are of: the one for training, or all where folds are split."""
    names = sorted(set(index["split"]))
    return [TRAIN] if TRAIN in names else names


def training_statistics(
    store: ChipStore,
    index: Mapping[str, Any],
    decibels: Mapping[str, float],
    training: Sequence[str],
    workers: int,
) -> dict[str, Any]:
    """Compute the statistics of the chips in the splits ``training``, and how often classes are in every split.

    ``decibels`` are those of layers that have them, see `statistics.LayerStatistics`. Each chip counts once, and what
    is the same on all dates once for each place.
    """
    layers: dict[str, Any] = {}
    chosen = np.isin(index["split"], training)
    for name in NUMBERS:
        if name in store.arrays:
            layers |= _of_layers(store, name, _numbers(index, chosen, name), decibels, workers)
    classes = {
        layer: counts
        for name in CLASSES
        if name in store.arrays
        for layer, counts in _of_classes(store, name, index, workers).items()
    }
    return {"split": list(training), "layers": layers, "classes": classes}


def _numbers(index: Mapping[str, Any], chosen: NDArray[np.bool_], name: str) -> NDArray[np.int64]:
    """Numbers of the chosen chips, or of their places, in an array."""
    return np.unique(np.asarray(index[ARRAYS[name][0]], dtype=np.int64)[chosen])


def _batches(store: ChipStore, name: str, numbers: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    array = store.arrays[name]
    count = max(1, BATCH_BYTES // (int(np.prod(array.chunks)) * array.dtype.itemsize))
    return [numbers[first : first + count] for first in range(0, len(numbers), count)]


def _values(store: ChipStore, name: str, numbers: NDArray[np.int64]) -> NDArray[Any]:
    """Read chips, [chip, layer, line, sample], without those that are not there."""
    array = store.arrays[name]
    values = np.empty((len(numbers), *array.chunks[1:]), dtype=array.dtype)
    there = [array.read_into(int(number), chip) for number, chip in zip(numbers, values, strict=True)]
    return values[there] if not all(there) else values


def _of_layers(
    store: ChipStore, name: str, numbers: NDArray[np.int64], decibels: Mapping[str, float], workers: int
) -> dict[str, Any]:
    names = store.layers[name]

    def of_batch(batch: NDArray[np.int64]) -> list[LayerStatistics]:
        values = _values(store, name, batch)
        return [LayerStatistics.of(values[:, k], decibels.get(layer, 0.0)) for k, layer in enumerate(names)]

    sums: list[LayerStatistics] = [LayerStatistics(decibels.get(layer, 0.0)) for layer in names]
    for found in in_order(of_batch, _batches(store, name, numbers), workers):
        for whole, part in zip(sums, found, strict=True):
            whole.add(part)
    return {layer: whole.described() for layer, whole in zip(names, sums, strict=True)}


def _of_classes(
    store: ChipStore, name: str, index: Mapping[str, Any], workers: int
) -> dict[str, dict[str, dict[str, int]]]:
    """Pixels of every value of layers of classes, by layer and split."""
    result: dict[str, dict[str, dict[str, int]]] = {layer: {} for layer in store.layers[name]}

    def of_batch(batch: NDArray[np.int64]) -> NDArray[np.int64]:
        values = _values(store, name, batch)
        return np.stack([np.bincount(values[:, k].ravel(), minlength=VALUES) for k in range(len(result))])

    splits = np.asarray(index["split"])
    for split in np.unique(splits).tolist():
        batches = _batches(store, name, _numbers(index, splits == split, name))
        counts = sum(in_order(of_batch, batches, workers), np.zeros((len(result), VALUES), dtype=np.int64))
        for layer, of_layer in zip(result, counts, strict=True):
            result[layer][split] = {str(value): int(of_layer[value]) for value in np.flatnonzero(of_layer)}
    return result
