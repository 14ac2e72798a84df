"""The kind of label `points`: statistics of the points that each pixel shows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignsar_gpu.radarcoding.kinds import LabelKind
from alignsar_gpu.radarcoding.points.config import PointLayerConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignsar_gpu.radarcoding.points.layers import PointLayers


def _open(name: str, layer: PointLayerConfig, key: str, attributes: Mapping[str, str]) -> PointLayers:
    from alignsar_gpu.radarcoding.points import layers  # noqa: PLC0415  (its libraries are loaded where needed)

    return layers.open_layer(name, layer, key, attributes)


POINTS = LabelKind(schema=PointLayerConfig, makes="strips", open_layer=_open)
