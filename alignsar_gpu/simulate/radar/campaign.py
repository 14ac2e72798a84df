"""A simulated campaign: several dates of one scene."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.simulate.geometry import ellipsoid_point, solve_ground
from alignsar_gpu.simulate.ground.raster import Bounds, metres_per_degree
from alignsar_gpu.simulate.radar.ground_mesh import ground_mesh, zero_doppler
from alignsar_gpu.simulate.radar.lattice import LINE_STEP, SAMPLE_STEP, SPARE_HEIGHT, Lattice
from alignsar_gpu.simulate.radar.radiometry import tabulate

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.simulate.ground.atmosphere import Delay
    from alignsar_gpu.simulate.ground.raster import Raster
    from alignsar_gpu.simulate.ground.scene import GroundScene
    from alignsar_gpu.simulate.ground.targets.targets import PointTarget
    from alignsar_gpu.simulate.radar.ground_mesh import GroundMesh
    from alignsar_gpu.simulate.radar.passes.view import PassView
    from alignsar_gpu.simulate.radar.radiometry import Radiometry

SPARE_TIME = 0.5  # s before and after the bursts: what blocks reach beyond them, and how far dates are apart
SPARE_RANGE = 1500.0  # m, likewise
SPARE_GROUND = 4000.0  # m of scene around the bursts


@dataclass(frozen=True, kw_only=True, eq=False)
class Campaign:
    """What all dates of a campaign share: ground mesh, scatterers, scene.

    Attributes
    ----------
    mesh, lattice : where the ground is, and the scatterers on it.
    workers : threads of the FFTs.
    """

    mesh: GroundMesh
    lattice: Lattice
    scene: GroundScene
    seed: int
    workers: int


@dataclass(frozen=True, kw_only=True, eq=False)
class GroundState:
    """State of the scene on one date."""

    heights: Raster
    cover: Raster
    motion: Raster
    delay: Delay
    targets: Sequence[PointTarget]
    radiometry: Radiometry


def ground_on(scene: GroundScene, date: int) -> GroundState:
    """Return the state of the scene on a date (its index)."""
    return GroundState(
        heights=scene.heights,
        cover=scene.cover(date),
        motion=scene.motion(date),
        delay=scene.delay(date),
        targets=[one for one in scene.targets if date in one.dates],
        radiometry=tabulate(scene.classes_on(date), scene.days, date),
    )


def _outline(views: Sequence[PassView], height: float) -> NDArray[np.float64]:
    """Corners and middles of the sides of all bursts (n, 2): longitude and latitude at one height, degrees.

    As the true passes see them; longitudes do not jump by a turn.
    """
    places: list[tuple[float, float]] = []
    for view in views:
        for burst in view.product.bursts:
            grid, (lines, samples) = burst.grid, burst.valid
            start = places[0] if places else tuple(burst.footprint.mean(axis=0))
            for line in (lines.start, 0.5 * (lines.start + lines.stop), lines.stop):
                for sample in (samples.start, 0.5 * (samples.start + samples.stop), samples.stop):
                    time = float(grid.azimuth_time(line)) - view.azimuth_error
                    slant_range = float(grid.slant_range(sample)) - view.range_error
                    places.append(solve_ground(view.satellite, time, slant_range, height, start))
    return np.array(places)


def scene_bounds(views: Sequence[PassView], heights: tuple[float, float]) -> Bounds:
    """Compute the bounds that the scene must cover, for terrain between two heights (m): all bursts plus a margin."""
    outline = np.concatenate([_outline(views, height) for height in sorted(set(heights))])
    south, north = outline[:, 1].min(), outline[:, 1].max()
    east, up = metres_per_degree(0.5 * (south + north))
    reach = SPARE_GROUND + (heights[1] - heights[0])  # what stands before a burst may throw a shadow into it
    return Bounds(
        west=float(outline[:, 0].min() - reach / east),
        south=float(south - reach / up),
        east=float(outline[:, 0].max() + reach / east),
        north=float(north + reach / up),
    )


def make_campaign(
    views: Sequence[PassView], reference: int, scene: GroundScene, seed: int, workers: int
) -> Campaign:
    """Make the campaign of all ``views``, with the geometry of the view ``reference``."""
    own = views[reference]
    lowest, highest = scene.lowest_and_highest
    heights = lowest - 2.0 * SPARE_HEIGHT, highest + 2.0 * SPARE_HEIGHT
    outline = _outline(views, sum(heights) / 2.0)
    points = ellipsoid_point(outline[:, 0], outline[:, 1], np.full(len(outline), sum(heights) / 2.0))
    time = zero_doppler(own.satellite, points, np.full(len(points), own.satellite.centre_time))
    slant_range: NDArray[np.float64] = np.linalg.norm(own.satellite.position(time) - points, axis=-1)
    relief = heights[1] - heights[0]
    mesh = ground_mesh(
        own.satellite,
        (float(time.min()) - SPARE_TIME, float(time.max()) + SPARE_TIME),
        (
            float(slant_range.min()) - SPARE_RANGE - 1.5 * relief,
            float(slant_range.max()) + SPARE_RANGE + 1.5 * relief,
        ),
        heights,
        (float(outline[:, 0].mean()), float(outline[:, 1].mean())),
    )
    grid = own.product.bursts[0].grid
    lattice = Lattice(
        first_time=grid.first_azimuth_time,
        first_slant_range=grid.first_slant_range,
        time_step=LINE_STEP * grid.azimuth_interval,
        range_step=SAMPLE_STEP * grid.range_spacing,
    )
    return Campaign(mesh=mesh, lattice=lattice, scene=scene, seed=seed, workers=workers)
