"""Roads, railways and blocks of farmland of a generated map, as shapes in the plane of the terrain."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from scipy.sparse.csgraph import dijkstra, minimum_spanning_tree
from scipy.spatial import Voronoi

from alignsar_gpu.simulate.ground.graph import graph_of
from alignsar_gpu.simulate.ground.land.water import rounded
from alignsar_gpu.simulate.ground.noise import NoiseField

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.simulate.ground.land.water import Waters

JITTER = 0.30  # of the block size, by which the middles of blocks leave their lattice
BENDS = ((0.22, 4.0), (0.07, 1.1))  # amplitude and wave length of what bends edges, in block sizes
PIECES = 6  # that a straight edge is cut into before it is bent
SHORE = 80.0  # m from a lake within which no small road goes
BRIDGE = 25.0  # how much longer a way over a river is taken for
LOOPS = 0.42  # of the edges that the network does not need, so many are roads
ROUTES = 160  # cells of the long side, in which main roads and railways look for their way
SPACING = 5  # cells of a way from one of its bends to the next
THROUGH_LAKE, UPHILL = 60.0, 25.0  # cost of a cell of lake, and of a slope of 1


@dataclass(frozen=True, kw_only=True, eq=False)
class Farmland:
    """Blocks of fields (polygons that tile the map), and the small roads between them (lines)."""

    blocks: NDArray[Any]
    roads: NDArray[Any]
    bridges: NDArray[Any]


def lay_out_farmland(
    size: tuple[float, float], block: float, waters: Waters, rng: np.random.Generator
) -> Farmland:
    """Lay out blocks about ``block`` metres wide over ``size`` metres (down, across).

    Blocks are Voronoi cells of a shaken brick lattice, bent by noise. The small roads are a spanning tree of
    their edges, which crosses rivers where it must (``bridges``), without some of its dead ends, and some of
    the other edges.
    """
    rows, columns = (int(np.ceil(length / block)) + 6 for length in size)
    i, j = np.meshgrid(np.arange(rows) - 2.5, np.arange(columns) - 2.5, indexing="ij")
    seeds = np.column_stack([(j + 0.5 * (np.arange(rows)[:, np.newaxis] % 2)).ravel(), i.ravel()]) * block
    seeds += rng.uniform(-JITTER * block, JITTER * block, seeds.shape)
    cells = Voronoi(seeds)
    bends = [
        (amplitude * block, NoiseField.noise(size, 0.2 * wave * block, wave * block, rng))
        for amplitude, wave in BENDS
        for _ in range(2)
    ]

    def bend(points: NDArray[np.float64]) -> NDArray[np.float64]:
        moved = points.copy()
        for axis, (amplitude, field) in enumerate(bends):
            moved[:, axis % 2] += amplitude * field.at(points[:, 0], points[:, 1])
        return moved

    longest = block / PIECES
    half = 0.5 * np.array(size)[::-1]
    near = (np.abs(cells.vertices - half) <= half + 2.0 * block).all(axis=1)  # the outermost reach far away
    blocks = shapely.transform(shapely.segmentize(_cell_polygons(cells, near), longest), bend)
    ridges = np.asarray(cells.ridge_vertices)
    ridges = ridges[((ridges >= 0) & near[ridges]).all(axis=1)]
    edges = shapely.transform(shapely.segmentize(shapely.linestrings(cells.vertices[ridges]), longest), bend)
    ends = ridges
    dry_ground = _clear_of_lakes(edges, waters)
    edges, ends = edges[dry_ground], ends[dry_ground]
    wet = np.zeros(len(edges), dtype=bool)
    if len(waters.banks):
        wet[np.unique(shapely.STRtree(edges).query(waters.banks, predicate="intersects")[1])] = True
    kept = _network(ends, shapely.length(edges), wet, len(cells.vertices), rng)
    return Farmland(blocks=blocks, roads=edges[kept & ~wet], bridges=edges[kept & wet])


def _cell_polygons(cells: Voronoi, near: NDArray[np.bool_]) -> NDArray[Any]:
    """The cells all of whose vertices are ``near``, their vertices in the order of their direction from the seed."""
    whole = [(seed, cells.regions[region]) for seed, region in enumerate(cells.point_region)]
    whole = [(seed, region) for seed, region in whole if region and -1 not in region and near[region].all()]
    owner = np.repeat(np.arange(len(whole)), [len(region) for _, region in whole])
    vertex = np.concatenate([region for _, region in whole])
    seed = np.array([one for one, _ in whole])[owner]
    away = cells.vertices[vertex] - cells.points[seed]
    order = np.lexsort((np.arctan2(away[:, 1], away[:, 0]), owner))
    return np.asarray(shapely.polygons(shapely.linearrings(cells.vertices[vertex[order]], indices=owner)))


def _clear_of_lakes(edges: NDArray[Any], waters: Waters) -> NDArray[np.bool_]:
    points, owner = shapely.get_coordinates(edges, return_index=True)
    near = waters.distance.at(points[:, 0], points[:, 1]) < SHORE
    clear = np.ones(len(edges), dtype=bool)
    clear[owner[near]] = False
    return clear


def _network(
    ends: NDArray[np.integer[Any]],
    lengths: NDArray[np.float64],
    wet: NDArray[np.bool_],
    count: int,
    rng: np.random.Generator,
) -> NDArray[np.bool_]:
    """Which edges are roads."""
    cost = lengths * rng.uniform(0.5, 1.5, len(ends)) * np.where(wet, BRIDGE, 1.0) + 1e-3
    tree = minimum_spanning_tree(graph_of(cost, ends[:, 0], ends[:, 1], count))
    pairs = {tuple(sorted(pair)) for pair in zip(*(axis.tolist() for axis in tree.nonzero()), strict=True)}
    kept = np.array([tuple(sorted(pair)) in pairs for pair in ends.tolist()], dtype=bool)
    kept |= ~wet & (rng.random(len(ends)) < LOOPS)
    for _ in range(2):
        degree = np.bincount(ends[kept].ravel(), minlength=count)
        dead_end = (degree[ends] == 1).any(axis=1)
        kept &= ~(dead_end & (rng.random(len(ends)) < 0.7))
    return kept


class Router:
    """Router of roads over the terrain, avoiding lakes and slopes."""

    def __init__(self, waters: Waters) -> None:
        heights = waters.heights
        self.step = max(1, int(np.ceil(max(heights.values.shape) / ROUTES)))
        ground = heights.values[:: self.step, :: self.step].astype(np.float64)
        self.spacing = (self.step * heights.spacing[0], self.step * heights.spacing[1])
        self.shape = ground.shape
        lake = waters.distance.values[:: self.step, :: self.step] < 0.7 * max(self.spacing)
        cost = 1.0 + THROUGH_LAKE * lake
        number = np.arange(ground.size).reshape(ground.shape)
        starts, ends, costs = [], [], []
        rows, columns = ground.shape
        for down, across in ((0, 1), (1, 0), (1, 1), (1, -1), (1, 2), (2, 1), (1, -2), (2, -1)):
            left, right = max(0, -across), max(0, across)
            near = np.s_[: rows - down, left : columns - right]
            far = np.s_[down:, right : columns - left]
            length = float(np.hypot(down * self.spacing[0], across * self.spacing[1]))
            slope = np.abs(ground[far] - ground[near]) / length
            starts.append(number[near].ravel())
            ends.append(number[far].ravel())
            costs.append((length * (0.5 * (cost[near] + cost[far]) + UPHILL * slope)).ravel())
        start, end = np.concatenate(starts), np.concatenate(ends)
        self.graph = graph_of(np.concatenate(costs), start, end, ground.size)

    def _cell(self, point: tuple[float, float]) -> int:
        row = int(np.clip(round(point[1] / self.spacing[0]), 0, self.shape[0] - 1))
        column = int(np.clip(round(point[0] / self.spacing[1]), 0, self.shape[1] - 1))
        return int(row * self.shape[1] + column)

    def way(self, places: Sequence[tuple[float, float]]) -> Any:
        """Find a smooth line from the first of the ``places`` (x, y) via the others to the last."""
        points = [np.array(places[:1], dtype=np.float64)]
        for start, end in pairwise(places):
            source, target = self._cell(start), self._cell(end)
            _, before = dijkstra(self.graph, directed=False, indices=source, return_predecessors=True)
            cells = [target]
            while cells[-1] != source and before[cells[-1]] >= 0:
                cells.append(int(before[cells[-1]]))
            bends = np.array(cells[::-1])[SPACING:-2:SPACING]
            row, column = np.divmod(bends, self.shape[1])
            points += [
                np.column_stack([column * self.spacing[1], row * self.spacing[0]]).reshape(-1, 2),
                np.array([end], dtype=np.float64),
            ]
        return shapely.linestrings(rounded(np.concatenate(points), 4))
