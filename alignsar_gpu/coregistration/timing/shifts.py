"""Measure the shifts of all dates, in the overlaps of bursts, between dates that are near in time.

Range, and azimuth coarsely, by the double difference of two parts of the band against the reference; azimuth finely by
enhanced spectral diversity (`diversity`), over a network of pairs. What is not known well enough is left to the orbits.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field, replace
from functools import partial, reduce
from operator import and_
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.coregistration.burst import Shift
from alignsar_gpu.coregistration.timing.diversity import NOTHING, double_difference, solve_timing
from alignsar_gpu.coregistration.timing.patches import patches_of
from alignsar_gpu.coregistration.timing.scene_offsets import residual_offsets
from alignsar_gpu.coregistration.timing.sublooks import band_shift
from alignsar_gpu.device import HOST
from alignsar_gpu.kernels import block_coherence

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from alignsar_gpu.coregistration.offsets import OffsetField
    from alignsar_gpu.coregistration.timing.diversity import DoubleDifference, OverlapShift
    from alignsar_gpu.coregistration.timing.patches import (
        PatchCarrier,
        PatchPixels,
        PatchReader,
        TimingPatch,
    )
    from alignsar_gpu.device import Device
    from alignsar_gpu.products.slc import Burst

# Independent pixels among those of a Sentinel-1 image: what oversampling and the Hamming windows leave of 0.67 x 0.75
# to 0.88 of the sampling rates.
LOOKS = 0.4
# Interferograms are averaged over so many lines and samples before they are multiplied: products of single pixels of
# coherence g have g squared. Neighbouring blocks share so little that as many as this are independent.
BLOCK = 4, 8
APART = 0.85
CERTAIN = 0.05  # what a coherence of 1 lacks, so that its weight is finite
# Samples of a patch that parts of the band are compared over: enough for 0.0005 pixels, and done in half a second.
BAND_SAMPLES = 8192
# Lines and samples: what is known with less certainty is left to the orbits, which are good to 0.01 line. Of shifts by
# parts of the band the coarser limit holds.
AZIMUTH_LIMIT, COARSE_LIMIT, RANGE_LIMIT = 0.01, 0.02, 0.02
# Lines. Deramped TOPS responses keep a chirp, whose Fresnel ripples at the ends of the band turn it where the bursts of
# two dates are not synchronous: 0.002 lines for 1 Hz of Doppler frequency, which a fraction of a line makes.
RIPPLES = 0.01
SURE = 3.0  # deviations that a coarse shift must have to be put right without overlaps
WITHIN = (
    0.25  # of half a turn of an overlap's phase: how certain a coarse shift must be to choose the turn by
)


@dataclass(frozen=True, kw_only=True)
class TimingNetwork:
    """Pairs of dates to compare: each date with its next ``neighbours`` dates and with the reference."""

    dates: int
    reference: int
    neighbours: int

    @property
    def pairs(self) -> list[tuple[int, int]]:
        """(first, second) date of every pair, first before second."""
        near = {
            (i, j) for i in range(self.dates) for j in range(i + 1, min(i + 1 + self.neighbours, self.dates))
        }
        star = {
            (min(i, self.reference), max(i, self.reference)) for i in range(self.dates) if i != self.reference
        }
        return sorted(near | star)


@dataclass(frozen=True, kw_only=True, eq=False)
class OverlapComparison:
    """The double difference of one overlap for one pair of dates."""

    patch: TimingPatch
    pair: tuple[int, int]
    found: DoubleDifference


@dataclass(frozen=True, kw_only=True, eq=False)
class MeasuredShifts:
    """Shifts of all dates, with the facts to report about them.

    Attributes
    ----------
    shifts : per date, against its orbit and the annotated times and ranges.
    facts : for quality.json.
    fields : of dates of scenes that are not steered, what they are late by besides, in pixels.
    """

    shifts: tuple[Shift, ...]
    facts: dict[str, Any]
    fields: Mapping[int, OffsetField] = field(default_factory=dict)


def measure_shifts(
    reader: PatchReader,
    polarization: str,
    names: Sequence[str],
    *,
    neighbours: int,
    range_shift: bool,
    advance: Callable[[str], None] = lambda _: None,
) -> MeasuredShifts:
    """Measure the shifts of all dates of a stack in the overlaps of its bursts.

    Parameters
    ----------
    names : of the dates, for the facts.
    neighbours : dates that each is compared with, besides the reference.
    range_shift : whether ranges are put right too.
    advance : called with a line of text for every patch that is done.
    """
    fields = residual_offsets(reader, polarization)
    reader = replace(
        reader,
        pairs={key: replace(pair, field=fields.get(key[0])) for key, pair in reader.pairs.items()},
    )
    network = TimingNetwork(dates=reader.dates, reference=reader.reference, neighbours=neighbours)
    comparisons: list[OverlapComparison] = []
    coarse: dict[int, list[OverlapShift]] = defaultdict(list)
    ranges: dict[int, list[OverlapShift]] = defaultdict(list)
    patches = patches_of(reader.matches, reader.mosaic)
    for number, patch in enumerate(patches):
        bands, compared = _of_patch(reader, patch, polarization, network)
        for date, azimuth, across in bands:
            coarse[date].append(azimuth)
            ranges[date].append(across)
        comparisons += compared
        advance(f"{number + 1} of {len(patches)} patches compared")
    measured = _solved(reader, names, network, (comparisons, coarse, ranges), range_shift=range_shift)
    told = {
        names[date]: {
            "degree": found.degree,
            "share_of_patches": found.share,
            "rms_pixels": found.rms,
            "deviation_pixels": found.deviation,
        }
        for date, found in fields.items()
    }
    return replace(measured, fields=fields, facts=measured.facts | ({"offsets": told} if told else {}))


def _of_patch(
    reader: PatchReader, patch: TimingPatch, polarization: str, network: TimingNetwork
) -> tuple[list[tuple[int, OverlapShift, OverlapShift]], list[OverlapComparison]]:
    """Measure shifts by parts of the band and by the overlap of a patch, whose pixels are then let go."""
    views = reader.views(patch, polarization)
    burst = reader.matches[patch.bursts[0]].burst
    bands = [found for view in views for found in _sub_bands(view, reader, burst)]
    return bands, list(_compared(views, patch, network, reader.device)) if len(views) == 2 else []


def _sub_bands(
    view: PatchPixels, reader: PatchReader, burst: Burst
) -> Iterator[tuple[int, OverlapShift, OverlapShift]]:
    """Estimate each date's shift in lines and in samples relative to the reference from parts of the band."""
    own, known = view.pixels[reader.reference], view.valid[reader.reference]
    for date, pixels in view.pixels.items():
        if date != reader.reference:
            valid = known & view.valid[date]
            part = _most_certain(own, pixels, valid, reader.device)
            compare = partial(
                band_shift, own[:, part], pixels[:, part], valid[:, part], looks=LOOKS, device=reader.device
            )
            yield (
                date,
                compare(axis=0, band=burst.azimuth_band.width),
                compare(axis=1, band=burst.range_band.width),
            )


