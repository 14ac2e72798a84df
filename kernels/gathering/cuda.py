"""The CUDA kernels of :mod:`.scalar`, a thread a position: as in :mod:`coherence.cuda`. Import it late, too.

Images are flat; complex ones have two planes, real and imaginary parts in turn.
"""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.binding import bind
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import cuda, device_function, device_functions, kernel

from .scalar import (
    HAIR,
    HALF_A_PIXEL,
    cubic_or,
    cubic_weights,
    first_of_four,
    fraction,
    has_sixteen,
    height_of_three,
    is_inside,
    mean_of_four,
    nearest_of_four,
    parabola,
    sum_of_four,
    within,
)

NOTHING = np.float32(np.nan)  # of the image's kind: bound for each
NEAREST = {
    "gather_nearest_float32": ("f", NOTHING),
    "gather_nearest_complex64": ("c", np.complex64(complex(np.nan, np.nan))),
    "gather_nearest_uint8": ("u", np.uint8(255)),
}
WHY_FLOAT64 = "places in the image, before only the fraction of a pixel is left"
DECLARED = {
    name: Declared(arguments=f"{kind}pdd{kind}", registers=48, float64=60, why_float64=WHY_FLOAT64)
    for name, (kind, _) in NEAREST.items()
} | {
    "gather_triangles": Declared(arguments="fpddf", registers=48, float64=60, why_float64=WHY_FLOAT64),
    "gather_bilinear": Declared(arguments="fipddf", registers=56, float64=24, why_float64=WHY_FLOAT64),
    "gather_cubic": Declared(arguments="fipddf", registers=72, float64=26, why_float64=WHY_FLOAT64),
    "spread_parabolas": Declared(
        arguments="dddidiid", registers=40, float64=12, why_float64="geometry: places of cells on the map"
    ),
}
DEVICE_FUNCTIONS = ("four_around", "sum_of_sixteen")


def four_around(image: Any, at: Any, below: int, right: int) -> Any:
    """Four pixels from the number ``at`` on."""
    return (
        image[np.uint64(at)],
        image[np.uint64(at + right)],
        image[np.uint64(at + below)],
        image[np.uint64(at + below + right)],
    )


def sum_of_sixteen(image: Any, at: Any, below: int, right: int, down: Any, across: Any) -> Any:
    """Weighted sum of the pixels around the four from ``at`` on."""
    one = np.uint64(at - below - right)
    two = np.uint64(at - right)
    three = np.uint64(at + below - right)
    four = np.uint64(at + 2 * below - right)
    s = np.uint64(right)
    t = s + s
    u = t + s
    return sum_of_four(
        sum_of_four(image[one], image[one + s], image[one + t], image[one + u], across),
        sum_of_four(image[two], image[two + s], image[two + t], image[two + u], across),
        sum_of_four(image[three], image[three + s], image[three + t], image[three + u], across),
        sum_of_four(image[four], image[four + s], image[four + t], image[four + u], across),
        down,
    )


def gather_nearest(image: Any, shape: Any, row: Any, column: Any, out: Any) -> None:
    """Driver of :func:`.scalar.nearest_of_four`."""
    for i in range(cuda.grid(1), row.size, cuda.gridsize(1)):
        inside = is_inside(row[i], column[i], shape, HALF_A_PIXEL)
        at = first_of_four(row[i], column[i], shape, inside)
        down = fraction(within(row[i], shape[0], inside), shape[0])
        across = fraction(within(column[i], shape[1], inside), shape[1])
        value = image[np.uint64(at + nearest_of_four(down, across, shape[1]))]
        out[i] = value if inside else NOTHING


