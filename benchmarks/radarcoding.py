"""Radarcoding of a million polygons onto one burst, on the CPU: from the file to area fractions, means or ids.

python benchmarks/radarcoding.py [--output FILE] [--polygons N] [--memory-gib G] [--method fraction|mean|largest]: a
GeoPackage of polygons of a made-up town map (four classes, ten vertices each, EPSG:32631) over a burst of 1500 x 21000
pixels of mountains, as shares of classes, the mean of a year, or ids with a table. Seconds and rates of reading and
placing, and of the whole; the share of the speed that a copy of memory right after it allows (of shares); the peak
memory of the process, which does not make the map.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import geopandas
import numpy as np
import shapely
from common import copy_bandwidth, copy_memory, load, machine, seconds_in_turn, versions, write
from geometry import burst_and_orbits, mountains
from pyproj import Transformer

from alignsar_gpu.application.labels.writer import Labels, LabelWriter
from alignsar_gpu.device import GIB, Device
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.terrain.terrain import Terrain
from alignsar_gpu.radarcoding.layers import LabelScene
from alignsar_gpu.radarcoding.level_ground import LevelGround
from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
from alignsar_gpu.radarcoding.vectors.files import open_vectors
from alignsar_gpu.radarcoding.vectors.layers import VectorLayers, VectorSource

LINES, SAMPLES = 1500, 21000
CLASSES = ("building", "road", "water", "garden")
ATTRIBUTES = {"fraction": "kind", "mean": "year", "largest": "id"}
STRIP = 256
VERTICES = 10
CRS = "EPSG:32631"
PIXEL_BYTES = 16 * 4 * (3 + 2 * len(CLASSES))  # of each ground cell: place and area; covers written and read


def scene_of(folder: Path) -> Terrain:
    """Mountains under a burst; their DEM is made where there is none."""
    grid, orbit, _ = burst_and_orbits(LINES, SAMPLES)
    path = folder / "dem.tif"
    return Terrain(
        grid=grid,
        orbit=orbit,
        dem=open_dem(path if path.exists() else mountains(path, grid, orbit, 1 / 3600), "ellipsoid"),
    )


def town_map(folder: Path, count: int, method: str) -> None:
    """Polygons of ten vertices, some metres to a hundred across, of four classes, all over the burst.

    With years and ids beside, where the method asks for values.
    """
    level = LevelGround(terrain=scene_of(folder))
    rng = np.random.default_rng(1)
    line, sample = rng.uniform(0, LINES, count), rng.uniform(0, SAMPLES, count)
    x, y = Transformer.from_crs("EPSG:4326", CRS, always_xy=True).transform(*level.to_ground(line, sample))
    angle = np.sort(rng.uniform(0.0, 2.0 * np.pi, (count, VERTICES)), axis=1)
    radius = 10.0 ** rng.uniform(0.7, 1.7, (count, 1)) * rng.uniform(0.6, 1.0, (count, VERTICES))
    corner = np.stack([x[:, None] + radius * np.cos(angle), y[:, None] + radius * np.sin(angle)], axis=-1)
    rings = np.concatenate([corner, corner[:, :1]], axis=1)
    shapes = shapely.polygons(rings)
    kinds = np.array(CLASSES)[rng.integers(0, len(CLASSES), count)]
    columns = {"kind": kinds}
    if method != "fraction":
        columns |= {"year": rng.integers(1800, 2025, count), "id": np.arange(count) + (1 << 40)}
    geopandas.GeoDataFrame(columns, geometry=shapes, crs=CRS).to_file(folder / "map.gpkg", driver="GPKG")


def radarcode(path: Path, terrain: Terrain, memory: float, method: str) -> dict[str, Any]:
    """Seconds of the steps, with everything read from the file."""
    device = Device("cpu", "", "", int(memory * GIB))
    scene = LabelScene(
        level_ground=LevelGround(terrain=terrain), device=device, times=np.zeros(0), reference=0
    )
    started, cpu = time.perf_counter(), time.process_time()
    config = VectorLayerConfig(path=str(path), method=method, attribute=ATTRIBUTES[method])
    file = open_vectors(config, "benchmark")
    vectors = VectorLayers(
        sources=[VectorSource(name="map", file=file)],
        overlaps="last",
        label="label",
        least=0.5,
        limit=int(0.125 * memory * GIB),
    )
    vectors.look_through(scene)
    for _, write_table in vectors.tables(scene):
        write_table(path.with_suffix(".parquet"))
    read = time.perf_counter() - started
    labels = Labels(vectors=vectors, cells=(), strips=(), height_error=None)
    work = LabelWriter(labels=labels, scene=scene, product=None, layout=None)  # type: ignore[arg-type]
    pixels, filled = 0, 0.0
    for first in range(0, LINES, STRIP):
        lines = slice(first, min(first + STRIP, LINES))
        for name, values in work.cells(scene, lines).items():
            pixels += values.size if name == "ground_area" else 0
            filled += float(values.mean()) if name in {"label", "map"} else 0.0
    total = time.perf_counter() - started
    return {
        "read_and_place_s": round(read, 2),
        "cover_and_push_s": round(total - read, 2),
        "total_s": round(total, 2),
        "cpu_s": round(time.process_time() - cpu, 2),
        "polygons_per_s": round(vectors.sources[0].counts.features / total),
        "pixels_per_s_of_cover_and_push": round(pixels / (total - read)),
        "memory_budget_gib": memory,
        "peak_memory_gib": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20, 2),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path)
    parser.add_argument("--polygons", type=int, default=1_000_000)
    parser.add_argument("--memory-gib", type=float, default=4.0)
    parser.add_argument("--method", choices=ATTRIBUTES, default="fraction")
    given = parser.parse_args()
    before = load()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        maker = multiprocessing.get_context("spawn").Process(
            target=town_map, args=(folder, given.polygons, given.method)
        )
        maker.start()
        maker.join()
        terrain, path = scene_of(folder), folder / "map.gpkg"
        few = replace(terrain, grid=replace(terrain.grid, lines=STRIP))
        radarcode(path, few, given.memory_gib, given.method)  # compiles
        rows = radarcode(path, terrain, given.memory_gib, given.method)
    bandwidth = copy_bandwidth(seconds_in_turn({"copy": copy_memory}, 5)["copy"])
    floor = LINES * SAMPLES * PIXEL_BYTES / bandwidth
    results = {
        **machine(before),
        "versions": versions("numba", "numpy", "pyogrio", "shapely"),
        "polygons": given.polygons,
        "method": given.method,
        "burst": [LINES, SAMPLES],
        **rows,
        "copy_gigabytes_per_second": round(bandwidth / 1e9, 1),
        "share_of_floor": round(floor / rows["cover_and_push_s"], 4),
    }
    for key, value in results.items():
        print(f"{key:32} {value}")
    if given.output:
        write(results, given.output)


if __name__ == "__main__":
    main()
