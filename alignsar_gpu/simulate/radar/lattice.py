"""The scatterers of a campaign: a lattice on the ground, the same for every date, burst and subswath.

A scatterer is named by two whole numbers, its row and column: where the reference pass sees it on the ellipsoid.
Its place on Earth and its random numbers follow from them alone. Rows and columns are denser than the lines and
samples of the images, so that the echoes of level ground, and of slopes that are not steeper than the line of
sight, make up fully developed speckle of even power; along the track every scatterer lies anywhere in its cell.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import chebyshev

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.kernels.driving.threads import in_threads
from alignsar_gpu.simulate.radar import loops
from alignsar_gpu.simulate.radar.ground_mesh import look_mesh

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.simulate.ground.raster import Raster
    from alignsar_gpu.simulate.radar.ground_mesh import ChebyshevSeries, GroundMesh

LINE_STEP, SAMPLE_STEP = 0.75, 0.6  # of the lattice, in lines and samples
SPARE = 3  # rows and columns around what is needed, for slopes
SPARE_HEIGHT = 2.0  # m, above and below the terrain: motion
PROBES = 9  # places each way where the limits of a patch are looked for


@dataclass(frozen=True, kw_only=True)
class Lattice:
    """Lattice of scatterers in ``time`` (s) and ``slant_range`` (m) of the reference: origin and steps."""

    first_time: float
    first_slant_range: float
    time_step: float
    range_step: float

    def rows(self, low: float, high: float) -> tuple[int, int]:
        """Return the first row, and the one after the last, between two times and a little around them."""
        return _whole((low - self.first_time) / self.time_step, (high - self.first_time) / self.time_step)

    def columns(self, low: float, high: float) -> tuple[int, int]:
        """Return the first column, and the one after the last, between two slant ranges and a little around them."""
        near, far = low - self.first_slant_range, high - self.first_slant_range
        return _whole(near / self.range_step, far / self.range_step)


def _whole(low: float, high: float) -> tuple[int, int]:
    return int(np.floor(low)) - SPARE, int(np.ceil(high)) + SPARE + 1


@dataclass(frozen=True, kw_only=True, eq=False)
class LatticePatch:
    """The scatterers that may be visible in a block of an image.

    Attributes
    ----------
    mesh : the ground there.
    rows, columns : numbers of the first.
    u, v : (row,) s and (column,) m.
    by_u, by_v : (row, i), (column, j) Chebyshev polynomials there.
    incidence : (column,) radians, of level ground.
    ground : (3, row, column): height (m), cosine of the local incidence angle (negative where the facet is not
        seen), area of the facet on the ground (m^2).
    """

    mesh: GroundMesh
    rows: int
    columns: int
    u: NDArray[np.float64]
    v: NDArray[np.float64]
    by_u: NDArray[np.float64]
    by_v: NDArray[np.float64]
    incidence: NDArray[np.float64]
    ground: NDArray[np.float64]


def frame_of(raster: Raster) -> NDArray[np.float64]:
    """Return longitude and latitude of a raster's first cell, and its steps, as the loops need them."""
    return np.array([raster.longitude, raster.latitude, raster.step_longitude, raster.step_latitude])


def terrain_limits(mesh: GroundMesh, heights: Raster, u: ArrayLike, v: ArrayLike) -> tuple[float, float]:
    """Find the lowest and highest height in the area of (u, v), with a margin."""
    longitude, latitude = mesh.coordinates(*np.meshgrid(u, v))
    rows = (heights.latitude - latitude) / heights.step_latitude
    columns = (longitude - heights.longitude) / heights.step_longitude
    count = heights.values.shape
    inside = heights.values[
        max(int(rows.min()) - 2, 0) : min(int(rows.max()) + 4, count[0]),
        max(int(columns.min()) - 2, 0) : min(int(columns.max()) + 4, count[1]),
    ]
    if not inside.size:
        raise AlignsarError("simulated products: the terrain does not cover what the radar sees")
    return float(inside.min()) - SPARE_HEIGHT, float(inside.max()) + SPARE_HEIGHT


