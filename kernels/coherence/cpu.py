"""The CPU drivers of amplitude, phase and coherence, and their loops over pixels in plain Python.

Until `driving.families` binds them to a compiler they run as they are. All arrays are C-contiguous; the elementwise
drivers take them flat.

The loops that LLVM vectorises are in functions of their own, which write to no array that they also read
at another place: its checks for overlapping arrays fail otherwise, and the loop runs one pixel at a time.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.threads import in_threads

from .scalar import coherence, complex_coherence, detect, difference, products, rotate

STRIP = 32  # output rows summed without restarting: blocks cut at multiples of it keep their bits
TILE = 512  # output samples at a time, so that the sums of a window's lines stay in the second cache
CHUNK = 32768  # pixels that one thread takes at a time in an elementwise driver

PARTS = (  # in the order in which they call each other
    "detect_run",
    "difference_run",
    "rotate_run",
    "workspace",
    "clear",
    "copy",
    "accumulate",
    "advance",
    "add_shifted",
    "sum_four",
    "product_row",
    "fill_row",
    "window_sums",
    "coherence_row",
    "coherence_tile",
    "coherence_strip",
    "count_row",
    "block_coherence_row",
)
INLINED = ("coherence_tile", "coherence_strip", "block_coherence_row")
LOOPS = ("detect_chunks", "difference_chunks", "rotate_chunks", "coherence_strips", "block_coherence_rows")
DRIVERS = (
    "amplitude_intensity_phase",
    "phase_difference",
    "rotate_phase",
    "boxcar_coherence",
    "block_coherence",
)


def detect_run(pixels: Any, valid: Any, amplitude: Any, intensity: Any, phase: Any) -> None:
    """Amplitude, intensity and phase of a run of pixels."""
    for i in range(pixels.size):
        amplitude[i], intensity[i], phase[i] = detect(pixels[i].real, pixels[i].imag, valid[i])


def difference_run(reference: Any, secondary: Any, valid: Any, phase: Any) -> None:
    """Phase of reference * conj(secondary) of a run of pixels."""
    for i in range(reference.size):
        r = reference[i]
        s = secondary[i]
        phase[i] = difference(r.real, r.imag, s.real, s.imag, valid[i])


def rotate_run(pixels: Any, phase: Any, rotated: Any) -> None:
    """Pixels * exp(i phase) of a run of pixels."""
    for i in range(pixels.size):
        re, im = rotate(pixels[i].real, pixels[i].imag, phase[i])
        rotated[i] = complex(re, im)


def workspace(rows: int, width: int) -> Any:
    """Zeros, [rows, width] float64, on a boundary of a cache line; width is a multiple of 8.

    On numba's own boundary of 32 bytes half of the 64-byte accesses straddle two lines, at half the speed.
    """
    memory = np.zeros(rows * width + 8)
    start = (64 - memory.ctypes.data % 64) // 8 % 8
    return memory[start : start + rows * width].reshape(rows, width)


def clear(total: Any) -> None:
    """Total = 0."""
    for i in range(total.size):
        total[i] = 0.0


def copy(values: Any, total: Any) -> None:
    """Total = values."""
    for i in range(total.size):
        total[i] = values[i]


def accumulate(values: Any, total: Any) -> None:
    """Total += values."""
    for i in range(total.size):
        total[i] += values[i]


def advance(values: Any, front: Any, rest: Any, total: Any) -> None:
    """Front += values, and total = front + rest."""
    for i in range(total.size):
        front[i] += values[i]
        total[i] = front[i] + rest[i]


def add_shifted(source: Any, offset: int, step: int, terms: int, total: Any) -> None:
    """total[i] += source[i + offset] + source[i + offset + step] + ..., 1 to 4 terms."""
    count = total.size
    a = source[offset : offset + count]
    if terms == 1:
        for i in range(count):
            total[i] += a[i]
        return
    b = source[offset + step : offset + step + count]
    if terms == 2:
        for i in range(count):
            total[i] += a[i] + b[i]
        return
    c = source[offset + 2 * step : offset + 2 * step + count]
    if terms == 3:
        for i in range(count):
            total[i] += (a[i] + b[i]) + c[i]
        return
    d = source[offset + 3 * step : offset + 3 * step + count]
    for i in range(count):
        total[i] += (a[i] + b[i]) + (c[i] + d[i])


def product_row(images: Any, re: Any, im: Any, power_r: Any, power_s: Any) -> None:
    """The four products of each pixel of a run."""
    reference, secondary, valid = images
    for i in range(valid.size):
        r = reference[i]
        s = secondary[i]
        re[i], im[i], power_r[i], power_s[i] = products(r.real, r.imag, s.real, s.imag, valid[i])


def fill_row(images: Any, line: int, first: int, row: Any) -> None:
    """Products of a line from sample ``first`` on, one after the other in row (4 * width); 0 outside."""
    reference, secondary, valid = images
    width = row.size // 4
    a = max(first, 0)
    b = min(first + width, valid.shape[1])
    inside = 0 <= line < valid.shape[0]
    if not inside or b - a < width:
        clear(row)
    if inside:
        i = a - first
        j = b - first
        product_row(
            (reference[line, a:b], secondary[line, a:b], valid[line, a:b]),
            row[i:j],
            row[width + i : width + j],
            row[2 * width + i : 2 * width + j],
            row[3 * width + i : 3 * width + j],
        )


def sum_four(source: Any, step: int, total: Any) -> None:
    """total[i] = source[i] + source[i + step] + source[i + 2 step] + source[i + 3 step]."""
    count = total.size
    b = source[step : step + count]
    c = source[2 * step : 2 * step + count]
    d = source[3 * step : 3 * step + count]
    for i in range(count):
        total[i] = (source[i] + b[i]) + (c[i] + d[i])


def window_sums(columns: Any, window: int, spare: Any, other: Any, total: Any) -> None:
    """total[i] = columns[i] + ... + columns[i + window - 1], by way of sums of 4, 16, ... neighbours.

    Nothing is subtracted, so a bright pixel leaves no residue in windows that do not hold it, and the order
    of the additions is the same at every position. The last window - 1 values of total mean nothing.
    """
    size = columns.size
    count = size - window + 1
    copy(columns, total)
    sums = columns
    # Typed integers: numba would compile add_shifted once more for every literal.
    offset: Any = np.int64(1)  # so many of the window's columns are in total
    step: Any = np.int64(1)  # each value of sums is over so many neighbours
    rest = window - 1  # so many values of sums are missing in total
    while rest > 7:
        if rest % 4 > 0:
            add_shifted(sums, offset, step, rest % 4, total[:count])
            offset += rest % 4 * step
        rest //= 4
        sum_four(sums, step, spare[: size - 4 * step + 1])
        sums = spare
        spare, other = other, spare
        step *= 4
    while rest > 0:
        terms = min(rest, 4)
        add_shifted(sums, offset, step, terms, total[:count])
        offset += terms * step
        rest -= terms


def coherence_row(sums: Any, valid: Any, magnitude: Any, angle: Any) -> None:
    """Coherence and phase of a run of pixels from their window sums (4 * width)."""
    width = sums.size // 4
    re = sums[:width]
    im = sums[width : 2 * width]
    power_r = sums[2 * width : 3 * width]
    power_s = sums[3 * width :]
    for i in range(valid.size):
        magnitude[i], angle[i] = coherence(re[i], im[i], power_r[i], power_s[i], valid[i])


def coherence_tile(
    images: Any,
    line: int,
    span: tuple[int, int],
    half: tuple[int, int],
    memory: Any,
    magnitude: Any,
    angle: Any,
) -> None:
    """Coherence around lines from ``line`` on, of the samples in ``span``, into all rows of magnitude.

    The vertical sums without a subtraction: input lines come in groups of as many as a window has, and a
    window is the end of one group (``work``, summed from the back) and the beginning of the next
    (``ahead``, summed from the front as its lines come in).
    """
    lines = 2 * half[0] + 1
    work = memory[:lines]
    ahead = memory[lines : 2 * lines]
    front = memory[2 * lines]
    columns = memory[2 * lines + 1]
    windows = memory[2 * lines + 2]
    a, b = span
    first = a - half[1]
    for k in range(lines):
        fill_row(images, line - half[0] + k, first, work[k])
    place = 0
    for i in range(magnitude.shape[0]):
        if place == 0:
            for k in range(lines - 2, -1, -1):
                accumulate(work[k + 1], work[k])
            sums = work[0]
        else:
            fill_row(images, line + i + half[0], first, ahead[place - 1])
            if place == 1:
                clear(front)
            advance(ahead[place - 1], front, work[place], columns)
            sums = columns
        if half[1] > 0:
            window_sums(sums, 2 * half[1] + 1, memory[2 * lines + 3], memory[2 * lines + 4], windows)
            sums = windows
        coherence_row(sums, images[2][line + i, a:b], magnitude[i, a:b], angle[i, a:b])
        place += 1
        if place == lines:
            fill_row(images, line + i + half[0] + 1, first, ahead[lines - 1])
            place = 0
            work, ahead = ahead, work


def coherence_strip(images: Any, line: int, half: tuple[int, int], magnitude: Any, angle: Any) -> None:
    """Coherence around lines from ``line`` on into all rows and samples of magnitude and angle."""
    samples = magnitude.shape[1]
    tile = min(max(TILE, 2 * half[1]), samples)
    width = (tile + 2 * half[1] + 7) // 8 * 8
    memory = workspace(2 * (2 * half[0] + 1) + 5, 4 * width)
    for a in range(0, samples, tile):
        coherence_tile(images, line, (a, min(a + tile, samples)), half, memory, magnitude, angle)


def count_row(valid: Any, total: Any) -> None:
    """Total += 1 where a pixel is valid."""
    for i in range(total.size):
        total[i] += 1.0 if valid[i] else 0.0


def block_coherence_row(
    images: Any, lines: Any, samples: Any, work: Any, coherence_out: Any, count_out: Any
) -> None:
    """Coherence of a row of blocks of the lines ``lines``, which begin and end at ``samples``.

    The columns are summed first, one line after the other; then the columns of each block.
    """
    valid = images[2]
    row = work[0]
    total = work[1]
    count = work[2]
    width = row.size // 4
    stop = valid.shape[1]
    clear(total)
    clear(count)
    for line in range(lines[0], lines[1]):
        fill_row(images, line, 0, row)
        accumulate(row, total)
        count_row(valid[line], count[:stop])
    for block in range(samples.size - 1):
        re = 0.0
        im = 0.0
        p = 0.0
        q = 0.0
        known = 0.0
        for i in range(samples[block], samples[block + 1]):
            re += total[i]
            im += total[width + i]
            p += total[2 * width + i]
            q += total[3 * width + i]
            known += count[i]
        real, imaginary = complex_coherence(re, im, p, q)
        coherence_out[block] = complex(real, imaginary)
        count_out[block] = known


def detect_chunks(
    first: int, stop: int, pixels: Any, valid: Any, amplitude: Any, intensity: Any, phase: Any
) -> None:
    """`detect` over the chunks of flat arrays."""
    a = first * CHUNK
    b = min(stop * CHUNK, pixels.size)
    detect_run(pixels[a:b], valid[a:b], amplitude[a:b], intensity[a:b], phase[a:b])


def difference_chunks(first: int, stop: int, reference: Any, secondary: Any, valid: Any, phase: Any) -> None:
    """`difference` over the chunks of flat arrays."""
    a = first * CHUNK
    b = min(stop * CHUNK, reference.size)
    difference_run(reference[a:b], secondary[a:b], valid[a:b], phase[a:b])


def rotate_chunks(first: int, stop: int, pixels: Any, phase: Any, rotated: Any) -> None:
    """`rotate` over the chunks of flat arrays."""
    a = first * CHUNK
    b = min(stop * CHUNK, pixels.size)
    rotate_run(pixels[a:b], phase[a:b], rotated[a:b])


def coherence_strips(
    first: int,
    stop: int,
    images: Any,
    line: int,
    half: tuple[int, int],
    magnitude: Any,
    angle: Any,
) -> None:
    """`coherence` over the strips of the output, whose first row is around ``line``."""
    for k in range(first, stop):
        a = k * STRIP
        b = min(a + STRIP, magnitude.shape[0])
        coherence_strip(images, line + a, half, magnitude[a:b], angle[a:b])


def block_coherence_rows(
    first: int, stop: int, images: Any, lines: Any, samples: Any, coherence_out: Any, count_out: Any
) -> None:
    """`complex_coherence` over rows of blocks."""
    width = (images[2].shape[1] + 7) // 8 * 8
    work = workspace(3, 4 * width)
    for k in range(first, stop):
        block_coherence_row(images, (lines[k], lines[k + 1]), samples, work, coherence_out[k], count_out[k])


def amplitude_intensity_phase(pixels: Any, valid: Any, amplitude: Any, intensity: Any, phase: Any) -> None:
    """Driver of `scalar.detect` over flat arrays."""
    in_threads(detect_chunks, -(-pixels.size // CHUNK), pixels, valid, amplitude, intensity, phase)


def phase_difference(reference: Any, secondary: Any, valid: Any, phase: Any) -> None:
    """Driver of `scalar.difference` over flat arrays."""
    in_threads(difference_chunks, -(-reference.size // CHUNK), reference, secondary, valid, phase)


def rotate_phase(pixels: Any, phase: Any, rotated: Any) -> None:
    """Driver of `scalar.rotate` over flat arrays."""
    in_threads(rotate_chunks, -(-pixels.size // CHUNK), pixels, phase, rotated)


def boxcar_coherence(
    reference: Any,
    secondary: Any,
    valid: Any,
    half: tuple[int, int],
    first: int,
    magnitude: Any,
    angle: Any,
) -> None:
    """Driver of `scalar.products` and `scalar.coherence` over images [line, sample].

    Fills the rows of magnitude and angle with the coherence around the lines from ``first`` on, for
    windows that reach ``half`` lines and samples to each side.
    """
    images = (reference, secondary, valid)
    in_threads(coherence_strips, -(-len(magnitude) // STRIP), images, first, half, magnitude, angle)


def block_coherence(
    reference: Any, secondary: Any, valid: Any, lines: Any, samples: Any, coherence_out: Any, count_out: Any
) -> None:
    """Driver of `scalar.products` and `scalar.complex_coherence` over blocks that begin and end at edges."""
    images = (reference, secondary, valid)
    in_threads(block_coherence_rows, len(count_out), images, lines, samples, coherence_out, count_out)
