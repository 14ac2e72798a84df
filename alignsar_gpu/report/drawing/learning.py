"""Pictures of models: scores with intervals, confusion matrices, training, curves, and samples beside their truth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.patches import Patch, Rectangle

from alignsar_gpu.report.drawing.palette import colours_of
from alignsar_gpu.report.drawing.svg import DPI, FAINT, INK, SERIES, Svg, plotted

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

LINES = (*SERIES, "#8a8f94", "#7a4b2b")
NAMED_CELLS = 16  # classes, up to which cells of a confusion matrix have numbers
DARK_CELL = 0.6  # share from which on a cell has white numbers
BRIGHTEST, DARKEST = 99.0, 1.0  # percentiles of an image


def colour_of(number: int) -> str:
    """Return the colour of a model by its number."""
    return LINES[number % len(LINES)]


def _figure(width: float, height: float) -> Figure:
    return Figure(figsize=(width / DPI, height / DPI), dpi=DPI, layout="constrained")


def _tidy(axes: Axes) -> None:
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(visible=True)
    axes.set_axisbelow(True)


def scores_picture(scores: Mapping[str, Mapping[str, Mapping[str, float | None]]]) -> Svg:
    """Draw the scores of models, with their 95 % intervals; ``scores``: title of a model, score, its numbers."""
    names = list(dict.fromkeys(name for of in scores.values() for name in of))

    def draw() -> Figure:
        figure = _figure(1100, 150 + 58 * len(scores))
        for axes, name in zip(
            figure.subplots(1, len(names), sharey=True, squeeze=False)[0], names, strict=True
        ):
            for row, (number, of) in enumerate(reversed(list(enumerate(scores.values())))):
                score = of.get(name, {})
                mean, low, high = (score.get(key) for key in ("mean", "low", "high"))
                if low is not None and high is not None:
                    axes.plot([low, high], [row, row], color=colour_of(number), linewidth=4, alpha=0.45)
                if mean is not None:
                    axes.plot(mean, row, "o", color=colour_of(number), markersize=9)
            axes.set(xlim=(-0.02, 1.02), ylim=(-0.6, len(scores) - 0.4), xlabel=words(name))
            axes.set_yticks(range(len(scores)), [_folded(title) for title in reversed(list(scores))])
            _tidy(axes)
        return figure

    return plotted(draw)


def class_bars(values: Mapping[str, Mapping[str, float | None]], label: str) -> Svg:
    """Draw a score of each class by each model; ``values``: title of a model, class, score."""
    classes = list(dict.fromkeys(name for of in values.values() for name in of))
    width = 0.8 / len(values)

    def draw() -> Figure:
        figure = _figure(1100, 470)
        axes = figure.subplots()
        for number, (title, of) in enumerate(values.items()):
            places = np.arange(len(classes)) + (number - 0.5 * (len(values) - 1)) * width
            heights = [of.get(name) or 0.0 for name in classes]
            axes.bar(places, heights, 0.92 * width, color=colour_of(number), label=title)
        axes.set_xticks(
            range(len(classes)), [words(name) for name in classes], rotation=30 * (len(classes) > 6)
        )
        axes.set(ylim=(0, 1.0), ylabel=label)
        _tidy(axes)
        axes.grid(visible=False, axis="x")
        figure.legend(loc="outside upper left", ncols=3, fontsize=9)
        return figure

    return plotted(draw)


def confusion_picture(matrix: NDArray[Any], names: Sequence[str]) -> Svg:
    """Draw a confusion matrix [truth, predicted] as shares of the true pixels of each class."""
    counts = np.asarray(matrix, dtype=np.float64)
    sums = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, sums, out=np.zeros_like(counts), where=sums > 0)
    side = 58 * len(names) + 40

    def draw() -> Figure:
        figure = _figure(side + 190, side + 170)
        axes = figure.subplots()
        axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
        for row, column in np.ndindex(*shares.shape) if len(names) <= NAMED_CELLS else ():
            share = shares[row, column]
            if counts[row].sum() and round(100 * share) > 0:
                colour = "#fefefe" if share > DARK_CELL else "#1e2932"  # on blue, in the dark too
                axes.text(
                    column, row, f"{100 * share:.0f}", ha="center", va="center", color=colour, fontsize=9
                )
        shown = [words(name) for name in names]
        axes.set_xticks(range(len(names)), shown, rotation=90)
        axes.set_yticks(range(len(names)), shown)
        axes.set(xlabel="predicted", ylabel="truth")
        axes.spines[:].set_visible(False)
        return figure

    return plotted(draw)


def training_picture(histories: Mapping[str, Sequence[Mapping[str, float | None]]]) -> Svg:
    """Draw the loss on the training split and the score on the validation split by epoch, a line a seed."""

    def draw() -> Figure:
        figure = _figure(1100, 380)
        left, right = figure.subplots(1, 2)
        for number, (seed, rows) in enumerate(histories.items()):
            for axes, key in ((left, "loss"), (right, "score")):
                found = [(row["epoch"], row[key]) for row in rows if row.get(key) is not None]
                axes.plot(*np.array(found, dtype=float).T, color=colour_of(number), label=f"seed {seed}")
        left.set(xlabel="epoch", ylabel="loss, training split", ylim=(0, None))
        right.set(xlabel="epoch", ylabel="score, validation split")
        for axes in (left, right):
            _tidy(axes)
        if len(histories) > 1:
            right.legend(fontsize=9)
        return figure

    return plotted(draw)


def curve_picture(
    curves: Mapping[str, Mapping[str, Any]], x_title: str, y_title: str, *, logarithmic: bool = False
) -> Svg:
    """Draw a curve of each model; those with ``low`` and ``high`` have a band around them."""

    def draw() -> Figure:
        figure = _figure(720, 520)
        axes = figure.subplots()
        for number, (title, of) in enumerate(curves.items()):
            x, y = np.array(of["x"], dtype=float), np.array(of["y"], dtype=float)
            axes.plot(x, y, color=colour_of(number), marker="o" if "low" in of else "", label=title)
            if "low" in of:
                low, high = (np.array(of[key], dtype=float) for key in ("low", "high"))
                axes.fill_between(x, low, high, color=colour_of(number), alpha=0.2, linewidth=0)
        if logarithmic:
            axes.set_xscale("log")
        axes.set(xlabel=x_title, ylabel=y_title, ylim=(-0.02, 1.02))
        _tidy(axes)
        axes.legend(fontsize=9)
        return figure

    return plotted(draw)


@dataclass(frozen=True, kw_only=True, eq=False)
class Shown:
    """An image [line, sample], and what is drawn over it or instead: numbers of classes, or boxes.

    Boxes are [box, 4]: first line, first sample, lines, samples.
    """

    title: str
    image: NDArray[np.floating[Any]] | None = None
    classes: NDArray[np.integer[Any]] | None = None
    boxes: NDArray[np.floating[Any]] | None = None


def side_by_side(parts: Sequence[Shown], names: Sequence[str], aspect: float, *, legend: bool = True) -> Svg:
    """Draw images of the same pixels side by side; ``aspect`` is how many times a pixel is longer than wide.

    ``legend``: of the classes, where there are any.
    """
    of = next(array for part in parts for array in (part.image, part.classes) if array is not None)
    lines, samples = of.shape
    width = 1100
    height = (width / len(parts)) * lines * aspect / samples
    legend = legend and any(part.classes is not None for part in parts)
    rows = -(-len(names) // 8) if legend else 0

    def draw() -> Figure:
        figure = _figure(width, min(height, 1.3 * width) + 46 + 26 * rows)
        for axes, part in zip(figure.subplots(1, len(parts), squeeze=False)[0], parts, strict=True):
            _show(axes, part, names, aspect)
        if legend:
            marks = [Patch(color=c, label=words(n)) for n, c in zip(names, colours_of(names), strict=True)]
            figure.legend(handles=marks, loc="outside lower left", ncols=8, fontsize=8)
        return figure

    return plotted(draw)


def _show(axes: Axes, part: Shown, names: Sequence[str], aspect: float) -> None:
    if part.image is not None:
        known = part.image[np.isfinite(part.image)]
        low, high = np.percentile(known, [DARKEST, BRIGHTEST]) if known.size else (0.0, 1.0)
        axes.imshow(part.image, cmap="gray", vmin=low, vmax=high, aspect=aspect, interpolation="nearest")
    if part.classes is not None:
        colours = ListedColormap(colours_of(names))
        numbers = np.ma.masked_greater_equal(part.classes, len(names))
        options: dict[str, Any] = {"vmin": -0.5, "vmax": len(names) - 0.5, "interpolation": "nearest"}
        axes.set_facecolor(FAINT)
        axes.imshow(numbers, cmap=colours, aspect=aspect, **options)
    for line, sample, lines, samples in part.boxes if part.boxes is not None else ():
        corner = (sample - 0.5, line - 0.5)
        axes.add_patch(Rectangle(corner, samples, lines, fill=False, edgecolor=SERIES[1], linewidth=1.6))
    axes.set_title(part.title, fontsize=9, color=INK)
    axes.set_xticks([])
    axes.set_yticks([])


def words(name: str) -> str:
    """Return a name as words; F1 and the like in capitals."""
    return {
        "macro_f1": "macro F1", "f1": "F1", "iou": "IoU", "map50": "mAP50", "map50_95": "mAP50-95",
    }.get(name, name.replace("_", " "))  # fmt: skip


def _folded(title: str, most: int = 26) -> str:
    """Break a title into two lines where it is long."""
    if len(title) <= most:
        return title
    middle = title.rfind(" ", 0, most)
    return title if middle < 0 else f"{title[:middle]}\n{title[middle + 1 :]}"
