"""Check which part of a map an image shows, and whether the DEM covers it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from shapely import MultiPoint, box

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.ellipsoid import geodetic_to_ecef
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.geometry.range_doppler import radar_to_ground

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.geocoding.map_grid import MapGrid
    from alignsar_gpu.geometry.dem.dem import Dem
    from alignsar_gpu.geometry.doppler import Doppler
    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.geometry.orbit import Orbit
    from alignsar_gpu.geometry.stored.surface import PixelSurface

    Surface = Dem | PixelSurface
    Pair = tuple[NDArray[np.float64], NDArray[np.float64]]

ITERATIONS = 5  # each halves the distance to the terrain at least where it is not in layover
TOGETHER = 8  # neighbouring points of an outline, which few blocks of the DEM hold


def _around(rows: int, columns: int, steps: tuple[int, int]) -> Pair:
    """Return rows and columns of points around an array, of its outermost pixels."""
    down, across = (np.linspace(0.0, n - 1.0, k) for n, k in zip((rows, columns), steps, strict=True))
    row = np.concatenate([np.zeros(steps[1]), down, np.full(steps[1], rows - 1.0), down[::-1]])
    column = np.concatenate([across, np.full(steps[0], columns - 1.0), across[::-1], np.zeros(steps[0])])
    return row, column


def is_on_look_side(
    grid: RadarGrid, orbit: Orbit, longitude: NDArray[np.float64], latitude: NDArray[np.float64]
) -> NDArray[np.bool_]:
    """Return whether places (degrees) are on the look side of the track; true where that is not known.

    Times and ranges are the same on both sides.
    """
    time, _ = ground_to_radar(orbit, longitude, latitude, 0.0, grid.azimuth_time(0.5 * grid.lines))
    antenna = orbit.position_at(time)
    right = np.cross(orbit.velocity_at(time), antenna)
    away = np.sum((geodetic_to_ecef(longitude, latitude, 0.0) - antenna) * right, axis=-1)
    return np.asarray(~(away < 0.0) if grid.look_side == "right" else ~(away > 0.0))


def image_outline(grid: RadarGrid, orbit: Orbit, dem: Surface, doppler: Doppler | None = None) -> Pair:
    """Return longitude and latitude (degrees) of points around an image, on the terrain.

    At height 0 where the DEM has no surface; NaN where an edge of the image does not meet the ground.
    """
    line, sample = _around(grid.lines, grid.samples, (9, 33))
    time, slant_range = grid.azimuth_time(line), grid.slant_range(sample)
    speed = np.zeros(line.shape) if doppler is None else 0.5 * grid.wavelength * doppler.at(time, slant_range)
    longitude, latitude = np.empty(line.shape), np.empty(line.shape)
    for begin in range(0, len(line), TOGETHER):
        part = slice(begin, begin + TOGETHER)
        height = np.zeros(len(line[part]))
        for _ in range(ITERATIONS):
            place = radar_to_ground(orbit, time[part], slant_range[part], height, grid.look_side, speed[part])
            terrain = dem.height_at(*place)
            height = np.where(np.isfinite(terrain), terrain, height)
        longitude[part], latitude[part] = place
    return longitude, latitude


def require_coverage(
    grid: RadarGrid,
    orbit: Orbit,
    dem: Surface,
    map_grid: MapGrid,
    *,
    doppler: Doppler | None = None,
    partial: bool = False,
) -> None:
    """Check that an image shows some of a map and the DEM covers that; raise AlignsarError otherwise.

    With ``partial``, the DEM need not.
    """
    longitude, latitude = image_outline(grid, orbit, dem, doppler)
    require_overlap(map_grid, longitude, latitude)
    if partial:
        return
    row, column = map_grid.position(longitude, latitude)
    rows, columns = map_grid.shape
    with np.errstate(invalid="ignore"):
        inside = (np.abs(row - 0.5 * (rows - 1)) <= 0.5 * rows) & (
            np.abs(column - 0.5 * (columns - 1)) <= 0.5 * columns
        )
    edge = _seen_edge(grid, orbit, dem, map_grid, doppler)
    lon, lat = (
        np.concatenate([outline[inside], other])
        for outline, other in zip((longitude, latitude), edge, strict=True)
    )
    if lon.size:
        dem.require(lon, lat, "what map and image share")


def require_overlap(map_grid: MapGrid, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> None:
    """Check that an image with these points (degrees) shows some of a map; raise AlignsarError otherwise."""
    row, column = map_grid.position(longitude, latitude)
    known = np.isfinite(row) & np.isfinite(column)
    rows, columns = map_grid.shape
    frame = box(-0.5, -0.5, columns - 0.5, rows - 0.5)
    shown = MultiPoint(np.column_stack([column[known], row[known]])).convex_hull
    if not known.any() or not shown.intersects(frame):
        raise AlignsarError(
            f"geocoding: the map grid, {_extent(*map_grid.geodetic(*_around(rows, columns, (9, 9))))}, does "
            f"not overlap the image, {_extent(longitude, latitude)}: choose a map grid over the image"
        )


def _seen_edge(
    grid: RadarGrid, orbit: Orbit, dem: Surface, map_grid: MapGrid, doppler: Doppler | None
) -> Pair:
    """Return longitude and latitude (degrees) of points on the edge of a map that an image shows."""
    longitude, latitude = map_grid.geodetic(*_around(*map_grid.shape, (65, 65)))
    terrain = dem.height_at(longitude, latitude)
    height = np.where(np.isfinite(terrain), terrain, 0.0)
    middle = grid.azimuth_time(0.5 * grid.lines)
    time, slant_range = ground_to_radar(
        orbit, longitude, latitude, height, middle, doppler=doppler, wavelength=grid.wavelength
    )
    line, sample = grid.line(time), grid.sample(slant_range)
    with np.errstate(invalid="ignore"):
        visible = (
            (line >= 0.0) & (line <= grid.lines - 1.0) & (sample >= 0.0) & (sample <= grid.samples - 1.0)
        )
    visible &= is_on_look_side(grid, orbit, longitude, latitude)
    return longitude[visible], latitude[visible]


def _extent(longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> str:
    known = np.isfinite(longitude) & np.isfinite(latitude)
    if not known.any():
        return "nowhere on the ground"
    lon, lat = longitude[known], latitude[known]
    lon = lon[0] + (lon - lon[0] + 180.0) % 360.0 - 180.0
    return f"longitude {lon.min():.3f} to {lon.max():.3f}, latitude {lat.min():.3f} to {lat.max():.3f}"
