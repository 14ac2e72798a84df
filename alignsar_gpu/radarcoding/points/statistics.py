"""Statistics of points per pixel: exact, with the same bits in whatever order and parts the points come."""

from __future__ import annotations

import re
import tempfile
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import ArrayLike, NDArray

NAMES = ("count", "mean", "minimum", "maximum", "standard_deviation", "median", "most_frequent")
PERCENTILE = re.compile(r"p(\d{1,2}(?:\.\d+)?|100)")
BYTES_HELD = 24  # for each point until all are there: a key, another one while they are sorted, and to spare
BYTES_REDUCED = 96  # for each point of a band: float64 values, deviations, and what makes them
SIGN, ALL_BITS = np.uint32(1 << 31), np.uint32((1 << 32) - 1)
PIXEL_SHIFT = np.uint64(32)


def nearest_pixel(position: ArrayLike) -> NDArray[np.float64]:
    """Return the pixel k whose interval [k - 1/2, k + 1/2) holds a fractional position; NaN for NaN.

    Exact: ``floor(x + 0.5)`` would put the largest number below 0.5 into pixel 1.
    """
    x = np.asarray(position, dtype=np.float64)
    k = np.rint(x)  # half-integers go to the even neighbour, which is the lower one of some
    return np.asarray(k + (x - k >= 0.5))


def _keys(pixel: NDArray[np.uint64], value: NDArray[np.float32]) -> NDArray[np.uint64]:
    """Encode pixel and value of each point as one integer, which orders points by pixel and then by value.

    The bits of a float32 order as its value does, once those of negative numbers are turned over and the
    sign is set for the others.
    """
    bits = (value + np.float32(0.0)).view(np.uint32)  # zero has two forms: one is made of them
    bits ^= np.where(bits & SIGN, ALL_BITS, SIGN)
    return (pixel << PIXEL_SHIFT) | bits


def _values(keys: NDArray[np.uint64]) -> NDArray[np.float64]:
    bits = keys.astype(np.uint32)  # the lower half
    bits ^= np.where(bits & SIGN, SIGN, ALL_BITS)
    return bits.view(np.float32).astype(np.float64)


def percentage(name: str) -> float | None:
    """Return the percentage of a statistic such as "median" or "p95"; None for other names."""
    if name == "median":
        return 50.0
    match = PERCENTILE.fullmatch(name)
    return float(match[1]) if match else None


