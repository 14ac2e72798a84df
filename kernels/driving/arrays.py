"""Check the arrays of a call and choose the drivers, on the host or on the device."""

from __future__ import annotations

import importlib
import operator
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import NamedTuple


class Arrays:
    """The arrays of a call, all on the host or all on the device, with the drivers for that place.

    ``family`` is the name of its package: ``__package__`` in its interface.
    """

    def __init__(self, family: str, /, **arrays: Any) -> None:
        self._arrays: Mapping[str, Any] = arrays
        device = {name: _on_device(name, array) for name, array in arrays.items()}
        self._device = all(device.values())
        if any(device.values()) and not self._device:
            where = ", ".join(f"{name} is on the {'device' if device[name] else 'host'}" for name in arrays)
            raise TypeError(f"the arrays of a call must all be numpy arrays or all be on the device: {where}")
        if self._device:
            from . import gpujit  # noqa: PLC0415 - imports numba.cuda

            gpujit.require_compiler()
            from . import launching  # noqa: PLC0415 - imports numba.cuda

            self._arrays = {name: launching.as_array(array) for name, array in arrays.items()}
            self._drivers: Mapping[str, Any] = vars(importlib.import_module(".launch", family))
            self.empty = launching.empty
            self.place: Callable[..., Any] = launching.place
            self.fetch: Callable[..., Any] = launching.fetch
        else:
            from . import cpujit  # noqa: PLC0415 - imports numba

            self._drivers = cpujit.drivers(family)
            self.empty = np.empty
            self.place = np.ascontiguousarray
            self.fetch = np.asarray

    def checked(self, name: str, dtype: Any, like: str) -> Any:
        """Return the array ``name``; check that it is contiguous, of this dtype, and of the shape of ``like``."""
        array = self._arrays[name]
        if array.dtype != dtype:
            raise TypeError(f"{name}: expected dtype {np.dtype(dtype).name}, got {array.dtype}")
        shape = self._arrays[like].shape
        if array.shape != shape:
            raise ValueError(f"{name}: expected the shape {shape} of {like}, got {array.shape}")
        if not array.flags.c_contiguous:
            raise ValueError(f"{name}: expected a C-contiguous array, got one with strides {array.strides}")
        return array

    def dtype(self, name: str) -> Any:
        """Return the dtype of the array ``name``."""
        return self._arrays[name].dtype

    def placed(self, table: NamedTuple) -> tuple[Any, ...]:
        """Return the fields of a table, its arrays moved to where the others of the call are."""
        return tuple(self.place(field) if isinstance(field, np.ndarray) else field for field in table)

    def __contains__(self, name: str) -> bool:
        return name in self._arrays

    def run(self, driver: str, *arguments: Any) -> None:
        """Call the driver of this name, of the host or of the device as the arrays are."""
        self._drivers[driver](*arguments)


def _on_device(name: str, array: Any) -> bool:
    if isinstance(array, np.ma.MaskedArray):
        raise TypeError(f"{name}: a masked array is not accepted; give its data, and its mask in valid")
    if isinstance(array, np.ndarray):
        return False
    # The arrays of numba's simulator have only the second of these.
    if hasattr(array, "__cuda_array_interface__") or hasattr(array, "__cuda_ndarray__"):
        return True
    raise TypeError(
        f"{name}: expected a numpy array, or an array on a CUDA device such as CuPy's (one that has "
        f"__cuda_array_interface__), got {type(array).__name__}"
    )


def half_window(window: tuple[int, int]) -> tuple[int, int]:
    """Return half the size of an odd window (lines, samples). Raises TypeError or ValueError for any other."""
    message = f"window: expected an odd and positive number of lines and of samples, got {window!r}"
    try:
        lines, samples = (operator.index(size) for size in window)
    except (TypeError, ValueError):
        raise TypeError(message) from None
    if min(lines, samples) < 1 or lines % 2 == 0 or samples % 2 == 0:
        raise ValueError(message)
    return lines // 2, samples // 2


def lines_between(name: str, image: Any, first: int, stop: int | None) -> tuple[int, int]:
    """Return the first line and the line after the last one of a two-dimensional image."""
    if image.ndim != 2:
        raise ValueError(f"{name}: expected two dimensions, line and sample, got the shape {image.shape}")
    lines = image.shape[0]
    end = lines if stop is None else stop
    if not 0 <= first <= end <= lines:
        raise ValueError(
            f"first and stop: expected 0 <= first <= stop <= {lines} lines, got {first} and {end}"
        )
    return first, end
