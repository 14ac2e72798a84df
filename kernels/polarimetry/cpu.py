"""The CPU drivers of polarimetry, and their loops in plain Python, compiled for two channels and for four.

A tile of a line goes through all steps while it lies in the cache: products of its channels, sums over the window,
the matrix, the measures that are wanted, and out.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from alignsar_gpu.kernels.coherence.cpu import window_sums
from alignsar_gpu.kernels.driving.binding import bind
from alignsar_gpu.kernels.driving.mathematics import ONE, ZERO
from alignsar_gpu.kernels.driving.threads import in_threads

from . import cpu_rows
from .cpu_rows import (
    TILE,
    WIDTH,
    add_row,
    add_three,
    copy_row,
    fill_row_dual,
    level_row,
    mark_row,
    matrix_row_dual,
    measure_row_dual,
    write_row,
)
from .measures import KINDS

if TYPE_CHECKING:
    from alignsar_gpu.kernels.driving.binding import Compiler, Forms

STRIP = 32  # lines that one thread takes at a time

PARTS = ("no_measures", "is_wanted", "sum_lines")
INLINED = (
    "no_measures",
    "measures",
    "radiometry_rows",
    "finish_row",
    "sum_samples",
    "window_tile",
    "element_row",
)
LOOPS = ()
DRIVERS = ("window_signatures", "matrix_signatures")
# Compiled once for every measure, and once for two channels and once for four.
MEASURE_PARTS = ("measures",)
KIND_PARTS = ("radiometry_rows", "finish_row", "sum_samples", "window_tile", "element_row")
KIND_LOOPS = ("window_strips", "matrix_lines")

# What these are bound with; here, for two channels and no measure.
CHANNELS = 2
PLANES = 4
ENTRIES = 6
FIRST = 0
COUNT = 0
fill_row = fill_row_dual
matrix_row = matrix_row_dual
measure_row = measure_row_dual


def no_measures(matrix: Any, slots: Any, results: Any) -> None:
    """Where the chain of `measures` begins."""


earlier = no_measures


def is_wanted(slots: Any, first: Any, count: Any) -> bool:
    """Whether one of so many values of a measure has a place to be written to."""
    wanted = False
    for j in range(first, first + count):
        wanted = wanted or slots[j] >= 0
    return wanted


def measures(matrix: Any, slots: Any, results: Any) -> None:
    """All measures up to one, of a tile: those that are wanted."""
    earlier(matrix, slots, results)
    if is_wanted(slots, np.int64(FIRST), np.int64(COUNT)):
        measure_row(matrix, results)


def radiometry_rows(images: Any, line: int, span: Any, rows: Any) -> None:
    """Gains, then noise, of a run of pixels; 1 and 0 where there are none."""
    gains, noise = images
    a, b = span
    for k in range(CHANNELS):
        gain_row = rows[k * TILE : k * TILE + b - a]
        noise_row = rows[(CHANNELS + k) * TILE : (CHANNELS + k) * TILE + b - a]
        if gains.size > 0:
            copy_row(gains[k, line, a:b], gain_row)
        else:
            level_row(ONE, gain_row)
        if noise.size > 0:
            copy_row(noise[k, line, a:b], noise_row)
        else:
            level_row(ZERO, noise_row)


def finish_row(
    sums: Any,
    own: Any,
    radiometry: Any,
    lowest: Any,
    valid: Any,
    line: int,
    span: Any,
    slots: Any,
    work: Any,
    shape: Any,
    out: Any,
) -> None:
    """From the sums of a run of pixels to the signatures that are wanted, in flat out [signature, line, sample]."""
    a, b = span
    count = b - a
    rows, matrix, results = work
    radiometry_rows(radiometry, line, span, rows)
    matrix_row(sums, own, rows, lowest, matrix)
    measures(matrix, slots, results)
    good = matrix[ENTRIES * TILE : ENTRIES * TILE + count]
    mark_row(valid, good)
    for j in range(slots.size):
        if slots[j] >= 0:
            start = (slots[j] * shape[0] + line) * shape[1] + a
            write_row(results[j * TILE : j * TILE + count], good, out[start : start + count])


def sum_lines(rows: Any, first: int, lines: int, size: int, total: Any) -> None:
    """Sums over a window's lines, which lie in ``rows`` in a ring that begins at ``first``; first line first."""
    a = rows[first * size : (first + 1) * size]
    if lines == 1:
        copy_row(a, total)
        return
    second = (first + 1) % lines
    third = (first + 2) % lines
    b = rows[second * size : (second + 1) * size]
    c = rows[third * size : (third + 1) * size]
    add_three(a, b, c, total)
    for k in range(3, lines):
        row = (first + k) % lines
        add_row(rows[row * size : (row + 1) * size], total)


