"""Where labels are known: a map that ends is unknown beyond its end, and not empty."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import shapely
from fake_vectors import frame, opened, write
from rough_terrain import scene

from alignsar_gpu.application.labels.offset import measure_labels
from alignsar_gpu.application.labels.sources import label_settings, open_labels
from alignsar_gpu.application.labels.writer import LabelWriter
from alignsar_gpu.config import RadarcodingConfig
from alignsar_gpu.device import Device
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.layers import LabelScene, Strip
from alignsar_gpu.radarcoding.level_ground import LevelGround
from alignsar_gpu.radarcoding.points.config import PointLayerConfig
from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
from alignsar_gpu.radarcoding.vectors.coverage import box_around, find_coverages

CPU = Device("cpu", "test", "asked for", 1 << 30)
SIZE = {"lines": 48, "samples": 240}


@pytest.fixture(scope="module")
def level(tmp_path_factory):
    return LevelGround(terrain=scene(tmp_path_factory.mktemp("level"), steepness=0.0, size=SIZE))


def part(level, lines, samples):
    """The ground of some lines and samples, a polygon in degrees."""
    ring = shapely.box(samples[0] - 0.5, lines[0] - 0.5, samples[1] - 0.5, lines[1] - 0.5).exterior
    sample, line = shapely.get_coordinates(ring.segmentize(4.0)).T
    return shapely.Polygon(np.stack(level.to_ground(line, sample), axis=-1))


def degrees_of(level, *pixels):
    """The box in degrees around parts of the image, lines and samples each."""
    return shapely.box(*shapely.union_all([part(level, *one) for one in pixels]).bounds)


def place_of(level):
    return LabelScene(level_ground=level, device=CPU, times=np.zeros(0), reference=0)


def made(level, layers, **settings):
    """The labels of a configuration, their layers, and what is written of them."""
    config = SimpleNamespace(
        radarcoding=RadarcodingConfig(layers=layers, **settings), dem=SimpleNamespace(standard_deviation=None)
    )
    labels = open_labels(config, 1 << 28)
    writer = LabelWriter(labels=labels, scene=place_of(level), product=None, layout=None)
    return labels, writer.cells(place_of(level), slice(0, SIZE["lines"]))


def in_box(level, box):
    """Which pixels' middles lie in a box in degrees, and which lie a pixel or more away from its edge."""
    line, sample = np.meshgrid(np.arange(SIZE["lines"]), np.arange(SIZE["samples"]), indexing="ij")
    longitude, latitude = level.to_ground(line.astype(float), sample.astype(float))
    inside = shapely.contains_xy(box, longitude, latitude)
    step = max(np.abs(np.diff(longitude, axis=1)).max(), np.abs(np.diff(latitude, axis=0)).max())
    edge = shapely.distance(box.exterior, shapely.points(longitude, latitude)) < 2.0 * step
    return inside, ~edge


