"""View of one date and polarization of a stack; shared quantities are computed once."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.interferometry.statistics import remove_coherence_bias
from alignsar_gpu.kernels import boxcar_coherence, phase_difference
from alignsar_gpu.signatures.radiometry import flattened

if TYPE_CHECKING:
    from alignsar_gpu.signatures.options import Quantity, SignatureOptions
    from alignsar_gpu.signatures.views.powers import Powers
    from alignsar_gpu.stack.block import Stack


@dataclass(frozen=True, kw_only=True, eq=False)
class PolarizationView:
    """View of date ``date`` and polarization ``polarization`` (indices) of a stack; arrays cover its core lines.

    ``area_ratio`` is that of the terrain (`StackProduct.read_area_ratio`), where a signature needs it.
    """

    powers: Powers
    date: int
    polarization: int
    area_ratio: Any = None

    @property
    def stack(self) -> Stack:
        """The block of the stack."""
        return self.powers.stack

    @property
    def options(self) -> SignatureOptions:
        """Options of the signatures."""
        return self.powers.options

    @property
    def pixels(self) -> Any:
        """Complex pixels, complex64 [line, sample]."""
        return self.stack.pixels[self.date, self.polarization, self.stack.core]

    @property
    def valid(self) -> Any:
        """Validity mask, bool [line, sample]."""
        return self.powers.valid(self.date, self.polarization)

    @property
    def amplitude_intensity_phase(self) -> tuple[Any, Any, Any]:
        """Unfiltered amplitude, intensity and phase (rad), three float32 arrays, NaN where invalid."""
        return self.powers.detected(self.date, self.polarization)

    @cached_property
    def intensity(self) -> Any:
        """Intensity |s|^2, float32, filtered if the options say so."""
        return self.powers.intensity(self.date, self.polarization)

    def calibrated_intensity(self, quantity: Quantity) -> Any:
        """Return the calibrated intensity |s|^2 / A^2; see `Powers.calibrated`."""
        return self.powers.calibrated(self.date, self.polarization, quantity, intensity=self.intensity)

    @cached_property
    def beta0(self) -> Any:
        """Radar brightness beta0."""
        return self.calibrated_intensity("beta_nought")

    @property
    def flattened_gamma0(self) -> Any:
        """Terrain-flattened gamma0: beta0 divided by the area ratio of the terrain."""
        return flattened(self.beta0, self.area_ratio, self.stack.device.xp)

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
        return self._pair(self.options.windows.coherence)

    @property
    def coherence(self) -> Any:
        """Coherence with the reference (1 for itself), float32 in 0..1, bias removed if the options say so."""
        if self.is_reference:
            return self._of_reference(1.0)
        coherence = self._coherence_and_phase[0]
        looks = self.options.coherence_looks
        return coherence if looks is None else remove_coherence_bias(coherence, looks, self.stack.device.xp)

    @property
    def interferometric_phase(self) -> Any:
        """Phase of reference * conj(secondary), float32 radians; 0 for the reference itself."""
        if self.is_reference:
            return self._of_reference(0.0)
        windows = self.options.windows
        if windows.phase == windows.coherence:
            return self._coherence_and_phase[1]
        if windows.phase != (1, 1):
            return self._pair(windows.phase)[1]
        stack = self.stack
        reference = stack.pixels[stack.reference, self.polarization, stack.core]
        both = stack.valid[stack.reference, self.polarization, stack.core] & self.valid
        return phase_difference(reference, self.pixels, both)
