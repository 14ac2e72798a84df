"""The mathematics of statistics over the dates of a pixel (see :mod:`driving.mathematics`).

Sums over dates are float64. Those of deviations are of differences to the first date that counts, so that what is
subtracted at the end is at most as many times larger than what remains as there are dates, whatever the mean.
A value that is not finite counts as missing.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import NAN, ONE, ZERO, arctangent2, binary_logarithm

FUNCTIONS = (  # in the order in which they call each other
    "decibels",
    "is_number",
    "is_counted",
    "shifted_sums",
    "shifted_amplitude_sums",
    "mean_of",
    "deviation_of",
    "variation_of",
    "is_counted_from",
    "lower_value",
    "higher_value",
    "found_extreme",
    "added_value",
    "average_of",
    "ratio_in_decibels",
    "relative_change",
    "harmonic",
    "harmonic_covariance",
    "well_spread",
    "harmonic_fit",
    "amplitude_of",
    "peak_day_of",
)
INLINED = FUNCTIONS

INFINITY = np.float32(np.inf)
SMALLEST_NORMAL = np.float32(2.0**-126)
LARGEST = np.float32(np.finfo(np.float32).max)
YEAR = 365.25  # days
DAYS_PER_RADIAN = np.float32(YEAR / (2.0 * math.pi))
YEAR_FLOAT32 = np.float32(YEAR)
FEWEST_DATES = 4.0  # of a harmonic and its mean: one more than there are unknowns

DECIBELS_PER_OCTAVE = np.float32(10.0 * math.log10(2.0))


def decibels(x: Any) -> Any:
    """10 log10(x), float32; NaN where x is not finite or not positive (less than 2^-126 counts as 0)."""
    value = DECIBELS_PER_OCTAVE * binary_logarithm(x)
    return value if SMALLEST_NORMAL <= x <= LARGEST else NAN


def is_number(x: Any) -> Any:
    """Whether a value is finite."""
    return abs(x) <= LARGEST


def is_counted(x: Any, valid: Any) -> Any:
    """Whether a value counts."""
    return valid and is_number(x)


def shifted_sums(x: Any, used: Any, count: Any, shift: Any, total: Any, squares: Any) -> Any:
    """One date more: count and first value, float32, sums of differences to that and of their squares, float64."""
    shift = x if (used and count == ZERO) else shift
    apart = np.float64(x) - np.float64(shift)
    difference = apart if used else 0.0
    return (
        count + (ONE if used else ZERO),
        shift,
        total + difference,
        squares + difference * difference,
    )


def shifted_amplitude_sums(
    x: Any, used: Any, count: Any, shift: Any, total: Any, squares: Any, first: Any
) -> Any:
    """The same of the amplitude sqrt(x) of a power x; ``first`` is the first power. Powers below 0 do not count.

    sqrt(x) - sqrt(y) = (x - y) / (sqrt(x) + sqrt(y)), in float32, keeps its digits where x and y are close.
    """
    used = used and x >= ZERO
    begins = used and count == ZERO
    root = np.float32(math.sqrt(abs(x)))
    first = x if begins else first
    shift = root if begins else shift
    both = root + shift
    quotient = (x - first) / (both if both > ZERO else ONE)
    difference = np.float64(quotient if used else ZERO)
    return (
        count + (ONE if used else ZERO),
        shift,
        total + difference,
        squares + difference * difference,
        first,
    )


def mean_of(count: Any, shift: Any, total: Any) -> Any:
    """The mean, float64; NaN of no value."""
    return np.float64(shift) + total / (np.float64(count) if count > ZERO else np.nan)


def deviation_of(count: Any, total: Any, squares: Any) -> Any:
    """The standard deviation with n - 1, float64; NaN of fewer than two values."""
    n = np.float64(count)
    known = n > 1.0
    deviations = squares - total * total / (n if known else 1.0)
    deviations = deviations if deviations > 0.0 else 0.0
    return math.sqrt(deviations / ((n - 1.0) if known else np.nan))


def variation_of(count: Any, shift: Any, total: Any, squares: Any) -> Any:
    """Standard deviation / mean, float64; NaN of fewer than two values, and where the mean is not positive."""
    mean = mean_of(count, shift, total)
    deviation = deviation_of(count, total, squares)
    return deviation / mean if mean > 0.0 else np.nan


def is_counted_from(x: Any, valid: Any, least: Any) -> Any:
    """Whether a value counts, of those from ``least`` on."""
    return valid and least <= x <= LARGEST


def lower_value(x: Any, used: Any, lowest: Any) -> Any:
    """The lower one, of a value that counts."""
    return x if (used and x < lowest) else lowest


def higher_value(x: Any, used: Any, highest: Any) -> Any:
    """The higher one, of a value that counts."""
    return x if (used and x > highest) else highest


def found_extreme(extreme: Any) -> Any:
    """An extreme that began at an infinity; NaN where no value counted."""
    return extreme if abs(extreme) <= LARGEST else NAN


def added_value(x: Any, used: Any, count: Any, total: Any) -> Any:
    """One value more in the count and the sum, which is float64."""
    value = np.float64(x)
    return count + (ONE if used else ZERO), total + (value if used else 0.0)


def average_of(count: Any, total: Any) -> Any:
    """Total / count, float64; NaN of no value."""
    return total / np.float64(count) if count > ZERO else np.nan


def ratio_in_decibels(power: Any, other: Any, valid: Any) -> Any:
    """10 log10(power / other), float32; NaN where not valid, or one is not positive or not finite."""
    positive = SMALLEST_NORMAL <= power <= LARGEST and SMALLEST_NORMAL <= other <= LARGEST
    value = decibels(power / (other if positive else ONE))
    return value if (valid and positive) else NAN


def relative_change(power: Any, dry: Any, wet: Any, valid: Any, smallest: Any) -> Any:
    """(power - dry) / (wet - dry), all in dB, float32; NaN where wet - dry is below ``smallest`` (dB, positive).

    From 0 to 1, rounding included, for a power from dry to wet; outside where the power is.
    """
    span = ratio_in_decibels(wet, dry, valid)
    enough = span >= smallest
    index = ratio_in_decibels(power, dry, valid) / (span if enough else ONE)
    # the division of fast-math on CUDA may be a last place off
    index = ONE if (power <= wet and index > ONE) else index
    index = ZERO if (power >= dry and index < ZERO) else index
    return index if enough else NAN


def harmonic(y: Any, used: Any, cosine: Any, sine: Any, sums: Any) -> Any:
    """One date more in the sums of 1, and, float64, of c, s, c c, c s, y, y c and y s."""
    n, c, s, cc, cs, total, yc, ys = sums
    one = 1.0 if used else 0.0
    exact = np.float64(y)
    value = exact if used else 0.0
    a = one * cosine
    return (
        n + (ONE if used else ZERO),
        c + a,
        s + one * sine,
        cc + a * cosine,
        cs + a * sine,
        total + value,
        yc + value * cosine,
        ys + value * sine,
    )


def harmonic_covariance(n: Any, c: Any, s: Any, cc: Any, cs: Any) -> Any:
    """Variances of cosine and sine over the dates, and their covariance, from their sums."""
    count = max(n, 1.0)
    a = c / count
    b = s / count
    return cc / count - a * a, (n - cc) / count - b * b, cs / count - a * b


def well_spread(n: Any, u: Any, v: Any, w: Any, smallest: Any) -> Any:
    """Whether dates of these variances u and v and covariance w of cosine and sine determine a harmonic.

    The variance along the direction of the plane where it is least must be at least ``smallest``: the error of a
    harmonic goes with one over its root. Dates spread evenly over whole years have 1/2 in all directions.
    """
    half = 0.5 * (u - v)
    least = 0.5 * (u + v) - math.sqrt(half * half + w * w)
    return n >= FEWEST_DATES and least >= smallest


def harmonic_fit(sums: Any, smallest: Any) -> Any:
    """b and c of a + b cosine + c sine by least squares, float64, from the sums of `harmonic`.

    The constant is eliminated, and the two equations that are left are solved by Cramer's rule. NaN where the
    dates do not determine them: see `well_spread`.
    """
    dates, c, s, cc, cs, total, yc, ys = sums
    n = np.float64(dates)
    u, v, w = harmonic_covariance(n, c, s, cc, cs)
    known = well_spread(n, u, v, w, smallest)
    determinant = (u * v - w * w) if known else 1.0
    count = max(n, 1.0)
    mean = total / count
    p = (yc - mean * c) / count
    q = (ys - mean * s) / count
    b = (p * v - q * w) / determinant
    d = (q * u - p * w) / determinant
    return (b if known else np.nan), (d if known else np.nan)


def amplitude_of(b: Any, c: Any) -> Any:
    """sqrt(b^2 + c^2), float32."""
    return np.float32(math.sqrt(b * b + c * c))


def peak_day_of(b: Any, c: Any) -> Any:
    """Day from 0 up to a year where b cosine + c sine is largest, float32."""
    day = DAYS_PER_RADIAN * arctangent2(np.float32(c), np.float32(b))
    day = day + YEAR_FLOAT32 if day < ZERO else day
    return ZERO if day >= YEAR_FLOAT32 else day
