"""One date of a campaign: its product as annotated, and its true imaging geometry."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.simulate.radar.focusing import SpectralBand

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.products.slc import Burst, SlcProduct
    from alignsar_gpu.simulate.orbit import Pass

TAPS = (
    6,
    8,
)  # over which echoes are spread, in lines and samples; the error is -76 dB for IW1, less for the others


@dataclass(frozen=True, kw_only=True, eq=False)
class PassView:
    """Product, true pass and annotation errors of one date.

    Attributes
    ----------
    index : of the date in the campaign.
    product : what the annotation says, without pixels.
    satellite : the true pass; its times count from the product's epoch.
    azimuth_error, range_error : what the annotated azimuth times (s) and slant ranges (m) are too high by.
    """

    index: int
    product: SlcProduct
    satellite: Pass
    azimuth_error: float
    range_error: float


def spectral_bands(burst: Burst) -> tuple[SpectralBand, SpectralBand]:
    """Return the processed bands of a burst, in azimuth and in range, as its annotation has them."""
    azimuth, across = (
        SpectralBand(width=band.width, hamming=band.hamming, taps=taps)
        for band, taps in zip((burst.azimuth_band, burst.range_band), TAPS, strict=True)
    )
    return azimuth, across


def burst_middle(burst: Burst) -> float:
    """Return the annotated zero-Doppler time (s) of the middle of a burst."""
    grid = burst.grid
    return grid.first_azimuth_time + 0.5 * grid.lines * grid.azimuth_interval


def doppler_slope(burst: Burst, satellite: Pass, sample: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the Doppler rate (Hz/s) of the image in zero-Doppler time, at samples; 0 without steering.

    A target at zero-Doppler time x after the burst's middle has the frequency k_a (t - x) at the time t of
    sensing, and the beam looks at k_s t: they meet at k_t x, k_t = k_a k_s / (k_a - k_s), with the FM rate k_a and
    the steering k_s = 2 v / lambda times the steering rate.
    """
    steering = _steering(burst, satellite)
    rate = burst.azimuth_fm_rate.at(burst.grid.slant_range(sample))
    return np.asarray(rate * steering / (rate - steering))


def _steering(burst: Burst, satellite: Pass) -> float:
    speed = float(np.linalg.norm(satellite.velocity(burst_middle(burst))))
    return 2.0 * speed / burst.grid.wavelength * burst.steering_rate


def carrier_table(burst: Burst, satellite: Pass, sample: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute Doppler slope (Hz/s), and centroid (Hz) in the burst's middle, (2, sample), of the focused image.

    With the centroid f(R) of the data half way through the sensing, beam and target meet at k_t x + f k_a /
    (k_a - k_s). The image's middle line is that of the first sample at the middle of sensing, which is
    -f(R_0) / k_a(R_0) before it: ESA COPE-GSEG-EOPG-TN-14-0025, Definition of the TOPS SLC deramping function.
    """
    grid = burst.grid
    centroid = next(iter(burst.channels.values())).doppler_centroid
    slope = doppler_slope(burst, satellite, sample)
    own = centroid.at(grid.slant_range(sample))
    if not burst.steering_rate:
        return np.stack([slope, own])
    rate = burst.azimuth_fm_rate.at(grid.slant_range(sample))
    first = grid.slant_range(0)
    early = -float(centroid.at(first)) / float(burst.azimuth_fm_rate.at(first))
    return np.stack([slope, own * rate / (rate - _steering(burst, satellite)) + slope * early])
