"""An antenna, a radar grid and terrain for the tests of the geometry kernels: numpy alone, and closed forms."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from alignsar_gpu import kernels

RADIUS = 7_071_000.0
RATE = np.sqrt(3.986004418e14 / RADIUS**3)
MIDDLE = 1080.0  # s, when the antenna crosses the equator
A = 6_378_137.0
E2 = (2.0 - 1.0 / 298.257223563) / 298.257223563

ALL, FIRST, LAST = slice(None), slice(None, -1), slice(1, None)
SIDES = (((ALL, FIRST), (ALL, LAST)), ((FIRST, ALL), (LAST, ALL)), ((FIRST, LAST), (LAST, FIRST)))


@dataclass(frozen=True, kw_only=True)
class Path:
    """A circular orbit, seen from a frame that turns at ``spin`` rad/s; with none, all has closed forms."""

    spin: float = 0.0
    tilt: float = float(np.radians(98.2))

    @property
    def _waves(self):
        """Amplitude and angular rate of the waves that x + iy is made of."""
        c = np.cos(self.tilt)
        return ((0.5 * RADIUS * (1.0 + c), RATE - self.spin), (0.5 * RADIUS * (1.0 - c), -RATE - self.spin))

    def _derivative(self, time, order):
        after = np.asarray(time, dtype=np.float64) - MIDDLE
        flat = sum(size * (1j * rate) ** order * np.exp(1j * rate * after) for size, rate in self._waves)
        wave = (1j * RATE) ** order * np.exp(1j * RATE * after)
        return np.stack([flat.real, flat.imag, RADIUS * np.sin(self.tilt) * wave.imag], axis=-1)

    def position(self, time):
        """ECEF position (..., 3)."""
        return self._derivative(time, 0)

    def velocity(self, time):
        """ECEF velocity (..., 3)."""
        return self._derivative(time, 1)

    def table(self, first=1000.0, interval=10.0, count=17):
        """As the kernels take it: Taylor's series, of which eight terms leave out 2e-14 m."""
        time = first + interval * np.arange(count)
        terms = [self._derivative(time[:-1], k) * interval**k / math.factorial(k) for k in range(8)]
        return kernels.OrbitTable(time, np.ascontiguousarray(np.stack(terms, axis=1)))


CIRCLE = Path()
TURNING = Path(spin=7.292115e-5)


def ecef(longitude, latitude, height):
    """Position (..., 3) of coordinates in degrees and metres, by the definition of the ellipsoid."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    n = A / np.sqrt(1.0 - E2 * np.sin(lat) ** 2)
    across = (n + height) * np.cos(lat)
    up = (n * (1.0 - E2) + height) * np.sin(lat)
    return np.stack([across * np.cos(lon), across * np.sin(lon), up], axis=-1)


def seen_by(path, target, doppler=lambda time, slant_range: 0.0 * time, start=MIDDLE):
    """Time and range at which (X - P) . V = R lambda f / 2, by bisection, whatever the seed: the definition.

    ``doppler`` gives lambda f / 2 of time and range; the range to a target falls before the time that is
    looked for, and grows after it.
    """
    shape = target.shape[:-1]
    low, high = np.full(shape, start - 200.0), np.full(shape, start + 200.0)
    for _ in range(70):
        middle = 0.5 * (low + high)
        sight = target - path.position(middle)
        slant_range = np.linalg.norm(sight, axis=-1)
        ahead = np.sum(sight * path.velocity(middle), axis=-1) > slant_range * doppler(middle, slant_range)
        low, high = np.where(ahead, middle, low), np.where(ahead, high, middle)
    return middle, np.linalg.norm(target - path.position(middle), axis=-1)


@dataclass(frozen=True, kw_only=True)
class Grid:
    """First time and range of a radar grid and its steps."""

    time: float = MIDDLE
    slant_range: float = 830e3
    time_step: float = 0.002
    range_step: float = 2.3

    def line(self, time):
        return (time - self.time) / self.time_step

    def sample(self, slant_range):
        return (slant_range - self.slant_range) / self.range_step

    def times(self, line):
        return self.time + self.time_step * np.asarray(line, dtype=np.float64)

    def ranges(self, sample):
        return self.slant_range + self.range_step * np.asarray(sample, dtype=np.float64)


def place(path, time, slant_range, side=1.0):
    """Longitude and latitude (degrees) at height 0 that an antenna sees at a time and range, within metres.

    To the right of the flight for side = 1, to the left for -1; where the scenes of the tests are put.
    """
    antenna, velocity = path.position(time), path.velocity(time)
    distance = np.linalg.norm(antenna)
    down, along = -antenna / distance, velocity / np.linalg.norm(velocity)
    cosine = (distance**2 + slant_range**2 - (A - 20.0) ** 2) / (2.0 * distance * slant_range)
    point = antenna + slant_range * (cosine * down + side * np.sqrt(1.0 - cosine**2) * np.cross(down, along))
    flat = np.hypot(point[0], point[1])
    return np.degrees(np.arctan2(point[1], point[0])), np.degrees(np.arctan2(point[2], flat * (1.0 - E2)))


def slopes(longitude, latitude, height):
    """Slopes to the east and north (metres a metre) between posts on meridians and parallels."""
    sine = np.sin(np.radians(latitude))
    n = A / np.sqrt(1.0 - E2 * sine**2)
    east = np.radians(1.0) * n * np.sqrt(1.0 - sine**2)
    north = np.radians(1.0) * n * (1.0 - E2) / (1.0 - E2 * sine**2)
    lon, lat = longitude[0], latitude[:, 0]
    return np.gradient(height, lon, axis=1) / east, np.gradient(height, lat, axis=0) / north


def posts_and_bends(table, grid, longitude, latitude, height):
    """What `kernels.rasterize_terrain` takes, from posts [row, column] on meridians and parallels."""
    seed = np.full(len(longitude), grid.time)
    time, slant_range = kernels.ground_to_radar(longitude, latitude, height, seed, table)
    east, north = slopes(longitude, latitude, height)
    angles = kernels.viewing_angles(longitude, latitude, height, time, east, north, table)
    sample, line = grid.sample(slant_range), grid.line(time)
    posts = np.stack([sample, line, longitude, latitude, height, *angles], axis=-1)
    posts[np.isnan(posts).any(axis=-1)] = np.nan
    bends = np.zeros((*sample.shape, 6), dtype=np.float32)
    for side, (here, there) in enumerate(SIDES):
        middles = [np.ascontiguousarray(0.5 * (a[here] + a[there])) for a in (longitude, latitude, height)]
        time, slant_range = kernels.ground_to_radar(*middles, seed[: len(middles[0])], table)
        part = slice(0, time.shape[0]), slice(0, time.shape[1])
        bends[(*part, 2 * side)] = grid.sample(slant_range) - 0.5 * (sample[here] + sample[there])
        bends[(*part, 2 * side + 1)] = grid.line(time) - 0.5 * (line[here] + line[there])
    return posts, bends


def mesh(centre, spacing, shape):
    """Longitudes and latitudes [row, column] around a place, north to south, ``spacing`` degrees apart."""
    lon = centre[0] + spacing * (np.arange(shape[1]) - shape[1] / 2)
    lat = centre[1] - spacing * (np.arange(shape[0]) - shape[0] / 2)
    return tuple(np.ascontiguousarray(a) for a in np.meshgrid(lon, lat))
