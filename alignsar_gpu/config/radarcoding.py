"""The keys of `radarcoding`: maps, rasters, points and fields that become layers on the radar grid."""

from __future__ import annotations

import keyword
from dataclasses import dataclass, field, fields
from typing import Any, cast

from omegaconf import MISSING, OmegaConf
from omegaconf.errors import OmegaConfBaseException

from alignsar_gpu.config.keys import about, key
from alignsar_gpu.errors import AlignsarError

KINDS = ("vector", "raster", "points", "field")
METHODS = ("fraction", "majority", "mean", "bilinear", "cubic")
CATEGORICAL = ("fraction", "majority")
# Which kinds take which of the keys; those not named here are for all.
KEYS = {
    "layer": ("vector", "points"),
    "where": ("vector", "points"),
    "crs": ("vector", "raster", "points", "field"),
    "attribute": ("vector",),
    "values": ("vector",),
    "width": ("vector",),
    "buffer": ("vector",),
    "height": ("vector",),
    "elevation": ("vector",),
    "geometry": ("vector",),
    "method": ("raster",),
    "bands": ("raster",),
    "nodata": ("raster",),
    "derivatives": ("raster",),
    "classes": ("raster",),
    "statistics": ("points",),
    "x": ("points",),
    "y": ("points",),
    "z": ("points",),
    "vertical_datum": ("points",),
    "classification": ("points",),
    "value": ("points",),
    "pass_direction": ("points",),
    "above": ("points",),
    "variable": ("field",),
    "select": ("field",),
    "tolerance_hours": ("field",),
    "delay": ("field",),
}


@dataclass
class LayerConfig:
    """One file that becomes one layer of the cube, or several."""

    kind: str = key("vector", "vector, raster, points or field (gridded, with time)", choices=KINDS)
    path: Any = field(
        default=MISSING,
        metadata=about("the file; of rasters, points and fields also a pattern, of rasters also a list"),
    )
    crs: str | None = key(None, "coordinate reference system of a file that states none, such as EPSG:28992")
    description: str = key("", "what it shows, for the attributes")
    source: str = key("", "whom the data are from, for the attributes")
    license: str = key("", "licence of the data, for the attributes")
    layer: str | None = key(None, "vector, points: layer of a file with several")
    where: str | None = key(None, "vector, points: which features, as SQL: \"status = 'built'\"")
    attribute: str | None = key(None, "vector: attribute whose values are the classes; unset: one class")
    values: dict[str, list[str]] | None = field(
        default=None, metadata=about("vector: values of the attribute that make up each class")
    )
    width: float | None = key(None, "vector: width of lines, m", bounds=(0.01, None))
    buffer: float | None = key(None, "vector: how far everything is grown, m", bounds=(0.01, None))
    height: str | None = key(
        None, "vector: attribute with heights above the terrain, m: roofs lie towards the sensor"
    )
    elevation: str | None = key(
        None, "vector: attribute with heights above WGS84, m; z: those of the vertices"
    )
    geometry: str | None = key(None, "vector: which geometry of a feature with several (GML)")
    method: str = key(
        "mean",
        "raster: fraction or majority (classes), mean, bilinear or cubic (values)",
        choices=METHODS,
    )
    bands: list[Any] | None = field(
        default=None, metadata=about("raster: bands by number or description; unset: all")
    )
    nodata: float | None = key(None, "raster: value that means no data, where the file does not say it")
    derivatives: bool = key(
        default=False, text="raster of heights, m: its slope and its gradients to the east and north instead"
    )
    classes: dict[str, list[int]] | None = field(
        default=None, metadata=about("raster: codes that make up each class; unset: by the file")
    )
    statistics: list[str] = field(
        default_factory=lambda: ["count", "mean", "maximum"],
        metadata=about(
            "points: count, mean, minimum, maximum, standard_deviation, median, p05 ... p95 per pixel"
        ),
    )
    x: str | None = key(None, "points: column of a table with longitude or easting")
    y: str | None = key(None, "points: column with latitude or northing")
    z: str | None = key(None, "points: column with the height")
    vertical_datum: str | None = key(
        None, "points: what heights count from: ellipsoid, egm96, egm2008, terrain or the file of a geoid"
    )
    classification: list[int] | None = field(
        default=None, metadata=about("points: classes of a LAS file; unset: all")
    )
    value: str | None = key(None, "points: attribute that statistics are of; unset: the height")
    pass_direction: str | None = key(
        None, "points: of a list of corner reflectors, the pass", choices=("ascending", "descending")
    )
    above: str = key("ellipsoid", "points: what heights are given above", choices=("ellipsoid", "terrain"))
    variable: str | None = key(None, "field: variable of a file with several")
    select: dict[str, float] | None = field(
        default=None, metadata=about("field: value of further dimensions, such as {level: 1000}")
    )
    tolerance_hours: float = key(
        0.0, "field: how far before its first or after its last time a date may be", bounds=(0.0, None)
    )
    delay: str = key(
        "none",
        "field: zenith: it is a zenith delay in m, and slant delay and phase are made of it too",
        choices=("none", "zenith"),
    )


