"""Labels of every kind in whole runs: what is written, interruptions, bad input, and stacks of others."""

import json

import geopandas
import numpy as np
import pandas as pd
import pytest
import rasterio
import shapely
import xarray as xr
from command_line import burst_of, checksums, refuse, run
from fake_burst import write_scene
from rasterio.transform import Affine
from scipy.interpolate import griddata
from small_runs import CUBE_ALONE, NO_REPORT, start_and_kill

AREA = "products.area=[-8.5,31.66,-8.42,31.70]"
KINDS = ("field", "forest", "town")
CRS = "EPSG:32629"


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """A product with its DEM, and files of every kind over it."""
    folder = tmp_path_factory.mktemp("labels")
    safe, dem = write_scene(folder)
    with rasterio.open(dem) as file:
        box = shapely.box(*file.bounds)
    rng = np.random.default_rng(1)
    seeds = shapely.MultiPoint(rng.uniform(box.bounds[:2], box.bounds[2:], (4000, 2)))
    parts = [part.intersection(box) for part in shapely.voronoi_polygons(seeds, extend_to=box).geoms]
    frame = geopandas.GeoDataFrame(
        {"kind": [KINDS[number % 3] for number in range(len(parts))], "rise": 25.0}, geometry=parts, crs=4326
    )
    frame.to_crs(CRS).to_file(folder / "map.gpkg", layer="land", driver="GPKG")
    road = shapely.LineString([(-8.6, 31.61), (-8.3, 31.76)])
    roads = geopandas.GeoDataFrame({"name": ["road"]}, geometry=[road.segmentize(0.01)], crs=4326)
    roads.to_crs(CRS).to_file(folder / "map.gpkg", layer="road", driver="GPKG")
    with rasterio.open(
        folder / "cover.tif", "w", driver="GTiff", height=400, width=500, count=1, dtype="uint8", crs=4326,
        transform=Affine((box.bounds[2] - box.bounds[0]) / 500, 0, box.bounds[0], 0,
                         -(box.bounds[3] - box.bounds[1]) / 400, box.bounds[3]),
    ) as file:  # fmt: skip
        file.write(rng.integers(1, 4, (1, 400, 500), dtype=np.uint8))
    points = rng.uniform(box.bounds[:2], box.bounds[2:], (20000, 2))
    pd.DataFrame({"longitude": points[:, 0], "latitude": points[:, 1], "height": 900.0}).to_csv(
        folder / "points.csv", index=False
    )
    axes = {
        "time": np.array(["2023-09-03T00", "2023-09-05T00"], dtype="datetime64[ns]"),
        "latitude": np.arange(33.0, 30.0, -0.25),
        "longitude": np.arange(350.0, 353.5, 0.25),
    }
    latitude, longitude = np.meshgrid(axes["latitude"], axes["longitude"], indexing="ij")
    delay = 2.0 + 0.05 * (latitude - 31.0) + 0.02 * (longitude - 351.0)
    values = np.stack([delay, delay + 0.01])
    xr.Dataset({"ztd": (tuple(axes), values, {"units": "m"})}, coords=axes).to_netcdf(folder / "air.nc")
    return safe, dem, folder


def layers(folder):
    """The keys of a layer of every kind."""
    return [
        f"+radarcoding.layers.land={{path: {folder}/map.gpkg, layer: land, attribute: kind}}",
        f"+radarcoding.layers.road={{path: {folder}/map.gpkg, layer: road, width: 12}}",
        f"+radarcoding.layers.cover={{kind: raster, path: {folder}/cover.tif, method: fraction}}",
        "+radarcoding.layers.cover.classes={a: [1, 2], b: [3]}",
        f"+radarcoding.layers.most={{kind: raster, path: {folder}/cover.tif, method: majority}}",
        f"+radarcoding.layers.ground={{kind: raster, path: {folder}/dem.tif, derivatives: true}}",
        f"+radarcoding.layers.points={{kind: points, path: {folder}/points.csv, crs: EPSG:4326}}",
        "+radarcoding.layers.points.vertical_datum=ellipsoid",
        "+radarcoding.layers.points.statistics=[count,mean]",
        f"+radarcoding.layers.air={{kind: field, path: {folder}/air.nc, delay: zenith}}",
    ]


