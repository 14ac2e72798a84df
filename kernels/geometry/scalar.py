"""The geometry of a radar, as plain Python functions of scalars: orbits, zero-Doppler times, viewing angles.

As in :mod:`driving.mathematics`, but in float64 throughout: a phase of 4 pi R / lambda has no digits to
spare. Degrees are those of longitude and latitude; positions are in the Earth-fixed frame (WGS84), metres.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import ROUND_FLOAT64

FUNCTIONS = (  # in the order in which they call each other
    "sine_cosine",
    "horner",
    "orbit_interval",
    "orbit_state",
    "dot",
    "minus",
    "motion_at",
    "left_behind",
    "doppler_equation",
    "doppler_speed",
    "doppler_terms",
    "position_nearby",
    "trigonometry",
    "position",
    "zero_doppler_time",
    "closest_approach",
    "with_doppler",
    "to_radar",
    "middle_or_first",
    "reach",
    "within_reach",
    "viewing",
)
INLINED = ()

RADIANS = math.pi / 180.0
DEGREES = 180.0 / math.pi
SEMI_MAJOR_AXIS = 6378137.0
ECCENTRICITY_SQUARED = (2.0 - 1.0 / 298.257223563) / 298.257223563
NAN = math.nan

TERMS = 8  # coefficients of an orbit's polynomials
TIME_TOLERANCE = 1e-10  # s: below a micrometre along track; late in the day float64 resolves 1.5e-11 s
MAX_ITERATIONS = 12

# How far from its anchor a point may be for the expansions around the anchor to hold: at 0.57 degrees (0.01
# rad) what is left out of sine and cosine is 1e-8 m on the ground, at 0.5 s what is left out of the
# antenna's motion is 1e-7 m.
WIDEST_ANGLE = 0.57
LONGEST_TIME = 0.5


def sine_cosine(degrees: Any) -> Any:
    """Sine and cosine of an angle in degrees, to the last place.

    Its distance to the nearest quarter turn is exact in degrees, then Taylor's series: over half a quarter
    what they leave out is below 2e-18. (The functions of a CUDA library keep a table in slow local memory,
    for angles of many turns.)
    """
    quarters = (degrees * (1.0 / 90.0) + ROUND_FLOAT64) - ROUND_FLOAT64
    x = (degrees - 90.0 * quarters) * RADIANS
    u = -x * x
    s = 1.0
    c = 1.0
    for i in range(16, 0, -2):
        s = 1.0 + s * u * (1.0 / (i * (i + 1)))
        c = 1.0 + c * u * (1.0 / (i * (i - 1)))
    s *= x
    # Of a whole turn, in quarters: 0 (s, c), 1 (c, -s), 2 or -2 (-s, -c), -1 (-c, s).
    place = quarters - 4.0 * ((quarters * 0.25 + ROUND_FLOAT64) - ROUND_FLOAT64)
    odd = abs(place) == 1.0
    sine = c if odd else s
    cosine = s if odd else c
    sine = -sine if (place == -1.0 or abs(place) == 2.0) else sine
    cosine = -cosine if (place == 1.0 or abs(place) == 2.0) else cosine
    return sine, cosine


def horner(c: Any, k: Any, axis: Any, u: Any) -> Any:
    """Value and first four derivatives with respect to u of an orbit's polynomial on interval ``k``."""
    p = c[k, TERMS - 1, axis]
    d = 0.0
    e = 0.0
    f = 0.0
    g = 0.0
    for i in range(TERMS - 2, -1, -1):
        g = g * u + f
        f = f * u + e
        e = e * u + d
        d = d * u + p
        p = p * u + c[k, i, axis]
    return p, d, 2.0 * e, 6.0 * f, 24.0 * g


