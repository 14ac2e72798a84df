"""The CPU drivers of :mod:`.scalar`: loops in plain Python, compiled by :mod:`driving.cpujit`.

As in :mod:`coherence.cpu`, the loops that LLVM vectorises are in functions of their own, and write to no array that
they also read at another place.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from alignsar_gpu.kernels.driving.binding import bind
from alignsar_gpu.kernels.driving.mathematics import ZERO
from alignsar_gpu.kernels.driving.threads import in_threads

from . import scalar
from .scalar import (
    ACROSS,
    DOWN,
    FARTHEST,
    carrier_turns,
    column,
    combined,
    has_data,
    least,
    located,
    restored_turns,
    turned,
    wrapped,
)

if TYPE_CHECKING:
    from alignsar_gpu.kernels.driving.binding import Compiler, Forms

RUN = (
    512  # pixels of a line at a time: what is kept of them from one loop to the next stays in the first cache
)

PARTS = (
    "unpack_run",
    "turn_run",
    "rotate_run",
    "locate_run",
    "known_run",
    "nearest_and_farthest",
    "extent_row",
)
INLINED = ("resample_row",)
LOOPS = ("ramp_lines", "decode_lines", "extent_rows")
DRIVERS = ("ramp", "decode", "extents", "resample")
# Compiled once for every number of taps.
TAP_PARTS = ("interpolate_run", "resample_row")
TAP_LOOPS = ("resample_rows",)


def unpack_run(numbers: Any, pixels: Any) -> None:
    """Pixels of a run of numbers, real and imaginary parts in turn, of any kind."""
    for i in range(pixels.size):
        pixels[i] = complex(np.float32(numbers[2 * i]), np.float32(numbers[2 * i + 1]))


def turn_run(pixels: Any, slope: Any, centroid: Any, time: float, sign: int) -> None:
    """A run of pixels of one line, times its carrier or the conjugate, in place."""
    for i in range(pixels.size):
        turns = wrapped(sign * carrier_turns(slope[i], centroid[i], time))
        re, im = turned(pixels[i].real, pixels[i].imag, turns)
        pixels[i] = complex(re, im)


def ramp_lines(
    first: int, stop: int, image: Any, slope: Any, centroid: Any, time: Any, sign: int, out: Any
) -> None:
    """`scalar.carrier_turns` over lines of an image [line, 2 * sample], real and imaginary parts in turn."""
    samples = out.shape[1]
    for row in range(first, stop):
        for a in range(0, samples, RUN):
            b = min(a + RUN, samples)
            unpack_run(image[row, 2 * a : 2 * b], out[row, a:b])
            turn_run(out[row, a:b], slope[a:b], centroid[a:b], time[row], sign)


def known_run(pixels: Any, wanted: Any, known: Any) -> None:
    """Which pixels of a run hold data; the others become 0."""
    for i in range(pixels.size):
        good = wanted and has_data(pixels[i].real, pixels[i].imag)
        known[i] = good
        pixels[i] = pixels[i] if good else np.complex64(0)


def decode_lines(first: int, stop: int, image: Any, wanted: Any, out: Any, known: Any) -> None:
    """`scalar.has_data` over lines of an image [line, 2 * sample], real and imaginary parts in turn."""
    samples = out.shape[1]
    for row in range(first, stop):
        for a in range(0, samples, RUN):
            b = min(a + RUN, samples)
            unpack_run(image[row, 2 * a : 2 * b], out[row, a:b])
            known_run(out[row, a:b], wanted[row], known[row, a:b])


def nearest_and_farthest(values: Any, low: Any, high: Any) -> None:
    """Least number, and least of their negatives, of as many values as there are places for either."""
    for i in range(values.size):
        low[i] = least(low[i], values[i])
        high[i] = least(high[i], -values[i])


def extent_row(values: Any, low: Any, high: Any, out: Any) -> None:
    """Least and greatest finite number of a row; of none, FARTHEST and its negative."""
    low[:] = FARTHEST
    high[:] = FARTHEST
    for a in range(0, values.size, low.size):
        run = values[a : a + low.size]
        nearest_and_farthest(run, low[: run.size], high[: run.size])
    out[0] = low.min()
    out[1] = -high.min()


def extent_rows(first: int, stop: int, line: Any, sample: Any, out: Any) -> None:
    """`extent_row` over rows of lines and of samples; of each row, four numbers."""
    low = np.empty(RUN)
    high = np.empty(RUN)
    for row in range(first, stop):
        extent_row(line[row], low, high, out[row, :2])
        extent_row(sample[row], low, high, out[row, 2:])


def locate_run(
    positions: Any,
    shape: tuple[int, int],
    box: Any,
    carrier: Any,
    counts: Any,
    taps: Any,
    phase: Any,
    valid: Any,
) -> None:
    """Where the taps of a run of pixels begin in the flat numbers of the image and of the tables; the phase.

    ``counts``: of taps down and across.
    """
    line, sample, turns = positions
    slope, centroid, times = carrier
    at, row, column_row = taps
    for i in range(line.size):
        extra = turns[i] if turns.size > 0 else 0.0
        top, left, k, m, held = located(line[i], sample[i], extra, shape, box, counts)
        at[i] = 2 * (top * shape[1] + left)
        row[i] = k * counts[0]
        column_row[i] = m * counts[1]
        valid[i] = held
        phase[i] = restored_turns(line[i], sample[i], slope, centroid, times, extra) if held else 0.0


def interpolate_run(
    pixels: Any, stride: Any, taps: Any, valid: Any, down: Any, across: Any, columns: Any, out: Any
) -> None:
    """Values of a run of pixels, 0 where they are not valid; ``columns`` is a place for 2 * ACROSS numbers."""
    at, row, column_row = taps
    for i in range(out.size):
        if valid[i]:
            start = np.uint64(at[i])
            k = np.uint64(row[i])
            for c in range(2 * ACROSS):
                columns[c] = column(pixels, start + np.uint64(c), stride, down, k)
            re, im = combined(columns, across, np.uint64(column_row[i]))
            out[i] = complex(re, im)
        else:
            out[i] = 0.0


def rotate_run(pixels: Any, phase: Any, valid: Any) -> None:
    """A run of pixels times exp(2 pi i phase), in place; those without data are no longer valid."""
    for i in range(pixels.size):
        re, im = turned(pixels[i].real, pixels[i].imag, phase[i])
        pixels[i] = complex(re, im)
        valid[i] = re != ZERO or im != ZERO


def resample_row(
    pixels: Any, shape: Any, positions: Any, tables: Any, carrier: Any, numbers: Any, out: Any, valid: Any
) -> None:
    """The same as the driver, of the positions of one row and flat numbers of the image."""
    line, sample, turns = positions
    slope, centroid = carrier
    stride = np.uint64(2 * shape[1])
    columns = np.empty(2 * ACROSS, np.float32)
    phase = np.empty(RUN, np.float32)
    starts = np.empty((3, RUN), np.int64)
    for a in range(0, out.size, RUN):
        b = min(a + RUN, out.size)
        taps = (starts[0], starts[1], starts[2])
        run = (line[a:b], sample[a:b], turns[a:b])  # of no turns, none
        counts = (np.int64(DOWN), np.int64(ACROSS))
        locate_run(run, shape, numbers[3:], (slope, centroid, numbers[:3]), counts, taps, phase, valid[a:b])
        interpolate_run(pixels, stride, taps, valid[a:b], tables[0], tables[1], columns, out[a:b])
        rotate_run(out[a:b], phase, valid[a:b])


def resample_rows(
    first: int,
    stop: int,
    pixels: Any,
    shape: Any,
    positions: Any,
    tables: Any,
    carrier: Any,
    numbers: Any,
    out: Any,
    valid: Any,
) -> None:
    """`resample_row` over positions [row, sample]."""
    line, sample, turns = positions
    for row in range(first, stop):
        own = (line[row], sample[row], turns[row])
        resample_row(pixels, shape, own, tables, carrier, numbers, out[row], valid[row])


def make_loops(compiler: Compiler, forms: Forms, down: int, across: int) -> dict[str, Any]:
    """TAP_LOOPS for so many taps down and across."""
    module = sys.modules[__name__]
    given = {"DOWN": down, "ACROSS": across}
    own = bind(compiler.function, scalar.TAP_FUNCTIONS, scalar, forms, given)
    own = bind(compiler.parts(INLINED), TAP_PARTS, module, own, given)
    own = bind(compiler.loop, TAP_LOOPS, module, own, given, f"{compiler.tag}_{down}_{across}")
    return {"resample_rows": own[resample_rows]}


loops_for: Any = None  # bound: `make_loops` of numbers of taps


def ramp(image: Any, slope: Any, centroid: Any, time: Any, sign: int, out: Any) -> None:
    """Driver of `ramp_lines`."""
    in_threads(ramp_lines, len(image), image, slope, centroid, time, sign, out)


def decode(image: Any, wanted: Any, out: Any, known: Any) -> None:
    """Driver of `decode_lines`."""
    in_threads(decode_lines, len(image), image, wanted, out, known)


def extents(line: Any, sample: Any, out: Any) -> None:
    """Driver of `extent_rows`."""
    in_threads(extent_rows, len(line), line, sample, out)


def resample(
    image: Any, positions: Any, tables: Any, carrier: Any, numbers: Any, out: Any, valid: Any
) -> None:
    """Driver of `scalar.located` and what follows it over positions [line, sample].

    ``image`` is float32 [line, 2 * samples], real and imaginary parts in turn; ``turns`` may have no samples.
    ``numbers``: time of line 0 and from line to line, line that the image begins with; first and last valid line
    and sample.
    """
    down, across = (table.shape[1] for table in tables)
    shape = (image.shape[0], image.shape[1] // 2)
    given = (positions, tuple(table.reshape(-1) for table in tables), carrier, numbers)
    in_threads(
        loops_for(down, across)["resample_rows"], len(out), image.reshape(-1), shape, *given, out, valid
    )
