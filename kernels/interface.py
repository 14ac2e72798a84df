"""What the package offers: argument checks, and the choice of the driver by the kind of the arrays."""

from __future__ import annotations

import operator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray


def _is_device_array(array: Any) -> bool:
    return hasattr(array, "__cuda_array_interface__") or hasattr(array, "__cuda_ndarray__")


class _Driver:
    """Where some arrays are: how to see them, how to allocate beside them, and which drivers take them."""

    def __init__(self, **arrays: Any) -> None:
        device = {name: _is_device_array(array) for name, array in arrays.items()}
        for name, array in arrays.items():
            if not device[name] and (not isinstance(array, np.ndarray) or isinstance(array, np.ma.MaskedArray)):
                raise TypeError(
                    f"{name}: expected a numpy array or an array on a CUDA device (one with "
                    f"__cuda_array_interface__), got {type(array).__name__}"
                )
        if len(set(device.values())) > 1:
            where = ", ".join(f"{name} on the {'device' if device[name] else 'host'}" for name in arrays)
            raise TypeError(f"arrays of one call must be of one kind, got {where}")
        self.on_device = any(device.values())
        if self.on_device:
            from . import gpujit, launch  # noqa: PLC0415 - heavy, and only for CUDA

            gpujit.require_compiler()
            self.arrays = {name: launch.as_device_array(array) for name, array in arrays.items()}
            self.empty: Callable[..., Any] = launch.empty
            self._module: Any = launch
        else:
            self.arrays = arrays
            self.empty = np.empty

    def require(self, name: str, dtype: type, shape: tuple[int, ...], like: str) -> Any:
        """The array ``name``, checked for dtype, shape (that of the array ``like``) and contiguity."""
        array = self.arrays[name]
        if array.dtype != dtype:
            raise TypeError(f"{name}: expected dtype {np.dtype(dtype).name}, got {array.dtype}")
        if array.shape != shape:
            raise ValueError(f"{name}: expected the shape {shape} of {like}, got {array.shape}")
        if not array.flags.c_contiguous:
            raise ValueError(f"{name}: expected a C-contiguous array; numpy.ascontiguousarray makes one")
        return array

    def call(self, name: str, *arguments: Any) -> None:
        if self.on_device:
            getattr(self._module, name)(*arguments)
        else:
            from . import cpujit  # noqa: PLC0415 - imports numba

            cpujit.drivers()[name](*arguments)
