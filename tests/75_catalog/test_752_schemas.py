"""Every object of a catalogue is valid by STAC 1.1 and by all its extensions, without a network."""

import copy
import json
import socket
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pystac
import pytest
from fake_catalogue import COLOURS, DATES, labelled_cube, make_products, write_maps
from fake_model import fake_model
from jsonschema import Draft7Validator
from PIL import Image
from pystac.validation import JsonSchemaSTACValidator

from alignsar_gpu.catalog import stac
from alignsar_gpu.catalog.cog import describe_cog
from alignsar_gpu.catalog.extensions import SCHEMAS
from alignsar_gpu.catalog.stac import Products, Publication, write_stac

FOLDER = Path(__file__).with_name("schemas")
BROKEN = {  # a field of each extension that is wrong, and where
    "classification": (["assets", "map_land_cover", "classification:classes", 0, "name"], "no spaces"),
    "cube": (["cube:dimensions", "time", "extent"], "always"),
    "file": (["assets", "netcdf", "file:size"], -1),
    "insar": (["properties", "insar:perpendicular_baseline"], "far"),
    "mlm": (["properties", "mlm:tasks"], ["guessing"]),
    "proj": (["assets", "map_sigma0_vv", "proj:transform"], [1, 2]),
    "processing": (["properties", "processing:software"], "alignsar_gpu 0.1.0"),
    "raster": (["assets", "map_sigma0_vv", "bands", 0, "raster:sampling"], "volume"),
    "sar": (["properties", "sar:frequency_band"], "Q"),
    "sat": (["properties", "sat:orbit_state"], "upwards"),
    "sci": (["sci:doi"], "doi.org/10.5281/zenodo.1"),
    "version": (["properties", "version"], 1.0),
    "view": (["properties", "view:incidence_angle"], 100),
}
IN_COLLECTION = {"classification", "cube", "sci"}


@pytest.fixture(autouse=True)
def no_network(monkeypatch):
    def refuse(*arguments, **options):
        raise AssertionError("a test of STAC asked for the network")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


def schema_of(url):
    name, version = url.split("/")[-3:-1]
    return json.loads((FOLDER / f"{name}-{version}.json").read_text())


def errors(fields, url):
    return [error.message for error in Draft7Validator(schema_of(url)).iter_errors(fields)]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    output = tmp_path_factory.mktemp("outputs") / "test"
    cube = labelled_cube()
    products = replace(make_products(cube, output), trained=[fake_model(output / "learn")])
    write_stac(cube, output / "stac", products, publication=Publication(doi="10.5281/zenodo.1234567"))
    top = output / "stac" / "fake-stack"
    objects = {path.stem: json.loads(path.read_text()) for path in sorted(output.rglob("stac/**/*.json"))}
    return SimpleNamespace(
        output=output,
        top=top,
        cube=cube,
        products=products,
        objects=objects,
        collection=objects["collection"],
        item=objects["fake-stack-20220110"],
        model=objects["fake-stack-model-unet"],
    )


def test_all_objects_are_valid(run):
    assert list(run.objects) == [
        "catalog",
        "collection",
        *(f"fake-stack-{d}" for d in (*DATES, "model-unet")),
    ]
    used = set()
    for fields in run.objects.values():
        kind = pystac.STACObjectType(fields["type"])
        JsonSchemaSTACValidator().validate_core(fields, kind, "1.1.0")
        for url in fields.get("stac_extensions", ()):
            assert not errors(fields, url), url
            used.add(url)
    assert used == set(SCHEMAS.values())


def test_schemas_are_those_that_are_used():
    assert {path.stem for path in FOLDER.glob("*.json")} == {
        "-".join(url.split("/")[-3:-1]) for url in SCHEMAS.values()
    }
    listed = [
        line.split("|")[1:3] for line in (FOLDER / "README.md").read_text().splitlines() if "| " in line
    ]
    named = {f"{name.strip()}-v{version.strip()}" for name, version in listed[2:]}
    assert named == {path.stem for path in FOLDER.glob("*.json")}


