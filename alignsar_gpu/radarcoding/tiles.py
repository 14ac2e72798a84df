"""Parts of a radar image that are worked on at a time."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ImageTile:
    """A rectangle of pixels of a radar image: a range of lines and a range of samples."""

    lines: slice
    samples: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Number of lines and samples."""
        return self.lines.stop - self.lines.start, self.samples.stop - self.samples.start
