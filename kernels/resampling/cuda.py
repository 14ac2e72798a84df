"""The CUDA kernels of :mod:`.scalar`: as in :mod:`coherence.cuda`. Import it late: it imports numba.cuda."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.binding import bind
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import THREADS, cuda, device_function, device_functions, kernel
from numba import float64

from . import scalar
from .scalar import (
    ACROSS,
    DOWN,
    FARTHEST,
    TAPS,
    carrier_turns,
    has_data,
    least,
    located,
    restored_turns,
    turned,
    value,
    wrapped,
)

# What products store: float32 or int16, real and imaginary parts in turn.
STORED = {"float32": "f", "int16": "j"}
SHARED = 4 * THREADS

WHY_FLOAT64 = "places in the image and phases, until only fractions of a pixel and of a turn are left"
# Registers grow with the lines that are summed at a time; the loop over columns stays a loop.
DECLARED = {
    **{
        f"ramp_{name}": Declared(
            arguments=f"{kind}dddic",
            registers=48,
            float64=25,
            why_float64="the carrier's phase, until it is reduced to turns",
        )
        for name, kind in STORED.items()
    },
    **{
        f"decode_{name}": Declared(arguments=f"{kind}bcb", registers=40, float64=0)
        for name, kind in STORED.items()
    },
    "extents": Declared(
        arguments="ddid",
        registers=64,
        float64=160,
        shared=8 * SHARED,
        why_float64="places in the image, which are compared",
    ),
} | {
    f"resample_{down}_{across}": Declared(
        arguments="fpdddffddmcb", registers={8: 72, 12: 80, 16: 96}[down], float64=38, why_float64=WHY_FLOAT64
    )
    for down in TAPS
    for across in TAPS
}


def ramp(image: Any, slope: Any, centroid: Any, time: Any, sign: int, out: Any) -> None:
    """Driver of :func:`.scalar.carrier_turns`; a row of blocks takes a line.

    The image is stored as real and imaginary parts in turn.
    """
    samples = slope.size
    for line in range(cuda.blockIdx.y, time.size, cuda.gridDim.y):
        for sample in range(cuda.blockIdx.x * THREADS + cuda.threadIdx.x, samples, cuda.gridDim.x * THREADS):
            i = np.uint64(line) * np.uint64(samples) + np.uint64(sample)
            turns = wrapped(sign * carrier_turns(slope[sample], centroid[sample], time[line]))
            re, im = turned(np.float32(image[i + i]), np.float32(image[i + i + np.uint64(1)]), turns)
            out[i] = complex(re, im)


def decode(image: Any, wanted: Any, out: Any, known: Any) -> None:
    """Driver of :func:`.scalar.has_data`; the image is stored as real and imaginary parts in turn."""
    samples = out.size // wanted.size
    for i in range(cuda.grid(1), out.size, cuda.gridsize(1)):
        k = np.uint64(i)
        re = np.float32(image[k + k])
        im = np.float32(image[k + k + np.uint64(1)])
        good = wanted[i // samples] and has_data(re, im)
        known[k] = good
        out[k] = complex(re, im) if good else complex(np.float32(0.0), np.float32(0.0))


def extents(line: Any, sample: Any, columns: int, out: Any) -> None:
    """Least and greatest finite number of each row of lines and of samples, four numbers a row."""
    found = cuda.shared.array(SHARED, float64)
    thread = cuda.threadIdx.x
    rows = out.size // 4
    for row in range(cuda.blockIdx.x, rows, cuda.gridDim.x):
        for axis in range(2):
            low = FARTHEST
            high = FARTHEST
            for k in range(thread, columns, THREADS):
                i = np.uint64(row) * np.uint64(columns) + np.uint64(k)
                position = line[i] if axis == 0 else sample[i]
                low = least(low, position)
                high = least(high, -position)
            found[2 * axis * THREADS + thread] = low
            found[(2 * axis + 1) * THREADS + thread] = high
        cuda.syncthreads()
        if thread < 4:
            best = FARTHEST
            for k in range(THREADS):
                best = least(best, found[thread * THREADS + k])
            out[np.uint64(4 * row + thread)] = best if thread % 2 == 0 else -best
        cuda.syncthreads()


def resample(
    pixels: Any,
    shape: tuple[int, int],
    line: Any,
    sample: Any,
    turns: Any,
    down: Any,
    across: Any,
    slope: Any,
    centroid: Any,
    numbers: Any,
    out: Any,
    valid: Any,
) -> None:
    """Driver of :func:`.scalar.value`, a thread a pixel.

    ``numbers``: time of line 0 and from line to line, line that the image begins with; first and last valid line
    and sample.
    """
    times = numbers[:3]
    box = numbers[3:]
    for i in range(cuda.grid(1), out.size, cuda.gridsize(1)):
        extra = turns[i] if turns.size > 0 else 0.0
        top, left, k, m, held = located(line[i], sample[i], extra, shape, box, (DOWN, ACROSS))
        re = np.float32(0.0)
        im = np.float32(0.0)
        if held:
            at = np.uint64(2 * (top * shape[1] + left))
            stride = np.uint64(2 * shape[1])
            re, im = value(pixels, at, stride, down, np.uint64(k * DOWN), across, np.uint64(m * ACROSS))
            re, im = turned(re, im, restored_turns(line[i], sample[i], slope, centroid, times, extra))
        out[i] = complex(re, im)
        valid[i] = held


def _bound() -> dict[str, Any]:
    module = sys.modules[__name__]
    forms = device_functions(str(__package__))
    found: dict[str, Any] = {}
    for name in STORED:
        own = bind(kernel, ("ramp", "decode"), module, forms, tag=f"_{name}")
        found |= {f"ramp_{name}": own[ramp], f"decode_{name}": own[decode]}
    found["extents"] = bind(kernel, ("extents",), module, forms)[extents]
    for down in TAPS:
        for across in TAPS:
            given = {"DOWN": down, "ACROSS": across}
            own = bind(device_function, scalar.TAP_FUNCTIONS, scalar, forms, given)
            found[f"resample_{down}_{across}"] = bind(kernel, ("resample",), module, own, given)[resample]
    return found


KERNEL = _bound()
