"""Shapes much larger than a scene: what is far away does not matter, and what is straight in the file stays so."""

import numpy as np
import pytest
import shapely
from fake_vectors import frame, opened, write
from otterlo import OTTERLO, grid_at, hills, pass_over
from pyproj import Geod, Transformer
from rough_terrain import scene

from alignsar_gpu.application.labels.writer import Labels, LabelWriter
from alignsar_gpu.device import Device
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.terrain.terrain import Terrain
from alignsar_gpu.radarcoding.layers import LabelScene
from alignsar_gpu.radarcoding.level_ground import LevelGround
from alignsar_gpu.radarcoding.vectors.layers import VectorLayers, VectorSource
from alignsar_gpu.radarcoding.vectors.ring_store import RingStore
from alignsar_gpu.radarcoding.vectors.rings import Counts

CPU = Device("cpu", "", "", 1 << 30)
PIXEL = 0.01
GEOD = Geod(ellps="WGS84")
ALL = {"coverage": "everywhere"}


def scene_of(terrain):
    return LabelScene(level_ground=LevelGround(terrain=terrain), device=CPU, times=np.zeros(0), reference=0)


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return scene_of(scene(tmp_path_factory.mktemp("small"), steepness=0.3))


@pytest.fixture(scope="module")
def wide(tmp_path_factory):
    """An image of 58 by 72 km, whose DEM is that of its middle."""
    orbit = pass_over(*OTTERLO, 855e3)
    dem = open_dem(hills(tmp_path_factory.mktemp("wide") / "dem.tif"), "ellipsoid")
    terrain = Terrain(grid=grid_at(orbit, *OTTERLO, 4100, 20000), orbit=orbit, dem=dem, partial=True)
    return scene_of(terrain)


def middle_of(place):
    terrain = place.level_ground.terrain
    longitude, latitude = terrain.to_ground(
        np.array([0.5 * terrain.grid.lines]), np.array([0.5 * terrain.grid.samples]), 0.0
    )
    return float(longitude[0]), float(latitude[0])


def utm(place):
    longitude, latitude = middle_of(place)
    return f"+proj=utm +zone={int((longitude + 180.0) // 6.0) + 1} {'+south' if latitude < 0.0 else ''} +datum=WGS84"


def in_system(place, crs, x, y):
    """Offsets in kilometres from the middle of the scene, in a system."""
    longitude, latitude = middle_of(place)
    east, north = Transformer.from_crs(4326, utm(place), always_xy=True).transform(longitude, latitude)
    back = Transformer.from_crs(utm(place), crs, always_xy=True)
    return np.stack(back.transform(east + 1e3 * np.asarray(x), north + 1e3 * np.asarray(y)), axis=-1)


def through_the_middle(place, crs):
    """Two ends, 800 km apart, of a line that is straight in a system."""
    middle, end = in_system(place, crs, [0, 300], [0, 280])
    return np.stack([middle - (end - middle), end])


def strips(place, files, limit, height=40, **choices):
    """Layers of a scene, made of strips of some lines."""
    sources = [VectorSource(name=name, file=file) for name, file in files.items()]
    vectors = VectorLayers(sources=sources, overlaps="keep", label="", least=0.5, limit=limit)
    work = LabelWriter(
        labels=Labels(vectors=vectors, cells=(), strips=(), height_error=None),
        scene=place,
        product=None,
        layout=None,
    )
    lines = place.level_ground.terrain.grid.lines
    parts = [work.cells(place, slice(first, min(first + height, lines))) for first in range(0, lines, height)]
    return {name: np.concatenate([part[name] for part in parts]) for name in files}, sources


@pytest.fixture(params=["EPSG:4326", "EPSG:3857", "utm", "EPSG:6933"])
def system(request, small):
    return utm(small) if request.param == "utm" else request.param


