"""The coregistered stack: bursts of all dates on the reference grid, resampled and flattened when read."""

from __future__ import annotations

from abc import ABC, abstractmethod
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.coregistration.burst import GroundBlock
from alignsar_gpu.kernels import decode, move_image, move_places
from alignsar_gpu.stack.ground import Ground, Viewing
from alignsar_gpu.stack.product import PIXELS, in_short

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from concurrent.futures import Future

    from numpy.typing import NDArray

    from alignsar_gpu.coregistration.burst import BurstPair, PixelPositions
    from alignsar_gpu.coregistration.mosaic import BurstMosaic, Piece
    from alignsar_gpu.coregistration.placement import Placement
    from alignsar_gpu.device import Device
    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.geometry.terrain.terrain import Terrain
    from alignsar_gpu.kernels import TerrainLayers
    from alignsar_gpu.products.selection import Match
    from alignsar_gpu.products.slc import Burst
    from alignsar_gpu.stack.acquisition import Acquisition
    from alignsar_gpu.transfers import Transfer


@dataclass(frozen=True, kw_only=True, eq=False)
class DatePart(ABC):
    """What a burst of a date gives to a block of the stack; ``block`` are the lines and samples of that."""

    date: int
    polarizations: tuple[str, ...]
    block: tuple[slice, slice]
    device: Device

    @abstractmethod
    def read(self) -> list[Transfer]:
        """Read the pixels of all polarizations, and send them on their way to the device; from any thread."""

    def finish(self, stored: Sequence[Transfer], pixels: Any, valid: Any) -> None:
        """Put what `read` has read into the pixels and the mask of the block, [date, polarization, line, sample]."""
        for index, (name, transfer) in enumerate(zip(self.polarizations, stored, strict=True)):
            place = (self.date, index, *self.block)
            pixels[place], valid[place] = self.image(name, transfer.result())

    @abstractmethod
    def image(self, polarization: str, stored: Any) -> tuple[Any, Any]:
        """Turn the pixels of a polarization, as they are stored, into those of the block; with their mask."""


@dataclass(frozen=True, kw_only=True, eq=False)
class ReferencePart(DatePart):
    """Pixels of the reference date, as they are: some ``lines`` and ``samples`` of a burst."""

    burst: Burst
    lines: slice
    samples: slice

    def read(self) -> list[Transfer]:
        """See `DatePart.read`."""
        memory, where = self.device.host_memory, (self.lines, self.samples)
        measurements = [self.burst.measurement(name) for name in self.polarizations]
        return [self.device.begin_upload(one.read_stored(*where, memory)) for one in measurements]

    def image(self, polarization: str, stored: Any) -> tuple[Any, Any]:
        """See `DatePart.image`."""
        return decode(stored, self.burst.channels[polarization].first_valid_sample[self.lines] >= 0)


@dataclass(frozen=True, kw_only=True, eq=False)
class SecondaryPart(DatePart):
    """Pixels of another date, resampled at ``places`` from a ``window`` of its burst."""

    pair: BurstPair
    places: PixelPositions
    window: tuple[slice, slice]
    flatten: bool

    def read(self) -> list[Transfer]:
        """See `DatePart.read`."""
        return [self.pair.read(name, self.window) for name in self.polarizations]

    def image(self, polarization: str, stored: Any) -> tuple[Any, Any]:
        """See `DatePart.image`."""
        return self.pair.pixels(self.places, polarization, self.window, stored, flatten=self.flatten)


