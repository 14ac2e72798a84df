"""The grid of a stack: a radar grid, or a map grid."""

from __future__ import annotations

from typing import Protocol, runtime_checkable


@runtime_checkable
class Grid(Protocol):
    """The pixels of a stack: a `RadarGrid` [line, sample] or a `MapGrid` [row, column]."""

    @property
    def shape(self) -> tuple[int, int]:
        """(lines, samples), or (rows, columns)."""
