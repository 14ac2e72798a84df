"""Random fields of known power spectrum, and interpolation of coarse fields to fine posts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

LARGER = 1.25  # the field is drawn so much larger and cut, so that opposite edges are not alike


def power_law(
    shape: tuple[int, int],
    spacing: tuple[float, float],
    exponent: float,
    rng: np.random.Generator,
    longest: float = np.inf,
) -> NDArray[np.float32]:
    """Generate a Gaussian field of zero mean and unit deviation over ``shape``, float32.

    Its two-dimensional power spectral density falls as frequency^-exponent; waves longer than ``longest``
    (in the unit of ``spacing``, which is of rows and columns) are no stronger than that one.
    """
    drawn = tuple(fft.next_fast_len(int(np.ceil(LARGER * count)) + 2, real=True) for count in shape)
    white = rng.standard_normal(drawn, dtype=np.float32)
    spectrum = fft.rfft2(white)
    del white
    f_row = fft.fftfreq(drawn[0], spacing[0])
    f_column = fft.rfftfreq(drawn[1], spacing[1])
    floor = (1.0 / longest) ** 2 if np.isfinite(longest) else 0.0
    for row, frequency in enumerate(f_row):  # row by row: the gain of a large field would be as large again
        squared = frequency**2 + f_column**2 + floor
        if squared[0] == 0.0:
            squared[0] = np.inf  # the mean
        spectrum[row] *= (squared ** (-exponent / 4.0)).astype(np.float32)
    field = fft.irfft2(spectrum, s=drawn)[: shape[0], : shape[1]]
    del spectrum
    mean, deviation = float(field.mean(dtype=np.float64)), float(field.std(dtype=np.float64))
    return np.asarray((field - np.float32(mean)) * np.float32(1.0 / deviation), dtype=np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class NoiseField:
    """Random field: values (row, column) at nodes ``spacing`` metres apart (down, across) from a plane's origin."""

    values: NDArray[np.float32]
    spacing: tuple[float, float]

    @classmethod
    def noise(
        cls,
        size: tuple[float, float],
        spacing: float,
        wave: float,
        rng: np.random.Generator,
        exponent: float = 3.6,
    ) -> NoiseField:
        """Generate noise over ``size`` metres (down, across): zero mean, unit deviation, waves up to ``wave``."""
        shape = int(size[0] / spacing) + 2, int(size[1] / spacing) + 2
        return cls(
            values=power_law(shape, (spacing, spacing), exponent, rng, wave), spacing=(spacing, spacing)
        )

    def at(self, x: ArrayLike, y: ArrayLike) -> NDArray[np.float64]:
        """Interpolate bilinearly at points of one shape; beyond the nodes as at the nearest edge."""
        row, v = self._split(np.asarray(y, dtype=np.float64), 0)
        column, u = self._split(np.asarray(x, dtype=np.float64), 1)
        a, b = self.values[row, column], self.values[row, column + 1]
        d, e = self.values[row + 1, column], self.values[row + 1, column + 1]
        return np.asarray((1.0 - v) * (a + u * (b - a)) + v * (d + u * (e - d)), dtype=np.float64)

    def on(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float32]:
        """Interpolate bilinearly at the crossings of columns ``x`` and rows ``y``, (y, x) float32."""
        row, v = self._split(y, 0)
        column, u = self._split(x, 1)
        fraction = v.astype(np.float32)[:, np.newaxis]
        rows = self.values[row] + fraction * (self.values[row + 1] - self.values[row])
        left = rows[:, column]
        return np.asarray(left + u.astype(np.float32) * (rows[:, column + 1] - left))

    def nearest(self, x: NDArray[np.float64], y: NDArray[np.float64]) -> NDArray[np.float32]:
        """Return the nearest node's value at the crossings of columns ``x`` and rows ``y``, (y, x)."""
        row = np.clip(np.rint(y / self.spacing[0]).astype(np.intp), 0, self.values.shape[0] - 1)
        column = np.clip(np.rint(x / self.spacing[1]).astype(np.intp), 0, self.values.shape[1] - 1)
        return self.values[row[:, np.newaxis], column]

    def _split(
        self, distance: NDArray[np.float64], axis: int
    ) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
        position = np.clip(distance / self.spacing[axis], 0.0, self.values.shape[axis] - 1.0)
        whole = np.minimum(position.astype(np.intp), self.values.shape[axis] - 2)
        return whole, position - whole
