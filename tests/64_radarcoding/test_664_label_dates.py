"""The time that maps are of: the key ``date``, features that are valid for a time, and maps far from the images."""

from types import SimpleNamespace

import geopandas
import numpy as np
import pandas as pd
import pytest
import shapely
from fake_vectors import EVERYWHERE, KEY, opened, write
from raster_maps import write as write_raster

from alignsar_gpu.application.labels.sources import open_labels
from alignsar_gpu.config import RadarcodingConfig
from alignsar_gpu.config.dates import days_of
from alignsar_gpu.config.radarcoding import check_radarcoding
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.dates import Validity
from alignsar_gpu.radarcoding.fields.config import FieldLayerConfig
from alignsar_gpu.radarcoding.rasters.config import RasterLayerConfig
from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
from alignsar_gpu.radarcoding.vectors.rings import Counts

IMAGES = np.array(["2021-12-20T05:31", "2022-01-01T05:31", "2022-01-13T05:31"], "datetime64[ns]")
SQUARES = [shapely.box(5.7 + 0.01 * i, 52.1, 5.705 + 0.01 * i, 52.105) for i in range(6)]


def refused(call, *texts):
    with pytest.raises(AlignsarError) as error:
        call()
    for text in texts:
        assert text in str(error.value)


class TestKey:
    @pytest.mark.parametrize(
        ("given", "first", "last"),
        [
            (2021, "2021-01-01", "2021-12-31"),
            ("2021", "2021-01-01", "2021-12-31"),
            (20220401, "2022-04-01", "2022-04-01"),
            ("2022-04-01", "2022-04-01", "2022-04-01"),
            ([20220101, 20221231], "2022-01-01", "2022-12-31"),
            ([2019, "2021-06-30"], "2019-01-01", "2021-06-30"),
        ],
    )
    def test_days(self, given, first, last):
        found = [day.isoformat() for day in days_of(given, "date")]
        assert found == [first, last]
        assert Validity.of_days(*days_of(given, "date")).attributes() == {
            "valid_start": first,
            "valid_end": last,
        }

    @pytest.mark.parametrize(
        ("given", "text"),
        [
            ([2022, 2021], "ends before it starts"),
            (["2022-02-01", "2022-01-31"], "ends before it starts"),
            *(
                (bad, "is no date")
                for bad in ("2022-04", 220401, "20221301", "2022-04-01Z", "April", True, 2022.5)
            ),
            *(
                (bad, "is no date")
                for bad in ([], [2021], [2021, 2022, 2023], "2022-0401", "0000", "2022-04-01T10")
            ),
        ],
    )
    def test_refused(self, given, text):
        layers = {"land": VectorLayerConfig(path="x", date=given)}
        refused(
            lambda: check_radarcoding(RadarcodingConfig(layers=layers)), "radarcoding.layers.land.date=", text
        )

    def test_of_a_field(self):
        layers = {"air": FieldLayerConfig(path="x.nc", date=2021)}
        refused(
            lambda: check_radarcoding(RadarcodingConfig(layers=layers)),
            "layers.air.date: a field has times of its",
        )


class TestDistance:
    def test_days_from_images(self):
        """None within, and fractions of days before the beginning of the first and after the end of the last."""
        of_day = Validity.of_days(*days_of("2022-01-01", "date"))
        assert of_day.days_from(IMAGES) == pytest.approx(
            [11.0 + (24 * 60 - 331) / 1440, 0.0, 11.0 + 331 / 1440]
        )

    def labels(self, **layers):
        config = SimpleNamespace(
            radarcoding=RadarcodingConfig(layers=layers), dem=SimpleNamespace(standard_deviation=None)
        )
        return open_labels(config, 1 << 28)

    def test_every_kind_says_it(self, tmp_path):
        """As attributes of layers and facts, by the key or as a raster states it; the key counts."""
        land = write(tmp_path / "land.gpkg", geopandas.GeoDataFrame(geometry=SQUARES, crs=4326))
        values = np.ones((3, 3), np.float32)
        tags = {"time_start": "2021-01-01T00:00:00Z", "time_end": "2021-12-31T23:59:59Z"}  # as ESA WorldCover
        cover = write_raster(tmp_path / "cover.tif", values, tags=tags)
        acdd = {"time_coverage_start": "2020-05-01", "time_coverage_end": "2020-05-02T00:30:00+02:00"}
        mean = write_raster(tmp_path / "mean.tif", values, tags=acdd)
        labels = self.labels(
            land=VectorLayerConfig(path=str(land), date=[2018, 2019]),
            cover=RasterLayerConfig(path=str(cover)),
            other=RasterLayerConfig(path=str(cover), date="2022-01-05"),
            mean=RasterLayerConfig(path=str(mean)),
            plain=RasterLayerConfig(path=str(write_raster(tmp_path / "plain.tif", values))),
        )
        found = {layer.name: layer.attributes for layer in labels.layers}
        facts = labels.facts(IMAGES)
        ends = {"land": ("2018-01-01", "2019-12-31"), "cover": ("2021-01-01", "2021-12-31")}
        ends |= {"other": ("2022-01-05",) * 2, "mean": ("2020-05-01", "2020-05-01")}
        for name, (first, last) in ends.items():
            for one in (found[name], facts[name]):
                assert (one["valid_start"], one["valid_end"]) == (first, last)
        assert facts["cover"]["days_from_images"] == [0.0, 0.23, 12.23]
        assert facts["other"]["days_from_images"] == [15.77, 3.77, 7.23]
        assert "valid_start" not in found["plain"]
        assert "days_from_images" not in facts["plain"]
        assert not [text for text in labels.warnings(IMAGES) if "years from" in text]

    def test_far_from_images(self, tmp_path):
        """Said from three years on, which a map that is renewed every six, as CORINE, need not be."""
        land = write(tmp_path / "land.gpkg", geopandas.GeoDataFrame(geometry=SQUARES, crs=4326))
        for date, years in ((2018, "3.0"), ([2024, 2025], ""), ("2025-01-05", "3.0"), (2030, "8.0")):
            labels = self.labels(land=VectorLayerConfig(path=str(land), date=date))
            texts = [text for text in labels.warnings(IMAGES) if "years from the image" in text]
            assert len(texts) == bool(years), date
            assert all(f"{years} years from the image of" in text for text in texts)
        assert "and 3 of 3 images are more than 3 years from it" in texts[0]

    def test_a_raster_that_ends_before_it_starts(self, tmp_path):
        tags = {"time_start": "2021-01-01", "time_end": "2020-01-01"}
        path = write_raster(tmp_path / "a.tif", np.ones((3, 3), np.float32), tags=tags)
        refused(
            lambda: self.labels(x=RasterLayerConfig(path=str(path))),
            "a.tif: its tags time_start and time_end",
        )


