"""Pictures of signatures that compare polarizations or dates (attribute ``compares``)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.wrapped import is_wrapped
from alignsar_gpu.report.drawing import display
from alignsar_gpu.report.drawing.figures import Scale
from alignsar_gpu.report.drawing.plots import PHASE_TICKS
from alignsar_gpu.report.page import Panel, Picture, Section

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.report.pictures import PictureWriter

LINEAR = (
    "amplitude_dispersion",
    "coefficient_of_variation",
)  # that have thresholds of their own, and are no powers
DECADES = 20.0  # from the 1st to the 99th percentile: so much is a matter of dB
MOST = 30  # pictures of a section
TITLES = {"polarizations": "Polarizations compared", "dates": "Dates compared"}


def comparison_sections(writer: PictureWriter) -> list[Section]:
    """Make a section for each kind of comparison that the cube has layers of."""
    survey, found = writer.survey, []
    for kind, title in TITLES.items():
        names = [name for name in survey.layers if survey.cube[name].attrs.get("compares") == kind]
        date = survey.compared_date(kind)
        pictures = [_picture(writer, name, date) for name in names[:MOST]]
        if pictures:
            words = {
                "kind": kind,
                "day": survey.days[date],
                "left": len(names) - len(pictures),
                "cell": (survey.view.cell_lines, survey.view.cell_samples),
            }
            panel = Panel(kind=f"compared_{kind}", pictures=tuple(pictures), words=words)
            found.append(Section(anchor=f"compared-{kind}", title=title, panels=(panel,)))
    return found


def _picture(writer: PictureWriter, name: str, date: int) -> Picture:
    """A layer; of this date where each date has one."""
    survey = writer.survey
    layer = survey.cube[name]
    image = survey.image(name, date if "time" in layer.dims else None)
    label, units = str(layer.attrs.get("long_name", name)), str(layer.attrs.get("units", "1"))
    linear = name.startswith(LINEAR) or "valid_range" in layer.attrs
    shown, scale = _scaled(image, units, linear=linear, wrapped=is_wrapped(layer.attrs))
    drawn = writer.raster(shown, scale, name, name)
    line = f"{label[:1].upper()}{label[1:]}: {layer.attrs.get('description', '')}."
    return Picture(drawn=drawn, alt=f"{label} over the scene", line=line)


def _scaled(
    image: NDArray[np.floating[Any]], units: str, *, linear: bool, wrapped: bool = False
) -> tuple[NDArray[np.floating[Any]], Scale]:
    """What is drawn of a layer and how: what ranges over decades in dB, a phase in a circle."""
    if wrapped:
        return image, Scale(
            colormap="twilight", limits=(-np.pi, np.pi), label="phase (rad)", ticks=PHASE_TICKS
        )
    low, high = display.stretch([image], 1, 99) or (0.0, 1.0)
    if not linear and units == "1" and 0 < DECADES * low < high:
        image, label = display.decibels(image), "dB"
    else:
        label = "" if units == "1" else units
    limits = display.stretch([image], 1, 99) or (0.0, 1.0)
    return image, Scale(colormap="viridis", limits=limits, label=label, shades=64)
