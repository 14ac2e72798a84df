"""The CUDA drivers: launch the kernels of :mod:`.cuda`. Import it late: it imports numba.cuda."""

from __future__ import annotations

from typing import Any

from alignsar_gpu.kernels.driving.gpujit import FEWEST_BLOCKS, MOST_BLOCKS, THREADS
from alignsar_gpu.kernels.driving.launching import elementwise, launch

from .cuda import KERNEL


def polynomials(coefficients: Any, sample: Any, height: Any, out: Any) -> None:
    """As :func:`.cpu.polynomials`."""
    lines, samples = height.shape
    grid = (-(-samples // THREADS), min(max(lines, FEWEST_BLOCKS), MOST_BLOCKS))
    given = coefficients.reshape(-1), coefficients.shape[2:], sample, height.reshape(-1), len(out)
    launch(KERNEL["polynomials"], grid, *given, out.reshape(-1))


def move_places(layers: Any, flags: Any, down: Any, across: Any, out: Any) -> None:
    """As :func:`.cpu.move_places`."""
    given = [array.reshape(-1) for array in (flags, down, across)]
    for layer, target in zip(layers, out, strict=True):
        elementwise(
            KERNEL["move_coordinate"], flags.size, layer.reshape(-1), *given, flags.shape, target.reshape(-1)
        )


def move_image(image: Any, down: Any, across: Any, out: Any) -> None:
    """As :func:`.cpu.move_image`."""
    given = [array.reshape(-1) for array in (image, down, across)]
    elementwise(KERNEL["move_image"], image.size, *given, image.shape, out.reshape(-1))
