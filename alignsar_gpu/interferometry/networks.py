"""Networks of interferometric pairs of a stack's dates."""

from __future__ import annotations

import math
from itertools import combinations
from typing import TYPE_CHECKING

from alignsar_gpu.errors import AlignsarError, choose_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

NETWORKS = ("none", "single_reference", "sequential", "small_baseline")
# Passes of one track come at one time of day, give or take some seconds: 12 days are 12.0001 or 11.9999.
DAYS_TOLERANCE = 0.1


def pairs_of(
    kind: str,
    days: Sequence[float],
    perpendicular_baselines: Sequence[float],
    reference: int,
    *,
    neighbours: int = 1,
    most_days: float | None = None,
    most_metres: float | None = None,
) -> tuple[tuple[int, int], ...]:
    """Choose the pairs (first, second) of dates, as indices; an interferogram is first * conj(second).

    Parameters
    ----------
    kind : "none"; "single_reference": the reference date with every other; "sequential": every date with its
        next ``neighbours`` in time; "small_baseline": all pairs within both limits.
    days, perpendicular_baselines : of every date against any one of them, in days and in metres.
    reference : index of the reference date.
    neighbours : at least 1; for "sequential".
    most_days, most_metres : limits of "small_baseline", inclusive; None: no limit. 12 days hold passes that come a
        few minutes later in the day, too.

    Returns
    -------
    No pair twice, in order of time of the first and then of the second date. The earlier date comes first, but
    for "single_reference", where it is the reference. Nothing for a single date.

    Raises AlignsarError for another kind, a limit or number of neighbours out of bounds, or limits that no pair
    is within.
    """
    if kind not in NETWORKS:
        raise AlignsarError(f"network {kind!r}: {choose_from(kind, NETWORKS)}")
    if neighbours < 1:
        raise AlignsarError(f"network {kind}: neighbours={neighbours} must be at least 1")
    for name, limit in (("most_days", most_days), ("most_metres", most_metres)):
        if limit is not None and not limit >= 0.0:
            raise AlignsarError(f"network {kind}: {name}={limit} must not be negative")
    _check_dates(days, perpendicular_baselines, reference)
    order = sorted(range(len(days)), key=lambda date: (days[date], date))
    if kind == "single_reference":
        return tuple((reference, date) for date in order if date != reference)
    if kind == "sequential":
        return tuple(
            (date, later) for i, date in enumerate(order) for later in order[i + 1 : i + 1 + neighbours]
        )
    if kind == "small_baseline":
        limits = (
            math.inf if most_days is None else most_days + DAYS_TOLERANCE,
            math.inf if most_metres is None else most_metres,
        )
        return _small_baselines(order, days, perpendicular_baselines, limits)
    return ()


def _check_dates(days: Sequence[float], baselines: Sequence[float], reference: int) -> None:
    if len(days) != len(baselines):
        raise ValueError(f"{len(days)} days, but {len(baselines)} perpendicular baselines")
    if not 0 <= reference < len(days):
        raise ValueError(f"reference {reference} is none of {len(days)} dates")
    if not all(map(math.isfinite, (*days, *baselines))):
        raise ValueError("days and perpendicular baselines must be finite")


def _small_baselines(
    order: Sequence[int], days: Sequence[float], baselines: Sequence[float], limits: tuple[float, float]
) -> tuple[tuple[int, int], ...]:
    every = tuple(combinations(order, 2))
    apart = {
        (first, second): (days[second] - days[first], abs(baselines[second] - baselines[first]))
        for first, second in every
    }
    pairs = tuple(p for p in every if apart[p][0] <= limits[0] and apart[p][1] <= limits[1])
    if every and not pairs:
        in_time, in_space = min(apart.values()), min(apart.values(), key=lambda a: a[::-1])
        raise AlignsarError(
            f"network small_baseline: no two of {len(days)} dates are within the limits; the nearest in time are "
            f"{in_time[0]:.1f} days and {in_time[1]:.1f} m apart, the nearest in space {in_space[0]:.1f} days "
            f"and {in_space[1]:.1f} m: raise most_days or most_metres"
        )
    return pairs


def unconnected(pairs: Iterable[tuple[int, int]], dates: int, reference: int) -> tuple[int, ...]:
    """Find the dates (indices) that no chain of ``pairs`` connects to the reference date, in order."""
    partners: list[set[int]] = [set() for _ in range(dates)]
    for first, second in pairs:
        partners[first].add(second)
        partners[second].add(first)
    reached, front = {reference}, [reference]
    while front:
        found = partners[front.pop()] - reached
        reached |= found
        front += found
    return tuple(date for date in range(dates) if date not in reached)
