"""The CUDA drivers: launch the kernels of `cuda`. Import it late: it imports numba.cuda."""

from __future__ import annotations

from typing import Any

from alignsar_gpu.kernels.driving.gpujit import FEWEST_BLOCKS, MOST_BLOCKS, THREADS
from alignsar_gpu.kernels.driving.launching import elementwise, launch

from .cuda import GROUP, KERNEL, LINES, WIDEST_TILED_WINDOW


def amplitude_intensity_phase(pixels: Any, valid: Any, amplitude: Any, intensity: Any, phase: Any) -> None:
    """As :func:`.cpu.amplitude_intensity_phase`."""
    elementwise(KERNEL["amplitude_intensity_phase"], pixels.size, pixels, valid, amplitude, intensity, phase)


def phase_difference(reference: Any, secondary: Any, valid: Any, phase: Any) -> None:
    """As :func:`.cpu.phase_difference`."""
    elementwise(KERNEL["phase_difference"], reference.size, reference, secondary, valid, phase)


def rotate_phase(pixels: Any, phase: Any, rotated: Any) -> None:
    """As :func:`.cpu.rotate_phase`."""
    elementwise(KERNEL["rotate_phase"], pixels.size, pixels, phase, rotated)


def boxcar_coherence(
    reference: Any,
    secondary: Any,
    valid: Any,
    half: tuple[int, int],
    first: int,
    magnitude: Any,
    angle: Any,
) -> None:
    """As :func:`.cpu.boxcar_coherence`."""
    if magnitude.size == 0:
        return
    rows, samples = magnitude.shape
    inputs = [array.reshape(-1) for array in (reference, secondary, valid)]
    outputs = [array.reshape(-1) for array in (magnitude, angle)]
    sizes = (reference.shape, half, (first, rows))
    if 2 * half[1] + 1 > WIDEST_TILED_WINDOW:
        elementwise(KERNEL["boxcar_coherence_direct"], magnitude.size, *inputs, *sizes, *outputs)
    else:
        across = -(-samples // ((THREADS - 2 * half[1]) // GROUP * GROUP))
        down = min(max(-(-rows // LINES), -(-FEWEST_BLOCKS // across)), MOST_BLOCKS)
        launch(KERNEL["boxcar_coherence_tile"], (across, down), *inputs, *sizes, *outputs)


def block_coherence(
    reference: Any, secondary: Any, valid: Any, lines: Any, samples: Any, coherence_out: Any, count_out: Any
) -> None:
    """As :func:`.cpu.block_coherence`."""
    flat = [array.reshape(-1) for array in (reference, secondary, valid)]
    outputs = [array.reshape(-1) for array in (coherence_out, count_out)]
    edges = reference.shape[1], lines, samples
    elementwise(KERNEL["block_coherence"], count_out.size, *flat, *edges, *outputs)
