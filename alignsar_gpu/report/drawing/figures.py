"""Pictures of radar rasters, to scale on the ground: with axes, a colour bar or a legend, and a compass."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib import colormaps, colors
from matplotlib.ticker import MaxNLocator

from alignsar_gpu.report.drawing import png
from alignsar_gpu.report.drawing.svg import FAINT, INK, PAPER, STYLE, Svg
from alignsar_gpu.report.templates import fill

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.report.drawing.display import DisplayGrid

IMAGE_ACROSS = 680  # pixels that a picture of few cells is enlarged to
IMAGE_UP = 640
LEAST_SIDE = 150  # pixels: a narrower strip is stretched
MARGIN_LEFT, MARGIN_RIGHT, MARGIN_TOP = 104, 34, 52  # pixels around the raster
AXIS_BELOW, BAR_BELOW = 72, 96  # of the axis of ranges; of a colour bar or a short legend
COMPASS, COMPASS_ARROW = 122, 37  # pixels in the lower right corner; length of an arrow
LEGEND_ROW, LEGEND_MARK, LEGEND_LETTER = 23, 40, 9.2
LEAST_WIDTH = 480
YEARS_ALONE, DAYS_OF_YEAR = 3 * 366, 365.2425  # days: from how many on ticks of dates are years
EPOCH = np.datetime64("1970-01-01")
UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A picture on disk: its file and its size in pixels."""

    file: str
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

    def colours(self) -> NDArray[np.uint8]:
        """Return the colours (shades, 3) from the lowest to the highest value."""
        steps = np.linspace(0.0, 1.0, self.shades)
        return np.asarray(colormaps[self.colormap](steps, bytes=True)[:, :3])

    def numbers(self, image: NDArray[np.floating[Any]]) -> NDArray[np.uint8]:
        """Return the number of each cell's colour; ``shades`` where it has no value."""
        low, high = self.limits
        known = np.isfinite(image)
        steps = (np.where(known, image, low) - low) * (self.shades / (high - low))
        return np.where(known, np.clip(steps, 0, self.shades - 1), self.shades).astype(np.uint8)


