"""The CUDA drivers of polarimetry. Import it late: it imports numba.cuda."""

from __future__ import annotations

from typing import Any

from alignsar_gpu.kernels.driving.launching import elementwise, launch
from alignsar_gpu.kernels.driving.tiling import is_tiled, tile_grid

from . import cuda, cuda_windows


def _flat(*arrays: Any) -> list[Any]:
    return [array.reshape(-1) for array in arrays]


def _lowest(kind: str, lowest: Any) -> tuple[Any, ...]:
    """No signature of four channels is of single pixels."""
    return (lowest,) if kind == "dual" else ()


def window_signatures(
    kind: str,
    images: Any,
    radiometry: Any,
    lowest: Any,
    half: Any,
    top: int,
    slots: Any,
    shape: Any,
    out: Any,
) -> None:
    """As `cpu.window_signatures`."""
    given = (*_flat(*images, *radiometry), *_lowest(kind, lowest), half, top, slots, shape, out)
    if is_tiled(half) and shape[0] * shape[1] > 0:
        kernel = cuda_windows.KERNEL[f"window_signatures_{kind}_tile"]
        launch(kernel, tile_grid(shape[0], shape[1], half), *given)
    else:
        kernel = cuda_windows.KERNEL[f"window_signatures_{kind}_direct"]
        elementwise(kernel, shape[0] * shape[1], *given)


def matrix_signatures(
    kind: str, planes: Any, valid: Any, radiometry: Any, lowest: Any, slots: Any, shape: Any, out: Any
) -> None:
    """As `cpu.matrix_signatures`."""
    given = (*_flat(planes, valid, *radiometry), *_lowest(kind, lowest), slots, shape, out)
    elementwise(cuda.KERNEL[f"matrix_signatures_{kind}"], shape[0] * shape[1], *given)