class TestVectors:
    def test_beyond_the_extent_of_the_file(self, level, tmp_path):
        """A map of the left of the image, with a field and a hole in its middle that it shows nothing in."""
        shapes = [part(level, (0, 48), (0, 60)), part(level, (0, 48), (100, 140))]
        path = write(tmp_path / "x.gpkg", frame(shapes, 4326, kind=["field", "forest"]))
        labels, found = made(level, {"land": VectorLayerConfig(path=str(path), attribute="kind")})
        inside, clear = in_box(level, shapely.box(*shapely.union_all(shapes).bounds))
        known = found["labelled_land"]
        assert known.dtype == bool
        assert 0.3 < known.mean() < 0.7
        assert np.array_equal(known[clear], inside[clear])
        for name in ("land_field", "land_forest"):
            assert np.array_equal(np.isnan(found[name]), ~known)
        assert (found["land_field"][2:-2, 62:98] == 0.0).all()  # surely nothing
        label = found["label"]
        assert label.dtype == np.uint8
        assert (label[2:-2, 62:98] == 0).all()
        assert np.array_equal(label == 255, ~known)
        (spec,) = (layer for layer in labels.layers if layer.name == "label")
        assert spec.attributes["flag_values"] == [0, 1, 2, 255]
        assert spec.attributes["flag_meanings"] == "none land_field land_forest unknown"
        assert labels.facts(np.zeros(0, "datetime64[ns]"))["land"]["coverage"] == "the extent of its file"

    def test_everywhere(self, level, tmp_path):
        """As before, nothing is nothing; but not where there is no ground."""
        path = write(tmp_path / "x.gpkg", frame([part(level, (10, 30), (20, 60))], 4326))
        _, found = made(level, {"land": VectorLayerConfig(path=str(path), coverage="everywhere")})
        assert found["labelled_land"].all()
        assert found["land"].min() == 0.0
        assert set(np.unique(found["label"])) == {0, 1}

    def test_polygons_of_another_file(self, level, tmp_path):
        """In another system; what lies beyond them is unknown even where the map shows something."""
        path = write(tmp_path / "x.gpkg", frame([part(level, (0, 48), (0, 240))], 4326))
        survey = part(level, (0, 48), (50, 120))
        area = write(tmp_path / "area.gpkg", frame([survey], 4326).to_crs("EPSG:32631"))
        keys = VectorLayerConfig(path=str(path), coverage=str(area))
        labels, found = made(level, {"land": keys})
        inside, clear = in_box(level, survey)
        assert np.array_equal(found["labelled_land"][clear], inside[clear])
        assert (found["land"][inside & clear] > 0.999).all()
        assert area in labels.files[0]
        assert str(tmp_path) not in str(labels.facts(np.zeros(0, "datetime64[ns]")))
        assert labels.facts(np.zeros(0, "datetime64[ns]"))["land"]["coverage"] == "the polygons of area.gpkg"

    def test_layers_of_one_file_have_one_extent(self, level, tmp_path):
        """A pond in the corner of a map of fields: elsewhere on that map there is surely no pond."""
        path = tmp_path / "x.gpkg"
        write(path, frame([part(level, (0, 48), (0, 150))], 4326), layer="field")
        write(path, frame([part(level, (4, 9), (6, 20))], 4326), layer="pond")
        layers = {name: VectorLayerConfig(path=str(path), layer=name) for name in ("field", "pond")}
        _, found = made(level, layers, overlaps="last")
        assert np.array_equal(found["labelled_pond"], found["labelled_field"])
        assert 0.5 < found["labelled_pond"].mean() < 0.8
        assert (found["pond"][20:40, 20:130] == 0.0).all()
        _, alone = made(level, {"pond": layers["pond"]})
        assert alone["labelled_pond"].mean() < 0.05

    def test_a_label_is_known_where_all_maps_are(self, level, tmp_path):
        """Houses may stand on what lies beyond the map of houses, whatever is known of the fields there."""
        fields = write(tmp_path / "a.gpkg", frame([part(level, (0, 48), (-20, 260))], 4326))
        houses = write(tmp_path / "b.gpkg", frame([part(level, (5, 40), (100, 150))], 4326))
        layers = {
            "field": VectorLayerConfig(path=str(fields)),
            "house": VectorLayerConfig(path=str(houses)),
        }
        _, found = made(level, layers, overlaps="last")
        everywhere = in_box(level, degrees_of(level, ((5, 40), (100, 150))))[1] & ~found["labelled_house"]
        assert everywhere.sum() > 1000
        assert (found["field"][everywhere & found["labelled_field"]] > 0.99).all()
        assert np.array_equal(found["label"] == 255, ~(found["labelled_field"] & found["labelled_house"]))

    @pytest.mark.parametrize("widen", [{"width": 30.0}, {"buffer": 20.0}])
    def test_a_single_road_covers_as_far_as_it_is_wide(self, level, tmp_path, widen):
        """Its extent has no area where it runs due north."""
        middle = part(level, (0, 48), (0, 240)).centroid
        road = shapely.LineString([(middle.x, middle.y - 0.001), (middle.x, middle.y + 0.001)])
        path = write(tmp_path / "x.gpkg", frame([road], 4326))
        _, found = made(level, {"road": VectorLayerConfig(path=str(path), **widen)})
        assert 10 < found["labelled_road"].sum() < 2000
        assert np.nanmax(found["road"]) > 0.9

    def test_the_extent_is_read_where_the_file_does_not_state_it(self, tmp_path):
        file = opened(write(tmp_path / "x.gpkg", frame([shapely.box(3, 50, 4, 51)], 4326)))
        assert box_around(file) == (3.0, 50.0, 4.0, 51.0)
        silent = replace(file, place=replace(file.place, extent=None))
        assert box_around(silent) == (3.0, 50.0, 4.0, 51.0)

    def test_a_map_across_180_degrees(self, tmp_path):
        """Its longitudes lie at both ends of the range, and it covers what is between them the short way."""
        shapes = [shapely.box(179.0, 10.0, 179.9, 11.0), shapely.box(-179.9, 10.0, -179.0, 11.0)]
        file = opened(write(tmp_path / "x.gpkg", frame(shapes, 4326)))
        (area,), _ = find_coverages([(file, None)])
        around = SimpleNamespace(area=lambda: shapely.box(179.95, 10.2, 180.05, 10.8))
        assert area.holds(around)
        assert not area.holds(SimpleNamespace(area=lambda: shapely.box(179.95, 10.2, 180.05, 11.8)))

    def test_what_is_refused(self, level, tmp_path):
        path = write(tmp_path / "x.gpkg", frame([part(level, (0, 48), (0, 60))], 4326))
        for coverage, words in (
            ("", r"it\.coverage: is empty"),
            ("no.gpkg", r"it\.coverage: .*no such file"),
        ):
            with pytest.raises(AlignsarError, match=words):
                made(level, {"it": VectorLayerConfig(path=str(path), coverage=coverage)})

    def test_the_name_of_the_file_does_not_count_in_the_fingerprint(self):
        def settings(coverage):
            layer = VectorLayerConfig(path="x", coverage=coverage)
            config = RadarcodingConfig(layers={"it": layer})
            return label_settings(
                SimpleNamespace(radarcoding=config, dem=SimpleNamespace(standard_deviation=None))
            )

        assert settings("a.gpkg") == settings("folder/b.gpkg")
        assert len({str(settings(one)) for one in ("a.gpkg", "extent", "everywhere")}) == 3


