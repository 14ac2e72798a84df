"""WGS84 ellipsoid: conversion between geodetic and Earth-fixed coordinates."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SEMI_MAJOR_AXIS = 6378137.0
FLATTENING = 1.0 / 298.257223563
ECCENTRICITY_SQUARED = FLATTENING * (2.0 - FLATTENING)


def ellipsoid_normal(longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.float64]:
    """Compute the outward unit normal of the ellipsoid, (..., 3), at ``longitude`` and ``latitude`` (degrees)."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat) + 0.0 * lon], axis=-1)


def geodetic_to_ecef(longitude: ArrayLike, latitude: ArrayLike, height: ArrayLike) -> NDArray[np.float64]:
    """Convert ``longitude``, ``latitude`` (degrees), ``height`` (m) to Earth-fixed position (..., 3) in metres."""
    normal = ellipsoid_normal(longitude, latitude)
    h = np.asarray(height, dtype=np.float64)
    prime_vertical = SEMI_MAJOR_AXIS / np.sqrt(1.0 - ECCENTRICITY_SQUARED * normal[..., 2] ** 2)
    position = (prime_vertical + h)[..., np.newaxis] * normal
    position[..., 2] -= ECCENTRICITY_SQUARED * prime_vertical * normal[..., 2]
    return position


def ecef_to_geodetic(
    position: NDArray[np.float64],
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Convert Earth-fixed positions (..., 3) to longitude, latitude (degrees) and height (m), each of shape (...).

    Bowring's iteration on the parametric latitude (Bowring 1976, Transformation from spatial to geographical
    coordinates, Survey Review 23(181)), twice: exact to 1e-8 m from -10 km to 1000 km of height.
    """
    x, y, z = np.moveaxis(position, -1, 0)
    distance = np.hypot(x, y)
    semi_minor_axis = SEMI_MAJOR_AXIS * (1.0 - FLATTENING)
    second = ECCENTRICITY_SQUARED / (1.0 - ECCENTRICITY_SQUARED)
    up, out = z * SEMI_MAJOR_AXIS, distance * semi_minor_axis  # as sine and cosine of the parametric latitude
    for _ in range(2):
        size = np.hypot(up, out)
        above = z + second * semi_minor_axis * (up / size) ** 3
        beside = distance - ECCENTRICITY_SQUARED * SEMI_MAJOR_AXIS * (out / size) ** 3
        latitude = np.arctan2(above, beside)
        up, out = (1.0 - FLATTENING) * np.sin(latitude), np.cos(latitude)
    sine, cosine = np.sin(latitude), np.cos(latitude)
    prime_vertical = SEMI_MAJOR_AXIS / np.sqrt(1.0 - ECCENTRICITY_SQUARED * sine**2)
    height = distance * cosine + z * sine - prime_vertical * (1.0 - ECCENTRICITY_SQUARED * sine**2)
    return np.degrees(np.arctan2(y, x)), np.degrees(latitude), height
