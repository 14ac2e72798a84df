"""Resample one burst of a secondary date onto the grid of its counterpart on the reference date."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.coregistration.carrier import Carrier, burst_carrier
from alignsar_gpu.kernels import ZERO_DOPPLER, ground_to_radar
from alignsar_gpu.kernels.resampling.interface import Box, CarrierTable, extents, ramp, resample, weights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.coregistration.offsets import OffsetField
    from alignsar_gpu.device import Device
    from alignsar_gpu.products.selection import Match
    from alignsar_gpu.products.slc import Band
    from alignsar_gpu.transfers import Transfer

# Wider bands take 16 taps, with which their error is below 1 % too: IW1, EW and stripmap, in range.
WIDE, WIDE_TAPS = 0.8, 16
TAPS = 12


def resampling_weights(band: Band, taps: int) -> NDArray[np.float32]:
    """Return the table of resampling weights along the axis of a band."""
    return weights(WIDE_TAPS if band.width > WIDE else taps, band.width, band.hamming)


@dataclass(frozen=True, kw_only=True, eq=False)
class GroundBlock:
    """A block of the reference's pixels with their ground coordinates; arrays on the device.

    Attributes
    ----------
    azimuth_time, slant_range : (lines,) and (samples,) float64 of the grid that the ground is drawn on, s and m.
    time_offset, range_offset : of the burst's own times and ranges against those, far below a pixel.
    line, sample : of the reference's burst that the first pixel is.
    longitude, latitude, height : [line, sample] float64, contiguous; NaN where there is no ground.
    """

    azimuth_time: NDArray[np.float64]
    slant_range: NDArray[np.float64]
    time_offset: float
    range_offset: float
    line: int
    sample: int
    longitude: Any
    latitude: Any
    height: Any


@dataclass(frozen=True, kw_only=True, eq=False)
class PixelPositions:
    """Positions of the reference's pixels in the burst of another date, [line, sample] float64; NaN if not seen.

    ``line`` and ``sample`` count in the burst of the date. ``turns`` are the cycles of phase that flattening adds:
    2 (R_date - R_reference) / lambda.
    """

    line: Any
    sample: Any
    turns: Any


@dataclass(frozen=True, kw_only=True)
class Shift:
    """A constant shift of a date's image: seconds of azimuth time and metres of slant range, positive if late."""

    seconds: float = 0.0
    metres: float = 0.0

    def __add__(self, other: Shift) -> Shift:
        return Shift(seconds=self.seconds + other.seconds, metres=self.metres + other.metres)


