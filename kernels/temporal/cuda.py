"""The CUDA kernels of :mod:`.scalar`, a thread a pixel: as in :mod:`coherence.cuda`. Import it late, too.

Stacks are flat, one image of ``pixels`` after the other.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import cuda, kernels_of
from alignsar_gpu.kernels.driving.mathematics import ZERO

from .scalar import (
    INFINITY,
    added_value,
    amplitude_of,
    average_of,
    decibels,
    deviation_of,
    found_extreme,
    harmonic,
    harmonic_fit,
    higher_value,
    is_counted,
    is_counted_from,
    is_number,
    lower_value,
    mean_of,
    peak_day_of,
    ratio_in_decibels,
    relative_change,
    shifted_amplitude_sums,
    shifted_sums,
    variation_of,
)

DEVICE_FUNCTIONS = ()
DECLARED = {
    "temporal_statistics": Declared(
        arguments="fbiffff",
        registers=56,
        float64=150,
        why_float64="sums over dates: their variance is a difference of two",
    ),
    "seasonal_fit": Declared(
        arguments="fbiddsff",
        registers=64,
        float64=80,
        why_float64="sums over dates, and the solution of their normal equations",
    ),
    "temporal_extremes": Declared(arguments="fbihff", registers=32, float64=0),
    "temporal_mean_minimum": Declared(
        arguments="fiff", registers=32, float64=24, why_float64="sums over dates"
    ),
    "log_ratio": Declared(arguments="ffbf", registers=32, float64=0),
    "change_index": Declared(arguments="fffbhf", registers=32, float64=0),
}


def temporal_statistics(
    power: Any, valid: Any, pixels: int, mean: Any, deviation: Any, variation: Any, dispersion: Any
) -> None:
    """Driver of :func:`.scalar.shifted_sums` and :func:`.scalar.shifted_amplitude_sums`.

    Outputs that are empty are not asked for.
    """
    for i in range(cuda.grid(1), pixels, cuda.gridsize(1)):
        n = ZERO
        shift = ZERO
        total = 0.0
        squares = 0.0
        m = ZERO  # and the same of amplitudes
        root = ZERO
        roots = 0.0
        root_squares = 0.0
        first = ZERO
        for at in range(i, power.size, pixels):
            x = power[np.uint64(at)]
            used = is_counted(x, valid[np.uint64(at)])
            n, shift, total, squares = shifted_sums(x, used, n, shift, total, squares)
            if dispersion.size > 0:
                m, root, roots, root_squares, first = shifted_amplitude_sums(
                    x, used, m, root, roots, root_squares, first
                )
        if mean.size > 0:
            mean[i] = mean_of(n, shift, total)
        if deviation.size > 0:
            deviation[i] = deviation_of(n, total, squares)
        if variation.size > 0:
            variation[i] = variation_of(n, shift, total, squares)
        if dispersion.size > 0:
            dispersion[i] = variation_of(m, root, roots, root_squares)


def seasonal_fit(
    power: Any, valid: Any, pixels: int, cosine: Any, sine: Any, smallest: float, amplitude: Any, day: Any
) -> None:
    """Driver of :func:`.scalar.harmonic` and :func:`.scalar.harmonic_fit`; as above."""
    for i in range(cuda.grid(1), pixels, cuda.gridsize(1)):
        sums = (ZERO, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
        at = i
        for date in range(cosine.size):
            y = decibels(power[np.uint64(at)])
            used = is_counted(y, valid[np.uint64(at)])
            sums = harmonic(y, used, cosine[np.uint64(date)], sine[np.uint64(date)], sums)
            at += pixels
        b, c = harmonic_fit(sums, smallest)
        if amplitude.size > 0:
            amplitude[i] = amplitude_of(b, c)
        if day.size > 0:
            day[i] = peak_day_of(b, c)


def temporal_extremes(power: Any, valid: Any, pixels: int, least: Any, lowest: Any, highest: Any) -> None:
    """Driver of :func:`.scalar.lower_value` and :func:`.scalar.higher_value`."""
    for i in range(cuda.grid(1), pixels, cuda.gridsize(1)):
        low = INFINITY
        high = -INFINITY
        for at in range(i, power.size, pixels):
            x = power[np.uint64(at)]
            used = is_counted_from(x, valid[np.uint64(at)], least)
            low = lower_value(x, used, low)
            high = higher_value(x, used, high)
        lowest[i] = found_extreme(low)
        highest[i] = found_extreme(high)


def temporal_mean_minimum(values: Any, pixels: int, mean: Any, minimum: Any) -> None:
    """Driver of :func:`.scalar.added_value` and :func:`.scalar.lower_value`."""
    for i in range(cuda.grid(1), pixels, cuda.gridsize(1)):
        count = ZERO
        total = 0.0
        low = INFINITY
        for at in range(i, values.size, pixels):
            x = values[np.uint64(at)]
            used = is_number(x)
            count, total = added_value(x, used, count, total)
            low = lower_value(x, used, low)
        mean[i] = average_of(count, total)
        minimum[i] = found_extreme(low)


def log_ratio(power: Any, other: Any, valid: Any, ratio: Any) -> None:
    """Driver of :func:`.scalar.ratio_in_decibels`."""
    for i in range(cuda.grid(1), ratio.size, cuda.gridsize(1)):
        ratio[i] = ratio_in_decibels(power[i], other[i], valid[i])


def change_index(power: Any, dry: Any, wet: Any, valid: Any, smallest: Any, index: Any) -> None:
    """Driver of :func:`.scalar.relative_change`."""
    for i in range(cuda.grid(1), index.size, cuda.gridsize(1)):
        index[i] = relative_change(power[i], dry[i], wet[i], valid[i], smallest)


KERNEL = kernels_of(__name__)
