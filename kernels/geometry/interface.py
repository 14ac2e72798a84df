"""Public functions for radar geometry. Checks the arguments and chooses the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from alignsar_gpu.kernels.driving.arrays import Arrays

from .cpu import SEGMENT

if TYPE_CHECKING:
    from numpy.typing import NDArray


__all__ = [
    "SEGMENT",
    "ZERO_DOPPLER",
    "DopplerTable",
    "OrbitTable",
    "ground_to_radar",
    "viewing_angles",
]


class OrbitTable(NamedTuple):
    """An orbit as polynomials between its n state vectors.

    Attributes
    ----------
    time : (n,) float64, seconds.
    coefficients : (n - 1, 8, 3) float64: of each interval the position's polynomial in the share of the
        interval that has passed, constant first, metres.
    """

    time: NDArray[np.float64]
    coefficients: NDArray[np.float64]


class DopplerTable(NamedTuple):
    """The Doppler frequency that an image is focused to, as a polynomial of time and slant range.

    Attributes
    ----------
    coefficients : [power of time, power of range] float64, Hz; empty for zero Doppler.
    time, slant_range : origin of both, seconds and metres.
    time_scale, range_scale : what both are divided by.
    half_wavelength : metres.
    """

    coefficients: NDArray[np.float64]
    time: float
    slant_range: float
    time_scale: float
    range_scale: float
    half_wavelength: float


ZERO_DOPPLER = DopplerTable(np.zeros((0, 0)), 0.0, 0.0, 1.0, 1.0, 0.0)


def _grid(arrays: Arrays, *names: str) -> list[Any]:
    """The arrays ``names``, float64, two-dimensional and of one shape."""
    found = [arrays.checked(name, np.float64, names[0]) for name in names]
    if found[0].ndim != 2:
        raise ValueError(
            f"{names[0]}: expected two dimensions, row and column, got the shape {found[0].shape}"
        )
    return found


def ground_to_radar(
    longitude: NDArray[np.float64],
    latitude: NDArray[np.float64],
    height: NDArray[np.float64],
    seed: NDArray[np.float64],
    orbit: OrbitTable,
    doppler: DopplerTable = ZERO_DOPPLER,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute azimuth time and slant range of points on the ground, at a Doppler frequency (mostly zero).

    (X - P(t)) . V(t) = R lambda f / 2 (Cumming and Wong 2005, Digital Processing of Synthetic Aperture Radar
    Data), in float64. Of every ``SEGMENT`` points of a row one is solved by Newton's iteration; the antenna's
    motion and the Earth's surface are expanded around it for the others, which then take a fixed number of
    steps. Points that are too far from it for that (0.57 degrees, 0.5 s) are iterated themselves.

    Parameters
    ----------
    longitude, latitude, height : float64 [row, column], C-contiguous, degrees and metres; numpy, or on the
        device. Fastest where neighbours in a row are neighbours on the ground.
    seed : float64 (rows,): a time near those of each row, seconds.
    orbit : what the antenna moves along.
    doppler : the frequency that the image is focused to.

    Returns
    -------
    Time (s) and slant range (m): float64 [row, column], where ``longitude`` is; NaN where a coordinate is NaN
    and where there is no such time within the orbit. Blocks of an image give the same bits as the whole if
    they are cut between rows, and between columns at multiples of ``SEGMENT``. Scratch memory: none to speak
    of on the CPU; on the device 217 bytes a segment, 0.85 a point where segments are full.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, longitude=longitude, latitude=latitude, height=height, seed=seed)
    points = tuple(_grid(arrays, "longitude", "latitude", "height"))
    start = arrays.checked("seed", np.float64, "seed")
    if start.shape != points[0].shape[:1]:
        raise ValueError(
            f"seed: expected one time for each of {len(points[0])} rows, got the shape {start.shape}"
        )
    time, slant_range = (arrays.empty(points[0].shape, np.float64) for _ in range(2))
    if time.size:
        arrays.run(
            "ground_to_radar",
            points,
            start,
            arrays.placed(orbit),
            arrays.placed(doppler),
            time,
            slant_range,
        )
    return time, slant_range


def viewing_angles(
    longitude: NDArray[np.float64],
    latitude: NDArray[np.float64],
    height: NDArray[np.float64],
    time: NDArray[np.float64],
    east_slope: NDArray[np.float64],
    north_slope: NDArray[np.float64],
    orbit: OrbitTable,
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Compute incidence, local incidence and look angle of points on the ground, as cosines.

    Parameters
    ----------
    longitude, latitude, height : float64 [row, column], C-contiguous, degrees and metres; numpy, or on the
        device.
    time : of the same shape: when each is seen, seconds.
    east_slope, north_slope : of the same shape: the terrain's, metres of height a metre.
    orbit : what the antenna moves along.

    Returns
    -------
    1 - cosine of the incidence angle (against the ellipsoid's normal), 1 - cosine of the local incidence
    angle (against the terrain's), and the cosine of the look angle (at the antenna, against the direction to
    the Earth's centre): float64 [row, column]. The first two are so that small angles keep their digits:
    angle = 2 atan2(sqrt(v), sqrt(2 - v)). NaN where a coordinate or the time is.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(
        __package__,
        longitude=longitude,
        latitude=latitude,
        height=height,
        time=time,
        east_slope=east_slope,
        north_slope=north_slope,
    )
    lon, lat, h, t, east, north = _grid(
        arrays, "longitude", "latitude", "height", "time", "east_slope", "north_slope"
    )
    results = tuple(arrays.empty(lon.shape, np.float64) for _ in range(3))
    if lon.size:
        arrays.run("viewing_angles", (lon, lat, h), (east, north), t, arrays.placed(orbit), results)
    return results