def sum_samples(columns: Any, window: int, count: int, spare: Any, total: Any) -> None:
    """Sums over a window's samples, of every plane."""
    for k in range(PLANES + 1):
        plane = columns[k * WIDTH : k * WIDTH + count]
        sums = total[k * WIDTH : k * WIDTH + count]
        if window == 3:
            add_three(plane[: count - 2], plane[1 : count - 1], plane[2:], sums[: count - 2])
        else:
            window_sums(plane, window, spare[:count], spare[WIDTH : WIDTH + count], sums)


def window_tile(
    images: Any,
    radiometry: Any,
    lowest: Any,
    half: Any,
    top: int,
    lines: Any,
    span: Any,
    slots: Any,
    memory: Any,
    work: Any,
    shape: Any,
    out: Any,
) -> None:
    """Signatures of the samples in ``span`` of output lines ``lines``; ``top`` is the image's line of output 0."""
    a, b = span
    count = b - a + 2 * half[1]
    window = 2 * half[0] + 1
    size = (PLANES + 1) * WIDTH
    ring = memory[: window * size]
    columns = memory[window * size : (window + 1) * size]
    windows = memory[(window + 1) * size : (window + 2) * size]
    spare = memory[(window + 2) * size :]
    valid = images[-1]
    for k in range(window - 1):
        line = top + lines[0] - half[0] + k
        fill_row(images, line, a - half[1], count, ring[k * size : (k + 1) * size])
    for i in range(lines[1] - lines[0]):
        line = top + lines[0] + i
        last = (i + window - 1) % window
        fill_row(images, line + half[0], a - half[1], count, ring[last * size : (last + 1) * size])
        sum_lines(ring, i % window, window, size, columns)
        sums = columns
        if half[1] > 0:
            sum_samples(columns, 2 * half[1] + 1, count, spare, windows)
            sums = windows
        own = ring[((i + half[0]) % window) * size + half[1] :]
        at = lines[0] + i
        finish_row(sums, own, radiometry, lowest, valid[line, a:b], at, span, slots, work, shape, out)


def window_strips(
    first: int,
    stop: int,
    images: Any,
    radiometry: Any,
    lowest: Any,
    half: Any,
    top: int,
    slots: Any,
    shape: Any,
    out: Any,
) -> None:
    """Strips of lines of the signatures of windows, as `window_signatures`."""
    lines, samples = shape
    size = (PLANES + 1) * WIDTH
    memory = np.zeros((2 * half[0] + 3) * size + 2 * WIDTH, np.float32)
    work = (
        np.zeros(2 * CHANNELS * TILE, np.float32),
        np.zeros((ENTRIES + 1) * TILE, np.float32),
        np.empty(slots.size * TILE, np.float32),
    )
    for k in range(first, stop):
        own = (k * STRIP, min((k + 1) * STRIP, lines))
        for a in range(0, samples, TILE):
            span = (a, min(a + TILE, samples))
            window_tile(images, radiometry, lowest, half, top, own, span, slots, memory, work, shape, out)


