"""Speed of the CUDA kernels against what copying memory on the device allows, and against the CPU.

python benchmarks/gpu.py [--output FILE]: pixels per second, the floor that the copy bandwidth measured in
the same run sets, and the ratio of the two; the CPU drivers' rate on the same machine; how far the two
differ. Images for the interferometric kernels, one burst for the geometric ones, a tile of ground cells for
radarcoding. Ends with status 2 where there is no device.
"""

from __future__ import annotations

import argparse
import importlib
import importlib.util
import math
import re
import statistics
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ground_cells
import numba
import numpy as np
from burst import Case, cases, differences
from common import KERNELS, WINDOW, images, processor, versions, write

from alignsar_gpu import kernels

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import ModuleType

BURST = (1500, 21_000)
CPU_LINES = 1024  # the CPU takes the first lines alone, as long as they suffice to occupy it


def find_device() -> ModuleType:
    """CuPy, if there is a device; otherwise the end of the program."""
    for name in ("cupy", "numba_cuda"):
        if importlib.util.find_spec(name) is None:
            stop(f"{name} is not installed: install alignsar_gpu with the extra cuda12 or cuda13")
    cupy = importlib.import_module("cupy")
    try:
        if cupy.cuda.runtime.getDeviceCount() > 0:
            return cupy
    except cupy.cuda.runtime.CUDARuntimeError as error:
        stop(str(error))
    return stop("the driver reports no device")


def stop(reason: str) -> Any:
    print(f"no CUDA device to measure: {reason}", file=sys.stderr)
    raise SystemExit(2)


def seconds(call: Callable[[], object], wait: Callable[[], object], repeats: int) -> float:
    """Median over the repeats of the time of one of ten calls in a row, after some that are not counted."""
    for _ in range(3):
        call()
    wait()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        for _ in range(10):
            call()
        wait()
        times.append((time.perf_counter() - start) / 10)
    return statistics.median(times)


def copy_bandwidth(cupy: ModuleType, wait: Callable[[], object], repeats: int) -> float:
    """Bytes read and written in a second by a copy of 1 GiB on the device."""
    source = cupy.ones(2**27, dtype=cupy.float64)
    target = cupy.empty_like(source)
    return float(2 * source.nbytes / seconds(lambda: cupy.copyto(target, source), wait, repeats))


def deviation(cupy: ModuleType, got: Any, wanted: Any) -> dict[str, Any]:
    """Largest differences of the results, and whether the same pixels are NaN."""
    got = got if isinstance(got, tuple) else (got,)
    wanted = wanted if isinstance(wanted, tuple) else (wanted,)
    relative = 0.0
    turned = 0.0
    masks = True
    for g, w in zip((cupy.asnumpy(array) for array in got), wanted, strict=True):
        masks &= bool(np.array_equal(np.isnan(g), np.isnan(w)))
        good = np.isfinite(w) & np.isfinite(g)
        if np.nanmin(w.real) < 0 and not np.iscomplexobj(w):  # a phase: but for whole turns
            difference = np.angle(np.exp(1j * (g[good].astype(np.float64) - w[good])))
            turned = max(turned, float(np.abs(difference).max()))
        else:
            scale = np.maximum(np.abs(w[good]), np.finfo(np.float32).tiny)
            relative = max(relative, float((np.abs(g[good] - w[good]) / scale).max()))
    return {"relative": relative, "phase_radians": turned, "masks_identical": masks}


def rates(rate: float, floor: float, cpu_rate: float) -> dict[str, float]:
    """Pixels per second, what they could be, and what the CPU reaches."""
    return {
        "megapixels_per_second": round(rate / 1e6, 1),
        "floor_megapixels_per_second": round(floor / 1e6, 1),
        "ratio": round(rate / floor, 3),
        "cpu_megapixels_per_second": round(cpu_rate / 1e6, 1),
    }


def measure_cases(
    cupy: ModuleType,
    wait: Callable[[], object],
    bandwidth: float,
    repeats: int,
    found: list[Case],
    pixels: int,
) -> list[dict[str, Any]]:
    rows = []
    for case in found:
        arrays = [cupy.asarray(array) for array in case.arrays]
        rate = pixels / seconds(lambda c=case, a=arrays: c.run(*a), wait, repeats)
        cpu_rate = pixels / seconds(lambda c=case: c.run(*c.arrays), wait, 1)
        rows.append(
            {
                "kernel": case.name,
                "bytes_per_pixel": case.bytes_per_pixel,
                **rates(rate, bandwidth / case.bytes_per_pixel, cpu_rate),
                "difference_from_cpu": differences(cupy, case.run(*arrays), case.run(*case.arrays)),
            }
        )
    return rows


