"""Lakes and rivers of a generated map, where the terrain collects water."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from scipy.ndimage import distance_transform_edt, grey_dilation, label

from alignsar_gpu.simulate.ground.drainage import drain
from alignsar_gpu.simulate.ground.noise import NoiseField
from alignsar_gpu.simulate.ground.terrain import FREEBOARD, coarse_heights

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.simulate.ground.raster import Raster

ROUGH = 0.3  # m of chance added to heights: which way water goes where the ground is flat
ROUGH_ON_A_PLANE = 4.0  # m, where there is less relief than this
WAVES = 2500.0  # m
SHALLOWEST = 0.5 * FREEBOARD  # m: a hollow that is less deep is no lake
SOURCE = 0.012  # of the map's area: as much must drain through a river
NARROWEST = 0.12  # of the width of the largest river
TURN = 4  # cells of a river's way from one of its bends to the next
SEA_SWELL = 0.01  # m: ground that lies at the level of the sea but for rounding is sea
DRY = np.float32(-1e9)


@dataclass(frozen=True, kw_only=True, eq=False)
class Waters:
    """Lakes, rivers and sea, in the plane of the terrain (metres).

    Attributes
    ----------
    level : heights below which ground is lake, far below everything elsewhere; taken at the nearest node.
    sea_level : m, up to which ground is sea wherever it lies; far below everything without a sea.
    courses : rivers as lines, one a river.
    banks : the same as polygons of their width.
    distance : metres to the nearest lake or sea, of the coarse terrain.
    heights : the coarse terrain, m.
    """

    level: NoiseField
    sea_level: float
    courses: NDArray[Any]
    banks: NDArray[Any]
    distance: NoiseField
    heights: NoiseField


def find_waters(
    terrain: Raster, rng: np.random.Generator, *, lakes: float, river_width: float, sea_level: float | None
) -> Waters:
    """Find lakes on at most the share ``lakes`` of the area, rivers up to ``river_width`` m wide, and the sea."""
    heights = coarse_heights(terrain)
    shape = heights.values.shape
    size = tuple(count * step for count, step in zip(terrain.shape, terrain.posting, strict=True))
    rough = ROUGH if float(np.ptp(terrain.values)) > ROUGH_ON_A_PLANE else ROUGH_ON_A_PLANE
    chance = NoiseField.noise((size[0], size[1]), min(WAVES / 4.0, min(size) / 4.0), WAVES, rng)
    x, y = (step * np.arange(count) for step, count in zip(heights.spacing[::-1], shape[::-1], strict=True))
    ground = heights.values + np.float32(rough) * chance.on(x, y)
    drainage = drain(ground)
    level = _lake_levels(ground, drainage.level, lakes)
    sea = float(DRY) if sea_level is None else sea_level + SEA_SWELL
    wet = (level > DRY) | (heights.values <= sea)
    down, across = heights.spacing
    away = (
        distance_transform_edt(~wet, sampling=(down, across))
        if wet.any()
        else np.full(shape, down * sum(shape))
    )
    spread = grey_dilation(level, size=(3, 3))
    courses, banks = _rivers(drainage.rivers(SOURCE * ground.size), drainage.cells, heights, river_width, rng)
    return Waters(
        level=NoiseField(values=spread, spacing=heights.spacing),
        sea_level=sea,
        courses=courses,
        banks=banks,
        distance=NoiseField(values=np.asarray(away, dtype=np.float32), spacing=heights.spacing),
        heights=heights,
    )


def _lake_levels(
    ground: NDArray[np.float32], level: NDArray[np.float32], share: float
) -> NDArray[np.float32]:
    """Heights below which ground is lake, in the cells of the largest hollows; DRY elsewhere."""
    hollows, count = label(level - ground > SHALLOWEST, structure=np.ones((3, 3)))
    below = np.full(ground.shape, DRY, dtype=np.float32)
    sizes = np.bincount(hollows.ravel(), minlength=count + 1)
    room = share * ground.size
    for number in (np.argsort(-sizes[1:], kind="stable") + 1).tolist():
        if sizes[number] < 4:
            break
        if sizes[number] <= room:
            room -= sizes[number]
            here = hollows == number
            below[here] = level[here] - SHALLOWEST
    return below


def _rivers(
    ways: list[NDArray[np.int64]],
    cells: NDArray[np.int64],
    heights: NoiseField,
    widest: float,
    rng: np.random.Generator,
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Lines and banks of rivers that wind along their ways; the width grows as the root of what drains."""
    down, across = heights.spacing
    columns = cells.shape[1]
    most = float(cells.max())
    joined: set[int] = set()
    lines: list[Any] = []
    banks: list[NDArray[Any]] = []
    for way in ways:
        if len(way) < 3:
            continue
        bends = np.unique(np.append(np.arange(0, len(way), TURN), len(way) - 1))
        row, column = np.divmod(way[bends], columns)
        points = np.column_stack([column * across, row * down]).astype(np.float64)
        points[1:-1] += rng.uniform(-0.6, 0.6, (len(points) - 2, 2)) * (across, down)
        drained = cells.ravel()[way[bends]].astype(np.float64)
        drained[-1] = drained[-2]  # not that of the river it flows into
        width = widest * np.maximum(NARROWEST, np.sqrt(drained / most))
        if lines and way[-1] in joined:  # exactly into the river it joins
            end = shapely.points(points[-1])
            nearest = lines[int(np.argmin(shapely.distance(np.array(lines, dtype=object), end)))]
            points[-1] = shapely.get_coordinates(
                shapely.line_interpolate_point(nearest, shapely.line_locate_point(nearest, end))
            )[0]
        joined.update(way.tolist())
        curve = rounded(points)
        lines.append(shapely.linestrings(curve))
        pieces = shapely.linestrings(np.stack([curve[:-1], curve[1:]], axis=1))
        thick = np.interp(np.linspace(0.0, 1.0, len(pieces)), np.linspace(0.0, 1.0, len(width)), width)
        banks.append(shapely.buffer(pieces, 0.5 * thick, quad_segs=4))
    empty: NDArray[Any] = np.empty(0, dtype=object)
    return (np.array(lines, dtype=object) if lines else empty, np.concatenate(banks) if banks else empty)


def rounded(points: NDArray[np.float64], times: int = 3) -> NDArray[np.float64]:
    """Round a line (n, 2) by cutting its corners ``times`` times (Chaikin, 1974); its ends stay."""
    for _ in range(times):
        if len(points) < 3:
            break
        near = 0.75 * points[:-1] + 0.25 * points[1:]
        far = 0.25 * points[:-1] + 0.75 * points[1:]
        inner = np.stack([near, far], axis=1).reshape(-1, 2)
        points = np.concatenate([points[:1], inner[1:-1], points[-1:]])
    return points
