"""One date and polarization of a stack, as signatures see it: shared quantities are computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.kernels import amplitude_intensity_phase, boxcar_coherence, phase_difference

if TYPE_CHECKING:
    from alignsar_gpu.stack import Stack


@dataclass(frozen=True, kw_only=True)
class Windows:
    """The (lines, samples) that coherence and interferometric phase are averaged over."""

    coherence: tuple[int, int]
    phase: tuple[int, int]

    @property
    def halo(self) -> int:
        """Lines that a block needs beyond its own on either side."""
        return max(self.coherence[0], self.phase[0]) // 2


@dataclass(frozen=True, kw_only=True, eq=False)
class PolarizationView:
    """Date ``date`` and polarization ``polarization`` (indices) of ``stack``; arrays cover its core lines."""

    stack: Stack
    windows: Windows
    date: int
    polarization: int

    @property
    def pixels(self) -> Any:
        """complex64 [line, sample]."""
        return self.stack.pixels[self.date, self.polarization, self.stack.core]

    @property
    def valid(self) -> Any:
        """bool [line, sample]."""
        return self.stack.valid[self.date, self.polarization, self.stack.core]

    @cached_property
    def amplitude_intensity_phase(self) -> Any:
        """Three float32 arrays: amplitude, intensity and phase (rad), NaN where invalid."""
        return amplitude_intensity_phase(self.pixels, self.valid)

    def calibrated_intensity(self, quantity: str) -> Any:
        """Intensity / A^2 with A = ``quantity`` ("sigma_nought", "beta_nought" or "gamma_nought").

        A is interpolated between the product's calibration vectors (S1-RS-MDA-52-7441).
        """
        acquisition = self.stack.acquisitions[self.date]
        name = self.stack.polarizations[self.polarization]
        if name not in acquisition.calibration:
            raise AlignsarError(f"{acquisition.product_id}: no calibration records of {name.upper()}")
        grid = self.stack.grid
        amplitude = acquisition.calibration[name].amplitude(
            quantity,
            self.stack.azimuth_time[self.stack.core],
            grid.slant_range(np.arange(grid.samples)),
            self.stack.device.xp,
        )
        amplitude *= amplitude
        return self.amplitude_intensity_phase[1] / amplitude

    @property
    def is_reference(self) -> bool:
        """Whether this is the reference date."""
        return self.date == self.stack.reference

    def _pair(self, window: tuple[int, int]) -> tuple[Any, Any]:
        """Coherence and phase of reference * conj(this date) over ``window``."""
        stack = self.stack
        reference = stack.pixels[stack.reference, self.polarization]
        both = stack.valid[stack.reference, self.polarization] & stack.valid[self.date, self.polarization]
        secondary = stack.pixels[self.date, self.polarization]
        coherence, phase = boxcar_coherence(
            reference, secondary, both, window=window, first=stack.first, stop=stack.stop
        )
        return coherence, phase

    def _of_reference(self, value: float) -> Any:
        xp = self.stack.device.xp
        return xp.where(self.valid, np.float32(value), np.float32(np.nan))

    @cached_property
    def _coherence_and_phase(self) -> tuple[Any, Any]:
        return self._pair(self.windows.coherence)

    @property
    def coherence(self) -> Any:
        """float32 in 0..1; 1 for the reference date itself."""
        return self._of_reference(1.0) if self.is_reference else self._coherence_and_phase[0]

    @property
    def interferometric_phase(self) -> Any:
        """float32 radians of reference * conj(secondary); 0 for the reference date itself."""
        if self.is_reference:
            return self._of_reference(0.0)
        if self.windows.phase == self.windows.coherence:
            return self._coherence_and_phase[1]
        if self.windows.phase != (1, 1):
            return self._pair(self.windows.phase)[1]
        stack = self.stack
        reference = stack.pixels[stack.reference, self.polarization, stack.core]
        both = stack.valid[stack.reference, self.polarization, stack.core] & self.valid
        return phase_difference(reference, self.pixels, both)
