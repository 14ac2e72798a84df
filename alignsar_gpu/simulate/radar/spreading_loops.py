"""The loops that put echoes on the grid of pixels, compiled by numba."""

from __future__ import annotations

import math

from alignsar_gpu.simulate.radar.loops import compiled_loop

STRIP = 16  # lines of the image that echoes are put into at a time


@compiled_loop
def spans(first, stop, position, out):
    """First and last line (row, 2) that the echoes of every lattice row lie on; (1e9, -1e9) without any."""
    for i in range(first, stop):
        low, high = 1e9, -1e9
        for j in range(position.shape[2]):
            line = position[0, i, j]
            if line > -1e8:
                low, high = min(low, line), max(high, line)
        out[i, 0], out[i, 1] = low, high


@compiled_loop
def deposit(first, stop, position, weight, span, down, across, planes):
    """Put echoes on the grid of pixels, each spread over a few of them.

    ``position``, ``weight``: of `echo`; ``span``: of `spans`. ``down`` (n, taps) and ``across`` (m, taps) float32:
    the spreading functions at n and m places within a pixel. Adds to ``planes`` (2 channels, line, sample)
    float32: real and imaginary parts, into strips of lines; rows come in their order on each line.
    """
    lines, samples = planes.shape[1:]
    taps_down, taps_across = down.shape[1], across.shape[1]
    half_down, half_across = 0.5 * taps_down, 0.5 * taps_across
    for strip in range(first, stop):
        begin, end = strip * STRIP, min((strip + 1) * STRIP, lines)
        for i in range(position.shape[1]):
            if span[i, 1] < begin - taps_down or span[i, 0] > end + taps_down:
                continue
            for j in range(position.shape[2]):
                line, sample = position[0, i, j], position[1, i, j]
                top = math.ceil(line - half_down)
                if top + taps_down <= begin or top >= end:
                    continue
                left = math.ceil(sample - half_across)
                if left < 0 or left + taps_across > samples:
                    continue
                in_line = down[int((top - line + half_down) * down.shape[0])]
                in_sample = across[int((left - sample + half_across) * across.shape[0])]
                for channel in range(weight.shape[0]):
                    value = weight[channel, i, j]
                    for a in range(max(begin - top, 0), min(end - top, taps_down)):
                        real, imaginary = value.real * in_line[a], value.imag * in_line[a]
                        to_real, to_imaginary = planes[2 * channel, top + a], planes[2 * channel + 1, top + a]
                        for b in range(taps_across):
                            to_real[left + b] += real * in_sample[b]
                            to_imaginary[left + b] += imaginary * in_sample[b]
