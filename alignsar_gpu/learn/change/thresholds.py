"""Thresholds on a score of change: Otsu's, the one of the best F1, and the curve of precision and recall."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 2000
SHOWN = 50  # points of a curve


@dataclass(kw_only=True, eq=False)
class ScoreCounts:
    """Count pixels by whether they change and by their score, in bins between two bounds.

    A score beyond the bounds belongs to the first or to the last bin.

    Attributes
    ----------
    low, high : bounds of scores.
    counts : [not changed or changed, bin].
    """

    low: float
    high: float
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros((2, BINS), dtype=np.int64))

    def add(self, scores: NDArray[np.floating[Any]], changed: NDArray[np.bool_]) -> None:
        """Count more pixels, given as arrays of one shape; a score that is NaN does not count."""
        known = np.isfinite(scores)
        place = (scores[known] - self.low) / (self.high - self.low) * BINS
        bins = np.clip(place, 0, BINS - 1).astype(np.int64)
        self.counts += np.bincount(changed[known] * BINS + bins, minlength=2 * BINS).reshape(2, BINS)

    @property
    def edges(self) -> NDArray[np.float64]:
        """Lower edges of the bins: thresholds, of which scores at or above count as change."""
        return np.linspace(self.low, self.high, BINS, endpoint=False)

    def otsu(self) -> float:
        """Return the threshold with the largest variance between the scores below and above it (Otsu 1979)."""
        weights = self.counts.sum(axis=0).astype(np.float64)
        middles = self.edges + 0.5 * (self.high - self.low) / BINS
        below, above = _before(weights), weights.sum() - _before(weights)
        moment = _before(weights * middles)
        with np.errstate(divide="ignore", invalid="ignore"):
            apart = moment / below - ((weights * middles).sum() - moment) / above
            between = np.nan_to_num(below * above * apart**2, nan=0.0, posinf=0.0)
        # between two peaks with nothing in between every threshold is as good: the middle one
        best = np.flatnonzero(between >= between.max() * (1.0 - 1e-12))
        return float(self.edges[best].mean())

    def best_f1(self) -> float:
        """Return the threshold with the largest F1 of the changed pixels."""
        return float(self.edges[int(np.argmax(self._f1()))])

    def f1(self, threshold: float) -> float:
        """Return the F1 of the changed pixels at a threshold, to the next bin."""
        place = round((threshold - self.low) / (self.high - self.low) * BINS)
        return float(self._f1()[min(max(place, 0), BINS - 1)])

    def _found(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Pixels that change, and all, at or above each threshold."""
        changed, every = self.counts[1], self.counts.sum(axis=0)
        return changed.sum() - _before(changed), every.sum() - _before(every)

    def _f1(self) -> NDArray[np.float64]:
        right, found = self._found()
        f1: NDArray[np.float64] = 2.0 * right / np.maximum(1, self.counts[1].sum() + found)
        return f1

    def curve(self) -> dict[str, Any]:
        """Return precision against recall, from high thresholds to low ones, and the area below (average precision)."""
        right, found = (values[::-1] for values in self._found())
        recall = right / max(1, int(self.counts[1].sum()))
        precision = right / np.maximum(1, found)
        area = float((np.diff(recall, prepend=0.0) * precision).sum())
        wanted = np.linspace(0.0, recall[-1], SHOWN)
        shown = np.unique(np.searchsorted(recall, wanted[1:]).clip(max=BINS - 1))
        return {
            "x": recall[shown].round(4).tolist(),
            "y": precision[shown].round(4).tolist(),
            "x_title": "recall",
            "y_title": "precision",
            "area": round(area, 4),
        }


def _before(values: NDArray[Any]) -> NDArray[Any]:
    """Sum the values of all bins before each."""
    before: NDArray[Any] = np.cumsum(values) - values
    return before
