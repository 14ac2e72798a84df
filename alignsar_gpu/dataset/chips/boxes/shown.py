"""An object as a chip shows it: its pixels, and the boxes around them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import shapely

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class ShownObject:
    """The part of an object that lies in a chip.

    Attributes
    ----------
    number : of the object among those of the label; of a feature, its id.
    category : index of its category.
    line, sample : of the first pixels of the box around it.
    mask : which pixels of that box are the object's, [line, sample].
    visible : share of the object's pixels that the chip shows.
    """

    number: int
    category: int
    line: int
    sample: int
    mask: NDArray[np.bool_]
    visible: float

    @property
    def box(self) -> tuple[int, int, int, int]:
        """First sample, first line, samples and lines of the box."""
        lines, samples = self.mask.shape
        return self.sample, self.line, samples, lines

    @property
    def area(self) -> int:
        """Pixels of the object in the chip."""
        return int(np.count_nonzero(self.mask))

    def corners(self, *, oriented: bool) -> NDArray[np.float64]:
        """Return the corners of the box, or of the least rectangle of any direction, [corner, (sample, line)]."""
        x, y, width, height = self.box
        if not oriented:
            return np.array([[x, y], [x + width, y], [x + width, y + height], [x, y + height]], dtype=float)
        line = np.flatnonzero(self.mask.any(axis=1))
        first, last = self.mask[line].argmax(axis=1), width - self.mask[line, ::-1].argmax(axis=1)
        ends = [np.stack([sample, line + down], axis=1) for sample in (first, last) for down in (0, 1)]
        around = shapely.oriented_envelope(shapely.multipoints(np.concatenate(ends)))
        corners: NDArray[np.float64] = shapely.get_coordinates(around)[:4] + np.array([x, y])
        return corners

    def runs(self, shape: tuple[int, int]) -> list[int]:
        """Return the lengths of runs of pixels outside and inside by turns, column by column (COCO's RLE)."""
        whole = np.zeros(shape, dtype=bool)
        lines, samples = self.mask.shape
        whole[self.line : self.line + lines, self.sample : self.sample + samples] = self.mask
        flat = whole.ravel(order="F")
        changes = np.flatnonzero(np.diff(flat, prepend=False))  # where a run begins
        lengths: list[int] = np.diff(changes, prepend=0, append=flat.size).tolist()
        return lengths
