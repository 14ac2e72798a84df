"""Neither paths of the machine nor values of its environment reach the files that a run writes."""

from __future__ import annotations

import geopandas
import pytest
import shapely
import xarray as xr
from command_line import burst_of, run
from fake_burst import write_scene
from omegaconf import OmegaConf

from alignsar_gpu.application.published import Published

OWNER, PLACE = "jane-doe-2718", "secret-institute-3141"


def published(monkeypatch, text, **environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return Published(OmegaConf.create(text))


@pytest.fixture(scope="module")
def output(tmp_path_factory):
    """A run whose inputs lie in a folder that says who works where, with a name and a path from the environment."""
    folder = tmp_path_factory.mktemp("home") / OWNER
    safe, dem = write_scene(folder)
    shapes = [shapely.box(-8.49, 31.67, -8.45, 31.69), shapely.Point(-8.46, 31.68)]  # the point: a warning
    geopandas.GeoDataFrame(geometry=shapes, crs=4326).to_file(folder / "map.gpkg")
    output = folder / "out"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DEM_OF_THE_INSTITUTE", str(dem))
        patch.setenv("INSTITUTE", PLACE)
        run(
            *burst_of(safe, "${oc.env:DEM_OF_THE_INSTITUTE}", "products.area=[-8.5,31.66,-8.42,31.70]"),
            "signatures.names=[sigma0]", f"+radarcoding.layers.land={{path: {folder}/map.gpkg}}",
            "dataset.institution=${oc.env:INSTITUTE}", f"output={output}",
        )  # fmt: skip
    return output


def test_no_file_of_a_run_says_where_its_inputs_lie_and_what_the_environment_held(output):
    files = [path for path in output.rglob("*") if path.is_file()]
    assert {path.suffix for path in files} >= {".json", ".yaml", ".html", ".nc"}
    for path in files:
        content = path.read_bytes()
        assert OWNER.encode() not in content, path
        assert PLACE.encode() not in content, path


def test_names_and_references_are_kept(output):
    kept = OmegaConf.to_container(OmegaConf.load(output / "run.yaml"), resolve=False)
    assert kept["dem"]["path"] == "${oc.env:DEM_OF_THE_INSTITUTE}"
    assert kept["dataset"]["institution"] == "${oc.env:INSTITUTE}"
    assert kept["products"]["path"].endswith(".SAFE")
    assert "/" not in kept["products"]["path"]
    assert kept["radarcoding"]["layers"]["land"]["path"] == "map.gpkg"
    assert kept["output"] == "out"


def test_what_comes_from_the_environment_is_left_out_of_the_attributes_with_a_warning(output):
    assert "institution" not in xr.open_zarr(output / "cube.zarr").attrs
    quality = (output / "quality.json").read_text()
    assert "dataset.institution: comes from the environment and is not written" in quality
    assert "land: map.gpkg: 1 points were left out" in quality


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/a/b/c.tif", "c.tif"),
        ("~/data/c.tif", "c.tif"),
        ("~jane/c.tif", "c.tif"),
        ("/a/folder/", "folder/"),
        ("data/c.tif", "data/c.tif"),
        ("zip:///a/b/c.zip!d/e.tif", "zip://c.zip!d/e.tif"),
        ("https://host/a/c.tif", "https://host/a/c.tif"),
        ("POLYGON ((4 52, 5 52, 5 53, 4 52))", "POLYGON ((4 52, 5 52, 5 53, 4 52))"),
        ("m/s", "m/s"),
        ("${output}/simulated", "${output}/simulated"),
    ],
)
def test_absolute_paths_become_names(path, name, monkeypatch):
    found = published(monkeypatch, {"output": "out", "dem": {"path": path}, "several": [path, 1]})
    kept = OmegaConf.to_container(OmegaConf.create(found.configuration), resolve=False)
    assert kept == {"output": "out", "dem": {"path": name}, "several": [name, 1]}


def test_texts_that_mention_paths_and_values(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", "/home/jane")
    text = {
        "dem": "/a/b",
        "tile": "/a/b/c.tif",
        "token": "${oc.env:TOKEN}",
        "mode": "${oc.env:MODE}",
        "here": "x.tif",
    }
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x.tif").touch()
    found = published(monkeypatch, text, TOKEN="abcdef", MODE="vv")
    assert found.from_environment == ("token", "mode")
    assert found("/a/b/c.tif and /a/b/d.tif") == "c.tif and b/d.tif"
    assert found({"with abcdef": ["vv", ("/home/jane/.cache", 3.0)]}) == {
        "with ${oc.env:TOKEN}": ["vv", ("~/.cache", 3.0)]
    }
    assert found(f"{tmp_path}/x.tif") == "x.tif"
