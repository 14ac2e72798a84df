"""Means and ids of vector features in a whole run: the cube, its table, NetCDF, maps, chips, catalogue and report."""

import json
import re
from pathlib import Path

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
from alignsar_gpu.report.drawing.figures import date_ticks

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


def test_layers_lead_to_a_table(output, inputs):
    frame = inputs[3]
    cube = alignsar_gpu.open(output)
    numbers = cube["parcel"].values
    assert numbers.dtype == np.int32
    assert numbers.min() == -1  # north of the map
    assert cube["parcel"].attrs["table"] == "labels/parcel.parquet"
    table = pd.read_parquet(output / "labels" / "parcel.parquet")
    assert table.columns.tolist() == ["number", "id", "crop", "year", "sown"]
    assert table.number.tolist() == list(range(1, len(table) + 1))
    assert 10 < numbers.max() <= len(table)
    rows = frame.set_index("id").loc[table.id]  # ids that no float64 holds
    assert table.crop.tolist() == rows.crop.tolist()
    # most pixels are of the parcel that their centre is in
    places = geopandas.points_from_xy(cube["longitude"].values.ravel(), cube["latitude"].values.ravel())
    inside = geopandas.GeoDataFrame(geometry=places, crs=4326).sjoin(frame, predicate="within")
    own = numbers.ravel()[inside.index]
    known = own > 0
    same = table.id.to_numpy()[own[known] - 1] == inside.id.to_numpy()[known]
    assert known.mean() > 0.95
    assert same.mean() > 0.9
    found = json.loads((output / "quality.json").read_text())["radarcoding"]["layers"]
    assert found["parcel"]["rows"] == found["parcel"]["features"] == len(table)
    assert (found["built"]["lowest"], found["built"]["highest"]) == (rows.year.min(), rows.year.max())


def test_dates_are_numbers_or_dates(output):
    days = alignsar_gpu.open(output)["sown"]
    assert days.dtype == np.float32
    assert days.attrs["units"] == "days since 1970-01-01"
    known = np.isfinite(days.values)
    wanted = pd.Timestamp(1970, 1, 1) + pd.to_timedelta(days.values[known].astype(float), "D")
    with xr.open_dataset(next((output / "netcdf").glob("*.nc"))) as date:
        for decoded in (xr.open_zarr(output / "cube.zarr")["sown"], date["sown"]):
            assert np.isnat(decoded.values[~known]).all()
            assert np.abs(decoded.values[known] - wanted.to_numpy()).max() < np.timedelta64(1, "s")
        assert date["parcel"].dtype == np.int32
    assert 2022 < wanted.year.min() <= wanted.year.max() < 2024


def test_other_products_have_them(output):
    numbers = alignsar_gpu.open(output)["parcel"].values
    on_map = xr.open_zarr(output / "map.zarr")["parcel"].values
    assert set(np.unique(on_map)) <= {-1, *np.unique(numbers)}
    assert (on_map > 0).mean() > 0.2
    with rasterio.open(output / "cogs" / "parcel.tif") as file:
        assert (file.nodata, file.dtypes) == (-1, ("int32",))
        np.testing.assert_array_equal(file.read(1), on_map)
    chips = alignsar_gpu.open_dataset(output)
    target = chips.targets.sel(target_layer="parcel").values
    known = np.isfinite(target)
    assert set(np.unique(target[known])) <= set(np.unique(numbers[numbers >= 0]).astype(float))
    assert 0.0 < known.mean() < 1.0  # what is not known, -1, is NaN in chips
    (collection,) = pystac.Catalog.from_file(str(output / "stac" / "catalog.json")).get_children()
    asset = collection.assets["table_parcel"]
    file = output / "labels" / "parcel.parquet"
    assert asset.extra_fields["file:size"] == file.stat().st_size
    manifest = json.loads((output / "manifest.json").read_text())["files"]["labels/parcel.parquet"]
    assert asset.extra_fields["file:checksum"] == f"1220{manifest['sha256']}"
    page = (output / "report" / "index.html").read_text()
    assert "labels/parcel.parquet has a row for each" in page
    assert "2023-" in next((output / "report").rglob("label_sown.svg")).read_text()


def test_a_bar_of_dates_has_years_where_these_are_many():
    assert date_ticks((15897.0, 18452.0), 5) == {
        16071.0: "2014",
        16801.0: "2016",
        17532.0: "2018",
        18262.0: "2020",
    }
    assert date_ticks((19018.5, 19040.0), 5) == {19019.0: "2022-01-27", 19040.0: "2022-02-17"}
    assert date_ticks((19361.0, 19362.0), 5) == {19361.0: "2023-01-04", 19362.0: "2023-01-05"}


def test_the_join_of_the_page(output):
    """The snippet of docs/labels.md, on this run."""
    page = Path(__file__).parents[2] / "docs" / "labels.md"
    (code,) = (
        part
        for part in re.findall(r"```python\n(.*?)```", page.read_text(), re.S)
        if "parcel.parquet" in part
    )
    code = code.replace("outputs/mine", str(output)).replace("print(", "found.append(")
    found = []
    exec(code, {"found": found})
    (means,) = found
    assert set(means.index) == {"barley", "olives"}
    assert (means > 0).all()


def test_a_lost_table_is_made_again_with_the_same_bits(output, inputs, tmp_path):
    safe, dem, folder, _ = inputs
    keys = [
        "signatures.names=[sigma0]",
        "dataset.chunk_lines=32",
        "device.threads=1",
        "device.memory_gib=0.2",
    ]
    again = [*burst_of(safe, dem, AREA, *keys, *layers(folder)), *CUBE_ALONE, f"output={tmp_path / 'out'}"]
    run(*again)
    table = tmp_path / "out" / "labels" / "parcel.parquet"
    made = checksums(tmp_path / "out", "labels", "cube.zarr")
    assert checksums(output, "labels") == checksums(tmp_path / "out", "labels")
    for name in ("parcel", "built", "sown"):
        np.testing.assert_array_equal(
            *(alignsar_gpu.open(o)[name].values for o in (output, tmp_path / "out"))
        )
    table.unlink()
    run(*again)
    assert checksums(tmp_path / "out", "labels", "cube.zarr") == made


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ("method=median", "radarcoding.layers.parcel.method=median: choose from fraction, mean, largest"),
        ("attribute=idd", "parcels.gpkg: has no attribute 'idd'"),
    ],
)
def test_wrong_keys_are_refused_before_any_work(inputs, tmp_path, change, text):
    safe, dem, folder, _ = inputs
    keys = burst_of(safe, dem, AREA, "signatures.names=[sigma0]", *layers(folder))
    refuse(text, *keys, f"++radarcoding.layers.parcel.{change}", f"output={tmp_path / 'out'}")
    assert not (tmp_path / "out").exists()
