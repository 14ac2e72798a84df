"""Powers of a block of a stack: filtered and calibrated intensities."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.kernels import amplitude_intensity_phase, speckle_filter
from alignsar_gpu.signatures.radiometry import backscatter, gains_and_noise
from alignsar_gpu.signatures.speckle import multitemporal_quegan

if TYPE_CHECKING:
    from alignsar_gpu.signatures.options import NegativeState, Quantity, SignatureOptions
    from alignsar_gpu.stack.block import Stack

SINGLE_LOOK = 1.0


@dataclass(frozen=True, kw_only=True, eq=False)
class Powers:
    """Filtered and calibrated powers of the dates and polarizations of ``stack``; arrays cover its core lines.

    ``compares_dates`` : whether powers are asked for over time and again date by date; what is filtered is then kept.
    """

    stack: Stack
    options: SignatureOptions
    compares_dates: bool = False
    _over_time: dict[int, Any] = field(default_factory=dict)
    _rooms: dict[int, Any] = field(default_factory=dict)
    _detected: dict[tuple[int, int], Any] = field(default_factory=dict)
    _filtered: dict[tuple[int, int], Any] = field(default_factory=dict)
    _gains: dict[int, dict[int, tuple[Any, Any]]] = field(default_factory=dict)

    def room(self, count: int) -> Any:
        """Return memory for ``count`` layers, float32 [layer, line, sample]; where that is faster, the same again."""
        device = self.stack.device
        shape = (count, self.stack.stop - self.stack.first, self.stack.pixels.shape[-1])
        if not device.reuses_memory:
            return device.xp.empty(shape, dtype=np.float32)
        if count not in self._rooms:
            self._rooms[count] = device.xp.empty(shape, dtype=np.float32)
        return self._rooms[count]

    def valid(self, date: int, polarization: int) -> Any:
        """Return the validity mask, bool [line, sample]."""
        return self.stack.valid[date, polarization, self.stack.core]

    def _detect(self, date: int, polarization: int) -> Any:
        """Compute amplitude, |s|^2 and phase of all lines held; kept until those of another image are asked for."""
        if (date, polarization) not in self._detected:
            self._detected.clear()
            pixels, valid = self.stack.pixels[date, polarization], self.stack.valid[date, polarization]
            self._detected[date, polarization] = amplitude_intensity_phase(pixels, valid)
        return self._detected[date, polarization]

    def detected(self, date: int, polarization: int) -> tuple[Any, Any, Any]:
        """Return unfiltered amplitude, intensity and phase (rad), float32 [line, sample]; NaN where invalid."""
        amplitude, intensity, phase = (image[self.stack.core] for image in self._detect(date, polarization))
        return amplitude, intensity, phase

    def _mean(self, date: int, polarization: int, method: str) -> Any:
        return speckle_filter(
            self._detect(date, polarization)[1][np.newaxis],
            self.stack.valid[date, polarization],
            method=method,
            window=self.options.windows.matrix,
            looks=SINGLE_LOOK,
            powers=1,
            first=self.stack.first,
            stop=self.stack.stop,
        )[0]

    def _of_date(self, date: int, polarization: int) -> Any:
        """Intensity of a date, filtered within it."""
        if self.options.filter == "none":
            return self.detected(date, polarization)[1]
        return self._mean(date, polarization, self.options.filter)

    def _all_dates(self, polarization: int) -> Any:
        """Intensities of all dates, filtered over them, [date, line, sample]."""
        if polarization not in self._over_time:
            xp, dates = self.stack.device.xp, range(len(self.stack.acquisitions))
            both = [
                (self._of_date(date, polarization), self._mean(date, polarization, "boxcar"))
                for date in dates
            ]
            powers, means = (xp.stack(images) for images in zip(*both, strict=True))
            valid = self.stack.valid[:, polarization, self.stack.core]
            self._over_time[polarization] = multitemporal_quegan(powers, means, valid, xp)
        return self._over_time[polarization]

    def intensity(self, date: int, polarization: int) -> Any:
        """Return the filtered intensity |s|^2 in squared digital numbers, float32 [line, sample]; NaN where invalid."""
        if self.options.multitemporal:
            return self._all_dates(polarization)[date]
        if self.options.filter == "none" or not self.compares_dates:
            return self._of_date(date, polarization)
        if (date, polarization) not in self._filtered:
            self._filtered[date, polarization] = self._of_date(date, polarization)
        return self._filtered[date, polarization]

    def gain_and_noise(self, date: int, polarization: int) -> tuple[Any, Any]:
        """Return gain and noise (`radiometry.gains_and_noise`) of the quantity that matrices are calibrated to.

        They are kept until those of another date are asked for.
        """
        quantity = self.options.quantity
        assert quantity is not None
        if date not in self._gains:
            self._gains.clear()
            self._gains[date] = {}
        gains = self._gains[date]
        if polarization not in gains:
            name = self.stack.polarizations[polarization]
            gains[polarization] = gains_and_noise(self.stack, date, name, quantity, self.options.noise)
        return gains[polarization]

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
        known = self.gain_and_noise(date, polarization) if quantity == self.options.quantity else None
        return backscatter(
            self.stack,
            date,
            self.stack.polarizations[polarization],
            quantity,
            self.intensity(date, polarization) if intensity is None else intensity,
            noise=self.options.noise,
            negative=negative or self.options.negative,
            gain_and_noise=known,
        )

    def power(self, date: int, polarization: int) -> Any:
        """Return the power for statistics over time: calibrated, or `intensity` if there is no calibration.

        Powers below the noise are kept: a mean without them would be too high.
        """
        if self.options.quantity is None:
            return self.intensity(date, polarization)
        return self.calibrated(date, polarization, self.options.quantity, negative="kept")
