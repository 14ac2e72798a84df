"""The CUDA kernels of :mod:`.scalar`: as in :mod:`coherence.cuda`, in float64 throughout.

Import it late: it imports numba.cuda.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import cuda, kernels_of

from .cpu import SEGMENT
from .scalar import (
    NAN,
    closest_approach,
    middle_or_first,
    minus,
    motion_at,
    orbit_state,
    position,
    position_nearby,
    reach,
    to_radar,
    trigonometry,
    viewing,
    with_doppler,
    within_reach,
    zero_doppler_time,
)

# What a segment's anchor is kept as: 27 numbers, beginning with its time, which is NaN where there is none.
ANCHOR = 27
FAR = math.inf  # the time of a point that is too far from its anchor, until it is iterated itself

DEVICE_FUNCTIONS = (
    "segment_of",
    "triple",
    "anchor_at",
    "motion_of",
    "nearby",
    "nearby_with_doppler",
    "too_far",
)

WHY_FLOAT64 = "geometry: orbit, coordinates in ECEF, Newton's steps, times and ranges"
DECLARED = {
    "ground_to_radar_anchors": Declared(
        arguments="ddddd32niidb", registers=128, float64=590, why_float64=WHY_FLOAT64
    ),
    "ground_to_radar_zero_doppler": Declared(
        arguments="dddidbdd", registers=72, float64=112, why_float64=WHY_FLOAT64
    ),
    "ground_to_radar_doppler": Declared(
        arguments="ddd2nidbdd", registers=160, float64=288, why_float64=WHY_FLOAT64
    ),
    "ground_to_radar_far": Declared(
        arguments="ddddd32nidbdd", registers=128, float64=350, why_float64=WHY_FLOAT64
    ),
    "viewing_angles": Declared(
        arguments="ddddddd3ddd",
        registers=64,
        float64=210,
        why_float64="geometry: directions from coordinates in ECEF",
    ),
}


def segment_of(i: int, columns: int) -> Any:
    """Number of the segment that the point ``i`` of flat rows belongs to."""
    row = np.uint64(i) // np.uint64(columns)
    column = np.uint64(i) - row * np.uint64(columns)
    return row * np.uint64((columns + SEGMENT - 1) // SEGMENT) + column // np.uint64(SEGMENT)


def ground_to_radar_anchors(
    lon: Any,
    lat: Any,
    h: Any,
    seed: Any,
    time: Any,
    coefficients: Any,
    doppler: Any,
    numbers: Any,
    columns: int,
    segments: int,
    anchors: Any,
    far: Any,
) -> None:
    """Anchors [segment, ANCHOR] of segments; a thread solves one by the whole iteration.

    ``far`` [segment] begins as False, here.
    """
    across = (columns + SEGMENT - 1) // SEGMENT
    orbit = (time, coefficients)
    for n in range(cuda.grid(1), segments, cuda.gridsize(1)):
        row = n // across
        begin = row * columns + (n - row * across) * SEGMENT
        end = min(begin + SEGMENT, (row + 1) * columns)
        k = middle_or_first(lon, lat, h, begin, end)
        start = NAN
        if k >= 0:
            x = position(lon[k], lat[k], h[k])
            start = zero_doppler_time(x, seed[row], orbit, (doppler, *numbers))
        at = n * np.uint64(ANCHOR)
        anchors[at] = start
        far[n] = False
        if not math.isnan(start):
            antenna, motion = motion_at(start, orbit)
            v, a, j, s, vv, va, cube = motion
            first, last = reach(start, time)
            anchors[at + 1] = first
            anchors[at + 2] = last
            anchors[at + 3] = lon[k]
            anchors[at + 4] = lat[k]
            (
                anchors[at + 5],
                anchors[at + 6],
                anchors[at + 7],
                anchors[at + 8],
            ) = trigonometry(lon[k], lat[k])
            for axis in range(3):
                anchors[at + 9 + axis] = antenna[axis]
                anchors[at + 12 + axis] = v[axis]
                anchors[at + 15 + axis] = a[axis]
                anchors[at + 18 + axis] = j[axis]
                anchors[at + 21 + axis] = s[axis]
            anchors[at + 24] = vv
            anchors[at + 25] = va
            anchors[at + 26] = cube


def triple(table: Any, at: Any) -> Any:
    """Three numbers of a table."""
    return table[at], table[at + 1], table[at + 2]


def anchor_at(anchors: Any, at: Any) -> Any:
    """Longitude and latitude of an anchor, their trigonometry, and where the antenna is."""
    trig = (anchors[at + 5], anchors[at + 6], anchors[at + 7], anchors[at + 8])
    return anchors[at + 3], anchors[at + 4], trig, triple(anchors, at + 9)


def motion_of(anchors: Any, at: Any) -> Any:
    """The antenna's motion at an anchor, as `.scalar.doppler_equation` takes it."""
    v, a, j, s = (
        triple(anchors, at + 12),
        triple(anchors, at + 15),
        triple(anchors, at + 18),
        triple(anchors, at + 21),
    )
    return v, a, j, s, anchors[at + 24], anchors[at + 25], anchors[at + 26]


