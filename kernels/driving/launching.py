"""Shared by CUDA drivers: arrays on the device, and the launch of a kernel. Import it late: it imports numba.cuda."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from .gpujit import FEWEST_BLOCKS, MOST_BLOCKS, SIMULATED, THREADS
from .gpujit import cuda as numba_cuda

if TYPE_CHECKING:
    from types import ModuleType


def array_module() -> ModuleType:
    """Return CuPy; in the simulator, numpy."""
    return np if SIMULATED else importlib.import_module("cupy")


def as_array(array: Any) -> Any:
    """Wrap a device array as a CuPy array, without a copy; in the simulator, as a numpy array."""
    if SIMULATED:
        return array.copy_to_host()
    return array_module().asarray(array)


def empty(shape: tuple[int, ...], dtype: Any) -> Any:
    """Allocate a CuPy array; in the simulator, a numpy array."""
    return array_module().empty(shape, dtype)


def place(array: Any) -> Any:
    """Copy a small numpy array to the device."""
    return np.ascontiguousarray(array) if SIMULATED else array_module().asarray(array)


def fetch(array: Any) -> Any:
    """Copy a small array to the host."""
    return array if SIMULATED else array_module().asnumpy(array)


def launch(kernel: Any, grid: int | tuple[int, int], *arguments: Any) -> None:
    """Launch a kernel on ``grid`` blocks, on CuPy's current stream."""
    if SIMULATED:
        kernel[grid, THREADS](*arguments)
        return
    # After what fills the arguments, before what reads the results. Left to itself, numba-cuda would wait
    # for that stream once for every argument.
    pointer = array_module().cuda.get_current_stream().ptr
    stream = numba_cuda.external_stream(pointer) if pointer else 0
    views = [
        numba_cuda.as_cuda_array(a, sync=False) if hasattr(a, "__cuda_array_interface__") else a
        for a in arguments
    ]
    kernel[grid, THREADS, stream](*views)


def elementwise(kernel: Any, count: int, *arguments: Any) -> None:
    """Launch a kernel whose loop goes over ``count`` elements."""
    if count > 0:
        launch(kernel, min(max(-(-count // THREADS), FEWEST_BLOCKS), MOST_BLOCKS), *arguments)
