"""Speed of the CPU kernels against what copying memory allows, and against plain NumPy and SciPy.

python benchmarks/cpu.py [--output FILE]: pixels per second, the floor that the copy bandwidth measured in
the same run sets, and the ratio of the two, on one thread and on all.
"""

from __future__ import annotations

import argparse
import statistics
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numba
import numpy as np
from common import KERNELS, WINDOW, images, print_rates, processor, versions, write
from scipy.ndimage import uniform_filter

from alignsar_gpu import kernels

if TYPE_CHECKING:
    from collections.abc import Callable


def seconds(function: Callable[[], object], repeats: int) -> float:
    """Median time of a call, after one that is not counted."""
    function()
    times = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


@numba.njit(parallel=True)
def copy(source: np.ndarray, target: np.ndarray) -> None:
    for i in numba.prange(source.size):
        target[i] = source[i]


def copy_bandwidth(repeats: int) -> float:
    """Bytes read and written in a second by a copy of 256 MB."""
    source = np.ones(32 * 2**20)
    target = np.empty_like(source)
    return 2 * source.nbytes / seconds(lambda: copy(source, target), repeats)


def stage_rates(
    stages: dict[str, tuple[Callable[[], object], int]], pixels: int, repeats: int
) -> tuple[list[dict[str, Any]], dict[int, float]]:
    """Rates of stages that move so many bytes a pixel, on one thread and on all, and the copy bandwidth on each."""
    rows, bandwidths = [], {}
    for count in sorted({1, numba.config.NUMBA_NUM_THREADS}):
        numba.set_num_threads(count)
        bandwidths[count] = copy_bandwidth(repeats)
        for name, (stage, pixel_bytes) in stages.items():
            took, floor = seconds(stage, repeats), pixels * pixel_bytes / bandwidths[count]
            rows.append(
                {
                    "stage": name,
                    "threads": count,
                    "seconds": round(took, 3),
                    "floor_seconds": round(floor, 4),
                    "megapixels_per_second": round(pixels / took / 1e6, 1),
                    "floor_megapixels_per_second": round(pixels / floor / 1e6, 1),
                    "ratio": round(floor / took, 3),
                }
            )
    return rows, bandwidths


def plain_coherence(reference: np.ndarray, secondary: np.ndarray, valid: np.ndarray) -> object:
    """The same coherence by SciPy's moving averages: running sums in float64, one thread."""
    r = np.where(valid, reference, 0).astype(np.complex128)
    s = np.where(valid, secondary, 0).astype(np.complex128)

    def mean(values: np.ndarray) -> np.ndarray:
        return uniform_filter(values, WINDOW, mode="constant")

    with np.errstate(invalid="ignore", divide="ignore"):
        gamma = mean(r * s.conj()) / np.sqrt(mean(np.abs(r) ** 2) * mean(np.abs(s) ** 2))
    gamma[~valid] = np.nan
    return np.abs(gamma).astype(np.float32), np.angle(gamma).astype(np.float32)


def plain_detection(pixels: np.ndarray, valid: np.ndarray) -> object:
    masked = np.where(valid, pixels, np.complex64(np.nan))
    amplitude = np.abs(masked)
    return amplitude, amplitude**2, np.angle(masked)


def plain_difference(reference: np.ndarray, secondary: np.ndarray, valid: np.ndarray) -> object:
    return np.where(valid, np.angle(reference * secondary.conj()), np.float32(np.nan))


def plain_rotation(pixels: np.ndarray, phase: np.ndarray) -> object:
    return (pixels * np.exp(1j * phase)).astype(np.complex64)


PLAIN: dict[str, Callable[..., object]] = {
    "boxcar_coherence": plain_coherence,
    "amplitude_intensity_phase": plain_detection,
    "phase_difference": plain_difference,
    "rotate_phase": plain_rotation,
}


def measure(lines: int, samples: int, repeats: int) -> dict[str, Any]:
    data = images(lines, samples)
    pixels = lines * samples
    rows = []
    bandwidths = {}
    threads = sorted({1, numba.config.NUMBA_NUM_THREADS})
    for count in threads:
        numba.set_num_threads(count)
        bandwidths[count] = copy_bandwidth(repeats)
        for kernel in KERNELS:
            options = {"window": WINDOW} if kernel.function == "boxcar_coherence" else {}
            arrays = [data[name] for name in kernel.arrays]
            function = getattr(kernels, kernel.function)
            rate = pixels / seconds(lambda f=function, a=arrays, o=options: f(*a, **o), repeats)
            floor = bandwidths[count] / kernel.bytes_per_pixel
            rows.append(
                {
                    "kernel": kernel.function,
                    "threads": count,
                    "megapixels_per_second": round(rate / 1e6, 1),
                    "floor_megapixels_per_second": round(floor / 1e6, 1),
                    "ratio": round(rate / floor, 3),
                }
            )
    plain = {}
    for kernel in KERNELS:
        arrays = [data[name] for name in kernel.arrays]
        rate = pixels / seconds(lambda f=PLAIN[kernel.function], a=arrays: f(*a), max(1, repeats // 5))
        plain[kernel.function] = round(rate / 1e6, 1)
    return {
        "processor": processor(),
        "threads": max(threads),
        "versions": versions("numpy", "numba", "llvmlite", "scipy"),
        "image": {"lines": lines, "samples": samples},
        "window": list(WINDOW),
        "copy_gigabytes_per_second": {str(k): round(v / 1e9, 1) for k, v in bandwidths.items()},
        "kernels": rows,
        "plain_megapixels_per_second": plain,
    }


def report(results: dict[str, Any]) -> None:
    print(f"{results['processor']}, {results['image']['lines']} x {results['image']['samples']} pixels")
    plain = results["plain_megapixels_per_second"]
    print_rates("kernel", results, [row | {"plain": plain[row["kernel"]]} for row in results["kernels"]])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--lines", type=int, default=1500)
    parser.add_argument("--samples", type=int, default=8000)
    parser.add_argument("--repeats", type=int, default=15)
    parser.add_argument("--output", type=Path, help="where to write the results as JSON")
    options = parser.parse_args()
    results = measure(options.lines, options.samples, options.repeats)
    report(results)
    if options.output:
        write(results, options.output)


if __name__ == "__main__":
    main()
