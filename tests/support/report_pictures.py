"""Pictures of the report as readers of SVG find them: their raster, their texts, their colours."""

import base64
import io
from xml.etree import ElementTree as ET

import numpy as np
from PIL import Image

SVG = "{http://www.w3.org/2000/svg}"


def elements_of(path, name):
    """Every element of this name; fails where the file is no XML."""
    return list(ET.parse(path).getroot().iter(f"{SVG}{name}"))


def raster_of(path):
    """The cells of a picture, (rows, columns, RGBA) in 0..255."""
    return _image(elements_of(path, "image")[0])


def _image(element):
    kind, _, data = element.attrib["href"].partition(",")
    assert kind == "data:image/png;base64"
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(data))).convert("RGBA")).astype(int)


def size_of(path):
    """Width and height of a picture by its own coordinates."""
    root = ET.parse(path).getroot()
    return [float(side) for side in root.attrib["viewBox"].split()[2:]]


def texts_of(path):
    """What is written in a picture."""
    return ["".join(element.itertext()).strip() for element in elements_of(path, "text")]


def cells_of(picture, colour):
    """Which cells of a raster are of this colour (#rrggbb), (rows, columns)."""
    rgb = [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    return (picture == [*rgb, 255]).all(axis=-1)
