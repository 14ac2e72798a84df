"""Arrays on their way between host and device, while both go on working.

Each direction has a stream of its own beside that of the computation, and its memory on the host is page-locked: only
then the device copies by itself. What a copy reads is neither freed nor written again before the copy is done:

- The memory of an upload belongs to the stream of uploads. What was computed from it was launched before it was let go,
  and the stream waits for all that was launched before it writes to it again.
- A download holds its array, and an upload what it was read into, until the device says that it is there.
"""

from __future__ import annotations

import math
from collections import deque
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

ALLOCATION_FAILED = 2  # cudaErrorMemoryAllocation
IN_FLIGHT = 4  # uploads whose memory on the host is kept, at most


class Transfer(Protocol):
    """An array that may still be on its way."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the array."""

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype of the array."""

    def result(self) -> Any:
        """Return the array where it was sent; of a download, wait until it is there."""


class Arrived:
    """An array that need not be sent anywhere."""

    def __init__(self, array: Any) -> None:
        self._array, self.shape, self.dtype = array, array.shape, array.dtype

    def result(self) -> Any:
        """See `Transfer.result`."""
        return self._array


class Upload:
    """An array on its way to the device. What is launched after `result` finds it there."""

    def __init__(self, array: Any, there: Any, current_stream: Callable[[], Any]) -> None:
        self._array, self._there, self._current = array, there, current_stream
        self.shape, self.dtype = array.shape, array.dtype

    def result(self) -> Any:
        """See `Transfer.result`."""
        self._current().wait_event(self._there)
        return self._array


class Download:
    """An array on its way to the host; ``source`` on the device is kept until it is there."""

    def __init__(self, source: Any, host: NDArray[Any], there: Any) -> None:
        self._source, self._host, self._there = source, host, there
        self.shape, self.dtype = host.shape, host.dtype

    def result(self) -> NDArray[Any]:
        """See `Transfer.result`; may be called from any thread, and more than once."""
        self._there.synchronize()
        self._source = None
        return self._host


def part_of(values: NDArray[Any] | Transfer, part: tuple[slice, ...]) -> Callable[[], NDArray[Any]]:
    """Return what gives a part of an array, now or later; what is here already is copied now."""
    if isinstance(values, np.ndarray):
        values = Arrived(values)
    if isinstance(values, Arrived):
        copied: NDArray[Any] = values.result()[part].copy()
        return lambda: copied
    transfer = values
    return lambda: np.asarray(transfer.result()[part])


class Transfers:
    """Uploads and downloads of one CUDA device; ``cupy`` is CuPy."""

    def __init__(self, cupy: Any) -> None:
        self._cupy = cupy
        self._up, self._down = (cupy.cuda.Stream(non_blocking=True) for _ in range(2))
        self._flying: deque[tuple[Any, NDArray[Any]]] = deque()

    def empty(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """Allocate page-locked memory on the host, as `numpy.empty` does other memory.

        Raises MemoryError where there is none.
        """
        kind = np.dtype(dtype)
        try:
            memory = self._cupy.cuda.alloc_pinned_memory(max(math.prod(shape) * kind.itemsize, 1))
        except self._cupy.cuda.runtime.CUDARuntimeError as error:
            if error.status != ALLOCATION_FAILED:
                raise
            raise MemoryError(f"no page-locked memory for {shape} of {kind}") from None
        return np.ndarray(shape, kind, buffer=memory)

    def upload(self, host: NDArray[Any]) -> Upload:
        """Send an array of `empty` to the device; it must not be written again. May be called from any thread."""
        current = self._cupy.cuda.get_current_stream()
        with self._up:
            array = self._cupy.empty(host.shape, host.dtype)
            # After the allocation: another thread may have let its memory go just before.
            self._up.wait_event(current.record())
            array.data.copy_from_host_async(host.ctypes.data, host.nbytes, self._up)
            there = self._up.record()
        self._flying.append((there, host))
        while self._flying and (len(self._flying) > IN_FLIGHT or self._flying[0][0].done):
            self._flying.popleft()[0].synchronize()
        return Upload(array, there, self._cupy.cuda.get_current_stream)

    def download(self, array: Any) -> Download:
        """Send an array to the host; it must not be written again."""
        source = self._cupy.ascontiguousarray(array)
        host = self.empty(source.shape, source.dtype)
        self._down.wait_event(self._cupy.cuda.get_current_stream().record())
        source.get(stream=self._down, out=host, blocking=False)
        return Download(source, host, self._down.record())
