"""What training waits for, and what a dataset of chips costs: reading chips of 256 x 256 x 12, and cutting them.

python benchmarks/chips.py [--rows 2] [--chips 96] [--folder FOLDER] [--output FILE]

Cutting: chips of a scene of 20,000 x 70,000 pixels that is made when it is read, so that no cube is decoded; some rows
of places, with the memory that a run of --memory-gib would allow itself. Megabytes of values a second, and the highest
memory of the process. Bound: 150 MB/s on two cores.

Reading: the same chips in random order by one thread, by two threads, and by two processes as a DataLoader has them, in
turn: `memmap`, numpy.memmap of the same values, whose pages the process has already; `new_memmap`, opened for each
chip, as for one that is read once; `uncompressed`, chips with chips.compressed=false; `codec`, which unpacks chunks in
memory; `compressed` chips; and `samples`, what training gets of these, in decibels and normalised. Each time into a new
array; gigabytes of values a second. Bounds: uncompressed half of memmap, compressed 0.9 of the codec; by the
processor's time too, which other processes disturb less.

Caches: `written`, files are in the system's cache since they were written; `cold`, it was asked to forget them, each
way once; `read`, they are in it since they were read, in smaller pages, which take several times as long to copy.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import shutil
import statistics
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from common import load, machine, print_machine, print_table, versions, write
from pyproj import CRS
from xarray.backends import BackendArray
from xarray.core import indexing

from alignsar_gpu.application.chips.cutting import Cutting
from alignsar_gpu.application.chips.layers import ChosenLayers, Plane
from alignsar_gpu.application.chips.places import Windows
from alignsar_gpu.application.chips.selection import Selection
from alignsar_gpu.application.chips.source import Source
from alignsar_gpu.application.chips.stage import MEMORY
from alignsar_gpu.application.dataset.output import MOST_WAITING, WAITING_SHARE
from alignsar_gpu.config.chips import ChipsConfig
from alignsar_gpu.dataset.chips.layout import STORE
from alignsar_gpu.dataset.chips.samples import Scaling
from alignsar_gpu.dataset.chips.store import ChipStore
from alignsar_gpu.dataset.cube import DIMENSIONS, finish_cube
from alignsar_gpu.dataset.flow import Flow
from alignsar_gpu.dataset.stored import BLOSC

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

LINES, SAMPLES, SIZE, LAYERS = 20_000, 70_000, 256, 12
NAMES = [f"sigma0_{number:02d}" for number in range(LAYERS)]
VALUES = np.empty((LAYERS, SIZE, SIZE), np.float32)
APART = 17  # lines of the speckle, from where one layer begins to where the next does
WORKERS = 2
PAIRS = (("uncompressed", "memmap"), ("uncompressed", "new_memmap"), ("compressed", "codec"))
WAYS = ("memmap", "new_memmap", "uncompressed", "codec", "compressed", "samples")
GIB = 1 << 30


class Speckle(BackendArray):
    """A layer that is made when it is read: lines of speckle, again and again, times a factor."""

    def __init__(self, lines: np.ndarray, first: int, factor: Any) -> None:
        self.lines, self.first, self.factor = lines, first, factor
        self.shape, self.dtype = (1, LINES, lines.shape[1]), lines.dtype

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        basic = indexing.IndexingSupport.BASIC
        return indexing.explicit_indexing_adapter(key, self.shape, basic, self.part)

    def part(self, key: tuple[int | slice, ...]) -> np.ndarray:
        lines = np.arange(LINES)[key[1]]
        return self.lines[(lines + self.first) % len(self.lines), key[2]] * self.factor


def scene(samples: int, held: int) -> Source:
    """A scene of one date, of layers of speckle and of valid pixels."""
    rng = np.random.default_rng(1)
    speckle = np.float32(0.1) * rng.standard_exponential((SIZE, samples), dtype=np.float32)
    layers = {name: Speckle(speckle, APART * n, np.float32(1.0 + 0.1 * n)) for n, name in enumerate(NAMES)}
    layers["valid"] = Speckle(np.ones((SIZE, samples), dtype=bool), 0, factor=True)
    arrays = {name: (DIMENSIONS, indexing.LazilyIndexedArray(layer)) for name, layer in layers.items()}
    data = xr.Dataset(arrays, {"time": pd.to_datetime(["2022-01-14"])}, {"reference_date": "2022-01-14"})
    crs = CRS.from_epsg(32631)
    return Source(data=data, dimensions=DIMENSIONS[1:], geometry="radar", crs=crs, held=held)


def cutting_of(rows: int, samples: int, held: int) -> Cutting:
    """Chips of the first rows of places of the scene."""
    source, windows = scene(samples, held), Windows.of(ChipsConfig(size=[SIZE, SIZE]), (LINES, samples))
    places = np.arange(rows * windows.counts[1])
    nothing, empty = np.zeros(places.size, dtype=np.int64), np.full(places.size, "train")
    return Cutting(
        source=source,
        windows=windows,
        layers=ChosenLayers(arrays={"images": [Plane(name=n, variable=n) for n in NAMES]}, labels=()),
        selection=Selection(
            places=places,
            place=places,
            date=nothing,
            split=empty,
            block=empty,
            blocks=gpd.GeoDataFrame(),
            left_out={},
            buffer=0.0,
            side=0.0,
            chip=0.0,
        ),
        dtype="float32",
        mantissa_bits=None,
    )


def peak() -> int:
    """Return the highest memory of this process by now, bytes."""
    return 1024 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def cut(
    folder: Path, rows: int, samples: int, memory: int, threads: int, *, compressed: bool
) -> dict[str, Any]:
    """Write the chips of some rows of places, as the stage does."""
    cutting, path = (
        replace(cutting_of(rows, samples, int(MEMORY * memory)), compressed=compressed),
        folder / STORE,
    )
    cutting.layout.create(path)
    before, start, taken = peak(), time.perf_counter(), time.process_time()
    with Flow(threads, min(int(WAITING_SHARE * memory), MOST_WAITING)) as flow:
        writers = cutting.writers(path, flow)
        for unit in cutting.units:
            for array, chip, values in cutting.chips(unit, int(MEMORY * memory / VALUES.itemsize)):
                writers[array].write(chip, values)
    seconds, count = time.perf_counter() - start, cutting.selection.place.size
    size = count * VALUES.nbytes
    finish_cube(path, {})
    written = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
    return {
        "compressed": "yes" if compressed else "no",
        "threads": threads,
        "chips": count,
        "megabytes": round(size / 1e6),
        "seconds": round(seconds, 2),
        "cpu_seconds": round(time.process_time() - taken, 2),
        "megabytes_per_second": round(size / seconds / 1e6),
        "written_share": round(written / size, 3),
        "peak_gb": round(peak() / 1e9, 2),
        "of_that_before_gb": round(before / 1e9, 2),
    }


@dataclass(kw_only=True)
class Readers:
    """Ways to a chip, by its number: opened once by each process."""

    stored: ChipStore
    wrapped: ChipStore
    map_plain: Callable[[], np.ndarray]
    plain: np.ndarray
    scaling: Scaling

    @classmethod
    def open(cls, folder: Path, count: int) -> Readers:
        scale = (np.full((LAYERS, 1, 1), v, np.float32) for v in (10.0, -12.5, 5.6))
        map_plain = partial(np.memmap, folder / "plain", np.float32, "r", shape=(count, *VALUES.shape))
        return cls(
            stored=ChipStore.open(folder / "yes"),
            wrapped=ChipStore.open(folder / "no"),
            map_plain=map_plain,
            plain=map_plain(),
            scaling=Scaling(**dict(zip(("decibels", "mean", "deviation"), scale, strict=True))),
        )

    @cached_property
    def chunks(self) -> dict[int, bytes]:
        """Chunks of the chips, in memory."""
        array = self.stored.arrays["images"]
        return {number: array.chunk_of(number)[2] for number in range(len(self.plain))}

    def memmap(self, number: int) -> np.ndarray:
        return np.array(self.plain[number])

    def new_memmap(self, number: int) -> np.ndarray:
        return np.array(self.map_plain()[number])

    def uncompressed(self, number: int) -> np.ndarray:
        return self.wrapped.read("images", number)

    def codec(self, number: int) -> np.ndarray:
        values = np.empty_like(VALUES)
        BLOSC.decode(self.chunks[number], out=values)
        return values

    def compressed(self, number: int) -> np.ndarray:
        return self.stored.read("images", number)

    def samples(self, number: int) -> np.ndarray:
        return self.scaling(self.compressed(number))


OPENED: dict[str, Readers] = {}  # of a process


def open_here(folder: Path, count: int) -> None:
    if not OPENED:
        OPENED["readers"] = Readers.open(folder, count)


def read(way: str, numbers: Sequence[int]) -> float:
    """Read chips; returns the processor's seconds."""
    reader, start = getattr(OPENED["readers"], way), time.thread_time()
    for number in numbers:
        reader(number)
    return time.thread_time() - start


