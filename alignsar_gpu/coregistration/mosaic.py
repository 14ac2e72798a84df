"""Mosaic of the reference date's bursts on one radar grid; each pixel comes from one burst.

The bursts of all subswaths of a Sentinel-1 pass lie on one grid of lines and samples, but for the rounding of their
annotated times to microseconds, which every burst keeps as its own. Consecutive bursts are cut in the middle of their
overlap, neighbouring subswaths in the middle of theirs.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.crop import crop_grid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.products.slc import Burst

ON_GRID = 0.02  # lines or samples that a burst may lie beside the others' grid


@dataclass(frozen=True, kw_only=True)
class Piece:
    """The part of a mosaic that one burst fills.

    Attributes
    ----------
    name : of the burst.
    lines, samples : of the mosaic that its pixels fill.
    first_line, first_sample : of the mosaic where line 0 and sample 0 of the burst lie; may be negative.
    time_offset, range_offset : of the burst's own line times (s) and slant ranges (m) against those of the mosaic's
        ground.
    """

    name: str
    lines: slice
    samples: slice
    first_line: int
    first_sample: int
    time_offset: float
    range_offset: float

    def within(self, first: int, stop: int) -> slice:
        """Return the part of the lines ``first`` to ``stop`` of the mosaic that the piece fills; it may be empty."""
        begin = max(first, self.lines.start)
        return slice(begin, max(min(stop, self.lines.stop), begin))


@dataclass(frozen=True, kw_only=True, eq=False)
class BurstMosaic:
    """A radar grid and the pieces, one a burst, that fill it without overlap.

    Attributes
    ----------
    grid : of the pixels, by annotated times and ranges.
    ground : the same lines and samples where the ground that they show is seen, by true times and ranges.
    """

    grid: RadarGrid
    ground: RadarGrid
    pieces: tuple[Piece, ...]

    def shifted(self, seconds: float, metres: float) -> BurstMosaic:
        """Return the mosaic with true coordinates that differ from the annotated ones by a constant."""
        ground = replace(
            self.ground,
            first_azimuth_time=self.ground.first_azimuth_time + seconds,
            first_slant_range=self.ground.first_slant_range + metres,
        )
        pieces = tuple(
            replace(piece, time_offset=piece.time_offset - seconds, range_offset=piece.range_offset - metres)
            for piece in self.pieces
        )
        return BurstMosaic(grid=self.grid, ground=ground, pieces=pieces)

    def cropped(self, window: tuple[slice, slice]) -> BurstMosaic:
        """Crop the mosaic to a window of lines and samples."""
        lines, samples = window
        pieces = []
        for piece in self.pieces:
            own = _cut(piece.lines, lines), _cut(piece.samples, samples)
            if own[0].start < own[0].stop and own[1].start < own[1].stop:
                pieces.append(
                    replace(
                        piece,
                        lines=_moved(own[0], -lines.start),
                        samples=_moved(own[1], -samples.start),
                        first_line=piece.first_line - lines.start,
                        first_sample=piece.first_sample - samples.start,
                    )
                )
        grid, ground = crop_grid(self.grid, window), crop_grid(self.ground, window)
        return BurstMosaic(grid=grid, ground=ground, pieces=tuple(pieces))


def _cut(own: slice, limits: slice) -> slice:
    return slice(max(own.start, limits.start), min(own.stop, limits.stop))


def _moved(part: slice, step: int) -> slice:
    return slice(part.start + step, part.stop + step)


def mosaic_of(bursts: Sequence[Burst]) -> BurstMosaic:
    """Make the mosaic of the valid pixels of bursts of one pass.

    Raises AlignsarError where they do not lie on one grid, or a burst has no valid pixels.
    """
    base = min(bursts, key=lambda burst: burst.grid.first_slant_range).grid
    pieces = {burst.name: _whole(burst, base) for burst in bursts}
    swaths = defaultdict(list)
    for burst in sorted(bursts, key=lambda one: one.grid.first_azimuth_time):
        swaths[burst.swath].append(burst.name)
    for names in swaths.values():
        _cut_lines(pieces, names)
    _cut_samples(pieces, list(swaths.values()))
    begin = min(piece.lines.start for piece in pieces.values())
    near = min(piece.samples.start for piece in pieces.values())
    window = (
        slice(begin, max(piece.lines.stop for piece in pieces.values())),
        slice(near, max(piece.samples.stop for piece in pieces.values())),
    )
    return BurstMosaic(grid=base, ground=base, pieces=tuple(pieces.values())).cropped(window)


def _whole(burst: Burst, base: RadarGrid) -> Piece:
    """The valid part of a burst on the grid ``base``."""
    grid = burst.grid
    if grid.epoch != base.epoch:
        raise AlignsarError(
            f"{burst.name}: its times count from {grid.epoch}, those of others of the pass from {base.epoch}: the "
            "pass goes across midnight between two products; give one of them"
        )
    for name in ("azimuth_interval", "range_spacing", "wavelength"):
        own, others = getattr(grid, name), getattr(base, name)
        if abs(own / others - 1.0) > 1e-9:
            raise AlignsarError(
                f"{burst.name}: its {name.replace('_', ' ')} is {own!r}, that of other bursts of the pass {others!r}: "
                "they do not lie on one grid; choose one subswath (products.swaths)"
            )
    line, sample = float(base.line(grid.first_azimuth_time)), float(base.sample(grid.first_slant_range))
    first_line, first_sample = round(line), round(sample)
    if abs(line - first_line) > ON_GRID or abs(sample - first_sample) > ON_GRID:
        raise AlignsarError(
            f"{burst.name}: begins {line:.3f} lines and {sample:.3f} samples after another burst of the pass, not a "
            "whole number: they do not lie on one grid; choose one subswath (products.swaths) or one burst"
        )
    lines, samples = burst.valid
    return Piece(
        name=burst.name,
        lines=_moved(lines, first_line),
        samples=_moved(samples, first_sample),
        first_line=first_line,
        first_sample=first_sample,
        time_offset=(line - first_line) * base.azimuth_interval,
        range_offset=(sample - first_sample) * base.range_spacing,
    )


def _cut_lines(pieces: dict[str, Piece], names: Sequence[str]) -> None:
    """Cut consecutive bursts of a subswath in the middle of their overlaps."""
    for earlier, later in pairwise(names):
        one, other = pieces[earlier], pieces[later]
        if other.lines.start < one.lines.stop:
            cut = (other.lines.start + one.lines.stop) // 2
            pieces[earlier] = replace(one, lines=slice(one.lines.start, cut))
            pieces[later] = replace(other, lines=slice(cut, other.lines.stop))


def _cut_samples(pieces: dict[str, Piece], swaths: Sequence[Sequence[str]]) -> None:
    """Cut neighbouring subswaths in the middle of what all their bursts share; one cut for all lines."""
    ordered = sorted(swaths, key=lambda names: min(pieces[name].samples.start for name in names))
    for near, far in pairwise(ordered):
        begin = max(pieces[name].samples.start for name in far)
        end = min(pieces[name].samples.stop for name in near)
        if begin >= end:
            continue
        cut = (begin + end) // 2
        for name in near:
            own = pieces[name].samples
            pieces[name] = replace(pieces[name], samples=slice(own.start, min(own.stop, cut)))
        for name in far:
            own = pieces[name].samples
            pieces[name] = replace(pieces[name], samples=slice(max(own.start, cut), own.stop))


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Ground lines shared by two consecutive bursts of a subswath.

    Attributes
    ----------
    earlier, later : names of the burst that begins earlier and of the other.
    lines, samples : of the mosaic.
    """

    earlier: str
    later: str
    lines: slice
    samples: slice


def overlaps_of(bursts: Sequence[Burst], mosaic: BurstMosaic) -> list[Overlap]:
    """Find the overlaps of consecutive bursts of a subswath, in lines and samples of the mosaic (may be outside)."""
    where: Mapping[str, Piece] = {piece.name: piece for piece in mosaic.pieces}
    ordered = sorted(bursts, key=lambda one: (one.swath, one.grid.first_azimuth_time))
    found = []
    for one, other in pairwise(ordered):
        if one.swath != other.swath or one.name not in where or other.name not in where:
            continue
        first, second = (
            (
                _moved(burst.valid[0], where[burst.name].first_line),
                _moved(burst.valid[1], where[burst.name].first_sample),
            )
            for burst in (one, other)
        )
        lines, samples = _cut(first[0], second[0]), _cut(first[1], second[1])
        if lines.start < lines.stop and samples.start < samples.stop:
            found.append(Overlap(earlier=one.name, later=other.name, lines=lines, samples=samples))
    return found
