"""View of all dates of a polarization, for statistics over time."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.kernels import (
    change_index,
    log_ratio,
    seasonal_fit,
    temporal_mean_minimum,
    temporal_statistics,
)
from alignsar_gpu.signatures.percentiles import outer_percentiles
from alignsar_gpu.signatures.views.polarization import PolarizationView

if TYPE_CHECKING:
    from collections.abc import Callable

    from alignsar_gpu.signatures.views.powers import Powers


STATISTICS = ("intensity_mean", "intensity_deviation", "coefficient_of_variation", "amplitude_dispersion")
YEAR_START = "datetime64[Y]"
DRIEST = 0.1  # share of the dates that are drier than dry, and wetter than wet


@dataclass(frozen=True, kw_only=True, eq=False)
class StackView:
    """View of all dates of polarization ``polarization`` (an index); arrays cover the stack's core lines.

    ``names`` are those of the signatures that will be asked for: what several share is computed for them together.
    ``date`` (an index) is that of a dated signature.
    """

    powers: Powers
    polarization: int
    names: frozenset[str]
    date: int = 0
    _shared: dict[str, Any] = field(default_factory=dict)

    def at(self, date: int) -> StackView:
        """Return the view for the layer of a date."""
        return StackView(
            powers=self.powers,
            polarization=self.polarization,
            names=self.names,
            date=date,
            _shared=self._shared,
        )

    def once(self, name: str, compute: Callable[[], Any]) -> Any:
        """Cache a result shared by all dates."""
        if name not in self._shared:
            self._shared[name] = compute()
        return self._shared[name]

    @cached_property
    def power(self) -> Any:
        """Powers of all dates, float32 [date, line, sample]; see `Powers.power`."""
        dates = range(len(self.powers.stack.acquisitions))
        stacked = self.powers.stack.device.xp.stack
        return self.once("power", lambda: stacked([self.powers.power(d, self.polarization) for d in dates]))

    @cached_property
    def valid(self) -> Any:
        """Validity mask, bool [date, line, sample]: where the power is a number."""
        xp = self.powers.stack.device.xp
        return self.once("valid", lambda: xp.isfinite(self.power))

    def statistic(self, name: str) -> Any:
        """Return one of the STATISTICS over the dates."""
        wanted = [one for one in STATISTICS if one in self.names or one == name]
        return self.once("statistics", lambda: temporal_statistics(self.power, self.valid, outputs=wanted))[
            name
        ]

    def seasonal(self, name: str) -> Any:
        """Return the amplitude (dB) or the peak day of the annual harmonic."""
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
        """Log-ratio of the power to the date before, dB; NaN for the first."""
        xp = self.powers.stack.device.xp
        if self.date == 0:
            return xp.full(self.power.shape[1:], np.nan, dtype=np.float32)
        both = self.valid[self.date] & self.valid[self.date - 1]
        return log_ratio(self.power[self.date], self.power[self.date - 1], both)

    @property
    def to_mean(self) -> Any:
        """Log-ratio of the power to its mean over the dates, dB."""
        mean = self.once("mean", lambda: self.statistic("intensity_mean"))
        return log_ratio(self.power[self.date], mean, self.valid[self.date])

    @property
    def wetness(self) -> Any:
        """Relative wetness index: position of the power between a dry and a wet date of the stack, 0 to 1."""
        xp = self.powers.stack.device.xp
        dry, wet = self.once("dry and wet", lambda: outer_percentiles(self.power, self.valid, DRIEST, xp))
        least = self.powers.options.smallest_range
        index = change_index(self.power[self.date], dry, wet, self.valid[self.date], smallest_range=least)
        return xp.clip(index, 0.0, 1.0)
