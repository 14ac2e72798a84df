"""What the benchmarks share: test images, timing beside a copy of memory, the state of the machine, results."""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

WINDOW = (5, 21)
COPIED = 32 * 2**20  # float64 values: far more than a cache holds


@dataclass(frozen=True, kw_only=True)
class Kernel:
    """A public function, the names of its arrays, and the bytes it must read and write for each pixel."""

    function: str
    arrays: tuple[str, ...]
    bytes_per_pixel: int


KERNELS = (
    Kernel(
        function="boxcar_coherence",
        arrays=("reference", "secondary", "valid"),
        bytes_per_pixel=8 + 8 + 1 + 4 + 4,
    ),
    Kernel(
        function="amplitude_intensity_phase", arrays=("reference", "valid"), bytes_per_pixel=8 + 1 + 3 * 4
    ),
    Kernel(
        function="phase_difference", arrays=("reference", "secondary", "valid"), bytes_per_pixel=8 + 8 + 1 + 4
    ),
    Kernel(function="rotate_phase", arrays=("reference", "phase"), bytes_per_pixel=8 + 8 + 8),
)


def images(lines: int, samples: int) -> dict[str, np.ndarray]:
    """Two images of coherence 0.8, a mask without the first 100 samples, and unwrapped phases."""
    rng = np.random.default_rng(1)

    def speckle() -> np.ndarray:
        real = rng.standard_normal((lines, samples, 2), dtype=np.float32)
        return real.view(np.complex64)[..., 0]

    common = speckle()
    valid = np.ones((lines, samples), dtype=bool)
    valid[:, :100] = False
    return {
        "reference": common + np.float32(0.5) * speckle(),
        "secondary": common + np.float32(0.5) * speckle(),
        "valid": valid,
        "phase": rng.uniform(-1e4, 1e4, (lines, samples)),
    }


def versions(*packages: str) -> dict[str, str]:
    """Versions of Python and of the packages that are installed."""
    found = {"python": platform.python_version()}
    for package in packages:
        try:
            found[package] = metadata.version(package)
        except metadata.PackageNotFoundError:
            continue
    return found


def processor() -> str:
    """What the processor calls itself, as far as the system tells."""
    information = Path("/proc/cpuinfo")
    if information.is_file():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.machine()


def load() -> float:
    """Processes that ran or waited for a core, mean of the last minute; what is measured raises it too."""
    return round(os.getloadavg()[0], 2)


def machine(load_before: float) -> dict[str, Any]:
    """The processor, its cores, the threads that are used, and the load before and after."""
    return {
        "processor": processor(),
        "cores": os.cpu_count(),
        "threads": numba.config.NUMBA_NUM_THREADS,
        "load_before": load_before,
        "load_after": load(),
    }


def print_machine(facts: dict[str, Any]) -> None:
    print(
        f"{facts['processor']}, {facts['cores']} cores, {facts['threads']} threads; "
        f"load {facts['load_before']} before, {facts['load_after']} after"
    )


def seconds_in_turn(calls: dict[str, Callable[[], object]], repeats: int) -> dict[str, float]:
    """Median seconds of each call. They take turns, so that what else the machine does disturbs all alike.

    Each is called once before, which is not counted.
    """
    times: dict[str, list[float]] = {name: [] for name in calls}
    for repeat in range(repeats + 1):
        for name, call in calls.items():
            start = time.perf_counter()
            call()
            if repeat:
                times[name].append(time.perf_counter() - start)
    return {name: statistics.median(taken) for name, taken in times.items()}


@cache
def copied() -> tuple[np.ndarray, np.ndarray, ThreadPoolExecutor]:
    return np.ones(COPIED), np.ones(COPIED), ThreadPoolExecutor()


def copy_memory() -> None:
    """Copy 256 MB on as many threads as kernels use."""
    source, target, pool = copied()
    threads = numba.get_num_threads()
    parts = [slice(k * COPIED // threads, (k + 1) * COPIED // threads) for k in range(threads)]
    list(pool.map(lambda part: np.copyto(target[part], source[part]), parts))


def copy_bandwidth(took: float) -> float:
    """Bytes read and written in a second, where `copy_memory` took so many seconds."""
    return 2 * 8 * COPIED / took


def thread_counts() -> Iterator[int]:
    """One thread, then all, each set while it is used."""
    for count in sorted({1, numba.config.NUMBA_NUM_THREADS}):
        numba.set_num_threads(count)
        yield count


def beside_copy(call: Callable[[], object], repeats: int, moved: float) -> dict[str, float]:
    """Seconds of a call that must move so many bytes, in turn with copies, and its share of their speed."""
    took = seconds_in_turn({"call": call, "copy": copy_memory}, repeats)
    bandwidth = copy_bandwidth(took["copy"])
    return {
        "seconds": round(took["call"], 6),
        "copy_gigabytes_per_second": round(bandwidth / 1e9, 1),
        "share_of_floor": round(moved / bandwidth / took["call"], 3),
    }


def stage_rates(
    stages: dict[str, tuple[Callable[[], object], int]], pixels: int, repeats: int
) -> list[dict[str, Any]]:
    """Rates of stages that move so many bytes a pixel, on one thread and on all, each beside a copy."""
    rows = []
    for threads in thread_counts():
        for name, (stage, pixel_bytes) in stages.items():
            row = beside_copy(stage, repeats, pixels * pixel_bytes)
            rate = round(pixels / row["seconds"] / 1e6, 1)
            rows.append({"stage": name, "threads": threads, "megapixels_per_second": rate, **row})
    return rows


def print_table(rows: list[dict[str, Any]]) -> None:
    """A line for each row, under the names of what they have; texts stand at the left."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    heads = {
        name: name.replace("megapixels_per_second", "Mpixel/s").replace("gigabytes_per_second", "GB/s")
        for name in names
    }
    texts = {name for name in names if isinstance(rows[0].get(name), str)}
    widths = {
        name: max(len(heads[name].replace("_", " ")), *(len(str(row.get(name, "-"))) for row in rows))
        for name in names
    }

    def line(cells: dict[str, Any]) -> str:
        return "  ".join(
            f"{cells.get(name, '-')!s:{'<' if name in texts else '>'}{widths[name]}}" for name in names
        )

    print(line({name: head.replace("_", " ") for name, head in heads.items()}))
    for row in rows:
        print(line(row))


def write(results: dict[str, Any], path: Path) -> None:
    """Keep the results as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(results, indent=2) + "\n")
    print(f"written to {path}")


def image_command(
    about: str,
    measure: Callable[[int, int, int], dict[str, Any]],
    report: Callable[[dict[str, Any]], None],
    *,
    samples: int = 21_000,
) -> None:
    """The command line of a benchmark on one image: measures lines x samples, reports, writes JSON if asked to."""
    parser = argparse.ArgumentParser(description=about.splitlines()[0])
    parser.add_argument("--lines", type=int, default=1500)
    parser.add_argument("--samples", type=int, default=samples)
    parser.add_argument("--repeats", type=int, default=7)
    parser.add_argument("--output", type=Path, help="where to write the results as JSON")
    options = parser.parse_args()
    before = load()
    found = measure(options.lines, options.samples, options.repeats)
    results = {**machine(before), "image": {"lines": options.lines, "samples": options.samples}, **found}
    print_machine(results)
    print(f"{options.lines} x {options.samples} pixels")
    report(results)
    if options.output:
        write(results, options.output)
