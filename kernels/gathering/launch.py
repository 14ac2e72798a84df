"""The CUDA drivers: launch the kernels of :mod:`.cuda`. Import it late: it imports numba.cuda."""

from __future__ import annotations

from typing import Any

from alignsar_gpu.kernels.driving.launching import elementwise

from .cuda import KERNEL


def gather_nearest(image: Any, shape: Any, row: Any, column: Any, nothing: Any, out: Any) -> None:
    """As :func:`.cpu.gather_nearest`; each kind of image has its kernel, which knows what is no data."""
    kernel = KERNEL[f"gather_nearest_{nothing.dtype.name}"]
    elementwise(kernel, out.size, image, shape, row.reshape(-1), column.reshape(-1), out.reshape(-1))


def gather_triangles(image: Any, shape: Any, row: Any, column: Any, out: Any) -> None:
    """As :func:`.cpu.gather_triangles`."""
    arrays = (row.reshape(-1), column.reshape(-1), out.reshape(-1))
    elementwise(KERNEL["gather_triangles"], out.size, image, shape, *arrays)


def gather_bilinear(image: Any, planes: int, shape: Any, row: Any, column: Any, out: Any) -> None:
    """As :func:`.cpu.gather_bilinear`."""
    arrays = (row.reshape(-1), column.reshape(-1), out.reshape(-1))
    elementwise(KERNEL["gather_bilinear"], row.size, image, planes, shape, *arrays)


def gather_cubic(image: Any, planes: int, shape: Any, row: Any, column: Any, out: Any) -> None:
    """As :func:`.cpu.gather_cubic`."""
    arrays = (row.reshape(-1), column.reshape(-1), out.reshape(-1))
    elementwise(KERNEL["gather_cubic"], row.size, image, planes, shape, *arrays)


def spread_parabolas(p: Any, q: Any, b: Any, along: Any, begin: int, out: Any) -> None:
    """As :func:`.cpu.spread_parabolas`."""
    given = (p.reshape(-1), q.reshape(-1), b.reshape(-1), p.shape[1], along, begin, out.shape[1])
    elementwise(KERNEL["spread_parabolas"], out.size, *given, out.reshape(-1))
