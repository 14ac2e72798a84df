"""Posts of a DEM as a radar sees them: what `kernels.rasterize_terrain` draws."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu import kernels
from alignsar_gpu.geometry.ellipsoid import ECCENTRICITY_SQUARED, SEMI_MAJOR_AXIS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignsar_gpu.geometry.dem.dem import Posts
    from alignsar_gpu.geometry.doppler import Doppler
    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.geometry.orbit import Orbit

BYTES_PER_POST = 240  # of the arrays that `radar_posts` holds at a time

ALL, FIRST, LAST = slice(None), slice(None, -1), slice(1, None)
SIDES = (  # of a cell: from which posts to which
    ((ALL, FIRST), (ALL, LAST)),  # to the right
    ((FIRST, ALL), (LAST, ALL)),  # downwards
    ((FIRST, LAST), (LAST, FIRST)),  # from the post to the right to the post below
)


def radar_posts(
    window: Posts, grid: RadarGrid, orbit: Orbit, doppler: Doppler | None, first_sample: int, xp: Any
) -> tuple[Any, Any]:
    """Posts [row, column, 8] and bends [row, column, 6], as `kernels.rasterize_terrain` takes them.

    Samples count from ``first_sample`` of the grid (to whole samples this is exact). ``xp`` is the library
    whose arrays are wanted, numpy or CuPy.
    """

    def to_radar(points: Sequence[Any]) -> tuple[Any, Any]:
        """Azimuth time and slant range of longitudes, latitudes and heights [row, column]."""
        seed = xp.full(points[0].shape[0], float(grid.azimuth_time(0.5 * grid.lines)))
        table = kernels.ZERO_DOPPLER if doppler is None else doppler.table(grid.wavelength)
        return kernels.ground_to_radar(points[0], points[1], points[2], seed, orbit.table, table)

    def pixel(time: Any, slant_range: Any) -> tuple[Any, Any]:
        sample = (slant_range - grid.first_slant_range) / grid.range_spacing - first_sample
        return sample, (time - grid.first_azimuth_time) / grid.azimuth_interval

    points = [xp.asarray(a) for a in (window.longitude, window.latitude, window.height)]
    time, slant_range = to_radar(points)
    east, north = _slopes(points, xp)
    angles = kernels.viewing_angles(points[0], points[1], points[2], time, east, north, orbit.table)
    sample, line = pixel(time, slant_range)
    posts = xp.stack([sample, line, *points, *angles], axis=-1)
    bends = xp.zeros((*sample.shape, 2 * len(SIDES)), dtype=np.float32)
    for side, (here, there) in enumerate(SIDES):
        # Middles have the shape of the posts, so that the kernels' segments begin at the same columns.
        middles = [a.copy() for a in points]
        shape = sample[here].shape
        part = slice(0, shape[0]), slice(0, shape[1])
        for middle, values in zip(middles, points, strict=True):
            middle[part] = 0.5 * (values[here] + values[there])
        time, slant_range = to_radar(middles)
        far, late = pixel(time[part], slant_range[part])
        bends[(*part, 2 * side)] = far - 0.5 * (sample[here] + sample[there])
        bends[(*part, 2 * side + 1)] = late - 0.5 * (line[here] + line[there])
    return posts, bends


def _slopes(points: Sequence[Any], xp: Any) -> tuple[Any, Any]:
    """Slopes of a surface to the east and to the north, metres a metre, from the posts on either side."""
    sine_squared = xp.sin(xp.radians(points[1])) ** 2
    root = xp.sqrt(1.0 - ECCENTRICITY_SQUARED * sine_squared)
    prime_vertical = SEMI_MAJOR_AXIS / root
    meridian = prime_vertical * (1.0 - ECCENTRICITY_SQUARED) / root**2
    east_scale = xp.radians(1.0) * prime_vertical * xp.sqrt(1.0 - sine_squared)
    north_scale = xp.radians(1.0) * meridian
    down, right = ([xp.gradient(a, axis=axis) for a in points] for axis in (0, 1))
    area = east_scale * north_scale * (right[0] * down[1] - down[0] * right[1])
    east = north_scale * (right[2] * down[1] - down[2] * right[1]) / area
    north = east_scale * (down[2] * right[0] - right[2] * down[0]) / area
    return east, north
