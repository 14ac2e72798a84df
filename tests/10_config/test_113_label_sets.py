"""The word of a label set as a key: help, wrong words, and the configuration that a run writes."""

import fake_maps
import pytest
from command_line import refuse
from hydra import compose, initialize_config_module
from omegaconf import OmegaConf

from alignsar_gpu.application.published import Published
from alignsar_gpu.frontend.composing import register, typed, with_sets
from alignsar_gpu.frontend.help_keys import help_keys
from alignsar_gpu.frontend.keys import keys_named

SENTINEL1 = ["+experiment=sentinel1", "products.path=x", "dem=copernicus", "dem.path=y"]
LAYER = "+radarcoding.layers.cover"


@pytest.fixture
def composes():
    register()
    with initialize_config_module("alignsar_gpu.configs", version_base="1.3"):
        yield compose


def test_the_run_writes_the_keys_that_the_word_stands_for(tmp_path, monkeypatch, composes):
    path = fake_maps.raster(tmp_path / "w.tif", [10, 80])
    monkeypatch.setenv("MAPS_HERE", str(tmp_path))
    composed = composes(
        "config", [*SENTINEL1, f"{LAYER}.set=worldcover", f"{LAYER}.path=${{oc.env:MAPS_HERE}}/w.tif"]
    )
    assert with_sets(composed) == []
    layer = typed(composed).radarcoding.layers["cover"]
    assert (layer.kind, layer.method, layer.path) == ("raster", "majority", str(path))
    published = OmegaConf.create(Published(composed).configuration).radarcoding.layers.cover
    written = OmegaConf.to_container(published, resolve=False)
    assert written["path"] == "${oc.env:MAPS_HERE}/w.tif"
    assert written["classes"]["tree_cover"] == [10]
    assert "set" not in written


def test_paths_in_archives(tmp_path, monkeypatch, composes):
    fake_maps.bgt(tmp_path / "b.zip")
    monkeypatch.setenv("MAPS_HERE", str(tmp_path))
    keys = f"{LAYER}={{set: bgt, path: '${{oc.env:MAPS_HERE}}/b.zip'}}"
    composed = composes("config", [*SENTINEL1, keys])
    (note, _) = with_sets(composed)
    assert "building,road,vegetation of set=bgt; the file has nothing of " in note
    written = OmegaConf.to_container(composed.radarcoding.layers, resolve=False)
    assert written["cover_road"]["path"] == "${oc.env:MAPS_HERE}/b.zip!bgt_wegdeel.gml"


def test_without_a_set_nothing_changes(composes):
    composed = composes("config", [*SENTINEL1, f"{LAYER}.path=x.gpkg"])
    before = OmegaConf.to_yaml(composed)
    assert with_sets(composed) == []
    assert OmegaConf.to_yaml(composed) == before


def test_help_and_wrong_words():
    (key,) = keys_named("radarcoding.layers.cover.set")
    assert key.values.startswith("one of worldcover, worldcover_2020, corine")
    assert "radarcoding.layers.NAME.parts" in help_keys("radarcoding.layers")
    wrong = ["radarcoding.layers.cover.set=worldcovr", "radarcoding.layers.cover.path=x"]
    result = refuse("radarcoding.layers.cover.set=worldcovr: choose from", *SENTINEL1, *wrong)
    assert "did you mean worldcover" in result.stderr
