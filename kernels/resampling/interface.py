"""Public functions for resampling. Makes tables of weights, checks the arguments, chooses the driver."""

from __future__ import annotations

import math
import operator
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from alignsar_gpu.kernels.driving.arrays import Arrays

from .scalar import FARTHEST, STEPS, TAPS

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["EVERYWHERE", "TAPS", "Box", "CarrierTable", "decode", "extents", "ramp", "resample", "weights"]


class CarrierTable(NamedTuple):
    """Phase of 2 pi (slope t^2 / 2 + centroid t), t = first_time + (first_line + line) * interval, that an image had.

    Attributes
    ----------
    slope, centroid : (samples,) float64, Hz/s and Hz; numpy, or where the image is.
    first_time, interval : t of line 0, and from a line to the next, seconds.
    first_line : of the image, in the count of lines that t belongs to: a part of an image gets the same bits as
        the whole.
    """

    slope: NDArray[np.float64]
    centroid: NDArray[np.float64]
    first_time: float
    interval: float
    first_line: float = 0.0


class Box(NamedTuple):
    """The part of an image that holds data: its first and last line and sample, both inclusive."""

    first_line: float
    last_line: float
    first_sample: float
    last_sample: float


# Share of white noise in the signal that weights are made for. It determines them where a narrow band alone does not,
# keeps the pixels at whole positions, and costs less than the rounding of positions does.
NOISE = 1e-8

EVERYWHERE = Box(-math.inf, math.inf, -math.inf, math.inf)


def _autocorrelation(distance: NDArray[np.float64], band: float, hamming: float) -> NDArray[np.float64]:
    """Autocorrelation, 1 at 0, of a signal at samples ``distance`` apart whose spectrum Hamming's window weights.

    The transform of (a + (1 - a) cos(2 pi f / band))^2 over the band, and some white noise.
    """
    a, x = hamming, band * distance
    total = a * a + 0.5 * (1.0 - a) ** 2
    first = a * (1.0 - a) / total * (np.sinc(x - 1.0) + np.sinc(x + 1.0))
    second = 0.25 * (1.0 - a) ** 2 / total * (np.sinc(x - 2.0) + np.sinc(x + 2.0))
    return np.asarray((1.0 - NOISE) * (np.sinc(x) + first + second) + NOISE * np.sinc(distance))


