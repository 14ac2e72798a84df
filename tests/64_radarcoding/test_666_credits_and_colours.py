"""Licences, credits and colours of labels: attributes of layers, and what maps, reports and catalogues make of them."""

import fake_maps
import numpy as np
import pytest
import xarray as xr

from alignsar_gpu import config
from alignsar_gpu.application.geocoding.cogs import class_colours
from alignsar_gpu.application.labels.sources import open_labels
from alignsar_gpu.catalog import collection
from alignsar_gpu.config.radarcoding import check_radarcoding
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geocoding.cog_layouts import layer_layout
from alignsar_gpu.radarcoding.kinds import layers_of
from alignsar_gpu.radarcoding.layers import class_flags
from alignsar_gpu.radarcoding.sets.expanding import expand_sets

OWN = {"attribution": "© us", "license": "CC0-1.0", "references": "our paper", "source": "us"}


def layers_made(layers):
    """The layers of the cube that a configuration makes, by name."""
    made, _ = expand_sets(layers)
    settings = config.Config()
    settings.radarcoding.layers = layers_of(made)
    return {layer.name: layer for layer in open_labels(settings, 1 << 30).layers}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    folder = tmp_path_factory.mktemp("maps")
    own = fake_maps.box(9)
    fake_maps.layer([own]).to_file(folder / "own.gpkg")
    return layers_made(
        {
            "cover": {"set": "worldcover", "path": str(fake_maps.raster(folder / "w.tif", [10, 80]))},
            "top": {"set": "top10nl", "path": str(fake_maps.top10nl(folder / "t.gpkg"))},
            "barn": {"path": str(folder / "own.gpkg"), "colors": {"barn": "#123456"}, **OWN},
        }
    )


def test_each_layer_says_whom_to_credit(made):
    cover = made["cover"].attributes
    assert cover["license"] == "CC-BY-4.0"
    assert cover["attribution"].startswith("© ESA WorldCover project 2021 / Contains modified Copernicus")
    assert "10.5281/zenodo.7254221" in cover["references"]
    assert {key: made["barn"].attributes[key] for key in OWN} == OWN
    assert made["top_terrain_heath"].attributes["attribution"] == "CC-BY Kadaster (BRT)"


def test_the_class_of_the_pixel_credits_all_maps(made):
    label = made["label"].attributes
    assert label["license"] == "CC-BY-4.0; CC0-1.0"
    assert label["attribution"] == "CC-BY Kadaster (BRT); © us"
    colours = dict(zip(label["flag_meanings"].split(), label["flag_colors"].split(), strict=True))
    assert colours["barn"] == "#123456"
    assert colours["top_water"] if "top_water" in colours else colours["top_ditch"] == "#56b4e9"
    assert colours["top_terrain_heath"] == "#9467bd"


def test_colours_that_are_missing_are_left_to_the_report():
    assert "flag_colors" not in class_flags(["a", "b"], ["#000000", ""])
    assert "flag_colors" not in class_flags(["a", "b"])


def test_maps_take_the_colours(made):
    colours = class_colours(made["cover"])
    assert colours[1] == (0, 100, 0)
    assert colours[8] == (0, 100, 200)
    assert 255 not in colours
    assert layer_layout(made["cover"], colours=colours).tags["attribution"].startswith("© ESA WorldCover")


def test_the_catalogue_names_sources_once_with_their_credits(made):
    chosen = ("cover", "label", "barn", "top_building")
    cube = xr.Dataset(
        {name: ("x", np.zeros(2, made[name].dtype), dict(made[name].attributes)) for name in chosen},
        {"platform": ("time", ["Sentinel-1A"])},
    )
    providers = {one.name: one.description for one in collection._providers(cube)}
    assert set(providers) == {
        "Copernicus",
        "ESA WorldCover 10 m 2021 v200",
        "us",
        "TOP10NL, Basisregistratie Topografie (BRT), Kadaster / PDOK",
    }
    assert providers["us"] == "Source of barn; licence: CC0-1.0; attribution: © us"
    odd = cube[["barn", "platform"]].copy(deep=True)
    odd["barn"].attrs["source"] = "us; and others"
    assert "us; and others" in {one.name for one in collection._providers(odd)}
    (tree, *_) = collection._band(cube["cover"])["classification:classes"][1:]
    assert (tree["name"], tree["color_hint"]) == ("tree_cover", "006400")


@pytest.mark.parametrize("colour", ["red", "#12345", "#12345g"])
def test_what_is_no_colour(colour):
    settings = config.RadarcodingConfig(layers=layers_of({"a": {"path": "x", "colors": {"a": colour}}}))
    with pytest.raises(AlignsarError, match=f"radarcoding.layers.a.colors: a: '{colour}' is not a colour"):
        check_radarcoding(settings)
