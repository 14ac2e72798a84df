"""Files of points as longitude, latitude and height on WGS84; what is refused, and in which words."""

import json
import re
import struct
import warnings

import geopandas
import laspy
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
import shapely.affinity
from pyproj import CRS, Transformer
from rasterio.transform import Affine
from station_table import stations_as_table

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem import geoid_files
from alignsar_gpu.radarcoding.points import clouds as point_clouds
from alignsar_gpu.radarcoding.points.config import PointLayerConfig
from alignsar_gpu.radarcoding.points.files import open_points

KEY = "radarcoding.trees"
AREA = shapely.Polygon([(5.7, 52.05), (5.9, 52.07), (5.88, 52.2), (5.68, 52.18)])  # no box
EVERYWHERE = shapely.box(-180.0, -90.0, 180.0, 90.0)
RD, RD_NAP = 28992, 7415
METRES = 1e-3  # the resolution of the clouds that are written here
# The same on the ground: PROJ undoes a small rotation to first order (0.3 mm), and rotates points at their own
# heights (0.6 mm for 90 m), where positions on a map are turned as such.
DEGREES = METRES / 60e3
WEST, NORTH, STEP = 3.0, 54.0, 0.1  # of the grid of undulations


def on_earth(count=500, seed=0):
    """Longitudes, latitudes and heights around AREA, some of them outside."""
    rng = np.random.default_rng(seed)
    return rng.uniform(5.6, 6.0, count), rng.uniform(52.0, 52.25, count), rng.uniform(-5.0, 90.0, count)


def projected(longitude, latitude, crs=RD):
    return Transformer.from_crs(4326, CRS.from_user_input(crs).to_2d(), always_xy=True).transform(
        longitude, latitude
    )


def inside(longitude, latitude, area=AREA):
    return shapely.contains_xy(area, longitude, latitude)


def undulation(longitude, latitude):
    """A plane, which cubic convolution follows exactly."""
    return 43.0 - 2.0 * (longitude - 5.0) + 1.5 * (latitude - 52.0)


def geoid_grid(path):
    row, column = np.mgrid[0:41, 0:51]
    affine = Affine(STEP, 0.0, WEST - STEP / 2, 0.0, -STEP, NORTH + STEP / 2)
    profile = {"driver": "GTiff", "dtype": "float64", "count": 1, "width": 51, "height": 41}
    with rasterio.open(path, "w", crs="EPSG:4326", transform=affine, **profile) as file:
        file.write(undulation(WEST + STEP * column, NORTH - STEP * row), 1)
    return path


def write_cloud(path, x, y, z, *, crs=RD, point_format=6, edit=None, scale=1e-3, **dimensions):
    header = laspy.LasHeader(point_format=point_format, version="1.4" if point_format > 5 else "1.2")
    header.offsets, header.scales = np.floor([np.min(x), np.min(y), 0.0]), [scale] * 3
    if crs is not None:
        header.add_crs(CRS.from_user_input(crs))
    cloud = laspy.LasData(header)
    cloud.x, cloud.y, cloud.z = x, y, z
    for name, value in dimensions.items():
        cloud[name] = value
    if edit:
        edit(cloud)
    cloud.write(path)
    return path


def write_table(path, frame):
    if path.suffix == ".parquet":
        frame.to_parquet(path)
    else:
        frame.to_csv(path, index=False, sep=";" if path.suffix == ".txt" else ",")
    return path


def features(longitude, latitude, height=None, **columns):
    shapes = geopandas.points_from_xy(longitude, latitude, height)
    return geopandas.GeoDataFrame(columns, geometry=shapes, crs=4326)


def opened(path, **keys):
    return open_points(PointLayerConfig(path=str(path), **keys), KEY)


def read(points, area=AREA):
    """All batches together."""
    batches = list(points.batches(area))
    names = ("longitude", "latitude", "height", "above_terrain", "value")
    return {
        name: None
        if getattr(batches[0], name) is None
        else np.concatenate([getattr(b, name) for b in batches])
        for name in names
    }


def refused(words, path, area=EVERYWHERE, **keys):
    """The message of what is refused: it names the key and the file."""
    with pytest.raises(AlignsarError, match=words) as caught:
        list(opened(path, **keys).batches(area))
    assert str(caught.value).startswith(f"{KEY}: {path}")
    return str(caught.value)


