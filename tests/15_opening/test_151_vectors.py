"""Vector files of users: of the kind that their ending says, off the network, without endless views."""

import json
import sqlite3
import subprocess
import sys
import time
import zipfile

import geopandas
import pyarrow as pa
import pyarrow.parquet as pq
import pyogrio
import pytest
import shapely
from fake_vectors import KEY, SQUARE, frame, opened, read, refused, write
from listener import listening

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.opening.vectors import reading_vectors
from alignsar_gpu.products.area import read_area
from alignsar_gpu.radarcoding.points.config import PointLayerConfig
from alignsar_gpu.radarcoding.points.files import open_points
from alignsar_gpu.simulate.ground.targets.reflector_files import read_reflectors

OGR_VRT = (
    '<OGRVRTDataSource><OGRVRTLayer name="x"><SrcDataSource>{source}</SrcDataSource></OGRVRTLayer>'
    "</OGRVRTDataSource>"
)
WFS = "<OGRWFSDataSource><URL>{source}/wfs?SERVICE=WFS</URL></OGRWFSDataSource>"
ALGORITHM = (
    '{{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline ! read {source}/x.geojson"}}'
)
GML = (
    '<ogr:FeatureCollection xmlns:ogr="http://ogr.maptools.org/" xmlns:gml="http://www.opengis.net/gml" '
    'xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" xsi:schemaLocation="http://ogr.maptools.org/ '
    '{source}/wfs?SERVICE=WFS&amp;VERSION=1.1.0&amp;REQUEST=DescribeFeatureType&amp;TYPENAME=x">'
    "<gml:featureMember><ogr:x><ogr:g><gml:Point srsName='EPSG:28992'><gml:pos>180000 457000</gml:pos></gml:Point>"
    "</ogr:g></ogr:x></gml:featureMember></ogr:FeatureCollection>"
)
ENDLESS = (
    "CREATE VIEW endless AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) "
    "SELECT n AS fid, (SELECT geom FROM x LIMIT 1) AS geom FROM c"
)


def points(path):
    return open_points(PointLayerConfig(path=str(path)), KEY)


def reflectors(path):
    return read_reflectors(path, dates=2, wavelength=0.055)


def with_view(path, view=ENDLESS):
    write(path, frame([SQUARE]), layer="x")
    with sqlite3.connect(path) as database:
        database.execute(view)
        database.execute(
            "INSERT INTO gpkg_contents SELECT 'endless', data_type, 'endless', '', last_change, min_x, min_y, max_x, "
            "max_y, srs_id FROM gpkg_contents WHERE table_name = 'x'"
        )
        database.execute(
            "INSERT INTO gpkg_geometry_columns SELECT 'endless', column_name, geometry_type_name, srs_id, z, m "
            "FROM gpkg_geometry_columns WHERE table_name = 'x'"
        )
    database.close()
    return path


class TestNetwork:
    @pytest.mark.parametrize("read", [opened, points, reflectors, lambda path: read_area(str(path))])
    @pytest.mark.parametrize("text", [OGR_VRT, WFS, ALGORITHM])
    @pytest.mark.parametrize("ending", ["gpkg", "gml", "vrt", "json"])
    def test_texts_that_refer_to_urls(self, tmp_path, read, text, ending):
        with listening() as (url, asked):
            path = tmp_path / f"x.{ending}"
            path.write_text(text.format(source=url))
            with pytest.raises(AlignsarError, match="x\\."):
                read(path)
            assert not asked

    def test_schemas_of_gml(self, tmp_path):
        with listening() as (url, asked):
            (tmp_path / "x.gml").write_text(GML.format(source=url))
            read(tmp_path / "x.gml", buffer=10.0)
            read_area(str(tmp_path / "x.gml"))
            assert not asked

    def test_foreign_file(self, tmp_path):
        secret = write(tmp_path / "secret.gpkg", frame([SQUARE]))
        (tmp_path / "x.geojson").write_text(
            OGR_VRT.format(source=secret).replace('name="x"', 'name="secret"')
        )
        refused("refers to other files", tmp_path / "x.geojson")

    def test_in_an_archive(self, tmp_path):
        for name in ("one.zip", "two.zip"):
            with zipfile.ZipFile(tmp_path / name, "w") as archive:
                archive.writestr("x.geojson", OGR_VRT.format(source="/vsicurl/http://127.0.0.1:9/x.geojson"))
                if name == "two.zip":
                    archive.writestr("y.txt", "y")
        refused("refers to other files", tmp_path / "one.zip")
        refused("refers to other files", f"{tmp_path}/two.zip!x.geojson")
        refused("refers to other files", f"/vsizip/{tmp_path}/two.zip/x.geojson")

    def test_url_that_is_asked_for(self):
        """Old versions of pyogrio keep the interpreter while they wait: nobody answers them."""
        pyogrio.set_gdal_config_options({"GDAL_HTTP_TIMEOUT": "2", "GDAL_HTTP_MAX_RETRY": "0"})
        try:
            with listening() as (url, asked):
                refused("cannot be read as a vector file", f"/vsicurl/{url}/asked.geojson")
                time.sleep(0.1)
                assert asked
        finally:
            pyogrio.set_gdal_config_options({"GDAL_HTTP_TIMEOUT": None, "GDAL_HTTP_MAX_RETRY": None})

    def test_options_are_put_back(self, tmp_path):
        path = write(tmp_path / "x.gpkg", frame([SQUARE]))
        before = pyogrio.get_gdal_config_option("GDAL_HTTP_PROXY")
        with reading_vectors(path, "a"):
            with reading_vectors(path, "b"):
                pass
            assert pyogrio.get_gdal_config_option("GDAL_HTTP_PROXY") not in {None, before}
        assert pyogrio.get_gdal_config_option("GDAL_HTTP_PROXY") == before


