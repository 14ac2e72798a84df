"""The CPU drivers: loops over pixels in plain Python, compiled by :mod:`.cpujit`.

Until they are bound they run as they are: ``prange`` is ``range`` here and numba's at compilation, and the
scalar functions are their plain forms. All arrays are C-contiguous; the elementwise drivers take them flat.
"""

from __future__ import annotations

import numpy as np

from .scalar import coherence, detect, difference, products, rotate

prange = range

STRIP = 32  # output rows that one thread sums without restarting; blocks cut at multiples keep their bits
TILE = 256  # output samples at a time: the sums of a row and of a window stay in the first caches
CHUNK = 32768  # pixels that one thread takes at a time in an elementwise driver

BLOCKS = ("detect_chunk", "difference_chunk", "rotate_chunk")
COHERENCE_PARTS = (
    "workspace",
    "add",
    "accumulate",
    "add_shifted",
    "product_row",
    "fill_row",
    "window_sums",
    "coherence_row",
    "coherence_tile",
    "coherence_strip",
)
DRIVERS = ("amplitude_intensity_phase", "phase_difference", "rotate_phase", "boxcar_coherence")


def detect_chunk(pixels, valid, amplitude, intensity, phase):
    for i in range(pixels.size):
        amplitude[i], intensity[i], phase[i] = detect(pixels[i].real, pixels[i].imag, valid[i])


def difference_chunk(reference, secondary, valid, phase):
    for i in range(reference.size):
        r = reference[i]
        s = secondary[i]
        phase[i] = difference(r.real, r.imag, s.real, s.imag, valid[i])


def rotate_chunk(pixels, phase, rotated):
    for i in range(pixels.size):
        re, im = rotate(pixels[i].real, pixels[i].imag, phase[i])
        rotated[i] = complex(re, im)


