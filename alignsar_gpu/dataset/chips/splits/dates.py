"""Split dates by ranges in time."""

from __future__ import annotations

from itertools import combinations
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.dataset.chips.splits import refusals
from alignsar_gpu.dataset.chips.splits.places import NONE
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from numpy.typing import NDArray

KEY = "chips.split.dates"


def split_by_dates(
    dates: Sequence[np.datetime64] | NDArray[np.datetime64], ranges: Mapping[str, tuple[date, date]]
) -> NDArray[np.str_]:
    """Return the split of each date: the one whose range, first and last day included, holds it; "" if none does.

    Raises AlignsarError for ranges that end before they begin, overlap, or hold no date, and if none is for training.
    """
    check_ranges(ranges)
    days = np.array(dates, dtype="datetime64[D]")
    splits = np.full(len(days), NONE, dtype=f"<U{max(map(len, ranges))}")
    for name, (first, last) in ranges.items():
        within = (days >= np.datetime64(first)) & (days <= np.datetime64(last))
        if not within.any():
            there = ", ".join(str(day) for day in np.unique(days))
            raise AlignsarError(
                f"{KEY}.{name}={_text(first, last)}: holds none of the dates, which are {there}; correct the range"
            )
        splits[within] = name
    return splits


def check_ranges(ranges: Mapping[str, tuple[date, date]]) -> None:
    """Raise AlignsarError for ranges that end before they begin or overlap, and if none is for training."""
    refusals.check_training(ranges, KEY)
    for name, (first, last) in ranges.items():
        if last < first:
            raise AlignsarError(
                f"{KEY}.{name}={_text(first, last)}: ends before it begins; exchange the days"
            )
    for one, other in combinations(ranges, 2):
        if max(ranges[one][0], ranges[other][0]) <= min(ranges[one][1], ranges[other][1]):
            raise AlignsarError(
                f"{KEY}.{other}={_text(*ranges[other])}: overlaps {one}={_text(*ranges[one])}, and both days belong to "
                "a range; let one end the day before the other begins"
            )


def _text(first: date, last: date) -> str:
    return f"[{first}, {last}]"