class TestKinds:
    def test_another_kind(self, tmp_path):
        write(tmp_path / "x.gpkg", frame([SQUARE]))
        (tmp_path / "x.gpkg").rename(tmp_path / "x.geojson")
        refused(r"does not begin as a file \.geojson does", tmp_path / "x.geojson")

    @pytest.mark.parametrize("ending", ["gpkg", "geojson", "fgb", "gml", "kml", "sqlite"])
    def test_every_kind(self, tmp_path, ending):
        write(tmp_path / f"x.{ending}", frame([SQUARE], "EPSG:28992").to_crs(4326))
        assert read(tmp_path / f"x.{ending}")[2].features == 1


class TestViews:
    def test_endless_view_is_refused(self, tmp_path):
        path = with_view(tmp_path / "x.gpkg")
        refused("its layer 'endless' is a view", path, layer="endless")
        with pytest.raises(AlignsarError, match="its layer 'endless' is a view"):
            read_area(str(path))
        with pytest.raises(AlignsarError, match="its layer 'endless' is a view"):
            open_points(PointLayerConfig(path=str(path), layer="endless"), KEY)
        assert read(path, layer="x")[2].features == 1

    def test_in_an_archive(self, tmp_path):
        path = with_view(tmp_path / "x.gpkg")
        with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
            archive.write(path, "x.gpkg")
        refused("its layer 'endless' is a view", tmp_path / "x.zip", layer="endless")

    def test_view_without_any_row(self, tmp_path):
        """GDAL must not look for one either."""
        view = (
            "CREATE VIEW endless AS WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c) "
            "SELECT c.n AS fid, x.geom AS geom FROM c JOIN x WHERE c.n < 0"
        )
        path = with_view(tmp_path / "x.gpkg", view)
        code = (
            "import sys; sys.path.insert(0, sys.argv[2]); from fake_vectors import opened\n"
            "try: opened(sys.argv[1], layer='endless')\n"
            "except Exception as error: print(error)"
        )
        support = str(next(part for part in sys.path if part.endswith("support")))
        command = [sys.executable, "-c", code, str(path), support]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
        assert "its view 'endless' cannot be computed, or has no end (interrupted)" in result.stdout


class TestTexts:
    """Names with other letters than those of ASCII, in an encoding that the file does not have."""

    @pytest.fixture
    def latin(self, tmp_path):
        """Latin-1 in a shapefile that says UTF-8, as many do."""
        path = write(tmp_path / "x.shp", frame([SQUARE], kind=["M\xfchle"]), encoding="ISO-8859-1")
        path.with_suffix(".cpg").write_text("UTF-8")
        return path

    def test_shapefile(self, latin):
        refused(r"its texts are not UTF-8, as it says they are; name their encoding", latin, attribute="kind")
        assert read(latin)[2].features == 1
        latin.with_suffix(".cpg").write_text("ISO-8859-1")
        assert len(read(latin, attribute="kind")[0].classes) == 1

    def test_geopackage(self, tmp_path):
        path = write(tmp_path / "x.gpkg", frame([SQUARE], kind=["a"]))
        with sqlite3.connect(path) as database:
            for (name,) in database.execute(
                "SELECT name FROM sqlite_master WHERE type = 'trigger'"
            ).fetchall():
                database.execute(f'DROP TRIGGER "{name}"')
            database.execute("UPDATE x SET kind = CAST(X'4dfc686c65' AS TEXT)")
        database.close()
        refused("its texts are not UTF-8", path, attribute="kind")