def nearby(lon: Any, lat: Any, h: Any, anchors: Any, at: Any) -> Any:
    """Zero-Doppler time and slant range of a point near its anchor."""
    lon0, lat0, trig, antenna = anchor_at(anchors, at)
    x, _ = position_nearby(lon - lon0, lat - lat0, h, trig)
    t, r = closest_approach(minus(x, antenna), motion_of(anchors, at))
    return anchors[at] + t, r


def nearby_with_doppler(lon: Any, lat: Any, h: Any, anchors: Any, at: Any, doppler: Any) -> Any:
    """The same under a Doppler frequency that is not zero."""
    lon0, lat0, trig, antenna = anchor_at(anchors, at)
    motion = motion_of(anchors, at)
    x, _ = position_nearby(lon - lon0, lat - lat0, h, trig)
    d = minus(x, antenna)
    start = anchors[at]
    t, _ = closest_approach(d, motion)
    t, r = with_doppler(start, (start + t) - start, d, motion, doppler)  # rounded as on the CPU
    return start + t, r


def too_far(lon: Any, lat: Any, h: Any, t: Any, anchors: Any, at: Any) -> bool:
    """Whether a point that has coordinates is out of reach of the expansion around its anchor."""
    near = within_reach(lon - anchors[at + 3], lat - anchors[at + 4], t, anchors[at + 1], anchors[at + 2])
    return not near and not math.isnan(lon + lat + h)


def ground_to_radar_zero_doppler(
    lon: Any, lat: Any, h: Any, columns: int, anchors: Any, far: Any, time: Any, slant_range: Any
) -> None:
    """Points by expansion around their segments' anchors; sets ``far`` of segments with points too far."""
    for i in range(cuda.grid(1), lon.size, cuda.gridsize(1)):
        n = segment_of(i, columns)
        at = n * np.uint64(ANCHOR)
        t, r = nearby(lon[i], lat[i], h[i], anchors, at)
        if too_far(lon[i], lat[i], h[i], t, anchors, at):
            t = FAR
            far[n] = True
        time[i] = t
        slant_range[i] = r


def ground_to_radar_doppler(
    lon: Any,
    lat: Any,
    h: Any,
    doppler: Any,
    numbers: Any,
    columns: int,
    anchors: Any,
    far: Any,
    time: Any,
    slant_range: Any,
) -> None:
    """The same under a Doppler frequency that is not zero."""
    table = (doppler, *numbers)
    for i in range(cuda.grid(1), lon.size, cuda.gridsize(1)):
        n = segment_of(i, columns)
        at = n * np.uint64(ANCHOR)
        t, r = nearby_with_doppler(lon[i], lat[i], h[i], anchors, at, table)
        if too_far(lon[i], lat[i], h[i], t, anchors, at):
            t = FAR
            far[n] = True
        time[i] = t
        slant_range[i] = r


def ground_to_radar_far(
    lon: Any,
    lat: Any,
    h: Any,
    seed: Any,
    orbit_time: Any,
    coefficients: Any,
    doppler: Any,
    numbers: Any,
    columns: int,
    anchors: Any,
    far: Any,
    time: Any,
    slant_range: Any,
) -> None:
    """The points that are too far from their anchors, each by the whole iteration."""
    orbit = (orbit_time, coefficients)
    for i in range(cuda.grid(1), lon.size, cuda.gridsize(1)):
        n = segment_of(i, columns)
        if far[n] and time[i] == FAR:
            start = anchors[n * ANCHOR]
            if math.isnan(start):
                start = seed[i // columns]
            time[i], slant_range[i] = to_radar(lon[i], lat[i], h[i], start, orbit, (doppler, *numbers))


def viewing_angles(
    lon: Any,
    lat: Any,
    h: Any,
    east_slope: Any,
    north_slope: Any,
    time: Any,
    orbit_time: Any,
    coefficients: Any,
    incidence: Any,
    local: Any,
    look: Any,
) -> None:
    """Driver of :func:`.scalar.viewing`, from where the antenna is at each point's own time."""
    for i in range(cuda.grid(1), lon.size, cuda.gridsize(1)):
        antenna, _, _, _, _ = orbit_state(time[i], orbit_time, coefficients)
        d = minus(position(lon[i], lat[i], h[i]), antenna)
        own = trigonometry(lon[i], lat[i])
        incidence[i], local[i], look[i] = viewing(d, antenna, own, east_slope[i], north_slope[i])


KERNEL = kernels_of(__name__)
