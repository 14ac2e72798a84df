"""Land cover: models learn what can be learned, nothing where labels are shuffled, and refuse what does not fit."""

import json
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from fake_chips import ARRAYS, make_chips, seal  # noqa: E402  (needs the extra)
from learnable_chips import make_learnable_chips  # noqa: E402

from alignsar_gpu.dataset.chips.layout import ChipArray  # noqa: E402
from alignsar_gpu.errors import AlignsarError  # noqa: E402
from alignsar_gpu.learn.channels import Channel  # noqa: E402
from alignsar_gpu.learn.land_cover import task  # noqa: E402
from alignsar_gpu.learn.land_cover.data import Inputs  # noqa: E402
from alignsar_gpu.learn.model_files import load_model  # noqa: E402
from alignsar_gpu.learn.options import FitOptions  # noqa: E402
from alignsar_gpu.learn.request import Request  # noqa: E402
from alignsar_gpu.learn.worst import read_worst  # noqa: E402

FIT = FitOptions(epochs=30, batch=4, learning_rate=0.01, threads=1)
SHORT = Request(models=["unet"], fit=replace(FIT, epochs=2), bootstrap=20)
COMPLEX = tuple(
    replace(array, layers=("sigma0_vv", "entropy", "slc_vv_real", "slc_vv_imag"))
    if array.name == "images"
    else array
    for array in ARRAYS
)


@pytest.fixture(scope="module")
def chips(tmp_path_factory):
    folder = tmp_path_factory.mktemp("land_cover") / "chips"
    make_learnable_chips(folder)
    return folder


@pytest.fixture(scope="module")
def trained(chips, tmp_path_factory):
    folder = tmp_path_factory.mktemp("learn")
    request = Request(models=["random_forest", "ann", "unet"], seeds=[1, 2], fit=FIT, bootstrap=50)
    counted = []
    metrics = task.train(chips, folder, request, counted.append)
    assert sum(counted) == task.steps(chips, request)
    return folder, metrics


def test_models_learn(trained):
    _, metrics = trained
    for name, least in (
        ("random_forest", 0.9),
        ("unet", 0.6),
    ):  # of four places of 64 pixels; chance: a third
        found = metrics["models"][name]["test"]["macro_f1"]
        assert found["mean"] > least, name
        assert found["low"] <= found["mean"] <= found["high"]
        assert found["deviation"] is not None
    json.dumps(metrics, allow_nan=False)


def test_metrics_say_what_was_tested(trained):
    _, metrics = trained
    assert metrics["classes"] == {"water": 1, "field": 2, "forest": 3}
    assert metrics["samples"] == {"train": 4, "validation": 4, "test": 4}
    unet = metrics["models"]["unet"]
    pixels = {name: of["pixels"] for name, of in unet["seeds"]["1"]["test"]["classes"].items()}
    assert sum(pixels.values()) == 4 * 64
    assert np.array(unet["confusion"]).sum(axis=1).tolist() == list(pixels.values())
    assert len(unet["seeds"]["2"]["history"]) == FIT.epochs


def test_files_of_models(trained):
    folder, metrics = trained
    names = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    assert names == [
        *("ann/seed-1.safetensors", "ann/seed-2.safetensors", "ann/worst.npz", "random_forest/worst.npz"),
        *("unet/seed-1.safetensors", "unet/seed-2.safetensors", "unet/worst.npz"),
    ]
    facts, _ = load_model(folder / "unet" / "seed-2.safetensors")
    assert facts.classes == metrics["classes"]
    assert [str(one) for one in facts.channels][-3:] == [
        *("height", "coherence_vv of date 2", "coherence_vv of date 3"),
    ]
    worst = read_worst(folder / "unet" / "worst.npz")
    assert worst["ids"].tolist() == metrics["models"]["unet"]["worst"]
    assert worst["truth"].shape == worst["predicted"].shape == worst["image"].shape == (4, 8, 8)


def test_shuffled_labels_teach_nothing(chips, tmp_path):
    request = Request(models=["random_forest"], shuffle=True, seeds=[1, 2, 3, 4, 5], bootstrap=20)
    found = task.train(chips, tmp_path, request)["models"]["random_forest"]["test"]
    assert found["kappa"]["mean"] == pytest.approx(0.0, abs=0.15)


def test_the_same_seed_gives_the_same_metrics_and_weights(chips, tmp_path):
    first, second = (task.train(chips, tmp_path / name, SHORT) for name in "ab")
    assert first == second
    paths = [tmp_path / name / "unet" / "seed-1.safetensors" for name in "ab"]
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize("stopped", [1, 2])
def test_a_training_that_was_stopped_goes_on(chips, tmp_path, stopped):
    request = replace(SHORT, fit=replace(FIT, epochs=3))
    expected = task.train(chips, tmp_path / "whole", request)

    def stop(count, seen=[]):  # noqa: B006  (counts over the calls)
        seen.append(count)
        if sum(seen) == stopped:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        task.train(chips, tmp_path / "parts", request, stop)
    assert (tmp_path / "parts" / "unet" / "seed-1.checkpoint").is_file()
    assert task.train(chips, tmp_path / "parts", request) == expected


