"""Zero-Doppler geometry of points at one height seen from a pass: position, angles and Doppler rate."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import chebyshev

from alignsar_gpu.simulate.geometry import ellipsoid_normal, ellipsoid_point, solve_ground
from alignsar_gpu.simulate.safe.plan.iw_mode import WAVELENGTH

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.simulate.orbit import Pass

STEP = 0.05  # s, for the derivative of the velocity: its error is below 1e-8 m/s^2


@dataclass(frozen=True, kw_only=True)
class PassGeometry:
    """Zero-Doppler geometry of points at ``height`` (m), near ``start`` (longitude and latitude, degrees)."""

    satellite: Pass
    height: float
    start: tuple[float, float]

    def to_ground(self, time: float, slant_range: float) -> tuple[float, float]:
        """Compute longitude and latitude, degrees; the longitude continues beyond 180."""
        return solve_ground(self.satellite, time, slant_range, self.height, self.start)

    def point(self, time: float, slant_range: float) -> NDArray[np.float64]:
        """Compute the Earth-fixed position (3,), metres."""
        return ellipsoid_point(*self.to_ground(time, slant_range), self.height)

    def angles(self, time: float, slant_range: float) -> tuple[float, float]:
        """Compute the incidence angle against the ellipsoid's normal, and the antenna's elevation angle, degrees.

        The elevation angle is the one between the look direction and the direction to the centre of the Earth
        (that is what ESA annotates).
        """
        return self._angles_at(self.to_ground(time, slant_range), time)

    def geolocation(self, time: float, slant_range: float) -> tuple[float, float, float, float]:
        """Compute longitude, latitude, incidence and elevation angle, degrees."""
        place = self.to_ground(time, slant_range)
        return *place, *self._angles_at(place, time)

    def _angles_at(self, place: tuple[float, float], time: float) -> tuple[float, float]:
        position = self.satellite.position(time)
        look = ellipsoid_point(*place, self.height) - position
        look /= np.linalg.norm(look)
        incidence = np.arccos(-look @ ellipsoid_normal(*place))
        elevation = np.arccos(-look @ position / np.linalg.norm(position))
        return float(np.degrees(incidence)), float(np.degrees(elevation))

    def doppler_rate(self, time: float, slant_range: float) -> float:
        """Compute the azimuth FM rate k_a = -(2 / wavelength) d^2R/dt^2 of a point at zero Doppler, Hz/s.

        With R^2 = |S - P|^2 and R' = 0: R'' = (|V|^2 + (S - P) . A) / R.
        """
        velocity = self.satellite.velocity(time)
        acceleration = (self.satellite.velocity(time + STEP) - self.satellite.velocity(time - STEP)) / (
            2.0 * STEP
        )
        sight = self.satellite.position(time) - self.point(time, slant_range)
        second = (velocity @ velocity + sight @ acceleration) / slant_range
        return float(-2.0 / WAVELENGTH * second)


@dataclass(frozen=True, kw_only=True, eq=False)
class ChebyshevSurface:
    """A smooth quantity over time and slant range, as a product of Chebyshev polynomials.

    ``times`` and ``ranges`` are the bounds that it was fitted between.
    """

    times: tuple[float, float]
    ranges: tuple[float, float]
    coefficients: NDArray[np.float64]

    def __call__(self, time: ArrayLike, slant_range: ArrayLike) -> NDArray[np.float64]:
        """The quantity at each of ``time`` (n,) and ``slant_range`` (m,), (n, m)."""
        rows, columns = _scaled(time, self.times), _scaled(slant_range, self.ranges)
        return np.asarray(chebyshev.chebgrid2d(rows, columns, self.coefficients))


def _scaled(value: ArrayLike, bounds: tuple[float, float]) -> NDArray[np.float64]:
    return np.asarray(
        (2.0 * np.asarray(value, dtype=np.float64) - bounds[0] - bounds[1]) / (bounds[1] - bounds[0])
    )


def fit_surface(
    quantity: Callable[[float, float], float],
    times: tuple[float, float],
    ranges: tuple[float, float],
    degrees: tuple[int, int] = (3, 6),
) -> ChebyshevSurface:
    """Interpolate ``quantity(time, slant_range)`` between bounds, exactly at Chebyshev nodes."""
    nodes = [chebyshev.chebpts1(degree + 1) for degree in degrees]
    rows, columns = (
        low + (high - low) * (node + 1.0) / 2.0
        for node, (low, high) in zip(nodes, (times, ranges), strict=True)
    )
    values = np.array([[quantity(float(row), float(column)) for column in columns] for row in rows])
    inverses = [np.linalg.inv(chebyshev.chebvander(node, len(node) - 1)) for node in nodes]
    return ChebyshevSurface(times=times, ranges=ranges, coefficients=inverses[0] @ values @ inverses[1].T)
