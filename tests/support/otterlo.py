"""The map of Otterlo, and a satellite that passes over it."""

import numpy as np
import rasterio
from fake_orbit import earth_fixed
from rasterio.transform import Affine
from scipy.optimize import brentq

from alignsar_gpu.geometry.grid import RadarGrid
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.geometry.orbit import Orbit

EPOCH = np.datetime64("2022-06-01")


OTTERLO = (5.766, 52.101)  # degrees, the middle of the map


def pass_over(longitude, latitude, slant_range):
    """An ascending Sentinel-1 orbit that sees a place from this far, to its right."""
    times = np.arange(700.0, 1101.0, 10.0)

    def orbit(node):
        position, velocity = earth_fixed(times, node)
        return Orbit(epoch=EPOCH, time=times, position=position, velocity=velocity, source="made")

    def farther(node):
        return float(ground_to_radar(orbit(node), longitude, latitude, 45.0, 890.0)[1]) - slant_range

    return orbit(brentq(farther, longitude + 2.0, longitude + 13.0, xtol=1e-6))


def grid_at(orbit, longitude, latitude, lines, samples):
    """A grid of IW2's spacing with a place in its middle."""
    time, slant_range = ground_to_radar(orbit, longitude, latitude, 45.0, 890.0)
    return RadarGrid(
        epoch=EPOCH,
        first_azimuth_time=float(time) - 0.5 * lines * 0.002055556,
        azimuth_interval=0.002055556,
        first_slant_range=float(slant_range) - 0.5 * samples * 2.329562,
        range_spacing=2.329562,
        wavelength=0.05546576,
        look_side="right",
        lines=lines,
        samples=samples,
    )


def hills(path):
    """Ground like that around Otterlo, and rougher: 60 m up and down over some hundred metres, a post every 15 m."""
    west, south, east, north = 5.70, 52.05, 5.84, 52.15
    step = 1.0 / 4800.0
    rows, columns = round((north - south) / step), round((east - west) / step)
    y, x = np.mgrid[0:rows, 0:columns] * 15.0
    height = 75.0 + 40.0 * np.sin(x / 310.0) * np.cos(y / 270.0) + 15.0 * np.sin(x / 95.0 + y / 120.0)
    size = {"height": rows, "width": columns, "count": 1, "dtype": "float32", "driver": "GTiff"}
    with rasterio.open(
        path, "w", crs="EPSG:4326", transform=Affine(step, 0, west, 0, -step, north), **size
    ) as file:
        file.write(height.astype(np.float32), 1)
    return path