class PointStatistics:
    """Collect points and compute statistics of those in each pixel of some lines of a radar grid.

    A point belongs to the pixel whose centre is nearest, in half-open intervals. Values are kept as float32
    and reduced in float64, sorted: no statistic depends on the order of the points, or on which of them were
    added together. ``count`` counts the points whose value is finite and is 0 where there are none; the
    others are NaN there. ``most_frequent`` is the value that most points have, the least of equal ones.
    ``standard_deviation`` divides by the number of points; percentiles are interpolated linearly between the
    points on either side.

    Parameters
    ----------
    shape : (lines, samples) of the result.
    first : the line of the radar grid that the first of these lines is.
    statistics : of "count", "mean", "minimum", "maximum", "standard_deviation", "median", "most_frequent", and
        "p" with a percentage ("p05", "p95", "p99.5").
    memory : bytes that the points may take, beside the result.
    folder : where points go that do not fit into ``memory``, in files that vanish; None to refuse them.

    Raises AlignsarError for a statistic of another name.
    """

    def __init__(
        self,
        shape: tuple[int, int],
        first: int,
        statistics: Sequence[str],
        memory: int,
        folder: Path | None = None,
    ) -> None:
        unknown = [name for name in statistics if name not in NAMES and percentage(name) is None]
        if unknown or not statistics:
            raise AlignsarError(
                f"statistics of points: unknown {', '.join(map(repr, unknown)) or '(none)'}; choose from "
                f"{', '.join(NAMES)}, and percentiles such as p05 or p95"
            )
        if shape[0] * shape[1] >= 1 << 32:
            raise ValueError(f"{shape[0]} x {shape[1]} pixels are too many at a time")
        self._shape, self._first, self._statistics = shape, first, tuple(dict.fromkeys(statistics))
        self._most_held, self._most_reduced = max(memory // BYTES_HELD, 1), max(memory // BYTES_REDUCED, 1)
        self._folder, self._memory = folder, memory
        self._held: list[NDArray[np.uint64]] = []
        self._runs: list[NDArray[np.uint64]] = []

    def add(self, line: ArrayLike, sample: ArrayLike, value: ArrayLike) -> int:
        """Add points (n,) at fractional lines and samples of the radar grid; return how many were counted.

        Points outside these lines and samples, and those without a finite position or value, do not.
        """
        i = nearest_pixel(line) - self._first
        j = nearest_pixel(sample)
        lines, samples = self._shape
        with np.errstate(
            over="ignore"
        ):  # values beyond float32 are as little a number as those that are none
            kept = np.asarray(value, dtype=np.float64).astype(np.float32)
        inside = (i >= 0) & (i < lines) & (j >= 0) & (j < samples) & np.isfinite(kept)
        pixel = i[inside].astype(np.uint64) * np.uint64(samples) + j[inside].astype(np.uint64)
        keys = _keys(pixel, kept[inside])
        for start in range(0, len(keys), self._most_held):
            self._hold(keys[start : start + self._most_held])
        return len(keys)

    def _hold(self, keys: NDArray[np.uint64]) -> None:
        if sum(map(len, self._held)) + len(keys) > self._most_held:
            if self._folder is None:
                raise AlignsarError(
                    f"statistics of points: more than {self._most_held} points on {self._shape[0]} lines do not fit "
                    f"into {self._memory / 2**20:.0f} MiB: give more memory (device.memory_gib), or take fewer "
                    "lines at a time"
                )
            with tempfile.TemporaryFile(dir=self._folder) as file:
                run = self._sorted()
                run.tofile(file)
                file.flush()
                self._runs.append(np.memmap(file, dtype=np.uint64, mode="r", shape=run.shape))
        self._held.append(keys)

    def _sorted(self) -> NDArray[np.uint64]:
        """Take the held points out, sorted."""
        keys = np.concatenate(self._held)
        self._held = []
        keys.sort()
        return keys

    def result(self) -> dict[str, NDArray[np.float32]]:
        """Compute the statistics, each float32 [line, sample]."""
        out = {
            name: np.full(self._shape, 0.0 if name == "count" else np.nan, dtype=np.float32)
            for name in self._statistics
        }
        if self._held:
            self._held = [self._sorted()]
        for band in self._bands([*self._runs, *self._held], 0, self._shape[0] * self._shape[1]):
            keys = band[0] if len(band) == 1 else np.sort(np.concatenate(band))
            pixel, statistics = _reduced(keys, self._statistics)
            for name, image in out.items():
                image.reshape(-1)[pixel] = statistics[name]
        return out

    def _bands(
        self, runs: list[NDArray[np.uint64]], first: int, last: int
    ) -> Iterator[list[NDArray[np.uint64]]]:
        """Divide ``runs`` into bands of pixels with few enough points to be reduced together."""
        edges = np.array([first, last], dtype=np.uint64) << PIXEL_SHIFT
        parts = [run[slice(*np.searchsorted(run, edges))] for run in runs]
        count = sum(map(len, parts))
        if count > self._most_reduced and last - first > 1:
            middle = (first + last) // 2
            yield from self._bands(parts, first, middle)
            yield from self._bands(parts, middle, last)
        elif count:
            yield [part for part in parts if len(part)]


def _reduced(
    keys: NDArray[np.uint64], names: Sequence[str]
) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]]]:
    """Return the pixels that sorted keys belong to, and their statistics (pixel,)."""
    pixels = keys >> PIXEL_SHIFT
    start = np.flatnonzero(np.concatenate([[True], pixels[1:] != pixels[:-1]]))
    count = np.diff(start, append=len(keys))
    value = _values(keys)
    result: dict[str, NDArray[Any]] = {}
    for name in names:
        percent = percentage(name)
        if percent is not None:
            result[name] = _percentile(value, start, count, percent)
        elif name == "count":
            result[name] = count
        elif name == "mean":
            result[name] = np.add.reduceat(value, start) / count
        elif name == "minimum":
            result[name] = value[start]
        elif name == "maximum":
            result[name] = value[start + count - 1]
        elif name == "most_frequent":
            result[name] = value[_longest_runs(keys, start)]
        else:
            deviation = value - np.repeat(np.add.reduceat(value, start) / count, count)
            deviation *= deviation
            result[name] = np.sqrt(np.add.reduceat(deviation, start) / count)
    return pixels[start].astype(np.int64), result


def _longest_runs(keys: NDArray[np.uint64], start: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return where the longest run of equal keys of each pixel begins, the first of equal ones."""
    run = np.flatnonzero(np.concatenate([[True], keys[1:] != keys[:-1]]))
    length = np.diff(run, append=len(keys))
    first = np.searchsorted(run, start)  # of the runs of each pixel
    longest = np.repeat(np.maximum.reduceat(length, first), np.diff(first, append=len(run)))
    chosen = np.flatnonzero(length == longest)
    return np.asarray(run[chosen[np.searchsorted(chosen, first)]])


def _percentile(
    value: NDArray[np.float64], start: NDArray[np.int64], count: NDArray[np.int64], percent: float
) -> NDArray[np.float64]:
    """Compute percentiles as numpy does: linear between the sorted values, at (count - 1) percent / 100."""
    place = (count - 1) * (percent / 100.0)
    below = np.floor(place).astype(np.int64)
    t = place - below
    a, b = value[start + below], value[start + np.minimum(below + 1, count - 1)]
    return np.asarray(np.where(t < 0.5, a + (b - a) * t, b - (b - a) * (1.0 - t)))
