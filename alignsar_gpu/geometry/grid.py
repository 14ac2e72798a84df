"""RadarGrid: the zero-Doppler grid of a stack of images."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.bounds import require

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

SPEED_OF_LIGHT = 299792458.0


@dataclass(frozen=True, kw_only=True)
class RadarGrid:
    """A zero-Doppler slant-range grid; arrays on it are indexed [line, sample].

    Attributes
    ----------
    epoch : the midnight (UTC) that azimuth times count from.
    first_azimuth_time : zero-Doppler time of line 0, seconds since ``epoch``.
    azimuth_interval : seconds from a line to the next.
    first_slant_range : one-way slant range of sample 0, metres.
    range_spacing : metres of slant range from a sample to the next.
    wavelength : metres.
    look_side : which side of the flight direction the antenna looks to.
    lines, samples : the extent in azimuth and in range.
    """

    epoch: np.datetime64
    first_azimuth_time: float
    azimuth_interval: float
    first_slant_range: float
    range_spacing: float
    wavelength: float
    look_side: Literal["right", "left"]
    lines: int
    samples: int

    def __repr__(self) -> str:
        start = self.epoch + np.timedelta64(round(1e6 * float(self.first_azimuth_time)), "us")
        shape = f"{self.lines} lines x {self.samples} samples"
        return f"RadarGrid({shape} from {start} and {self.first_slant_range:.3f} m, to the {self.look_side})"

    def __post_init__(self) -> None:
        for name in (
            "azimuth_interval",
            "first_slant_range",
            "range_spacing",
            "wavelength",
            "lines",
            "samples",
        ):
            value = getattr(self, name)
            if not (np.isfinite(value) and value > 0):
                raise AlignsarError(f"radar grid: {name} must be positive, got {value}")
        for bound, value in (
            ("wavelength", self.wavelength),
            ("slant_range", self.first_slant_range),
            ("range_spacing", self.range_spacing),
            ("azimuth_interval", self.azimuth_interval),
        ):
            require(bound, value, "radar grid")

    @property
    def shape(self) -> tuple[int, int]:
        """(lines, samples)."""
        return self.lines, self.samples

    def azimuth_time(self, line: ArrayLike) -> NDArray[np.float64]:
        """Convert (fractional) lines to zero-Doppler times, seconds since ``epoch``."""
        return self.first_azimuth_time + np.asarray(line, dtype=np.float64) * self.azimuth_interval

    def slant_range(self, sample: ArrayLike) -> NDArray[np.float64]:
        """Convert (fractional) samples to one-way slant ranges, metres."""
        return self.first_slant_range + np.asarray(sample, dtype=np.float64) * self.range_spacing

    def line(self, azimuth_time: ArrayLike) -> NDArray[np.float64]:
        """Convert zero-Doppler times (seconds since ``epoch``) to fractional lines."""
        return (np.asarray(azimuth_time, dtype=np.float64) - self.first_azimuth_time) / self.azimuth_interval

    def sample(self, slant_range: ArrayLike) -> NDArray[np.float64]:
        """Convert slant ranges (metres) to fractional samples."""
        return (np.asarray(slant_range, dtype=np.float64) - self.first_slant_range) / self.range_spacing
