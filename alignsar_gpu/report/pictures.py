"""Draw pictures of a cube into the folder of the report."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import writing
from alignsar_gpu.report import overview
from alignsar_gpu.report.drawing import display
from alignsar_gpu.report.drawing.figures import Drawn, Frame, Scale, radar_picture
from alignsar_gpu.report.drawing.plots import PHASE_TICKS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.report.drawing.display import DisplayGrid
    from alignsar_gpu.report.drawing.svg import Svg
    from alignsar_gpu.report.survey import CubeSurvey

PHASE_SCALE = Scale(colormap="twilight", limits=(-math.pi, math.pi), label="phase (rad)", ticks=PHASE_TICKS)
GREY_SHADES = 64
COLOUR_CELLS = 120_000  # speckle in true colour compresses badly: this keeps it below 400 kB


class PictureWriter:
    """Draw pictures of a survey into a folder.

    ``maps`` : GeoTIFFs with pictures of dates on a map, VISUAL_<YYYYMMDD>.tif. ``chips`` : folder of chips, if any.
    ``objects`` : the file of objects, if any.
    ``drawn`` : what is drawn already, by its name.
    ``directions`` : as ``display.ground_directions`` gives them; None where the cube has no coordinates.
    ``bright`` : polarizations that have a layer of brightness; ``brightness_scales`` : the scale of each.
    """

    def __init__(
        self,
        survey: CubeSurvey,
        folder: Path,
        maps: Sequence[Path] = (),
        chips: Path | None = None,
        objects: Path | None = None,
    ) -> None:
        self.survey = survey
        self.folder, self.maps, self.chips, self.objects = folder, maps, chips, objects
        self.drawn: dict[str, Drawn] = {}
        self.directions: NDArray[np.float64] | None = None
        if survey.coordinates is not None:
            self.directions = display.ground_directions(*survey.coordinates)
        self.bright = tuple(p for p in survey.polarizations if survey.power_layer(p))
        self.brightness_scales = {p: self._brightness_scale(p) for p in self.bright}

    def save(self, picture: Svg, name: str) -> Drawn:
        """Write a picture into the folder."""
        path = self.folder / f"{name}.svg"
        with writing(path):
            path.write_text(picture.text, encoding="utf-8")
        self.drawn[name] = Drawn(file=path.name, width=picture.width, height=picture.height)
        return self.drawn[name]

    def frame(self, title: str, view: DisplayGrid | None = None) -> Frame:
        """Return the frame of a picture on the radar grid; ``view`` is the survey's own by default."""
        return Frame(view=view or self.survey.view, title=title, directions=self.directions)

    def raster(
        self, image: NDArray[Any], scale: Scale, title: str, name: str, view: DisplayGrid | None = None
    ) -> Drawn:
        """Draw cells (rows, columns) on the radar grid; ``view`` is the survey's own by default."""
        return self.save(radar_picture(image, scale, self.frame(title, view)), name)

    def brightness(
        self, polarization: str, date: int, view: DisplayGrid | None = None
    ) -> NDArray[np.float32]:
        """Return the brightness of a date in dB (rows, columns), on the survey's grid or a coarser one of it."""
        power = self.survey.image(str(self.survey.power_layer(polarization)), date)
        if view is not None:
            own = self.survey.view
            cells = view.cell_lines // own.cell_lines, view.cell_samples // own.cell_samples
            power = display.cell_average(power, cells)
        return display.decibels(power)

    def _brightness_scale(self, polarization: str) -> Scale:
        limits = display.stretch(self.brightness(polarization, date) for date in self.survey.pictured)
        label = f"brightness {polarization.upper()} (dB)"
        return Scale(colormap="gray", limits=limits or (0, 1), label=label, shades=GREY_SHADES)

    def pictured_words(self) -> dict[str, object]:
        """Return the numbers of pictured dates and of all dates, for captions."""
        return {"shown": len(self.survey.pictured), "dates": len(self.survey.days)}


def median_line(image: NDArray[np.floating[Any]], unit: str) -> str:
    """Return the line below a picture: the median of its cells."""
    finite = image[np.isfinite(image)]
    if not finite.size:
        return "No valid data."
    return f"Median {overview.number(float(np.median(finite)), 3)} {unit}."