def read_by(pool: Any, workers: int, way: str, numbers: Sequence[int]) -> tuple[float, float]:
    """Read chips in all workers of a pool; returns gigabytes a second, and a second of the processor's."""
    start = time.perf_counter()
    taken = sum(pool.map(partial(read, way), [numbers[k::workers] for k in range(workers)]))
    size = len(numbers) * VALUES.nbytes / 1e9
    return size / (time.perf_counter() - start), size / taken


def forget(folder: Path) -> None:
    """Ask the system to drop files from its cache; those that a process has read as memory stay in it."""
    os.sync()
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


Pools = dict[str, tuple["Callable[..., Any]", int]]


def pools() -> Pools:
    """Who reads: how its pool is opened, and how many there are."""
    spawn = multiprocessing.get_context("spawn")
    return {
        "one thread": (partial(ThreadPoolExecutor, 1), 1),
        f"{WORKERS} threads": (partial(ThreadPoolExecutor, WORKERS), WORKERS),
        f"{WORKERS} processes": (partial(ProcessPoolExecutor, WORKERS, spawn), WORKERS),
    }


def warm_rates(
    opening: tuple[Path, int], numbers: list[int], repeats: int, cache: str
) -> list[dict[str, Any]]:
    rows = []
    for name, (open_pool, workers) in pools().items():
        with open_pool(initializer=open_here, initargs=opening) as pool:
            found: dict[str, list[tuple[float, float]]] = {way: [] for way in WAYS}
            for _ in range(repeats + 1):
                for way, rates in found.items():
                    rates.append(read_by(pool, workers, way, numbers))
        OPENED.clear()
        medians = {w: tuple(map(statistics.median, zip(*r[1:], strict=True))) for w, r in found.items()}
        rows.append(rates_of(name, cache, medians))
    return rows


