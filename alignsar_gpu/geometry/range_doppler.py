"""Radar to ground at known heights: the range, Doppler and height equations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from alignsar_gpu.geometry.ellipsoid import SEMI_MAJOR_AXIS, ecef_to_geodetic, ellipsoid_normal

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.geometry.orbit import Orbit

MAX_ITERATIONS = 20
DEGREE = np.radians(SEMI_MAJOR_AXIS)  # m, of a great circle
TOLERANCE = 1e-8  # m: float64 holds 1e-9 m of a position


def _start(
    antenna: NDArray[np.float64],
    velocity: NDArray[np.float64],
    slant_range: NDArray[np.float64],
    height: NDArray[np.float64],
    side: float,
) -> NDArray[np.float64]:
    """The point on a sphere of that height that the antenna sees in the plane across its velocity."""
    distance = np.linalg.norm(antenna, axis=-1)
    down = -antenna / distance[..., np.newaxis]
    along = velocity / np.linalg.norm(velocity, axis=-1)[..., np.newaxis]
    across = side * np.cross(down, along)
    radius = SEMI_MAJOR_AXIS * (1.0 - 0.5 / 298.0) + height
    cosine = (distance**2 + slant_range**2 - radius**2) / (2.0 * distance * slant_range)
    cosine = np.clip(cosine, -1.0, 1.0)
    sine = np.sqrt(1.0 - cosine**2)
    sight = cosine[..., np.newaxis] * down + sine[..., np.newaxis] * across
    return np.asarray(antenna + slant_range[..., np.newaxis] * sight)


def radar_to_ground(
    orbit: Orbit,
    azimuth_time: ArrayLike,
    slant_range: ArrayLike,
    height: ArrayLike,
    look_side: Literal["right", "left"],
    speed: ArrayLike = 0.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute longitude and latitude (degrees) of points at known times, slant ranges and heights.

    Newton's iteration on three equations: |X - P| = R, (X - P) . V = R lambda f / 2, and height(X) = h
    (Curlander 1982, Location of spaceborne SAR imagery, IEEE TGRS 20(3)).

    Parameters
    ----------
    azimuth_time : seconds since the orbit's epoch.
    slant_range : metres.
    height : metres above the ellipsoid.
    speed : lambda f / 2, metres per second, for a Doppler frequency f that is not zero.

    All are broadcast. NaN where there is no such point: outside the state vectors, or where the range does
    not reach down to the height.
    """
    time, distance, h, approach = (
        np.asarray(a, dtype=np.float64) for a in np.broadcast_arrays(azimuth_time, slant_range, height, speed)
    )
    antenna, velocity = orbit.position_at(time), orbit.velocity_at(time)
    with np.errstate(invalid="ignore", over="ignore", divide="ignore"):
        point = _iterate(antenna, velocity, distance, h, approach, look_side)
    longitude, latitude, _ = ecef_to_geodetic(point)
    return longitude, latitude


def ground_distance(
    longitude: ArrayLike, latitude: ArrayLike, other_longitude: ArrayLike, other_latitude: ArrayLike
) -> NDArray[np.float64]:
    """Compute metres between places (degrees) that lie near each other, to a percent; infinite where one is NaN."""
    east = (np.subtract(longitude, other_longitude) + 180.0) % 360.0 - 180.0
    north = np.subtract(latitude, other_latitude)
    metres = DEGREE * np.hypot(north, east * np.cos(np.radians(other_latitude)))
    return np.where(np.isfinite(metres), metres, np.inf)


def _iterate(
    antenna: NDArray[np.float64],
    velocity: NDArray[np.float64],
    distance: NDArray[np.float64],
    h: NDArray[np.float64],
    approach: NDArray[np.float64],
    look_side: str,
) -> NDArray[np.float64]:
    """Positions (..., 3) that settle the equations of `radar_to_ground`; NaN where none does."""
    point = _start(antenna, velocity, distance, h, 1.0 if look_side == "right" else -1.0)
    settled = np.zeros(distance.shape, dtype=bool)
    for _ in range(MAX_ITERATIONS):  # what does not settle may run away: it is NaN in the end
        sight = point - antenna
        longitude, latitude, reached = ecef_to_geodetic(point)
        mismatch = np.stack(
            [
                0.5 * (np.sum(sight**2, axis=-1) - distance**2),
                np.sum(sight * velocity, axis=-1) - approach * distance,
                reached - h,
            ],
            axis=-1,
        )
        rows = np.stack([sight, velocity, ellipsoid_normal(longitude, latitude)], axis=-2)
        step = _solve(rows, mismatch)
        point = np.where(settled[..., np.newaxis], point, point - step)
        size = np.max(np.abs(step), axis=-1)
        settled |= size <= TOLERANCE
        if np.all(settled | np.isnan(size)):
            break
    return np.where(settled[..., np.newaxis], point, np.nan)


def _solve(rows: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Solution of (..., 3, 3) systems by Cramer's rule: one pixel does not depend on another."""
    a, b, c = np.moveaxis(rows, -2, 0)
    bc, ca, ab = np.cross(b, c), np.cross(c, a), np.cross(a, b)
    inverse = 1.0 / np.sum(a * bc, axis=-1)
    solution = values[..., 0:1] * bc + values[..., 1:2] * ca + values[..., 2:3] * ab
    return np.asarray(inverse[..., np.newaxis] * solution)
