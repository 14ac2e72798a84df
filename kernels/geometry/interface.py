"""What the package offers for the geometry of a radar: argument checks, and the choice of the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from alignsar_gpu.kernels.coherence.interface import Arrays
from alignsar_gpu.kernels.terrain.scalar import LAYOVER, QUANTITIES, SHADOW, SIDES

from .cpu import SEGMENT

if TYPE_CHECKING:
    from numpy.typing import NDArray


__all__ = [
    "LAYOVER",
    "SEGMENT",
    "SHADOW",
    "ZERO_DOPPLER",
    "DopplerTable",
    "Drawing",
    "OrbitTable",
    "draw_terrain",
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


def _table(table: NamedTuple, arrays: Arrays) -> tuple[Any, ...]:
    """The fields of a table, its arrays brought to where the others of the call are."""
    return tuple(arrays.place(field) if isinstance(field, np.ndarray) else field for field in table)


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
    """When, and from how far, an antenna sees points on the ground under a Doppler frequency, zero mostly.

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
    arrays = Arrays(longitude=longitude, latitude=latitude, height=height, seed=seed)
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
            _table(orbit, arrays),
            _table(doppler, arrays),
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
    """How points on the ground are seen by an antenna.

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
        arrays.run("viewing_angles", (lon, lat, h), (east, north), t, _table(orbit, arrays), results)
    return results


class Drawing(NamedTuple):
    """What a terrain looks like in a radar grid, each [line, sample]; NaN where it has no surface.

    Attributes
    ----------
    longitude, latitude : float64, degrees.
    height : float64, metres.
    incidence, local_incidence : float32, degrees.
    flags : uint8, the sum of ``LAYOVER`` and ``SHADOW`` where they hold.
    """

    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    height: NDArray[np.float64]
    incidence: NDArray[np.float32]
    local_incidence: NDArray[np.float32]
    flags: NDArray[np.uint8]


def draw_terrain(
    posts: NDArray[np.float64],
    bends: NDArray[np.float32],
    *,
    first: int,
    lines: int,
    samples: int,
    margin: int = 0,
) -> Drawing:
    """The surface that lies between the posts of a terrain, drawn into the pixels of a radar grid.

    Four neighbouring posts are the corners of two facets, divided from the upper right to the lower left,
    flat in longitude, latitude and height. Every pixel is solved on the facet that it lies in; where there
    are several (layover), on that seen under the smallest look angle, the first along the ground.

    Parameters
    ----------
    posts : float64 [row, column, 8], C-contiguous; numpy, or on the device: sample and line (fractional),
        longitude, latitude, height, and what `viewing_angles` returns. NaN where there is no post.
    bends : float32 [row, column, 6]: how much farther (samples) and later (lines) the middle of a side is seen
        than the mean of its ends, of the sides to the right, downwards, and from the post to the right to
        the post below.
    first, lines : the lines to draw.
    samples : the samples of a line.
    margin : so many samples before the first are looked at too, for what casts shadows.

    Lines come out the same bits whichever lines and posts they are drawn with. Scratch memory, of pixels with
    the margin's: on the CPU 8 bytes a pixel of the 32 lines that each thread draws at a time, and 0.25 byte a
    post; on the device 12 bytes a pixel of all lines.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(posts=posts, bends=bends)
    p = arrays.checked("posts", np.float64, "posts")
    if p.ndim != 3 or p.shape[2] != QUANTITIES or min(p.shape[:2]) < 2:
        raise ValueError(
            f"posts: expected [row, column, {QUANTITIES}] with two rows and columns at least, got {p.shape}"
        )
    b = arrays.checked("bends", np.float32, "bends")
    if b.shape != (*p.shape[:2], SIDES):
        raise ValueError(f"bends: expected the shape {(*p.shape[:2], SIDES)}, got {b.shape}")
    if min(lines, samples) < 1 or margin < 0:
        raise ValueError(
            f"lines, samples, margin: expected 1, 1, 0 or more, got {lines}, {samples}, {margin}"
        )
    shape = (lines, samples)
    lon, lat, h = (arrays.empty(shape, np.float64) for _ in range(3))
    incidence, local = (arrays.empty(shape, np.float32) for _ in range(2))
    flags: NDArray[np.uint8] = arrays.empty(shape, np.uint8)
    arrays.run("draw_terrain", p, b, first, margin, (lon, lat, h, incidence, local), flags)
    return Drawing(lon, lat, h, incidence, local, flags)
