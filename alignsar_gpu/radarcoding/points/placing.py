"""Points in radar geometry: line and sample of each at its own height, and the values that statistics are of."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.kernels import SEGMENT

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.geometry.dem.dem import Dem
    from alignsar_gpu.geometry.doppler import Doppler
    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.geometry.orbit import Orbit
    from alignsar_gpu.radarcoding.points.files import PointBatch

NODE_SECONDS = 1.0  # between times at which the track's plane is taken
CELL = 0.02  # degrees: what shares an expansion of the kernels' at least
SCATTERED = 32  # points, the mean run within a cell, that are too few


def _terrain(batch: PointBatch, surface: Dem | None) -> NDArray[np.float64]:
    """Return the heights of the terrain under points. Raises AlignsarError without a surface."""
    if surface is None:
        raise AlignsarError(
            "heights above the terrain, and points without heights, need a DEM; name one (dem.path)"
        )
    return surface.height_at(batch.longitude, batch.latitude)


def height_above_ellipsoid(batch: PointBatch, surface: Dem | None) -> NDArray[np.float64]:
    """Return heights (n,) above the ellipsoid, m; NaN where they count from the terrain and the DEM has a hole."""
    if batch.above_terrain is None:
        return batch.height
    return _terrain(batch, surface) + batch.above_terrain


def points_to_radar(
    batch: PointBatch, grid: RadarGrid, orbit: Orbit, surface: Dem | None, doppler: Doppler | None = None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the fractional line and sample (n,) of points, by the range and Doppler of each.

    A point's own height moves it in range, by -cos(incidence) / range_spacing samples a metre: a roof lies
    nearer to the sensor than the ground that it stands on. Points whose heights count from the terrain are put on
    ``surface`` first. Positions do not depend on the order of the points, to 1e-7 of a pixel.

    NaN where there is no time within the orbit, on the other side of the track than the antenna looks to, and
    where the surface has a hole. Raises AlignsarError where a surface is needed and there is none, or where
    the grid's times and the orbit's count from different days.
    """
    orbit.require_epoch_of(grid)
    height = height_above_ellipsoid(batch, surface)
    order = _neighbours_together(batch)
    time, slant_range = ground_to_radar(
        orbit,
        _rows(batch.longitude, order),
        _rows(batch.latitude, order),
        _rows(height, order),
        grid.azimuth_time(0.5 * (grid.lines - 1)),
        doppler=doppler,
        wavelength=grid.wavelength,
    )
    line, sample = (np.empty(len(batch)) for _ in range(2))
    line[order] = grid.line(time).reshape(-1)[: len(batch)]
    sample[order] = grid.sample(slant_range).reshape(-1)[: len(batch)]
    side = np.float32(-1.0 if grid.look_side == "right" else 1.0)
    unseen = ~(_left_of_track(batch, grid.azimuth_time(line), orbit) * side > 0)
    line[unseen] = sample[unseen] = np.nan
    return line, sample


def _neighbours_together(batch: PointBatch) -> NDArray[np.intp] | slice:
    """Return an order in which consecutive points are neighbours on the ground, as those of a scan are.

    The kernels solve segments of such points in a quarter of the time.
    """
    key = np.zeros(len(batch), dtype=np.uint16)
    for degrees in (batch.latitude, batch.longitude):
        if len(batch):
            low = degrees.min()
            cell = max(CELL, (degrees.max() - low) / 255.0)
            key = key * np.uint16(256) + ((degrees - low) / cell).astype(np.uint16)
    scattered = np.count_nonzero(key[1:] != key[:-1]) > len(batch) // SCATTERED
    return np.argsort(key, kind="stable") if scattered else slice(None)


def _rows(values: NDArray[np.float64], order: NDArray[np.intp] | slice) -> NDArray[np.float64]:
    """Arrange values in rows of a segment each, which kernels work on at the same time; NaN after the last."""
    rows = np.full((-(-len(values) // SEGMENT), SEGMENT), np.nan)
    rows.reshape(-1)[: len(values)] = values[order]
    return rows


def _left_of_track(batch: PointBatch, time: NDArray[np.float64], orbit: Orbit) -> NDArray[np.float32]:
    """Return on which side of the plane through track and Earth's centre points lie: positive for the left.

    P x V is perpendicular to that plane and points to the left of a satellite at P with velocity V. In
    float32: a kilometre from the track the sign may be wrong. NaN where the time is.
    """
    known = np.isfinite(time)
    if not known.any():
        return np.full(time.shape, np.nan, dtype=np.float32)
    first, last = time[known].min(), time[known].max()
    nodes = np.linspace(first, last, int((last - first) / NODE_SECONDS) + 2)
    normal = np.cross(orbit.position_at(nodes), orbit.velocity_at(nodes)).astype(np.float32)
    place = (np.where(known, time, first) - first) * ((len(nodes) - 1) / max(last - first, NODE_SECONDS))
    x, y, z = normal[np.rint(place).astype(np.intp)].T
    lon, lat = np.radians(batch.longitude.astype(np.float32)), np.radians(batch.latitude.astype(np.float32))
    total = np.cos(lat) * (np.cos(lon) * x + np.sin(lon) * y) + np.sin(lat) * z
    return np.where(known, total, np.float32(np.nan))


def point_values(batch: PointBatch, above: str, surface: Dem | None) -> NDArray[np.float64]:
    """Return the values (n,) that statistics are made of: the attribute that was asked for, or heights in metres.

    Heights are ``above`` the "ellipsoid" of WGS84, or above the "terrain" of ``surface`` under each point (heights
    of trees and roofs); NaN where that has a hole. Raises AlignsarError where a surface is needed and there is none.
    """
    if batch.value is not None:
        return batch.value
    if above == "ellipsoid":
        return height_above_ellipsoid(batch, surface)
    return batch.height - _terrain(batch, surface) if batch.above_terrain is None else batch.above_terrain