@dataclass
class RadarcodingConfig:
    """What other observations the radar pixels inherit from."""

    layers: dict[str, Any] = field(
        default_factory=dict,
        metadata=about("files by the name of their layer: +radarcoding.layers.NAME.path=FILE"),
    )
    overlaps: str = key(
        "keep",
        "where vector layers overlap: keep all, or the first or the last named lies on top",
        choices=("keep", "first", "last"),
    )
    label: str = key("label", "name of the layer with each pixel's class of vectors; empty: none")
    least_fraction: float = key(
        0.5, "share of a pixel that its class in the layer label must have", bounds=(0.0, 1.0)
    )
    offset: bool = key(
        default=True, text="measure how far labels are off against the image; it is stored, never applied"
    )
    offset_lines: int = key(10, "lines in which that is looked for, up and down", bounds=(2, 200))
    offset_samples: int = key(40, "samples in which that is looked for, up and down", bounds=(2, 400))


def layers_of(raw: dict[str, Any]) -> dict[str, LayerConfig]:
    """Layers as they were written, each as a `LayerConfig`. Raises AlignsarError, naming the key."""
    found: dict[str, LayerConfig] = {}
    for name, layer in raw.items():
        where = f"radarcoding.layers.{name}"
        if not isinstance(layer, dict):
            raise AlignsarError(
                f"{where}={layer}: a layer has keys: {where}.path=FILE, {where}.kind=raster, ..."
            )
        known = [item.name for item in fields(LayerConfig)]
        unknown = [part for part in map(str, layer) if part not in known]
        if unknown:
            raise AlignsarError(f"{where}.{unknown[0]}: no such key; a layer has {', '.join(known)}")
        try:
            node = OmegaConf.merge(OmegaConf.structured(LayerConfig), layer)
            if OmegaConf.is_missing(node, "path"):
                raise AlignsarError(f"{where}.path: must be given")
            found[str(name)] = cast("LayerConfig", OmegaConf.to_object(node))
        except OmegaConfBaseException as error:
            key_of = f".{error.full_key}" if error.full_key else ""
            raise AlignsarError(f"{where}{key_of}: {str(error).splitlines()[0]}") from None
    return found


def _check_method(where: str, layer: LayerConfig) -> None:
    if layer.classes and layer.method not in CATEGORICAL:
        raise AlignsarError(
            f"{where}.classes: classes are not averaged; choose method=fraction or method=majority"
        )
    if layer.derivatives and layer.method in CATEGORICAL:
        raise AlignsarError(f"{where}.derivatives: are of heights; choose method=mean, bilinear or cubic")


def check_radarcoding(config: RadarcodingConfig) -> None:
    """Raise AlignsarError, naming the key, for what does not fit together."""
    for name, layer in config.layers.items():
        where = f"radarcoding.layers.{name}"
        if not name.isidentifier() or keyword.iskeyword(name):
            raise AlignsarError(
                f"{where}: the name of a layer has letters, digits and _, and begins with a letter"
            )
        default = LayerConfig(path=layer.path, kind=layer.kind)
        for item in fields(layer):
            kinds = KEYS.get(item.name, KINDS)
            if layer.kind not in kinds and getattr(layer, item.name) != getattr(default, item.name):
                raise AlignsarError(
                    f"{where}.{item.name}: is for kind={' and kind='.join(kinds)}, and this layer has kind={layer.kind}"
                )
        _check_method(where, layer)
        if layer.kind != "raster" and not isinstance(layer.path, str):
            raise AlignsarError(f"{where}.path: must be one path; only rasters have lists of files")
        if layer.values is not None and layer.attribute is None:
            raise AlignsarError(f"{where}.values: needs {where}.attribute, whose values they are")
        if layer.height is not None and layer.elevation is not None:
            raise AlignsarError(
                f"{where}.height, {where}.elevation: give one, above the terrain or above WGS84"
            )
    if config.label and config.label in config.layers:
        raise AlignsarError(f"radarcoding.label={config.label}: is the name of a layer too; choose another")
