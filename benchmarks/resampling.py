"""Speed of resampling on the CPU.

python benchmarks/resampling.py [--output FILE]: a burst of 1500 x 21000 pixels at the positions of a second pass,
its carrier put back, and the carrier alone, on one thread and on all: each in turn with a copy of memory, and its
share of the speed that the copy allows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from common import image_command, print_table, stage_rates, versions

from alignsar_gpu import kernels

if TYPE_CHECKING:
    from collections.abc import Callable

TAPS = ((8, 8), (8, 12), (8, 16), (12, 12), (16, 16))
RESAMPLE_BYTES = 8 + 2 * 8 + 8 + 1  # the image, both positions, the values and where there are any
RAMP_BYTES = 8 + 8
INTERVAL = 0.00205556


def stages(lines: int, samples: int) -> dict[str, tuple[Callable[[], object], int]]:
    """What is measured, and the bytes a pixel of each."""
    rng = np.random.default_rng(1)
    image = rng.standard_normal((lines, samples, 2), dtype=np.float32).view(np.complex64)[..., 0]
    line, sample = np.mgrid[0.0:lines, 0.0:samples]
    line += 2.3 + sample * 1e-5  # a second pass drifts against the first, by lines and by samples
    sample += 31.7 + sample * 1e-4
    table = kernels.CarrierTable(
        np.linspace(-1560.0, -1520.0, samples),
        np.linspace(-50.0, 30.0, samples),
        -0.5 * lines * INTERVAL,
        INTERVAL,
    )
    time = table.first_time + INTERVAL * np.arange(lines)
    turned = np.empty_like(image)
    found: dict[str, tuple[Callable[[], object], int]] = {
        "ramp": (lambda: kernels.ramp(image, *table[:2], time, -1, out=turned), RAMP_BYTES)
    }
    for down, across in TAPS:
        tables = {"down": kernels.weights(down, 0.67), "across": kernels.weights(across, 0.75)}
        found[f"resample {down} x {across}"] = (
            lambda t=tables: kernels.resample(image, line, sample, **t, carrier=table),
            RESAMPLE_BYTES,
        )
    return found


def measure(lines: int, samples: int, repeats: int) -> dict[str, Any]:
    return {
        "versions": versions("numpy", "numba", "llvmlite"),
        "stages": stage_rates(stages(lines, samples), lines * samples, repeats),
    }


if __name__ == "__main__":
    image_command(__doc__, measure, lambda results: print_table(results["stages"]))
