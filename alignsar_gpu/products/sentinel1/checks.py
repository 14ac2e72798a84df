"""Check what an annotation says against itself and its orbit: values that cannot be, and a grid that lies elsewhere."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.geometry.bounds import require
from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT
from alignsar_gpu.geometry.range_doppler import ground_distance, radar_to_ground
from alignsar_gpu.geometry.time_scale import seconds_since

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from alignsar_gpu.geometry.orbit import Orbit
    from alignsar_gpu.products.sentinel1.annotation import Annotation, GeolocationGrid, TimedPolynomial


def check_annotation(annotation: Annotation, orbit: Orbit) -> None:
    """Raise AlignsarError unless an annotation can be of this orbit, and its polynomials and pulses of a radar.

    Its geolocation grid (times, ranges, heights, longitudes and latitudes) must be where the orbit sees it, and lie on
    the lines and samples of the image. The message says by how much it does not.
    """
    width, where = annotation.samples / annotation.range_sampling_rate, annotation.source
    times = annotation.slant_range_time + np.array([0.0, width])
    require("s1_doppler", _at(annotation.doppler_centroids, times), f"{where}/dopplerCentroid")
    slowness = -0.5 * SPEED_OF_LIGHT / annotation.radar_frequency * (0.5 * SPEED_OF_LIGHT * times)
    speeds = np.sum(orbit.velocity**2, axis=1).mean()
    ratio = _at(annotation.azimuth_fm_rates, times) * slowness / speeds
    require("s1_fm_rate", ratio, f"{where}/generalAnnotation/azimuthFmRateList")
    for pulse in annotation.downlinks:
        start = annotation.slant_range_time / pulse.pulse_interval - pulse.rank
        require("s1_window_start", start, f"{where}/generalAnnotation/downlinkInformationList")
    _check_geolocation(annotation, orbit)


def _at(records: Iterable[TimedPolynomial], times: NDArray[np.float64]) -> NDArray[np.float64]:
    """All polynomials at two-way slant-range times (s), (records, times)."""
    with np.errstate(over="ignore", invalid="ignore"):
        return np.array(
            [
                np.polynomial.polynomial.polyval(times - record.slant_range_time, record.coefficients)
                for record in records
            ]
        )


def _check_geolocation(annotation: Annotation, orbit: Orbit) -> None:
    grid, where = annotation.geolocation, f"{annotation.source}/geolocationGrid"
    expected = annotation.slant_range_time + grid.sample / annotation.range_sampling_rate
    away = 0.5 * SPEED_OF_LIGHT * np.abs(grid.slant_range_time - expected)
    require("geolocation_range_error", away, where)
    rows = seconds_since(orbit.epoch, grid.azimuth_time[:, 0])
    starts = seconds_since(orbit.epoch, np.array([burst.azimuth_time for burst in annotation.bursts]))
    require("geolocation_time_error", np.abs(starts[:, np.newaxis] - rows).min(axis=1), where)
    if grid.places is not None:
        require("geolocation_error", _distances(grid, grid.places, orbit), where)


def _distances(grid: GeolocationGrid, places: NDArray[np.float64], orbit: Orbit) -> NDArray[np.float64]:
    """Metres on the ground from the annotated places to where the orbit sees them; infinite where it does not."""
    times, ranges = (
        seconds_since(orbit.epoch, grid.azimuth_time),
        0.5 * SPEED_OF_LIGHT * grid.slant_range_time,
    )
    longitude, latitude = radar_to_ground(orbit, times, ranges, grid.height, "right")
    return ground_distance(longitude, latitude, *places)