def orbit_interval(t: Any, time: Any) -> Any:
    """Number of the interval between state vectors that holds ``t``; -1 if none does."""
    last = time.size - 2
    if not time[0] <= t <= time[last + 1]:
        return -1
    k = int((t - time[0]) / (time[last + 1] - time[0]) * (last + 1))
    k = min(max(k, 0), last)
    while k > 0 and t < time[k]:
        k -= 1
    while k < last and t >= time[k + 1]:
        k += 1
    return k


def orbit_state(t: Any, time: Any, c: Any) -> Any:
    """Position, velocity, acceleration, jerk and snap, three numbers each; NaN outside the state vectors."""
    k = orbit_interval(t, time)
    if k < 0:
        nothing = (NAN, NAN, NAN)
        return nothing, nothing, nothing, nothing, nothing
    rate = 1.0 / (time[k + 1] - time[k])
    u = (t - time[k]) * rate
    px, vx, ax, jx, sx = horner(c, k, np.int64(0), u)
    py, vy, ay, jy, sy = horner(c, k, np.int64(1), u)
    pz, vz, az, jz, sz = horner(c, k, np.int64(2), u)
    a = rate * rate
    j = a * rate
    s = a * a
    return (
        (px, py, pz),
        (vx * rate, vy * rate, vz * rate),
        (ax * a, ay * a, az * a),
        (jx * j, jy * j, jz * j),
        (sx * s, sy * s, sz * s),
    )


def dot(a: Any, b: Any) -> Any:
    """Scalar product of two triples."""
    return a[0] * b[0] + a[1] * b[1] + a[2] * b[2]


def minus(a: Any, b: Any) -> Any:
    """Difference of two triples."""
    return a[0] - b[0], a[1] - b[1], a[2] - b[2]


def motion_at(t: Any, orbit: Any) -> Any:
    """Position of the antenna, and its motion as `doppler_equation` takes it."""
    antenna, v, a, j, s = orbit_state(t, orbit[0], orbit[1])
    return antenna, (v, a, j, s, dot(v, v), dot(v, a), 4.0 * dot(v, j) + 3.0 * dot(a, a))


def left_behind(d: Any, t: Any, motion: Any) -> Any:
    """Where a target that was at ``d`` from the antenna is after ``t`` seconds of its motion."""
    v, a, j, _, _, _, _ = motion
    return (
        d[0] - t * (v[0] + t * (0.5 * a[0] + t * (1.0 / 6.0) * j[0])),
        d[1] - t * (v[1] + t * (0.5 * a[1] + t * (1.0 / 6.0) * j[1])),
        d[2] - t * (v[2] + t * (0.5 * a[2] + t * (1.0 / 6.0) * j[2])),
    )


def doppler_equation(d: Any, motion: Any) -> Any:
    """Coefficients of c0 + c1 t + c2 t^2 + c3 t^3 = D(t) . V(t), for a target at ``d`` from the antenna.

    ``motion`` is velocity V, acceleration A, jerk J, snap S, and V.V, V.A, 4 V.J + 3 A.A. For half a second
    what is left out of the polynomial is worth 1e-12 s in low orbit.
    """
    v, a, j, s, vv, va, cube = motion
    return dot(d, v), dot(d, a) - vv, 0.5 * dot(d, j) - 1.5 * va, (dot(d, s) - cube) * (1.0 / 6.0)


def doppler_speed(t: Any, slant_range: Any, doppler: Any) -> Any:
    """lambda f / 2 in metres per second: the speed along the line of sight that goes with the Doppler f.

    ``doppler`` holds coefficients [power of time, power of range] of f in Hz, the origin and the scale of
    both, and half a wavelength.
    """
    c, t0, r0, time_scale, range_scale, half_wavelength = doppler
    x = (t - t0) / time_scale
    y = (slant_range - r0) / range_scale
    f = 0.0
    for i in range(c.shape[0] - 1, -1, -1):
        row = 0.0
        for j in range(c.shape[1] - 1, -1, -1):
            row = row * y + c[i, j]
        f = f * x + row
    return half_wavelength * f


