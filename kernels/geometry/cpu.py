"""The CPU drivers of :mod:`.scalar`: loops in plain Python, compiled by :mod:`driving.cpujit`.

As in :mod:`coherence.cpu`, the loops that LLVM vectorises are in functions of their own.
"""

from __future__ import annotations

import math
from typing import Any

from alignsar_gpu.kernels.driving.threads import in_threads

from .scalar import (
    LONGEST_TIME,
    NAN,
    WIDEST_ANGLE,
    closest_approach,
    left_behind,
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

SEGMENT = 256  # points of a row that share an anchor: rows cut at multiples of it keep their bits

PARTS = (  # in the order in which they call each other
    "widest",
    "nearby_to_radar",
    "move_to_doppler",
    "segment_to_radar",
    "viewed_nearby",
    "viewed_segment",
)
INLINED = ("segment_to_radar", "viewed_segment")
LOOPS = ("rows_to_radar", "view_rows")
DRIVERS = ("ground_to_radar", "viewing_angles")


def widest(values: Any, origin: Any) -> float:
    """Largest distance of ``values`` from ``origin``; what is not a number has none."""
    low = 0.0
    high = 0.0
    for i in range(values.size):
        d = values[i] - origin
        low = d if d < low else low
        high = d if d > high else high
    return max(-low, high)


def nearby_to_radar(points: Any, anchor: Any, motion: Any, time: Any, slant_range: Any) -> None:
    """Zero-Doppler time and slant range of a run of points around an anchor."""
    lon, lat, h = points
    lon0, lat0, trig, start, antenna = anchor
    for i in range(lon.size):
        x, _ = position_nearby(lon[i] - lon0, lat[i] - lat0, h[i], trig)
        t, r = closest_approach(minus(x, antenna), motion)
        time[i] = start + t
        slant_range[i] = r


def move_to_doppler(points: Any, anchor: Any, motion: Any, doppler: Any, time: Any, slant_range: Any) -> None:
    """From zero Doppler, as `nearby_to_radar` leaves them, to the Doppler that the image is focused to."""
    lon, lat, h = points
    lon0, lat0, trig, start, antenna = anchor
    for i in range(lon.size):
        x, _ = position_nearby(lon[i] - lon0, lat[i] - lat0, h[i], trig)
        t, r = with_doppler(start, time[i] - start, minus(x, antenna), motion, doppler)
        time[i] = start + t
        slant_range[i] = r


def segment_to_radar(points: Any, seed: Any, orbit: Any, doppler: Any, time: Any, slant_range: Any) -> None:
    """Time and slant range of the points of a segment: around an anchor, or each by itself if far from it."""
    lon, lat, h = points
    k = middle_or_first(lon, lat, h, 0, lon.size)
    start = NAN
    if k >= 0:
        start = zero_doppler_time(position(lon[k], lat[k], h[k]), seed, orbit, doppler)
    if math.isnan(start):
        for i in range(lon.size):
            time[i], slant_range[i] = to_radar(lon[i], lat[i], h[i], seed, orbit, doppler)
        return
    lon0 = lon[k]
    lat0 = lat[k]
    antenna, motion = motion_at(start, orbit)
    anchor = (lon0, lat0, trigonometry(lon0, lat0), start, antenna)
    nearby_to_radar(points, anchor, motion, time, slant_range)
    if doppler[0].size > 0:
        move_to_doppler(points, anchor, motion, doppler, time, slant_range)
    first, last = reach(start, orbit[0])
    near = widest(lon, lon0) < WIDEST_ANGLE and widest(lat, lat0) < WIDEST_ANGLE
    if near and widest(time, 0.5 * (first + last)) <= 0.5 * (last - first):
        return
    for i in range(lon.size):
        if not within_reach(lon[i] - lon0, lat[i] - lat0, time[i], first, last):
            time[i], slant_range[i] = to_radar(lon[i], lat[i], h[i], start, orbit, doppler)


def rows_to_radar(
    first: int, stop: int, points: Any, seed: Any, orbit: Any, doppler: Any, time: Any, slant_range: Any
) -> None:
    """Time and slant range of points [row, column]; ``seed`` is a time near those of each row."""
    lon, lat, h = points
    columns = lon.shape[1]
    for row in range(first, stop):
        for a in range(0, columns, SEGMENT):
            b = min(a + SEGMENT, columns)
            part = (lon[row, a:b], lat[row, a:b], h[row, a:b])
            segment_to_radar(part, seed[row], orbit, doppler, time[row, a:b], slant_range[row, a:b])


def viewed_nearby(points: Any, slopes: Any, time: Any, anchor: Any, motion: Any, results: Any) -> None:
    """`viewing` of a run of points around an anchor, from where the antenna is at ``time``."""
    lon, lat, h = points
    east, north = slopes
    incidence, local, look = results
    lon0, lat0, trig, start, antenna = anchor
    for i in range(lon.size):
        x, own = position_nearby(lon[i] - lon0, lat[i] - lat0, h[i], trig)
        d = left_behind(minus(x, antenna), time[i] - start, motion)
        incidence[i], local[i], look[i] = viewing(d, minus(x, d), own, east[i], north[i])


def viewed_segment(points: Any, slopes: Any, time: Any, orbit: Any, results: Any) -> None:
    """`viewing` of the points of a segment: around an anchor, or each by itself if far from it."""
    lon, lat, h = points
    east, north = slopes
    incidence, local, look = results
    k = middle_or_first(lon, lat, time, 0, lon.size)
    start = NAN if k < 0 else time[k]
    antenna, motion = motion_at(start, orbit)
    near = k >= 0 and widest(lon, lon[k]) < WIDEST_ANGLE and widest(lat, lat[k]) < WIDEST_ANGLE
    if near and widest(time, start) < LONGEST_TIME:
        anchor = (lon[k], lat[k], trigonometry(lon[k], lat[k]), start, antenna)
        viewed_nearby(points, slopes, time, anchor, motion, results)
        return
    for i in range(lon.size):
        antenna, _, _, _, _ = orbit_state(time[i], orbit[0], orbit[1])
        d = minus(position(lon[i], lat[i], h[i]), antenna)
        own = trigonometry(lon[i], lat[i])
        incidence[i], local[i], look[i] = viewing(d, antenna, own, east[i], north[i])


def view_rows(first: int, stop: int, points: Any, slopes: Any, time: Any, orbit: Any, results: Any) -> None:
    """`viewing` of points [row, column] from where the antenna is at ``time``."""
    lon, lat, h = points
    east, north = slopes
    incidence, local, look = results
    columns = lon.shape[1]
    for row in range(first, stop):
        for a in range(0, columns, SEGMENT):
            b = min(a + SEGMENT, columns)
            viewed_segment(
                (lon[row, a:b], lat[row, a:b], h[row, a:b]),
                (east[row, a:b], north[row, a:b]),
                time[row, a:b],
                orbit,
                (incidence[row, a:b], local[row, a:b], look[row, a:b]),
            )


def ground_to_radar(points: Any, seed: Any, orbit: Any, doppler: Any, time: Any, slant_range: Any) -> None:
    """Driver of `rows_to_radar`."""
    in_threads(rows_to_radar, len(time), points, seed, orbit, doppler, time, slant_range)


def viewing_angles(points: Any, slopes: Any, time: Any, orbit: Any, results: Any) -> None:
    """Driver of `view_rows`."""
    in_threads(view_rows, len(time), points, slopes, time, orbit, results)
