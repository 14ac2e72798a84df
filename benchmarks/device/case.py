"""A kernel call that is measured: its arrays, the bytes that it must move, and how far two devices may differ."""

from __future__ import annotations

import time
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Any

import numba
import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

BATCH, FEWEST_BATCHES = 10, 5  # calls in a row that are timed together at most, and how often
MOST_CALLS = 5  # on the processor


@dataclass(frozen=True, kw_only=True)
class Size:
    """The part of a burst that a case is made of.

    Attributes
    ----------
    lines, samples : of the image.
    post : spacing of the terrain's posts, degrees.
    relief : heights of the terrain, as a share of high mountains.
    margin : samples before the first that are looked at for shadows.
    """

    lines: int
    samples: int
    post: float = 1.0 / 3600.0
    relief: float = 1.0
    margin: int = 256

    @property
    def pixels(self) -> int:
        return self.lines * self.samples


BURST = Size(lines=1500, samples=21_000)  # of Sentinel-1
SMALL = Size(lines=64, samples=2_100, relief=0.3)
TINY = Size(lines=9, samples=28, post=1.0 / 1200.0, relief=0.01, margin=8)  # fewer than a block has threads


@dataclass(frozen=True, kw_only=True)
class Case:
    """A call of a public function of `alignsar_gpu.kernels`.

    Attributes
    ----------
    function : its name there.
    arrays : numpy arrays, which may be put on the device.
    run : makes a tuple of results of the arrays.
    pixels : what rates count.
    bytes_per_pixel : what must be read and written at least.
    angles : which results are phases, equal but for whole turns.
    bound : largest difference between the devices, in root mean squares of a result.
    strays : share of the pixels that may differ by more, or be missing on one device alone.
    """

    function: str
    arrays: tuple[NDArray[Any], ...]
    run: Callable[..., tuple[Any, ...]]
    pixels: int
    bytes_per_pixel: float
    angles: tuple[int, ...] = ()
    bound: float = 1e-5
    strays: float = 0.0


def nothing(array: NDArray[Any]) -> NDArray[np.bool_]:
    """Where an array has no data."""
    return np.zeros(array.shape, bool) if array.dtype.kind in "iub" else np.isnan(array)


def agreement(got: NDArray[Any], wanted: NDArray[Any], *, angle: bool, bound: float) -> dict[str, Any]:
    """How a result of one device differs from that of the other."""
    here = ~nothing(got) & ~nothing(wanted)
    missing = int((nothing(got) != nothing(wanted)).sum())
    kind = np.complex128 if wanted.dtype.kind == "c" else np.float64
    g, w = got[here].astype(kind), wanted[here].astype(kind)
    difference = np.abs(np.angle(np.exp(1j * (g - w))) if angle else g - w)
    scale = 1.0 if angle else float(np.sqrt(np.mean(np.abs(w) ** 2))) if w.size else 0.0
    largest = float(difference.max(initial=0.0))
    return {
        "dtype": wanted.dtype.name,
        "largest_difference": largest,
        "relative": largest / scale if scale else largest,
        "beyond": int((difference > bound * scale).sum()),
        "missing_on_one": missing,
        "pixels": int(wanted.size),
    }


def agreements(case: Case, got: tuple[Any, ...], wanted: tuple[Any, ...]) -> list[dict[str, Any]]:
    """`agreement` of every result of a case; arrays of numpy."""
    return [
        agreement(g, w, angle=k in case.angles, bound=case.bound)
        for k, (g, w) in enumerate(zip(got, wanted, strict=True))
    ]


def agrees(case: Case, found: list[dict[str, Any]]) -> bool:
    """Whether two devices give the same, as far as the case asks for it."""
    return all(each["beyond"] + each["missing_on_one"] <= case.strays * each["pixels"] for each in found)


def device_seconds(
    call: Callable[[], object], wait: Callable[[], object], first: float, budget: float
) -> tuple[float, float]:
    """Seconds of a call on the device, and of those what the host needs to start it.

    ``first``: seconds of the first call, which stand for those of others where the budget (seconds) is 0.
    """
    if not budget:
        return first, first
    second, _ = batch_seconds(call, wait, 1)
    count = min(max(int(budget / second / FEWEST_BATCHES), 1), BATCH)
    end = time.perf_counter() + budget
    batches = [batch_seconds(call, wait, count)]
    while time.perf_counter() < end:
        batches.append(batch_seconds(call, wait, count))
    return median(took for took, _ in batches), median(start for _, start in batches)


def batch_seconds(call: Callable[[], object], wait: Callable[[], object], count: int) -> tuple[float, float]:
    """Seconds of each of some calls in a row, to their end and to their start."""
    began = time.perf_counter()
    for _ in range(count):
        call()
    started = time.perf_counter()
    wait()
    return (time.perf_counter() - began) / count, (started - began) / count


def processor_seconds(call: Callable[[], object], first: float, budget: float, threads: int) -> float:
    """Seconds of a call on so many threads of the processor, once it is compiled; ``first`` as above."""
    times: list[float] = []
    numba.set_num_threads(threads)
    try:
        while sum(times) < budget and len(times) < MOST_CALLS:
            began = time.perf_counter()
            call()
            times.append(time.perf_counter() - began)
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    return median(times or [first])
