"""Shapes of vector files as rings: repairs, widths, kinds, and the areas that come out."""

import sqlite3
import struct

import geopandas
import numpy as np
import pyproj
import pytest
import shapely
from fake_vectors import (
    HOLED,
    OTTERLO,
    SQUARE,
    area_of,
    frame,
    opened,
    read,
    refused,
    shapes_of,
    signed_areas,
    write,
)
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
from alignsar_gpu.radarcoding.vectors.crs import find_georeference
from alignsar_gpu.radarcoding.vectors.rings import ClassifiedFeatures, Counts, FeatureWindow, rings_of
from alignsar_gpu.radarcoding.vectors.shapes import cut_off

GEOD = pyproj.Geod(ellps="WGS84")


class TestShapes:
    def test_kinds_of_polygons(self, tmp_path):
        collection = shapely.GeometryCollection(
            [
                shapely.box(180400, 457000, 180500, 457100),
                shapely.LineString([(180000, 457000), (180600, 457100)]),
            ]
        )
        overlapping = shapely.GeometryCollection([SQUARE, shapely.affinity.translate(SQUARE, 50.0)])
        path = write(tmp_path / "x.geojson", frame([HOLED, collection, overlapping]).to_crs(4326))
        file, rings, counts = read(path)
        assert counts.features == 3
        areas = [GEOD.geometry_area_perimeter(one)[0] for one in shapes_of(rings, file)]
        # 1.0005: what 100 metres of the projection are on the ground
        assert np.abs(areas) == pytest.approx([9600.0, 10000.0, 15000.0], rel=1e-3)
        assert counts.lines == 1

    def test_repaired(self, tmp_path):
        tie = shapely.Polygon([(180000, 457000), (180100, 457100), (180100, 457000), (180000, 457100)])
        twice = shapely.MultiPolygon([SQUARE, shapely.affinity.translate(SQUARE, 50.0)])
        hole_out = shapely.Polygon(SQUARE.exterior, [shapely.box(180300, 457300, 180310, 457310).exterior])
        hole_over = shapely.Polygon(SQUARE.exterior, [shapely.box(180050, 457000, 180200, 457100).exterior])
        flat = shapely.Polygon([(180000, 457000), (180100, 457100), (180000, 457000)])
        path = write(tmp_path / "x.gpkg", frame([SQUARE, tie, twice, hole_out, hole_over, flat]))
        _, rings, counts = read(path)
        assert [shape.area for shape in shapes_of(rings)] == pytest.approx([1e4, 5e3, 1.5e4, 1e4, 5e3])
        assert (counts.features, counts.repaired, counts.dropped) == (5, 4, 1)
        assert all(shape.is_valid for shape in shapes_of(rings))
        assert len(counts.sentences("x")) == 2
        counts.clear()
        assert counts == Counts()

    def test_nothing_and_empty_shapes(self, tmp_path):
        path = write(tmp_path / "x.geojson", frame([None, SQUARE, shapely.Polygon()]).to_crs(4326))
        _, rings, counts = read(path)
        assert len(rings.class_index) == 1
        refused("none of its features has a shape", write(tmp_path / "n.geojson", frame([None, None], 4326)))
        assert counts.features == 1

    def test_empty_parts(self, tmp_path):
        polygon = struct.pack("<BII", 1, 3, 1) + struct.pack("<I10d", 5, *np.ravel(SQUARE.exterior.coords))
        parts = [struct.pack("<BII", 1, 3, 0), polygon, struct.pack("<BII", 1, 3, 0)]
        shape = shapely.from_wkb(struct.pack("<BII", 1, 6, len(parts)) + b"".join(parts))
        _, rings, _ = read(write(tmp_path / "x.gpkg", frame([HOLED, shape, SQUARE])))
        assert np.diff(rings.start).tolist() == [5, 5, 5, 5]
        assert rings.owner.tolist() == [0, 0, 1, 2]
        assert rings.hole.tolist() == [False, True, False, False]
        assert np.abs(signed_areas(rings)) == pytest.approx([1e4, 400.0, 1e4, 1e4])

    def test_three_dimensions(self, tmp_path):
        _, rings, _ = read(write(tmp_path / "x.gpkg", frame([shapely.force_3d(HOLED, 40.0)])))
        assert area_of(rings) == pytest.approx(9600.0)

    @pytest.mark.parametrize("bad", [np.nan, np.inf])
    def test_coordinates_that_are_no_numbers(self, tmp_path, bad):
        with np.errstate(invalid="ignore"):
            shape = shapely.Polygon([(180000, 457000), (180100, 457000), (180100, bad), (180000, 457000)])
            path = write(tmp_path / "x.parquet", frame([SQUARE, shape]))
        refused("1 vertices whose coordinates are not finite", path)

    def test_damaged(self, tmp_path):
        shapes = '{"type": "FeatureCollection", "features": [{"type": "Feature", "properties": {}, "geometry": %s}]}'
        (tmp_path / "x.geojson").write_text(
            shapes % '{"type": "Polygon", "coordinates": [[[5.7, 52], [5.8, 52], [5.8, 52.1], [5.7, 52.1]]]}'
        )
        refused("has geometries that are damaged, or curves .*closed", tmp_path / "x.geojson")

    def test_curves(self, tmp_path):
        """A disc of four arcs, as GeoPackages of the Dutch cadastre have them, is not its square."""
        path = write(tmp_path / "x.gpkg", frame([SQUARE, HOLED]))
        ring = [(180000, 457050), (180050, 457100), (180100, 457050), (180050, 457000), (180000, 457050)]
        wkb = struct.pack("<BIIBII", 1, 10, 1, 1, 8, 5) + b"".join(struct.pack("<dd", *one) for one in ring)
        with sqlite3.connect(path) as database:
            for name in ("ST_IsEmpty", "ST_MinX", "ST_MinY", "ST_MaxX", "ST_MaxY"):
                database.create_function(name, 1, lambda _: 0)
            (old,) = database.execute("SELECT geom FROM x WHERE fid = 1").fetchone()
            for (trigger,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                database.execute(f'DROP TRIGGER "{trigger}"')
            database.execute("UPDATE x SET geom = ? WHERE fid = 1", (old[:40] + wkb,))
        database.close()
        refused(r"damaged, or curves .*ogr2ogr -makevalid -nlt CONVERT_TO_LINEAR", path)


class TestCutOff:
    def test_kinds(self):
        """Areas of areas, lines of lines, and nothing of what only touches."""
        edge = shapely.box(0, 0, 10, 10)
        inside, comb = (
            shapely.box(1, 1, 2, 2),
            shapely.Polygon([(5, 5), (20, 5), (20, 7), (10, 7), (10, 9), (5, 9)]),
        )
        shapes = [
            inside,
            comb,
            shapely.box(10, 0, 12, 10),
            shapely.LineString([(-5, 5), (15, 5), (15, 10), (8, 10)]),
            shapely.MultiPoint([(1, 1), (30, 1)]),
            shapely.box(-5, -5, 15, 15).difference(shapely.box(4, 4, 6, 6)),
        ]
        found = cut_off(np.array(shapes, dtype=object), edge)
        assert found[0] is inside
        assert found[1].equals(shapely.box(5, 5, 10, 9))
        assert found[2].is_empty
        assert found[3].length == 10.0 + 2.0
        assert found[4].equals(shapely.Point(1, 1))
        assert found[5].equals(edge.difference(shapely.box(4, 4, 6, 6)))

    @settings(max_examples=40, deadline=None)
    @given(st.integers(0, 2**32 - 1))
    def test_what_is_inside_stays_as_it_is(self, seed):
        random = np.random.default_rng(seed)
        shape = shapely.Polygon(np.array([1.8e5, 4.57e5]) + _star(random, 3e5, 10.0))
        edge = shapely.Point(1.8e5, 4.57e5).buffer(random.uniform(20.0, 2e5))
        (found,) = cut_off(np.array([shape], dtype=object), edge)
        assert found.area == pytest.approx(shape.intersection(edge).area, rel=1e-12)
        own, all_found = (shapely.get_coordinates(one) for one in (shape, found))
        kept = own[shapely.contains_properly(edge, shapely.points(own))]
        assert {tuple(one) for one in kept} <= {tuple(one) for one in all_found}
        added = all_found[~(all_found[:, None] == own[None]).all(axis=-1).any(axis=1)]
        beside = shapely.distance(edge.exterior, shapely.points(added))
        assert (beside < 1e-9).all()


class TestWidths:
    LINE = shapely.LineString([(180000, 457000), (180100, 457000)])

    def test_bands(self, tmp_path):
        path = write(tmp_path / "x.gpkg", frame([self.LINE, shapely.MultiLineString([self.LINE, self.LINE])]))
        _, rings, counts = read(path, width=10.0)
        assert [shape.area for shape in shapes_of(rings)] == pytest.approx(
            [1000.0, 1000.0]
        )  # flat ends, no overlap
        assert shapely.bounds(shapes_of(rings)[0]) == pytest.approx([180000, 456995, 180100, 457005])
        _, rings, _ = read(path, width=10.0, buffer=5.0)
        assert shapely.bounds(shapes_of(rings)[0]) == pytest.approx([179995, 456990, 180105, 457010])
        assert counts.features == 2

    def test_discs(self, tmp_path):
        path = write(tmp_path / "x.gpkg", frame([shapely.Point(180000, 457000)]))
        _, rings, _ = read(path, buffer=10.0)
        assert area_of(rings) == pytest.approx(np.pi * 100.0, rel=2e-3)

    def test_grown_polygons(self, tmp_path):
        _, rings, _ = read(write(tmp_path / "x.gpkg", frame([HOLED])), buffer=2.0)
        assert area_of(rings) == pytest.approx(104.0**2 - (4 - np.pi) * 4.0 - 16.0**2, rel=1e-4)

    @pytest.mark.parametrize("crs", [4326, 3857, 3035, 28992, 2263])
    def test_metres_whatever_the_system(self, tmp_path, crs):
        x, y = (-74.0, 40.7) if crs == 2263 else OTTERLO  # 2263: New York, in feet
        line = shapely.LineString([(x, y), (x, y + 0.01)])
        path = write(tmp_path / "x.gpkg", frame([line], 4326).to_crs(crs))
        area = shapely.box(x - 1, y - 1, x + 1, y + 1)
        file, rings, _ = read(path, area, width=20.0)
        length = GEOD.inv(x, y, x, y + 0.01)[2]
        found = abs(GEOD.geometry_area_perimeter(shapes_of(rings, file)[0])[0])
        assert found == pytest.approx(20.0 * length, rel=0.002 if crs in {4326, 3857, 2263} else 0.02)
        found = shapes_of(
            read(path, area, buffer=10.0)[1], file if crs in {28992} else opened(path, buffer=10.0)
        )[0]
        assert abs(GEOD.geometry_area_perimeter(found)[0]) == pytest.approx(
            20.0 * length + np.pi * 100, rel=0.02
        )

    @pytest.mark.parametrize("crs", [3857, 4326])
    def test_straight_where_the_file_says(self, tmp_path, crs):
        """A line of 65 km in Web Mercator passes 77 m beside the one that is straight in degrees."""
        ends = frame([shapely.Point(5.0, 52.0), shapely.Point(5.5, 52.5)], 4326).to_crs(crs).geometry
        line = shapely.LineString(list(ends))
        path = write(tmp_path / "x.gpkg", frame([line], crs))
        file, rings, _ = read(path, shapely.box(4, 51, 7, 53), width=0.1)
        points = geopandas.GeoSeries(
            [line.interpolate(s, normalized=True) for s in np.linspace(0.001, 0.999, 4000)], crs=crs
        ).to_crs(4326)
        assert shapely.contains(shapes_of(rings, file)[0], points.array).all()

    @pytest.mark.parametrize("crs", [4326, 28992])
    def test_does_not_depend_on_the_area(self, tmp_path, crs):
        """But for what is cut off outside of it."""
        lines = [shapely.LineString([(x, 52.0), (x + 0.4, 52.2)]) for x in (5.0, 5.3, 5.9)]
        path = write(tmp_path / "x.gpkg", frame(lines, 4326).to_crs(crs))
        wide = shapely.union_all(shapes_of(read(path, shapely.box(4, 51, 7, 53), width=8.0)[1]))
        for west in (4.99, 5.45, 6.25):
            area = shapely.box(west, 51, west + 0.05, 53)
            file, rings, _ = read(path, area, width=8.0)
            narrow = shapely.union_all(shapes_of(rings))
            (inside,) = file.place.areas(area, 0.0)
            (around,) = file.place.areas(area, 2000.0)
            assert narrow.within(around)
            assert not wide.within(around)
            difference = narrow.symmetric_difference(wide).intersection(inside)
            assert difference.area < 1e-4 * narrow.intersection(inside).area

    def test_parts_of_a_collection_stay_together(self, tmp_path):
        """As far as they are not cut off."""
        shapes = [
            shapely.LineString([(5.0, 52.0), (5.1, 52.0)]),
            shapely.box(5.11, 52.0, 5.111, 52.1),
            shapely.box(6.0, 52.0, 6.1, 52.1),
        ]
        path = write(tmp_path / "x.geojson", frame([shapely.GeometryCollection(shapes)], 4326))
        for west, parts in ((4.95, 1), (5.005, 2), (5.95, 1), (4.9, 3)):
            width = 1.2 if parts == 3 else 0.1
            _, rings, counts = read(path, shapely.box(west, 51, west + width, 53), width=8.0)
            assert len(shapes_of(rings)[0].geoms) == parts
            assert counts.features == 1

    def test_band_reaches_into_the_area(self, tmp_path):
        path = write(tmp_path / "x.gpkg", frame([shapely.Point(5.7, 52.0)], 4326))
        area = shapely.box(5.7 + 0.001, 51.9, 5.8, 52.1)  # 68 m east
        assert read(path, area, buffer=100.0)[2].features == 1
        assert read(path, area, buffer=10.0)[2].features == 0

    @pytest.mark.parametrize(
        "latitude", [0.0, 60.0]
    )  # where Mercator's metres are metres, and where they are not
    def test_across_the_antimeridian(self, tmp_path, latitude):
        points = [shapely.Point(179.9999, latitude), shapely.Point(0.0, 0.0)]
        path = write(tmp_path / "x.gpkg", frame(points, 4326).to_crs(3857))
        file, rings, _ = read(path, shapely.box(179, -1, 181, 61), buffer=100.0)
        width = np.ptp(file.to_geodetic(rings.x, rings.y)[0] % 360.0)
        assert width == pytest.approx(200.0 / 111320.0 / np.cos(np.radians(latitude)), rel=0.01)

    def test_mixed_kinds(self, tmp_path):
        shapes = [self.LINE, SQUARE, shapely.Point(180000, 457000)]
        path = write(tmp_path / "x.geojson", frame(shapes).to_crs(4326))
        _, _, counts = read(path)
        assert (counts.features, counts.lines, counts.points) == (1, 1, 1)
        _, _, counts = read(path, width=5.0)
        assert (counts.features, counts.lines, counts.points) == (2, 0, 1)
        assert read(path, buffer=5.0)[2].features == 3
        path = write(tmp_path / "y.geojson", frame(shapes[::2]).to_crs(4326))
        refused("has lines and points, which have no area: give width", path)

    def test_refused(self, tmp_path):
        lines = write(tmp_path / "l.gpkg", frame([self.LINE]))
        points = write(tmp_path / "p.gpkg", frame([shapely.Point(180000, 457000)]))
        refused("has lines, which have no area: give width", lines)
        refused("has points, which have no area: give buffer", points)
        refused("has points, which have no area: give buffer", points, width=3.0)
        refused(
            "has polygons, but width is for lines", write(tmp_path / "a.gpkg", frame([SQUARE])), width=3.0
        )
        for wrong in (0.0, -1.0, np.nan, np.inf):
            refused("give metres above 0", lines, width=wrong)
            refused("give metres above 0", lines, buffer=wrong)


class TestProperty:
    @settings(max_examples=60, deadline=None)
    @given(st.integers(0, 2**32 - 1), st.integers(1, 6), st.booleans(), st.booleans())
    def test_rings_have_the_area_of_the_shapes(self, seed, count, turned, metric):
        """Outer rings less holes, whatever way round they are written."""
        random = np.random.default_rng(seed)
        shapes = [self.multipolygon(random, turned) for _ in range(count)]
        assert all(shapely.is_valid(shapes))
        place = find_georeference(pyproj.CRS(28992), (0.0, 3e5, 2e5, 6e5) if metric else None, "x")
        features = ClassifiedFeatures(
            shapes=np.array([*shapes, None], dtype=object)[:-1],
            class_index=np.arange(count, dtype=np.int32),
            height=np.full(count, np.nan),
            dates=np.ones((count, 1), dtype=bool),
        )
        box = shapely.box(0, 3e5, 3e5, 6e5)
        window = FeatureWindow(area=box, before=[], edge=box)
        rings = rings_of(features, VectorLayerConfig(path="x"), place, window, Counts())
        assert rings.start[-1] == len(rings.x)
        areas = np.abs(signed_areas(rings))
        found = np.bincount(rings.owner, np.where(rings.hole, -areas, areas), minlength=count)
        assert found == pytest.approx(shapely.area(shapes), rel=1e-9)
        assert rings.class_index.tolist() == list(range(count))

    @staticmethod
    def multipolygon(random, turned):
        parts = []
        for n in range(random.integers(1, 4)):
            centre = np.array([1.8e5 + 400.0 * n, 4.57e5]) + random.uniform(-50, 50, 2)
            outer = shapely.Polygon(centre + _star(random, 100.0, 60.0))
            holes = [
                shapely.Polygon(centre + offset + _star(random, 12.0, 3.0)).exterior
                for offset in ([-20.0, 0.0], [20.0, 5.0])[: random.integers(0, 3)]
            ]
            parts.append(shapely.Polygon(outer.exterior, holes))
        shape = shapely.MultiPolygon(parts)
        return shapely.reverse(shape) if turned else shape


def _star(random, largest, least):
    angle = 2.0 * np.pi * (np.arange(9) + random.uniform(-0.3, 0.3, 9)) / 9.0
    return random.uniform(least, largest, (9, 1)) * np.stack([np.cos(angle), np.sin(angle)], axis=1)