def small(inputs, *more):
    """The arguments of a run on a small part of the burst."""
    safe, dem, _ = inputs
    return burst_of(safe, dem, AREA, "signatures.names=[sigma0]", "dataset.chunk_lines=64", *more)


@pytest.fixture(scope="module")
def labelled(inputs, tmp_path_factory):
    output = tmp_path_factory.mktemp("labelled") / "out"
    arguments = small(inputs, *layers(inputs[2]), "dem.standard_deviation=3", "radarcoding.overlaps=last")
    run(*arguments, f"output={output}")
    return output, arguments


def test_every_kind_becomes_layers(labelled, inputs):
    cube = xr.open_zarr(labelled[0] / "cube.zarr")
    expected = {
        *(f"land_{kind}" for kind in KINDS),
        *(
            "road",
            "cover_a",
            "cover_b",
            "most",
            "points_count",
            "points_mean",
            "air",
            "air_slant",
            "air_phase",
        ),
        *("label", "ground_area", "position_uncertainty"),
        *("ground_slope", "ground_gradient_east", "ground_gradient_north"),
    }
    assert expected <= set(cube.data_vars)
    ground = cube["ground_area"].values > 0
    assert ground.mean() > 0.9
    shares = sum(cube[f"land_{kind}"].values for kind in KINDS) + cube["road"].values
    assert np.abs(shares[ground] - 1.0).max() < 1e-3  # the road lies on top of a partition
    cover = cube["cover_a"].values + cube["cover_b"].values
    assert np.abs(cover[ground] - 1.0).max() < 1e-6
    assert 0.6 < np.nanmean(cube["cover_a"]) < 0.73
    label = cube["label"]
    assert label.dtype == np.uint8
    assert label.attrs["flag_meanings"] == "none land_field land_forest land_town road unknown"
    assert set(np.unique(label)) <= {0, 1, 2, 3, 4, 255}
    for name in ("land_field", "most", "points_mean", "air_phase"):
        assert cube[name].attrs["inherited_from"]
    assert cube["points_count"].sum() > 20
    assert np.allclose(np.nanmax(cube["points_mean"]), 900.0)
    assert cube["ground_slope"].attrs["units"] == "degrees"
    assert 0.0 <= np.nanmin(cube["ground_slope"]) < np.nanmax(cube["ground_slope"]) < 60.0
    incidence = np.cos(np.radians(cube["incidence_angle"].values))
    assert (
        np.nanmax(np.abs(cube["position_uncertainty"].values - 3.0 * incidence / cube.attrs["range_spacing"]))
        < 0.02
    )


def test_delays_are_those_of_the_field(labelled):
    cube = xr.open_zarr(labelled[0] / "cube.zarr")
    hours = (cube["time"].values[0] - np.datetime64("2023-09-03T00")) / np.timedelta64(48, "h")
    truth = 2.0 + 0.05 * (cube["latitude"] - 31.0) + 0.02 * (cube["longitude"] + 9.0) + 0.01 * hours
    assert float(np.abs(cube["air"][0] - truth).max()) < 1e-6
    assert cube["air"].attrs["units"] == "m"
    slant = truth / np.cos(np.radians(cube["incidence_angle"]))
    assert float(np.abs(cube["air_slant"][0] - slant).max()) < 1e-5
    assert float(np.abs(cube["air_phase"][0]).max()) == 0.0  # the reference has none with itself


def test_it_is_said_what_was_read(labelled, inputs):
    quality = json.loads((labelled[0] / "quality.json").read_text())
    found = quality["radarcoding"]["layers"]
    west, south, east, north = json.loads(AREA.split("=")[1])
    parts = geopandas.read_file(inputs[2] / "map.gpkg", layer="land").to_crs(4326)
    inside = parts.intersects(shapely.box(west, south, east, north)).sum()
    assert 10 < inside <= found["land"]["features"] < len(parts)
    assert found["land"]["repaired"] == 0
    assert found["land"]["classes"] == list(KINDS)
    assert "UTM" in found["land"]["coordinates"]
    # what the pixels of the made product show has nothing to do with any map
    assert quality["radarcoding"]["label_offset"]["reason"]
    cube = xr.open_zarr(labelled[0] / "cube.zarr")
    assert cube.attrs["label_offset"].startswith("not measured: ")
    report = (labelled[0] / "report" / "index.html").read_text()
    assert 'id="labels"' in report
    assert "How far labels are off against the image" in report
    with xr.open_dataset(next((labelled[0] / "netcdf").glob("*.nc"))) as date:
        assert date["land_field"].dims == ("azimuth", "range")
        assert date["most"].attrs["flag_meanings"] == "none class_1 class_2 class_3 unknown"


