"""Made-up mountains under an orbit like Sentinel-1's, as the kernels of geometry take them; numpy alone."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu import kernels

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from .case import Size

RADIUS, TILT, MIDDLE = 7_071_000.0, math.radians(98.2), 1080.0  # m, rad, s over the equator
EARTH = 6_378_137.0
FIRST_RANGE, RANGE_STEP, TIME_STEP = 800e3, 2.3296, 0.00205556
BEYOND = 0.06  # degrees of mountains beyond the image
BASE, STEEPNESS, WAVES = 900.0, 0.24, 12


def orbit(radius: float = RADIUS) -> kernels.OrbitTable:
    """A circle over the Earth, as polynomials of seven degrees around each of its vectors."""
    rate = math.sqrt(3.986004418e14 / radius**3)
    time = 1000.0 + 10.0 * np.arange(17)
    along = np.array([0.0, math.cos(TILT), math.sin(TILT)])
    terms = []
    for k in range(8):
        wave = (10j * rate) ** k / math.factorial(k) * np.exp(1j * rate * (time[:-1] - MIDDLE))[:, None]
        terms.append(radius * (wave.real * np.array([1.0, 0.0, 0.0]) + wave.imag * along))
    return kernels.OrbitTable(time, np.ascontiguousarray(np.stack(terms, axis=1)))


def mountains(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Heights (m): slopes of 20 degrees, up to 60."""
    rng = np.random.default_rng(4)
    height = np.full(longitude.shape, BASE)
    for _ in range(WAVES):
        wavelength = 10.0 ** rng.uniform(-2.6, -0.8)
        direction, shift = rng.uniform(0, 2 * np.pi, 2)
        way = np.cos(direction) * longitude + np.sin(direction) * latitude
        height += STEEPNESS * wavelength * 111e3 / (2 * np.pi) * np.sin(2 * np.pi / wavelength * way + shift)
    return height


@dataclass(frozen=True, kw_only=True)
class Terrain:
    """Posts and bends, as `kernels.rasterize_terrain` takes them, and the posts' places, times and slopes."""

    posts: NDArray[np.float64]
    bends: NDArray[np.float32]
    ground: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]
    time: NDArray[np.float64]
    slopes: tuple[NDArray[np.float64], NDArray[np.float64]]


def pixel_places(
    ground: tuple[Any, ...], table: kernels.OrbitTable
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Samples, lines and times of ground; any arrays of coordinates."""
    rows = tuple(np.ascontiguousarray(each) for each in ground)
    time, distance = kernels.ground_to_radar(*rows, np.full(len(rows[0]), MIDDLE), table)
    return (distance - FIRST_RANGE) / RANGE_STEP, (time - MIDDLE) / TIME_STEP, time


def ground_place(line: float, sample: float, height: float) -> NDArray[np.float64]:
    """Longitude and latitude (degrees) of ground that is seen there, by Newton's iteration."""
    place, step = np.array([3.4, 0.5]), 1e-4

    def seen(longitude: float, latitude: float) -> NDArray[np.float64]:
        point = tuple(np.array([[each]]) for each in (longitude, latitude, height))
        samples, lines, _ = pixel_places(point, orbit())
        return np.array([lines[0, 0], samples[0, 0]])

    for _ in range(5):
        here = seen(*place)
        slopes = [(seen(*(place + step * side)) - here) / step for side in np.eye(2)]
        place = place + np.linalg.solve(np.stack(slopes, axis=1), [line, sample] - here)
    return place


def axes(size: Size) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitudes and latitudes (degrees, from north to south) of posts around the image."""
    height = size.relief * BASE
    corners = np.stack([ground_place(n, s, height) for n in (0, size.lines) for s in (0, size.samples)])
    beyond = 3 * size.post + BEYOND * size.relief
    (west, south), (east, north) = corners.min(axis=0) - beyond, corners.max(axis=0) + beyond
    return np.arange(west, east, size.post), np.arange(north, south, -size.post)


@lru_cache(maxsize=2)
def terrain(size: Size) -> Terrain:
    """Mountains around an image."""
    table = orbit()
    longitude, latitude = (np.ascontiguousarray(each) for each in np.meshgrid(*axes(size)))
    height = size.relief * mountains(longitude, latitude)
    ground = (longitude, latitude, height)
    sample, line, time = pixel_places(ground, table)
    spacing = size.post * math.radians(EARTH)
    slopes = np.gradient(height, spacing, axis=1), -np.gradient(height, spacing, axis=0)
    angles = kernels.viewing_angles(*ground, time, *slopes, table)
    posts = np.stack([sample, line, *ground, *angles], axis=-1)
    bends = side_bends(ground, sample, line, table)
    return Terrain(posts=posts, bends=bends, ground=ground, time=time, slopes=slopes)


def side_bends(
    ground: tuple[NDArray[np.float64], ...], sample: Any, line: Any, table: kernels.OrbitTable
) -> NDArray[np.float32]:
    """How much farther and later the middles of sides are seen than the means of their ends."""
    bends = np.zeros((*sample.shape, 6), np.float32)
    everything, first, last = slice(None), slice(None, -1), slice(1, None)
    sides = (
        ((everything, first), (everything, last)),
        ((first, everything), (last, everything)),
        ((first, last), (last, first)),
    )
    for k, (a, b) in enumerate(sides):
        s, n, _ = pixel_places(tuple(0.5 * (each[a] + each[b]) for each in ground), table)
        part = slice(0, s.shape[0]), slice(0, s.shape[1])
        bends[(*part, 2 * k)] = s - 0.5 * (sample[a] + sample[b])
        bends[(*part, 2 * k + 1)] = n - 0.5 * (line[a] + line[b])
    return bends


@lru_cache(maxsize=2)
def drawn(size: Size) -> kernels.TerrainLayers:
    """The mountains in the pixels of the image."""
    land = terrain(size)
    return kernels.rasterize_terrain(
        land.posts, land.bends, first=0, lines=size.lines, samples=size.samples, margin=size.margin
    )
