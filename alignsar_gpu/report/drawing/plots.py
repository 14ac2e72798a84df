"""Map, contour lines, histograms and scatter plots of the report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps, colors
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from alignsar_gpu.report.drawing.display import METRES_PER_DEGREE, corners
from alignsar_gpu.report.drawing.svg import DPI, FAINT, INK, PAPER, SERIES, Svg, plotted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from alignsar_gpu.report.drawing.figures import Scale

PHASE_TICKS = {
    -math.pi: "\u2212π",
    -math.pi / 2: "\u2212π/2",
    0.0: "0",
    math.pi / 2: "π/2",
    math.pi: "π",
}
NICE_LENGTHS = (100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000, 100_000)  # metres


def _histograms(count: int, *, sharey: bool = False) -> tuple[Figure, list[Axes]]:
    """A figure with axes side by side; their places are known, which a layout engine would draw twice to find."""
    figure = Figure(figsize=(1100 / DPI, 430 / DPI), dpi=DPI)
    places = {"left": 0.085, "right": 0.98, "bottom": 0.17, "top": 0.87, "wspace": 0.1 if sharey else 0.24}
    return figure, list(figure.subplots(1, count, sharey=sharey, squeeze=False, gridspec_kw=places)[0])


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True)
    axes.set_axisbelow(True)


def map_picture(
    longitude: NDArray[np.float64],
    latitude: NDArray[np.float64],
    brightness: NDArray[np.floating[Any]],
    scale: Scale,
    directions: NDArray[np.float64],
) -> Svg:
    """Draw the scene on a map, north up: brightness at cell centres, outline, flight and look directions.

    The first three arrays are (rows, columns), degrees and dB; no coordinate may be NaN.
    """
    edges = corners(longitude), corners(latitude)
    outline = [np.concatenate([e[0], e[1:, -1], e[-1, -2::-1], e[-2::-1, 0]]) for e in edges]
    stretch = 1 / math.cos(math.radians(float(latitude.mean())))

    margin = 0.16 * max(np.ptp(outline[0]) / stretch, np.ptp(outline[1]))  # degrees of latitude
    limits = [
        (e.min() - margin * m, e.max() + margin * m) for e, m in zip(outline, (stretch, 1), strict=True)
    ]
    across, up = np.ptp(limits[0]) / stretch, np.ptp(limits[1])
    across, up = (round(side * min(900 / across, 780 / up)) for side in (across, up))

    def draw() -> Figure:
        width, height = across + 180, up + 110
        figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
        axes = figure.add_axes((150 / width, 90 / height, across / width, up / height))
        grey = colormaps["gray"].resampled(scale.shades)
        axes.pcolormesh(
            *edges,
            np.ma.masked_invalid(brightness),
            cmap=grey,
            vmin=scale.limits[0],
            vmax=scale.limits[1],
            rasterized=True,
        )
        axes.plot(*outline, color=SERIES[1], linewidth=1.8)
        axes.plot(outline[0][0], outline[1][0], "o", color=SERIES[1], markersize=8)
        axes.set(xlim=limits[0], ylim=limits[1])
        _arrows(axes, longitude, latitude, directions)
        _scale_bar(axes, stretch)
        axes.set(xlabel="longitude (degrees east)", ylabel="latitude (degrees north)")
        axes.locator_params(axis="x", nbins=2 + across // 200)
        axes.locator_params(axis="y", nbins=2 + up // 160)
        axes.ticklabel_format(useOffset=False)
        return figure

    return plotted(draw)


def _arrows(
    axes: Axes,
    longitude: NDArray[np.float64],
    latitude: NDArray[np.float64],
    directions: NDArray[np.float64],
) -> None:
    """Two arrows outside the scene: the flight beside near range, the look before the first line."""
    per_degree = METRES_PER_DEGREE * np.array([math.cos(math.radians(float(latitude.mean()))), 1.0])
    ground = np.stack([longitude, latitude], axis=-1) * per_degree
    side = min(np.ptp(axes.get_xlim()) * per_degree[0], np.ptp(axes.get_ylim()) * per_degree[1])
    look, flight = (directions[:, i] / np.hypot(*directions[:, i]) for i in (0, 1))
    # beside the near-range edge for the flight, before the first line for the look: never over the scene
    for name, along, outward, start in (
        ("flight", flight, -look, (ground[0, 0] + ground[-1, 0]) / 2),
        ("look", look, -flight, (ground[0, 0] + ground[0, -1]) / 2),
    ):
        middle = start + 0.055 * side * outward
        tail, head = (middle + sign * 0.11 * side * along for sign in (-1, 1))
        axes.annotate(
            "",
            xy=tuple(head / per_degree),
            xytext=tuple(tail / per_degree),
            arrowprops={"arrowstyle": "-|>", "color": SERIES[0], "linewidth": 2, "mutation_scale": 16},
        )
        place = (middle + 0.035 * side * outward) / per_degree
        angle = math.degrees(math.atan2(along[1], along[0]))
        upright = (angle + 89) % 180 - 89  # read from below or from the right
        axes.text(
            place[0],
            place[1],
            name,
            color=SERIES[0],
            ha="center",
            va="center",
            rotation=upright,
            fontsize=10,
        )


def _scale_bar(axes: Axes, stretch: float) -> None:
    """A bar of a round length in the lower left corner."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    width = (right - left) * METRES_PER_DEGREE / stretch
    length = max((nice for nice in NICE_LENGTHS if nice < width / 4), default=NICE_LENGTHS[0])
    x, y = left + 0.04 * (right - left), bottom + 0.04 * (top - bottom)
    axes.plot([x, x + length / METRES_PER_DEGREE * stretch], [y, y], color=INK, linewidth=3)
    text = f"{length / 1000:g} km" if length >= 1000 else f"{length} m"
    axes.text(x, y + 0.012 * (top - bottom), text, fontsize=9)


