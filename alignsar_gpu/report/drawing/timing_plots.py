"""Plots of the timing: shifts of dates, and phases in burst overlaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from alignsar_gpu.report.drawing.svg import DPI, FAINT, INK, SERIES, Svg, plotted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from alignsar_gpu.report.overlaps import Overlaps

WIDTH = 1100  # pixels
MOST_LABELS = 12  # dates along an axis


@dataclass(frozen=True, kw_only=True, eq=False)
class DateShifts:
    """One kind of shift of all dates, arrays (dates,); NaN if not known.

    Attributes
    ----------
    value, deviation : as measured.
    true : as it was put into a simulation.
    """

    value: NDArray[np.float64]
    deviation: NDArray[np.float64]
    true: NDArray[np.float64]

    @property
    def error(self) -> NDArray[np.float64]:
        """Measured minus true shift."""
        return self.value - self.true


def shifts_picture(days: Sequence[str], shifts: Mapping[str, DateShifts]) -> Svg:
    """Draw the shifts by date, a column of axes for each kind; below, the errors if the truth is known."""
    has_truth = any(np.isfinite(one.true).any() for one in shifts.values())
    x = np.arange(len(days), dtype=np.float64)

    def draw() -> Figure:
        rows = 2 if has_truth else 1
        figure = Figure(figsize=(WIDTH / DPI, (250 + 250 * rows) / DPI), dpi=DPI, layout="constrained")
        axes = figure.subplots(rows, len(shifts), squeeze=False, sharex=True)
        for column, (label, one) in zip(axes.T, shifts.items(), strict=True):
            deviation = np.where(np.isfinite(one.deviation), one.deviation, 0.0)
            top = column[0]
            top.axhline(0.0, color=FAINT, linewidth=1.2)
            if has_truth:
                top.plot(
                    x,
                    one.true,
                    "D",
                    markersize=13,
                    markerfacecolor="none",
                    color=SERIES[1],
                    label="true",
                )
            top.errorbar(x, one.value, deviation, fmt="o", color=SERIES[0], capsize=4, label="measured")
            top.set_title(f"shift in {label}", fontsize=10)
            if has_truth:
                low = column[1]
                low.axhline(0.0, color=SERIES[1], linewidth=1.2)
                low.errorbar(x, 1e3 * one.error, 1e3 * deviation, fmt="o", color=SERIES[0], capsize=4)
                low.set_title("measured \u2212 true, in thousandths", fontsize=10)
            for one_axes in column:
                _tidy(one_axes)
                one_axes.margins(0.12, 0.2)
            every = -(-len(days) // MOST_LABELS)
            column[-1].set_xticks(x[::every], labels=list(days[::every]), rotation=30, ha="right")
        if has_truth:
            figure.legend(
                *axes[0, 0].get_legend_handles_labels(), loc="outside upper left", ncols=2, fontsize=9
            )
        return figure

    return plotted(draw)


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True, axis="y")
    axes.set_axisbelow(True)


def overlaps_picture(overlaps: Overlaps, names: Sequence[str]) -> Svg:
    """Draw overlap phases before and after removing the shifts, and remaining shifts; dots in a column a pair."""
    side = np.zeros(len(overlaps.pair))
    for pair in range(len(overlaps.pairs)):
        here = np.flatnonzero(overlaps.pair == pair)
        side[here] = np.linspace(-0.28, 0.28, len(here)) if len(here) > 1 else 0.0
    x = overlaps.pair + side

    def draw() -> Figure:
        figure = Figure(figsize=(WIDTH / DPI, 860 / DPI), dpi=DPI, layout="constrained")
        phase, left = figure.subplots(2, 1, sharex=True)
        for axes in (phase, left):
            axes.axhline(0.0, color=FAINT, linewidth=1.2)
        for index, name in enumerate(overlaps.swaths):
            here, colour = overlaps.swath == index, SERIES[index % len(SERIES)]
            phase.plot(
                x[here], overlaps.before[here], "o", markersize=7, markerfacecolor="none", color=colour
            )
            phase.plot(x[here], overlaps.after[here], "o", markersize=5, color=colour, label=name)
            left.errorbar(
                x[here],
                1e3 * overlaps.left[here],
                1e3 * np.nan_to_num(overlaps.deviation[here]),
                fmt="o",
                markersize=5,
                capsize=3,
                color=colour,
            )
        phase.set_ylabel("phase (rad)")
        left.set_ylabel("shift left (line / 1000)")
        for axes in (phase, left):
            _tidy(axes)
            axes.set_xlim(-0.6, len(names) - 0.4)
        left.set_xticks(range(len(names)), labels=list(names), fontsize=8)
        if len(names) > MOST_LABELS // 2:
            left.tick_params(axis="x", labelrotation=90)
        handles = [
            Line2D([], [], linestyle="none", marker="o", markerfacecolor="none", markersize=7, color=INK),
            Line2D([], [], linestyle="none", marker="o", markersize=5, color=INK),
            *(
                Line2D([], [], linestyle="none", marker="s", color=SERIES[i % len(SERIES)])
                for i in range(len(overlaps.swaths))
            ),
        ]
        labels = ["before", "after the shifts are taken off", *overlaps.swaths]
        figure.legend(handles, labels, loc="outside upper left", ncols=6, fontsize=9)
        return figure

    return plotted(draw)