def test_complex_pixels_have_a_model_of_their_own(tmp_path):
    make_learnable_chips(tmp_path / "chips", arrays=COMPLEX)
    assert task.chosen_models(tmp_path / "chips", Request()) == [
        "random_forest",
        "ann",
        "unet",
        "complex_unet",
    ]
    request = replace(SHORT, models=["complex_unet", "ann"])
    metrics = task.train(tmp_path / "chips", tmp_path / "learn", request)
    channels = {name: [one["layer"] for one in of["channels"]] for name, of in metrics["models"].items()}
    assert channels["complex_unet"] == ["slc_vv_real", "slc_vv_imag"] * 3
    assert not any(name.startswith("slc") for name in channels["ann"])


def test_images_are_scaled_by_the_training_split(chips):
    split = Inputs(label="land_cover").training(chips)
    images = torch.stack([split.read(number)[0] for number in range(4)])
    assert images.shape == (4, 3 * 2 + 1 + 2, 8, 8)
    brightness = images[:, [0, 2, 4]]
    assert float(brightness.mean()) == pytest.approx(0.0, abs=1e-4)
    assert float(brightness.std()) == pytest.approx(1.0, abs=1e-2)
    assert split.channels[0] == Channel(layer="sigma0_vv", date=0)


def test_another_dataset_is_scaled_by_that_of_the_model(chips, tmp_path):
    """Brighter by 3 dB, and so it is to the model: a scaling of its own would hide it."""
    make_learnable_chips(tmp_path / "chips")
    import zarr  # noqa: PLC0415

    images = zarr.open_array(tmp_path / "chips" / "chips.zarr" / "images", mode="r+")
    values = np.asarray(images[:])
    values[:, 0] *= 2.0
    images[:] = values
    inputs = Inputs(label="land_cover")
    training = inputs.training(chips)
    other = inputs.like(training, tmp_path / "chips", ["train", "validation", "test"])
    assert len(other.samples) == 12
    numbers = [other.ids.index(name) for name in training.ids]
    step = [other.read(n)[0][0] - training.read(m)[0][0] for m, n in enumerate(numbers)]
    wanted = 10.0 * np.log10(2.0) / training.scaling.deviation[0]
    torch.testing.assert_close(torch.stack(step), torch.full((4, 8, 8), wanted), rtol=1e-4, atol=1e-4)


class TestRefusals:
    def refused(self, chips, said, **request):
        with pytest.raises(AlignsarError, match=said):
            task.train(chips, chips.parent / "never", replace(SHORT, **request))
        assert not (chips.parent / "never").exists()

    def test_chips_without_labels(self, tmp_path):
        make_chips(tmp_path / "chips", arrays=[array for array in ARRAYS if array.name != "classes"])
        self.refused(tmp_path / "chips", "has no label of classes, so there is nothing to learn")

    def test_labels_of_one_class(self, tmp_path):
        make_learnable_chips(tmp_path / "chips", classes=(2,))
        self.refused(tmp_path / "chips", "the training split has one class")

    def test_unknown_names(self, chips):
        self.refused(chips, "learn.label=cover: is no label of classes", label="cover")
        self.refused(chips, "learn.models=vgg: choose from random_forest", models=["vgg"])
        self.refused(chips, "learn.models=complex_unet: takes complex pixels", models=["complex_unet"])
        self.refused(chips, "layers=sigma0", layers=["sigma0"])

    def test_another_dataset_with_other_channels(self, chips, tmp_path):
        more = ChipArray(name="ground", layers=("height", "slope"), dtype="float32")
        make_chips(tmp_path / "chips", arrays=[more if one.name == "ground" else one for one in ARRAYS])
        self.refused(chips, "it has slope besides", others=[tmp_path / "chips"])

    def test_another_dataset_with_other_classes(self, chips, tmp_path):
        make_chips(tmp_path / "chips")
        seal(tmp_path / "chips", classes={"land_cover": {"water": 1, "field": 3, "forest": 2}})
        self.refused(chips, "name a dataset with the same classes and codes", others=[tmp_path / "chips"])

    def test_a_split_without_places(self, tmp_path):
        make_learnable_chips(tmp_path / "chips")
        counts = json.loads((tmp_path / "chips" / "dataset.json").read_text())["counts"]
        del counts["test"]
        seal(tmp_path / "chips", counts=counts)
        self.refused(tmp_path / "chips", "split=test")
