"""The CPU drivers of :mod:`.scalar`: loops in plain Python, compiled by :mod:`driving.cpujit`."""

from __future__ import annotations

from typing import Any

from alignsar_gpu.kernels.driving.threads import in_threads

from .scalar import angle, mean, most_frequent, phasor

CHUNK = 1 << 14  # numbers at a time

PARTS = ("mean_row", "majority_row", "phasor_run", "angle_run")
INLINED = ("mean_row", "majority_row")
LOOPS = ("mean_rows", "majority_rows", "phasor_chunks", "angle_chunks")
DRIVERS = ("mean_of_parts", "majority_of_parts", "phasors", "angles")


def mean_row(values: Any, at: int, planes: int, parts: Any, least: int, out: Any) -> None:
    """Means of a row of pixels, the first of which begins at ``at``; of one or two planes, in turn."""
    stride = out.size * parts[1]
    for plane in range(planes):
        other = planes - 1 - 2 * plane
        for i in range(out.size // planes):
            begin = at + planes * parts[1] * i + plane
            out[planes * i + plane] = mean(values, begin, stride, planes, other, parts, least)


def majority_row(values: Any, at: int, parts: Any, least: int, out: Any) -> None:
    """Most frequent codes of a row of pixels."""
    stride = out.size * parts[1]
    for i in range(out.size):
        out[i] = most_frequent(values, at + parts[1] * i, stride, parts, least)


def phasor_run(phase: Any, out: Any) -> None:
    """Phasors of a run of phases."""
    for i in range(phase.size):
        re, im = phasor(phase[i])
        out[i] = complex(re, im)


def angle_run(values: Any, out: Any) -> None:
    """Angles of a run of complex numbers."""
    for i in range(values.size):
        out[i] = angle(values[i])


def mean_rows(first: int, stop: int, values: Any, planes: int, parts: Any, least: int, out: Any) -> None:
    """`scalar.mean` over pixels [row, number], of flat values."""
    for k in range(first, stop):
        mean_row(values, k * parts[0] * parts[1] * out.shape[1], planes, parts, least, out[k])


def majority_rows(first: int, stop: int, values: Any, parts: Any, least: int, out: Any) -> None:
    """`scalar.most_frequent`; as above."""
    for k in range(first, stop):
        majority_row(values, k * parts[0] * parts[1] * out.shape[1], parts, least, out[k])


def phasor_chunks(first: int, stop: int, phase: Any, out: Any) -> None:
    """`scalar.phasor` over chunks of flat arrays."""
    phasor_run(phase[first * CHUNK : stop * CHUNK], out[first * CHUNK : stop * CHUNK])


def angle_chunks(first: int, stop: int, values: Any, out: Any) -> None:
    """`scalar.angle` over chunks of flat arrays."""
    angle_run(values[first * CHUNK : stop * CHUNK], out[first * CHUNK : stop * CHUNK])


def mean_of_parts(values: Any, planes: int, parts: Any, least: int, out: Any) -> None:
    """Driver of `mean_rows`."""
    in_threads(mean_rows, len(out), values, planes, parts, least, out)


def majority_of_parts(values: Any, parts: Any, least: int, out: Any) -> None:
    """Driver of `majority_rows`."""
    in_threads(majority_rows, len(out), values, parts, least, out)


def phasors(phase: Any, out: Any) -> None:
    """Driver of `phasor_chunks`."""
    in_threads(phasor_chunks, -(-phase.size // CHUNK), phase, out)


def angles(values: Any, out: Any) -> None:
    """Driver of `angle_chunks`."""
    in_threads(angle_chunks, -(-values.size // CHUNK), values, out)
