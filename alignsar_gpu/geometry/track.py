"""Baseline, heading and ground speed of passes over a point."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.baselines import baseline_components
from alignsar_gpu.geometry.ellipsoid import ellipsoid_normal, geodetic_to_ecef
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.geometry.time_scale import continuous, seconds_since

if TYPE_CHECKING:
    from alignsar_gpu.geometry.orbit import Orbit

SECONDS_PER_DAY = 86400.0


@dataclass(frozen=True, kw_only=True)
class GroundPoint:
    """A point on Earth: longitude, latitude (degrees), metres above the WGS84 ellipsoid."""

    longitude: float
    latitude: float
    height: float


@dataclass(frozen=True, kw_only=True)
class Baseline:
    """Baseline of a secondary pass relative to the reference pass at one point on the ground.

    Attributes
    ----------
    perpendicular : metres across the line of sight in the zero-Doppler plane. Positive when the secondary
        looks at the point more steeply (under the smaller look angle): the sign that SNAP gives.
    parallel : metres along the line of sight, positive when the secondary is closer to the point.
    temporal : days from the reference to the secondary, negative for an earlier secondary.
    height_of_ambiguity : metres of height for one cycle of phase. Its sign is that of ``perpendicular``:
        where it is positive, phase falls with height. SNAP gives it the opposite sign.
    azimuth_time : zero-Doppler time of the point in the secondary pass, seconds since its orbit's epoch.
    """

    perpendicular: float
    parallel: float
    temporal: float
    height_of_ambiguity: float
    azimuth_time: float


def _zero_doppler(orbit: Orbit, point: GroundPoint) -> float:
    middle = 0.5 * (orbit.time[0] + orbit.time[-1])
    time = float(ground_to_radar(orbit, point.longitude, point.latitude, point.height, middle)[0])
    if not np.isfinite(time):
        raise AlignsarError(
            f"orbit {orbit.source!r} never sees {point.latitude:.4f} N {point.longitude:.4f} E at zero Doppler: "
            "it belongs to another place or covers too short a time"
        )
    return time


def baseline(reference: Orbit, secondary: Orbit, point: GroundPoint, wavelength: float) -> Baseline:
    """Compute the baseline of ``secondary`` relative to ``reference`` at ``point`` for ``wavelength`` (m).

    Height of ambiguity: lambda R sin(theta) / (2 B_perp) (Hanssen 2001, Radar Interferometry, chapter 2).
    Raises AlignsarError when an orbit does not see the point.
    """
    found = baseline_components(reference, secondary, point.longitude, point.latitude, point.height)
    perpendicular, secondary_time = float(found.perpendicular), float(found.azimuth_time)
    epoch_days = seconds_since(reference.epoch, continuous(secondary.epoch)) / SECONDS_PER_DAY
    ambiguity = 0.5 * wavelength * float(found.ground_distance) / perpendicular if perpendicular else np.nan
    return Baseline(
        perpendicular=perpendicular,
        parallel=float(found.parallel),
        temporal=epoch_days + (secondary_time - _zero_doppler(reference, point)) / SECONDS_PER_DAY,
        height_of_ambiguity=ambiguity,
        azimuth_time=secondary_time,
    )


def heading(orbit: Orbit, point: GroundPoint) -> float:
    """Compute the flight direction (degrees clockwise from north, 0 to 360) when ``point`` is at zero Doppler."""
    velocity = orbit.velocity_at(_zero_doppler(orbit, point))
    lon, lat = np.radians(point.longitude), np.radians(point.latitude)
    east = np.array([-np.sin(lon), np.cos(lon), 0.0])
    north = np.array([-np.sin(lat) * np.cos(lon), -np.sin(lat) * np.sin(lon), np.cos(lat)])
    return float(np.degrees(np.arctan2(velocity @ east, velocity @ north)) % 360.0)


def ground_speed(orbit: Orbit, point: GroundPoint) -> float:
    """Compute the along-track speed (m/s) on the ground at ``point`` in zero-Doppler time.

    From the derivative of (X - P(t)) . V(t) = 0 for X that moves horizontally along the track.
    """
    time = _zero_doppler(orbit, point)
    target = geodetic_to_ecef(point.longitude, point.latitude, point.height)
    up, velocity = ellipsoid_normal(point.longitude, point.latitude), orbit.velocity_at(time)
    along = velocity - (velocity @ up) * up
    along /= np.linalg.norm(along)
    curvature = (target - orbit.position_at(time)) @ orbit.acceleration_at(time)
    return float((velocity @ velocity - curvature) / (velocity @ along))
