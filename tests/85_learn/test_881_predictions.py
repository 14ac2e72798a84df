"""Predictions of a scene are those of the network on the whole image, and say which model they are of."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from predicted_cube import DATED, METRICS, labelled, model_of, unfinished  # noqa: E402

from alignsar_gpu.application.dataset.derived import open_dataset  # noqa: E402
from alignsar_gpu.application.learn import predicting  # noqa: E402
from alignsar_gpu.application.learn.predicting import PREDICTIONS, chosen_model, predict_scene  # noqa: E402
from alignsar_gpu.dataset.cube import open_cube  # noqa: E402
from alignsar_gpu.errors import AlignsarError  # noqa: E402
from alignsar_gpu.learn.channels import Channel  # noqa: E402
from alignsar_gpu.learn.model_files import load_model  # noqa: E402


@pytest.fixture(autouse=True)
def _small(monkeypatch):
    monkeypatch.setattr(predicting, "TILE", (32, 64))


def predicted(output, cube, channels, **options):
    with unfinished(output, cube) as (folder, run):
        model = model_of(folder.work / "learn", channels, **options)
        predict_scene(folder, run, model, METRICS, "learn")
    return (
        open_cube(folder.work / PREDICTIONS).load(),
        open_dataset(folder.work / "cube.zarr"),
        load_model(model),
    )


def whole_scene(facts, network, images):
    """By the network on the whole image, [output, line, sample]."""
    values = np.stack([np.asarray(image, dtype=np.float32) for image in images])
    with torch.inference_mode():
        return network(torch.from_numpy(facts.scaling(values))[None])[0].numpy()


def chunked(cube, *size):
    """With chunks of lines and samples, as cubes have."""
    for name in cube.variables:
        if set(cube[name].dims) >= {"azimuth", "range"}:
            lead = (1,) * (cube[name].ndim - 2)
            cube[name].encoding["chunks"] = (*lead, *size)
    return cube


def test_land_cover_of_all_dates(tmp_path):
    found, cube, (facts, network) = predicted(tmp_path / "out", chunked(labelled(), 32, 64), DATED)
    assert found.sizes == cube.sizes
    assert {"longitude", "latitude", "product_id"} <= set(found.coords)
    np.testing.assert_array_equal(found["longitude"], cube["longitude"])
    images = [
        cube["sigma0_vv"][0],
        cube["coherence_vv"][1] * np.nan,
        cube["height"],
    ]  # 1 is the reference date
    expected = whole_scene(facts, network, images)
    shares = np.exp(expected) / np.exp(expected).sum(axis=0)
    known = cube["valid"].values.any(axis=0)
    assert 0.0 < known.mean() < 1.0
    layer, probability = found["predicted_land_cover"], found["predicted_land_cover_probability"]
    clear = known & (np.abs(shares[0] - 0.5) > 1e-3)
    np.testing.assert_array_equal(layer.values[clear], np.array([3, 7])[shares.argmax(axis=0)][clear])
    assert set(np.unique(layer.values[known])) == {3, 7}
    assert (layer.values[~known] == 255).all()
    np.testing.assert_allclose(probability.values[known], shares.max(axis=0)[known], atol=1e-4)
    assert np.isnan(probability.values[~known]).all()
    for name in ("flag_values", "flag_meanings"):
        assert layer.attrs[name] == cube["land_cover"].attrs[name]
    assert layer.attrs["model_file"] == "learn/unet/seed-1.safetensors"
    assert layer.attrs["test_scores"] == "macro_f1 0.750"
    assert found.attrs["model"] == "U-Net"
    assert found.attrs["reference_date"] == cube.attrs["reference_date"]


def test_change_is_dated_by_the_second_date(tmp_path):
    channels = [Channel(layer="sigma0_vv", date=0), Channel(layer="sigma0_vv", date=1)]
    options = {
        "name": "ann",
        "task": "change",
        "classes": {"unchanged": 0, "changed": 1},
        "label": "changed_on",
    }
    found, cube, (facts, network) = predicted(tmp_path / "out", labelled(dates=3), channels, **options)
    change = found["predicted_change"].values
    assert np.isnan(change[0]).all()
    for second in (1, 2):
        expected = whole_scene(facts, network, [cube["sigma0_vv"][second - 1], cube["sigma0_vv"][second]])
        shares = np.exp(expected) / np.exp(expected).sum(axis=0)
        known = cube["valid"].values[second - 1 : second + 1].any(axis=0)
        np.testing.assert_allclose(change[second][known], 1.0 - shares[0][known], atol=1e-4)


def test_stopped_and_continued_it_has_the_same_bytes(tmp_path, monkeypatch):
    def contents(output):
        store = output / ".unfinished" / PREDICTIONS
        return {str(p.relative_to(store)): p.read_bytes() for p in store.rglob("*") if p.is_file()}

    cube = chunked(labelled(), 32, 64)
    predicted(tmp_path / "whole", cube, DATED, name="ann")
    count, read = [0], predicting.ChannelReader.read

    def stops(self, *arguments):
        count[0] += 1
        if count[0] == 6:
            raise KeyboardInterrupt
        return read(self, *arguments)

    monkeypatch.setattr(predicting.ChannelReader, "read", stops)
    with pytest.raises(KeyboardInterrupt):
        predicted(tmp_path / "stopped", cube, DATED, name="ann")
    predicted(tmp_path / "stopped", cube, DATED, name="ann")
    assert 6 < count[0] < 6 + 9  # of 3 rows of 3 tiles, those that were recorded are not predicted again
    assert contents(tmp_path / "stopped") == contents(tmp_path / "whole")


def test_layers_and_dates_that_a_dataset_lacks(tmp_path):
    cube = labelled(dates=1)
    with pytest.raises(AlignsarError, match=r"learn.predict=unet: the model takes 2 dates, and there are 1"):
        predicted(tmp_path / "a", cube, [Channel(layer="sigma0_vv", date=1)])
    with pytest.raises(AlignsarError, match=r"takes entropy, which this dataset does not have"):
        predicted(tmp_path / "b", cube, [Channel(layer="entropy", date=0)])


def test_parts_of_complex_layers(tmp_path):
    cube = labelled(complex_slc=True)
    channels = [Channel(layer=f"slc_vv_{part}", date=date) for date in (0, 1) for part in ("real", "imag")]
    found, *_ = predicted(tmp_path / "out", cube, channels, name="complex_unet")
    assert set(np.unique(found["predicted_land_cover"])) <= {3, 7, 255}


def test_the_best_model_is_chosen(tmp_path):
    scores = {"random_forest": 0.9, "ann": 0.5, "unet": 0.8}
    metrics = {
        "models": {
            name: {"seeds": {"4": {}}, "test": {"macro_f1": {"mean": score}}}
            for name, score in scores.items()
        }
    }
    for name in ("ann", "unet"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "seed-4.safetensors").touch()
    assert (
        chosen_model(None, metrics, tmp_path) == tmp_path / "unet/seed-4.safetensors"
    )  # a forest has no file
    assert chosen_model("ann", metrics, tmp_path) == tmp_path / "ann/seed-4.safetensors"
    assert chosen_model("", metrics, tmp_path) is None
    with pytest.raises(AlignsarError, match=r"learn.predict=random_forest: "):
        chosen_model("random_forest", metrics, tmp_path)
