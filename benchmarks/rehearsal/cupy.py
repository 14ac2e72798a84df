"""A stand-in for CuPy on machines without a GPU: arrays of numpy that are as strict as CuPy's.

With this folder first on the path, what is written for a GPU runs without one: in numba's simulator where
NUMBA_ENABLE_CUDASIM=1 is set (tiny images), otherwise with the CPU drivers in place of the kernels (any size; then
the code around the kernels is what is rehearsed). Numpy arrays are refused where CuPy refuses them.

What is computed is done at once, in the order of the calls. Copies on another stream are done as late as they may be:
when somebody waits for them. What frees or writes their memory before is found out by wrong results. `memory` counts
what is allocated and can run out of it; `traffic` has the bytes of every copy from and to the host.
"""

from __future__ import annotations

import ctypes
import functools
import importlib.util
import sys
import threading
import weakref
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from alignsar_gpu import kernels

__version__ = "0+stand.in"


class OutOfMemoryError(MemoryError):
    """There is no memory left on the device."""


class Memory:
    """What is allocated on the device, in bytes: ``used`` now, ``most`` at any time, of a ``limit`` if there is one.

    ``allocations`` are counted; the one that ``failing`` says fails.
    """

    def __init__(self) -> None:
        self.limit: int | None = None
        self.failing: int | None = None
        self.used = self.most = self.allocations = 0
        self._owners: set[int] = set()

    def add(self, array: np.ndarray) -> None:
        """Count what an array holds, unless it is a part of another that is counted."""
        owner = array
        while isinstance(owner.base, np.ndarray):
            owner = owner.base
        if id(owner) in self._owners:
            return
        self.allocations += 1
        if self.allocations == self.failing or (
            self.limit is not None and self.used + owner.nbytes > self.limit
        ):
            raise OutOfMemoryError(f"Out of memory allocating {owner.nbytes} bytes")
        self._owners.add(id(owner))
        self.used += owner.nbytes
        self.most = max(self.most, self.used)
        weakref.finalize(owner, self._remove, id(owner), owner.nbytes)

    def _remove(self, owner: int, size: int) -> None:
        self._owners.discard(owner)
        self.used -= size


memory = Memory()
traffic: dict[str, list[int]] = {"up": [], "down": []}
GARBAGE = 0xA5  # what memory holds before a copy is done


def inner(value: Any) -> Any:
    """What numpy works with: arrays of the stand-in, in tuples, lists and dictionaries too, as numpy's."""
    if isinstance(value, ndarray):
        return value.array
    if isinstance(value, dict):
        return {key: inner(each) for key, each in value.items()}
    if isinstance(value, tuple) and hasattr(value, "_fields"):
        return type(value)(*map(inner, value))
    return type(value)(map(inner, value)) if isinstance(value, tuple | list) else value


def outer(value: Any) -> Any:
    """The results of numpy as arrays of the stand-in; CuPy's scalars are arrays without dimensions."""
    if isinstance(value, np.ndarray | np.generic):
        return ndarray(np.asarray(value))
    return type(value)(map(outer, value)) if isinstance(value, tuple | list) else value


def refuse_numpy(values: Any) -> None:
    for value in values:
        if isinstance(value, np.ndarray):
            raise TypeError("Unsupported type <class 'numpy.ndarray'>")
        if isinstance(value, tuple | list):
            refuse_numpy(value)


def on_device(function: Any) -> Any:
    """A function of numpy as CuPy has it: it takes no arrays of numpy, and gives none."""

    @functools.wraps(function)
    def call(*arguments: Any, **options: Any) -> Any:
        refuse_numpy((*arguments, *options.values()))
        return outer(function(*inner(arguments), **inner(options)))

    return call


# What CuPy's scatter operations take: what is atomic on a device.
SCATTERED = ("int32", "uint32", "uint64", "float32", "float64")


def scattering(function: Any) -> Any:
    """The method ``at`` of a ufunc as CuPy has it, of the types that a device has."""

    def call(target: ndarray, index: ndarray, values: Any) -> None:
        if target.dtype.name not in SCATTERED:
            raise TypeError(f"scatter operations only support {', '.join(SCATTERED)}, not {target.dtype}")
        on_device(function)(target, index, values)

    return call


