"""All dates of a polarization: statistics over time, and how each date differs from the others."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.kernels import (
    change_index,
    log_ratio,
    seasonal_fit,
    temporal_extremes,
    temporal_mean_minimum,
    temporal_statistics,
)
from alignsar_gpu.signatures.registry import Signature, register
from alignsar_gpu.signatures.views.polarization import PolarizationView

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from alignsar_gpu.signatures.views.powers import Powers

FERRETTI = "Ferretti et al. 2001, Permanent scatterers in SAR interferometry, IEEE TGRS 39(1)"
WAGNER = (
    "Wagner et al. 1999, A method for estimating soil moisture from ERS scatterometer and soil data, Remote Sensing of "
    "Environment 70(2)"
)
RIGNOT = "Rignot and van Zyl 1993, Change detection techniques for ERS-1 SAR data, IEEE TGRS 31(4)"
QUEGAN = "Quegan et al. 2000, Multitemporal ERS SAR analysis applied to forest mapping, IEEE TGRS 38(2)"
TOUZI = "Touzi et al. 1999, Coherence estimation for SAR imagery, IEEE TGRS 37(1)"
HARMONIC = "Bloomfield 2000, Fourier Analysis of Time Series, Wiley, chapter 2"
STATISTICS = ("intensity_mean", "intensity_deviation", "coefficient_of_variation", "amplitude_dispersion")
YEAR_START = "datetime64[Y]"


@dataclass(frozen=True, kw_only=True, eq=False)
class StackView:
    """Polarization ``polarization`` (an index) of a stack; arrays cover its core lines.

    ``names`` are those of the signatures that will be asked for: what several share is computed for them together.
    ``date`` (an index) is that of a dated signature.
    """

    powers: Powers
    polarization: int
    names: frozenset[str]
    date: int = 0
    _shared: dict[str, Any] = field(default_factory=dict)

    def at(self, date: int) -> StackView:
        """The same for the layer of a date."""
        return StackView(
            powers=self.powers,
            polarization=self.polarization,
            names=self.names,
            date=date,
            _shared=self._shared,
        )

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        """What is computed once for all dates."""
        if name not in self._shared:
            self._shared[name] = compute()
        return self._shared[name]

    @cached_property
    def power(self) -> Any:
        """float32 [date, line, sample]: `Powers.power` of all dates."""
        dates = range(len(self.powers.stack.acquisitions))
        stacked = self.powers.stack.device.xp.stack
        return self.once("power", lambda: stacked([self.powers.power(d, self.polarization) for d in dates]))

    @cached_property
    def valid(self) -> Any:
        """bool [date, line, sample]: where the power is a number."""
        xp = self.powers.stack.device.xp
        return self.once("valid", lambda: xp.isfinite(self.power))

    def statistic(self, name: str) -> Any:
        """One of STATISTICS."""
        wanted = [one for one in STATISTICS if one in self.names or one == name]
        return self.once("statistics", lambda: temporal_statistics(self.power, self.valid, outputs=wanted))[
            name
        ]

    def seasonal(self, name: str) -> Any:
        """Amplitude (dB) or peak day of the annual harmonic."""
        stack = self.powers.stack
        starts = np.array([a.start for a in stack.acquisitions])
        days = (starts - starts[0].astype(YEAR_START)) / np.timedelta64(1, "D")
        wanted = [one for one in ("seasonal_amplitude", "seasonal_peak_day") if one in self.names]
        return self.once("seasonal", lambda: seasonal_fit(self.power, self.valid, days, outputs=wanted))[name]

    def _coherences(self) -> Any:
        stack = self.powers.stack
        secondaries = [d for d in range(len(stack.acquisitions)) if d != stack.reference]
        views = (
            PolarizationView(powers=self.powers, date=d, polarization=self.polarization) for d in secondaries
        )
        return temporal_mean_minimum(stack.device.xp.stack([view.coherence for view in views]))

    @property
    def coherence_mean_minimum(self) -> tuple[Any, Any]:
        """Mean and minimum over the secondary dates of their coherence with the reference."""
        mean, minimum = self.once("coherence", self._coherences)
        return mean, minimum

    @property
    def to_previous(self) -> Any:
        """Change of the power in dB from the date before; NaN for the first."""
        xp = self.powers.stack.device.xp
        if self.date == 0:
            return xp.full(self.power.shape[1:], np.nan, dtype=np.float32)
        both = self.valid[self.date] & self.valid[self.date - 1]
        return log_ratio(self.power[self.date], self.power[self.date - 1], both)

    @property
    def to_mean(self) -> Any:
        """The power in dB above its mean over the dates."""
        mean = self.once("mean", lambda: self.statistic("intensity_mean"))
        return log_ratio(self.power[self.date], mean, self.valid[self.date])

    @property
    def moisture(self) -> Any:
        """Between the driest and the wettest date of the stack."""
        dry, wet = self.once("extremes", lambda: temporal_extremes(self.power, self.valid, positive=True))
        least = self.powers.options.smallest_range
        return change_index(self.power[self.date], dry, wet, self.valid[self.date], smallest_range=least)


def _statistic(name: str) -> Callable[[StackView], Any]:
    return lambda view: view.statistic(name)


def _register_statistics(rows: Iterable[tuple[str, str, str, str]]) -> None:
    for name, label, formula, references in rows:
        register(
            Signature(
                name=name,
                category=1,
                scope="stack",
                dated=False,
                compares=True,
                units="1",
                label=label,
                formula=formula,
                references=references,
                compute=_statistic(name),
            )
        )


_register_statistics(
    (
        ("intensity_mean", "mean intensity", "mean of the power over the dates", QUEGAN),
        (
            "intensity_deviation",
            "standard deviation of intensity",
            "standard deviation (n - 1) of the power over the dates",
            QUEGAN,
        ),
        (
            "coefficient_of_variation",
            "coefficient of variation of intensity",
            "standard deviation over mean of the power over the dates",
            QUEGAN,
        ),
        (
            "amplitude_dispersion",
            "amplitude dispersion",
            "standard deviation over mean of sqrt(power) over the dates",
            FERRETTI,
        ),
    )
)
register(
    Signature(
        name="coherence_mean",
        category=1,
        scope="stack",
        dated=False,
        compares=True,
        units="1",
        label="mean coherence",
        formula="mean over the secondary dates of their coherence with the reference date",
        references=TOUZI,
        valid_range=(0.0, 1.0),
        compute=lambda view: view.coherence_mean_minimum[0],
    )
)
register(
    Signature(
        name="coherence_minimum",
        category=1,
        scope="stack",
        dated=False,
        compares=True,
        units="1",
        label="minimum coherence",
        formula="minimum over the secondary dates of their coherence with the reference date",
        references=TOUZI,
        valid_range=(0.0, 1.0),
        compute=lambda view: view.coherence_mean_minimum[1],
    )
)
register(
    Signature(
        name="seasonal_amplitude",
        category=1,
        scope="stack",
        dated=False,
        compares=True,
        units="dB",
        label="seasonal amplitude of intensity",
        formula="sqrt(b^2 + c^2) of a + b cos(2 pi t / 365.25 days) + c sin(2 pi t / 365.25 days) fitted to the dB",
        references=HARMONIC,
        compute=lambda view: view.seasonal("seasonal_amplitude"),
        comment="NaN where the dates do not tell a season from a constant: they must span about half a year",
    )
)
register(
    Signature(
        name="seasonal_peak_day",
        category=1,
        scope="stack",
        dated=False,
        compares=True,
        units="day",
        label="day of the year of the seasonal maximum of intensity",
        formula="365.25 atan2(c, b) / (2 pi) of a + b cos(2 pi t / 365.25) + c sin(2 pi t / 365.25) fitted to the dB",
        references=HARMONIC,
        valid_range=(0.0, 365.25),
        compute=lambda view: view.seasonal("seasonal_peak_day"),
        comment="days since the beginning of the year of the first date; NaN as the seasonal amplitude",
    )
)
register(
    Signature(
        name="log_ratio_previous",
        category=1,
        scope="stack",
        compares=True,
        units="dB",
        label="log-ratio of intensity to the previous date",
        formula="10 log10(power / power of the date before)",
        references=RIGNOT,
        compute=lambda view: view.to_previous,
        comment="the first date has none",
    )
)
register(
    Signature(
        name="log_ratio_mean",
        category=1,
        scope="stack",
        compares=True,
        units="dB",
        label="log-ratio of intensity to the mean over the dates",
        formula="10 log10(power / mean power over the dates)",
        references=RIGNOT,
        compute=lambda view: view.to_mean,
    )
)
register(
    Signature(
        name="soil_moisture_index",
        category=2,
        scope="stack",
        compares=True,
        units="1",
        label="soil moisture index",
        formula="(power - dry) / (wet - dry), all in dB, dry and wet the lowest and the highest power of the dates",
        references=WAGNER,
        valid_range=(0.0, 1.0),
        compute=lambda view: view.moisture,
        comment="relative, between the driest and the wettest date of this stack; for bare or sparsely grown soil, and "
        "of filtered powers: speckle alone fills the range of a pixel",
    )
)
