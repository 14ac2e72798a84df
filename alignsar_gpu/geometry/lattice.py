"""Interpolation of smooth functions of rows and columns that are costly to compute, from a lattice of nodes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu import kernels

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Pair = tuple[NDArray[np.float64], NDArray[np.float64]]

STEP = 32  # rows and columns from a node to the next
CELL = 2 * STEP  # three nodes each way make a cell, whose two sums of squares are a parabola's
ALONG = (np.arange(CELL) - STEP) / STEP  # of the columns of a cell, -1 to 1
PROBE = 18  # from the middle of a cell: where the error of a parabola through three nodes is largest, STEP / sqrt(3)
BOUND = (
    5e-4  # rows or columns: of the error at probes; what goes beyond the third order is allowed as much again
)


def smooth_pair(
    exact: Callable[[NDArray[np.float64], NDArray[np.float64]], Pair],
    rows: slice,
    columns: slice,
    xp: Any = np,
) -> tuple[Any, Any]:
    """Interpolate two smooth coordinates (u, v) to every pixel of some rows and columns, float64 [row, column].

    Parabolas through three nodes each way. In every cell of `CELL` x `CELL` pixels the error is measured, where it
    is largest if it is of the third order: if it moves a pixel by more than `BOUND` of the distance to the next,
    or where there is no finite number, all pixels of the cell are computed. Cells begin at multiples of `CELL`:
    pixels have the same bits whichever are asked for together.

    Parameters
    ----------
    exact : gives u and v of (fractional, also beyond the ends) rows and columns, each point on its own.
    rows, columns : with start and stop.
    xp : the library whose arrays are wanted, numpy or CuPy.
    """
    down, across = (range(s.start // CELL, -(-s.stop // CELL)) for s in (rows, columns))
    nodes = exact(*_mesh(*(CELL * r.start + STEP * np.arange(2.0 * len(r) + 1.0) for r in (down, across))))
    pair = tuple(_interpolated(values, rows, columns, xp) for values in nodes)
    for i, j in zip(*np.nonzero(_coarse(exact, nodes, down, across)), strict=True):
        row, column = (
            np.arange(max(CELL * k, s.start), min(CELL * (k + 1), s.stop), dtype=np.float64)
            for k, s in ((down[i], rows), (across[j], columns))
        )
        part = tuple(
            slice(int(a[0]) - s.start, int(a[-1]) + 1 - s.start) for a, s in ((row, rows), (column, columns))
        )
        for whole, values in zip(pair, exact(*_mesh(row, column)), strict=True):
            whole[part] = xp.asarray(values)
    return pair[0], pair[1]


def _mesh(row: NDArray[np.float64], column: NDArray[np.float64]) -> Pair:
    first, second = np.meshgrid(row, column, indexing="ij")
    return first, second


def _parabola(a: Any, b: Any, c: Any) -> tuple[Any, Any, Any]:
    """Coefficients of b + s (q + s p), which is a, b, c at s = -1, 0, 1: p, q and b."""
    return 0.5 * (a + c) - b, 0.5 * (c - a), b


def _interpolated(nodes: NDArray[np.float64], rows: slice, columns: slice, xp: Any) -> Any:
    """Values of the pixels of rows and columns from those of the nodes around them."""
    k = np.arange(rows.start, rows.stop)
    s = ((k % CELL - STEP) / STEP)[:, np.newaxis]
    top = 2 * (k // CELL - rows.start // CELL)
    p, q, b = _parabola(nodes[top], nodes[top + 1], nodes[top + 2])
    lines = b + s * (q + s * p)
    p, q, b = (
        xp.asarray(np.ascontiguousarray(a))
        for a in _parabola(lines[:, :-2:2], lines[:, 1:-1:2], lines[:, 2::2])
    )
    begin = columns.start % CELL
    return kernels.spread_parabolas(p, q, b, ALONG, slice(begin, begin + columns.stop - columns.start))


def _coarse(
    exact: Callable[[NDArray[np.float64], NDArray[np.float64]], Pair], nodes: Pair, down: range, across: range
) -> NDArray[np.bool_]:
    """Cells [row, column] that the nodes are too far apart for."""
    middle = [CELL * np.arange(r.start, r.stop, dtype=np.float64) + STEP for r in (down, across)]
    bad = np.zeros((len(down), len(across)), dtype=bool)
    with np.errstate(invalid="ignore", divide="ignore", over="ignore"):
        down_slopes = [(n[2::2, 1::2] - n[:-2:2, 1::2]) / CELL for n in nodes]
        across_slopes = [(n[1::2, 2::2] - n[1::2, :-2:2]) / CELL for n in nodes]
        determinant = down_slopes[0] * across_slopes[1] - down_slopes[1] * across_slopes[0]
        for sign in (1.0, -1.0):  # what is odd in both directions adds up in one of the two
            places = exact(*_mesh(middle[0] + PROBE, middle[1] + sign * PROBE))
            u, v = (p - _at(n, PROBE / STEP, sign * PROBE / STEP) for p, n in zip(places, nodes, strict=True))
            row = (u * across_slopes[1] - v * across_slopes[0]) / determinant
            column = (v * down_slopes[0] - u * down_slopes[1]) / determinant
            bad |= ~(np.hypot(row, column) <= BOUND)
    return bad


def _at(nodes: NDArray[np.float64], s: float, t: float) -> NDArray[np.float64]:
    """The interpolated value in each cell at s (down) and t (across), -1 to 1."""
    p, q, b = _parabola(nodes[:-2:2], nodes[1:-1:2], nodes[2::2])
    lines = b + s * (q + s * p)
    p, q, b = _parabola(lines[:, :-2:2], lines[:, 1:-1:2], lines[:, 2::2])
    return np.asarray(b + t * (q + t * p))
