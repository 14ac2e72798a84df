"""Prove from the files of a dataset of chips that nothing leaks between its splits, and that it is whole."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import shapely
from pandas.api.types import infer_dtype

from alignsar_gpu.dataset.chips.checks.boxes import check_boxes
from alignsar_gpu.dataset.chips.checks.chunks import check_chunks, check_shapes
from alignsar_gpu.dataset.chips.checks.content import check_statistics
from alignsar_gpu.dataset.chips.checks.files import check_files
from alignsar_gpu.dataset.chips.checks.findings import Dataset, Findings
from alignsar_gpu.dataset.chips.checks.keys import FACTS, wrong_keys
from alignsar_gpu.dataset.chips.checks.separation import check_splits
from alignsar_gpu.dataset.chips.description import DATASET, read_facts
from alignsar_gpu.dataset.chips.index import INDEX, read_index
from alignsar_gpu.dataset.chips.layout import STORE
from alignsar_gpu.dataset.chips.store import ChipStore
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from geopandas import GeoDataFrame

Result = TypeVar("Result")
TEXTS = ("id", "place_id", "scene", "date", "split", "block", "shard", "checksum")
INTEGERS = ("chip", "place", "offset", "length")


@dataclass(frozen=True, kw_only=True)
class Report:
    """What a check found: failures, a line each, and what is proved. A dataset without failures is sound."""

    folder: Path
    failures: Sequence[str]
    proofs: Sequence[str]

    @property
    def is_sound(self) -> bool:
        """Whether nothing failed."""
        return not self.failures


def check_dataset(folder: Path, workers: int = 1) -> Report:
    """Check a dataset of chips from its files alone; all failures are collected.

    No two chips of different splits are nearer than the buffer, which is at least a chip and the widest window; each
    place is in one split on all dates (by dates, each date); every file is whole and none is missing or besides; every
    row of the index has its chunks, of the shape that dataset.json says, and every chunk its row; the statistics are
    those of the training split; every class that is named occurs; images with boxes are in the folders of their splits.

    Parameters
    ----------
    folder : that holds dataset.json.
    workers : threads that read.
    """
    findings = Findings()
    facts = _guarded(findings, lambda: _checked_facts(folder, findings))
    if facts is not None:
        check_files(folder, facts["files"], findings, workers)
        index = _guarded(findings, lambda: _checked_index(folder, findings))
        if index is not None:
            _check_content(Dataset(folder=folder, facts=facts, index=index), findings, workers)
    return Report(folder=folder, failures=findings.failures, proofs=findings.proofs)


def _guarded(findings: Findings, work: Callable[[], Result]) -> Result | None:
    """Do work; what is wrong with a file becomes a failure."""
    try:
        return work()
    except AlignsarError as error:
        findings.failures.append(str(error))
        return None


def _check_content(dataset: Dataset, findings: Findings, workers: int) -> None:
    check_splits(dataset, findings)
    check_boxes(dataset, findings)
    store = _guarded(findings, lambda: _open(dataset.folder))
    if store is None:
        return
    if check_shapes(dataset, store, findings):
        check_chunks(dataset, store, findings, workers)
        _guarded(findings, lambda: check_statistics(dataset, store, findings, workers))


def _open(folder: Path) -> ChipStore:
    try:
        return ChipStore.open(folder)
    except (ValueError, KeyError, TypeError, OSError, RuntimeError) as error:
        raise AlignsarError(f"{STORE}: cannot be opened ({error})") from None


def _checked_facts(folder: Path, findings: Findings) -> dict[str, Any] | None:
    """Read dataset.json; None, with a failure, where it lacks what checks need."""
    facts = read_facts(folder)
    wrong = list(wrong_keys(facts, FACTS))
    return facts if findings.require(wrong, DATASET, "keys that are missing or of another type") else None


def _checked_index(folder: Path, findings: Findings) -> GeoDataFrame | None:
    """Read the index; None, with a failure, where it lacks what checks need."""
    index = read_index(folder)
    wrong = [
        name for name in TEXTS if name not in index or infer_dtype(index[name], skipna=False) != "string"
    ]
    wrong += [name for name in INTEGERS if name not in index or index[name].dtype.kind != "i"]
    shapes = np.asarray(index["footprint"].array) if "footprint" in index else np.empty(0)
    if getattr(index.get("footprint"), "crs", None) is None or not (shapely.area(shapes) > 0.0).all():
        wrong.append("footprint")
    right = findings.require(wrong, INDEX, "columns that are missing or of another type")
    for name in ("id", "chip") if right else ():
        twice = index[name][index[name].duplicated()].tolist()
        right &= findings.require(twice, INDEX, f"chips with the same {name} as another")
    return index if right else None
