"""The CPU drivers of :mod:`.scalar`: loops in plain Python, compiled by :mod:`driving.cpujit`."""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.threads import in_threads

from .scalar import added, between, moved, slope

RUN = (
    512  # pixels of a line at a time: what is kept of them from one loop to the next stays in the first cache
)

PARTS = ("add_number", "add_run", "polynomial_run", "move_row", "between_lines", "between_samples")
INLINED = ("polynomial_run", "move_row")
LOOPS = ("polynomial_rows", "coordinate_rows", "image_rows")
DRIVERS = ("polynomials", "move_places", "move_image")


def add_number(total: Any, variable: Any, coefficient: float) -> None:
    """Horner's scheme for a run of pixels, with a number."""
    for i in range(total.size):
        total[i] = added(total[i], variable[i], coefficient)


def add_run(total: Any, variable: Any, coefficient: Any) -> None:
    """Horner's scheme for a run of pixels, with a coefficient of each."""
    for i in range(total.size):
        total[i] = added(total[i], variable[i], coefficient[i])


def polynomial_run(coefficients: Any, sample: Any, height: Any, part: Any, out: Any) -> None:
    """A polynomial [power of sample, of height] of a run of pixels; ``part`` is a place for as many numbers."""
    powers, heights = coefficients.shape
    for k in range(heights - 1, -1, -1):
        total = out if k == heights - 1 else part
        total[:] = coefficients[powers - 1, k]
        for j in range(powers - 2, -1, -1):
            add_number(total, sample, coefficients[j, k])
        if k < heights - 1:
            add_run(out, height, part)


def polynomial_rows(first: int, stop: int, coefficients: Any, sample: Any, height: Any, out: Any) -> None:
    """`polynomial_run` over images [number, line, sample]; the coefficients are [line, number, ...]."""
    part = np.empty(RUN)
    samples = sample.size
    for row in range(first, stop):
        for number in range(out.shape[0]):
            for a in range(0, samples, RUN):
                b = min(a + RUN, samples)
                own = height[row, a:b]
                target = out[number, row, a:b]
                polynomial_run(coefficients[row, number], sample[a:b], own, part[: b - a], target)


def move_row(above: Any, own: Any, below: Any, scale: float, offsets: Any, flags: Any, out: Any) -> None:
    """`scalar.moved` over a line; ``scale`` is that of the lines above and below."""
    down, across = offsets
    last = own.size - 1
    for i in range(1, last):
        by_line = slope(above[i], below[i], scale)
        by_sample = slope(own[i - 1], own[i + 1], 0.5)
        out[i] = moved(own[i], by_line, by_sample, down[i], across[i], flags[i] == 0)
    for i in (0, last):
        by_line = slope(above[i], below[i], scale)
        by_sample = slope(own[max(i - 1, 0)], own[min(i + 1, last)], 1.0)
        out[i] = moved(own[i], by_line, by_sample, down[i], across[i], flags[i] == 0)


def coordinate_rows(first: int, stop: int, layers: Any, flags: Any, down: Any, across: Any, out: Any) -> None:
    """`move_row` over images [line, sample]."""
    last = flags.shape[0] - 1
    for row in range(first, stop):
        above = max(row - 1, 0)
        below = min(row + 1, last)
        scale = 1.0 / max(below - above, 1)
        offsets = (down[row], across[row])
        for k in range(3):
            layer = layers[k]
            move_row(layer[above], layer[row], layer[below], scale, offsets, flags[row], out[k][row])


def between_lines(above: Any, own: Any, below: Any, down: Any, out: Any) -> None:
    """`scalar.between` over a line, between lines."""
    for i in range(own.size):
        out[i] = between(own[i], above[i], below[i], down[i])


def between_samples(own: Any, across: Any, out: Any) -> None:
    """`scalar.between` over a line, between samples."""
    last = own.size - 1
    for i in range(1, last):
        out[i] = between(own[i], own[i - 1], own[i + 1], across[i])
    for i in (0, last):
        out[i] = between(own[i], own[max(i - 1, 0)], own[min(i + 1, last)], across[i])


def image_rows(first: int, stop: int, image: Any, down: Any, across: Any, out: Any) -> None:
    """An image [line, sample] moved along lines, then along samples."""
    lines, samples = image.shape
    middle = np.empty(samples, np.float32)
    for row in range(first, stop):
        above = image[max(row - 1, 0)]
        below = image[min(row + 1, lines - 1)]
        between_lines(above, image[row], below, down[row], middle)
        between_samples(middle, across[row], out[row])


def polynomials(coefficients: Any, sample: Any, height: Any, out: Any) -> None:
    """Driver of `polynomial_rows`."""
    in_threads(polynomial_rows, len(height), coefficients, sample, height, out)


def move_places(layers: Any, flags: Any, down: Any, across: Any, out: Any) -> None:
    """Driver of `coordinate_rows`."""
    in_threads(coordinate_rows, len(flags), layers, flags, down, across, out)


def move_image(image: Any, down: Any, across: Any, out: Any) -> None:
    """Driver of `image_rows`."""
    in_threads(image_rows, len(image), image, down, across, out)
