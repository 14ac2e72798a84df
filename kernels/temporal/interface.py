"""Public functions for statistics over time. Checks the arguments and chooses the driver.

As in :mod:`coherence.interface`, the kind of the arrays decides where the work is done. A value that is NaN or infinite
is missing, wherever the mask says otherwise.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np
from alignsar_gpu.kernels.driving.arrays import Arrays

from .scalar import LARGEST, SMALLEST_NORMAL, YEAR

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

STATISTICS = ("intensity_mean", "intensity_deviation", "coefficient_of_variation", "amplitude_dispersion")
SEASONAL = ("seasonal_amplitude", "seasonal_peak_day")


def _stack(arrays: Arrays, name: str) -> Any:
    stack = arrays.checked(name, np.float32, name)
    if stack.ndim != 3:
        raise ValueError(
            f"{name}: expected three dimensions, date, line and sample, got the shape {stack.shape}"
        )
    return stack


def _by_pixel(stack: Any) -> Any:
    """[date, line, sample] as [date, pixel]."""
    return stack.reshape(stack.shape[0], stack.shape[1] * stack.shape[2])


def _chosen(outputs: Collection[str], known: tuple[str, ...]) -> list[bool]:
    """Which of the known outputs are asked for."""
    if isinstance(outputs, str) or not outputs or not set(outputs) <= set(known):
        raise ValueError(f"outputs: expected some of {known}, got {outputs!r}")
    return [name in outputs for name in known]


def temporal_statistics(
    power: NDArray[np.float32], valid: NDArray[np.bool_], *, outputs: Collection[str] = STATISTICS
) -> dict[str, NDArray[np.float32]]:
    """Compute mean, standard deviation and dispersion of every pixel over the dates.

    Parameters
    ----------
    power : float32 [date, line, sample], C-contiguous, linear backscatter or intensity; numpy, or on the device.
    valid : bool, the same shape: where the power means something.
    outputs : some of "intensity_mean"; "intensity_deviation", the standard deviation with n - 1;
        "coefficient_of_variation", that over the mean; and "amplitude_dispersion", the standard deviation of the
        amplitude sqrt(power) over its mean (Ferretti et al. 2001, Permanent scatterers in SAR interferometry, IEEE
        TGRS 39(1)). All by default.

    Returns
    -------
    float32 [line, sample] by name, where ``power`` is. NaN where there are too few dates: none for the mean, fewer
    than two for the others; a ratio is NaN where the mean is not positive. Powers below 0, which the removal of
    noise may leave, count as they are in the first three, and as missing in the amplitude dispersion. The deviation
    of equal values is 0.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    chosen = _chosen(outputs, STATISTICS)
    arrays = Arrays(__package__, power=power, valid=valid)
    stack = _stack(arrays, "power")
    mask = arrays.checked("valid", np.bool_, "power")
    shape = stack.shape[1:]
    results = [arrays.empty(shape if wanted else (0, 0), np.float32) for wanted in chosen]
    if math.prod(shape):
        flat = tuple(result.reshape(-1) for result in results)
        arrays.run("temporal_statistics", _by_pixel(stack), _by_pixel(mask), flat)
    return {name: result for name, result, wanted in zip(STATISTICS, results, chosen, strict=True) if wanted}


