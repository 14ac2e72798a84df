"""The loops over a run of pixels that the drivers of polarimetry go through.

Every loop writes rows of one buffer, WIDTH or TILE numbers apart, which the compiler knows.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import NAN, ZERO

from .scalar import matrix_dual, matrix_quad, products_dual, products_quad

TILE = 512  # output samples at a time
WIDEST = 255  # samples of a window
WIDTH = TILE + WIDEST + 1  # samples of a tile with its windows

PARTS = (  # in the order in which they call each other
    "clear_row",
    "copy_row",
    "level_row",
    "add_row",
    "add_three",
    "mark_row",
    "write_row",
    "products_row_dual",
    "products_row_quad",
    "fill_row_dual",
    "fill_row_quad",
    "matrix_row_dual",
    "matrix_row_quad",
)
INLINED = ("fill_row_dual", "fill_row_quad")
LOOPS = ()
DRIVERS = ()
MEASURE_PARTS = ("measure_row_dual", "measure_row_quad")  # bound for every measure, with its number of values

FIRST = 0
COUNT = 0


def clear_row(row: Any) -> None:
    """Row = 0."""
    for i in range(row.size):
        row[i] = ZERO


def copy_row(source: Any, row: Any) -> None:
    """Row = source."""
    for i in range(row.size):
        row[i] = source[i]


def level_row(value: Any, row: Any) -> None:
    """Row = value."""
    for i in range(row.size):
        row[i] = value


def add_row(source: Any, row: Any) -> None:
    """Row += source."""
    for i in range(row.size):
        row[i] += source[i]


def add_three(first: Any, second: Any, third: Any, row: Any) -> None:
    """Row = first + second + third."""
    for i in range(row.size):
        row[i] = (first[i] + second[i]) + third[i]


def mark_row(valid: Any, good: Any) -> None:
    """From one or 0 where matrices mean something to 0 where that of a valid pixel does, else NaN."""
    for i in range(valid.size):
        good[i] = ZERO if valid[i] and good[i] > ZERO else NAN


def write_row(results: Any, good: Any, out: Any) -> None:
    """Out = results where they mean something, else NaN."""
    for i in range(out.size):
        out[i] = results[i] + good[i]


def products_row_dual(first: Any, second: Any, valid: Any, row: Any) -> None:
    """Products of a run of pixels."""
    for i in range(valid.size):
        k = np.uint64(i)
        a = first[i]
        b = second[i]
        p, q, re, im, count = products_dual(a.real, a.imag, b.real, b.imag, valid[i])
        row[k] = p
        row[k + np.uint64(WIDTH)] = q
        row[k + np.uint64(2 * WIDTH)] = re
        row[k + np.uint64(3 * WIDTH)] = im
        row[k + np.uint64(4 * WIDTH)] = count


def products_row_quad(hh: Any, hv: Any, vh: Any, vv: Any, valid: Any, row: Any) -> None:
    """Products of a run of pixels."""
    for i in range(valid.size):
        k = np.uint64(i)
        a = hh[i]
        b = hv[i]
        c = vh[i]
        d = vv[i]
        p, q, r, ar, ai, br, bi, cr, ci, count = products_quad(
            a.real, a.imag, b.real, b.imag, c.real, c.imag, d.real, d.imag, valid[i]
        )
        row[k] = p
        row[k + np.uint64(WIDTH)] = q
        row[k + np.uint64(2 * WIDTH)] = r
        row[k + np.uint64(3 * WIDTH)] = ar
        row[k + np.uint64(4 * WIDTH)] = ai
        row[k + np.uint64(5 * WIDTH)] = br
        row[k + np.uint64(6 * WIDTH)] = bi
        row[k + np.uint64(7 * WIDTH)] = cr
        row[k + np.uint64(8 * WIDTH)] = ci
        row[k + np.uint64(9 * WIDTH)] = count


def fill_row_dual(images: Any, line: int, first: int, count: int, row: Any) -> None:
    """Products of a line from sample ``first`` on; 0 outside of the image."""
    one, two, valid = images
    a = max(first, 0)
    b = min(first + count, valid.shape[1])
    inside = 0 <= line < valid.shape[0]
    if not inside or b - a < count:
        clear_row(row)
    if inside:
        products_row_dual(one[line, a:b], two[line, a:b], valid[line, a:b], row[a - first :])


def fill_row_quad(images: Any, line: int, first: int, count: int, row: Any) -> None:
    """Products of a line from sample ``first`` on; 0 outside of the image."""
    hh, hv, vh, vv, valid = images
    a = max(first, 0)
    b = min(first + count, valid.shape[1])
    inside = 0 <= line < valid.shape[0]
    if not inside or b - a < count:
        clear_row(row)
    if inside:
        own = hh[line, a:b], hv[line, a:b], vh[line, a:b], vv[line, a:b]
        products_row_quad(own[0], own[1], own[2], own[3], valid[line, a:b], row[a - first :])


def matrix_row_dual(sums: Any, own: Any, radiometry: Any, lowest: Any, matrix: Any) -> None:
    """Matrices of a tile from the sums of their windows and their own powers."""
    for i in range(TILE):
        c11, c22, re, im, first, second, good = matrix_dual(
            sums[i],
            sums[WIDTH + i],
            sums[2 * WIDTH + i],
            sums[3 * WIDTH + i],
            sums[4 * WIDTH + i],
            own[i],
            own[WIDTH + i],
            radiometry[i],
            radiometry[TILE + i],
            radiometry[2 * TILE + i],
            radiometry[3 * TILE + i],
            lowest,
        )
        matrix[i] = c11
        matrix[TILE + i] = c22
        matrix[2 * TILE + i] = re
        matrix[3 * TILE + i] = im
        matrix[4 * TILE + i] = first
        matrix[5 * TILE + i] = second
        matrix[6 * TILE + i] = good


def matrix_row_quad(sums: Any, own: Any, radiometry: Any, lowest: Any, matrix: Any) -> None:
    """Matrices of a tile from the sums of their windows."""
    for i in range(TILE):
        t11, t22, t33, ar, ai, br, bi, cr, ci, good = matrix_quad(
            sums[i],
            sums[WIDTH + i],
            sums[2 * WIDTH + i],
            sums[3 * WIDTH + i],
            sums[4 * WIDTH + i],
            sums[5 * WIDTH + i],
            sums[6 * WIDTH + i],
            sums[7 * WIDTH + i],
            sums[8 * WIDTH + i],
            sums[9 * WIDTH + i],
            radiometry[i],
            radiometry[TILE + i],
            radiometry[2 * TILE + i],
            radiometry[3 * TILE + i],
            radiometry[4 * TILE + i],
            radiometry[5 * TILE + i],
        )
        matrix[i] = t11
        matrix[TILE + i] = t22
        matrix[2 * TILE + i] = t33
        matrix[3 * TILE + i] = ar
        matrix[4 * TILE + i] = ai
        matrix[5 * TILE + i] = br
        matrix[6 * TILE + i] = bi
        matrix[7 * TILE + i] = cr
        matrix[8 * TILE + i] = ci
        matrix[9 * TILE + i] = good


measure: Any = None  # one of the measures, which every link of the chain is bound with


def measure_row_dual(matrix: Any, results: Any) -> None:
    """The values of one measure of a tile, into COUNT rows of results."""
    for i in range(TILE):
        values = measure(
            matrix[i],
            matrix[TILE + i],
            matrix[2 * TILE + i],
            matrix[3 * TILE + i],
            matrix[4 * TILE + i],
            matrix[5 * TILE + i],
        )
        for j in range(COUNT):
            results[(FIRST + j) * TILE + i] = values[j]


def measure_row_quad(matrix: Any, results: Any) -> None:
    """The values of one measure of a tile, into COUNT rows of results."""
    for i in range(TILE):
        values = measure(
            matrix[i],
            matrix[TILE + i],
            matrix[2 * TILE + i],
            matrix[3 * TILE + i],
            matrix[4 * TILE + i],
            matrix[5 * TILE + i],
            matrix[6 * TILE + i],
            matrix[7 * TILE + i],
            matrix[8 * TILE + i],
        )
        for j in range(COUNT):
            results[(FIRST + j) * TILE + i] = values[j]
