"""The CUDA kernels of speckle filters whose windows are summed in tiles: see :mod:`driving.tiling`.

One quantity after the other passes through shared memory: how many pixels are valid, the span and its squares, and
every plane.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.binding import bind
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import (
    THREADS,
    cuda,
    device_function,
    device_functions,
    kernel,
    ordered_function,
)
from alignsar_gpu.kernels.driving.mathematics import ONE, ZERO
from alignsar_gpu.kernels.driving.tiling import LINES, STEP, column_sums, sums_of, window_sums
from numba import float32, float64

from .cuda import WHY_SUMS, WHY_VARIANCE
from .scalar import counted, gamma_map_value, mmse_value, mmse_weight, window_mean

SHARED_BOXCAR = STEP * (4 + 8)
SHARED_SPAN = STEP * (4 + 8 + 8)
SHARED_LEE = SHARED_SPAN + STEP * (4 + 8)

DECLARED = {
    "speckle_boxcar_tile": Declared(
        arguments="fbppppf", registers=64, float64=40, shared=SHARED_BOXCAR, why_float64=WHY_SUMS
    ),
    "speckle_lee_tile": Declared(
        arguments="fbppppsf", registers=80, float64=180, shared=SHARED_LEE, why_float64=WHY_VARIANCE
    ),
    "speckle_gamma_map_tile": Declared(
        arguments="fbppppsf", registers=72, float64=170, shared=SHARED_SPAN, why_float64=WHY_VARIANCE
    ),
}

PIXEL_FUNCTIONS = ("pixel_count", "pixel_plane", "pixel_span")
SUM_FUNCTIONS = ("add_one", "put_one", "take_one", "add_span", "put_span", "take_span")


def pixel_count(valid: Any, i: Any) -> Any:
    """One for a valid pixel."""
    return ((ONE if valid[i] else ZERO),)


def pixel_plane(images: Any, i: Any) -> Any:
    """A pixel of a plane that begins at an index."""
    planes, valid, start = images
    return (counted(planes[start + i], valid[i]),)


def pixel_span(images: Any, i: Any) -> Any:
    """One for a valid pixel, its span, and the square of that."""
    planes, valid, powers = images
    good = valid[i]
    span = counted(planes[i], good)
    for p in range(1, powers):
        span += counted(planes[np.uint64(p) * np.uint64(valid.size) + i], good)
    return (ONE if good else ZERO), span, span * span


def add_one(a: Any, b: Any) -> Any:
    """Sum of two numbers."""
    return (a[0] + b[0],)


def put_one(values: Any, columns: Any, place: int) -> None:
    """Put a number into shared memory."""
    columns[np.uint64(place)] = values[0]


def take_one(columns: Any, place: int) -> Any:
    """Take a number from shared memory."""
    return (columns[np.uint64(place)],)


def add_span(a: Any, b: Any) -> Any:
    """Sums of three numbers each."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2]


def put_span(values: Any, columns: Any, place: int) -> None:
    """Put what `pixel_span` returns into shared memory."""
    counts, totals, squares = columns
    i = np.uint64(place)
    counts[i], totals[i], squares[i] = values


def take_span(columns: Any, place: int) -> Any:
    """Take it from there."""
    counts, totals, squares = columns
    i = np.uint64(place)
    return counts[i], totals[i], squares[i]


# `column_sums` and `window_sums` of the number of valid pixels, of a plane, and of the span.
count_columns: Any = column_sums
count_windows: Any = window_sums
plane_columns: Any = column_sums
plane_windows: Any = window_sums
span_columns: Any = column_sums
span_windows: Any = window_sums


def speckle_boxcar_tile(
    planes: Any,
    valid: Any,
    counts: tuple[int, int],
    shape: tuple[int, int],
    half: tuple[int, int],
    span: tuple[int, int],
    out: Any,
) -> None:
    """As :func:`.cuda.speckle_boxcar_direct`."""
    numbers = cuda.shared.array(STEP, float32)
    columns = cuda.shared.array(STEP, float64)
    thread = cuda.threadIdx.x
    tile = THREADS - 2 * half[1]
    for row in range(cuda.blockIdx.y * LINES, span[1], cuda.gridDim.y * LINES):
        lines = min(LINES, span[1] - row)
        for left in range(cuda.blockIdx.x * tile, shape[1], cuda.gridDim.x * tile):
            sample = left + thread - half[1]
            count_columns(valid, shape, span[0] + row, sample, half[0], numbers, thread)
            for p in range(counts[0]):
                start = np.uint64(p) * np.uint64(valid.size)
                plane_columns((planes, valid, start), shape, span[0] + row, sample, half[0], columns, thread)
                cuda.syncthreads()
                if thread < tile and left + thread < shape[1]:
                    for k in range(lines):
                        count = count_windows(numbers, k, thread, half[1])[0]
                        total = plane_windows(columns, k, thread, half[1])[0]
                        at = np.uint64((row + k) * shape[1] + left + thread)
                        good = valid[np.uint64(span[0] * shape[1]) + at]
                        place = np.uint64(p) * np.uint64(span[1] * shape[1]) + at
                        out[place] = window_mean(total, np.float64(count), good)
                cuda.syncthreads()


