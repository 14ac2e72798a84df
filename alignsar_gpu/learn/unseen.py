"""Datasets that a model has not been trained on: all of their splits are for testing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignsar_gpu.dataset.chips.description import read_facts
from alignsar_gpu.dataset.chips.opening import folder_of

if TYPE_CHECKING:
    from pathlib import Path

SPLITS = ("train", "validation", "test")


def all_splits(chips: Path) -> list[str]:
    """Return the names of the splits that chips have."""
    counts = read_facts(folder_of(chips))["counts"]
    return [name for name in SPLITS if name in counts]
