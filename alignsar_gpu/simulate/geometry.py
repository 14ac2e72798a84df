"""Points on Earth, the zero-Doppler equations and baselines, for the simulator.

Nothing here uses the geometry of ``alignsar_gpu.geometry``, which this is there to check: the equations
are solved by SciPy's root finders.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq, root

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.simulate.orbit import Pass

SEMI_MAJOR_AXIS = 6378137.0  # m, WGS84
FLATTENING = 1.0 / 298.257223563
START = (6.0, 50.8)  # longitude, latitude: where the root finder starts


def ellipsoid_normal(longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.float64]:
    """Compute the unit vector (..., 3) away from the WGS84 ellipsoid; degrees in, Earth-fixed out."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    normal = np.empty((*np.shape(lon), 3))
    normal[..., 0], normal[..., 1], normal[..., 2] = (
        np.cos(lat) * np.cos(lon),
        np.cos(lat) * np.sin(lon),
        np.sin(lat),
    )
    return normal


def ellipsoid_point(longitude: ArrayLike, latitude: ArrayLike, height: ArrayLike) -> NDArray[np.float64]:
    """Convert WGS84 degrees and metres to an Earth-fixed position (..., 3) in metres."""
    normal = ellipsoid_normal(longitude, latitude)
    flat = (1.0 - FLATTENING) ** 2
    curvature = SEMI_MAJOR_AXIS / np.sqrt(1.0 - (1.0 - flat) * normal[..., 2] ** 2)
    radius = curvature[..., None] * [1.0, 1.0, flat]
    return np.asarray((radius + np.asarray(height, dtype=np.float64)[..., None]) * normal)


def solve_ground(
    satellite: Pass,
    time: float,
    slant_range: float,
    height: float,
    start: tuple[float, float] = START,
) -> tuple[float, float]:
    """Solve for longitude and latitude (degrees) of the point at ``height`` with a zero-Doppler time and slant range.

    Solves V . (P - S) = 0 and |P - S| = R for the P near ``start``, which is on the right of the pass.
    """
    position, velocity = satellite.position(time), satellite.velocity(time)
    ahead = velocity / np.linalg.norm(velocity)

    def misfit(place: NDArray[np.float64]) -> list[float]:
        sight = ellipsoid_point(place[0], place[1], height) - position
        return [float(ahead @ sight), float(np.linalg.norm(sight)) - slant_range]

    solution = root(misfit, start, method="hybr", options={"xtol": 1e-15})
    worst = max(abs(value) for value in solution.fun)
    if worst > 1e-7:
        raise ArithmeticError(f"no ground point at {slant_range} m, height {height} m: misfit {worst} m")
    return float(solution.x[0]), float(solution.x[1])


def closest_approach(satellite: Pass, point: NDArray[np.float64]) -> float:
    """Find the time (s) when ``satellite`` passes ``point`` (Earth-fixed, metres) at zero Doppler."""

    def closing(time: float) -> float:
        return float(satellite.velocity(time) @ (point - satellite.position(time)))

    middle = satellite.centre_time
    return float(brentq(closing, middle - 60.0, middle + 60.0, xtol=1e-11))


def baseline_directions(
    satellite: Pass, time: float, point: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the unit vectors (perpendicular, parallel) along which a baseline is measured, Earth-fixed.

    Parallel is the look direction, from the satellite to ``point``. Perpendicular is at right angles to it
    in the zero-Doppler plane, on the side away from the Earth: a baseline is positive where the secondary
    sees the point under the smaller look (and incidence) angle. That is SNAP's sign: its Amsterdam pairs
    2023-03-31/2023-03-19 (33.90 m) and 2023-03-31/2023-01-06 (107.59 m) come out of their orbit vectors
    as +33.75 m and +107.50 m so. The interferometric phase then falls with height (SNAP's height of
    ambiguity is negative where the baseline is positive).
    """
    position, velocity = satellite.position(time), satellite.velocity(time)
    look = (point - position) / np.linalg.norm(point - position)
    across = position - (position @ velocity) / (velocity @ velocity) * velocity
    outward = across - (across @ look) * look
    return outward / np.linalg.norm(outward), look


def baseline(
    reference: Pass, secondary: Pass, time: float, point: NDArray[np.float64]
) -> tuple[float, float]:
    """Compute the perpendicular and parallel baseline (m) of ``secondary`` at ``point``.

    As seen from ``reference`` at ``time``.

    Each satellite is taken where it passes the point at zero Doppler. Signs: ``baseline_directions``.
    """
    perpendicular, parallel = baseline_directions(reference, time, point)
    apart = secondary.position(closest_approach(secondary, point)) - reference.position(time)
    return float(apart @ perpendicular), float(apart @ parallel)
