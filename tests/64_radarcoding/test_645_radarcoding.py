"""Polygons on the radar grid against brute force: dense places on the ground, each through the exact geometry."""

from dataclasses import dataclass, replace
from types import SimpleNamespace

import geopandas
import numpy as np
import pytest
import shapely
from dense_places import dense_places, outline, partition
from pyproj import Geod
from rough_terrain import DOPPLER, scene
from scipy import ndimage

from alignsar_gpu import kernels
from alignsar_gpu.application.labels.sources import open_labels
from alignsar_gpu.application.labels.writer import LabelWriter
from alignsar_gpu.config import RadarcodingConfig
from alignsar_gpu.device import Device
from alignsar_gpu.radarcoding.layers import LabelScene
from alignsar_gpu.radarcoding.level_ground import DETAIL, LevelGround
from alignsar_gpu.radarcoding.shifts import Shifts
from alignsar_gpu.radarcoding.tiles import ImageTile
from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
from alignsar_gpu.radarcoding.vectors.polygons import (
    count_pieces,
    cover,
    divide_edges,
    on_cells,
    on_pixels,
    radar_rings,
)

CPU = Device("cpu", "test", "asked for", 1 << 30)
ROUGH, GENTLE = 0.3, 0.05
TILE = ImageTile(lines=slice(10, 20), samples=slice(100, 180))
MEAN_ERROR, BIAS, SUM = 0.01, 1e-3, 1e-3


def rings_of(polygons, planes):
    """Vertices, starts, holes and planes of polygons, as a file gives them."""
    x, y, start, hole, plane = [], [], [0], [], []
    for polygon, number in zip(polygons, planes, strict=True):
        for part in getattr(polygon, "geoms", [polygon]):
            for ring in (part.exterior, *part.interiors):
                xy = np.asarray(ring.coords)
                x.append(xy[:, 0])
                y.append(xy[:, 1])
                start.append(start[-1] + len(xy))
                plane.append(number)

    hole = [flag for polygon in polygons for flag in _holes(polygon)]
    return np.concatenate(x), np.concatenate(y), np.array(start), np.array(hole), np.array(plane)


def _holes(polygon):
    for part in getattr(polygon, "geoms", [polygon]):
        yield False
        yield from [True] * len(part.interiors)


def on_level_ground(level, polygons, planes):
    x, y, start, hole, plane = rings_of(polygons, planes)
    pieces = count_pieces(*level.to_radar(x, y), start)
    x, y, start = divide_edges(x, y, start, pieces)
    return radar_rings(*level.to_radar(x, y), start, hole, plane)


def fractions(ground, rings, count, order=()):
    """Area fractions of the classes, and the area of the ground, of the pixels of a tile."""
    planes, found = cover([on_cells(ground, rings)], ground.shape, CPU)
    covers = np.zeros((count, *ground.shape), dtype=np.int32)
    covers[planes] = found
    kernels.resolve_overlaps(covers, np.array(order, dtype=np.int64))
    sums = ground.push(covers)
    with np.errstate(invalid="ignore", divide="ignore"):
        return sums[:-1] / sums[-1] / kernels.WHOLE_CELL, sums[-1]


def brute_force(level, tile, polygons, planes, count):
    """Fractions by places on the ground, closer than a pixel's 20th, that are each seen somewhere; and how many."""
    tree, planes = shapely.STRtree(polygons), np.array(planes)
    found, total = np.zeros((count, *tile.shape)), np.zeros(tile.shape)
    for longitude, latitude in dense_places(level, tile):
        seen = level.terrain.to_radar(longitude, latitude, level.terrain.dem.height_at(longitude, latitude))
        i, j = (
            np.floor(np.nan_to_num(s, nan=-1e9) + 0.5).astype(int) - part.start
            for s, part in zip(seen, (tile.lines, tile.samples), strict=True)
        )
        inside = (i >= 0) & (i < tile.shape[0]) & (j >= 0) & (j < tile.shape[1])
        pixel = (i[inside] * tile.shape[1] + j[inside]).astype(int)
        total += np.bincount(pixel, minlength=total.size).reshape(tile.shape)
        where, which = tree.query(shapely.points(longitude[inside], latitude[inside]), predicate="intersects")
        for plane in range(count):
            own = np.unique(where[planes[which] == plane])
            found[plane] += np.bincount(pixel[own], minlength=total.size).reshape(tile.shape)
    return found / total, total


