"""Plan simulated Sentinel-1 products: from a few parameters to everything that is written of each date."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT
from alignsar_gpu.simulate.safe.manifest import product_name
from alignsar_gpu.simulate.safe.plan.bursts import (
    first_lines,
    first_slant_ranges,
    plan_bursts,
    plan_cycle,
)
from alignsar_gpu.simulate.safe.plan.geometry import PassGeometry
from alignsar_gpu.simulate.safe.plan.iw_mode import AZIMUTH_INTERVAL
from alignsar_gpu.simulate.safe.plan.passes import find_track, plan_overpasses
from alignsar_gpu.simulate.safe.plan.product import ProductPlan
from alignsar_gpu.simulate.safe.plan.radiometry import slant_ranges
from alignsar_gpu.simulate.safe.plan.swaths import SmoothDoppler, frame_swath, plan_swath

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.simulate.safe.plan.bursts import BurstCycle, BurstPlan
    from alignsar_gpu.simulate.safe.plan.parameters import PassParameters
    from alignsar_gpu.simulate.safe.plan.passes import Overpass, Track

DAY = 86400.0
DOPPLER_STREAM = 22
DOPPLER_TERMS = np.array([6.0, 2.0, 1.0, 0.5])  # Hz, the largest of the terms of a Doppler centroid
GEOMETRY_PART = 0.2  # of that, for the one that geometry is said to give
POINTS_PER_SIDE = 5  # of a footprint


def _same_day(overpass: Overpass, times: NDArray[np.float64]) -> tuple[Overpass, NDArray[np.float64]]:
    """A pass and its first lines, counted from the midnight of the earliest of these."""
    days = int(times.min() // DAY)
    shifted = replace(
        overpass,
        epoch=overpass.epoch + np.timedelta64(days, "D"),
        node_time=overpass.node_time - days * DAY,
        satellite=replace(overpass.satellite, centre_time=overpass.satellite.centre_time - days * DAY),
    )
    return shifted, np.round(times - days * DAY, 6)


def _dopplers(
    parameters: PassParameters, date: int, time: float, slant_range: float
) -> tuple[SmoothDoppler, SmoothDoppler]:
    """The Doppler centroid of a date's data, and that of its geometry, around a time and slant range."""
    rng = np.random.default_rng((parameters.seed, DOPPLER_STREAM, date))
    drawn = DOPPLER_TERMS * rng.uniform(-1.0, 1.0, (2, 4))
    first, second = (
        SmoothDoppler(
            azimuth_time=time,
            range_time=2.0 / SPEED_OF_LIGHT * slant_range,
            terms=(float(terms[0]), float(terms[1]), float(terms[2]), float(terms[3])),
        )
        for terms in (drawn[0], GEOMETRY_PART * drawn[1])
    )
    return first, second


def _footprint(
    sight: PassGeometry, times: tuple[float, float], ranges: tuple[float, float]
) -> NDArray[np.float64]:
    """Around everything between two times and two slant ranges: first near, last near, last far, first far."""
    along = np.linspace(0.0, 1.0, POINTS_PER_SIDE)[:-1]
    corners = [(times[0], ranges[0]), (times[1], ranges[0]), (times[1], ranges[1]), (times[0], ranges[1])]
    places = []
    for corner, following in zip(corners, [*corners[1:], corners[0]], strict=True):
        for part in along:
            time = corner[0] + part * (following[0] - corner[0])
            places.append(sight.to_ground(time, corner[1] + part * (following[1] - corner[1])))
    return np.array(places)


def _product(
    parameters: PassParameters,
    track: Track,
    cycle: BurstCycle,
    date: int,
    overpass: Overpass,
    bursts: list[list[BurstPlan]],
) -> ProductPlan:
    """The plan of one date."""
    size = parameters.lines, parameters.samples
    length = (parameters.lines - 1) * AZIMUTH_INTERVAL
    span = (
        min(own[0].azimuth_time for own in bursts),
        max(own[-1].azimuth_time for own in bursts) + length,
    )
    sight = PassGeometry(
        satellite=overpass.satellite,
        height=parameters.mean_height,
        start=(parameters.longitude, parameters.latitude),
    )
    dopplers = _dopplers(parameters, date, 0.5 * sum(span), track.slant_range)
    starts = [2.0 / SPEED_OF_LIGHT * first for first in first_slant_ranges(parameters, track.slant_range)]
    swaths = []
    for name, own, start in zip(parameters.subswaths, bursts, starts, strict=True):
        frame = frame_swath(sight, own, size, start, cycle.period, span)
        swaths.append(plan_swath(name, parameters, date, frame, sight, dopplers))
    ends = (
        float(slant_ranges(starts[0], np.array([0]))[0]),
        float(slant_ranges(starts[-1], np.array([size[1] - 1]))[0]),
    )
    plan = ProductPlan(
        parameters=parameters,
        date=date,
        product_id="",
        true_pass=overpass.satellite,
        epoch=overpass.epoch,
        node_time=overpass.node_time,
        absolute_orbit=overpass.absolute_orbit,
        perpendicular_baseline=overpass.perpendicular_baseline,
        swaths=tuple(swaths),
        footprint=_footprint(sight, span, ends),
    )
    return replace(plan, product_id=product_name(plan))


def plan_passes(parameters: PassParameters) -> tuple[ProductPlan, ...]:
    """Plan one product a date. The same parameters give the same plans.

    Raises AlignsarError when no track of Sentinel-1 sees the place so.
    """
    track = find_track(parameters)
    cycle = plan_cycle(parameters, track)
    first = float(cycle.middle.min()) - 0.5 * (parameters.lines - 1) * AZIMUTH_INTERVAL
    overpasses = plan_overpasses(parameters, track, first)
    reference = overpasses[parameters.reference]
    plans = []
    for date, overpass in enumerate(overpasses):
        secondary = None if date == parameters.reference else overpass
        times = first_lines(parameters, track, cycle, reference, secondary, date)
        shifted, times = _same_day(overpass, times)
        bursts = plan_bursts(parameters, cycle, shifted, times, date)
        plans.append(_product(parameters, track, cycle, date, shifted, bursts))
    return tuple(plans)
