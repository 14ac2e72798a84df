"""Ground to radar: azimuth time, slant range and incidence angle of points; numpy arrays of any shape."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu import kernels

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.geometry.doppler import Doppler
    from alignsar_gpu.geometry.orbit import Orbit

FIRST_HEIGHT = 1000.0  # m, beside 0
HEIGHT_ITERATIONS = 4  # each makes the error of a height 1000 times smaller


def _rows(*values: ArrayLike) -> tuple[tuple[int, ...], list[NDArray[np.float64]]]:
    """The common shape of ``values``, and each of them as contiguous rows, copied where it has to be."""
    arrays = [np.asarray(value, dtype=np.float64) for value in values]
    shape = np.broadcast_shapes(*(a.shape for a in arrays))
    columns = shape[-1] if shape else 1
    rows = math.prod(shape) // columns if columns else 0
    whole = [
        a
        if a.shape == shape and a.flags.c_contiguous and a.flags.writeable
        else np.array(np.broadcast_to(a, shape), order="C")
        for a in arrays
    ]
    return shape, [a.reshape(rows, columns) for a in whole]


def ground_to_radar(
    orbit: Orbit,
    longitude: ArrayLike,
    latitude: ArrayLike,
    height: ArrayLike,
    seed: ArrayLike,
    *,
    doppler: Doppler | None = None,
    wavelength: float = 0.0,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute azimuth time and slant range of points on the ground; see `kernels.ground_to_radar`.

    Parameters
    ----------
    longitude, latitude, height : degrees, degrees, metres above the ellipsoid; broadcast.
    seed : times to start from, seconds since the orbit's epoch, broadcast; the first of a row is used.
    doppler, wavelength : what the image is focused to, where that is not zero Doppler; metres.

    Returns
    -------
    Seconds since the orbit's epoch and metres, of the broadcast shape; NaN where there is none.
    """
    shape, (lon, lat, h, start) = _rows(longitude, latitude, height, seed)
    table = kernels.ZERO_DOPPLER if doppler is None else doppler.table(wavelength)
    seeds = np.ascontiguousarray(start[:, 0]) if start.size else np.zeros(len(start))
    time, slant_range = kernels.ground_to_radar(lon, lat, h, seeds, orbit.table, table)
    return time.reshape(shape), slant_range.reshape(shape)


def slant_range_to(
    orbit: Orbit, longitude: ArrayLike, latitude: ArrayLike, height: ArrayLike, seed: ArrayLike
) -> NDArray[np.float64]:
    """Compute the zero-Doppler slant range (m) from ``orbit`` to points, by `ground_to_radar`."""
    return ground_to_radar(orbit, longitude, latitude, height, seed)[1]


def height_of(
    orbit: Orbit, longitude: ArrayLike, latitude: ArrayLike, slant_range: ArrayLike, seed: ArrayLike
) -> NDArray[np.float64]:
    """Compute the height (m above the ellipsoid) at which places (degrees) lie at zero-Doppler slant ranges (m).

    ``seed`` as of `ground_to_radar`. By the secant method; NaN where there is no such height.
    """
    low, high, wanted = 0.0, FIRST_HEIGHT, np.asarray(slant_range, dtype=np.float64)
    near, far = (slant_range_to(orbit, longitude, latitude, height, seed) for height in (low, high))
    below, above = np.full(near.shape, low), np.full(near.shape, high)
    for _ in range(HEIGHT_ITERATIONS):
        with np.errstate(invalid="ignore", divide="ignore"):
            there = above + (wanted - far) * (above - below) / (far - near)
        there = np.where(far == near, above, there)
        below, near = above, far
        above, far = there, slant_range_to(orbit, longitude, latitude, there, seed)
    return above


def angle_of(versine: NDArray[np.float64]) -> NDArray[np.float32]:
    """Convert a versine (1 - cosine) to an angle in degrees, accurate for small angles too."""
    within = np.clip(versine, 0.0, 2.0)
    angle: NDArray[np.float32] = np.degrees(2.0 * np.arctan2(np.sqrt(within), np.sqrt(2.0 - within))).astype(
        np.float32
    )
    return angle


def incidence_angles(orbit: Orbit, longitude: Any, latitude: Any, height: Any, seed: Any) -> Any:
    """Compute the `incidence_angle` (degrees) of the pixels of an image, where its coordinates are.

    ``longitude``, ``latitude`` and ``height`` are [line, sample] float64, C-contiguous, numpy or on the device;
    ``seed`` (lines,) are times near the zero-Doppler time of every line, likewise.
    """
    time, _ = kernels.ground_to_radar(longitude, latitude, height, seed, orbit.table, kernels.ZERO_DOPPLER)
    level = np.zeros_like(height)
    versine, _, _ = kernels.viewing_angles(longitude, latitude, height, time, level, level, orbit.table)
    return angle_of(versine)


def incidence_angle(
    orbit: Orbit, longitude: ArrayLike, latitude: ArrayLike, height: ArrayLike, seed: ArrayLike
) -> NDArray[np.float32]:
    """Compute the incidence angle (degrees) between the ellipsoid's normal and the direction to the antenna."""
    shape, (lon, lat, h, start) = _rows(longitude, latitude, height, seed)
    seeds = np.ascontiguousarray(start[:, 0]) if start.size else np.zeros(len(start))
    angles: NDArray[np.float32] = incidence_angles(orbit, lon, lat, h, seeds)
    return angles.reshape(shape)
