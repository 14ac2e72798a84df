"""Baselines between two passes at points on the ground."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.ellipsoid import ellipsoid_normal, geodetic_to_ecef
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.geometry.orbit import Orbit


class BaselineComponents(NamedTuple):
    """Components of a baseline at points on the ground, float64 arrays of the points' shape.

    Attributes
    ----------
    perpendicular : metres across the line of sight in the zero-Doppler plane, positive when the secondary looks
        more steeply (under the smaller look angle): the sign that SNAP gives.
    parallel : metres along the line of sight, positive when the secondary is closer to the point.
    ground_distance : slant range times the sine of the incidence angle, metres.
    azimuth_time : zero-Doppler time in the secondary pass, seconds since its orbit's epoch.
    """

    perpendicular: NDArray[np.float64]
    parallel: NDArray[np.float64]
    ground_distance: NDArray[np.float64]
    azimuth_time: NDArray[np.float64]


def baseline_components(
    reference: Orbit, secondary: Orbit, longitude: ArrayLike, latitude: ArrayLike, height: ArrayLike
) -> BaselineComponents:
    """Compute the baseline of ``secondary`` relative to ``reference`` at points (degrees, degrees, metres).

    Raises AlignsarError when an orbit does not see one of the points at zero Doppler.
    """
    lon, lat, h = np.broadcast_arrays(longitude, latitude, height)
    times = []
    for orbit in (reference, secondary):
        time, _ = ground_to_radar(orbit, lon, lat, h, 0.5 * (orbit.time[0] + orbit.time[-1]))
        if np.isnan(time).any():
            lost = np.flatnonzero(np.isnan(time))[0]
            raise AlignsarError(
                f"orbit {orbit.source!r} never sees {lat.flat[lost]:.4f} N {lon.flat[lost]:.4f} E at zero "
                "Doppler: it belongs to another place or covers too short a time"
            )
        times.append(time)
    target, antenna = geodetic_to_ecef(lon, lat, h), reference.position_at(times[0])
    separation = secondary.position_at(times[1]) - antenna
    sight = target - antenna
    slant_range = np.linalg.norm(sight, axis=-1)
    look = sight / slant_range[..., np.newaxis]
    up = ellipsoid_normal(lon, lat)
    across = np.cross(look, reference.velocity_at(times[0]))
    # one sign for right- and left-looking antennas
    size = np.linalg.norm(across, axis=-1) * np.sign(np.sum(across * up, axis=-1))
    return BaselineComponents(
        perpendicular=np.sum(separation * across, axis=-1) / size,
        parallel=np.sum(separation * look, axis=-1),
        ground_distance=slant_range * np.sqrt(1.0 - np.sum(look * up, axis=-1) ** 2),
        azimuth_time=times[1],
    )
