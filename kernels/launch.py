"""The CUDA drivers: launch the kernels of :mod:`.cuda`. Import it late: it imports numba.cuda."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from .cuda import GROUP, KERNEL, LINES, WIDEST_TILED_WINDOW
from .gpujit import FEWEST_BLOCKS, MOST_BLOCKS, SIMULATED, THREADS
from .gpujit import cuda as numba_cuda

if TYPE_CHECKING:
    from types import ModuleType


def _array_module() -> ModuleType:
    return np if SIMULATED else importlib.import_module("cupy")


def as_array(array: Any) -> Any:
    """The device array as a CuPy array, without a copy; in the simulator, as a numpy array."""
    if SIMULATED:
        return array.copy_to_host()
    return _array_module().asarray(array)


def empty(shape: tuple[int, ...], dtype: Any) -> Any:
    """A new CuPy array; in the simulator, a numpy array."""
    return _array_module().empty(shape, dtype)


def place(array: Any) -> Any:
    """A small numpy array on the device."""
    return np.ascontiguousarray(array) if SIMULATED else _array_module().asarray(array)


def _launch(name: str, grid: int | tuple[int, int], *arguments: Any) -> None:
    if SIMULATED:
        KERNEL[name][grid, THREADS](*arguments)
        return
    # On CuPy's current stream: after what fills the arguments, before what reads the results. Left to
    # itself, numba-cuda would wait for that stream once for every argument.
    pointer = _array_module().cuda.get_current_stream().ptr
    stream = numba_cuda.external_stream(pointer) if pointer else 0
    views = [
        numba_cuda.as_cuda_array(a, sync=False) if hasattr(a, "__cuda_array_interface__") else a
        for a in arguments
    ]
    KERNEL[name][grid, THREADS, stream](*views)


def _elementwise(name: str, count: int, *arguments: Any) -> None:
    if count > 0:
        _launch(name, min(max(-(-count // THREADS), FEWEST_BLOCKS), MOST_BLOCKS), *arguments)


def amplitude_intensity_phase(pixels: Any, valid: Any, amplitude: Any, intensity: Any, phase: Any) -> None:
    """As :func:`.cpu.amplitude_intensity_phase`."""
    _elementwise("amplitude_intensity_phase", pixels.size, pixels, valid, amplitude, intensity, phase)


def phase_difference(reference: Any, secondary: Any, valid: Any, phase: Any) -> None:
    """As :func:`.cpu.phase_difference`."""
    _elementwise("phase_difference", reference.size, reference, secondary, valid, phase)


def rotate_phase(pixels: Any, phase: Any, rotated: Any) -> None:
    """As :func:`.cpu.rotate_phase`."""
    _elementwise("rotate_phase", pixels.size, pixels, phase, rotated)


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
        _elementwise("boxcar_coherence_direct", magnitude.size, *inputs, *sizes, *outputs)
    else:
        across = -(-samples // ((THREADS - 2 * half[1]) // GROUP * GROUP))
        down = min(max(-(-rows // LINES), -(-FEWEST_BLOCKS // across)), MOST_BLOCKS)
        _launch("boxcar_coherence_tile", (across, down), *inputs, *sizes, *outputs)
