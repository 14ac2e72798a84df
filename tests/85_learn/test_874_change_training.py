"""Training of change on little chips: better than chance, the same twice, and what cannot be trained is refused."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from changing_chips import make_changing_chips  # noqa: E402

from alignsar_gpu.errors import AlignsarError  # noqa: E402
from alignsar_gpu.learn.change.applying import change_probability  # noqa: E402
from alignsar_gpu.learn.change.models import (  # noqa: E402
    change_loss,
    change_matrix,
    class_weights,
    sample_weights,
)
from alignsar_gpu.learn.change.task import steps, train  # noqa: E402
from alignsar_gpu.learn.model_files import load_model, model_path  # noqa: E402
from alignsar_gpu.learn.options import FitOptions  # noqa: E402
from alignsar_gpu.learn.request import Request  # noqa: E402

FIT = FitOptions(epochs=16, batch=4, threads=1)


def request(**keys):
    return Request(**{"label": "changed_on", "fit": FIT, "bootstrap": 20} | keys)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make_changing_chips(tmp_path_factory.mktemp("change") / "chips")


@pytest.fixture(scope="module")
def trained(made, tmp_path_factory):
    folder, count = tmp_path_factory.mktemp("learn"), []
    asked = request(models=["log_ratio", "coherence_loss", "siamese"], others=[made])
    return folder, train(made, folder, asked, count.append), sum(count), steps(made, asked)


def test_change_is_found_on_places_that_training_has_not_seen(trained):
    _, metrics, _, _ = trained
    assert metrics["task"] == "change"
    assert metrics["samples"] == {"train": 8, "validation": 8, "test": 8}
    assert metrics["classes"] == {"unchanged": 0, "changed": 1}
    for name, model in metrics["models"].items():
        assert set(model["test"]) == {"f1", "precision", "recall", "iou"}
        assert model["test"]["f1"]["mean"] > {"siamese": 0.7}.get(name, 0.5), name
        assert sum(map(sum, model["confusion"])) == 8 * 64
        assert model["others"]["chips"]["f1"]["mean"] > 0.5
        assert len(model["curves"]["precision_recall"]["x"]) == len(model["curves"]["precision_recall"]["y"])
    json.dumps(metrics, allow_nan=False)


def test_floors_say_how_they_were_found(trained):
    floor = trained[1]["models"]["log_ratio"]["floor"]
    assert set(floor["thresholds"]) == set(floor["f1"]) == {"otsu", "best_f1"}
    assert floor["chosen"] in floor["thresholds"]
    assert list(trained[1]["models"]["log_ratio"]["seeds"]) == ["1"]


def test_the_progress_is_what_was_announced(trained):
    assert trained[2] == trained[3] == 2 + FIT.epochs


def test_the_worst_pairs_are_kept(trained):
    folder, metrics, _, _ = trained
    with np.load(folder / "siamese" / "worst.npz") as worst:
        assert worst["ids"].tolist() == metrics["models"]["siamese"]["worst"]
        assert worst["image"].shape == worst["truth"].shape == worst["predicted"].shape
        wrong = (worst["truth"] != worst["predicted"]).sum(axis=(1, 2))
    assert np.all(np.diff(wrong) <= 0)
    assert len(set(metrics["models"]["siamese"]["worst"])) == len(wrong)


def test_the_same_seed_gives_the_same_metrics_and_weights(made, tmp_path):
    found = []
    for folder in (tmp_path / "a", tmp_path / "b"):
        metrics = train(made, folder, request(models=["siamese"], fit=replace(FIT, epochs=1)))
        found.append((metrics, model_path(folder / "siamese", 1).read_bytes()))
    assert found[0] == found[1]


def test_kinds_of_change_are_told_apart(made, tmp_path):
    asked = request(models=["siamese_powers"], label="gone_on,built_on", fit=replace(FIT, epochs=24))
    found = train(made, tmp_path, asked)["models"]["siamese_powers"]["seeds"]["1"]["test"]
    assert set(found["classes"]) == {"unchanged", "gone_on", "built_on"}
    assert min(found["classes"][name]["f1"] for name in ("gone_on", "built_on")) > 0.5
    facts, network = load_model(model_path(tmp_path / "siamese_powers", 1))
    assert network.arguments()["directed"]
    assert facts.label == "gone_on,built_on"


def test_labels_of_other_pairs_teach_nothing(made, tmp_path):
    control = train(made, tmp_path, request(models=["siamese_powers"], shuffle=True))
    assert control["models"]["siamese_powers"]["test"]["f1"]["mean"] < 0.4


class TestApplied:
    def test_to_images_of_any_size_without_complex_pixels(self, made, tmp_path):
        train(made, tmp_path, request(models=["siamese_powers"], fit=replace(FIT, epochs=1)))
        facts, network = load_model(model_path(tmp_path / "siamese_powers", 1))
        assert [channel.layer for channel in facts.channels] == ["sigma0_vv"] * 2
        rng = np.random.default_rng(0)
        first, second = ({"sigma0_vv": rng.exponential(0.1, (13, 21))} for _ in range(2))
        second["sigma0_vv"][3, 4] = np.nan
        found = change_probability(facts, network, first, second)
        assert found.shape == (13, 21)
        assert np.flatnonzero(np.isnan(found)).tolist() == [3 * 21 + 4]
        assert np.nanmin(found) >= 0.0
        assert np.nanmax(found) <= 1.0

    def test_with_what_is_missing(self, trained):
        facts, network = load_model(model_path(trained[0] / "siamese", 1))
        images = {"sigma0_vv": np.ones((4, 4))}
        with pytest.raises(AlignsarError, match=r"slc_vv_real: is an input of the model and is not given"):
            change_probability(facts, network, images, images)
        every = {name: np.ones((4, 4)) for name in ("sigma0_vv", "slc_vv_real", "slc_vv_imag")}
        with pytest.raises(AlignsarError, match="must be of one size"):
            change_probability(facts, network, every, every | {"sigma0_vv": np.ones((4, 5))})


class TestWeights:
    def test_half_of_the_draws_change(self):
        counts = np.array([[64, 0], [60, 4], [64, 0], [0, 0], [64, 0]])
        assert sample_weights(counts) == pytest.approx([1 / 6, 1 / 2, 1 / 6, 0.0, 1 / 6])

    def test_pairs_that_all_change_are_drawn_alike(self):
        assert sample_weights(np.array([[1, 1], [3, 1]])) == [0.5, 0.5]

    def test_rare_classes_weigh_more(self):
        weights = class_weights(np.array([[99, 0], [0, 1]]))
        assert float(weights[1] / weights[0]) == pytest.approx(np.sqrt(99.0))
        assert float(weights.mean()) == pytest.approx(1.0)

    def test_kinds_are_one_change(self):
        matrix = np.arange(9).reshape(1, 3, 3)
        assert change_matrix(matrix).tolist() == [[[0, 1 + 2], [3 + 6, 4 + 5 + 7 + 8]]]

    def test_the_loss_is_cross_entropy_and_overlap_of_what_is_known(self):
        truth = torch.tensor([[[0, 1, 1, -1]]])
        logits = torch.zeros(1, 2, 1, 4)
        found = change_loss(torch.ones(2), lambda _: logits, (torch.zeros(1, 2, 1, 4), truth))
        assert float(found) == pytest.approx(np.log(2.0) + 1.0 - 2.0 * 1.0 / (1.5 + 2.0))


class TestWrong:
    def test_a_training_split_without_change(self, tmp_path):
        chips = make_changing_chips(tmp_path / "chips", changes=False)
        with pytest.raises(AlignsarError, match="no pixel of the split train is changed between two dates"):
            train(chips, tmp_path / "learn", request())

    def test_a_model_that_is_none(self, made, tmp_path):
        with pytest.raises(AlignsarError, match=r"learn.models=siames: .*did you mean siamese"):
            train(made, tmp_path, request(models=["siames"]))

    def test_no_coherence_without_complex_pixels(self, tmp_path):
        chips = make_changing_chips(tmp_path / "chips", images=("sigma0_vv",))
        with pytest.raises(
            AlignsarError, match=r"learn.models=coherence_loss: .*needs complex pixels.*slc=true"
        ):
            train(chips, tmp_path / "learn", request(models=["coherence_loss"]))
        assert steps(chips, request()) == 1 + FIT.epochs  # the log ratio, and the network on powers alone

    def test_other_chips_of_other_channels(self, made, tmp_path):
        others = shutil.move(make_changing_chips(tmp_path / "a", images=("sigma0_vv",)), tmp_path / "others")
        with pytest.raises(
            AlignsarError, match=r"others: has other channels .*: it lacks slc_vv_real of date 1"
        ):
            train(made, tmp_path / "learn", request(models=["siamese"], others=[others]))