def position_nearby(dlon: Any, dlat: Any, h: Any, trig: Any) -> Any:
    """Position of a point ``dlon``, ``dlat`` degrees from a place, and sines and cosines of its coordinates.

    ``trig`` is sine and cosine of the place's longitude and of its latitude. The differences are within
    `WIDEST_ANGLE`. The prime vertical a / sqrt(1 - w), w = (e sin(latitude))^2 < 0.0067, is a series in w
    whose first term left out is 4e-16.
    """
    sl, cl, sp, cp = trig
    a = dlon * RADIANS
    b = dlat * RADIANS
    aa = a * a
    bb = b * b
    sa = a - a * aa * (1.0 / 6.0 - aa * (1.0 / 120.0))
    ca = 1.0 - aa * (0.5 - aa * (1.0 / 24.0))
    sb = b - b * bb * (1.0 / 6.0 - bb * (1.0 / 120.0))
    cb = 1.0 - bb * (0.5 - bb * (1.0 / 24.0))
    s1 = sl * ca + cl * sa
    c1 = cl * ca - sl * sa
    s2 = sp * cb + cp * sb
    c2 = cp * cb - sp * sb
    w = ECCENTRICITY_SQUARED * s2 * s2
    series = 0.375 + w * (0.3125 + w * (0.2734375 + w * (0.24609375 + w * 0.2255859375)))
    n = SEMI_MAJOR_AXIS * (1.0 + w * (0.5 + w * series))
    m = (n + h) * c2
    return (m * c1, m * s1, (n * (1.0 - ECCENTRICITY_SQUARED) + h) * s2), (s1, c1, s2, c2)


def trigonometry(lon: Any, lat: Any) -> Any:
    """Sine and cosine of longitude and of latitude, in degrees."""
    sl, cl = sine_cosine(lon)
    sp, cp = sine_cosine(lat)
    return sl, cl, sp, cp


def position(lon: Any, lat: Any, h: Any) -> Any:
    """Position (three numbers) of longitude, latitude (degrees) and height."""
    sl, cl, sp, cp = trigonometry(lon, lat)
    n = SEMI_MAJOR_AXIS / math.sqrt(1.0 - ECCENTRICITY_SQUARED * sp * sp)
    m = (n + h) * cp
    return m * cl, m * sl, (n * (1.0 - ECCENTRICITY_SQUARED) + h) * sp


def doppler_terms(t: Any, slant_range: Any, doppler: Any) -> Any:
    """R lambda f / 2, which D . V is at Doppler f, and its change a second along the target's track."""
    g = doppler_speed(t, slant_range, doppler)
    after = doppler_speed(t + 1e-3, slant_range - 1e-3 * g, doppler)  # the range changes by -g a second
    return g * slant_range, (after - g) * 1e3 * slant_range - g * g


def zero_doppler_time(x: Any, seed: Any, orbit: Any, doppler: Any) -> Any:
    """Time at which a target has the given Doppler (zero, mostly), by Newton's iteration from ``seed``.

    (X - P(t)) . V(t) = R lambda f / 2. NaN where the iteration does not settle, or outside the vectors.
    """
    time, c = orbit
    first = time[0]
    last = time[time.size - 1]
    t = min(max(seed, first), last)
    settled = False
    i = 0
    while i < MAX_ITERATIONS and not settled:
        p, v, a, _, _ = orbit_state(t, time, c)
        d = minus(x, p)
        mismatch = dot(d, v)
        slope = dot(d, a) - dot(v, v)
        if doppler[0].size > 0:
            g, change = doppler_terms(t, math.sqrt(dot(d, d)), doppler)
            mismatch -= g
            slope -= change
        step = mismatch / slope
        settled = abs(step) <= TIME_TOLERANCE
        t -= step
        if not settled:
            t = min(max(t, first), last)
        i += 1
    return t if settled and first <= t <= last else NAN


