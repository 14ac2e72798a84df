"""The kind of label `raster`: classes or values of rasters on the ground of each pixel."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignsar_gpu.radarcoding.kinds import LabelKind
from alignsar_gpu.radarcoding.rasters.config import RasterLayerConfig

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignsar_gpu.radarcoding.rasters.layers import RasterLayers


def _open(name: str, layer: RasterLayerConfig, key: str, attributes: Mapping[str, str]) -> RasterLayers:
    from alignsar_gpu.radarcoding.rasters import layers  # noqa: PLC0415  (rasterio is loaded where it is needed)

    return layers.open_layer(name, layer, key, attributes)


RASTER = LabelKind(schema=RasterLayerConfig, makes="cells", open_layer=_open)
