"""The picture of a date on the map, where the run has made one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import rasterio
from PIL import Image

from alignsar_gpu.errors import writing
from alignsar_gpu.report.drawing.figures import Drawn
from alignsar_gpu.report.page import Panel, Picture, Section

if TYPE_CHECKING:
    from alignsar_gpu.report.pictures import PictureWriter

LONGEST = 1000  # pixels of the picture
NAME = "on_map.png"
UNITS = {"metre": "m", "degree": "degrees"}


def map_section(writer: PictureWriter) -> Section | None:
    """Make the section with the picture of the reference date, or the first that there is; None without any."""
    files, survey = writer.maps, writer.survey
    if not files:
        return None
    reference = survey.keys[survey.reference]
    path = next((file for file in files if reference in file.stem), files[0])
    day = path.stem.rpartition("_")[2]
    with rasterio.open(path) as file:
        scale = max(*file.shape, LONGEST) / LONGEST
        shape = tuple(max(round(count / scale), 1) for count in file.shape)
        picture = file.read(out_shape=(file.count, *shape))
        words = {
            "day": survey.days[survey.keys.index(day)] if day in survey.keys else day,
            "file": path.name,
            "system": file.crs.to_wkt().split('"')[1],
            "size": f"{abs(file.transform.a):g} {UNITS.get(file.crs.units_factor[0], file.crs.units_factor[0])}",
            "colours": file.tags()["description"],
        }
    place = writer.folder / NAME
    with writing(place):
        Image.fromarray(np.moveaxis(picture, 0, -1)).save(place, optimize=True)
    drawn = Drawn(file=NAME, width=shape[1], height=shape[0])
    alt = f"Backscatter of {words['day']} on the map, north up"
    panel = Panel(kind="on_map", pictures=(Picture(drawn=drawn, alt=alt),), words=words, size="wide")
    return Section(anchor="map", title="On the map", panels=(panel,))
