"""The loops over scatterers and pixels, compiled by numba.

What belongs together stands in one module: numba keeps compiled code by the file that it stands in. No reduction
runs over threads, and every sum is taken in one order: the same seed gives the same bits on any number of threads.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

ODD = np.uint64(0x9E3779B97F4A7C15)
MIX = (np.uint64(0xBF58476D1CE4E5B9), np.uint64(0x94D049BB133111EB))
MIX_1, MIX_2 = MIX
S27, S30, S31, S32 = np.uint64(27), np.uint64(30), np.uint64(31), np.uint64(32)
LOW_HALF = np.uint64(0xFFFFFFFF)
UNIT = 2.0**-32
SCATTER = 255  # in the place of a class
PERMANENT, FRESH, FADING = 1, 1 << 20, 1 << 30  # streams of random numbers of a scatterer
TURN = 2.0 * math.pi


def compiled(function: Callable[..., Any]) -> Any:
    """Have a function that loops call compiled when it is first called; it is kept with the loops that call it."""
    return numba.njit(function, error_model="numpy")


def compiled_loop(function: Callable[..., Any]) -> Any:
    """Have a loop over rows from ``first`` on and before ``stop`` compiled when it is first called.

    It lets other threads run: see `alignsar_gpu.kernels.driving.threads`.
    """
    try:
        return numba.njit(function, cache=True, nogil=True, error_model="numpy")
    except RuntimeError:  # numba found no folder that it may write its cache to
        return numba.njit(function, nogil=True, error_model="numpy")


@compiled
def _mixed(number):
    """A number whose bits all depend on all bits of ``number`` (the finalizer of SplitMix64)."""
    number = (number ^ (number >> S30)) * MIX_1
    number = (number ^ (number >> S27)) * MIX_2
    return number ^ (number >> S31)


@compiled
def scatterer_key(seed, i, j, kind):
    """What the random numbers of a scatterer of one land-cover class start from."""
    key = _mixed(np.uint64(seed) + ODD)
    key = _mixed(key ^ (np.uint64(i) * ODD))
    key = _mixed(key ^ (np.uint64(j) * MIX_1))
    return _mixed(key ^ (np.uint64(kind) * MIX_2))


@compiled
def scatter(seed, i, j):
    """How far a scatterer lies from its row, in rows: -0.5 to 0.5, all alike.

    Without this, two looks from squints whose Doppler frequencies differ by a multiple of that of the rows would
    see the same speckle.
    """
    return float(scatterer_key(seed, i, j, SCATTER) >> S32) * UNIT - 0.5


@compiled
def gaussian(key, stream):
    """Real and imaginary part of a circular Gaussian number of unit power."""
    bits = _mixed(key + np.uint64(stream) * ODD)
    radius = math.sqrt(-math.log((float(bits >> S32) + 0.5) * UNIT))
    angle = np.float32(float(bits & LOW_HALF) * UNIT * TURN)
    return np.float32(radius) * math.cos(angle), np.float32(radius) * math.sin(angle)


@compiled
def _contracted(by_row, coefficients, out):
    """Sum of a series over its first axis: out[j, k] = sum_i by_row[i] coefficients[i, j, k]."""
    for j in range(coefficients.shape[1]):
        for k in range(coefficients.shape[2]):
            value = 0.0
            for i in range(coefficients.shape[0]):
                value += by_row[i] * coefficients[i, j, k]
            out[j, k] = value


@compiled
def _along(by_column, series, x):
    """Value of sum_jk by_column[j] series[j, k] T_k(x), by Clenshaw's recurrence over k."""
    later, next_one = 0.0, 0.0
    for k in range(series.shape[1] - 1, -1, -1):
        coefficient = 0.0
        for j in range(series.shape[0]):
            coefficient += by_column[j] * series[j, k]
        if k:
            later, next_one = coefficient + 2.0 * x * later - next_one, later
        else:
            later = coefficient + x * later - next_one
    return later


@compiled
def _dot(a, b):
    value = 0.0
    for j in range(a.shape[0]):
        value += a[j] * b[j, 0]
    return value


