"""Focus echoes at arbitrary positions to an image: the response of the instrument and its processor.

A target at zero-Doppler time t0 and slant range R0 is focused to

    exp(-j 4 pi R0 / lambda) h_range(R - R0) h_azimuth(t - t0) exp(j 2 pi f(t0) (t - t0)),

where h are the inverse Fourier transforms of Hamming windows over the processed bands, and f(t0) is the Doppler
frequency at which the steered beam sees it. With the carrier Phi, dPhi/dt = 2 pi f(t), and f linear in t, this is

    exp(j Phi(t)) [h_azimuth(x) exp(-j pi k x^2)] exp(-j Phi(t0)),  x = t - t0, k = df/dt:

a convolution between a deramping at the target and a reramping at the pixel. Sentinel-1's processor cuts the
deramped image to its band once more (the real spectrum falls by 40 dB within a hundredth of the sampling rate), and
so does this; the phase of the response at x = 0 stays zero, its energy one. The convolution is done by FFT:
echoes are spread over the pixels around them by a Kaiser-Bessel function, whose transform is divided out again
(a non-uniform FFT: Beatty et al. 2005, Rapid gridding reconstruction with a minimal oversampling ratio).

Over the samples that h_range spans, Phi is taken as that of the target. It changes by less than 0.005 turns a
sample even at the ends of a full burst, where the response so moves by as much in range frequency.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

if TYPE_CHECKING:
    from numpy.typing import NDArray

PLACES = 8192  # within a pixel, that spreading functions are tabulated at


@dataclass(frozen=True, kw_only=True)
class SpectralBand:
    """The processed band of an image along one axis: width, window and spreading.

    Attributes
    ----------
    width : of the processed band, in cycles a pixel, below 1.
    hamming : coefficient a of the window a + (1 - a) cos(2 pi f / width).
    taps : over how many pixels echoes are spread.
    """

    width: float
    hamming: float
    taps: int

    @property
    def beta(self) -> float:
        """Shape parameter of the Kaiser-Bessel function for this band (Beatty et al. 2005, equation 5)."""
        oversampling = 1.0 / self.width
        inside = (self.taps / oversampling * (oversampling - 0.5)) ** 2 - 0.8
        return float(np.pi * np.sqrt(inside))

    def spreading(self) -> NDArray[np.float32]:
        """Tabulate the spreading function (place in a pixel, tap)."""
        place = (np.arange(PLACES) + 0.5) / PLACES
        x = place[:, np.newaxis] + np.arange(self.taps) - 0.5 * self.taps
        inside = np.sqrt(np.maximum(1.0 - (2.0 * x / self.taps) ** 2, 0.0))
        return (np.i0(self.beta * inside) / np.i0(self.beta)).astype(np.float32)

    def window(self, count: int) -> NDArray[np.float64]:
        """Compute the band at the frequencies of an FFT of ``count`` pixels; mean square 1, so that h has energy 1."""
        frequency = fft.fftfreq(count)
        inside = np.abs(frequency) < 0.5 * self.width
        window = self.hamming + (1.0 - self.hamming) * np.cos(2.0 * np.pi * frequency / self.width)
        window[~inside] = 0.0
        return np.asarray(window / np.sqrt(np.mean(window**2)))

    def spread_spectrum(self, count: int) -> NDArray[np.float64]:
        """Compute the Fourier transform of the spreading function at the frequencies of an FFT."""
        frequency = fft.fftfreq(count)
        root = np.sqrt((self.beta**2 - (np.pi * self.taps * frequency) ** 2).astype(np.complex128))
        return np.asarray(np.real(self.taps * np.sinh(root) / root) / np.i0(self.beta))

    def response(self, count: int, chirp: float) -> NDArray[np.complex128]:
        """Compute the filter from the FFT of spread echoes to that of the deramped image.

        ``chirp``: k of the module's text in cycles a pixel squared; 0 in range.
        """
        window = self.window(count)
        x = fft.fftfreq(count) * count
        spectrum = fft.fft(fft.ifft(window) * np.exp(-1j * np.pi * chirp * x**2))
        spectrum[window == 0.0] = 0.0  # as the processor does when it resamples the deramped image
        peak = spectrum.mean()
        spectrum *= np.conj(peak) / np.abs(peak) / np.sqrt(np.mean(np.abs(spectrum) ** 2))
        return np.asarray(spectrum / self.spread_spectrum(count))


def focus(
    planes: NDArray[np.float32], bands: tuple[SpectralBand, SpectralBand], chirp: float, workers: int
) -> NDArray[np.complex64]:
    """Focus echoes spread over pixels (real and imaginary part, line, sample) to a deramped image [line, sample].

    ``bands`` in azimuth and range; ``chirp`` in cycles a line squared.
    """
    spectrum = np.empty(planes.shape[1:], dtype=np.complex64)
    spectrum.real, spectrum.imag = planes
    spectrum = fft.fft2(spectrum, overwrite_x=True, workers=workers)
    spectrum *= bands[0].response(planes.shape[1], chirp).astype(np.complex64)[:, np.newaxis]
    spectrum *= bands[1].response(planes.shape[2], 0.0).astype(np.complex64)
    return np.asarray(fft.ifft2(spectrum, overwrite_x=True, workers=workers))


def receiver_noise(
    shape: tuple[int, int], bands: tuple[SpectralBand, SpectralBand], rng: np.random.Generator, workers: int
) -> NDArray[np.complex64]:
    """Generate circular Gaussian noise of unit power with the spectrum of the image, deramped."""
    parts = rng.standard_normal((*shape, 2), dtype=np.float32)
    spectrum = parts.view(np.complex64)[..., 0]
    scale = np.sqrt(0.5 * shape[0] * shape[1])
    spectrum *= (scale * bands[0].window(shape[0])).astype(np.float32)[:, np.newaxis]
    spectrum *= bands[1].window(shape[1]).astype(np.float32)
    return np.asarray(fft.ifft2(spectrum, overwrite_x=True, workers=workers))
