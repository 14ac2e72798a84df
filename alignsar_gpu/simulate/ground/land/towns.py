"""Towns of a generated map: places, built-up areas, and the roads between them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

from alignsar_gpu.simulate.ground.land.roads import Router

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.simulate.ground.land.water import Waters

PER_TOWN = 14e6  # m2 of country that a town or village has
SMALLEST, LARGEST = 230.0, 6000.0  # m, radius
CITY = 0.075  # of the root of the map's area: the radius of the largest town
RANKS = 0.55  # the radius falls as rank^-0.55
TRIES = 14  # places that are looked at for one that is settled
JOINED = 50  # of the towns, the largest, are joined by main roads
RIBBON = 70.0  # m to each side of a main road, built up before the town
CORNERS = 72


@dataclass(frozen=True, kw_only=True, eq=False)
class Town:
    """A town: middle (x, y) and radius in metres, built-up area, direction of its streets (radians)."""

    middle: tuple[float, float]
    radius: float
    area: Any
    direction: float


@dataclass(frozen=True, kw_only=True, eq=False)
class Routes:
    """Lines of traffic: main roads between towns and out of the map, a motorway, a railway."""

    main: NDArray[Any]
    motorways: NDArray[Any]
    railways: NDArray[Any]


def settle(
    size: tuple[float, float], waters: Waters, share: float, rng: np.random.Generator
) -> list[tuple[float, float, float]]:
    """Choose places (x, y, radius in metres) of towns, the largest first, on low and level ground off the lakes.

    Their areas come to about ``share`` of ``size`` (down, across, metres), as far as they find room.
    """
    surface = size[0] * size[1]
    count = max(2, round(surface / PER_TOWN))
    ranks = np.arange(1.0, count + 1.0)
    radius = np.clip(CITY * np.sqrt(surface) * ranks**-RANKS, SMALLEST, LARGEST)
    if share <= 0.0:
        return []
    radius *= np.sqrt(share * surface / float(np.sum(np.pi * radius**2)))
    places = rng.uniform(0.03, 0.97, (TRIES * count, 2)) * (size[1], size[0])
    x, y = places.T
    heights, reach = waters.heights, 400.0
    height = heights.at(x, y)
    slope = np.abs(heights.at(x + reach, y) - height) + np.abs(heights.at(x, y + reach) - height)
    away = waters.distance.at(x, y)
    liking = (
        -_rank(height) - 1.2 * _rank(slope) + 0.5 * np.exp(-away / 2000.0) + rng.uniform(0.0, 0.8, len(x))
    )
    taken: list[tuple[float, float, float]] = []
    free = np.ones(len(x), dtype=bool)
    order = np.argsort(-liking, kind="stable")
    for one in radius.tolist():
        fits = order[free[order] & (away[order] > 0.8 * one)]
        if one > 4.0 * SMALLEST:  # a city wants room to the edges of the map
            inner = np.minimum.reduce([x[fits], y[fits], size[1] - x[fits], size[0] - y[fits]]) > 1.2 * one
            fits = fits[inner] if inner.any() else fits
        if not len(fits):
            continue
        place = int(fits[0])
        taken.append((float(x[place]), float(y[place]), one))
        free &= np.hypot(x - x[place], y - y[place]) > 1.3 * one + 2.5 * SMALLEST + 0.02 * np.sqrt(surface)
    return taken


def _rank(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """From 0 for the smallest to 1 for the largest."""
    return np.argsort(np.argsort(values, kind="stable"), kind="stable") / max(1, len(values) - 1)


def join(
    places: list[tuple[float, float, float]],
    size: tuple[float, float],
    waters: Waters,
    rng: np.random.Generator,
    *,
    railways: int,
) -> Routes:
    """Connect towns: main roads between neighbours, a motorway from west to east, and railways.

    The first railway leads from north to south by the two largest towns, the second from west to east by the next, and
    so on in turn.
    """
    router = Router(waters)
    towns = [(x, y) for x, y, _ in places[:JOINED]]
    edges = [_exit(side, size, waters, rng) for side in range(4)]
    main = [router.way([towns[a], towns[b]]) for a, b in _neighbours(np.array(towns).reshape(-1, 2))]
    if towns:
        near = cKDTree(np.array(towns)).query(np.array(edges))[1]
        main += [router.way([towns[int(town)], edge]) for town, edge in zip(near, edges, strict=True)]
    bypass = [(x + 1.15 * radius, y + 1.15 * radius) for x, y, radius in places[:1]]
    motorway = router.way([_exit(0, size, waters, rng), *bypass, _exit(1, size, waters, rng)])
    rails = []
    for line in range(railways):
        stations = sorted(towns[2 * line : 2 * line + 2], key=lambda place: place[1 - line % 2])
        ends = [_exit(side, size, waters, rng) for side in ((2, 3), (0, 1))[line % 2]]
        rails.append(router.way([ends[0], *stations, ends[1]]))
    return Routes(
        main=np.array(main, dtype=object),
        motorways=np.array([motorway], dtype=object),
        railways=np.array(rails, dtype=object),
    )


def _exit(
    side: int, size: tuple[float, float], waters: Waters, rng: np.random.Generator
) -> tuple[float, float]:
    """A place on an edge of the map (west, east, north, south), of some the one farthest from water."""
    share = rng.uniform(0.15, 0.85, 9)
    x = size[1] * (share if side > 1 else np.full(9, float(side)))
    y = size[0] * (np.full(9, float(side - 2)) if side > 1 else share)
    best = int(np.argmax(np.minimum(waters.distance.at(x, y), 500.0)))
    return float(x[best]), float(y[best])


def _neighbours(towns: NDArray[np.float64]) -> list[tuple[int, int]]:
    """Pairs of towns: a spanning tree, and each with its two nearest."""
    if len(towns) < 2:
        return []
    apart = cdist(towns, towns)
    tree = minimum_spanning_tree(apart).nonzero()
    pairs = {(min(a, b), max(a, b)) for a, b in zip(tree[0].tolist(), tree[1].tolist(), strict=True)}
    for a, row in enumerate(np.argsort(apart, axis=1, kind="stable")[:, 1:3].tolist()):
        pairs |= {(min(a, b), max(a, b)) for b in row}
    return sorted(pairs)


def build_up(
    places: list[tuple[float, float, float]], routes: Routes, rng: np.random.Generator
) -> list[Town]:
    """Generate the built-up areas: lobed discs, and ribbons along the main roads that lead there."""
    towns = []
    angle = np.linspace(0.0, 2.0 * np.pi, CORNERS, endpoint=False)
    roads = shapely.STRtree(routes.main) if len(routes.main) else None
    for x, y, radius in places:
        lobes = np.zeros(CORNERS)
        for wave in range(2, 9):
            lobes += rng.uniform(0.1, 0.45) / wave * np.cos(wave * angle + rng.uniform(0.0, 2.0 * np.pi))
        reach = radius * np.clip(0.95 + lobes, 0.35, 1.7)
        area = shapely.polygons(np.column_stack([x + reach * np.cos(angle), y + reach * np.sin(angle)]))
        direction = float(rng.uniform(0.0, np.pi))
        around = shapely.buffer(shapely.points(x, y), 1.6 * radius)
        for index in roads.query(around, predicate="intersects").tolist() if roads else []:
            ribbon = shapely.buffer(
                shapely.intersection(routes.main[index], around), min(RIBBON, 0.3 * radius)
            )
            area = shapely.union(area, ribbon)
            way = shapely.get_coordinates(shapely.intersection(routes.main[index], around))
            if len(way) > 1:
                direction = float(np.arctan2(way[-1, 1] - way[0, 1], way[-1, 0] - way[0, 0]))
        towns.append(Town(middle=(x, y), radius=radius, area=area, direction=direction))
    return towns