@pytest.fixture(scope="module")
def stations(level, tmp_path_factory):
    """Points in the middle of the image."""
    rng = np.random.default_rng(5)
    line, sample = rng.uniform(10.0, 38.0, 60), rng.uniform(80.0, 160.0, 60)
    longitude, latitude = level.to_ground(line, sample)
    path = write(
        tmp_path_factory.mktemp("points") / "points.gpkg", frame(shapely.points(longitude, latitude), 4326)
    )
    return path, shapely.MultiPoint(np.stack([longitude, latitude], axis=1)).envelope


class TestPoints:
    def layers(self, level, path, **keys):
        keys = PointLayerConfig(path=str(path), crs="EPSG:4326", statistics=["mean", "count"], **keys)
        config = RadarcodingConfig(layers={"station": keys})
        labels = open_labels(
            SimpleNamespace(radarcoding=config, dem=SimpleNamespace(standard_deviation=None)), 1 << 28
        )
        line, sample = np.meshgrid(np.arange(SIZE["lines"]), np.arange(SIZE["samples"]), indexing="ij")
        longitude, latitude = level.to_ground(line.astype(float), sample.astype(float))
        strip = Strip(
            lines=slice(0, SIZE["lines"]),
            samples=SIZE["samples"],
            longitude=longitude,
            latitude=latitude,
            incidence=np.zeros(longitude.shape, np.float32),
        )
        (source,) = labels.strips
        found = {name: values for name, _, values in source.strip(place_of(level), strip)}
        assert [layer.name for layer in source.layers] == list(found)
        assert all(found[layer.name].dtype == layer.dtype for layer in source.layers)
        assert np.array_equal(np.isfinite(found["station_count"]), found["labelled_station"])
        assert np.nansum(found["station_count"]) == 60
        return found

    def test_that_no_station_is_there_is_not_known(self, level, stations):
        found = self.layers(level, stations[0])
        assert found["station_count"][found["labelled_station"]].min() == 1.0
        assert found["labelled_station"].sum() <= 60

    def test_that_it_is_may_be_said(self, level, stations, tmp_path):
        assert self.layers(level, stations[0], coverage="everywhere")["labelled_station"].all()
        inside, clear = in_box(level, stations[1])
        found = self.layers(level, stations[0], coverage="extent")["labelled_station"]
        assert np.array_equal(found[clear], inside[clear])
        pd.DataFrame({"longitude": [5.0], "latitude": [52.0]}).to_csv(tmp_path / "a.csv")
        with pytest.raises(AlignsarError, match="does not state the extent of its points"):
            self.layers(level, tmp_path / "a.csv", coverage="extent")
        survey = part(level, (0, 48), (60, 200))
        area = write(tmp_path / "area.gpkg", frame([survey], 4326).to_crs("EPSG:3857"))
        inside, clear = in_box(level, survey)
        found = self.layers(level, stations[0], coverage=str(area))["labelled_station"]
        assert np.array_equal(found[clear], inside[clear])