class ndarray(np.lib.mixins.NDArrayOperatorsMixin):  # noqa: N801 - CuPy's name
    """An array of numpy that numpy does not take for one."""

    def __init__(self, array: np.ndarray) -> None:
        memory.add(array)
        self.array = array

    @property
    def data(self) -> SimpleNamespace:
        return SimpleNamespace(copy_from_host_async=self._copy_from_host)

    def _copy_from_host(self, pointer: int, size: int, stream: Stream) -> None:
        numbers = self.array.reshape(-1).view(np.uint8)
        numbers[...] = GARBAGE
        traffic["up"].append(size)
        stream.launch(lambda: ctypes.memmove(numbers.ctypes.data, pointer, size))

    @property
    def __cuda_array_interface__(self) -> dict[str, Any]:
        return self.array.__array_interface__

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        refuse_numpy((*inputs, *options.get("out", ())))
        result = getattr(ufunc, method)(*inner(inputs), **inner(options))
        return options["out"][0] if "out" in options else outer(result)

    def __array_function__(self, function: Any, _: Any, arguments: Any, options: Any) -> Any:
        return on_device(function)(*arguments, **options)

    def __array__(self, *_: Any, **__: Any) -> Any:
        raise TypeError("Implicit conversion to a NumPy array is not allowed. Please use `.get()`")

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.array, name)
        return on_device(value) if callable(value) else outer(value)

    def __getitem__(self, key: Any) -> Any:
        return outer(self.array[inner(key)])

    def __setitem__(self, key: Any, value: Any) -> None:
        if np.ndim(inner(value)):
            refuse_numpy([value])
        self.array[inner(key)] = inner(value)

    def __len__(self) -> int:
        return len(self.array)

    def __iter__(self) -> Any:
        return (outer(part) for part in self.array)

    def __bool__(self) -> bool:
        traffic["down"].append(self.array.nbytes)
        return bool(self.array)

    def __int__(self) -> int:
        traffic["down"].append(self.array.nbytes)
        return int(self.array)

    def __float__(self) -> float:
        traffic["down"].append(self.array.nbytes)
        return float(self.array)

    def __complex__(self) -> complex:
        traffic["down"].append(self.array.nbytes)
        return complex(self.array)

    def __index__(self) -> int:
        traffic["down"].append(self.array.nbytes)
        return self.array.__index__()

    @property
    def real(self) -> ndarray:
        return ndarray(self.array.real)

    @real.setter
    def real(self, value: Any) -> None:
        self.array.real = inner(value)

    @property
    def imag(self) -> ndarray:
        return ndarray(self.array.imag)

    @imag.setter
    def imag(self, value: Any) -> None:
        self.array.imag = inner(value)

    def tolist(self) -> Any:
        return self.get().tolist()

    def item(self) -> Any:
        return self.get().item()

    def get(
        self, stream: Stream | None = None, *, out: np.ndarray | None = None, blocking: bool = True
    ) -> np.ndarray:
        traffic["down"].append(self.array.nbytes)
        result = np.empty_like(self.array) if out is None else out
        if blocking or stream is None:
            np.copyto(result, self.array)
        else:
            result.reshape(-1).view(np.uint8)[...] = GARBAGE
            stream.launch(lambda: np.copyto(result, self.array))
        return result

    def set(self, array: np.ndarray) -> None:
        traffic["up"].append(array.nbytes)
        self.array[...] = array


def asarray(value: Any, dtype: Any = None) -> ndarray:
    """On the device: a copy of what is on the host."""
    if isinstance(value, ndarray):
        return value if dtype in {None, value.dtype} else value.astype(dtype)
    copied = np.array(value, dtype=dtype, order="C")
    traffic["up"].append(copied.nbytes)
    return ndarray(copied)


array = asarray


def asnumpy(value: Any) -> np.ndarray:
    return value.get() if isinstance(value, ndarray) else np.asarray(value)


def __getattr__(name: str) -> Any:
    value = getattr(np, name)
    if isinstance(value, ModuleType):
        functions = {each: getattr(value, each) for each in value.__all__}
        return SimpleNamespace(**{k: on_device(f) for k, f in functions.items() if callable(f)})
    if not callable(value) or isinstance(value, type):
        return value
    function = on_device(value)
    if isinstance(value, np.ufunc):
        function.at = scattering(value.at)
    return function