def coherence_histogram(
    coherence: Mapping[str, NDArray[np.floating[Any]]],
    phase: Mapping[str, NDArray[np.floating[Any]]],
    noise: float | None,
) -> Svg:
    """Draw histograms of coherence and phase, a curve a polarization; ``noise`` is a coherence to mark."""

    def draw() -> Figure:
        figure, (left, right) = _histograms(2)
        steps = (
            (left, coherence, np.linspace(0, 1, 51), "coherence"),
            (right, phase, np.linspace(-np.pi, np.pi, 49), "interferometric phase (rad)"),
        )
        for axes, samples, edges, label in steps:
            for (name, values), colour in zip(samples.items(), SERIES, strict=False):
                share = 100 * _histogram(
                    np.clip(values, edges[0], edges[-1]), edges
                )  # float32 pi is beyond pi
                axes.stairs(share, edges, color=colour, label=name, linewidth=1.8, baseline=None)
            axes.set(xlim=(edges[0], edges[-1]), xlabel=label, ylabel="share of pixels (%)")
            axes.set_ylim(bottom=0)
            _tidy(axes)
        if noise is not None:
            left.axvline(noise, color=INK, linestyle=":", label=f"pure noise: {noise:.2f}")
        figure.legend(*left.get_legend_handles_labels(), fontsize=9, loc="upper left", ncols=6)
        right.set_xticks(list(PHASE_TICKS), list(PHASE_TICKS.values()))
        return figure

    return plotted(draw)


def _histogram(values: NDArray[np.floating[Any]], edges: NDArray[np.float64]) -> NDArray[np.float64]:
    """Share of all values that lies in each bin."""
    counts, _ = np.histogram(values, edges)
    return counts / max(1, values.size)


