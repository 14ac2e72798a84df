"""Layouts of Cloud-Optimized GeoTIFFs: bands, no-data, compression, overviews and texts of a layer's file.

Pixels without data are NaN in floats, 255 in classes and -1 in ids, and the file names that value (`GDAL_NODATA`).
There is no internal mask beside it: GDAL and rio-tiler would follow the mask, geotiff.js and QGIS the value, and
GDAL's statistics would still count what only the mask hides. Pictures have a band of opacity instead.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import combinations
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from rasterio.enums import ColorInterp

from alignsar_gpu.dataset.wrapped import is_wrapped

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignsar_gpu.dataset.cube import CubeLayer

    Colour = tuple[int, int, int]

NO_CLASS, NO_ID = 255, -1
# Zstandard is read by every GDAL since 2.3 that Linux distributions, OSGeo4W, conda and PyPI have built, and is nearly
# twice as fast as deflate; deflate, for what is looked at in browsers, is read by everything.
VALUES = {"COMPRESS": "ZSTD", "LEVEL": "1", "PREDICTOR": "FLOATING_POINT", "STATISTICS": "YES"}
CLASSES = {"COMPRESS": "DEFLATE", "LEVEL": "6", "STATISTICS": "YES"}
PICTURE = {"COMPRESS": "DEFLATE", "LEVEL": "1", "PREDICTOR": "STANDARD"}

Overviews = Literal["average", "mode", "nearest", "phase"]


@dataclass(frozen=True, kw_only=True)
class Band:
    """A band of a file: what it shows, in which units; stored numbers times ``scale`` plus ``offset`` are values."""

    description: str
    units: str = ""
    scale: float = 1.0
    offset: float = 0.0


@dataclass(frozen=True, kw_only=True)
class CogLayout:
    """Layout of a file: everything but its place and its pixels.

    Attributes
    ----------
    dtype : of the pixels, "float32", "uint8" or "int32".
    bands : in their order.
    nodata : what pixels without data hold; None for pictures with transparency.
    overviews : how smaller versions are made: averages of values, the most frequent class, the nearest value, or the
        phase of averaged phasors.
    options : of GDAL's COG driver, compression above all.
    tags : texts about the file.
    classes : names of the codes of a layer of classes or flags.
    colours : red, green and blue (0 to 255) of codes.
    interpretation : colours that the bands stand for.
    """

    dtype: Literal["float32", "uint8", "int32"]
    bands: tuple[Band, ...]
    nodata: float | None
    overviews: Overviews
    options: Mapping[str, str]
    tags: Mapping[str, str] = field(default_factory=dict)
    classes: Mapping[int, str] = field(default_factory=dict)
    colours: Mapping[int, Colour] = field(default_factory=dict)
    interpretation: tuple[ColorInterp, ...] = ()


def layer_layout(
    layer: CubeLayer,
    *,
    colours: Mapping[int, Colour] | None = None,
    tags: Mapping[str, str] | None = None,
) -> CogLayout:
    """Return the layout of a layer's file, from its type and its attributes.

    Complex layers become two bands, the real and the imaginary part: QGIS, rio-tiler and browsers show these, and none
    of them complex pixels. Overviews of phases show the phase of averaged phasors, of longitudes the nearest.
    """
    about = dict(layer.attributes)
    title = f"{layer.name}: {about['long_name']}" if about.get("long_name") else layer.name
    texts = {
        "layer": layer.name,
        **{k: str(v) for k, v in about.items() if isinstance(v, str | int | float)},
        **(tags or {}),
    }
    units = str(about.get("units", ""))
    if np.dtype(layer.dtype).kind in "bu":
        classes = class_names(layer)
        return CogLayout(
            dtype="uint8",
            bands=(Band(description=title, units=units),),
            nodata=NO_CLASS,
            overviews="mode",
            options=CLASSES,
            tags=texts | {f"class_{code}": name for code, name in classes.items()},
            classes=classes,
            colours=colours or {},
        )
    if np.dtype(layer.dtype).kind == "i":
        return CogLayout(
            dtype="int32",
            bands=(Band(description=title, units=units),),
            nodata=NO_ID,
            overviews="nearest",
            options=CLASSES,
            tags=texts,
        )
    parts = [", real part", ", imaginary part"] if np.dtype(layer.dtype).kind == "c" else [""]
    return CogLayout(
        dtype="float32",
        bands=tuple(Band(description=title + part, units=units) for part in parts),
        nodata=float("nan"),
        overviews=_overviews(about),
        options=VALUES,
        tags=texts,
    )


def picture_layout(description: str, tags: Mapping[str, str] | None = None) -> CogLayout:
    """Return the layout of a picture for people: red, green, blue and opacity, 8 bits each."""
    colours = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
    return CogLayout(
        dtype="uint8",
        bands=tuple(Band(description=colour.name) for colour in colours),
        nodata=None,
        overviews="average",
        options=PICTURE,
        tags={"description": description, **(tags or {})},
        interpretation=colours,
    )


def _overviews(attributes: Mapping[str, Any]) -> Overviews:
    if is_wrapped(attributes):
        return "phase"
    return "nearest" if attributes.get("units") == "degrees_east" else "average"


def class_names(layer: CubeLayer) -> dict[int, str]:
    """Name the codes of a layer of classes or flags, from the attributes `flag_values` or `flag_masks` of CF."""
    about = layer.attributes
    meanings = [word.replace("_", " ") for word in str(about.get("flag_meanings", "")).split()]
    if "flag_masks" in about:
        flags = list(zip(about["flag_masks"], meanings, strict=True))
        chosen = [c for count in range(len(flags) + 1) for c in combinations(flags, count)]
        return {
            sum(int(mask) for mask, _ in c): " and ".join(name for _, name in c) or "none" for c in chosen
        }
    if "flag_values" in about:
        return {int(code): name for code, name in zip(about["flag_values"], meanings, strict=True)}
    return {0: "no", 1: "yes"} if np.dtype(layer.dtype).kind == "b" else {}
