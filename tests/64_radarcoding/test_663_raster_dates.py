"""Rasters of several dates on the images of a stack: a season in closed form, gaps, names, bands and STAC items."""

import json
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from geocoding_scene import Scene as Site
from raster_maps import write
from rasterio.io import MemoryFile
from rasterio.shutil import copy
from rasterio.transform import Affine
from stand_in import device, stand_in

from alignsar_gpu.device import Device
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.dates import Validity, time_in_name
from alignsar_gpu.radarcoding.layers import LabelScene
from alignsar_gpu.radarcoding.level_ground import LevelGround
from alignsar_gpu.radarcoding.rasters.config import RasterLayerConfig
from alignsar_gpu.radarcoding.rasters.layers import open_layer
from alignsar_gpu.radarcoding.rasters.series import open_series
from alignsar_gpu.radarcoding.tiles import ImageTile

KEY = "radarcoding.layers.ndvi"
CPU = Device("cpu", "test", "asked for", 1 << 30)
TILE = ImageTile(lines=slice(30, 34), samples=slice(200, 230))
SEASON, HIGH = 2.0 * np.pi / 365.0, 0.3  # radians a day, and by how much the greenness swings
PLACE = 2e-4  # of values: what a pixel's ground is off from its middle, in a plane of 0.5 a degree
ROUNDING = 1e-6


def days(*names):
    return np.array(names, dtype="datetime64[ns]")


IMAGES = days("2022-03-03T17:24", "2022-03-15T17:24", "2022-03-27T17:24", "2022-06-07T17:24")


def season(time):
    """The part of the greenness that changes in time; times of days are their noon."""
    number = (np.datetime64(time, "s") - np.datetime64("2022-01-01T00:00:00")) / np.timedelta64(86_400, "s")
    return 0.5 + HIGH * np.sin(SEASON * number)


def ground(longitude, latitude):
    return 1.0 + 0.5 * (longitude - 3.4) - 0.3 * (latitude - 52.0)


@pytest.fixture(scope="module")
def scene(tmp_path_factory):
    site = Site(tmp_path_factory.mktemp("site"), longitude=3.4, steepness=0.0)
    return LabelScene(level_ground=LevelGround(terrain=site.terrain), device=CPU, times=IMAGES, reference=0)


@pytest.fixture(scope="module")
def middle(scene):
    """Longitude and latitude of the pixels of the tile."""
    drawn = scene.level_ground.terrain.lines(TILE.lines.start, TILE.lines.stop)
    return drawn.longitude[:, TILE.samples], drawn.latitude[:, TILE.samples]


@pytest.fixture(scope="module")
def grid(middle):
    """Transform of a raster over the tile, and the longitude and latitude of its pixels."""
    west, north, step = middle[0].min() - 0.01, middle[1].max() + 0.01, 2e-4
    shape = int((north + 0.01 - middle[1].min()) / step), int((middle[0].max() + 0.01 - west) / step)
    longitude = west + step * (np.arange(shape[1]) + 0.5)
    return (
        Affine(step, 0, west, 0, -step, north),
        longitude,
        north - step * (np.arange(shape[0])[:, None] + 0.5),
    )


def image_of(grid, time):
    return (season(time) * ground(*grid[1:])).astype(np.float32)


def noon(day):
    return np.datetime64(day, "s") + np.timedelta64(12, "h")


FLIGHTS = ("2022-02-28", "2022-03-10", "2022-03-20", "2022-03-30", "2022-04-09")


@pytest.fixture(scope="module")
def folder(grid, tmp_path_factory):
    """A season: a raster every ten days until April."""
    place = tmp_path_factory.mktemp("season")
    for day in FLIGHTS:
        write(place / f"S2_{day.replace('-', '')}_ndvi.tif", image_of(grid, noon(day)), grid[0])
    return place


def opened(path, method="bilinear", dates="names", **keys):
    given = path if isinstance(path, list) else str(path)
    return open_layer("ndvi", RasterLayerConfig(path=given, method=method, dates=dates, **keys), KEY, {})


