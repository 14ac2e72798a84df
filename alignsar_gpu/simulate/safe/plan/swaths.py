"""Plan one subswath of a simulated product: its bursts, polynomials, geolocation and tables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT
from alignsar_gpu.products.slc import RangePolynomial
from alignsar_gpu.simulate.safe.plan.bursts import microsecond
from alignsar_gpu.simulate.safe.plan.geometry import fit_surface
from alignsar_gpu.simulate.safe.plan.iw_mode import AZIMUTH_INTERVAL, RANGE_SAMPLING_RATE, REAL_WIDTH
from alignsar_gpu.simulate.safe.plan.radiometry import (
    DATE_STEP,
    POLARIZATION_STEP,
    SwathFrame,
    antenna_pattern,
    calibrate,
    descalloping,
    slant_ranges,
    thermal_noise,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.simulate.safe.plan.bursts import BurstPlan
    from alignsar_gpu.simulate.safe.plan.geometry import PassGeometry
    from alignsar_gpu.simulate.safe.plan.parameters import PassParameters
    from alignsar_gpu.simulate.safe.plan.radiometry import AntennaPlan, CalibrationPlan, NoisePlan

COLUMNS = 21  # of the geolocation grid
NARROWEST = 16  # samples between its columns
RATE_NODES = 9  # places that an FM rate polynomial is fitted to
ANGLES_BEYOND = 1.5  # s beyond the lines that angles are computed for


@dataclass(frozen=True, kw_only=True, eq=False)
class GeolocationGrid:
    """Geolocation grid: coordinates and angles of pixels at the mean height.

    Attributes
    ----------
    line, pixel : (n,) and (m,) of the image with all bursts.
    azimuth_time, slant_range_time : (n,) and (m,), two-way, seconds.
    longitude, latitude, incidence, elevation : (n, m) degrees; longitudes from -180 to 180.
    """

    line: NDArray[np.int64]
    pixel: NDArray[np.int64]
    azimuth_time: NDArray[np.float64]
    slant_range_time: NDArray[np.float64]
    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    incidence: NDArray[np.float64]
    elevation: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class SwathPlan:
    """Plan of one subswath of one date. Times in seconds since the product's epoch.

    Attributes
    ----------
    slant_range_time : two-way, of the first sample, s.
    lines, samples : of one burst.
    azimuth_fm_rates, doppler_centroids, geometry_dopplers : for the burst before the first, each burst, and the burst
        after the last.
    calibration, noise : per polarization.
    azimuth_spacing, mid_incidence : metres and degrees, in the middle.
    """

    name: str
    slant_range_time: float
    lines: int
    samples: int
    bursts: tuple[BurstPlan, ...]
    azimuth_fm_rates: tuple[RangePolynomial, ...]
    doppler_centroids: tuple[RangePolynomial, ...]
    geometry_dopplers: tuple[RangePolynomial, ...]
    geolocation: GeolocationGrid
    calibration: Mapping[str, CalibrationPlan]
    noise: Mapping[str, NoisePlan]
    antenna: AntennaPlan
    azimuth_spacing: float
    mid_incidence: float

    @property
    def image_lines(self) -> int:
        """Number of lines of the image with all bursts, one below the other."""
        return self.lines * len(self.bursts)

    @property
    def first_time(self) -> float:
        """Time of the first line of the first burst."""
        return self.bursts[0].azimuth_time

    @property
    def last_time(self) -> float:
        """Time of the last line of the last burst."""
        return self.bursts[-1].azimuth_time + (self.lines - 1) * AZIMUTH_INTERVAL


def record_times(bursts: Sequence[BurstPlan], lines: int, period: float) -> list[float]:
    """Return the middles of the burst before the first, of each burst, and of the burst after the last."""
    half = 0.5 * (lines - 1) * AZIMUTH_INTERVAL
    firsts = [burst.azimuth_time for burst in bursts]
    firsts = [firsts[0] - period, *firsts, firsts[-1] + period]
    return [microsecond(first + half) for first in firsts]


def fm_rates(
    sight: PassGeometry, times: Sequence[float], slant_range_time: float, samples: int
) -> tuple[RangePolynomial, ...]:
    """Fit polynomials of degree two around the first sample to the Doppler rates over the subswath."""
    width = (samples - 1) / RANGE_SAMPLING_RATE
    nodes = 0.5 * width * (1.0 - np.cos(np.pi * (np.arange(RATE_NODES) + 0.5) / RATE_NODES))
    ranges = 0.5 * SPEED_OF_LIGHT * (slant_range_time + nodes)
    scale = width ** np.arange(3)
    records = []
    for time in times:
        rates = [sight.doppler_rate(time, float(slant_range)) for slant_range in ranges]
        records.append(
            RangePolynomial(
                azimuth_time=time,
                slant_range_time=slant_range_time,
                coefficients=np.polynomial.polynomial.polyfit(nodes / width, rates, 2) / scale,
            )
        )
    return tuple(records)


@dataclass(frozen=True, kw_only=True)
class SmoothDoppler:
    """Doppler centroid that varies smoothly over a product: a + b x + c x^2 + d y, Hz.

    x is the two-way time from ``range_time`` in widths of a real subswath, y the time from ``azimuth_time`` in
    tens of seconds.
    """

    azimuth_time: float
    range_time: float
    terms: tuple[float, float, float, float]

    def record(self, time: float, slant_range_time: float) -> RangePolynomial:
        """Return the polynomial around ``slant_range_time`` at ``time``."""
        constant, linear, square, drift = self.terms
        x = (slant_range_time - self.range_time) / REAL_WIDTH
        y = (time - self.azimuth_time) / 10.0
        return RangePolynomial(
            azimuth_time=time,
            slant_range_time=slant_range_time,
            coefficients=np.array(
                [
                    constant + linear * x + square * x * x + drift * y,
                    (linear + 2.0 * square * x) / REAL_WIDTH,
                    square / REAL_WIDTH**2,
                ]
            ),
        )


def geolocate(
    sight: PassGeometry, bursts: Sequence[BurstPlan], lines: int, slant_range_time: float, samples: int
) -> GeolocationGrid:
    """Compute the geolocation grid: a row at the first line of each burst and at the last line."""
    columns = min(COLUMNS, 2 + (samples - 1) // NARROWEST)
    pixel = np.unique(np.round(np.linspace(0, samples - 1, columns)).astype(np.int64))
    line = np.append(lines * np.arange(len(bursts)), lines * len(bursts) - 1)
    last = bursts[-1].azimuth_time + (lines - 1) * AZIMUTH_INTERVAL
    times = np.array([*(burst.azimuth_time for burst in bursts), microsecond(last)])
    ranges = slant_ranges(slant_range_time, pixel)
    seen = np.array([[sight.geolocation(float(t), float(r)) for r in ranges] for t in times])
    longitude, latitude, incidence, elevation = np.moveaxis(seen, -1, 0)
    return GeolocationGrid(
        line=line,
        pixel=pixel,
        azimuth_time=times,
        slant_range_time=slant_range_time + pixel / RANGE_SAMPLING_RATE,
        longitude=wrapped(longitude),
        latitude=latitude,
        incidence=incidence,
        elevation=elevation,
    )


def wrapped(longitude: NDArray[np.float64]) -> NDArray[np.float64]:
    """Wrap longitudes to -180 to 180 degrees; those within stay as they are."""
    return np.where(np.abs(longitude) <= 180.0, longitude, (longitude + 180.0) % 360.0 - 180.0)


def _radiometry(
    name: str, parameters: PassParameters, date: int, frame: SwathFrame, sight: PassGeometry
) -> tuple[dict[str, CalibrationPlan], dict[str, NoisePlan]]:
    """Calibration and noise per polarization."""
    middle = 0.5 * sum(frame.product)
    slant_range = float(slant_ranges(frame.slant_range_time, np.array([frame.samples // 2]))[0])
    factor = descalloping(name, sight, middle, slant_range, frame.lines)
    calibrations, noises = {}, {}
    for channel, polarization in enumerate(parameters.polarizations):
        amplitude = (1.0 + DATE_STEP * date) * (1.0 + POLARIZATION_STEP * channel)
        calibration = calibrate(frame, amplitude)
        calibrations[polarization] = calibration
        noises[polarization] = thermal_noise(frame, calibration, parameters.noise_equivalent_sigma0, factor)
    return calibrations, noises


def plan_swath(
    name: str,
    parameters: PassParameters,
    date: int,
    frame: SwathFrame,
    sight: PassGeometry,
    dopplers: tuple[SmoothDoppler, SmoothDoppler],
) -> SwathPlan:
    """Plan everything that is written for a subswath.

    ``dopplers`` are the Doppler centroid of the data and the one that the geometry is said to give.
    """
    lines, samples, start = frame.lines, frame.samples, frame.slant_range_time
    times = record_times(frame.bursts, lines, frame.period)
    middle_time = 0.5 * (
        frame.bursts[0].azimuth_time + frame.bursts[-1].azimuth_time + lines * AZIMUTH_INTERVAL
    )
    middle_range = float(slant_ranges(start, np.array([samples // 2]))[0])
    along = sight.point(middle_time + 0.5, middle_range) - sight.point(middle_time - 0.5, middle_range)
    calibrations, noises = _radiometry(name, parameters, date, frame, sight)
    elevation = fit_surface(
        lambda time, slant_range: sight.angles(time, slant_range)[1],
        frame.incidence.times,
        frame.incidence.ranges,
    )
    return SwathPlan(
        name=name,
        slant_range_time=start,
        lines=lines,
        samples=samples,
        bursts=frame.bursts,
        azimuth_fm_rates=fm_rates(sight, times, start, samples),
        doppler_centroids=tuple(dopplers[0].record(time, start) for time in times),
        geometry_dopplers=tuple(dopplers[1].record(time, start) for time in times),
        geolocation=geolocate(sight, frame.bursts, lines, start, samples),
        calibration=calibrations,
        noise=noises,
        antenna=antenna_pattern(frame, elevation),
        azimuth_spacing=float(np.linalg.norm(along)) * AZIMUTH_INTERVAL,
        mid_incidence=sight.angles(middle_time, middle_range)[0],
    )


def frame_swath(
    sight: PassGeometry,
    bursts: Sequence[BurstPlan],
    size: tuple[int, int],
    slant_range_time: float,
    period: float,
    product: tuple[float, float],
) -> SwathFrame:
    """Make the frame of a subswath with bursts of ``size`` (lines, samples)."""
    ranges = slant_ranges(slant_range_time, np.array([0, size[1] - 1]))
    incidence = fit_surface(
        lambda time, slant_range: sight.angles(time, slant_range)[0],
        (product[0] - ANGLES_BEYOND, product[1] + ANGLES_BEYOND),
        (float(ranges[0]), float(ranges[1])),
    )
    return SwathFrame(
        bursts=tuple(bursts),
        lines=size[0],
        samples=size[1],
        slant_range_time=slant_range_time,
        period=period,
        product=product,
        incidence=incidence,
    )
