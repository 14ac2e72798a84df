"""The CUDA kernels of :mod:`.scalar`: as in :mod:`coherence.cuda`. Import it late: it imports numba.cuda."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.binding import bind
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import THREADS, cuda, device_function, device_functions, kernel

from . import scalar
from .scalar import ACROSS, DOWN, TAPS, carrier_turns, located, restored_turns, turned, value, wrapped

WHY_FLOAT64 = "places in the image and phases, until only fractions of a pixel and of a turn are left"
# Registers grow with the lines that are summed at a time; the loop over columns stays a loop.
DECLARED = {
    "ramp": Declared(
        arguments="cdddic",
        registers=48,
        float64=25,
        why_float64="the carrier's phase, until it is reduced to turns",
    )
} | {
    f"resample_{down}_{across}": Declared(
        arguments="fpdddffddmcb", registers={8: 72, 12: 80, 16: 96}[down], float64=38, why_float64=WHY_FLOAT64
    )
    for down in TAPS
    for across in TAPS
}


def ramp(image: Any, slope: Any, centroid: Any, time: Any, sign: int, out: Any) -> None:
    """Driver of :func:`.scalar.carrier_turns`; a row of blocks takes a line."""
    samples = slope.size
    for line in range(cuda.blockIdx.y, time.size, cuda.gridDim.y):
        for sample in range(cuda.blockIdx.x * THREADS + cuda.threadIdx.x, samples, cuda.gridDim.x * THREADS):
            i = np.uint64(line) * np.uint64(samples) + np.uint64(sample)
            z = image[i]
            turns = wrapped(sign * carrier_turns(slope[sample], centroid[sample], time[line]))
            re, im = turned(z.real, z.imag, turns)
            out[i] = complex(re, im)


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
    found = {"ramp": bind(kernel, ("ramp",), module, forms)[ramp]}
    for down in TAPS:
        for across in TAPS:
            given = {"DOWN": down, "ACROSS": across}
            own = bind(device_function, scalar.TAP_FUNCTIONS, scalar, forms, given)
            found[f"resample_{down}_{across}"] = bind(kernel, ("resample",), module, own, given)[resample]
    return found


KERNEL = _bound()
