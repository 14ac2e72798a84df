"""Speed of the geometry of one burst on the CPU, and how far it is from the converged equations.

python benchmarks/geometry.py [--output FILE]: a burst of 1500 x 21000 pixels on made-up mountains with a post
every second of arc; radar to ground with reading the DEM and all angles and flags, ground to radar for a
second pass, on one thread and on all: each in turn with a copy of memory, its share of the speed that the copy
allows, and the largest difference from solving each pixel by itself until nothing changes.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
from common import image_command, print_table, stage_rates, versions
from rasterio.transform import Affine

from alignsar_gpu import kernels
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.grid import RadarGrid
from alignsar_gpu.geometry.orbit import Orbit
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.geometry.terrain.terrain import Terrain

GROUND_BYTES = 3 * 8 + 2 * 4 + 1  # longitude, latitude, height; two angles; flags
RADAR_BYTES = 3 * 8 + 2 * 8  # the former three; time and slant range
EPOCH = np.datetime64("2024-01-01")


def circular_orbit(radius: float, tilt: float, start: float) -> Orbit:
    """A circle with the speed of Sentinel-1, vectors 10 s apart, over the equator at 1000 s."""
    rate = np.sqrt(3.986004418e14 / radius**3)
    time = start + 10.0 * np.arange(17)
    angle = rate * (time - 1000.0)
    along = np.array([0.0, np.cos(tilt), np.sin(tilt)])
    out = np.array([1.0, 0.0, 0.0])
    cos, sin = np.cos(angle)[:, np.newaxis], np.sin(angle)[:, np.newaxis]
    return Orbit(
        epoch=EPOCH,
        time=time,
        position=radius * (cos * out + sin * along),
        velocity=radius * rate * (cos * along - sin * out),
        source="circle",
    )


def burst_and_orbits(lines: int, samples: int) -> tuple[RadarGrid, Orbit, Orbit]:
    """The grid of a burst, the orbit that it is seen from, and that of a second pass."""
    grid = RadarGrid(
        epoch=EPOCH,
        first_azimuth_time=1080.0,
        azimuth_interval=0.00205556,
        first_slant_range=800e3,
        range_spacing=2.3296,
        wavelength=0.0555,
        look_side="right",
        lines=lines,
        samples=samples,
    )
    orbit = circular_orbit(7_071_000.0, np.radians(98.2), 1000.0)
    second = circular_orbit(7_071_060.0, np.radians(98.2004), 1000.0)
    return grid, orbit, second


def mountains(path: Path, grid: RadarGrid, orbit: Orbit, post: float) -> Path:
    """A DEM of the whole burst, rough at all scales: slopes of 20 degrees, up to 60."""
    lines, samples = [0, grid.lines - 1], [0, grid.samples - 1]
    place = radar_to_ground(
        orbit, grid.azimuth_time(lines)[:, np.newaxis], grid.slant_range(samples), 0.0, grid.look_side
    )
    west, south, east, north = (
        *(float(a.min()) - 0.06 for a in place),
        *(float(a.max()) + 0.06 for a in place),
    )
    rows, columns = int((north - south) / post), int((east - west) / post)
    rng = np.random.default_rng(4)
    height = np.full((rows, columns), 900.0, dtype=np.float32)
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    for _ in range(24):
        wavelength = 10.0 ** rng.uniform(-2.6, -0.8) / post
        direction, shift = rng.uniform(0, 2 * np.pi, 2)
        wave = 2 * np.pi / wavelength * (np.cos(direction) * x + np.sin(direction) * y) + shift
        height += np.float32(0.06 * wavelength * post * 111e3 / (2 * np.pi) * 2) * np.sin(wave)
    with rasterio.open(
        path,
        "w",
        driver="GTiff",
        height=rows,
        width=columns,
        count=1,
        dtype="float32",
        crs="EPSG:4326",
        transform=Affine(post, 0.0, west, 0.0, -post, north),
        tiled=True,
    ) as file:
        file.write(height, 1)
    return path


def converged_difference(terrain: Terrain, drawing: kernels.TerrainLayers, count: int) -> dict[str, float]:
    """Largest differences of some pixels from the equations, iterated with the height of the surface.

    Starting at the drawn height, so that of several places in layover the same one is meant.
    """
    grid, rng = terrain.grid, np.random.default_rng(1)
    line, sample = rng.integers(0, grid.lines, count), rng.integers(0, grid.samples, count)
    time, slant_range = grid.azimuth_time(line), grid.slant_range(sample)

    def above(height: np.ndarray) -> np.ndarray:
        place = radar_to_ground(terrain.orbit, time, slant_range, height, grid.look_side)
        return height - terrain.dem.height_at(*place)

    # The secant rule on the height above the surface, along the pixel's circle.
    a = drawing.height[line, sample] + 0.01
    b = a - above(a)
    for _ in range(30):
        fa, fb = above(a), above(b)
        with np.errstate(invalid="ignore", divide="ignore"):
            step = np.where(np.abs(fb) > 1e-9, fb * (b - a) / (fb - fa), 0.0)
        a, b = b, b - np.nan_to_num(step)
    longitude, latitude = radar_to_ground(terrain.orbit, time, slant_range, b, grid.look_side)
    east = (drawing.longitude[line, sample] - longitude) * 111_320.0 * np.cos(np.radians(latitude))
    north = (drawing.latitude[line, sample] - latitude) * 110_600.0
    up = drawing.height[line, sample] - b
    settled = np.abs(above(b)) < 1e-6
    away = np.sqrt(east**2 + north**2 + up**2)[settled]
    return {"metres": float(away.max()), "settled": float(settled.mean())}


def measure(lines: int, samples: int, repeats: int) -> dict[str, Any]:
    grid, orbit, second = burst_and_orbits(lines, samples)
    with tempfile.TemporaryDirectory() as folder:
        path = mountains(Path(folder) / "dem.tif", grid, orbit, 1.0 / 3600.0)
        terrain = Terrain(grid=grid, orbit=orbit, dem=open_dem(path, "ellipsoid"))
        drawing = terrain.lines(0, lines)
        seed = grid.azimuth_time(np.arange(lines))
        stages = {
            "radar to ground": (lambda: terrain.lines(0, lines), GROUND_BYTES),
            "ground to radar": (
                lambda: kernels.ground_to_radar(*drawing[:3], seed, second.table),
                RADAR_BYTES,
            ),
        }
        rows = stage_rates(stages, lines * samples, repeats)
        time, slant_range = kernels.ground_to_radar(*drawing[:3], seed, orbit.table)
        difference = converged_difference(terrain, drawing, 20_000)
        difference["lines"] = float(np.abs(grid.line(time) - np.arange(lines)[:, np.newaxis]).max())
        difference["samples"] = float(np.abs(grid.sample(slant_range) - np.arange(samples)).max())
        layover = float((drawing.flags & kernels.LAYOVER > 0).mean())
        posts = terrain.window(slice(0, lines), slice(0, samples))
    return {
        "versions": versions("numpy", "numba", "llvmlite", "rasterio"),
        "posts": [posts[0].stop - posts[0].start, posts[1].stop - posts[1].start],
        "layover": layover,
        "stages": rows,
        "largest_difference_from_converged": difference,
    }


def report(results: dict[str, Any]) -> None:
    posts = results["posts"]
    print(f"{posts[0]} x {posts[1]} posts, {100 * results['layover']:.2f} % in layover")
    print_table(results["stages"])
    found = results["largest_difference_from_converged"]
    print(
        f"radar to ground, largest difference from the converged form: {found['metres']:.1e} m "
        f"({100 * found['settled']:.1f} % of the pixels compared)"
    )
    print(f"there and back: {found['lines']:.1e} lines, {found['samples']:.1e} samples")


if __name__ == "__main__":
    image_command(__doc__, measure, report)
