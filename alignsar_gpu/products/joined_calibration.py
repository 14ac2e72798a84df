"""Calibration of a mosaic: of every part of it the vectors of the product and subswath that it comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.products.acquisition import Calibration


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibratedPart:
    """Azimuth times (s) and slant ranges (m) from the first up to the last, and what calibrates them."""

    times: tuple[float, float]
    ranges: tuple[float, float]
    calibration: Calibration


@dataclass(frozen=True, kw_only=True, eq=False)
class JoinedCalibration:
    """Several calibrations as one; see `Calibration.amplitude`."""

    parts: Sequence[CalibratedPart]

    @property
    def source(self) -> str:
        """The products that the records belong to."""
        return ", ".join(sorted({part.calibration.source for part in self.parts}))

    def amplitude(
        self,
        quantity: str,
        azimuth_time: NDArray[np.float64],
        slant_range: NDArray[np.float64],
        xp: Any,
    ) -> Any:
        """As `Calibration.amplitude`; 1 where there is no part."""
        result = xp.ones((len(azimuth_time), len(slant_range)), dtype=np.float32)
        for part in self.parts:
            rows = between(azimuth_time, part.times)
            columns = between(slant_range, part.ranges)
            if rows.start < rows.stop and columns.start < columns.stop:
                result[rows, columns] = part.calibration.amplitude(
                    quantity, azimuth_time[rows], slant_range[columns], xp
                )
        return result


def between(values: NDArray[np.float64], ends: tuple[float, float]) -> slice:
    """Where increasing values lie from the first of two numbers up to the second, as a slice."""
    first, stop = np.searchsorted(values, ends)
    return slice(int(first), int(stop))
