"""Rasters as they are opened and read: where their pixels lie, by PROJ; what their values and classes are."""

import json
import re

import numpy as np
import pytest
import rasterio
from pyproj import CRS
from raster_maps import KEY, SYSTEMS, around, opened, operation, write
from rasterio.transform import Affine

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.rasters import classes as raster_classes
from alignsar_gpu.radarcoding.rasters import files as raster_files

PIXEL = 1e-4  # rows and columns: PROJ's shifts between datums come back to a millimetre


def row_and_column(transform, x, y):
    """Of places, counted from the middle of the first pixel, by the definition of the six numbers."""
    a, b, c, d, e, f = transform[:6]
    column, row = np.linalg.solve([[a, b], [d, e]], np.stack([np.ravel(x) - c, np.ravel(y) - f]))
    return (row - 0.5).reshape(np.shape(x)), (column - 0.5).reshape(np.shape(x))


def everything(file):
    return tuple(slice(0, count) for count in file.shape)


def refused(path, *texts, **keys):
    with pytest.raises(AlignsarError) as error:
        opened(path, **keys)
    assert str(error.value).startswith(KEY)
    for text in texts:
        assert text in str(error.value)


class TestPlaces:
    @pytest.mark.parametrize(("crs", "place", "resolution"), SYSTEMS)
    def test_by_proj(self, tmp_path, crs, place, resolution):
        transform = around(crs, place, resolution)
        file = opened(write(tmp_path / "a.tif", np.zeros((40, 50), np.float32), transform, crs))
        longitude, latitude = (part + np.array([[-2e-4, 0.0], [1e-4, 5e-4]]) for part in place)
        x, y = operation(crs, place).transform(longitude, latitude)
        got, want = file.position(longitude, latitude), row_and_column(transform, x, y)
        assert np.abs(np.subtract(got, want)).max() < PIXEL

    def test_a_raster_that_is_turned(self, tmp_path):
        a, _, c, _, e, f = around("EPSG:32631", (3.5, 52.0), 10.0)[:6]
        transform = Affine(0.8 * a, -0.6 * e, c, 0.6 * a, 0.8 * e, f)
        file = opened(write(tmp_path / "a.tif", np.zeros((40, 50), np.float32), transform, "EPSG:32631"))
        x, y = operation("EPSG:32631", (3.5, 52.0)).transform(3.501, 52.0005)
        got = file.position(np.array([3.501]), np.array([52.0005]))
        assert np.allclose(np.ravel(got), row_and_column(transform, x, y), atol=PIXEL)
        assert np.allclose(file.resolution, 10.0, rtol=1e-3)

    def test_the_datum_is_another(self, tmp_path):
        """The tower of Amersfoort: its coordinates as the Kadaster publishes them, RD and ETRS89."""
        transform = Affine(1.0, 0.0, 154_900.0, 0.0, -1.0, 463_100.0)
        file = opened(write(tmp_path / "a.tif", np.zeros((200, 200), np.uint8), transform, "EPSG:28992"))
        got = file.position(np.array([5.38720621]), np.array([52.15517440]))
        assert np.allclose(np.ravel(got), 99.5, atol=1.0)
        assert "Amersfoort to WGS 84" in file.operation

    @pytest.mark.parametrize(("kind", "first"), [("Area", -0.5), ("Point", 0.0)])
    def test_pixels_are_areas_or_points(self, tmp_path, kind, first):
        """The file's tie point is the corner of the first pixel, or its middle."""
        with rasterio.Env(GTIFF_POINT_GEO_IGNORE=True):
            path = write(
                tmp_path / "a.tif",
                np.zeros((20, 20), np.uint8),
                around("EPSG:4326", (5.5, 52.0), 0.001, (20, 20)),
                tags={"AREA_OR_POINT": kind},
            )
        got = opened(path).position(np.array([5.5 - 0.01]), np.array([52.0 + 0.01]))
        assert np.allclose(np.ravel(got), first, atol=1e-6)

    @pytest.mark.parametrize("west", [0.0, -180.0, 20.0])
    @pytest.mark.parametrize("place", [0.0, 180.0, -180.0, 20.0, 359.9])
    def test_round_the_earth(self, tmp_path, west, place):
        """Wherever its seam is, the values beside each other on Earth are beside each other."""
        longitude = west + np.arange(0.5, 360.0)
        values = np.broadcast_to(np.cos(np.radians(longitude)), (20, 360)).astype(np.float32)
        file = opened(write(tmp_path / "a.tif", values, Affine(1.0, 0.0, west, 0.0, -1.0, 60.0)))
        assert file.turn == 360
        asked = place + np.linspace(-2.3, 2.4, 21)
        row, column = file.position(asked, np.full(21, 50.0))
        assert np.ptp(column) < 6.0
        window = file.window((row.min(), row.max()), (column.min(), column.max()), 1)
        got = file.read(*window, "band_1")[0][np.rint(column).astype(int) - window[1].start]
        assert np.abs(got - np.cos(np.radians(np.floor(asked) + 0.5))).max() < 1e-6

    @pytest.mark.parametrize("place", [-179.95, 180.05])
    def test_beyond_the_antimeridian(self, tmp_path, place):
        file = opened(
            write(
                tmp_path / "a.tif", np.zeros((20, 20), np.uint8), Affine(0.01, 0.0, 179.95, 0.0, -0.01, 10.1)
            )
        )
        got = file.position(np.array([place]), np.array([10.0]))
        assert np.allclose(np.ravel(got), (9.5, 9.5), atol=1e-6)
        file.require_inside(np.array([place]), np.array([10.0]), "the image")

    def test_outside(self, tmp_path):
        file = opened(write(tmp_path / "a.tif", np.zeros((20, 20), np.uint8)))
        with pytest.raises(AlignsarError) as error:
            file.require_inside(np.array([100.0, 101.0]), np.array([50.0, 51.0]), "the image")
        for text in (KEY, "longitude 0.5000 to 19.5000", "longitude 100.0000 to 101.0000", "'WGS 84'"):
            assert text in str(error.value)
        # An image whose corners lie around the raster has it inside.
        file.require_inside(np.array([-20.0, 50.0, -20.0, 50.0]), np.array([30.0, 30.0, 70.0, 70.0]), "it")

    def test_tiles_across_the_antimeridian(self, tmp_path):
        values = np.arange(200.0, dtype=np.float32).reshape(10, 20)
        for number, west in enumerate((179.9, -180.0)):
            part = values[:, 10 * number : 10 * number + 10]
            write(tmp_path / f"{number}.tif", part, Affine(0.01, 0.0, west, 0.0, -0.01, 10.0))
        file = opened(tmp_path)
        assert np.array_equal(file.read(*everything(file), "band_1"), values)
        row, column = file.position(np.array([179.905, -179.905]), np.array([9.995, 9.995]))
        assert np.allclose(row, 0.0, atol=1e-6)
        assert np.allclose(column, [0.0, 19.0], atol=1e-6)


