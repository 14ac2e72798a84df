"""Tropospheric delay in the standard atmosphere, for dates without weather data."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

PRESSURE, TEMPERATURE, LAPSE = 1013.25, 288.15, 0.0065  # hPa, K and K/m of the standard atmosphere
EXPONENT = 5.25588  # of its pressure in its temperature
HUMIDITY = 0.5  # relative, at all heights


def zenith_delay(height: ArrayLike, latitude: ArrayLike) -> NDArray[np.float64]:
    """Compute the one-way zenith delay (m) in the standard atmosphere, of the arguments' shape.

    Parameters
    ----------
    height : metres above sea level (of heights above the ellipsoid: 100 m are 3 cm), -500 to 11 000.
    latitude : degrees.

    Saastamoinen (1972), Atmospheric correction for the troposphere and stratosphere in radio ranging of satellites,
    its hydrostatic part with the constants of Davis et al. (1985), Radio Science 20(6); the saturation pressure of
    water by Magnus' formula. 2.39 m at sea level, where the weather makes it 2.2 m to 2.7 m.
    """
    h, lat = np.asarray(height, dtype=np.float64), np.radians(np.asarray(latitude, dtype=np.float64))
    temperature = TEMPERATURE - LAPSE * h
    pressure = PRESSURE * (temperature / TEMPERATURE) ** EXPONENT
    celsius = temperature - 273.15
    vapour = HUMIDITY * 6.11 * 10.0 ** (7.5 * celsius / (237.3 + celsius))
    dry = 0.0022768 * pressure / (1.0 - 0.00266 * np.cos(2.0 * lat) - 2.8e-7 * h)
    wet = 0.002277 * (1255.0 / temperature + 0.05) * vapour
    return np.asarray(dry + wet)
