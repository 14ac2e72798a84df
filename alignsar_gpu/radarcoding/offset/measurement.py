"""Measure the offset of labels against the radar image, with its standard deviation; it is never applied.

The logarithm of the image is regressed on the area fractions of the classes at every offset of the search, so which
classes are bright need not be known. Where the labels explain most of the image, they lie right. In each patch of
the image the same pixels are explained at every offset, so neither the edges of the scene nor gaps pull towards 0;
each patch has a mean of its own, so slow changes of brightness do not count. Sums of squares and products at all
offsets come from Fourier transforms and are added over the patches; what is explained of the power P of the image is
R^2(offset) = b^T G^-1 b / P with the products b of fractions and image and G of the fractions with one another.

The peak is found between the pixels by a spline of fifth degree through R. Fractions are means over pixels of
something with sharp edges: sampled once a pixel they are aliased, which draws the peak of R by up to 0.04 pixel.
Hence they are smoothed over seven pixels first. What is left, measured on images without speckle, is 0.002 pixel
for fields and 0.009 where all that stands out is a line two pixels wide; the deviation is a quarter larger for it.

The deviation is that of a jackknife: parts of the image are left out in turn and the peak is found anew. The same
parts tell whether there is a peak at all. Each is predicted from the others, their offset and their coefficients; if
on the whole this explains no more than the mean does, the labels are unrelated to the image. Any other peak must be
lower than the highest by more than the parts differ in what they say of the two (Student's t), or the place is
ambiguous.

Limits. One offset is measured for the whole image. Classes must differ in brightness, and their borders must run in
both directions. What the deviation cannot know is an image that truly lies elsewhere than the ground that is
labelled: objects that stand up lean towards the sensor, and a facade (double bounce: at the foot of the wall; single
bounce: nearer) shines where its footprint's near edge is, which draws labels of buildings to larger samples. Layover
is to be masked in the image, and what is bright for its height is better left out of the classes.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import maximum_filter
from scipy.special import stdtr

from alignsar_gpu.device import cpu_threads
from alignsar_gpu.radarcoding.offset.correlation import (
    REACH,
    Fit,
    OffsetSums,
    fit_offsets,
    offset_sums,
    refine_peak,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SEARCH = (10, 40)  # lines and samples each way
PATCH = (128, 512)  # lines and samples; less where the image has few of them
SMALLEST = 32  # lines or samples of a patch
WANTED = 32  # patches that are worth making patches smaller
MOST = 512  # patches that are looked at
PARTS = 64  # of the image, of one patch or several, that are left out in turn
FEWEST_PARTS = 8
LEAST_SEARCH = 3
CHANCE = 1e-3  # of labels that say nothing, or of two peaks of equal height
VAGUE = 0.25  # of the search: a larger deviation is no measurement
LEFT = 0.005  # pixel: what aliasing may leave, added to the deviation


@dataclass(frozen=True, kw_only=True)
class LabelOffset:
    """Measured offset of labels; positive where they lie at larger line or sample numbers than the image.

    A label at (line, sample) shows in the image at (line - lines, sample - samples).

    Attributes
    ----------
    lines, samples : the offset, pixels; NaN where nothing could be measured.
    lines_standard_deviation, samples_standard_deviation : 1 sigma, pixels; NaN where nothing could be measured.
    correlation : multiple correlation, 0 to 1, of log intensity with the fractions at the best offset; it is kept
        where that offset means nothing, and NaN where there was nothing to correlate. Speckle keeps it low.
    correlation_unshifted : the same where the labels are.
    patches : independent parts of the image that had something to say.
    reason : why nothing could be measured; empty where it was.
    """

    lines: float
    samples: float
    lines_standard_deviation: float
    samples_standard_deviation: float
    correlation: float
    correlation_unshifted: float
    patches: int
    reason: str


class OffsetMeter:
    """Measure the offset of labels against an image that is given from the top down in blocks of lines.

    Parameters
    ----------
    classes : layers of fractions, at least 1. Time and memory go with its square; 3 to 8 do well.
    shape : lines and samples of the whole image.
    search : lines and samples that are searched each way, at least 3.
    patch : lines and samples of a patch; by default 128 x 512, or less in an image that has few of these. Eight at
        least must say something.
    most_patches : patches that are looked at, evenly spread, where the image has more.
    threads : by default those of `device.cpu_threads`.

    The result does not depend on the blocks or the threads. Memory: the lines of a patch and of the search on
    either side, all samples and classes; and 64 sums of about classes^2 / 2 numbers for every offset searched.
    ValueError for numbers that make no sense.
    """

    def __init__(
        self,
        classes: int,
        shape: tuple[int, int],
        *,
        search: tuple[int, int] = SEARCH,
        patch: tuple[int, int] | None = None,
        most_patches: int = MOST,
        threads: int | None = None,
    ) -> None:
        wrong = min(search) < LEAST_SEARCH or (patch is not None and min(patch) < 1)
        if classes < 1 or wrong or most_patches < FEWEST_PARTS:
            raise ValueError(
                f"{classes} classes, search {search}, patch {patch}, at most {most_patches} patches"
            )
        self._shape, self._search, self._classes = shape, search, classes
        self._margin = (search[0] + REACH, search[1] + REACH)
        self._threads = threads or cpu_threads()
        inner = [max(count - 2 * margin, 0) for count, margin in zip(shape, self._margin, strict=True)]
        self._large_enough = min(inner) >= SMALLEST
        size = patch or _patch_size(inner)
        self._rows, self._columns = (_edges(count, length) for count, length in zip(inner, size, strict=True))
        count = (len(self._rows) - 1) * (len(self._columns) - 1)
        chosen = min(count, most_patches)
        parts = min(chosen, PARTS)
        self._part_of = {k * count // chosen: k * parts // chosen for k in range(chosen)}
        self._parts: dict[int, OffsetSums] = {}
        self._silent: dict[str, int] = {}
        band = int(np.diff(self._rows).max()) + 2 * self._margin[0] if self._large_enough else 0
        self._fractions = np.empty((classes, band, shape[1]), dtype=np.float32)
        self._image = np.empty((band, shape[1]), dtype=np.float32)
        self._row = 0  # of patches that the band is filled for
        self._held = 0  # lines in the band
        self._given = 0  # lines so far

    def add(self, fractions: NDArray[np.floating], image: NDArray[np.floating]) -> None:
        """Add the next lines of the image, from its first on, without halos.

        Parameters
        ----------
        fractions : [class, line, sample] area fraction, 0 to 1; NaN where no label is known. Around such a pixel no
            pixel of the image counts within the search, so mask layover in the image, not here.
        image : [line, sample] intensity, linear, a mean over dates where there are any; NaN for no data. What is
            not above 0 has no logarithm and counts as no data.

        ValueError for another shape than was announced.
        """
        lines = len(image)
        if image.shape != (lines, self._shape[1]) or fractions.shape != (self._classes, *image.shape):
            raise ValueError(
                f"fractions {fractions.shape} and image {image.shape}: {self._classes} classes and "
                f"{self._shape[1]} samples were announced"
            )
        if self._given + lines > self._shape[0]:
            raise ValueError(f"{self._given + lines} lines of {self._shape[0]} that were announced")
        self._given += lines
        taken = 0
        while taken < lines and self._large_enough and self._row < len(self._rows) - 1:
            wanted = int(self._rows[self._row + 1] - self._rows[self._row]) + 2 * self._margin[0]
            count = min(wanted - self._held, lines - taken)
            here, there = slice(self._held, self._held + count), slice(taken, taken + count)
            self._fractions[:, here], self._image[here] = fractions[:, there], image[there]
            self._held, taken = self._held + count, taken + count
            if self._held == wanted:
                self._measure_row()
                kept = 2 * self._margin[0]
                for band in (self._fractions.swapaxes(0, 1), self._image):
                    band[:kept] = band[wanted - kept : wanted].copy()
                self._held, self._row = kept, self._row + 1

    def result(self) -> LabelOffset:
        """Return the offset that the added lines give."""
        if not self._large_enough:
            lines, samples = (2 * margin + SMALLEST for margin in self._margin)
            return _nothing(
                f"an image of {self._shape[0]} x {self._shape[1]} pixels is too small for this search, which takes "
                f"{lines} x {samples}"
            )
        parts = [self._parts[k] for k in sorted(self._parts)]
        if len(parts) < FEWEST_PARTS:
            why = max(self._silent, key=lambda reason: self._silent[reason], default="the image has no more")
            return _nothing(
                f"{len(parts)} parts of the image say something, {FEWEST_PARTS} are needed: {why}", len(parts)
            )
        return _measured(parts)

    def _measure_row(self) -> None:
        """Add the patches of the row that the band holds."""
        first = self._row * (len(self._columns) - 1)
        chosen = [k for k in range(len(self._columns) - 1) if first + k in self._part_of]
        with ThreadPoolExecutor(self._threads) as pool:
            for column, sums in zip(chosen, pool.map(self._products, chosen), strict=True):
                if isinstance(sums, str):
                    self._silent[sums] = self._silent.get(sums, 0) + 1
                    continue
                part = self._part_of[first + column]
                self._parts[part] = sums.plus(self._parts[part]) if part in self._parts else sums

    def _products(self, column: int) -> OffsetSums | str:
        (down, across), lines = self._margin, self._held
        samples = slice(int(self._columns[column]), int(self._columns[column + 1]) + 2 * across)
        image = self._image[down : lines - down, samples][:, across:-across]
        return offset_sums(self._fractions[:, :lines, samples], image, self._search)


def _patch_size(inner: Sequence[int]) -> tuple[int, int]:
    """Choose lines and samples of patches so that the image has enough of them."""
    lines, samples = PATCH
    while inner[0] * inner[1] < WANTED * lines * samples and max(lines, samples) > SMALLEST:
        lines, samples = (lines, samples // 2) if samples > lines else (lines // 2, samples)
    return lines, samples


def _edges(count: int, size: int) -> NDArray[np.intp]:
    """Divide an axis into parts of nearly equal size: where each begins, and the end."""
    return np.linspace(0, count, max(round(count / size), 1) + 1).round().astype(np.intp)


def _measured(parts: list[OffsetSums]) -> LabelOffset:
    """Combine the sums of all parts to the offset and its standard deviation."""
    total = parts[0]
    for part in parts[1:]:
        total = total.plus(part)
    fit = fit_offsets(total)
    middle = np.array([count // 2 for count in fit.explained.shape])
    place, left_out = refine_peak(fit), [fit_offsets(total.plus(part, -1.0)) for part in parts]
    gains = [
        part.gain(other.peak, other.coefficients[other.peak])
        for part, other in zip(parts, left_out, strict=True)
    ]
    places = np.array([refine_peak(other) for other in left_out])
    spread = np.sqrt((len(parts) - 1.0) * np.mean((places - places.mean(axis=0)) ** 2, axis=0))
    deviation = np.hypot(spread, LEFT)
    known = LabelOffset(
        lines=float(place[0] - middle[0]),
        samples=float(place[1] - middle[1]),
        lines_standard_deviation=float(deviation[0]),
        samples_standard_deviation=float(deviation[1]),
        correlation=float(np.sqrt(max(fit.explained.max(), 0.0) / total.power)),
        correlation_unshifted=float(np.sqrt(max(fit.explained[tuple(middle)], 0.0) / total.power)),
        patches=len(parts),
        reason="",
    )
    reason = (
        _no_peak(fit, gains, middle) or _rival(fit, parts, deviation, middle) or _vague(deviation, middle)
    )
    if not reason:
        return known
    nothing = _nothing(reason, len(parts))
    return replace(nothing, correlation=known.correlation, correlation_unshifted=known.correlation_unshifted)


def _chance(values: Sequence[float]) -> float:
    """Return the probability (Student's t) that independent values of mean 0 have a mean this high."""
    mean, spread = float(np.mean(values)), float(np.std(values, ddof=1))
    if spread == 0.0:
        return 0.0 if mean > 0.0 else 1.0
    return float(stdtr(len(values) - 1, -np.sqrt(len(values)) * mean / spread))


def _no_peak(fit: Fit, gains: list[float], middle: NDArray[np.intp]) -> str:
    """Return why the highest value is not significant; empty where it is."""
    if _chance(gains) > CHANCE:
        return "the labels explain the image nowhere in the search better than chance may"
    if np.any((np.array(fit.peak) == 0) | (np.array(fit.peak) == 2 * middle)):
        return (
            f"labels and image agree best at the border of the search, {middle[0]} lines and {middle[1]} samples: "
            "search further"
        )
    return ""


def _rival(
    fit: Fit, parts: list[OffsetSums], deviation: NDArray[np.float64], middle: NDArray[np.intp]
) -> str:
    """Return which other peak may be the right one; empty where there is none. The deviation spans one peak."""
    peak, explained = fit.peak, fit.explained
    ours = [part.gain(peak, fit.coefficients[peak]) for part in parts]
    span = np.maximum(np.minimum(3.0 * deviation, VAGUE * middle), 1.5)
    for row, column in np.argwhere(maximum_filter(explained, 3, mode="nearest") == explained):
        if np.all(np.abs([row - peak[0], column - peak[1]]) <= span):
            continue
        theirs = [part.gain((row, column), fit.coefficients[row, column]) for part in parts]
        if _chance([best - other for best, other in zip(ours, theirs, strict=True)]) > CHANCE:
            return (
                f"labels and image agree as well {row - peak[0]:+d} lines and {column - peak[1]:+d} samples from where "
                "they agree best"
            )
    return ""


def _vague(deviation: NDArray[np.float64], middle: NDArray[np.intp]) -> str:
    """Return why the deviation is too large for a measurement; empty where it is not."""
    if not np.any(deviation > VAGUE * middle):
        return ""
    return (
        f"the offset is uncertain by {deviation[0]:.2g} lines and {deviation[1]:.2g} samples: the borders of the "
        "classes say too little"
    )


def _nothing(reason: str, patches: int = 0) -> LabelOffset:
    return LabelOffset(
        lines=np.nan,
        samples=np.nan,
        lines_standard_deviation=np.nan,
        samples_standard_deviation=np.nan,
        correlation=np.nan,
        correlation_unshifted=np.nan,
        patches=patches,
        reason=reason,
    )
