"""Plan calibration, thermal noise and antenna pattern of a subswath of a simulated product."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT
from alignsar_gpu.simulate.safe.plan.bursts import microsecond
from alignsar_gpu.simulate.safe.plan.iw_mode import (
    AZIMUTH_INTERVAL,
    RANGE_SAMPLING_RATE,
    SUBSWATHS,
    steering_doppler_rate,
    tile_gain,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.simulate.safe.plan.bursts import BurstPlan
    from alignsar_gpu.simulate.safe.plan.geometry import ChebyshevSurface, PassGeometry

PIXEL_STEP, LINE_STEP = 40, 10  # of the tables of calibration and noise
BETA_NOUGHT = 237.0
DATE_STEP, POLARIZATION_STEP = 0.03, 0.04  # in amplitude: about 0.25 dB apart, so that a mix-up shows
DRIFT = 0.004  # of the amplitude, over a whole product
PATTERN_DROP = 2.5  # dB: how much less the two-way elevation pattern is at the edges of a subswath
PATTERN_STEP = 32  # samples


@dataclass(frozen=True, kw_only=True, eq=False)
class CalibrationPlan:
    """Calibration vectors: ``line`` and ``azimuth_time`` (n,), ``pixel`` (m,), amplitudes (n, m)."""

    line: NDArray[np.int64]
    azimuth_time: NDArray[np.float64]
    pixel: NDArray[np.int64]
    sigma_nought: NDArray[np.float64]
    beta_nought: NDArray[np.float64]
    gamma_nought: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class NoisePlan:
    """Thermal noise: ``power`` (n, m) in |DN|^2 at ``line``/``azimuth_time`` (n,) and ``pixel`` (m,).

    ``factor`` (k,) at ``azimuth_line`` (k,) of the image is what descalloping raises it by.
    """

    line: NDArray[np.int64]
    azimuth_time: NDArray[np.float64]
    pixel: NDArray[np.int64]
    power: NDArray[np.float64]
    azimuth_line: NDArray[np.int64]
    factor: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class AntennaPlan:
    """The two-way elevation pattern (amplitude, 1 at its peak) over a subswath, at each burst.

    ``azimuth_time`` (n,), ``slant_range_time`` (m,), ``pattern`` (m,); ``elevation`` and ``incidence`` (n, m) degrees.
    """

    azimuth_time: NDArray[np.float64]
    slant_range_time: NDArray[np.float64]
    pattern: NDArray[np.float64]
    elevation: NDArray[np.float64]
    incidence: NDArray[np.float64]


def slant_ranges(slant_range_time: float, pixel: NDArray[np.int64]) -> NDArray[np.float64]:
    """Compute the slant range (m) of samples of a subswath."""
    return np.asarray(0.5 * SPEED_OF_LIGHT * (slant_range_time + pixel / RANGE_SAMPLING_RATE))


def every(step: int, count: int) -> NDArray[np.int64]:
    """Return 0, step, 2 step, ..., and ``count`` - 1."""
    return np.unique(np.append(np.arange(0, count, step), count - 1))


def image_line(time: float, bursts: Sequence[BurstPlan], lines: int, period: float) -> int:
    """Compute the line, at a time, of the image with all bursts, as ESA counts: in the last burst that has begun.

    Before the first and after the last burst others are counted on, a ``period`` apart.
    """
    begun = sum(burst.azimuth_time <= time for burst in bursts) - 1
    index, first = begun, bursts[max(begun, 0)].azimuth_time
    if begun < 0 or begun == len(bursts) - 1:
        further = int((time - first + 1e-5) // period)
        index, first = max(begun, 0) + further, first + further * period
    return index * lines + round((time - first) / AZIMUTH_INTERVAL)


@dataclass(frozen=True, kw_only=True)
class SwathFrame:
    """Times and ranges of a subswath that its tables are computed from.

    ``product`` are the first and the last time of the whole product, ``incidence`` the angle over time and range.
    """

    bursts: tuple[BurstPlan, ...]
    lines: int
    samples: int
    slant_range_time: float
    period: float
    product: tuple[float, float]
    incidence: ChebyshevSurface


def calibrate(frame: SwathFrame, factor: float) -> CalibrationPlan:
    """Plan calibration vectors, one each second from the product's first line until after its last.

    sigma0 = beta0 sin(incidence) and gamma0 = beta0 tan(incidence), so that the amplitudes divide by their roots.
    """
    first, last = frame.product
    times = np.array([microsecond(first + k) for k in range(int(np.ceil(last - first)) + 1)])
    pixel = every(PIXEL_STEP, frame.samples)
    incidence = np.radians(frame.incidence(times, slant_ranges(frame.slant_range_time, pixel)))
    beta = BETA_NOUGHT * factor * (1.0 + DRIFT * (times - first) / (times[-1] - first))
    beta = np.repeat(beta[:, np.newaxis], len(pixel), axis=1)
    return CalibrationPlan(
        line=np.array([image_line(t, frame.bursts, frame.lines, frame.period) for t in times]),
        azimuth_time=times,
        pixel=pixel,
        sigma_nought=beta / np.sqrt(np.sin(incidence)),
        beta_nought=beta,
        gamma_nought=beta / np.sqrt(np.tan(incidence)),
    )


def pattern_loss(pixel: NDArray[np.int64], samples: int) -> NDArray[np.float64]:
    """Compute the loss (dB) of the two-way elevation pattern at samples of a subswath relative to its middle."""
    return np.asarray(PATTERN_DROP * (2.0 * pixel / (samples - 1) - 1.0) ** 2)


def descalloping(
    swath: str, sight: PassGeometry, time: float, slant_range: float, lines: int
) -> NDArray[np.float64]:
    """Compute the descalloping factor 1 / G at a burst's lines (lines,): tile gain relative to the burst's middle.

    A line n lines from the middle is seen when the antenna is steered by (steering rate) n dt / (1 - k_s / k_a).
    """
    speed = float(np.linalg.norm(sight.satellite.velocity(time)))
    stretch = 1.0 - steering_doppler_rate(swath, speed) / sight.doppler_rate(time, slant_range)
    sensed = (np.arange(lines) - 0.5 * (lines - 1)) * AZIMUTH_INTERVAL / stretch
    return np.asarray(1.0 / tile_gain(np.radians(SUBSWATHS[swath].steering_rate) * sensed))


def thermal_noise(
    frame: SwathFrame, calibration: CalibrationPlan, level: float, factor: NDArray[np.float64]
) -> NoisePlan:
    """Plan noise whose sigma0 has the mean ``level`` (dB) over a subswath and follows the elevation pattern.

    ``factor`` (lines,) of one burst. A vector at the first line of each burst and of the one after the last.
    """
    firsts = [burst.azimuth_time for burst in frame.bursts]
    firsts.append(microsecond(firsts[-1] + frame.period))
    pixel = calibration.pixel
    loss = pattern_loss(pixel, frame.samples)
    sigma0 = 10.0 ** (0.1 * (level + loss - PATTERN_DROP / 3.0))
    amplitude = np.array(
        [
            [np.interp(time, calibration.azimuth_time, column) for column in calibration.sigma_nought.T]
            for time in firsts
        ]
    )
    count = len(frame.bursts)
    own = every(LINE_STEP, frame.lines)
    return NoisePlan(
        line=np.array([image_line(t, frame.bursts, frame.lines, frame.period) for t in firsts]),
        azimuth_time=np.array(firsts),
        pixel=pixel,
        power=sigma0 * amplitude**2,
        azimuth_line=np.concatenate([k * frame.lines + own for k in range(count)]),
        factor=np.tile(factor[own], count),
    )


def antenna_pattern(frame: SwathFrame, elevation: ChebyshevSurface) -> AntennaPlan:
    """Plan the antenna pattern, at the first line of each burst; the noise follows its loss."""
    pixel = every(PATTERN_STEP, frame.samples)
    times = np.array([burst.azimuth_time for burst in frame.bursts])
    ranges = slant_ranges(frame.slant_range_time, pixel)
    return AntennaPlan(
        azimuth_time=times,
        slant_range_time=frame.slant_range_time + pixel / RANGE_SAMPLING_RATE,
        pattern=10.0 ** (-0.05 * pattern_loss(pixel, frame.samples)),
        elevation=elevation(times, ranges),
        incidence=frame.incidence(times, ranges),
    )