@compiled
def surface(values, row, column):
    """Height between posts, on the two triangles of a cell; NaN outside the posts."""
    rows, columns = values.shape
    if not (0.0 <= row <= rows - 1 and 0.0 <= column <= columns - 1):
        return math.nan
    i, j = min(int(row), rows - 2), min(int(column), columns - 2)
    v, u = row - i, column - j
    a, b = float(values[i, j]), float(values[i, j + 1])
    d, e = float(values[i + 1, j]), float(values[i + 1, j + 1])
    if u + v <= 1.0:
        return a + u * (b - a) + v * (d - a)
    return e + (1.0 - u) * (d - e) + (1.0 - v) * (b - e)


@compiled
def bilinear(values, row, column):
    """Value between the cells of a raster; beyond its outermost centres, that of the edge."""
    rows, columns = values.shape
    row, column = min(max(row, 0.0), rows - 1.0), min(max(column, 0.0), columns - 1.0)
    i, j = min(int(row), rows - 2), min(int(column), columns - 2)
    v, u = row - i, column - j
    top = values[i, j] + u * (float(values[i, j + 1]) - values[i, j])
    bottom = values[i + 1, j] + u * (float(values[i + 1, j + 1]) - values[i + 1, j])
    return top + v * (bottom - top)


@compiled_loop
def lay(first, stop, by_u, by_v, place, heights, frame, height):
    """Heights (row, column) of the ground at lattice points; NaN where there is none.

    ``by_u`` (row, i) and ``by_v`` (column, j) are the Chebyshev polynomials at the lattice's rows and columns,
    ``place`` (2, i, j, 1) the series of longitude and latitude, ``frame`` of a raster: longitude and latitude
    of its first post and the steps.
    """
    for i in range(first, stop):
        longitude = np.empty(place.shape[2:])
        latitude = np.empty(place.shape[2:])
        _contracted(by_u[i], place[0], longitude)
        _contracted(by_u[i], place[1], latitude)
        for j in range(by_v.shape[0]):
            column = (_dot(by_v[j], longitude) - frame[0]) / frame[2]
            row = (frame[1] - _dot(by_v[j], latitude)) / frame[3]
            height[i, j] = surface(heights, row, column)


@compiled_loop
def light(  # noqa: PLR0913, PLR0917 - loops take flat arrays
    first, stop, by_u, by_v, look, limits, height, spacing, incidence, cosine, area
):
    """How the reference sees the facet around each lattice point.

    Fills ``cosine`` of the local incidence angle (negative where the facet is turned away or lies in shadow)
    and ``area`` of the facet relative to level ground. ``look`` (i, j, k) is the series of the look angle over
    ``limits`` (lowest, highest height), ``spacing`` (2, column) the distances (m) on the ground between
    neighbouring rows and columns, ``incidence`` (column,) that of level ground.
    """
    rows, columns = height.shape
    for i in range(first, stop):
        series = np.empty(look.shape[1:])
        _contracted(by_u[i], look, series)
        before, after = max(i - 1, 0), min(i + 1, rows - 1)
        highest = -1.0
        for j in range(columns):
            near, far = max(j - 1, 0), min(j + 1, columns - 1)
            along = (height[after, j] - height[before, j]) / (max(after - before, 1) * spacing[0, j])
            across = (height[i, far] - height[i, near]) / (max(far - near, 1) * spacing[1, j])
            tilt = math.sqrt(1.0 + along * along + across * across)
            scaled = (2.0 * height[i, j] - limits[0] - limits[1]) / (limits[1] - limits[0])
            angle = _along(by_v[j], series, scaled)
            # Away from the radar the ground rises where `across` is positive, and turns towards it.
            towards = math.cos(incidence[j]) + math.sin(incidence[j]) * across
            hidden = angle < highest
            highest = max(highest, angle)
            area[i, j] = tilt
            cosine[i, j] = -1.0 if hidden else towards / tilt


@compiled
def _phasor(turns):
    """exp(2 pi i turns) as float32 parts, of a large number of turns."""
    angle = np.float32((turns - math.floor(turns + 0.5)) * TURN)
    return math.cos(angle), math.sin(angle)


