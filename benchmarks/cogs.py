"""Which compression for Cloud-Optimized GeoTIFFs: size, and megapixels written a second, with all that belongs to it.

python benchmarks/cogs.py [--rows 6000] [--columns 6000] [--output FILE]: a layer of backscatter with speckle, half way
between pixels as geocoding makes it, no data at its left, by GDAL's codecs; then classes, complex numbers and a picture
as they are written, and two layers at once, a thread each. Megapixels a CPU second count all threads: other work on the
machine disturbs them less.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import rasterio
from common import load, machine, print_machine, print_table, versions, write

from alignsar_gpu.dataset.cube import CubeLayer
from alignsar_gpu.device import cpu_threads
from alignsar_gpu.environment import check_environment
from alignsar_gpu.geocoding.cog_layouts import CogLayout, layer_layout, picture_layout
from alignsar_gpu.geocoding.cogs import BLOCK, CogWriter
from alignsar_gpu.geocoding.map_grid import MapGrid
from alignsar_gpu.geocoding.visual import channels, stretch, visual

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

PREDICTOR = {"PREDICTOR": "FLOATING_POINT"}
CODECS = {
    "none": {"COMPRESS": "NONE"},
    "zstd 1": {"COMPRESS": "ZSTD", "LEVEL": "1"},
    "zstd 1, predictor": {"COMPRESS": "ZSTD", "LEVEL": "1", **PREDICTOR},
    "zstd 9, predictor": {"COMPRESS": "ZSTD", "LEVEL": "9", **PREDICTOR},
    "deflate 1": {"COMPRESS": "DEFLATE", "LEVEL": "1"},
    "deflate 1, predictor": {"COMPRESS": "DEFLATE", "LEVEL": "1", **PREDICTOR},
    "lzw, predictor": {"COMPRESS": "LZW", **PREDICTOR},
    "lerc and zstd 1": {"COMPRESS": "LERC_ZSTD", "LEVEL": "1"},
}


def speckle(shape: tuple[int, int], seed: int) -> NDArray[np.float32]:
    fine = np.random.default_rng(seed).standard_exponential((shape[0] + 1, shape[1] + 1), dtype=np.float32)
    values = 0.25 * (fine[1:, 1:] + fine[:-1, 1:] + fine[1:, :-1] + fine[:-1, :-1])
    values[:, : shape[1] // 10] = np.nan
    return np.asarray(values, dtype=np.float32)


def layer(name: str, dtype: str, units: str = "1") -> CogLayout:
    return layer_layout(CubeLayer(name=name, dtype=dtype, dated=True, attributes={"units": units}))


def save(path: Path, grid: MapGrid, layout: CogLayout, values: NDArray[Any], threads: int) -> None:
    with CogWriter(path, grid, layout, threads=threads) as writer:
        for first in range(0, grid.shape[0], BLOCK):
            writer.write(first, values[..., first : first + BLOCK, :])


def rated(name: str, call: Callable[[], list[Path]], pixels: int, repeats: int) -> dict[str, Any]:
    """Time a call that writes files; the best of some repeats."""
    walls, cpus, size = [], [], 0
    for _ in range(repeats):
        before, start = os.times(), time.perf_counter()
        files = call()
        walls.append(time.perf_counter() - start)
        after = os.times()
        cpus.append(after.user + after.system - before.user - before.system)
        size = sum(file.stat().st_size for file in files)
    return {
        "layer": name,
        "megapixels_per_second": round(1e-6 * pixels / min(walls), 1),
        "megapixels_per_cpu_second": round(1e-6 * pixels / min(cpus), 1),
        "megabytes": round(1e-6 * size, 1),
    }


def measure(folder: Path, shape: tuple[int, int], repeats: int) -> list[dict[str, Any]]:
    grid = MapGrid(crs="EPSG:32631", affine=(10.0, 0.0, 5e5, 0.0, -10.0, 5.6e6), shape=shape)
    threads, file, pixels = cpu_threads(), folder / "a.tif", shape[0] * shape[1]
    powers = {name: speckle(shape, seed) for seed, name in enumerate(("sigma0_vv", "sigma0_vh"))}
    first = powers["sigma0_vv"]
    classes = (8 * np.random.default_rng(3).random((shape[0] // 16 + 1, shape[1] // 16 + 1))).astype(np.uint8)
    classes = classes.repeat(16, 0).repeat(16, 1)[: shape[0], : shape[1]]
    picture = visual(powers, stretch(channels({k: v[::8, ::8] for k, v in powers.items()})))
    backscatter = layer("sigma0_vv", "float32")
    cases = {name: (replace(backscatter, options=codec), first) for name, codec in CODECS.items()}
    cases |= {
        "backscatter, as it is written": (backscatter, first),
        "classes": (layer("land_cover", "uint8"), classes),
        "phases": (layer("phase", "float32", "rad"), first),
        "complex numbers": (layer("phasor", "complex64"), first + 1j * powers["sigma0_vh"]),
        "picture": (picture_layout("a picture"), picture),
    }

    def one(layout: CogLayout, values: NDArray[Any]) -> list[Path]:
        save(file, grid, layout, values, threads)
        return [file]

    def two() -> list[Path]:
        files = [folder / "b.tif", folder / "c.tif"]
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(lambda path: save(path, grid, backscatter, first, 1), files))
        return files

    rows = [
        rated(name, lambda case=case: one(*case), pixels, repeats)  # type: ignore[misc]
        for name, case in cases.items()
    ]
    return [*rows, rated("backscatter, two layers at once", two, 2 * pixels, repeats)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=6000)
    parser.add_argument("--columns", type=int, default=6000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--output", type=Path, help="where to write the results as JSON")
    options = parser.parse_args()
    check_environment()
    before = load()
    with tempfile.TemporaryDirectory() as folder:
        rows = measure(Path(folder), (options.rows, options.columns), options.repeats)
    results = {
        **machine(before),
        "versions": {**versions("rasterio", "numpy"), "gdal": rasterio.__gdal_version__},
        "image": {"rows": options.rows, "columns": options.columns},
        "ways": rows,
    }
    print_machine(results)
    print_table(rows)
    if options.output:
        write(results, options.output)


if __name__ == "__main__":
    main()
