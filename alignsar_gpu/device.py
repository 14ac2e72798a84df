"""Where the arithmetic runs: the choice, the transfers, the memory budget.

The only place that asks which device there is. Everything else is handed a `Device`, or an array that
already lives on one.
"""

from __future__ import annotations

import gc
import os
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.transfers import Arrived, Transfers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from alignsar_gpu.config import DeviceConfig
    from alignsar_gpu.transfers import Transfer

GIB = 1 << 30
SHARE_OF_FREE_MEMORY = 0.5
SIDES = np.array([[0, 1, 0], [1, 1, 1], [0, 1, 0]], dtype=bool)  # a pixel and those at its sides


@dataclass(frozen=True)
class Device:
    """A place where arrays live.

    Attributes
    ----------
    kind : "cpu" or "cuda".
    name : what the machine calls it.
    reason : why it was chosen, in a few words.
    memory_budget : bytes that a block of work may take on it.
    host_budget : bytes that may be taken on the host beside it; of the CPU, which is the host, None.
    """

    kind: Literal["cpu", "cuda"]
    name: str
    reason: str
    memory_budget: int
    host_budget: int | None = None
    _kept: dict[Any, Any] = field(default_factory=dict, init=False, compare=False, repr=False)

    @cached_property
    def xp(self) -> Any:
        """The array library of this device: numpy or CuPy."""
        if self.kind == "cpu":
            return np
        import cupy  # noqa: PLC0415  (absent from installations without CUDA)

        return cupy

    @cached_property
    def fft(self) -> Any:
        """The Fourier transforms of this device: SciPy's, of which NumPy's take four times as long, or CuPy's."""
        if self.kind == "cuda":
            return self.xp.fft
        import scipy.fft  # noqa: PLC0415  (that --help need not wait for)

        return scipy.fft

    def upload(self, array: NDArray[Any]) -> Any:
        """``array`` on this device (itself, on the CPU)."""
        return array if self.kind == "cpu" else self.xp.asarray(array)

    def keep(self, key: Any, make: Callable[[], NDArray[Any]]) -> Any:
        """Return the small table that ``make`` gives on this device; made and sent there once for each ``key``."""
        if key not in self._kept:
            self._kept[key] = self.upload(make())
        return self._kept[key]

    def download(self, array: Any) -> NDArray[Any]:
        """``array`` of this device as a numpy array; an error of earlier device work surfaces here."""
        return np.asarray(array) if self.kind == "cpu" else np.asarray(self.xp.asnumpy(array))

    @cached_property
    def _transfers(self) -> Transfers:
        return Transfers(self.xp)

    def host_memory(self, shape: tuple[int, ...], dtype: Any) -> NDArray[Any]:
        """Allocate an array on the host to read into what `begin_upload` sends: page-locked where that is faster."""
        return np.empty(shape, dtype) if self.kind == "cpu" else self._transfers.empty(shape, dtype)

    def begin_upload(self, array: NDArray[Any]) -> Transfer:
        """Send an array of `host_memory` on its way to this device (itself, on the CPU); do not write it again."""
        return Arrived(array) if self.kind == "cpu" else self._transfers.upload(array)

    def begin_download(self, array: Any) -> Transfer:
        """Send an array of this device on its way to the host (itself, on the CPU).

        On a CUDA device it must not be written again; `reuses_memory` says so.
        """
        return Arrived(array) if self.kind == "cpu" else self._transfers.download(array)

    @property
    def reuses_memory(self) -> bool:
        """Whether memory is better written again than allocated anew: the CPU's, whose pages cost much at first use.

        What is read from it must be copied first; on CUDA, where copies are still on their way, nothing may be reused.
        """
        return self.kind == "cpu"

    def release(self) -> None:
        """Give memory back that nothing uses any more."""
        gc.collect()
        if self.kind == "cuda":
            self.xp.get_default_memory_pool().free_all_blocks()
            self.xp.get_default_pinned_memory_pool().free_all_blocks()

    def label(self, mask: Any, connectivity: int) -> tuple[Any, int]:
        """Number the connected regions of a mask [line, sample], 0 outside of it; return the numbers and their count.

        ``connectivity``: 4 neighbours of a pixel (sides) or 8 (corners too).
        """
        if self.kind == "cpu":
            from scipy.ndimage import label  # noqa: PLC0415
        else:
            from cupyx.scipy.ndimage import label  # noqa: PLC0415  (absent from installations without CUDA)
        numbers, count = label(mask, SIDES if connectivity == 4 else np.ones((3, 3), dtype=bool))
        return numbers, int(count)

    def __str__(self) -> str:
        return f"{self.kind}: {self.name}"


