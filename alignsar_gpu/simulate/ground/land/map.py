"""Generate a land-cover map: rivers, fields, woods and towns that follow the terrain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from rasterio.features import rasterize

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.simulate.ground.backscatter import (
    BARE_SOIL,
    FIELD,
    FOREST,
    GRASSLAND,
    RAILWAY,
    ROAD,
    URBAN,
    WATER,
)
from alignsar_gpu.simulate.ground.land.roads import lay_out_farmland
from alignsar_gpu.simulate.ground.land.towns import build_up, join, settle
from alignsar_gpu.simulate.ground.land.water import find_waters
from alignsar_gpu.simulate.ground.noise import NoiseField
from alignsar_gpu.simulate.ground.raster import Raster, shifted

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray
    from rasterio import Affine

    from alignsar_gpu.simulate.ground.land.roads import Farmland
    from alignsar_gpu.simulate.ground.land.towns import Town
    from alignsar_gpu.simulate.ground.land.water import Waters
    from alignsar_gpu.simulate.ground.raster import Bounds

MAP_STREAM = 31
ROWS = 256  # painted at a time
ROAD_WIDTHS = {"small": 7.0, "main": 12.0, "motorway": 30.0, "railway": 16.0}  # m
THIN = 1.5  # posts: what is narrower is drawn as a line, so that it does not fall apart
BLOCK = 850.0  # m, of farmland between small roads
STRIP, LENGTH = (70.0, 220.0), (180.0, 700.0)  # m, of parcels
BARE, COPSE = 0.09, 0.03  # of the parcels
WOOD_WAVE, CROP_WAVE = 4500.0, 9000.0  # m, of the largest woods, and of regions of crops and of pasture
FARM = 700.0  # m of small road for one farm
TOWN_BLOCKS = ((95.0, 160.0), (65.0, 100.0))  # m, between streets
STREET = 10.0  # m
PARKS = (0.06, 0.30)  # of the blocks of a town, inside and at its edge
GARDENS = 0.35  # of the blocks have gardens behind the houses, where posts are close enough to show them
FINEST_NOISE = 25.0  # m
PORTION = 10000  # shapes


@dataclass(frozen=True, kw_only=True)
class LandParameters:
    """Parameters of a generated map.

    Attributes
    ----------
    lake_share, forest_share, town_share : of the area, at most (lakes) or about; 0 for none.
    river_width : m, of the largest river; None: 0.6 % of the short side of the map, within 40 to 300 m.
    block_size : m, of farmland between small roads.
    railways : how many lines cross the map.
    road_width : m, that roads, streets and railways have at least.
    """

    lake_share: float = 0.04
    forest_share: float = 0.22
    town_share: float = 0.06
    river_width: float | None = None
    block_size: float = BLOCK
    railways: int = 1
    road_width: float = 0.0

    def __post_init__(self) -> None:
        for name in ("lake_share", "forest_share", "town_share"):
            if not 0.0 <= getattr(self, name) <= 0.6:
                raise AlignsarError(
                    f"simulated land cover: {name} must lie in 0 to 0.6, got {getattr(self, name):g}"
                )
        if self.river_width is not None and not 0.0 <= self.river_width <= 5000.0:
            raise AlignsarError(
                f"simulated land cover: river_width must lie in 0 to 5000 m, got {self.river_width:g}"
            )
        if not 0 <= self.railways <= 20:
            raise AlignsarError(f"simulated land cover: railways must lie in 0 to 20, got {self.railways}")
        if not 0.0 <= self.road_width <= 100.0:
            raise AlignsarError(
                f"simulated land cover: road_width must lie in 0 to 100 m, got {self.road_width:g}"
            )
        if not 200.0 <= self.block_size <= 20000.0:
            raise AlignsarError(
                f"simulated land cover: block_size must lie in 200 to 20000 m, got {self.block_size:g}"
            )


def generate(
    bounds: Bounds,
    posting_metres: float,
    heights: Raster,
    seed: int,
    parameters: LandParameters | None = None,
    *,
    sea_level: float | None = None,
) -> Raster:
    """Generate a map (uint8, index into `backscatter.CLASSES`) over ``bounds``; same arguments, same bytes.

    ``heights`` must cover the bounds. Ground at or below ``sea_level`` (m) is water. What there is of rivers
    and lakes is where the terrain drains, forest keeps to the higher and steeper ground, towns to the lower.
    """
    asked = parameters or LandParameters()
    cover = Raster.over(bounds, posting_metres, FIELD, np.uint8, "simulated land cover")
    heights.sample([bounds.west, bounds.east], [bounds.south, bounds.north])  # refuses what it does not cover
    rng = np.random.default_rng((seed, MAP_STREAM))
    size = tuple(step * (count - 1) for step, count in zip(heights.posting, heights.shape, strict=True))
    extent = (size[0], size[1])
    width = asked.river_width
    if width is None:
        width = float(np.clip(0.006 * min(extent), 40.0, 300.0))
    waters = find_waters(heights, rng, lakes=asked.lake_share, river_width=width, sea_level=sea_level)
    farmland = lay_out_farmland(extent, max(asked.block_size, 25.0 * posting_metres), waters, rng)
    places = settle(extent, waters, asked.town_share, rng)
    routes = join(places, extent, waters, rng, railways=asked.railways)
    towns = build_up(places, routes, rng)
    painter = _Painter(cover, heights)
    woods = _woods(extent, painter.posting, waters, asked.forest_share, rng)
    _paint_country(painter, farmland, woods, waters, rng)
    widths = {kind: max(metres, asked.road_width) for kind, metres in ROAD_WIDTHS.items()}
    _paint_towns(painter, towns, rng, max(STREET, asked.road_width))
    _paint_farms(painter, farmland, widths["small"], waters, rng)
    painter.lines(farmland.roads, widths["small"], ROAD)
    if width > 0.0:
        painter.polygons(waters.banks, WATER)
        painter.lines(waters.courses, 0.0, WATER)
    painter.lines(farmland.bridges, widths["small"], ROAD)
    painter.lines(routes.main, widths["main"], ROAD)
    painter.lines(routes.motorways, widths["motorway"], ROAD)
    painter.lines(routes.railways, widths["railway"], RAILWAY)
    return cover


class _Painter:
    """A map, and how shapes in the plane of the terrain get onto it."""

    def __init__(self, cover: Raster, heights: Raster) -> None:
        self.values: NDArray[np.uint8] = cover.values
        self.x, self.y = cover.axes_in(heights.plane)
        self.transform = cover.transform_in(heights.plane)
        self.posting = max(cover.posting)
        x, y = heights.axes_in(heights.plane)
        self.heights = NoiseField(values=heights.values, spacing=(float(y[1]), float(x[1])))

    def polygons(self, shapes: NDArray[Any], value: int) -> None:
        """Paint the pixels whose centre is inside.

        One by one and some at a time: GDAL goes through all corners of a multipolygon for every row, and
        rasterio holds all shapes as Python numbers.
        """
        for some in _portions(shapes):
            rasterize(((shape, value) for shape in some), out=self.values, transform=self.transform)

    def lines(self, shapes: NDArray[Any], width: float, value: int) -> None:
        """Paint lines ``width`` metres wide, or a pixel where that is wider."""
        if width >= THIN * self.posting:
            self.polygons(shapely.buffer(shapes, 0.5 * width, quad_segs=4), value)
            return
        for some in _portions(shapes):
            rasterize([(shapely.multilinestrings(some), value)], out=self.values, transform=self.transform)

    def window(self, shape: Any) -> tuple[slice, slice, Affine] | None:
        """Rows and columns that a shape reaches, and their transform; None where it is off the map."""
        west, north, east, south = shapely.bounds(shape)
        rows = slice(*np.searchsorted(self.y, [north, south]).tolist())
        columns = slice(*np.searchsorted(self.x, [west, east]).tolist())
        if rows.start >= rows.stop or columns.start >= columns.stop:
            return None
        return rows, columns, shifted(self.transform, rows.start, columns.start)

    def bands(self) -> Iterator[tuple[slice, Affine]]:
        """Some rows at a time, and their transform."""
        for first in range(0, len(self.y), ROWS):
            rows = slice(first, min(first + ROWS, len(self.y)))
            yield rows, shifted(self.transform, first, 0)


def _portions(shapes: NDArray[Any]) -> Iterator[NDArray[Any]]:
    return (shapes[first : first + PORTION] for first in range(0, len(shapes), PORTION))


def _woods(
    size: tuple[float, float], posting: float, waters: Waters, share: float, rng: np.random.Generator
) -> NoiseField:
    """Positive where forest grows: a field of noise that likes high and steep ground."""
    spacing = max(FINEST_NOISE, 1.5 * posting, max(size) / 3000.0)
    noise = NoiseField.noise(size, spacing, WOOD_WAVE, rng, 3.2)
    y, x = (spacing * np.arange(count, dtype=np.float64) for count in noise.values.shape)
    height = waters.heights.on(x, y)
    deviation = max(float(height.std()), 1.0)
    slope = np.hypot(*np.gradient(waters.heights.values, *waters.heights.spacing)).astype(np.float32)
    steep = NoiseField(values=slope, spacing=waters.heights.spacing).on(x, y)
    liking = noise.values + np.float32(0.45 / deviation) * (height - height.mean())
    liking += np.float32(0.35) * (steep - steep.mean()) / np.float32(max(float(steep.std()), 1e-3))
    edge = np.quantile(liking[::3, ::3], 1.0 - share) if share > 0.0 else float(liking.max()) + 1.0
    return NoiseField(
        values=np.asarray(liking - np.float32(edge), dtype=np.float32), spacing=(spacing, spacing)
    )


def _paint_country(
    painter: _Painter, farmland: Farmland, woods: NoiseField, waters: Waters, rng: np.random.Generator
) -> None:
    """Parcels, forest and lakes."""
    blocks = farmland.blocks
    count = len(blocks) + 1
    parcels = _Parcels(count, painter, rng)
    extent = shapely.bounds(blocks)
    for rows, transform in painter.bands():
        y = painter.y[rows]
        near = np.flatnonzero(
            (extent[:, 1] <= y[-1] + painter.posting) & (extent[:, 3] >= y[0] - painter.posting)
        )
        block = rasterize(
            zip(blocks[near], (near + 1).tolist(), strict=True),
            out_shape=(len(y), len(painter.x)),
            transform=transform,
            dtype=np.int32,
        )
        band = parcels.classes(block, painter.x, y)
        band[woods.on(painter.x, y) > 0.0] = FOREST
        level = np.maximum(waters.level.nearest(painter.x, y), np.float32(waters.sea_level))
        band[painter.heights.on(painter.x, y) <= level] = WATER
        painter.values[rows] = band


class _Parcels:
    """Fields, pasture, bare soil and copses: each block of farmland is cut into strips, and these across."""

    def __init__(self, count: int, painter: _Painter, rng: np.random.Generator) -> None:
        least = 3.0 * painter.posting
        self.direction = rng.uniform(0.0, np.pi, count)
        self.width = np.maximum(rng.uniform(*STRIP, count), least)
        self.length = np.maximum(rng.uniform(*LENGTH, count), least)
        self.salt = rng.integers(0, 1 << 32, count, dtype=np.uint32)
        size = float(painter.y[-1] - painter.y[0]), float(painter.x[-1] - painter.x[0])
        self.pasture = NoiseField.noise(size, max(FINEST_NOISE, max(size) / 500.0), CROP_WAVE, rng)

    def classes(
        self, block: NDArray[np.int32], x: NDArray[np.float64], y: NDArray[np.float64]
    ) -> NDArray[np.uint8]:
        cosine = np.cos(self.direction).astype(np.float32)[block]
        sine = np.sin(self.direction).astype(np.float32)[block]
        across, down = x.astype(np.float32), y.astype(np.float32)[:, np.newaxis]
        strip = np.floor((across * cosine + down * sine) / self.width.astype(np.float32)[block])
        strip = strip.astype(np.int32).astype(np.uint32)
        shift = (strip % np.uint32(7)).astype(np.float32) / np.float32(7.0)
        piece = np.floor((down * cosine - across * sine) / self.length.astype(np.float32)[block] + shift)
        chance = scattered(self.salt[block], strip, piece.astype(np.int32).astype(np.uint32))
        grass = np.clip(0.48 + 0.22 * self.pasture.on(x - x[0], y), 0.12, 0.88)
        out = np.full(block.shape, FIELD, dtype=np.uint8)
        out[chance < BARE + COPSE + (1.0 - BARE - COPSE) * grass] = GRASSLAND
        out[chance < BARE + COPSE] = FOREST
        out[chance < BARE] = BARE_SOIL
        return out


def scattered(*keys: NDArray[np.uint32]) -> NDArray[np.float32]:
    """Compute a pseudo-random number in 0..1 for every combination of integers (mixing steps of MurmurHash3)."""
    mixed = np.zeros(np.broadcast_shapes(*(key.shape for key in keys)), dtype=np.uint32)
    for key in keys:
        mixed ^= key * np.uint32(0xCC9E2D51)
        mixed = (mixed << np.uint32(13)) | (mixed >> np.uint32(19))
        mixed = mixed * np.uint32(5) + np.uint32(0xE6546B64)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        mixed ^= mixed >> np.uint32(shift)
        mixed *= np.uint32(factor)
    mixed ^= mixed >> np.uint32(16)
    return (mixed >> np.uint32(8)).astype(np.float32) * np.float32(2.0**-24)


def _paint_towns(painter: _Painter, towns: list[Town], rng: np.random.Generator, street: float) -> None:
    for town in towns:
        blocks = [float(rng.uniform(*bounds)) for bounds in TOWN_BLOCKS]
        salt = rng.integers(0, 1 << 32, dtype=np.uint32)
        window = painter.window(town.area)
        if window is None:
            continue
        rows, columns, transform = window
        part = painter.values[rows, columns]
        inside = rasterize([(town.area, 1)], out_shape=part.shape, transform=transform, dtype=np.uint8) == 1
        inside &= part != WATER
        x, y = painter.x[columns] - town.middle[0], painter.y[rows][:, np.newaxis] - town.middle[1]
        part[inside] = _streets(town, (blocks, street), salt, painter.posting, (x, y))[inside]


def _streets(
    town: Town,
    sizes: tuple[list[float], float],
    salt: np.uint32,
    posting: float,
    place: tuple[NDArray[np.float64], NDArray[np.float64]],
) -> NDArray[np.uint8]:
    """Blocks of houses between streets, some blocks a park, some with gardens behind the houses."""
    x, y = place
    blocks, street = sizes
    wave = 2.0 * np.pi / max(4.0 * town.radius, 1500.0)
    along = x * np.cos(town.direction) + y * np.sin(town.direction)
    across = y * np.cos(town.direction) - x * np.sin(town.direction)
    along = along + 0.05 / wave * np.sin(2.0 * wave * across + 1.0)  # streets that bend
    across = across + 0.05 / wave * np.sin(2.0 * wave * along)
    width = max(street, posting)
    long, short = (max(size, 6.0 * posting) for size in blocks)
    row, column = np.floor(along / long), np.floor(across / short)
    u, v = along - row * long, across - column * short
    keys = [(axis.astype(np.int64) & 0xFFFFFFFF).astype(np.uint32) for axis in (row, column)]
    chance = scattered(np.full(row.shape, salt, dtype=np.uint32), *keys)
    outer = np.hypot(x, y) > 0.75 * town.radius
    plan = np.full(row.shape, URBAN, dtype=np.uint8)
    plan[chance < np.where(outer, PARKS[1], PARKS[0])] = GRASSLAND
    if posting <= 12.0:
        behind = (
            (u > 2.6 * STREET) & (u < long - 1.6 * STREET) & (v > 2.6 * STREET) & (v < short - 1.6 * STREET)
        )
        plan[behind & (chance > 1.0 - GARDENS)] = GRASSLAND
    plan[(u < width) | (v < width)] = ROAD
    return plan


def _paint_farms(
    painter: _Painter, farmland: Farmland, road: float, waters: Waters, rng: np.random.Generator
) -> None:
    """Houses and barns beside the small roads."""
    roads = farmland.roads
    if not len(roads):
        return
    lengths = shapely.length(roads)
    count = int(lengths.sum() / FARM)
    chosen = rng.choice(len(roads), count, p=lengths / lengths.sum())
    middle = shapely.get_coordinates(
        shapely.line_interpolate_point(roads[chosen], rng.uniform(0.1, 0.9, count), normalized=True)
    )
    half = np.maximum(rng.uniform(14.0, 40.0, (count, 2)), 0.6 * painter.posting)
    middle += rng.choice([-1.0, 1.0], (count, 2)) * (half + road)
    dry = waters.distance.at(middle[:, 0], middle[:, 1]) > 2.0 * half.max()
    painter.polygons(shapely.box(*(middle - half)[dry].T, *(middle + half)[dry].T), URBAN)
