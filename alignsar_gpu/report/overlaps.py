"""Timing information from burst overlaps, for pairs of dates."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Overlaps:
    """Phases and remaining shifts of burst overlaps for pairs of dates; arrays of one length, NaN if not known.

    Attributes
    ----------
    pair : index into ``pairs``, the dates (YYYYMMDD) that are compared.
    swath : index into ``swaths``.
    before, after : phase (rad) by the orbits, and with the dates' shifts taken off.
    left, deviation : lines that the shift of the overlap is beyond that of the dates, and its deviation.
    """

    pairs: Sequence[tuple[str, str]]
    swaths: Sequence[str]
    pair: NDArray[np.intp]
    swath: NDArray[np.intp]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    left: NDArray[np.float64]
    deviation: NDArray[np.float64]
