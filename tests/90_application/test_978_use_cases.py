"""The use cases of the paper on AlignSAR by name, each on small products simulated at its place with a stand-in map."""

import fake_maps
import geopandas
import numpy as np
import pytest
import shapely
import xarray as xr
from command_line import refuse, run
from pyproj import Transformer

FIRST, SECOND = ("2022-01-09", "2022-01-21"), ("2022-01-20", "2022-02-01")  # from and until: of one pass each
SMALL = [
    *(
        "device=cpu",
        "report=none",
        "netcdf=none",
        "simulate=default",
        "simulate.dates=2",
        "simulate.bursts=1",
    ),
    *(
        "simulate.swaths=[iw1]",
        "simulate.lines=120",
        "simulate.samples=400",
        "simulate.scene.cover_posting=40",
    ),
    *("simulate.truth_lines=50", "simulate.truth_samples=50", "simulate.scene.relief=20", "dem=ellipsoid"),
    "chips.size=[8,32]",
]


def groningen(folder):
    """TOP10NL around 6.57 E 53.22 N: the little map of other tests, larger and moved."""
    source = fake_maps.top10nl(folder / "elsewhere.gpkg")
    frames = {name: geopandas.read_file(source, layer=name) for name in geopandas.list_layers(source)["name"]}
    middle = np.mean([frame.total_bounds[[0, 2]].mean() for frame in frames.values()])
    there = Transformer.from_crs(4326, 28992, always_xy=True).transform(6.57, 53.22)
    path = folder / "top10nl.gpkg"
    for name, frame in frames.items():
        down = frame.total_bounds[[1, 3]].mean()
        moved = frame.geometry.translate(there[0] - middle, there[1] - down).scale(1.5, 20.0, origin=there)
        frame.set_geometry(moved).to_file(path, layer=name, driver="GPKG")
    return path


def outlines(path, longitude, latitude, **columns):
    """Squares side by side around a place."""
    count = len(next(iter(columns.values())))
    west = longitude + 0.004 * (np.arange(count) - 0.5 * count)
    boxes = shapely.box(west, latitude - 0.003, west + 0.004, latitude + 0.003)
    geopandas.GeoDataFrame(columns, geometry=boxes, crs=4326).to_file(path)
    return path


def made(folder, name, longitude, latitude, *keys):
    """Run a use case on products simulated at a place, by one command."""
    output = folder / "out"
    place = [
        f"simulate.longitude={longitude}",
        f"simulate.latitude={latitude}",
        f"simulate.path={folder / 'simulated'}",
    ]
    paths = [
        f"products.path={folder / 'simulated' / 'products'}",
        f"orbits.path={folder / 'simulated' / 'orbits'}",
        f"dem.path={folder / 'simulated' / 'scene' / 'dem.tif'}",
    ]
    run(f"+experiment={name}", *SMALL, *place, *paths, *keys, f"output={output}")
    return xr.open_zarr(output / "cube.zarr", chunks=None), xr.open_zarr(
        output / "chips" / "chips.zarr", chunks=None
    )


def test_groningen(tmp_path):
    path = groningen(tmp_path)
    cube, chips = made(tmp_path, "groningen", 6.57, 53.22, f"radarcoding.layers.map.path={path}")
    assert {"map_building", "map_road", "map_terrain_grassland", "label"} <= set(cube)
    assert len(np.unique(cube["label"].values)) > 3
    assert list(chips["class_layer"].values) == ["label"]


def test_oil_spills(tmp_path):
    path = outlines(
        tmp_path / "slicks.gpkg", 80.45, 13.15, id=["a", "b"], valid_from=FIRST, valid_until=SECOND
    )
    keys = (
        "products.area=[80.3,13.0,80.6,13.3]",
        f"radarcoding.layers.oil_slick.path={path}",
        "simulate.scene.sea_share=0.9",
    )
    cube, chips = made(tmp_path, "oil_spills", 80.45, 13.15, *keys)
    first, second = (np.unique(cube["oil_slick"].values[date]) for date in (0, 1))
    assert (first.max(), second.max()) == (1, 2)
    assert 2 not in first
    assert 1 not in second
    assert list(chips["dated_target_layer"].values) == ["oil_slick"]
    assert (tmp_path / "out" / "chips" / "coco" / "train.json").is_file()


def test_subsidence(tmp_path):
    path = outlines(tmp_path / "rates.gpkg", 18.95, 50.25, rate=[0.5, 1.5])
    cube, chips = made(tmp_path, "subsidence", 18.95, 50.25, f"radarcoding.layers.subsiding.path={path}")
    rate = cube["subsiding"].values
    assert (np.nanmin(rate), np.nanmax(rate)) == pytest.approx((0.5, 1.5))
    assert "slc_vv_real" in chips["layer"].values
    assert list(chips["target_layer"].values) == ["subsiding"]


@pytest.mark.parametrize(
    ("name", "layer", "words"),
    [
        ("groningen", "map", "take TOP10NL of pdok.nl"),
        ("oil_spills", "oil_slick", "must be given"),
        ("subsidence", "subsiding", "must be given"),
    ],
)
def test_what_is_not_given_is_named(name, layer, words, tmp_path):
    result = refuse(words, f"+experiment={name}", "products.path=x", "dem.path=x", f"output={tmp_path}")
    assert f"radarcoding.layers.{layer}.path: must be given" in result.stderr
