"""The CPU drivers of :mod:`.scalar`: loops in plain Python, compiled by :mod:`driving.cpujit`."""

from __future__ import annotations

from typing import Any

from alignsar_gpu.kernels.driving.threads import in_threads

from .scalar import mean, most_frequent

PARTS = ("mean_row", "majority_row")
INLINED = PARTS
LOOPS = ("mean_rows", "majority_rows")
DRIVERS = ("mean_of_parts", "majority_of_parts")


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


def mean_rows(first: int, stop: int, values: Any, planes: int, parts: Any, least: int, out: Any) -> None:
    """`scalar.mean` over pixels [row, number], of flat values."""
    for k in range(first, stop):
        mean_row(values, k * parts[0] * parts[1] * out.shape[1], planes, parts, least, out[k])


def majority_rows(first: int, stop: int, values: Any, parts: Any, least: int, out: Any) -> None:
    """`scalar.most_frequent`; as above."""
    for k in range(first, stop):
        majority_row(values, k * parts[0] * parts[1] * out.shape[1], parts, least, out[k])


def mean_of_parts(values: Any, planes: int, parts: Any, least: int, out: Any) -> None:
    """Driver of `mean_rows`."""
    in_threads(mean_rows, len(out), values, planes, parts, least, out)


def majority_of_parts(values: Any, parts: Any, least: int, out: Any) -> None:
    """Driver of `majority_rows`."""
    in_threads(majority_rows, len(out), values, parts, least, out)
