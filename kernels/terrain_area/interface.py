"""Public functions for the illuminated area of terrain. Checks the arguments and chooses the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from alignsar_gpu.kernels.driving.arrays import Arrays
from alignsar_gpu.kernels.geometry.interface import ZERO_DOPPLER

from .scalar import QUANTITIES

if TYPE_CHECKING:
    from alignsar_gpu.kernels.geometry.interface import DopplerTable, OrbitTable
    from numpy.typing import NDArray

__all__ = ["facet_areas", "sight_points", "spread_areas"]


def _posts(arrays: Arrays, name: str, quantities: int) -> Any:
    """The array ``name``, float64 [row, column, quantity], of two rows and columns at least."""
    array = arrays.checked(name, np.float64, name)
    if array.ndim != 3 or array.shape[2] != quantities or min(array.shape[:2]) < 2:
        raise ValueError(
            f"{name}: expected [row, column, {quantities}] with two rows and columns at least, got {array.shape}"
        )
    return array


def sight_points(
    longitude: NDArray[np.float64],
    latitude: NDArray[np.float64],
    height: NDArray[np.float64],
    time: NDArray[np.float64],
    orbit: OrbitTable,
    doppler: DopplerTable = ZERO_DOPPLER,
    *,
    pixel: float,
) -> NDArray[np.float64]:
    """Compute the position of points, and the direction to the antenna divided by the pixel area there.

    Parameters
    ----------
    longitude, latitude, height : float64 [row, column], C-contiguous, degrees and metres; numpy, or on the
        device.
    time : of the same shape: when each is seen, seconds.
    orbit, doppler : what the antenna moves along, and what the image is focused to.
    pixel : product of the grid's azimuth interval (s) and range spacing (m).

    Returns
    -------
    float64 [row, column, 6], where the arrays are: position (metres, Earth-fixed), and the unit vector to the
    antenna divided by the area of a pixel in the slant-range plane (1 / m^2): range spacing times the way that the
    line of sight moves over the ground in an azimuth interval. NaN where a coordinate or the time is.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, longitude=longitude, latitude=latitude, height=height, time=time)
    ground = [arrays.checked(name, np.float64, "longitude") for name in ("longitude", "latitude", "height")]
    if ground[0].ndim != 2:
        raise ValueError(
            f"longitude: expected two dimensions, row and column, got the shape {ground[0].shape}"
        )
    t = arrays.checked("time", np.float64, "longitude")
    points: NDArray[np.float64] = arrays.empty((*ground[0].shape, QUANTITIES), np.float64)
    if t.size:
        tables = arrays.placed(orbit), arrays.placed(doppler)
        arrays.run("sight_points", tuple(ground), t, *tables, float(pixel), points)
    return points


def facet_areas(
    points: NDArray[np.float64], heights: NDArray[np.float64], ceiling: float
) -> NDArray[np.float64]:
    """Compute the area of each facet as the antenna sees it, in pixels of the slant-range plane.

    Four neighbouring posts are the corners of two facets, divided from the upper right to the lower left. A facet
    has its area times the cosine of its local incidence angle, or 0: if it is turned away, if terrain stands on
    the line of sight from its middle to the antenna (cast shadow; a facet is lit or not as a whole), or if a corner
    is missing. Lines of sight end where the posts end.

    Parameters
    ----------
    points : float64 [row, column, 6], C-contiguous, as `sight_points` gives them; numpy, or on the device.
    heights : float64 [row, column], metres above the ellipsoid.
    ceiling : metres, a height that no post is above: lines of sight are followed up to there.

    Returns
    -------
    float64 [row - 1, column - 1, 2], where the arrays are: of the facet at the upper left of a cell, and of the
    other. A facet has the same bits whichever posts it is given with, if those below its line of sight are there.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, points=points, heights=heights)
    p = _posts(arrays, "points", QUANTITIES)
    h = arrays.checked("heights", np.float64, "heights")
    if h.shape != p.shape[:2]:
        raise ValueError(f"heights: expected the shape {p.shape[:2]}, got {h.shape}")
    areas: NDArray[np.float64] = arrays.empty((p.shape[0] - 1, p.shape[1] - 1, 2), np.float64)
    arrays.run("facet_areas", p, h, float(ceiling), areas)
    return areas


def spread_areas(
    places: NDArray[np.float64],
    areas: NDArray[np.float64],
    *,
    first: int,
    lines: int,
    samples: int,
) -> NDArray[np.float32]:
    """Sum the areas of facets in each pixel of a radar grid.

    A facet is spread evenly over the triangle between its places, and divided between pixels by the exact share of
    the triangle in each: what is given comes out, to the rounding of float64. Pixels are squares around whole lines
    and samples. From low orbit, that a facet is spread evenly makes about 1e-6 a metre of its size.

    Parameters
    ----------
    places : float64 [row, column, 2], C-contiguous: sample and line (fractional) of the posts; NaN where there is
        no post; numpy, or on the device.
    areas : float64 [row - 1, column - 1, 2], as `facet_areas` gives them.
    first, lines : the lines to fill.
    samples : the samples of a line.

    Returns
    -------
    float32 [line, sample], where the arrays are: the sum, in pixels; NaN where it is 0, and where facets do not
    cover the whole pixel. Lines come out the same bits whichever lines and posts they are filled with; on the
    device to the rounding of float64, for sums are taken in any order. Scratch memory: on the CPU 16 bytes a pixel
    of the 32 lines that each thread fills at a time, and 0.25 byte a post; on the device 16 bytes a pixel of all
    lines.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, places=places, areas=areas)
    p = _posts(arrays, "places", 2)
    a = arrays.checked("areas", np.float64, "areas")
    shape = (p.shape[0] - 1, p.shape[1] - 1, 2)
    if a.shape != shape:
        raise ValueError(f"areas: expected the shape {shape}, got {a.shape}")
    if min(lines, samples) < 1:
        raise ValueError(f"lines, samples: expected 1 or more, got {lines}, {samples}")
    ratio: NDArray[np.float32] = arrays.empty((lines, samples), np.float32)
    arrays.run("spread_areas", p, a, int(first), ratio)
    return ratio
