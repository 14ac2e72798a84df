"""Split-band spectral diversity: the shift between two images along an axis from two sub-bands.

A shift of s pixels turns frequency f (cycles per pixel) by 2 pi f s. The interferograms of the upper and of the lower
third of the band therefore differ by the phase 2 pi (f_upper - f_lower) s, while what they have in common, topography
and atmosphere, goes out. With thirds the deviation, s = 3 sqrt(3) / (4 pi) sqrt(1 - g^2) / (g sqrt(N)) resolution
cells for N independent pixels of coherence g, is the smallest of all widths, 6 % above the Cramer-Rao bound (Scheiber
and Moreira, 2000, Coregistration of interferometric SAR images using spectral diversity; Bamler and Eineder, 2005,
Accuracy of differential shift estimation by correlation and split-bandwidth interferometry; De Zan, 2014,
Accuracy of incoherent speckle tracking for circular Gaussian signals).

What reaches that accuracy, where plain sub-bands do not:
- The sub-bands are whitened. Weights of the processor, such as Hamming's, thin out the upper ends of the band, which
  say most; coherence is the same there.
- Interferograms are averaged over blocks before they are multiplied: products of single pixels of coherence g have
  g squared. Each block counts by its coherence, not by its brightness.
- The shift found is put into the filters of the secondary, and what is left is estimated again. In the end both
  images pass the same filters at the same places of the ground: no shape of the band, no imbalance of the sub-bands
  and no edge turns their phases apart.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.fft import next_fast_len

from alignsar_gpu.coregistration.timing.diversity import FEWEST, NOTHING, OverlapShift, overlap_shift
from alignsar_gpu.device import HOST
from alignsar_gpu.kernels import block_coherence

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.device import Device

PARTS = 1, -1  # the upper and the lower third
LAGS = 24  # of the autocorrelation, whose spectrum is whitened
FREQUENCIES = 256  # that filters are drawn at
LENGTH = 2.2  # of half a filter, in resolution cells of a sub-band: what lies beyond says nothing
OUTSIDE = 0.01  # of a filter's energy that may fall on invalid pixels; 0.1 would draw a shift 0.5 % towards 0
WIDEST = 0.95  # band: beyond, a filter that shifts would reach across the end of the spectrum
WHITEST = 0.05  # of the greatest power: below, a frequency is not raised any more
CELLS = 120.0  # independent pixels of a block
ALONG = 4.0  # length of a block along the axis, in filters: neighbours then share little
APART = 1.0 - 1.0 / (3.0 * ALONG)  # independent blocks among as many: what neighbours share
BLOCKS = 300  # that are wanted at least, smaller ones where need be
ROUNDS = 6
SETTLED = 1e-5  # pixel; no result is said to be better
UNCERTAIN = 0.2  # radian: noise alone settles to this in one case of 100000


def band_shift(
    reference: Any,
    secondary: Any,
    valid: Any,
    *,
    axis: int,
    band: float,
    looks: float,
    device: Device = HOST,
) -> OverlapShift:
    """Estimate the shift (pixels) of the secondary relative to the reference along an axis.

    Parameters
    ----------
    reference, secondary : complex64 [line, sample] on the same grid, deramped along ``axis``; reference *
        conj(secondary) is flattened: what fringes are left are wider than a hundred pixels.
    valid : which pixels count.
    axis : 0 for a shift in lines, 1 in samples.
    band : share of the sampling rate that the signal occupies along ``axis``, around frequency 0.
    looks : independent pixels among as many pixels, 0 to 1.
    device : where the arrays are; no more than the coherence of blocks comes down from it.

    Returns ``seconds`` and ``deviation`` in pixels. Positive: the secondary's image is late, its features lie at a
    larger index than the reference's. Unambiguous to 0.75 / ``band`` pixels. ``share`` is of all pixels. With too few
    pixels, or where their phases do not agree, the result is `NOTHING`; it never fails.
    """
    xp = device.xp
    known = valid & xp.isfinite(reference) & xp.isfinite(secondary)
    if int(xp.count_nonzero(known)) < FEWEST:
        return NOTHING
    band = min(band, WIDEST)
    own, other = (_Spectra.of(image, known, axis, band, device) for image in (reference, secondary))
    bank = _Bank(band=band, power=own.power() + other.power())
    usable = bank.usable(known.T if axis == 0 else known, own.size, device)
    blocks = _blocks(usable, own.count, band, looks)
    filtered = [own.filtered(bank.taps(part, 0.0)) for part in PARTS]
    apart, shift, first = 2.0 / 3.0 * band, 0.0, NOTHING
    for _ in range(ROUNDS):
        upper, lower = (
            blocks.coherence(one, other.filtered(bank.taps(part, shift)), device)
            for part, one in zip(PARTS, filtered, strict=True)
        )
        every = np.ones(upper.shape, dtype=bool)
        left = overlap_shift(upper, lower, np.full(upper.shape, apart), every, APART)
        if not left.deviation * 2.0 * np.pi * apart < UNCERTAIN:
            return NOTHING
        first = left if first is NOTHING else first
        shift += left.seconds
        if abs(left.seconds) < SETTLED:
            break
    share = int(xp.count_nonzero(usable)) / known.size
    deviation = max(left.deviation, SETTLED)
    return replace(left, seconds=shift, deviation=deviation, phase=first.phase, share=share)


def _half_filter(band: float) -> int:
    """Taps of a filter to either side of the one in the middle."""
    return int(np.ceil(LENGTH * 3.0 / band))


@dataclass(frozen=True, kw_only=True, eq=False)
class _Spectra:
    """Spectra of the rows of an image amid zeros, so that neither filters nor correlations reach around its ends.

    Attributes
    ----------
    rows : complex64 [row, frequency], on the device.
    count : pixels of a row.
    device : where the arithmetic runs.
    """

    rows: Any
    count: int
    device: Device

    @classmethod
    def of(cls, image: Any, known: Any, axis: int, band: float, device: Device) -> _Spectra:
        """Transform an image along an axis, which becomes the last one; pixels that are not known are zero."""
        some = device.xp.where(known, image, np.complex64(0))
        some = some.T if axis == 0 else some
        count, half = some.shape[1], _half_filter(band)
        # Of factors 2, 3 and 5, which all libraries are fast for.
        size = next_fast_len(max(count, half + 1) + max(LAGS, half), real=True)
        rows = device.fft.fft(_amid_zeros(some, size, np.complex64, device), axis=1)
        return cls(rows=rows, count=count, device=device)

    @property
    def size(self) -> int:
        """How many frequencies there are."""
        return int(self.rows.shape[1])

    def power(self) -> NDArray[np.float64]:
        """Compute the mean power spectrum at `FREQUENCIES`, smoothed to what a filter can follow; greatest 1."""
        xp = self.device.xp
        power = self.device.download((xp.abs(self.rows) ** 2).sum(axis=0, dtype=np.float64))
        correlation = np.fft.ifft(power)
        lags = np.arange(-LAGS, LAGS + 1)
        smooth = np.zeros(FREQUENCIES, dtype=np.complex128)
        smooth[lags] = correlation[lags] * np.cos(0.5 * np.pi * lags / (LAGS + 1)) ** 2
        found = np.maximum(np.fft.fft(smooth).real, 0.0)
        return np.asarray(found / max(found.max(), np.finfo(np.float64).tiny))

    def filtered(self, taps: NDArray[np.complex64]) -> Any:
        """Filter the rows; what lies beyond their ends, up to ``size``, means nothing."""
        response = np.fft.fft(_around_zero(taps, self.size)).astype(np.complex64)
        product = self.rows * self.device.upload(response)
        return self.device.fft.ifft(product, axis=1)


def _amid_zeros(rows: Any, size: int, dtype: Any, device: Device) -> Any:
    """Rows that go on with zeros to a length of ``size``, C-contiguous."""
    longer = device.xp.zeros((len(rows), size), dtype=dtype)
    longer[:, : rows.shape[1]] = rows
    return longer


def _around_zero(taps: NDArray[Any], size: int) -> NDArray[Any]:
    """A filter of odd length with its middle at 0 of ``size`` places, the half before that at their end."""
    half = len(taps) // 2
    return np.roll(np.concatenate([taps, np.zeros(size - len(taps), taps.dtype)]), -half)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Bank:
    """Filters of the two sub-bands for images of this band and (FREQUENCIES,) power spectrum along their last axis."""

    band: float
    power: NDArray[np.float64]

    def taps(self, part: int, shift: float) -> NDArray[np.complex64]:
        """(taps,) of the upper (1) or lower (-1) third, whitening, that also take out a shift in pixels."""
        frequency = np.fft.fftfreq(FREQUENCIES)
        inside = (part * frequency > self.band / 6.0) & (part * frequency < self.band / 2.0)
        gain = inside / np.sqrt(np.maximum(self.power, WHITEST * self.power.max() + 1e-30))
        half = _half_filter(self.band)
        at = np.arange(-half, half + 1)
        taps = np.fft.ifft(gain * np.exp(2j * np.pi * frequency * shift))[at]
        window = np.cos(0.5 * np.pi * np.clip((at + shift) / (half + 1), -1.0, 1.0)) ** 2
        return np.asarray(taps * window, dtype=np.complex64)

    def usable(self, valid: Any, size: int, device: Device) -> Any:
        """Find the pixels whose filters lie on valid ones, but for a share of their energy: bool [row, size]."""
        energy = np.abs(self.taps(1, 0.0)) ** 2
        response = np.fft.rfft(_around_zero(energy / energy.sum(), size)).astype(np.complex64)
        spectra = device.fft.rfft(_amid_zeros(valid, size, np.float32, device), axis=1)
        spectra *= device.upload(response)
        seen = device.fft.irfft(spectra, size, axis=1) > 1.0 - OUTSIDE
        seen[:, valid.shape[1] :] = False
        return seen


@dataclass(frozen=True, kw_only=True, eq=False)
class _Blocks:
    """Blocks of pixels that interferograms are averaged over; ``rows`` and ``samples`` are where they begin and end."""

    usable: Any
    rows: NDArray[np.int64]
    samples: NDArray[np.int64]

    def coherence(self, reference: Any, secondary: Any, device: Device) -> NDArray[np.complex64]:
        """Complex coherence of each block, times the share of the largest block that is usable."""
        found = block_coherence(reference, secondary, self.usable, lines=self.rows, samples=self.samples)
        coherence, count = (device.download(each) for each in found)
        return np.asarray(coherence * (count / max(float(count.max()), 1.0)), dtype=np.complex64)


def _blocks(usable: Any, samples: int, band: float, looks: float) -> _Blocks:
    """Blocks of `CELLS` independent pixels, some filters long; smaller ones where they would be few."""
    rows = len(usable)
    length = min(ALONG * 3.0 / band, samples)
    width = max(min(CELLS / (looks * length), rows * samples / (length * BLOCKS)), 1.0)
    edges = [
        np.linspace(0, size, max(round(size / span), 1) + 1).astype(np.int64)
        for size, span in ((rows, width), (samples, length))
    ]
    return _Blocks(usable=usable, rows=edges[0], samples=edges[1])
