"""One burst of a date on the grid of its counterpart on the reference date."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.coregistration.carrier import burst_carrier
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.kernels.resampling import Box, CarrierTable, ramp, resample, weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.kernels.geometry import Drawing
    from alignsar_gpu.products.selection import Match

# Taps in azimuth and range, and the bands in shares of the sampling rates: 1 % of error for every subswath. Of all
# of Sentinel-1, IW1 is the widest in range.
AZIMUTH = 8, 0.68
RANGE = {"IW1": (16, 0.88), "IW2": (8, 0.755), "IW3": (8, 0.67)}
WIDEST = 16, 0.90


@dataclass(frozen=True, kw_only=True, eq=False)
class Places:
    """Where a date sees the pixels of the reference; each array [line, sample] float64, NaN for nowhere.

    ``line`` and ``sample`` count in the burst of the date. ``turns`` are the cycles of phase that flattening adds:
    2 (R_date - R_reference) / lambda.
    """

    line: NDArray[np.float64]
    sample: NDArray[np.float64]
    turns: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class BurstPair:
    """A burst of the reference date and its counterpart on another.

    Attributes
    ----------
    reference, secondary : the bursts, and the products that they are from.
    delay : how much later (s) the secondary passes, each date counted from its own midnight.
    timing : seconds that the secondary's image is late (`solve_timing`).
    """

    reference: Match
    secondary: Match
    delay: float
    timing: float = 0.0

    @cached_property
    def _tables(self) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        return weights(*AZIMUTH), weights(*RANGE.get(self.secondary.burst.swath, WIDEST))

    def places(self, first: int, drawing: Drawing) -> Places:
        """Where the secondary sees lines of the reference's burst from ``first`` on, whose ground is ``drawing``."""
        grid, other = self.reference.burst.grid, self.secondary.burst.grid
        lines, samples = drawing.height.shape
        seeds = grid.azimuth_time(np.arange(first, first + lines)) + self.delay
        time, slant_range = ground_to_radar(
            self.secondary.product.orbit,
            drawing.longitude,
            drawing.latitude,
            drawing.height,
            seeds[:, np.newaxis],
        )
        own = grid.slant_range(np.arange(samples))
        return Places(
            line=other.line(time + self.timing),
            sample=other.sample(slant_range),
            turns=2.0 / grid.wavelength * (slant_range - own),
        )

    def pixels(
        self, places: Places, polarization: str, *, flatten: bool = True
    ) -> tuple[NDArray[np.complex64], NDArray[np.bool_]]:
        """Pixels of the secondary at ``places``, with their carrier, and which of them are valid.

        With ``flatten``, turned so that reference * conj(pixels) is the flattened interferogram.
        """
        burst = self.secondary.burst
        down, across = self._tables
        lines = _reach(places.line, down.shape[1], burst.grid.lines)
        samples = _reach(places.sample, across.shape[1], burst.grid.samples)
        if lines is None or samples is None:
            shape = places.line.shape
            return np.zeros(shape, dtype=np.complex64), np.zeros(shape, dtype=bool)
        carrier = burst_carrier(burst, polarization, self.secondary.product.orbit)
        slope, centroid = carrier.slope[samples], carrier.centroid[samples]
        since = carrier.first_time + carrier.interval * np.arange(lines.start, lines.stop)
        valid = burst.valid
        return resample(
            ramp(burst.read(polarization, lines, samples), slope, centroid, since, -1),
            places.line - lines.start,
            places.sample - samples.start,
            down=down,
            across=across,
            carrier=CarrierTable(slope, centroid, float(since[0]), carrier.interval),
            turns=places.turns if flatten else None,
            box=Box(
                float(valid[0].start - lines.start),
                float(valid[0].stop - 1 - lines.start),
                float(valid[1].start - samples.start),
                float(valid[1].stop - 1 - samples.start),
            ),
        )


def _reach(position: NDArray[np.float64], taps: int, count: int) -> slice | None:
    """The part of an axis of ``count`` pixels that is needed to resample at positions."""
    if not np.isfinite(position).any():
        return None
    low = max(int(np.floor(np.nanmin(position))) - taps, 0)
    high = min(int(np.ceil(np.nanmax(position))) + taps + 1, count)
    return slice(low, high) if high - low > taps else None
