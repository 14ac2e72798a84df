"""Options of the signatures: windows, filter, radiometry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Quantity = Literal["sigma_nought", "beta_nought", "gamma_nought"]
NoiseState = Literal["kept", "removed"]
NegativeState = Literal["masked", "kept"]
Filter = Literal["none", "boxcar", "lee", "refined_lee", "gamma_map"]


def filter_of(kind: Filter, *, matrix: bool) -> Filter:
    """Return the filter to use; matrices get a boxcar instead of Gamma-MAP, which is for single intensities."""
    return "boxcar" if matrix and kind == "gamma_map" else kind


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Averaging windows (lines, samples) of coherence, interferometric phase and polarimetric matrices."""

    coherence: tuple[int, int]
    phase: tuple[int, int]
    matrix: tuple[int, int] = (3, 3)


@dataclass(frozen=True, kw_only=True)
class SignatureOptions:
    """Options shared by all signatures of a run.

    Attributes
    ----------
    windows : that they are averaged over; that of the matrices is the filter's, too.
    filter : the speckle filter before intensities and matrices.
    multitemporal : whether intensities are filtered over the dates as well (Quegan and Yu 2001).
    noise : whether thermal noise is removed from calibrated powers.
    negative : whether what noise removal leaves below zero is "kept" or "masked".
    quantity : what matrices and statistics over time are calibrated to; None for digital numbers.
    coherence_looks : independent looks of the coherence window, for its bias to be removed; None to keep it.
    smallest_range : of wet above dry for the relative wetness index, dB.
    """

    windows: Windows
    filter: Filter = "none"
    multitemporal: bool = False
    noise: NoiseState = "kept"
    negative: NegativeState = "masked"
    quantity: Quantity | None = "sigma_nought"
    coherence_looks: float | None = None
    smallest_range: float = 1.0

    @property
    def halo(self) -> int:
        """Lines that a block needs beyond its own on either side."""
        lines = [self.windows.coherence[0], self.windows.phase[0], self.windows.matrix[0]]
        return max(lines) // 2
