"""A run with ready label sets: classes, credits and colours in the cube, chips, maps and the catalogue."""

import json

import numpy as np
import pystac
import pytest
import rasterio
import xarray as xr
from command_line import burst_of, run
from fake_burst import write_scene
from raster_maps import write
from rasterio.transform import Affine

AREA = "products.area=[-8.5,31.66,-8.42,31.70]"


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("sets")
    safe, dem = write_scene(folder)
    codes = np.tile(np.repeat(np.uint8([10, 80]), 100), (200, 1))
    write(folder / "w.tif", codes, Affine(1e-3, 0, -8.56, 0, -1e-3, 31.78), nodata=0)
    layers = [f"radarcoding.layers.cover.{key}" for key in ("set=worldcover", f"path={folder}/w.tif")]
    output = folder / "out"
    chips = [
        "chips.size=[8,8]",
        "chips.split.shares.validation=0",
        "chips.split.shares.test=0",
        "chips.split.shares.train=1",
    ]
    more = ["signatures.names=[sigma0]", "netcdf=none", "report=none", "geocoding.resolution=60", *chips]
    run(*burst_of(safe, dem, AREA, *layers, *more, f"output={output}"))
    return output


def test_cube(labelled):
    cover = xr.open_zarr(labelled / "cube.zarr")["cover"]
    assert {1, 8} <= set(np.unique(cover.values)) <= {1, 8, 255}
    assert cover.attrs["flag_meanings"].split()[8] == "permanent_water"
    assert cover.attrs["attribution"].startswith("© ESA WorldCover project 2021")


def test_chips_say_whom_to_credit(labelled):
    layers = json.loads((labelled / "chips" / "dataset.json").read_text())["layers"]
    about = layers["cover"]
    assert (about["license"], about["source"]) == ("CC-BY-4.0", "ESA WorldCover 10 m 2021 v200")
    assert "10.5281/zenodo.7254221" in about["references"]
    assert about["attribution"].startswith("© ESA WorldCover project 2021")
    assert about["flag_colors"].split()[8] == "#0064c8"


def test_maps_and_catalogue(labelled):
    with rasterio.open(labelled / "cogs" / "cover.tif") as file:
        assert file.colormap(1)[8] == (0, 100, 200, 255)
        assert file.tags()["license"] == "CC-BY-4.0"
    (collection,) = pystac.Catalog.from_file(str(labelled / "stac" / "catalog.json")).get_children()
    (source,) = [one for one in collection.providers if "WorldCover" in one.name]
    assert "attribution: © ESA WorldCover project 2021" in source.description
    assert any("CC-BY-4.0" in str(link.target) for link in collection.get_links("license"))


def test_the_configuration_that_it_writes(labelled):
    assert "tree_cover" in (labelled / "run.yaml").read_text()