def weights(taps: int, band: float, hamming: float = 1.0) -> NDArray[np.float32]:
    """Compute weights that interpolate a band-limited complex signal with the least error and without gain.

    Of all weights w that keep a constant (they add up to 1) and the signal's power (w' A w = 1, with the signal's
    autocorrelation A between taps), those of the smallest mean squared error 1 - 2 w' b + w' A w, with the
    autocorrelation b between taps and position: w = alpha A^-1 b + beta A^-1 1. (Least squares over a band: Laakso,
    Valimaki, Karjalainen and Laine 1996, Splitting the unit delay, IEEE Signal Processing Magazine 13(1), section
    "General least squares design"; the two conditions are ours. Without that of the power, weights brighten or darken
    images by an amount that depends on the position between samples.)

    Relative rms error in percent, in one dimension, of a signal with Hamming's spectrum (coefficient 0.75 for the
    range, 0.7 for the azimuth), all positions between samples alike:

    ========================  =====  =====  =====  =====
    Sentinel-1                 band      8     12     16
    ========================  =====  =====  =====  =====
    IW1, range                0.88    3.23   1.24   0.51
    IW2, range                0.75    0.69   0.11   0.02
    IW3, range                0.665   0.22   0.02   0.00
    IW1, azimuth              0.67    0.22   0.02   0.00
    IW2, azimuth              0.64    0.14   0.01   0.00
    IW3, azimuth              0.645   0.15   0.01   0.00
    EW1, range                0.887   3.49   1.41   0.60
    S6, range                 0.895   3.82   1.62   0.73
    ========================  =====  =====  =====  =====

    Errors of both dimensions add up as squares: below 1 % with 8 taps down and 8 across, with 16 across for bands
    wider than 0.75.

    Parameters
    ----------
    taps : 8, 12 or 16.
    band : the part of the sampling rate that the signal occupies around frequency 0, above 0 and at most 1.
    hamming : coefficient a of the window a + (1 - a) cos(2 pi f / band) that weights its spectrum, from 0.5 (Hann's
        window is at 0.5) to 1 (a flat spectrum).

    Returns
    -------
    float32 [8192, taps], C-contiguous: of row r the weights of the samples n - taps / 2 + 1 to n + taps / 2 at the
    position n + r / 8192.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    _check_taps(taps)
    if not 0.0 < band <= 1.0:
        raise ValueError(f"band: expected a part of the sampling rate, above 0 and at most 1, got {band!r}")
    if not 0.5 <= hamming <= 1.0:
        raise ValueError(f"hamming: expected a coefficient from 0.5 to 1, got {hamming!r}")
    places = np.arange(taps, dtype=np.float64) - (taps // 2 - 1)
    own = _autocorrelation(places[:, np.newaxis] - places, band, hamming)
    away = places - np.arange(STEPS)[:, np.newaxis] / STEPS
    best = np.linalg.solve(own, _autocorrelation(away, band, hamming).T).T
    level = np.linalg.solve(own, np.ones(taps))
    level /= level.sum()  # of all weights that add up to 1, those of the least power
    shape = best - best.sum(axis=1, keepdims=True) * level
    # shape is free of the sum: the power of level + alpha shape is a quadratic in alpha, and 1 at its larger root.
    power, mixed = np.einsum("pi,ij,pj->p", shape, own, shape), shape @ own @ level
    root = np.sqrt(mixed**2 + power * (1.0 - level @ own @ level))
    return _rounded(level + ((root - mixed) / power)[:, np.newaxis] * shape)


def _rounded(table: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round rows of weights to float32; what rounding takes from their sum goes to the largest weight."""
    rounded = table.astype(np.float32)
    largest = np.argmax(rounded, axis=1)[:, np.newaxis]
    lost = 1.0 - rounded.sum(axis=1, keepdims=True, dtype=np.float64)
    kept = np.take_along_axis(rounded, largest, axis=1) + lost
    np.put_along_axis(rounded, largest, kept.astype(np.float32), axis=1)
    return rounded


def _check_taps(taps: int) -> None:
    try:
        known = operator.index(taps) in TAPS
    except TypeError:
        raise TypeError(f"taps: expected one of {TAPS}, got {taps!r}") from None
    if not known:
        raise ValueError(f"taps: expected one of {TAPS}, got {taps}")


def _image(arrays: Arrays, name: str) -> Any:
    image = arrays.checked(name, np.complex64, name)
    if image.ndim != 2:
        raise ValueError(f"{name}: expected two dimensions, line and sample, got the shape {image.shape}")
    return image


def _table(arrays: Arrays, name: str, table: Any, dtype: Any, shape: tuple[int, ...]) -> Any:
    """A table, brought to where the images of the call are, if it is not there."""
    if not hasattr(table, "dtype") or isinstance(table, np.ma.MaskedArray):
        raise TypeError(f"{name}: expected an array, got {type(table).__name__}")
    if table.dtype != dtype:
        raise TypeError(f"{name}: expected dtype {np.dtype(dtype).name}, got {table.dtype}")
    if table.shape != shape:
        raise ValueError(f"{name}: expected the shape {shape}, got {table.shape}")
    return arrays.place(table)


def _weights(arrays: Arrays, name: str, table: Any) -> Any:
    shape: tuple[int, ...] = getattr(table, "shape", ())
    if len(shape) != 2 or shape[0] != STEPS or shape[1] not in TAPS:
        raise ValueError(
            f"{name}: expected a table that weights() makes, [{STEPS}, taps], got the shape {shape}"
        )
    return _table(arrays, name, table, np.float32, shape)


