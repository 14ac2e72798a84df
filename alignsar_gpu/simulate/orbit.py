"""An analytic satellite pass: a circular inertial orbit seen from the rotating Earth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from alignsar_gpu.geometry.orbit import Orbit

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    Vector = tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]  # x, y and z

EARTH_ROTATION = 7.292115e-5  # rad/s, WGS84
ORBIT_RADIUS = 7.0685e6  # m: about 700 km above the ground, as Sentinel-1
INCLINATION = np.radians(98.18)
MEAN_MOTION = 2.0 * np.pi * 175 / (12 * 86400)  # rad/s: 175 orbits in 12 days

# Where the satellite is at the scene's centre time: chosen so that a right-looking antenna sees
# 50.8 N 6.0 E at a slant range of about 850 km from an ascending pass.
ARGUMENT_OF_LATITUDE = np.radians(50.42)
NODE_LONGITUDE = np.radians(9.73)

ZERO = (0.0, 0.0, 0.0)


class Pass(Protocol):
    """Position and velocity of a satellite over time, in the rotating Earth-fixed frame."""

    @property
    def centre_time(self) -> float:
        """A time in the middle of the imaged part, seconds."""

    def position(self, time: ArrayLike) -> NDArray[np.float64]:
        """Return the position (..., 3) at ``time``, metres."""

    def velocity(self, time: ArrayLike) -> NDArray[np.float64]:
        """Return the velocity (..., 3) at ``time``, metres per second."""


@dataclass(frozen=True, kw_only=True)
class CircularPass:
    """A circular pass in closed form; times in seconds since the midnight of its day.

    In the inertial frame the satellite is at ``ORBIT_RADIUS`` r + o_r r + o_a a + o_n n, where r is the
    radial, a the along-track and n the orbit-normal direction of the circular orbit. The offset o is what
    sets one date apart from another; it changes linearly with time. The Earth-fixed frame turns with the
    Earth, so position and velocity in it have a closed form too.

    Attributes
    ----------
    centre_time : when the satellite is at ``argument_of_latitude``, seconds.
    argument_of_latitude : angle from the ascending node to the satellite at ``centre_time``, radians.
    node_longitude : of the ascending node at ``centre_time``, radians; as seen from the Earth it drifts west.
    offset : (radial, along, normal) offset at ``centre_time``, metres.
    offset_rate : its change, metres per second.
    """

    centre_time: float
    argument_of_latitude: float = ARGUMENT_OF_LATITUDE
    node_longitude: float = NODE_LONGITUDE
    offset: tuple[float, float, float] = ZERO
    offset_rate: tuple[float, float, float] = ZERO

    def frame(self, time: ArrayLike) -> NDArray[np.float64]:
        """Compute the rows r, a, n (..., 3, 3) of the orbital frame at ``time``, in Earth-fixed coordinates."""
        elapsed = np.asarray(time, dtype=np.float64) - self.centre_time
        angle = self.argument_of_latitude + MEAN_MOTION * elapsed
        node = self.node_longitude - EARTH_ROTATION * elapsed
        node_x, node_y = np.cos(node), np.sin(node)
        plane_x, plane_y = -np.cos(INCLINATION) * node_y, np.cos(INCLINATION) * node_x
        plane_z = np.sin(INCLINATION)
        cos, sin = np.cos(angle), np.sin(angle)
        radial = cos * node_x + sin * plane_x, cos * node_y + sin * plane_y, sin * plane_z
        along = cos * plane_x - sin * node_x, cos * plane_y - sin * node_y, cos * plane_z
        frame = np.empty((*np.shape(elapsed), 3, 3))  # np.stack and np.cross take far longer for one time
        for row, vector in enumerate((radial, along, _cross(radial, along))):
            frame[..., row, 0], frame[..., row, 1], frame[..., row, 2] = vector
        return frame

    def position(self, time: ArrayLike) -> NDArray[np.float64]:
        """Compute the Earth-fixed position (..., 3) at ``time``, metres."""
        return _to_earth(self.frame(time), self._coordinates(time))

    def velocity(self, time: ArrayLike) -> NDArray[np.float64]:
        """Compute the velocity (..., 3) in the rotating frame at ``time``, metres per second.

        The time derivative of ``position``: dr/dt = MEAN_MOTION a and da/dt = -MEAN_MOTION r in the
        inertial frame, less the Earth's rotation crossed with the position.
        """
        coordinates, frame = self._coordinates(time), self.frame(time)
        inertial = np.asarray(self.offset_rate) + MEAN_MOTION * coordinates[..., [1, 0, 2]] * [-1.0, 1.0, 0.0]
        velocity, position = _to_earth(frame, inertial), _to_earth(frame, coordinates)
        velocity[..., 0] += EARTH_ROTATION * position[..., 1]
        velocity[..., 1] -= EARTH_ROTATION * position[..., 0]
        return velocity

    def state_vectors(self, first: float, last: float, epoch: np.datetime64) -> Orbit:
        """Compute state vectors one second apart from ``first`` to ``last``, with 10 s to spare on each side."""
        time = np.arange(np.floor(first) - 10.0, np.ceil(last) + 11.0)
        return Orbit(
            epoch=epoch,
            time=time,
            position=self.position(time),
            velocity=self.velocity(time),
            source="analytic circular orbit",
        )

    def _coordinates(self, time: ArrayLike) -> NDArray[np.float64]:
        """Components (..., 3) of the position along r, a, n."""
        elapsed = np.asarray(time, dtype=np.float64)[..., None] - self.centre_time
        offset = np.asarray(self.offset) + elapsed * np.asarray(self.offset_rate)
        return np.asarray(np.array([ORBIT_RADIUS, 0.0, 0.0]) + offset)


def _to_earth(frame: NDArray[np.float64], components: NDArray[np.float64]) -> NDArray[np.float64]:
    """Convert components (..., 3) along the rows of a frame (..., 3, 3) to Earth-fixed coordinates."""
    return np.asarray(np.einsum("...i,...ij->...j", components, frame))


def _cross(one: Vector, other: Vector) -> Vector:
    return (
        one[1] * other[2] - one[2] * other[1],
        one[2] * other[0] - one[0] * other[2],
        one[0] * other[1] - one[1] * other[0],
    )
