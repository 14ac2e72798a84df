"""ESA's burst ids: fixed places on Earth, the same in every cycle and for every Sentinel-1.

The repeat cycle of 12 days is cut into pieces of one beam cycle of the TOPS mode, counted from 1 (Sentinel-1
Level 1 Detailed Algorithm Definition, DI-MPC-IPFDPM, MPC-0307, burst id):

    id = 1 + floor(((t - t_node) + (r - 1) T_orb - T_preamble) / T_beam)

for the middle t of the beam cycle's sensing and the ascending node before it, of relative orbit r. Annotations
since IPF 3.40 say the id. For older ones it is computed here, and from the state vectors alone: the annotated
ascendingNodeTime is that of the data take, at times more than an orbit ago and at times 3 s wrong, and
the annotated orbit number may be that of the node before the one that the product starts after.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.integrate import solve_ivp

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.bounds import require
from alignsar_gpu.products.sentinel1.relative_orbit import SENTINEL1_ORBITS_PER_CYCLE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.geometry.orbit import Orbit

DAYS_PER_CYCLE = 12
CYCLE = DAYS_PER_CYCLE * 86400.0
ORBIT = CYCLE / SENTINEL1_ORBITS_PER_CYCLE  # s, from a node to the next

# Where relative orbit 1 crosses the equator northwards. State vectors of tracks 9, 52, 86 and 171 (2021 to
# 2023), followed back to their nodes, give 0.1450 to 0.1472 degrees.
NODE_LONGITUDE = 0.146
ON_TRACK = 0.25  # of the distance between tracks: a satellite farther away is not on the repeat orbit

GRAVITY = 3.986004418e14  # m^3/s^2, WGS84
EQUATOR = 6378137.0  # m
J2 = 1.08262668e-3
ROTATION = 7.292115e-5  # rad/s


@dataclass(frozen=True, kw_only=True)
class BeamCycle:
    """Timing of a TOPS mode, seconds.

    ``period`` and ``preamble`` are ESA's. ``starts`` say when each subswath's burst begins within a cycle,
    ``middle`` when half of its central subswath is done: half a period after the cycle's limits, so that no
    jitter leads to the next id (measured: 0.49 to 0.50 in IW, 0.52 in EW).
    """

    period: float
    preamble: float
    starts: tuple[float, ...]
    middle: float


BEAM_CYCLES = {
    "IW": BeamCycle(period=2.758273, preamble=2.299849, starts=(0.0, 0.832, 1.910), middle=1.371),
    "EW": BeamCycle(
        period=3.038376, preamble=2.299970, starts=(0.0, 0.683, 1.242, 1.854, 2.419), middle=1.548
    ),
}


@dataclass(frozen=True, kw_only=True)
class AscendingNode:
    """An ascending equator crossing: ``time`` in seconds since the orbit's epoch, degrees east."""

    time: float
    longitude: float


def _earth_fixed_motion(_: float, state: NDArray[np.float64]) -> NDArray[np.float64]:
    """Derivative of position and velocity in the rotating frame: Earth's attraction up to J2."""
    x, y, z, vx, vy, _vz = state
    square = x * x + y * y + z * z
    attraction = -GRAVITY / square**1.5
    flattening = 1.5 * J2 * (EQUATOR * EQUATOR / square)
    sine = 5.0 * z * z / square
    level = attraction * (1.0 + flattening * (1.0 - sine)) + ROTATION * ROTATION
    vertical = attraction * (1.0 + flattening * (3.0 - sine))
    return np.array(
        [*state[3:], level * x + 2.0 * ROTATION * vy, level * y - 2.0 * ROTATION * vx, vertical * z]
    )


def _height(_: float, state: NDArray[np.float64]) -> float:
    return float(state[2])


_height.terminal = True  # type: ignore[attr-defined]  # how solve_ivp is told
_height.direction = -1.0  # type: ignore[attr-defined]  # downwards as seen going back in time


def ascending_node(orbit: Orbit, time: float) -> AscendingNode:
    """Find the last ascending node before ``time`` (s since the orbit's epoch), which the vectors must cover.

    The state at ``time`` is followed back under the attraction up to J2. Against ESA's node times, up to 42
    minutes back, this differs by less than 0.03 s; ids need it within 1.3 s.
    Raises AlignsarError when the state is none of a Sentinel-1 orbit.
    """
    position, velocity = orbit.position_at(time), orbit.velocity_at(time)
    require("s1_orbit_radius", np.linalg.norm(position), f"orbit {orbit.source!r}")
    require("s1_orbit_speed", np.linalg.norm(velocity), f"orbit {orbit.source!r}")
    way = solve_ivp(
        _earth_fixed_motion,
        (0.0, -1.05 * ORBIT),
        np.concatenate([position, velocity]),
        method="DOP853",
        rtol=1e-9,
        atol=1e-3,
        events=_height,
    )
    if not way.t_events[0].size:
        raise AlignsarError(f"orbit {orbit.source!r}: does not cross the equator northwards within an orbit")
    x, y = way.y_events[0][0][:2]
    return AscendingNode(time=time + float(way.t_events[0][0]), longitude=float(np.degrees(np.arctan2(y, x))))


def relative_orbit_at(longitude: float) -> tuple[int, float]:
    """Find the relative orbit (1 to 175) whose ascending node is nearest to a longitude (degrees east).

    Also how far the longitude is from it, in distances between neighbouring tracks. Each orbit crosses the
    equator 12 / 175 of a turn west of the one before.
    """
    tracks = (NODE_LONGITUDE - longitude) / 360.0 * SENTINEL1_ORBITS_PER_CYCLE
    nearest = round(tracks)
    orbits = nearest * pow(DAYS_PER_CYCLE, -1, SENTINEL1_ORBITS_PER_CYCLE)
    return orbits % SENTINEL1_ORBITS_PER_CYCLE + 1, tracks - nearest


def burst_number(mode: str, swath: str, since_node: float, relative_orbit: int) -> int:
    """Compute ESA's relative burst id.

    Parameters
    ----------
    mode : "IW" or "EW". swath : "IW1", ...
    since_node : seconds from an ascending node to the first echo of the burst (the annotation's sensingTime).
        Any node will do, with its ``relative_orbit``.
    """
    cycle = BEAM_CYCLES[mode]
    number = swath.removeprefix(mode)
    if not (number.isdecimal() and 1 <= int(number) <= len(cycle.starts)):
        raise AlignsarError(f"{swath[:20]!r} is not a subswath of the {mode} mode")
    middle = since_node - cycle.starts[int(number) - 1] + cycle.middle
    place = (middle + (relative_orbit - 1) * ORBIT - cycle.preamble) % CYCLE
    return 1 + int(place // cycle.period)


def relative_orbit_of(mode: str, number: int) -> int:
    """Return the relative orbit (1 to 175) in which the beam cycle of a burst id begins."""
    cycle = BEAM_CYCLES[mode]
    begin = cycle.preamble + (number - 1) * cycle.period
    return int(begin // ORBIT) % SENTINEL1_ORBITS_PER_CYCLE + 1


def burst_id(mode: str, swath: str, number: int) -> str:
    """Format a burst id, "t052_110431_iw1": relative orbit, ESA's relative burst id, subswath."""
    return f"t{relative_orbit_of(mode, number):03d}_{number:06d}_{swath.lower()}"