class TestSmallScene:
    def test_a_country_around_it(self, tmp_path, small, system):
        """Some of its vertices lie where the orbit does not reach."""
        corner = in_system(small, system, [-200, 250, 240, -180], [-1800, -1700, 1900, 1600])
        path = write(tmp_path / "x.gpkg", frame([shapely.Polygon(corner)], system))
        line, _ = small.level_ground.to_radar(*opened(path).to_geodetic(*corner.T))
        assert np.isnan(line).any()
        for limit in (1 << 28, 0):
            found, (source,) = strips(small, {"land": opened(path)}, limit)
            assert (found["land"] == 1.0).all()
            assert source.counts.as_dict() == {**Counts().as_dict(), "features": 1}

    def test_the_world(self, tmp_path, small):
        hole = shapely.Point(middle_of(small)).buffer(1e-3).exterior
        world = shapely.Polygon(shapely.box(-180, -90, 180, 90).exterior, [hole])
        path = write(tmp_path / "x.gpkg", frame([world, shapely.Polygon(hole)], 4326, kind=["a", "b"]))
        files = {name: opened(path, where=f"kind = '{name}'") for name in ("a", "b")}
        found, _ = strips(small, files, 1 << 28)
        assert np.abs(found["a"] + found["b"] - 1.0).max() < 1e-6
        assert (found["b"] > 0.9).any()
        assert (found["a"] == 1.0).any()

    def test_two_countries(self, tmp_path, small, system):
        """Their border, of some hundred kilometres, passes through the scene, and leaves nothing between."""
        first, last = through_the_middle(small, system)
        left, right = in_system(small, system, [-300, 310], [290, -280])
        shapes = [shapely.Polygon([first, last, left]), shapely.Polygon([last, first, right])]
        path = write(tmp_path / "x.gpkg", frame(shapes, system, kind=["a", "b"]))
        files = {name: opened(path, where=f"kind = '{name}'") for name in ("a", "b")}
        kept, _ = strips(small, files, 1 << 28)
        for name, values in kept.items():
            assert 0.01 < values.mean() < 0.99, name
        assert np.abs(kept["a"] + kept["b"] - 1.0).max() < 1e-3
        again, _ = strips(small, files, 0)
        other, _ = strips(small, files, 0, height=17)
        for name, values in kept.items():
            assert np.array_equal(values, again[name])
            assert np.array_equal(values, other[name])

    def test_a_road_across_the_country(self, tmp_path, small, system):
        """Its area, as that of the same road drawn in short pieces and cut to the surroundings by hand."""
        ends = through_the_middle(small, system)
        path = write(tmp_path / "x.gpkg", frame([shapely.LineString(ends)], system))
        share = np.linspace(0.47, 0.53, 2001)[:, None]
        points = ends[0] + share * (ends[1] - ends[0])
        plane = Transformer.from_crs(system, utm(small), always_xy=True)
        near = shapely.LineString(np.stack(plane.transform(*points.T), axis=1))
        assert near.length > 30e3
        short = write(tmp_path / "y.gpkg", frame([near.buffer(20.0, cap_style="flat")], utm(small)))
        found, _ = strips(
            small, {"long": opened(path, width=40.0, **ALL), "short": opened(short, **ALL)}, 1 << 28
        )
        assert found["short"].max() > 0.5
        assert np.abs(found["long"] - found["short"]).max() < 0.02  # the scale of the plane, and cells


