"""Models in the catalogue: an item each beside the collection, with inputs, classes, weights and card."""

import json
from types import SimpleNamespace

import pystac
import pytest
from fake_catalogue import labelled_cube, make_products
from fake_model import fake_model, write_weights

from alignsar_gpu.application.catalogue import trained_models
from alignsar_gpu.catalog.models import read_header
from alignsar_gpu.catalog.stac import Products, write_stac


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    output = tmp_path_factory.mktemp("models") / "out"
    cube = labelled_cube()
    products = make_products(cube, output)
    learned = output / "learn"
    (output / "predictions.zarr").mkdir()
    write_stac(
        cube,
        output / "stac",
        Products(
            netcdf=products.netcdf, predictions=output / "predictions.zarr", trained=[fake_model(learned)]
        ),
    )
    catalog = pystac.Catalog.from_file(str(output / "stac/catalog.json"))
    (item,) = catalog.get_items()
    return SimpleNamespace(catalog=catalog, item=item, collection=next(catalog.get_children()), output=output)


def test_inputs_and_outputs_are_those_of_the_model(run):
    of = run.item.properties
    assert (of["mlm:name"], of["mlm:framework"]) == ("unet", "PyTorch")
    assert of["mlm:tasks"] == ["semantic-segmentation"]
    assert of["mlm:total_parameters"] == 10
    (inputs,), (outputs,) = of["mlm:input"], of["mlm:output"]
    assert inputs["bands"] == [
        {"name": "sigma0_vv_date1", "format": "python", "expression": "10 * log10(sigma0_vv)"},
        {"name": "sigma0_vv_date2", "format": "python", "expression": "10 * log10(sigma0_vv)"},
        {"name": "height"},
    ]
    assert inputs["value_scaling"][2] == {"type": "z-score", "mean": 30.0, "stddev": 12.0}
    assert inputs["input"]["shape"] == [-1, 3, -1, -1]
    assert outputs["classification:classes"][1] == {"value": 7, "name": "bare_soil", "title": "bare soil"}
    assert "macro_f1 0.850" in of["description"]


def test_weights_and_card_are_assets(run):
    assets = run.item.assets
    assert set(assets) == {"seed-1", "seed-2", "card"}
    assert assets["seed-1"].roles == ["mlm:model"]
    assert (
        assets["seed-1"].extra_fields["file:size"]
        == (run.output / "learn/unet/seed-1.safetensors").stat().st_size
    )
    names = [band["name"] for band in assets["seed-1"].extra_fields["bands"]]
    assert names == [band["name"] for band in run.item.properties["bands"]]
    assert names == [band["name"] for band in run.item.properties["mlm:input"][0]["bands"]]
    for asset in assets.values():
        assert (run.output / "learn/unet" / asset.href.rpartition("/")[2]).is_file()


def test_it_leads_to_the_dataset_and_back(run):
    (source,) = run.item.get_links("derived_from")
    assert source.resolve_stac_object(run.catalog).target.id == run.collection.id
    (link,) = run.collection.get_links("related")
    assert link.resolve_stac_object(run.catalog).target.id == run.item.id
    assert run.item.id not in {item.id for item in run.collection.get_items()}  # which are dates
    assert run.collection.assets["predictions"].media_type == "application/vnd.zarr; version=3"


def test_models_of_a_run(tmp_path):
    metrics = {
        "models": {
            "random_forest": {"title": "Forest", "test": {}},
            "unet": {"title": "U-Net", "test": {"macro_f1": {"mean": 0.8}, "kappa": {"mean": None}}},
        }
    }
    assert trained_models(tmp_path) == []
    (tmp_path / "metrics.json").write_text(json.dumps(metrics))
    path = write_weights(tmp_path / "unet/seed-7.safetensors", seed=7)
    (model,) = trained_models(tmp_path)
    assert (model.name, model.weights, model.card, model.scores) == ("unet", [path], None, {"macro_f1": 0.8})
    assert read_header(path)[0]["seed"] == 7
