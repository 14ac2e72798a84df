"""Attributes that have no mean, or are no ids: each refused by the name of its key, or taken for none."""

from types import SimpleNamespace

import geopandas
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
import shapely

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
from alignsar_gpu.radarcoding.vectors.files import open_vectors
from alignsar_gpu.radarcoding.vectors.values.ids import Ids, IdTable
from alignsar_gpu.radarcoding.vectors.values.numbers import Numbers, find_numbers

KEY = "radarcoding.layers.parcel"
COLUMNS = {
    "year": [1950, 1960, 1970],
    "height": [3.5, np.nan, np.inf],
    "written": ["12", " 13.5 ", None],
    "mixed": ["12", "unknown", "14"],
    "name": ["a", "b", "c"],
    "day": ["2021-07-15", "2021-07-16T12:00:00Z", ""],
    "no_day": ["2021-07-15", "2021-13-45", "2021-07-17"],
    "nothing": [None, " ", ""],
    "none": [np.nan, np.nan, np.nan],
    "gaps": ["x", None, "x"],
    "number": [1, 2, 3],
}


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    path = tmp_path_factory.mktemp("wrong") / "map.parquet"
    shapes = [shapely.box(k, 50.0, k + 0.5, 50.5) for k in range(3)]
    frame = geopandas.GeoDataFrame(COLUMNS, geometry=shapes, crs=4326)
    frame["time"] = pd.to_datetime(["2021-07-15T00:00", "2021-07-16T12:00", None])
    frame.to_parquet(path)
    return path


def opened(path, method, attribute, **keys):
    config = VectorLayerConfig(path=str(path), method=method, attribute=attribute, **keys)
    return open_vectors(config, KEY)


@pytest.mark.parametrize(
    ("attribute", "values"),
    [
        ("year", [1950.0, 1960.0, 1970.0]),
        ("height", [3.5, np.nan, np.nan]),  # what is not finite is no value
        ("written", [12.0, 13.5, np.nan]),
        ("day", [18823.0, 18824.5, np.nan]),
        ("time", [18823.0, 18824.5, np.nan]),
    ],
)
def test_numbers_and_dates_have_values(path, attribute, values):
    file = opened(path, "mean", attribute)
    (column,) = file.source.values(attribute)
    np.testing.assert_array_equal(file.legend.values(column), values)
    assert file.legend.kind == ("dates" if attribute in {"day", "time"} else "numbers")
    rows = [k if np.isfinite(value) else -1 for k, value in enumerate(values)]
    assert file.legend.of(column).tolist() == rows


def test_dates_of_every_type_are_days():
    days = pa.array([18823, None], pa.int32())
    text = pa.array(["2021-07-15", None]).dictionary_encode()
    for column in (days.cast(pa.date32()), days.cast(pa.date32()).cast(pa.date64()), text):
        np.testing.assert_array_equal(Numbers(attribute="x", kind="dates").values(column), [18823.0, np.nan])
    for unit, zone in (("s", None), ("ns", "Europe/Amsterdam")):
        column = pa.array([18823.5 * 86400]).cast(pa.int64()).cast(pa.timestamp("s")).cast(pa.timestamp(unit))
        column = column.cast(pa.timestamp(unit, tz=zone)) if zone else column
        assert Numbers(attribute="x", kind="dates").values(column).tolist() == [18823.5]


def test_lists_are_neither_numbers_nor_dates():
    source = SimpleNamespace(name="points", values=lambda _: [pa.array([[1.0, 2.0], None])])
    with pytest.raises(AlignsarError, match=r"neither all numbers nor all dates"):
        find_numbers(source, "size", "value")


@pytest.mark.parametrize(
    ("method", "attribute", "keys", "text"),
    [
        (
            "mean",
            "mixed",
            {},
            r"^radarcoding.layers.parcel.attribute=mixed: .*'unknown' and '12' among its values",
        ),
        ("mean", "name", {}, r"neither all numbers nor all dates .*; choose another attribute"),
        ("mean", "no_day", {}, "'2021-07-15' and '2021-13-45' among its values"),
        ("mean", "nothing", {}, "is empty in all features"),
        ("mean", "none", {}, "is empty in all features"),
        ("largest", "nothing", {}, "is empty in all features"),
        ("largest", "none", {}, "is empty in all features"),
        ("mean", "yeer", {}, "has no attribute 'yeer'"),
        ("largest", "yeer", {}, "has no attribute 'yeer'"),
        ("largest", "name", {"table": ["yeer"]}, "has no attribute 'yeer'"),
        ("largest", "name", {"table": ["number"]}, r"parcel.table: .* has a column 'number' of its own"),
        ("mean", None, {}, "method=mean: needs radarcoding.layers.parcel.attribute"),
        ("largest", None, {}, "method=largest: needs radarcoding.layers.parcel.attribute"),
        (
            "mean",
            "year",
            {"values": {"old": ["1950"]}},
            "parcel.values: makes classes, and method=mean has none",
        ),
        ("mean", "year", {"table": ["name"]}, "parcel.table: is for method=largest"),
        ("largest", "name", {"where": "year > 2000"}, "no feature meets where"),
    ],
)
def test_what_does_not_serve_is_refused(path, method, attribute, keys, text):
    with pytest.raises(AlignsarError, match=text) as error:
        opened(path, method, attribute, **keys)
    assert "\n" not in str(error.value)


def test_null_ids_are_none_and_the_same_ids_are_one_object(path, tmp_path):
    table = ["year", "name"]
    file = opened(path, "largest", "gaps", table=table)
    (column,) = file.source.values("gaps")
    assert file.legend.of(column).tolist() == [0, -1, 2]
    kept = IdTable(file.legend, tmp_path)
    kept.add(
        {"gaps": pa.array(["x", "y"]), "year": pa.array([1, 2]), "name": pa.array([None, None], pa.null())}
    )
    kept.add({"gaps": pa.array(["x", "z"]), "year": pa.array([3, 4]), "name": pa.array(["u", "v"])})
    assert kept.objects().tolist() == [0, 1, 0, 2]
    assert kept.write(tmp_path / "table.parquet", {"source": "a test"}) == 3
    rows = pd.read_parquet(tmp_path / "table.parquet")
    assert rows.columns.tolist() == ["number", "gaps", *table]
    assert rows.gaps.tolist() == ["x", "y", "z"]
    assert rows.year.tolist() == [1, 2, 4]


def test_ids_may_be_any_64_bits(tmp_path):
    ids = np.array([2**63 - 1, -(2**63), 2**53 + 1, 2**53], dtype=np.int64)
    legend = Ids(attribute="id", columns=())
    assert legend.of(pa.array(ids)).tolist() == [0, 1, 2, 3]
    kept = IdTable(legend, None)
    kept.add({"id": pa.array(ids)})
    assert kept.objects().tolist() == [0, 1, 2, 3]
    kept.write(tmp_path / "table.parquet", {})
    assert pd.read_parquet(tmp_path / "table.parquet").id.tolist() == ids.tolist()