def odd_shapes(level, count, seed=2):
    """Polygons with holes, slivers and several parts, some of them upon each other."""
    box = outline(level)
    rng = np.random.default_rng(seed)
    west, south, east, north = box.bounds
    size = min(east - west, north - south)
    shapes = []
    for number in range(count):
        centre = rng.uniform((west, south), (east, north))
        angle = np.sort(rng.uniform(0.0, 2.0 * np.pi, rng.integers(5, 12)))
        radius = size * rng.uniform(0.002, 0.05) * rng.uniform(0.3, 1.0, angle.size)
        if number % 3 == 0:  # a sliver, much longer than a pixel and narrower
            turn, length = rng.uniform(0.0, np.pi), size * rng.uniform(0.02, 0.1)
            ends = centre + length * np.array([[np.cos(turn), np.sin(turn)], [-np.cos(turn), -np.sin(turn)]])
            shape = shapely.LineString(ends).buffer(2e-5, cap_style="flat")
        else:
            shape = shapely.Polygon(
                centre + radius[:, None] * np.stack([np.cos(angle), np.sin(angle)], axis=1)
            )
            shape = shapely.make_valid(shape)
            shape = shape.difference(shape.buffer(-0.2 * radius.max())) if number % 3 == 1 else shape
        shape = shapely.make_valid(shape)
        shapes += [part for part in getattr(shape, "geoms", [shape]) if part.geom_type == "Polygon"]
    return shapes


@dataclass
class Compared:
    got: np.ndarray
    truth: np.ndarray
    count: np.ndarray

    @property
    def mixed(self):
        return (self.truth > 1e-3) & (self.truth < 1.0 - 1e-3)

    def check(self):
        error = self.got - self.truth
        enough = np.broadcast_to(self.count >= 400, error.shape)
        assert enough.mean() > 0.5
        assert np.count_nonzero(self.mixed & enough) > 200
        assert np.abs(error[self.mixed & enough]).mean() < MEAN_ERROR
        assert np.abs(error).mean() < MEAN_ERROR
        assert abs(error[self.mixed].mean()) < BIAS


@pytest.fixture(scope="module")
def rough(tmp_path_factory):
    return LevelGround(terrain=scene(tmp_path_factory.mktemp("rough"), steepness=ROUGH))


class TestFractions:
    @pytest.mark.parametrize("count", [2500, 25000])
    def test_of_a_partition(self, rough, count):
        polygons = partition(rough, count)
        planes = [number % 4 for number in range(len(polygons))]
        got, _ = fractions(rough.cells(TILE, CPU), on_level_ground(rough, polygons, planes), 4)
        assert np.abs(got.sum(axis=0) - 1.0).max() < SUM
        truth, number = brute_force(rough, TILE, polygons, planes, 4)
        Compared(got, truth, number).check()

    def test_of_odd_shapes(self, rough):
        polygons = odd_shapes(rough, 900)
        got, _ = fractions(rough.cells(TILE, CPU), on_level_ground(rough, polygons, [0] * len(polygons)), 1)
        truth, number = brute_force(rough, TILE, polygons, [0] * len(polygons), 1)
        assert any(polygon.interiors for polygon in polygons)
        Compared(got, truth, number).check()

    def test_in_layover(self, tmp_path):
        """Slopes of up to 60 degrees: all that shares a pixel counts, by its area."""
        level = LevelGround(terrain=scene(tmp_path, steepness=1.0))
        tile = ImageTile(lines=slice(30, 38), samples=slice(260, 360))
        polygons = partition(level, 4000)
        planes = [number % 3 for number in range(len(polygons))]
        got, _ = fractions(level.cells(tile, CPU), on_level_ground(level, polygons, planes), 3)
        truth, number = brute_force(level, tile, polygons, planes, 3)
        flags = level.terrain.lines(tile.lines.start, tile.lines.stop).flags[:, tile.samples]
        layover = flags & kernels.LAYOVER > 0
        assert np.abs(got.sum(axis=0) - 1.0).max() < SUM
        assert np.count_nonzero(layover) > 50
        enough = number >= 400
        assert np.abs(got - truth)[:, layover & enough].mean() < MEAN_ERROR
        assert np.abs(got - truth)[:, enough].mean() < MEAN_ERROR

    @pytest.mark.parametrize("side", ["left", "right"])
    def test_of_an_antenna_that_looks_elsewhere(self, tmp_path, side):
        level = LevelGround(terrain=scene(tmp_path, steepness=ROUGH, side=side, doppler=DOPPLER))
        tile = ImageTile(lines=slice(20, 30), samples=slice(300, 380))
        polygons = partition(level, 4000)
        planes = [number % 3 for number in range(len(polygons))]
        got, _ = fractions(level.cells(tile, CPU), on_level_ground(level, polygons, planes), 3)
        truth, number = brute_force(level, tile, polygons, planes, 3)
        Compared(got, truth, number).check()


