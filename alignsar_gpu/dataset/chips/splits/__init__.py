"""Splits of places that cannot leak: by blocks of ground, folds, regions or dates."""

from alignsar_gpu.dataset.chips.splits.blocks import split_by_blocks, split_by_folds
from alignsar_gpu.dataset.chips.splits.dates import split_by_dates
from alignsar_gpu.dataset.chips.splits.files import read_blocks, write_blocks
from alignsar_gpu.dataset.chips.splits.places import Places, Splits, choose_buffer, least_buffer
from alignsar_gpu.dataset.chips.splits.regions import split_by_regions

__all__ = [
    "Places",
    "Splits",
    "choose_buffer",
    "least_buffer",
    "read_blocks",
    "split_by_blocks",
    "split_by_dates",
    "split_by_folds",
    "split_by_regions",
    "write_blocks",
]
