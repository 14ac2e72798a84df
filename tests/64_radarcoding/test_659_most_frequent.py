"""Values of points: the one that most of a pixel have, against counting them one by one; dates as days."""

from collections import Counter

import geopandas
import numpy as np
import pandas as pd
import pytest

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.points.config import PointLayerConfig
from alignsar_gpu.radarcoding.points.files import open_points
from alignsar_gpu.radarcoding.points.layers import open_layer
from alignsar_gpu.radarcoding.points.statistics import PointStatistics

SHAPE = (6, 9)
ANYWHERE = (-1e9, -1e9, 1e9, 1e9)
MOST = 1 << 24  # whole numbers up to here are float32


@pytest.mark.parametrize("memory", [1 << 20, 24 * 40])
def test_it_is_the_value_of_most_points_and_the_least_of_equal_ones(memory, tmp_path):
    rng = np.random.default_rng(2)
    line, sample = rng.uniform(-0.5, [[5.5], [8.5]], (2, 400))
    value = rng.choice([3.0, 7.0, 11.0, -2.0, MOST], 400)
    value[::50] = np.nan
    statistics = PointStatistics(SHAPE, 0, ("most_frequent", "count"), memory, tmp_path)
    for part in np.array_split(np.arange(400), 7):
        statistics.add(line[part], sample[part], value[part])
    found = statistics.result()
    counted: dict[tuple[int, int], Counter[float]] = {}
    for i, j, number in zip(np.rint(line).astype(int), np.rint(sample).astype(int), value, strict=True):
        if np.isfinite(number):
            counted.setdefault((i, j), Counter())[number] += 1
    ties = 0
    for place in np.ndindex(SHAPE):
        numbers = counted.get(place, Counter())
        best = max(numbers.values(), default=0)
        equal = sorted(number for number, count in numbers.items() if count == best)
        ties += len(equal) > 1
        assert np.array_equal(found["most_frequent"][place], equal[0] if equal else np.nan, equal_nan=True)
        assert found["count"][place] == numbers.total()
    assert ties > 3


def points_file(folder, kind):
    """Three points with a date, a number as text and a text that is neither."""
    frame = pd.DataFrame({"longitude": [5.0, 6.0, 7.0], "latitude": 52.0, "name": ["a", "b", "c"]})
    frame["dug"] = pd.to_datetime(["2021-07-15T00:00", "2021-07-16T12:00", None])
    frame["depth"] = ["1.5", "2", ""]
    path = folder / f"points.{kind}"
    if kind == "csv":
        frame.to_csv(path, index=False)
    elif kind == "parquet":
        frame.to_parquet(path)
    else:
        places = geopandas.points_from_xy(frame.longitude, frame.latitude)
        geopandas.GeoDataFrame(frame, geometry=places, crs=4326).to_file(path)
    return path


@pytest.mark.parametrize("kind", ["csv", "parquet", "gpkg", "geojson"])
def test_dates_of_points_are_days(tmp_path, kind):
    keys = {
        "path": str(points_file(tmp_path, kind)),
        "crs": "EPSG:4326",
        "statistics": ["mean", "standard_deviation"],
    }
    file = open_points(PointLayerConfig(value="dug", **keys), "radarcoding.layers.well")
    (points,) = file.source.read([ANYWHERE], Counter())
    np.testing.assert_array_equal(points.value, [18823.0, 18824.5, np.nan])
    layers = open_layer("well", PointLayerConfig(value="dug", **keys), "radarcoding.layers.well", {}).layers
    assert [layer.attributes.get("units") for layer in layers[:2]] == ["days since 1970-01-01", "days"]
    (points,) = open_points(PointLayerConfig(value="depth", **keys), "key").source.read([ANYWHERE], Counter())
    np.testing.assert_array_equal(points.value, [1.5, 2.0, np.nan])
    with pytest.raises(AlignsarError, match="neither all numbers nor all dates"):
        open_points(PointLayerConfig(value="name", **keys), "radarcoding.layers.well")