@pytest.mark.parametrize("prefix", sorted(SCHEMAS))
def test_a_wrong_field_is_refused(run, prefix):
    (*way, last), value = BROKEN[prefix]
    of_prefix = dict.fromkeys(IN_COLLECTION, run.collection) | {"mlm": run.model}
    fields = copy.deepcopy(of_prefix.get(prefix, run.item))
    place = fields
    for key in way:
        place = place[key]
    assert last in place or place[last] is not None
    place[last] = value
    assert errors(fields, SCHEMAS[prefix])


def test_a_map_says_where_it_is_and_what_it_holds(run):
    asset = run.item["assets"]["map_sigma0_vv"]
    assert asset["proj:code"] == "EPSG:32631"
    assert (asset["proj:shape"], asset["proj:transform"]) == ([9, 6], [20, 0, 705860, 0, -20, 5641040])
    assert asset["proj:bbox"] == [705860, 5640860, 705980, 5641040]
    assert asset["description"] == "calibrated"
    assert asset["bands"] == [
        {
            "name": "sigma0_vv",
            "data_type": "float32",
            "raster:sampling": "area",
            "description": "VV backscatter",
            "unit": "1",
            "nodata": "nan",
            "raster:spatial_resolution": 20.0,
            "statistics": {
                "minimum": 1,
                "maximum": 6,
                "mean": 3.5,
                "stddev": 1.7,
                "valid_percent": 88.89,
            },
        }
    ]
    assert [band["name"] for band in run.item["assets"]["map_visual"]["bands"]] == [
        "red",
        "green",
        "blue",
        "alpha",
    ]


def test_maps_in_other_systems(tmp_path):
    """Degrees have no resolution in metres; a system without a code is written out."""
    (degrees,) = write_maps(tmp_path / "a", DATES[:1], "EPSG:4326")[1:2]
    fields = describe_cog(degrees)
    assert fields["proj:code"] == "EPSG:4326"
    assert "raster:spatial_resolution" not in fields["bands"][0]
    own = write_maps(tmp_path / "b", DATES[:1], "+proj=laea +lat_0=52 +lon_0=5 +datum=WGS84")[1]
    fields = describe_cog(own)
    assert fields["proj:code"] is None
    assert fields["proj:wkt2"].startswith("PROJCRS[")
    assert fields["bands"][0]["raster:spatial_resolution"] == 20


def test_classes_have_names_and_colours(run):
    assert run.collection["assets"]["map_land_cover"]["classification:classes"] == [
        {"value": 0, "name": "none", "title": "none", "color_hint": "CC79A7"},
        {"value": 1, "name": "bare_soil", "title": "bare soil", "color_hint": "0072B2"},
        {"value": 255, "name": "unknown", "title": "unknown", "nodata": True},
    ]
    assert COLOURS[1] == (0x00, 0x72, 0xB2, 255)
    bands = {band["name"]: band for band in run.collection["assets"]["cube"]["bands"]}
    assert [entry["name"] for entry in bands["layover_shadow"]["classification:classes"]] == [
        "layover",
        "shadow",
    ]
    assert bands["coherence_vv"] == {
        "name": "coherence_vv",
        "data_type": "float32",
        "description": "VV interferometric coherence",
        "unit": "1",
        "nodata": "nan",
    }


def test_item_assets_leave_out_what_a_date_has_of_its_own(run):
    described = run.collection["item_assets"]
    assert list(described) == ["map_sigma0_vv", "map_visual", "netcdf", "overview", "thumbnail"]
    assert "statistics" not in described["map_sigma0_vv"]["bands"][0]
    assert described["map_sigma0_vv"]["bands"][0]["unit"] == "1"
    assert "statistics" in run.item["assets"]["map_sigma0_vv"]["bands"][0]
    assert not {"href", "file:size", "file:checksum"} & set(described["netcdf"])


