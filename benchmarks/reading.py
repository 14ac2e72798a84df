"""What readers of a cube wait for: a block, the series of a pixel, a chip of many layers.

python benchmarks/reading.py CUBE [CUBE ...] [--output FILE]: folders of cube.zarr, read by xarray.open_zarr and by
alignsar_gpu.open, each in Dask's chunks and without (chunks=None), at random places that are the same in all cubes, in
turn. Median milliseconds with the cube open already and with opening it, and how many times as long each cube takes as
the first. What alignsar_gpu.open cannot read (a cube of another version) xarray.open_zarr reads instead. Files are in
the page cache after the first reading, which is not counted.
"""

from __future__ import annotations

import argparse
import statistics
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr
from common import load, machine, print_machine, print_table, versions, write

import alignsar_gpu
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Callable

BLOCK, CHIP, CHIP_LAYERS = 512, 256, 12


def open_ours(path: Path, chunks: Any) -> xr.Dataset:
    """Open a cube by this package; one of another version by xarray."""
    try:
        return alignsar_gpu.open(path, chunks)
    except AlignsarError:
        return xr.open_zarr(path, chunks=chunks)


WAYS = {
    "open_zarr, Dask": partial(xr.open_zarr, chunks={}),
    "open_zarr": partial(xr.open_zarr, chunks=None),
    "ours, Dask": partial(open_ours, chunks={}),
    "ours": partial(open_ours, chunks=None),
}


def layers_of(cubes: list[xr.Dataset]) -> list[str]:
    """Layers of every date that all cubes have, spread over their names."""
    shared = [
        name
        for name, layer in cubes[0].data_vars.items()
        if layer.dims == ("time", "azimuth", "range") and all(name in cube for cube in cubes)
    ]
    if not shared:
        raise SystemExit("the cubes have no layer of every date in common")
    return [shared[k * len(shared) // CHIP_LAYERS] for k in range(min(CHIP_LAYERS, len(shared)))]


def window(rng: np.random.Generator, cube: xr.Dataset, size: int) -> dict[str, Any]:
    """A square somewhere on some date."""
    places = {
        name: int(rng.integers(0, max(cube.sizes[name] - size, 0) + 1)) for name in ("azimuth", "range")
    }
    date = int(rng.integers(0, cube.sizes["time"]))
    return {"time": date, **{name: slice(first, first + size) for name, first in places.items()}}


def read_block(layers: list[str], rng: np.random.Generator, cube: xr.Dataset) -> None:
    np.asarray(cube[rng.choice(layers)].isel(window(rng, cube, BLOCK)))


def read_series(layers: list[str], rng: np.random.Generator, cube: xr.Dataset) -> None:
    place = {name: int(rng.integers(0, cube.sizes[name])) for name in ("azimuth", "range")}
    np.asarray(cube[rng.choice(layers)].isel(place))


def read_chip(layers: list[str], rng: np.random.Generator, cube: xr.Dataset) -> None:
    cube[layers].isel(window(rng, cube, CHIP)).load()


READINGS: dict[str, Callable[[list[str], np.random.Generator, xr.Dataset], None]] = {
    f"block {BLOCK} x {BLOCK}": read_block,
    "series of a pixel": read_series,
    f"chip {CHIP} x {CHIP} x {CHIP_LAYERS} layers": read_chip,
}


def milliseconds(
    openings: list[Callable[[], xr.Dataset]], read: Callable[..., None], repeats: int
) -> list[float]:
    """Median time of a reading in each cube, opening it with the rest; the first of each is not counted."""
    times: list[list[float]] = [[] for _ in openings]
    for repeat in range(repeats + 1):
        for taken, opening in zip(times, openings, strict=True):
            rng = np.random.default_rng(repeat)
            start = time.perf_counter()
            read(rng, opening())
            if repeat:
                taken.append(1e3 * (time.perf_counter() - start))
    return [round(statistics.median(taken), 2) for taken in times]


def measure(paths: list[Path], repeats: int) -> list[dict[str, Any]]:
    rows = []
    for way, how in WAYS.items():
        cubes = [how(path) for path in paths]
        layers = layers_of(cubes)
        openings = {
            "open": [partial(lambda cube: cube, cube) for cube in cubes],
            "with opening": [partial(how, path) for path in paths],
        }
        for reading, read in READINGS.items():
            for state, opened in openings.items():
                took = milliseconds(opened, partial(read, layers), repeats)
                row = {"reading": reading, "way": way, "cube": state, "ms": took[0]}
                for k, other in enumerate(took[1:], 2):
                    row |= {f"ms_{k}": other, f"times_{k}": round(other / took[0], 2)}
                rows.append(row)
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "cubes", type=Path, nargs="+", help="folders of cube.zarr; times are relative to the first"
    )
    parser.add_argument("--repeats", type=int, default=30)
    parser.add_argument("--output", type=Path, help="where to write the results as JSON")
    options = parser.parse_args()
    before = load()
    rows = measure(options.cubes, options.repeats)
    results = {**machine(before), "versions": versions("xarray", "zarr", "numcodecs", "dask"), "rows": rows}
    print_machine(results)
    print_table(rows)
    if options.output:
        write(results, options.output)


if __name__ == "__main__":
    main()
