"""The CUDA drivers of polarimetry. Import it late: it imports numba.cuda."""

from __future__ import annotations

from typing import Any

from alignsar_gpu.kernels.driving.launching import elementwise

from .cuda import KERNEL


def _flat(*arrays: Any) -> list[Any]:
    return [array.reshape(-1) for array in arrays]


def window_signatures_dual(
    images: Any, radiometry: Any, lowest: Any, half: Any, top: int, slots: Any, shape: Any, out: Any
) -> None:
    """As :func:`.cpu_polarimetry.window_signatures`."""
    given = (*_flat(*images, *radiometry), lowest, half, top, slots, shape, out)
    elementwise(KERNEL["window_signatures_dual"], shape[0] * shape[1], *given)


def window_signatures_quad(
    images: Any, radiometry: Any, lowest: Any, half: Any, top: int, slots: Any, shape: Any, out: Any
) -> None:
    """As :func:`.cpu_polarimetry.window_signatures`."""
    del lowest  # no signature of four channels is of single pixels
    given = (*_flat(*images, *radiometry), half, top, slots, shape, out)
    elementwise(KERNEL["window_signatures_quad"], shape[0] * shape[1], *given)


def matrix_signatures_dual(
    planes: Any, valid: Any, radiometry: Any, lowest: Any, slots: Any, shape: Any, out: Any
) -> None:
    """As :func:`.cpu_polarimetry.matrix_signatures`."""
    given = (*_flat(planes, valid, *radiometry), lowest, slots, shape, out)
    elementwise(KERNEL["matrix_signatures_dual"], shape[0] * shape[1], *given)


def matrix_signatures_quad(
    planes: Any, valid: Any, radiometry: Any, lowest: Any, slots: Any, shape: Any, out: Any
) -> None:
    """As :func:`.cpu_polarimetry.matrix_signatures`."""
    del lowest
    given = (*_flat(planes, valid, *radiometry), slots, shape, out)
    elementwise(KERNEL["matrix_signatures_quad"], shape[0] * shape[1], *given)
