"""Check that statistics are those of the training split, and that the classes that are named occur."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from alignsar_gpu.dataset.chips.description import DATASET, STATISTICS, read_statistics
from alignsar_gpu.dataset.chips.summing import training_splits, training_statistics

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from alignsar_gpu.dataset.chips.checks.findings import Dataset, Findings
    from alignsar_gpu.dataset.chips.store import ChipStore

ROUNDING = 1e-6  # relative: what sums may differ by on another machine


def check_statistics(dataset: Dataset, store: ChipStore, findings: Findings, workers: int) -> None:
    """Compute the statistics of the training split anew, and compare them with those that are stored."""
    stored = read_statistics(dataset.folder)
    training = training_splits(dataset.index)
    decibels = {
        name: layer["decibel"] for name, layer in dataset.facts["layers"].items() if "decibel" in layer
    }
    columns = {name: dataset.index[name].to_numpy() for name in ("chip", "place", "split")}
    computed = training_statistics(store, columns, decibels, training, workers)
    if isinstance(stored.get("split"), list):  # of folds, in any order
        stored["split"] = sorted(map(str, stored["split"]))
    differences = list(_differences(stored, computed))
    said = ", ".join(training)
    if findings.require(differences, STATISTICS, f"values that are not those of the split {said}"):
        findings.prove(f"statistics of {len(computed['layers'])} layers are those of the split {said}")
    _check_classes(dataset, computed["classes"], findings)


def _differences(stored: Any, computed: Any, name: str = "") -> Iterator[str]:
    """Yield the names of values that differ, with both of them."""
    if isinstance(computed, dict) and isinstance(stored, dict):
        for key in [*computed, *(key for key in stored if key not in computed)]:
            yield from _differences(stored.get(key), computed.get(key), f"{name}.{key}" if name else str(key))
    elif isinstance(computed, list) and isinstance(stored, list) and len(stored) == len(computed):
        for number, pair in enumerate(zip(stored, computed, strict=True)):
            yield from _differences(*pair, f"{name}[{number}]")
    elif not _is_same(stored, computed):
        yield f"{name} is {_shown(stored)} for {_shown(computed)}"


def _is_same(stored: Any, computed: Any) -> bool:
    if isinstance(computed, float) and isinstance(stored, int | float):
        return math.isclose(stored, computed, rel_tol=ROUNDING, abs_tol=ROUNDING * abs(computed) + 1e-12)
    return bool(stored == computed)


def _shown(value: Any) -> str:
    text = f"{value:g}" if isinstance(value, float) else str(value)
    return text if len(text) <= 40 else f"{text[:37]}..."


def _check_classes(
    dataset: Dataset, counted: Mapping[str, Mapping[str, Mapping[str, int]]], findings: Findings
) -> None:
    """Check that every class that dataset.json names has pixels."""
    absent, named = [], 0
    for layer, classes in dataset.facts["classes"].items():
        there = {value for pixels in counted.get(layer, {}).values() for value in pixels}
        absent += [f"{layer} {name} ({value})" for name, value in classes.items() if str(value) not in there]
        named += len(classes)
    if findings.require(absent, DATASET, "classes that it names and that do not occur"):
        findings.prove(f"{named} classes that are named occur" if named else "no classes are named")