def _most_certain(own: Any, other: Any, valid: Any, device: Device = HOST) -> slice:
    """The `BAND_SAMPLES` in a row whose phases are the most certain; all samples where there are no more."""
    steps = BAND_SAMPLES // BLOCK[1]
    if own.shape[1] // BLOCK[1] <= steps:
        return slice(0, own.shape[1])
    phase, _ = _certain_phase(own, other, valid)
    certain = device.download(abs(phase).sum(axis=0, dtype=np.float64))
    sums = np.cumsum(np.concatenate([[0.0], certain]))
    first = int(np.argmax(sums[steps:] - sums[:-steps])) * BLOCK[1]
    return slice(first, first + BAND_SAMPLES)


def _compared(
    views: Sequence[PatchPixels], patch: TimingPatch, network: TimingNetwork, device: Device
) -> Iterator[OverlapComparison]:
    """Double differences of an overlap, of all pairs of dates that have both bursts."""
    earlier, later = (_frequencies(view.carrier, device) for view in views)
    apart = earlier - later
    for first, second in network.pairs:
        if any(date not in view.pixels for view in views for date in (first, second)):
            continue
        valid = reduce(and_, [view.valid[date] for view in views for date in (first, second)])
        (one, count), (other, _) = (
            _certain_phase(view.pixels[first], view.pixels[second], valid) for view in views
        )
        known = 2.0 * count >= BLOCK[0] * BLOCK[1]
        found = double_difference(one, other, apart, known, APART, device)
        yield OverlapComparison(patch=patch, pair=(first, second), found=found)


