"""The CUDA drivers: launch the kernels of `cuda`. Import it late: it imports numba.cuda."""

from __future__ import annotations

from typing import Any

from alignsar_gpu.kernels.driving.gpujit import FEWEST_BLOCKS, MOST_BLOCKS, THREADS
from alignsar_gpu.kernels.driving.launching import elementwise, launch

from .cuda import KERNEL


def ramp(image: Any, slope: Any, centroid: Any, time: Any, sign: int, out: Any) -> None:
    """As :func:`.cpu.ramp`."""
    if image.size == 0:
        return
    lines, samples = image.shape
    grid = (-(-samples // THREADS), min(max(lines, FEWEST_BLOCKS), MOST_BLOCKS))
    launch(KERNEL["ramp"], grid, image.reshape(-1), slope, centroid, time, sign, out.reshape(-1))


def resample(
    image: Any, positions: Any, tables: Any, carrier: Any, numbers: Any, out: Any, valid: Any
) -> None:
    """As :func:`.cpu.resample`, for the numbers of taps of the tables."""
    name = "resample_{}_{}".format(*(table.shape[1] for table in tables))
    shape = (image.shape[0], image.shape[1] // 2)
    inputs = [array.reshape(-1) for array in (*positions, *tables)]
    outputs = (out.reshape(-1), valid.reshape(-1))
    elementwise(KERNEL[name], out.size, image.reshape(-1), shape, *inputs, *carrier, numbers, *outputs)
