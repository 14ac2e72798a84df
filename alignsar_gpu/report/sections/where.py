"""Map of the scene."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.report.drawing import display
from alignsar_gpu.report.drawing.figures import Scale
from alignsar_gpu.report.drawing.plots import map_picture
from alignsar_gpu.report.page import Panel, Picture, Section
from alignsar_gpu.report.pictures import GREY_SHADES

if TYPE_CHECKING:
    from alignsar_gpu.report.pictures import PictureWriter


def where_section(writer: PictureWriter) -> Section | None:
    """Make the section with the scene on a map."""
    survey = writer.survey
    if survey.coordinates is None or writer.directions is None or not writer.bright:
        return None
    known_longitude, known_latitude, view = survey.coordinates
    longitude = display.fill_coordinates(known_longitude)
    latitude = display.fill_coordinates(known_latitude)
    brightness = writer.brightness(writer.bright[0], survey.reference, view)
    brightness[~(np.isfinite(known_longitude) & np.isfinite(known_latitude))] = np.nan
    scale = Scale(
        colormap="gray",
        limits=display.stretch([brightness]) or (0, 1),
        label="brightness (dB)",
        shades=GREY_SHADES,
    )
    drawn = writer.save(map_picture(longitude, latitude, brightness, scale, writer.directions), "where")
    centre = _coordinates_text(float(np.mean(longitude)), float(np.mean(latitude)))
    alt = (
        f"Map of the scene around {centre}: radar brightness inside its outline, north up, "
        "with the flight and look directions"
    )
    panel = Panel(
        kind="where", pictures=(Picture(drawn=drawn, alt=alt),), words={"centre": centre}, size="wide"
    )
    return Section(anchor="where", title="Where", panels=(panel,))


def _coordinates_text(longitude: float, latitude: float) -> str:
    """A place in words; a longitude beyond the antimeridian is brought back."""
    east = (longitude + 180) % 360 - 180
    north = f"{abs(latitude):.3f}° {'N' if latitude >= 0 else 'S'}"
    return f"{north}, {abs(east):.3f}° {'E' if east >= 0 else 'W'}"