def seasonal_fit(
    power: NDArray[np.float32],
    valid: NDArray[np.bool_],
    days: NDArray[np.float64],
    *,
    outputs: Collection[str] = ("seasonal_amplitude",),
    largest_inflation: float = 2.5,
) -> dict[str, NDArray[np.float32]]:
    """Fit an annual harmonic to the dB of every pixel: a + b cos(2 pi t / 365.25) + c sin(2 pi t / 365.25).

    By least squares over the dates whose power is valid and positive.

    Parameters
    ----------
    power : float32 [date, line, sample], C-contiguous, linear; numpy, or on the device.
    valid : bool, the same shape.
    days : float64 [date], numpy: when the dates were. For "seasonal_peak_day" to be the day of the year, from 0,
        they count from the beginning of a year.
    outputs : some of "seasonal_amplitude", sqrt(b^2 + c^2) in dB, and "seasonal_peak_day", the day from 0 up to
        365.25 when the harmonic is largest.
    largest_inflation : the condition that the dates must meet. The error of the harmonic in the direction of (b, c)
        that they determine least may be so many times larger than with equally many dates spread evenly over whole
        years: sqrt((1/2) / m), where m is the smaller eigenvalue of the covariance of cosine and sine over the
        dates. Dates spread evenly over a quarter of a year have 8.0, over a third 4.7, over half a year 2.3.

    Returns
    -------
    float32 [line, sample] by name, where ``power`` is. NaN where fewer than four dates count, and where they do not
    meet that condition.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    chosen = _chosen(outputs, SEASONAL)
    if not 1.0 <= largest_inflation < math.inf:
        raise ValueError(f"largest_inflation: expected a number from 1 on, got {largest_inflation!r}")
    arrays = Arrays(__package__, power=power, valid=valid)
    stack = _stack(arrays, "power")
    mask = arrays.checked("valid", np.bool_, "power")
    times = np.asarray(days, dtype=np.float64)
    if times.shape != stack.shape[:1] or not np.isfinite(times).all():
        raise ValueError(f"days: expected a number for each of {len(stack)} dates, got {days!r}")
    angle = 2.0 * math.pi * np.remainder(times, YEAR) / YEAR
    table = arrays.place(np.stack([np.cos(angle), np.sin(angle)]))
    shape = stack.shape[1:]
    results = [arrays.empty(shape if wanted else (0, 0), np.float32) for wanted in chosen]
    if math.prod(shape):
        flat = tuple(result.reshape(-1) for result in results)
        smallest = 0.5 / float(largest_inflation) ** 2
        arrays.run("seasonal_fit", _by_pixel(stack), _by_pixel(mask), table, smallest, flat)
    return {name: result for name, result, wanted in zip(SEASONAL, results, chosen, strict=True) if wanted}


def temporal_extremes(
    power: NDArray[np.float32], valid: NDArray[np.bool_], *, positive: bool = False
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Compute the lowest and the highest power of every pixel over the dates.

    Parameters
    ----------
    power : float32 [date, line, sample], C-contiguous; numpy, or on the device.
    valid : bool, the same shape.
    positive : whether only powers above 0 count, those that have a logarithm.

    Returns
    -------
    Two float32 [line, sample], where ``power`` is; NaN where no date counts.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, power=power, valid=valid)
    stack = _stack(arrays, "power")
    mask = arrays.checked("valid", np.bool_, "power")
    lowest, highest = (arrays.empty(stack.shape[1:], np.float32) for _ in range(2))
    if lowest.size:
        flat = (lowest.reshape(-1), highest.reshape(-1))
        least = SMALLEST_NORMAL if positive else -LARGEST
        arrays.run("temporal_extremes", _by_pixel(stack), _by_pixel(mask), least, *flat)
    return lowest, highest


def temporal_mean_minimum(
    values: NDArray[np.float32],
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Compute mean and minimum of every pixel over the dates, for example of coherence.

    Parameters
    ----------
    values : float32 [date, line, sample], C-contiguous, NaN where there is none; numpy, or on the device.

    Returns
    -------
    Two float32 [line, sample], where ``values`` is; NaN where there is no value on any date.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, values=values)
    stack = _stack(arrays, "values")
    mean, minimum = (arrays.empty(stack.shape[1:], np.float32) for _ in range(2))
    if mean.size:
        arrays.run("temporal_mean_minimum", _by_pixel(stack), mean.reshape(-1), minimum.reshape(-1))
    return mean, minimum


def log_ratio(
    power: NDArray[np.float32], other: NDArray[np.float32], valid: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Compute the change between two powers in dB: 10 log10(power / other).

    Parameters
    ----------
    power, other : float32, any shape, C-contiguous; numpy, or on the device.
    valid : bool, the same shape: where both mean something.

    Returns
    -------
    float32 of that shape, where ``power`` is; NaN where not valid, and where one is not positive.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, power=power, other=other, valid=valid)
    p = arrays.checked("power", np.float32, "power")
    o = arrays.checked("other", np.float32, "power")
    mask = arrays.checked("valid", np.bool_, "power")
    ratio: NDArray[np.float32] = arrays.empty(p.shape, np.float32)
    arrays.run("log_ratio", *(array.reshape(-1) for array in (p, o, mask, ratio)))
    return ratio


def change_index(
    power: NDArray[np.float32],
    dry: NDArray[np.float32],
    wet: NDArray[np.float32],
    valid: NDArray[np.bool_],
    *,
    smallest_range: float = 1.0,
) -> NDArray[np.float32]:
    """Compute the relative wetness by change detection: (power - dry) / (wet - dry), all three in dB.

    Wagner et al. 1999, A method for estimating soil moisture from ERS scatterometer and soil data, Remote Sensing of
    Environment 70(2).

    Parameters
    ----------
    power, dry, wet : float32, any shape, C-contiguous, linear; numpy, or on the device. Dry and wet are
        percentiles over the dates, for one.
    valid : bool, the same shape: where the power means something.
    smallest_range : of wet to dry, dB, above 0.

    Returns
    -------
    float32 of that shape, where ``power`` is. From 0 to 1 for powers from dry to wet, and not clipped: outside of
    these for others. NaN where not valid, where one of the three is not positive, and where wet is not
    ``smallest_range`` above dry.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    if not 0.0 < smallest_range < math.inf:
        raise ValueError(f"smallest_range: expected a number above 0, got {smallest_range!r}")
    arrays = Arrays(__package__, power=power, dry=dry, wet=wet, valid=valid)
    images = [arrays.checked(name, np.float32, "power") for name in ("power", "dry", "wet")]
    mask = arrays.checked("valid", np.bool_, "power")
    index: NDArray[np.float32] = arrays.empty(mask.shape, np.float32)
    flat = (*(image.reshape(-1) for image in images), mask.reshape(-1))
    arrays.run("change_index", *flat, np.float32(smallest_range), index.reshape(-1))
    return index
