"""Terrain of a simulated scene: fractal ground with valleys and lakes, or the posts of a given DEM."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import grey_dilation, grey_erosion, label

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.simulate.ground.drainage import drain
from alignsar_gpu.simulate.ground.noise import NoiseField, power_law
from alignsar_gpu.simulate.ground.raster import Raster, metres_per_degree

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.geometry.dem.dem import Dem
    from alignsar_gpu.simulate.ground.raster import Bounds

TERRAIN_STREAM = 30
COARSE = 500  # cells of the long side, in which valleys and lakes are found
STEEPEST_RIVER = 0.3  # exponent of drained cells by which the steepest bed of a river falls
STEEP = 0.97  # quantile of the slopes on the way down: the steepest bed of a brook, and the steepest hillside
SLIDES = 60  # cells over which a hillside above a cut valley is laid back
GENTLEST_RIVER = 2e-5  # m per m, on the floor of a filled hollow
LAKES = 0.02  # of the area, at most, as many of the largest filled hollows
LAKE_CELLS = 12
FREEBOARD = 2.0  # m from the water of a lake to the lip over which it would spill
ROWS = 512  # worked on at a time


def fractal_terrain(
    bounds: Bounds,
    posting_metres: float,
    seed: int,
    relief: float = 250.0,
    roughness: float = 0.85,
    base_height: float = 50.0,
    *,
    valleys: bool = True,
    sea_share: float = 0.0,
) -> Raster:
    """Generate heights in metres above the ellipsoid (float32) over ``bounds``; same arguments, same bytes.

    Parameters
    ----------
    relief : m, from the lowest post, which is at ``base_height``, to the highest; 0 gives a plane.
    roughness : Hurst exponent H, 0.5 (rugged) to 1 (smooth): heights a distance d apart differ by about d^H,
        and the two-dimensional power spectral density falls as frequency^-(2 H + 2).
    valleys : whether running water has cut valleys and filled hollows, the largest of which are lakes: planes
        2 m below the lip over which they would spill.
    sea_share : of the area, the lowest ground, is a plane at ``base_height``.

    Raises AlignsarError for a value out of its bounds.
    """
    if not (np.isfinite([relief, base_height]).all() and 0.0 <= relief <= 8000.0):
        raise AlignsarError(
            f"simulated terrain: relief must lie in 0 to 8000 m and base_height be a number, got {relief:g}, "
            f"{base_height:g}"
        )
    if not 0.5 <= roughness <= 1.0:
        raise AlignsarError(f"simulated terrain: roughness must lie in 0.5 to 1, got {roughness:g}")
    if not 0.0 <= sea_share <= 0.9:
        raise AlignsarError(
            f"simulated terrain: sea_share must lie in 0 to 0.9 of the area, got {sea_share:g}"
        )
    terrain = Raster.over(bounds, posting_metres, base_height, np.float32, "simulated terrain")
    if relief == 0.0:
        return terrain
    rng = np.random.default_rng((seed, TERRAIN_STREAM))
    heights = power_law(terrain.shape, terrain.posting, 2.0 * roughness + 2.0, rng)
    heights = _scaled(heights, relief)
    if valleys:
        _cut_valleys(heights, terrain.posting)
    if sea_share > 0.0:
        sea = np.quantile(
            heights[:: 1 + heights.shape[0] // 1000, :: 1 + heights.shape[1] // 1000], sea_share
        )
        np.maximum(heights, np.float32(sea), out=heights)
    heights = _scaled(heights, relief)
    heights += np.float32(base_height)
    return terrain.with_values(heights)


def _scaled(heights: NDArray[np.float32], relief: float) -> NDArray[np.float32]:
    """From 0 to ``relief``, in place."""
    lowest, highest = float(heights.min()), float(heights.max())
    heights -= np.float32(lowest)
    heights *= np.float32(relief / (highest - lowest))
    return heights


def coarse_heights(terrain: Raster, most: int = COARSE) -> NoiseField:
    """Sample the heights of ``terrain`` at about ``most`` x ``most`` posts or fewer, in its plane."""
    step = max(1, int(np.ceil(max(terrain.shape) / most)))
    values = terrain.values[::step, ::step].astype(np.float32)
    if min(values.shape) < 2:  # a strip
        step, values = 1, terrain.values.astype(np.float32)
    down, across = terrain.posting
    return NoiseField(values=values, spacing=(step * down, step * across))


def _cut_valleys(heights: NDArray[np.float32], posting: tuple[float, float]) -> None:
    """Cut valleys, fill hollows and lay lakes, in place.

    From the outlets upwards the ground may rise no more steeply than the water that drains there leaves it,
    the less the more water, and must not fall. This is done in coarse cells; the difference is added to the
    posts, which keep their own small forms except on lakes.
    """
    step = max(1, int(np.ceil(max(heights.shape) / COARSE)))
    coarse = heights[::step, ::step].copy()
    if min(coarse.shape) < 3:
        return
    spacing = step * posting[0], step * posting[1]
    drainage = drain(coarse)
    flat, below = coarse.ravel().astype(np.float64), drainage.downstream
    inner = np.flatnonzero(below >= 0)
    drop = np.abs(flat[inner] - flat[below[inner]])
    length = float(np.mean(spacing))
    steepest = np.quantile(drop, STEEP) * drainage.cells.ravel() ** -STEEPEST_RIVER
    cut = flat.tolist()
    rise, way, next_down = steepest.tolist(), drainage.order.tolist(), below.tolist()
    for cell in way:
        if (under := next_down[cell]) >= 0:
            bed = cut[under]
            cut[cell] = min(max(cut[cell], bed + GENTLEST_RIVER * length), bed + rise[cell])
    ground = np.array(cut, dtype=np.float32).reshape(coarse.shape)
    _lay_back(ground, float(np.quantile(drop, STEEP)))
    lakes = _lakes(coarse, ground)
    change = NoiseField(values=ground - coarse, spacing=spacing)
    x = posting[1] * np.arange(heights.shape[1], dtype=np.float64)
    for first in range(0, heights.shape[0], ROWS):
        part = heights[first : first + ROWS]
        y = posting[0] * np.arange(first, first + len(part), dtype=np.float64)
        part += change.on(x, y)
        level = NoiseField(values=lakes, spacing=spacing).nearest(x, y)
        np.maximum(part, level, out=part)


def _lay_back(ground: NDArray[np.float32], step: float) -> None:
    """Take away, in place, what stands more than ``step`` metres above a neighbour (1.4 across a corner)."""
    steps = np.float32(step) * np.array(
        [[np.sqrt(2.0), 1.0, np.sqrt(2.0)], [1.0, 0.0, 1.0], [np.sqrt(2.0), 1.0, np.sqrt(2.0)]], np.float32
    )
    for _ in range(SLIDES):
        lowered = grey_erosion(ground, structure=-steps, mode="nearest")
        if np.array_equal(lowered, ground):
            break
        ground[:] = lowered


def _lakes(before: NDArray[np.float32], after: NDArray[np.float32]) -> NDArray[np.float32]:
    """Water level in the largest filled hollows and in the cells around them, -inf elsewhere.

    In ``after`` they become hollows again.
    """
    filled, count = label(after > before + FREEBOARD, structure=np.ones((3, 3)))
    level = np.full(before.shape, -np.inf, dtype=np.float32)
    sizes = np.bincount(filled.ravel(), minlength=count + 1)
    room = LAKES * before.size
    for number in (np.argsort(-sizes[1:], kind="stable") + 1).tolist():
        if sizes[number] < LAKE_CELLS:
            break
        if sizes[number] <= room:
            room -= sizes[number]
            here = filled == number
            level[here] = after[here].min() - FREEBOARD
            after[here] = np.minimum(before[here], level[here] - 1.0)
    return np.asarray(grey_dilation(level, size=(3, 3)), dtype=np.float32)


def terrain_from(dem: Dem, bounds: Bounds) -> Raster:
    """Resample a given DEM to heights above the ellipsoid (float32) over ``bounds``.

    Its posts as they are where the DEM is in longitude and latitude on WGS84 with north up; otherwise its
    surface at a similar posting. Raises AlignsarError where the DEM does not cover the bounds or has holes.
    """
    corners = (
        [bounds.west, bounds.east, bounds.east, bounds.west],
        [
            bounds.north,
            bounds.north,
            bounds.south,
            bounds.south,
        ],
    )
    dem.require(*corners, "the simulated scene")
    terrain = _posts_of(dem, bounds, corners) if dem.frame.on_axes else _sampled(dem, bounds)
    holes = np.isnan(terrain.values)
    if holes.any():
        row, column = np.unravel_index(int(np.argmax(holes)), holes.shape)
        raise AlignsarError(
            f"DEM {dem.source}: has {np.count_nonzero(holes)} posts without height in the simulated scene, the "
            f"first at longitude {terrain.longitudes[column]:.6f}, latitude {terrain.latitudes[row]:.6f}: fill its "
            "holes (gdal_fillnodata) or move the scene"
        )
    return terrain


def _posts_of(dem: Dem, bounds: Bounds, corners: tuple[list[float], list[float]]) -> Raster:
    rows, columns = dem.window(*corners, 0)
    posts = dem.posts(rows, columns)
    longitude, latitude = posts.longitude[0], posts.latitude[:, 0]
    height = posts.height.astype(np.float32)
    if longitude[1] < longitude[0]:
        longitude, height = longitude[::-1], height[:, ::-1]
    if latitude[1] > latitude[0]:
        latitude, height = latitude[::-1], height[::-1]
    middle = 0.5 * (longitude[0] + longitude[-1])
    turn = 360.0 * float(np.rint((bounds.middle[0] - middle) / 360.0))
    return Raster(
        longitude=float(longitude[0]) + turn,
        latitude=float(latitude[0]),
        step_longitude=float(longitude[-1] - longitude[0]) / (len(longitude) - 1),
        step_latitude=float(latitude[0] - latitude[-1]) / (len(latitude) - 1),
        values=np.ascontiguousarray(height),
    )


def _sampled(dem: Dem, bounds: Bounds) -> Raster:
    """At posts between west and east, south and north, not beyond: the DEM may end there."""
    wide, high = bounds.size
    columns, rows = (max(2, int(np.ceil(length / dem.posting)) + 1) for length in (wide, high))
    east, north = metres_per_degree(bounds.middle[1])
    terrain = Raster(
        longitude=bounds.west,
        latitude=bounds.north,
        step_longitude=wide / east / (columns - 1),
        step_latitude=high / north / (rows - 1),
        values=np.empty((rows, columns), dtype=np.float32),
    )
    for row, latitude in enumerate(terrain.latitudes):
        terrain.values[row] = dem.height_at(terrain.longitudes, np.full(columns, max(latitude, bounds.south)))
    return terrain
