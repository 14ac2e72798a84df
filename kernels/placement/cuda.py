"""The CUDA kernels of :mod:`.scalar`, a thread a pixel: as in :mod:`coherence.cuda`. Import it late, too."""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import THREADS, cuda, kernels_of
from alignsar_gpu.kernels.driving.mathematics import ZERO

from .scalar import added, between, moved, slope

DECLARED = {
    "polynomials": Declared(
        arguments="dpddid", registers=80, float64=24, why_float64="geometry: places of pixels, as polynomials"
    ),
    "move_coordinate": Declared(
        arguments="duddpd", registers=48, float64=54, why_float64="geometry: longitude, latitude and height"
    ),
    "move_image": Declared(
        arguments="fddpf",
        registers=48,
        float64=16,
        why_float64="offsets as they are given, until they are made float32",
    ),
}
DEVICE_FUNCTIONS = ("between_lines",)


def polynomials(
    coefficients: Any, powers: tuple[int, int], sample: Any, height: Any, count: int, out: Any
) -> None:
    """Polynomials [line, number, power of sample, of height] of a pixel, by Horner's scheme; a row of blocks a line."""
    samples = sample.size
    lines = height.size // samples
    first, second = powers
    for line in range(cuda.blockIdx.y, lines, cuda.gridDim.y):
        for at in range(cuda.blockIdx.x * THREADS + cuda.threadIdx.x, samples, cuda.gridDim.x * THREADS):
            x = sample[at]
            z = height[np.uint64(line * samples + at)]
            for number in range(count):
                place = ((line * count + number + 1) * first) * second - 1
                total = 0.0
                for k in range(second):
                    part = coefficients[np.uint64(place - k)]
                    for j in range(1, first):
                        part = added(part, x, coefficients[np.uint64(place - k - j * second)])
                    total = part if k == 0 else added(total, z, part)
                out[np.uint64((number * lines + line) * samples + at)] = total


def move_coordinate(layer: Any, flags: Any, down: Any, across: Any, shape: tuple[int, int], out: Any) -> None:
    """Driver of :func:`.scalar.moved` over one image."""
    lines, samples = shape
    for i in range(cuda.grid(1), flags.size, cuda.gridsize(1)):
        line = i // samples
        sample = i % samples
        above = max(line - 1, 0)
        below = min(line + 1, lines - 1)
        left = max(sample - 1, 0)
        right = min(sample + 1, samples - 1)
        by_line = slope(
            layer[np.uint64(above * samples + sample)],
            layer[np.uint64(below * samples + sample)],
            0.5 if below - above > 1 else 1.0,
        )
        by_sample = slope(
            layer[np.uint64(line * samples + left)],
            layer[np.uint64(line * samples + right)],
            0.5 if right - left > 1 else 1.0,
        )
        k = np.uint64(i)
        out[k] = moved(layer[k], by_line, by_sample, down[k], across[k], flags[k] == 0)


def between_lines(image: Any, down: Any, shape: tuple[int, int], line: int, sample: int) -> Any:
    """The image between lines, at a pixel."""
    above = np.uint64(max(line - 1, 0) * shape[1] + sample)
    below = np.uint64(min(line + 1, shape[0] - 1) * shape[1] + sample)
    i = np.uint64(line * shape[1] + sample)
    return between(image[i], image[above], image[below], np.float32(down[i]))


def move_image(image: Any, down: Any, across: Any, shape: tuple[int, int], out: Any) -> None:
    """Driver of :func:`.scalar.between`, along lines, then along samples."""
    samples = shape[1]
    for i in range(cuda.grid(1), image.size, cuda.gridsize(1)):
        line = i // samples
        sample = i % samples
        offset = np.float32(across[i])
        step = 1 if offset > ZERO else -1
        beside = min(max(sample + step, 0), samples - 1)
        own = between_lines(image, down, shape, line, sample)
        other = between_lines(image, down, shape, line, beside)
        out[np.uint64(i)] = between(own, other, other, offset)


KERNEL = kernels_of(__name__)
