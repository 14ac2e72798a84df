"""Band-limited speckle that is known everywhere between its pixels, for the tests of resampling."""

from __future__ import annotations

import numpy as np

# Part of the sampling rate that Sentinel-1 occupies, and the coefficient of Hamming's weights over it.
RANGE = {
    "IW1": (0.88, 0.75),
    "IW2": (0.75, 0.75),
    "IW3": (0.665, 0.75),
    "EW1": (0.887, 0.75),
    "S6": (0.895, 0.75),
}
AZIMUTH = {"IW1": (0.67, 0.7), "IW2": (0.64, 0.7), "IW3": (0.645, 0.7), "EW1": (0.7, 0.7), "S6": (0.74, 0.75)}


class Speckle:
    """A finite sum of plane waves, periodic over ``shape``; ``bands``: (band, coefficient) of lines and samples."""

    def __init__(self, rng, shape, bands):
        self.shape = shape
        self.frequency = []
        weights = []
        for size, (band, coefficient) in zip(shape, bands, strict=True):
            k = np.arange(-(size // 2), size - size // 2)
            k = k[np.abs(k) <= band * size / 2]
            self.frequency.append(k / size)
            weights.append(coefficient + (1 - coefficient) * np.cos(2 * np.pi * k / size / band))
        waves = (len(weights[0]), len(weights[1]))
        noise = rng.standard_normal((2, *waves))
        self.waves = (noise[0] + 1j * noise[1]) * weights[0][:, np.newaxis] * weights[1]
        self.waves /= np.sqrt(np.sum(np.abs(self.waves) ** 2))

    def grid(self, line, sample):
        """Values, complex128, at the crossings of lines and samples."""
        return self._turns(0, line) @ self.waves @ self._turns(1, sample).T

    def at(self, line, sample):
        """Values, complex128, at positions; flat."""
        return np.einsum("pk,kp->p", self._turns(0, line), self.waves @ self._turns(1, sample).T)

    def image(self):
        return self.grid(np.arange(self.shape[0]), np.arange(self.shape[1])).astype(np.complex64)

    def _turns(self, axis, position):
        return np.exp(2j * np.pi * np.multiply.outer(position, self.frequency[axis]))


def relative_error(got, wanted):
    """Root of the mean square of the difference, in parts of that of what is wanted."""
    return float(np.sqrt(np.sum(np.abs(got - wanted) ** 2) / np.sum(np.abs(wanted) ** 2)))
