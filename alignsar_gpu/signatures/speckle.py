"""Multitemporal speckle filter and equivalent number of looks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import gaussian_filter1d
from scipy.optimize import brentq
from scipy.special import digamma

from alignsar_gpu import kernels
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from types import ModuleType

    from numpy.typing import NDArray

STRIP_PIXELS = 4_000_000  # worked on at a time
SMALLEST_ENL, LARGEST_ENL = 1e-3, 1e9
# Logarithms of the statistic of a block: from what rounding leaves of a constant one to more than any can have.
LOWEST, HIGHEST = -30.0, 6.0
BINS = 8  # of the histogram, in a standard deviation of what homogeneous blocks show
SMOOTHING = 0.5  # standard deviation of what it is smoothed by, in the same


def multitemporal_quegan(powers: Any, means: Any, valid: Any, xp: ModuleType) -> Any:
    """Filter the intensities of one polarization over the dates; see `kernels.multitemporal_filter`.

    Parameters
    ----------
    powers, means : [date, line, sample], intensities and their local means of each date (`kernels.speckle_filter` with
        "boxcar"), any layout.
    valid : bool, the same shape; a date that is missing at a pixel is left out of the sum there.
    xp : numpy or CuPy, whichever the arrays are of.

    Returns
    -------
    float32 [date, line, sample], NaN where not valid. With N dates and means over n pixels of speckle that is
    independent, its equivalent number of looks is n N / (n + N - 1) times that of ``powers``.
    """
    return kernels.multitemporal_filter(
        xp.ascontiguousarray(powers, dtype=xp.float32),
        xp.ascontiguousarray(means, dtype=xp.float32),
        xp.ascontiguousarray(valid, dtype=xp.bool_),
    )


def equivalent_number_of_looks(
    power: Any,
    valid: Any,
    xp: ModuleType,
    *,
    window: tuple[int, int] = (7, 7),
    spacing: tuple[int, int] = (1, 1),
) -> float:
    """Estimate the equivalent number of looks (ENL) of an intensity image: the value most of its blocks agree on.

    Of every block, ln(mean) - mean(ln): for n independent Gamma-distributed pixels of L looks this is Bartlett's
    statistic, with mean ln L - psi(L) - (ln nL - psi(nL)), distributed nearly as chi-squared with n - 1 degrees of
    freedom, whose logarithm has its mode where the logarithm of its mean is. Texture and edges within a block make
    it larger; so the mode over the blocks is taken, which is that of the homogeneous ones if there are many
    (Anfinsen, Doulgeris and Eltoft 2009, Estimation of the equivalent number of looks in polarimetric synthetic
    aperture radar imagery, IEEE TGRS 47(11), whose maximum-likelihood estimate for one polarization this is).

    Parameters
    ----------
    power : [line, sample], intensities, of the module ``xp`` (numpy or CuPy).
    valid : bool, the same shape. Only blocks all of whose pixels are valid, finite and above zero count.
    window : lines and samples of a block, two pixels or more.
    spacing : lines and samples between pixels of a block. Neighbours must be independent, or the ENL is too large:
        give the size of the filter's window for a filtered image, and 2 or more for oversampled pixels.

    Returns
    -------
    The ENL, with a standard error of about 3 % from 200 homogeneous blocks of 49 pixels; NaN if no block counts, and
    infinity where most do not vary.

    Raises AlignsarError for a window or spacing that makes no blocks.
    """
    count = window[0] * window[1]
    if count < 2 or min(*window, *spacing) < 1:
        raise AlignsarError(
            f"window {window}, spacing {spacing}: blocks for an ENL need two pixels or more, and spacings of 1 or more"
        )
    deviation = float(np.sqrt(2.0 / (count - 1)))
    histogram = _histogram(power, valid, xp, window, spacing, deviation / BINS)
    varying, steady = histogram[1:].sum(), histogram[0]
    if varying + steady == 0:
        return float("nan")
    if steady > varying:
        return float("inf")
    statistic = np.exp(LOWEST + deviation / BINS * _mode(histogram))

    def excess(log_looks: float) -> float:
        looks = np.exp(log_looks)
        own = np.log(looks) - digamma(looks)
        return float(own - (np.log(count * looks) - digamma(count * looks)) - statistic)

    limits = (float(np.log(SMALLEST_ENL)), float(np.log(LARGEST_ENL)))
    if excess(limits[1]) >= 0.0:
        return LARGEST_ENL
    return float(np.exp(brentq(excess, *limits)))


def _histogram(
    power: Any, valid: Any, xp: ModuleType, window: tuple[int, int], spacing: tuple[int, int], width: float
) -> NDArray[np.float64]:
    """Numbers of blocks by ln(ln(mean) - mean(ln)), from LOWEST on in bins of ``width``; of constant ones in bin 0."""
    down, across = window[0] * spacing[0], window[1] * spacing[1]
    samples = power.shape[1] // across * across
    rows = max(STRIP_PIXELS // (down * max(samples, 1)), 1) * down
    bins = int((HIGHEST - LOWEST) / width) + 1
    counts = np.zeros(bins)
    for first in range(0, power.shape[0] // down * down if samples else 0, rows):
        lines = min(rows, (power.shape[0] - first) // down * down)
        shape = (lines // down, window[0], spacing[0], samples // across, window[1], spacing[1])
        x = power[first : first + lines, :samples].astype(xp.float64)
        good = valid[first : first + lines, :samples] & xp.isfinite(x) & (x > 0.0)
        x = xp.where(good, x, 1.0).reshape(shape)
        whole = good.reshape(shape).all(axis=(1, 4))
        varies = xp.log(x.mean(axis=(1, 4))) - xp.log(x).mean(axis=(1, 4))
        logarithm = xp.log(xp.maximum(varies[whole], np.exp(LOWEST)))
        places = xp.clip((logarithm - LOWEST) / width + 0.5, 0, bins - 1).astype(xp.int64)
        counts += np.asarray(xp.bincount(places, minlength=bins).tolist())
    return counts


def _mode(histogram: NDArray[np.float64]) -> float:
    """The place of the maximum, in bins, after smoothing; constant blocks left out."""
    smooth = gaussian_filter1d(np.concatenate([[0.0], histogram[1:]]), SMOOTHING * BINS, mode="constant")
    peak = int(np.clip(np.argmax(smooth), 1, smooth.size - 2))
    before, at, after = smooth[peak - 1 : peak + 2]
    curvature = before - 2.0 * at + after
    return peak + (float(0.5 * (before - after) / curvature) if curvature < 0.0 else 0.0)
