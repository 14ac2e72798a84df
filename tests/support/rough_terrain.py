"""Terrain of known shape below a circular orbit."""

import numpy as np
import rasterio
from circular_orbit import circular_orbit, grid
from rasterio.transform import Affine

from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.doppler import Doppler
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.geometry.terrain.terrain import Terrain

SIZE = {"lines": 96, "samples": 700}


STEEP, GENTLE = 1.0, 0.1


def relief(x, y, steepness):
    """Mountains with slopes up to 60 degrees (for steepness 1), and roughness down to 400 m."""
    big = 900.0 * np.sin(2 * np.pi * x / 5200.0) * np.cos(2 * np.pi * y / 4300.0)
    small = 60.0 * np.sin(2 * np.pi * x / 700.0 + 1.0) * np.sin(2 * np.pi * y / 400.0)
    return 700.0 + steepness * (big + small)


def write_dem(path, centre, *, post=30.0, half=9000.0, steepness=STEEP, holes=False):
    """A DEM around (longitude, latitude), posts ``post`` metres apart, ellipsoidal heights."""
    step = post / 111_000.0
    count = int(2 * half / post)
    row, column = np.mgrid[0:count, 0:count]
    height = relief((column - count / 2) * post, (row - count / 2) * post, steepness).astype(np.float32)
    if holes:
        height[count // 2 - 15 : count // 2 + 15, count // 2 - 15 : count // 2 + 15] = -9999.0
    transform = Affine(step, 0.0, centre[0] - step * count / 2, 0.0, -step, centre[1] + step * count / 2)
    return write_heights(path, height, transform, "EPSG:4326")


def write_heights(path, height, transform, crs):
    size = {"height": height.shape[0], "width": height.shape[1], "count": 1}
    profile = {"driver": "GTiff", "dtype": "float32", "crs": crs, "transform": transform, "nodata": -9999.0}
    with rasterio.open(path, "w", **size, **profile) as file:
        file.write(height, 1)
    return path


def scene(tmp_path, *, side="right", doppler=None, size=SIZE, **dem):
    orbit = circular_orbit(10.0, 9, start=980.0)
    radar = grid(look_side=side, **size)
    time, slant_range = radar.azimuth_time(radar.lines / 2), radar.slant_range(radar.samples / 2)
    speed = 0.0 if doppler is None else 0.5 * radar.wavelength * doppler.at(time, slant_range)
    centre = radar_to_ground(orbit, time, slant_range, 700.0, side, speed)
    path = write_dem(tmp_path / "dem.tif", [float(c) for c in centre], **dem)
    return Terrain(grid=radar, orbit=orbit, dem=open_dem(path, "ellipsoid"), doppler=doppler)


DOPPLER = Doppler(coefficients=np.array([[400.0, 30.0]]), slant_range=850e3, range_scale=1e4)
