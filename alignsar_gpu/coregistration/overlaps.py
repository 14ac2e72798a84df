"""What the overlaps of consecutive bursts say of the timing of a date against the reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.coregistration.carrier import burst_carrier
from alignsar_gpu.coregistration.diversity import OverlapShift, overlap_shift
from alignsar_gpu.geometry.terrain import Terrain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.coregistration.burst import BurstPair
    from alignsar_gpu.geometry.dem import Dem

# Independent pixels among those of a Sentinel-1 image: what oversampling and the Hamming windows leave of 0.67 x 0.75
# to 0.88 of the sampling rates.
LOOKS = 0.4


@dataclass(frozen=True, kw_only=True)
class Overlap:
    """Lines that two consecutive bursts of a subswath both have.

    ``earlier``, ``later``: the lines of the one that begins earlier and of the other, as many; ``samples`` of both.
    """

    earlier: slice
    later: slice
    samples: slice


def overlap_of(first: BurstPair, second: BurstPair) -> Overlap | None:
    """The overlap of two consecutive bursts on the reference's grid; None where they have none."""
    one, other = first.reference.burst, second.reference.burst
    apart = (other.grid.first_azimuth_time - one.grid.first_azimuth_time) / one.grid.azimuth_interval
    step = round(apart)
    (own, across), (theirs, beside) = one.valid, other.valid
    begin, end = max(theirs.start + step, own.start), min(own.stop, theirs.stop + step)
    near, far = max(across.start, beside.start), min(across.stop, beside.stop)
    if begin >= end or near >= far:
        return None
    return Overlap(earlier=slice(begin, end), later=slice(begin - step, end - step), samples=slice(near, far))


def timing_of(first: BurstPair, second: BurstPair, dem: Dem, polarization: str) -> OverlapShift | None:
    """What the overlap of two consecutive bursts says of the secondary's timing; None where they have none.

    ``first`` is the one that begins earlier.
    """
    overlap = overlap_of(first, second)
    if overlap is None:
        return None
    parts = [
        _interferogram(pair, lines, overlap.samples, dem, polarization)
        for pair, lines in ((first, overlap.earlier), (second, overlap.later))
    ]
    (earlier, one, valid), (later, other, too) = parts
    return overlap_shift(earlier, later, one - other, valid & too, LOOKS)


def _interferogram(
    pair: BurstPair, lines: slice, samples: slice, dem: Dem, polarization: str
) -> tuple[NDArray[np.complex64], NDArray[np.float64], NDArray[np.bool_]]:
    """Flattened interferogram of some lines, Doppler frequency of the secondary there, and what is valid."""
    burst, product = pair.reference.burst, pair.reference.product
    terrain = Terrain(grid=burst.grid, orbit=product.orbit, dem=dem, needed=(lines, samples))
    drawing = terrain.lines(lines.start, lines.stop)
    places = pair.places(lines.start, drawing)
    pixels, valid = pair.pixels(places, polarization)
    reference = burst.read(polarization, lines, samples)
    carrier = burst_carrier(pair.secondary.burst, polarization, pair.secondary.product.orbit)
    with np.errstate(invalid="ignore"):
        frequency = carrier.frequency(places.line[:, samples], places.sample[:, samples])
    known = valid[:, samples] & (drawing.flags[:, samples] == 0) & (reference != 0)
    product_of = np.where(known, reference * np.conj(pixels[:, samples]), np.complex64(0))
    return product_of, np.where(known, frequency, 0.0), known
