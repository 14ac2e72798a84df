"""Choose blocks of whole chunks of a layer: all of it, or evenly spread ones with a number of pixels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import xarray as xr

Block = tuple[slice, slice]  # of lines, of samples

PIXELS_AT_ONCE = 1_000_000  # of arrays without chunks
GOLDEN = (5**0.5 - 1) / 2


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
    def of(
        cls, layer: xr.Variable | xr.DataArray, dimensions: tuple[str, str] = ("azimuth", "range")
    ) -> ChunkGrid:
        """Return the grid of a layer with the dimensions of an image, and maybe others."""
        lines, samples = (layer.sizes[name] for name in dimensions)
        chunks = layer.encoding.get("preferred_chunks", {})
        return cls(
            shape=(lines, samples),
            chunk=(
                min(lines, chunks.get(dimensions[0], max(1, PIXELS_AT_ONCE // samples))),
                min(samples, chunks.get(dimensions[1], samples)),
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
        """Choose evenly spread chunks with at most ``pixels`` pixels in all, but at least one; all of them if they fit.

        Strided lines would have every chunk decoded; whole rows of chunks would be a few strips of a large image.
        """
        (lines, samples), (tall, wide) = self.shape, self.chunk
        if lines * samples <= pixels:
            return [(slice(0, lines), slice(0, samples))]
        rows, columns = -(-lines // tall), -(-samples // wide)
        chunks = max(1, pixels // (tall * wide))
        in_rows = min(rows, chunks)
        in_columns = min(columns, chunks // in_rows)
        blocks = []
        for number in range(in_rows):
            first = (2 * number + 1) * rows // (2 * in_rows) * tall
            shift = (
                (number + 1) * GOLDEN % 1.0
            )  # no two rows have the same columns, and all columns their turn
            for place in range(in_columns):
                left = int((place + shift) * columns / in_columns) * wide
                blocks.append(
                    (slice(first, min(first + tall, lines)), slice(left, min(left + wide, samples)))
                )
        return blocks