def brightness_histogram(
    panels: Mapping[str, Mapping[str, Sequence[NDArray[np.floating[Any]]]]],
) -> Svg:
    """Draw histograms of powers in dB: label of the axis -> polarization -> an array (dB) a date."""
    everything = np.concatenate(
        [values for panel in panels.values() for many in panel.values() for values in many]
    )
    low, high = (math.floor(np.percentile(everything, 0.2)), math.ceil(np.percentile(everything, 99.9)))
    edges = np.linspace(low, max(high, low + 1), 81)

    def draw() -> Figure:
        figure, columns = _histograms(len(panels), sharey=True)
        for axes, (label, panel) in zip(columns, panels.items(), strict=True):
            for (name, many), colour in zip(panel.items(), SERIES, strict=False):
                for number, values in enumerate(many):
                    axes.stairs(
                        100 * _histogram(values, edges),
                        edges,
                        color=colour,
                        linewidth=1.3,
                        alpha=0.8,
                        label=None if number else name,
                    )
            axes.set(xlabel=label, xlim=(edges[0], edges[-1]))
            axes.set_ylim(bottom=0)
            axes.label_outer()
            _tidy(axes)
        figure.axes[0].set_ylabel("share of pixels (%)")
        figure.axes[0].legend(fontsize=9)
        return figure

    return plotted(draw)


def baseline_picture(
    times: NDArray[np.datetime64],
    baselines: NDArray[np.float64],
    reference: int,
    coherence: NDArray[np.float64],
    days: Sequence[str],
) -> Svg:
    """Draw perpendicular baseline (m) against time, a line a pair, coloured by coherence."""

    def draw() -> Figure:
        figure = Figure(figsize=(1100 / DPI, 560 / DPI), dpi=DPI, layout="constrained")
        axes = figure.subplots()
        mapping = ScalarMappable(colors.Normalize(0, 1), colormaps["viridis"])
        for date in range(len(times)):
            if date != reference and np.isfinite(baselines[date]):
                colour = mapping.to_rgba(coherence[date]) if np.isfinite(coherence[date]) else FAINT
                ends = [reference, date]
                axes.plot(times[ends], baselines[ends], color=colour, linewidth=2.6)
        axes.plot(times, baselines, "o", color=INK, markersize=6)
        axes.plot(times[reference], baselines[reference], "*", color=SERIES[1], markersize=17)
        place = times[reference], baselines[reference]
        label = axes.annotate(
            "reference", place, (0, 12), textcoords="offset points", ha="center", fontsize=9
        )
        label.set_path_effects([withStroke(linewidth=4, foreground=PAPER)])
        axes.margins(0.1, 0.24)
        axes.set_ylabel("perpendicular baseline (m)")
        every = -(-len(times) // 7)
        axes.set_xticks(times[::every], labels=list(days[::every]))
        _tidy(axes)
        figure.colorbar(mapping, ax=axes, label="mean coherence with the reference", pad=0.02)
        return figure

    return plotted(draw)


def truth_scatter(
    true: NDArray[np.float64],
    expected: NDArray[np.float64],
    estimated: NDArray[np.float64],
    legend: Sequence[tuple[str, str]],
) -> Svg:
    """Draw estimated against true coherence, arrays (pair, class); ``legend`` is (name, colour) of each class."""

    def draw() -> Figure:
        figure = Figure(figsize=(1100 / DPI, 720 / DPI), dpi=DPI)
        axes = figure.add_axes((105 / 1100, 100 / 720, 600 / 1100, 600 / 720))
        axes.plot([0, 1], [0, 1], color=INK, linestyle="--", linewidth=1, label="estimate = truth")
        for number, (name, colour) in enumerate(legend):
            axes.plot(
                true[:, number],
                estimated[:, number],
                "o",
                color=colour,
                markeredgecolor=INK,
                markeredgewidth=0.5,
                markersize=7,
                label=name,
            )
        axes.plot(
            true.ravel(),
            expected.ravel(),
            linestyle="none",
            marker="o",
            markerfacecolor="none",
            markeredgecolor=INK,
            markersize=12,
            label="expected by theory",
        )
        axes.set(
            xlim=(-0.03, 1.03),
            ylim=(-0.03, 1.03),
            xlabel="true coherence",
            ylabel="estimated coherence (mean of the class)",
        )
        _tidy(axes)
        axes.legend(fontsize=9, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
        return figure

    return plotted(draw)
