"""Speed of the CPU kernels against what copying memory allows, and against plain NumPy and SciPy.

python benchmarks/cpu.py [--output FILE]: each kernel in turn with a copy of memory and with the plain way, on one
thread and on all: its share of the speed that the copy allows, and how many times as fast it is as NumPy and SciPy,
which use one thread. Ratios hold from one machine to another; pixels per second are of this one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from common import (
    KERNELS,
    WINDOW,
    copy_bandwidth,
    copy_memory,
    image_command,
    images,
    print_table,
    seconds_in_turn,
    thread_counts,
    versions,
)
from scipy.ndimage import uniform_filter

from alignsar_gpu import kernels

if TYPE_CHECKING:
    from collections.abc import Callable


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
    data, pixels, rows = images(lines, samples), lines * samples, []
    for threads in thread_counts():
        for kernel in KERNELS:
            options = {"window": WINDOW} if kernel.function == "boxcar_coherence" else {}
            arrays = [data[name] for name in kernel.arrays]
            function = getattr(kernels, kernel.function)
            calls = {
                "kernel": lambda f=function, a=arrays, o=options: f(*a, **o),
                "copy": copy_memory,
                "plain": lambda f=PLAIN[kernel.function], a=arrays: f(*a),
            }
            took = seconds_in_turn(calls, repeats)
            bandwidth = copy_bandwidth(took["copy"])
            rows.append(
                {
                    "kernel": kernel.function,
                    "threads": threads,
                    "megapixels_per_second": round(pixels / took["kernel"] / 1e6, 1),
                    "copy_gigabytes_per_second": round(bandwidth / 1e9, 1),
                    "share_of_floor": round(pixels * kernel.bytes_per_pixel / bandwidth / took["kernel"], 3),
                    "plain_megapixels_per_second": round(pixels / took["plain"] / 1e6, 1),
                    "times_plain": round(took["plain"] / took["kernel"], 1),
                }
            )
    return {
        "versions": versions("numpy", "numba", "llvmlite", "scipy"),
        "window": list(WINDOW),
        "kernels": rows,
    }


if __name__ == "__main__":
    image_command(__doc__, measure, lambda results: print_table(results["kernels"]), samples=8000)
