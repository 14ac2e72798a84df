"""Offsets of the lines and samples of an image from those of its geometry: mostly none, a pixel at most."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.radarcoding.tiles import ImageTile

MARGIN = 8  # lines, beside a tile
SPACING = 64  # samples between the nodes


@dataclass(frozen=True, kw_only=True, eq=False)
class Shifts:
    """Offsets of an image from its geometry: ground at line l, sample s is shown at l - lines, s - samples.

    Attributes
    ----------
    values : float32 [lines or samples, line, node]: of every line, at every ``spacing``-th sample from the first;
        [2, 0, 0] for none.
    first : the line of the image that they begin at.
    """

    values: NDArray[np.float32]
    first: int = 0
    spacing: int = SPACING

    @cached_property
    def largest(self) -> tuple[float, float]:
        """Largest offset in lines and in samples, in either direction."""
        if not self.values.size:
            return 0.0, 0.0
        lines, samples = np.abs(self.values).max(axis=(1, 2))
        return float(lines), float(samples)

    def around(self, tile: ImageTile) -> tuple[NDArray[np.float32], tuple[int, int]]:
        """Return the offsets around a tile, and line and sample of the first, counted from the tile's first pixel."""
        if not self.values.size:
            return self.values, (0, 0)
        lines, nodes = self.values.shape[1:]
        first = min(max(tile.lines.start - self.first - MARGIN, 0), lines - 1)
        stop = max(min(tile.lines.stop - self.first + MARGIN, lines), first + 1)
        node = min(max(tile.samples.start // self.spacing - 1, 0), nodes - 2)
        end = max(min(tile.samples.stop // self.spacing + 3, nodes), node + 2)
        part = np.ascontiguousarray(self.values[:, first:stop, node:end])
        return part, (first + self.first - tile.lines.start, node * self.spacing - tile.samples.start)

    def at(
        self, line: NDArray[np.float64], sample: NDArray[np.float64]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Interpolate the offsets in lines and samples at fractional lines and samples; held at the ends."""
        if not self.values.size:
            return np.zeros_like(line), np.zeros_like(sample)
        n = np.clip(np.nan_to_num(np.floor(line - self.first + 0.5)), 0, self.values.shape[1] - 1).astype(
            np.intp
        )
        place = np.clip(np.nan_to_num(sample / self.spacing), 0.0, self.values.shape[2] - 1.0)
        node = np.minimum(place.astype(np.intp), self.values.shape[2] - 2)
        share = place - node
        offsets = [p[n, node] + share * (p[n, node + 1] - p[n, node]) for p in self.values]
        return offsets[0], offsets[1]


NO_SHIFTS = Shifts(values=np.zeros((2, 0, 0), dtype=np.float32))
