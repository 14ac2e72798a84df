"""Training of detectors on chips with boxes: it learns, twice the same, and what is written is complete."""

import json
import shutil

import numpy as np
import pytest
from scene_of_objects import KINDS, chips_with_objects, scene_of_objects

pytest.importorskip("torch")

import torch

from alignsar_gpu.config.chips import SharesConfig, SplitConfig
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.learn.detection.data import open_split
from alignsar_gpu.learn.detection.floor import train_floor
from alignsar_gpu.learn.detection.models import predict_floor
from alignsar_gpu.learn.detection.task import score_results, steps, train
from alignsar_gpu.learn.model_files import load_model
from alignsar_gpu.learn.options import FitOptions
from alignsar_gpu.learn.request import Request

EPOCHS = 2


@pytest.fixture(scope="module")
def chips(tmp_path_factory):
    return chips_with_objects(tmp_path_factory.mktemp("objects") / "run", *scene_of_objects())


def request_of(*models, **more):
    fit = FitOptions(epochs=EPOCHS, threads=1)
    return Request(**{"models": models, "fit": fit, "bootstrap": 20, "seeds": [3]} | more)


@pytest.fixture(scope="module")
def trained(chips, tmp_path_factory):
    torch.set_num_threads(1)
    folder, advanced = tmp_path_factory.mktemp("trained"), []
    request = request_of(others=[chips.parent])
    metrics = train(chips, folder, request, advanced.append)
    assert sum(advanced) == steps(chips, request) == EPOCHS + 1
    return folder, metrics


def test_metrics_are_complete(trained):
    folder, metrics = trained
    assert json.loads(json.dumps(metrics, allow_nan=False)) == metrics
    assert list(metrics["classes"]) == list(KINDS)
    assert [channel["layer"] for channel in metrics["channels"]] == ["sigma0_vh", "sigma0_vv"]
    assert all(min(objects.values()) > 0 for objects in metrics["objects"].values())
    for model in metrics["models"].values():
        for scores in (model["test"], *model["others"].values()):
            for name in ("map50", "map50_95", "detected"):
                assert 0.0 <= scores[name]["low"] <= scores[name]["high"] <= 1.0
        curves = model["curves"]
        assert set(curves) == {"froc", *(f"froc_{kind}" for kind in KINDS), "by_cross_section"}
        assert np.all(np.diff(curves["froc"]["x"]) >= 0.0)
        ships_and_tanks = sum(metrics["objects"]["test"][kind] for kind in ("ship", "tank"))
        assert sum(curves["by_cross_section"]["count"]) == ships_and_tanks
    assert len(metrics["models"]["heatmap"]["seeds"]["3"]["history"]) == EPOCHS
    assert list(folder.rglob("*.checkpoint")) == []


def test_floor_finds_ships_and_network_has_begun_to_learn(trained):
    models = trained[1]["models"]
    assert models["cfar"]["test"]["detected"]["mean"] > 0.5
    history = models["heatmap"]["seeds"]["3"]["history"]
    assert history[-1]["loss"] < history[0]["loss"]


def test_worst_images_are_kept(trained):
    folder, metrics = trained
    with np.load(folder / "heatmap" / "worst.npz") as worst:
        assert worst["ids"].tolist() == metrics["models"]["heatmap"]["worst"]
        assert worst["image"].shape == (len(worst["ids"]), 32, 96)
        assert worst["boxes_truth"].shape[1] == 5
        assert len(worst["boxes_truth"]) == len(worst["categories_truth"]) > 0
        assert set(worst["boxes_truth"][:, 0]) <= set(range(len(worst["ids"])))


def test_model_is_read_again(trained):
    facts, network = load_model(trained[0] / "heatmap" / "seed-3.safetensors")
    assert (facts.task, facts.model, list(facts.classes)) == ("detection", "heatmap", list(KINDS))
    assert network(torch.zeros(1, 2, 20, 70)).shape == (1, 3 + 4, 20, 70)


