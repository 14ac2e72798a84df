"""Offsets of an image from its geometry: what its lines and samples are off from those of the radar grid."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class OffsetTable:
    """Lines and samples that an image shows everything later and farther, by line and sample.

    Linear between nodes, and the same beyond the outermost.

    Attributes
    ----------
    lines, samples : float64, of the nodes; two or more, increasing.
    values : float32 [2, line, sample]: lines, then samples.
    """

    lines: NDArray[np.float64]
    samples: NDArray[np.float64]
    values: NDArray[np.float32]

    def __call__(self, line: Any, sample: Any) -> tuple[Any, Any]:
        """Interpolate at fractional lines and samples: arrays of equal shape, of NumPy or on the device."""
        xp = np if isinstance(line, np.ndarray) else sys.modules[type(line).__module__.partition(".")[0]]
        (i, v), (j, u) = (_place(xp, nodes, at) for nodes, at in ((self.lines, line), (self.samples, sample)))
        found = []
        for table in self.values:
            values = xp.asarray(table)
            upper = values[i, j] + u * (values[i, j + 1] - values[i, j])
            lower = values[i + 1, j] + u * (values[i + 1, j + 1] - values[i + 1, j])
            found.append(upper + v * (lower - upper))
        return found[0], found[1]


def _place(xp: Any, nodes: NDArray[np.float64], at: Any) -> tuple[Any, Any]:
    """The node before each place, and the fraction of the way to the next."""
    places = xp.clip(xp.nan_to_num(at), nodes[0], nodes[-1])
    known = xp.asarray(nodes)
    index = xp.clip(xp.searchsorted(known, places, side="right") - 1, 0, len(nodes) - 2)
    return index, (places - known[index]) / (known[index + 1] - known[index])
