"""Make the bursts of a Sentinel-1 subswath from the annotations of its polarizations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import map_coordinates

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT, RadarGrid
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.geometry.time_scale import MICROSECOND, seconds_since
from alignsar_gpu.products.sentinel1.burst_id import ORBIT, burst_id, burst_number
from alignsar_gpu.products.sentinel1.checks import check_annotation
from alignsar_gpu.products.slc import Burst, Channel, RangePolynomial, Transmission, valid_window
from alignsar_gpu.stack.tables import positions

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.geometry.orbit import Orbit
    from alignsar_gpu.products.sentinel1.annotation import Annotation, GeolocationGrid, TimedPolynomial
    from alignsar_gpu.products.slc import Measurement
    from alignsar_gpu.stack.calibration import Calibration
    from alignsar_gpu.stack.noise import Noise

POINTS_PER_SIDE = 5  # of a footprint
# The subswath by whose middle the processor takes the bistatic delay out of the azimuth times of all; of stripmap
# it is the swath itself (Gisinger et al., 2021, doi:10.1109/TGRS.2019.2961248, section III).
BULK_SWATHS = {"IW": "IW2", "EW": "EW3"}
# Half the two-way time (s) to the middle of IW2, which follows the height of the orbit and the samples of the product:
# 2.9264 ms at 32 degrees north (2023), 2.9158 ms at 19 degrees (2022). 0.005 ms are 4 cm along the track.
NOMINAL_BULK = {"IW": 2.921e-3}
SAME = 1e-9  # relative: what polarizations of a subswath must agree to


@dataclass(frozen=True, kw_only=True, eq=False)
class SwathFiles:
    """Annotation, pixels, calibration and noise of one polarization of a subswath.

    ``measurements`` are the pixels of bursts by their `AnnotatedBurst.index`; none of what comes without pixels.
    """

    annotation: Annotation
    measurements: Mapping[int, Measurement]
    calibration: Calibration | None
    noise: Noise | None


@dataclass(frozen=True, kw_only=True)
class Node:
    """An ascending node: seconds since the product's epoch, and the relative orbit that begins there."""

    time: float
    relative_orbit: int


def burst_grid(annotation: Annotation, index: int, epoch: np.datetime64) -> RadarGrid:
    """Make the radar grid of a burst, with all its lines and samples."""
    return RadarGrid(
        epoch=epoch,
        first_azimuth_time=seconds_since(epoch, annotation.bursts[index].azimuth_time),
        azimuth_interval=annotation.azimuth_time_interval,
        first_slant_range=0.5 * SPEED_OF_LIGHT * annotation.slant_range_time,
        range_spacing=0.5 * SPEED_OF_LIGHT / annotation.range_sampling_rate,
        wavelength=SPEED_OF_LIGHT / annotation.radar_frequency,
        look_side="right",
        lines=annotation.lines,
        samples=annotation.samples,
    )


def check_same_grid(annotations: Sequence[Annotation]) -> None:
    """Raise AlignsarError unless the polarizations of a subswath have the same bursts on the same grids."""
    one = annotations[0]
    for other in annotations[1:]:
        differing = [
            name
            for name in (
                "azimuth_time_interval",
                "slant_range_time",
                "range_sampling_rate",
                "radar_frequency",
            )
            if not np.isclose(getattr(one, name), getattr(other, name), rtol=SAME, atol=0.0)
        ]
        differing += [name for name in ("lines", "samples") if getattr(one, name) != getattr(other, name)]
        if len(one.bursts) != len(other.bursts):
            differing.append("number of bursts")
        elif any(
            abs(a.azimuth_time - b.azimuth_time) > MICROSECOND
            for a, b in zip(one.bursts, other.bursts, strict=True)
        ):
            differing.append("times of the bursts")
        if differing:
            raise AlignsarError(
                f"{other.source}: its polarization is not on the grid of {one.source}: {', '.join(differing)} "
                "differ; the product is damaged or put together from several"
            )


def _nearest(records: Sequence[TimedPolynomial], time: float, epoch: np.datetime64) -> RangePolynomial:
    best = min(records, key=lambda record: abs(seconds_since(epoch, record.azimuth_time) - time))
    return RangePolynomial(
        azimuth_time=seconds_since(epoch, best.azimuth_time),
        slant_range_time=best.slant_range_time,
        coefficients=best.coefficients,
    )


