"""Open the files that labels are made of, as the configuration names them, before any work."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignsar_gpu.application.labels.writer import Labels
from alignsar_gpu.config.dates import days_of
from alignsar_gpu.radarcoding.dates import Validity
from alignsar_gpu.radarcoding.kinds import kind_of
from alignsar_gpu.radarcoding.vectors.config import EVERYWHERE, EXTENT
from alignsar_gpu.radarcoding.vectors.layers import VectorLayers

if TYPE_CHECKING:
    from alignsar_gpu.config import Config
    from alignsar_gpu.config.radarcoding import LayerConfig

SHARE_OF_BUDGET = 0.125  # of the memory, for rings that are kept


def open_labels(config: Config, memory_budget: int) -> Labels:
    """Open the files of ``config.radarcoding``, which names one or more.

    Raises AlignsarError, naming the key, for files that are missing, cannot be read, or lack what is needed.
    """
    settings = config.radarcoding
    sources: dict[str, list[Any]] = {"areas": [], "cells": [], "strips": []}
    for name, layer in settings.layers.items():
        kind = kind_of(layer)
        source = kind.open_layer(name, layer, f"radarcoding.layers.{name}", _attributes(layer))
        sources[kind.makes].append(source)
    vectors = VectorLayers(
        sources=sources["areas"],
        overlaps=settings.overlaps,
        label=settings.label,
        least=settings.least_fraction,
        limit=int(memory_budget * SHARE_OF_BUDGET),
    )
    return Labels(
        vectors=vectors if vectors.sources else None,
        cells=sources["cells"],
        strips=sources["strips"],
        height_error=config.dem.standard_deviation,
    )


def label_settings(config: Config) -> dict[str, Any]:
    """Return the settings that labels depend on, without the paths of their files, which count by what is in them."""
    settings = asdict(config.radarcoding)
    for layer in settings["layers"].values():
        layer.pop("path")
        if layer.get("coverage") not in {None, EXTENT, EVERYWHERE}:
            layer["coverage"] = "polygons"
    return settings | {"height_error": config.dem.standard_deviation}


def _attributes(layer: LayerConfig) -> dict[str, str]:
    """Return what the configuration tells about a file, as attributes of its layers."""
    paths = layer.path if isinstance(layer.path, list) else [layer.path]
    attributes = {
        "inherited_from": ", ".join(Path(str(path)).name for path in paths),
        "comment": layer.description,
        "source": layer.source,
        "license": layer.license,
        "attribution": layer.attribution,
        "references": layer.references,
    }
    if layer.date is not None:
        attributes |= Validity.of_days(*days_of(layer.date, "date")).attributes()
    return {name: text for name, text in attributes.items() if text}
