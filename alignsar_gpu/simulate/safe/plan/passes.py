"""Find the Sentinel-1 track that sees a place, and plan its passes and their baselines."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.optimize import brentq

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.sentinel1.burst_id import DAYS_PER_CYCLE, NODE_LONGITUDE, ORBIT
from alignsar_gpu.products.sentinel1.relative_orbit import (
    SENTINEL1_ORBITS_PER_CYCLE,
    sentinel1_relative_orbit,
)
from alignsar_gpu.simulate.geometry import baseline, baseline_directions, ellipsoid_normal, ellipsoid_point
from alignsar_gpu.simulate.orbit import EARTH_ROTATION, MEAN_MOTION, CircularPass

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.simulate.safe.plan.parameters import PassParameters

INCIDENCES = 30.0, 45.0  # degrees, in the middle of the scene
BEST_INCIDENCE = 38.0
SEARCH_STEP = 30.0  # s
FARTHEST = 1.5e6  # m: a place farther away than this is not seen under the angles above

# An absolute orbit of each satellite and when it began at the equator. Sentinel-1A: as annotated in its product of
# 2023-09-04T06:37. The others fly whole days after it in the 12 days of the repeat cycle, B and C 6, D 7 days:
# S1B_..._20210401T052624_..._026269, S1C_..._20250412T083159_..._001857 and S1D_..._20260417T014936_..._002380
# began 2127, 5362 and 474 s before these products, on tracks 168, 111 and 64.
NODES = {
    "Sentinel-1A": (50174, np.datetime64("2023-09-04T05:56:46.992390", "us")),
    "Sentinel-1B": (26269, np.datetime64("2021-04-01T04:50:57.278104", "us")),
    "Sentinel-1C": (1857, np.datetime64("2025-04-12T07:02:36.706676", "us")),
    "Sentinel-1D": (2380, np.datetime64("2026-04-17T01:41:41.849533", "us")),
}

PASS_STREAM = 20
DRAWN_BASELINE = 150.0  # m
PARALLEL = 20.0  # m
DRIFT = 0.01  # m/s
DELAY = 2.0  # s


@dataclass(frozen=True, kw_only=True)
class Track:
    """A track of the repeat cycle, and the zero-Doppler geometry of the place.

    Attributes
    ----------
    relative_orbit : 1 to 175. node_longitude : radians, where it begins.
    since_node : seconds from its ascending node to the place, at zero Doppler.
    slant_range : metres. incidence : degrees, against the ellipsoid's normal.
    """

    relative_orbit: int
    node_longitude: float
    since_node: float
    slant_range: float
    incidence: float

    def satellite(self, centre_time: float) -> CircularPass:
        """Return the pass that sees the place at ``centre_time``."""
        return CircularPass(
            centre_time=centre_time,
            argument_of_latitude=MEAN_MOTION * self.since_node,
            node_longitude=self.node_longitude - EARTH_ROTATION * self.since_node,
        )


@dataclass(frozen=True, kw_only=True)
class Overpass:
    """One pass. Times count from ``epoch``, the midnight of the day that its orbit begins.

    Attributes
    ----------
    satellite : the true pass.
    node_time : of its ascending node, where ``absolute_orbit`` begins, seconds.
    perpendicular_baseline : metres, in the middle of the scene.
    """

    epoch: np.datetime64
    satellite: CircularPass
    node_time: float
    absolute_orbit: int
    perpendicular_baseline: float


def node_longitude(relative_orbit: int) -> float:
    """Compute the longitude (radians) of the ascending node of a relative orbit."""
    west = (relative_orbit - 1) * DAYS_PER_CYCLE * 360.0 / SENTINEL1_ORBITS_PER_CYCLE
    return float(np.radians((NODE_LONGITUDE - west) % 360.0))


def _approaches(satellite: CircularPass, point: NDArray[np.float64]) -> list[float]:
    """Times within one orbit when a pass comes nearest to a point, among those when it is near at all."""
    times = np.arange(-SEARCH_STEP, ORBIT + 2.0 * SEARCH_STEP, SEARCH_STEP)
    sights = point - satellite.position(times)
    closing = np.sum(satellite.velocity(times) * sights, axis=-1)
    near = np.linalg.norm(sights, axis=-1) < FARTHEST

    def at(time: float) -> float:
        return float(satellite.velocity(time) @ (point - satellite.position(time)))

    found = [
        float(brentq(at, times[k], times[k + 1], xtol=1e-11))
        for k in np.flatnonzero((closing[:-1] > 0.0) & (closing[1:] <= 0.0) & near[:-1])
    ]
    return [time for time in found if 0.0 <= time < ORBIT]


def find_track(parameters: PassParameters) -> Track:
    """Find the track that sees the place under the incidence angle nearest to 38 degrees.

    Raises AlignsarError when none sees it under 30 to 45 degrees in that direction.
    """
    where = parameters.longitude, parameters.latitude
    wanted = parameters.pass_direction == "ascending"  # noqa: S105  (no password)
    point = ellipsoid_point(*where, parameters.mean_height)
    tracks = []
    for relative_orbit in range(1, SENTINEL1_ORBITS_PER_CYCLE + 1):
        node = node_longitude(relative_orbit)
        satellite = CircularPass(centre_time=0.0, argument_of_latitude=0.0, node_longitude=node)
        for time in _approaches(satellite, point):
            position = satellite.position(time)
            sight = position - point
            slant_range = float(np.linalg.norm(sight))
            on_the_right = np.cross(satellite.velocity(time), position) @ sight < 0.0
            ascending = np.cos(MEAN_MOTION * time) > 0.0
            if on_the_right and ascending == wanted:
                incidence = np.degrees(np.arccos(sight @ ellipsoid_normal(*where) / slant_range))
                tracks.append(
                    Track(
                        relative_orbit=relative_orbit,
                        node_longitude=node,
                        since_node=time,
                        slant_range=slant_range,
                        incidence=float(incidence),
                    )
                )
    seen = [track for track in tracks if INCIDENCES[0] <= track.incidence <= INCIDENCES[1]]
    if not seen:
        raise AlignsarError(
            f"simulated passes: no {parameters.pass_direction} track of Sentinel-1 sees longitude {where[0]:g}, "
            f"latitude {where[1]:g} under {INCIDENCES[0]:g} to {INCIDENCES[1]:g} degrees; choose the other direction "
            "or another place"
        )
    return min(seen, key=lambda track: abs(track.incidence - BEST_INCIDENCE))


def _first_orbit(parameters: PassParameters, track: Track, first_line: float) -> tuple[int, np.datetime64]:
    """Absolute orbit and node of the first pass of a track whose first line is on the first day or later.

    ``first_line`` in seconds after the node.
    """
    anchor, began = NODES[parameters.platform]
    ahead = track.relative_orbit - sentinel1_relative_orbit(parameters.platform, anchor)
    orbit = anchor + ahead
    node = began + np.timedelta64(round(1e6 * ahead * ORBIT), "us")
    line = node + np.timedelta64(round(1e6 * (first_line - 2.0 * DELAY)), "us")  # no date's is before that
    cycle = np.timedelta64(DAYS_PER_CYCLE, "D")
    cycles = int(-((line - parameters.first_day.astype("datetime64[us]")) // cycle))
    orbit += SENTINEL1_ORBITS_PER_CYCLE * cycles
    if orbit < 1:
        raise AlignsarError(
            f"simulated passes: {parameters.platform} did not fly yet on {parameters.first_day}; choose a later "
            "first_day"
        )
    return orbit, node + cycles * cycle


def _secondary(
    parameters: PassParameters, origin: CircularPass, point: NDArray[np.float64], date: int
) -> tuple[CircularPass, float]:
    """A pass apart from the reference ``origin``, and its perpendicular baseline at ``point``."""
    rng = np.random.default_rng((parameters.seed, PASS_STREAM, date))
    wanted = rng.uniform(-DRAWN_BASELINE, DRAWN_BASELINE)
    if parameters.baselines is not None:
        wanted = parameters.baselines[date]
    time = origin.centre_time
    perpendicular, parallel = baseline_directions(origin, time, point)
    apart = wanted * perpendicular + rng.uniform(-PARALLEL, PARALLEL) * parallel
    radial, along, normal = origin.frame(time) @ apart
    drift = rng.uniform(-DRIFT, DRIFT, 3)
    satellite = replace(
        origin,
        centre_time=time + rng.uniform(-DELAY, DELAY),
        offset=(float(radial), float(along), float(normal)),
        offset_rate=(float(drift[0]), float(drift[1]), float(drift[2])),
    )
    return satellite, baseline(origin, satellite, time, point)[0]


def plan_overpasses(parameters: PassParameters, track: Track, first_line: float) -> list[Overpass]:
    """Plan the passes of all dates.

    ``first_line`` says when the first line will be, in seconds after the node, at the earliest. It is negative
    where the scene begins before the node: then the passes are counted as the orbit before.
    """
    orbit, node = _first_orbit(parameters, track, first_line)
    epoch = node.astype("datetime64[D]").astype("datetime64[us]")
    node_time = float((node - epoch) / np.timedelta64(1, "us")) / 1e6
    origin = track.satellite(node_time + track.since_node)
    point = ellipsoid_point(parameters.longitude, parameters.latitude, parameters.mean_height)
    before = 1 if first_line < 0.0 else 0
    passes = []
    for date in range(parameters.dates):
        satellite, apart = origin, 0.0
        if date != parameters.reference:
            satellite, apart = _secondary(parameters, origin, point, date)
        days = date * parameters.revisit_days
        passes.append(
            Overpass(
                epoch=epoch + np.timedelta64(days, "D"),
                satellite=satellite,
                node_time=satellite.centre_time - track.since_node - before * ORBIT,
                absolute_orbit=orbit - before + days // DAYS_PER_CYCLE * SENTINEL1_ORBITS_PER_CYCLE,
                perpendicular_baseline=apart,
            )
        )
    return passes
