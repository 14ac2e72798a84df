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
    lines, samples = out.shape
    grid = (-(-samples // THREADS), min(max(lines, FEWEST_BLOCKS), MOST_BLOCKS))
    name = f"ramp_{image.dtype.name}"
    launch(KERNEL[name], grid, image.reshape(-1), slope, centroid, time, sign, out.reshape(-1))


def decode(image: Any, wanted: Any, out: Any, known: Any) -> None:
    """As :func:`.cpu.decode`."""
    flat = [array.reshape(-1) for array in (image, wanted, out, known)]
    elementwise(KERNEL[f"decode_{image.dtype.name}"], out.size, *flat)


def extents(line: Any, sample: Any, out: Any) -> None:
    """As :func:`.cpu.extents`."""
    rows, columns = line.shape
    flat = [array.reshape(-1) for array in (line, sample)]
    launch(KERNEL["extents"], min(max(rows, FEWEST_BLOCKS), MOST_BLOCKS), *flat, columns, out.reshape(-1))


def resample(
    image: Any, positions: Any, tables: Any, carrier: Any, numbers: Any, out: Any, valid: Any
) -> None:
    """As :func:`.cpu.resample`, for the numbers of taps of the tables.

    What holds data is found apart: on sm_90, more registers would halve the threads of the kernel.
    """
    name = "resample_{}_{}".format(*(table.shape[1] for table in tables))
    shape = (image.shape[0], image.shape[1] // 2)
    inputs = [array.reshape(-1) for array in (*positions, *tables)]
    outputs = (out.reshape(-1), valid.reshape(-1))
    elementwise(KERNEL[name], out.size, image.reshape(-1), shape, *inputs, *carrier, numbers, *outputs)
    valid &= out != 0