@compiled
def _amplitude(key, kind, coherence, steps, channel):
    """A scatterer's random amplitude on a date, of unit power: what stays, what fades, what is new each date.

    ``coherence`` (class, 2) has the parts that stay and that are there at all on two dates; ``steps`` (class,
    date + 1) how much of the fading part is left from each date to the next.
    """
    stays, initial = coherence[kind, 0], coherence[kind, 1]
    last = steps.shape[1] - 1
    re, im = np.float32(0.0), np.float32(0.0)
    if stays > 0.0:
        x, y = gaussian(key, PERMANENT + channel)
        re, im = np.float32(math.sqrt(stays)) * x, np.float32(math.sqrt(stays)) * y
    if initial > stays:
        a, b = gaussian(key, FADING + channel)
        for date in range(1, last + 1):
            keep = np.float32(steps[kind, date])
            fresh = np.float32(math.sqrt(1.0 - steps[kind, date] ** 2))
            x, y = gaussian(key, FADING + 2 * date + channel)
            a, b = keep * a + fresh * x, keep * b + fresh * y
        part = np.float32(math.sqrt(initial - stays))
        re, im = re + part * a, im + part * b
    if initial < 1.0:
        x, y = gaussian(key, FRESH + 2 * last + channel)
        part = np.float32(math.sqrt(1.0 - initial))
        re, im = re + part * x, im + part * y
    return re, im


@compiled
def _carrier(carrier, sample, since_middle):
    """Turns of the deramping phase at a place: (rate / 2) t^2 + centroid t, from tables over the samples."""
    at = min(max(sample, 0.0), carrier.shape[1] - 1.0)
    k = min(int(at), carrier.shape[1] - 2)
    part = at - k
    rate = carrier[0, k] + part * (carrier[0, k + 1] - carrier[0, k])
    centroid = carrier[1, k] + part * (carrier[1, k + 1] - carrier[1, k])
    return (0.5 * rate * since_middle + centroid) * since_middle


@compiled
def _seen(view, time, slant_range):
    """Line and sample in the block, and time since the middle of the burst, of a zero-Doppler time and range.

    ``view``: time of the block's first line, interval, range of its first sample, spacing, middle of the burst.
    """
    return (time - view[0]) / view[1], (slant_range - view[2]) / view[3], time - view[4]


