"""Placement of pixels: location corrections on the mosaic and between dates.

The ground is drawn on the mosaic's grid moved by the mean of the corrections, so that ranges and phases are exact
there; what a pixel's own correction differs by, a fraction of a pixel, moves the coordinates that are told of it.
Between two dates only the difference of their bursts' mean corrections counts: the rest is the same in both.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.coregistration.burst import Shift
from alignsar_gpu.coregistration.corrections.corrections import Corrections, location_shift
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.coregistration.corrections.location import LocationShift
    from alignsar_gpu.coregistration.mosaic import BurstMosaic, Piece
    from alignsar_gpu.products.selection import Match, Selection

POINTS = 9, 17  # lines and samples of a burst that its mean correction is taken over


@dataclass(frozen=True, kw_only=True, eq=False)
class Placement:
    """Location corrections of the reference's bursts.

    Attributes
    ----------
    mean : seconds and metres that are added to all annotated coordinates.
    shifts : per burst, what is added to its own.
    between : per date and burst, by how much more the reference's mean correction is than the date's.
    """

    mean: Shift
    shifts: Mapping[str, LocationShift]
    between: Mapping[tuple[str, str], Shift]

    def image_offsets(self, mosaic: BurstMosaic, height: Any, first: int, xp: Any) -> tuple[Any, Any]:
        """Compute the `offsets` of whole lines of a mosaic from ``first`` on; 0 where no burst fills it.

        ``height`` is [line, sample], an array of ``xp`` (numpy or CuPy), as are the offsets.
        """
        down, across = xp.zeros_like(height), xp.zeros_like(height)
        for piece in mosaic.pieces:
            lines = piece.within(first, first + len(height))
            if lines.start < lines.stop:
                part = slice(lines.start - first, lines.stop - first), piece.samples
                own = xp.ascontiguousarray(height[part])
                down[part], across[part] = self.offsets(mosaic, piece, lines, own)
        return down, across

    def offsets(
        self,
        mosaic: BurstMosaic,
        piece: Piece,
        lines: slice,
        height: Any,
        samples: NDArray[np.intp] | None = None,
    ) -> tuple[Any, Any]:
        """Compute the offsets (lines, samples) of a piece's true ground from where it was computed.

        At all samples of the piece, or at ``samples`` of the mosaic; where ``height`` is, numpy or on the device.
        """
        places = np.arange(piece.samples.start, piece.samples.stop) if samples is None else samples
        seconds, metres = self.shifts[piece.name].of_pixels(
            np.arange(lines.start, lines.stop, dtype=np.float64) - piece.first_line,
            (places - piece.first_sample).astype(np.float64),
            height,
        )
        seconds -= self.mean.seconds
        metres -= self.mean.metres
        seconds /= mosaic.grid.azimuth_interval
        metres /= mosaic.grid.range_spacing
        return seconds, metres


def placement_of(
    selection: Selection,
    corrections: Corrections,
    polarization: str,
    zenith: Mapping[str, float],
    height: float,
) -> Placement | None:
    """Compute the location corrections of a selection; None if all are switched off.

    Parameters
    ----------
    zenith : per date, zenith delay at sea level (m), for troposphere "given" alone.
    height : of the ground in the middle, metres: where mean corrections are taken.

    Raises AlignsarError where a product, or ``zenith``, lacks what a correction needs.
    """
    if corrections == Corrections():
        return None
    lacking = sorted(set(selection.dates) - zenith.keys()) if corrections.troposphere == "given" else []
    if lacking:
        raise AlignsarError(
            f"coregistration.zenith_delays: none for {', '.join(lacking)}; give one for each of "
            f"{', '.join(selection.dates)}, or coregistration.troposphere=model"
        )

    def mean_of(match: Match, shift: LocationShift) -> Shift:
        return _mean(match, shift, height)

    shifts, means = {}, {}
    between: dict[tuple[str, str], Shift] = {}
    for name, found in selection.bursts.items():
        reference = found[selection.reference]
        shifts[name] = location_shift(reference, polarization, corrections, zenith.get(selection.reference))
        means[name] = mean_of(reference, shifts[name])
        for date, match in found.items():
            if date != selection.reference:
                own = mean_of(match, location_shift(match, polarization, corrections, zenith.get(date)))
                between[date, name] = Shift(
                    seconds=means[name].seconds - own.seconds, metres=means[name].metres - own.metres
                )
    mean = _average(list(means.values()))
    return Placement(mean=mean, shifts=shifts, between=between)


def _mean(match: Match, shift: LocationShift, height: float) -> Shift:
    """Mean over a burst's valid pixels, on level ground."""
    lines, samples = match.burst.valid
    line = np.linspace(lines.start, lines.stop - 1, POINTS[0])[:, np.newaxis]
    sample = np.linspace(samples.start, samples.stop - 1, POINTS[1])
    return Shift(
        seconds=float(shift.azimuth(line, sample, height).mean()),
        metres=float(shift.slant_range(line, sample, height).mean()),
    )


def _average(shifts: Sequence[Shift]) -> Shift:
    return Shift(
        seconds=float(np.mean([one.seconds for one in shifts])),
        metres=float(np.mean([one.metres for one in shifts])),
    )
