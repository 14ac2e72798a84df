"""The mathematics of sampling an image between its pixels (see :mod:`driving.mathematics`).

Positions count rows and columns from the first pixel's centre. They are float64 until the whole pixel is taken off,
float32 from there on. What is not finite is no data. Images are flat, one row after the other; a complex one is
sampled as two, whose pixels are no data together.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import NAN, ONE, TWO, ZERO

FUNCTIONS = (  # in the order in which they call each other
    "is_data",
    "is_inside",
    "within",
    "whole",
    "fraction",
    "first_of_four",
    "nearest_of_four",
    "mean_of_four",
    "height_of_three",
    "has_sixteen",
    "cubic_weights",
    "sum_of_four",
    "cubic_or",
    "parabola",
)
INLINED = FUNCTIONS

LARGEST = np.float32(np.finfo(np.float32).max)
HALF = np.float32(0.5)
ONE_AND_A_HALF = np.float32(1.5)
TWO_AND_A_HALF = np.float32(2.5)
HALF_A_PIXEL = 0.5  # is how far an image reaches beyond its outermost centres
HAIR = 1e-6  # posts: what rounding of coordinates may put a point outside of a surface between posts


def is_data(x: Any) -> Any:
    """Whether a value is finite."""
    return abs(x) <= LARGEST


def is_inside(row: Any, column: Any, shape: Any, margin: Any) -> Any:
    """Whether a position is at most ``margin`` beyond the outermost centres; not where it is NaN."""
    down = (row >= -margin) & (row <= shape[0] - 1.0 + margin)
    return down & (column >= -margin) & (column <= shape[1] - 1.0 + margin)


def within(position: Any, count: Any, inside: Any) -> Any:
    """The position, or the outermost of so many centres if it is beyond that; 0 if not ``inside``."""
    held = min(max(position, 0.0), count - 1.0)
    return held if inside else 0.0


def whole(position: Any, count: Any) -> Any:
    """The first of the two pixels that a position between the centres of ``count`` lies between."""
    return min(np.int64(position), max(np.int64(count) - 2, 0))


def fraction(position: Any, count: Any) -> Any:
    """How far the position is from there, float32 within 0 and 1."""
    return np.float32(position - whole(position, count))


def first_of_four(row: Any, column: Any, shape: Any, inside: Any) -> Any:
    """Flat number of the first of the four pixels around a position."""
    top = whole(within(row, shape[0], inside), shape[0])
    left = whole(within(column, shape[1], inside), shape[1])
    return top * shape[1] + left


def nearest_of_four(down: Any, across: Any, stride: Any) -> Any:
    """How many pixels after the first of the four the nearest one comes; the later one where two are as near."""
    return (stride if down >= HALF else 0) + (1 if across >= HALF else 0)


def mean_of_four(own: Any, other: Any, down: Any, across: Any, inside: Any) -> Any:
    """Bilinear interpolation between those of four pixels that have data, in ``own`` and in ``other``.

    The weights of these are divided by their sum. NaN where the nearest of the four has no data.
    """
    a = is_data(own[0]) & is_data(other[0])
    b = is_data(own[1]) & is_data(other[1])
    c = is_data(own[2]) & is_data(other[2])
    d = is_data(own[3]) & is_data(other[3])
    up = ONE - down
    back = ONE - across
    wa = up * back if a else ZERO
    wb = up * across if b else ZERO
    wc = down * back if c else ZERO
    wd = down * across if d else ZERO
    total = wa * (own[0] if a else ZERO)
    total += wb * (own[1] if b else ZERO)
    total += wc * (own[2] if c else ZERO)
    total += wd * (own[3] if d else ZERO)
    later = d if across >= HALF else c
    earlier = b if across >= HALF else a
    there = inside & (later if down >= HALF else earlier)
    weight = wa + wb + wc + wd
    return total / weight if there else NAN


def height_of_three(a: Any, b: Any, c: Any, d: Any, down: Any, across: Any, inside: Any) -> Any:
    """The plane through three of four posts; NaN where one of these has no data.

    The four make two triangles, divided from the upper right to the lower left.
    """
    upper = a + across * (b - a) + down * (c - a)
    lower = d + (ONE - across) * (c - d) + (ONE - down) * (b - d)
    height = upper if across + down <= ONE else lower
    return height if (inside & is_data(height)) else NAN


def has_sixteen(row: Any, column: Any, shape: Any, inside: Any) -> Any:
    """Whether the four pixels around a position have neighbours on all sides."""
    top = whole(within(row, shape[0], inside), shape[0])
    left = whole(within(column, shape[1], inside), shape[1])
    return inside & (top >= 1) & (top + 2 < shape[0]) & (left >= 1) & (left + 2 < shape[1])


def cubic_weights(t: Any) -> Any:
    """Weights of the four pixels around a position, ``t`` from the second of them.

    Keys 1981, Cubic convolution interpolation for digital image processing, IEEE Trans. ASSP 29(6), a = -1/2.
    """
    first = t * (t * (ONE - HALF * t) - HALF)
    second = ONE + t * t * (ONE_AND_A_HALF * t - TWO_AND_A_HALF)
    third = t * (HALF + t * (TWO - ONE_AND_A_HALF * t))
    fourth = t * t * (HALF * t - HALF)
    return first, second, third, fourth


def sum_of_four(a: Any, b: Any, c: Any, d: Any, weights: Any) -> Any:
    """Weighted sum."""
    return a * weights[0] + b * weights[1] + c * weights[2] + d * weights[3]


def cubic_or(own: Any, other: Any, sixteen: Any, bilinear: Any) -> Any:
    """The sum over sixteen pixels, if they are there and have data: what is not finite shows in the sums."""
    return own if (sixteen & is_data(own) & is_data(other)) else bilinear


def parabola(p: Any, q: Any, b: Any, s: Any) -> Any:
    """Return b + s (q + s p), float64."""
    return (p * s + q) * s + b