def test_killed_and_continued_is_the_same_bits(labelled, tmp_path):
    output, arguments = labelled
    again = [*arguments, NO_REPORT, f"output={tmp_path / 'out'}"]
    journal = tmp_path / "out" / ".unfinished" / "journal"
    start_and_kill(again, lambda: list(journal.glob("labels-*.json")))
    result = run(*again)
    assert "continues" in result.stderr
    assert checksums(tmp_path / "out", "cube.zarr", "netcdf") == checksums(output, "cube.zarr", "netcdf")
    kept = [
        json.loads((folder / "quality.json").read_text())["radarcoding"]
        for folder in (tmp_path / "out", output)
    ]
    assert kept[0] == kept[1]


def test_memory_and_threads_do_not_change_a_bit(labelled, tmp_path):
    output, arguments = labelled
    small = ["device.memory_gib=0.15", "device.threads=1"]
    run(*arguments, *CUBE_ALONE, *small, f"output={tmp_path / 'out'}")
    assert checksums(tmp_path / "out", "cube.zarr") == checksums(output, "cube.zarr")


def test_roofs_move_and_buildings_without_height_do_not(inputs, tmp_path):
    _, _, folder = inputs
    for name, more in (("low", ""), ("high", ", height: rise")):
        keys = f"+radarcoding.layers.land={{path: {folder}/map.gpkg, layer: land, where: \"kind = 'town'\"{more}}}"
        run(*small(inputs, keys), *CUBE_ALONE, f"output={tmp_path / name}")
    low, high = (xr.open_zarr(tmp_path / name / "cube.zarr") for name in ("low", "high"))
    flat = np.nan_to_num(low["land"].values)
    raised = np.nan_to_num(high["land"].values)
    moved = [np.mean(flat[:, shift:] * raised[:, : raised.shape[1] - shift]) for shift in range(20)]
    incidence = np.cos(np.radians(float(low["incidence_angle"].mean())))
    assert abs(int(np.argmax(moved)) - 25.0 * incidence / low.attrs["range_spacing"]) <= 2.0


# Words of the message, and the keys of a layer that is refused.
BAD = (
    ("no such file", "{path: FOLDER/none.gpkg}"),
    ("land, road", "{path: FOLDER/map.gpkg, layer: houses}"),
    ("land, road", "{path: FOLDER/map.gpkg}"),
    ("kind, rise", "{path: FOLDER/map.gpkg, layer: land, attribute: sort}"),
    ("width", "{path: FOLDER/map.gpkg, layer: road}"),
    ("has no band 7", "{kind: raster, path: FOLDER/cover.tif, bands: [7]}"),
    ("crs says", "{kind: raster, path: FOLDER/cover.tif, crs: EPSG:28992}"),
    ("vertical_datum", "{kind: points, path: FOLDER/points.csv, crs: EPSG:4326}"),
    ("has no variable 'rain'", "{kind: field, path: FOLDER/air.nc, variable: rain}"),
    ("must be at least", "{path: FOLDER/map.gpkg, layer: road, width: -3}"),
)


@pytest.mark.parametrize(("words", "keys"), BAD)
def test_bad_input_is_refused_by_its_key(inputs, tmp_path, words, keys):
    output, keys = tmp_path / "out", keys.replace("FOLDER", str(inputs[2]))
    result = refuse(words, *small(inputs, f"+radarcoding.layers.it={keys}", f"output={output}"))
    assert "radarcoding.layers.it" in result.stderr
    assert not output.exists()


