"""Vector files as rings: formats, paths, layers, systems of coordinates, longitudes of other turns."""

import pickle
import warnings
import zipfile

import geopandas
import numpy as np
import pyogrio
import pyproj
import pytest
import shapely
from fake_vectors import (
    EVERYWHERE,
    HOLED,
    KEY,
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

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.vectors.formats import ogr as vector_ogr
from alignsar_gpu.radarcoding.vectors.formats import sources as vector_sources
from alignsar_gpu.radarcoding.vectors.rings import Counts

ENDINGS = ("gpkg", "shp", "geojson", "gml", "parquet", "fgb")
GEOD = pyproj.Geod(ellps="WGS84")


class TestFormats:
    """The same polygons in every format and system lie at the same places."""

    @pytest.fixture
    def degrees(self):
        x, y = OTTERLO
        one = shapely.Polygon(
            [(x, y), (x + 0.002, y), (x + 0.002, y + 0.001), (x, y + 0.001)],
            [[(x + 0.0005, y + 0.0002), (x + 0.001, y + 0.0005), (x + 0.001, y + 0.0002)]],
        )
        return [
            one,
            shapely.MultiPolygon(
                [
                    shapely.affinity.translate(one, 0.01),
                    shapely.affinity.translate(shapely.Polygon(one.exterior), 0.01, 0.01),
                ]
            ),
        ]

    @pytest.mark.parametrize("ending", ENDINGS)
    @pytest.mark.parametrize("crs", [4326, 28992, 32631, 3857])
    def test_places(self, tmp_path, degrees, ending, crs):
        content = frame(degrees, 4326, kind=["a", "b"]).to_crs(crs)
        file, rings, counts = read(write(tmp_path / f"x.{ending}", content), attribute="kind")
        assert file.classes == ("a", "b")
        assert file.crs.to_epsg() == crs
        assert counts.as_dict() == {**Counts().as_dict(), "features": 2}
        order = np.argsort(rings.class_index)
        assert list(rings.class_index[order]) == [0, 1]
        for found, expected in zip(
            np.array(shapes_of(rings, file), dtype=object)[order], degrees, strict=True
        ):
            area = GEOD.geometry_area_perimeter(found)[0]
            assert abs(area) == pytest.approx(abs(GEOD.geometry_area_perimeter(expected)[0]), rel=1e-6)
            assert shapely.bounds(found) == pytest.approx(shapely.bounds(expected), abs=2e-8)
        assert rings.hole.sum() == 2
        assert (signed_areas(rings) != 0.0).all()
        assert np.isnan(rings.height).all()
        west, south, east, north = file.bounds
        assert west <= OTTERLO[0] + 1e-7
        assert south <= OTTERLO[1] + 1e-7
        assert east == pytest.approx(OTTERLO[0] + 0.012, abs=1e-3)  # turned axes
        assert north == pytest.approx(OTTERLO[1] + 0.011, abs=1e-3)

    @pytest.mark.parametrize("ending", ENDINGS)
    def test_only_the_area(self, tmp_path, ending):
        x, y = np.meshgrid(np.arange(20) * 0.01 + 5.5, np.arange(20) * 0.01 + 52.0)
        boxes = shapely.box(x.ravel(), y.ravel(), x.ravel() + 0.005, y.ravel() + 0.005)
        path = write(tmp_path / f"x.{ending}", frame(boxes, 4326))
        area = shapely.Polygon(
            [(5.552, 52.002), (5.66, 52.11), (5.653, 52.117), (5.545, 52.009)]
        )  # a diagonal
        file, rings, counts = read(path, area)
        expected = shapely.intersects(area, boxes).sum()
        assert expected <= counts.features <= expected + 4  # the area is a bit larger
        assert len(rings.class_index) == counts.features
        file.require_inside(area)

    def test_row_groups_outside_are_not_read(self, tmp_path):
        boxes = shapely.box(np.arange(1000) * 1e-3, 50.0, np.arange(1000) * 1e-3 + 5e-4, 50.1)
        path = tmp_path / "x.parquet"
        write(path, frame(boxes, 4326), write_covering_bbox=True, row_group_size=100)
        source = opened(path).source
        assert source.groups(path, (0.31, 50.0, 0.42, 51.0)) == [3, 4]
        assert source.groups(path, (0.31, 52.0, 0.42, 53.0)) == []
        assert read(path, shapely.box(0.31, 50.0, 0.32, 50.1))[2].features in range(10, 14)

    def test_parquet_encodings(self, tmp_path):
        other = write(tmp_path / "geoarrow.parquet", frame([SQUARE]), geometry_encoding="geoarrow")
        refused("encoded as 'polygon', and WKB is read: write it so", other)

    @pytest.mark.parametrize("ending", ["gpkg", "gml", "parquet"])
    def test_batches(self, tmp_path, ending, monkeypatch):
        monkeypatch.setattr(vector_sources, "AT_A_TIME", 3)
        monkeypatch.setattr(vector_ogr, "IN_A_ROW", 3)
        boxes = shapely.box(180000 + np.arange(9) * 20, 457000, 180010 + np.arange(9) * 20, 457010)
        file = opened(write(tmp_path / f"x.{ending}", frame(boxes, number=np.arange(9))), height="number")
        batches = list(file.rings(EVERYWHERE, counts := Counts()))
        assert [len(one.class_index) for one in batches] == [3, 3, 3]
        assert np.concatenate([one.height for one in batches]).tolist() == list(range(9))
        assert counts.features == 9

    @pytest.mark.parametrize("ending", ["gpkg", "fgb", "parquet"])
    def test_batches_of_large_shapes(self, tmp_path, ending, monkeypatch):
        discs = shapely.buffer(shapely.points(180000 + np.arange(40) * 20.0, 457000.0), 5.0, quad_segs=500)
        file = opened(write(tmp_path / f"x.{ending}", frame(discs)))
        assert [len(one.class_index) for one in file.rings(EVERYWHERE, Counts())] == [40]
        monkeypatch.setattr(vector_sources, "BYTES_AT_A_TIME", 8 * 2000 * 16)
        sizes = [len(one.x) for one in file.rings(EVERYWHERE, Counts())]
        assert sum(sizes) == 40 * 2001
        assert max(sizes) <= 9 * 2001

    def test_other_processes(self, tmp_path):
        file = opened(write(tmp_path / "x.gpkg", frame([SQUARE], kind=["a"])), attribute="kind")
        again = pickle.loads(pickle.dumps(file))
        assert area_of(next(again.rings(EVERYWHERE, Counts()))) == pytest.approx(1e4)


class TestPaths:
    def test_archive_and_folder(self, tmp_path):
        write(tmp_path / "x.shp", frame([SQUARE]))
        with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
            for part in tmp_path.glob("x.*"):
                archive.write(part, f"deep/{part.name}")
        (tmp_path / "folder").mkdir()
        for part in tmp_path.glob("x.*"):
            part.rename(tmp_path / "folder" / part.name)
        for path in ("z.zip!deep/x.shp", "z.zip!deep", "folder", "folder/x.shp"):
            file, rings, _ = read(tmp_path / path)
            assert area_of(rings) == pytest.approx(1e4), path
            assert file.files
        assert {one.suffix for one in opened(tmp_path / "folder/x.shp").files} >= {
            ".shp",
            ".dbf",
            ".shx",
            ".prj",
        }
        file, rings, _ = read(f"/vsizip/{tmp_path}/z.zip/deep/x.shp")
        assert area_of(rings) == pytest.approx(1e4)
        assert file.files == (tmp_path / "z.zip",)

    def test_only_member(self, tmp_path):
        write(tmp_path / "x.gpkg", frame([SQUARE]))
        with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
            archive.write(tmp_path / "x.gpkg", "x.gpkg")
        assert area_of(read(tmp_path / "z.zip")[1]) == pytest.approx(1e4)

    def test_refused(self, tmp_path):
        refused("there is no such file", tmp_path / "none.gpkg")
        refused("path: is empty", " ")
        (tmp_path / "text.gpkg").write_text("this is no GeoPackage")
        refused("cannot be read as a vector file", tmp_path / "text.gpkg")
        (tmp_path / "bad.zip").write_bytes(b"PK no archive")
        refused("not a zip archive", tmp_path / "bad.zip")
        with zipfile.ZipFile(tmp_path / "z.zip", "w") as archive:
            archive.writestr("a.txt", "a")
            archive.writestr("b.txt", "b")
        refused(r"has no member 'c.gpkg'; there are a.txt, b.txt", f"{tmp_path}/z.zip!c.gpkg")
        refused(r"name one of its members .*a.txt, b.txt", tmp_path / "z.zip")
        with zipfile.ZipFile(tmp_path / "map.zip", "w") as archive:
            for name in ("readme.txt", "roads.prj", "buildings.gpkg", "roads.geojson", "licence.pdf"):
                archive.writestr(name, "a")
        refused(
            r"name one of its members .*: readme.txt, roads.prj, buildings.gpkg, roads.geojson, licence.pdf$",
            tmp_path / "map.zip",
        )
        refused(
            r"has no member 'building.gpkg'; did you mean buildings.gpkg\?",
            f"{tmp_path}/map.zip!building.gpkg",
        )
        refused(
            r"has no member 'x'; there are readme.txt, roads.prj, buildings.gpkg", f"{tmp_path}/map.zip!x"
        )
        (tmp_path / "x.parquet").write_bytes(b"no Parquet")
        refused("cannot be read as GeoParquet", tmp_path / "x.parquet")
        frame([SQUARE], kind=["a"]).drop(columns="geometry").to_parquet(tmp_path / "plain.parquet")
        refused("Parquet without geometry", tmp_path / "plain.parquet")

    @pytest.mark.parametrize("ending", ["shp", "geojson", "gml", "fgb", "gpkg", "parquet"])
    @pytest.mark.parametrize("part", [0.4, 0.97])
    def test_cut_short(self, tmp_path, ending, part):
        x = 180000 + 20.0 * np.arange(1500)  # more than are looked at on opening
        path = write(tmp_path / f"x.{ending}", frame(shapely.box(x, 457000, x + 10, 457010)))
        content = path.read_bytes()
        path.write_bytes(content[: int(part * len(content))])
        with pytest.raises(AlignsarError, match="cannot be read") as error:
            list(opened(path).rings(EVERYWHERE, Counts()))
        assert str(error.value).startswith(KEY)


class TestLayers:
    @pytest.fixture
    def path(self, tmp_path):
        path = tmp_path / "x.gpkg"
        write(path, frame([SQUARE]), layer="houses")
        write(path, frame([SQUARE, HOLED]), layer="fields")
        pyogrio.write_dataframe(frame([SQUARE], kind=["a"]).drop(columns="geometry"), path, layer="table")
        write(path, frame([], crs="EPSG:28992"), layer="empty", geometry_type="Polygon")
        return path

    def test_chosen(self, path):
        file, rings, _ = read(path, layer="fields")
        assert file.name == f"{path}, layer fields"
        assert area_of(rings) == pytest.approx(19600.0)

    def test_refused(self, path, tmp_path):
        refused("has 3 layers: name one .*houses, fields, empty", path)
        for layer in ("roads", "table"):
            words = f"has no layer {layer!r} with geometry; there are houses, fields, empty$"
            refused(words, path, layer=layer)
        refused("has no features", path, layer="empty")
        pyogrio.write_dataframe(
            frame([SQUARE], kind=["a"]).drop(columns="geometry"), tmp_path / "t.gpkg", layer="t"
        )
        refused("has no layer with geometry", tmp_path / "t.gpkg")
        write(tmp_path / "x.parquet", frame([SQUARE]))
        refused("no layers: leave layer out", tmp_path / "x.parquet", layer="a")

    def test_geometry_of_parquet(self, tmp_path):
        content = frame([SQUARE])
        content["plan"] = geopandas.GeoSeries([HOLED], crs=28992)
        path = write(tmp_path / "x.parquet", content)
        assert area_of(read(path)[1]) == pytest.approx(1e4)
        assert area_of(read(path, geometry="plan")[1]) == pytest.approx(9600.0)
        refused("has no geometry 'roof'; there are geometry, plan", path, geometry="roof")
        refused(
            "its features have one geometry each",
            write(tmp_path / "x.gpkg", frame([SQUARE])),
            geometry="roof",
        )


class TestSystems:
    def test_given(self, tmp_path):
        path = write(tmp_path / "x.shp", frame([SQUARE]))
        path.with_suffix(".prj").unlink()
        refused("states no coordinate reference system", path)
        refused("not a known coordinate reference system", path, crs="EPSG:0")
        file, rings, _ = read(path, crs="EPSG:28992")
        assert area_of(rings) == pytest.approx(1e4)
        assert file.crs.to_epsg() == 28992

    @pytest.mark.parametrize("ending", ["shp", "gpkg", "parquet"])
    def test_contradicted(self, tmp_path, ending):
        path = write(tmp_path / f"x.{ending}", frame([SQUARE]))
        assert opened(path, crs="EPSG:28992").crs.to_epsg() == 28992
        refused("Amersfoort / RD New.* but crs says 'WGS 84 / UTM zone 31N'", path, crs="EPSG:32631")

    def test_geopackage_of_an_undefined_system(self, tmp_path):
        with warnings.catch_warnings(action="ignore"):
            path = write(tmp_path / "x.gpkg", frame([SQUARE], None))
        refused("states no coordinate reference system", path)
        assert area_of(read(path, crs="EPSG:28992")[1]) == pytest.approx(1e4)

    def test_parquet_without_system_is_in_degrees(self, tmp_path):
        write(tmp_path / "x.parquet", frame([shapely.box(5.7, 52.0, 5.8, 52.1)], None))
        refused("states no coordinate", tmp_path / "x.parquet")

    def test_metres_called_degrees(self, tmp_path):
        refused("cannot be longitude and latitude", write(tmp_path / "x.geojson", frame([SQUARE], 4326)))

    @pytest.mark.parametrize("ending", ["gpkg", "parquet"])
    def test_not_of_maps(self, tmp_path, ending):
        geocentric = write(tmp_path / f"g.{ending}", frame([SQUARE], "EPSG:4978"))
        refused("its coordinate reference system, 'WGS 84', is neither geographic nor projected", geocentric)
        assert area_of(read(geocentric, crs="EPSG:28992")[1]) == pytest.approx(1e4)
        moon = write(tmp_path / f"m.{ending}", frame([shapely.box(5.7, 52.0, 5.8, 52.1)], "IAU_2015:30100"))
        refused("PROJ knows no way from 'Moon .* to 'WGS 84'", moon)

    def test_compound(self, tmp_path):
        path = write(tmp_path / "x.gpkg", frame([shapely.force_3d(SQUARE, 12.0)], "EPSG:7415"))
        file, rings, _ = read(path)
        assert area_of(rings) == pytest.approx(1e4)
        assert "RD New" in file.operation
        refused("heights count from 'NAP height'", path, elevation="z")

    def test_one_operation_for_all_points(self, tmp_path):
        file, rings, _ = read(write(tmp_path / "x.gpkg", frame([SQUARE])))
        longitude, latitude = file.to_geodetic(rings.x, rings.y)
        away = file.to_geodetic(np.array([1e6, *rings.x]), np.array([-1e6, *rings.y]))
        assert (away[0][1:] == longitude).all()
        assert (away[1][1:] == latitude).all()


class TestTurns:
    """Longitudes that are full circles away, and what projections do along their edge."""

    @pytest.mark.parametrize("ending", ["gpkg", "geojson", "parquet"])
    @pytest.mark.parametrize("file_west", [-5.0, 355.0])
    @pytest.mark.parametrize("area_west", [-6.0, 354.0])
    def test_circles(self, tmp_path, ending, file_west, area_west):
        boxes = [
            shapely.box(file_west, 50, file_west + 0.1, 50.1),
            shapely.box(file_west - 50, 50, file_west - 49, 51),
        ]
        path = write(tmp_path / f"x.{ending}", frame(boxes, 4326))
        area = shapely.box(area_west, 49.0, area_west + 2.0, 51.0)
        file, rings, counts = read(path, area)
        assert counts.features == 1
        assert (np.abs((file.to_geodetic(rings.x, rings.y)[0] + 5.0 + 180.0) % 360.0 - 180.05) < 0.051).all()
        file.require_inside(area)

    @pytest.mark.parametrize("crs", [4326, 3857, 3832, 32601, 4269, 4322])
    @pytest.mark.parametrize("area_west", [179.0, -181.0])
    def test_antimeridian(self, tmp_path, crs, area_west):
        boxes = [shapely.box(x, 50.0, x + 0.1, 50.1) for x in (179.5, -179.6, 170.0)]
        path = write(tmp_path / "x.gpkg", frame(boxes, 4326).to_crs(crs))
        file, counts = opened(path), Counts()
        found = [
            shape
            for one in file.rings(shapely.box(area_west, 49.0, area_west + 2.0, 51.0), counts)
            for shape in shapes_of(one, file)
        ]
        west = sorted(shapely.bounds(shape)[0] % 360.0 for shape in found)
        assert west == pytest.approx([179.5, 180.4], abs=2e-5)
        assert counts.features == 2

    def test_area_that_reaches_beyond_a_projection(self, tmp_path):
        half = "+proj=ortho +lat_0=0 +lon_0=5 +datum=WGS84"  # of the Earth
        boxes = [shapely.box(5.0, 51.0, 5.1, 51.1), shapely.box(5.0, 60.0, 5.1, 60.1)]
        file, counts = opened(write(tmp_path / "x.gpkg", frame(boxes, 4326).to_crs(half))), Counts()
        area = shapely.box(3.0, 50.0, 170.0, 52.0)
        assert len(list(file.rings(area, counts))) == 1
        assert counts.features == 1

    @pytest.mark.parametrize("buffer", [None, 10.0])
    def test_shape_that_reaches_beyond_a_projection(self, tmp_path, buffer):
        """Half of it is not on Earth; what is near the area is used."""
        half = "+proj=ortho +lat_0=0 +lon_0=5 +datum=WGS84"
        shapes = [shapely.box(1e5, 5e6, 7e6, 6e6), shapely.box(6e6, 5e6, 7e6, 6e6)]
        path, area = write(tmp_path / "x.gpkg", frame(shapes, half)), shapely.box(8.0, 53.0, 8.1, 53.1)
        file, rings, counts = read(path, area, buffer=buffer)
        assert (counts.features, counts.dropped) == (1, 0)
        (shape,) = shapes_of(rings, file)
        assert shape.contains(area)
        assert shape.within(area.buffer(0.1))

    def test_feature_on_both_sides(self, tmp_path):
        """It is counted once, and cut to either side."""
        path = write(tmp_path / "x.gpkg", frame([shapely.box(-180, -80, 180, 80)], 4326))
        file, counts = opened(path), Counts()
        bounds = [
            shapely.bounds(shape)
            for rings in file.rings(shapely.box(179, 0, 181, 1), counts)
            for shape in shapes_of(rings, file)
        ]
        assert sorted(one[0] for one in bounds) == pytest.approx([-180.0, 179.0], abs=0.05)
        assert sorted(one[2] for one in bounds) == pytest.approx([-179.0, 180.0], abs=0.05)
        assert counts.as_dict() == {**Counts().as_dict(), "features": 1}

    def test_elsewhere(self, tmp_path):
        file = opened(write(tmp_path / "x.gpkg", frame([SQUARE])))
        far = shapely.box(100.0, -10.0, 101.0, -9.0)
        assert list(file.rings(far, Counts())) == []
        with pytest.raises(
            AlignsarError, match=f"{KEY}.*none of its features lies inside 100.0000.* It lies within 5.7"
        ):
            file.require_inside(far)
