"""From the configuration to opened files: what labels are made of, checked before any work."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from alignsar_gpu.application.labels.writer import Labels
from alignsar_gpu.radarcoding.fields.layers import FieldLayers
from alignsar_gpu.radarcoding.fields.opening import FieldChoice, open_field
from alignsar_gpu.radarcoding.points.files import PointChoice, open_points
from alignsar_gpu.radarcoding.points.layers import PointLayers
from alignsar_gpu.radarcoding.rasters.layers import RasterLayers
from alignsar_gpu.radarcoding.rasters.opening import RasterChoice, open_raster
from alignsar_gpu.radarcoding.vectors.files import VectorChoice, open_vectors
from alignsar_gpu.radarcoding.vectors.layers import VectorLayers, VectorSource

if TYPE_CHECKING:
    from alignsar_gpu.config import Config, LayerConfig

SHARE_OF_BUDGET = 0.125  # of the memory, for rings that are kept
CATEGORICAL = ("fraction", "majority")


def open_labels(config: Config, memory_budget: int) -> Labels | None:
    """The files of ``config.radarcoding``; None where it names none.

    Raises AlignsarError, naming the key, for what is not there, cannot be read, or does not say what is needed.
    """
    settings = config.radarcoding
    if not settings.layers:
        return None
    vectors: list[VectorSource] = []
    cells: list[Any] = []
    strips: list[Any] = []
    for name, layer in settings.layers.items():
        key, said = f"radarcoding.layers.{name}", _said(layer)
        if layer.kind == "vector":
            vectors.append(VectorSource(name=name, file=open_vectors(_vector(layer), key), attributes=said))
        elif layer.kind == "raster":
            file = open_raster(_raster(layer), key)
            cells.append(RasterLayers(name=name, file=file, method=layer.method, attributes=said))
        elif layer.kind == "points":
            strips.append(
                PointLayers(
                    name=name,
                    file=open_points(_points(layer), key, layer.pass_direction),
                    statistics=tuple(dict.fromkeys(layer.statistics)),
                    above=_above(layer),
                    value=layer.value,
                    attributes=said,
                )
            )
        else:
            opened = open_field(_field(layer), key)
            strips.append(
                FieldLayers(name=name, file=opened, zenith=layer.delay == "zenith", attributes=said)
            )
    together = VectorLayers(
        sources=vectors,
        overlaps=settings.overlaps,
        label=settings.label,
        least=settings.least_fraction,
        limit=int(memory_budget * SHARE_OF_BUDGET),
    )
    return Labels(
        vectors=together if vectors else None,
        cells=cells,
        strips=strips,
        height_error=config.dem.standard_deviation,
    )


def label_settings(config: Config) -> dict[str, Any]:
    """What of the configuration decides what labels are, without where their files lie."""
    settings = asdict(config.radarcoding)
    for layer in settings["layers"].values():
        layer.pop("path")
    return settings | {"height_error": config.dem.standard_deviation}


def _said(layer: LayerConfig) -> dict[str, str]:
    """What the configuration says of the layers of a file."""
    paths = layer.path if isinstance(layer.path, list) else [layer.path]
    said = {
        "inherited_from": ", ".join(Path(str(path)).name for path in paths),
        "comment": layer.description,
        "source": layer.source,
        "license": layer.license,
    }
    return {name: text for name, text in said.items() if text}


def _vector(layer: LayerConfig) -> VectorChoice:
    return VectorChoice(
        path=str(layer.path),
        layer=layer.layer,
        where=layer.where,
        crs=layer.crs,
        attribute=layer.attribute,
        values=layer.values,
        width=layer.width,
        buffer=layer.buffer,
        height=layer.height,
        elevation=layer.elevation,
        geometry=layer.geometry,
    )


def _raster(layer: LayerConfig) -> RasterChoice:
    return RasterChoice(
        path=layer.path,
        bands=layer.bands,
        crs=layer.crs,
        nodata=layer.nodata,
        classes=layer.classes,
        categorical=layer.method in CATEGORICAL,
        derivatives=layer.derivatives,
    )


def _above(layer: LayerConfig) -> Literal["ellipsoid", "terrain"]:
    return "terrain" if layer.above == "terrain" else "ellipsoid"


def _points(layer: LayerConfig) -> PointChoice:
    return PointChoice(
        path=str(layer.path),
        layer=layer.layer,
        where=layer.where,
        crs=layer.crs,
        x=layer.x,
        y=layer.y,
        z=layer.z,
        vertical_datum=layer.vertical_datum,
        classification=layer.classification,
        value=layer.value,
        reference=_above(layer),
    )


def _field(layer: LayerConfig) -> FieldChoice:
    return FieldChoice(
        path=str(layer.path),
        variable=layer.variable,
        crs=layer.crs,
        select=layer.select,
        tolerance_hours=layer.tolerance_hours,
    )
