"""Atmospheric delay: from the zenith to the line of sight, and to interferometric phase."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


def slant_delay(zenith_delay: ArrayLike, incidence_angle: ArrayLike) -> NDArray[np.float64]:
    """Convert a zenith delay to the delay along the line of sight, metres one way: divided by cos(incidence).

    For flat layers: within 1 % of round ones up to 50 degrees. ``incidence_angle`` in degrees; both are broadcast.
    """
    return np.asarray(np.asarray(zenith_delay, dtype=np.float64) / np.cos(np.radians(incidence_angle)))


def atmospheric_phase(
    reference: NDArray[np.float64], secondary: NDArray[np.float64], wavelength: float
) -> NDArray[np.float64]:
    """Return the phase that the delays (m) of two dates add to reference * conj(secondary), radians, not wrapped.

    The phase of a pixel is -4 pi R / lambda, and a delay makes R longer: -4 pi / lambda (D_reference - D_secondary).
    """
    return np.asarray(-4.0 * np.pi / wavelength * (reference - secondary))
