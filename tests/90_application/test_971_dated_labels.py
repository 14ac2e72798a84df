"""A run with rasters that vary in time and a map with a date: cube, NetCDF, quality.json, summary and report."""

import json

import numpy as np
import pytest
import rasterio
import xarray as xr
from command_line import refuse, run
from fake_burst import write_dem
from raster_maps import write
from small_runs import CUBE_ALONE, SMALL

BOX = (6.12, 50.75, 6.24, 50.87)  # west, south, east, north: around the made stack
STEP = 0.0005
DAYS = ("2022-01-11", "2022-01-23")  # two days after the first two of three images
SLOPE = 0.5  # of the greenness, a degree


def greenness(day, longitude):
    return {"2022-01-11": 0.2, "2022-01-23": 0.5}[day] + SLOPE * (longitude - BOX[0])


@pytest.fixture(scope="module")
def inputs(tmp_path_factory):
    """Arguments of a small run on a flat DEM, and a folder of rasters of two dates."""
    folder = tmp_path_factory.mktemp("dated")
    west, _, _, north = BOX
    longitude = west + STEP * (np.arange(round((BOX[2] - west) / STEP)) + 0.5)
    rows = np.zeros((round((north - BOX[1]) / STEP), 1))
    place = rasterio.Affine(STEP, 0, west, 0, -STEP, north)
    for day in DAYS:
        write(folder / f"ndvi_{day}.tif", (greenness(day, longitude) + rows).astype(np.float32), place)
        codes = np.where(longitude < 6.18, 3, 5 if day == DAYS[0] else 3) + rows
        write(folder / f"crop_{day}.tif", codes.astype(np.uint8), place)
    write(folder / "old.tif", (longitude + rows).astype(np.float32), place)
    dem = write_dem(folder / "dem.tif", BOX, step=STEP, height=lambda lon, lat: 90.0 + 0.0 * lon * lat)
    keys = ["signatures.names=[sigma0]", f"dem.path={dem}", "dem.vertical_datum=ellipsoid"]
    return folder, [*SMALL, *keys]


def layer(folder, name, **keys):
    text = ", ".join(f"{key}: {value}" for key, value in {"kind": "raster", **keys}.items())
    return f"+radarcoding.layers.{name}={{path: {folder}/{name}*.tif, {text}}}"


@pytest.fixture(scope="module")
def labelled(inputs, tmp_path_factory):
    folder, arguments = inputs
    output = tmp_path_factory.mktemp("dated_run") / "out"
    layers = (
        layer(folder, "ndvi", method="bilinear", dates="names", nearest_days=5),
        layer(
            folder,
            "crop",
            method="majority",
            dates="names",
            nearest_days=5,
            classes="{wheat: [3], maize: [5]}",
        ),
        layer(folder, "old", method="mean", date=2012),
    )
    return output, run(*arguments, *layers, f"output={output}")


def test_each_image_has_its_own_values(labelled):
    cube = xr.open_zarr(labelled[0] / "cube.zarr")
    assert (
        cube["ndvi"].dims == cube["labelled_ndvi"].dims == cube["crop"].dims == ("time", "azimuth", "range")
    )
    ground = np.isfinite(cube["ground_area"].values)
    for date, day in enumerate(DAYS):
        want = greenness(day, cube["longitude"].values)
        assert np.abs(cube["ndvi"].values[date] - want)[ground].max() < SLOPE * 5e-4  # 35 m of ground
    assert np.isnan(cube["ndvi"].values[2]).all()
    assert [np.unique(cube["crop"].values[date]).tolist() for date in range(3)] == [[1, 2], [1], [255]]
    assert cube["ndvi"].attrs["rasters_of_images"] == "ndvi_2022-01-11.tif, ndvi_2022-01-23.tif, none"
    assert cube["ndvi"].attrs["days_from_images"] == [1.28, 1.28, 9.72]
    assert cube["old"].attrs["valid_start"] == "2012-01-01"
    assert cube["old"].attrs["valid_end"] == "2012-12-31"
    assert cube["old"].attrs["days_from_images"] == [3295.72, 3307.72, 3319.72]
    files = sorted((labelled[0] / "netcdf").glob("*.nc"))
    for date, file in enumerate(files):
        with xr.open_dataset(file) as one:
            assert np.array_equal(one["crop"].values[0], cube["crop"].values[date])
            assert one["old"].attrs["valid_start"] == "2012-01-01"


