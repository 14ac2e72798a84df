"""Powers of a block of a stack: filtered and calibrated intensities."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.kernels import amplitude_intensity_phase, speckle_filter
from alignsar_gpu.signatures.radiometry import backscatter
from alignsar_gpu.signatures.speckle import multitemporal_quegan

if TYPE_CHECKING:
    from alignsar_gpu.signatures.options import NegativeState, Quantity, SignatureOptions
    from alignsar_gpu.stack.block import Stack

SINGLE_LOOK = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Powers:
    """Filtered and calibrated powers of the dates and polarizations of ``stack``; arrays cover its core lines."""

    stack: Stack
    options: SignatureOptions
    _over_time: dict[int, Any] = field(default_factory=dict)
    _rooms: dict[int, Any] = field(default_factory=dict)

    def room(self, count: int) -> Any:
        """Return memory for ``count`` layers, float32 [layer, line, sample], reused for every date."""
        if count not in self._rooms:
            shape = (count, self.stack.stop - self.stack.first, self.stack.pixels.shape[-1])
            self._rooms[count] = self.stack.device.xp.empty(shape, dtype=np.float32)
        return self._rooms[count]

    def valid(self, date: int, polarization: int) -> Any:
        """Return the validity mask, bool [line, sample]."""
        return self.stack.valid[date, polarization, self.stack.core]

    def _single(self, date: int, polarization: int) -> Any:
        """|s|^2 of all lines held, [1, line, sample]."""
        pixels, valid = self.stack.pixels[date, polarization], self.stack.valid[date, polarization]
        return amplitude_intensity_phase(pixels, valid)[1][np.newaxis]

    def _mean(self, date: int, polarization: int, method: str) -> Any:
        return speckle_filter(
            self._single(date, polarization),
            self.stack.valid[date, polarization],
            method=method,
            window=self.options.windows.matrix,
            looks=SINGLE_LOOK,
            powers=1,
            first=self.stack.first,
            stop=self.stack.stop,
        )[0]

    def _filtered(self, date: int, polarization: int) -> Any:
        if self.options.filter == "none":
            return self._single(date, polarization)[0, self.stack.core]
        return self._mean(date, polarization, self.options.filter)

    def _all_dates(self, polarization: int) -> Any:
        """Intensities of all dates, filtered over them, [date, line, sample]."""
        if polarization not in self._over_time:
            xp, dates = self.stack.device.xp, range(len(self.stack.acquisitions))
            powers = xp.stack([self._filtered(date, polarization) for date in dates])
            means = xp.stack([self._mean(date, polarization, "boxcar") for date in dates])
            valid = self.stack.valid[:, polarization, self.stack.core]
            self._over_time[polarization] = multitemporal_quegan(powers, means, valid, xp)
        return self._over_time[polarization]

    def intensity(self, date: int, polarization: int) -> Any:
        """Return the filtered intensity |s|^2 in squared digital numbers, float32 [line, sample]; NaN where invalid."""
        if self.options.multitemporal:
            return self._all_dates(polarization)[date]
        return self._filtered(date, polarization)

    def calibrated(
        self,
        date: int,
        polarization: int,
        quantity: Quantity,
        negative: NegativeState | None = None,
        intensity: Any = None,
    ) -> Any:
        """Return `intensity` / A^2, thermal noise removed if the options say so, float32 [line, sample].

        ``negative`` : what becomes of powers below the noise; as the options say by default. ``intensity`` : where it
        is known already.
        """
        return backscatter(
            self.stack,
            date,
            self.stack.polarizations[polarization],
            quantity,
            self.intensity(date, polarization) if intensity is None else intensity,
            noise=self.options.noise,
            negative=negative or self.options.negative,
        )

    def power(self, date: int, polarization: int) -> Any:
        """Return the power for statistics over time: calibrated, or `intensity` if there is no calibration.

        Powers below the noise are kept: a mean without them would be too high.
        """
        if self.options.quantity is None:
            return self.intensity(date, polarization)
        return self.calibrated(date, polarization, self.options.quantity, negative="kept")
