"""Reduce a layer of a date, read once and by blocks, to a picture and statistics."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.blocks import ChunkGrid
from alignsar_gpu.report.drawing.display import DisplayGrid, cell_average, cell_middles

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from alignsar_gpu.report.drawing.display import Reduction

BLOCK_PIXELS = 250_000  # worked on at once
READ_PIXELS = 4_000_000  # read at once
MOST_READ_PIXELS = 16_000_000  # the same where a row of chunks has more than that
SAMPLED_PIXELS = 200_000  # of a layer of a date


@dataclass(frozen=True, kw_only=True)
class Scan:
    """Pictures and statistics of one layer of one date.

    Attributes
    ----------
    image : (rows, columns) a value for each display cell, or None where no picture was asked for.
    against : pictures of the true phase, and of this one less the true one; None if not asked for.
    sample : finite values of a regular sub-grid of the pixels, float32; magnitudes of a complex layer.
    minimum, maximum : over all finite pixels that were read; NaN where there is none.
    missing : share of the pixels that were read that are not finite, 0 to 1.
    share : of the pixels that were read, 0 to 1.
    """

    image: NDArray[np.floating[Any]] | None
    against: tuple[NDArray[np.float32], NDArray[np.float32]] | None
    sample: NDArray[np.float32]
    minimum: float
    maximum: float
    missing: float
    share: float


@dataclass(kw_only=True)
class _Statistics:
    """Statistics of blocks of a layer; every ``step``-th line and sample is kept."""

    step: int
    pixels: int = 0
    finite: int = 0
    minimum: float = math.inf
    maximum: float = -math.inf
    samples: list[NDArray[np.float32]] = field(default_factory=list)

    def add(self, values: NDArray[Any], line: int, sample: int = 0) -> None:
        """Add a block that begins at this line and sample."""
        known = np.isfinite(values)
        self.pixels += values.size
        self.finite += int(np.count_nonzero(known))
        self.minimum = min(self.minimum, float(np.min(values, where=known, initial=np.inf)))
        self.maximum = max(self.maximum, float(np.max(values, where=known, initial=-np.inf)))
        kept = slice(-line % self.step, None, self.step), slice(-sample % self.step, None, self.step)
        self.samples.append(values[kept][known[kept]].astype(np.float32))

    def scan(
        self,
        view: DisplayGrid,
        image: NDArray[np.floating[Any]] | None = None,
        against: tuple[NDArray[np.float32], NDArray[np.float32]] | None = None,
    ) -> Scan:
        """Return what was found."""
        return Scan(
            image=image,
            against=against,
            sample=np.concatenate(self.samples),
            minimum=self.minimum if self.finite else math.nan,
            maximum=self.maximum if self.finite else math.nan,
            missing=1 - self.finite / self.pixels,
            share=self.pixels / (view.lines * view.samples),
        )


def scan(
    layer: xr.Variable,
    view: DisplayGrid,
    reduction: Reduction | None = None,
    *,
    truth: xr.Variable | None = None,
    pixels: int | None = None,
) -> Scan:
    """Read a layer (azimuth, range) and reduce it to a picture and statistics.

    Parameters
    ----------
    layer : read by whole rows of chunks, each once.
    view : display grid of the picture.
    reduction : how display cells are formed; None makes no picture.
    truth : with the reduction "phase", the true phase, for pictures of it and of the difference.
    pixels : without a picture, how many are read at most, in evenly spread chunks; None: all.
    """
    layer = layer.transpose("azimuth", "range")
    if reduction is None and pixels is not None and pixels < view.lines * view.samples:
        return _scan_some(layer, view, pixels)
    statistics = _Statistics(step=_step(view.lines * view.samples))
    cells = view.cell_lines, view.cell_samples
    images: list[NDArray[Any]] = []
    true_images: list[NDArray[np.float32]] = []
    differences: list[NDArray[np.float32]] = []
    layers = [layer] if truth is None else [layer, truth.transpose("azimuth", "range")]
    for line, (values, *true) in _whole_cells(layers, view):
        statistics.add(values, line)
        if reduction == "middle":
            images.append(cell_middles(values, cells))
        elif reduction is not None:
            images.append(cell_average(values, cells, reduction))
        for true_values in true:
            true_images.append(cell_average(true_values, cells, "phase"))
            differences.append(cell_average(values - true_values, cells, "phase"))
    return statistics.scan(
        view,
        np.concatenate(images) if images else None,
        (np.concatenate(true_images), np.concatenate(differences)) if differences else None,
    )


def _scan_some(layer: xr.Variable, view: DisplayGrid, pixels: int) -> Scan:
    """Statistics from evenly spread chunks of a layer."""
    statistics = _Statistics(step=_step(pixels))
    for lines, samples in ChunkGrid.of(layer).spread(pixels):
        statistics.add(_read(layer, lines, samples), lines.start, samples.start)
    return statistics.scan(view)


def _step(pixels: int) -> int:
    return max(1, math.isqrt(pixels // SAMPLED_PIXELS))


def _whole_cells(
    layers: Sequence[xr.Variable], view: DisplayGrid
) -> Iterator[tuple[int, list[NDArray[Any]]]]:
    """First line and values, of every layer, of blocks of whole display cells; a chunk of the first is read once."""
    cell = view.cell_lines
    block = max(1, BLOCK_PIXELS // view.samples // cell) * cell
    first, rest = 0, [np.empty((0, view.samples))] * len(layers)
    for rows in ChunkGrid.of(layers[0]).rows(READ_PIXELS, most=MOST_READ_PIXELS):
        read = [_read(layer, rows, slice(None)) for layer in layers]
        read = [
            np.concatenate(parts) if len(parts[0]) else parts[1] for parts in zip(rest, read, strict=True)
        ]
        count = len(read[0])
        end = count if rows.stop == view.lines else count // cell * cell
        for begin in range(0, end, block):
            yield first + begin, [values[begin : min(begin + block, end)] for values in read]
        first, rest = first + end, [values[end:] for values in read]


def _read(layer: xr.Variable, lines: slice, samples: slice) -> NDArray[Any]:
    """Complex layers give their magnitude, whole numbers are turned to real ones."""
    values = layer[lines, samples].values
    if values.dtype.kind in "iu":
        return np.asarray(values, dtype=np.float64)
    return np.abs(values) if np.iscomplexobj(values) else values
