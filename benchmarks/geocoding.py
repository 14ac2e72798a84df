"""Layers of a finished run on a map: positions, sampling by each method, writing, and the whole step; beside others.

python benchmarks/geocoding.py RUN [--resolution 20] [--date 20220114] [--sarsen PYTHON --product SAFE --group IW1/VV]
[--output FILE]: RUN is the folder of a finished run, of which nothing is changed. Megapixels are those of the map, of
one layer and date; the floor of positions and of sampling is a copy of memory of the bytes that must be moved, taken in
turn. The whole step is ``python -m alignsar_gpu geocoding.resolution=...`` on a copy, imports and starting included.

Beside them: ``gdalwarp -geoloc`` (GDAL of rasterio's wheel) of the NetCDF file of the date, where the run has one, onto
the same pixels; and positions and terrain correction by sarsen, with the heights of the map's pixels as its DEM, run by
a Python that has it: how many lines and samples its positions are from ours, for a date that was not shifted.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from common import beside_copy, load, machine, print_machine, print_table, seconds_in_turn, versions, write
from whole.gdal_warp import library, warp
from whole.watching import watch

from alignsar_gpu.application.geocoding.mapping import Mapping, open_mapping
from alignsar_gpu.config import DeviceConfig
from alignsar_gpu.config.geocoding import GeocodingConfig
from alignsar_gpu.dataset.cube import open_layer
from alignsar_gpu.device import choose_device
from alignsar_gpu.environment import check_environment
from alignsar_gpu.geometry.lattice import smooth_pair

if TYPE_CHECKING:
    from collections.abc import Callable

    from alignsar_gpu.geocoding.tiles import Interpolation, Tile

LARGE = 1 << 16  # bytes of a file
SPEED_OF_LIGHT = 299_792_458.0
LAYERS: dict[str, tuple[str, Interpolation, bool]] = {
    "backscatter, bilinear": ("sigma0_vv", "bilinear", False),
    "backscatter, cubic": ("sigma0_vv", "cubic", False),
    "backscatter, nearest": ("sigma0_vv", "nearest", False),
    "phases, bilinear": ("interferometric_phase_vv", "bilinear", True),
    "flags": ("layover_shadow", "nearest", False),
}


class Image:
    """A layer of one date, of which windows are read; or held, once it is read."""

    def __init__(self, cube: Path, name: str) -> None:
        stored = open_layer(cube, name)
        self.stored = stored[0 if len(stored.shape) == 3 else slice(None)]
        self.shape, self.dtype = self.stored.shape, self.stored.dtype

    def __getitem__(self, window: Any) -> Any:
        return self.stored[window]


def all_tiles(mapping: Mapping) -> list[Tile]:
    """Return some rows of tiles, from the middle of the map."""
    middle = mapping.tiles.count // 2
    return [tile for row in sorted({middle, max(middle - 1, 0)}) for tile in mapping.tiles.row(row)]


def sampled(tiles: list[Tile], image: Image, method: Interpolation, *, phase: bool) -> list[Any]:
    return [tile.sampled(image, method, phase=phase) for tile in tiles]


def rates(mapping: Mapping, cube: Path, repeats: int) -> list[dict[str, Any]]:
    """Rates of positions and of sampling, images in memory."""
    tiles = all_tiles(mapping)
    pixels = sum(tile.shape[0] * tile.shape[1] for tile in tiles)
    parts = sum(tile.line.size for tile in tiles)
    windows = sum(
        (tile.lines.stop - tile.lines.start) * (tile.samples.stop - tile.samples.start) for tile in tiles
    )
    work: dict[str, tuple[Callable[[], object], int]] = {
        "positions": (lambda: all_tiles(mapping), 16 * parts)
    }
    there = set(mapping.cube.variables)
    for name, (layer, method, phase) in LAYERS.items():
        if layer in there:
            image = Image(cube, layer)
            sample = partial(sampled, tiles, image, method, phase=phase)
            size = image.dtype.itemsize
            work[name] = (sample, 16 * parts + size * (windows + pixels))
    rows = []
    for name, (call, moved) in work.items():
        found = beside_copy(call, repeats, moved)
        rows.append(
            {"part": name, "megapixels_per_second": round(1e-6 * pixels / found["seconds"], 1)} | found
        )
    return rows


def linked(source: str, target: str) -> None:
    """Copy what is small; what is large is not written again, and one file serves both."""
    if Path(source).stat().st_size > LARGE:
        os.link(source, target)
    else:
        shutil.copy2(source, target)


def whole_step(run: Path, folder: Path, resolution: float, products: str) -> dict[str, Any]:
    """The step on a copy of a finished run, without a map."""
    copy = folder / f"run_{products}"
    shutil.copytree(run, copy, copy_function=linked, ignore=shutil.ignore_patterns("map*", "cogs"))
    keys = [f"geocoding.resolution={resolution}", f"geocoding.products=[{products}]", f"output={copy}"]
    found = watch([sys.executable, "-m", "alignsar_gpu", *keys], os.environ).facts()
    shutil.rmtree(copy)
    return found


def beside_gdal(run: Path, date: str, mapping: Mapping, folder: Path, repeats: int) -> dict[str, Any]:
    """Seconds of gdalwarp for one layer, of us for the same, positions included."""
    gdal, file = library(), run / "netcdf" / f"{date}.nc"
    if gdal is None or not file.exists():
        return {}
    left, bottom, right, top = mapping.grid.bounds
    size = str(mapping.grid.affine[0])
    where = ("-te", *map(str, (left, bottom, right, top)), "-tr", size, size)
    target, cube = folder / "warped.tif", run / "cube.zarr"
    system = ("-t_srs", mapping.grid.crs.to_wkt())
    image = Image(cube, "sigma0_vv")

    def theirs() -> None:
        target.unlink(missing_ok=True)
        arguments = ("-geoloc", *system, *where, "-r", "bilinear")
        warp(gdal, f"NETCDF:{file}:sigma0_vv", target, *arguments)

    def ours() -> None:
        for row in range(mapping.tiles.count):
            sampled(list(mapping.tiles.row(row)), image, "bilinear", phase=False)

    took = seconds_in_turn({"gdalwarp": theirs, "ours": ours}, repeats)
    pixels = mapping.grid.shape[0] * mapping.grid.shape[1]
    return {
        f"{name.replace(' ', '_')}_megapixels_per_second": round(1e-6 * pixels / seconds, 2)
        for name, seconds in took.items()
    }


def beside_sarsen(options: argparse.Namespace, mapping: Mapping, folder: Path) -> dict[str, Any]:
    """Distances of sarsen's positions from ours, and megapixels a second of both."""
    geocoding = replace(mapping.tiles.geocoding, offset=(0.0, 0.0))
    grid, (rows, columns) = geocoding.grid, geocoding.map_grid.shape
    began = time.perf_counter()
    line, sample = geocoding.positions(0, rows)
    took = time.perf_counter() - began
    whole = slice(0, rows), slice(0, columns)
    height = geocoding._heights(*smooth_pair(geocoding._posts, *whole))  # noqa: SLF001  (what it was computed from)
    dem = folder / "heights.tif"
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "nodata": np.nan}
    place = {
        "crs": mapping.grid.crs.to_wkt(),
        "transform": rasterio.Affine(*mapping.grid.affine),
        "height": rows,
        "width": columns,
    }
    with rasterio.open(dem, "w", **profile, **place) as raster:
        raster.write(height, 1)
    script = Path(__file__).parent / "whole" / "sarsen_beside.py"
    subprocess.run([options.sarsen, script, options.product, options.group, dem, folder], check=True)
    theirs = np.load(folder / "sarsen.npz")
    epoch = np.datetime64(grid.epoch)
    time_of = (theirs["azimuth_time"] - epoch) / np.timedelta64(1, "ns") * 1e-9
    pairs = {
        "lines": grid.line(time_of) - line,
        "samples": grid.sample(0.5 * SPEED_OF_LIGHT * theirs["slant_range_time"]) - sample,
    }
    result: dict[str, Any] = {}
    for name, apart in pairs.items():
        known = np.abs(apart[np.isfinite(apart)])
        result |= {
            f"{name}_apart_median": round(float(np.median(known)), 6),
            f"{name}_apart_most": round(float(known.max()), 6),
        }
    speed = {
        "positions": theirs["seconds"][0],
        "terrain_correction": theirs["seconds"][1],
        "our_positions": took,
    }
    rate = {
        f"{name}_megapixels_per_second": round(1e-6 * rows * columns / float(s), 2)
        for name, s in speed.items()
    }
    return result | rate


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--resolution", type=float, default=20.0)
    parser.add_argument("--date", default="20220114", help="of the NetCDF file that gdalwarp is given")
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--sarsen", help="a Python that has sarsen")
    parser.add_argument("--product", help="the Sentinel-1 product of the reference date")
    parser.add_argument("--group", default="IW1/VV")
    parser.add_argument("--output", type=Path, help="where to write the results as JSON")
    options = parser.parse_args()
    check_environment()
    before = load()
    cube = options.run / "cube.zarr"
    device = choose_device(DeviceConfig(kind="cpu"))
    mapping = open_mapping(cube, GeocodingConfig(resolution=options.resolution), device)
    parts = rates(mapping, cube, options.repeats)
    with tempfile.TemporaryDirectory(dir=options.run.parent) as name:
        folder = Path(name)
        steps = {
            products: whole_step(options.run, folder, options.resolution, products)
            for products in ("cube", "cogs")
        }
        gdal = beside_gdal(options.run, options.date, mapping, folder, options.repeats)
        sarsen = beside_sarsen(options, mapping, folder) if options.sarsen else {}
    images = sum(mapping.cube.sizes["time"] if layer.dated else 1 for layer in mapping.layers)
    megapixels = 1e-6 * mapping.grid.shape[0] * mapping.grid.shape[1]
    results = {
        **machine(before),
        "versions": {
            **versions("alignsar_gpu", "numpy", "numba", "rasterio"),
            "gdal": rasterio.__gdal_version__,
        },
        "map": {
            "rows": mapping.grid.shape[0],
            "columns": mapping.grid.shape[1],
            "resolution": options.resolution,
            "parts": mapping.tiles.parts,
            "layers_and_dates": images,
            "megapixels": round(megapixels * images, 1),
        },
        "parts": parts,
        "steps": steps,
        "gdalwarp": gdal,
        "sarsen": sarsen,
    }
    print_machine(results)
    print(results["map"])
    print_table(parts)
    for products, step in steps.items():
        print(
            f"the step with {products}: {step['seconds']} s, {step['cpu_seconds']} CPU s, {step['peak_gb']} GB"
        )
        print_table(step["stages"])
    print("gdalwarp -geoloc:", gdal or "no NetCDF file of the date")
    print("sarsen:", sarsen or "not asked for")
    if options.output:
        write(results, options.output)


if __name__ == "__main__":
    main()
