"""The CUDA kernels of :mod:`.scalar`: as in :mod:`coherence.cuda`. Import it late: it imports numba.cuda.

A thread filters all planes of a pixel, and sums whole windows: what neighbours share comes out of the caches. Windows
of more pixels are summed in tiles, by :mod:`.cuda_tiles`, but for those of refined Lee. Its half windows differ from
pixel to pixel, so that neighbours have no sums in common; and the means over its sub-windows of 3 x 3 pixels would not
take half as many reads in tiles: 36 (18 of global, 18 of shared memory) instead of 54, beside 56 of a half window of
7 x 7 pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import THREADS, cuda, kernels_of
from alignsar_gpu.kernels.driving.mathematics import ZERO
from numba import float64

from .scalar import (
    WHOLE,
    counted,
    facing_window,
    gamma_map_value,
    mmse_value,
    mmse_weight,
    multitemporal_value,
    relative_power,
    run_of,
    subwindow_mean,
    window_mean,
)

DEVICE_FUNCTIONS = (
    "first_and_last",
    "valid_count",
    "plane_total",
    "span_totals",
    "span_mean",
    "half_window_of",
    "filter_pixel",
)

SHARED = 3 * THREADS

WHY_SUMS = "sums over windows, also of elements of matrices that nearly cancel"
WHY_VARIANCE = "sums over windows: their variance is a difference of two"
DECLARED = {
    "speckle_boxcar_direct": Declared(arguments="fbppppf", registers=64, float64=24, why_float64=WHY_SUMS),
    "speckle_lee_direct": Declared(arguments="fbppppsf", registers=80, float64=128, why_float64=WHY_VARIANCE),
    "speckle_refined_lee": Declared(
        arguments="fbppppsf", registers=80, float64=180, shared=8 * SHARED, why_float64=WHY_VARIANCE
    ),
    "speckle_gamma_map_direct": Declared(
        arguments="fbppppsf", registers=72, float64=72, why_float64=WHY_VARIANCE
    ),
    "multitemporal": Declared(arguments="ffbif", registers=48, float64=0),
}


def first_and_last(window: int, line: int, half: int, sample: int, samples: int) -> tuple[int, int]:
    """First and last sample of a window around ``sample`` in one of its lines, within the image."""
    a, b = run_of(window, line, half)
    return max(sample + a, 0), min(sample + b, samples - 1)


def valid_count(valid: Any, shape: tuple[int, int], place: tuple[int, int], half: tuple[int, int]) -> Any:
    """How many pixels of the window of a pixel are valid."""
    count = 0
    for line in range(max(place[0] - half[0], 0), min(place[0] + half[0], shape[0] - 1) + 1):
        a, b = first_and_last(WHOLE, line - place[0], half[1], place[1], shape[1])
        for i in range(line * shape[1] + a, line * shape[1] + b + 1):
            count += 1 if valid[np.uint64(i)] else 0
    return np.float64(count)


def plane_total(
    planes: Any, plane: int, valid: Any, shape: tuple[int, int], place: Any, half: Any, window: int
) -> Any:
    """Sum of a plane over the window of a pixel."""
    start = np.uint64(plane) * np.uint64(shape[0] * shape[1])
    total = 0.0
    for line in range(max(place[0] - half[0], 0), min(place[0] + half[0], shape[0] - 1) + 1):
        a, b = first_and_last(window, line - place[0], half[1], place[1], shape[1])
        for i in range(line * shape[1] + a, line * shape[1] + b + 1):
            total += counted(planes[start + np.uint64(i)], valid[np.uint64(i)])
    return total


def span_totals(
    planes: Any, powers: int, valid: Any, shape: tuple[int, int], place: Any, half: Any, window: int
) -> Any:
    """How many pixels of the window of a pixel are valid, and the sums of their span and of its squares."""
    size = np.uint64(shape[0] * shape[1])
    count = 0
    total = 0.0
    squares = 0.0
    for line in range(max(place[0] - half[0], 0), min(place[0] + half[0], shape[0] - 1) + 1):
        a, b = first_and_last(window, line - place[0], half[1], place[1], shape[1])
        for k in range(line * shape[1] + a, line * shape[1] + b + 1):
            i = np.uint64(k)
            if valid[i]:
                span = np.float64(planes[i])
                for p in range(1, powers):
                    span += np.float64(planes[np.uint64(p) * size + i])
                count += 1
                total += span
                squares += span * span
    return np.float64(count), total, squares


def span_mean(
    planes: Any, powers: int, valid: Any, shape: tuple[int, int], line: int, sample: int, inner: int
) -> Any:
    """Mean of the span over a sub-window; MISSING if nothing of it is valid."""
    count, total, _ = span_totals(planes, powers, valid, shape, (line, sample), (inner, inner), WHOLE)
    return subwindow_mean(total, count)


def half_window_of(means: Any, slot: int, away: int) -> Any:
    """The half window of a pixel from the means of sub-windows around it and two other lines."""
    a = np.uint64(slot - away)
    b = np.uint64(slot)
    c = np.uint64(slot + away)
    line = np.uint64(THREADS)
    return facing_window(
        means[a],
        means[b],
        means[c],
        means[line + a],
        means[line + b],
        means[line + c],
        means[line + line + a],
        means[line + line + b],
        means[line + line + c],
    )


def filter_pixel(
    planes: Any,
    valid: Any,
    counts: tuple[int, int],
    shape: tuple[int, int],
    half: tuple[int, int],
    span: tuple[int, int],
    place: tuple[int, int],
    window: int,
    noise: Any,
    out: Any,
) -> None:
    """All planes of a pixel, weighted over one of its windows."""
    count, total, squares = span_totals(planes, counts[1], valid, shape, place, half, window)
    weight = mmse_weight(total, squares, count, noise)
    i = np.uint64(place[0] * shape[1] + place[1])
    k = np.uint64((place[0] - span[0]) * shape[1] + place[1])
    for p in range(counts[0]):
        if counts[1] > 1 or p > 0:
            total = plane_total(planes, p, valid, shape, place, half, window)
        centre = planes[np.uint64(p) * np.uint64(shape[0] * shape[1]) + i]
        out[np.uint64(p) * np.uint64(span[1] * shape[1]) + k] = mmse_value(
            total, count, weight, centre, valid[i]
        )


def speckle_boxcar_direct(
    planes: Any,
    valid: Any,
    counts: tuple[int, int],
    shape: tuple[int, int],
    half: tuple[int, int],
    span: tuple[int, int],
    out: Any,
) -> None:
    """Driver of :func:`.scalar.window_mean` over span[1] lines from span[0] on.

    ``counts`` are those of the planes and of the powers among them; a row of blocks takes a line.
    """
    for row in range(cuda.blockIdx.y, span[1], cuda.gridDim.y):
        for sample in range(cuda.blockIdx.x * THREADS + cuda.threadIdx.x, shape[1], cuda.gridDim.x * THREADS):
            place = (span[0] + row, sample)
            count = valid_count(valid, shape, place, half)
            good = valid[np.uint64(place[0] * shape[1] + sample)]
            for p in range(counts[0]):
                total = plane_total(planes, p, valid, shape, place, half, WHOLE)
                k = np.uint64(p) * np.uint64(span[1] * shape[1]) + np.uint64(row * shape[1] + sample)
                out[k] = window_mean(total, count, good)


def speckle_lee_direct(
    planes: Any,
    valid: Any,
    counts: tuple[int, int],
    shape: tuple[int, int],
    half: tuple[int, int],
    span: tuple[int, int],
    noise: Any,
    out: Any,
) -> None:
    """Driver of :func:`.scalar.mmse_value`; the same."""
    for row in range(cuda.blockIdx.y, span[1], cuda.gridDim.y):
        for sample in range(cuda.blockIdx.x * THREADS + cuda.threadIdx.x, shape[1], cuda.gridDim.x * THREADS):
            place = (span[0] + row, sample)
            filter_pixel(planes, valid, counts, shape, half, span, place, WHOLE, noise, out)


def speckle_refined_lee(
    planes: Any,
    valid: Any,
    counts: tuple[int, int],
    shape: tuple[int, int],
    half: tuple[int, int],
    span: tuple[int, int],
    noise: Any,
    out: Any,
) -> None:
    """Driver of :func:`.scalar.facing_window` and :func:`.scalar.mmse_value`; the same.

    Each thread takes the means of three sub-windows, one above the other, of which its neighbours need the same.
    """
    means = cuda.shared.array(SHARED, float64)
    thread = cuda.threadIdx.x
    inner = (half[0] + 2) // 3
    away = half[0] - inner
    tile = THREADS - 2 * away
    for row in range(cuda.blockIdx.y, span[1], cuda.gridDim.y):
        for left in range(cuda.blockIdx.x * tile, shape[1], cuda.gridDim.x * tile):
            place = (span[0] + row, left + thread - away)
            for k in range(3):
                line = place[0] + (k - 1) * away
                means[np.uint64(k * THREADS + thread)] = span_mean(
                    planes, counts[1], valid, shape, line, place[1], inner
                )
            cuda.syncthreads()
            if away <= thread < away + tile and place[1] < shape[1]:
                window = half_window_of(means, thread, away)
                filter_pixel(planes, valid, counts, shape, half, span, place, window, noise, out)
            cuda.syncthreads()


def speckle_gamma_map_direct(
    planes: Any,
    valid: Any,
    counts: tuple[int, int],
    shape: tuple[int, int],
    half: tuple[int, int],
    span: tuple[int, int],
    looks: Any,
    out: Any,
) -> None:
    """Driver of :func:`.scalar.gamma_map_value`; the same, of one plane."""
    for row in range(cuda.blockIdx.y, span[1], cuda.gridDim.y):
        for sample in range(cuda.blockIdx.x * THREADS + cuda.threadIdx.x, shape[1], cuda.gridDim.x * THREADS):
            place = (span[0] + row, sample)
            count, total, squares = span_totals(planes, counts[1], valid, shape, place, half, WHOLE)
            i = np.uint64(place[0] * shape[1] + sample)
            out[np.uint64(row * shape[1] + sample)] = gamma_map_value(
                total, squares, count, planes[i], looks, valid[i]
            )


def multitemporal(powers: Any, means: Any, valid: Any, dates: int, out: Any) -> None:
    """Driver of :func:`.scalar.multitemporal_value`; a thread takes all dates of a pixel."""
    pixels = powers.size // dates
    for pixel in range(cuda.grid(1), pixels, cuda.gridsize(1)):
        total = ZERO
        count = ZERO
        for date in range(dates):
            i = np.uint64(date * pixels + pixel)
            ratio, one = relative_power(powers[i], means[i], valid[i])
            total += ratio
            count += one
        for date in range(dates):
            i = np.uint64(date * pixels + pixel)
            out[i] = multitemporal_value(means[i], total, count, valid[i])


KERNEL = kernels_of(__name__)
