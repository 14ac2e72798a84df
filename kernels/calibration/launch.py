"""The CUDA drivers: launch the kernels of :mod:`.cuda`. Import it late: it imports numba.cuda."""

from __future__ import annotations

from typing import Any

from alignsar_gpu.kernels.driving.gpujit import FEWEST_BLOCKS, MOST_BLOCKS, THREADS
from alignsar_gpu.kernels.driving.launching import elementwise, launch

from .cuda import KERNEL


def interpolate_rows(table: Any, above: Any, below: Any, shares: Any, as_gain: Any, out: Any) -> None:
    """As :func:`.cpu.interpolate_rows`."""
    lines, samples = out.shape
    grid = (-(-samples // THREADS), min(max(lines, FEWEST_BLOCKS), MOST_BLOCKS))
    given = table.reshape(-1), above, below, shares.reshape(-1), int(as_gain)
    launch(KERNEL["interpolate_rows"], grid, *given, out.reshape(-1))


def calibrate(factor: Any, power: Any, floor: Any, masked: Any, out: Any) -> None:
    """As :func:`.cpu.calibrate`."""
    flat = [array.reshape(-1) for array in (factor, power, floor)]
    elementwise(KERNEL["calibrate"], out.size, *flat, int(masked), out.reshape(-1))
