"""Labels and layers on the radar grid: vectors, rasters, points and fields, put where the antenna sees them."""

from alignsar_gpu.radarcoding.fields.kind import FIELD
from alignsar_gpu.radarcoding.kinds import register
from alignsar_gpu.radarcoding.points.kind import POINTS
from alignsar_gpu.radarcoding.rasters.kind import RASTER
from alignsar_gpu.radarcoding.vectors.kind import VECTOR

for _kind in (VECTOR, RASTER, POINTS, FIELD):  # in the order in which messages name them
    register(_kind)
