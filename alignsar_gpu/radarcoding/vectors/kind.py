"""The kind of label `vector`: areas, lines and points of maps as area fractions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignsar_gpu.radarcoding.kinds import LabelKind
from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignsar_gpu.radarcoding.vectors.layers import VectorSource


def _open(name: str, layer: VectorLayerConfig, key: str, attributes: Mapping[str, str]) -> VectorSource:
    from alignsar_gpu.radarcoding.vectors import layers  # noqa: PLC0415  (GDAL is loaded where it is needed)

    return layers.open_layer(name, layer, key, attributes)


VECTOR = LabelKind(schema=VectorLayerConfig, makes="areas", open_layer=_open)
