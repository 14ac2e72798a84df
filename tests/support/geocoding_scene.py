"""Radar scenes anywhere on Earth, whose antenna has a closed form, for the tests of geocoding."""

import numpy as np
from circular_orbit import EPOCH, RATE, TILT, circle, grid
from pyproj import Transformer
from radar_scene import ecef, seen_by
from rasterio.transform import Affine
from rough_terrain import relief, write_dem, write_heights

from alignsar_gpu.device import Device
from alignsar_gpu.geocoding.coverage import image_outline
from alignsar_gpu.geocoding.map_grid import MapGrid
from alignsar_gpu.geocoding.positions import Geocoding
from alignsar_gpu.geocoding.tiles import MapTiles
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.orbit import Orbit
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.geometry.terrain.terrain import Terrain

CPU = Device("cpu", "test", "test", 1 << 30)
SIZE = {"lines": 96, "samples": 500}
MIDDLE = 1019.6  # s, within the lines
GROUND = 700.0  # m, the terrain's middle


def on_map(geocoding, layer, method="nearest"):
    """A layer on the whole map, of pixels that are not divided; tile by tile, as the stage brings it there."""
    tiles = MapTiles.over(geocoding, average=False)
    download = geocoding.device.download
    return np.block(
        [
            [download(tile.sampled(layer, method)) for tile in tiles.row(number)]
            for number in range(tiles.count)
        ]
    )


def tile_positions(geocoding):
    """Lines and samples of the pixels of the whole map, as its tiles have them; NaN where these show no image."""
    tiles = MapTiles.over(geocoding, average=False)
    rows = [list(tiles.row(number)) for number in range(tiles.count)]
    return tuple(
        np.block([[getattr(tile, name) + getattr(tile, f"{name}s").start for tile in row] for row in rows])
        for name in ("line", "sample")
    )


class Flight:
    """A circular orbit that passes a latitude, on its way north or south, turned by some longitude."""

    def __init__(self, latitude, *, descending, turn=0.0):
        along = np.arcsin(np.clip(np.sin(np.radians(latitude)) / np.sin(TILT), -1.0, 1.0))
        self.middle = MIDDLE - (np.pi - along if descending else along) / RATE
        cos, sin = np.cos(np.radians(turn)), np.sin(np.radians(turn))
        self.rotation = np.array([[cos, -sin, 0.0], [sin, cos, 0.0], [0.0, 0.0, 1.0]])

    def position(self, time):
        return circle(time, middle=self.middle)[0] @ self.rotation.T

    def velocity(self, time):
        return circle(time, middle=self.middle)[1] @ self.rotation.T

    def orbit(self):
        time = 980.0 + 10.0 * np.arange(9)
        return Orbit(
            epoch=EPOCH,
            time=time,
            position=self.position(time),
            velocity=self.velocity(time),
            source="circle",
        )


class Scene:
    """A radar grid over hills and its antenna: around a longitude, to the side of where it passes a latitude."""

    def __init__(
        self,
        folder,
        *,
        latitude=52.0,
        longitude=5.5,
        descending=False,
        side="right",
        doppler=None,
        size=SIZE,
        **dem,
    ):
        self.radar, self.doppler = grid(look_side=side, **size), doppler
        unturned = self._centre(Flight(latitude, descending=descending).orbit())
        self.path = Flight(latitude, descending=descending, turn=longitude - unturned[0])
        self.orbit = self.path.orbit()
        self.centre = longitude, unturned[1]
        polar = abs(unturned[1]) > 84.0
        path = (polar_dem if polar else write_dem)(folder / "dem.tif", self.centre, **dem)
        self.terrain = Terrain(
            grid=self.radar, orbit=self.orbit, dem=open_dem(path, "ellipsoid"), doppler=doppler
        )
        self.dem = self.terrain.dem

    def _centre(self, orbit):
        time, slant_range = (
            self.radar.azimuth_time(0.5 * self.radar.lines),
            self.radar.slant_range(0.5 * self.radar.samples),
        )
        speed = 0.0 if self.doppler is None else self.speed(time, slant_range)
        found = radar_to_ground(orbit, time, slant_range, GROUND, self.radar.look_side, speed)
        return [float(coordinate) for coordinate in found]

    def speed(self, time, slant_range):
        """lambda f / 2, metres per second."""
        if self.doppler is None:
            return 0.0 * time
        return 0.5 * self.radar.wavelength * self.doppler.at(time, slant_range)

    def map_grid(self, resolution=5.0, crs=None):
        """Around the image."""
        outline = image_outline(self.radar, self.orbit, self.dem, self.doppler)
        return MapGrid.over(*outline, resolution=resolution, crs=crs)

    def geocoding(self, map_grid, device=CPU, **change):
        given = {"grid": self.radar, "orbit": self.orbit, "dem": self.dem, "doppler": self.doppler}
        return Geocoding(**given | change, map_grid=map_grid, device=device)

    def expected(self, map_grid, row, column):
        """Line and sample of pixels of a map by PROJ, the DEM, and bisection: NaN where there is no height."""
        a, _, c, _, e, f = map_grid.affine
        x, y = c + a * (column + 0.5), f + e * (row + 0.5)
        place = Transformer.from_crs(map_grid.crs, "EPSG:4326", always_xy=True).transform(x, y)
        height = self.dem.height_at(*place)
        time, slant_range = seen_by(self.path, ecef(*place, np.nan_to_num(height)), self.speed, MIDDLE)
        lost = np.where(np.isnan(height), np.nan, 0.0)
        return self.radar.line(time) + lost, self.radar.sample(slant_range) + lost


def polar_dem(path, centre, *, post=30.0, half=9000.0, steepness=1.0, holes=False):
    """As `write_dem`, on the posts of a polar map: meridians meet there."""
    assert not holes
    crs = "EPSG:5041" if centre[1] > 0 else "EPSG:5042"
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(*centre)
    count = int(2 * half / post)
    row, column = np.mgrid[0:count, 0:count]
    height = relief((column - count / 2) * post, (row - count / 2) * post, steepness).astype(np.float32)
    transform = Affine(post, 0.0, x - half, 0.0, -post, y + half)
    return write_heights(path, height, transform, crs)
