"""Choose blocks of whole chunks of a layer: all of it, or evenly spread ones up to a number of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

Block = tuple[slice, slice]  # of lines, of samples

PIXELS_AT_ONCE = 1_000_000  # of arrays without chunks


@dataclass(frozen=True, kw_only=True)
class ChunkGrid:
    """Division of a layer [line, sample] into chunks, the least that can be read of it.

    Attributes
    ----------
    shape : lines and samples of the layer.
    chunk : lines and samples of a chunk.
    """

    shape: tuple[int, int]
    chunk: tuple[int, int]

    @classmethod
    def of(cls, layer: xr.Variable | xr.DataArray) -> ChunkGrid:
        """Return the grid of a layer with the dimensions azimuth and range, and maybe others."""
        lines, samples = layer.sizes["azimuth"], layer.sizes["range"]
        chunks = layer.encoding.get("preferred_chunks", {})
        return cls(
            shape=(lines, samples),
            chunk=(
                min(lines, chunks.get("azimuth", max(1, PIXELS_AT_ONCE // samples))),
                min(samples, chunks.get("range", samples)),
            ),
        )

    def rows(self, pixels: int, *, most: int) -> list[slice]:
        """Divide all lines into blocks of whole rows of chunks with about ``pixels`` pixels.

        A block has at least one row of chunks, but never more than ``most`` pixels (and one line): only where chunks
        are taller than that, they are in more than one block.
        """
        lines, samples = self.shape
        block = self.chunk[0] * max(1, pixels // (self.chunk[0] * samples))
        block = max(1, min(block, most // samples))
        return [slice(first, min(first + block, lines)) for first in range(0, lines, block)]

    def spread(self, pixels: int) -> list[Block]:
        """Choose evenly spread blocks with about ``pixels`` pixels in all: rows of chunks, at least a chunk.

        Where there is less than a row of chunks to choose, the chunks lie on the diagonal of the layer.
        """
        (lines, samples), (tall, wide) = self.shape, self.chunk
        rows, columns = -(-lines // tall), -(-samples // wide)
        wanted = max(1, pixels // (tall * wide))
        if wanted >= columns:
            count = min(rows, wanted // columns)
            return [(_part(evenly(rows, count, i), tall, lines), slice(0, samples)) for i in range(count)]
        return [
            (_part(evenly(rows, wanted, i), tall, lines), _part(evenly(columns, wanted, i), wide, samples))
            for i in range(wanted)
        ]


def _part(number: int, size: int, end: int) -> slice:
    return slice(number * size, min((number + 1) * size, end))


def evenly(count: int, chosen: int, number: int) -> int:
    """Return which of ``count`` things is the ``number``-th of ``chosen`` evenly spread ones."""
    return (2 * number + 1) * count // (2 * chosen)
