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
    *("device=cpu", "device.threads=1", "simulate.lines=320", "report=none", "card.write=false"),
    "learn.bootstrap=100",
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
        tmp_path / "run",
        "demo_landcover",
        *("simulate.samples=700", "simulate.dates=2", "learn.models=[random_forest,unet]", "learn.epochs=6"),
    )
    kappa = {name: model["test"]["kappa"]["mean"] for name, model in metrics["models"].items()}
    assert kappa["unet"] > kappa["random_forest"] > 0.3
    check_products(tmp_path / "run", "unet", "predicted_land_cover")
