"""Rings of vectors placed on a tile, and those that are there on each date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.radarcoding.vectors.polygons import PlacedRings, on_cells, on_pixels

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignsar_gpu.radarcoding.level_ground import GroundCells
    from alignsar_gpu.radarcoding.vectors.ring_store import RingBatch


@dataclass(frozen=True, kw_only=True, eq=False)
class PlacedBatches:
    """Rings that reach a tile: on the ground, on its ``cells``; and raised ones, on its ``pixels``."""

    cells: Sequence[PlacedRings]
    pixels: Sequence[PlacedRings]

    @classmethod
    def of(cls, ground: GroundCells, batches: Sequence[RingBatch]) -> PlacedBatches:
        """Place batches of rings on a tile."""
        return cls(
            cells=[on_cells(ground, batch.ground) for batch in batches],
            pixels=[on_pixels(ground, batch.raised) for batch in batches],
        )

    def on(self, date: int) -> PlacedBatches:
        """Select the rings that are there on a date; they must have dates of their own."""
        return PlacedBatches(
            cells=[part.on(date) for part in self.cells], pixels=[part.on(date) for part in self.pixels]
        )

    def dates_alike(self, count: int) -> list[list[int]]:
        """Group the dates, of which there are ``count``, on which the same rings are there."""
        there = [part.dates for part in (*self.cells, *self.pixels)]
        dates = np.concatenate([np.zeros((0, count), dtype=bool), *there])
        groups: dict[bytes, list[int]] = {}
        for date in range(count):
            groups.setdefault(dates[:, date].tobytes(), []).append(date)
        return list(groups.values())