@compiled_loop
def echo(  # noqa: PLR0913, PLR0917 - loops take flat arrays
    first,
    stop,
    by_u,
    by_v,
    lattice,
    place,
    sight,
    limits,
    ground,
    incidence,
    cover,
    cover_frame,
    motion,
    motion_frame,
    screen,
    screen_frame,
    stratified,
    radiometry,
    correlation,
    coherence,
    steps,
    view,
    carrier,
    turns_per_metre,
    errors,
    extent,
    position,
    weight,
):
    """Where the echo of every scatterer lies in a block of a date's image, and its complex weight.

    Fills ``position`` (2, row, column) with lines and samples of the block (line -1e9 for what is not seen) and
    ``weight`` (channel, row, column) complex64, deramped at its own place, whose squared mean is beta nought.
    ``lattice``: seed, row and column numbers of the first scatterer, first u and v and their steps.
    ``ground`` (3, row, column): height, cosine of the local incidence, area of the facet. ``radiometry``
    (class, channel, n): square root of the power of a level facet's echo over the cosine from 0 to 1.
    ``errors``: what the annotated times and ranges are too high by. ``extent``: lines and samples of the block.
    """
    seed, first_i, first_j = np.uint64(lattice[0]), int(lattice[1]), int(lattice[2])
    bins = radiometry.shape[2] - 1
    for i in range(first, stop):
        longitude, latitude = np.empty(place.shape[2:]), np.empty(place.shape[2:])
        delay_series, range_series = np.empty(sight.shape[2:]), np.empty(sight.shape[2:])
        _contracted(by_u[i], place[0], longitude)
        _contracted(by_u[i], place[1], latitude)
        _contracted(by_u[i], sight[0], delay_series)
        _contracted(by_u[i], sight[1], range_series)
        for j in range(by_v.shape[0]):
            position[0, i, j] = -1e9
            cosine = ground[1, i, j]
            if not cosine > 0.0:
                continue
            lon, lat = _dot(by_v[j], longitude), _dot(by_v[j], latitude)
            height = ground[0, i, j] + bilinear(
                motion, (motion_frame[1] - lat) / motion_frame[3], (lon - motion_frame[0]) / motion_frame[2]
            )
            zenith = stratified[0] * math.exp(-height / stratified[1]) + bilinear(
                screen, (screen_frame[1] - lat) / screen_frame[3], (lon - screen_frame[0]) / screen_frame[2]
            )
            scaled = (2.0 * height - limits[0] - limits[1]) / (limits[1] - limits[0])
            time = lattice[3] + lattice[5] * (i + scatter(seed, first_i + i, first_j + j))
            time += _along(by_v[j], delay_series, scaled)
            slant_range = lattice[4] + lattice[6] * j + _along(by_v[j], range_series, scaled)
            slant_range += zenith / math.cos(incidence[j])
            line, sample, since_middle = _seen(view, time + errors[0], slant_range + errors[1])
            if not (0.0 <= line < extent[0] and 0.0 <= sample < extent[1]):
                continue
            position[0, i, j], position[1, i, j] = line, sample
            row = math.floor((cover_frame[1] - lat) / cover_frame[3] + 0.5)
            column = math.floor((lon - cover_frame[0]) / cover_frame[2] + 0.5)
            kind = int(cover[min(max(row, 0), cover.shape[0] - 1), min(max(column, 0), cover.shape[1] - 1)])
            key = scatterer_key(seed, first_i + i, first_j + j, kind)
            x, y = _phasor(-turns_per_metre * slant_range - _carrier(carrier, sample, since_middle))
            turned = np.complex64(complex(x, y)) * np.float32(math.sqrt(ground[2, i, j]))
            bin_at = cosine * bins
            k = min(int(bin_at), bins - 1)
            part = np.float32(bin_at - k)
            re, im = _amplitude(key, kind, coherence, steps, 0)
            own = np.complex64(complex(re, im))
            for channel in range(weight.shape[0]):
                power = radiometry[kind, channel, k]
                power += part * (radiometry[kind, channel, k + 1] - power)
                if channel:
                    re, im = _amplitude(key, kind, coherence, steps, 1)
                    common = np.complex64(np.conj(correlation[kind]))
                    rest = np.float32(math.sqrt(1.0 - abs(correlation[kind]) ** 2))
                    own = common * own + rest * np.complex64(complex(re, im))
                weight[channel, i, j] = turned * own * power


@compiled_loop
def develop(  # noqa: PLR0913, PLR0917 - loops take flat arrays
    first, stop, signal, noise, gain, noise_rows, times, factor, since_middle, carrier, out, clipped
):
    """Pixels as they are delivered: noise added, carrier restored, calibrated, rounded.

    ``signal``, ``noise`` (line, sample) complex64; ``gain`` and ``noise_rows`` (vector, sample): amplitude and
    noise power at the calibration and noise vectors, placed by ``times`` (2, line) in vectors; ``factor`` (line,
    sample or 1) of the noise power. Fills ``out`` (line, sample, 2) int16, and ``clipped`` (line,) with the
    number of saturated pixels.
    """
    samples = signal.shape[1]
    for line in range(first, stop):
        g, n = min(int(times[0, line]), gain.shape[0] - 2), min(int(times[1, line]), noise_rows.shape[0] - 2)
        in_gain, in_noise = times[0, line] - g, times[1, line] - n
        clipped[line] = 0
        for sample in range(samples):
            amplitude = gain[g, sample] + in_gain * (gain[g + 1, sample] - gain[g, sample])
            level = noise_rows[n, sample] + in_noise * (noise_rows[n + 1, sample] - noise_rows[n, sample])
            level = math.sqrt(level * factor[line, min(sample, factor.shape[1] - 1)])
            x, y = _phasor(_carrier(carrier, float(sample), since_middle[line]))
            value = (signal[line, sample] * amplitude + noise[line, sample] * level) * complex(x, y)
            real, imaginary = round(value.real), round(value.imag)
            if max(abs(real), abs(imaginary)) > 32767:
                clipped[line] += 1
            out[line, sample, 0] = min(max(real, -32767), 32767)
            out[line, sample, 1] = min(max(imaginary, -32767), 32767)