def made(scene, layers, tile=TILE):
    layers.require_inside(scene)
    cells = scene.level_ground.cells(tile, CPU)
    return {(name, date): values for name, date, values in layers.tile(scene, cells)}


def refused(call, *texts):
    with pytest.raises(AlignsarError) as error:
        call()
    assert str(error.value).startswith(KEY)
    for text in texts:
        assert text in str(error.value)


class TestSeason:
    def test_the_nearest(self, scene, middle, folder):
        """Each image has what was there when the nearest raster was taken; one that has none is unknown."""
        layers = opened(folder)
        found = made(scene, layers)
        assert set(found) == {(name, date) for name in ("ndvi", "labelled_ndvi") for date in range(4)}
        for date, flight in enumerate(("2022-02-28", "2022-03-20", "2022-03-30")):
            want = season(noon(flight)) * ground(*middle)
            assert found["ndvi", date].dtype == np.float32
            assert np.abs(found["ndvi", date] - want).max() < PLACE
            assert found["labelled_ndvi", date].all()
            # and that is the truth at the image but for what has grown since: at most HIGH SEASON a day
            truth = season(IMAGES[date]) * ground(*middle)
            apart = abs(noon(flight) - IMAGES[date].astype("datetime64[s]")) / np.timedelta64(86_400, "s")
            assert np.abs(found["ndvi", date] - truth).max() < HIGH * SEASON * apart * 1.1 + PLACE
        assert np.isnan(found["ndvi", 3]).all()
        assert not found["labelled_ndvi", 3].any()

    def test_between_two(self, scene, middle, folder):
        """Against the straight line, and the season itself: what a chord is below its arc, h^2 / 8 of its bend."""
        layers = opened(folder, interpolate=True)
        found = made(scene, layers)
        pairs = (("2022-02-28", "2022-03-10"), ("2022-03-10", "2022-03-20"), ("2022-03-20", "2022-03-30"))
        for date, (before, after) in enumerate(pairs):
            share = float((IMAGES[date] - noon(before)) / (noon(after) - noon(before)))
            chord = (1.0 - share) * season(noon(before)) + share * season(noon(after))
            assert np.abs(found["ndvi", date] - chord * ground(*middle)).max() < PLACE
            bound = 10.0**2 / 8.0 * HIGH * SEASON**2 * 1.1
            assert np.abs(found["ndvi", date] - season(IMAGES[date]) * ground(*middle)).max() < bound + PLACE
        assert np.isnan(found["ndvi", 3]).all()

    def test_what_is_said(self, scene, folder, tmp_path):
        layers = opened(folder)
        layers.require_inside(scene)
        facts = layers.facts()["ndvi"]
        names = [f"S2_{day}_ndvi.tif" for day in ("20220228", "20220320", "20220330")]
        assert facts["rasters_of_images"] == [*names, "none"]
        assert facts["days_from_images"] == [2.73, 4.28, 2.27, 58.73]
        (text,) = layers.warnings()
        assert text.startswith("ndvi: 1 of 4 images have no raster within 15 days, and are unknown")
        for spec in layers.layers:
            assert spec.dated
            assert spec.attributes["days_from_images"] == facts["days_from_images"]
            assert spec.attributes["rasters_of_images"] == ", ".join([*names, "none"])
        assert (
            layers.layers[0]
            .attributes["description"]
            .endswith(
                "; of each image the raster nearest in time, within 15 days; unknown where there is none"
            )
        )
        assert str(folder) not in str(facts)

    def test_a_day_holds_all_of_it(self, folder):
        (match,) = opened(folder).series.matches(days("2022-03-10T23:59"))
        assert match.shares == {1: 1.0}
        assert match.days == 0.0

    def test_any_tile_is_the_same(self, scene, folder):
        layers = opened(folder, "mean", interpolate=True)
        whole = made(scene, layers)
        part = made(scene, layers, ImageTile(lines=slice(31, 33), samples=slice(210, 220)))
        for key, values in part.items():
            assert np.array_equal(values, whole[key][1:3, 10:20], equal_nan=True)

    def test_each_raster_is_read_once(self, scene, folder, monkeypatch):
        """Two images that are near the same raster read it together, and one near no image is not read."""
        layers, read = opened(folder, nearest_days=12.0), []
        images = LabelScene(
            level_ground=scene.level_ground,
            device=CPU,
            times=days("2022-04-15", "2022-03-11", "2022-04-18"),
            reference=0,
        )
        kind = type(layers.file)
        monkeypatch.setattr(kind, "read", lambda self, *a, f=kind.read: read.append(self.name) or f(self, *a))
        found = made(images, layers)
        assert np.array_equal(found["ndvi", 0], found["ndvi", 2])
        assert [name[-17:-9] for name in read] == ["20220310", "20220409"]

    def test_a_hole_in_one_of_two(self, scene, grid, tmp_path):
        """Where a value is missing before or after, nothing is known between; at the other date it is."""
        for day in ("20220301", "20220305"):
            values = image_of(grid, noon("2022-03-01"))
            if day == "20220305":
                values[:, : values.shape[1] // 2] = np.nan
            write(tmp_path / f"{day}.tif", values, grid[0])
        found = made(scene, opened(tmp_path, "mean", interpolate=True, nearest_days=3.0))
        alone = made(scene, opened(tmp_path / "20220305.tif", "mean", nearest_days=3.0))
        assert np.array_equal(np.isnan(found["ndvi", 0]), np.isnan(alone["ndvi", 0]))
        assert 0.2 < np.isnan(found["ndvi", 0]).mean() < 0.8
        assert np.array_equal(found["labelled_ndvi", 0], np.isfinite(found["ndvi", 0]))


class TestClasses:
    @pytest.fixture
    def fields(self, grid, tmp_path):
        """Code 1 until April, then 7."""
        for day, code in (("2022-03-01", 1), ("2022-06-01", 7)):
            write(tmp_path / f"{day}.tif", np.full(image_of(grid, day).shape, code, np.uint8), grid[0])
        return tmp_path

    def test_majority_and_fraction(self, scene, fields):
        """Classes are those of all dates, and have the same number at each."""
        found = made(scene, opened(fields, "majority"))
        assert [np.unique(found["ndvi", date]).tolist() for date in range(4)] == [[1], [1], [255], [2]]
        layers = opened(fields, "fraction")
        assert layers.names == ("ndvi_class_1", "ndvi_class_7")
        assert layers.fractions == ()  # of one date they are not compared with the image
        found = made(scene, layers)
        assert [float(found["ndvi_class_7", date].mean()) for date in (0, 3)] == [0.0, 1.0]
        assert np.isnan(found["ndvi_class_1", 2]).all()

    def test_they_are_not_interpolated(self, fields):
        refused(
            lambda: opened(fields, "majority", interpolate=True), "interpolate: classes are not interpolated"
        )


class TestTiles:
    def test_tiles_of_a_date_are_one_raster(self, scene, grid, tmp_path):
        """And each date may have a grid of its own."""
        values = image_of(grid, noon("2022-03-01"))
        half = values.shape[1] // 2
        write(tmp_path / "a_20220301.tif", values[:, :half], grid[0])
        step, _, west, _, _, north = tuple(grid[0])[:6]
        beside = Affine(step, 0, west + half * step, 0, -step, north)
        write(tmp_path / "b_20220301.tif", values[:, half:], beside)
        coarse = Affine(3.0 * step, 0, west, 0, -3.0 * step, north)
        write(tmp_path / "c_20220320.tif", values[1::3, 1::3], coarse)
        layers = opened(tmp_path)
        assert [raster.name.rpartition("/")[2] for raster in layers.series.rasters] == [
            "a_20220301.tif and 1 more",
            "c_20220320.tif",
        ]
        assert len(layers.files) == 3
        found = made(scene, layers)
        assert np.abs(found["ndvi", 0] - found["ndvi", 1]).max() < PLACE

    def test_a_raster_elsewhere_is_not_taken(self, scene, grid, folder, tmp_path):
        """One of a better date that has nothing of the scene, such as a pass beside it."""
        far = Affine(grid[0].a, 0.0, 9.0, 0.0, grid[0].e, 50.0)
        path = write(tmp_path / "20220303.tif", image_of(grid, noon("2022-03-03")), far)
        layers = opened([str(folder), str(path)])
        found = made(scene, layers)
        assert np.isfinite(found["ndvi", 0]).all()
        assert layers.facts()["ndvi"]["rasters_of_images"][0] == "S2_20220228_ndvi.tif"
        refused(
            lambda: made(scene, opened(path)),
            "20220303.tif: lies within longitude 9.0",
            "choose a raster that",
        )

    def test_two_of_one_date_and_place(self, grid, tmp_path):
        for name in ("a_20220301.tif", "b_20220301.tif"):
            write(tmp_path / name, image_of(grid, noon("2022-03-01")), grid[0])
        refused(
            lambda: opened(tmp_path), "b_20220301.tif and", "are of the same date and place", "date_pattern"
        )

    def test_other_bands_on_another_date(self, grid, tmp_path):
        values = image_of(grid, noon("2022-03-01"))
        write(tmp_path / "20220301.tif", values, grid[0], names=("ndvi",))
        write(tmp_path / "20220401.tif", values, grid[0], names=("evi",))
        refused(lambda: opened(tmp_path), "has the bands evi, and", "has ndvi", "(bands)")


class TestNames:
    @pytest.mark.parametrize(
        ("name", "time"),
        [
            ("S2_20220401_ndvi", "2022-04-01"),
            ("ndvi-2022-04-01", "2022-04-01"),
            ("MOD13Q1.A2022091.h18v03.061", "2022-04-01"),
            ("T31UFT_20220401T105031_B04", "2022-04-01T10:50:31"),
            ("t2m_202204011050", "2022-04-01T10:50"),
            ("2022-04-01T10:50:31Z", "2022-04-01T10:50:31"),
            ("S2B_MSIL2A_20220401T105031_N0400_R051_T31UFT_20220401T143022", "2022-04-01T10:50:31"),
            ("12345678_20220401", "2022-04-01"),  # a number that is no date
        ],
    )
    def test_dates(self, name, time):
        found = time_in_name(name, None, KEY)
        assert found.start == np.datetime64(time)
        assert found.end - found.start == np.timedelta64(86_400 if len(time) == 10 else 0, "s")

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("ndvi", "no date"),
            ("20221301", "no date"),
            ("20220230", "no date"),
            ("2022040110", "no date"),
            ("20220401T10", "no date"),
            ("2022-04-01T10:50+02:00", "no date"),
            ("LC08_197024_20220401_20220406_02", "several dates (2022-04-01, 2022-04-06)"),
        ],
    )
    def test_refused(self, name, text):
        refused(lambda: time_in_name(name, None, KEY), text, "date_pattern")

    def test_patterns(self):
        name = "LC08_197024_20220401_20220406_02"
        assert time_in_name(name, "197024_%Y%m%d", KEY).start == np.datetime64("2022-04-01")
        assert time_in_name("x_01.04.2022", "%d.%m.%Y", KEY).start == np.datetime64("2022-04-01")
        assert time_in_name("y2022d091h10", "y%Yd%jh%H", KEY).start == np.datetime64("2022-04-01T10")
        refused(lambda: time_in_name(name, "%d.%m.%Y", KEY), "no date", "'%d.%m.%Y'")
        refused(lambda: time_in_name(name, "_%Y%m%d_", KEY), "several dates")

    def test_a_file_without(self, folder, grid, tmp_path):
        path = write(tmp_path / "mean.tif", image_of(grid, noon("2022-03-01")), grid[0])
        refused(lambda: opened([str(folder), str(path)]), "mean.tif", "its name has no date")