@dataclass(frozen=True, kw_only=True, eq=False)
class BurstPair:
    """A burst of the reference date and its counterpart on another.

    Attributes
    ----------
    reference, secondary : the bursts, and the products that they are from.
    device : where the arithmetic runs.
    shift : what the secondary's image is late by, against its orbit and annotation.
    field : pixels that it is late by besides, over the reference's burst; None for none.
    taps : of the kernels that resample: 8, 12 or 16.
    """

    reference: Match
    secondary: Match
    device: Device
    shift: Shift = Shift()
    field: OffsetField | None = None
    taps: int = TAPS

    @cached_property
    def delay(self) -> float:
        """Time (s) from the reference's pass to the secondary's, each counted from its own midnight."""
        own, other = self.reference.burst.grid, self.secondary.burst.grid
        return other.first_azimuth_time - own.first_azimuth_time

    @cached_property
    def _tables(self) -> tuple[Any, Any]:
        burst = self.secondary.burst
        down, across = (
            self.device.keep(
                (resampling_weights, band, self.taps), partial(resampling_weights, band, self.taps)
            )
            for band in (burst.azimuth_band, burst.range_band)
        )
        return down, across

    @cached_property
    def _carriers(self) -> dict[str, Carrier]:
        burst, orbit = self.secondary.burst, self.secondary.product.orbit
        return {name: burst_carrier(burst, name, orbit) for name in burst.channels}

    def to_radar(self, ground: GroundBlock) -> PixelPositions:
        """Compute the positions of a block of the reference's pixels in the secondary's burst."""
        grid, upload = self.secondary.burst.grid, self.device.upload
        line, sample = ground_to_radar(
            ground.longitude,
            ground.latitude,
            ground.height,
            upload(ground.azimuth_time + self.delay),
            self.secondary.product.orbit.table,
            ZERO_DOPPLER,
        )
        turns = sample - upload(ground.slant_range)
        turns *= 2.0 / grid.wavelength
        line -= grid.first_azimuth_time - self.shift.seconds - ground.time_offset
        line /= grid.azimuth_interval
        sample -= grid.first_slant_range - self.shift.metres - ground.range_offset
        sample /= grid.range_spacing
        if self.field is not None:
            across = np.arange(ground.sample, ground.sample + sample.shape[1])
            for row in range(len(line)):
                late = self.field.at(float(ground.line + row), across)
                line[row] += upload(late[0])
                sample[row] += upload(late[1])
        return PixelPositions(line=line, sample=sample, turns=turns)

    def window(self, places: PixelPositions) -> tuple[slice, slice] | None:
        """Find the lines and samples of the secondary that are needed at ``places``, whatever the polarization.

        None where nothing of it is seen.
        """
        found = extents(places.line, places.sample)
        if found is None:
            return None
        grid, tables = self.secondary.burst.grid, self._tables
        lines, samples = (
            _reach(ends, table.shape[1], count)
            for ends, table, count in zip(found, tables, grid.shape, strict=True)
        )
        return None if lines is None or samples is None else (lines, samples)

    def read(self, polarization: str, window: tuple[slice, slice]) -> Transfer:
        """Read a `window` of the secondary, as the product stores it, and send it on its way to the device."""
        stored = self.secondary.burst.measurement(polarization).read_stored(*window, self.device.host_memory)
        return self.device.begin_upload(stored)

    def pixels(
        self,
        places: PixelPositions,
        polarization: str,
        window: tuple[slice, slice],
        stored: Any,
        *,
        flatten: bool = True,
    ) -> tuple[Any, Any]:
        """Resample the secondary at ``places``, carrier kept; return its pixels and their validity mask.

        ``stored`` is what `read` has of ``window``. With ``flatten``, turned so that reference * conj(pixels) is the
        flattened interferogram. Zero is no data.
        """
        lines, samples = window
        valid = self.secondary.burst.valid
        carrier = self._carriers[polarization]
        slope, centroid = carrier.slope[samples], carrier.centroid[samples]
        since = carrier.first_time + carrier.interval * np.arange(lines.start, lines.stop)
        return resample(
            ramp(stored, slope, centroid, since, -1),
            places.line - lines.start,
            places.sample - samples.start,
            down=self._tables[0],
            across=self._tables[1],
            carrier=CarrierTable(slope, centroid, carrier.first_time, carrier.interval, lines.start),
            turns=places.turns if flatten else None,
            box=Box(
                float(valid[0].start - lines.start),
                float(valid[0].stop - 1 - lines.start),
                float(valid[1].start - samples.start),
                float(valid[1].stop - 1 - samples.start),
            ),
        )

    def resampled(
        self, places: PixelPositions, polarization: str, *, flatten: bool = True
    ) -> tuple[Any, Any]:
        """Read and resample the secondary at ``places``; see `pixels`."""
        window = self.window(places)
        if window is None:
            shape = places.line.shape
            return self.device.xp.zeros(shape, dtype=np.complex64), self.device.xp.zeros(shape, dtype=bool)
        stored = self.read(polarization, window).result()
        return self.pixels(places, polarization, window, stored, flatten=flatten)


def _reach(ends: tuple[float, float], taps: int, count: int) -> slice | None:
    """The part of an axis of ``count`` pixels that is needed to resample between two positions; None for none."""
    low = max(math.floor(ends[0]) - taps, 0)
    high = min(math.ceil(ends[1]) + taps + 1, count)
    return slice(low, high) if high - low > taps else None