def _stored(arrays: Arrays) -> tuple[Any, tuple[int, int]]:
    """The argument ``image`` as numbers [line, 2 * sample], and the shape of its pixels."""
    image = arrays.checked("image", np.int16 if arrays.dtype("image") == np.int16 else np.complex64, "image")
    pairs = image.dtype == np.int16
    if image.ndim != 2 + pairs or (pairs and image.shape[2] != 2):
        wanted = "line, sample and part, of two parts" if pairs else "line and sample"
        raise ValueError(f"image: expected the dimensions {wanted}, got the shape {image.shape}")
    lines, samples = image.shape[:2]
    return (image.reshape(lines, 2 * samples) if pairs else image.view(np.float32)), (lines, samples)


def ramp(
    image: NDArray[Any],
    slope: NDArray[np.float64],
    centroid: NDArray[np.float64],
    time: NDArray[np.float64],
    sign: int,
    out: NDArray[np.complex64] | None = None,
) -> NDArray[np.complex64]:
    """Remove or restore the TOPS carrier: image times exp(sign 2 pi i (slope t^2 / 2 + centroid t)).

    Parameters
    ----------
    image : complex64 [line, sample] or, as products store it, int16 [line, sample, 2] of real and imaginary parts;
        C-contiguous; numpy, or on the device.
    slope, centroid : (samples,) float64, Hz/s and Hz; numpy, or where the image is.
    time : (lines,) float64, seconds; as these.
    sign : -1 takes the carrier off, 1 puts it on.
    out : where to write: complex64, where the image is, the image itself or nothing that overlaps it; a new one by
        default.

    Returns
    -------
    ``out``, where ``image`` is. Its error is below 4e-7 of the amplitude, apart from what float64 cannot hold of
    the phase.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, image=image) if out is None else Arrays(__package__, image=image, out=out)
    numbers, shape = _stored(arrays)
    lines, samples = shape
    k = _table(arrays, "slope", slope, np.float64, (samples,))
    f = _table(arrays, "centroid", centroid, np.float64, (samples,))
    t = _table(arrays, "time", time, np.float64, (lines,))
    if sign not in {-1, 1}:
        raise ValueError(f"sign: expected -1 or 1, got {sign!r}")
    result: NDArray[np.complex64]
    if out is None:
        result = arrays.empty(shape, np.complex64)
    else:
        result = arrays.checked("out", np.complex64, "out")
        if result.shape != shape:
            raise ValueError(f"out: expected the shape {shape} of image, got {result.shape}")
    arrays.run("ramp", numbers, k, f, t, int(sign), result)
    return result if out is None else out


def decode(image: NDArray[Any], wanted: NDArray[np.bool_]) -> tuple[NDArray[np.complex64], NDArray[np.bool_]]:
    """Turn pixels as products store them into complex numbers, and say which of them hold data.

    Parameters
    ----------
    image : as of `ramp`.
    wanted : (lines,) bool; numpy, or where the image is: which lines hold data at all.

    Returns
    -------
    Pixels, complex64 [line, sample], and where there are any, bool; both where ``image`` is. There are none (zero)
    where the image is zero, infinite or NaN.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, image=image)
    numbers, shape = _stored(arrays)
    lines = _table(arrays, "wanted", wanted, np.bool_, shape[:1])
    pixels: NDArray[np.complex64] = arrays.empty(shape, np.complex64)
    known: NDArray[np.bool_] = arrays.empty(shape, np.bool_)
    if pixels.size:
        arrays.run("decode", numbers, lines, pixels, known)
    return pixels, known


