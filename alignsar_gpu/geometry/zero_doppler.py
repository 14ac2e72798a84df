"""Ground to radar: when a target is seen at zero Doppler, from how far, and at which angle.

Grids of pixels go through these functions in batches of bounded size, so that the memory they take does
not depend on the size of the image.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.geometry.ellipsoid import ellipsoid_normal, geodetic_to_ecef

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.geometry.orbit import Orbit

TIME_TOLERANCE = 1e-10  # s: below a micrometre along track; late in the day float64 resolves 1.5e-11 s
MAX_ITERATIONS = 12
BATCH = 1 << 17


def zero_doppler_time(orbit: Orbit, target: NDArray[np.float64], seed: ArrayLike) -> NDArray[np.float64]:
    """Time at which the line of sight to ``target`` is perpendicular to the orbit's velocity.

    Newton's iteration on f(t) = (X - P(t)) . V(t) in the Earth-fixed frame, where zero Doppler and closest
    approach are the same (Cumming and Wong 2005, Digital Processing of Synthetic Aperture Radar Data).

    Parameters
    ----------
    target : (..., 3) ECEF position, metres.
    seed : times to start from, seconds since the orbit's epoch, broadcast to ``target.shape[:-1]``.

    Returns
    -------
    (...) float64 seconds since the orbit's epoch; NaN where the target is NaN, where the iteration does
    not settle within ``TIME_TOLERANCE``, or where the time lies outside the state vectors.
    """
    time = np.broadcast_to(np.asarray(seed, dtype=np.float64), target.shape[:-1]).copy()
    settled = np.zeros(time.shape, dtype=bool)
    for _ in range(MAX_ITERATIONS):
        line_of_sight = target - orbit.position_at(time)
        velocity = orbit.velocity_at(time)
        mismatch = np.sum(line_of_sight * velocity, axis=-1)
        slope = np.sum(line_of_sight * orbit.acceleration_at(time), axis=-1) - np.sum(velocity**2, axis=-1)
        step = mismatch / slope
        # a settled time stays as it is, so that it does not depend on the targets that share its batch
        time = np.where(settled, time, time - step)
        settled |= np.abs(step) <= TIME_TOLERANCE
        if np.all(settled | np.isnan(step)):
            break
    return np.where(settled, time, np.nan)


def _batches(size: int) -> list[slice]:
    return [slice(start, min(start + BATCH, size)) for start in range(0, size, BATCH)]


def slant_range_to(
    orbit: Orbit, longitude: ArrayLike, latitude: ArrayLike, height: ArrayLike, seed: ArrayLike
) -> NDArray[np.float64]:
    """Zero-Doppler slant range in metres from ``orbit`` to points on the ground (degrees, degrees, metres).

    The result has the broadcast shape of the inputs; NaN where there is none (see `zero_doppler_time`).
    """
    lon, lat, h, start = np.broadcast_arrays(longitude, latitude, height, seed)
    result = np.empty(lon.size)
    for part in _batches(lon.size):
        target = geodetic_to_ecef(lon.flat[part], lat.flat[part], h.flat[part])
        time = zero_doppler_time(orbit, target, start.flat[part])
        result[part] = np.linalg.norm(target - orbit.position_at(time), axis=-1)
    return result.reshape(lon.shape)


def incidence_angle(
    orbit: Orbit, longitude: ArrayLike, latitude: ArrayLike, height: ArrayLike, seed: ArrayLike
) -> NDArray[np.float32]:
    """Incidence angle in degrees: between the ellipsoid's normal and the direction to the antenna."""
    lon, lat, h, start = np.broadcast_arrays(longitude, latitude, height, seed)
    result = np.empty(lon.size, dtype=np.float32)
    for part in _batches(lon.size):
        target = geodetic_to_ecef(lon.flat[part], lat.flat[part], h.flat[part])
        time = zero_doppler_time(orbit, target, start.flat[part])
        to_antenna = orbit.position_at(time) - target
        normal = ellipsoid_normal(lon.flat[part], lat.flat[part])
        cosine = np.sum(to_antenna * normal, axis=-1) / np.linalg.norm(to_antenna, axis=-1)
        result[part] = np.degrees(np.arccos(cosine))
    return result.reshape(lon.shape)
