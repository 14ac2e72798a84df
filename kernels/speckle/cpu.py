"""The CPU drivers of :mod:`.scalar`: loops in plain Python, compiled by :mod:`driving.cpujit`.

A tile of the image is filtered quantity by quantity: how many pixels are valid, every plane, the squares of the span.
Each is copied with its surroundings, 0 where not valid, and summed over the window of every pixel. Of an image
that ends there are zeros beyond: the additions are the same ones, in the same order, wherever a pixel lies.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.coherence.cpu import accumulate, clear, copy, window_sums, workspace
from alignsar_gpu.kernels.driving.mathematics import ONE
from alignsar_gpu.kernels.driving.threads import in_threads

from .scalar import (
    EDGES,
    counted,
    facing_window,
    gamma_map_value,
    mmse_value,
    mmse_weight,
    run_of,
    subwindow_mean,
    window_mean,
)

STRIP = 32  # lines of a tile
TILE = 512  # samples of a tile: with fewer, it is the calls that take the time

BOXCAR, LEE, REFINED_LEE, GAMMA_MAP = range(4)

PARTS = (  # in the order in which they call each other
    "add_two",
    "add_four",
    "count_row",
    "power_row",
    "add_power_row",
    "square_row",
    "fill_span",
    "fill",
    "sum_lines",
    "sum_boxes",
    "subwindow_row",
    "facing_row",
    "find_edges",
    "half_slots",
    "fill_runs",
    "sum_half",
    "choose_row",
    "sum_halves",
    "mean_row",
    "weight_row",
    "mmse_row",
    "gamma_map_row",
    "write_row",
    "filter_tile",
    "filter_strip",
)
INLINED = ("filter_strip", "filter_tile", "sum_halves", "find_edges", "write_row", "half_slots")
LOOPS = ("filter_strips",)
DRIVERS = ("filter_speckle",)


def add_two(a: Any, b: Any, total: Any) -> None:
    """Total += a + b."""
    for i in range(total.size):
        total[i] += a[i] + b[i]


def add_four(a: Any, b: Any, c: Any, d: Any, total: Any) -> None:
    """Total += a + b + c + d."""
    for i in range(total.size):
        total[i] += (a[i] + b[i]) + (c[i] + d[i])


def count_row(valid: Any, row: Any) -> None:
    """Row = 1 where valid."""
    for i in range(valid.size):
        row[i] = counted(ONE, valid[i])


def power_row(plane: Any, valid: Any, row: Any) -> None:
    """Row = plane where valid."""
    for i in range(valid.size):
        row[i] = counted(plane[i], valid[i])


def add_power_row(plane: Any, valid: Any, row: Any) -> None:
    """Row += plane where valid."""
    for i in range(valid.size):
        row[i] += counted(plane[i], valid[i])


def square_row(row: Any) -> None:
    """Row = row^2."""
    for i in range(row.size):
        row[i] = row[i] * row[i]


def fill_span(planes: Any, valid: Any, powers: int, row: Any) -> None:
    """Row = the sum of the powers; [plane, sample] and [sample] of one line."""
    power_row(planes[0], valid, row)
    for p in range(1, powers):
        add_power_row(planes[p], valid, row)


def fill(planes: Any, valid: Any, powers: int, quantity: int, place: tuple[int, int], out: Any) -> None:
    """A quantity from the line and the sample ``place`` on; 0 where not valid and outside of the image.

    Quantity 0: how many pixels; from 1 on: the planes; then the squares of the span, and the span.
    """
    count = planes.shape[0]
    a = max(place[1], 0)
    b = min(place[1] + out.shape[1], valid.shape[1])
    for k in range(out.shape[0]):
        line = place[0] + k
        inside = 0 <= line < valid.shape[0]
        if not inside or b - a < out.shape[1]:
            clear(out[k])
        if inside:
            row = out[k, a - place[1] : b - place[1]]
            mask = valid[line, a:b]
            if quantity == 0:
                count_row(mask, row)
            elif quantity <= count:
                power_row(planes[quantity - 1, line, a:b], mask, row)
            else:
                fill_span(planes[:, line, a:b], mask, powers, row)
                if quantity == count + 1:
                    square_row(row)


def sum_lines(values: Any, first: int, lines: int, total: Any) -> None:
    """Total = the sum of an odd number of lines."""
    copy(values[first], total)
    stop = first + lines
    k = first + 1
    while k + 4 <= stop:
        add_four(values[k], values[k + 1], values[k + 2], values[k + 3], total)
        k += 4
    if k < stop:
        add_two(values[k], values[k + 1], total)


def sum_boxes(values: Any, half: tuple[int, int], memory: Any, sums: Any) -> None:
    """Sums over the windows that begin at each sample and line; the last 2 half samples of a line mean nothing."""
    for i in range(sums.shape[0]):
        if half[1] == 0:
            sum_lines(values, i, 2 * half[0] + 1, sums[i])
        else:
            sum_lines(values, i, 2 * half[0] + 1, memory[0])
            window_sums(memory[0], 2 * half[1] + 1, memory[1], memory[2], sums[i])


def subwindow_row(totals: Any, means: Any) -> None:
    """Means of sub-windows from their sums; ``means`` holds the numbers of valid pixels before."""
    for i in range(means.size):
        means[i] = subwindow_mean(totals[i], means[i])


def facing_row(above: Any, level: Any, below: Any, away: int, windows: Any) -> None:
    """The half window of a run of pixels, from the means of sub-windows ``away`` from each other."""
    count = windows.size
    nw, n, ne = above[:count], above[away : away + count], above[2 * away : 2 * away + count]
    w, c, e = level[:count], level[away : away + count], level[2 * away : 2 * away + count]
    sw, s, se = below[:count], below[away : away + count], below[2 * away : 2 * away + count]
    for i in range(count):
        windows[i] = facing_window(nw[i], n[i], ne[i], w[i], c[i], e[i], sw[i], s[i], se[i])


def find_edges(
    images: Any, powers: int, half: int, place: tuple[int, int], buffers: Any, windows: Any
) -> None:
    """The half window of every pixel of a tile, from nine sub-windows, three by three.

    They reach from end to end of the window and are 3 x 3 pixels, 2 apart, in a window of 7.
    """
    planes, valid = images
    values, memory, totals, means = buffers
    inner = (half + 2) // 3
    away = half - inner
    fill(planes, valid, powers, 0, place, values)
    sum_boxes(values, (inner, inner), memory, means)
    fill(planes, valid, powers, planes.shape[0] + 2, place, values)
    sum_boxes(values, (inner, inner), memory, totals)
    for i in range(means.shape[0]):
        subwindow_row(totals[i], means[i])
    for i in range(windows.shape[0]):
        facing_row(means[i], means[i + away], means[i + 2 * away], away, windows[i])


def half_slots(half: int) -> Any:
    """Where `fill_runs` leaves the run of each half window in each of its lines, [window, line]; -1 for none."""
    lines = 2 * half + 1
    slots = np.empty((EDGES, lines), np.int64)
    for window in range(EDGES):
        for line in range(-half, half + 1):
            first, last = run_of(window, line, half)
            if last < first:
                slots[window, line + half] = -1
            elif first == -half:
                slots[window, line + half] = last + half
            else:
                slots[window, line + half] = lines + half - first
    return slots


def fill_runs(row: Any, runs: Any) -> None:
    """Sums of 1, 2, ... samples from the first of a window on, then of 1, 2, ... samples back from its last."""
    window = (runs.shape[0] + 1) // 2
    count = runs.shape[1]
    copy(row[:count], runs[0])
    for k in range(1, window):
        copy(row[k : k + count], runs[k])
        accumulate(runs[k - 1], runs[k])
    copy(row[window - 1 : window - 1 + count], runs[window])
    for k in range(1, window - 1):
        copy(row[window - 1 - k : window - 1 - k + count], runs[window + k])
        accumulate(runs[window + k - 1], runs[window + k])


def sum_half(runs: Any, first: int, slots: Any, total: Any) -> None:
    """Sums over one half window, of the lines from ``first`` on in the ring of ``runs``; slot -1 has no run."""
    lines = slots.size
    begin: Any = np.int64(0)
    while slots[begin] < 0:
        begin += 1
    end: Any = np.int64(lines)
    while slots[end - 1] < 0:
        end -= 1
    copy(runs[(first + begin) % lines, slots[begin]], total)
    k = begin + 1
    while k + 4 <= end:
        a = runs[(first + k) % lines, slots[k]]
        b = runs[(first + k + 1) % lines, slots[k + 1]]
        c = runs[(first + k + 2) % lines, slots[k + 2]]
        d = runs[(first + k + 3) % lines, slots[k + 3]]
        add_four(a, b, c, d, total)
        k += 4
    while k < end:
        accumulate(runs[(first + k) % lines, slots[k]], total)
        k += 1


def choose_row(windows: Any, halves: Any, total: Any) -> None:
    """Of the sums over the half windows of each pixel, that of its own."""
    for i in range(windows.size):
        total[i] = halves[windows[i], i]


def sum_halves(values: Any, windows: Any, slots: Any, runs: Any, halves: Any, sums: Any) -> None:
    """Sums over the half window of every pixel of a tile."""
    lines = slots.shape[1]
    samples = windows.shape[1]
    for k in range(lines - 1):
        fill_runs(values[k], runs[k])
    for i in range(windows.shape[0]):
        fill_runs(values[i + lines - 1], runs[(i + lines - 1) % lines])
        for edge in range(EDGES):
            sum_half(runs, i, slots[edge], halves[edge])
        choose_row(windows[i], halves, sums[i, :samples])


def mean_row(totals: Any, counts: Any, valid: Any, out: Any) -> None:
    """Means of a run of pixels."""
    for i in range(out.size):
        out[i] = window_mean(totals[i], counts[i], valid[i])


def weight_row(totals: Any, squares: Any, counts: Any, noise: float, weights: Any) -> None:
    """Weights of a run of pixels."""
    for i in range(weights.size):
        weights[i] = mmse_weight(totals[i], squares[i], counts[i], noise)


def mmse_row(totals: Any, counts: Any, weights: Any, centre: Any, valid: Any, out: Any) -> None:
    """Weighted means of a run of pixels."""
    for i in range(out.size):
        out[i] = mmse_value(totals[i], counts[i], weights[i], centre[i], valid[i])


def gamma_map_row(
    totals: Any, squares: Any, counts: Any, centre: Any, looks: float, valid: Any, out: Any
) -> None:
    """Most probable intensities of a run of pixels."""
    for i in range(out.size):
        out[i] = gamma_map_value(totals[i], squares[i], counts[i], centre[i], looks, valid[i])


def write_row(method: int, looks: float, powers: int, sums: Any, images: Any, memory: Any, out: Any) -> None:
    """The filtered planes of a run of pixels, [plane, sample], from the sums [quantity, sample]."""
    planes, valid = images
    count, samples = out.shape
    counts = sums[0]
    if method == BOXCAR:
        for p in range(count):
            mean_row(sums[1 + p], counts, valid, out[p])
    elif method == GAMMA_MAP:
        gamma_map_row(sums[1], sums[2], counts, planes[0], looks, valid, out[0])
    else:
        span = memory[0, :samples]
        weights = memory[1, :samples]
        copy(sums[1, :samples], span)
        for p in range(1, powers):
            accumulate(sums[1 + p, :samples], span)
        weight_row(span, sums[count + 1], counts, 1.0 / looks, weights)
        for p in range(count):
            mmse_row(sums[1 + p], counts, weights, planes[p], valid, out[p])


def filter_tile(
    images: Any, settings: Any, half: tuple[int, int], place: tuple[int, int], buffers: Any, out: Any
) -> None:
    """The filtered planes from the line and the sample ``place`` on, [plane, line, sample]."""
    planes, valid = images
    method, looks, powers = settings
    values, sums, memory, edges = buffers
    lines, samples = out.shape[1:]
    start = (place[0] - half[0], place[1] - half[1])
    around = values[: lines + 2 * half[0]]
    totals, means, windows, slots, runs, halves = edges
    if method == REFINED_LEE:
        windows = windows[:lines]
        inner = lines + 2 * (half[0] - (half[0] + 2) // 3)
        find_edges(images, powers, half[0], start, (around, memory, totals[:inner], means[:inner]), windows)
    for quantity in range(sums.shape[0]):
        fill(planes, valid, powers, quantity, start, around)
        if method == REFINED_LEE:
            sum_halves(around, windows, slots, runs, halves, sums[quantity, :lines])
        else:
            sum_boxes(around, half, memory, sums[quantity, :lines])
    a = place[1]
    b = a + samples
    for i in range(lines):
        line = place[0] + i
        own = (planes[:, line, a:b], valid[line, a:b])
        write_row(method, looks, powers, sums[:, i], own, memory, out[:, i])


def filter_strip(images: Any, settings: Any, half: tuple[int, int], line: int, out: Any) -> None:
    """The filtered planes from a line on, [plane, line, sample]."""
    method = settings[0]
    count, lines, samples = out.shape
    tile = (min(TILE, samples) + 7) // 8 * 8
    width = (tile + 2 * half[1] + 7) // 8 * 8
    quantities = count + (1 if method == BOXCAR else 2)
    values = workspace(lines + 2 * half[0], width)
    sums = workspace(quantities * lines, width).reshape(quantities, lines, width)
    memory = workspace(3, width)
    refined = method == REFINED_LEE
    slots = half_slots(half[0] if refined else 0)
    rows = lines + 2 * half[0] if refined else 0
    window = slots.shape[1]
    runs = workspace(window * (2 * window - 1), tile).reshape(window, 2 * window - 1, tile)
    windows = np.zeros((lines, tile), np.int64)
    edges = (workspace(rows, width), workspace(rows, width), windows, slots, runs, workspace(EDGES, tile))
    for a in range(0, samples, tile):
        b = min(a + tile, samples)
        filter_tile(images, settings, half, (line, a), (values, sums, memory, edges), out[:, :, a:b])


def filter_strips(
    first: int,
    stop: int,
    images: Any,
    settings: Any,
    half: tuple[int, int],
    line: int,
    out: Any,
) -> None:
    """Filter strips of lines, of which the first belongs to ``line``."""
    lines = out.shape[1]
    for k in range(first, stop):
        a = k * STRIP
        b = min(a + STRIP, lines)
        filter_strip(images, settings, half, line + a, out[:, a:b])


def filter_speckle(
    planes: Any,
    valid: Any,
    powers: int,
    method: int,
    looks: float,
    half: tuple[int, int],
    first: int,
    out: Any,
) -> None:
    """Driver of the filters over planes [plane, line, sample], of which the leading ``powers`` add up to the span.

    Fills all lines of ``out`` with what belongs to the lines from ``first`` on.
    """
    settings = (method, looks, powers)
    in_threads(filter_strips, -(-out.shape[1] // STRIP), (planes, valid), settings, half, first, out)
