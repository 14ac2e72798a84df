"""The pixels of the map that is configured: around the image, within bounds, or those of a raster."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from rasterio.errors import RasterioError

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geocoding.cogs import require_storable
from alignsar_gpu.geocoding.coverage import image_outline
from alignsar_gpu.geocoding.map_grid import MapGrid
from alignsar_gpu.opening.rasters import affine_of, open_raster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from alignsar_gpu.config.geocoding import GeocodingConfig
    from alignsar_gpu.geometry.stored.geometry import CubeGeometry

WHOSE = re.compile(r"^(?:map grid|geocoding):")
ANY = 1000.0  # m: a resolution, of a map of which only the system is asked for


@contextmanager
def naming(key: str) -> Iterator[None]:
    """Begin what is said of a map grid with the key that it comes from."""
    try:
        yield
    except AlignsarError as error:
        raise AlignsarError(WHOSE.sub(f"{key}:", str(error))) from None


def check_map(config: GeocodingConfig) -> None:
    """Check what can be known of a map before there is a cube; raise AlignsarError, naming the key."""
    if config.match is not None:
        grid = grid_of(config.match)
    elif config.crs:
        with naming(f"geocoding.crs={config.crs}"):
            grid = MapGrid.within((0.0, 0.0, 1.0, 1.0), crs=config.crs, resolution=1.0)
            grid.geodetic(np.zeros(1), np.zeros(1))  # finds the way to WGS84
    else:
        return
    if "cogs" in config.products:
        require_storable(grid)


def map_grid(config: GeocodingConfig, geometry: CubeGeometry) -> MapGrid:
    """Return the pixels of the map that is configured, by default all that the image covers."""
    if config.match is not None:
        return grid_of(config.match)
    check_map(config)
    assert config.resolution is not None
    longitude, latitude = image_outline(geometry.grid, geometry.orbit, geometry.dem, geometry.doppler)
    with naming(f"geocoding.resolution={config.resolution:g}"):
        if not config.bounds:
            return MapGrid.over(longitude, latitude, resolution=config.resolution, crs=config.crs or None)
        left, bottom, right, top = config.bounds
        system = config.crs or MapGrid.over(longitude, latitude, resolution=ANY).crs
        return MapGrid.within((left, bottom, right, top), crs=system, resolution=config.resolution)


def grid_of(path: str) -> MapGrid:
    """Return the pixels of a raster. Raises AlignsarError for one without a coordinate reference system."""
    key = f"geocoding.match={path}"
    try:
        with open_raster(Path(path).expanduser(), key) as raster, naming(key):
            if raster.crs is None:
                raise AlignsarError(
                    f"{key}: has no coordinate reference system; give geocoding.crs, geocoding.resolution and "
                    "geocoding.bounds instead"
                )
            return MapGrid(
                crs=raster.crs.to_wkt(), affine=affine_of(raster.transform, key), shape=raster.shape
            )
    except RasterioError as error:
        raise AlignsarError(f"{key}: cannot be read as a raster ({error})") from None
