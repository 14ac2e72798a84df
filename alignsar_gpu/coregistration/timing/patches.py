"""Patches that the timing is measured on: overlaps of bursts, and the middles of bursts without any."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

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
    from alignsar_gpu.geometry.dem.dem import Dem
    from alignsar_gpu.kernels import TerrainLayers
    from alignsar_gpu.products.selection import Match

LONE_LINES = 256  # of a burst that overlaps none
FEWEST_LINES = 16  # of an overlap that is looked at
SMALLEST = 256  # samples, however little memory there is
PIXEL_BYTES = 17  # of a burst and date: pixels, a copy while they are made, what is valid
BLOCK_BYTES = 256  # of a burst: ground, places, what the dates are made from


@dataclass(frozen=True, kw_only=True)
class TimingPatch:
    """Lines and samples of a mosaic with the one or two bursts that show them, the earlier first."""

    bursts: tuple[str, ...]
    lines: slice
    samples: slice


@dataclass(frozen=True, kw_only=True, eq=False)
class PatchPixels:
    """Pixels of a patch in one burst, coregistered and flattened, without the carrier; on the CPU.

    Attributes
    ----------
    pixels : complex64 [line, sample] of every date that has the burst.
    valid : bool, of the same dates; what is in layover or shadow is not.
    frequency : Hz of the reference's carrier, [line, sample] float32.
    """

    pixels: Mapping[int, NDArray[np.complex64]]
    valid: Mapping[int, NDArray[np.bool_]]
    frequency: NDArray[np.float32]


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
    if end - begin <= most:
        return patch
    first = (begin + end - most) // 2
    return replace(patch, samples=slice(first, first + most))


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
    """

    mosaic: BurstMosaic
    matches: Mapping[str, Match]
    pairs: Mapping[tuple[int, str], BurstPair]
    dates: int
    reference: int
    dem: Dem

    def views(self, patch: TimingPatch, polarization: str) -> tuple[PatchPixels, ...]:
        """Read a patch in each burst that shows it; empty if the DEM has no heights there."""
        grid = crop_grid(self.mosaic.ground, (patch.lines, patch.samples))
        orbit = self.matches[patch.bursts[0]].product.orbit
        try:
            drawing = Terrain(grid=grid, orbit=orbit, dem=self.dem, partial=True).lines(0, grid.lines)
        except AlignsarError:  # the DEM ends before: other patches may say enough
            return ()
        pieces = {piece.name: piece for piece in self.mosaic.pieces}
        return tuple(self._view(pieces[name], patch, drawing, polarization) for name in patch.bursts)

    def _view(
        self, piece: Piece, patch: TimingPatch, drawing: TerrainLayers, polarization: str
    ) -> PatchPixels:
        match = self.matches[piece.name]
        burst, orbit = match.burst, match.product.orbit
        lines = slice(patch.lines.start - piece.first_line, patch.lines.stop - piece.first_line)
        samples = slice(patch.samples.start - piece.first_sample, patch.samples.stop - piece.first_sample)
        carrier = burst_carrier(burst, polarization, orbit)
        slope, centroid = carrier.slope[samples], carrier.centroid[samples]
        since = carrier.first_time + carrier.interval * np.arange(lines.start, lines.stop)

        def without_carrier(image: NDArray[np.complex64]) -> NDArray[np.complex64]:
            return ramp(image, slope, centroid, since, -1, out=image)

        image = burst.read(polarization, lines, samples)
        seen = (drawing.flags == 0) & np.isfinite(drawing.height)
        valid = {self.reference: seen & (image != 0)}
        pixels = {self.reference: without_carrier(image)}
        for date in range(self.dates):
            pair = self.pairs.get((date, piece.name))
            if pair is not None:
                found, known = self._secondary(pair, piece, patch, drawing, polarization)
                pixels[date], valid[date] = without_carrier(found), known & seen
        frequency = (centroid + since[:, np.newaxis] * slope).astype(np.float32)
        return PatchPixels(pixels=pixels, valid=valid, frequency=frequency)

    def _secondary(
        self, pair: BurstPair, piece: Piece, patch: TimingPatch, drawing: TerrainLayers, polarization: str
    ) -> tuple[NDArray[np.complex64], NDArray[np.bool_]]:
        grid, upload, download = self.mosaic.ground, pair.device.upload, pair.device.download
        ground = GroundBlock(
            azimuth_time=grid.azimuth_time(np.arange(patch.lines.start, patch.lines.stop)),
            slant_range=grid.slant_range(np.arange(patch.samples.start, patch.samples.stop)),
            time_offset=piece.time_offset,
            range_offset=piece.range_offset,
            line=patch.lines.start - piece.first_line,
            sample=patch.samples.start - piece.first_sample,
            longitude=upload(drawing.longitude),
            latitude=upload(drawing.latitude),
            height=upload(drawing.height),
        )
        found, known = pair.resampled(pair.to_radar(ground), polarization)
        return download(found), download(known)
