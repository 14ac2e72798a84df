"""What readers of points have in common: coordinates in the file's own reference system, and its columns."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray
    from pyproj import CRS

    from alignsar_gpu.radarcoding.crs import Box


AT_A_TIME = 1 << 20  # points read together


class Coordinates(NamedTuple):
    """Points in coordinates of the file: float64 (n,), NaN where a number is missing."""

    x: NDArray[np.float64]
    y: NDArray[np.float64]
    z: NDArray[np.float64] | None
    value: NDArray[np.float64] | None


@dataclass(frozen=True, kw_only=True)
class PointSource(ABC):
    """A file of points, or tiles, in one coordinate reference system; formats give its `read`.

    Attributes
    ----------
    where : how messages begin.
    files : that are read.
    crs : as stated by the file; None where it states none.
    bounds : extent of the points; None where only reading them would tell.
    has_height : whether points have a third coordinate.
    units : of the values.
    """

    where: str
    files: tuple[Path | str, ...]
    crs: CRS | None
    bounds: Box | None
    has_height: bool
    units: str = "1"

    @abstractmethod
    def read(self, windows: Sequence[Box], counts: Counter[str]) -> Iterator[Coordinates]:
        """Read the points some at a time, without those that are known to lie outside of all ``windows``.

        What is left out for what it is, is added to ``counts``.
        """


def column(names: Sequence[str], wanted: str | None, what: str, where: str) -> str:
    """Return the column that ``wanted`` names, "" for none. Raises AlignsarError that lists the columns."""
    if wanted is not None and wanted not in names:
        raise AlignsarError(
            f"{where}: has no column {wanted!r} ({what}); its columns are {', '.join(names) or 'none'}"
        )
    return wanted or ""
