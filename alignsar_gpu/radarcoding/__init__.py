"""Labels and layers on the radar grid: vectors, rasters, points and fields, put where the antenna sees them."""

from alignsar_gpu.radarcoding.fields.config import FieldLayerConfig
from alignsar_gpu.radarcoding.kinds import LabelKind, register
from alignsar_gpu.radarcoding.points.config import PointLayerConfig
from alignsar_gpu.radarcoding.rasters.config import RasterLayerConfig
from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig

# In the order in which messages name them.
for _kind in (
    LabelKind(schema=VectorLayerConfig, makes="areas", opener=f"{__name__}.vectors.layers:open_layer"),
    LabelKind(schema=RasterLayerConfig, makes="cells", opener=f"{__name__}.rasters.layers:open_layer"),
    LabelKind(schema=PointLayerConfig, makes="strips", opener=f"{__name__}.points.layers:open_layer"),
    LabelKind(schema=FieldLayerConfig, makes="strips", opener=f"{__name__}.fields.layers:open_layer"),
):
    register(_kind)
