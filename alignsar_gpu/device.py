"""Where the arithmetic runs: the choice, the transfers, the memory budget.

The only place that asks which device there is. Everything else is handed a `Device`, or an array that
already lives on one.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from alignsar_gpu.config import DeviceConfig

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
    """

    kind: Literal["cpu", "cuda"]
    name: str
    reason: str
    memory_budget: int

    @cached_property
    def xp(self) -> Any:
        """The array library of this device: numpy or CuPy."""
        if self.kind == "cpu":
            return np
        import cupy  # noqa: PLC0415  (absent from installations without CUDA)

        return cupy

    def upload(self, array: NDArray[Any]) -> Any:
        """``array`` on this device (itself, on the CPU)."""
        return array if self.kind == "cpu" else self.xp.asarray(array)

    def download(self, array: Any) -> NDArray[Any]:
        """``array`` of this device as a numpy array; an error of earlier device work surfaces here."""
        return np.asarray(array) if self.kind == "cpu" else np.asarray(self.xp.asnumpy(array))

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
    if config.memory_gib is not None:
        budget = int(config.memory_gib * GIB)
    else:
        free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
        budget = int(free * SHARE_OF_FREE_MEMORY)
    return Device("cpu", _cpu_name(), reason, budget)


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
    return Device("cuda", properties["name"].decode(), reason, budget)


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
