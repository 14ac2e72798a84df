"""Pictures of radar rasters: drawn in a light and a dark theme, to scale on the ground, with a compass."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps, colors, rc_context, rcdefaults, rcParams
from matplotlib.cm import ScalarMappable
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from alignsar_gpu.errors import writing
from alignsar_gpu.report.drawing.png import write_png

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from matplotlib.axes import Axes
    from numpy.typing import NDArray

    from alignsar_gpu.report.drawing.display import DisplayGrid

DPI = 144
IMAGE_ACROSS = 680  # pixels that a picture of few cells is enlarged to
IMAGE_UP = 640
LEAST_SIDE = 150  # pixels: a narrower strip is stretched
MARGIN_LEFT, MARGIN_RIGHT, MARGIN_TOP, MARGIN_BOTTOM = 104, 34, 52, 168  # pixels around the raster
LEAST_WIDTH = 480
NARROW_LEGEND = 620


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Colours of a drawing other than those of data."""

    suffix: str
    paper: str
    ink: str
    faint: str
    series: tuple[str, ...]


# Okabe and Ito's palette, told apart by colour-blind readers; lighter for the dark page.
LIGHT = Theme(
    suffix="",
    paper="#ffffff",
    ink="#1f2933",
    faint="#c9d1d9",
    series=("#0072b2", "#d55e00", "#009e73", "#cc79a7"),
)
DARK = Theme(
    suffix="_dark",
    paper="#171c22",
    ink="#d7dee6",
    faint="#3b4550",
    series=("#56b4e9", "#e69f00", "#2bc79b", "#e59cc4"),
)


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A picture on disk: its two files and its size in pixels."""

    file: str
    dark_file: str
    width: int
    height: int


@dataclass(frozen=True, kw_only=True)
class Scale:
    """A colour scale: name of the colour map, limits, label of the bar, and ticks with texts of their own.

    ``shades`` limits the map's steps: fewer compress better and nobody sees the difference.
    """

    colormap: str
    limits: tuple[float, float]
    label: str
    ticks: Mapping[float, str] | None = None
    shades: int = 96


def style(theme: Theme) -> Any:
    """Return matplotlib's rc parameters of a theme, on top of its defaults."""
    return {
        "timezone": "UTC",
        "font.size": 10,
        "text.parse_math": False,  # texts come from products: a dollar sign is a dollar sign
        "figure.facecolor": theme.paper,
        "savefig.facecolor": theme.paper,
        "axes.facecolor": theme.paper,
        "axes.edgecolor": theme.faint,
        "axes.labelcolor": theme.ink,
        "axes.linewidth": 0.8,
        "axes.titlelocation": "left",
        "axes.titleweight": "bold",
        "axes.titlesize": 10.5,
        "text.color": theme.ink,
        "xtick.color": theme.faint,
        "ytick.color": theme.faint,
        "xtick.labelcolor": theme.ink,
        "ytick.labelcolor": theme.ink,
        "grid.color": theme.faint,
        "grid.linewidth": 0.6,
        "hatch.color": theme.faint,
        "hatch.linewidth": 1.2,
        "legend.frameon": False,
        "lines.linewidth": 1.6,
    }


def save(draw: Callable[[Theme], Figure], folder: Path, name: str) -> Drawn:
    """Draw a figure in both themes as ``folder/name.png`` and ``folder/name_dark.png``.

    The bytes depend on what is drawn alone: no clock, no user settings, no software name.
    """
    width = height = 0
    for theme in (LIGHT, DARK):
        with rc_context():
            rcdefaults()
            rcParams.update(style(theme))
            path = folder / f"{name}{theme.suffix}.png"
            with writing(path):
                width, height = write_png(draw(theme), path)
    return Drawn(file=f"{name}.png", dark_file=f"{name}_dark.png", width=width, height=height)


def raster_pixels(view: DisplayGrid) -> tuple[int, int, bool]:
    """Return width and height in pixels that a raster is drawn at, and whether it is stretched."""
    rows, columns = view.shape
    up, across = view.extent
    width = IMAGE_ACROSS if 2 * columns <= IMAGE_ACROSS else columns  # many cells: a pixel each
    height = width * up / across
    tallest = IMAGE_UP if 2 * rows <= IMAGE_UP else rows
    if height > tallest:
        width, height = round(tallest * across / up), tallest
    stretched = min(width, height) < LEAST_SIDE
    return max(LEAST_SIDE, width), max(LEAST_SIDE, round(height)), stretched


