"""The CUDA drivers: launch the kernels of :mod:`.cuda`. Import it late: it imports numba.cuda."""

from __future__ import annotations

from typing import Any

from alignsar_gpu.kernels.driving.launching import elementwise

from .cuda import KERNEL


def mean_of_parts(values: Any, planes: int, parts: Any, least: int, out: Any) -> None:
    """As :func:`.cpu.mean_of_parts`."""
    columns = out.shape[1] // planes
    flat = out.reshape(-1)
    elementwise(KERNEL["mean_of_parts"], out.size, values, planes, columns, parts, least, flat)


def majority_of_parts(values: Any, parts: Any, least: int, out: Any) -> None:
    """As :func:`.cpu.majority_of_parts`."""
    flat = out.reshape(-1)
    elementwise(KERNEL["majority_of_parts"], out.size, values, out.shape[1], parts, least, flat)


def phasors(phase: Any, out: Any) -> None:
    """As :func:`.cpu.phasors`."""
    elementwise(KERNEL["phasors"], phase.size, phase, out)


def angles(values: Any, out: Any) -> None:
    """As :func:`.cpu.angles`."""
    elementwise(KERNEL["angles"], values.size, values, out)
