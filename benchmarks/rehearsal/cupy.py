"""A stand-in for CuPy on machines without a GPU: arrays of numpy that are as strict as CuPy's.

With this folder first on the path, what is written for a GPU runs without one: in numba's simulator where
NUMBA_ENABLE_CUDASIM=1 is set (tiny images), otherwise with the CPU drivers in place of the kernels (any size; then
the code around the kernels is what is rehearsed). Numpy arrays are refused where CuPy refuses them.
"""

from __future__ import annotations

import functools
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np

from alignsar_gpu import kernels

__version__ = "0+stand-in"  # which xarray reads


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
        self.array = array

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
        return bool(self.array)

    def __int__(self) -> int:
        return int(self.array)

    def __float__(self) -> float:
        return float(self.array)

    def __complex__(self) -> complex:
        return complex(self.array)

    def __index__(self) -> int:
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

    def get(self, out: np.ndarray | None = None) -> np.ndarray:
        if out is None:
            return self.array.copy()
        out[...] = self.array
        return out

    def set(self, array: np.ndarray) -> None:
        self.array[...] = array


def asarray(value: Any, dtype: Any = None) -> ndarray:
    """On the device: a copy of what is on the host."""
    if isinstance(value, ndarray):
        return value if dtype in {None, value.dtype} else value.astype(dtype)
    return ndarray(np.array(value, dtype=dtype, order="C"))


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


class Stream:
    """The order of work, which here is that of the calls."""

    ptr = 0

    def __init__(self, *, non_blocking: bool = False) -> None:
        self.non_blocking = non_blocking

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, *_: Any) -> None:
        return None


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
    memGetInfo=lambda: (2**33, 2**34),
)
cuda = SimpleNamespace(
    runtime=runtime,
    Stream=Stream,
    get_current_stream=Stream,
    alloc_pinned_memory=bytearray,
    set_allocator=lambda _: None,
)


def get_default_memory_pool() -> SimpleNamespace:
    return SimpleNamespace(free_all_blocks=lambda: None)


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
