"""The landscape of a simulated scene: terrain, and a land-cover map that follows it.

The map is drawn in units of about a kilometre (``HEIGHT`` along track by ``WIDTH`` across), whatever the
number of pixels, so that a scene of another size shows the same kind of country.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree

from synthetic_stack.land_cover import FIELD, FOREST, GRASSLAND, ROAD, URBAN, WATER

if TYPE_CHECKING:
    from numpy.typing import NDArray

HEIGHT, WIDTH = 5.3, 2.5  # map units, about a kilometre each
RELIEF = 150.0  # m, from the river to the highest hill
LOWEST = 85.0  # m above the ellipsoid
STEEPEST = 0.7  # m of height from a sample to the next: half of what would fall into layover or shadow


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """Arrays [line, sample]: ``land_cover`` uint8 (index into CLASSES), ``height`` float32 (m, ellipsoid)."""

    land_cover: NDArray[np.uint8]
    height: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True, eq=False)
class _Map:
    """Map coordinates (arrays [line, sample]), the size of a pixel and the source of chance."""

    y: NDArray[np.float64]
    x: NDArray[np.float64]
    pixel: tuple[float, float]
    rng: np.random.Generator

    def noise(self, scale: float, roughness: float = 3.6) -> NDArray[np.float64]:
        """Fractal noise of zero mean and unit deviation: power falls as 1 / f^roughness above 1 / scale."""
        lines, samples = (2 * count for count in self.y.shape)  # drawn larger, so that edges do not wrap
        f_y = np.fft.fftfreq(lines, self.pixel[0])[:, None]
        f_x = np.fft.rfftfreq(samples, self.pixel[1])[None, :]
        gain = (scale**-2 + f_y**2 + f_x**2) ** (-roughness / 4.0)
        white = np.fft.rfft2(self.rng.standard_normal((lines, samples)))
        field = np.fft.irfft2(white * gain, s=(lines, samples))[: self.y.shape[0], : self.y.shape[1]]
        return np.asarray((field - field.mean()) / field.std())

    def near(self, points: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
        """Distance (map units) of every pixel to the nearest of ``points`` (n, 2) = (y, x), and which it is."""
        distance, index = cKDTree(points).query(np.stack([self.y, self.x], axis=-1))
        return np.asarray(distance), np.asarray(index)

    def near_curve(self, through: list[tuple[float, float]]) -> NDArray[np.float64]:
        """Distance (map units) of every pixel to the smooth curve ``through`` some (y, x)."""
        knots = np.asarray(through)
        curve = CubicSpline(np.linspace(0.0, 1.0, len(knots)), knots)
        return self.near(curve(np.linspace(0.0, 1.0, 3000)))[0]

    def half_width(self, distance: float) -> float:
        """At least the half diagonal of a pixel, so that what is thin stays connected."""
        return max(distance, 0.5 * float(np.hypot(*self.pixel)))


@cache  # every run of a test draws the same few scenes
def make_scene(lines: int, samples: int, seed: tuple[int, int]) -> Scene:
    """A river valley with a lake, parcels, forest on the hills, a town, a village and two roads."""
    rng = np.random.default_rng(seed)
    pixel = (HEIGHT / lines, WIDTH / samples)
    y, x = np.meshgrid(
        (np.arange(lines) + 0.5) * pixel[0], (np.arange(samples) + 0.5) * pixel[1], indexing="ij"
    )
    country = _Map(y=y, x=x, pixel=pixel, rng=rng)
    bends = rng.uniform(-0.12, 0.12, 7)
    river = [(HEIGHT * (i / 6.0 * 1.2 - 0.1), 0.85 + 0.16 * i + bends[i] * (1 + i % 2)) for i in range(7)]
    to_river = country.near_curve([(b, a + 0.30 * (-1) ** i) for i, (b, a) in enumerate(river)])
    town = (3.55 + rng.uniform(-0.2, 0.2), 0.62 + rng.uniform(-0.06, 0.06))
    village = (1.05 + rng.uniform(-0.15, 0.15), 2.02 + rng.uniform(-0.06, 0.06))

    built_up = _blob(country, town, 0.62, 1.5) | _blob(country, village, 0.30, 1.2)
    water = _water(country, to_river, (4.55 + rng.uniform(-0.1, 0.1), 2.02))
    height = _terrain(country, to_river, water)
    cover = _parcels(country)
    cover[_forest(country, height, to_river) & ~built_up] = FOREST
    cover[built_up] = _blocks(country)[built_up]
    cover[water] = WATER
    highway = country.near_curve([(-0.3, 0.30), (1.5, 0.42), (3.0, 1.45), (4.2, 1.30), (5.6, 2.7)])
    road = country.near_curve([town, (2.75, 1.05), (1.9, 1.55), village, (0.3, 2.8)])
    cover[(highway < country.half_width(0.020)) | (road < country.half_width(0.012))] = ROAD
    return Scene(land_cover=cover, height=height.astype(np.float32))


def _terrain(country: _Map, to_river: NDArray[np.float64], water: NDArray[np.bool_]) -> NDArray[np.float64]:
    """Hills that rise from the valley floor, a plain under water."""
    hills = country.noise(1.6, 4.6) + 0.35 * (country.x - country.y / 3.0)
    hills = (hills - hills.min()) / np.ptp(hills)
    valley = 1.0 - np.exp(-((to_river / 0.55) ** 2))
    land = hills**1.3 * valley + 0.02 * country.noise(0.3, 4.0) * valley
    land = np.maximum(land - land.min(), 0.0)
    land *= 1.0 - gaussian_filter(water.astype(np.float64), _pixels(country, 0.05))
    land = gaussian_filter(land / land.max(), _pixels(country, 0.03))
    steepest = RELIEF * float(np.abs(np.diff(land, axis=1)).max())
    relief = RELIEF * min(1.0, STEEPEST / steepest)
    return np.asarray(LOWEST + relief * land)


def _pixels(country: _Map, distance: float) -> tuple[float, float]:
    return distance / country.pixel[0], distance / country.pixel[1]


def _water(country: _Map, to_river: NDArray[np.float64], lake: tuple[float, float]) -> NDArray[np.bool_]:
    river = to_river < country.half_width(0.05 + 0.012 * country.y.mean())
    return river | _blob(country, lake, 0.34, 1.4)


def _blob(country: _Map, centre: tuple[float, float], radius: float, stretch: float) -> NDArray[np.bool_]:
    """A round patch with a ragged edge, ``stretch`` times longer along track."""
    away = np.hypot((country.y - centre[0]) / stretch, country.x - centre[1])
    return np.asarray(away < radius * (1.0 + 0.16 * country.noise(0.5)))


def _forest(country: _Map, height: NDArray[np.float64], to_river: NDArray[np.float64]) -> NDArray[np.bool_]:
    """The high and, here and there, the low ground: about a quarter of the country."""
    liking = (
        (height - height.mean()) / height.std() + 0.9 * country.noise(0.5) - 2.0 * np.exp(-to_river / 0.1)
    )
    return np.asarray(liking > np.quantile(liking, 0.72))


def _parcels(country: _Map) -> NDArray[np.uint8]:
    """Fields and grassland: Voronoi cells, each cut into strips along a direction of its own."""
    rng = country.rng
    cells = 60
    _, cell = country.near(rng.uniform((0.0, 0.0), (HEIGHT, WIDTH), (cells, 2)))
    direction, width = rng.uniform(0.0, np.pi, cells)[cell], rng.uniform(0.11, 0.26, cells)[cell]
    across = country.y * np.cos(direction) + country.x * np.sin(direction)
    strip = np.floor(across / width).astype(np.int64) % 64
    kinds = rng.choice(np.array([FIELD, GRASSLAND], dtype=np.uint8), size=(cells, 64), p=(0.52, 0.48))
    return np.asarray(kinds[cell, strip])


def _blocks(country: _Map) -> NDArray[np.uint8]:
    """A town's plan: blocks of houses between streets, some blocks a park."""
    angle = np.radians(24.0)
    along = country.y * np.cos(angle) + country.x * np.sin(angle)
    across = country.x * np.cos(angle) - country.y * np.sin(angle)
    row, column = np.floor(along / 0.21).astype(np.int64), np.floor(across / 0.15).astype(np.int64)
    parks = country.rng.random((64, 64)) < 0.12
    plan = np.where(parks[row % 64, column % 64], GRASSLAND, URBAN).astype(np.uint8)
    street = (along % 0.21 < 0.018) | (across % 0.15 < 0.012)
    plan[street] = ROAD
    return plan
