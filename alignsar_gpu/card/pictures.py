"""Pictures of a card, as PNG: example chips of each class and split, and a map of the splits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from alignsar_gpu.card.subject import SHARE
from alignsar_gpu.card.words import plain
from alignsar_gpu.errors import writing
from alignsar_gpu.report.drawing.palette import colours_of
from alignsar_gpu.report.drawing.split_map import split_figure
from alignsar_gpu.report.drawing.svg import FAINT, INK, painted

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.card.subject import Subject

SPLITS, EXAMPLES = "splits.png", "chips.png"
MOST_CLASSES = 12  # rows of the picture: those with most pixels
MOST_SPLITS = 4  # columns
SIDE = 1.35  # inches of the longer side of a chip in the picture
CALIBRATED, ALIKE = ("sigma0", "gamma0", "beta0"), ("_vv", "_hh")  # the best first
HALF = 0.5  # share of a pixel from which a class is drawn


@dataclass(frozen=True, kw_only=True, eq=False)
class Classes:
    """The classes that examples are of.

    Attributes
    ----------
    columns : of the index, the share of each class.
    names : of the classes.
    colours : of the classes.
    read : the class of each pixel at a place, [line, sample]: 1 for the first; 0 for none and what is not known.
    """

    columns: Sequence[str]
    names: Sequence[str]
    colours: Sequence[str]
    read: Callable[[int], NDArray[np.intp]]


def write_pictures(subject: Subject, folder: Path) -> None:
    """Write the pictures of a dataset into ``folder``; the same for the same chips."""
    folder.mkdir(parents=True, exist_ok=True)
    pictures = {EXAMPLES: partial(examples_figure, subject)}
    if subject.facts["split"]["by"] != "dates":  # there all splits lie on the same ground
        places = subject.index.drop_duplicates("place_id")
        shapes = {name: places["footprint"][places["split"] == name].to_numpy() for name in subject.splits}
        pictures[SPLITS] = partial(split_figure, shapes)
    for name, draw in pictures.items():
        with writing(folder / name):
            (folder / name).write_bytes(painted(draw))


def examples_figure(subject: Subject) -> Figure:
    """Draw a chip of each class and split, the one with most of the class: its brightness, and its classes below."""
    classes, splits = classes_of(subject), subject.splits[:MOST_SPLITS]
    rows = list(zip(classes.columns, classes.names, strict=True)) or [("", "any")]
    show, across, up = _brightness(subject), *_sides(subject)
    parts = 2 if classes.columns else 1
    margin, gap, top, legend = 1.25, 0.12, 0.75, 0.35 * math.ceil(len(rows) / 4) + 0.2
    width = margin + len(splits) * (parts * across + 0.05 + gap) + gap
    height = top + len(rows) * (up + gap) + legend
    figure = Figure(figsize=(width, height))

    def axes(left: float, under: float) -> Any:
        return figure.add_axes((left / width, 1 - (under + up) / height, across / width, up / height))

    for row, (column, name) in enumerate(rows):
        under = top + row * (up + gap)
        figure.text(
            (margin - 0.15) / width, 1 - (under + up / 2) / height, plain(name), ha="right", va="center"
        )
        for number, split in enumerate(splits):
            left = margin + number * (parts * across + 0.05 + gap)
            found = _with_most(subject, split, column)
            if found is None:
                axes(left, under).text(0.5, 0.5, "none", ha="center", va="center", color=INK)
                _bare(figure.axes[-1])
                continue
            image = axes(left, under)
            image.imshow(show(found), cmap="gray", vmin=0.0, vmax=1.0, aspect="auto", interpolation="nearest")
            _bare(image)
            if classes.columns:
                label = axes(left + across + 0.05, under)
                label.imshow(_coloured(classes, found[1]), aspect="auto", interpolation="nearest")
                _bare(label)
    for number, split in enumerate(splits):
        middle = margin + number * (parts * across + 0.05 + gap) + parts * across / 2
        figure.text(middle / width, 1 - (top - 0.12) / height, split, ha="center", va="bottom", weight="bold")
    title = "Example chips: brightness (left) and label (right)" if parts == 2 else "Example chips"
    figure.text(0.5, 1 - 0.12 / height, title, ha="center", va="top", fontsize=11)
    patches = [
        Patch(facecolor=c, label=plain(n)) for c, n in zip(classes.colours, classes.names, strict=True)
    ]
    if patches:
        figure.legend(handles=patches, loc="lower center", ncols=4, bbox_to_anchor=(0.5, 0.0))
    return figure


def classes_of(subject: Subject) -> Classes:
    """Find the classes whose shares the index has, those with most pixels if there are many."""
    mean = subject.index[subject.class_shares].mean().sort_values(ascending=False, kind="stable")
    columns = [str(name) for name in mean.index if name != f"{SHARE}none"][:MOST_CLASSES]
    names = [column.removeprefix(SHARE) for column in columns]
    of_label = [
        (layer, values) for layer, values in _tables(subject).items() if columns and set(names) <= set(values)
    ]
    if of_label:
        layer, values = of_label[0]
        codes = [values[name] for name in names]
        read = partial(_numbered, subject, subject.store.layers["classes"].index(layer), codes)
        return Classes(columns=columns, names=names, colours=_colours(subject, layer, names), read=read)
    there = subject.store.layers.get("targets", ())
    if columns and set(names) <= set(there):
        layers = [there.index(name) for name in names]
        return Classes(
            columns=columns,
            names=names,
            colours=colours_of(names),
            read=partial(_largest, subject, layers),
        )
    return Classes(columns=(), names=(), colours=(), read=lambda _: np.zeros((1, 1), dtype=np.intp))


def _tables(subject: Subject) -> dict[str, dict[str, int]]:
    """Return the classes of each layer that all dates share."""
    layers = subject.facts["layers"]
    return {name: of for name, of in subject.facts["classes"].items() if layers[name]["array"] == "classes"}


def _colours(subject: Subject, layer: str, names: Sequence[str]) -> list[str]:
    """Choose colours of classes: those of their map where it has some."""
    about = subject.facts["layers"][layer]
    known = dict(
        zip(
            str(about.get("flag_meanings", "")).split(),
            str(about.get("flag_colors", "")).split(),
            strict=False,
        )
    )
    return [known.get(name, colour) for name, colour in zip(names, colours_of(names), strict=True)]


def _numbered(subject: Subject, layer: int, codes: Sequence[int], place: int) -> NDArray[np.intp]:
    values = subject.store.read("classes", place)[layer]
    table = np.zeros(256, dtype=np.intp)
    table[list(codes)] = np.arange(1, len(codes) + 1)
    return np.asarray(table[values])


def _largest(subject: Subject, layers: Sequence[int], place: int) -> NDArray[np.intp]:
    shares = np.nan_to_num(subject.store.read("targets", place)[list(layers)])
    return np.where(shares.max(axis=0) >= HALF, shares.argmax(axis=0) + 1, 0)


def _coloured(classes: Classes, place: int) -> NDArray[np.float64]:
    """Return the classes at a place as colours [line, sample, RGB]; faint where there is none."""
    table = np.array([to_rgb(colour) for colour in (FAINT, *classes.colours)])
    return np.asarray(table[classes.read(place)])


def _with_most(subject: Subject, split: str, column: str) -> tuple[int, int] | None:
    """Return chip and place of a split with most of a class (or the first), on its first date; None without any."""
    own = subject.index[subject.index["split"] == split].sort_values(["date", "place"], kind="stable")
    if column and not own[column].max() > 0.0:
        return None
    row = own.loc[own[column].idxmax()] if column else own.iloc[0]
    return int(row["chip"]), int(row["place"])


@dataclass(frozen=True, kw_only=True)
class Example:
    """What examples show: a layer, in decibels or not, and the label beside it."""

    layer: str
    in_decibels: bool
    label: str


def example_of(subject: Subject) -> Example:
    """Say what the picture of examples shows."""
    name, of = _shown_layer(subject)
    classes = classes_of(subject)
    layers = [n for n, v in _tables(subject).items() if set(classes.names) <= set(v)]
    label = (layers[0] if layers else "the largest share") if classes.columns else ""
    return Example(layer=name, in_decibels="decibel" in of, label=label)


def _shown_layer(subject: Subject) -> tuple[str, dict[str, Any]]:
    """Choose the layer that shows most: a power, of one and the same polarization."""
    layers = list(subject.layers_in("images", "ground", "pairs"))
    powers = [layer for layer in layers if "decibel" in layer[1]]
    powers.sort(key=lambda layer: [word not in layer[0] for word in (*ALIKE, *CALIBRATED)])
    return (powers or layers)[0]


def _brightness(subject: Subject) -> Callable[[tuple[int, int]], NDArray[np.floating[Any]]]:
    """Return a function from chip and place to brightness between 0 and 1."""
    name, of = _shown_layer(subject)
    factor = of.get("decibel", 0.0)
    percentiles = subject.statistics["layers"][name]["decibel" if factor else "linear"]["percentiles"]
    low, high = percentiles["1"], percentiles["99"]

    def read(found: tuple[int, int]) -> NDArray[np.floating[Any]]:
        values = subject.store.read(of["array"], found[of["array"] == "ground"])[of["index"]].astype(float)
        with np.errstate(divide="ignore", invalid="ignore"):
            shown = factor * np.log10(values) if factor else values
        return np.asarray(np.nan_to_num(np.clip((shown - low) / ((high - low) or 1.0), 0.0, 1.0)))

    return read


def _sides(subject: Subject) -> tuple[float, float]:
    """Width and height of a chip in the picture, inches; as on the ground."""
    lines, samples = subject.store.shape
    across, up = float(samples), float(lines)
    of = subject.cube.attrs
    if subject.facts["geometry"] == "radar" and "azimuth_spacing" in of:
        across *= float(of["range_spacing"]) / math.sin(math.radians(float(of["incidence_angle_mid"])))
        up *= float(of["azimuth_spacing"])
    return SIDE * across / max(across, up), SIDE * up / max(across, up)


def _bare(axes: Any) -> None:
    axes.set(xticks=[], yticks=[])
    axes.spines[:].set_color(FAINT)
