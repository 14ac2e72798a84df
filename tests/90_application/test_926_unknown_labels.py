"""A run with a map that ends within the scene: cube, NetCDF, quality.json, summary and report say what is unknown."""

import json

import geopandas
import numpy as np
import pytest
import shapely
import xarray as xr
from command_line import burst_of, run
from fake_burst import write_scene

AREA = [-8.5, 31.66, -8.42, 31.70]
END = -8.46  # degrees east, of the map


@pytest.fixture(scope="module")
def labelled(tmp_path_factory):
    folder = tmp_path_factory.mktemp("unknown")
    safe, dem = write_scene(folder)
    shapes = [shapely.box(-9.0, 31.0, -8.48, 31.68), shapely.box(-8.48, 31.68, END, 32.5)]
    frame = geopandas.GeoDataFrame({"kind": ["field", "forest"]}, geometry=shapes, crs=4326)
    frame.to_file(folder / "map.gpkg", driver="GPKG")
    keys = f"+radarcoding.layers.land={{path: {folder}/map.gpkg, attribute: kind}}"
    area = f"products.area={AREA}".replace(" ", "")
    output = folder / "out"
    found = run(*burst_of(safe, dem, area, "signatures.names=[sigma0]", keys, f"output={output}"))
    return output, found


def test_the_cube_and_netcdf(labelled):
    cube = xr.open_zarr(labelled[0] / "cube.zarr")
    known, label = cube["labelled_land"].values, cube["label"].values
    ground = np.isfinite(cube["longitude"].values)
    apart = np.abs(cube["longitude"].values - END) > 1e-3
    assert np.array_equal(known[ground & apart], (cube["longitude"].values < END)[ground & apart])
    assert 0.2 < known.mean() < 0.8
    assert np.array_equal(label == 255, ~known)
    assert {0, 1, 2} == set(np.unique(label[known]))
    for name in ("land_field", "land_forest"):
        assert np.array_equal(np.isnan(cube[name].values), ~known)
    with xr.open_dataset(next((labelled[0] / "netcdf").glob("*.nc"))) as date:
        assert date["label"].dtype == np.uint8
        assert date["label"].attrs["flag_values"].tolist() == [0, 1, 2, 255]
        assert date["label"].attrs["flag_meanings"] == "none land_field land_forest unknown"
        assert np.array_equal(date["label"].values, label)
        assert np.array_equal(date["labelled_land"].values.astype(bool), known)
        assert np.array_equal(np.isnan(date["land_field"].values), ~known)


def test_what_is_said(labelled):
    output, found = labelled
    cube = xr.open_zarr(output / "cube.zarr")
    facts = json.loads((output / "quality.json").read_text())["radarcoding"]
    ground = cube["ground_area"].values > 0.0
    share = cube["labelled_land"].values[ground].mean()
    assert facts["known"] == {"land": pytest.approx(share)}
    assert f"coverage=extent: the map covers {100 * share:.1f} % of the scene" in found.stdout
    classes = facts["classes"]["label"]
    numbers = dict(zip(classes, (0, 1, 2, 255), strict=True))
    power = cube["sigma0_vv"].values[0].astype(float)
    power[cube["layover_shadow"].values > 0] = np.nan
    for name, number in numbers.items():
        pixels = cube["label"].values == number
        assert classes[name]["pixels"] == pixels.sum()
        assert classes[name]["share"] == pytest.approx(pixels.mean())
        assert classes[name]["brightness_db"] == pytest.approx(
            10 * np.log10(np.nanmean(power[pixels])), abs=1e-3
        )
    page = (output / "report" / "index.html").read_text()
    assert "classes_label.svg" in page
    assert "Where the sources are known" in page
