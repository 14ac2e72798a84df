"""Objects in a scene: each found once, whatever the tiles, with its box, date and place on the ground."""

import geopandas
import numpy as np
import pytest

torch = pytest.importorskip("torch")

from predicted_cube import METRICS, labelled, model_of, unfinished  # noqa: E402

from alignsar_gpu.application.learn import detections, predicting  # noqa: E402
from alignsar_gpu.application.learn.predicting import DETECTIONS, PREDICTIONS, predict_scene  # noqa: E402
from alignsar_gpu.dataset.cube import open_cube  # noqa: E402
from alignsar_gpu.learn.channels import Channel  # noqa: E402


def found_with(output, monkeypatch, tile, chunk):
    monkeypatch.setattr(predicting, "TILE", tile)
    monkeypatch.setattr(detections, "LEAST_SCORE", 0.0)
    cube = labelled()
    for name in cube.variables:
        if set(cube[name].dims) >= {"azimuth", "range"}:
            cube[name].encoding["chunks"] = (*((1,) * (cube[name].ndim - 2)), *chunk)
    with unfinished(output, cube) as (folder, run):
        channels = [Channel(layer="sigma0_vv"), Channel(layer="height")]
        classes = {"ship": 1, "tank": 2}
        model = model_of(
            folder.work / "learn",
            channels,
            name="heatmap",
            task="detection",
            classes=classes,
            label="ship,tank",
        )
        predict_scene(folder, run, model, METRICS, "learn")
    return geopandas.read_parquet(folder.work / DETECTIONS), open_cube(folder.work / PREDICTIONS), cube


def test_tiles_find_what_the_whole_scene_shows(tmp_path, monkeypatch):
    whole, layers, cube = found_with(tmp_path / "whole", monkeypatch, (70, 150), (70, 150))
    tiled, *_ = found_with(tmp_path / "tiled", monkeypatch, (35, 80), (35, 80))
    order = ["date", "class", "first_line", "first_sample"]
    least = whole["score"].min() + 1e-4  # of an image, the surest are told
    whole, tiled = (table[table["score"] > least] for table in (whole, tiled))
    first, second = (table.sort_values(order).reset_index(drop=True) for table in (whole, tiled))
    assert len(first) > 5
    assert list(first["class"]) == list(second["class"])
    for name in ("score", "first_line", "lines", "longitude"):
        np.testing.assert_allclose(first[name], second[name], atol=1e-3)
    assert set(layers.data_vars) == {"predicted_ship", "predicted_tank"}
    assert layers["predicted_ship"].dims == ("time", "azimuth", "range")
    one = first.iloc[0]
    line, sample = (
        int(np.floor(one[f"first_{axis}"] + 0.5 * one[f"{axis}s"])) for axis in ("line", "sample")
    )
    np.testing.assert_allclose(one["longitude"], cube["longitude"].values[line, sample])
    assert one.geometry.x == one["longitude"]
    assert cube["valid"].values[0, line, sample]