class TestBands:
    def test_a_band_a_date(self, scene, folder, grid, tmp_path):
        stack = np.stack([image_of(grid, noon(day)) for day in FLIGHTS])
        path = write(tmp_path / "a.tif", stack, grid[0], names=[f"NDVI {day}" for day in FLIGHTS])
        layers = opened(path, dates="bands")
        assert layers.names == ("ndvi",)
        one, other = made(scene, layers), made(scene, opened(folder))
        for key, values in one.items():
            assert np.array_equal(values, other[key], equal_nan=True)
        assert layers.facts()["ndvi"]["rasters_of_images"][1] == "NDVI 2022-03-20"

    def test_refused(self, grid, tmp_path):
        stack = np.stack([image_of(grid, noon(day)) for day in FLIGHTS[:2]])
        refused(
            lambda: opened(write(tmp_path / "a.tif", stack, grid[0]), dates="bands"),
            "a.tif, band 1",
            "no date",
        )
        path = write(tmp_path / "b.tif", stack, grid[0], names=["red 2022-03-01", "nir 2022-03-01"])
        refused(
            lambda: opened(path, dates="bands"),
            "nir 2022-03-01 and red 2022-03-01 are of the same date",
            "(bands)",
        )

    def test_grib(self, scene, grid, tmp_path):
        """Its times are those of its bands, in GDAL's own tag."""
        with rasterio.Env() as environment:
            if "GRIB" not in environment.drivers():
                pytest.skip("this build of GDAL has no driver for GRIB")
        transform = Affine(0.25, 0.0, 1.875, 0.0, -0.25, 54.125)
        with MemoryFile() as memory:
            profile = {"driver": "GTiff", "dtype": "float64", "crs": "EPSG:4326", "transform": transform}
            with memory.open(height=17, width=25, count=2, **profile) as file:
                for band, value, stamp in (
                    (1, 20.0, "2022-03-15T18:00:00Z"),
                    (2, 10.0, "2022-03-15T12:00:00Z"),
                ):
                    file.write(np.full((17, 25), value), band)
                    file.update_tags(
                        band,
                        GRIB_DISCIPLINE="0(Meteorological)",
                        GRIB_PDS_PDTN="0",
                        GRIB_IDS=f"CENTER=98(ECMWF) SUBCENTER=0 MASTER_TABLE=2 LOCAL_TABLE=0 SIGNF_REF_TIME=1 "
                        f"REF_TIME={stamp} PROD_STATUS=0 TYPE=0",
                        GRIB_PDS_TEMPLATE_NUMBERS="0 0 2 0 96 0 0 0 1 0 0 0 0 103 0 0 0 0 2 255 0 0 0 0 0",
                    )
            with memory.open() as file:
                copy(file, tmp_path / "a.grib2", driver="GRIB", DATA_ENCODING="IEEE_FLOATING_POINT")
        layers = opened(tmp_path / "a.grib2", dates="bands", interpolate=True, nearest_days=0.3)
        found = made(scene, layers)
        assert np.abs(found["ndvi", 1] - (10.0 + 10.0 * 5.4 / 6.0)).max() < 1e-3  # at 17:24
        assert np.isnan(found["ndvi", 0]).all()


