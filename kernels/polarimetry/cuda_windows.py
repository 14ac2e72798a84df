"""The CUDA kernels of polarimetry that sum windows: in tiles, or, of few or very many samples, directly."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.binding import bind
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import THREADS, cuda, device_function, kernel, ordered_function
from alignsar_gpu.kernels.driving.mathematics import ZERO
from alignsar_gpu.kernels.driving.tiling import LINES, STEP, column_sums, direct_sums, sums_of, window_sums
from numba import float32

from .cuda import FORMS, clear_wanted, finish_dual, finish_quad
from .scalar import products_dual, products_quad

SUMS_DUAL = 5
SUMS_QUAD = 10
SHARED_DUAL = SUMS_DUAL * STEP
SHARED_QUAD = SUMS_QUAD * STEP

# See `.cuda.DECLARED`.
DECLARED = {
    "window_signatures_dual_direct": Declared(arguments="ccbffhpiqpf", registers=72, float64=0),
    "window_signatures_dual_tile": Declared(
        arguments="ccbffhpiqpf", registers=80, float64=0, shared=4 * SHARED_DUAL
    ),
    "window_signatures_quad_direct": Declared(arguments="ccccbffpiqpf", registers=80, float64=0),
    "window_signatures_quad_tile": Declared(
        arguments="ccccbffpiqpf", registers=96, float64=0, shared=4 * SHARED_QUAD
    ),
}


def pixel_dual(images: Any, i: Any) -> Any:
    """The products of a pixel."""
    one, two, valid = images
    u = one[i]
    v = two[i]
    return products_dual(u.real, u.imag, v.real, v.imag, valid[i])


def pixel_quad(images: Any, i: Any) -> Any:
    """The products of a pixel."""
    hh, hv, vh, vv, valid = images
    a = hh[i]
    b = hv[i]
    c = vh[i]
    d = vv[i]
    return products_quad(a.real, a.imag, b.real, b.imag, c.real, c.imag, d.real, d.imag, valid[i])


def add_dual(a: Any, b: Any) -> Any:
    """Sums of five numbers each."""
    return a[0] + b[0], a[1] + b[1], a[2] + b[2], a[3] + b[3], a[4] + b[4]


def add_quad(a: Any, b: Any) -> Any:
    """Sums of ten numbers each."""
    return (
        a[0] + b[0],
        a[1] + b[1],
        a[2] + b[2],
        a[3] + b[3],
        a[4] + b[4],
        a[5] + b[5],
        a[6] + b[6],
        a[7] + b[7],
        a[8] + b[8],
        a[9] + b[9],
    )


def put(values: Any, columns: Any, place: int) -> None:
    """Put numbers into shared memory, STEP places apart."""
    for j in range(len(values)):
        columns[np.uint64(place + j * STEP)] = values[j]


def take_dual(columns: Any, place: int) -> Any:
    """Take five numbers from shared memory."""
    i = np.uint64(place)
    step = np.uint64(STEP)
    return columns[i], columns[i + step], columns[i + 2 * step], columns[i + 3 * step], columns[i + 4 * step]


def take_quad(columns: Any, place: int) -> Any:
    """Take ten numbers from shared memory."""
    a, b, c, d, e = take_dual(columns, place)
    f, g, h, i, j = take_dual(columns, place + SUMS_DUAL * STEP)
    return a, b, c, d, e, f, g, h, i, j


def window_signatures_dual_direct(
    one: Any,
    two: Any,
    valid: Any,
    gains: Any,
    noise: Any,
    lowest: Any,
    half: Any,
    top: int,
    slots: Any,
    shape: Any,
    out: Any,
) -> None:
    """As :func:`.cpu.window_signatures`; ``shape`` is that of out, the image has ``valid.size`` pixels."""
    lines, samples = shape
    size = lines * samples
    images = (one, two, valid)
    image = (valid.size // samples, samples)
    for i in range(cuda.grid(1), size, cuda.gridsize(1)):
        line = top + i // samples
        k = np.uint64(line * samples + i % samples)
        if valid[k]:
            sums = direct_sums(images, image, half, line, i % samples)
            finish_dual(sums, pixel_dual(images, k), gains, noise, lowest, slots, out, i, size)
        else:
            clear_wanted(slots, out, i, size)


def window_signatures_dual_tile(
    one: Any,
    two: Any,
    valid: Any,
    gains: Any,
    noise: Any,
    lowest: Any,
    half: Any,
    top: int,
    slots: Any,
    shape: Any,
    out: Any,
) -> None:
    """The same in tiles: see :mod:`driving.tiling`."""
    columns = cuda.shared.array(SHARED_DUAL, float32)
    lines, samples = shape
    size = lines * samples
    images = (one, two, valid)
    image = (valid.size // samples, samples)
    thread = cuda.threadIdx.x
    tile = THREADS - 2 * half[1]
    for row in range(cuda.blockIdx.y * LINES, lines, cuda.gridDim.y * LINES):
        for left in range(cuda.blockIdx.x * tile, samples, cuda.gridDim.x * tile):
            column_sums(images, image, top + row, left + thread - half[1], half[0], columns, thread)
            cuda.syncthreads()
            if thread < tile and left + thread < samples:
                for line in range(min(LINES, lines - row)):
                    i = (row + line) * samples + left + thread
                    k = np.uint64(top * samples + i)
                    if valid[k]:
                        sums = window_sums(columns, line, thread, half[1])
                        finish_dual(sums, pixel_dual(images, k), gains, noise, lowest, slots, out, i, size)
                    else:
                        clear_wanted(slots, out, i, size)
            cuda.syncthreads()


def window_signatures_quad_direct(
    hh: Any,
    hv: Any,
    vh: Any,
    vv: Any,
    valid: Any,
    gains: Any,
    noise: Any,
    half: Any,
    top: int,
    slots: Any,
    shape: Any,
    out: Any,
) -> None:
    """As :func:`.cpu.window_signatures`; ``shape`` is that of out, the image has ``valid.size`` pixels."""
    lines, samples = shape
    size = lines * samples
    image = (valid.size // samples, samples)
    for i in range(cuda.grid(1), size, cuda.gridsize(1)):
        line = top + i // samples
        if valid[np.uint64(line * samples + i % samples)]:
            sums = direct_sums((hh, hv, vh, vv, valid), image, half, line, i % samples)
            finish_quad(sums, gains, noise, slots, out, i, size)
        else:
            clear_wanted(slots, out, i, size)


def window_signatures_quad_tile(
    hh: Any,
    hv: Any,
    vh: Any,
    vv: Any,
    valid: Any,
    gains: Any,
    noise: Any,
    half: Any,
    top: int,
    slots: Any,
    shape: Any,
    out: Any,
) -> None:
    """The same in tiles: see :mod:`driving.tiling`."""
    columns = cuda.shared.array(SHARED_QUAD, float32)
    lines, samples = shape
    size = lines * samples
    images = (hh, hv, vh, vv, valid)
    image = (valid.size // samples, samples)
    thread = cuda.threadIdx.x
    tile = THREADS - 2 * half[1]
    for row in range(cuda.blockIdx.y * LINES, lines, cuda.gridDim.y * LINES):
        for left in range(cuda.blockIdx.x * tile, samples, cuda.gridDim.x * tile):
            column_sums(images, image, top + row, left + thread - half[1], half[0], columns, thread)
            cuda.syncthreads()
            if thread < tile and left + thread < samples:
                for line in range(min(LINES, lines - row)):
                    i = (row + line) * samples + left + thread
                    if valid[np.uint64(top * samples + i)]:
                        sums = window_sums(columns, line, thread, half[1])
                        finish_quad(sums, gains, noise, slots, out, i, size)
                    else:
                        clear_wanted(slots, out, i, size)
            cuda.syncthreads()


def _bound() -> dict[str, Any]:
    """The kernels of every kind, with the sums of its products."""
    module = sys.modules[__name__]
    own = {
        "dual": (pixel_dual, add_dual, take_dual, SUMS_DUAL),
        "quad": (pixel_quad, add_quad, take_quad, SUMS_QUAD),
    }
    kernels: dict[str, Any] = {}
    for kind, (pixel, add, take, count) in own.items():
        forms = bind(device_function, (pixel.__name__,), module, FORMS[kind])
        forms = bind(
            ordered_function, ("add_dual", "add_quad", "put", "take_dual", "take_quad"), module, forms
        )
        sums = sums_of(forms, quantities=pixel, add=add, put=put, take=take, nothing=(ZERO,) * count)
        names = tuple(name for name in DECLARED if kind in name)
        forms = bind(kernel, names, module, sums)
        kernels |= {name: forms[getattr(module, name)] for name in names}
    return kernels


KERNEL = _bound()
