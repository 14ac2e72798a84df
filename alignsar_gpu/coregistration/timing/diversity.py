"""Enhanced spectral diversity (ESD): azimuth timing of the dates from the overlaps of bursts.

The ground in the overlap of two bursts is seen under two squint angles. An azimuth misregistration dt between two
dates turns the interferogram of the earlier burst by 2 pi f1 dt and that of the later one by 2 pi f2 dt; their
double difference has the phase 2 pi (f1 - f2) dt, whatever the topography, the motion across the track and the
atmosphere are (Prats-Iraola et al., 2012, TOPS Interferometry With TerraSAR-X, section IV).
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.device import HOST
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.device import Device

ITERATIONS = 8
BINS = 64  # of Doppler frequency, which hardly varies over an overlap
FEWEST = 100  # pixels of an overlap that may say something
UNCERTAIN = 0.35  # radian: noise alone is said to be this certain once in 20000 overlaps


@dataclass(frozen=True, kw_only=True)
class OverlapShift:
    """The azimuth shift between two dates that one burst overlap gives.

    Attributes
    ----------
    seconds : azimuth time by which the second date's image is late against the first's; NaN where nothing is known.
    deviation : its standard deviation, seconds; infinite where nothing is known.
    coherence : of the double difference, after the shift is taken out.
    phase : of the double difference (radians) before; ``left``: after the shift is taken out.
    share : of the pixels of the overlap that were used.
    """

    seconds: float
    deviation: float
    coherence: float
    phase: float
    left: float
    share: float


NOTHING = OverlapShift(seconds=np.nan, deviation=np.inf, coherence=0.0, phase=np.nan, left=np.nan, share=0.0)


@dataclass(frozen=True, kw_only=True, eq=False)
class DoubleDifference:
    """Double-difference phasors of an overlap, summed in bins of Doppler frequency.

    Attributes
    ----------
    frequency : (bins,) Hz, mean of the pixels of each: of the earlier burst less that of the later one.
    total, weight : (bins,) sums of the double differences, and of their magnitudes.
    power, square : (bins,) sums of their squared magnitudes, and of their squares.
    used, count : pixels that say something, and pixels of the overlap.
    looks : independent pixels among as many pixels, 0 to 1.
    """

    frequency: NDArray[np.float64]
    total: NDArray[np.complex128]
    weight: NDArray[np.float64]
    power: NDArray[np.float64]
    square: NDArray[np.complex128]
    used: int
    count: int
    looks: float

    def after(self, seconds: float) -> complex:
        """Sum the double differences after a shift (s) is removed."""
        return complex((self.total * np.exp(-2j * np.pi * self.frequency * seconds)).sum())

    def shift(self, start: float = 0.0) -> OverlapShift:
        """Estimate the shift (s) near ``start`` that leaves no phase, within half a cycle.

        Where the phase is too uncertain for that, only coherence, phase and share are told.
        """
        if self.used < FEWEST:
            return NOTHING
        mean, shift = float(np.average(self.frequency, weights=self.weight)), start
        for _ in range(ITERATIONS):
            shift += float(np.angle(self.after(shift)) / (2.0 * np.pi * mean))
        total = self.after(shift)
        # The part of each witness across the sum is its error: the sum's phase is their weighted mean.
        turn = np.exp(-2j * np.pi * self.frequency * shift) * np.conj(total) / abs(total)
        across = 0.5 * float(np.sum(self.power - (self.square * turn**2).real))
        error = float(np.sqrt(max(across, 0.0) / max(self.looks, 1e-6)) / abs(total))
        found = OverlapShift(
            seconds=shift,
            deviation=error / (2.0 * np.pi * abs(mean)),
            coherence=abs(total) / float(self.weight.sum()),
            phase=float(np.angle(self.after(0.0))),
            left=float(np.angle(total)),
            share=self.used / self.count,
        )
        return found if error < UNCERTAIN else replace(found, seconds=np.nan, deviation=np.inf, left=np.nan)


def double_difference(
    earlier: Any, later: Any, apart: Any, valid: Any, looks: float, device: Device = HOST
) -> DoubleDifference:
    """Compute the double difference of the interferograms of two bursts over their overlap.

    Parameters
    ----------
    earlier, later : complex [line, sample], reference * conj(date) of the burst that begins earlier and later, on
        the same pixels, averaged over a window (any, also none).
    apart : Doppler frequency (Hz) of the earlier burst less that of the later one, per pixel.
    valid : which pixels count.
    looks : independent pixels among as many pixels, 0 to 1: what oversampling and averaging leave.
    device : where the arrays are; only the sums of the bins come down from it.

    Each pixel weighs by the square root of its power, which is large where both interferograms are coherent: what is
    strong must not outweigh everything, for a ship is one witness, not ten thousand.
    """
    xp = device.xp
    product, frequency = (earlier * later.conj())[valid], apart[valid].astype(np.float64)
    known = abs(product) > 0.0
    product, frequency = product[known], frequency[known]
    used, size = product.size, abs(product)
    root = xp.sqrt(size)
    double = product / root
    square = double * double
    parts = (double.real, double.imag, root, size, square.real, square.imag, root * frequency)
    sums = _sums_of_bins(parts, frequency, device) if used else np.zeros((len(parts), BINS))
    with np.errstate(invalid="ignore"):
        mean = sums[6] / sums[2]
    return DoubleDifference(
        frequency=np.nan_to_num(mean),
        total=sums[0] + 1j * sums[1],
        weight=sums[2],
        power=sums[3],
        square=sums[4] + 1j * sums[5],
        used=used,
        count=valid.size,
        looks=looks,
    )


def _sums_of_bins(parts: Sequence[Any], frequency: Any, device: Device) -> NDArray[np.float64]:
    """Sum each of several values of pixels in `BINS` of their frequency: (values, bins)."""
    xp = device.xp
    low = float(frequency.min())
    width = (float(frequency.max()) - low) / BINS
    place = xp.zeros(frequency.shape, dtype=np.int64)
    if width > 0.0:
        place = ((frequency - low) / width).astype(np.int64).clip(0, BINS - 1)
    sums = [xp.bincount(place, _with_exact_sums(values), BINS) for values in parts]
    return np.asarray(device.download(xp.stack(sums)))


def _with_exact_sums(values: Any) -> Any:
    """Values, float64, rounded so that all sums of them are exact: a device may add them in any order.

    They keep all bits down to 2^-52 of the largest possible sum, far below their own last bit.
    """
    values = values.astype(np.float64)
    largest = float(abs(values).max()) * values.size
    step = 2.0 ** (math.frexp(largest)[1] - 52)
    return (values / step).round() * step


def overlap_shift(
    earlier: Any,
    later: Any,
    apart: Any,
    valid: Any,
    looks: float,
    start: float = 0.0,
) -> OverlapShift:
    """Estimate the azimuth misregistration near ``start`` (s) from the interferograms of two bursts.

    With too few pixels the result says that nothing is known; it never fails.
    """
    return double_difference(earlier, later, apart, valid, looks).shift(start)


@dataclass(frozen=True, kw_only=True, eq=False)
class Timing:
    """Azimuth timing of every date relative to the reference.

    Attributes
    ----------
    seconds, deviation : (dates,) float64; 0 for the reference, 0 and infinite for a date that nothing is known of.
    residual : (pairs,) what each pair says less what the dates make of it, seconds; NaN where it says nothing.
    """

    seconds: NDArray[np.float64]
    deviation: NDArray[np.float64]
    residual: NDArray[np.float64]


def solve_timing(
    pairs: Sequence[tuple[int, int]], shifts: Sequence[Sequence[OverlapShift]], dates: int, reference: int
) -> Timing:
    """Solve for the timing of all dates from the overlaps of a network of pairs, by weighted least squares.

    Parameters
    ----------
    pairs : (first, second) dates of each interferogram first * conj(second).
    shifts : of each pair, what every overlap says.

    Dates that no chain of pairs joins to the reference keep their geometry: 0, with infinite deviation.
    Raises AlignsarError for pairs of dates that are not there.
    """
    if any(not (0 <= date < dates) for pair in pairs for date in pair) or len(pairs) != len(shifts):
        raise AlignsarError(
            f"timing: pairs {list(pairs)} with {len(shifts)} results do not fit {dates} dates"
        )
    means, weights = np.full(len(pairs), np.nan), np.zeros(len(pairs))
    for index, own in enumerate(shifts):
        known = [one for one in own if np.isfinite(one.seconds) and 0.0 < one.deviation < np.inf]
        if known:
            each = np.array([one.deviation**-2 for one in known])
            means[index] = np.average([one.seconds for one in known], weights=each)
            weights[index] = each.sum()
    used = [index for index in range(len(pairs)) if weights[index] > 0.0]
    joined = _joined([pairs[index] for index in used], reference)
    unknown = sorted(joined - {reference})
    seconds, deviation = np.zeros(dates), np.full(dates, np.inf)
    deviation[reference] = 0.0
    used = [index for index in used if pairs[index][0] in joined]
    if unknown:
        design = np.zeros((len(used), dates))
        for row, index in enumerate(used):
            first, second = pairs[index]
            design[row, second] += 1.0
            design[row, first] -= 1.0
        root = np.sqrt(weights[used])
        matrix = design[:, unknown] * root[:, np.newaxis]
        seconds[unknown] = np.linalg.lstsq(matrix, means[used] * root, rcond=None)[0]
        deviation[unknown] = np.sqrt(np.diag(np.linalg.inv(matrix.T @ matrix)))
    fitted = np.array([seconds[second] - seconds[first] for first, second in pairs])
    return Timing(seconds=seconds, deviation=deviation, residual=means - fitted)


def _joined(pairs: Sequence[tuple[int, int]], reference: int) -> set[int]:
    """The dates that pairs join to the reference, itself included."""
    joined, size = {reference}, 0
    while len(joined) > size:
        size = len(joined)
        for first, second in pairs:
            if first in joined or second in joined:
                joined |= {first, second}
    return joined