class TestArea:
    def test_nothing_is_lost(self, rough):
        """The area of polygons inside the image, in radar geometry, is what they have on the ellipsoid."""
        longitude, latitude = rough.to_ground(np.array([48.0]), np.array([350.0]))
        disc = shapely.Point(longitude[0], latitude[0]).buffer(4e-4)
        hole = shapely.Point(longitude[0] + 1e-4, latitude[0]).buffer(1e-4)
        polygon = disc.difference(hole)
        whole = ImageTile(
            lines=slice(0, rough.terrain.grid.lines), samples=slice(0, rough.terrain.grid.samples)
        )
        got, area = fractions(rough.cells(whole, CPU), on_level_ground(rough, [polygon], [0]), 1)
        truth = abs(Geod(ellps="WGS84").geometry_area_perimeter(polygon)[0])
        assert np.isclose(np.nansum(got * area), truth, rtol=1e-3)

    def test_of_level_ground_is_that_of_pixels(self, tmp_path):
        level = LevelGround(terrain=scene(tmp_path, steepness=0.0))
        ground = level.cells(TILE, CPU)
        assert np.allclose(ground.ground_area(), level.pixel_area(TILE), rtol=2e-4)
        seen = level.terrain.lines(TILE.lines.start, TILE.lines.stop)
        incidence = np.radians(seen.incidence[:, TILE.samples].astype(float))
        across = level.terrain.grid.range_spacing / np.sin(incidence)
        down = level.pixel_area(TILE) / across
        assert (
            np.ptp(down) / down.mean() < 5e-3
        )  # lines are as far apart at any range, but for the Earth's roundness


