"""Patches that the timing is measured on: overlaps of bursts, and the middles of bursts without any."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.coregistration.burst import GroundBlock
from alignsar_gpu.coregistration.carrier import burst_carrier
from alignsar_gpu.coregistration.mosaic import overlaps_of
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.terrain.terrain import Terrain
from alignsar_gpu.kernels import ramp
from alignsar_gpu.products.crop import crop_grid

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from alignsar_gpu.coregistration.burst import BurstPair
    from alignsar_gpu.coregistration.mosaic import BurstMosaic, Piece
    from alignsar_gpu.device import Device
    from alignsar_gpu.geometry.dem.dem import Dem
    from alignsar_gpu.kernels import TerrainLayers
    from alignsar_gpu.products.selection import Match

LONE_LINES = 256  # of a burst that overlaps none
FEWEST_LINES = 16  # of an overlap that is looked at
SMALLEST = 256  # samples, however little memory there is
PIXEL_BYTES = 9  # of a burst and date: the pixel, and whether it is valid
# Of all bursts and dates together: most while parts of the band are compared, 90 to 160 (the narrower an overlap, the
# longer the zeros that its rows go on with), and the scratch of a device's Fourier transforms. The ground, the places
# and the pixels that a date is made from are 90.
BLOCK_BYTES = 192


@dataclass(frozen=True, kw_only=True)
class TimingPatch:
    """Lines and samples of a mosaic with the one or two bursts that show them, the earlier first."""

    bursts: tuple[str, ...]
    lines: slice
    samples: slice


@dataclass(frozen=True, kw_only=True, eq=False)
class PatchCarrier:
    """The carrier of a patch's pixels, as in `carrier.Carrier`; arrays of NumPy.

    Attributes
    ----------
    slope, centroid : (samples,) float64, Hz/s and Hz.
    time : (lines,) float64, seconds from the middle of the burst.
    """

    slope: NDArray[np.float64]
    centroid: NDArray[np.float64]
    time: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class PatchPixels:
    """Pixels of a patch in one burst, coregistered and flattened, without the carrier; on the device.

    Attributes
    ----------
    pixels : complex64 [line, sample] of every date that has the burst.
    valid : bool, of the same dates; what is in layover or shadow is not.
    carrier : of the reference.
    """

    pixels: Mapping[int, Any]
    valid: Mapping[int, Any]
    carrier: PatchCarrier


def patches_of(matches: Mapping[str, Match], mosaic: BurstMosaic) -> list[TimingPatch]:
    """List the burst overlaps of a mosaic, or the middles of all bursts if none overlap."""
    bursts = [match.burst for match in matches.values()]
    found = [
        TimingPatch(bursts=(overlap.earlier, overlap.later), lines=overlap.lines, samples=overlap.samples)
        for overlap in overlaps_of(bursts, mosaic)
        if overlap.lines.stop - overlap.lines.start >= FEWEST_LINES
    ]
    if found:
        return found
    lone = []
    for piece in mosaic.pieces:
        middle, count = (piece.lines.start + piece.lines.stop) // 2, piece.lines.stop - piece.lines.start
        half = min(LONE_LINES, count) // 2
        lone.append(
            TimingPatch(
                bursts=(piece.name,), lines=slice(middle - half, middle + half), samples=piece.samples
            )
        )
    return lone


def within_memory(patch: TimingPatch, dates: int, memory: int) -> TimingPatch:
    """Return the patch, or its middle if it does not fit into ``memory`` bytes."""
    pixel = len(patch.bursts) * dates * PIXEL_BYTES + BLOCK_BYTES
    begin, end = patch.samples.start, patch.samples.stop
    most = max(memory // (pixel * (patch.lines.stop - patch.lines.start)), SMALLEST)
    return patch if end - begin <= most else _middle(patch, most)


def _middle(patch: TimingPatch, count: int) -> TimingPatch:
    """The ``count`` samples in the middle of a patch."""
    first = (patch.samples.start + patch.samples.stop - count) // 2
    return replace(patch, samples=slice(first, first + count))


@dataclass(frozen=True, kw_only=True, eq=False)
class PatchReader:
    """Read patches of all dates.

    Attributes
    ----------
    mosaic : of the reference's bursts.
    matches : per burst, the reference's.
    pairs : per date (its index) and burst.
    dates, reference : how many there are, and which of them is the reference.
    dem : the terrain; patches that it does not reach are not valid.
    device : where the arithmetic runs, and the pixels stay.
    memory : bytes to work in; of patches that are too large the middle is looked at.
    """

    mosaic: BurstMosaic
    matches: Mapping[str, Match]
    pairs: Mapping[tuple[int, str], BurstPair]
    dates: int
    reference: int
    dem: Dem
    device: Device
    memory: int

    def views(self, patch: TimingPatch, polarization: str) -> tuple[PatchPixels, ...]:
        """Read a patch, or what fits into memory, in each of its bursts; empty if the DEM has no heights there."""
        patch = within_memory(patch, self.dates, self.memory)
        terrain = self._terrain(patch)
        try:
            while terrain.grid.samples > SMALLEST and terrain.bytes_of(0, terrain.grid.lines) > self.memory:
                patch = _middle(patch, max(terrain.grid.samples // 2, SMALLEST))
                terrain = self._terrain(patch)
            drawing = terrain.lines(0, terrain.grid.lines, self.device.xp)
        except AlignsarError:  # the DEM ends before: other patches may say enough
            return ()
        pieces = {piece.name: piece for piece in self.mosaic.pieces}
        return tuple(self._view(pieces[name], patch, drawing, polarization) for name in patch.bursts)

    def _terrain(self, patch: TimingPatch) -> Terrain:
        grid = crop_grid(self.mosaic.ground, (patch.lines, patch.samples))
        orbit = self.matches[patch.bursts[0]].product.orbit
        return Terrain(grid=grid, orbit=orbit, dem=self.dem, partial=True)

    def _view(
        self, piece: Piece, patch: TimingPatch, drawing: TerrainLayers, polarization: str
    ) -> PatchPixels:
        match, upload = self.matches[piece.name], self.device.upload
        lines = slice(patch.lines.start - piece.first_line, patch.lines.stop - piece.first_line)
        samples = slice(patch.samples.start - piece.first_sample, patch.samples.stop - piece.first_sample)
        carrier = burst_carrier(match.burst, polarization, match.product.orbit)
        since = carrier.first_time + carrier.interval * np.arange(lines.start, lines.stop)
        own = PatchCarrier(slope=carrier.slope[samples], centroid=carrier.centroid[samples], time=since)
        there = upload(own.slope), upload(own.centroid), upload(own.time)
        stored = match.burst.measurement(polarization).read_stored(lines, samples, self.device.host_memory)
        image = ramp(self.device.begin_upload(stored).result(), *there, -1)
        seen = (drawing.flags == 0) & self.device.xp.isfinite(drawing.height)
        valid = {self.reference: seen & (image != 0)}
        pixels = {self.reference: image}
        ground = self._ground(piece, patch, drawing)
        for date in range(self.dates):
            pair = self.pairs.get((date, piece.name))
            if pair is not None:
                image, known = pair.resampled(pair.to_radar(ground), polarization)
                pixels[date], valid[date] = ramp(image, *there, -1, out=image), known & seen
        return PatchPixels(pixels=pixels, valid=valid, carrier=own)

    def _ground(self, piece: Piece, patch: TimingPatch, drawing: TerrainLayers) -> GroundBlock:
        """The ground of a patch, as a burst counts its lines and samples."""
        grid = self.mosaic.ground
        return GroundBlock(
            azimuth_time=grid.azimuth_time(np.arange(patch.lines.start, patch.lines.stop)),
            slant_range=grid.slant_range(np.arange(patch.samples.start, patch.samples.stop)),
            time_offset=piece.time_offset,
            range_offset=piece.range_offset,
            line=patch.lines.start - piece.first_line,
            sample=patch.samples.start - piece.first_sample,
            longitude=drawing.longitude,
            latitude=drawing.latitude,
            height=drawing.height,
        )
