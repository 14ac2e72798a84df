"""The CUDA drivers: launch the kernels of :mod:`.cuda`. Import it late: it imports numba.cuda."""

from __future__ import annotations

import importlib
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from . import gpujit
from .cuda import GROUP, KERNEL, LINES, WIDEST_TILED_WINDOW
from .gpujit import SIMULATED, THREADS

if TYPE_CHECKING:
    from typing import TypeAlias

    Values: TypeAlias = Any


def as_device_array(array: Any) -> Any:
    """The array as CuPy sees it, without a copy; in the simulator, the numpy array behind it."""
    if SIMULATED:
        return array.copy_to_host() if hasattr(array, "copy_to_host") else np.asarray(array)
    return importlib.import_module("cupy").asarray(array)


def empty(shape: tuple[int, ...], dtype: type) -> Any:
    """A new array on the device; in the simulator, a numpy array."""
    return (np if SIMULATED else importlib.import_module("cupy")).empty(shape, dtype)


def _stream() -> Any:
    """CuPy's current stream, so that kernels come after what filled the arrays and before what reads them."""
    if SIMULATED:
        return 0
    pointer = importlib.import_module("cupy").cuda.get_current_stream().ptr
    return gpujit.cuda.external_stream(pointer) if pointer else 0


def _elementwise(name: str, count: int, *arguments: Values) -> None:
    if count > 0:
        blocks = gpujit.blocks(-(-count // THREADS))
        KERNEL[name][blocks, THREADS, _stream()](*arguments)


def amplitude_intensity_phase(
    pixels: Values, valid: Values, amplitude: Values, intensity: Values, phase: Values
) -> None:
    _elementwise("amplitude_intensity_phase", pixels.size, pixels, valid, amplitude, intensity, phase)


def phase_difference(reference: Values, secondary: Values, valid: Values, phase: Values) -> None:
    _elementwise("phase_difference", reference.size, reference, secondary, valid, phase)


def rotate_phase(pixels: Values, phase: Values, rotated: Values) -> None:
    _elementwise("rotate_phase", pixels.size, pixels, phase, rotated)


def boxcar_coherence(
    reference: Values,
    secondary: Values,
    valid: Values,
    half_lines: int,
    half_samples: int,
    first: int,
    magnitude: Values,
    angle: Values,
) -> None:
    """Fills magnitude and angle [row, sample] with the coherence around the lines from ``first`` on."""
    lines, samples = reference.shape
    rows = magnitude.shape[0]
    if magnitude.size == 0:
        return
    arguments = (
        *(array.reshape(-1) for array in (reference, secondary, valid)),
        *(lines, samples, half_lines, half_samples, first),
    )
    if 2 * half_samples + 1 > WIDEST_TILED_WINDOW:
        _elementwise("boxcar_coherence_direct", magnitude.size, *arguments, magnitude.reshape(-1), angle.reshape(-1))
        return
    tile = (THREADS - 2 * half_samples) // GROUP * GROUP
    across = math.ceil(samples / tile)
    down = min(math.ceil(rows / LINES), gpujit.MOST_BLOCKS)
    down = max(down, math.ceil(gpujit.FEWEST_BLOCKS / across))
    KERNEL["boxcar_coherence_tile"][(across, down), THREADS, _stream()](
        *arguments, rows, magnitude.reshape(-1), angle.reshape(-1)
    )
