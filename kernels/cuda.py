"""The CUDA kernels: loops in plain Python over flat arrays, compiled for the device on first use.

Import it late, through :mod:`.interface`: it imports numba.cuda.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from . import scalar
from .binding import bind
from .gpujit import THREADS, cuda, device_function, float64, kernel
from .scalar import coherence, detect, difference, products, rotate

if TYPE_CHECKING:
    from typing import TypeAlias

    Values: TypeAlias = Any  # a flat array, on the device or in the simulator

# A block of boxcar_coherence_tile makes LINES lines of up to THREADS samples. Its shared memory holds, for
# each of these lines, the sums of the four products in THREADS columns; a place is left free after every
# GROUP columns so that threads which start GROUP columns apart use different banks.
LINES = 4
GROUP = 4
GROUPS = THREADS // GROUP
PITCH = THREADS + GROUPS
SHARED = LINES * 4 * PITCH
WIDEST_TILED_WINDOW = THREADS // 2 + 1

DEVICE_FUNCTIONS = ("pixel_products", "pair_sums", "padded", "group_sums")
KERNELS = (
    "amplitude_intensity_phase",
    "phase_difference",
    "rotate_phase",
    "boxcar_coherence_tile",
    "boxcar_coherence_direct",
)


def amplitude_intensity_phase(
    pixels: Values, valid: Values, amplitude: Values, intensity: Values, phase: Values
) -> None:
    for i in range(cuda.grid(1), pixels.size, cuda.gridsize(1)):
        z = pixels[i]
        amplitude[i], intensity[i], phase[i] = detect(z.real, z.imag, valid[i])


def phase_difference(reference: Values, secondary: Values, valid: Values, phase: Values) -> None:
    for i in range(cuda.grid(1), reference.size, cuda.gridsize(1)):
        r = reference[i]
        s = secondary[i]
        phase[i] = difference(r.real, r.imag, s.real, s.imag, valid[i])


def rotate_phase(pixels: Values, phase: Values, rotated: Values) -> None:
    for i in range(cuda.grid(1), pixels.size, cuda.gridsize(1)):
        z = pixels[i]
        re, im = rotate(z.real, z.imag, phase[i])
        rotated[i] = complex(re, im)


def pixel_products(
    reference: Values, secondary: Values, valid: Values, lines: int, samples: int, line: int, sample: int
) -> tuple[float, float, float, float]:
    """The four products of a pixel, 0 outside the image."""
    if line < 0 or line >= lines or sample < 0 or sample >= samples:
        return 0.0, 0.0, 0.0, 0.0
    i = np.uint64(line * samples + sample)
    r = reference[i]
    s = secondary[i]
    re, im, p, q = products(r.real, r.imag, s.real, s.imag, valid[i])
    return re, im, p, q


def pair_sums(
    reference: Values,
    secondary: Values,
    valid: Values,
    lines: int,
    samples: int,
    line: int,
    sample: int,
    half: int,
    columns: Values,
    place: int,
) -> None:
    """Vertical sums of the products in one column over the windows around ``line`` and the line below.

    Both hold the lines between their ends, which are summed once. Nothing is subtracted, so that a bright
    pixel leaves no residue in windows that do not hold it.
    """
    a0, b0, c0, d0 = pixel_products(reference, secondary, valid, lines, samples, line - half, sample)
    a = 0.0
    b = 0.0
    c = 0.0
    d = 0.0
    y = line - half + 1
    while y <= line + half:
        re, im, p, q = pixel_products(reference, secondary, valid, lines, samples, y, sample)
        a += re
        b += im
        c += p
        d += q
        y += 1
    a1, b1, c1, d1 = pixel_products(reference, secondary, valid, lines, samples, line + half + 1, sample)
    columns[np.uint64(place)] = a0 + a
    columns[np.uint64(place + PITCH)] = b0 + b
    columns[np.uint64(place + 2 * PITCH)] = c0 + c
    columns[np.uint64(place + 3 * PITCH)] = d0 + d
    columns[np.uint64(place + 4 * PITCH)] = a + a1
    columns[np.uint64(place + 5 * PITCH)] = b + b1
    columns[np.uint64(place + 6 * PITCH)] = c + c1
    columns[np.uint64(place + 7 * PITCH)] = d + d1


def padded(slot: int) -> int:
    return slot + (slot >> 2)


def group_sums(columns: Values, start: int, slot: int, half: int) -> tuple[float, float, float, float]:
    """Horizontal sums of one product over four windows of at least three columns, side by side.

    The first begins at ``slot``, a multiple of GROUP. All four hold the columns from slot + 3 to
    slot + 2 half, which are summed once.
    """
    a0 = columns[np.uint64(start + padded(slot))]
    a1 = columns[np.uint64(start + padded(slot) + 1)]
    a2 = columns[np.uint64(start + padded(slot) + 2)]
    shared = 0.0
    s = slot + 3
    last = slot + 2 * half
    while s <= last:
        shared += columns[np.uint64(start + padded(s))]
        s += 1
    b1 = columns[np.uint64(start + padded(last + 1))]
    b2 = columns[np.uint64(start + padded(last + 2))]
    b3 = columns[np.uint64(start + padded(last + 3))]
    middle = a2 + shared
    return (a0 + a1) + middle, (a1 + middle) + b1, middle + (b1 + b2), (shared + b1) + (b2 + b3)


def boxcar_coherence_tile(
    reference: Values,
    secondary: Values,
    valid: Values,
    lines: int,
    samples: int,
    half_lines: int,
    half_samples: int,
    first: int,
    rows: int,
    magnitude: Values,
    angle: Values,
) -> None:
    """Coherence of ``rows`` lines from ``first`` on, for windows up to WIDEST_TILED_WINDOW samples wide.

    Separable: each thread sums one column for LINES lines, then GROUP windows of one line, then takes the
    coherence of one column again, so that reads and writes of global memory are consecutive.
    """
    columns = cuda.shared.array(SHARED, float64)
    thread = cuda.threadIdx.x
    place = padded(thread)
    line = thread >> 6
    slot = (thread & 63) << 2
    tile = (THREADS - 2 * half_samples) & -GROUP
    w0 = 0.0
    w1 = 0.0
    w2 = 0.0
    w3 = 0.0
    row = cuda.blockIdx.y * LINES
    while row < rows:
        left = cuda.blockIdx.x * tile
        while left < samples:
            sample = left + thread - half_samples
            k = 0
            while k < LINES:
                y = first + row + k
                at = place + 4 * k * PITCH
                pair_sums(reference, secondary, valid, lines, samples, y, sample, half_lines, columns, at)
                k += 2
            cuda.syncthreads()
            if half_samples > 0:
                for q in range(4):
                    start = (line * 4 + q) * PITCH
                    if slot < tile:
                        w0, w1, w2, w3 = group_sums(columns, start, slot, half_samples)
                    cuda.syncthreads()
                    if slot < tile:
                        at = start + padded(slot)
                        columns[np.uint64(at)] = w0
                        columns[np.uint64(at + 1)] = w1
                        columns[np.uint64(at + 2)] = w2
                        columns[np.uint64(at + 3)] = w3
                cuda.syncthreads()
            sample = left + thread
            if thread < tile and sample < samples:
                k = 0
                while k < LINES and row + k < rows:
                    at = place + 4 * k * PITCH
                    i = np.uint64((row + k) * samples + sample)
                    magnitude[i], angle[i] = coherence(
                        columns[np.uint64(at)],
                        columns[np.uint64(at + PITCH)],
                        columns[np.uint64(at + 2 * PITCH)],
                        columns[np.uint64(at + 3 * PITCH)],
                        valid[np.uint64((first + row + k) * samples + sample)],
                    )
                    k += 1
            cuda.syncthreads()
            left += cuda.gridDim.x * tile
        row += cuda.gridDim.y * LINES


def boxcar_coherence_direct(
    reference: Values,
    secondary: Values,
    valid: Values,
    lines: int,
    samples: int,
    half_lines: int,
    half_samples: int,
    first: int,
    rows: int,
    magnitude: Values,
    angle: Values,
) -> None:
    """The same for windows of any width: each thread sums whole windows."""
    for i in range(cuda.grid(1), magnitude.size, cuda.gridsize(1)):
        line = first + i // samples
        sample = i % samples
        re = 0.0
        im = 0.0
        p = 0.0
        q = 0.0
        for y in range(max(line - half_lines, 0), min(line + half_lines + 1, lines)):
            for x in range(max(sample - half_samples, 0), min(sample + half_samples + 1, samples)):
                r = reference[y * samples + x]
                s = secondary[y * samples + x]
                a, b, c, d = products(r.real, r.imag, s.real, s.imag, valid[y * samples + x])
                re += a
                im += b
                p += c
                q += d
        magnitude[i], angle[i] = coherence(re, im, p, q, valid[line * samples + sample])


_functions = bind(device_function, scalar.FUNCTIONS, scalar)
_functions |= bind(device_function, DEVICE_FUNCTIONS, sys.modules[__name__], _functions)
KERNEL = bind(kernel, KERNELS, sys.modules[__name__], _functions)
