"""Square blocks of a map projection, and those that each place comes near."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from alignsar_gpu.dataset.chips.splits.places import HAIR

if TYPE_CHECKING:
    from geopandas import GeoDataFrame
    from numpy.typing import NDArray
    from pyproj import CRS

    from alignsar_gpu.dataset.chips.splits.places import Places


@dataclass(frozen=True, kw_only=True)
class Nearby:
    """The blocks that each place comes near.

    Attributes
    ----------
    cells : column and row [block, 2] of the blocks that any place comes near, sorted.
    groups : blocks [group, k] (indices into ``cells``) of places that come near the same ones; the first is repeated
        where there are fewer than k.
    group_of : group of each place.
    home : block that holds the middle of each place.
    """

    cells: NDArray[np.int64]
    groups: NDArray[np.int64]
    group_of: NDArray[np.int64]
    home: NDArray[np.int64]


def boxes(cells: NDArray[np.int64], side: float) -> NDArray[np.object_]:
    """Return the squares of blocks; their corners lie at multiples of ``side`` metres of the map projection."""
    column, row = cells[:, 0], cells[:, 1]
    squares: NDArray[np.object_] = shapely.box(
        column * side, row * side, (column + 1) * side, (row + 1) * side
    )
    return squares


def block_names(cells: NDArray[np.int64], crs: CRS) -> NDArray[np.str_]:
    """Name blocks by column, row and coordinate reference system: ``b_133_1123_EPSG32631``."""
    code = "".join(crs.to_authority() or ("local",))
    return np.array([f"b_{column}_{row}_{code}" for column, row in cells], dtype=np.str_)


def block_table(cells: NDArray[np.int64], splits: NDArray[np.str_], *, side: float, crs: CRS) -> GeoDataFrame:
    """Make the table of blocks: name, split, square."""
    data = {"block": block_names(cells, crs), "split": splits}
    return gpd.GeoDataFrame(data, geometry=boxes(cells, side), crs=crs)


def find_nearby(places: Places, *, side: float, distance: float) -> Nearby:
    """Find the blocks that are nearer than ``distance`` (metres) to each place, and the one that holds its middle."""
    shapes = places.shapes
    place, cell = _candidates(shapes, side, distance + HAIR)
    cells, number = np.unique(cell, axis=0, return_inverse=True)
    number = number.reshape(-1)  # numpy 2.0.0 gives it two dimensions
    near = shapely.distance(shapes[place], boxes(cells, side)[number]) < distance + HAIR
    place, number = place[near], number[near]
    count = np.bincount(place, minlength=len(shapes))
    first = np.cumsum(count) - count
    table = np.repeat(number[first][:, None], count.max(), axis=1)
    table[place, np.arange(len(place)) - first[place]] = number
    used, table = np.unique(table, return_inverse=True)
    groups, group_of = np.unique(table, axis=0, return_inverse=True)
    return Nearby(
        cells=cells[used], groups=groups, group_of=group_of.reshape(-1), home=_home(shapes, cells[used], side)
    )


def _candidates(
    shapes: NDArray[np.object_], side: float, distance: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return pairs of a place and a block (column, row) that its bounding box comes near, sorted by both."""
    bounds = shapely.bounds(shapes)
    first = np.floor((bounds[:, :2] - distance) / side).astype(np.int64)
    size = np.floor((bounds[:, 2:] + distance) / side).astype(np.int64) - first + 1
    count = size.prod(axis=1)
    place = np.repeat(np.arange(len(shapes)), count)
    within = np.arange(len(place)) - np.repeat(np.cumsum(count) - count, count)
    tall = size[place, 1]
    return place, first[place] + np.stack([within // tall, within % tall], axis=1)


def _home(shapes: NDArray[np.object_], cells: NDArray[np.int64], side: float) -> NDArray[np.int64]:
    """Return the block, an index into ``cells``, that holds the centroid of each place."""
    middle = np.floor(shapely.get_coordinates(shapely.centroid(shapes)) / side).astype(np.int64)
    index = {cell: number for number, cell in enumerate(map(tuple, cells.tolist()))}
    return np.array([index[cell] for cell in map(tuple, middle.tolist())], dtype=np.int64)