def closest_approach(d: Any, motion: Any) -> Any:
    """Time after the anchor and range at which a target has zero Doppler; ``d`` is seen from the anchor.

    The `doppler_equation` is solved by two steps from -c0/c1, which leave a relative error of the order of
    (c2 t / c1)^3 < 1e-12.
    """
    c0, c1, c2, c3 = doppler_equation(d, motion)
    inverse = -1.0 / c1
    t = c0 * inverse
    t = (c0 + t * t * (c2 + t * c3)) * inverse
    t = (c0 + t * t * (c2 + t * c3)) * inverse
    r = left_behind(d, t, motion)
    return t, math.sqrt(dot(r, r))


def with_doppler(start: Any, t: Any, d: Any, motion: Any, doppler: Any) -> Any:
    """`closest_approach` moved to where the Doppler is not zero but the given one: time and range.

    Three steps of Newton's iteration on the same equation; ``start`` is the anchor's time.
    """
    c0, c1, c2, c3 = doppler_equation(d, motion)
    slant_range = 0.0
    for i in range(4):
        r = left_behind(d, t, motion)
        slant_range = math.sqrt(dot(r, r))
        if i < 3:
            g, slope = doppler_terms(start + t, slant_range, doppler)
            t -= (c0 + t * (c1 + t * (c2 + t * c3)) - g) / (c1 + t * (2.0 * c2 + t * 3.0 * c3) - slope)
    return t, slant_range


def to_radar(lon: Any, lat: Any, h: Any, seed: Any, orbit: Any, doppler: Any) -> Any:
    """Time and slant range of one point by the whole iteration; NaN where there is none."""
    x = position(lon, lat, h)
    t = zero_doppler_time(x, seed, orbit, doppler)
    antenna, _, _, _, _ = orbit_state(t, orbit[0], orbit[1])
    d = minus(x, antenna)
    return t, math.sqrt(dot(d, d))


def middle_or_first(a: Any, b: Any, c: Any, begin: int, end: int) -> int:
    """Place of the middle of three rows from ``begin`` to ``end``, or of the first where all are finite.

    -1 if there is none.
    """
    middle = begin + (end - begin) // 2
    if math.isfinite(a[middle] + b[middle] + c[middle]):
        return middle
    for i in range(begin, end):
        if math.isfinite(a[i] + b[i] + c[i]):
            return i
    return -1


def reach(start: Any, time: Any) -> Any:
    """First and last time for which an expansion around the time ``start`` holds."""
    return max(time[0], start - LONGEST_TIME), min(time[time.size - 1], start + LONGEST_TIME)


def within_reach(dlon: Any, dlat: Any, t: Any, first: Any, last: Any) -> Any:
    """Whether a point ``dlon``, ``dlat`` degrees from an anchor and seen at ``t`` is near enough to it."""
    return abs(dlon) < WIDEST_ANGLE and abs(dlat) < WIDEST_ANGLE and first <= t <= last


def viewing(d: Any, antenna: Any, trig: Any, east_slope: Any, north_slope: Any) -> Any:
    """1 - cosine of incidence and of local incidence, and the cosine of the look angle.

    ``d`` leads from the antenna at ``antenna`` to the point; ``trig`` is sine and cosine of the point's
    longitude and latitude; slopes are metres of height a metre. Incidence is against the normal of the
    ellipsoid, local incidence against that of the terrain, the look angle against the centre of the Earth.
    """
    sl, cl, sp, cp = trig
    inverse = 1.0 / math.sqrt(dot(d, d))
    radial = cl * d[0] + sl * d[1]
    up = cp * radial + sp * d[2]
    east = cl * d[1] - sl * d[0]
    north = cp * d[2] - sp * radial
    local = up - east_slope * east - north_slope * north
    norm = 1.0 / math.sqrt(1.0 + east_slope * east_slope + north_slope * north_slope)
    look = dot(d, antenna) / math.sqrt(dot(antenna, antenna))
    return 1.0 + up * inverse, 1.0 + local * inverse * norm, -look * inverse