def element_row(planes: Any, line: int, span: Any, row: Any) -> None:
    """A run of the planes of a matrix, as sums over one pixel."""
    a, b = span
    for k in range(PLANES):
        copy_row(planes[k, line, a:b], row[k * WIDTH : k * WIDTH + b - a])
    level_row(ONE, row[PLANES * WIDTH : PLANES * WIDTH + b - a])


def matrix_lines(
    first: int,
    stop: int,
    planes: Any,
    valid: Any,
    radiometry: Any,
    lowest: Any,
    slots: Any,
    shape: Any,
    out: Any,
) -> None:
    """Lines of the signatures of matrices, as `matrix_signatures`."""
    samples = shape[1]
    row = np.zeros((PLANES + 1) * WIDTH, np.float32)
    work = (
        np.zeros(2 * CHANNELS * TILE, np.float32),
        np.zeros((ENTRIES + 1) * TILE, np.float32),
        np.empty(slots.size * TILE, np.float32),
    )
    for line in range(first, stop):
        for a in range(0, samples, TILE):
            span = (a, min(a + TILE, samples))
            element_row(planes, line, span, row)
            own = valid[line, a : span[1]]
            finish_row(row, row, radiometry, lowest, own, line, span, slots, work, shape, out)


def make_loops(compiler: Compiler, forms: Forms, kind: str) -> dict[str, Any]:
    """KIND_LOOPS for a kind of matrices."""
    module, own = sys.modules[__name__], KINDS[kind]
    row = f"measure_row_{kind}"
    given = {
        "CHANNELS": own.channels,
        "PLANES": own.planes,
        "ENTRIES": own.entries,
        "fill_row": forms[getattr(cpu_rows, f"fill_row_{kind}")],
        "matrix_row": forms[getattr(cpu_rows, f"matrix_row_{kind}")],
        "measures": forms[no_measures],
    }
    begin = 0
    for function, outputs in own.functions:  # each a link that calls the earlier ones
        link = {
            "measure": forms[function],
            "FIRST": begin,
            "COUNT": len(outputs),
            "earlier": given["measures"],
        }
        rows = bind(compiler.part, (row,), cpu_rows, forms, link)
        link["measure_row"] = rows[getattr(cpu_rows, row)]
        given["measures"] = bind(compiler.parts(INLINED), MEASURE_PARTS, module, forms, link)[measures]
        begin += len(outputs)
    bound = bind(compiler.parts(INLINED), KIND_PARTS, module, forms, given)
    bound = bind(compiler.loop, KIND_LOOPS, module, bound, given, f"{compiler.tag}_{kind}")
    return {"window_strips": bound[window_strips], "matrix_lines": bound[matrix_lines]}


loops_for: Any = None  # bound: `make_loops` of a kind


def window_signatures(
    kind: str,
    images: Any,
    radiometry: Any,
    lowest: Any,
    half: Any,
    top: int,
    slots: Any,
    shape: Any,
    out: Any,
) -> None:
    """Signatures around the image's lines from ``top`` on into flat out [signature, line, sample].

    ``images`` are the channels and the mask, ``half`` what the window reaches to each side, ``slots`` where each
    output is written or -1, ``shape`` lines and samples of out. ``radiometry``, gains of power and noise after
    them, are [channel, line, sample] of the output or empty.
    """
    given = (images, radiometry, lowest, half, top, slots, shape)
    in_threads(loops_for(kind)["window_strips"], -(-shape[0] // STRIP), *given, out)


def matrix_signatures(
    kind: str, planes: Any, valid: Any, radiometry: Any, lowest: Any, slots: Any, shape: Any, out: Any
) -> None:
    """Signatures of matrices that are given, [plane, line, sample]."""
    given = (planes, valid, radiometry, lowest, slots, shape)
    in_threads(loops_for(kind)["matrix_lines"], shape[0], *given, out)