def _frequencies(carrier: PatchCarrier, device: Device) -> Any:
    """Mean Doppler frequency (Hz) of every block, float64, on the device."""
    time, slope, centroid = (
        device.upload(values[: values.size // size * size].reshape(-1, size).mean(axis=1))
        for values, size in zip(
            (carrier.time, carrier.slope, carrier.centroid), BLOCK + BLOCK[1:], strict=True
        )
    )
    return time[:, np.newaxis] * slope + centroid


def _certain_phase(one: Any, other: Any, valid: Any) -> tuple[Any, Any]:
    """Phase of blocks, as large as it is certain, and the valid pixels of each; incomplete blocks are left out.

    g^2 / (1 - g^2) of their coherence g, whatever their brightness, is the inverse of a phase's variance (Rodriguez
    and Martin 1992, Theory and design of interferometric synthetic aperture radars, IEE Proceedings F 139(2)).
    """
    lines, samples = (
        np.arange(count // size + 1, dtype=np.int64) * size
        for count, size in zip(valid.shape, BLOCK, strict=True)
    )
    coherence, count = block_coherence(one, other, valid, lines=lines, samples=samples)
    size = abs(coherence)
    return coherence * size / (1.0 + CERTAIN - size**2), count


def _mean(found: Sequence[OverlapShift]) -> tuple[float, float]:
    """Weighted mean, and its deviation; 0 and infinite where nothing is known."""
    known = [one for one in found if np.isfinite(one.seconds) and 0.0 < one.deviation < np.inf]
    if not known:
        return 0.0, np.inf
    weights = np.array([one.deviation**-2 for one in known])
    return float(np.average([one.seconds for one in known], weights=weights)), float(weights.sum() ** -0.5)


def _solved(
    reader: PatchReader,
    names: Sequence[str],
    network: TimingNetwork,
    found: tuple[list[OverlapComparison], dict[int, list[OverlapShift]], dict[int, list[OverlapShift]]],
    *,
    range_shift: bool,
) -> MeasuredShifts:
    """Shifts of all dates, from what the patches say."""
    comparisons, coarse, ranges = found
    grid = reader.mosaic.grid
    azimuth = [_mean(coarse[date]) for date in range(network.dates)]
    start = np.array([mean * grid.azimuth_interval for mean, _ in azimuth])
    steered = any(match.burst.steering_rate for match in reader.matches.values())
    spread = (
        np.array([np.hypot(deviation, RIPPLES * steered) for _, deviation in azimuth]) * grid.azimuth_interval
    )
    spread[network.reference] = 0.0
    shifts = [_near(one, start, spread) for one in comparisons]
    by_pair = [
        [shift for one, shift in zip(comparisons, shifts, strict=True) if one.pair == pair]
        for pair in network.pairs
    ]
    timing = solve_timing(network.pairs, by_pair, network.dates, network.reference)
    result, dates = [], {}
    for date, name in enumerate(names):
        seconds, deviation, origin = timing.seconds[date], timing.deviation[date], "overlaps of bursts"
        if not deviation <= AZIMUTH_LIMIT * grid.azimuth_interval:
            certain = spread[date] <= COARSE_LIMIT * grid.azimuth_interval
            known = certain and (not steered or abs(start[date]) > SURE * spread[date])
            origin = "parts of the band" if known else "orbit"
            seconds, deviation = (start[date], spread[date]) if known else (0.0, np.inf)
        samples, across = _mean(ranges[date])
        put_right = range_shift and across <= RANGE_LIMIT
        result.append(
            Shift(seconds=float(seconds), metres=samples * grid.range_spacing if put_right else 0.0)
        )
        if date != network.reference:
            dates[name] = {
                "azimuth_lines": seconds / grid.azimuth_interval,
                "azimuth_deviation_lines": deviation / grid.azimuth_interval,
                "azimuth_from": origin,
                "azimuth_by_parts_of_the_band_lines": azimuth[date][0],
                "azimuth_by_parts_of_the_band_deviation_lines": azimuth[date][1],
                "range_samples": samples,
                "range_deviation_samples": across,
                "range_put_right": put_right,
            }
    facts = {
        "network": [[names[first], names[second]] for first, second in network.pairs],
        "dates": dates,
        "overlaps": [
            _facts(one, shift, timing.seconds, names, grid.azimuth_interval)
            for one, shift in zip(comparisons, shifts, strict=True)
        ],
    }
    return MeasuredShifts(shifts=tuple(result), facts=facts)


def _near(one: OverlapComparison, start: Any, spread: Any) -> OverlapShift:
    """What an overlap says, the turn of its phase chosen by the coarse shifts where these are certain enough."""
    first, second = one.pair
    if not one.found.used:
        return NOTHING
    turn = 0.5 / float(np.average(np.abs(one.found.frequency), weights=one.found.weight))
    certain = np.hypot(spread[first], spread[second]) < WITHIN * turn
    return one.found.shift(start[second] - start[first] if certain else 0.0)


def _facts(
    one: OverlapComparison, shift: OverlapShift, seconds: Any, names: Sequence[str], interval: float
) -> dict[str, Any]:
    """What quality.json says of an overlap and a pair of dates."""
    first, second = one.pair
    after = one.found.after(seconds[second] - seconds[first])
    return {
        "earlier_burst": one.patch.bursts[0],
        "later_burst": one.patch.bursts[1],
        "first_date": names[first],
        "second_date": names[second],
        "shift_lines": shift.seconds / interval,
        "deviation_lines": shift.deviation / interval,
        "coherence": shift.coherence,
        "phase_before_rad": shift.phase,
        "phase_after_rad": float(np.angle(after)) if np.isfinite(shift.seconds) else np.nan,
        "share_of_pixels": shift.share,
    }