def amplitude_intensity_phase(pixels, valid, amplitude, intensity, phase):
    count = pixels.size
    for k in prange((count + CHUNK - 1) // CHUNK):
        a = k * CHUNK
        b = min(a + CHUNK, count)
        detect_chunk(pixels[a:b], valid[a:b], amplitude[a:b], intensity[a:b], phase[a:b])


def phase_difference(reference, secondary, valid, phase):
    count = reference.size
    for k in prange((count + CHUNK - 1) // CHUNK):
        a = k * CHUNK
        b = min(a + CHUNK, count)
        difference_chunk(reference[a:b], secondary[a:b], valid[a:b], phase[a:b])


def rotate_phase(pixels, phase, rotated):
    count = pixels.size
    for k in prange((count + CHUNK - 1) // CHUNK):
        a = k * CHUNK
        b = min(a + CHUNK, count)
        rotate_chunk(pixels[a:b], phase[a:b], rotated[a:b])


def add(a, b, total):
    for i in range(total.size):
        total[i] = a[i] + b[i]


def accumulate(values, total):
    for i in range(total.size):
        total[i] += values[i]


def product_row(reference, secondary, valid, re, im, power_r, power_s):
    for i in range(valid.size):
        r = reference[i]
        s = secondary[i]
        re[i], im[i], power_r[i], power_s[i] = products(r.real, r.imag, s.real, s.imag, valid[i])


def fill_row(reference, secondary, valid, line, first, width, row):
    """Products of samples first : first + width of a line into row (4 * width); 0 outside the image."""
    a = max(first, 0)
    b = min(first + width, reference.shape[1])
    inside = 0 <= line < reference.shape[0]
    if not inside or b - a < width:
        row[:] = 0.0
    if inside:
        product_row(
            reference[line, a:b],
            secondary[line, a:b],
            valid[line, a:b],
            row[a - first : b - first],
            row[width + a - first : width + b - first],
            row[2 * width + a - first : 2 * width + b - first],
            row[3 * width + a - first : 3 * width + b - first],
        )


def add_shifted(source, offset, step, terms, total):
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


def window_sums(columns, window, spare, other, total):
    """total[i] = columns[i] + ... + columns[i + window - 1], by way of sums of 4, 16, ... neighbours.

    Nothing is subtracted, so a bright pixel leaves no residue in windows that do not hold it, and the order
    of the additions is the same at every position. The last window - 1 values of total mean nothing.
    """
    size = columns.size
    count = size - window + 1
    total[:] = 0.0
    sums = columns
    step = 1  # each of sums is over so many neighbours
    offset = 0  # so many of the window are in total
    rest = window  # so many sums are missing in total
    while rest > 7:
        if rest % 4 > 0:
            add_shifted(sums, offset, step, rest % 4, total[:count])
            offset += rest % 4 * step
        rest //= 4
        longer = size - 4 * step + 1
        spare[:longer] = 0.0
        add_shifted(sums, 0, step, 4, spare[:longer])
        sums = spare
        spare, other = other, spare
        step *= 4
    while rest > 0:
        terms = min(rest, 4)
        add_shifted(sums, offset, step, terms, total[:count])
        offset += terms * step
        rest -= terms


def coherence_row(sums, width, valid, magnitude, angle):
    re = sums[:width]
    im = sums[width : 2 * width]
    power_r = sums[2 * width : 3 * width]
    power_s = sums[3 * width :]
    for i in range(valid.size):
        magnitude[i], angle[i] = coherence(re[i], im[i], power_r[i], power_s[i], valid[i])


def coherence_tile(reference, secondary, valid, line, a, b, half, width, work, ahead, sums, magnitude, angle):
    """Coherence of samples a:b of magnitude.shape[0] lines from ``line`` on.

    The vertical sums of the four products, without a subtraction: input lines are taken in groups of as
    many as the window has; a window is the end of one group (``work``, summed from the back) and the
    beginning of the next (``ahead``, summed from the front as its lines come in).
    """
    lines = work.shape[0]
    first = a - half[1]
    columns = sums[0]
    front = sums[1]
    for k in range(lines):
        fill_row(reference, secondary, valid, line - half[0] + k, first, width, work[k])
    place = 0
    for i in range(magnitude.shape[0]):
        if place == 0:
            for k in range(lines - 2, -1, -1):
                accumulate(work[k + 1], work[k])
            whole = work[0]
        else:
            fill_row(reference, secondary, valid, line + i + half[0], first, width, ahead[place - 1])
            if place == 1:
                front[:] = ahead[0]
            else:
                accumulate(ahead[place - 1], front)
            add(work[place], front, columns)
            whole = columns
        if half[1] > 0:
            window_sums(whole, 2 * half[1] + 1, sums[2], sums[3], sums[4])
            whole = sums[4]
        coherence_row(whole, width, valid[line + i, a:b], magnitude[i, a:b], angle[i, a:b])
        place += 1
        if place == lines:
            fill_row(reference, secondary, valid, line + i + half[0] + 1, first, width, ahead[lines - 1])
            place = 0
            work, ahead = ahead, work


def workspace(rows, width):
    """Zeros, [rows, width] float64 with width a multiple of 8, on a boundary of a cache line."""
    memory = np.zeros(rows * width + 8)
    start = (64 - memory.ctypes.data % 64) // 8 % 8
    return memory[start : start + rows * width].reshape(rows, width)


def coherence_strip(reference, secondary, valid, line, half, magnitude, angle):
    samples = reference.shape[1]
    tile = min(max(TILE, 2 * half[1]), samples)
    width = (tile + 2 * half[1] + 7) // 8 * 8
    work = workspace(2 * half[0] + 1, 4 * width)
    ahead = workspace(2 * half[0] + 1, 4 * width)
    sums = workspace(5, 4 * width)
    for a in range(0, samples, tile):
        b = min(a + tile, samples)
        coherence_tile(
            reference, secondary, valid, line, a, b, half, width, work, ahead, sums, magnitude, angle
        )


def boxcar_coherence(reference, secondary, valid, half_lines, half_samples, first, magnitude, angle):
    half = (half_lines, half_samples)
    rows = magnitude.shape[0]
    for k in prange((rows + STRIP - 1) // STRIP):
        a = k * STRIP
        b = min(a + STRIP, rows)
        coherence_strip(reference, secondary, valid, first + a, half, magnitude[a:b], angle[a:b])