def cold_rates(opening: tuple[Path, int], numbers: list[int]) -> list[dict[str, Any]]:
    rows = []
    for name, (open_pool, workers) in pools().items():
        rates = {}
        for way in ("memmap", "uncompressed", "compressed"):
            with open_pool(initializer=open_here, initargs=opening) as pool:
                read_by(pool, workers, way, numbers[:1] * workers)
                forget(opening[0])
                rates[way] = read_by(pool, workers, way, numbers)
            OPENED.clear()
        rows.append(rates_of(name, "cold", rates))
    return rows


def measure_reading(folder: Path, count: int, repeats: int) -> list[dict[str, Any]]:
    """Rates of each way by one thread, two threads and two processes."""
    numbers, opening = np.random.default_rng(2).permutation(count).tolist(), (folder, count)
    written = warm_rates(opening, numbers, repeats, "written")
    cold = cold_rates(opening, numbers)
    return [*written, *cold, *warm_rates(opening, numbers, repeats, "read")]


def rates_of(name: str, cache: str, rates: dict[str, tuple[float, ...]]) -> dict[str, Any]:
    """A row of rates in GB/s, and of the ratios that are bound: by the clock, and by the processor's time."""
    row: dict[str, Any] = {"by": name, "cache": cache}
    row |= {way: round(rates[way][0], 2) for way in WAYS if way in rates}
    for way, other in PAIRS:
        if other in rates:
            ratios = [round(a / b, 2) for a, b in zip(rates[way], rates[other], strict=True)]
            row |= {f"of_{other}": ratios[0], f"of_{other}_cpu": ratios[1]}
    return row


def write_plain(folder: Path, count: int) -> None:
    """Write the values of the chips one after the other, as numpy.memmap has them."""
    store = ChipStore.open(folder / "yes")
    with (folder / "plain").open("wb") as file:
        for number in range(count):
            file.write(store.read("images", number).tobytes())


def measure(folder: Path, options: argparse.Namespace) -> dict[str, Any]:
    memory = int(options.memory_gib * GIB)
    spawn = multiprocessing.get_context("spawn")
    cuttings = []
    for compressed, threads in ((True, 1), (True, WORKERS), (False, WORKERS)):
        path = folder / ("yes" if compressed else "no")
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
        with ProcessPoolExecutor(1, spawn) as alone:  # whose memory is that of cutting
            of = path, options.rows, options.samples, memory, threads
            cuttings.append(alone.submit(cut, *of, compressed=compressed).result())
    count = min(options.chips, cuttings[0]["chips"])
    write_plain(folder, count)
    return {"cutting": cuttings, "reading": measure_reading(folder, count, options.repeats)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--rows", type=int, default=2, help="rows of places that are cut, 273 chips of 3.1 MB each"
    )
    parser.add_argument("--samples", type=int, default=SAMPLES, help="of the scene")
    parser.add_argument("--chips", type=int, default=96, help="chips that are read")
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--memory-gib", type=float, default=2.0, help="that a run would allow itself")
    parser.add_argument("--folder", type=Path, help="where the chips are written for a time")
    parser.add_argument("--output", type=Path, help="where to write the results as JSON")
    options = parser.parse_args()
    before = load()
    with tempfile.TemporaryDirectory(dir=options.folder) as folder:
        found = measure(Path(folder), options)
    results = {**machine(before), "versions": versions("numpy", "numcodecs", "zarr"), **found}
    print_machine(results)
    for rows in found.values():
        print_table(rows)
    if options.output:
        write(results, options.output)


if __name__ == "__main__":
    main()
