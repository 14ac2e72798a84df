"""Land-cover classes of a simulated campaign, with their C-band backscatter and coherence.

The numbers are typical ones, chosen within the ranges of F. T. Ulaby and M. C. Dobson, Handbook of Radar
Scattering Statistics for Terrain (Artech House, 1989), for the land, and of moderate wind (about 6 m/s)
for water; a film of oil damps the short waves that a radar sees. They are round: what counts is that they
are known.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError, choose_from

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

REFERENCE_INCIDENCE = 38.0  # degrees
GRAZING = 89.0  # degrees: from here on the law is held


@dataclass(frozen=True, kw_only=True)
class Backscatter:
    """Backscatter model sigma0(theta) = sigma0(38 degrees) (cos theta / cos 38 degrees)^exponent.

    Attributes
    ----------
    decibels : sigma0 at 38 degrees of incidence, dB.
    exponent : 1 to 2 for volumes and rough ground, more the smoother the surface.
    """

    decibels: float
    exponent: float

    def sigma0(self, incidence: ArrayLike) -> NDArray[np.float64]:
        """Compute the backscatter coefficient (linear) at incidence angles in degrees, constant beyond 89 degrees."""
        held = np.clip(np.abs(np.asarray(incidence, dtype=np.float64)), 0.0, GRAZING)
        ratio = np.cos(np.radians(held)) / np.cos(np.radians(REFERENCE_INCIDENCE))
        return np.asarray(10.0 ** (self.decibels / 10.0) * ratio**self.exponent)


@dataclass(frozen=True, kw_only=True)
class GroundClass:
    """A land-cover class: its backscatter and temporal coherence.

    Attributes
    ----------
    vv, vh : backscatter in each polarization.
    correlation : complex correlation E[vv conj(vh)] / sqrt(E|vv|^2 E|vh|^2).
    coherence_initial, coherence_final : temporal coherence for the shortest and the longest intervals,
        0 <= final <= initial <= 1: a scatterer is sqrt(final) that stays, sqrt(initial - final) that fades
        and sqrt(1 - initial) that is new on every date.
    decay : days in which the difference between the two falls to 1/e.
    colour : red, green, blue (0 to 255) on maps.
    """

    name: str
    vv: Backscatter
    vh: Backscatter
    correlation: complex
    coherence_initial: float
    coherence_final: float
    decay: float
    colour: tuple[int, int, int]

    def __post_init__(self) -> None:
        if not (0.0 <= self.coherence_final <= self.coherence_initial <= 1.0 and self.decay > 0.0):
            raise AlignsarError(
                f"ground class {self.name!r}: needs 0 <= coherence_final <= coherence_initial <= 1 and a positive "
                f"decay, got {self.coherence_final:g}, {self.coherence_initial:g} and {self.decay:g} days"
            )
        if not abs(self.correlation) < 1.0:
            raise AlignsarError(
                f"ground class {self.name!r}: the correlation of VV and VH must be smaller than 1, got "
                f"{self.correlation}"
            )

    def sigma0(self, polarization: str, incidence: ArrayLike) -> NDArray[np.float64]:
        """Compute the backscatter coefficient (linear) in "vv" or "vh" at incidence angles in degrees."""
        if polarization not in {"vv", "vh"}:
            raise AlignsarError(f"ground classes: polarization must be vv or vh, got {polarization!r}")
        return (self.vv if polarization == "vv" else self.vh).sigma0(incidence)

    def coherence(self, days: ArrayLike) -> NDArray[np.float64]:
        """Compute the temporal coherence over intervals of ``days``, the same in both polarizations; 1 for 0 days.

        gamma_final + (gamma_initial - gamma_final) exp(-|days| / decay).
        """
        apart = np.abs(np.asarray(days, dtype=np.float64))
        fading = (self.coherence_initial - self.coherence_final) * np.exp(-apart / self.decay)
        return np.where(apart == 0.0, 1.0, self.coherence_final + fading)

    def unchanging(self) -> GroundClass:
        """Return the class with perfect coherence over any time."""
        return replace(self, coherence_initial=1.0, coherence_final=1.0)


def _class(
    name: str,
    vv: tuple[float, float],
    vh: tuple[float, float],
    correlation: complex,
    coherence: tuple[float, float, float],
    colour: tuple[int, int, int],
) -> GroundClass:
    return GroundClass(
        name=name,
        vv=Backscatter(decibels=vv[0], exponent=vv[1]),
        vh=Backscatter(decibels=vh[0], exponent=vh[1]),
        correlation=correlation,
        coherence_initial=coherence[0],
        coherence_final=coherence[1],
        decay=coherence[2],
        colour=colour,
    )


def with_contrast(classes: Sequence[GroundClass], contrast: float) -> tuple[GroundClass, ...]:
    """Scale the differences of backscatter between classes, in dB, at every incidence angle and in each polarization.

    Around the mean of all classes; 1 leaves all as it is, 0.5 halves the differences.
    """
    if contrast == 1.0:
        return tuple(classes)
    laws = {name: [getattr(one, name) for one in classes] for name in ("vv", "vh")}
    means = {
        name: [float(np.mean([getattr(law, part) for law in own])) for part in ("decibels", "exponent")]
        for name, own in laws.items()
    }

    def scaled(one: GroundClass, name: str) -> Backscatter:
        law, (decibels, exponent) = getattr(one, name), means[name]
        return Backscatter(
            decibels=decibels + contrast * (law.decibels - decibels),
            exponent=exponent + contrast * (law.exponent - exponent),
        )

    return tuple(replace(one, vv=scaled(one, "vv"), vh=scaled(one, "vh")) for one in classes)


# Backscatter (dB, exponent); coherence (initial, final, decay in days). Water falls by 0.4 dB a degree.
CLASSES = (
    _class("water", (-18.5, 8.0), (-27.0, 5.0), 0.02 + 0.0j, (0.0, 0.0, 1.0), (64, 122, 180)),
    _class("field", (-10.0, 2.0), (-18.0, 1.5), 0.16 + 0.09j, (0.85, 0.30, 30.0), (226, 209, 142)),
    _class("grassland", (-13.5, 1.8), (-20.5, 1.4), 0.04 - 0.10j, (0.65, 0.20, 20.0), (163, 204, 126)),
    _class("forest", (-8.5, 1.0), (-14.0, 1.0), -0.05 + 0.03j, (0.40, 0.05, 12.0), (56, 118, 62)),
    _class("urban", (-2.5, 1.5), (-9.5, 1.2), 0.25 + 0.25j, (0.93, 0.80, 120.0), (190, 96, 92)),
    _class("road", (-17.0, 4.0), (-24.5, 3.0), 0.10 - 0.05j, (0.75, 0.55, 60.0), (70, 70, 74)),
    _class("railway", (-7.0, 1.5), (-15.5, 1.2), 0.20 - 0.12j, (0.90, 0.75, 150.0), (122, 74, 140)),
    _class("bare soil", (-12.0, 3.0), (-22.5, 2.0), 0.12 + 0.04j, (0.90, 0.45, 25.0), (176, 140, 104)),
    _class("oil", (-27.5, 8.0), (-32.0, 5.0), 0.02 + 0.0j, (0.0, 0.0, 1.0), (24, 28, 48)),
    _class("rubble", (-6.5, 1.6), (-14.0, 1.3), 0.12 + 0.10j, (0.85, 0.50, 40.0), (150, 142, 136)),
)
NAMES = tuple(one.name for one in CLASSES)
WATER, FIELD, GRASSLAND, FOREST, URBAN, ROAD, RAILWAY, BARE_SOIL, OIL, RUBBLE = range(len(CLASSES))


def class_index(name: str, where: str) -> int:
    """Return the index of a class in CLASSES. Raises AlignsarError, naming ``where``, for an unknown name."""
    if name not in NAMES:
        raise AlignsarError(f"{where}: {name!r} is no class of the ground; {choose_from(name, NAMES)}")
    return NAMES.index(name)