def gather_triangles(image: Any, shape: Any, row: Any, column: Any, out: Any) -> None:
    """Driver of :func:`.scalar.height_of_three`."""
    below = shape[1] if shape[0] > 1 else 0
    right = 1 if shape[1] > 1 else 0
    for i in range(cuda.grid(1), row.size, cuda.gridsize(1)):
        inside = is_inside(row[i], column[i], shape, HAIR)
        at = first_of_four(row[i], column[i], shape, inside)
        down = fraction(within(row[i], shape[0], inside), shape[0])
        across = fraction(within(column[i], shape[1], inside), shape[1])
        a, b, c, d = four_around(image, at, below, right)
        out[i] = height_of_three(a, b, c, d, down, across, inside)


def gather_bilinear(image: Any, planes: int, shape: Any, row: Any, column: Any, out: Any) -> None:
    """Driver of :func:`.scalar.mean_of_four`."""
    below = planes * shape[1] if shape[0] > 1 else 0
    right = planes if shape[1] > 1 else 0
    for i in range(cuda.grid(1), row.size, cuda.gridsize(1)):
        inside = is_inside(row[i], column[i], shape, HALF_A_PIXEL)
        at = planes * first_of_four(row[i], column[i], shape, inside)
        down = fraction(within(row[i], shape[0], inside), shape[0])
        across = fraction(within(column[i], shape[1], inside), shape[1])
        own = four_around(image, at, below, right)
        other = four_around(image, at + planes - 1, below, right)
        out[np.uint64(planes * i)] = mean_of_four(own, other, down, across, inside)
        if planes > 1:
            out[np.uint64(planes * i + 1)] = mean_of_four(other, own, down, across, inside)


def gather_cubic(image: Any, planes: int, shape: Any, row: Any, column: Any, out: Any) -> None:
    """Driver of :func:`.scalar.cubic_or`."""
    below = planes * shape[1]
    for i in range(cuda.grid(1), row.size, cuda.gridsize(1)):
        inside = is_inside(row[i], column[i], shape, HALF_A_PIXEL)
        at = planes * first_of_four(row[i], column[i], shape, inside)
        down = fraction(within(row[i], shape[0], inside), shape[0])
        across = fraction(within(column[i], shape[1], inside), shape[1])
        sixteen = has_sixteen(row[i], column[i], shape, inside)
        middle = at if sixteen else below + planes
        weights = (cubic_weights(down), cubic_weights(across))
        re = sum_of_sixteen(image, middle, below, planes, weights[0], weights[1])
        im = re
        if planes > 1:
            im = sum_of_sixteen(image, middle + 1, below, planes, weights[0], weights[1])
        own = four_around(image, at, below, planes)
        other = four_around(image, at + planes - 1, below, planes)
        bilinear = mean_of_four(own, other, down, across, inside)
        out[np.uint64(planes * i)] = cubic_or(re, im, sixteen, bilinear)
        if planes > 1:
            bilinear = mean_of_four(other, own, down, across, inside)
            out[np.uint64(planes * i + 1)] = cubic_or(im, re, sixteen, bilinear)


def spread_parabolas(
    p: Any, q: Any, b: Any, cells: int, along: Any, begin: int, columns: int, out: Any
) -> None:
    """Driver of :func:`.scalar.parabola`; coefficients have so many ``cells`` in a row, ``out`` so many columns."""
    for i in range(cuda.grid(1), out.size, cuda.gridsize(1)):
        k = begin + i % columns
        at = np.uint64((i // columns) * cells + k // along.size)
        out[np.uint64(i)] = parabola(p[at], q[at], b[at], along[np.uint64(k % along.size)])


def _bound() -> dict[str, Any]:
    module = sys.modules[__name__]
    forms = bind(device_function, DEVICE_FUNCTIONS, module, device_functions(str(__package__)))
    kernels = bind(
        kernel, ("gather_triangles", "gather_bilinear", "gather_cubic", "spread_parabolas"), module, forms
    )
    found = {name: kernels[getattr(module, name)] for name in DECLARED if name not in NEAREST}
    for name, (_, nothing) in NEAREST.items():
        own = bind(kernel, ("gather_nearest",), module, forms, {"NOTHING": nothing})
        found[name] = own[gather_nearest]
    return found


KERNEL = _bound()