def same_places(found, longitude, latitude, tolerance=DEGREES):
    """In the order of longitudes: files with an index have an order of their own."""
    assert len(found["longitude"]) == len(longitude)
    order, other = np.argsort(found["longitude"]), np.argsort(longitude)
    np.testing.assert_allclose(found["longitude"][order], longitude[other], atol=tolerance, rtol=0)
    np.testing.assert_allclose(found["latitude"][order], latitude[other], atol=tolerance, rtol=0)
    return order, other


class TestClouds:
    @pytest.mark.parametrize(("suffix", "point_format"), [("laz", 6), ("las", 6), ("laz", 3), ("las", 1)])
    def test_dutch_cloud(self, tmp_path, suffix, point_format):
        longitude, latitude, height = on_earth()
        path = write_cloud(
            tmp_path / f"a.{suffix}", *projected(longitude, latitude), height, point_format=point_format
        )
        points = opened(path, vertical_datum="ellipsoid")
        found, keep = read(points), inside(longitude, latitude)
        assert 100 < keep.sum() < 400
        assert points.source.has_height
        assert found["above_terrain"] is None
        assert found["value"] is None
        order, other = same_places(found, longitude[keep], latitude[keep])
        np.testing.assert_allclose(found["height"][order], height[keep][other], atol=METRES, rtol=0)
        assert points.counts["read"] == 500
        assert points.counts["inside"] == keep.sum()
        assert "RD New" in points.crs
        assert "accurate to" in points.place.operation

    def test_heights_above_nap_go_through_the_grid_that_is_named(self, tmp_path):
        longitude, latitude, height = on_earth()
        path = write_cloud(tmp_path / "a.laz", *projected(longitude, latitude), height, crs=RD_NAP)
        grid = geoid_grid(tmp_path / "nap.tif")
        found, keep = read(opened(path, vertical_datum=str(grid))), inside(longitude, latitude)
        order, other = same_places(found, longitude[keep], latitude[keep])
        expected = (height + undulation(longitude, latitude))[keep][other]
        np.testing.assert_allclose(found["height"][order], expected, atol=METRES, rtol=0)
        words = refused("states that its heights count from 'NAP height'", path)
        assert "nl_nsgi_nlgeo2018.tif" in words
        refused("'NAP height', but vertical_datum says ellipsoid", path, vertical_datum="ellipsoid")
        refused("'NAP height', but vertical_datum says egm2008", path, vertical_datum="egm2008")
        refused("'somewhere.tif', which is no such file", path, vertical_datum="somewhere.tif")

    def test_classes_noise_and_deleted_points(self, tmp_path):
        longitude, latitude, height = on_earth(40)
        kinds = np.arange(40) % 4 * 5 + 2  # 2, 7, 12, 17
        kinds[5] = 18
        gone = np.zeros(40, dtype=np.uint8)
        gone[:3] = 1
        path = write_cloud(
            tmp_path / "a.laz", *projected(longitude, latitude), height, classification=kinds, withheld=gone
        )
        for wanted, taken in (
            (None, ~np.isin(kinds, [7, 18])),
            ((2,), kinds == 2),
            ((7, 18), np.isin(kinds, [7, 18])),
        ):
            points = opened(path, vertical_datum="ellipsoid", classification=wanted)
            kept = taken & (gone == 0)
            same_places(read(points, EVERYWHERE), longitude[kept], latitude[kept])
            assert points.counts["withheld"] == 3
            left = points.counts["noise" if wanted is None else "of other classes"]
            assert left == 37 - kept.sum()
        words = refused("has no point inside", path, vertical_datum="ellipsoid", classification=(6,))
        assert "37 of other classes" in words

    def test_an_attribute(self, tmp_path):
        longitude, latitude, height = on_earth(60)
        brightness = np.arange(60)
        path = write_cloud(tmp_path / "a.laz", *projected(longitude, latitude), height, intensity=brightness)
        found = read(opened(path, vertical_datum="ellipsoid", value="intensity"), EVERYWHERE)
        np.testing.assert_array_equal(found["value"], brightness)
        words = refused("has no dimension 'colour'", path, vertical_datum="ellipsoid", value="colour")
        assert "intensity" in words
        assert "gps_time" in words

    def test_tiles_outside_are_not_read(self, tmp_path, monkeypatch):
        """A tile that is not read may even be damaged."""
        longitude, latitude, height = on_earth(300)
        far = write_cloud(tmp_path / "far.LAZ", *projected(longitude + 1.0, latitude), height)
        far.write_bytes(far.read_bytes()[:-400])
        for part, name in ((slice(0, 150), "a.laz"), (slice(150, 300), "b.las")):
            write_cloud(tmp_path / name, *projected(longitude[part], latitude[part]), height[part])
        (tmp_path / "readme.txt").write_text("no points")
        monkeypatch.setattr(point_clouds, "AT_A_TIME", 40)
        keep = inside(longitude, latitude)
        for name in (tmp_path, tmp_path / "?.la[sz]"):
            points = opened(name, vertical_datum="ellipsoid")
            same_places(read(points), longitude[keep], latitude[keep])
        points = opened(tmp_path, vertical_datum="ellipsoid")
        assert [path.name for path in points.source.files] == ["a.laz", "b.las", "far.LAZ"]
        batches = list(points.batches(AREA))
        assert len(batches) >= 8
        assert max(map(len, batches)) <= 40
        assert points.counts["tiles not read"] == 1

    def test_tiles_of_two_systems(self, tmp_path):
        longitude, latitude, height = on_earth(30)
        write_cloud(tmp_path / "a.laz", *projected(longitude, latitude), height)
        write_cloud(tmp_path / "b.laz", *projected(longitude, latitude, 32631), height, crs=32631)
        words = refused("b.laz in WGS 84 / UTM zone 31N", tmp_path, vertical_datum="ellipsoid")
        assert "a.laz is in Amersfoort / RD New" in words

    @pytest.mark.parametrize("point_format", [3, 6])
    def test_a_vertical_system_beside_a_horizontal_one(self, tmp_path, point_format, monkeypatch):
        """GeoTIFF keys name it by its code; key crs adds it to a file that leaves it out."""
        longitude, latitude, height = on_earth(30)
        monkeypatch.setattr(geoid_files, "_proj_folders", lambda: iter([tmp_path]))
        geoid_grid(tmp_path / "us_nga_egm96_15.tif")

        def with_vertical(cloud):
            (keys,) = cloud.header.vlrs.get("GeoKeyDirectoryVlr")
            entry = type(keys.geo_keys[0])(id=4096, tiff_tag_location=0, count=1, value_offset=5773)
            keys.geo_keys.append(entry)
            keys.geo_keys_header.number_of_keys = len(keys.geo_keys)

        edit = with_vertical if point_format == 3 else None
        path = write_cloud(
            tmp_path / "a.las", *projected(longitude, latitude), height, point_format=point_format, edit=edit
        )
        points = opened(path, crs=None if edit else "EPSG:28992+5773")
        found = read(points, EVERYWHERE)
        assert "EGM96" in points.crs
        np.testing.assert_allclose(
            found["height"], height + undulation(longitude, latitude), atol=METRES, rtol=0
        )
        refused("'egm96', but vertical_datum", path, crs="EPSG:28992+5773", vertical_datum="egm2008")

    def test_feet(self, tmp_path):
        """New York's plane is in US survey feet; what its heights are in has to be said."""
        x, y = projected([-74.0, -73.9], [40.7, 40.8], 2263)
        path = write_cloud(tmp_path / "a.las", np.array(x), np.array(y), np.array([100.0, 200.0]), crs=2263)
        refused("in US survey foot, and it does not say", path, vertical_datum="ellipsoid")
        grid = tmp_path / "geoid.tif"
        profile = {"driver": "GTiff", "dtype": "float64", "count": 1, "width": 20, "height": 20}
        affine = Affine(0.1, 0, -75.0, 0, -0.1, 41.5)
        with rasterio.open(grid, "w", crs="EPSG:4326", transform=affine, **profile) as file:
            file.write(np.full((20, 20), -33.0), 1)
        points = opened(path, crs="EPSG:2263+6360", vertical_datum=str(grid))
        found = read(points, EVERYWHERE)
        expected = np.array([100.0, 200.0]) * 1200.0 / 3937.0 - 33.0
        np.testing.assert_allclose(found["height"], expected, atol=METRES, rtol=0)
        np.testing.assert_allclose(found["longitude"], [-74.0, -73.9], atol=1e-7, rtol=0)

    @pytest.mark.parametrize("damage", ["half", "last", "records", "header", "promises", "other", "nothing"])
    @pytest.mark.parametrize("suffix", ["las", "laz"])
    def test_damage(self, tmp_path, damage, suffix):
        longitude, latitude, height = on_earth()
        path = write_cloud(tmp_path / f"a.{suffix}", *projected(longitude, latitude), height)
        whole = path.read_bytes()
        record = 30  # bytes of a point of format 6
        path.write_bytes(
            {
                "half": whole[: len(whole) // 2],
                "last": whole[:-1],
                "records": whole[: -record * 100],
                "header": whole[:200],
                "promises": whole[:100] + b"\xff\xff\xff\x7f" + whole[104:],  # so many records
                "other": b"PK\x03\x04" + whole[4:],
                "nothing": b"",
            }[damage]
        )
        refused(f"a.{suffix} cannot be read as LAS or LAZ", path, vertical_datum="ellipsoid")

    def test_a_cloud_that_does_not_say_enough(self, tmp_path):
        longitude, latitude, height = on_earth(10)
        path = write_cloud(tmp_path / "a.laz", *projected(longitude, latitude), height, crs=None)
        refused("states no coordinate reference system; name it", path, vertical_datum="ellipsoid")
        refused("has heights; key vertical_datum says what they count from", path, crs="EPSG:28992")
        refused("crs='Utrecht' is not a known coordinate reference system", path, crs="Utrecht")
        refused("has neither longitude and latitude nor a map's x and y", path, crs="EPSG:4978")
        found = read(opened(path, crs="EPSG:28992", vertical_datum="ellipsoid"), EVERYWHERE)
        same_places(found, longitude, latitude)

    def test_a_system_that_is_not_the_file_s(self, tmp_path):
        longitude, latitude, height = on_earth(10)
        path = write_cloud(tmp_path / "a.laz", *projected(longitude, latitude), height)
        refused("states 'Amersfoort / RD New', but crs says 'WGS 84 / UTM zone 31N'", path, crs="EPSG:32631")

    @pytest.mark.parametrize("scale", [0.0, -0.001, np.nan, np.inf])
    def test_a_scale_that_leaves_nothing(self, tmp_path, scale):
        path = write_cloud(tmp_path / "a.las", *projected(*on_earth(5)[:2]), np.zeros(5))
        content = bytearray(path.read_bytes())
        content[139:147] = struct.pack("<d", scale)  # of y
        path.write_bytes(content)
        with pytest.raises(AlignsarError, match=r"a\.las: scale of coordinates is .*, and can only be"):
            opened(path, vertical_datum="ellipsoid")

    def test_an_empty_cloud(self, tmp_path):
        cloud = laspy.LasData(laspy.LasHeader(point_format=6, version="1.4"))
        cloud.write(tmp_path / "a.las")
        refused("has no points", tmp_path / "a.las", crs="EPSG:28992", vertical_datum="ellipsoid")

    def test_keys_of_other_files(self, tmp_path):
        path = write_cloud(tmp_path / "a.laz", *projected(*on_earth(5)[:2]), np.zeros(5))
        for key in ("layer", "where", "x"):
            words = f"is a point cloud, which has no use for the key {key}"
            refused(words, path, vertical_datum="ellipsoid", **{key: "name"})

    def test_heights_above_the_terrain(self, tmp_path):
        """A cloud made to count from the ground keeps the system that it came in."""
        longitude, latitude, height = on_earth(50)
        path = write_cloud(tmp_path / "a.laz", *projected(longitude, latitude), height, crs=RD_NAP)
        found = read(opened(path, vertical_datum="terrain"), EVERYWHERE)
        assert np.isnan(found["height"]).all()
        np.testing.assert_allclose(found["above_terrain"], height, atol=METRES, rtol=0)


class TestTables:
    @pytest.mark.parametrize("suffix", ["csv", "txt", "parquet"])
    @pytest.mark.parametrize(
        "names", [("longitude", "latitude", "height"), ("Lon", " LAT ", "Elevation"), ("x", "Y", "z")]
    )
    def test_degrees(self, tmp_path, suffix, names):
        longitude, latitude, height = on_earth()
        value = np.arange(500) * 1.0
        frame = pd.DataFrame({"name": [f"p{k}" for k in range(500)], "size": value})
        for name, numbers in zip(names, (longitude, latitude, height), strict=True):
            frame[name] = numbers
        path = write_table(tmp_path / f"a.{suffix}", frame)
        points = opened(path, crs="EPSG:4326", vertical_datum="ellipsoid", value="size")
        found, keep = read(points), inside(longitude, latitude)
        np.testing.assert_array_equal(found["longitude"], longitude[keep])
        np.testing.assert_array_equal(found["latitude"], latitude[keep])
        np.testing.assert_array_equal(found["height"], height[keep])
        np.testing.assert_array_equal(found["value"], value[keep])
        assert points.place.operation.startswith("none")

    def test_columns_that_are_named(self, tmp_path):
        longitude, latitude, height = on_earth(50)
        x, y = projected(longitude, latitude)
        path = write_table(tmp_path / "a.csv", pd.DataFrame({"rdx": x, "rdy": y, "nap": height, "z": 0 * x}))
        grid = geoid_grid(tmp_path / "nap.tif")
        keys = {"crs": "EPSG:28992", "x": "rdx", "y": "rdy", "z": "nap", "vertical_datum": str(grid)}
        found = read(opened(path, **keys), EVERYWHERE)
        order, other = same_places(found, longitude, latitude)
        expected = (height + undulation(longitude, latitude))[other]
        np.testing.assert_allclose(found["height"][order], expected, atol=1e-6, rtol=0)
        words = refused("has no column 'nop'", path, **keys | {"z": "nop"})
        assert "rdx, rdy, nap, z" in words
        refused("name both columns, x and y, or neither", path, **keys | {"y": None})

    def test_points_without_heights_lie_on_the_terrain(self, tmp_path):
        longitude, latitude, _ = on_earth(50)
        path = write_table(tmp_path / "a.csv", pd.DataFrame({"lon": longitude, "lat": latitude}))
        points = opened(path, crs="EPSG:4326")
        assert not points.source.has_height
        np.testing.assert_array_equal(read(points, EVERYWHERE)["above_terrain"], 0.0)
        refused("is egm96, but the points have no heights", path, crs="EPSG:4326", vertical_datum="egm96")

    def test_a_path_below_the_home_folder(self, tmp_path, monkeypatch):
        longitude, latitude, _ = on_earth(5)
        path = write_table(tmp_path / "a.csv", pd.DataFrame({"lon": longitude, "lat": latitude}))
        monkeypatch.setenv("HOME", str(tmp_path))
        assert opened("~/a.csv", crs="EPSG:4326").source.files == (path,)

    @pytest.mark.parametrize("suffix", ["csv", "parquet"])
    def test_points_with_missing_numbers_are_counted(self, tmp_path, suffix):
        frame = pd.DataFrame(
            {
                "lon": [5.8, np.nan, 5.8, 5.8, np.inf, 5.81],
                "lat": [52.1, 52.1, np.nan, 52.1, 52.1, 52.1],
                "z": [1.0, 1.0, 1.0, np.nan, 1.0, 1.0],
                "size": [1.0, 1.0, 1.0, 1.0, 1.0, np.nan],
            }
        )
        path = write_table(tmp_path / f"a.{suffix}", frame)
        points = opened(path, crs="EPSG:4326", vertical_datum="ellipsoid", value="size")
        found = read(points)
        np.testing.assert_array_equal(found["longitude"], [5.8, 5.81])
        np.testing.assert_array_equal(found["value"], [1.0, np.nan])
        assert (points.counts["read"], points.counts["not finite"], points.counts["inside"]) == (6, 4, 2)

    @pytest.mark.parametrize("suffix", ["csv", "parquet", "gpkg"])
    def test_longitudes_from_0_to_360(self, tmp_path, suffix):
        """West of Greenwich, in both ways of counting and at the antimeridian."""
        for middle in (-8.0, 180.0):
            longitude, latitude = np.linspace(middle - 3.0, middle + 3.0, 61), np.full(61, 52.1)
            for counted in (longitude % 360.0, (longitude + 180.0) % 360.0 - 180.0):
                path = tmp_path / f"a.{suffix}"
                path.unlink(missing_ok=True)
                if suffix == "gpkg":
                    features(counted, latitude).to_file(path)
                else:
                    write_table(path, pd.DataFrame({"lon": counted, "lat": latitude}))
                for turns in (-1, 0, 1):
                    area = shapely.box(middle - 1.04, 52.0, middle + 1.04, 53.0)
                    area = shapely.affinity.translate(area, 360.0 * turns)
                    crs = None if suffix == "gpkg" else "EPSG:4326"
                    found = np.sort(read(opened(path, crs=crs), area)["longitude"])
                    np.testing.assert_allclose(found, longitude[20:41] + 360.0 * turns, atol=1e-9)

    def test_degrees_that_are_none(self, tmp_path):
        longitude, latitude, _ = on_earth(5)
        x, y = projected(longitude, latitude)
        path = write_table(tmp_path / "a.csv", pd.DataFrame({"x": x, "y": y}))
        words = refused("has no point inside", path, crs="EPSG:4326")
        assert "its system, 'WGS 84', may be wrong" in words

    def test_columns_that_are_not_there(self, tmp_path):
        path = write_table(tmp_path / "a.csv", pd.DataFrame({"east": [1.0], "north": [2.0]}))
        words = refused("no columns of coordinates were recognised", path, crs="EPSG:28992")
        assert "its columns are east, north" in words
        path = write_table(tmp_path / "b.csv", pd.DataFrame({"lon": [1.0], "lat": [2.0]}))
        refused("no columns of coordinates were recognised", path, crs="EPSG:28992")
        refused("states no coordinate reference system", path)
        assert "its columns are lon, lat" in refused("has no column 'w'", path, crs="EPSG:4326", value="w")
        refused("is a table, which has no use for the key layer", path, crs="EPSG:4326", layer="one")

    @pytest.mark.parametrize(
        ("text", "words"),
        [
            ("lon,lat\n5.8,north\n", "cannot be read"),
            ("lon,lat\n5.8,52.1\n5.8\n", "cannot be read"),
            ("lon,lat\n", "has no rows"),
            ("", "cannot be read as a table"),
        ],
    )
    def test_tables_that_are_none(self, tmp_path, text, words):
        path = tmp_path / "a.csv"
        path.write_text(text)
        refused(words, path, crs="EPSG:4326")

    def test_a_parquet_file_that_is_none(self, tmp_path):
        (tmp_path / "a.parquet").write_bytes(b"PAR1 and no more")
        refused("cannot be read as a table", tmp_path / "a.parquet", crs="EPSG:4326")
        path = write_table(tmp_path / "b.parquet", pd.DataFrame({"lon": [], "lat": []}))
        refused("has no rows", path, crs="EPSG:4326")
        path = write_table(tmp_path / "c.parquet", pd.DataFrame({"lon": ["a"], "lat": ["b"]}))
        refused("cannot be read", path, crs="EPSG:4326")

    def test_geoparquet(self, tmp_path):
        longitude, latitude, height = on_earth()
        path, keep = tmp_path / "a.parquet", inside(longitude, latitude)
        frame = features(longitude, latitude, height, size=np.arange(500))
        frame.to_crs(RD).to_parquet(path)
        found = read(opened(path, vertical_datum="ellipsoid", value="size"))
        same_places(found, longitude[keep], latitude[keep])
        np.testing.assert_array_equal(found["value"], np.flatnonzero(keep))
        np.testing.assert_allclose(found["height"], height[keep], atol=1e-6, rtol=0)
        refused("key vertical_datum", path)
        frame.set_crs(None, allow_override=True).to_parquet(path)
        refused("states no coordinate reference system", path, vertical_datum="ellipsoid")
        frame.to_crs(RD).set_geometry(frame.to_crs(RD).buffer(9.0)).to_parquet(path)
        refused("holds shapes that are not points", path)
        frame.to_parquet(path, geometry_encoding="geoarrow", schema_version="1.1.0")
        refused("encoded as 'point', and WKB is read", path)

    def test_several_tables(self, tmp_path):
        longitude, latitude, _ = on_earth(60)
        frame = pd.DataFrame({"lon": longitude, "lat": latitude})
        for name, part in (("a.csv", frame[:20]), ("b.csv", frame[20:])):
            write_table(tmp_path / name, part)
        for name in (tmp_path, tmp_path / "*.csv"):
            same_places(read(opened(name, crs="EPSG:4326"), EVERYWHERE), longitude, latitude)
        write_table(tmp_path / "c.csv", frame.rename(columns={"lon": "long"}))
        refused("c.csv has other columns", tmp_path, crs="EPSG:4326")


class TestVectors:
    @pytest.mark.parametrize("suffix", ["gpkg", "geojson", "fgb", "shp", "gml"])
    def test_points(self, tmp_path, suffix):
        longitude, latitude, height = on_earth()
        path, keep = tmp_path / f"a.{suffix}", inside(longitude, latitude)
        frame = features(longitude, latitude, height, size=np.arange(500), name=[f"p{k}" for k in range(500)])
        frame = frame if suffix == "geojson" else frame.to_crs(RD)
        frame.to_file(path)
        points = opened(path, vertical_datum="ellipsoid", value="size")
        found = read(points)
        order, other = same_places(found, longitude[keep], latitude[keep], 2e-8)  # GML is written in decimals
        np.testing.assert_allclose(found["height"][order], height[keep][other], atol=METRES, rtol=0)
        np.testing.assert_array_equal(found["value"][order], np.flatnonzero(keep)[other])
        if suffix in {"gpkg", "fgb", "shp"}:  # by their index, within the area's box alone
            assert points.counts["read"] < 420

    def test_a_condition_and_a_column_of_heights(self, tmp_path):
        longitude, latitude, height = on_earth(80)
        path = tmp_path / "a.gpkg"
        features(longitude, latitude, size=np.arange(80), top=height, name=["a"] * 80).to_file(path)
        keys = {"where": "size >= 30", "z": "top", "vertical_datum": "ellipsoid"}
        found = read(opened(path, **keys), EVERYWHERE)
        order, other = same_places(found, longitude[30:], latitude[30:])
        np.testing.assert_array_equal(found["height"][order], height[30:][other])
        refused("cannot be read with where='girth > 3'", path, **keys | {"where": "girth > 3"})
        refused("no feature meets where='size > 3000'", path, **keys | {"where": "size > 3000"})
        refused("column 'name' does not hold numbers", path, z="name", vertical_datum="ellipsoid")
        words = refused("has no column 'girth'", path, value="girth")
        assert "size, top, name" in words
        refused("is a vector file, which has no use for the key x", path, x="size", y="size")

    def test_layers(self, tmp_path):
        longitude, latitude, _ = on_earth(20)
        path = tmp_path / "a.gpkg"
        for name, part in (("oaks", slice(0, 5)), ("elms", slice(5, 20))):
            features(longitude[part], latitude[part]).to_file(path, layer=name)
        same_places(read(opened(path, layer="elms"), EVERYWHERE), longitude[5:], latitude[5:])
        refused("has 2 layers: name one .*: oaks, elms", path)
        refused("has no layer 'yews' with geometry; there are oaks, elms", path, layer="yews")

    def test_several_points_in_a_feature_and_features_without(self, tmp_path):
        path = tmp_path / "a.gpkg"
        shapes = [
            shapely.MultiPoint([(5.8, 52.1, 7.0), (5.81, 52.1, 8.0)]),
            shapely.Point(5.82, 52.1, 9.0),
            None,
        ]
        frame = geopandas.GeoDataFrame({"size": [1.0, 2.0, 3.0]}, geometry=shapes, crs=4326)
        frame.to_file(path)
        points = opened(path, vertical_datum="ellipsoid", value="size")
        found = read(points, EVERYWHERE)
        order = np.argsort(found["longitude"])
        np.testing.assert_array_equal(found["height"][order], [7.0, 8.0, 9.0])
        np.testing.assert_array_equal(found["value"][order], [1.0, 1.0, 2.0])

    def test_shapes_that_are_not_points(self, tmp_path):
        square, point = shapely.box(5.7, 52.0, 5.8, 52.1), shapely.Point(5.8, 52.1)
        for shapes, words in (
            ([square, square], "holds shapes that are not points (Polygon): make it a vector layer"),
            (
                [shapely.LineString([(5.8, 52.1), (5.9, 52.2)])],
                "holds shapes that are not points (LineString)",
            ),
            (
                [square, point, square],
                "holds shapes that are not points (Polygon)",
            ),
        ):
            path = tmp_path / f"a{len(shapes)}{len(words)}.gpkg"
            frame = geopandas.GeoDataFrame({"kind": [s.geom_type for s in shapes]}, geometry=shapes, crs=4326)
            frame.to_file(path)
            refused(re.escape(words), path)
        found = read(opened(path, where="kind = 'Point'"), EVERYWHERE)
        np.testing.assert_array_equal(found["longitude"], [5.8])

    def test_a_layer_without_features_or_geometry(self, tmp_path):
        path = tmp_path / "a.gpkg"
        features([5.8], [52.1])[:0].to_file(path)
        refused("has no features", path)
        path = tmp_path / "b.gpkg"
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that it has no geometry
            geopandas.pd.DataFrame({"size": [1]}).pipe(geopandas.io.file.pyogrio.write_dataframe, path)
        refused("has no layer with geometry", path)

    def test_a_third_coordinate_above_the_ellipsoid(self, tmp_path):
        path = tmp_path / "a.gpkg"
        features([5.8], [52.1], [33.0]).set_crs(4979, allow_override=True).to_file(path)
        np.testing.assert_array_equal(read(opened(path), EVERYWHERE)["height"], [33.0])
        refused("'ellipsoid', but vertical_datum says egm96", path, vertical_datum="egm96")
        refused(
            "'ellipsoid', but vertical_datum says", path, vertical_datum=str(geoid_grid(tmp_path / "g.tif"))
        )

    def test_a_geoid_that_does_not_reach(self, tmp_path):
        path = tmp_path / "a.gpkg"
        features([5.8, 40.0], [52.1, 52.1], [33.0, 1.0]).to_file(path)
        keys = {"vertical_datum": str(geoid_grid(tmp_path / "g.tif"))}
        np.testing.assert_allclose(
            read(opened(path, **keys))["height"], 33.0 + undulation(5.8, 52.1), atol=1e-6, rtol=0
        )
        refused("covers longitude 3.0000 to 8.0000", path, **keys)


class TestStations:
    def test_a_list_as_a_table(self, tmp_path):
        """A JSON list of reflectors, by the line of Python that the message gives."""
        path = tmp_path / "a.json"
        place = {"longitude": 5.8, "latitude": 52.1, "elevation": 45.0, "EPSG": 4258}
        path.write_text(json.dumps({"stations": [{"id": "ONE", "ascending": {"coordinates": place}}]}))
        words = refused("cannot be read as a vector file", path)
        line = "pandas.json_normalize(json.load(open(IN))['stations']).to_csv(OUT)"
        assert line in words
        found = read(opened(**stations_as_table(path, tmp_path / "a.csv", "ascending")))
        assert [float(found[name][0]) for name in ("longitude", "latitude", "height")] == [5.8, 52.1, 45.0]

    def test_other_json_is_a_vector_file(self, tmp_path):
        path = tmp_path / "a.json"
        features([5.8], [52.1]).to_file(path, driver="GeoJSON")
        np.testing.assert_array_equal(read(opened(path))["longitude"], [5.8])


class TestFiles:
    def test_names_of_nothing(self, tmp_path):
        refused("there is no such file or folder", tmp_path / "a.laz")
        refused("no file matches the pattern", tmp_path / "*.laz")
        (tmp_path / "a.bin").write_bytes(b"\x00" * 100)
        refused("the ending '.bin' is not known", tmp_path / "a.bin")
        (tmp_path / "b.gpkg").write_bytes(b"\x00" * 100)
        refused("matches 2 files", tmp_path / "*.*")

    def test_nothing_in_the_area(self, tmp_path):
        """The message tells where the points are; a block of an image may well have none."""
        longitude, latitude, _ = on_earth(30)
        x, y = projected(longitude, latitude)
        path = write_table(tmp_path / "a.csv", pd.DataFrame({"x": x, "y": y}))
        area = shapely.box(6.5, 52.0, 6.6, 52.1)
        words = refused("has no point inside longitudes 6.5000 to 6.6000", path, area=area, crs="EPSG:28992")
        assert "RD New" in words
        assert not list(opened(path, crs="EPSG:28992").batches(area, required=False))
        cloud = write_cloud(tmp_path / "a.laz", np.array(x), np.array(y), 0.0 * np.array(x))
        words = refused("has no point inside", cloud, area=area, vertical_datum="ellipsoid")
        assert "They lie within x" in words

    def test_an_area_beyond_the_projection(self, tmp_path):
        x, y = projected(*on_earth(5)[:2])
        path = write_table(tmp_path / "a.csv", pd.DataFrame({"x": x, "y": y}))
        refused("has no point inside", path, area=shapely.box(-130, -70, -129, -69), crs="EPSG:28992")

    def test_threads_do_not_show(self, tmp_path, monkeypatch):
        longitude, latitude, _ = on_earth(3000)
        x, y = projected(longitude, latitude)
        path = tmp_path / "a.parquet"
        pd.DataFrame({"x": x, "y": y}).to_parquet(path)
        whole = read(opened(path, crs="EPSG:28992"))
        monkeypatch.setattr("alignsar_gpu.radarcoding.points.files.SHARE", 100)
        parts = read(opened(path, crs="EPSG:28992"))
        for name in ("longitude", "latitude"):
            np.testing.assert_array_equal(parts[name], whole[name])