class CUDARuntimeError(RuntimeError):
    """What goes wrong on a device."""

    status = 0


class Event:
    """The end of what was launched on a stream so far."""

    def __init__(self, stream: Stream) -> None:
        self._stream, self._count = stream, stream.launched

    @property
    def done(self) -> bool:
        return self._stream.finished >= self._count

    def synchronize(self) -> None:
        self._stream.finish(self._count)


class Stream:
    """The order of work. On the first stream it is done at once, on others when somebody waits for it."""

    def __init__(self, *, non_blocking: bool = False) -> None:
        self.non_blocking, self.ptr = non_blocking, 0
        self.launched = self.finished = 0
        self._work: list[Any] = []
        self._turn = threading.RLock()

    def launch(self, work: Any) -> None:
        self._work.append(work)
        self.launched += 1
        if self is FIRST:
            self.finish(self.launched)

    def finish(self, count: int) -> None:
        with self._turn:
            while self.finished < count:
                self._work.pop(0)()
                self.finished += 1

    def record(self) -> Event:
        return Event(self)

    def wait_event(self, event: Event) -> None:
        self.launch(event.synchronize)

    def synchronize(self) -> None:
        self.finish(self.launched)

    def __enter__(self) -> Stream:
        _current.streams.append(self)
        return self

    def __exit__(self, *_: Any) -> None:
        _current.streams.pop()


class Current(threading.local):
    """The streams that a thread works on; the last is the current one."""

    def __init__(self) -> None:
        self.streams = [FIRST]


FIRST = Stream()
_current = Current()


PROPERTIES = {
    "name": b"Rehearsal",
    "major": 9,
    "minor": 0,
    "multiProcessorCount": 1,
    "l2CacheSize": 0,
    "clockRate": 0,
    "memoryClockRate": 0,
    "memoryBusWidth": 0,
    "totalGlobalMem": 2**34,
    "sharedMemPerBlock": 2**15,
}
runtime = SimpleNamespace(
    CUDARuntimeError=CUDARuntimeError,
    getDeviceCount=lambda: 1,
    getDevice=lambda: 0,
    getDeviceProperties=lambda _: PROPERTIES,
    deviceSynchronize=lambda: None,
    driverGetVersion=lambda: 0,
    runtimeGetVersion=lambda: 0,
    memGetInfo=lambda: (memory.limit or 2**33, 2**34),
)
cuda = SimpleNamespace(
    runtime=runtime,
    Stream=Stream,
    get_current_stream=lambda: _current.streams[-1],
    alloc_pinned_memory=bytearray,
    set_allocator=lambda _: None,
    memory=SimpleNamespace(OutOfMemoryError=OutOfMemoryError),
)


def get_default_memory_pool() -> SimpleNamespace:
    return SimpleNamespace(free_all_blocks=lambda: None)


get_default_pinned_memory_pool = get_default_memory_pool


def use_simulator() -> None:
    """Let the launches of kernels go to numba's simulator, the way that they go to a device."""
    launching = importlib.import_module("alignsar_gpu.kernels.driving.launching")
    launching.SIMULATED = False
    launching.numba_cuda.as_cuda_array = lambda given, **_: given.array


def use_processor() -> None:
    """Let the CPU drivers stand in for the kernels."""
    gpujit = importlib.import_module("alignsar_gpu.kernels.driving.gpujit")
    cpujit = importlib.import_module("alignsar_gpu.kernels.driving.cpujit")
    gpujit.require_compiler = lambda: None
    arrays = kernels.boxcar_coherence.__globals__["Arrays"]
    plain = arrays.run

    def run(self: Any, driver: str, *arguments: Any) -> None:
        if self.empty is np.empty:
            plain(self, driver, *arguments)
        else:
            cpujit.drivers(self._drivers["__package__"])[driver](*inner(arguments))

    arrays.run = run


if importlib.util.find_spec("numba_cuda") is None:  # what compiles kernels is stood in for too
    sys.modules["numba_cuda"] = importlib.util.module_from_spec(ModuleSpec("numba_cuda", None))
if importlib.import_module("numba.core.config").ENABLE_CUDASIM:
    use_simulator()
else:
    use_processor()