class TestNested:
    def test_geojson(self, tmp_path):
        deep = '{"type": "GeometryCollection", "geometries": [' * 50_000 + "]}" * 50_000
        (tmp_path / "x.geojson").write_text(deep)
        refused("cannot be read", tmp_path / "x.geojson")
        with pytest.raises(AlignsarError):
            read_area(deep)

    @pytest.mark.parametrize("read", [reflectors, points])
    def test_stations(self, tmp_path, read):
        (tmp_path / "x.json").write_text('{"stations": ' + "[" * 200_000 + "]" * 200_000 + "}")
        with pytest.raises(AlignsarError):
            read(tmp_path / "x.json")

    def test_metadata_of_parquet(self, tmp_path):
        table = pa.table({"geometry": pa.array([SQUARE.wkb], pa.binary())})
        for geo in (b"[" * 200_000, json.dumps({"columns": {}}).encode(), b"[]", b"7"):
            pq.write_table(table.replace_schema_metadata({b"geo": geo}), tmp_path / "x.parquet")
            refused("x.parquet", tmp_path / "x.parquet")
            with pytest.raises(AlignsarError):
                points(tmp_path / "x.parquet")

    @pytest.mark.parametrize("ending", ["parquet", "gpkg"])
    def test_shapes(self, tmp_path, ending):
        """Collections in collections, 100,000 deep, in a process of their own: they would end it."""
        code = (
            "import sys; sys.path.insert(0, sys.argv[2]); from fake_vectors import read\n"
            "try: read(sys.argv[1])\n"
            "except Exception as error: print(type(error).__name__, error)"
        )
        path = tmp_path / f"x.{ending}"
        wkb = b"\x01\x07\0\0\0\x01\0\0\0" * 100_000 + shapely.Point(180000, 457000).wkb
        write(path, frame([SQUARE]))
        if ending == "parquet":
            table = pq.read_table(path)
            pq.write_table(pa.table([pa.array([wkb], pa.binary())], schema=table.schema), path)
        else:
            with sqlite3.connect(path) as database:
                (head,) = database.execute("SELECT substr(geom, 1, 40) FROM x").fetchone()
                for (name,) in database.execute(
                    "SELECT name FROM sqlite_master WHERE type = 'trigger'"
                ).fetchall():
                    database.execute(f'DROP TRIGGER "{name}"')
                database.execute("UPDATE x SET geom = ?", (head + wkb,))
            database.close()
        support = str(next(part for part in sys.path if part.endswith("support")))
        command = [sys.executable, "-c", code, str(path), support]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert result.returncode == 0
        assert result.stdout.startswith("AlignsarError") or not result.stdout  # old GDAL reads no shape there

    def test_text_of_an_area(self):
        with pytest.raises(AlignsarError, match="nested too deep"):
            read_area("GEOMETRYCOLLECTION(" * 100_000 + "POINT(1 2)" + ")" * 100_000)
        assert read_area("GEOMETRYCOLLECTION(POLYGON((5 50, 6 50, 6 51, 5 50)))").area > 0.0


def test_more_than_an_archive_can_hold(tmp_path):
    with (
        zipfile.ZipFile(tmp_path / "x.zip", "w", zipfile.ZIP_DEFLATED) as archive,
        archive.open("x.gml", "w") as member,
    ):
        for _ in range(110):
            member.write(bytes(1 << 20))
    refused("unpacks from .* which no real file does", tmp_path / "x.zip")


def test_geopandas_is_left_alone(tmp_path):
    """What reads elsewhere in the process is not held to these rules."""
    path = write(tmp_path / "x.gpkg", frame([SQUARE]))
    read(path)
    assert len(geopandas.read_file(path)) == 1