def test_what_is_said(labelled):
    output, found = labelled
    facts = json.loads((output / "quality.json").read_text())["radarcoding"]
    assert facts["layers"]["ndvi"]["rasters_of_images"] == [
        "ndvi_2022-01-11.tif",
        "ndvi_2022-01-23.tif",
        "none",
    ]
    assert facts["layers"]["ndvi"]["days_from_images"] == [1.28, 1.28, 9.72]
    assert facts["layers"]["old"]["valid_start"] == "2012-01-01"
    assert facts["known"]["ndvi"] == pytest.approx(2 / 3)
    wheat, maize = (facts["classes"]["crop"][name]["pixels"] for name in ("wheat", "maize"))
    assert wheat + maize == 2 * 160 * 200
    assert "ndvi: 1 of 3 images have no raster within 5 days, and are unknown" in found.stdout
    assert (
        "old: the map is of 2012-01-01 to 2012-12-31, 9.1 years from the image of 2022-02-02" in found.stdout
    )


def test_the_report_shows_each_date(labelled):
    page = " ".join((labelled[0] / "report" / "index.html").read_text().split())
    for day in ("20220109", "20220121", "20220202"):
        assert (labelled[0] / "report" / f"label_ndvi_{day}.svg").exists()
        assert (labelled[0] / "report" / f"classes_crop_{day}.svg").exists()
    assert "From ndvi_2022-01-11.tif, 1.3 days away." in page
    assert "No raster is near enough: the nearest is 9.7 days away." in page
    assert "2 rasters, for 2 of 3 images" in page
    assert "2012-01-01 to 2012-12-31" in page
    assert "3296 to 3320" in page


def test_between_two_rasters_and_another_name_of_a_file(inputs, tmp_path):
    """Dates in names count for whether a run is the same, though the content is."""
    folder, arguments = inputs
    keys = {"method": "bilinear", "dates": "names", "interpolate": "true"}
    again = [*arguments, *CUBE_ALONE, f"output={tmp_path / 'out'}"]
    run(*again, layer(folder, "ndvi", **keys))
    cube = xr.open_zarr(tmp_path / "out" / "cube.zarr")
    share = (cube["time"].values[1] - np.datetime64("2022-01-11T12")) / np.timedelta64(12, "D")
    want = (1.0 - share) * greenness(DAYS[0], cube["longitude"]) + share * greenness(
        DAYS[1], cube["longitude"]
    )
    assert float(np.abs(cube["ndvi"][1] - want).max()) < SLOPE * 5e-4
    assert np.isnan(cube["ndvi"].values[[0, 2]]).all()  # before the first, and after the last
    for day, other in zip(DAYS, ("2022-01-12", "2022-01-24"), strict=True):
        (tmp_path / f"ndvi_{other}.tif").write_bytes((folder / f"ndvi_{day}.tif").read_bytes())
    refuse("holds another run with other settings", *again, layer(tmp_path, "ndvi", **keys))


@pytest.mark.parametrize(
    ("words", "keys"),
    [
        ("date=[2022,2021]: ends before it starts", {"date": "[2022,2021]"}),
        ("date=2022-13-01: is no date", {"date": "2022-13-01"}),
        ("date=2022-04-01T10:00+02:00: is no date", {"date": "'2022-04-01T10:00+02:00'"}),
        ("nearest_days=0.5: no image has a raster within 0.5 days", {"dates": "names", "nearest_days": 0.5}),
    ],
)
def test_what_is_refused(inputs, tmp_path, words, keys):
    folder, arguments = inputs
    result = refuse(words, *arguments, layer(folder, "ndvi", **keys), f"output={tmp_path / 'out'}")
    assert "radarcoding.layers.ndvi" in result.stderr


def test_objects_have_no_dates(labelled):
    output, _ = labelled
    refuse(
        "objects.layers=crop: has other classes on each date",
        "objects.layers=[crop]",
        f"output={output}",
        "device=cpu",
    )
