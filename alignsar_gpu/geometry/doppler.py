"""Doppler frequency that an image is focused to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.kernels import DopplerTable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Doppler:
    """Doppler polynomial of azimuth time and slant range; images on a zero-Doppler grid have none.

    f(t, R) = sum over i, j of coefficients[i, j] ((t - time) / time_scale)^i ((R - slant_range) / range_scale)^j,
    positive where the antenna approaches the target: f = 2 V . (X - P) / (lambda R).

    Attributes
    ----------
    coefficients : (powers of time, powers of range) float64, Hz.
    time, slant_range : origin, seconds since the orbit's epoch and metres.
    time_scale, range_scale : seconds and metres.
    """

    coefficients: NDArray[np.float64]
    time: float = 0.0
    slant_range: float = 0.0
    time_scale: float = 1.0
    range_scale: float = 1.0

    def __post_init__(self) -> None:
        if (
            self.coefficients.ndim != 2
            or not self.coefficients.size
            or not np.isfinite(self.coefficients).all()
        ):
            raise AlignsarError(
                "Doppler: expected finite coefficients [power of time, power of range], got an array of shape "
                f"{self.coefficients.shape}"
            )

    def at(self, time: ArrayLike, slant_range: ArrayLike) -> NDArray[np.float64]:
        """Evaluate the Doppler frequency (Hz) at azimuth times (s) and slant ranges (m), broadcast."""
        x = (np.asarray(time) - self.time) / self.time_scale
        y = (np.asarray(slant_range) - self.slant_range) / self.range_scale
        a, b = np.broadcast_arrays(x, y)
        return np.asarray(np.polynomial.polynomial.polyval2d(a, b, self.coefficients))

    def table(self, wavelength: float) -> DopplerTable:
        """Return the table that the kernels evaluate, for a wavelength in metres."""
        return DopplerTable(
            np.ascontiguousarray(self.coefficients, dtype=np.float64),
            float(self.time),
            float(self.slant_range),
            float(self.time_scale),
            float(self.range_scale),
            0.5 * wavelength,
        )