def speckle_lee_tile(
    planes: Any,
    valid: Any,
    counts: tuple[int, int],
    shape: tuple[int, int],
    half: tuple[int, int],
    span: tuple[int, int],
    noise: Any,
    out: Any,
) -> None:
    """As :func:`.cuda.speckle_lee_direct`: weights of the span, which each thread keeps for itself; then planes."""
    counts_of_columns = cuda.shared.array(STEP, float32)
    columns = cuda.shared.array(STEP, float64)
    squares_of_columns = cuda.shared.array(STEP, float64)
    numbers = cuda.shared.array(STEP, float32)
    weights = cuda.shared.array(STEP, float64)
    begin = 1 if counts[1] == 1 else 0  # the span of one power is the first plane
    first = np.uint64(span[0] * shape[1])
    thread = cuda.threadIdx.x
    tile = THREADS - 2 * half[1]
    for row in range(cuda.blockIdx.y * LINES, span[1], cuda.gridDim.y * LINES):
        lines = min(LINES, span[1] - row)
        for left in range(cuda.blockIdx.x * tile, shape[1], cuda.gridDim.x * tile):
            sample = left + thread - half[1]
            inside = thread < tile and left + thread < shape[1]
            own = (counts_of_columns, columns, squares_of_columns)
            span_columns((planes, valid, counts[1]), shape, span[0] + row, sample, half[0], own, thread)
            cuda.syncthreads()
            if inside:
                for k in range(lines):
                    count, total, squares = span_windows(own, k, thread, half[1])
                    weight = mmse_weight(total, squares, np.float64(count), noise)
                    numbers[np.uint64(k * THREADS + thread)] = count
                    weights[np.uint64(k * THREADS + thread)] = weight
                    if begin > 0:
                        at = np.uint64((row + k) * shape[1] + left + thread)
                        i = first + at
                        out[at] = mmse_value(total, np.float64(count), weight, planes[i], valid[i])
            for p in range(begin, counts[0]):
                cuda.syncthreads()
                start = np.uint64(p) * np.uint64(valid.size)
                plane_columns((planes, valid, start), shape, span[0] + row, sample, half[0], columns, thread)
                cuda.syncthreads()
                if inside:
                    for k in range(lines):
                        total = plane_windows(columns, k, thread, half[1])[0]
                        count = np.float64(numbers[np.uint64(k * THREADS + thread)])
                        weight = weights[np.uint64(k * THREADS + thread)]
                        at = np.uint64((row + k) * shape[1] + left + thread)
                        i = first + at
                        place = np.uint64(p) * np.uint64(span[1] * shape[1]) + at
                        out[place] = mmse_value(total, count, weight, planes[start + i], valid[i])
            cuda.syncthreads()


def speckle_gamma_map_tile(
    planes: Any,
    valid: Any,
    counts: tuple[int, int],
    shape: tuple[int, int],
    half: tuple[int, int],
    span: tuple[int, int],
    looks: Any,
    out: Any,
) -> None:
    """As :func:`.cuda.speckle_gamma_map_direct`."""
    columns = (
        cuda.shared.array(STEP, float32),
        cuda.shared.array(STEP, float64),
        cuda.shared.array(STEP, float64),
    )
    thread = cuda.threadIdx.x
    tile = THREADS - 2 * half[1]
    for row in range(cuda.blockIdx.y * LINES, span[1], cuda.gridDim.y * LINES):
        for left in range(cuda.blockIdx.x * tile, shape[1], cuda.gridDim.x * tile):
            sample = left + thread - half[1]
            span_columns((planes, valid, counts[1]), shape, span[0] + row, sample, half[0], columns, thread)
            cuda.syncthreads()
            if thread < tile and left + thread < shape[1]:
                for k in range(min(LINES, span[1] - row)):
                    at = np.uint64((row + k) * shape[1] + left + thread)
                    i = np.uint64(span[0] * shape[1]) + at
                    count, total, squares = span_windows(columns, k, thread, half[1])
                    out[at] = gamma_map_value(total, squares, np.float64(count), planes[i], looks, valid[i])
            cuda.syncthreads()


def _bound() -> dict[str, Any]:
    module = sys.modules[__name__]
    forms = bind(device_function, PIXEL_FUNCTIONS, module, device_functions(str(__package__)))
    forms = bind(ordered_function, SUM_FUNCTIONS, module, forms)
    one: dict[str, Any] = {"add": add_one, "put": put_one, "take": take_one}
    counts = sums_of(forms, quantities=pixel_count, nothing=(ZERO,), **one)
    plane = sums_of(forms, quantities=pixel_plane, nothing=(0.0,), **one)
    several: dict[str, Any] = {"add": add_span, "put": put_span, "take": take_span}
    spans = sums_of(forms, quantities=pixel_span, nothing=(ZERO, 0.0, 0.0), **several)
    given = {
        f"{name}_{part}": sums[function]
        for name, sums in {"count": counts, "plane": plane, "span": spans}.items()
        for part, function in {"columns": column_sums, "windows": window_sums}.items()
    }
    forms = bind(kernel, tuple(DECLARED), module, forms, given)
    return {name: forms[getattr(module, name)] for name in DECLARED}


KERNEL = _bound()
