"""Detections against false alarms per km2, and the probability of detection by radar cross-section.

A detection belongs to an object if its middle lies in the box of the object, whatever its category: what matters here
is whether an object is noticed. Further detections of the same object count neither way, for constant false-alarm
rate finds the parts of one. The free-response curve is that of D. P. Chakraborty 1989, Medical Physics 16(4).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.learn.detection.boxes import rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.learn.detection.boxes import Detections, Objects

BIN = 5.0  # dB, of cross-sections


@dataclass(frozen=True, kw_only=True, eq=False)
class Noticed:
    """Which objects are noticed at which score, and at which scores there are false alarms.

    Attributes
    ----------
    score : the highest of a detection that belongs to an object, of each that is no crowd; -inf: never noticed.
    image, cross_section : of these objects.
    alarms, alarm_image : score and image of each false alarm.
    """

    score: NDArray[np.float64]
    image: NDArray[np.int64]
    cross_section: NDArray[np.float64]
    alarms: NDArray[np.float64]
    alarm_image: NDArray[np.int64]

    def threshold(self, rate: float, area: NDArray[np.float64], weights: NDArray[np.float64]) -> float:
        """Return the lowest score at which there are at most ``rate`` false alarms per km2.

        ``area`` of each image is in km2; ``weights`` say how often each image counts.
        """
        order = np.argsort(-self.alarms, kind="stable")
        number = np.cumsum(weights[self.alarm_image[order]])
        beyond = np.flatnonzero(number > rate * (area * weights).sum())
        return float(self.alarms[order[beyond[0]]]) if len(beyond) else -np.inf

    def probability(self, threshold: float, weights: NDArray[np.float64]) -> float:
        """Return the share of objects that are noticed above a score; NaN without objects."""
        weight = weights[self.image]
        total = weight.sum()
        return float((weight * (self.score > threshold)).sum() / total) if total else float("nan")

    def curve(self, area: NDArray[np.float64]) -> dict[str, list[float]]:
        """Return the free-response curve: ``x`` false alarms per km2, ``y`` share of objects that are noticed.

        Its points are those where another object is noticed.
        """
        levels = np.unique(self.score[np.isfinite(self.score)])[::-1]
        alarms, noticed = (len(of) - np.searchsorted(np.sort(of), levels) for of in (self.alarms, self.score))
        return {
            "x": (alarms / area.sum()).round(6).tolist(),
            "y": (noticed / max(1, len(self.score))).round(6).tolist(),
        }

    def by_cross_section(self, threshold: float) -> dict[str, list[Any]]:
        """Return the share of objects that are noticed above a score by their radar cross-section.

        ``x``: middles of bins, dBm2; ``y``: shares; ``count``: objects of each bin; ``low`` and ``high``: the 95 %
        interval (Wilson 1927).
        """
        known = np.isfinite(self.cross_section) & (self.cross_section > 0.0)
        bins = np.floor(10.0 * np.log10(self.cross_section[known]) / BIN)
        middles, of_object = np.unique(bins, return_inverse=True)
        count = np.bincount(of_object, minlength=len(middles))
        share = np.bincount(of_object, self.score[known] > threshold, len(middles)) / np.maximum(count, 1)
        low, high = wilson(share, count)
        parts = {"x": (middles + 0.5) * BIN, "y": share, "count": count, "low": low, "high": high}
        return {name: values.round(6).tolist() for name, values in parts.items()}


def notice(found: Detections, objects: Objects, categories: Sequence[int]) -> Noticed:
    """Find which objects of some categories are noticed by detections of these, and which of them are false alarms.

    A detection at an object of another category does not count.
    """
    found = found.take(np.isin(found.category, categories))
    score, false = np.full(len(objects), -np.inf), np.ones(len(found), dtype=bool)
    of_image = rows_of(objects.image)
    for image, rows in rows_of(found.image).items():
        there = of_image.get(image)
        if there is None:
            continue
        first, size = np.split(objects.box[there], 2, axis=1)
        middle = found.box[rows, :2] + 0.5 * found.box[rows, 2:]
        beyond = middle[:, np.newaxis] - first
        inside = np.all((beyond >= 0.0) & (beyond <= size), axis=2)
        false[rows] = ~np.any(inside, axis=1)
        best = np.where(inside, found.score[rows, np.newaxis], -np.inf).max(axis=0)
        score[there] = np.maximum(score[there], best)
    real = ~objects.crowd & np.isin(objects.category, categories)
    return Noticed(
        score=score[real],
        image=objects.image[real],
        cross_section=objects.cross_section[real],
        alarms=found.score[false],
        alarm_image=found.image[false],
    )


def wilson(
    share: NDArray[np.float64], count: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the 95 % interval of shares of ``count`` trials each."""
    z = 1.96
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) / (1 + z**2 / count)
    return middle - half, middle + half
