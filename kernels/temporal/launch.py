"""The CUDA drivers: launch the kernels of :mod:`.cuda`. Import it late: it imports numba.cuda."""

from __future__ import annotations

from typing import Any

from alignsar_gpu.kernels.driving.launching import elementwise

from .cuda import KERNEL


def temporal_statistics(power: Any, valid: Any, outputs: Any) -> None:
    """As :func:`.cpu.temporal_statistics`."""
    pixels = power.shape[1]
    stack = (power.reshape(-1), valid.reshape(-1))
    elementwise(KERNEL["temporal_statistics"], pixels, *stack, pixels, *outputs)


def seasonal_fit(power: Any, valid: Any, table: Any, smallest: float, outputs: Any) -> None:
    """As :func:`.cpu.seasonal_fit`."""
    pixels = power.shape[1]
    stack = (power.reshape(-1), valid.reshape(-1))
    elementwise(KERNEL["seasonal_fit"], pixels, *stack, pixels, table[0], table[1], smallest, *outputs)


def temporal_extremes(power: Any, valid: Any, least: Any, lowest: Any, highest: Any) -> None:
    """As :func:`.cpu.temporal_extremes`."""
    pixels = power.shape[1]
    stack = (power.reshape(-1), valid.reshape(-1))
    elementwise(KERNEL["temporal_extremes"], pixels, *stack, pixels, least, lowest, highest)


def temporal_mean_minimum(values: Any, mean: Any, minimum: Any) -> None:
    """As :func:`.cpu.temporal_mean_minimum`."""
    pixels = values.shape[1]
    elementwise(KERNEL["temporal_mean_minimum"], pixels, values.reshape(-1), pixels, mean, minimum)


def log_ratio(power: Any, other: Any, valid: Any, ratio: Any) -> None:
    """As :func:`.cpu.log_ratio`."""
    elementwise(KERNEL["log_ratio"], ratio.size, power, other, valid, ratio)


def change_index(power: Any, dry: Any, wet: Any, valid: Any, smallest: Any, index: Any) -> None:
    """As :func:`.cpu.change_index`."""
    elementwise(KERNEL["change_index"], index.size, power, dry, wet, valid, smallest, index)