def cube_of(layers, power):
    """A small cube as `measure_labels` reads it."""
    import xarray as xr  # noqa: PLC0415

    dims = ("azimuth", "range")
    cube = xr.Dataset({name: (dims, values, attributes) for name, (values, attributes) in layers.items()})
    cube["ground_area"] = dims, np.ones(power.shape[1:], np.float32)
    cube["ground_area"].encoding["chunks"] = (64, power.shape[2])
    cube["sigma0_vv"] = ("time", *dims), power
    return cube


class TestMeasured:
    def test_pixels_share_and_brightness_of_classes(self):
        label = np.array([[0, 1, 1, 255], [2, 2, 1, 255]], np.uint8)
        attributes = {"flag_values": [0, 1, 2, 255], "flag_meanings": "none a b unknown"}
        power = np.stack([np.full(label.shape, 0.1), np.full(label.shape, 0.3)]).astype(np.float32)
        power[:, label == 1] *= 10.0
        power[:, 0, 1] = np.nan
        mask = (label != 255, {})
        labels = SimpleNamespace(
            layers=[SimpleNamespace(name="label", attributes=attributes)], fractions=[], sources=["map"]
        )
        cube = cube_of({"label": (label, attributes), "labelled_map": mask}, power)
        offset, found = measure_labels(cube, labels, RadarcodingConfig(offset=True), ["vv"])
        assert offset is None
        assert found["known"] == {"map": 0.75}
        classes = found["classes"]["label"]
        assert [classes[name]["pixels"] for name in ("none", "a", "b", "unknown")] == [1, 3, 2, 2]
        assert classes["a"]["share"] == 3 / 8
        assert classes["a"]["brightness_db"] == pytest.approx(10 * np.log10(2.0), abs=1e-5)
        assert classes["b"]["brightness_db"] == pytest.approx(10 * np.log10(0.2), abs=1e-5)
        assert found["brightness_of"] == "sigma0_vv"

    def test_the_offset_takes_classes_that_are_known_where_others_are(self):
        """A class of a small map is left out, or there would be hardly a pixel where all are known."""
        rng = np.random.default_rng(1)
        field = (rng.random((300, 600)) > 0.5).repeat(4, 0)[:300].repeat(4, 1)[:, :600].astype(np.float32)
        small = np.full(field.shape, np.nan, np.float32)
        small[:20, :20] = 1.0
        power = (rng.exponential(size=field.shape) * (1.0 + 9.0 * field))[np.newaxis].astype(np.float32)
        cube = cube_of({"field": (field, {}), "small": (small, {})}, power)
        labels = SimpleNamespace(layers=[], fractions=["field", "small"], sources=[])
        offset, _ = measure_labels(cube, labels, RadarcodingConfig(offset_samples=10), ["vv"])
        assert offset["classes"] == ["field"]
        assert offset["reason"] == ""
        assert abs(offset["lines"]) < 0.1
        assert abs(offset["samples"]) < 0.1
