"""Ground coordinates of a radar grid on the ellipsoid, for products without terrain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.interpolate import RectBivariateSpline

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.ellipsoid import ECCENTRICITY_SQUARED, geodetic_to_ecef
from alignsar_gpu.geometry.range_doppler import radar_to_ground

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.geometry.orbit import Orbit

NODES = 129  # along each axis: 2 km of a swath of 250 km, over which a cubic is exact to 0.1 mm
CUBIC = 3
PIXEL_BYTES = 8 * 8  # positions, their distance from the axis, two angles, and what is between


@dataclass(frozen=True, eq=False)
class EllipsoidGround:
    """Points of height 0 in the pixels of a grid, as cubic splines of their Earth-fixed position.

    They go through nodes where the range and Doppler equations are solved, and are within 1 mm between them.
    """

    samples: int
    splines: tuple[Any, Any, Any]

    def coordinates(self, first: int, stop: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Compute longitude and latitude (degrees) of lines ``first:stop``, (lines, samples) each.

        A pixel has the same bits whatever lines are asked for with it.
        """
        lines, samples = np.arange(first, stop, dtype=np.float64), np.arange(self.samples, dtype=np.float64)
        x, y, z = (spline(lines, samples) for spline in self.splines)
        longitude = np.degrees(np.arctan2(y, x))
        return longitude, np.degrees(np.arctan2(z, (1.0 - ECCENTRICITY_SQUARED) * np.hypot(x, y)))


def ellipsoid_ground(grid: RadarGrid, orbit: Orbit, where: str) -> EllipsoidGround:
    """Compute the ground of height 0 of a grid. Raises AlignsarError if a range does not reach it."""
    line, sample = (np.linspace(0, count - 1, min(count, NODES)) for count in grid.shape)
    longitude, latitude = radar_to_ground(
        orbit, grid.azimuth_time(line)[:, np.newaxis], grid.slant_range(sample), 0.0, grid.look_side
    )
    if not np.isfinite(longitude).all():
        share = np.mean(~np.isfinite(longitude))
        raise AlignsarError(
            f"{where}: {100 * share:.0f} % of the pixels do not see the ellipsoid: orbit, times and slant ranges do "
            "not belong together; get the product again"
        )
    position = geodetic_to_ecef(longitude, latitude, 0.0)
    degrees = [min(CUBIC, len(nodes) - 1) for nodes in (line, sample)]
    splines = [
        RectBivariateSpline(line, sample, position[..., axis], kx=degrees[0], ky=degrees[1])
        for axis in range(3)
    ]
    return EllipsoidGround(grid.samples, (splines[0], splines[1], splines[2]))