def measure(cupy: ModuleType, lines: int, samples: int, repeats: int) -> dict[str, Any]:
    host = images(lines, samples)
    device = {name: cupy.asarray(array) for name, array in host.items()}
    wait = cupy.cuda.runtime.deviceSynchronize
    bandwidth = copy_bandwidth(cupy, wait, repeats)
    cut = {name: array[:CPU_LINES] for name, array in host.items()}
    rows = []
    for kernel in KERNELS:
        options = {"window": WINDOW} if kernel.function == "boxcar_coherence" else {}
        function = getattr(kernels, kernel.function)

        def run(data: dict[str, Any], f: Any = function, names: Any = kernel.arrays, o: Any = options) -> Any:
            return f(*(data[name] for name in names), **o)

        rate = lines * samples / seconds(lambda r=run: r(device), wait, repeats)
        pixels = cut["valid"].size
        cpu_rate = pixels / seconds(lambda r=run: r(cut), wait, max(1, repeats // 5))
        on_device = {name: cupy.ascontiguousarray(array[:CPU_LINES]) for name, array in device.items()}
        floor = bandwidth / kernel.bytes_per_pixel
        rows.append(
            {
                "kernel": kernel.function,
                **rates(rate, floor, cpu_rate),
                "difference_from_cpu": deviation(cupy, run(on_device), run(cut)),
            }
        )
    properties = cupy.cuda.runtime.getDeviceProperties(0)
    return {
        "device": properties["name"].decode(),
        "compute_capability": f"{properties['major']}.{properties['minor']}",
        "driver_cuda": cupy.cuda.runtime.driverGetVersion(),
        "runtime_cuda": cupy.cuda.runtime.runtimeGetVersion(),
        "processor": processor(),
        "cpu_threads": numba.get_num_threads(),
        "versions": versions("numpy", "numba", "numba-cuda", "cupy-cuda12x", "cupy-cuda13x"),
        "image": {"lines": lines, "samples": samples},
        "window": list(WINDOW),
        "copy_gigabytes_per_second": round(bandwidth / 1e9, 1),
        "kernels": rows,
        "burst": list(BURST),
        "geometry": measure_cases(cupy, wait, bandwidth, repeats, cases(*BURST), BURST[0] * BURST[1]),
        "cells": list(ground_cells.SHAPE),
        "radarcoding": measure_cases(
            cupy,
            wait,
            bandwidth,
            repeats,
            ground_cells.cases(),
            ground_cells.SHAPE[0] * ground_cells.SHAPE[1],
        ),
    }


def report(results: dict[str, Any]) -> None:
    print(f"{results['device']}, {results['image']['lines']} x {results['image']['samples']} pixels")
    print(f"copy bandwidth: {results['copy_gigabytes_per_second']} GB/s, read and written")
    print(f"CPU: {results['processor']}, {results['cpu_threads']} threads")
    print(
        f"{'kernel':28}{'Mpixel/s':>10}{'floor':>10}{'ratio':>8}{'CPU':>9}{'relative':>11}{'phase':>11}  masks"
    )
    for row in results["kernels"]:
        differs = row["difference_from_cpu"]
        print(
            f"{row['kernel']:30}{row['megapixels_per_second']:10}{row['floor_megapixels_per_second']:10}"
            f"{row['ratio']:8}{row['cpu_megapixels_per_second']:9}{differs['relative']:11.1e}"
            f"{differs['phase_radians']:11.1e}  {'same' if differs['masks_identical'] else 'DIFFER'}"
        )
    print("{} x {} pixels of a burst:".format(*results["burst"]))
    report_cases(results["geometry"])
    print(
        "{} x {} cells of ground, of which a pixel has {}:".format(
            *results["cells"], math.prod(ground_cells.DETAIL)
        )
    )
    report_cases(results["radarcoding"])


def report_cases(rows: list[dict[str, Any]]) -> None:
    for row in rows:
        differs = row["difference_from_cpu"]
        largest = " ".join(f"{value:.0e}" for value in differs["largest"])
        print(
            f"{row['kernel']:30}{row['megapixels_per_second']:10}{row['floor_megapixels_per_second']:10}"
            f"{row['ratio']:8}{row['cpu_megapixels_per_second']:9}  differences {largest}, masks "
            f"{'same' if differs['masks_identical'] else 'DIFFER'}"
        )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=4096)
    parser.add_argument("--samples", type=int, default=16384)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument(
        "--output", type=Path, help="JSON file; by default benchmarks/results/gpu-<device>.json"
    )
    options = parser.parse_args()
    results = measure(find_device(), options.lines, options.samples, options.repeats)
    report(results)
    name = re.sub(r"[^a-z0-9]+", "-", results["device"].lower()).strip("-")
    write(results, options.output or Path(__file__).parent / "results" / f"gpu-{name}.json")


if __name__ == "__main__":
    main()
