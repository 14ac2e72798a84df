"""The mathematics of resampling, as plain Python functions of scalars: see :mod:`driving.mathematics`.

A value between pixels is a sum of DOWN lines times ACROSS samples: first of the lines in every column, then of the
columns. Both numbers are constants, for which the loops over them are compiled; :mod:`driving.binding` puts others in.
Positions and the carrier's phase are float64 until that is within half a turn, all else is float32.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import ROUND_FLOAT64, ZERO, sine_cosine_turns

FUNCTIONS = (  # in the order in which they call each other
    "wrapped",
    "carrier_turns",
    "between",
    "restored_turns",
    "turned",
    "has_data",
    "least",
    "first_tap",
    "located",
)
INLINED = ()
TAP_FUNCTIONS = ("column", "combined", "value")  # compiled once for every number of taps

TAPS = (8, 12, 16)
DOWN = 8
ACROSS = 8
# Weights are tabulated at so many positions between two pixels, and those of the nearest are taken: for white
# noise of the whole band the error is -84 dB in each dimension.
STEP_BITS = 13
STEPS = 1 << STEP_BITS
# No position is as far away: stands for none, for compilers may take it that no number is infinite.
FARTHEST = 1e300


def wrapped(turns: Any) -> Any:
    """Turns within [-1/2, 1/2], float32, of turns, float64, of which nothing is lost before."""
    nearest = (turns + ROUND_FLOAT64) - ROUND_FLOAT64
    return np.float32(turns - nearest)


def carrier_turns(slope: Any, centroid: Any, time: Any) -> Any:
    """Phase in turns of a frequency (Hz) of ``centroid`` + ``slope`` (Hz/s) * t, from 0 to ``time`` (s)."""
    return (0.5 * slope * time + centroid) * time


def between(table: Any, position: Any) -> Any:
    """Linear interpolation at a position within a table of at least two values."""
    left = min(np.int64(position), np.int64(table.size) - 2)
    a = table[np.uint64(left)]
    b = table[np.uint64(left + 1)]
    return a + (position - left) * (b - a)


def restored_turns(line: Any, sample: Any, slope: Any, centroid: Any, times: Any, turns: Any) -> Any:
    """Turns within [-1/2, 1/2], float32, of the carrier at a position of the image, ``turns`` added.

    ``times``: that of line 0, from one line to the next (s), and which line the image begins with.
    """
    time = times[0] + (times[2] + line) * times[1]
    return wrapped(carrier_turns(between(slope, sample), between(centroid, sample), time) + turns)


def turned(re: Any, im: Any, turns: Any) -> Any:
    """(re, im) * exp(2 pi i turns), float32, of turns within [-1/2, 1/2], float32."""
    s, c = sine_cosine_turns(turns)
    return re * c - im * s, re * s + im * c


def has_data(re: Any, im: Any) -> Any:
    """Whether a pixel holds data: neither zero, which stands for none, nor infinite or NaN."""
    return (re != ZERO or im != ZERO) and math.isfinite(re) and math.isfinite(im)


def least(low: Any, value: Any) -> Any:
    """The smaller of two numbers, float64; the first if the second is not finite or beyond -FARTHEST."""
    return value if math.isfinite(value) and -FARTHEST < value < low else low


def first_tap(position: Any, taps: Any) -> Any:
    """First pixel of ``taps`` around a position, and the row of the table of weights, of the nearest step."""
    nearest = np.int64(math.floor(position * STEPS + 0.5))
    return (nearest >> STEP_BITS) - (taps // 2 - 1), nearest & (STEPS - 1)


def located(line: Any, sample: Any, turns: Any, shape: Any, box: Any, taps: Any) -> Any:
    """First line and sample of the taps, the rows of both tables of weights, and whether there is a value.

    There is none where the position or ``turns`` is not a finite number, outside of ``box`` (first and last
    line, first and last sample), and where a tap is not in the image; then all else is 0.
    """
    known = math.isfinite(line + sample + turns)
    known = known and box[0] <= line <= box[1] and 0.0 <= line < shape[0]
    known = known and box[2] <= sample <= box[3] and 0.0 <= sample < shape[1]
    top, row = first_tap(line if known else 0.0, taps[0])
    left, column_row = first_tap(sample if known else 0.0, taps[1])
    held = known and 0 <= top <= shape[0] - taps[0] and 0 <= left <= shape[1] - taps[1]
    if not held:
        return 0, 0, 0, 0, False
    return top, left, row, column_row, True


def column(pixels: Any, at: Any, stride: Any, weights: Any, row: Any) -> Any:
    """Sum of DOWN numbers, from ``at`` on and ``stride`` apart, by the weights from ``row`` on; all flat."""
    total = weights[row] * pixels[at]
    for j in range(1, DOWN):
        total += weights[row + np.uint64(j)] * pixels[at + np.uint64(j) * stride]
    return total


def combined(columns: Any, weights: Any, row: Any) -> Any:
    """Real and imaginary part of the sum of ACROSS columns, real and imaginary parts in turn."""
    re = ZERO
    im = ZERO
    for c in range(ACROSS):
        weight = weights[row + np.uint64(c)]
        re += weight * columns[np.uint64(2 * c)]
        im += weight * columns[np.uint64(2 * c + 1)]
    return re, im


def value(pixels: Any, at: Any, stride: Any, down: Any, row: Any, across: Any, column_row: Any) -> Any:
    """The same sums without a place to keep the columns in; ``pixels`` and ``stride`` as of `column`."""
    re = ZERO
    im = ZERO
    for c in range(ACROSS):
        weight = across[column_row + np.uint64(c)]
        re += weight * column(pixels, at + np.uint64(2 * c), stride, down, row)
        im += weight * column(pixels, at + np.uint64(2 * c + 1), stride, down, row)
    return re, im
