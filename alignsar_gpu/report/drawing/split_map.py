"""Map of the places of chips, coloured by their splits."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from matplotlib import colormaps
from matplotlib.collections import PolyCollection
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from alignsar_gpu.report.drawing.svg import DPI, SERIES, Svg, plotted

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

LARGEST = 900, 780  # pixels of the map
MARGIN = 0.04  # of its sides
KM = 1000.0


def split_map(shapes: Mapping[str, NDArray[Any]]) -> Svg:
    """Draw places, polygons in metres, by the names of their splits; axes in km from the corner."""
    return plotted(partial(split_figure, shapes))


def split_figure(shapes: Mapping[str, NDArray[Any]]) -> Figure:
    """Return the figure of `split_map`."""
    bounds = shapely.total_bounds(np.concatenate(list(shapes.values()))) / KM
    size = bounds[2] - bounds[0], bounds[3] - bounds[1]
    scale = min(LARGEST[0] / size[0], LARGEST[1] / size[1]) / (1 + 2 * MARGIN)
    across, up = (round(side * scale * (1 + 2 * MARGIN)) for side in size)
    colours: list[Any] = list(SERIES)
    if len(shapes) > len(SERIES):
        colours = [colormaps["tab20"](number % 20) for number in range(len(shapes))]

    width, height = across + 320, up + 110
    figure = Figure(figsize=(width / DPI, height / DPI), dpi=DPI)
    axes = figure.add_axes((120 / width, 90 / height, across / width, up / height))
    for (_, of), colour in zip(shapes.items(), colours, strict=False):
        rings = [shapely.get_coordinates(shape.exterior) / KM - bounds[:2] for shape in of]
        axes.add_collection(
            PolyCollection(rings, facecolors=colour, edgecolors="none", alpha=0.8, rasterized=True)
        )
    axes.set(
        xlim=(-MARGIN * size[0], (1 + MARGIN) * size[0]), ylim=(-MARGIN * size[1], (1 + MARGIN) * size[1])
    )
    axes.set(xlabel="east (km)", ylabel="north (km)", aspect="equal")
    handles = [Patch(color=c, label=n, alpha=0.8) for n, c in zip(shapes, colours, strict=False)]
    figure.legend(handles=handles, loc="upper left", bbox_to_anchor=((across + 130) / width, 1 - 20 / height))
    return figure