@dataclass(frozen=True, kw_only=True, eq=False)
class CoregisteredStack:
    """A `StackProduct` of bursts of one or more dates, coregistered on a mosaic of the reference's bursts.

    Attributes
    ----------
    mosaic : the grid, and which burst fills what of it.
    terrain : what the antenna sees, on the same grid.
    matches : per burst, the reference's.
    pairs : per date (its index) and burst, the reference's burst with that of the date; without the reference date.
    flattened : whether the secondaries come without reference and topographic phase.
    placement : what the annotated coordinates are put right by; None for nothing.
    device : where the pixels are brought together, and stay.
    """

    mosaic: BurstMosaic
    terrain: Terrain
    matches: Mapping[str, Match]
    pairs: Mapping[tuple[int, str], BurstPair]
    acquisitions: tuple[Acquisition, ...]
    reference: int
    polarizations: tuple[str, ...]
    source: str
    facts: Mapping[str, Any]
    device: Device
    flattened: bool = True
    placement: Placement | None = None
    has_heights: bool = True
    has_viewing: bool = True
    pixel_copies: int = 1
    quantities: tuple[str, ...] = (PIXELS,)
    date_pairs: tuple[tuple[int, int], ...] = ()
    _drawn: dict[tuple[int, int], tuple[TerrainLayers, int]] = field(default_factory=dict)

    def __repr__(self) -> str:
        return in_short(self)

    @property
    def grid(self) -> RadarGrid:
        """The reference radar grid."""
        return self.mosaic.grid

    @property
    def pieces(self) -> Sequence[Piece]:
        """See `StackProduct.pieces`."""
        return self.mosaic.pieces

    @property
    def bursts(self) -> Mapping[str, Burst]:
        """See `StackProduct.bursts`."""
        return {name: match.burst for name, match in self.matches.items()}

    def _drawing(self, first: int, stop: int) -> tuple[TerrainLayers, int]:
        """The ground of some lines, on the device, and how many lines it begins before them.

        The last block is kept, for pixels and ground are asked for in turn.
        """
        if (first, stop) not in self._drawn:
            margin = 0 if self.placement is None else 1
            begin, end = max(first - margin, 0), min(stop + margin, self.grid.lines)
            self._drawn.clear()
            self._drawn[first, stop] = self.terrain.lines(begin, end, self.device.xp), first - begin
        return self._drawn[first, stop]

    def read_pixels(self, first: int, stop: int) -> tuple[Any, Any]:
        """See `StackProduct.read_pixels`; the arrays are on the device. Zero is no data.

        While the pixels of a date are brought together, those of the next are read.
        """
        xp = self.device.xp
        shape = (len(self.acquisitions), len(self.polarizations), stop - first, self.grid.samples)
        pixels, valid = xp.zeros(shape, dtype=np.complex64), xp.zeros(shape, dtype=bool)
        with ThreadPoolExecutor(1, thread_name_prefix="read") as reader:
            before: tuple[DatePart, Future[list[Transfer]]] | None = None
            for part in self._parts(first, stop):
                now = part, reader.submit(part.read)
                if before is not None:
                    before[0].finish(before[1].result(), pixels, valid)
                before = now
            if before is not None:
                before[0].finish(before[1].result(), pixels, valid)
        return pixels, valid

    def _parts(self, first: int, stop: int) -> Iterator[DatePart]:
        """What all dates give to some lines, burst by burst."""
        for piece in self.mosaic.pieces:
            lines = piece.within(first, stop)
            if lines.start >= lines.stop:
                continue
            block = slice(lines.start - first, lines.stop - first), piece.samples
            common: dict[str, Any] = {
                "polarizations": self.polarizations,
                "block": block,
                "device": self.device,
            }
            yield ReferencePart(
                date=self.reference,
                burst=self.matches[piece.name].burst,
                lines=slice(lines.start - piece.first_line, lines.stop - piece.first_line),
                samples=slice(
                    piece.samples.start - piece.first_sample, piece.samples.stop - piece.first_sample
                ),
                **common,
            )
            if len(self.acquisitions) > 1:
                ground = self._ground_of(piece, lines, (first, stop))
                for date in range(len(self.acquisitions)):
                    pair = self.pairs.get((date, piece.name))
                    if pair is None:
                        continue
                    places = pair.to_radar(ground)
                    window = pair.window(places)
                    if window is not None:
                        yield SecondaryPart(
                            date=date,
                            pair=pair,
                            places=places,
                            window=window,
                            flatten=self.flattened,
                            **common,
                        )

    def _ground_of(self, piece: Piece, lines: slice, block: tuple[int, int]) -> GroundBlock:
        """The ground that a piece shows in some lines of a block."""
        (drawing, before), xp, grid = self._drawing(*block), self.device.xp, self.mosaic.ground
        begin = block[0] - before
        part = slice(lines.start - begin, lines.stop - begin), piece.samples
        return GroundBlock(
            azimuth_time=grid.azimuth_time(np.arange(lines.start, lines.stop)),
            slant_range=grid.slant_range(np.arange(piece.samples.start, piece.samples.stop)),
            time_offset=piece.time_offset,
            range_offset=piece.range_offset,
            line=lines.start - piece.first_line,
            sample=piece.samples.start - piece.first_sample,
            longitude=xp.ascontiguousarray(drawing.longitude[part]),
            latitude=xp.ascontiguousarray(drawing.latitude[part]),
            height=xp.ascontiguousarray(drawing.height[part]),
        )

    def read_ground(self, first: int, stop: int) -> Ground:
        """See `StackProduct.read_ground`; the arrays are on the device. Layover and shadow stay where they are."""
        drawing, before = self._drawing(first, stop)
        rows = slice(before, before + stop - first)
        places = drawing[:3]
        if self.placement is not None:
            offsets = self._offsets(drawing, first - before)
            places = move_places(*places, drawing.flags, *offsets)
        longitude, latitude, height = (layer[rows] for layer in places)
        return Ground(
            longitude=longitude,
            latitude=latitude,
            height=height,
            viewing=Viewing(
                incidence_angle=drawing.incidence[rows],
                local_incidence_angle=drawing.local_incidence[rows],
                layover_shadow=drawing.flags[rows],
            ),
        )

    def _offsets(self, drawing: TerrainLayers, begin: int) -> tuple[Any, Any]:
        """By how many lines and samples the true ground of every pixel is off, from line ``begin`` on."""
        assert self.placement is not None
        return self.placement.image_offsets(self.mosaic, drawing.height, begin, self.device.xp)

    def read_area_ratio(self, first: int, stop: int) -> Any:
        """See `StackProduct.read_area_ratio`; on the device. A facet is wholly in shadow or not at all."""
        if self.placement is None:
            return self.terrain.area_ratio(first, stop, self.device.xp)
        drawing, before = self._drawing(first, stop)
        begin = first - before
        drawn = self.terrain.area_ratio(begin, begin + len(drawing.height), self.device.xp)
        return move_image(drawn, *self._offsets(drawing, begin))[before : before + stop - first]

    def shifts(self, lines: slice, samples: NDArray[np.intp], height: NDArray[np.float64]) -> Any:
        """See `StackProduct.shifts`; NaN at pixels that no burst fills."""
        if self.placement is None:
            return None
        found = np.full((2, *height.shape), np.nan)
        for piece in self.mosaic.pieces:
            own = piece.within(lines.start, lines.stop)
            held = (samples >= piece.samples.start) & (samples < piece.samples.stop)
            if own.start < own.stop and held.any():
                part = np.ix_(
                    np.arange(own.start - lines.start, own.stop - lines.start), np.flatnonzero(held)
                )
                there = np.nan_to_num(height[part])
                found[0][part], found[1][part] = self.placement.offsets(
                    self.mosaic, piece, own, there, samples[held]
                )
        return found

    def ground_bytes(self, lines: int) -> int:
        """See `StackProduct.ground_bytes`."""
        count = min(lines, self.grid.lines)
        return max(self.terrain.bytes_of(first, count) for first in (0, (self.grid.lines - count) // 2))
