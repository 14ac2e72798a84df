"""Sums over the windows of a tile, in two steps through shared memory. Import it late: it imports numba.cuda.

A block makes LINES lines of a tile. Each thread sums one column over the window of each of these lines, and after that
the columns of one window. Nothing is subtracted, so that a bright pixel leaves no residue in windows that do not hold
it; and every sum is taken in the order of lines and samples, so that its bits depend neither on the tile nor on the
block of lines that its window lies in.

A window of h x w pixels, of n quantities from r arrays, takes h w r reads directly, in tiles (h + 1) r / 2 of global
and w n of shared memory. That is most of them for 3 x 3 pixels, and for long windows of few lines, which are summed
directly; about half or less for 5 x 5, about a third or less for 7 x 7.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from .binding import bind
from .gpujit import FEWEST_BLOCKS, MOST_BLOCKS, THREADS, ordered_function

if TYPE_CHECKING:
    from collections.abc import Callable

    from .binding import Forms

LINES = 2
STEP = LINES * THREADS  # places in shared memory of one quantity
FEWEST_TILED = 5  # lines, and samples, of a window that is summed in tiles
WIDEST_TILED = THREADS // 2 + 1  # samples

FUNCTIONS = ("values_at", "direct_sums", "column_sums", "window_sums")

# What these are bound with: the quantities of a pixel by its index, as a tuple; the sum of two such tuples; how one is
# put into and taken from a place in shared memory; and none.
quantities: Any = None
add: Any = None
put: Any = None
take: Any = None
NOTHING: Any = None


def values_at(images: Any, shape: tuple[int, int], line: int, sample: int) -> Any:
    """The quantities of a pixel; nothing outside the image. (An unsigned index needs no wrapping.)"""
    if line < 0 or line >= shape[0] or sample < 0 or sample >= shape[1]:
        return NOTHING
    return quantities(images, np.uint64(line * shape[1] + sample))


def direct_sums(images: Any, shape: tuple[int, int], half: tuple[int, int], line: int, sample: int) -> Any:
    """Sums over the window around a pixel, within the image."""
    total = NOTHING
    y = max(line - half[0], 0)
    while y <= min(line + half[0], shape[0] - 1):
        x = max(sample - half[1], 0)
        while x <= min(sample + half[1], shape[1] - 1):
            total = add(total, quantities(images, np.uint64(y * shape[1] + x)))
            x += 1
        y += 1
    return total


def column_sums(
    images: Any, shape: tuple[int, int], line: int, sample: int, half: int, columns: Any, thread: int
) -> None:
    """Sums in one column over the windows around ``line`` and the line below, into the places of a thread.

    Both windows hold the lines between their ends, which are read once.
    """
    upper = NOTHING
    lower = NOTHING
    y = line - half
    while y <= line + half + 1:
        values = values_at(images, shape, y, sample)
        if y <= line + half:
            upper = add(upper, values)
        if y > line - half:
            lower = add(lower, values)
        y += 1
    put(upper, columns, thread)
    put(lower, columns, thread + THREADS)


def window_sums(columns: Any, line: int, thread: int, half: int) -> Any:
    """Sums over the window in this line of the tile that begins at the column of a thread."""
    first = line * THREADS + thread
    total = take(columns, first)
    s = 1
    while s <= 2 * half:
        total = add(total, take(columns, first + s))
        s += 1
    return total


def sums_of(
    forms: Forms,
    *,
    quantities: Callable[..., Any],
    add: Callable[..., Any],
    put: Callable[..., Any],
    take: Callable[..., Any],
    nothing: Any,
) -> dict[Any, Any]:
    """Compile FUNCTIONS for some quantities; plain functions, of which ``forms`` has the compiled ones."""
    own = {"quantities": quantities, "add": add, "put": put, "take": take}
    given = {name: forms[function] for name, function in own.items()} | {"NOTHING": nothing}
    return bind(ordered_function, FUNCTIONS, sys.modules[__name__], forms, given)


def is_tiled(half: tuple[int, int]) -> bool:
    """Whether windows that reach so far to each side are summed in tiles."""
    lines, samples = (2 * reach + 1 for reach in half)
    return min(lines, samples) >= FEWEST_TILED and samples <= WIDEST_TILED


def tile_grid(rows: int, samples: int, half: tuple[int, int]) -> tuple[int, int]:
    """Return the blocks across and down that sum the windows of so many lines."""
    across = -(-samples // (THREADS - 2 * half[1]))
    return across, min(max(-(-rows // LINES), -(-FEWEST_BLOCKS // across)), MOST_BLOCKS)
