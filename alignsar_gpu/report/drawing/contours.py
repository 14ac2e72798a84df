"""Contour lines of layers, as paths in the pixels of a picture."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from alignsar_gpu.report.drawing.figures import MARGIN_TOP, Contours, tick_texts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from alignsar_gpu.report.drawing.display import DisplayGrid
    from alignsar_gpu.report.drawing.figures import Frame

SHORTEST = 80.0  # pixels of a line that has its value written on it
FROM_END = 24.0  # pixels that a text keeps from the edge of the raster


def contour_lines(
    values: NDArray[np.float64], grid: DisplayGrid, frame: Frame, colour: str, at: float
) -> Contours:
    """Trace lines at round values of a layer, given at the cell centres of ``grid``, over the raster of ``frame``.

    ``at`` is the share of a line's length, 0 to 1, where its value is written.
    """
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    levels = np.asarray(MaxNLocator(5).tick_values(low, high))
    levels = levels[(levels > low) & (levels < high)]
    if not levels.size or min(values.shape) < 2:
        return Contours(path="", colour=colour)
    paths, places = [], []
    for text, line in _lines(values, grid, frame, levels):
        paths.append("M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in line.tolist()))
        place = _place(line, frame, at)
        if place is not None:
            places.append({**place, "text": text})
    return Contours(path="".join(paths), colour=colour, places=tuple(places))


def _lines(
    values: NDArray[np.float64], grid: DisplayGrid, frame: Frame, levels: NDArray[np.float64]
) -> Iterator[tuple[str, NDArray[np.float64]]]:
    """Every line of every level: the level as a text, and its points (x, y) in pixels."""
    rows, columns = grid.shape
    x = frame.left + (np.arange(columns) + 0.5) * (frame.across * grid.cell_samples / grid.samples)
    y = MARGIN_TOP + (np.arange(rows) + 0.5) * (frame.up * grid.cell_lines / grid.lines)
    traced = Figure().add_subplot().contour(x, y, np.ma.masked_invalid(values), levels)
    for text, lines in zip(tick_texts(levels), traced.allsegs, strict=True):
        yield from ((text, line) for line in lines if len(line) > 1)


def _place(line: NDArray[np.float64], frame: Frame, at: float) -> dict[str, Any] | None:
    """Where a line's value is written, and its angle (degrees) to be read from below; None for a short line."""
    lengths = np.append(0.0, np.cumsum(np.hypot(*np.diff(line, axis=0).T)))
    if lengths[-1] < SHORTEST:
        return None
    middle = at * lengths[-1]
    ends = [[float(np.interp(middle + side, lengths, line[:, i])) for i in (0, 1)] for side in (-20, 20)]
    angle = math.degrees(math.atan2(ends[1][1] - ends[0][1], ends[1][0] - ends[0][0]))
    edges = (frame.left, frame.left + frame.across), (MARGIN_TOP, MARGIN_TOP + frame.up)
    x, y = (
        round(min(max((ends[0][i] + ends[1][i]) / 2, low + FROM_END), high - FROM_END), 1)
        for i, (low, high) in enumerate(edges)
    )
    return {"x": x, "y": y, "angle": round((angle + 90) % 180 - 90, 1)}
