"""Predictions beside the cube of a run, on the map that the run has, and in its catalogue."""

import json

import numpy as np
import pytest
import rasterio

torch = pytest.importorskip("torch")

from command_line import run as run_command  # noqa: E402
from geocoding_scene import CPU  # noqa: E402
from predicted_cube import METRICS, model_of  # noqa: E402
from small_runs import CUBE_ALONE, SYNTHETIC  # noqa: E402

from alignsar_gpu.application.catalogue import CatalogueStage  # noqa: E402
from alignsar_gpu.application.folder import RunFolder, StageRecord  # noqa: E402
from alignsar_gpu.application.learn.predicting import PRODUCTS, map_predictions, predict_scene  # noqa: E402
from alignsar_gpu.application.stage import Run  # noqa: E402
from alignsar_gpu.dataset.cube import open_cube  # noqa: E402
from alignsar_gpu.learn.channels import Channel  # noqa: E402
from alignsar_gpu.progress import StageTimer  # noqa: E402

SMALL = ["products.lines=96", "products.samples=128", "products.dates=2", "signatures.names=[intensity]"]


@pytest.fixture(scope="module", params=["cube", "cogs"])
def mapped(request, tmp_path_factory):
    """A run with a map, to which predictions are added."""
    output = tmp_path_factory.mktemp("predicted") / "out"
    layers = ["geocoding.resolution=40", f"geocoding.products=[{request.param}]", "geocoding.layers=[height]"]
    run_command(*SYNTHETIC, *CUBE_ALONE, *SMALL, *layers, f"output={output}")
    context = Run(config=None, published=lambda facts: facts, device=CPU, timer=StageTimer())
    record = StageRecord(name="learn", digest="f", products=("learn", *PRODUCTS))
    channels = [Channel(layer="intensity_vv", date=0), Channel(layer="height")]
    configuration = json.loads((output / "manifest.json").read_text())["configuration"]
    with RunFolder(output, [record], configuration, adding=True) as folder:
        folder.begin()
        model = model_of(folder.work / "learn", channels, name="ann")
        predict_scene(folder, context, model, METRICS, "learn")
        map_predictions(folder, context, "learn")
        folder.seal()
        folder.publish()
    return output


def test_it_has_the_pixels_of_the_map(mapped):
    assert sorted(path.name for path in (mapped / "predictions").glob("*.tif")) == [
        "predicted_land_cover.tif",
        "predicted_land_cover_probability.tif",
    ]
    with rasterio.open(mapped / "predictions/predicted_land_cover.tif") as file:
        classes, about = file.read(1), file.tags()
        place = file.crs, file.transform, file.shape
    assert set(np.unique(classes)) <= {3, 7, 255}
    assert (classes != 255).any()
    assert about["class_3"] == "water"
    assert about["model_file"] == "learn/ann/seed-1.safetensors"
    if (mapped / "cogs").is_dir():
        with rasterio.open(mapped / "cogs/height.tif") as file:
            assert place == (file.crs, file.transform, file.shape)
    else:
        with_map = open_cube(mapped / "map.zarr")
        assert place[2] == (with_map.sizes["y"], with_map.sizes["x"])
    assert not (mapped / "predictions_map.zarr").exists()


def test_a_catalogue_lists_them(mapped):
    assert "learn" in CatalogueStage.reads
    run_command("catalog.citation=Tester", f"output={mapped}")
    collection = json.loads(next(mapped.glob("stac/*/collection.json")).read_text())
    assert {"predictions", "map_predicted_land_cover"} <= set(collection["assets"])
    classes = collection["assets"]["map_predicted_land_cover"]["classification:classes"]
    assert [entry["name"] for entry in classes] == ["water", "forest", "unknown"]
