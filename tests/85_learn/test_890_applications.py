"""The three applications from their commands, on small scenes: trained for real, tested, and their scenes predicted."""

import json

import pystac
import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")

from command_line import run

import alignsar_gpu
from alignsar_gpu.learn.model_files import load_model

SMALL = (
    *("device=cpu", "device.threads=1", "report=none", "card.write=false", "learn.bootstrap=100"),
    *("simulate.swaths=[iw1]", "simulate.bursts=2", "simulate.lines=320", "simulate.samples=800"),
)


def learned(output, experiment, *keys):
    """Run an experiment on a small scene; return metrics.json."""
    run(f"+experiment={experiment}", f"output={output}", *SMALL, *keys)
    return json.loads((output / "learn" / "metrics.json").read_text())


def check_products(output, model, layer):
    """The model is read, its predictions cover the scene and the map, and the catalogue names both."""
    facts, _ = load_model(output / "learn" / model / "seed-1.safetensors")
    assert facts.model == model
    cube = alignsar_gpu.open(output / "predictions.zarr")
    assert layer in cube
    assert cube[layer].shape[-2:] == alignsar_gpu.open(output)["valid"].shape[-2:]
    assert list((output / "predictions").glob(f"{layer}*.tif"))
    catalogue = pystac.Catalog.from_file(output / "stac" / "catalog.json")
    assets = {asset.href for item in catalogue.get_items(recursive=True) for asset in item.assets.values()}
    assets |= {asset.href for one in catalogue.get_children() for asset in one.assets.values()}
    assert any("predictions" in name for name in assets)


def test_land_cover(tmp_path):
    metrics = learned(
        tmp_path / "run", "demo_landcover", "simulate.dates=2", "learn.models=[unet]", "learn.epochs=6"
    )
    assert metrics["models"]["unet"]["test"]["kappa"]["mean"] > 0.3
    check_products(tmp_path / "run", "unet", "predicted_land_cover")


def test_change(tmp_path):
    scene = ("simulate.scene.demolitions=60", "simulate.scene.constructions=60", "simulate.scene.bowls=2")
    metrics = learned(
        tmp_path / "run",
        "demo_change",
        *("simulate.dates=3", *scene, "learn.models=[log_ratio,siamese]", "learn.epochs=3"),
    )
    scores = {name: model["test"]["f1"]["mean"] for name, model in metrics["models"].items()}
    assert min(scores.values()) > 0.3
    check_products(tmp_path / "run", "siamese", "predicted_change")


def test_detection(tmp_path):
    scene = ("simulate.scene.ships=100", "simulate.scene.oil_slicks=20", "chips.size=[32,128]")
    metrics = learned(tmp_path / "run", "demo_detection", "simulate.dates=2", *scene, "learn.epochs=2")
    history = metrics["models"]["heatmap"]["seeds"]["1"]["history"]
    assert history[1]["loss"] < history[0]["loss"]
    assert metrics["models"]["cfar"]["test"]["map50"]["mean"] > 0.3
    check_products(tmp_path / "run", "heatmap", "predicted_ship")
    assert (tmp_path / "run" / "detections.parquet").is_file()
