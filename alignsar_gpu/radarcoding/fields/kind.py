"""The kind of label `field`: gridded fields with time, such as weather and delays in the air."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignsar_gpu.radarcoding.fields.config import FieldLayerConfig
from alignsar_gpu.radarcoding.kinds import LabelKind

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignsar_gpu.radarcoding.fields.layers import FieldLayers


def _open(name: str, layer: FieldLayerConfig, key: str, attributes: Mapping[str, str]) -> FieldLayers:
    from alignsar_gpu.radarcoding.fields import layers  # noqa: PLC0415  (xarray is loaded where it is needed)

    return layers.open_layer(name, layer, key, attributes)


FIELD = LabelKind(schema=FieldLayerConfig, makes="strips", open_layer=_open)
