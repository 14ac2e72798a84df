"""Correlate labels with an image at every offset, and find the best one: sums over patches by Fourier transforms."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import ifft, irfft, next_fast_len, rfft2
from scipy.interpolate import RectBivariateSpline
from scipy.ndimage import convolve1d, maximum_filter1d

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

FEWEST_PIXELS = 256  # of a patch
SMOOTHING = np.array([1.0, 6.0, 15.0, 20.0, 15.0, 6.0, 1.0], dtype=np.float32) / 64.0
REACH = len(SMOOTHING) // 2  # of fractions that are wanted beyond the search
RIDGE = 1e-4  # of each class's own power: classes that sum to 1 leave a direction unknown
WINDOW = 6  # pixels each way that the spline goes through


@dataclass(frozen=True, kw_only=True, eq=False)
class OffsetSums:
    """Sums of squares and products over the pixels of a part of the image, at each offset of the search.

    Attributes
    ----------
    power : of the log intensity about its mean.
    vector : (class, line, sample) of fractions and log intensity.
    gram : (pair of classes, line, sample) of fractions, pairs as `triu_indices` has them.
    """

    power: float
    vector: NDArray[np.float64]
    gram: NDArray[np.float64]

    def plus(self, other: OffsetSums, sign: float = 1.0) -> OffsetSums:
        """Add the sums of another part, or subtract them (``sign`` -1)."""
        return OffsetSums(
            power=self.power + sign * other.power,
            vector=self.vector + sign * other.vector,
            gram=self.gram + sign * other.gram,
        )

    def gain(self, offset: tuple[int, int], coefficients: NDArray[np.float64]) -> float:
        """Return the power that coefficients (class,) explain at an offset (row, column); negative for wrong ones."""
        first, second = np.triu_indices(len(coefficients))
        twice = np.where(first == second, 1.0, 2.0) * coefficients[first] * coefficients[second]
        linear = 2.0 * coefficients @ self.vector[(slice(None), *offset)]
        return float(linear - twice @ self.gram[(slice(None), *offset)])


@dataclass(frozen=True, kw_only=True, eq=False)
class Fit:
    """Regression of the log intensity on the fractions, at each offset.

    Attributes
    ----------
    coefficients : (line, sample, class) log intensity per fraction.
    explained : (line, sample) power.
    """

    coefficients: NDArray[np.float64]
    explained: NDArray[np.float64]

    @property
    def peak(self) -> tuple[int, int]:
        """Row and column of the offset at which most power is explained."""
        row, column = divmod(int(np.argmax(self.explained)), self.explained.shape[1])
        return row, column


def offset_sums(
    fractions: NDArray[np.float32], image: NDArray[np.float32], search: tuple[int, int]
) -> OffsetSums | str:
    """Compute the sums of a patch; or return, as text, why it cannot be used.

    Fractions [class, line, sample] reach beyond the image [line, sample] by ``search`` and `REACH` on every side.
    """
    margin = (search[0] + REACH, search[1] + REACH)
    usable: NDArray[np.bool_] = np.isfinite(image) & (image > 0.0)
    unknown = np.asarray(np.isnan(fractions).any(axis=0))
    if unknown.any():
        fractions = np.where(unknown, np.float32(0.0), fractions)
        for axis, reach in enumerate(margin):
            unknown = np.asarray(maximum_filter1d(unknown, 2 * reach + 1, axis=axis), dtype=np.bool_)
        usable = usable & ~unknown[margin[0] : -margin[0], margin[1] : -margin[1]]
    count = np.count_nonzero(usable)
    if count < FEWEST_PIXELS:
        return "elsewhere the image has no data, or labels are not known all over the search"
    logarithm = np.log(np.where(usable, image, np.float32(1.0)), dtype=np.float64)
    logarithm = np.where(usable, logarithm - logarithm.sum() / count, 0.0)
    power = float(np.sum(logarithm**2))
    if power < 1e-9 * count:
        return "elsewhere the image is constant"
    for axis in (1, 2):
        fractions = convolve1d(fractions, SMOOTHING, axis=axis, mode="nearest")
    fractions = fractions[:, REACH:-REACH, REACH:-REACH]
    fractions = fractions - fractions.mean(axis=(1, 2), dtype=np.float64, keepdims=True).astype(np.float32)
    if np.abs(fractions).max() < 1e-4:
        return "elsewhere the labels do not vary"
    first, second = np.triu_indices(len(fractions))
    planes = np.concatenate([fractions, fractions[first] * fractions[second]])
    size = [next_fast_len(length, real=True) for length in planes.shape[1:]]
    turned = np.conj(rfft2(np.stack([logarithm, usable]).astype(np.float32), size))
    spectra = rfft2(planes, size)
    vector = _at_offsets(spectra[: len(fractions)] * turned[0], size, search)
    spectra *= turned[1]
    sums = _at_offsets(spectra, size, search)
    sums, gram = sums[: len(fractions)], sums[len(fractions) :]
    return OffsetSums(power=power, vector=vector, gram=gram - sums[first] * sums[second] / count)


def _at_offsets(
    spectra: NDArray[np.complex64], size: Sequence[int], search: tuple[int, int]
) -> NDArray[np.float64]:
    """Transform products of half spectra back, only at the offsets searched: (plane, 2 search + 1, 2 search + 1)."""
    rows = ifft(spectra, axis=1)[:, : 2 * search[0] + 1]
    return np.asarray(irfft(rows, size[1], axis=2)[:, :, : 2 * search[1] + 1], dtype=np.float64)


def fit_offsets(products: OffsetSums) -> Fit:
    """Solve the regression at each offset; a class that does not occur explains nothing."""
    classes = len(products.vector)
    first, second = np.triu_indices(classes)
    gram = np.empty((*products.gram.shape[1:], classes, classes))
    gram[..., first, second] = gram[..., second, first] = np.moveaxis(products.gram, 0, -1)
    power = np.diagonal(gram, axis1=-2, axis2=-1)
    scale = np.where(power > 0.0, 1.0 / np.sqrt(np.where(power > 0.0, power, 1.0)), 0.0)
    gram *= scale[..., :, np.newaxis] * scale[..., np.newaxis, :]
    gram[..., range(classes), range(classes)] = 1.0 + RIDGE
    vector = scale * np.moveaxis(products.vector, 0, -1)
    coefficients = np.asarray(np.linalg.solve(gram, vector[..., np.newaxis])[..., 0], dtype=np.float64)
    return Fit(coefficients=coefficients * scale, explained=np.sum(coefficients * vector, axis=-1))


def refine_peak(fit: Fit) -> NDArray[np.float64]:
    """Return the row and column (2,) of the peak to a fraction of a pixel."""
    peak = fit.peak
    axes = [
        np.arange(max(at - WINDOW, 0), min(at + WINDOW + 1, count))
        for at, count in zip(peak, fit.explained.shape, strict=True)
    ]
    correlation = np.sqrt(np.maximum(fit.explained[np.ix_(*axes)], 0.0))
    degrees = [min(5, len(axis) - 1) for axis in axes]
    spline = RectBivariateSpline(*axes, correlation, kx=degrees[0], ky=degrees[1])
    near = [
        np.clip(at + np.arange(-12, 13) / 16.0, axis[0], axis[-1])
        for at, axis in zip(peak, axes, strict=True)
    ]
    row, column = np.unravel_index(np.argmax(spline(*near)), (25, 25))
    start = np.array([near[0][row], near[1][column]])
    place = start
    for _ in range(5):
        slope = np.array([spline.ev(*place, dx=1), spline.ev(*place, dy=1)])
        mixed = float(spline.ev(*place, dx=1, dy=1))
        bend = np.array([[spline.ev(*place, dx=2), mixed], [mixed, spline.ev(*place, dy=2)]])
        if np.linalg.eigvalsh(bend)[1] >= 0.0:
            return start
        place = place - np.linalg.solve(bend, slope)
        if np.abs(place - start).max() > 0.125:
            return start
    return place
