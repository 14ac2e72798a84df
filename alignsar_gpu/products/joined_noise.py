"""Thermal noise of a mosaic: of every part of it the records of the burst that its pixels come from.

A pixel keeps the noise of the line and the sample of the burst that it was read from, or resampled from: noise goes
with the pixels and not with the ground. Resampling leaves its power as it is, for its band is that of the image.
So each part tells which line of its burst a time of the grid is, by one number for the whole burst: of two passes
what is seen is shifted by a constant, apart from what turns it (below a line over a subswath, while the factor
of azimuth changes by 0.05 % a line at most).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.products.joined_calibration import between

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.products.noise import Noise


@dataclass(frozen=True, kw_only=True, eq=False)
class NoisyPart:
    """What a burst gives to a mosaic, and its noise.

    Attributes
    ----------
    times, ranges : azimuth times (s) and slant ranges (m) of the mosaic from the first up to the last.
    noise : of the burst's subswath, on its own date.
    grid : of the whole burst, on its own date.
    image_line : line of the subswath's image with all bursts that the burst begins with.
    begin : azimuth time of the mosaic's grid that line 0 of the burst is resampled to, seconds.
    farther : by how much slant ranges of the burst's own date are larger than the mosaic's, metres.
    """

    times: tuple[float, float]
    ranges: tuple[float, float]
    noise: Noise
    grid: RadarGrid
    image_line: int
    begin: float
    farther: float

    def power(self, azimuth_time: NDArray[np.float64], slant_range: NDArray[np.float64], xp: Any) -> Any:
        """As `JoinedNoise.power`, of times and ranges inside the part."""
        line = (azimuth_time - self.begin) / self.grid.azimuth_interval
        return self.noise.at(
            self.grid.azimuth_time(line),
            self.image_line + line,
            slant_range + self.farther,
            self.grid.range_spacing,
            xp,
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class JoinedNoise:
    """Thermal noise of one date and polarization, on the grid that its pixels lie on."""

    parts: Sequence[NoisyPart]

    @property
    def source(self) -> str:
        """The products that the records belong to."""
        return ", ".join(sorted({part.noise.source for part in self.parts}))

    def power(self, azimuth_time: NDArray[np.float64], slant_range: NDArray[np.float64], xp: Any) -> Any:
        """Noise power at every pixel of an image, (lines, samples) float32 of ``xp``, in units of |DN|^2.

        ``azimuth_time`` (lines,) in seconds since the grid's epoch and ``slant_range`` (samples,) in metres say
        where its lines and samples lie, increasing. 0 where there is no part.
        """
        result = xp.zeros((len(azimuth_time), len(slant_range)), dtype=np.float32)
        for part in self.parts:
            rows, columns = between(azimuth_time, part.times), between(slant_range, part.ranges)
            if rows.start < rows.stop and columns.start < columns.stop:
                result[rows, columns] = part.power(azimuth_time[rows], slant_range[columns], xp)
        return result
