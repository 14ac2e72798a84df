"""Solid-earth tide: displacement of the ground by the Moon and the Sun.

IERS Conventions (2010), IERS Technical Note 36, section 7.1.1: step 1 in degrees 2 and 3, and of step 2 the one term
that reaches a centimetre, the diurnal wave K1. The permanent part is in it, as it is for coordinates of the ITRF,
which orbits and DEMs are given in. What is left out, with what the places of Moon and Sun are wrong by, is below 5 mm.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

J2000 = np.datetime64("2000-01-01T12:00:00", "us")
CENTURY = 36525.0  # days
TERRESTRIAL = (
    69.184 / 86400.0
)  # days that terrestrial time is ahead of UTC since 2017; 1 s less from mid 2015
ARCSECOND = np.pi / 648000.0
OBLIQUITY = np.radians(23.43929111)
PERIHELION = 1.3972 + 0.3223  # degrees a century: of the equinox (Montenbruck & Gill), and its own (Meeus)

EARTH_RADIUS = 6378136.6  # m
MASS_OF_SUN, MASS_OF_MOON = 332946.0487, 0.0123000371  # in masses of the Earth

# Of an elastic Earth that rotates (Conventions, section 7.1.1): degree 2 at latitude zero and its change with
# (3 sin^2 latitude - 1) / 2, and degree 3.
H2, H2_CHANGE, H3 = 0.6078, -0.0006, 0.292
L2, L2_CHANGE, L3 = 0.0847, 0.0002, 0.015
K1_RADIAL = -0.0120  # m, table 7.3a with the phase of Greenwich's sidereal time


@dataclass(frozen=True, kw_only=True, eq=False)
class Sky:
    """Positions of the Moon and the Sun.

    Attributes
    ----------
    moon, sun : (3,) float64, Earth-fixed positions, metres.
    sidereal : Greenwich mean sidereal time, radians.
    """

    moon: NDArray[np.float64]
    sun: NDArray[np.float64]
    sidereal: float


def _waves(terms: Sequence[tuple[float, float]], wave: np.ufunc) -> float:
    """Sum of amplitude * wave(angle), angles in radians."""
    return float(sum(amplitude * wave(angle) for amplitude, angle in terms))


def _sun(century: float) -> tuple[float, float, float]:
    """Ecliptic longitude and latitude of date (radians) and distance (m)."""
    anomaly = np.radians(357.5256 + 35999.049 * century)
    series = _waves([(6892.0, anomaly), (72.0, 2.0 * anomaly)], np.sin)
    longitude = np.radians(282.9400 + PERIHELION * century) + anomaly + series * ARCSECOND
    distance = 149.619e9 - _waves([(2.499e9, anomaly), (0.021e9, 2.0 * anomaly)], np.cos)
    return float(longitude), 0.0, distance


def _moon(century: float) -> tuple[float, float, float]:
    """Ecliptic longitude and latitude of date (radians) and distance (m)."""
    mean, m, s, f, d = np.radians(
        [
            218.31617 + 481267.88088 * century,
            134.96292 + 477198.86753 * century,  # anomaly of the Moon
            357.52543 + 35999.04944 * century,  # anomaly of the Sun
            93.27283 + 483202.01873 * century,  # from the ascending node
            297.85027 + 445267.11135 * century,  # from the Sun
        ]
    ).tolist()
    along = _waves(
        [
            (22640.0, m),
            (769.0, 2.0 * m),
            (-4586.0, m - 2.0 * d),
            (2370.0, 2.0 * d),
            (-668.0, s),
            (-412.0, 2.0 * f),
            (-212.0, 2.0 * m - 2.0 * d),
            (-206.0, m + s - 2.0 * d),
            (192.0, m + 2.0 * d),
            (-165.0, s - 2.0 * d),
            (148.0, m - s),
            (-125.0, d),
            (-110.0, m + s),
            (-55.0, 2.0 * f - 2.0 * d),
        ],
        np.sin,
    )
    bent = (along + 412.0 * np.sin(2.0 * f) + 541.0 * np.sin(s)) * ARCSECOND
    across = _waves(
        [
            (18520.0, f + bent),
            (-526.0, f - 2.0 * d),
            (44.0, m + f - 2.0 * d),
            (-31.0, -m + f - 2.0 * d),
            (-25.0, -2.0 * m + f),
            (-23.0, s + f - 2.0 * d),
            (21.0, -m + f),
            (11.0, -s + f - 2.0 * d),
        ],
        np.sin,
    )
    away = _waves(
        [
            (20905e3, m),
            (3699e3, 2.0 * d - m),
            (2956e3, 2.0 * d),
            (570e3, 2.0 * m),
            (-246e3, 2.0 * m - 2.0 * d),
            (205e3, s - 2.0 * d),
            (171e3, m + 2.0 * d),
            (152e3, m + s - 2.0 * d),
        ],
        np.cos,
    )
    return mean + along * ARCSECOND, across * ARCSECOND, 385000e3 - away


def _earth_fixed(place: tuple[float, float, float], sidereal: float) -> NDArray[np.float64]:
    """Earth-fixed position (3,) of ecliptic longitude, latitude and distance."""
    longitude, latitude, distance = place
    x, y, z = (
        np.cos(latitude) * np.cos(longitude),
        np.cos(latitude) * np.sin(longitude),
        np.sin(latitude),
    )
    y, z = np.cos(OBLIQUITY) * y - np.sin(OBLIQUITY) * z, np.sin(OBLIQUITY) * y + np.cos(OBLIQUITY) * z
    cosine, sine = np.cos(sidereal), np.sin(sidereal)
    return distance * np.array([cosine * x + sine * y, cosine * y - sine * x, z])


def sky(time: np.datetime64) -> Sky:
    """Compute the positions of the Moon and the Sun at a UTC time.

    By the series of Montenbruck & Gill (2000), Satellite Orbits, section 3.3.2.

    Referred to the equinox of date without nutation, and turned by the mean sidereal time of Meeus (1998),
    Astronomical Algorithms, equation 12.4, with UTC for UT1. Directions are good to about 5', the Moon's distance to
    500 km: 1 mm of tide.
    """
    days = float((time - J2000) / np.timedelta64(1, "us")) / 86400e6
    century = (days + TERRESTRIAL) / CENTURY
    turns = 280.46061837 + 360.98564736629 * days + 0.000387933 * (days / CENTURY) ** 2
    sidereal = float(np.radians(turns % 360.0))
    return Sky(
        moon=_earth_fixed(_moon(century), sidereal),
        sun=_earth_fixed(_sun(century), sidereal),
        sidereal=sidereal,
    )


def _raised(up: NDArray[np.float64], body: NDArray[np.float64], mass: float) -> NDArray[np.float64]:
    """Displacement (..., 3) by one body: equations 7.5 and 7.6, ``up`` (..., 3) the geocentric direction."""
    distance = float(np.linalg.norm(body))
    towards = body / distance
    cosine = up @ towards
    aside = towards - cosine[..., np.newaxis] * up
    bulge = 1.5 * up[..., 2] ** 2 - 0.5
    h, shida = H2 + H2_CHANGE * bulge, L2 + L2_CHANGE * bulge
    near = EARTH_RADIUS / distance
    second = mass * EARTH_RADIUS * near**3
    radial = second * h * (1.5 * cosine**2 - 0.5)
    radial += second * near * H3 * (2.5 * cosine**3 - 1.5 * cosine)
    lateral = second * 3.0 * shida * cosine + second * near * L3 * (7.5 * cosine**2 - 1.5)
    return np.asarray(radial[..., np.newaxis] * up + lateral[..., np.newaxis] * aside)


def solid_earth_tide(position: NDArray[np.float64], above: Sky) -> NDArray[np.float64]:
    """Compute the tidal displacement (..., 3) at Earth-fixed positions (..., 3), Earth-fixed; all in metres.

    To be added to coordinates of the ITRF to get where the ground is at that time.
    """
    up = position / np.linalg.norm(position, axis=-1)[..., np.newaxis]
    moved = _raised(up, above.moon, MASS_OF_MOON) + _raised(up, above.sun, MASS_OF_SUN)
    longitude = np.arctan2(position[..., 1], position[..., 0])
    flat = np.hypot(up[..., 0], up[..., 1])
    k1 = K1_RADIAL * 2.0 * up[..., 2] * flat * np.sin(above.sidereal + longitude)
    return np.asarray(moved + k1[..., np.newaxis] * up)