class TestCells:
    def test_corners_are_where_the_exact_geometry_has_them(self, rough):
        ground = rough.cells(TILE, CPU)
        row, column = np.arange(0, ground.shape[0] + 1, 7), np.arange(0, ground.shape[1] + 1, 11)
        line, sample = np.meshgrid(
            ground.window[0].start - 0.5 + row / DETAIL[0],
            ground.window[1].start - 0.5 + column / DETAIL[1],
            indexing="ij",
        )
        longitude, latitude = rough.to_ground(line, sample)
        seen = rough.terrain.to_radar(longitude, latitude, rough.terrain.dem.height_at(longitude, latitude))
        corner = np.ix_(row, column)
        assert np.abs(line + ground.down[corner] - seen[0]).max() < 2e-3
        assert np.abs(sample + ground.across[corner] - seen[1]).max() < 2e-3

    def test_any_tiles_have_the_same_bits(self, rough):
        polygons = partition(rough, 500)
        rings = on_level_ground(rough, polygons, [number % 2 for number in range(len(polygons))])
        whole, area = fractions(rough.cells(TILE, CPU), rings, 2)
        for lines, samples in ((slice(10, 14), slice(100, 180)), (slice(13, 20), slice(137, 171))):
            part, own = fractions(rough.cells(ImageTile(lines=lines, samples=samples), CPU), rings, 2)
            at = (slice(lines.start - 10, lines.stop - 10), slice(samples.start - 100, samples.stop - 100))
            assert np.array_equal(part, whole[(slice(None), *at)])
            assert np.array_equal(own, area[at])

    def test_cells_are_pushed_once_and_only_what_is_there_is_covered(self, rough, monkeypatch):
        pushed = []

        def counted(*arguments):
            pushed.append(len(arguments[-1]))
            accumulate(*arguments)

        accumulate = kernels.accumulate_cells
        monkeypatch.setattr(kernels, "accumulate_cells", counted)
        rings = on_level_ground(rough, partition(rough, 500), range(500))
        ground = rough.cells(ImageTile(lines=slice(10, 14), samples=slice(100, 180)), CPU)
        planes, covers = cover([on_cells(ground, rings)], ground.shape, CPU)
        assert 0 < len(planes) < 250
        assert covers.any(axis=(1, 2)).sum() > 0.5 * len(planes)
        kernels.resolve_overlaps(covers, np.zeros(0, dtype=np.int64))
        area = ground.push(covers)[-1]
        np.testing.assert_array_equal(ground.areas(), area)
        ground.ground_area()
        assert pushed == [len(planes) + 1]
        beside = ImageTile(lines=slice(10, 14), samples=slice(100, 180))
        np.testing.assert_array_equal(rough.cells(beside, CPU).areas(), area)  # nothing pushed before
        far = on_level_ground(rough, [shapely.box(*np.add(outline(rough).bounds, 5.0))], [0])
        assert cover([on_cells(ground, far)], ground.shape, CPU)[0] == []

    def test_shifts_move_what_is_seen(self, rough):
        polygons = partition(rough, 500)
        rings = on_level_ground(rough, polygons, [number % 2 for number in range(len(polygons))])
        grid = rough.terrain.grid
        values = np.zeros((2, grid.lines, grid.samples // 64 + 2), dtype=np.float32)
        values[0], values[1] = 2.0, -3.0
        moved = LevelGround(terrain=rough.terrain, shifts=Shifts(values=values))
        got, _ = fractions(moved.cells(TILE, CPU), rings, 2)
        there = ImageTile(lines=slice(12, 22), samples=slice(97, 177))
        want, _ = fractions(rough.cells(there, CPU), rings, 2)
        assert np.allclose(got, want, atol=2e-3)

    def test_a_hole_in_the_dem_is_no_ground(self, tmp_path):
        level = LevelGround(terrain=scene(tmp_path, steepness=ROUGH, holes=True))
        tile = ImageTile(lines=slice(0, 96), samples=slice(0, 700))
        box = outline(level)
        got, area = fractions(level.cells(tile, CPU), on_level_ground(level, [box], [0]), 1)
        drawn = level.terrain.lines(0, 96)
        assert 0.01 < np.mean(area == 0.0) < 0.5
        assert np.mean((area == 0.0) == np.isnan(drawn.height)) > 0.98
        assert np.allclose(got[0][area > 0.0], 1.0, atol=1e-6)


class TestRaised:
    def test_a_roof_lies_towards_the_sensor(self, tmp_path):
        level = LevelGround(terrain=scene(tmp_path, steepness=0.0))
        terrain = level.terrain
        longitude, latitude = level.to_ground(np.array([48.0]), np.array([350.0]))
        longitude, latitude = terrain.to_ground(np.array([48.0]), np.array([350.0]), 700.0)
        roof = shapely.Point(longitude[0], latitude[0]).buffer(2e-4)
        x, y, start, hole, plane = rings_of([roof], [0])
        tile = ImageTile(lines=slice(0, 96), samples=slice(200, 500))
        ground = level.cells(tile, CPU)
        found = []
        for height in (700.0, 750.0):
            rings = radar_rings(*terrain.to_radar(x, y, height), start, hole, plane)
            _, covers = cover([on_pixels(ground, rings)], tile.shape, CPU)
            kernels.resolve_overlaps(covers, np.zeros(0, dtype=np.int64))
            found.append(covers[0] * level.pixel_area(tile) / kernels.WHOLE_CELL)
        low, high = found
        truth = abs(Geod(ellps="WGS84").geometry_area_perimeter(roof)[0])
        assert np.isclose(low.sum(), truth, rtol=1e-3)
        assert np.isclose(high.sum(), truth, rtol=1e-3)
        sample = np.arange(tile.samples.start, tile.samples.stop)
        nearer = np.average(sample, weights=low.sum(axis=0)) - np.average(sample, weights=high.sum(axis=0))
        incidence = np.radians(float(terrain.lines(48, 49).incidence[0, 350]))
        assert np.isclose(nearer, 50.0 * np.cos(incidence) / terrain.grid.range_spacing, rtol=5e-3)
        assert np.isclose(nearer, 50.0 * level.samples_per_metre(tile)[0, 150], rtol=5e-3)


class TestScene:
    def test_its_area_holds_all_that_is_seen(self, rough):
        place = LabelScene(level_ground=rough, device=CPU, times=np.zeros(0), reference=0)
        drawn = rough.terrain.lines(0, 96)
        known = np.isfinite(drawn.longitude)
        assert shapely.contains_xy(place.area(), drawn.longitude[known], drawn.latitude[known]).all()
        part = place.area(slice(40, 50))
        assert shapely.contains_xy(
            part, drawn.longitude[40:50][known[40:50]], drawn.latitude[40:50][known[40:50]]
        ).all()
        assert part.area < 0.6 * place.area().area


def test_pieces_keep_rings_closed():
    line, sample = (
        np.array([0.0, 0.0, 200.0, 0.0, 5.0, 5.0, 9.0, 5.0]),
        np.array([0.0, 300.0, 0.0, 0.0, 5.0, 9.0, 9.0, 5.0]),
    )
    start = np.array([0, 4, 8])
    pieces = count_pieces(line, sample, start)
    assert pieces.tolist() == [5, 5, 4, 1, 1, 1, 1, 1]
    x, y, begin = divide_edges(sample, line, start, pieces)
    assert begin.tolist() == [0, 15, 19]
    assert (x[0], y[0]) == (x[14], y[14])
    assert np.abs(np.diff(x[:15])).max() <= 64.0
    again = divide_edges(sample, line, start, np.ones(8, dtype=np.int64))
    assert np.array_equal(again[0], sample)


def test_rings_without_a_place_are_left_out():
    line = np.array([0.0, 0.0, 4.0, 0.0, 1.0, np.nan, 2.0, 1.0])
    rings = radar_rings(line, line + 1.0, np.array([0, 4, 8]), np.array([False, False]), np.array([0, 1]))
    assert rings.start.tolist() == [0, 4]
    assert rings.plane.tolist() == [0]
    assert replace(rings).nbytes > 0


PARTS = DETAIL[
    0
]  # of a pixel, along each side: rectangles begin and end between them, so shares are multiples of 1 / 16
MAP = {
    "water": ("lake", "pond"),
    "road": (),
    "building": ("house", "barn", "shed"),
}  # layers and their classes
CLASSES = ["water_lake", "water_pond", "road", "building_house", "building_barn", "building_shed"]


@pytest.fixture(scope="module")
def level(tmp_path_factory):
    size = {"lines": 48, "samples": 240}
    return LevelGround(terrain=scene(tmp_path_factory.mktemp("level"), steepness=0.0, size=size))


@pytest.fixture(scope="module")
def covered(level):
    """Which parts of pixels each class covers: [class, part of line, part of sample]."""
    grid, rng = level.terrain.grid, np.random.default_rng(3)
    covered = np.zeros((len(CLASSES), PARTS * grid.lines, PARTS * grid.samples), dtype=bool)
    for plane in covered:
        for _ in range(100):
            height, width = rng.integers(2, 40, 2)
            top, left = (
                rng.integers(1, n - k - 1) for n, k in zip(plane.shape, (height, width), strict=True)
            )
            if not plane[top - 1 : top + height + 1, left - 1 : left + width + 1].any():
                plane[top : top + height, left : left + width] = True
    return covered


@pytest.fixture(scope="module")
def path(level, covered, tmp_path_factory):
    """A GeoPackage with a layer for each of `MAP`, whose rectangles are those of `covered`."""
    path = tmp_path_factory.mktemp("map") / "map.gpkg"
    number = 0
    for layer, classes in MAP.items():
        kinds, shapes = [], []
        for kind in classes or (layer,):
            found = [rectangle(level, box) for box in ndimage.find_objects(ndimage.label(covered[number])[0])]
            shapes += found
            kinds += [kind] * len(found)
            number += 1
        frame = geopandas.GeoDataFrame({"kind": kinds}, geometry=shapes, crs=4326)
        frame.to_file(path, layer=layer, driver="GPKG")
    return path


def rectangle(level, box):
    """A polygon on the map that has straight edges in lines and samples."""
    (top, bottom), (left, right) = ((side.start / PARTS - 0.5, side.stop / PARTS - 0.5) for side in box)
    ring = shapely.box(left, top, right, bottom).exterior.segmentize(4.0)
    sample, line = shapely.get_coordinates(ring).T
    return shapely.Polygon(np.stack(level.to_ground(line, sample), axis=-1))


def expected(covered, overlaps, least):
    """Each pixel's class by counting parts, the first of two that cover all of it; and where two have as many parts."""
    planes = covered.copy()
    order = {"keep": [], "first": range(len(planes)), "last": range(len(planes))[::-1]}[overlaps]
    hidden = np.zeros(planes.shape[1:], dtype=bool)
    for number in order:
        planes[number] &= ~hidden
        hidden |= planes[number]
    count, lines, samples = planes.shape
    pixels = planes.reshape(count, lines // PARTS, PARTS, samples // PARTS, PARTS).sum(axis=(2, 4))
    most, second = np.sort(pixels, axis=0)[[-1, -2]]
    label = np.where((most > 0) & (most >= least * PARTS**2), np.argmax(pixels, axis=0) + 1, 0)
    return label, (most == second) & (most > 0) & (most < PARTS**2)


@pytest.mark.parametrize("overlaps", ["keep", "first", "last"])
@pytest.mark.parametrize("least", [0.0, 0.3, 0.55, 0.9])
def test_the_layer_label_is_the_class_of_each_pixel(level, covered, path, overlaps, least):
    layers = {
        name: VectorLayerConfig(
            path=str(path),
            layer=name,
            attribute="kind" if classes else None,
            values={kind: [kind] for kind in classes} or None,
            coverage="everywhere",
        )
        for name, classes in MAP.items()
    }
    settings = RadarcodingConfig(layers=layers, overlaps=overlaps, label="cover", least_fraction=least)
    dem = SimpleNamespace(standard_deviation=None)
    labels = open_labels(SimpleNamespace(radarcoding=settings, dem=dem), 1 << 28)
    (spec,) = (layer for layer in labels.layers if layer.name == "cover")
    assert spec.attributes["flag_meanings"] == " ".join(["none", *CLASSES, "unknown"])
    assert spec.attributes["flag_values"] == [*range(7), 255]
    place = LabelScene(level_ground=level, device=CPU, times=np.zeros(0), reference=0)
    writer = LabelWriter(labels=labels, scene=place, product=None, layout=None)
    got = writer.cells(place, slice(0, level.terrain.grid.lines))["cover"]
    label, tied = expected(covered, overlaps, least)
    assert got.dtype == np.uint8
    assert set(np.unique(label)) == set(range(7))
    assert tied.mean() < 0.05
    np.testing.assert_array_equal(got[~tied], label[~tied])