@dataclass(frozen=True, kw_only=True)
class Contours:
    """Contour lines over a raster: an SVG path in pixels, its colour, and the texts on it."""

    path: str
    colour: str
    places: tuple[Mapping[str, Any], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Frame:
    """Place of a raster in its picture, in pixels, and the title above.

    ``directions`` as from ``display.ground_directions``; None leaves the compass out.
    """

    view: DisplayGrid
    title: str
    directions: NDArray[np.float64] | None = None

    @property
    def across(self) -> int:
        """Width of the raster."""
        return raster_pixels(self.view)[0]

    @property
    def up(self) -> int:
        """Height of the raster."""
        return raster_pixels(self.view)[1]

    @property
    def width(self) -> int:
        """Width of the picture."""
        return max(LEAST_WIDTH, self.across + MARGIN_LEFT + MARGIN_RIGHT)

    @property
    def left(self) -> int:
        """Place of the raster from the left."""
        return max(MARGIN_LEFT, (self.width - self.across) // 2)


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


def radar_picture(image: NDArray[np.floating[Any]], scale: Scale, frame: Frame) -> Svg:
    """Draw a raster (rows, columns), line 0 on top and near range left, with a colour bar."""
    return _picture(frame, png.indexed(scale.numbers(image), scale.colours()), bar=_bar(scale, frame))


def contour_picture(
    image: NDArray[np.floating[Any]],
    scale: Scale,
    frame: Frame,
    contours: Sequence[Contours],
    legend: Sequence[tuple[str, str]],
) -> Svg:
    """Draw a raster in pale grey with contour lines; ``legend`` is (name, colour) of each layer of them."""
    grey = np.linspace(0.45 * 255, 0.95 * 255, scale.shades).round().astype(np.uint8)
    data = png.indexed(scale.numbers(image), np.stack([grey] * 3, axis=-1))
    return _picture(frame, data, legend=legend, contours=contours)


def rgb_picture(
    channels: Sequence[NDArray[np.floating[Any]]],
    limits: Sequence[tuple[float, float]],
    labels: Sequence[str],
    frame: Frame,
) -> Svg:
    """Draw three rasters (rows, columns) as red, green and blue, each between its limits."""
    known = np.all([np.isfinite(channel) for channel in channels], axis=0)
    scaled = [
        np.where(known, np.clip((channel - low) / (high - low), 0, 1), 0)
        for channel, (low, high) in zip(channels, limits, strict=True)
    ]
    # 48 steps a channel: the eye does not see them, and the file is half the size
    pixels = np.round(np.stack([*scaled, known], axis=-1) * 47) * (255 / 47)
    marks = ("#e4572e", "#3fa34d", "#4c7be8")
    legend = tuple(zip(labels, marks, strict=True))
    return _picture(frame, png.true_colour(pixels.astype(np.uint8)), legend=legend, columns=1)


def class_picture(
    classes: NDArray[np.integer[Any]],
    legend: Sequence[tuple[str, str]],
    frame: Frame,
    unnamed: Sequence[str] = (),
) -> Svg:
    """Draw class numbers (rows, columns) in the colours of ``legend``: (name, colour) of class 0, 1, ...

    Classes after these have ``unnamed`` colours. Higher numbers are unknown, and hatched.
    """
    chosen = [*(colour for _, colour in legend), *unnamed]
    colours = np.array([colors.to_rgb(colour) for colour in chosen]).reshape(-1, 3) * 255
    numbers = np.minimum(classes, len(chosen)).astype(np.uint8)
    hatched = ((UNKNOWN, ""),) if np.any(classes >= len(chosen)) else ()
    return _picture(frame, png.indexed(numbers, colours.round()), legend=(*legend, *hatched))


def _picture(
    frame: Frame,
    data: str,
    *,
    bar: Mapping[str, Any] | None = None,
    legend: Sequence[tuple[str, str]] = (),
    columns: int = 3,
    contours: Sequence[Contours] = (),
) -> Svg:
    """The picture of a raster, an image as a data URL, with what belongs around it."""
    places, rows = _legend(legend, frame, columns)
    below = AXIS_BELOW + max(BAR_BELOW, LEGEND_ROW * rows + 16)
    height = MARGIN_TOP + frame.up + below
    size_up, size_across, unit = ground_axes(frame.view)
    rows_there, columns_there = frame.view.shape
    text = fill(
        "raster.svg",
        style=STYLE,
        paper=PAPER,
        ink=INK,
        faint=FAINT,
        width=frame.width,
        height=height,
        left=frame.left,
        top=MARGIN_TOP,
        across=frame.across,
        up=frame.up,
        title=frame.title,
        unit=unit,
        image={
            "data": data,
            # the last cell may reach beyond the raster
            "width": round(frame.across * columns_there * frame.view.cell_samples / frame.view.samples, 2),
            "height": round(frame.up * rows_there * frame.view.cell_lines / frame.view.lines, 2),
            "enlarged": frame.across > columns_there and frame.up > rows_there,
        },
        x_ticks=axis_ticks(
            (0, size_across), (frame.left, frame.left + frame.across), 5 if frame.across > 300 else 3
        ),
        y_ticks=axis_ticks((0, size_up), (MARGIN_TOP, MARGIN_TOP + frame.up), 5),
        bar=bar,
        legend=places,
        contours=contours,
        compass=_compass(frame.directions),
    )
    return Svg(text=text, width=frame.width, height=height)


def ground_axes(view: DisplayGrid) -> tuple[float, float, str]:
    """Return the extent along azimuth and range in the unit of the axes, and that unit."""
    up, across = view.extent
    if not view.on_ground:
        return up, across, "pixels"
    return (up / 1000, across / 1000, "km") if max(up, across) >= 2000 else (up, across, "m")


def axis_ticks(
    limits: tuple[float, float], pixels: tuple[float, float], most: int
) -> list[tuple[float, str]]:
    """Choose round values between ``limits``; return where they lie between ``pixels``, and their texts."""
    low, high = limits
    slack = 1e-6 * (high - low)
    values = np.asarray(MaxNLocator(max(1, most), steps=[1, 2, 2.5, 5, 10]).tick_values(low, high))
    values = values[(values >= low - slack) & (values <= high + slack)]
    return list(zip(_between(values, limits, pixels), tick_texts(values), strict=True))


def date_ticks(limits: tuple[float, float], most: int) -> dict[float, str]:
    """Choose dates between limits, days since 1970-01-01: the first and the last, or of many years their beginnings."""
    if limits[1] - limits[0] > YEARS_ALONE:
        years = [1970.0 + limit / DAYS_OF_YEAR for limit in limits]
        wanted = MaxNLocator(most, steps=[1, 2, 5, 10], integer=True).tick_values(*years)
        dates = [(f"{int(year)}", np.datetime64(f"{int(year):04d}-01-01")) for year in wanted]
    else:
        ends = math.ceil(limits[0]), math.floor(limits[1])  # whole dates are long: a bar has room for two
        days = [EPOCH + day for day in dict.fromkeys(ends)]
        dates = [(str(day), day) for day in days]
    places = {float((date - EPOCH).astype(int)): text for text, date in dates}
    return {place: text for place, text in places.items() if limits[0] <= place <= limits[1]}


def _between(values: Any, limits: tuple[float, float], pixels: tuple[float, float]) -> list[float]:
    shares = (np.asarray(values) - limits[0]) / (limits[1] - limits[0])
    return [round(float(at), 2) for at in pixels[0] + shares * (pixels[1] - pixels[0])]


def tick_texts(values: NDArray[np.floating[Any]]) -> list[str]:
    """Format evenly spaced values with as few decimals as tell them all."""
    step = float(np.diff(values).min()) if len(values) > 1 else float(np.abs(values).max(initial=1.0))
    exact = (d for d in range(7) if np.allclose(np.round(values, d), values, rtol=0, atol=1e-3 * step))
    decimals = next(exact, None)
    texts = (f"{v:.3g}" if decimals is None else f"{v + 0.0:.{decimals}f}" for v in values.tolist())
    return [text.replace("-", "\u2212") for text in texts]


def _bar(scale: Scale, frame: Frame) -> dict[str, Any]:
    """The colour bar below a raster."""
    width = min(frame.across, frame.width - frame.left - 170)
    pixels = frame.left, frame.left + width
    if scale.ticks is None:
        ticks = axis_ticks(scale.limits, pixels, width // 70)
    else:
        places = _between(list(scale.ticks), scale.limits, pixels)
        ticks = list(zip(places, scale.ticks.values(), strict=True))
    row = np.arange(scale.shades, dtype=np.uint8)[None]
    return {
        "data": png.indexed(row, scale.colours()),
        "width": width,
        "ticks": ticks,
        "label": scale.label,
    }


def _legend(entries: Sequence[tuple[str, str]], frame: Frame, most: int) -> tuple[list[dict[str, Any]], int]:
    """Places of (name, colour) in columns below the raster, left of the compass, and how many rows they take."""
    if not entries:
        return [], 0
    widest = LEGEND_MARK + LEGEND_LETTER * max(len(name) for name, _ in entries)
    free = frame.width - frame.left - (COMPASS if frame.directions is not None else 0)
    rows = -(-len(entries) // max(1, min(most, int(free // widest))))
    top = MARGIN_TOP + frame.up + AXIS_BELOW + 16
    return [
        {
            "x": frame.left + round(number // rows * widest),
            "y": top + number % rows * LEGEND_ROW,
            "text": name,
            "colour": colour,
        }
        for number, (name, colour) in enumerate(entries)
    ], rows


def _compass(directions: NDArray[np.float64] | None) -> list[dict[str, Any]]:
    """Arrows to east and north, as oriented in the radar picture; pixels from the middle of the compass."""
    if directions is None:
        return []
    across, up = np.linalg.inv(directions)  # rows: along range and azimuth by (east, north)
    arrows = []
    for name, axis in (("E", 0), ("N", 1)):
        arrow = np.array([across[axis], up[axis]])  # azimuth counts downwards, as pixels do
        x, y = (COMPASS_ARROW * arrow / np.hypot(*arrow)).round(1).tolist()
        arrows.append({"name": name, "x": x, "y": y})
    return arrows