HOST = Device("cpu", "host", "the default of functions of arrays: those of NumPy", 0)


def cpu_threads() -> int:
    """Return the number of CPU threads to use: that of the compiled loops."""
    import numba  # noqa: PLC0415  (0.2 s that --help need not wait for)

    return int(numba.get_num_threads())


@contextmanager
def limited_threads(threads: int | None) -> Iterator[None]:
    """Use at most ``threads`` CPU threads inside the block; None leaves the number as it is.

    Raises AlignsarError for more threads than there are.
    """
    import numba  # noqa: PLC0415

    before = cpu_threads()
    try:
        numba.set_num_threads(before if threads is None else threads)
    except ValueError as error:
        raise AlignsarError(f"device.threads={threads}: {error}") from None
    try:
        yield
    finally:
        numba.set_num_threads(before)


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as info:  # noqa: PTH123  (no pathlib form is shorter)
            name = next((line.split(":", 1)[1].strip() for line in info if line.startswith("model name")), "")
    except OSError:
        name = ""
    return f"{name or 'processor of unknown name'}, {len(os.sched_getaffinity(0))} threads"


def _cpu(reason: str, config: DeviceConfig) -> Device:
    budget = _host_budget() if config.memory_gib is None else int(config.memory_gib * GIB)
    return Device("cpu", _cpu_name(), reason, budget)


def _host_budget() -> int:
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return int(free * SHARE_OF_FREE_MEMORY)


def _why_no_cuda() -> str:
    """Empty when a CUDA device can be used, else the reason why not."""
    try:
        import cupy  # noqa: PLC0415
    except ImportError:
        return "CuPy is not installed"
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"no usable CUDA driver or device ({str(error).split(':')[0]})"
    if not count:
        return "no CUDA device"
    return "" if find_spec("numba_cuda") else "numba-cuda is not installed"


def _cuda(reason: str, config: DeviceConfig) -> Device:
    import cupy  # noqa: PLC0415

    properties = cupy.cuda.runtime.getDeviceProperties(cupy.cuda.runtime.getDevice())
    free, total = cupy.cuda.runtime.memGetInfo()
    budget = (
        int(config.memory_gib * GIB) if config.memory_gib is not None else int(free * SHARE_OF_FREE_MEMORY)
    )
    if budget > free:
        raise AlignsarError(
            f"device.memory_gib={config.memory_gib}: the GPU has {free / GIB:.1f} of {total / GIB:.1f} GiB free"
        )
    return Device("cuda", properties["name"].decode(), reason, budget, _host_budget())


def choose_device(config: DeviceConfig) -> Device:
    """The device that ``config`` asks for.

    Raises AlignsarError when CUDA is asked for and cannot be used, or the budget exceeds what is free.
    """
    if config.kind == "cpu":
        return _cpu("asked for", config)
    missing = _why_no_cuda()
    if config.kind == "cuda":
        if missing:
            raise AlignsarError(
                f"device=cuda: {missing}; install the extra cuda12 or cuda13 on a machine with an NVIDIA GPU, "
                "or use device=cpu"
            )
        return _cuda("asked for", config)
    return (
        _cpu(f"device=auto: {missing}", config)
        if missing
        else _cuda("device=auto: a CUDA device is usable", config)
    )
