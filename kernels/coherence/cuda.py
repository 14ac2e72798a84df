"""The CUDA kernels: loops in plain Python over flat arrays, compiled for the device on first use.

Import it late, as :mod:`.interface` does: it imports numba.cuda. What each kernel may cost is declared
beside it, in :data:`DECLARED`, and held by a test that compiles them without a device.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import THREADS, cuda, kernels_of
from numba import float64

from .scalar import coherence, complex_coherence, detect, difference, products, rotate

# A block of boxcar_coherence_tile makes LINES lines of up to THREADS samples. Its shared memory holds, for
# each of these lines, the sums of the four products in THREADS columns; a place is left free after every
# GROUP columns so that threads which start GROUP columns apart use different banks.
LINES = 4
GROUP = 4
PITCH = THREADS + THREADS // GROUP
SHARED = LINES * 4 * PITCH
WIDEST_TILED_WINDOW = THREADS // 2 + 1

DEVICE_FUNCTIONS = ("padded", "pixel_products", "pair_sums", "group_sums")


WHY_SUMS = "sums of products, which are exact in it, and their ratio"
DECLARED = {
    "amplitude_intensity_phase": Declared(arguments="cbfff", registers=32, float64=0),
    "phase_difference": Declared(arguments="ccbf", registers=32, float64=0),
    "rotate_phase": Declared(
        arguments="cdc", registers=32, float64=16, why_float64="the phase, until it is reduced to turns"
    ),
    "boxcar_coherence_tile": Declared(
        arguments="ccbpppff", registers=80, float64=190, shared=8 * SHARED, why_float64=WHY_SUMS
    ),
    "block_coherence": Declared(arguments="ccbiqqcf", registers=72, float64=270, why_float64=WHY_SUMS),
    "boxcar_coherence_direct": Declared(
        arguments="ccbpppff", registers=64, float64=140, why_float64=WHY_SUMS
    ),
}


def amplitude_intensity_phase(pixels: Any, valid: Any, amplitude: Any, intensity: Any, phase: Any) -> None:
    """Driver of :func:`.scalar.detect`."""
    for i in range(cuda.grid(1), pixels.size, cuda.gridsize(1)):
        z = pixels[i]
        amplitude[i], intensity[i], phase[i] = detect(z.real, z.imag, valid[i])


def phase_difference(reference: Any, secondary: Any, valid: Any, phase: Any) -> None:
    """Driver of :func:`.scalar.difference`."""
    for i in range(cuda.grid(1), reference.size, cuda.gridsize(1)):
        r = reference[i]
        s = secondary[i]
        phase[i] = difference(r.real, r.imag, s.real, s.imag, valid[i])


def rotate_phase(pixels: Any, phase: Any, rotated: Any) -> None:
    """Driver of :func:`.scalar.rotate`."""
    for i in range(cuda.grid(1), pixels.size, cuda.gridsize(1)):
        z = pixels[i]
        re, im = rotate(z.real, z.imag, phase[i])
        rotated[i] = complex(re, im)


def padded(slot: int) -> int:
    """Place in shared memory of a column."""
    return slot + (slot >> 2)


def pixel_products(images: Any, shape: tuple[int, int], line: int, sample: int) -> Any:
    """The four products of a pixel, 0 outside the image. (An unsigned index needs no wrapping.)"""
    if line < 0 or line >= shape[0] or sample < 0 or sample >= shape[1]:
        return 0.0, 0.0, 0.0, 0.0
    reference, secondary, valid = images
    i = np.uint64(line * shape[1] + sample)
    r = reference[i]
    s = secondary[i]
    re, im, p, q = products(r.real, r.imag, s.real, s.imag, valid[i])
    return re, im, p, q


def pair_sums(
    images: Any, shape: tuple[int, int], line: int, sample: int, half: int, columns: Any, place: int
) -> None:
    """Vertical sums of the products in one column over the windows around ``line`` and the line below.

    Both hold the lines between their ends, which are summed once. Nothing is subtracted, so that a bright
    pixel leaves no residue in windows that do not hold it.
    """
    a0, b0, c0, d0 = pixel_products(images, shape, line - half, sample)
    a = 0.0
    b = 0.0
    c = 0.0
    d = 0.0
    y = line - half + 1
    while y <= line + half:
        re, im, p, q = pixel_products(images, shape, y, sample)
        a += re
        b += im
        c += p
        d += q
        y += 1
    a1, b1, c1, d1 = pixel_products(images, shape, line + half + 1, sample)
    columns[np.uint64(place)] = a0 + a
    columns[np.uint64(place + PITCH)] = b0 + b
    columns[np.uint64(place + 2 * PITCH)] = c0 + c
    columns[np.uint64(place + 3 * PITCH)] = d0 + d
    columns[np.uint64(place + 4 * PITCH)] = a + a1
    columns[np.uint64(place + 5 * PITCH)] = b + b1
    columns[np.uint64(place + 6 * PITCH)] = c + c1
    columns[np.uint64(place + 7 * PITCH)] = d + d1


def group_sums(columns: Any, start: int, slot: int, half: int) -> Any:
    """Horizontal sums of one product over four windows of at least three columns, side by side.

    The first window begins at ``slot``, a multiple of GROUP. All four hold the columns from slot + 3 to
    slot + 2 half, which are summed once.
    """
    a0 = columns[np.uint64(start + padded(slot))]
    a1 = columns[np.uint64(start + padded(slot) + 1)]
    a2 = columns[np.uint64(start + padded(slot) + 2)]
    common = 0.0
    s = slot + 3
    last = slot + 2 * half
    while s <= last:
        common += columns[np.uint64(start + padded(s))]
        s += 1
    b1 = columns[np.uint64(start + padded(last + 1))]
    b2 = columns[np.uint64(start + padded(last + 2))]
    b3 = columns[np.uint64(start + padded(last + 3))]
    middle = a2 + common
    return (a0 + a1) + middle, (a1 + middle) + b1, middle + (b1 + b2), (common + b1) + (b2 + b3)


def boxcar_coherence_tile(
    reference: Any,
    secondary: Any,
    valid: Any,
    shape: tuple[int, int],
    half: tuple[int, int],
    span: tuple[int, int],
    magnitude: Any,
    angle: Any,
) -> None:
    """Coherence of span[1] lines from span[0] on, for windows up to WIDEST_TILED_WINDOW samples wide.

    Separable: each thread sums one column for LINES lines, then GROUP windows of one line, then takes the
    coherence of one column again, so that reads and writes of global memory are consecutive.
    """
    columns = cuda.shared.array(SHARED, float64)
    images = (reference, secondary, valid)
    first, rows = span
    samples = shape[1]
    thread = cuda.threadIdx.x
    place = padded(thread)
    line = thread >> 6  # of the tile, in the second step: 64 threads take the groups of a line
    slot = (thread & 63) << 2
    tile = (THREADS - 2 * half[1]) & -GROUP
    w0 = 0.0
    w1 = 0.0
    w2 = 0.0
    w3 = 0.0
    row = cuda.blockIdx.y * LINES
    while row < rows:
        left = cuda.blockIdx.x * tile
        while left < samples:
            k = 0
            while k < LINES:
                at = place + 4 * k * PITCH
                pair_sums(images, shape, first + row + k, left + thread - half[1], half[0], columns, at)
                k += 2
            cuda.syncthreads()
            if half[1] > 0:
                for q in range(4):
                    start = (line * 4 + q) * PITCH
                    if slot < tile:
                        w0, w1, w2, w3 = group_sums(columns, start, slot, half[1])
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
    reference: Any,
    secondary: Any,
    valid: Any,
    shape: tuple[int, int],
    half: tuple[int, int],
    span: tuple[int, int],
    magnitude: Any,
    angle: Any,
) -> None:
    """The same for windows of any width: each thread sums whole windows."""
    images = (reference, secondary, valid)
    samples = shape[1]
    for i in range(cuda.grid(1), span[1] * samples, cuda.gridsize(1)):
        line = span[0] + i // samples
        sample = i % samples
        re = 0.0
        im = 0.0
        p = 0.0
        q = 0.0
        y = max(line - half[0], 0)
        while y <= min(line + half[0], shape[0] - 1):
            x = max(sample - half[1], 0)
            while x <= min(sample + half[1], samples - 1):
                a, b, c, d = pixel_products(images, shape, y, x)
                re += a
                im += b
                p += c
                q += d
                x += 1
            y += 1
        magnitude[i], angle[i] = coherence(re, im, p, q, valid[line * samples + sample])


def block_coherence(
    reference: Any,
    secondary: Any,
    valid: Any,
    width: int,
    lines: Any,
    samples: Any,
    coherence_out: Any,
    count_out: Any,
) -> None:
    """Driver of :func:`.scalar.complex_coherence`, a thread a block of an image ``width`` samples wide.

    Sums columns first, as :mod:`.cpu` does.
    """
    blocks = samples.size - 1
    for k in range(cuda.grid(1), count_out.size, cuda.gridsize(1)):
        row = k // blocks
        column = k % blocks
        re = 0.0
        im = 0.0
        p = 0.0
        q = 0.0
        known = np.int64(0)
        x = samples[column]
        while x < samples[column + 1]:
            a = 0.0
            b = 0.0
            c = 0.0
            d = 0.0
            y = lines[row]
            while y < lines[row + 1]:
                i = np.uint64(y * width + x)
                r = reference[i]
                s = secondary[i]
                known += 1 if valid[i] else 0
                e, f, g, h = products(r.real, r.imag, s.real, s.imag, valid[i])
                a += e
                b += f
                c += g
                d += h
                y += 1
            re += a
            im += b
            p += c
            q += d
            x += 1
        real, imaginary = complex_coherence(re, im, p, q)
        coherence_out[np.uint64(k)] = complex(real, imaginary)
        count_out[np.uint64(k)] = np.float32(known)


KERNEL = kernels_of(__name__)
