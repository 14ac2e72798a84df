"""Pictures of the signatures that compare polarizations, or dates: those whose attribute ``compares`` says so."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.report import display
from alignsar_gpu.report.figures import Scale
from alignsar_gpu.report.page import Panel, Picture, Section
from alignsar_gpu.report.plots import PHASE_TICKS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.report.sections import Chapters

MOST = 30  # pictures of a section
TITLES = {"polarizations": "Polarizations compared", "dates": "Dates compared"}


def comparison_sections(chapters: Chapters) -> list[Section]:
    """A section for each kind of comparison that the cube has layers of."""
    survey, found = chapters.survey, []
    for kind, title in TITLES.items():
        names = [name for name in survey.layers() if survey.cube[name].attrs.get("compares") == kind]
        pictures = [_picture(chapters, name) for name in names[:MOST]]
        if pictures:
            words = {
                "kind": kind,
                "day": survey.days[survey.reference],
                "left": len(names) - len(pictures),
                "cell": (survey.view.cell_lines, survey.view.cell_samples),
            }
            panel = Panel(kind=f"compared_{kind}", pictures=tuple(pictures), words=words)
            found.append(Section(anchor=f"compared-{kind}", title=title, panels=(panel,)))
    return found


def _picture(chapters: Chapters, name: str) -> Picture:
    """A layer; of the reference date where each date has one."""
    survey = chapters.survey
    layer = survey.cube[name]
    image = survey.image(name, survey.reference if "time" in layer.dims else None)
    label, units = str(layer.attrs.get("long_name", name)), str(layer.attrs.get("units", "1"))
    shown, scale = _scaled(image, layer.attrs, units)
    drawn = chapters.raster(shown, scale, label, name)
    return Picture(
        drawn=drawn, alt=f"{label} over the scene", line=f"{name}: {layer.attrs.get('description', '')}."
    )


def _scaled(
    image: NDArray[np.float32], attributes: dict[str, Any], units: str
) -> tuple[NDArray[np.float32], Scale]:
    """What is drawn of a layer and how: powers in dB, bounded layers between their bounds, a phase in a circle."""
    bounds = attributes.get("valid_range")
    if units == "rad":
        return image, Scale(
            colormap="twilight", limits=(-np.pi, np.pi), label="phase (rad)", ticks=PHASE_TICKS
        )
    known = image[np.isfinite(image)]
    if bounds is None and units == "1" and known.size and known.min() > 0:
        image, label = display.decibels(image), "dB"
    else:
        label = "" if units == "1" else units
    limits = display.stretch([image], 1, 99) or (0.0, 1.0)
    return image, Scale(colormap="viridis", limits=limits, label=label, shades=64)
