"""Plan burst times of simulated passes: the cycle of the beams, and the burst times of every date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT
from alignsar_gpu.products.sentinel1.burst_id import BEAM_CYCLES, ORBIT, burst_number
from alignsar_gpu.simulate.geometry import closest_approach
from alignsar_gpu.simulate.safe.plan.geometry import PassGeometry
from alignsar_gpu.simulate.safe.plan.iw_mode import (
    AZIMUTH_INTERVAL,
    RANGE_SAMPLING_RATE,
    RANGE_SPACING,
    steering_doppler_rate,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.simulate.safe.plan.parameters import PassParameters
    from alignsar_gpu.simulate.safe.plan.passes import Overpass, Track

IW = BEAM_CYCLES["IW"]
SWATHS = ("IW1", "IW2", "IW3")
REAL_LINES = 1460  # 3.0 s: bursts of so many lines follow each other as real ones do

# Invalid lines at the beginning and the end of a burst, and samples at near and far range, as fractions. Each date
# has up to LINE_SPREAD lines and SAMPLE_SPREAD samples more of them.
LINE_MARGINS = 0.014, 0.013
SAMPLE_MARGINS = 0.008, 0.02
LINE_SPREAD, SAMPLE_SPREAD = 2, 2
RANGE_OVERLAP = 0.03  # of the samples: what neighbouring subswaths see both
LEAST_RANGE_OVERLAP = 8  # samples
AZIMUTH_OVERLAP = 0.10  # of the valid lines: what neighbouring short bursts see both
LEAST_AZIMUTH_OVERLAP = 32  # lines
SYNCHRONISATION = 6  # lines by which the overlaps of a date may be smaller than planned

TIMING_STREAM, VALID_STREAM = 21, 23

# How far (s) bursts begin from where they begin on the reference: all of a date, and each. With the rounding to
# lines that is less than 4 ms.
COMMON_SHIFT, OWN_SHIFT = 1.9e-3, 0.9e-3


@dataclass(frozen=True, kw_only=True, eq=False)
class BurstCycle:
    """Planned bursts of the reference, before their times are rounded to whole lines.

    Attributes
    ----------
    middle : (subswath, burst) seconds from the ascending node to the middle of a burst, at zero Doppler and in
        sensing alike.
    sensing : (subswath,) seconds that a burst is sensed.
    period : seconds from a burst to the next.
    first_number : ESA's relative burst id of the first burst of all subswaths.
    """

    middle: NDArray[np.float64]
    sensing: NDArray[np.float64]
    period: float
    first_number: int


@dataclass(frozen=True, kw_only=True)
class BurstPlan:
    """One burst of one date. Times in seconds since the product's epoch, whole microseconds.

    Attributes
    ----------
    azimuth_time : of its first line, at zero Doppler. sensing_time : when its first echo is received.
    number, absolute_number : ESA's relative and absolute burst id.
    valid : first and stop line, first and stop sample of its valid part.
    """

    azimuth_time: float
    sensing_time: float
    number: int
    absolute_number: int
    valid: tuple[slice, slice]


def microsecond(time: float) -> float:
    """Round ``time`` (s) to a whole microsecond."""
    return round(time, 6)


def _margins(fractions: tuple[float, float], size: int) -> tuple[int, int]:
    first, last = (max(1, round(fraction * size)) for fraction in fractions)
    return first, last


def first_slant_ranges(parameters: PassParameters, middle: float) -> list[float]:
    """Compute the slant range (m) of the first sample of each subswath, ``middle`` being the middle of all.

    Subswaths lie on one grid of samples.
    """
    near, far = _margins(SAMPLE_MARGINS, parameters.samples)
    overlap = max(LEAST_RANGE_OVERLAP, round(RANGE_OVERLAP * parameters.samples))
    step = parameters.samples - near - far - 2 * SAMPLE_SPREAD - overlap
    count = len(parameters.subswaths)
    width = step * (count - 1) + parameters.samples
    first = middle - 0.5 * (width - 1) * RANGE_SPACING
    time = 2.0 / SPEED_OF_LIGHT * first
    return [0.5 * SPEED_OF_LIGHT * (time + k * step / RANGE_SAMPLING_RATE) for k in range(count)]


def middle_range(parameters: PassParameters, first: float) -> float:
    """Compute the slant range (m) of the middle of a subswath."""
    return first + 0.5 * (parameters.samples - 1) * RANGE_SPACING


def _period(parameters: PassParameters) -> float:
    """Seconds from a burst to the next."""
    if parameters.lines >= REAL_LINES:
        return IW.period
    valid = parameters.lines - sum(_margins(LINE_MARGINS, parameters.lines)) - 2 * LINE_SPREAD
    overlap = max(LEAST_AZIMUTH_OVERLAP + SYNCHRONISATION, round(AZIMUTH_OVERLAP * valid))
    return (valid - overlap) * AZIMUTH_INTERVAL


def _starts(parameters: PassParameters, period: float, sensing: NDArray[np.float64]) -> NDArray[np.float64]:
    """When each subswath's burst begins within a cycle of the beams."""
    if period == IW.period:
        return np.array([IW.starts[SWATHS.index(name)] for name in parameters.subswaths])
    return np.asarray(period / sensing.sum() * (np.cumsum(sensing) - sensing))