def item(name, href="a.tif", moment="2022-03-03T10:50:31Z", more=None, assets=None):
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "id": name,
        "geometry": None,
        "properties": {"datetime": moment, **(more or {})},
        "links": [{"rel": "parent", "href": "https://nowhere.invalid/catalog.json"}],
        "assets": assets or {"ndvi": {"href": href, "type": "image/tiff", "roles": ["data"]}},
    }


class TestItems:
    @pytest.fixture
    def path(self, grid, tmp_path):
        for day in FLIGHTS:
            write(tmp_path / f"{day[-5:]}.tif", image_of(grid, noon(day)), grid[0])
        return tmp_path

    def times(self, path, **keys):
        return [
            one.start
            for one in open_series(RasterLayerConfig(path=str(path), dates="stac", **keys), KEY).validities
        ]

    def items(self):
        return [item(day, f"{day[-5:]}.tif", f"{day}T10:50:31Z") for day in FLIGHTS]

    def test_a_folder_and_files_of_several(self, scene, path, folder):
        want = [np.datetime64(f"{day}T10:50:31") for day in FLIGHTS]
        for one in self.items():
            (path / f"{one['id']}.json").write_text(json.dumps(one))
        assert self.times(path) == want
        layers = opened(path, dates="stac")
        found, other = made(scene, layers), made(scene, opened(folder))
        assert np.array_equal(found["ndvi", 1], other["ndvi", 1])
        assert {file.suffix for file in layers.files} == {
            ".tif",
            ".json",
        }  # what a date is told by counts too
        (path / "collection.json").write_text(json.dumps({"type": "Collection", "links": []}))
        assert self.times(path / "collection.json") == want
        for one in self.items():
            (path / f"{one['id']}.json").unlink()
        (path / "all.json").write_text(json.dumps({"type": "FeatureCollection", "features": self.items()}))
        assert self.times(path / "all.json") == self.times(path) == want

    def test_times(self, path):
        """In any zone, and from a start to an end."""
        ends = {"start_datetime": "2022-03-01T00:00:00Z", "end_datetime": "2022-03-17T00:00:00+02:00"}
        for number, one in enumerate(
            (item("a", "03-10.tif", "2022-03-03T23:30:00-05:00"), item("b", "03-20.tif", None, ends))
        ):
            (path / f"{number}.json").write_text(json.dumps(one))
        series = open_series(RasterLayerConfig(path=str(path), dates="stac"), KEY)
        flight, composite = series.validities
        assert flight.start == np.datetime64("2022-03-04T04:30:00")
        assert composite == Validity(
            np.datetime64("2022-03-01T00:00:00"), np.datetime64("2022-03-16T22:00:00")
        )
        assert series.matches(days("2022-03-15"))[0].days == 0.0

    def test_tiles_of_a_pass(self, scene, path, grid):
        """Granules that a satellite took some seconds after each other are one raster; one of a day later is not."""
        values = image_of(grid, noon("2022-03-03"))
        half = values.shape[1] // 2
        step, _, west, _, _, north = tuple(grid[0])[:6]
        write(path / "left.tif", values[:, :half], grid[0])
        write(path / "right.tif", values[:, half:], Affine(step, 0, west + half * step, 0, -step, north))
        items = [
            item("right", "right.tif", "2022-03-03T10:50:45Z"),
            item("later", "03-10.tif", "2022-03-04T10:50:31Z"),
            item("left", "left.tif", "2022-03-03T10:50:31Z"),
        ]
        (path / "x.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
        layers = opened(path / "x.json", dates="stac")
        assert [len(raster.tiles) for raster in layers.series.rasters] == [2, 1]
        assert np.isfinite(made(scene, layers)["ndvi", 0]).all()
        assert layers.facts()["ndvi"]["rasters_of_images"][0] == "left.tif and 1 more"

    def test_months_and_days_together(self, scene, path, grid):
        """They count by their middles, whichever begins first."""
        month = {"start_datetime": "2022-02-20T00:00:00Z", "end_datetime": "2022-03-02T00:00:00Z"}
        items = [item("a", "03-10.tif", None, month), item("b", "03-20.tif", "2022-02-22T12:00:00Z")]
        items.append(item("c", "03-30.tif", "2022-03-05T00:00:00Z"))
        (path / "x.json").write_text(json.dumps({"type": "FeatureCollection", "features": items}))
        series = opened(path / "x.json", dates="stac", interpolate=True).series
        assert [Path(name).stem for name in series.names] == ["03-20", "03-10", "03-30"]
        (match,) = series.matches(days("2022-03-03T00:00"))
        assert match.shares == {1: pytest.approx(2 / 8), 2: pytest.approx(6 / 8)}

    def test_refused(self, path, grid):
        def read(content, **keys):
            (path / "x.json").write_text(content if isinstance(content, str) else json.dumps(content))
            return lambda: self.times(path / "x.json", **keys)

        refused(read("{"), "x.json", "cannot be read as STAC")
        refused(read({"type": "Feature", "stac_version": "1.0.0", "id": 3}), "cannot be read as STAC")
        refused(read({"type": "Feature", "id": 3}), "has no STAC item")
        refused(read("[" * 100_000), "cannot be read as STAC")
        refused(read([1]), "has no STAC item")
        two = {name: {"href": "03-10.tif", "roles": ["data"]} for name in ("red", "nir")}
        refused(read(item("a", assets=two)), "item a: has 2 assets with data: red, nir; name one (asset)")
        assert len(self.times(path / "x.json", asset="nir")) == 1
        refused(read(item("a", assets=two), asset="ndvi"), "asset=ndvi: choose from red, nir")
        refused(
            read(item("a", "https://example.com/a.tif")),
            "is at https://example.com/a.tif, which is not fetched",
        )
        refused(read(item("a", "none.tif")), "its asset none.tif is not there")
        outside = write(path.parent / "outside.tif", image_of(grid, noon("2022-03-01")), grid[0])
        refused(read(item("a", "../outside.tif")), "outside of")
        outside.unlink()
        ends = {"start_datetime": "2022-03-17T00:00:00Z", "end_datetime": "2022-03-01T00:00:00Z"}
        refused(read(item("a", "03-10.tif", None, ends)), "item a: ends before it starts")
        refused(lambda: self.times(path / "none"), "dates=stac needs a folder")


class TestRefused:
    def test_dates_far_from_any_image(self, scene, folder):
        layers = opened(folder, nearest_days=1.0)
        refused(
            lambda: layers.require_inside(scene),
            "nearest_days=1: no image has a raster within 1 days",
            "of 2022-02-28 to 2022-04-09, the images of 2022-03-03 to 2022-06-07",
        )
        only = opened(folder / "S2_20220228_ndvi.tif", interpolate=True)
        refused(
            lambda: only.require_inside(scene), "no image has a raster before and after it within 15 days"
        )

    @pytest.mark.parametrize(
        ("keys", "text"),
        [
            ({"date_pattern": "%Y"}, "date_pattern: needs radarcoding.layers.ndvi.dates=names or bands"),
            (
                {"interpolate": True},
                "interpolate: needs radarcoding.layers.ndvi.dates=names or bands or stac",
            ),
            ({"asset": "x", "dates": "names"}, "asset: needs radarcoding.layers.ndvi.dates=stac"),
            ({"date": 2021, "dates": "names"}, "date: rasters of several dates have their own"),
        ],
    )
    def test_keys(self, keys, text):
        refused(lambda: RasterLayerConfig(path="x", **keys).check(KEY), text)


def test_middles_of_rasters_of_some_days(folder):
    """A raster of a whole day counts at its noon."""
    assert Validity.of_days(datetime(2022, 3, 1).date(), datetime(2022, 3, 1).date()).middle == noon(
        "2022-03-01"
    )
    series = opened(folder, interpolate=True).series
    (match,) = series.matches(days("2022-03-15T12:00"))
    assert match.shares == {1: pytest.approx(0.5), 2: pytest.approx(0.5)}
    assert timedelta(days=1) == (series.validities[0].end - series.validities[0].start).item()


@pytest.mark.parametrize(
    ("method", "interpolate"), [("mean", True), ("bilinear", False), ("majority", False)]
)
def test_on_a_device_as_on_the_cpu(scene, grid, tmp_path, method, interpolate):
    """By the stand-in for CuPy: nothing of the host gets into the arithmetic of the device."""
    for day, code in (("2022-03-01", 1), ("2022-03-11", 3)):
        image = (
            np.full(image_of(grid, day).shape, code, np.uint8)
            if method == "majority"
            else image_of(grid, day)
        )
        write(tmp_path / f"{day}.tif", image, grid[0])
    layers = opened(tmp_path, method, interpolate=interpolate, nearest_days=9.0)
    want = made(scene, layers)
    with stand_in():
        there = replace(scene, device=device())
        cells = scene.level_ground.cells(TILE, there.device)
        found = {
            (name, date): there.device.download(values) for name, date, values in layers.tile(there, cells)
        }
    assert found.keys() == want.keys()
    for key, values in want.items():
        assert found[key].dtype == values.dtype
        assert np.array_equal(found[key], values, equal_nan=True)
