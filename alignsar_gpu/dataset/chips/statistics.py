"""Statistics of the training split: count, mean, deviation, percentiles and histogram of every layer.

Values are counted in bins by the first 16 bits of their float32, which are finer than 0.8 % of a value everywhere, so
that counts of parts can be added and no range need be known before; percentiles are found within a bin by
interpolation. Moments are merged by parts (Chan et al. 1979, Updating formulae and a pairwise algorithm for computing
sample variances).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BINS = 1 << 16
SIGN = np.uint32(1 << 31)
PERCENTILES = (0.1, 1, 2, 5, 25, 50, 75, 95, 98, 99, 99.9)
HISTOGRAM = 64  # bins, at most, of the histogram that is written
POWER, AMPLITUDE = 10.0, 20.0  # times log10: decibels


def _bins(values: NDArray[np.float32]) -> NDArray[np.uint16]:
    """Number the bins of values, increasing with them."""
    bits = values.view(np.uint32)
    ordered = np.where(bits & SIGN, ~bits, bits | SIGN)
    return (ordered >> np.uint32(16)).astype(np.uint16)


def _edges() -> NDArray[np.float64]:
    """Lower edges of all bins; NaN where bins hold none but NaN and infinities."""
    ordered = np.arange(BINS, dtype=np.uint32) << np.uint32(16)
    bits = np.where(ordered & SIGN, ordered & ~SIGN, ~ordered)
    with np.errstate(invalid="ignore"):
        edges = bits.astype(np.uint32).view(np.float32).astype(np.float64)
    return np.where(np.isfinite(edges), edges, np.nan)


EDGES = _edges()


@dataclass(eq=False)
class Moments:
    """Count, mean, sum of squared deviations, least and greatest of values."""

    count: int = 0
    mean: float = 0.0
    squares: float = 0.0
    least: float = math.inf
    greatest: float = -math.inf

    @classmethod
    def of(cls, values: NDArray[np.floating[Any]]) -> Moments:
        """Compute the moments of finite values."""
        if not values.size:
            return cls()
        mean = float(values.mean(dtype=np.float64))
        squares = float(np.square(values - mean, dtype=np.float64).sum())
        return cls(values.size, mean, squares, float(values.min()), float(values.max()))

    def merged(self, other: Moments) -> Moments:
        """Return the moments of both."""
        count = self.count + other.count
        if not count:
            return self
        step, share = other.mean - self.mean, other.count / count
        return Moments(
            count,
            self.mean + step * share,
            self.squares + other.squares + step * step * self.count * share,
            min(self.least, other.least),
            max(self.greatest, other.greatest),
        )

    def described(self) -> dict[str, float | int | None]:
        """Return what is written of them."""
        if not self.count:
            return {"count": 0, "mean": None, "deviation": None, "minimum": None, "maximum": None}
        deviation = math.sqrt(self.squares / self.count)
        return {
            "count": self.count,
            "mean": self.mean,
            "deviation": deviation,
            "minimum": self.least,
            "maximum": self.greatest,
        }


@dataclass(eq=False)
class LayerStatistics:
    """Statistics of a layer as they grow; ``decibel`` is POWER or AMPLITUDE where it has decibels, else 0."""

    decibel: float = 0.0
    linear: Moments = field(default_factory=Moments)
    logarithm: Moments = field(default_factory=Moments)
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, dtype=np.int64))

    @classmethod
    def of(cls, values: NDArray[Any], decibel: float) -> LayerStatistics:
        """Compute the statistics of those values that are finite."""
        known = np.ascontiguousarray(values, dtype=np.float32).ravel()
        known = known[np.isfinite(known)]
        logarithm = Moments()
        if decibel:
            logarithm = Moments.of(decibel * np.log10(known[known > 0.0], dtype=np.float64))
        counts = np.bincount(_bins(known), minlength=BINS)
        return cls(decibel, Moments.of(known), logarithm, counts)

    def add(self, other: LayerStatistics) -> None:
        """Add those of other values."""
        self.linear, self.logarithm = self.linear.merged(other.linear), self.logarithm.merged(other.logarithm)
        self.counts += other.counts

    def described(self) -> dict[str, Any]:
        """Return what is written of them: linear, and where the layer has them, in decibels of positive values."""
        result = {"linear": self.linear.described() | _distribution(self.counts, EDGES, self.linear)}
        if self.decibel:
            positive = np.where(EDGES >= 0.0, self.counts, 0)
            with np.errstate(divide="ignore", invalid="ignore"):
                edges = self.decibel * np.log10(EDGES)
            result["decibel"] = self.logarithm.described() | _distribution(positive, edges, self.logarithm)
        return result


def _distribution(counts: NDArray[np.int64], edges: NDArray[np.float64], moments: Moments) -> dict[str, Any]:
    """Percentiles and histogram of values that are counted in bins; ``moments`` has the least and the greatest."""
    filled = np.flatnonzero(counts)
    filled = filled[np.isfinite(edges[filled])]
    if not filled.size:
        return {"percentiles": {}, "histogram": {"edges": [], "counts": []}}
    first, last = int(filled[0]), int(filled[-1]) + 1
    lower, upper = edges[first:last], edges[first + 1 : last + 1]
    lower = np.maximum(lower, moments.least)
    upper = np.clip(np.where(np.isfinite(upper), upper, lower), lower, max(moments.greatest, lower[-1]))
    sums = np.cumsum(counts[first:last])
    wanted = np.array(PERCENTILES) / 100.0 * sums[-1]
    bins = np.searchsorted(sums, wanted, side="left")
    inside = (wanted - (sums[bins] - counts[first:last][bins])) / counts[first:last][bins]
    values = lower[bins] + inside * (upper[bins] - lower[bins])
    percentiles = {f"{p:g}": float(value) for p, value in zip(PERCENTILES, values, strict=True)}
    return {"percentiles": percentiles, "histogram": _histogram(counts[first:last], lower, upper)}


def _histogram(
    counts: NDArray[np.int64], lower: NDArray[np.float64], upper: NDArray[np.float64]
) -> dict[str, Any]:
    """About HISTOGRAM bins of equal width, whose edges are those of bins that were counted in."""
    known = np.isfinite(lower)
    counts, lower, upper = counts[known], lower[known], upper[known]
    wanted = np.linspace(lower[0], upper[-1], HISTOGRAM + 1)[1:-1]
    cuts = np.unique(np.concatenate([[0], np.searchsorted(lower, wanted)]))
    cuts = cuts[cuts < lower.size]
    edges = [*lower[cuts].tolist(), float(upper[-1])]
    return {"edges": edges, "counts": np.add.reduceat(counts, cuts).tolist()}
