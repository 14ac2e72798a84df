"""Which date the others are brought to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike


def central_date(days: ArrayLike, perpendicular: ArrayLike) -> int:
    """Index of the date with the smallest total of temporal and perpendicular baselines to all others.

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
