"""Phase errors against a known truth: their mean, correlation with height, and jumps at seams."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import permutations
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

BESIDE = 48  # lines or samples on both sides of a seam
WHOLE = slice(0, np.iinfo(np.int64).max)
MOST_COHERENT = 0.9  # no pixel counts more than one of this coherence


def weights_of(coherence: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Compute the weight of a pixel's phase from its coherence g: g / sqrt(1 - g^2); 0 for NaN.

    Within a quarter of the best weights, the mean phasor over its variance, and without their integrals.
    """
    known = np.minimum(np.nan_to_num(coherence.astype(np.float64)), MOST_COHERENT)
    return np.asarray(known / np.sqrt(1.0 - known**2))


@dataclass(kw_only=True, eq=False)
class PhaseErrors:
    """Weighted sums of error phasors.

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
        """Add error phasors with weights and, if wanted, heights (m); all of one shape."""
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
        """Return the angle (radians) of the mean phasor."""
        return float(np.angle(self._total)) if self.pixels else np.nan

    @property
    def deviation(self) -> float:
        """Return the standard deviation of `mean` (radians), from the scatter of the phasors across it."""
        if self._total == 0.0:
            return np.nan
        along = (self._squares * np.exp(-2j * np.angle(self._total))).real
        across = max(0.5 * (self._weights - along), 0.0)
        return float(np.sqrt(across / self.independent) / abs(self._total))

    @property
    def correlation_with_height(self) -> float:
        """Return the weighted correlation of the errors with height; NaN without heights."""
        weight, error, height, error_2, both, height_2 = self._moments
        if weight == 0.0:
            return np.nan
        spread = (error_2 - error**2 / weight) * (height_2 - height**2 / weight)
        return float((both - error * height / weight) / np.sqrt(spread)) if spread > 0.0 else np.nan


@dataclass(frozen=True, kw_only=True, eq=False)
class ErrorPatch:
    """Error phasors and weights of a rectangle of an image, or of a lattice on it, (line, sample).

    ``beside`` : lines and samples on both sides of a seam that are looked at.
    """

    lines: slice
    samples: slice
    error: NDArray[np.complex128]
    weight: NDArray[np.float64]
    beside: tuple[int, int] = (BESIDE, BESIDE)

    def edges(self) -> dict[str, ErrorPatch]:
        """Return the patches along its four sides."""
        lines, samples = self.lines, self.samples
        (above, below), (near, far) = (
            (min(own.start + beside, own.stop), max(own.stop - beside, own.start))
            for own, beside in zip((lines, samples), self.beside, strict=True)
        )
        return {
            "first lines": self.part(lines=slice(lines.start, above)),
            "last lines": self.part(lines=slice(below, lines.stop)),
            "near": self.part(samples=slice(samples.start, near)),
            "far": self.part(samples=slice(far, samples.stop)),
        }

    def part(self, lines: slice = WHOLE, samples: slice = WHOLE) -> ErrorPatch:
        """Return a copy of the part that lies inside other lines and samples too."""
        lines, samples = _common(self.lines, lines), _common(self.samples, samples)
        own = (
            slice(lines.start - self.lines.start, lines.stop - self.lines.start),
            slice(samples.start - self.samples.start, samples.stop - self.samples.start),
        )
        return ErrorPatch(
            lines=lines, samples=samples, error=self.error[own].copy(), weight=self.weight[own].copy()
        )


def _common(one: slice, other: slice) -> slice:
    start = max(one.start, other.start)
    return slice(start, max(min(one.stop, other.stop), start))


@dataclass(frozen=True, kw_only=True)
class Seam:
    """A seam between two pieces of a mosaic, and the phase jump there.

    Attributes
    ----------
    pieces : their names, that of the lesser lines or samples first.
    along : "azimuth" where one follows the other in azimuth, "range" where they lie side by side.
    jump, deviation : error of phase of the second less that of the first, and its standard deviation (radians).
    """

    pieces: tuple[str, str]
    along: str
    jump: float
    deviation: float


def seams(edges: Mapping[str, Mapping[str, ErrorPatch]], independent: float) -> list[Seam]:
    """Measure the phase jumps between adjacent pieces of a mosaic; ``edges`` by the name of the piece.

    Means of the `BESIDE` lines or samples on both sides, where both pieces have some; without those of no weight.
    """
    found = []
    for one, other in permutations(edges, 2):
        for along, ends in (("azimuth", ("last lines", "first lines")), ("range", ("far", "near"))):
            before, after = edges[one][ends[0]], edges[other][ends[1]]
            meet = (
                before.lines.stop == after.lines.start
                if along == "azimuth"
                else before.samples.stop == after.samples.start
            )
            if meet:
                across = "samples" if along == "azimuth" else "lines"
                sums = [
                    _sum(before.part(**{across: getattr(after, across)}), independent),
                    _sum(after.part(**{across: getattr(before, across)}), independent),
                ]
                if all(total.pixels for total in sums):
                    found.append(
                        Seam(
                            pieces=(one, other),
                            along=along,
                            jump=float(np.angle(np.exp(1j * (sums[1].mean - sums[0].mean)))),
                            deviation=float(np.hypot(sums[0].deviation, sums[1].deviation)),
                        )
                    )
    return found


def _sum(patch: ErrorPatch, independent: float) -> PhaseErrors:
    total = PhaseErrors(independent=independent)
    total.add(patch.error, patch.weight)
    return total


def mean_jump(found: Sequence[Seam]) -> tuple[float, float]:
    """Compute the weighted mean of jumps and its standard deviation; NaN without any."""
    if not found:
        return np.nan, np.nan
    weights = np.array([seam.deviation**-2 for seam in found])
    return float(np.average([seam.jump for seam in found], weights=weights)), float(weights.sum() ** -0.5)