def extents(
    line: NDArray[np.float64], sample: NDArray[np.float64]
) -> tuple[tuple[float, float], tuple[float, float]] | None:
    """Find the least and the greatest finite line and sample of positions.

    float64 [row, number], C-contiguous, of equal shape; numpy, or on the device. Returns (least, greatest) of the
    lines and of the samples, on the host; None where either has no finite number. Of an image on the device, four
    numbers a row come down.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, line=line, sample=sample)
    y = arrays.checked("line", np.float64, "line")
    if y.ndim != 2:
        raise ValueError(f"line: expected two dimensions, row and number, got the shape {y.shape}")
    x = arrays.checked("sample", np.float64, "line")
    if not y.size:
        return None
    rows = arrays.empty((len(y), 4), np.float64)
    arrays.run("extents", y, x, rows)
    ends = arrays.fetch(rows)
    low, high = ends.min(axis=0).tolist(), ends.max(axis=0).tolist()
    found = (low[0], high[1]), (low[2], high[3])
    return None if any(first >= FARTHEST for first, _ in found) else found


def resample(
    image: NDArray[np.complex64],
    line: NDArray[np.float64],
    sample: NDArray[np.float64],
    *,
    down: NDArray[np.float32],
    across: NDArray[np.float32],
    carrier: CarrierTable,
    turns: NDArray[np.float64] | None = None,
    box: Box = EVERYWHERE,
) -> tuple[NDArray[np.complex64], NDArray[np.bool_]]:
    """Resample an image at positions between its pixels and restore its carrier there.

    Sums of lines in every column, then of columns, in float32, with the weights of the nearest of 8192 steps; times
    exp(2 pi i (carrier + turns)), whose phase is taken in float64 at the position itself.

    Parameters
    ----------
    image : complex64 [line, sample], C-contiguous, its carrier taken off; numpy, or on the device.
    line, sample : float64 [output line, output sample], C-contiguous, of equal shape, where the image is: the
        position of every output pixel in it, any numbers.
    down, across : tables of `weights` for lines and for samples; numpy, or where the image is.
    carrier : what was taken off; it is interpolated linearly between samples, and all zeros if there is none.
    turns : of the shape of ``line``: phase to add, in turns, float64.
    box : where the image holds something.

    Returns
    -------
    The values, complex64 of the shape of ``line``, and where there are any, bool; both where ``image`` is. There
    are none (zero) where the position or ``turns`` is not a finite number, where the position is outside of
    ``box``, where taps are outside of the image, and where the image holds nothing but zeros. The bits depend
    neither on threads nor on which pixels are computed in one call. The carrier's and the added phase may be large:
    their error is that of float64.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    extra = {} if turns is None else {"turns": turns}
    arrays = Arrays(__package__, image=image, line=line, sample=sample, **extra)
    z = _image(arrays, "image")
    y = arrays.checked("line", np.float64, "line")
    if y.ndim != 2:
        raise ValueError(f"line: expected two dimensions, line and sample, got the shape {y.shape}")
    x = arrays.checked("sample", np.float64, "line")
    phase = (
        arrays.empty((len(y), 0), np.float64)
        if turns is None
        else arrays.checked("turns", np.float64, "line")
    )
    tables = (_weights(arrays, "down", down), _weights(arrays, "across", across))
    shape = z.shape[1:]
    slope = _table(arrays, "carrier.slope", carrier.slope, np.float64, shape)
    centroid = _table(arrays, "carrier.centroid", carrier.centroid, np.float64, shape)
    times = (float(carrier.first_time), float(carrier.interval), float(carrier.first_line))
    edges = tuple(float(edge) for edge in box)
    if len(edges) != 4 or any(math.isnan(edge) for edge in edges):
        raise ValueError(f"box: expected first and last line, first and last sample, got {box!r}")
    values: NDArray[np.complex64] = arrays.empty(y.shape, np.complex64)
    valid: NDArray[np.bool_] = arrays.empty(y.shape, np.bool_)
    if y.size:
        given = ((y, x, phase), tables, (slope, centroid), (*times, *edges))
        arrays.run("resample", z.view(np.float32), *given, values, valid)
    return values, valid
