"""The CUDA kernels of :mod:`.scalar`: as in :mod:`coherence.cuda`. Import it late: it imports numba.cuda."""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import THREADS, cuda, kernels_of
from alignsar_gpu.kernels.driving.mathematics import ZERO

from .scalar import calibrated, gain, interpolated

DECLARED = {
    "interpolate_rows": Declared(arguments="fqqfif", registers=56, float64=0),
    "calibrate": Declared(arguments="fffif", registers=32, float64=0),
}
DEVICE_FUNCTIONS = ()


def interpolate_rows(table: Any, above: Any, below: Any, shares: Any, as_gain: int, out: Any) -> None:
    """Driver of :func:`.scalar.interpolated`; a row of blocks takes a line."""
    lines = above.size
    samples = out.size // lines
    for line in range(cuda.blockIdx.y, lines, cuda.gridDim.y):
        one = above[line] * samples
        other = below[line] * samples
        first = shares[line]
        second = shares[np.uint64(lines + line)]
        for at in range(cuda.blockIdx.x * THREADS + cuda.threadIdx.x, samples, cuda.gridDim.x * THREADS):
            value = interpolated(table[np.uint64(one + at)], table[np.uint64(other + at)], first, second)
            out[np.uint64(line * samples + at)] = gain(value) if as_gain else value


def calibrate(factor: Any, power: Any, floor: Any, masked: int, out: Any) -> None:
    """Driver of :func:`.scalar.calibrated`; ``floor`` may be empty."""
    for i in range(cuda.grid(1), out.size, cuda.gridsize(1)):
        below = floor[i] if floor.size > 0 else ZERO
        out[i] = calibrated(factor[i], power[i], below, masked != 0)


KERNEL = kernels_of(__name__)
