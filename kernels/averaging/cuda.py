"""The CUDA kernels of :mod:`.scalar`, a thread a pixel: as in :mod:`coherence.cuda`. Import it late, too."""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import cuda, kernels_of

from .scalar import angle, mean, most_frequent, phasor

DECLARED = {
    "mean_of_parts": Declared(arguments="fiipif", registers=64, float64=24, why_float64="sums of parts"),
    "majority_of_parts": Declared(arguments="uipiu", registers=56, float64=0),
    "phasors": Declared(
        arguments="fc", registers=40, float64=18, why_float64="the phase, until it is reduced to turns"
    ),
    "angles": Declared(arguments="cf", registers=40, float64=0),
}
DEVICE_FUNCTIONS = ()


def mean_of_parts(values: Any, planes: int, columns: int, parts: Any, least: int, out: Any) -> None:
    """Driver of :func:`.scalar.mean`; ``columns`` are the pixels of a row, and ``out`` is flat."""
    stride = planes * columns * parts[1]
    for i in range(cuda.grid(1), out.size, cuda.gridsize(1)):
        pixel = i // planes
        plane = i % planes
        row = pixel // columns
        begin = row * parts[0] * stride + (pixel % columns) * planes * parts[1] + plane
        other = planes - 1 - 2 * plane
        out[np.uint64(i)] = mean(values, begin, stride, planes, other, parts, least)


def majority_of_parts(values: Any, columns: int, parts: Any, least: int, out: Any) -> None:
    """Driver of :func:`.scalar.most_frequent`; as above."""
    stride = columns * parts[1]
    for i in range(cuda.grid(1), out.size, cuda.gridsize(1)):
        begin = (i // columns) * parts[0] * stride + (i % columns) * parts[1]
        out[np.uint64(i)] = most_frequent(values, begin, stride, parts, least)


def phasors(phase: Any, out: Any) -> None:
    """Driver of :func:`.scalar.phasor`."""
    for i in range(cuda.grid(1), phase.size, cuda.gridsize(1)):
        re, im = phasor(phase[i])
        out[i] = complex(re, im)


def angles(values: Any, out: Any) -> None:
    """Driver of :func:`.scalar.angle`."""
    for i in range(cuda.grid(1), values.size, cuda.gridsize(1)):
        out[i] = angle(values[i])


KERNEL = kernels_of(__name__)
