"""The mathematics of averaging the parts of a pixel, and phases as phasors (see :mod:`driving.mathematics`).

Values of parts are flat, one row after the other; ``at`` is the first part of a pixel, ``stride`` what a row of parts
takes. What is not finite, or 255, is no data.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import NAN, arctangent2, reduce_turns, sine_cosine_turns
from alignsar_gpu.kernels.gathering.scalar import is_data

FUNCTIONS = ("mean", "most_frequent", "phasor", "angle")
INLINED = FUNCTIONS

NOTHING = np.int64(255)  # what stands for no data; codes are smaller


def mean(values: Any, at: Any, stride: Any, step: Any, other: Any, parts: Any, least: Any) -> Any:
    """Return the mean of the parts of a pixel that have data, NaN where these are fewer than ``least``.

    ``step`` is from a part to the next, ``other`` from a number to the one that must be data as well. The sum is in
    float64.
    """
    total = 0.0
    count = 0
    for down in range(parts[0]):
        for across in range(parts[1]):
            i = at + down * stride + across * step
            x = values[np.uint64(i)]
            if is_data(x) & is_data(values[np.uint64(i + other)]):
                total += np.float64(x)
                count += 1
    return np.float32(total) / np.float32(count) if count >= least else NAN


def most_frequent(values: Any, at: Any, stride: Any, parts: Any, least: Any) -> Any:
    """Return the most frequent code among the parts of a pixel, of several the lowest; each code is counted in turn.

    No data where fewer than ``least`` parts have a code.
    """
    best = NOTHING
    most = 0
    known = 0
    code = np.int64(-1)
    while code != NOTHING:
        last = code
        code = NOTHING
        count = 0
        for down in range(parts[0]):
            for across in range(parts[1]):
                x = np.int64(values[np.uint64(at + down * stride + across)])
                lower = (x > last) & (x < code)
                count = 1 if lower else count + (1 if x == code else 0)
                code = x if lower else code
        if code != NOTHING:
            known += count
            best = code if count > most else best
            most = max(count, most)
            if known == parts[0] * parts[1]:
                break
    return np.uint8(best if known >= least else NOTHING)


def phasor(phase: Any) -> Any:
    """Return cosine and sine of a phase in radians; NaN of what is not finite."""
    sine, cosine = sine_cosine_turns(reduce_turns(np.float64(phase)))
    return cosine, sine


def angle(z: Any) -> Any:
    """Return the angle of a complex number in radians; NaN of what is not finite."""
    return arctangent2(z.imag, z.real)
