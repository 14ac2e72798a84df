"""Drainage of a coarse terrain: flow directions, lakes and rivers.

Cells are joined to their neighbours by the minimum spanning tree whose cost is the higher of two heights.
The way through it to the edge of the map climbs nowhere higher than it must, so the tree is at once the
network of the rivers and the level to which each hollow fills before it spills over.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.sparse.csgraph import breadth_first_order, minimum_spanning_tree

from alignsar_gpu.simulate.ground.graph import graph_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEIGHBOURS = ((0, 1), (1, 0), (1, 1), (1, -1))  # the other four are the same edges seen from the other side
TIE = 1e-6  # of the lower height: of two ways over the same height the one that comes from lower ground
OUTLETS = 0.25  # of the cells of the edge, the lowest, let the water out of the map


@dataclass(frozen=True, kw_only=True, eq=False)
class Drainage:
    """Drainage of a coarse terrain, as flat cell indices and arrays (row, column).

    Attributes
    ----------
    order : all cells, each after the one it flows into.
    downstream : the next cell of each, -1 where the water leaves the map.
    level : m, the height to which water stands before it flows on; the terrain's own where it is no hollow.
    cells : how many cells drain through each, itself included.
    """

    order: NDArray[np.int64]
    downstream: NDArray[np.int64]
    level: NDArray[np.float32]
    cells: NDArray[np.int64]

    def rivers(self, least: float) -> list[NDArray[np.int64]]:
        """List the cells of every river, from source to mouth, through which at least ``least`` cells drain.

        The longest branch is the river, others end in the cell where they join it.
        """
        drained = self.cells.ravel()
        wet = np.flatnonzero(drained >= least)
        order = wet[np.lexsort((wet, drained[wet]))][::-1]  # each cell after the one it flows into
        main: dict[int, int] = {}  # of a cell, the upstream one that carries most
        heads = []
        for cell in order.tolist():
            below = int(self.downstream[cell])
            if below < 0 or below in main:
                heads.append((cell, below))
            else:
                main[below] = cell
        rivers = []
        for mouth, below in heads:
            way = [below] if below >= 0 else []
            upwards: int | None = mouth
            while upwards is not None:
                way.append(upwards)
                upwards = main.get(upwards)
            rivers.append(np.array(way[::-1], dtype=np.int64))
        return rivers


def drain(heights: NDArray[np.float32]) -> Drainage:
    """Compute the drainage of ``heights`` (m; at least 2 x 2 cells), which leaves by the lowest cells of the edge."""
    rows, columns = heights.shape
    count = rows * columns
    flat = heights.astype(np.float64).ravel()
    above = flat - flat.min()
    number = np.arange(count).reshape(rows, columns)
    starts, ends = [], []
    for down, across in NEIGHBOURS:
        left, right = max(0, -across), max(0, across)
        starts.append(number[: rows - down, left : columns - right].ravel())
        ends.append(number[down:, right : columns - left].ravel())
    start, end = np.concatenate(starts), np.concatenate(ends)
    cost = np.maximum(above[start], above[end]) + TIE * np.minimum(above[start], above[end])
    border = np.unique(np.concatenate([number[0], number[-1], number[:, 0], number[:, -1]]))
    outlets = border[flat[border] <= np.quantile(flat[border], OUTLETS)]
    graph = graph_of(
        1.0 + np.concatenate([cost, above[outlets]]),  # a cost of 0 would be no edge
        np.concatenate([start, np.full(len(outlets), count)]),
        np.concatenate([end, outlets]),
        count + 1,
    )
    tree = minimum_spanning_tree(graph)
    order, before = breadth_first_order(tree, count, directed=False)
    return _gather(flat, order[1:].astype(np.int64), before.astype(np.int64), heights.shape)


def _gather(
    flat: NDArray[np.float64], order: NDArray[np.int64], before: NDArray[np.int64], shape: tuple[int, ...]
) -> Drainage:
    """Levels from the outlets up, and counts from the sources down."""
    outside = flat.size
    level = np.append(flat, -np.inf).tolist()
    cells = [1] * (outside + 1)
    way = order.tolist()
    below = before.tolist()
    for cell in way:
        level[cell] = max(level[cell], level[below[cell]])
    for cell in reversed(way):
        cells[below[cell]] += cells[cell]
    downstream = before[:outside].copy()
    downstream[downstream == outside] = -1
    return Drainage(
        order=order,
        downstream=downstream,
        level=np.array(level[:outside], dtype=np.float32).reshape(shape),
        cells=np.array(cells[:outside], dtype=np.int64).reshape(shape),
    )