def test_all_parts_of_a_dataset_are_listed(run):
    assert set(run.collection["assets"]) == {
        *("cube", "interferograms", "map", "report", "chips", "objects", "quality", "run"),
        *("map_land_cover", "thumbnail", "overview"),
    }


def test_licences_sources_and_citation(run):
    links = [(link["href"], link["title"]) for link in run.collection["links"] if link["rel"] == "license"]
    assert links == [
        ("https://spdx.org/licenses/CC-BY-4.0.html", "Licence of the dataset: CC-BY-4.0"),
        (links[1][0], "Terms of Sentinel data"),
        (
            "https://spdx.org/licenses/CC-BY-4.0.html",
            "Licence of land_cover (Survey of Tests): CC-BY-4.0",
        ),
    ]
    providers = {provider["name"]: provider for provider in run.collection["providers"]}
    assert list(providers) == ["Copernicus", "Survey of Tests", "A. Tester", "The Test Press"]
    assert providers["Survey of Tests"]["description"] == "Source of land_cover; licence: CC-BY-4.0"
    assert providers["Copernicus"]["description"].endswith("; Nobody was harmed.")
    assert run.collection["sci:citation"] == (
        "A. Tester. SAR benchmark dataset of a place that does not exist, version 1. The Test Press. "
        "https://doi.org/10.5281/zenodo.1234567"
    )
    assert [link["href"] for link in run.collection["links"] if link["rel"] == "cite-as"] == [
        "https://doi.org/10.5281/zenodo.1234567"
    ]


def test_pictures_of_a_map(run):
    item = run.top / "fake-stack-20220110"
    assert run.item["assets"]["thumbnail"]["href"] == "thumbnail.png"
    with Image.open(item / "thumbnail.png") as picture:
        assert (picture.mode, picture.size) == ("RGBA", (6, 9))
        assert picture.getpixel((0, 0))[3] == 0
        assert picture.getpixel((5, 4)) == (200, 200, 200, 255)
    with Image.open(item / "overview.webp") as picture:
        assert (picture.format, picture.size) == ("WEBP", (6, 9))


def test_pictures_without_a_map_show_brightness_with_north_up(run, tmp_path):
    write_stac(run.cube, tmp_path / "stac", Products(netcdf=run.products.netcdf))
    with Image.open(tmp_path / "stac/fake-stack/fake-stack-20220110/thumbnail.png") as picture:
        pixels = np.asarray(picture.convert("LA"))
    # the brightest line is the last, which an ascending pass sees farthest north; a cell has 5 samples of 13
    assert pixels.shape == (7, 2, 2)
    assert (pixels[..., 1] == 255).all()
    assert pixels[0, 0, 0] > pixels[-1, 0, 0]


def test_of_large_dates_some_are_pictured_and_the_reference(run, tmp_path, monkeypatch):
    monkeypatch.setattr(stac, "MOST_READ", 100)  # a date has 91 pixels
    write_stac(run.cube, tmp_path / "stac", Products(netcdf=run.products.netcdf))
    pictured = {path.parent.name for path in tmp_path.rglob("thumbnail.png")}
    assert pictured == {"fake-stack-20220104", "fake-stack-20220110"}  # the first, and the reference
    item = json.loads((tmp_path / "stac/fake-stack/fake-stack-20220116/fake-stack-20220116.json").read_text())
    assert "thumbnail" not in item["assets"]


def test_the_same_input_gives_the_same_bits(run, tmp_path):
    publication = Publication(doi="10.5281/zenodo.1234567")
    (tmp_path / "again").symlink_to(run.output)
    write_stac(run.cube, tmp_path / "stac", run.products, publication=publication)
    again = {path.name: path.read_bytes() for path in tmp_path.rglob("stac/**/*.[pw]*")}
    assert again == {path.name: path.read_bytes() for path in run.output.rglob("stac/**/*.[pw]*")}