def radar_axes(view: DisplayGrid, title: str, theme: Theme) -> tuple[Figure, Axes, float, float]:
    """Make a figure with axes of the raster's exact size, no-data hatching and ground axes.

    Gives the figure, the axes and the figure's size in pixels (width, height).
    """
    across, up, _ = raster_pixels(view)
    width = max(LEAST_WIDTH, across + MARGIN_LEFT + MARGIN_RIGHT)
    height = up + MARGIN_TOP + MARGIN_BOTTOM
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    left = max(MARGIN_LEFT, (width - across) // 2)
    axes = figure.add_axes((left / width, MARGIN_BOTTOM / height, across / width, up / height))
    figure.text(left / width, 1 - 34 / height, title, fontsize=11, fontweight="bold")
    size_up, size_across, unit = ground_axes(view)
    axes.set_xlim(0, size_across)
    axes.set_ylim(size_up, 0)
    axes.set_aspect("auto")
    axes.set_xlabel(f"ground range ({unit})")
    axes.set_ylabel(f"azimuth ({unit})")
    axes.locator_params(nbins=5 if across > 300 else 3)
    axes.patch.set(hatch="//", edgecolor=theme.faint, linewidth=0)
    return figure, axes, width, height


def ground_axes(view: DisplayGrid) -> tuple[float, float, str]:
    """Return the extent along azimuth and range in the unit of the axes, and that unit."""
    up, across = view.extent
    if not view.on_ground:
        return up, across, "pixels"
    return (up / 1000, across / 1000, "km") if max(up, across) >= 2000 else (up, across, "m")


def cell_extent(view: DisplayGrid) -> tuple[float, float, float, float]:
    """Return (left, right, bottom, top) of the cells in the unit of the axes; the last cell may reach beyond it."""
    size_up, size_across, _ = ground_axes(view)
    rows, columns = view.shape
    right = size_across * columns * view.cell_samples / view.samples
    bottom = size_up * rows * view.cell_lines / view.lines
    return 0, right, bottom, 0


def radar_picture(
    image: NDArray[np.floating[Any]],
    view: DisplayGrid,
    scale: Scale,
    title: str,
    directions: NDArray[np.float64] | None = None,
) -> Callable[[Theme], Figure]:
    """Draw a raster (rows, columns), line 0 on top and near range left, with a colour bar and a compass.

    ``directions`` as from ``display.ground_directions``; None leaves the compass out.
    """

    def draw(theme: Theme) -> Figure:
        figure, axes, width, height = radar_axes(view, title, theme)
        mapping = ScalarMappable(
            colors.Normalize(*scale.limits), colormaps[scale.colormap].resampled(scale.shades)
        )
        show(axes, mapping.to_rgba(np.ma.masked_invalid(image), bytes=True), view)
        bar_axes = _below(figure, axes, width, height)
        bar = figure.colorbar(mapping, cax=bar_axes, orientation="horizontal")
        bar.set_label(scale.label)
        bar.outline.set(linewidth=0.8, edgecolor=theme.faint)
        if scale.ticks is not None:
            bar.set_ticks(list(scale.ticks), labels=list(scale.ticks.values()))
        compass(figure, directions, width, height, theme)
        return figure

    return draw


def rgb_picture(
    channels: Sequence[NDArray[np.floating[Any]]],
    limits: Sequence[tuple[float, float]],
    view: DisplayGrid,
    labels: Sequence[str],
    title: str,
    directions: NDArray[np.float64] | None = None,
) -> Callable[[Theme], Figure]:
    """Draw three rasters (rows, columns) as red, green and blue, each between its limits."""
    known = np.all([np.isfinite(channel) for channel in channels], axis=0)
    scaled = [
        np.where(known, np.clip((channel - low) / (high - low), 0, 1), 0)
        for channel, (low, high) in zip(channels, limits, strict=True)
    ]
    # 48 steps a channel: the eye does not see them, and the file is half the size
    pixels = np.round(np.stack([*scaled, known], axis=-1) * 47) * (255 / 47)

    def draw(theme: Theme) -> Figure:
        figure, axes, width, height = radar_axes(view, title, theme)
        show(axes, pixels.astype(np.uint8), view)
        marks = ("#e4572e", "#3fa34d", "#4c7be8")
        handles = [Patch(color=mark, label=label) for mark, label in zip(marks, labels, strict=True)]
        below_legend(figure, axes, handles, height, columns=1)
        compass(figure, directions, width, height, theme)
        return figure

    return draw


def class_picture(
    classes: NDArray[np.integer[Any]],
    view: DisplayGrid,
    legend: Sequence[tuple[str, str]],
    title: str,
    directions: NDArray[np.float64] | None = None,
) -> Callable[[Theme], Figure]:
    """Draw class numbers (rows, columns) in the colours of ``legend``: (name, colour) of class 0, 1, ...

    Higher numbers are unknown, and hatched.
    """
    table = np.array([colors.to_rgba(colour) for _, colour in legend] + [(0, 0, 0, 0)])
    pixels = (table[np.minimum(classes, len(legend))] * 255).astype(np.uint8)

    def draw(theme: Theme) -> Figure:
        figure, axes, width, height = radar_axes(view, title, theme)
        show(axes, pixels, view)
        handles = [Patch(color=colour, label=name) for name, colour in legend]
        if np.any(classes >= len(legend)):
            handles.append(Patch(facecolor="none", edgecolor=theme.faint, hatch="////", label="unknown"))
        # a third column would run into the compass of a narrow picture
        below_legend(figure, axes, handles, height, columns=3 if width > NARROW_LEGEND else 2)
        compass(figure, directions, width, height, theme)
        return figure

    return draw


def show(axes: Axes, pixels: NDArray[np.uint8], view: DisplayGrid) -> None:
    """Show coloured cells (rows, columns, RGBA) on the axes, each cell a sharp rectangle."""
    axes.imshow(pixels, extent=cell_extent(view), interpolation="nearest", origin="upper", aspect="auto")
    size_up, size_across, _ = ground_axes(view)
    axes.set_xlim(0, size_across)
    axes.set_ylim(size_up, 0)


def _below(figure: Figure, axes: Axes, width: float, height: float) -> Axes:
    box = axes.get_position()
    across = min(box.width * width, width * (1 - box.x0) - 170)
    return figure.add_axes((box.x0, 62 / height, across / width, 16 / height))


def below_legend(figure: Figure, axes: Axes, handles: Sequence[Any], height: float, *, columns: int) -> None:
    """Add a legend in the strip below the raster."""
    figure.legend(
        handles=list(handles),
        loc="upper left",
        bbox_to_anchor=(axes.get_position().x0, 96 / height),
        bbox_transform=figure.transFigure,
        ncols=columns,
        borderpad=0,
        borderaxespad=0,
        fontsize=9,
        handlelength=1,
        columnspacing=1,
        labelspacing=0.25,
    )


def compass(
    figure: Figure, directions: NDArray[np.float64] | None, width: float, height: float, theme: Theme
) -> None:
    """Draw arrows to north and east in the lower right corner, as oriented in the radar picture."""
    if directions is None:
        return
    size = 108
    axes = figure.add_axes(((width - size - 14) / width, 14 / height, size / width, size / height))
    axes.set(xlim=(-1.45, 1.45), ylim=(-1.45, 1.45))
    axes.set_axis_off()
    across, up = np.linalg.inv(directions)  # rows: along range and azimuth by (east, north)
    for name, axis in (("E", 0), ("N", 1)):
        arrow = np.array([across[axis], -up[axis]])  # azimuth counts downwards
        arrow /= np.hypot(*arrow)
        axes.annotate(
            "",
            xy=(arrow[0], arrow[1]),
            xytext=(0, 0),
            arrowprops={"arrowstyle": "-|>", "color": theme.ink, "shrinkA": 0, "shrinkB": 0},
        )
        axes.text(
            1.27 * arrow[0],
            1.27 * arrow[1],
            name,
            ha="center",
            va="center",
            fontsize=9,
            fontweight="bold" if axis else "normal",
        )