def plan_cycle(parameters: PassParameters, track: Track) -> BurstCycle:
    """Plan the bursts of the reference.

    While a burst is sensed, its zero-Doppler times pass 1 - k_s / k_a times as fast, for the antenna is steered
    along with the flight (k_s, Hz/s) while targets drift through Doppler against it (k_a).
    """
    satellite = track.satellite(0.0)
    sight = PassGeometry(
        satellite=satellite,
        height=parameters.mean_height,
        start=(parameters.longitude, parameters.latitude),
    )
    speed = float(np.linalg.norm(satellite.velocity(0.0)))
    ranges = [middle_range(parameters, first) for first in first_slant_ranges(parameters, track.slant_range)]
    stretch = np.array(
        [
            1.0 - steering_doppler_rate(name, speed) / sight.doppler_rate(0.0, slant_range)
            for name, slant_range in zip(parameters.subswaths, ranges, strict=True)
        ]
    )
    sensing = parameters.lines * AZIMUTH_INTERVAL / stretch
    period = _period(parameters)
    starts = _starts(parameters, period, sensing)
    halves = starts + 0.5 * sensing
    begin = track.since_node - 0.5 * (halves.min() + halves.max() + (parameters.bursts - 1) * period)
    if period == IW.period:  # then the limits of ESA's cycles say where bursts are
        limit = IW.preamble - (track.relative_orbit - 1) * ORBIT
        begin = limit + round((begin - limit) / period) * period
    first = burst_number("IW", parameters.subswaths[0], begin + starts[0], track.relative_orbit)
    middle = begin + halves[:, np.newaxis] + period * np.arange(parameters.bursts)
    return BurstCycle(middle=middle, sensing=sensing, period=period, first_number=first)


def first_lines(
    parameters: PassParameters,
    track: Track,
    cycle: BurstCycle,
    reference: Overpass,
    secondary: Overpass | None = None,
    date: int = 0,
) -> NDArray[np.float64]:
    """Compute zero-Doppler times (subswath, burst) of first lines, seconds since the epoch of the pass.

    Without ``secondary`` those of the reference, as planned; with it those of that date: where they are on the
    reference, but for what the synchronisation of the bursts leaves. All lines of a date lie on one grid.
    """
    index = parameters.reference if secondary is None else date
    rng = np.random.default_rng((parameters.seed, TIMING_STREAM, index))
    phase = rng.uniform(0.0, AZIMUTH_INTERVAL)
    node = reference.satellite.centre_time - track.since_node
    ideal = node + cycle.middle - 0.5 * (parameters.lines - 1) * AZIMUTH_INTERVAL
    if secondary is not None:
        planned = first_lines(parameters, track, cycle, reference)
        shifts = rng.uniform(-COMMON_SHIFT, COMMON_SHIFT) + rng.uniform(-OWN_SHIFT, OWN_SHIFT, ideal.shape)
        ideal = _same_ground(parameters, track, reference, secondary, planned) + shifts
    lines = np.round((ideal - phase) / AZIMUTH_INTERVAL)
    return np.round(phase + lines * AZIMUTH_INTERVAL, 6)


def _same_ground(
    parameters: PassParameters,
    track: Track,
    reference: Overpass,
    secondary: Overpass,
    times: NDArray[np.float64],
) -> NDArray[np.float64]:
    """When a pass sees what the reference sees at ``times`` (subswath, burst) in the middle of each subswath."""
    sight = PassGeometry(
        satellite=reference.satellite,
        height=parameters.mean_height,
        start=(parameters.longitude, parameters.latitude),
    )
    result = np.empty_like(times)
    for k, first in enumerate(first_slant_ranges(parameters, track.slant_range)):
        for i, time in enumerate(times[k]):
            point = sight.point(float(time), middle_range(parameters, first))
            result[k, i] = closest_approach(secondary.satellite, point)
    return result


def plan_bursts(
    parameters: PassParameters,
    cycle: BurstCycle,
    overpass: Overpass,
    times: NDArray[np.float64],
    date: int,
) -> list[list[BurstPlan]]:
    """Plan the bursts of a date in each subswath, with first lines at ``times`` (subswath, burst)."""
    rng = np.random.default_rng((parameters.seed, VALID_STREAM, date))
    before, after = _margins(LINE_MARGINS, parameters.lines)
    near, far = _margins(SAMPLE_MARGINS, parameters.samples)
    half = 0.5 * (parameters.lines - 1) * AZIMUTH_INTERVAL
    first_swath = SWATHS.index(parameters.subswaths[0])
    begin = times[0, 0] + half - 0.5 * cycle.sensing[0] - overpass.node_time - IW.starts[first_swath]
    since_launch = begin + IW.middle + (overpass.absolute_orbit - 1) * ORBIT - IW.preamble
    absolute = 1 + int(since_launch // IW.period)
    swaths = []
    for k, sensing in enumerate(cycle.sensing):
        spread = rng.integers(0, SAMPLE_SPREAD + 1, 2)
        bursts = []
        for i, time in enumerate(times[k]):
            ends = rng.integers(0, LINE_SPREAD + 1, 2)
            valid = (
                slice(before + int(ends[0]), parameters.lines - after - int(ends[1])),
                slice(near + int(spread[0]), parameters.samples - far - int(spread[1])),
            )
            bursts.append(
                BurstPlan(
                    azimuth_time=float(time),
                    sensing_time=microsecond(float(time + half - 0.5 * sensing)),
                    number=cycle.first_number + i,
                    absolute_number=absolute + i,
                    valid=valid,
                )
            )
        swaths.append(bursts)
    return swaths