FORMS = {
    "texts": (["2019-05-01", "2022-01-05T08:30:00", "", None, "2015", "2022-01-02"], str),
    "numbers": ([20190501, 20220105, None, None, 2015, 20220102], float),
    "days": (["2019-05-01", "2022-01-05", None, None, "2015-01-01", "2022-01-02"], "datetime64[ms]"),
}


class TestFeatures:
    """Of six squares: two begin after the reference date, one has ended before it, one ends before it starts."""

    UNTIL = (None, None, "2021-12-31", "9999-12-31", "2014-05-01", None)

    def rings(self, path, **keys):
        file, counts = opened(path, valid_from="begin", valid_until="end", **keys), Counts()
        file.validity.set_images(IMAGES, 1)
        batches = list(file.rings(EVERYWHERE, counts))
        west = [batch.x[batch.start[:-1]].min() for batch in batches] and np.concatenate(
            [np.minimum.reduceat(batch.x, batch.start[:-1]) for batch in batches]
        )
        return np.rint((np.sort(west) - 5.7) / 0.01).astype(int).tolist(), counts

    @pytest.mark.parametrize("form", FORMS)
    @pytest.mark.parametrize("suffix", [".gpkg", ".parquet"])
    def test_those_of_the_reference_date(self, tmp_path, form, suffix):
        values, kind = FORMS[form]
        begin = pd.Series(values, dtype=None if kind is str else kind)
        frame = geopandas.GeoDataFrame({"begin": begin, "end": self.UNTIL}, geometry=SQUARES, crs=4326)
        found, counts = self.rings(write(tmp_path / f"a{suffix}", frame))
        assert found == [0, 3]
        assert (counts.features, counts.not_valid, counts.backwards) == (2, 4, 1)
        assert counts.changing == 3  # two begin, and one ends
        assert any("3 features begin or end between the images" in text for text in counts.sentences("a"))
        assert any("1 features end before they start" in text for text in counts.sentences("a"))

    def test_a_year_lasts_until_its_end(self, tmp_path):
        frame = geopandas.GeoDataFrame({"end": ["2021", "2022"]}, geometry=SQUARES[:2], crs=4326)
        file, counts = opened(write(tmp_path / "a.gpkg", frame), valid_until="end"), Counts()
        file.validity.set_images(IMAGES, 0)
        (batch,) = file.rings(EVERYWHERE, counts)
        assert (len(batch.class_index), counts.changing) == (2, 1)

    def test_those_of_each_date(self, tmp_path):
        """One that is there on no date is left out; that some come and go is no warning then."""
        frame = geopandas.GeoDataFrame(
            {"begin": FORMS["texts"][0], "end": self.UNTIL}, geometry=SQUARES, crs=4326
        )
        path = write(tmp_path / "a.gpkg", frame)
        file, counts = opened(path, valid_from="begin", valid_until="end", each_date=True), Counts()
        file.validity.set_images(IMAGES, 1)
        (batch,) = file.rings(EVERYWHERE, counts)
        assert batch.dates.astype(int).tolist() == [[1, 1, 1], [0, 0, 1], [1, 0, 0], [1, 1, 1], [0, 0, 1]]
        assert (counts.features, counts.not_valid, counts.changing, counts.backwards) == (5, 1, 3, 1)
        assert not [text for text in counts.sentences("a", each_date=True) if "between the images" in text]

    def test_each_date_needs_days(self):
        layer = VectorLayerConfig(path="x", each_date=True)
        refused(lambda: layer.check(KEY), f"{KEY}.each_date=true: needs {KEY}.valid_from or")

    def test_what_is_no_date(self, tmp_path):
        frame = geopandas.GeoDataFrame(
            {"begin": ["2019", "soon"], "end": None}, geometry=SQUARES[:2], crs=4326
        )
        path = write(tmp_path / "a.gpkg", frame)
        refused(lambda: self.rings(path), KEY, "the attribute 'begin' has the value 'soon', which is no date")
        refused(lambda: opened(path, valid_from="start"), "start")
