"""Crop an image to an area on the ground."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.geometry.terrain.terrain import HIGHEST, LOWEST

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from alignsar_gpu.geometry.dem.dem import Dem
    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.geometry.orbit import Orbit

POINTS_PER_SIDE = 17  # of the outline of an image
STEPS = 64  # pieces of an area's outline: a straight line on the map is bent in the image
MARGIN = 1  # pixels around an area
FEWEST = 16  # lines and samples that an image is left with

Window = tuple[slice, slice]


def crop_grid(grid: RadarGrid, window: Window) -> RadarGrid:
    """Crop a grid to a window of lines and samples."""
    lines, samples = window
    return replace(
        grid,
        first_azimuth_time=float(grid.azimuth_time(lines.start)),
        first_slant_range=float(grid.slant_range(samples.start)),
        lines=lines.stop - lines.start,
        samples=samples.stop - samples.start,
    )


def window_around(area: BaseGeometry, grid: RadarGrid, window: Window, orbit: Orbit, dem: Dem) -> Window:
    """Find the part of ``window`` (lines, samples) of an image that contains an area, whatever its terrain.

    ``area`` is longitude and latitude (degrees), as `read_area` gives it. Its outline is looked for at the
    lowest and at the highest post that the DEM has there, and the image is never cut to less than a few
    pixels. Raises AlignsarError when the area is not in the window, or the DEM does not reach it at all.
    """
    longitude, latitude = _outline_inside(area, _reach(grid, window, orbit))
    posts = dem.window(longitude, latitude, 1)
    heights = np.array(dem.lowest_and_highest(*posts, "products.area"))[:, np.newaxis]
    middle = float(grid.azimuth_time(0.5 * grid.lines))
    time, slant_range = ground_to_radar(orbit, longitude, latitude, heights, middle)
    return tuple(  # type: ignore[return-value]  # of two
        _around(positions[np.isfinite(positions)], limits)
        for positions, limits in zip((grid.line(time), grid.sample(slant_range)), window, strict=True)
    )


def _around(positions: NDArray[np.float64], limits: slice) -> slice:
    """Whole pixels around positions, a few at least, within limits."""
    if not positions.size or positions.max() < limits.start or positions.min() > limits.stop - 1:
        raise _outside()
    first = max(int(np.floor(positions.min())) - MARGIN, limits.start)
    stop = min(int(np.ceil(positions.max())) + MARGIN + 1, limits.stop)
    lacking = max(FEWEST - (stop - first), 0)
    first = max(min(first - lacking // 2, limits.stop - FEWEST), limits.start)
    return slice(first, min(max(stop, first + FEWEST), limits.stop))


def _outside() -> AlignsarError:
    return AlignsarError(
        "products.area: no valid pixel of the burst lies in it; give a larger area or another burst, or say "
        "products.crop=false to take the burst whole"
    )


def _reach(grid: RadarGrid, window: Window, orbit: Orbit) -> BaseGeometry:
    """Where the pixels of a window may lie on Earth, at any height that there is."""
    from shapely import MultiPoint  # noqa: PLC0415  (geospatial libraries load only where needed)

    down, across = (np.linspace(part.start, part.stop - 1, POINTS_PER_SIDE) for part in window)
    line = np.concatenate([np.repeat(down[[0, -1]], across.size), np.tile(down, 2)])
    sample = np.concatenate([np.tile(across, 2), np.repeat(across[[0, -1]], down.size)])
    time, slant_range = grid.azimuth_time(line), grid.slant_range(sample)
    heights = np.array([[LOWEST], [HIGHEST]])
    longitude, latitude = (
        found.ravel() for found in radar_to_ground(orbit, time, slant_range, heights, grid.look_side)
    )
    known = np.isfinite(longitude)
    turned = np.unwrap(longitude[known], period=360.0)
    return MultiPoint(np.stack([turned, latitude[known]], axis=-1)).convex_hull


def _outline_inside(
    area: BaseGeometry, reach: BaseGeometry
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Longitude and latitude of points along the outline of the part of an area that is within reach."""
    import shapely  # noqa: PLC0415
    from shapely.affinity import translate  # noqa: PLC0415

    parts = [translate(area, turn).intersection(reach) for turn in (0.0, 360.0, -360.0)]
    inside = shapely.union_all(parts)
    if inside.is_empty:
        raise _outside()
    west, south, east, north = inside.bounds
    longest = max(east - west, north - south)
    if longest > 0:
        inside = shapely.segmentize(inside, longest / STEPS)
    points = shapely.get_coordinates(inside)
    return points[:, 0], points[:, 1]
