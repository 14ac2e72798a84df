"""Heights, angles, layover and shadow, and the coordinates of the pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.report import overview
from alignsar_gpu.report.drawing import display
from alignsar_gpu.report.drawing.contours import contour_lines
from alignsar_gpu.report.drawing.figures import Scale, class_picture, contour_picture
from alignsar_gpu.report.drawing.palette import CLASS_COLOURS
from alignsar_gpu.report.page import Panel, Picture, Section
from alignsar_gpu.report.pictures import COLOUR_CELLS, median_line

if TYPE_CHECKING:
    from alignsar_gpu.report.pictures import PictureWriter

# Of the flags 0 to 3 of layover_shadow and of quality_level.
FLAGS = (("neither", "#d5d9dd"), ("layover", "#d55e00"), ("shadow", "#0072b2"), ("both", "#cc79a7"))
LEVELS = (("none", "#d5d9dd"), ("1, statistics", "#56b4e9"), ("2, labels", "#e69f00"), ("3, both", "#009e73"))


def geometry_section(writer: PictureWriter) -> Section | None:
    """Make the section on geometry: heights, angles, layover and shadow, contour lines of the coordinates."""
    survey = writer.survey
    pictures = []
    for name, unit, label, colormap in (
        ("height", "m", "height above the ellipsoid (m)", "cividis"),
        ("incidence_angle", "degrees", "incidence angle (degrees)", "viridis"),
        ("local_incidence_angle", "degrees", "local incidence angle (degrees)", "viridis"),
    ):
        if survey.has(name):
            image = survey.image(name)
            limits = display.stretch([image], 0.5, 99.5) or (0, 1)
            heading = name.replace("_", " ").capitalize()
            scale = Scale(colormap=colormap, limits=limits, label=label)
            drawn = writer.raster(image, scale, heading, name)
            alt = f"{heading} over the scene, from dark (low) to yellow (high)"
            pictures.append(Picture(drawn=drawn, alt=alt, line=median_line(image, unit)))
    if survey.has("layover_shadow"):
        pictures.append(_viewing_picture(writer))
    if survey.has("quality_level"):
        pictures.append(_levels_picture(writer))
    if survey.coordinates is not None and writer.bright:
        longitude, latitude, view = survey.coordinates
        backdrop = survey.view.coarser(COLOUR_CELLS)
        frame = writer.frame("Longitude and latitude", backdrop)
        lines = [
            ("longitude (degrees east)", longitude, CLASS_COLOURS[0], 0.35),
            ("latitude (degrees north)", latitude, CLASS_COLOURS[3], 0.7),
        ]
        picture = contour_picture(
            writer.brightness(writer.bright[0], survey.reference, backdrop),
            writer.brightness_scales[writer.bright[0]],
            frame,
            [contour_lines(values, view, frame, colour, at) for _, values, colour, at in lines],
            [(name, colour) for name, _, colour, _ in lines],
        )
        alt = "Contour lines of longitude and latitude over the radar brightness"
        pictures.append(Picture(drawn=writer.save(picture, "coordinates"), alt=alt))
    if not pictures:
        return None
    words = {"viewing": survey.has("layover_shadow"), "levels": survey.has("quality_level")}
    panel = Panel(kind="geometry", pictures=tuple(pictures), words=words)
    return Section(anchor="geometry", title="Geometry", panels=(panel,))


def _viewing_picture(writer: PictureWriter) -> Picture:
    """Layover and shadow at the middle pixel of every cell."""
    name = "layover_shadow"
    flags = writer.survey.image(name).astype(np.uint8)
    picture = class_picture(flags, FLAGS, writer.frame("Layover and shadow"))
    sample = writer.survey.scan(name).sample.astype(np.uint8)
    layover, shadow = (overview.percent(float(np.mean(sample & bit > 0))) for bit in (1, 2))
    line = f"About {layover} of the pixels in layover, {shadow} in shadow."
    alt = "Where the terrain lies over itself in the radar's view, and where the radar does not reach it"
    return Picture(drawn=writer.save(picture, name), alt=alt, line=line)


def _levels_picture(writer: PictureWriter) -> Picture:
    """Quality levels at the middle pixel of every cell."""
    name = "quality_level"
    picture = class_picture(writer.survey.image(name).astype(np.uint8), LEVELS, writer.frame("Quality level"))
    sample = writer.survey.scan(name).sample.astype(np.uint8)
    shares = [overview.percent(float(np.mean(sample == level))) for level in range(4)]
    line = f"About {shares[3]} of the pixels have level 3, {shares[2]} level 2, {shares[1]} level 1, {shares[0]} none."
    alt = "Which pixels can be relied on, by statistics over the dates, by labels, and by both"
    return Picture(drawn=writer.save(picture, name), alt=alt, line=line)
