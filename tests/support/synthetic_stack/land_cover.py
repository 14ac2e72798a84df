"""The land-cover classes of a simulated scene, and what each looks like to a C-band radar."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

POLARIZATIONS = ("vv", "vh")


@dataclass(frozen=True, kw_only=True)
class LandCover:
    """One class: typical C-band values at about 36 degrees of incidence.

    Attributes
    ----------
    sigma0_vv, sigma0_vh : backscatter coefficients, dB.
    correlation : complex correlation E[vv conj(vh)] / sqrt(E|vv|^2 E|vh|^2).
    coherence_initial, coherence_final : temporal coherence for the shortest and the longest intervals.
    decay : days in which the difference between the two falls to 1/e.
    """

    name: str
    sigma0_vv: float
    sigma0_vh: float
    correlation: complex
    coherence_initial: float
    coherence_final: float
    decay: float

    def coherence(self, days: ArrayLike) -> NDArray[np.float64]:
        """Temporal coherence over intervals of ``days``, both polarizations alike; 1 over none.

        gamma_final + (gamma_initial - gamma_final) exp(-|days| / decay): a fast loss, a slow decay and a
        part that stays. As a matrix over dates it is positive definite, being a sum of such matrices.
        """
        apart = np.abs(np.asarray(days, dtype=np.float64))
        fading = (self.coherence_initial - self.coherence_final) * np.exp(-apart / self.decay)
        return np.where(apart == 0.0, 1.0, self.coherence_final + fading)

    def polarimetric(self, polarizations: Sequence[str]) -> NDArray[np.complex128]:
        """Correlation matrix (polarization, polarization) of ``polarizations``."""
        both = np.array([[1.0, self.correlation], [np.conj(self.correlation), 1.0]])
        chosen = [POLARIZATIONS.index(name) for name in polarizations]
        return both[np.ix_(chosen, chosen)]

    def sigma0(self, polarizations: Sequence[str]) -> NDArray[np.float64]:
        """Backscatter coefficients (linear) of ``polarizations``."""
        decibels = {"vv": self.sigma0_vv, "vh": self.sigma0_vh}
        return np.array([10.0 ** (decibels[name] / 10.0) for name in polarizations])


WATER, FIELD, GRASSLAND, FOREST, URBAN, ROAD = range(6)

CLASSES = (
    LandCover(
        name="water",
        sigma0_vv=-19.0,
        sigma0_vh=-27.0,
        correlation=0.02 + 0.0j,
        coherence_initial=0.0,
        coherence_final=0.0,
        decay=1.0,
    ),
    LandCover(
        name="field",
        sigma0_vv=-9.5,
        sigma0_vh=-18.0,
        correlation=0.16 + 0.09j,
        coherence_initial=0.85,
        coherence_final=0.30,
        decay=30.0,
    ),
    LandCover(
        name="grassland",
        sigma0_vv=-13.5,
        sigma0_vh=-20.5,
        correlation=0.04 - 0.10j,
        coherence_initial=0.65,
        coherence_final=0.20,
        decay=20.0,
    ),
    LandCover(
        name="forest",
        sigma0_vv=-8.0,
        sigma0_vh=-13.5,
        correlation=-0.05 + 0.03j,
        coherence_initial=0.40,
        coherence_final=0.05,
        decay=12.0,
    ),
    LandCover(
        name="urban",
        sigma0_vv=-2.0,
        sigma0_vh=-9.0,
        correlation=0.25 + 0.25j,
        coherence_initial=0.93,
        coherence_final=0.80,
        decay=120.0,
    ),
    LandCover(
        name="road",
        sigma0_vv=-16.5,
        sigma0_vh=-24.0,
        correlation=0.10 - 0.05j,
        coherence_initial=0.75,
        coherence_final=0.55,
        decay=60.0,
    ),
)
