"""Percentiles of the powers of a pixel over the dates: references that an outlier does not move."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from alignsar_gpu.kernels import temporal_extremes

WETNESS_DATES = 5  # of a pixel: with fewer, percentiles are the driest and the wettest date themselves
SMALLEST_POWER = np.float32(2.0**-126)  # what `temporal_extremes` counts as positive


def outer_percentiles(power: Any, valid: Any, share: float, xp: Any) -> tuple[Any, Any]:
    """Compute the percentiles ``share`` and 1 - ``share`` (0 to 0.5) of what is positive over the dates.

    Linear between the two nearest ranks, as NumPy's. Float32 [line, sample] from arrays [date, line, sample]; NaN
    with fewer than WETNESS_DATES dates.
    """
    counted = valid & (power >= SMALLEST_POWER)
    count = counted.sum(axis=0).astype(np.float32)
    rank = xp.where(count >= WETNESS_DATES, np.float32(share) * (count - np.float32(1.0)), np.float32(np.nan))
    rounds = math.ceil(share * (len(power) - 1)) + 1
    low, high = (_at_rank(power, counted, rank, rounds, end, xp) for end in range(2))
    return low, high


def _at_rank(power: Any, counted: Any, rank: Any, rounds: int, end: int, xp: Any) -> Any:
    """Return the power at a rank (from 0, fractions too) from the lowest (``end`` 0) or the highest (1)."""
    ranks = xp.floor(rank), xp.ceil(rank)
    values = [xp.full(rank.shape, np.nan, dtype=np.float32) for _ in ranks]
    left, passed = counted, xp.zeros(rank.shape, dtype=np.float32)
    for _ in range(rounds):
        extreme = temporal_extremes(power, left, positive=True)[end]
        equal = left & (power == extreme)
        so_far = passed + equal.sum(axis=0).astype(np.float32)
        for value, wanted in zip(values, ranks, strict=True):
            xp.copyto(value, extreme, where=(passed <= wanted) & (wanted < so_far))
        left, passed = left & ~equal, so_far
    return values[0] + (values[1] - values[0]) * (rank - ranks[0])
