"""Bounds of coordinates: longitudes go round the Earth, so the least and the largest need not be its ends."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

HALF = 180.0  # degrees around the Earth


def bounds_of(blocks: Iterable[NDArray[np.floating]]) -> tuple[float, float]:
    """Find the smallest and largest finite value of blocks of numbers; NaN, NaN where there is none."""
    low, high = np.inf, -np.inf
    for values in blocks:
        finite = values[np.isfinite(values)]
        if finite.size:
            low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return (low, high) if low <= high else (np.nan, np.nan)


def longitude_bounds(blocks: Iterable[NDArray[np.floating]]) -> tuple[float, float]:
    """Find the western and eastern end of blocks of longitudes (degrees), each from -180 to 180.

    West is greater than east where they cross the antimeridian, as ACDD and RFC 7946 have it: where they span less
    than half the Earth, and less if they are counted from 0 to 360 than from -180 to 180. NaN, NaN where there is none.
    """
    ends = [(bounds_of([wrapped(part)]), bounds_of([part % 360.0])) for part in blocks]
    (west, east), (first, last) = (bounds_of([np.array([end[way] for end in ends])]) for way in range(2))
    if last - first < min(east - west, HALF):
        return _wrapped_end(first), _wrapped_end(last)
    return west, east


def wrapped(longitude: NDArray[np.floating]) -> NDArray[np.floating]:
    """Wrap longitudes (degrees) to -180 to 180; those within stay as they are, to the last bit."""
    return np.where(np.abs(longitude) <= 180.0, longitude, (longitude + 180.0) % 360.0 - 180.0)


def _wrapped_end(longitude: float) -> float:
    return longitude - 360.0 if longitude > 180.0 else longitude
