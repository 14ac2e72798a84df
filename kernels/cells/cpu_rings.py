"""The CPU drivers of :mod:`.scalar_rings`: loops in plain Python, compiled by :mod:`driving.cpujit`.

Every ring has a window of cells and a window of pixels of its own: rings are worked on independently of each other.
"""

from __future__ import annotations

from typing import Any

from alignsar_gpu.kernels.driving.threads import in_threads

from .scalar_covers import cover_edge
from .scalar_rings import is_seen, spread_cell

PARTS = ("cover_window", "reach_window", "spread_window")
INLINED = ()
LOOPS = ("cover_windows", "reach_windows", "spread_windows")
DRIVERS = ("cover_rings", "reach_rings", "spread_rings")


def cover_window(x: Any, y: Any, ring: Any, window: Any, covers: Any) -> None:
    """Cover of the cells of a window by a ring, which a sign makes negative."""
    rows, columns = window[1] - window[0], window[3] - window[2]
    for k in range(ring[0], ring[1] - 1):
        edge = (x[k] - window[2], y[k] - window[0], x[k + 1] - window[2], y[k + 1] - window[0])
        cover_edge(edge, ring[2], (0, rows), covers, window[4], columns)
    for i in range(rows):
        total = 0
        for j in range(columns):
            total += covers[window[4] + i * columns + j]
            covers[window[4] + i * columns + j] = total


def cover_windows(first: int, stop: int, x: Any, y: Any, rings: Any, windows: Any, covers: Any) -> None:
    """`cover_window` over rings."""
    for ring in range(first, stop):
        cover_window(x, y, rings[ring], windows[ring], covers)


def reach_window(window: Any, down: Any, across: Any, columns: int, reach: Any) -> None:
    """Least and greatest displacements of the corners of a window of cells."""
    for i in range(window[0], window[1] + 1):
        for at in range(i * (columns + 1) + window[2], i * (columns + 1) + window[3] + 1):
            if is_seen(down[at], across[at]):
                reach[0] = min(reach[0], down[at])
                reach[1] = max(reach[1], down[at])
                reach[2] = min(reach[2], across[at])
                reach[3] = max(reach[3], across[at])


def reach_windows(
    first: int, stop: int, windows: Any, down: Any, across: Any, columns: int, reach: Any
) -> None:
    """`reach_window` over rings."""
    for k in range(first, stop):
        reach_window(windows[k], down, across, columns, reach[k])


def spread_window(
    chart: Any,
    cell: Any,
    down: Any,
    across: Any,
    area: Any,
    columns: int,
    window: Any,
    covers: Any,
    pixels: Any,
    scale: Any,
    areas: Any,
) -> None:
    """Areas of the covered cells of a window in the pixels that show them."""
    width = window[3] - window[2]
    seen = (pixels[0], pixels[1], pixels[2], pixels[3], pixels[4])
    for i in range(window[0], window[1]):
        row = chart[0] + i * cell[0]
        for j in range(window[2], window[3]):
            cover = covers[window[4] + (i - window[0]) * width + j - window[2]]
            if cover != 0:
                place = (i, j, row, chart[1] + j * cell[1])
                spread_cell(cover, place, cell, down, across, area, columns, seen, scale, areas)


def spread_windows(
    first: int,
    stop: int,
    chart: Any,
    cell: Any,
    down: Any,
    across: Any,
    area: Any,
    columns: int,
    windows: Any,
    covers: Any,
    pixels: Any,
    scale: Any,
    areas: Any,
) -> None:
    """`spread_window` over rings."""
    for k in range(first, stop):
        spread_window(chart, cell, down, across, area, columns, windows[k], covers, pixels[k], scale, areas)


def cover_rings(x: Any, y: Any, rings: Any, windows: Any, covers: Any) -> None:
    """Cover cells with rings, each in a window of its own.

    ``rings`` [ring, 3]: first vertex, vertex after the last, sign; ``windows`` [ring, 5]: rows and columns of cells,
    from one on and before another, and the number in ``covers``, flat and 0, of the first of these cells.
    """
    in_threads(cover_windows, len(rings), x, y, rings, windows, covers)


def reach_rings(windows: Any, down: Any, across: Any, columns: int, reach: Any) -> None:
    """Least and greatest displacements along lines, then along samples, of windows of cells, into ``reach`` [ring, 4].

    ``down`` and ``across`` are flat, of so many ``columns`` of cells; ``reach`` holds infinities.
    """
    in_threads(reach_windows, len(windows), windows, down, across, columns, reach)


def spread_rings(
    chart: Any,
    cell: Any,
    down: Any,
    across: Any,
    area: Any,
    columns: int,
    windows: Any,
    covers: Any,
    pixels: Any,
    scale: Any,
    areas: Any,
) -> None:
    """Spread what `cover_rings` has covered over pixels; ``pixels`` [ring, 5] as ``windows``, into ``areas``, flat."""
    given = (chart, cell, down, across, area, columns, windows, covers, pixels, scale)
    in_threads(spread_windows, len(windows), *given, areas)