def test_is_the_same_twice(trained, chips, tmp_path):
    again = train(chips, tmp_path, request_of("heatmap"))
    expected = trained[1]["models"]["heatmap"] | {"others": {}}
    assert again["models"]["heatmap"] == expected
    name = "heatmap/seed-3.safetensors"
    assert (tmp_path / name).read_bytes() == (trained[0] / name).read_bytes()


@pytest.fixture(scope="module")
def floor(chips):
    return train_floor(open_split(chips, "train", []))


def test_floor_knows_what_is_dark(floor):
    bright, dark = floor
    assert (bright.cfar.dark, bright.categories.tolist()) == (False, [0, 1])
    assert (dark.cfar.dark, dark.categories.tolist()) == (True, [2])


def test_results_of_another_program_are_scored_alike(chips, trained, floor, tmp_path):
    """Boxes of CFAR, written as COCO results, have the scores that they have without a file."""
    split = open_split(chips, "test", [])
    found = predict_floor(floor, split)
    results = [
        {
            "image_id": str(split.column("id")[image]) if image % 2 else int(split.numbers[image]),
            "category_id": int(category) + 1,
            "bbox": [sample, line, samples, lines],
            "score": score,
        }
        for image, category, score, (line, sample, lines, samples) in zip(
            found.image.tolist(), found.category, found.score.tolist(), found.box.tolist(), strict=True
        )
    ]
    path = tmp_path / "predictions.json"
    path.write_text(json.dumps(results))
    scores, cfar = score_results(chips, path, bootstrap=20), trained[1]["models"]["cfar"]
    assert scores["test"] == cfar["test"]
    assert scores["curves"] == cfar["curves"]
    assert scores["classes"] == cfar["seeds"]["3"]["test"]["classes"]


class TestRefused:
    def test_chips_without_boxes(self, chips, tmp_path):
        copy = shutil.copytree(chips, tmp_path / "chips")
        shutil.rmtree(copy / "coco")
        with pytest.raises(AlignsarError, match=r"make the chips with chips.products=\[zarr,coco\]"):
            train(copy, tmp_path, request_of("cfar"))

    @pytest.mark.parametrize(
        ("split", "words"),
        [
            ("train", "its training split shows no object of ship, tank, oil"),
            ("test", "its split test shows no"),
        ],
    )
    def test_splits_without_objects(self, chips, tmp_path, split, words):
        copy = shutil.copytree(chips, tmp_path / "chips")
        path = copy / "coco" / f"{split}.json"
        path.write_text(json.dumps(json.loads(path.read_text()) | {"annotations": []}))
        with pytest.raises(AlignsarError, match=words):
            train(copy, tmp_path, request_of("cfar"))

    def test_other_categories_and_channels(self, chips, tmp_path):
        other = shutil.copytree(chips, tmp_path / "other" / "chips")
        for path in other.glob("coco/*.json"):
            path.write_text(path.read_text().replace('"tank"', '"barn"'))
        with pytest.raises(AlignsarError, match="its boxes are of ship, barn, oil, and those that the model"):
            train(chips, tmp_path, request_of("cfar", others=[other]))
        cube, tables = scene_of_objects(64, 192, 1, counts=(2, 2, 1))
        train_alone = SplitConfig(shares=SharesConfig(train=1.0, validation=0.0, test=0.0))
        keys = {"layers": ["sigma0_vv"], "split": train_alone}
        one = chips_with_objects(tmp_path / "one", cube, tables, **keys)
        with pytest.raises(AlignsarError, match=r"sigma0_vh: choose from|it lacks sigma0_vh"):
            train(chips, tmp_path, request_of("cfar", others=[one]))

    def test_names_that_are_none(self, chips, tmp_path):
        with pytest.raises(AlignsarError, match=r"learn\.models=yolo: choose from cfar, heatmap"):
            train(chips, tmp_path, request_of("yolo"))
        with pytest.raises(
            AlignsarError, match=r"learn\.label=reef: has no boxes; choose from ship, tank, oil"
        ):
            train(chips, tmp_path, request_of("cfar", label="reef"))
