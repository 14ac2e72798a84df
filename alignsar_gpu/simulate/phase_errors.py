"""Errors of a phase whose truth is known: their mean, whether they go with height, and jumps at seams."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

BESIDE = 16  # lines or samples on both sides of a seam
MOST_COHERENT = 0.95  # no pixel counts more than one of this coherence


def weights_of(coherence: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """What phases of a coherence tell: the inverse of their variance, but for a factor; 0 for NaN."""
    power = np.minimum(np.nan_to_num(coherence.astype(np.float64)), MOST_COHERENT) ** 2
    return np.asarray(power / (1.0 - power))


@dataclass(kw_only=True, eq=False)
class PhaseErrors:
    """Weighted sums over the phasors of errors.

    Attributes
    ----------
    independent : share of the pixels that are independent of each other.
    pixels : how many were added.
    """

    independent: float
    pixels: int = 0
    _total: complex = 0.0
    _squares: complex = 0.0
    _weights: float = 0.0
    _moments: NDArray[np.float64] = field(default_factory=lambda: np.zeros(6))

    def add(
        self,
        error: NDArray[np.complex128],
        weight: NDArray[np.float64],
        height: NDArray[np.floating[Any]] | None = None,
    ) -> None:
        """Phasors of errors with their weights and, where that is asked about, heights (m); all of one shape."""
        known = np.isfinite(error) & (weight > 0.0)
        error, weight = error[known], weight[known]
        self.pixels += len(error)
        self._total += complex(np.sum(weight * error))
        self._squares += complex(np.sum((weight * error) ** 2))
        self._weights += float(np.sum(weight**2))
        if height is not None:
            columns = np.stack([np.ones(len(error)), np.angle(error), height[known].astype(np.float64)])
            products = (columns * weight) @ columns.T
            self._moments += products[np.triu_indices(3)]

    @property
    def mean(self) -> float:
        """The angle (radians) of the mean phasor."""
        return float(np.angle(self._total)) if self.pixels else np.nan

    @property
    def deviation(self) -> float:
        """Standard deviation of `mean` (radians), from how far the phasors lie across it."""
        if self._total == 0.0:
            return np.nan
        along = (self._squares * np.exp(-2j * np.angle(self._total))).real
        across = max(0.5 * (self._weights - along), 0.0)
        return float(np.sqrt(across / self.independent) / abs(self._total))

    @property
    def correlation_with_height(self) -> float:
        """Weighted correlation of the errors with the heights; NaN without any."""
        weight, error, height, error_2, both, height_2 = self._moments
        if weight == 0.0:
            return np.nan
        spread = (error_2 - error**2 / weight) * (height_2 - height**2 / weight)
        return float((both - error * height / weight) / np.sqrt(spread)) if spread > 0.0 else np.nan


@dataclass(frozen=True, kw_only=True, eq=False)
class Patch:
    """Errors (phasors) and weights of a rectangle of an image, (line, sample)."""

    lines: slice
    samples: slice
    error: NDArray[np.complex128]
    weight: NDArray[np.float64]

    def edges(self) -> Patches:
        """What lies along its four sides."""
        lines, samples = self.lines, self.samples
        above, below = min(lines.start + BESIDE, lines.stop), max(lines.stop - BESIDE, lines.start)
        near, far = min(samples.start + BESIDE, samples.stop), max(samples.stop - BESIDE, samples.start)
        return {
            "first lines": self.part(slice(lines.start, above), samples),
            "last lines": self.part(slice(below, lines.stop), samples),
            "near": self.part(lines, slice(samples.start, near)),
            "far": self.part(lines, slice(far, samples.stop)),
        }

    def part(self, lines: slice, samples: slice) -> Patch:
        """Copies of what is inside other lines and samples too."""
        lines, samples = _common(self.lines, lines), _common(self.samples, samples)
        own = (
            slice(lines.start - self.lines.start, lines.stop - self.lines.start),
            slice(samples.start - self.samples.start, samples.stop - self.samples.start),
        )
        return Patch(
            lines=lines, samples=samples, error=self.error[own].copy(), weight=self.weight[own].copy()
        )


Patches = dict[str, Patch]
WHOLE = slice(0, np.iinfo(np.int64).max)


def _common(one: slice, other: slice) -> slice:
    start = max(one.start, other.start)
    return slice(start, max(min(one.stop, other.stop), start))


def seams(edges: Mapping[str, Patches], independent: float) -> list[dict[str, Any]]:
    """How much the error of phase jumps where pieces of a mosaic meet; ``edges`` by the name of the piece.

    Means of the `BESIDE` lines or samples on both sides, from the piece of the lesser lines or samples to the other.
    """
    found = []
    for one, other in permutations(edges, 2):
        before, after = edges[one]["last lines"], edges[other]["first lines"]
        if before.lines.stop == after.lines.start:
            sides = before.part(WHOLE, after.samples), after.part(WHOLE, before.samples)
            found += _jump(one, other, sides, independent)
        before, after = edges[one]["far"], edges[other]["near"]
        if before.samples.stop == after.samples.start:
            sides = before.part(after.lines, WHOLE), after.part(before.lines, WHOLE)
            found += _jump(one, other, sides, independent)
    return found


def _jump(one: str, other: str, sides: Sequence[Patch], independent: float) -> list[dict[str, Any]]:
    sums = [PhaseErrors(independent=independent) for _ in sides]
    for total, side in zip(sums, sides, strict=True):
        total.add(side.error, side.weight)
    if not all(total.pixels for total in sums):
        return []
    jump = np.angle(np.exp(1j * (sums[1].mean - sums[0].mean)))
    return [
        {
            "bursts": [one, other],
            "jump_rad": float(jump),
            "deviation_rad": float(np.hypot(*(total.deviation for total in sums))),
            "pixels": sum(total.pixels for total in sums),
        }
    ]
