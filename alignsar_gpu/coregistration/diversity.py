"""Enhanced spectral diversity: what the overlaps of bursts say of the timing of dates.

The ground in the overlap of two bursts is seen under two squint angles. An azimuth misregistration dt between two
dates turns the interferogram of the earlier burst by 2 pi f1 dt and that of the later one by 2 pi f2 dt; their
double difference has the phase 2 pi (f1 - f2) dt, whatever the topography, the motion across the track and the
atmosphere are (Prats-Iraola et al., 2012, TOPS Interferometry With TerraSAR-X, section IV).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

ITERATIONS = 8
FEWEST = 100  # pixels of an overlap that may say something


@dataclass(frozen=True, kw_only=True)
class OverlapShift:
    """What one overlap says of one pair of dates.

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


def overlap_shift(
    earlier: NDArray[np.complex64],
    later: NDArray[np.complex64],
    apart: NDArray[np.float64],
    valid: NDArray[np.bool_],
    looks: float,
) -> OverlapShift:
    """Azimuth misregistration from the interferograms of two bursts over their overlap.

    Parameters
    ----------
    earlier, later : complex [line, sample], reference * conj(date) of the burst that begins earlier and later, on
        the same pixels, averaged over a window (any, also none).
    apart : Doppler frequency (Hz) of the earlier burst less that of the later one, per pixel.
    valid : which pixels count.
    looks : independent pixels among as many pixels, 0 to 1: what oversampling and averaging leave.

    Each pixel weighs by its power, which is large where both interferograms are coherent. With too few pixels the
    result says that nothing is known; it never fails.
    """
    product = np.where(valid, earlier * np.conj(later), 0.0).astype(np.complex128)
    used = valid & (np.abs(product) > 0.0)
    count = int(np.count_nonzero(used))
    if count < FEWEST:
        return NOTHING
    # What is strong must not outweigh everything: a ship is one witness, not ten thousand.
    double = np.sqrt(np.abs(product[used])) * np.exp(1j * np.angle(product[used]))
    frequency = apart[used]
    weight = np.abs(double)
    shift = 0.0
    for _ in range(ITERATIONS):
        turned = double * np.exp(-2j * np.pi * frequency * shift)
        total = turned.sum()
        shift += float(np.angle(total) / (2.0 * np.pi * np.average(frequency, weights=weight)))
    turned = double * np.exp(-2j * np.pi * frequency * shift)
    total = turned.sum()
    coherence = float(np.abs(total) / weight.sum())
    # The part of each witness across the sum is its error: the sum's phase is their weighted mean.
    across = (turned * np.conj(total / np.abs(total))).imag
    error = float(np.sqrt(np.sum(across**2) / max(looks, 1e-6)) / np.abs(total))
    mean = abs(float(np.average(frequency, weights=weight)))
    return OverlapShift(
        seconds=shift,
        deviation=error / (2.0 * np.pi * mean),
        coherence=coherence,
        phase=float(np.angle(double.sum())),
        left=float(np.angle(total)),
        share=count / valid.size,
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class Timing:
    """Azimuth timing of every date against the reference.

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
    """Timing of all dates from the overlaps of a network of pairs, by weighted least squares.

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
