"""Choice of the reference date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.baselines import baseline_components

if TYPE_CHECKING:
    from numpy.typing import ArrayLike

    from alignsar_gpu.geometry.orbit import Orbit
    from alignsar_gpu.products.selection import Selection


def central_date(days: ArrayLike, perpendicular: ArrayLike) -> int:
    """Find the date (index) with the smallest sum of temporal and perpendicular baselines to all others.

    Parameters
    ----------
    days : (dates,) of the acquisitions.
    perpendicular : (dates,) perpendicular baselines (m) against any one of them.

    Both kinds of distances count in units of their largest in the stack. Of several, the first.
    Raises AlignsarError where the two are not as many, or none.
    """
    times, offsets = np.asarray(days, dtype=np.float64), np.asarray(perpendicular, dtype=np.float64)
    if times.ndim != 1 or times.shape != offsets.shape or not times.size:
        raise AlignsarError(
            f"reference date: {times.size} dates and {offsets.size} baselines, which must be as many"
        )
    total = np.zeros(times.shape)
    for values in (times, offsets):
        apart = np.abs(values[:, np.newaxis] - values)
        if apart.max() > 0.0:
            total += apart.sum(axis=1) / apart.max()
    return int(np.argmin(np.round(total, 9)))


def best_reference(selection: Selection) -> str:
    """Find the best reference date (YYYYMMDD) of a selection, by `central_date`.

    Perpendicular baselines are those at the middle of the first burst, on the ellipsoid.
    """
    orbits: dict[str, Orbit] = {}
    days: dict[str, int] = {}
    for found in selection.bursts.values():
        for date, match in found.items():
            orbits.setdefault(date, match.product.orbit)
            days.setdefault(date, match.product.start.astype("datetime64[D]").astype(int).item())
    middle = next(iter(selection.bursts.values()))[selection.reference].burst.footprint.mean(axis=0)
    perpendicular = [
        float(
            baseline_components(
                orbits[selection.reference], orbits[date], middle[0], middle[1], 0.0
            ).perpendicular
        )
        for date in selection.dates
    ]
    return selection.dates[central_date([days[date] for date in selection.dates], perpendicular)]
