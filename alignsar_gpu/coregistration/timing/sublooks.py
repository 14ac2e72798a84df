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
from scipy.fft import fft, ifft, next_fast_len
from scipy.signal import oaconvolve

from alignsar_gpu.coregistration.timing.diversity import FEWEST, NOTHING, OverlapShift, overlap_shift

if TYPE_CHECKING:
    from numpy.typing import NDArray

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
    reference: NDArray[np.complex64],
    secondary: NDArray[np.complex64],
    valid: NDArray[np.bool_],
    *,
    axis: int,
    band: float,
    looks: float,
) -> OverlapShift:
    """Estimate the shift (pixels) of the secondary relative to the reference along an axis.

    Parameters
    ----------
    reference, secondary : complex [line, sample] on the same grid, deramped along ``axis``; reference *
        conj(secondary) is flattened: what fringes are left are wider than a hundred pixels.
    valid : which pixels count.
    axis : 0 for a shift in lines, 1 in samples.
    band : share of the sampling rate that the signal occupies along ``axis``, around frequency 0.
    looks : independent pixels among as many pixels, 0 to 1.

    Returns ``seconds`` and ``deviation`` in pixels. Positive: the secondary's image is late, its features lie at a
    larger index than the reference's. Unambiguous to 0.75 / ``band`` pixels. ``share`` is of all pixels. With too few
    pixels, or where their phases do not agree, the result is `NOTHING`; it never fails.
    """
    known = valid & np.isfinite(reference) & np.isfinite(secondary)
    images = [np.where(known, image, 0).astype(np.complex64) for image in (reference, secondary)]
    if axis == 0:  # the axis is the last one from here on
        known, images = known.T, [image.T for image in images]
    if np.count_nonzero(known) < FEWEST:
        return NOTHING
    band = min(band, WIDEST)
    bank = _Bank(band=band, power=_power(images[0]) + _power(images[1]))
    usable = bank.usable(known)
    blocks = _blocks(usable, band, looks)
    own = [bank.filtered(images[0], part) for part in PARTS]
    apart, shift, first = 2.0 / 3.0 * band, 0.0, NOTHING
    for _ in range(ROUNDS):
        upper, lower = (
            blocks.coherence(one, bank.filtered(images[1], part, shift))
            for part, one in zip(PARTS, own, strict=True)
        )
        every = np.ones(upper.shape, dtype=bool)
        left = overlap_shift(upper, lower, np.full(upper.shape, apart), every, APART)
        if not left.deviation * 2.0 * np.pi * apart < UNCERTAIN:
            return NOTHING
        first = left if first is NOTHING else first
        shift += left.seconds
        if abs(left.seconds) < SETTLED:
            break
    share = float(np.count_nonzero(usable) / usable.size)
    deviation = max(left.deviation, SETTLED)
    return replace(left, seconds=shift, deviation=deviation, phase=first.phase, share=share)


def _power(image: NDArray[np.complex64]) -> NDArray[np.float64]:
    """Mean power spectrum along the last axis at `FREQUENCIES`, smoothed to what a filter can follow; greatest 1."""
    count = image.shape[1]
    own = np.abs(fft(image, next_fast_len(count + LAGS), axis=1)) ** 2
    correlation = ifft(own.sum(axis=0, dtype=np.float64))
    lags = np.arange(-LAGS, LAGS + 1)
    smooth = np.zeros(FREQUENCIES, dtype=np.complex128)
    smooth[lags] = correlation[lags] * np.cos(0.5 * np.pi * lags / (LAGS + 1)) ** 2
    power = np.maximum(fft(smooth).real, 0.0)
    return np.asarray(power / max(power.max(), np.finfo(np.float64).tiny))


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
        half = int(np.ceil(LENGTH * 3.0 / self.band))
        at = np.arange(-half, half + 1)
        taps = np.fft.ifft(gain * np.exp(2j * np.pi * frequency * shift))[at]
        window = np.cos(0.5 * np.pi * np.clip((at + shift) / (half + 1), -1.0, 1.0)) ** 2
        return np.asarray(taps * window, dtype=np.complex64)

    def filtered(self, image: NDArray[np.complex64], part: int, shift: float = 0.0) -> NDArray[np.complex64]:
        taps = self.taps(part, shift)[np.newaxis]
        return np.asarray(oaconvolve(image, taps, mode="same", axes=1))

    def usable(self, valid: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Pixels whose filters lie on valid ones, but for a share of their energy."""
        energy = np.abs(self.taps(1, 0.0)) ** 2
        seen = oaconvolve(valid.astype(np.float32), energy[np.newaxis] / energy.sum(), mode="same", axes=1)
        return np.asarray(seen > 1.0 - OUTSIDE)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Blocks:
    """Blocks of pixels that interferograms are averaged over; ``edges`` are where they begin on each axis."""

    usable: NDArray[np.bool_]
    edges: tuple[NDArray[np.intp], NDArray[np.intp]]

    def sums(self, values: NDArray[Any]) -> NDArray[Any]:
        some = np.where(self.usable, values, 0)
        for axis, edges in enumerate(self.edges):
            some = np.add.reduceat(some, edges, axis=axis)
        return some

    def coherence(
        self, reference: NDArray[np.complex64], secondary: NDArray[np.complex64]
    ) -> NDArray[np.complex64]:
        """Complex coherence of each block, times the share of the largest block that is usable."""
        power = self.sums(np.abs(reference) ** 2) * self.sums(np.abs(secondary) ** 2)
        count = self.sums(np.ones(reference.shape))
        cross = self.sums(reference * np.conj(secondary))
        level = np.sqrt(np.where(power > 0.0, power, np.inf))
        return np.asarray(cross / level * (count / max(count.max(), 1.0)), dtype=np.complex64)


def _blocks(usable: NDArray[np.bool_], band: float, looks: float) -> _Blocks:
    """Blocks of `CELLS` independent pixels, some filters long; smaller ones where they would be few."""
    rows, samples = usable.shape
    length = min(ALONG * 3.0 / band, samples)
    width = max(min(CELLS / (looks * length), rows * samples / (length * BLOCKS)), 1.0)
    spans = ((rows, width), (samples, length))
    edges = [np.linspace(0, size, max(round(size / span), 1), endpoint=False) for size, span in spans]
    return _Blocks(usable=usable, edges=(edges[0].astype(np.intp), edges[1].astype(np.intp)))
