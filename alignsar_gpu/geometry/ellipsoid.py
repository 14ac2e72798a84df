"""WGS84: geodetic coordinates to the Earth-fixed frame."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SEMI_MAJOR_AXIS = 6378137.0
FLATTENING = 1.0 / 298.257223563
ECCENTRICITY_SQUARED = FLATTENING * (2.0 - FLATTENING)


def ellipsoid_normal(longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.float64]:
    """Outward unit normal of the ellipsoid, (..., 3), at ``longitude`` and ``latitude`` (degrees)."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat) + 0.0 * lon], axis=-1)


def geodetic_to_ecef(longitude: ArrayLike, latitude: ArrayLike, height: ArrayLike) -> NDArray[np.float64]:
    """Earth-fixed position (..., 3) in metres of ``longitude``, ``latitude`` (degrees), ``height`` (m)."""
    normal = ellipsoid_normal(longitude, latitude)
    h = np.asarray(height, dtype=np.float64)
    prime_vertical = SEMI_MAJOR_AXIS / np.sqrt(1.0 - ECCENTRICITY_SQUARED * normal[..., 2] ** 2)
    position = (prime_vertical + h)[..., np.newaxis] * normal
    position[..., 2] -= ECCENTRICITY_SQUARED * prime_vertical * normal[..., 2]
    return position
