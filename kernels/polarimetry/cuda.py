"""The CUDA kernels of polarimetry that measure given matrices; those of windows are in :mod:`.cuda_windows`."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.binding import bind
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import cuda, device_function, device_functions, kernel
from alignsar_gpu.kernels.driving.mathematics import NAN, ONE, ZERO

from .measures import KINDS
from .scalar import matrix_dual, matrix_quad

SHARED_PARTS = (
    "element",
    "clear_wanted",
    "no_measures",
    "given_dual",
    "given_quad",
)
LINK_PARTS = ("is_wanted", "write_values")
# See `.cuda.DECLARED`; h is a float32 number.
DECLARED = {
    "matrix_signatures_quad": Declared(arguments="fbffqpf", registers=72, float64=0),
    "matrix_signatures_dual": Declared(arguments="fbffhqpf", registers=40, float64=0),
}

FIRST = 0
COUNT = 0


def element(image: Any, channel: int, size: int, at: int, default: Any) -> Any:
    """A pixel of a flat [channel, line, sample], or what stands for it where there is none."""
    return image[np.uint64(channel * size + at)] if image.size > 0 else default


def clear_wanted(slots: Any, out: Any, at: int, size: int) -> None:
    """NaN in all places of a pixel."""
    for j in range(slots.size):
        if slots[j] >= 0:
            out[np.uint64(slots[j] * size + at)] = NAN


def no_measures(matrix: Any, slots: Any, out: Any, at: int, size: int) -> None:
    """Where the chains begin."""


earlier = no_measures
measure: Any = None  # one of the measures, which every link is bound with


def is_wanted(slots: Any) -> bool:
    """Whether one of the values of a measure has a place to be written to."""
    wanted = False
    for j in range(FIRST, FIRST + COUNT):
        wanted = wanted or slots[j] >= 0
    return wanted


def write_values(values: Any, slots: Any, out: Any, at: int, size: int) -> None:
    """Put what is wanted of a measure's values in its places."""
    for j in range(COUNT):
        slot = slots[FIRST + j]
        if slot >= 0:
            out[np.uint64(slot * size + at)] = values[j]


def measures_dual(matrix: Any, slots: Any, out: Any, at: int, size: int) -> None:
    """All measures up to one: those that are wanted."""
    earlier(matrix, slots, out, at, size)
    if is_wanted(slots):
        a, b, c, d, e, f = matrix
        write_values(measure(a, b, c, d, e, f), slots, out, at, size)


def measures_quad(matrix: Any, slots: Any, out: Any, at: int, size: int) -> None:
    """All measures up to one: those that are wanted."""
    earlier(matrix, slots, out, at, size)
    if is_wanted(slots):
        a, b, c, d, e, f, g, h, i = matrix
        write_values(measure(a, b, c, d, e, f, g, h, i), slots, out, at, size)


def given_dual(planes: Any, size: int, at: int) -> Any:
    """A matrix that is given, as sums over one pixel."""
    i = np.uint64(at)
    n = np.uint64(size)
    return planes[i], planes[i + n], planes[i + n + n], planes[i + n + n + n], ONE


def given_quad(planes: Any, size: int, at: int) -> Any:
    """A matrix that is given, as sums over one pixel."""
    i = np.uint64(at)
    n = np.uint64(size)
    a = planes[i]
    i += n
    b = planes[i]
    i += n
    c = planes[i]
    i += n
    d = planes[i]
    i += n
    e = planes[i]
    i += n
    f = planes[i]
    i += n
    g = planes[i]
    i += n
    h = planes[i]
    return a, b, c, d, e, f, g, h, planes[i + n], ONE


def finish_dual(
    sums: Any, own: Any, gains: Any, noise: Any, lowest: Any, slots: Any, out: Any, at: int, size: int
) -> None:
    """From the sums of a window to the signatures of a pixel."""
    p, q, re, im, count = sums
    c11, c22, x, y, first, second, good = matrix_dual(
        p,
        q,
        re,
        im,
        count,
        own[0],
        own[1],
        element(gains, 0, size, at, ONE),
        element(gains, 1, size, at, ONE),
        element(noise, 0, size, at, ZERO),
        element(noise, 1, size, at, ZERO),
        lowest,
    )
    if good > ZERO:
        measures((c11, c22, x, y, first, second), slots, out, at, size)
    else:
        clear_wanted(slots, out, at, size)


def finish_quad(sums: Any, gains: Any, noise: Any, slots: Any, out: Any, at: int, size: int) -> None:
    """From the sums of a window to the signatures of a pixel."""
    p, q, r, ar, ai, br, bi, cr, ci, count = sums
    t11, t22, t33, a, b, c, d, e, f, good = matrix_quad(
        p,
        q,
        r,
        ar,
        ai,
        br,
        bi,
        cr,
        ci,
        count,
        element(gains, 0, size, at, ONE),
        element(gains, 1, size, at, ONE),
        element(gains, 2, size, at, ONE),
        element(noise, 0, size, at, ZERO),
        element(noise, 1, size, at, ZERO),
        element(noise, 2, size, at, ZERO),
    )
    if good > ZERO:
        measures((t11, t22, t33, a, b, c, d, e, f), slots, out, at, size)
    else:
        clear_wanted(slots, out, at, size)


measures = no_measures


def matrix_signatures_dual(
    planes: Any, valid: Any, gains: Any, noise: Any, lowest: Any, slots: Any, shape: Any, out: Any
) -> None:
    """As :func:`.cpu.matrix_signatures`."""
    size = shape[0] * shape[1]
    for i in range(cuda.grid(1), size, cuda.gridsize(1)):
        if valid[np.uint64(i)]:
            sums = given_dual(planes, size, i)
            finish_dual(sums, sums, gains, noise, lowest, slots, out, i, size)
        else:
            clear_wanted(slots, out, i, size)


def matrix_signatures_quad(
    planes: Any, valid: Any, gains: Any, noise: Any, slots: Any, shape: Any, out: Any
) -> None:
    """As :func:`.cpu.matrix_signatures`."""
    size = shape[0] * shape[1]
    for i in range(cuda.grid(1), size, cuda.gridsize(1)):
        if valid[np.uint64(i)]:
            finish_quad(given_quad(planes, size, i), gains, noise, slots, out, i, size)
        else:
            clear_wanted(slots, out, i, size)


def _bound() -> dict[str, dict[Any, Any]]:
    """The compiled functions and kernels of every kind, with the chain of its measures."""
    module = sys.modules[__name__]
    forms = bind(device_function, SHARED_PARTS, module, device_functions(str(__package__)))
    bound: dict[str, dict[Any, Any]] = {}
    for name, kind in KINDS.items():
        chain, first, link = forms[no_measures], 0, f"measures_{name}"
        for function, outputs in kind.functions:
            given = {"measure": forms[function], "FIRST": first, "COUNT": len(outputs), "earlier": chain}
            own = bind(device_function, (*LINK_PARTS, link), module, forms, given)
            chain = own[getattr(module, link)]
            first += len(outputs)
        own = bind(device_function, (f"finish_{name}",), module, forms, {"measures": chain})
        bound[name] = bind(kernel, (f"matrix_signatures_{name}",), module, own)
    return bound


FORMS = _bound()
KERNEL = {
    declared: FORMS[declared.rpartition("_")[2]][getattr(sys.modules[__name__], declared)]
    for declared in DECLARED
}
