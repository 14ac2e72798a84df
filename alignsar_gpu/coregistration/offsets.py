"""Offset tracking: patches matched by their amplitudes, and a polynomial fitted to their offsets.

A patch is matched in two steps. Its normalised correlation at every offset, over the pixels that both images have
there (Padfield, 2012, Masked object registration in the Fourier domain), finds the pixel: neither edges nor masked
pixels draw it towards 0. About the peak the maximum-likelihood delay is found from the phases of the cross-spectrum,
each frequency weighing by g^2 / (1 - g^2) of the coherence g of the amplitudes there (Knapp and Carter, 1976, The
generalized correlation method for estimation of time delay). So coarse texture counts by what it says, and not by
its power, beside speckle that the two have in common; the same weights give the deviation. Where no frequency
stands out of the noise, nothing is known.

Detection doubles the bandwidth: patches are oversampled by 2 before (De Zan, 2014, Accuracy of incoherent speckle
tracking for circular Gaussian signals). The square root of the amplitude is taken, so that bright places do not
speak for all: with texture it is two to three times as accurate as the amplitude, with speckle alone 15 % less.

Oversampling and correlation run where the pixels are. The search about the peak is on the CPU: it takes a few rounds,
each of which hangs on the last, over spectra of half a megabyte.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.fft import next_fast_len, rfft2
from scipy.ndimage import distance_transform_edt

from alignsar_gpu.device import HOST

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.device import Device

OVERSAMPLING = 2
REACH = 16  # pixels that are searched each way
OVERLAP = 0.25  # of a patch that the two must have in common
TAPER = 8.0  # oversampled pixels over which masks end
HIGHEST = 0.38  # cycles per oversampled pixel; beyond is what detection has folded, drawing towards pixels
RINGS = 12  # of frequencies that coherence is averaged over
STANDS_OUT = 4.0  # deviations of the coherence of noise, which the search for the peak has raised
MOST = 0.97  # coherence that a ring is credited with
ROUNDS = 10
CAUTION = 1.4  # by which deviations measured on simulated patches exceed those of the weights
VAGUE = 0.5  # pixel: a larger deviation is none
FLOOR = 0.02  # pixel: no patch is trusted better, so that none speaks for all
AGREE = 1.0  # pixel
TURNS = 20  # of either kind of fit
TUKEY = 4.7  # deviations beyond which a patch does not count


@dataclass(frozen=True, kw_only=True, eq=False)
class Offset:
    """The offset of the secondary that one patch gives.

    Attributes
    ----------
    line, sample : place of the patch.
    down, across : lines and samples that the secondary is late, its features at larger indices; NaN for unknown.
    deviation : standard deviation of both, pixels; infinite for unknown.
    peak : normalised correlation of the square roots of the amplitudes; 0 where there is nothing to correlate.
    """

    line: float
    sample: float
    down: float = np.nan
    across: float = np.nan
    deviation: float = np.inf
    peak: float = 0.0


def patch_offset(
    reference: Any,
    secondary: Any,
    valid: Any,
    *,
    line: float,
    sample: float,
    reach: int = REACH,
    device: Device = HOST,
) -> Offset:
    """Measure the offset between two patches of complex pixels, [line, sample], on one grid.

    Parameters
    ----------
    reference, secondary : the same lines and samples of both; any carrier, any phase. 128 x 128 do well.
    valid : pixels that both have.
    line, sample : place that the offset is said to be of.
    reach : lines and samples that are searched each way.
    device : where the arrays are.

    Where neither texture nor coherence stands out, the result says that nothing is known; it never fails.
    """
    xp = device.xp
    nothing = Offset(line=line, sample=sample)
    known = valid & xp.isfinite(reference) & xp.isfinite(secondary)
    mask = known.repeat(OVERSAMPLING, axis=0).repeat(OVERSAMPLING, axis=1)
    if int(xp.count_nonzero(mask)) <= OVERLAP * mask.size:
        return nothing
    one, other = (_detected(xp.where(known, image, 0.0), mask, device) for image in (reference, secondary))
    correlation = _correlation(one, other, mask, OVERSAMPLING * reach, device)
    middle = correlation.shape[0] // 2
    row, column = divmod(int(correlation.argmax()), correlation.shape[1])
    peak = float(correlation[row, column])
    if peak <= 0.0:
        return nothing
    one, other, mask = (device.download(array) for array in (one, other, mask))
    down, across, deviation = _refined(one, other, mask, (row - middle, column - middle))
    if not deviation < OVERSAMPLING * VAGUE:
        return Offset(line=line, sample=sample, peak=peak)
    return Offset(
        line=line,
        sample=sample,
        down=down / OVERSAMPLING,
        across=across / OVERSAMPLING,
        deviation=deviation / OVERSAMPLING,
        peak=peak,
    )


def _detected(image: Any, mask: Any, device: Device) -> Any:
    """Square roots of the amplitudes of an oversampled patch, float64; 0 outside the mask."""
    xp, fft = device.xp, device.fft
    spectrum = fft.fft2(image.astype(np.complex128))
    for axis, count in enumerate(image.shape):
        # Zeros go where the spectrum has its gap, wherever a carrier has moved it.
        step = complex((image * xp.roll(image, 1, axis).conj()).sum())
        spectrum = xp.roll(spectrum, -round(float(np.angle(step)) / (2.0 * np.pi) * count), axis)
    wide = xp.zeros(mask.shape, dtype=np.complex128)
    for line in _halves(image.shape[0], mask.shape[0]):
        for sample in _halves(image.shape[1], mask.shape[1]):
            wide[line[1], sample[1]] = spectrum[line[0], sample[0]]
    return xp.where(mask, xp.sqrt(xp.abs(fft.ifft2(wide))), 0.0)


def _halves(count: int, size: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """The frequencies from 0 on and those below 0: in ``count`` of them, and in ``size``, which are more."""
    above, below = (count + 1) // 2, count // 2
    return (slice(0, above), slice(0, above)), (slice(count - below, count), slice(size - below, size))


def _correlation(one: Any, other: Any, mask: Any, reach: int, device: Device) -> Any:
    """Normalised correlation over what two patches share at offsets of -reach to reach: (2 reach + 1) squared."""
    xp, fft = device.xp, device.fft
    shape = [next_fast_len(count + reach, real=True) for count in mask.shape]
    lags = [device.upload(np.arange(-reach, reach + 1) % count) for count in shape]
    spectra = [[fft.rfft2(values, shape) for values in (own, own**2)] for own in (one, other)]
    (first, first_square), (second, second_square) = spectra
    masks = fft.rfft2(mask.astype(np.float64), shape)

    def at_offsets(left: Any, right: Any) -> Any:
        return fft.irfft2(left.conj() * right, shape).take(lags[0], axis=0).take(lags[1], axis=1)

    count = at_offsets(masks, masks)
    shared = count > OVERLAP * int(xp.count_nonzero(mask))
    count = xp.maximum(count, 1.0)
    ours, theirs = at_offsets(first, masks), at_offsets(masks, second)
    product = at_offsets(first, second) - ours * theirs / count
    power = at_offsets(first_square, masks) - ours**2 / count
    power *= at_offsets(masks, second_square) - theirs**2 / count
    known = shared & (power > 1e-12 * max(float(power.max()), 1e-300))
    return xp.where(known, product / xp.sqrt(xp.where(known, power, 1.0)), -1.0)


def _overlapping(count: int, offset: int) -> tuple[slice, slice]:
    """Parts of an axis that show the same ground in two patches, of which the second is late by an offset."""
    return slice(max(-offset, 0), count - max(offset, 0)), slice(max(offset, 0), count + min(offset, 0))


def _refined(
    one: NDArray[np.float64], other: NDArray[np.float64], mask: NDArray[np.bool_], start: tuple[int, int]
) -> tuple[float, float, float]:
    """Offset down and across near that of whole pixels, and its deviation, in oversampled pixels."""
    parts = [_overlapping(count, offset) for count, offset in zip(mask.shape, start, strict=True)]
    own, their = (tuple(part[image] for part in parts) for image in (0, 1))
    window = _window(mask[own] & mask[their])
    total = max(window.sum(), 1e-6)
    means = [float(np.sum(values * window)) / total for values in (one[own], other[their])]
    spectra = [rfft2((one[own] - means[0]) * window), rfft2((other[their] - means[1]) * window)]
    pair = _CrossSpectrum(one=spectra[0], other=spectra[1], lines=window.shape[0], samples=window.shape[1])
    found = np.zeros(2)
    for _ in range(ROUNDS):
        gradient, curvature = pair.slope(found)
        if not np.linalg.eigvalsh(curvature)[0] > 0.0:
            return np.nan, np.nan, np.inf
        step = np.clip(np.linalg.solve(curvature, gradient), -1.0, 1.0)
        found += step
        if np.abs(step).max() < 1e-4:
            break
    # A window that leaves out pixels makes neighbouring frequencies say the same.
    independent = np.sum(window**2) ** 2 / (window.size * np.sum(window**4))
    variance = np.diag(np.linalg.inv(curvature)).mean() / independent
    down, across = found + start
    return float(down), float(across), CAUTION * float(np.sqrt(variance))


def _window(mask: NDArray[np.bool_]) -> NDArray[np.float64]:
    """1 inside a mask, falling smoothly to 0 where it ends."""
    depth = distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    return np.asarray(np.sin(0.5 * np.pi * np.minimum(depth / (TAPER + 1.0), 1.0)) ** 2)


@dataclass(frozen=True, kw_only=True, eq=False)
class _CrossSpectrum:
    """Half spectra (`rfft2`) of two real images of lines x samples."""

    one: NDArray[np.complex128]
    other: NDArray[np.complex128]
    lines: int
    samples: int

    @cached_property
    def turning(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Radians by which a pixel of shift turns each frequency: (lines, 1) and (samples / 2 + 1,)."""
        down = 2.0 * np.pi * np.fft.fftfreq(self.lines)[:, np.newaxis]
        across = 2.0 * np.pi * np.fft.rfftfreq(self.samples)
        return down.astype(np.float64), across.astype(np.float64)

    @cached_property
    def rings(self) -> NDArray[np.intp]:
        """The ring of each frequency, 1 to `RINGS`; 0 for what does not count."""
        radius = np.hypot(*self.turning) / (2.0 * np.pi)
        edges = np.geomspace(1.5 / max(self.lines, self.samples), HIGHEST, RINGS + 1)
        ring = np.digitize(radius, edges)
        return np.asarray(np.where(ring > RINGS, 0, ring))

    @cached_property
    def times(self) -> NDArray[np.float64]:
        """How often each frequency of the half spectrum is in the whole one; 0 for what does not count."""
        own = np.full(self.one.shape, 2.0)
        own[:, 0] = 1.0
        return own * (self.rings > 0)

    @cached_property
    def count(self) -> NDArray[np.float64]:
        """(RINGS + 1,) frequencies of each ring."""
        return np.maximum(np.bincount(self.rings.ravel(), self.times.ravel(), RINGS + 1), 1.0)

    @cached_property
    def power(self) -> NDArray[np.float64]:
        """(RINGS + 1,) geometric mean of the two images' mean powers."""
        one, other = (self.mean(np.abs(values) ** 2) for values in (self.one, self.other))
        return np.sqrt(np.maximum(one * other, 1e-300))

    def mean(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        """Means over the rings."""
        return np.asarray(
            np.bincount(self.rings.ravel(), (values * self.times).ravel(), RINGS + 1) / self.count
        )

    def slope(self, shift: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Gradient (2,) of the log-likelihood at a shift, and its curvature (2, 2) downwards: Fisher's information."""
        down, across = self.turning
        turned = np.conj(self.one) * self.other * np.exp(1j * (down * shift[0] + across * shift[1]))
        coherence = self.mean(turned.real) / self.power
        square = np.where(coherence > STANDS_OUT / np.sqrt(self.count), coherence**2, 0.0)
        square = np.minimum(square, MOST**2)
        weight = (np.sqrt(square) / (1.0 - square) / self.power)[self.rings] * self.times * turned.imag
        gradient = -np.array([np.sum(weight * down), np.sum(weight * across)])
        information = (square / (1.0 - square))[self.rings] * self.times
        mixed = float(np.sum(information * down * across))
        curvature = [
            [np.sum(information * down**2), mixed],
            [mixed, np.sum(information * across**2)],
        ]
        return gradient, np.array(curvature)


@dataclass(frozen=True, kw_only=True, eq=False)
class OffsetField:
    """Offsets of a whole image as polynomials of line and sample.

    Attributes
    ----------
    degree : of the polynomials; None where nothing is known, and the geometry stands as it is.
    coefficients : (terms, 2) of down and across, pixels, over places scaled to -1..1.
    middle, extent : (2,) line and sample in the middle of the patches, and how many of either they reach from it.
    rms : of what the patches that were kept say less the polynomials, pixels, of one axis; NaN for unknown.
    deviation : standard deviation of the polynomials, pixels, of one axis, mean over those patches.
    share : of all patches that were kept.
    """

    degree: int | None
    coefficients: NDArray[np.float64]
    middle: NDArray[np.float64]
    extent: float
    rms: float
    deviation: float
    share: float

    def at(self, line: ArrayLike, sample: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Evaluate the offsets (lines and samples, positive if the secondary is late); 0 where nothing is known."""
        places = np.broadcast_arrays(line, sample)
        if self.degree is None:
            return np.zeros(places[0].shape), np.zeros(places[0].shape)
        scaled = [(place - self.middle[k]) / self.extent for k, place in enumerate(places)]
        values = _terms(scaled[0], scaled[1], self.degree) @ self.coefficients
        return values[..., 0], values[..., 1]

    def on_grid(self, lines: NDArray[Any], samples: NDArray[Any], device: Device) -> Iterator[Any]:
        """Evaluate the offsets at each pixel of a grid: yields lines, then samples, on the device.

        Of shape [line, sample], or [line, 1] if all samples have the same. By Horner's rule, pixel by pixel: a pixel
        has the same bits in any block.
        """
        degree = self.degree or 0
        line, sample = (
            (place - middle) / self.extent
            for place, middle in zip((lines, samples), self.middle, strict=True)
        )
        across = device.upload(sample)
        for coefficients in self.coefficients.T:
            of_line = np.zeros((degree + 1, len(line), 1))  # what each power of the sample is multiplied by
            for (first, second), coefficient in zip(_powers(degree), coefficients, strict=True):
                of_line[second, :, 0] += coefficient * line**first
            late, *others = device.upload(of_line[::-1])
            for factor in others:
                late = late * across
                late += factor
            yield late


def fit_offsets(offsets: Sequence[Offset], degree: int = 2) -> OffsetField:
    """Fit polynomials of a degree, 0 to 2, to the offsets of patches, robustly.

    They begin as the fit of the least sum of distances, which a third of the patches may contradict, and end as Tukey's
    biweight with the scale that the median distance gives. Each patch weighs by its deviation. The degree is
    lowered where there are fewer than three patches a term, or where these lie on a line. Where less than half of
    the patches that say something agree within a pixel, nothing is known.
    """
    known = [one for one in offsets if one.deviation < np.inf]
    places = np.array([(one.line, one.sample) for one in known], dtype=np.float64).reshape(-1, 2)
    values = np.array([(one.down, one.across) for one in known], dtype=np.float64).reshape(-1, 2)
    deviation = np.hypot([one.deviation for one in known], FLOOR)
    ends = (places.min(axis=0), places.max(axis=0)) if known else (np.zeros(2), np.zeros(2))
    middle, extent = 0.5 * (ends[1] + ends[0]), max(0.5 * float((ends[1] - ends[0]).max()), 1.0)
    scaled = (places - middle) / extent
    for own in range(degree, -1, -1):
        terms = _terms(scaled[:, 0], scaled[:, 1], own)
        fit = _robust(terms, values, deviation)
        if fit is None:
            continue
        coefficients, kept = fit
        distance = np.linalg.norm(values - terms @ coefficients, axis=1)
        if np.count_nonzero(kept & (distance < AGREE)) < 0.5 * len(known):
            continue
        count = np.count_nonzero(kept)
        rms = float(np.sqrt(np.mean(distance[kept] ** 2) / 2.0))
        return OffsetField(
            degree=own,
            coefficients=coefficients,
            middle=middle,
            extent=extent,
            rms=rms,
            deviation=rms * float(np.sqrt(terms.shape[1] / count)),
            share=count / len(offsets),
        )
    return OffsetField(
        degree=None,
        coefficients=np.zeros((1, 2)),
        middle=middle,
        extent=extent,
        rms=np.nan,
        deviation=np.inf,
        share=0.0,
    )


def _terms(line: NDArray[np.float64], sample: NDArray[np.float64], degree: int) -> NDArray[np.float64]:
    """Powers of places up to a total degree: shape of the places, then terms."""
    return np.stack([line**first * sample**second for first, second in _powers(degree)], axis=-1)


def _powers(degree: int) -> list[tuple[int, int]]:
    """The powers of line and sample in each term of a polynomial."""
    return [(total - power, power) for total in range(degree + 1) for power in range(total + 1)]


def _robust(
    terms: NDArray[np.float64], values: NDArray[np.float64], deviation: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]] | None:
    """Coefficients (terms, 2) and the patches that were kept; None where they do not determine the terms."""
    weight = np.ones(len(terms))
    for turn in range(2 * TURNS):
        used = weight > 0.0
        root = np.sqrt(weight[used])[:, np.newaxis]
        if np.count_nonzero(used) < 3 * terms.shape[1]:
            return None
        coefficients, _, rank, _ = np.linalg.lstsq(terms[used] * root, values[used] * root, rcond=1e-3)
        if rank < terms.shape[1]:
            return None
        distance = np.linalg.norm(values - terms @ coefficients, axis=1) / deviation
        if turn < TURNS:
            weight = 1.0 / (deviation**2 * np.maximum(distance, 0.1))
        else:
            # Of distances in two dimensions the median is 1.18 deviations.
            scale = max(float(np.median(distance)) / 1.18, 0.1)
            weight = np.maximum(1.0 - (distance / (TUKEY * scale)) ** 2, 0.0) ** 2 / deviation**2
    return np.asarray(coefficients, dtype=np.float64), used
