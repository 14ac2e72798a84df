"""The pixels of the map that is configured: around the image, within bounds, or those of a raster."""

from __future__ import annotations

import re
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import zarr
from rasterio.errors import RasterioError

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geocoding.cogs import require_storable
from alignsar_gpu.geocoding.coverage import require_overlap
from alignsar_gpu.geocoding.map_grid import MapGrid
from alignsar_gpu.opening.rasters import affine_of, open_raster

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from alignsar_gpu.config.geocoding import GeocodingConfig

WHOSE = re.compile(r"^(?:map grid|geocoding):")
ANY_SYSTEM = "EPSG:32631"  # for maps whose number of pixels alone is asked for
ANY = 1000.0  # m: a resolution, of a map of which only the system is asked for


@contextmanager
def naming(key: str) -> Iterator[None]:
    """Begin what is said of a map grid with the key that it comes from."""
    try:
        yield
    except AlignsarError as error:
        raise AlignsarError(WHOSE.sub(f"{key}:", str(error))) from None


def check_map(config: GeocodingConfig) -> None:
    """Check what can be known of a map before there is an image; raise AlignsarError, naming the key."""
    if config.match is not None:
        grid = grid_of(config.match)
    elif config.bounds:
        grid = _within(config, config.crs or ANY_SYSTEM)
    elif config.crs:
        with naming(f"geocoding.crs={config.crs}"):
            grid = MapGrid.within((0.0, 0.0, 1.0, 1.0), crs=config.crs, resolution=1.0)
            grid.geodetic(np.zeros(1), np.zeros(1))  # finds the way to WGS84
    else:
        return
    if "cogs" in config.products:
        require_storable(grid)


def map_grid(
    config: GeocodingConfig, longitude: NDArray[np.float64], latitude: NDArray[np.float64]
) -> MapGrid:
    """Return the pixels of the map that is configured, by default all that the image covers.

    ``longitude`` and ``latitude`` (degrees) are of points all around the image. Raises AlignsarError, naming the key,
    for a map of too many pixels and for one that does not show the image.
    """
    if config.match is None and not config.bounds:
        check_map(config)
        assert config.resolution is not None
        with naming(f"geocoding.resolution={config.resolution:g}"):
            return MapGrid.over(longitude, latitude, resolution=config.resolution, crs=config.crs or None)
    if config.match is not None:
        grid, whose = grid_of(config.match), f"match={config.match}"
    else:
        check_map(config)
        system = config.crs or MapGrid.over(longitude, latitude, resolution=ANY).crs
        grid, whose = _within(config, system), f"bounds={config.bounds}"
    with naming(f"geocoding.{whose}"):
        require_overlap(grid, longitude, latitude)
    return grid


def _within(config: GeocodingConfig, system: Any) -> MapGrid:
    """Return the pixels within the bounds that are configured."""
    assert config.resolution is not None
    left, bottom, right, top = config.bounds
    with naming(f"geocoding.resolution={config.resolution:g}"):
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


def stored_grid(cube: Path) -> MapGrid:
    """Return the pixels of a map cube that geocoding has written, by its GeoZarr attributes."""
    about: Any = dict(zarr.open_group(cube, mode="r", zarr_format=3).attrs)
    affine, shape = about["spatial:transform"], about["spatial:shape"]
    return MapGrid(crs=about["proj:wkt2"], affine=tuple(affine), shape=tuple(shape))