class TestStore:
    @pytest.mark.parametrize("elevation", [None, "top"])
    def test_a_shared_corner_has_one_place(self, tmp_path, wide, elevation):
        x, y = np.random.default_rng(2).uniform(-20.0, 20.0, (2, 40))
        near = np.array([-0.05, -0.05, 0.05, 0.05, 0.0]), np.array([-0.05, 0.05, -0.05, 0.05, 0.0])
        corner = in_system(
            wide, 4326, *(np.add.outer(a, b).ravel() for a, b in zip((x, y), near, strict=True))
        )
        squares = corner.reshape(-1, 5, 2)
        shapes = shapely.polygons(np.concatenate([squares[:, [0, 1, 4, 0]], squares[:, [3, 2, 4, 3]]]))
        shapes = np.concatenate([shapes, shapely.polygons(squares[:, [0, 2, 4, 0]])])
        shapes = np.random.default_rng(3).permutation(shapes)
        path = write(tmp_path / "x.gpkg", frame(shapes, 4326, top=np.full(len(shapes), 80.0)))
        store = RingStore(opened(path, elevation=elevation), 0, Counts(), 1 << 28)
        places = [
            np.stack([rings.line, rings.sample], axis=1)
            for batch in store.in_lines(wide, slice(0, 4100))
            for rings in (batch.raised if elevation else batch.ground,)
        ]
        found = np.concatenate(places)
        assert len(found) == 4 * len(shapes)
        assert len(np.unique(found, axis=0)) == len(corner)

    def test_a_tower_beside_the_image(self, tmp_path, wide):
        """Its roof is seen in the image, though its foot is not."""
        terrain, height = wide.level_ground.terrain, 375.0
        sample = terrain.grid.samples - 20.0
        longitude, latitude = terrain.to_ground(np.array([2000.0]), np.array([sample]), height)
        assert not shapely.contains_xy(wide.area(), longitude, latitude)[0]
        roof = shapely.Point(longitude[0], latitude[0]).buffer(1e-4)
        path = write(tmp_path / "x.gpkg", frame([roof], 4326, top=[height]))
        store = RingStore(opened(path, elevation="top"), 0, Counts(), 1 << 28)
        (batch,) = store.in_lines(wide, slice(1900, 2100))
        assert np.abs(batch.raised.sample - sample).max() < 10.0
        assert len(batch.ground.start) == 1

    def test_what_does_not_fit_into_memory(self, tmp_path, small):
        """Layers of what is kept in a file are those of what is kept in memory."""
        shapes = [shapely.Point(*place).buffer(1e-3) for place in in_system(small, 4326, [0, 0.3], [0, 0.1])]
        path = write(tmp_path / "x.gpkg", frame(shapes, 4326, top=[700.0, np.nan]))
        layers = [
            strips(small, {"a": opened(path, elevation="top", **ALL)}, limit)[0]["a"]
            for limit in (1 << 28, 0)
        ]
        assert 0.0 < layers[0].mean() < 1.0
        assert np.array_equal(*layers)


class TestStraight:
    @pytest.mark.parametrize("crs", [28992, 4326, 3857, 3035])
    @pytest.mark.parametrize("elevation", [None, "top"])
    def test_long_edges(self, tmp_path, wide, crs, elevation):
        """An edge of 50 km and more is where its points are, each through pyproj and the exact geometry."""
        to_file = Transformer.from_crs(4326, crs, always_xy=True)
        x, y = to_file.transform(
            OTTERLO[0] + np.array([-0.4, 0.42, 0.3]), OTTERLO[1] + np.array([-0.25, 0.2, -0.3])
        )
        corner = np.stack([x, y], axis=1)
        path = write(tmp_path / "x.gpkg", frame([shapely.Polygon(corner)], crs, top=[80.0]))
        (batch,) = RingStore(opened(path, elevation=elevation), 0, Counts(), 1 << 28).in_lines(
            wide, slice(0, 4100)
        )
        rings = batch.raised if elevation else batch.ground
        assert len(rings.start) == 2
        outline = shapely.LineString(np.stack([rings.line, rings.sample], axis=1))
        shapely.prepare(outline)
        share = np.linspace(0.0, 1.0, 3001)[:, None]
        to_degrees = Transformer.from_crs(crs, 4326, always_xy=True)
        for first, last in zip(corner, np.roll(corner, -1, axis=0), strict=True):
            longitude, latitude = to_degrees.transform(*(first + share * (last - first)).T)
            assert GEOD.inv(longitude[0], latitude[0], longitude[-1], latitude[-1])[2] > 48e3
            height = 80.0 if elevation else wide.level_ground.height
            seen = wide.level_ground.terrain.to_radar(longitude, latitude, height)
            inside = shapely.contains_xy(wide.area(), longitude, latitude)
            assert inside.mean() > 0.4
            places = shapely.points(np.stack(seen, axis=1)[inside])
            assert shapely.distance(outline, places).max() < PIXEL
