"""The CPU drivers of :mod:`.scalar`: loops in plain Python, compiled by :mod:`driving.cpujit`.

As in :mod:`coherence.cpu`, the loops that LLVM vectorises are in functions of their own. Stacks are [date, pixel].
Dates are taken in fours, so that the sums of a run of pixels, all in one buffer of constant stride, are read and
written once for four of them; those that are missing in the last four are masked. Every pixel goes through its dates
in order: results depend neither on threads nor on which pixels are computed in one call.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import NAN, ZERO
from alignsar_gpu.kernels.driving.threads import in_threads

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

RUN = 512  # pixels at a time: their sums stay in the first cache, their dates in the second
BLOCK = 64 * RUN  # pixels that one thread takes at a time, at least
GROUP = 4  # dates at a time

PARTS = (  # in the order in which they call each other
    "fill",
    "four_rows",
    "moments_run",
    "amplitudes_run",
    "mean_run",
    "deviation_run",
    "variation_run",
    "statistics_run",
    "harmonics_run",
    "fit_run",
    "seasonal_run",
    "lowest_run",
    "highest_run",
    "found_run",
    "sums_run",
    "minimum_run",
    "average_run",
    "ratio_run",
    "change_run",
)
INLINED = ("statistics_run",)
LOOPS = (
    "statistics_blocks",
    "seasonal_blocks",
    "extremes_blocks",
    "mean_minimum_blocks",
    "ratio_blocks",
    "change_blocks",
)
DRIVERS = (
    "temporal_statistics",
    "seasonal_fit",
    "temporal_extremes",
    "temporal_mean_minimum",
    "log_ratio",
    "change_index",
)


def fill(values: Any, value: Any) -> None:
    """All of this value."""
    for i in range(values.size):
        values[i] = value


def four_rows(images: Any, beyond: Any, date: int, span: tuple[int, int]) -> Any:
    """A run of pixels on four dates; ``beyond`` for those after the last."""
    dates = images.shape[0]
    a, b = span
    return (
        images[date, a:b],
        images[date + 1, a:b] if date + 1 < dates else beyond[: b - a],
        images[date + 2, a:b] if date + 2 < dates else beyond[: b - a],
        images[date + 3, a:b] if date + 3 < dates else beyond[: b - a],
    )


def moments_run(values: Any, valid: Any, own: Any, sums: Any) -> None:
    """Four dates more in counts and first values (``own``) and in sums, as of `shifted_sums`."""
    x0, x1, x2, x3 = values
    v0, v1, v2, v3 = valid
    for i in range(x0.size):
        n, shift, total, squares = own[i], own[RUN + i], sums[i], sums[RUN + i]
        n, shift, total, squares = shifted_sums(x0[i], is_counted(x0[i], v0[i]), n, shift, total, squares)
        n, shift, total, squares = shifted_sums(x1[i], is_counted(x1[i], v1[i]), n, shift, total, squares)
        n, shift, total, squares = shifted_sums(x2[i], is_counted(x2[i], v2[i]), n, shift, total, squares)
        n, shift, total, squares = shifted_sums(x3[i], is_counted(x3[i], v3[i]), n, shift, total, squares)
        own[i], own[RUN + i], sums[i], sums[RUN + i] = n, shift, total, squares


def amplitudes_run(values: Any, valid: Any, own: Any, sums: Any) -> None:
    """The same of `shifted_amplitude_sums`."""
    x0, x1, x2, x3 = values
    v0, v1, v2, v3 = valid
    for i in range(x0.size):
        n, shift, first = own[i], own[RUN + i], own[2 * RUN + i]
        total, squares = sums[i], sums[RUN + i]
        n, shift, total, squares, first = shifted_amplitude_sums(
            x0[i], is_counted(x0[i], v0[i]), n, shift, total, squares, first
        )
        n, shift, total, squares, first = shifted_amplitude_sums(
            x1[i], is_counted(x1[i], v1[i]), n, shift, total, squares, first
        )
        n, shift, total, squares, first = shifted_amplitude_sums(
            x2[i], is_counted(x2[i], v2[i]), n, shift, total, squares, first
        )
        n, shift, total, squares, first = shifted_amplitude_sums(
            x3[i], is_counted(x3[i], v3[i]), n, shift, total, squares, first
        )
        own[i], own[RUN + i], own[2 * RUN + i] = n, shift, first
        sums[i], sums[RUN + i] = total, squares


def mean_run(own: Any, sums: Any, mean: Any) -> None:
    """Means of a run of pixels."""
    for i in range(mean.size):
        mean[i] = mean_of(own[i], own[RUN + i], sums[i])


def deviation_run(own: Any, sums: Any, deviation: Any) -> None:
    """Standard deviations of a run of pixels."""
    for i in range(deviation.size):
        deviation[i] = deviation_of(own[i], sums[i], sums[RUN + i])


def variation_run(own: Any, sums: Any, variation: Any) -> None:
    """Standard deviation / mean of a run of pixels."""
    for i in range(variation.size):
        variation[i] = variation_of(own[i], own[RUN + i], sums[i], sums[RUN + i])


def statistics_run(stack: Any, beyond: Any, span: tuple[int, int], work: Any, outputs: Any) -> None:
    """What is asked for of a run of pixels."""
    power, valid = stack
    own, sums = work
    mean, deviation, variation, dispersion = outputs
    a, b = span
    if mean.size + deviation.size + variation.size > 0:
        fill(own, ZERO)
        fill(sums, 0.0)
        for date in range(0, power.shape[0], GROUP):
            values = four_rows(power, beyond[0], date, span)
            moments_run(values, four_rows(valid, beyond[1], date, span), own, sums)
        mean_run(own, sums, mean[a:b])
        deviation_run(own, sums, deviation[a:b])
        variation_run(own, sums, variation[a:b])
    if dispersion.size > 0:
        fill(own, ZERO)
        fill(sums, 0.0)
        for date in range(0, power.shape[0], GROUP):
            values = four_rows(power, beyond[0], date, span)
            amplitudes_run(values, four_rows(valid, beyond[1], date, span), own, sums)
        variation_run(own, sums, dispersion[a:b])


def statistics_blocks(first: int, stop: int, power: Any, valid: Any, outputs: Any) -> None:
    """`statistics_run` over blocks of pixels."""
    work = (np.empty(3 * RUN, np.float32), np.empty(2 * RUN))
    beyond = (np.zeros(RUN, np.float32), np.zeros(RUN, np.bool_))
    pixels = power.shape[1]
    for a in range(first * BLOCK, min(stop * BLOCK, pixels), RUN):
        statistics_run((power, valid), beyond, (a, min(a + RUN, pixels)), work, outputs)


def harmonics_run(values: Any, valid: Any, table: Any, date: int, sums: Any) -> None:
    """Four dates more in the sums of `harmonic`, of which ``table`` holds cosine and sine."""
    x0, x1, x2, x3 = values
    v0, v1, v2, v3 = valid
    last = table.shape[1] - 1
    c0, s0 = table[0, date], table[1, date]
    c1, s1 = table[0, min(date + 1, last)], table[1, min(date + 1, last)]
    c2, s2 = table[0, min(date + 2, last)], table[1, min(date + 2, last)]
    c3, s3 = table[0, min(date + 3, last)], table[1, min(date + 3, last)]
    for i in range(x0.size):
        total = (
            sums[i],
            sums[RUN + i],
            sums[2 * RUN + i],
            sums[3 * RUN + i],
            sums[4 * RUN + i],
            sums[5 * RUN + i],
            sums[6 * RUN + i],
            sums[7 * RUN + i],
        )
        y = decibels(x0[i])
        total = harmonic(y, is_counted(y, v0[i]), c0, s0, total)
        y = decibels(x1[i])
        total = harmonic(y, is_counted(y, v1[i]), c1, s1, total)
        y = decibels(x2[i])
        total = harmonic(y, is_counted(y, v2[i]), c2, s2, total)
        y = decibels(x3[i])
        total = harmonic(y, is_counted(y, v3[i]), c3, s3, total)
        sums[i] = total[0]
        sums[RUN + i] = total[1]
        sums[2 * RUN + i] = total[2]
        sums[3 * RUN + i] = total[3]
        sums[4 * RUN + i] = total[4]
        sums[5 * RUN + i] = total[5]
        sums[6 * RUN + i] = total[6]
        sums[7 * RUN + i] = total[7]


def fit_run(sums: Any, smallest: float, fit: Any, pixels: int) -> None:
    """Both coefficients of a run of pixels, one after the other in ``fit``."""
    for i in range(pixels):
        fit[i], fit[RUN + i] = harmonic_fit(
            (
                sums[i],
                sums[RUN + i],
                sums[2 * RUN + i],
                sums[3 * RUN + i],
                sums[4 * RUN + i],
                sums[5 * RUN + i],
                sums[6 * RUN + i],
                sums[7 * RUN + i],
            ),
            smallest,
        )


def seasonal_run(fit: Any, amplitude: Any, day: Any) -> None:
    """Amplitudes and days of the maximum, if asked for, of a run of pixels."""
    for i in range(amplitude.size):
        amplitude[i] = amplitude_of(fit[i], fit[RUN + i])
    for i in range(day.size):
        day[i] = peak_day_of(fit[i], fit[RUN + i])


def seasonal_blocks(
    first: int, stop: int, power: Any, valid: Any, table: Any, smallest: float, outputs: Any
) -> None:
    """A harmonic of blocks of pixels: `harmonics_run`, then `fit_run`."""
    dates, pixels = power.shape
    amplitude, day = outputs
    sums = np.empty(8 * RUN)
    fit = np.empty(2 * RUN)
    blank = np.zeros(RUN, np.float32)
    nothing = np.zeros(RUN, np.bool_)
    for a in range(first * BLOCK, min(stop * BLOCK, pixels), RUN):
        b = min(a + RUN, pixels)
        fill(sums, 0.0)
        for date in range(0, dates, GROUP):
            values = four_rows(power, blank, date, (a, b))
            harmonics_run(values, four_rows(valid, nothing, date, (a, b)), table, date, sums)
        fit_run(sums, smallest, fit, b - a)
        seasonal_run(fit, amplitude[a:b], day[a:b])


def lowest_run(values: Any, valid: Any, least: Any, lowest: Any) -> None:
    """The lowest of four dates more."""
    x0, x1, x2, x3 = values
    v0, v1, v2, v3 = valid
    for i in range(lowest.size):
        low = lower_value(x0[i], is_counted_from(x0[i], v0[i], least), lowest[i])
        low = lower_value(x1[i], is_counted_from(x1[i], v1[i], least), low)
        low = lower_value(x2[i], is_counted_from(x2[i], v2[i], least), low)
        lowest[i] = lower_value(x3[i], is_counted_from(x3[i], v3[i], least), low)


def highest_run(values: Any, valid: Any, least: Any, highest: Any) -> None:
    """The highest of four dates more."""
    x0, x1, x2, x3 = values
    v0, v1, v2, v3 = valid
    for i in range(highest.size):
        high = higher_value(x0[i], is_counted_from(x0[i], v0[i], least), highest[i])
        high = higher_value(x1[i], is_counted_from(x1[i], v1[i], least), high)
        high = higher_value(x2[i], is_counted_from(x2[i], v2[i], least), high)
        highest[i] = higher_value(x3[i], is_counted_from(x3[i], v3[i], least), high)


def found_run(extremes: Any) -> None:
    """NaN where a run of extremes still is infinite."""
    for i in range(extremes.size):
        extremes[i] = found_extreme(extremes[i])


def extremes_blocks(
    first: int, stop: int, power: Any, valid: Any, least: Any, lowest: Any, highest: Any
) -> None:
    """The lowest and the highest of blocks of pixels, from ``least`` on."""
    dates, pixels = power.shape
    blank = np.zeros(RUN, np.float32)
    nothing = np.zeros(RUN, np.bool_)
    for a in range(first * BLOCK, min(stop * BLOCK, pixels), RUN):
        b = min(a + RUN, pixels)
        fill(lowest[a:b], INFINITY)
        fill(highest[a:b], -INFINITY)
        for date in range(0, dates, GROUP):
            values = four_rows(power, blank, date, (a, b))
            masks = four_rows(valid, nothing, date, (a, b))
            lowest_run(values, masks, least, lowest[a:b])
            highest_run(values, masks, least, highest[a:b])
        found_run(lowest[a:b])
        found_run(highest[a:b])


def sums_run(values: Any, sums: Any) -> None:
    """The count and the sum of four dates more."""
    x0, x1, x2, x3 = values
    for i in range(x0.size):
        count, total = added_value(x0[i], is_number(x0[i]), sums[i], sums[RUN + i])
        count, total = added_value(x1[i], is_number(x1[i]), count, total)
        count, total = added_value(x2[i], is_number(x2[i]), count, total)
        count, total = added_value(x3[i], is_number(x3[i]), count, total)
        sums[i] = count
        sums[RUN + i] = total


def minimum_run(values: Any, minimum: Any) -> None:
    """The lowest of four dates more."""
    x0, x1, x2, x3 = values
    for i in range(minimum.size):
        least = lower_value(x0[i], is_number(x0[i]), minimum[i])
        least = lower_value(x1[i], is_number(x1[i]), least)
        least = lower_value(x2[i], is_number(x2[i]), least)
        minimum[i] = lower_value(x3[i], is_number(x3[i]), least)


def average_run(sums: Any, mean: Any) -> None:
    """Means of a run of pixels."""
    for i in range(mean.size):
        mean[i] = average_of(sums[i], sums[RUN + i])


def mean_minimum_blocks(first: int, stop: int, values: Any, mean: Any, minimum: Any) -> None:
    """Mean and minimum of blocks of pixels."""
    dates, pixels = values.shape
    sums = np.empty(2 * RUN)
    missing = np.empty(RUN, np.float32)
    fill(missing, NAN)
    for a in range(first * BLOCK, min(stop * BLOCK, pixels), RUN):
        b = min(a + RUN, pixels)
        fill(sums, 0.0)
        fill(minimum[a:b], INFINITY)
        for date in range(0, dates, GROUP):
            rows = four_rows(values, missing, date, (a, b))
            sums_run(rows, sums)
            minimum_run(rows, minimum[a:b])
        average_run(sums, mean[a:b])
        found_run(minimum[a:b])


def ratio_run(power: Any, other: Any, valid: Any, ratio: Any) -> None:
    """Ratios of a run of pixels."""
    for i in range(ratio.size):
        ratio[i] = ratio_in_decibels(power[i], other[i], valid[i])


def ratio_blocks(first: int, stop: int, power: Any, other: Any, valid: Any, ratio: Any) -> None:
    """`ratio_run` over blocks of flat arrays."""
    a = first * BLOCK
    b = min(stop * BLOCK, ratio.size)
    ratio_run(power[a:b], other[a:b], valid[a:b], ratio[a:b])


def change_run(images: Any, valid: Any, smallest: Any, index: Any) -> None:
    """Changes of a run of pixels."""
    power, dry, wet = images
    for i in range(index.size):
        index[i] = relative_change(power[i], dry[i], wet[i], valid[i], smallest)


def change_blocks(first: int, stop: int, images: Any, valid: Any, smallest: Any, index: Any) -> None:
    """`change_run` over blocks of flat arrays."""
    power, dry, wet = images
    a = first * BLOCK
    b = min(stop * BLOCK, index.size)
    change_run((power[a:b], dry[a:b], wet[a:b]), valid[a:b], smallest, index[a:b])


def temporal_statistics(power: Any, valid: Any, outputs: Any) -> None:
    """Driver of `scalar.shifted_sums` and `scalar.shifted_amplitude_sums`.

    ``outputs``: mean, deviation, coefficient of variation and amplitude dispersion, [pixel], or empty.
    """
    in_threads(statistics_blocks, -(-power.shape[1] // BLOCK), power, valid, tuple(outputs))


def seasonal_fit(power: Any, valid: Any, table: Any, smallest: float, outputs: Any) -> None:
    """Driver of `scalar.harmonic` and `scalar.harmonic_fit`.

    ``table``: cosine and sine of every date, float64 [2, date]. ``outputs``: amplitude and day, [pixel], or empty.
    """
    in_threads(seasonal_blocks, -(-power.shape[1] // BLOCK), power, valid, table, smallest, tuple(outputs))


def temporal_extremes(power: Any, valid: Any, least: Any, lowest: Any, highest: Any) -> None:
    """Driver of `scalar.lower_value` and `scalar.higher_value`, from ``least`` on."""
    in_threads(extremes_blocks, -(-power.shape[1] // BLOCK), power, valid, least, lowest, highest)


def temporal_mean_minimum(values: Any, mean: Any, minimum: Any) -> None:
    """Driver of `scalar.added_value` and `scalar.lower_value`."""
    in_threads(mean_minimum_blocks, -(-values.shape[1] // BLOCK), values, mean, minimum)


def log_ratio(power: Any, other: Any, valid: Any, ratio: Any) -> None:
    """Driver of `scalar.ratio_in_decibels` over flat arrays."""
    in_threads(ratio_blocks, -(-ratio.size // BLOCK), power, other, valid, ratio)


def change_index(power: Any, dry: Any, wet: Any, valid: Any, smallest: Any, index: Any) -> None:
    """Driver of `scalar.relative_change` over flat arrays."""
    in_threads(change_blocks, -(-index.size // BLOCK), (power, dry, wet), valid, smallest, index)