def _heights_at(
    heights: GeolocationGrid,
    epoch: np.datetime64,
    time: NDArray[np.float64],
    slant_range: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Bilinear between the points of the geolocation grid, that of the nearest outside them."""
    rows = positions(seconds_since(epoch, heights.azimuth_time[:, 0]), time)
    columns = positions(0.5 * SPEED_OF_LIGHT * heights.slant_range_time[0], slant_range)
    return np.asarray(map_coordinates(heights.height, [rows, columns], order=1, mode="nearest"))


def _footprint(
    grid: RadarGrid, window: tuple[slice, slice], heights: GeolocationGrid, orbit: Orbit
) -> NDArray[np.float64]:
    """Outline (n, 2) of the window's outermost pixels, degrees, longitudes without a jump."""
    top, bottom = window[0].start, window[0].stop - 1
    near, far = window[1].start, window[1].stop - 1
    along = np.linspace(0.0, 1.0, POINTS_PER_SIDE)[:-1]
    down, across = top + (bottom - top) * along, near + (far - near) * along
    size = len(along)
    line = np.concatenate([np.full(size, top), down, np.full(size, bottom), top + bottom - down])
    sample = np.concatenate([across, np.full(size, far), near + far - across, np.full(size, near)])
    time, slant_range = grid.azimuth_time(line), grid.slant_range(sample)
    height = _heights_at(heights, grid.epoch, time, slant_range)
    longitude, latitude = radar_to_ground(orbit, time, slant_range, height, grid.look_side)
    longitude = np.unwrap(longitude, period=360.0)
    if longitude.min() < -180.0:
        longitude += 360.0
    return np.stack([longitude, latitude], axis=-1)


def _channel(files: SwathFiles, index: int, middle: float, epoch: np.datetime64) -> Channel:
    annotation = files.annotation
    burst = annotation.bursts[index]
    return Channel(
        first_valid_sample=burst.first_valid_sample,
        last_valid_sample=burst.last_valid_sample,
        doppler_centroid=_nearest(annotation.doppler_centroids, middle, epoch),
        measurement=files.measurements.get(burst.index),
        calibration=files.calibration,
        noise=files.noise,
    )


def _burst_id_and_anx_time(
    annotation: Annotation, index: int, grid: RadarGrid, node: Node
) -> tuple[str | None, float]:
    """Burst id, if it has one, and seconds from the last ascending node to the first line."""
    burst, header = annotation.bursts[index], annotation.header
    since_node = grid.first_azimuth_time - node.time
    anx_time = since_node % ORBIT
    if burst.sensing_time is None:
        return None, anx_time
    number = burst.number
    if number is None:
        sensing = seconds_since(grid.epoch, burst.sensing_time) - node.time
        number = burst_number(header.mode, header.swath, sensing, node.relative_orbit)
    return burst_id(header.mode, header.swath, number), anx_time


@dataclass(frozen=True, kw_only=True)
class BulkDelay:
    """The bulk bistatic delay of a subswath: `Transmission.bulk_delay` and `Transmission.bulk_is_nominal`."""

    seconds: float | None
    is_nominal: bool = False


def bulk_delay(annotation: Annotation, middles: Mapping[str, float]) -> BulkDelay:
    """Return the bulk bistatic delay that the processor subtracted from the azimuth times of a subswath.

    Half the two-way time to the middle of the mode's middle subswath, 0 where it moved nothing. ``middles`` has the
    two-way times (s) of the subswaths whose annotation is in the product. Without that one it is the nominal value of
    IW; None for EW, and where the annotation does not say whether anything was subtracted.
    """
    if annotation.bistatic_applied is None:
        return BulkDelay(seconds=None)
    if not annotation.bistatic_applied:
        return BulkDelay(seconds=0.0)
    header = annotation.header
    middle = middles.get(BULK_SWATHS.get(header.mode, header.swath))
    if middle is None:
        return BulkDelay(seconds=NOMINAL_BULK.get(header.mode), is_nominal=True)
    return BulkDelay(seconds=0.5 * middle)


def _transmission(annotation: Annotation, index: int, bulk: BulkDelay) -> Transmission | None:
    """By the last record before the burst's first line, or the first one."""
    if not annotation.downlinks:
        return None
    time = annotation.bursts[index].azimuth_time
    earlier = [downlink for downlink in annotation.downlinks if downlink.azimuth_time <= time]
    downlink = earlier[-1] if earlier else annotation.downlinks[0]
    return Transmission(
        pulse_interval=downlink.pulse_interval,
        rank=downlink.rank,
        chirp_rate=downlink.chirp_rate,
        bulk_delay=bulk.seconds,
        bulk_is_nominal=bulk.is_nominal,
    )


def read_bursts(
    files: Mapping[str, SwathFiles],
    epoch: np.datetime64,
    orbit: Orbit,
    node: Node,
    bulk: BulkDelay,
) -> tuple[list[Burst], list[str]]:
    """Make the bursts of one subswath; also returns the ids (or indices) of those without valid pixels.

    ``files`` per polarization; ``node`` the ascending node before the product's first line; ``bulk`` the
    `bulk_delay` of the subswath.
    """
    annotations = [part.annotation for part in files.values()]
    check_same_grid(annotations)
    for annotation in annotations:
        check_annotation(annotation, orbit)
    one = annotations[0]
    bursts, empty = [], []
    for index in range(len(one.bursts)):
        grid = burst_grid(one, index, epoch)
        middle = float(grid.azimuth_time(0.5 * (grid.lines - 1)))
        channels = {name: _channel(part, index, middle, epoch) for name, part in files.items()}
        identity, anx_time = _burst_id_and_anx_time(one, index, grid, node)
        window = valid_window(list(channels.values()))
        if window is None:
            empty.append(identity or f"{one.header.swath.lower()} {index}")
            continue
        footprint = _footprint(grid, window, one.geolocation, orbit)
        if not np.isfinite(footprint).all():
            raise AlignsarError(
                f"{one.source}: burst {index} does not meet the Earth where its orbit, times and ranges say; "
                "the file is damaged"
            )
        bursts.append(
            Burst(
                swath=one.header.swath,
                index=one.bursts[index].index,
                burst_id=identity,
                anx_time=anx_time,
                grid=grid,
                azimuth_fm_rate=_nearest(one.azimuth_fm_rates, middle, epoch),
                steering_rate=one.steering_rate,
                channels=channels,
                footprint=footprint,
                transmission=_transmission(one, index, bulk),
                azimuth_band=one.azimuth_band,
                range_band=one.range_band,
            )
        )
    return bursts, empty