class TestValues:
    def test_tiles_are_one_raster(self, tmp_path):
        rng = np.random.default_rng(1)
        values = rng.normal(size=(60, 90)).astype(np.float32)
        for row, column in ((0, 0), (0, 50), (35, 0), (35, 50)):
            part = values[row : row + 35 if row == 0 else 60, column : column + 50 if column == 0 else 90]
            write(
                tmp_path / f"{row}_{column}.tif",
                part,
                Affine(0.01, 0.0, 5.0 + 0.01 * column, 0.0, -0.01, 50.0 - 0.01 * row),
            )
        for path in (tmp_path, tmp_path / "*.tif", sorted(map(str, tmp_path.iterdir()), reverse=True)):
            file = opened(path)
            assert file.shape == (60, 90)
            assert np.array_equal(file.read(*everything(file), "band_1"), values)
            assert np.array_equal(file.read(slice(30, 40), slice(45, 55), "band_1"), values[30:40, 45:55])
        (tmp_path / "35_50.tif").unlink()
        got = opened(tmp_path).read(slice(0, 60), slice(0, 90), "band_1")
        assert np.isnan(got[35:, 50:]).all()
        assert np.isfinite(got).sum() == 60 * 90 - 25 * 40

    def test_no_data(self, tmp_path):
        values = np.array([[1.0, np.nan, -9999.0], [np.inf, -1.0, 1e39]])
        file = opened(write(tmp_path / "a.tif", values, nodata=-9999.0), nodata=-1.0)
        got = file.read(*everything(file), "band_1")
        assert np.array_equal(got, [[1.0, np.nan, np.nan], [np.nan, np.nan, np.nan]], equal_nan=True)

    @pytest.mark.parametrize("nodata", [-1.0, float("nan"), 0.5, 300.0])
    def test_no_data_that_the_type_cannot_hold(self, tmp_path, nodata):
        values = np.array([[0, 7], [9, 255]], np.uint8)
        path = write(tmp_path / "a.tif", values)
        file = opened(path, nodata=nodata)
        assert np.array_equal(file.read(*everything(file), "band_1"), values.astype(np.float32))
        assert opened(path, nodata=nodata, method="fraction").class_names == (
            "class_0",
            "class_7",
            "class_9",
            "class_255",
        )

    def test_no_data_as_float32_rounds_it(self, tmp_path):
        values = np.array([[0.1, 1.0]], np.float32)
        file = opened(write(tmp_path / "a.tif", values), nodata=0.1)
        assert np.array_equal(np.isnan(file.read(*everything(file), "band_1")), [[True, False]])

    def test_scale_and_offset(self, tmp_path):
        """What stands for no data does so before values are scaled."""
        values = np.array([[100, 200], [0, 300]], np.int16)
        path = write(tmp_path / "a.tif", values, nodata=0, scales=(0.01,), offsets=(-5.0,))
        got = opened(path, nodata=200.0).read(slice(0, 2), slice(0, 2), "band_1")
        assert np.allclose(got, [[-4.0, np.nan], [np.nan, -2.0]], equal_nan=True)

    def test_a_mask(self, tmp_path):
        values = np.stack([np.full((4, 5), 7, np.uint8), np.full((4, 5), 255, np.uint8)])
        values[1, 2] = 0
        path = write(tmp_path / "a.tif", values, alpha="YES")
        file = opened(path)
        assert file.bands == ("band_1",)
        got = file.read(*everything(file), "band_1")
        assert np.isnan(got[2]).all()
        assert (np.delete(got, 2, axis=0) == 7.0).all()

    def test_bands(self, tmp_path):
        values = np.arange(4, dtype=np.float32)[:, None, None] * np.ones((4, 3, 3), np.float32)
        path = write(tmp_path / "a.tif", values, names=("B2 - blue", "B8", None, "B8"))
        assert opened(path).bands == ("b2_blue", "b8_2", "band_3", "b8_4")
        file = opened(path, bands=["3", "B2 - blue", 4])
        assert file.bands == ("band_3", "b2_blue", "b8")
        assert [file.read(slice(0, 1), slice(0, 1), band)[0, 0] for band in file.bands] == [2.0, 0.0, 3.0]
        for band in ("B9", 5, 0, "0"):
            refused(path, f"no band {band!r}", "1 to 4", "B2 - blue", bands=[band])
        refused(path, "no band is named", bands=[])

    @pytest.mark.parametrize("step", [2, 3, 7])
    def test_means_of_pixels(self, tmp_path, step, monkeypatch):
        values = np.random.default_rng(2).normal(size=(33, 40)).astype(np.float32)
        values[5:9, 3:20] = np.nan
        file = opened(write(tmp_path / "a.tif", values))
        got = file.read(*everything(file), "band_1", step)
        for row in range(-(-33 // step)):
            for column in range(-(-40 // step)):
                part = values[row * step : (row + 1) * step, column * step : (column + 1) * step]
                part = part[np.isfinite(part)].astype(float)
                want = part.mean() if part.size else np.nan
                assert np.isclose(got[row, column], want, rtol=1e-6, atol=1e-7, equal_nan=True)
        monkeypatch.setattr(raster_files, "MOST_PIXELS", 100)
        again = file.read(slice(2 * step, 33), slice(step, 5 * step), "band_1", step)
        assert np.array_equal(again, got[2:, 1:5], equal_nan=True)


class TestClasses:
    def test_as_they_are_named(self, tmp_path):
        codes = np.array([[10, 20, 30], [95, 0, 40]], np.uint8)
        path = write(tmp_path / "a.tif", codes, nodata=0)
        file = opened(path, method="fraction", classes={"tree": [10, 95], "crop": [40]})
        assert file.class_names == ("tree", "crop")
        assert np.array_equal(file.read_classes(*everything(file)), [[0, 2, 2], [0, 255, 1]])

    @pytest.mark.parametrize(
        "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "int64", "float32", "float64"]
    )
    def test_codes_of_any_type(self, tmp_path, dtype):
        codes = np.array([[3, 100, 7], [0, 3, 55]], dtype)
        path = write(tmp_path / "a.tif", codes)
        file = opened(path, method="fraction", classes={"b": [100, 100000], "a": [3, -7]})
        assert np.array_equal(file.read_classes(*everything(file)), [[1, 0, 2], [2, 1, 2]])

    def test_codes_below_zero(self, tmp_path):
        file = opened(write(tmp_path / "a.tif", np.array([[-3, 5]], np.int16)), method="fraction")
        assert file.class_names == ("class_minus_3", "class_5")
        assert np.array_equal(file.read_classes(*everything(file)), [[0, 1]])

    def test_as_the_file_names_them(self, tmp_path):
        tags = {"class_1": "Broad-leaved forest", "class_2": "Water", "CLASS_3": "water", "other": "no"}
        codes = np.array([[1, 2], [3, 4]], np.uint8)
        file = opened(write(tmp_path / "a.tif", codes, tags=tags), method="fraction")
        assert file.class_names == ("broad_leaved_forest", "water")
        assert np.array_equal(file.read_classes(*everything(file)), [[0, 1], [1, 2]])

    def test_that_occur(self, tmp_path):
        codes = np.zeros((50, 16), np.float32)
        codes[17, 3], codes[49, 15], codes[0, 0] = 8.0, 4.0, np.nan
        file = opened(write(tmp_path / "a.tif", codes, nodata=0), method="fraction")
        assert file.class_names == ("class_4", "class_8")

    def test_refused(self, tmp_path):
        path = write(tmp_path / "a.tif", np.array([[1, 2]], np.uint8))
        refused(path, "code 1", "'a'", "'b'", method="fraction", classes={"a": [1], "b": [2, 1]})
        refused(path, "'a'", "no codes", method="fraction", classes={"a": []})
        refused(path, "'a-b'", method="fraction", classes={"a-b": [1]})
        refused(path, "1.5", method="fraction", classes={"a": [1.5]})
        refused(path, "0 classes", method="fraction", classes={})
        both = write(tmp_path / "two.tif", np.zeros((2, 3, 3), np.uint8))
        refused(both, "one band", "2 bands are read", method="fraction")
        odd = write(tmp_path / "odd.tif", np.array([[1.0, 2.5]]))
        refused(odd, "2.5", "method=mean", method="fraction")
        many = write(tmp_path / "many.tif", np.arange(300, dtype=np.uint16).reshape(30, 10))
        refused(many, "more than 254", method="fraction")
        empty = write(tmp_path / "empty.tif", np.zeros((3, 3), np.uint8), nodata=0)
        refused(empty, "no data", method="fraction")

    def test_too_large_to_look_through(self, tmp_path, monkeypatch):
        monkeypatch.setattr(raster_classes, "MOST_PIXELS", 5)
        path = write(tmp_path / "a.tif", np.ones((3, 2), np.uint8))
        refused(path, "6 pixels", "(classes)", method="fraction")
        assert opened(path, method="fraction", classes={"a": [1]}).class_names == ("a",)


class TestRefused:
    def test_what_is_not_there(self, tmp_path):
        refused(tmp_path / "no.tif", "no.tif", "no such file")
        refused(tmp_path / "*.tif", "no file matches the pattern")
        refused(tmp_path, "no raster", ".tif")
        refused([], "no file is named")

    def test_what_is_no_raster(self, tmp_path):
        (tmp_path / "a.tif").write_text("not a raster")
        refused(tmp_path / "a.tif", "a.tif", "cannot be read as a raster")
        (tmp_path / "b.tif").write_bytes(b"")
        refused(tmp_path / "b.tif", "cannot be read as a raster")

    def test_what_is_damaged(self, tmp_path):
        values = np.random.default_rng(3).integers(0, 5, (400, 400)).astype(np.uint8)
        path = write(tmp_path / "a.tif", values, compress="deflate")
        file = opened(path)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) // 2])
        with pytest.raises(AlignsarError, match=rf"{KEY}: .*a\.tif: cannot be read.*fetch it again"):
            file.read(*everything(file), "band_1")
        path.write_bytes(content[:200] + bytes(len(content) - 400) + content[-200:])
        with pytest.raises(AlignsarError, match="cannot be read"):
            opened(path, method="fraction")

    def test_without_a_system(self, tmp_path):
        path = write(tmp_path / "a.tif", np.zeros((3, 3), np.uint8), crs=None)
        refused(path, "states no coordinate reference system", "EPSG:28992")
        assert opened(path, crs="EPSG:4326").crs == CRS.from_epsg(4326)
        refused(path, "'nonsense'", crs="nonsense")

    def test_two_systems(self, tmp_path):
        path = write(tmp_path / "a.tif", np.zeros((3, 3), np.uint8))
        refused(path, "WGS 84", "Amersfoort", crs="EPSG:28992")

    def test_a_system_that_is_none_on_earth(self, tmp_path):
        crs = 'LOCAL_CS["building site",UNIT["metre",1],AXIS["x",EAST],AXIS["y",NORTH]]'
        path = write(tmp_path / "a.tif", np.zeros((3, 3), np.uint8), crs=crs)
        refused(path, "a.tif", "building site")

    def test_without_a_place(self, tmp_path):
        with pytest.warns(rasterio.errors.NotGeoreferencedWarning):
            path = write(tmp_path / "a.tif", np.zeros((3, 3), np.uint8), Affine.identity())
        refused(path, "does not say where its pixels lie", "gdal")

    def test_complex_values(self, tmp_path):
        refused(write(tmp_path / "a.tif", np.zeros((3, 3), np.complex64)), "complex", "power")

    @pytest.mark.parametrize(
        "other",
        [
            {"transform": Affine(1.0, 0.0, 3.4, 0.0, -1.0, 60.0)},
            {"transform": Affine(2.0, 0.0, 3.0, 0.0, -2.0, 60.0)},
            {"crs": "EPSG:4258"},
            {"values": np.zeros((3, 3), np.int16)},
            {"values": np.zeros((2, 3, 3), np.uint8)},
        ],
    )
    def test_tiles_of_several_grids(self, tmp_path, other):
        write(tmp_path / "a.tif", np.zeros((3, 3), np.uint8))
        given = {"values": np.zeros((3, 3), np.uint8), "transform": Affine(1.0, 0.0, 3.0, 0.0, -1.0, 60.0)}
        write(tmp_path / "b.tif", **given | other)
        refused(tmp_path, "a.tif", "b.tif", "not tiles of one grid")


def test_what_lies_beside_is_not_taken_for_tiles(tmp_path):
    path = write(tmp_path / "a.tif", np.zeros((3, 3), np.uint8))
    (tmp_path / "a.tif.aux.xml").write_text(json.dumps({}))
    assert opened(tmp_path / "a.*").name == str(path)
    assert re.match(r"none", opened(path).operation)