def find_patch(
    mesh: GroundMesh,
    lattice: Lattice,
    sight: ChebyshevSeries,
    heights: Raster,
    times: tuple[float, float],
    slant_ranges: tuple[float, float],
) -> LatticePatch:
    """Find all scatterers that a pass sees between two zero-Doppler times (s) and slant ranges (m).

    ``sight`` is the pass's over the whole campaign. Raises AlignsarError where the terrain has no heights.
    """
    low, high = mesh.box
    box = np.stack(
        [low, high]
    )  # lowest and highest u, v and height, narrowed down: they depend on each other
    for _ in range(3):
        probes = np.linspace(box[0], box[1], PROBES).T
        later, farther = sight(*np.meshgrid(*probes, indexing="ij"))
        box[:, 0] = times[0] - later.max(), times[1] - later.min()
        box[:, 1] = slant_ranges[0] - farther.max(), slant_ranges[1] - farther.min()
        box[:, :2] = np.clip(box[:, :2], low[:2], high[:2])
        box[:, 2] = terrain_limits(mesh, heights, *np.linspace(box[0], box[1], PROBES).T[:2])
    limits = float(box[0, 2]), float(box[1, 2])
    # What throws a shadow into the block may stand before it.
    relief = limits[1] - limits[0]
    incidence = float(mesh.incidence(box[1, 0], box[1, 1]))
    near = max(float(box[0, 1]) - relief * np.tan(incidence) * np.sin(incidence), float(low[1]))
    return _patch(
        mesh, lattice, heights, (float(box[0, 0]), float(box[1, 0])), (near, float(box[1, 1])), limits
    )


def _patch(
    mesh: GroundMesh,
    lattice: Lattice,
    heights: Raster,
    times: tuple[float, float],
    slant_ranges: tuple[float, float],
    limits: tuple[float, float],
) -> LatticePatch:
    (top, bottom), (left, right) = lattice.rows(*times), lattice.columns(*slant_ranges)
    u = lattice.first_time + lattice.time_step * np.arange(top, bottom, dtype=np.float64)
    v = lattice.first_slant_range + lattice.range_step * np.arange(left, right, dtype=np.float64)
    local = mesh.within((u[0], u[-1]), (v[0], v[-1]), limits)
    degrees = local.degrees
    by_u, by_v = (
        chebyshev.chebvander(local.coordinates.scaled(axis, at), degrees[axis]).astype(np.float64)
        for axis, at in enumerate((u, v))
    )
    ground = np.empty((3, len(u), len(v)))
    coordinates = local.coordinates.coefficients[..., np.newaxis]
    in_threads(loops.lay, len(u), by_u, by_v, coordinates, heights.values, frame_of(heights), ground[0])
    if not np.isfinite(ground[0]).all():
        missing = np.argwhere(~np.isfinite(ground[0]))[0]
        longitude, latitude = local.coordinates(u[missing[0]], v[missing[1]])
        raise AlignsarError(
            f"simulated products: the terrain has no height at {longitude:.4f} E {latitude:.4f} N, which the radar "
            "sees; give a DEM that covers the scene and some kilometres around it, or fewer bursts"
        )
    middle = np.full(len(v), 0.5 * (u[0] + u[-1]))
    incidence = np.asarray(local.incidence(middle, v))
    spacing = _spacing(local, middle, v, lattice)
    in_threads(
        loops.light,
        len(u),
        by_u,
        by_v,
        look_mesh(local).coefficients[0],
        np.array(limits),
        ground[0],
        spacing,
        incidence,
        ground[1],
        ground[2],
    )
    ground[2] *= spacing[0] * spacing[1]
    return LatticePatch(
        mesh=local,
        rows=top,
        columns=left,
        u=u,
        v=v,
        by_u=by_u,
        by_v=by_v,
        incidence=incidence,
        ground=ground,
    )


def _spacing(
    mesh: GroundMesh, u: NDArray[np.float64], v: NDArray[np.float64], lattice: Lattice
) -> NDArray[np.float64]:
    """Distances (2, column) on the level ground from row to row and from column to column, metres."""
    steps = (0.5 * lattice.time_step, 0.0), (0.0, 0.5 * lattice.range_step)
    apart = np.stack([mesh.points(u + a, v + b) - mesh.points(u - a, v - b) for a, b in steps])
    return np.asarray(np.linalg.norm(apart, axis=-1))
