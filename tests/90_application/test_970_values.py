"""Means and ids of vector features in a whole run: the cube, its table, NetCDF, maps, chips, catalogue and report."""

import json

import geopandas
import numpy as np
import pandas as pd
import pystac
import pytest
import rasterio
import shapely
import xarray as xr
from command_line import burst_of, checksums, refuse, run
from fake_burst import write_scene
from small_runs import CUBE_ALONE

import alignsar_gpu

AREA = "products.area=[-8.5,31.66,-8.42,31.70]"
FIRST = 9_007_199_254_740_993  # beyond what float64 can tell apart


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A product with its DEM, and parcels all over it but for the north."""
    folder = tmp_path_factory.mktemp("values")
    safe, dem = write_scene(folder)
    with rasterio.open(dem) as file:
        box = shapely.box(*file.bounds)
    rng = np.random.default_rng(1)
    seeds = shapely.MultiPoint(rng.uniform(box.bounds[:2], box.bounds[2:], (4000, 2)))
    parts = [part.intersection(box) for part in shapely.voronoi_polygons(seeds, extend_to=box).geoms]
    rows = len(parts)
    frame = geopandas.GeoDataFrame(
        {
            "id": FIRST + np.arange(rows),
            "crop": np.array(["barley", "olives"])[rng.integers(0, 2, rows)],
            "year": 1950 + rng.integers(0, 70, rows),
            "sown": pd.Timestamp(2023, 1, 1) + pd.to_timedelta(rng.integers(0, 200, rows), "D"),
        },
        geometry=parts,
        crs=4326,
    )
    frame = frame[frame.geometry.bounds.maxy < 31.695]
    frame.to_file(folder / "parcels.gpkg", driver="GPKG")
    return safe, dem, folder, frame


def layers(folder):
    return [
        f"+radarcoding.layers.parcel={{path: {folder}/parcels.gpkg, method: largest, attribute: id}}",
        f"+radarcoding.layers.built={{path: {folder}/parcels.gpkg, method: mean, attribute: year, units: year}}",
        f"+radarcoding.layers.sown={{path: {folder}/parcels.gpkg, method: mean, attribute: sown}}",
    ]


@pytest.fixture(scope="module")
def output(inputs, tmp_path_factory):
    safe, dem, folder, _ = inputs
    output = tmp_path_factory.mktemp("made") / "out"
    keys = [
        "signatures.names=[sigma0]",
        "dataset.chunk_lines=64",
        "geocoding.resolution=100",
        "chips.size=[8,8]",
    ]
    keys += ["chips.split.shares.train=1", "chips.split.shares.validation=0", "chips.split.shares.test=0"]
    run(*burst_of(safe, dem, AREA, *keys, *layers(folder)), f"output={output}")
    return output


def test_it_runs(output):
    print(sorted(p.name for p in output.iterdir()))
