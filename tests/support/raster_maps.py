"""Rasters in several coordinate systems around a place."""

import numpy as np
import rasterio
from pyproj import Transformer
from pyproj.aoi import AreaOfInterest
from rasterio.transform import Affine

from alignsar_gpu.radarcoding.rasters.config import RasterLayerConfig
from alignsar_gpu.radarcoding.rasters.opening import open_raster

KEY = "radarcoding.layers.cover"


# Systems, a place in them (degrees), and metres or degrees of a pixel.
SYSTEMS = (
    ("EPSG:28992", (5.5, 52.0), 10.0),
    ("EPSG:31467", (9.0, 51.0), 10.0),
    ("EPSG:32631", (3.5, 52.0), 10.0),
    ("EPSG:3857", (5.5, 52.0), 10.0),
    ("EPSG:4277", (-1.5, 52.0), 1e-4),
    ("EPSG:4326", (5.5, 52.0), 1e-4),
)


def write(path, values, transform=None, crs="EPSG:4326", **profile):
    """A GeoTIFF of one band [row, column] or several; a degree a pixel from 0 E 60 N unless told."""
    bands = np.atleast_3d(values.T).T if values.ndim == 2 else values
    tags, names = profile.pop("tags", {}), profile.pop("names", None)
    scales, offsets = profile.pop("scales", None), profile.pop("offsets", None)
    size = {"count": bands.shape[0], "height": bands.shape[1], "width": bands.shape[2], "dtype": bands.dtype}
    transform = Affine(1.0, 0.0, 0.0, 0.0, -1.0, 60.0) if transform is None else transform
    with rasterio.open(
        path, "w", **{"driver": "GTiff", "crs": crs, "transform": transform} | size | profile
    ) as file:
        file.write(bands)
        file.update_tags(**tags)
        if names:
            file.descriptions = names
        if scales:
            file.scales, file.offsets = scales, offsets
    return path


def around(crs, place, resolution, shape=(40, 50)):
    """The transform of a raster whose middle is a place in degrees, by PROJ."""
    x, y = operation(crs, place).transform(*place)
    return Affine(
        resolution, 0.0, x - 0.5 * resolution * shape[1], 0.0, -resolution, y + 0.5 * resolution * shape[0]
    )


def operation(crs, place):
    """PROJ's own from longitude and latitude to a system, there."""
    west, south = (part - 0.02 for part in place)
    area = AreaOfInterest(west, south, west + 0.04, south + 0.04)
    return Transformer.from_crs("EPSG:4326", crs, always_xy=True, area_of_interest=area)


def opened(path, **keys):
    return open_raster(RasterLayerConfig(path=path if isinstance(path, list) else str(path), **keys), KEY)