def test_data_outside_the_scene(inputs, tmp_path):
    frame = geopandas.GeoDataFrame(geometry=[shapely.box(5.0, 52.0, 5.1, 52.1)], crs=4326)
    frame.to_file(tmp_path / "far.gpkg", driver="GPKG")
    keys = f"+radarcoding.layers.it={{path: {tmp_path}/far.gpkg}}"
    refuse("none of its features lies inside", *small(inputs, keys, f"output={tmp_path / 'out'}"))
    keys = f"+radarcoding.layers.air={{kind: field, path: {inputs[2]}/air.nc}}"
    with xr.open_dataset(inputs[2] / "air.nc") as field:
        field.assign_coords(time=field["time"] + np.timedelta64(90, "D")).to_netcdf(tmp_path / "late.nc")
    keys = f"+radarcoding.layers.it={{kind: field, path: {tmp_path}/late.nc}}"
    refuse("tolerance_hours", *small(inputs, keys, f"output={tmp_path / 'out'}"))


def test_names_that_are_taken(inputs, tmp_path):
    keys = f"+radarcoding.layers.height={{path: {inputs[2]}/map.gpkg, layer: land}}"
    refuse("'height' is the name of another layer", *small(inputs, keys, f"output={tmp_path / 'out'}"))


def test_a_stack_without_terrain(inputs, tmp_path):
    keys = f"+radarcoding.layers.land={{path: {inputs[2]}/map.gpkg, layer: land}}"
    output = f"output={tmp_path / 'out'}"
    for products in (["products=synthetic"], ["products=snap", "products.path=x"]):
        refuse("dem.path: must be given with radarcoding.layers", *products, keys, output)


def test_a_stack_of_snap_takes_its_own_coordinates(tmp_path, real_data):
    """Amsterdam: a class that runs through pixels where SNAP says that they are lies in these pixels."""
    data = real_data("s1_amsterdam_snap_stack")
    snap = xr.open_zarr(data / "20230331-coreg.znap", consolidated=False)
    longitude, latitude, height = (
        snap[f"{name}_VV"].values.astype(float) for name in ("longitude", "latitude", "elevation")
    )
    step = 0.0001
    west, north = longitude.min() - 0.02, latitude.max() + 0.02
    columns, rows = int((longitude.max() + 0.02 - west) / step), int((north - latitude.min() + 0.02) / step)
    places = np.meshgrid(west + step * (np.arange(columns) + 0.5), north - step * (np.arange(rows) + 0.5))
    posts = griddata((longitude.ravel(), latitude.ravel()), height.ravel(), tuple(places), method="linear")
    with rasterio.open(
        tmp_path / "dem.tif", "w", driver="GTiff", height=rows, width=columns, count=1, dtype="float32",
        crs=4326, transform=Affine(step, 0, west, 0, -step, north),
    ) as file:  # fmt: skip
        file.write(np.where(np.isnan(posts), np.median(height), posts).astype(np.float32)[np.newaxis])
    border = [(20, j) for j in range(60, 251)] + [(i, 250) for i in range(21, 61)]
    border += [(60, j) for j in range(249, 59, -1)] + [(i, 60) for i in range(59, 20, -1)]
    ring = [(longitude[pixel], latitude[pixel]) for pixel in border]
    geopandas.GeoDataFrame(geometry=[shapely.Polygon(ring)], crs=4326).to_file(tmp_path / "box.geojson")
    run(
        *("+experiment=amsterdam", f"products.path={data}", "device=cpu", "dem=ellipsoid"),
        *(f"dem.path={tmp_path / 'dem.tif'}", f"+radarcoding.layers.box.path={tmp_path / 'box.geojson'}"),
        "+radarcoding.layers.box.coverage=everywhere",
        *CUBE_ALONE, f"output={tmp_path / 'out'}",
    )  # fmt: skip
    share = xr.open_zarr(tmp_path / "out" / "cube.zarr")["box"].values
    truth = np.zeros(share.shape)
    truth[20:61, 60:251] = 0.5
    truth[21:60, 61:250] = 1.0
    assert np.mean(np.abs(share - truth) < 0.05) > 0.999
    assert np.isclose(share.sum(), 40 * 190, rtol=1e-3)
