"""Brightness of the dates, and colour composites of two polarizations."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignsar_gpu.report import overview
from alignsar_gpu.report.drawing import display
from alignsar_gpu.report.drawing.figures import raster_pixels, rgb_picture
from alignsar_gpu.report.page import Panel, Picture, Section
from alignsar_gpu.report.pictures import COLOUR_CELLS, median_line

if TYPE_CHECKING:
    from alignsar_gpu.report.pictures import PictureWriter


def amplitude_section(writer: PictureWriter) -> Section | None:
    """Make the section on amplitude: brightness of every date and polarization, colour composites."""
    panels = [_amplitude_panel(writer, p) for p in writer.bright]
    if not panels:
        return None
    if len(panels) > 1:
        panels.append(_composite_panel(writer, *writer.bright[:2]))
    return Section(anchor="amplitude", title="Amplitude", words=writer.pictured_words(), panels=tuple(panels))


def _amplitude_panel(writer: PictureWriter, polarization: str) -> Panel:
    survey, shown = writer.survey, polarization.upper()
    scale = writer.brightness_scales[polarization]
    pictures = []
    for date in survey.pictured:
        image, day = writer.brightness(polarization, date), survey.days[date]
        name = f"amplitude_{polarization}_{survey.keys[date]}"
        drawn = writer.raster(image, scale, f"{day}  {shown}", name)
        line = median_line(image, "dB") + (" Reference date." if date == survey.reference else "")
        alt = f"Radar brightness in {shown} on {day}, in grey"
        pictures.append(Picture(drawn=drawn, alt=alt, line=line))
    view = survey.view
    return Panel(
        kind="amplitude",
        title=f"Brightness in {shown}",
        pictures=tuple(pictures),
        words={
            "first_panel": polarization == writer.bright[0],
            "polarization": shown,
            "cross": polarization[0] != polarization[1],
            "low": overview.number(scale.limits[0], 3),
            "high": overview.number(scale.limits[1], 3),
            "stretched": raster_pixels(view)[2],
            "on_ground": view.on_ground,
            "cell": (view.cell_lines, view.cell_samples),
            "compass": writer.directions is not None,
        },
    )


def _composite_panel(writer: PictureWriter, first: str, second: str) -> Panel:
    survey = writer.survey
    view = survey.view.coarser(COLOUR_CELLS)
    channels = {}
    for date in survey.pictured:
        a, b = (writer.brightness(p, date, view) for p in (first, second))
        channels[date] = (a, b, a - b)
    limits = [display.stretch(many[i] for many in channels.values()) or (0.0, 1.0) for i in range(3)]
    one, two = first.upper(), second.upper()
    labels = [
        f"{name}  {round(low)} to {round(high)} dB"
        for name, (low, high) in zip(
            (f"red: {one}", f"green: {two}", f"blue: {one} / {two}"), limits, strict=True
        )
    ]
    pictures = []
    for date, many in channels.items():
        day = survey.days[date]
        picture = rgb_picture(many, limits, labels, writer.frame(f"{day}  {one}, {two}, ratio", view))
        drawn = writer.save(picture, f"composite_{survey.keys[date]}")
        alt = f"Colour composite of {one}, {two} and their ratio on {day}"
        pictures.append(Picture(drawn=drawn, alt=alt))
    return Panel(
        kind="composite",
        title="Both polarizations in colour",
        pictures=tuple(pictures),
        words={"first": one, "second": two, "cell": (view.cell_lines, view.cell_samples)},
    )
