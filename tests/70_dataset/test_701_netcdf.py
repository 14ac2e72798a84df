"""NetCDF: what is read back, by xarray and by GDAL, is what the cube has; the metadata is the date's own."""

import time

import netCDF4
import numpy as np
import pytest
import rasterio
import xarray as xr
from fake_cube import fake_cube, write_netcdf

from alignsar_gpu.dataset.cube import open_cube, write_dataset
from alignsar_gpu.dataset.netcdf import files as netcdf
from alignsar_gpu.dataset.netcdf.attributes import look_azimuth
from alignsar_gpu.dataset.netcdf.files import netcdf_file, write_date, write_dates
from alignsar_gpu.errors import AlignsarError

# The fake cube's dates: Sentinel-1B, Sentinel-1A (the reference), Sentinel-1B.
DATES = ["20220104", "20220110", "20220116"]


@pytest.fixture(scope="module")
def cube():
    return fake_cube(lines=7, samples=13)


@pytest.fixture(scope="module")
def paths(cube, tmp_path_factory):
    return write_netcdf(cube, tmp_path_factory.mktemp("run") / "netcdf")


def layers(dataset):
    return [str(n) for n, v in dataset.variables.items() if {"azimuth", "range"} <= set(v.dims)]


def raster(path, layer):
    return rasterio.open(f'NETCDF:"{path}":{layer}')


def test_one_file_a_date_in_time_order_and_nothing_else(paths):
    assert [path.name for path in paths] == [f"{date}.nc" for date in DATES]
    assert sorted(path.name for path in paths[0].parent.iterdir()) == [path.name for path in paths]


def test_axes_are_not_swapped(paths):
    """Regression A3: line by line, against the formula of the fake cube and not against the cube."""
    for date, path in enumerate(paths):
        with xr.open_dataset(path) as file:
            assert file.amplitude_vh.dims == ("time", "azimuth", "range")
            assert file.amplitude_vh.shape == (1, 7, 13)
            for line in range(7):
                expected = 1.0 + 100 * line + np.arange(13.0) + 2000 * date + 10000
                row = file.amplitude_vh.isel(time=0, azimuth=line).values
                known = np.isfinite(row)
                assert known.sum() >= 11
                np.testing.assert_array_equal(row[known], expected[known])


def test_every_layer_is_the_cubes(cube, paths):
    for date, path in enumerate(paths):
        with xr.open_dataset(path) as file:
            for name in set(layers(cube)) - {"slc_vv", "slc_vh", "valid"}:
                expected = cube[name].isel(time=[date]) if "time" in cube[name].dims else cube[name]
                assert file[name].dtype == expected.dtype, name
                np.testing.assert_array_equal(file[name].values, expected.values, err_msg=name)
            np.testing.assert_array_equal(file.valid.values[0], cube.valid.values[date].astype(np.int8))
            np.testing.assert_array_equal(file.azimuth, cube.azimuth)
            np.testing.assert_array_equal(file.range, cube.range)


def test_a_cube_with_its_axes_in_another_order_gives_the_same_file(cube, paths, tmp_path):
    turned = cube.transpose("range", "azimuth", "time")
    assert turned.amplitude_vv.shape == (13, 7, 3)
    write_date(turned, 0, tmp_path / "turned.nc")
    assert (tmp_path / "turned.nc").read_bytes() == paths[0].read_bytes()


def test_complex_pixels_are_two_variables(cube, paths):
    with xr.open_dataset(paths[2]) as file:
        pixels = file.slc_vh_real.values + 1j * file.slc_vh_imag.values
        assert "slc_vh" not in file
        assert file.slc_vh_real.long_name == "VH single-look complex pixel, real part"
        assert file.slc_vh_imag.long_name == "VH single-look complex pixel, imaginary part"
    assert pixels.dtype == np.complex64
    np.testing.assert_array_equal(pixels[0], cube.slc_vh.values[2])


def test_invalid_pixels_are_nan_and_nothing_is_infinite(cube, paths):
    for date, path in enumerate(paths):
        with xr.open_dataset(path) as file:
            for name in (n for n in layers(file) if n.endswith(("_vv", "_vh", "_real", "_imag"))):
                np.testing.assert_array_equal(
                    np.isfinite(file[name].values[0]), cube.valid.values[date], err_msg=name
                )


def test_an_infinite_value_is_refused(cube, tmp_path):
    """Regression A5: zero divided by zero must not pass as a value."""
    broken = cube.copy(deep=True)
    broken.sigma0_vv[1, 3, 4] = np.inf
    with pytest.raises(ValueError, match="sigma0_vv holds infinite values"):
        write_netcdf(broken, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["20220104.nc"]


# ------------------------------------------------------------------ GDAL


def test_gdal_reads_the_rows_in_file_order(cube, paths):
    for name in set(layers(cube)) - {"slc_vv", "slc_vh"}:
        with raster(paths[1], name) as file:
            expected = cube[name].isel(time=1) if "time" in cube[name].dims else cube[name]
            assert (file.height, file.width) == (7, 13)
            np.testing.assert_array_equal(file.read(1), expected.values, err_msg=name)


def test_gdal_knows_where_the_pixels_are(cube, paths):
    """Its geolocation arrays are longitude and latitude in the same order of rows as the image."""
    with raster(paths[0], "intensity_vv") as file:
        tags = file.tags(ns="GEOLOCATION")
        assert np.isnan(file.nodata)
    for key, name in (("X_DATASET", "longitude"), ("Y_DATASET", "latitude")):
        with rasterio.open(tags[key]) as file:
            np.testing.assert_array_equal(file.read(1), cube[name].values)


@pytest.mark.filterwarnings(
    "ignore::rasterio.errors.NotGeoreferencedWarning"
)  # of the container, not its layers
def test_gdal_lists_every_layer(cube, paths):
    with rasterio.open(paths[0]) as container:
        found = {name.rpartition(":")[2] for name in container.subdatasets}
    parts = {f"slc_{p}_{part}" for p in ("vv", "vh") for part in ("real", "imag")}
    assert found == set(layers(cube)) - {"slc_vv", "slc_vh"} | parts


# ------------------------------------------------------------------ metadata


def test_metadata_is_joined_on_the_date(cube, paths):
    """Regression A4: product ids sorted as a listing would have them are in another order than the dates."""
    products = [str(product) for product in cube.product_id.values]
    assert products != sorted(products)
    for path, product, platform, orbit, baseline in zip(
        paths,
        ["Z_SLC_040364", "Y_SLC_040585", "X_SLC_040714"],
        ["Sentinel-1B", "Sentinel-1A", "Sentinel-1B"],
        [40364, 40585, 40714],
        [60.75, 0.0, 6.75],
        strict=True,
    ):
        with xr.open_dataset(path) as file:
            assert file.product_id.item() == product
            assert file.platform.item() == file.attrs["platform"] == platform
            assert file.absolute_orbit.item() == file.attrs["sar_absolute_orbit"] == orbit
            assert file.perpendicular_baseline.item() == baseline
            assert file.attrs["sar_date_time"].startswith(f"{file.time.dt.date.item()}T")


def test_dates_in_any_order_give_the_same_files(cube, paths, tmp_path):
    shuffled = write_netcdf(cube.isel(time=[2, 0, 1]), tmp_path)
    assert [path.name for path in shuffled] == [path.name for path in paths]
    for ours, theirs in zip(shuffled, paths, strict=True):
        assert ours.read_bytes() == theirs.read_bytes()


def test_sar_attributes(paths):
    with netCDF4.Dataset(paths[2]) as file:
        found = {key: file.getncattr(key) for key in file.ncattrs() if key.startswith("sar_")}
    crop = found.pop("sar_SLC_crop")
    assert found == {
        "sar_date_time": "2022-01-16T17:25:41.845457Z",
        "sar_reference_date_time": "2022-01-10T17:25:41.500000Z",
        "sar_UTC_time": "17:25:41.845457",
        "sar_instrument_mode": "IW",
        "sar_looks_range": 1,
        "sar_looks_azimuth": 1,
        "sar_pixel_spacing_range": 2.329562,
        "sar_pixel_spacing_azimuth": 13.937,
        "sar_processing_software": "IPF 3.42; alignsar_gpu 0.1.0",
        "sar_absolute_orbit": 40714,
        "sar_relative_orbit": 88,
        "sar_pass_direction": "ascending",
        "sar_view_azimuth": 347.5,
        "sar_look_azimuth": 77.5,
        "sar_view_incidence_angle": 43.21,
        "sar_SLC_crop_meanings": "first_line last_line first_sample last_sample",
        "sar_SLC_crop_comment": "counted from 0; the last line and the last sample belong to the crop",
    }
    assert crop.tolist() == [421, 427, 9876, 9888]


@pytest.mark.parametrize(
    ("heading", "side", "azimuth"),
    [(347.5, "right", 77.5), (347.5, "left", 257.5), (192.5, "right", 282.5), (10.0, "left", 280.0)],
)
def test_look_azimuth_is_across_the_track(heading, side, azimuth):
    assert look_azimuth(heading, side) == azimuth


def test_look_azimuth_knows_two_sides():
    with pytest.raises(AlignsarError, match="right or left"):
        look_azimuth(10.0, "up")


def test_what_acdd_says_of_the_date(cube, paths):
    with netCDF4.Dataset(paths[0]) as file:
        of = file.__dict__
    assert of["Conventions"] == "CF-1.11, ACDD-1.3"
    assert of["title"].endswith(", 2022-01-04")
    assert of["id"] == "fake-stack-20220104"
    assert of["creator_name"] == "A. Tester"
    # 6 intervals of 2.0555563 ms around 17:25:41.401457
    assert of["time_coverage_start"] == "2022-01-04T17:25:41.395290Z"
    assert of["time_coverage_end"] == "2022-01-04T17:25:41.407623Z"
    assert of["time_coverage_duration"] == "PT0.012333S"
    assert cube.attrs["software"] in of["history"]
    assert cube.attrs["fingerprint"] in of["history"]
    assert not {"date_created", "date_modified", "date_issued"} & set(of)


def test_who_is_not_configured_is_not_mentioned(cube, tmp_path):
    anonymous = cube.copy()
    anonymous.attrs = {
        key: value
        for key, value in cube.attrs.items()
        if not key.startswith(("creator_", "publisher_", "crop_"))
        and key not in {"institution", "project", "id"}
    }
    write_date(anonymous, 0, tmp_path / "x.nc")
    with netCDF4.Dataset(tmp_path / "x.nc") as file:
        names = set(file.ncattrs())
    assert not [n for n in names if n.startswith(("creator_", "publisher_", "crop_", "sar_SLC_crop"))]
    assert not names & {"institution", "project", "id"}


@pytest.mark.parametrize("key", ["heading", "reference_product_id", "relative_orbit"])
def test_a_cube_that_lacks_metadata_is_refused(cube, tmp_path, key):
    poor = cube.copy()
    poor.attrs = {name: value for name, value in cube.attrs.items() if name != key}
    with pytest.raises(AlignsarError, match=f"lacks the attributes {key}"):
        write_netcdf(poor, tmp_path)
    assert not list(tmp_path.iterdir())


def test_the_reference_must_be_one_of_the_dates(cube, tmp_path):
    with pytest.raises(AlignsarError, match="Y_SLC_040585, which 0 of its dates have"):
        write_netcdf(cube.isel(time=[0, 2]), tmp_path)


def test_two_acquisitions_of_a_day_are_refused(cube, tmp_path):
    times = cube.time.values.copy()
    times[2] = times[1] + np.timedelta64(25, "s")
    with pytest.raises(AlignsarError, match="more than one acquisition on 20220110"):
        write_netcdf(cube.assign_coords(time=times), tmp_path)


# ------------------------------------------------------------------ CF


@pytest.mark.parametrize("nanoseconds", [0, 1, 999, 123456789])
@pytest.mark.parametrize("days", [0, 4321])
def test_time_is_read_back_without_loss(cube, tmp_path, nanoseconds, days):
    times = cube.time.values.copy()
    times[2] += np.timedelta64(days, "D") + np.timedelta64(nanoseconds, "ns")
    write_date(cube.assign_coords(time=times), 2, tmp_path / "x.nc")
    with xr.open_dataset(tmp_path / "x.nc") as file:
        assert file.time.values == times[2]


def test_units_are_those_of_udunits(paths):
    legal = {"1", "rad", "degree", "degrees_north", "degrees_east", "m", "s", "day"}
    with netCDF4.Dataset(paths[0]) as file:
        found = {name: v.units for name, v in file.variables.items() if "units" in v.ncattrs()}
    assert found.pop("time") == "microseconds since 2022-01-10 00:00:00"
    assert set(found.values()) == legal
    assert (found["latitude"], found["longitude"]) == ("degrees_north", "degrees_east")


def test_layers_say_where_they_are_and_what_they_hold(cube, paths):
    with netCDF4.Dataset(paths[0]) as file:
        assert (file["crs"].semi_major_axis, file["crs"].inverse_flattening) == (6378137.0, 298.257223563)
        for name in layers(cube):
            variable = file[name] if name in file.variables else file[f"{name}_real"]
            dated = "time" in cube[name].dims
            assert variable.grid_mapping == "crs"
            if name not in {"longitude", "latitude"}:
                assert variable.coordinates == "longitude latitude"
            assert variable.dimensions == (("time",) if dated else ()) + ("azimuth", "range")
            assert variable.filters() | {"zlib": True, "shuffle": True, "complevel": 1} == variable.filters()
            if "valid_range" in variable.ncattrs():
                assert variable.valid_range.dtype == variable.dtype
            if variable.dtype.kind == "f":
                assert np.isnan(variable._FillValue)
        phase = file["interferometric_phase_vv"]
        assert phase.comment == "0 and 1 on the reference date by definition"
        assert phase.references
        assert phase.valid_range.tolist() == [float(np.float32(-np.pi)), float(np.float32(np.pi))]
        assert file["valid"].dtype == np.int8
        assert file["valid"].flag_values.tolist() == [0, 1]
        assert file["valid"].flag_meanings == "not_valid valid"
        for axis in ("azimuth", "range", "time"):
            assert "_FillValue" not in file[axis].ncattrs()


def test_all_dates_open_as_one(cube, paths):
    datasets = [xr.open_dataset(path).load() for path in paths]
    together = xr.concat(
        datasets, dim="time", data_vars="all", coords="minimal", compat="override", join="exact"
    )
    np.testing.assert_array_equal(together.time, cube.time)
    np.testing.assert_array_equal(together.coherence_vh.values, cube.coherence_vh.values)
    np.testing.assert_array_equal(together.temporal_baseline.values, cube.temporal_baseline.values)


# ------------------------------------------------------------------ writing


def test_the_same_cube_gives_the_same_bytes(cube, paths, tmp_path):
    time.sleep(1.1)  # a time of writing would be in whole seconds
    for ours, theirs in zip(write_netcdf(fake_cube(), tmp_path), paths, strict=True):
        assert ours.read_bytes() == theirs.read_bytes()


def test_a_cube_from_disk_gives_the_same_bytes(cube, paths, tmp_path):
    write_dataset(tmp_path / "cube.zarr", cube)
    with open_cube(tmp_path / "cube.zarr") as stored:
        for ours, theirs in zip(write_netcdf(stored, tmp_path), paths, strict=True):
            assert ours.read_bytes() == theirs.read_bytes()


def test_chunks_make_no_difference(cube, tmp_path, monkeypatch):
    monkeypatch.setattr(netcdf, "CHUNK", (3, 5))
    write_date(cube, 1, tmp_path / "x.nc")
    with xr.open_dataset(tmp_path / "x.nc") as file:
        np.testing.assert_array_equal(file.intensity_vv.values[0], cube.intensity_vv.values[1])
        np.testing.assert_array_equal(file.slc_vv_imag.values[0], cube.slc_vv.values[1].imag)


def fail_after(monkeypatch, blocks, error):
    """Let the writing of a block raise ``error`` once ``blocks`` of them are in the file."""
    read, done = netcdf._read, []

    def failing(*arguments):
        if len(done) == blocks:
            raise error
        done.append(arguments)
        return read(*arguments)

    monkeypatch.setattr(netcdf, "_read", failing)


@pytest.mark.parametrize(
    ("error", "seen"),
    [
        (OSError(28, "No space left on device"), AlignsarError),
        (RuntimeError("NetCDF: HDF error"), AlignsarError),
        (ZeroDivisionError("a bug"), ZeroDivisionError),
        (KeyboardInterrupt(), KeyboardInterrupt),
    ],
)
def test_a_failure_leaves_nothing_half_written(cube, tmp_path, monkeypatch, error, seen):
    fail_after(monkeypatch, 5, error)
    with pytest.raises(seen):
        write_netcdf(cube, tmp_path / "netcdf")
    assert not list((tmp_path / "netcdf").iterdir())


def test_a_failure_leaves_the_file_of_before(cube, paths, tmp_path, monkeypatch):
    path = tmp_path / "20220104.nc"
    write_date(cube, 0, path)
    fail_after(monkeypatch, 5, RuntimeError("NetCDF: HDF error"))
    with pytest.raises(AlignsarError, match=r"20220104\.nc: could not be written \(NetCDF: HDF error\)"):
        write_date(cube, 1, path)
    assert path.read_bytes() == paths[0].read_bytes()
    assert list(tmp_path.iterdir()) == [path]


def test_what_a_killed_run_left_is_no_obstacle(cube, paths, tmp_path):
    (tmp_path / ".20220104.nc.partial").write_bytes(b"half")
    write_date(cube, 0, tmp_path / "20220104.nc")
    assert [path.name for path in tmp_path.iterdir()] == ["20220104.nc"]
    assert (tmp_path / "20220104.nc").read_bytes() == paths[0].read_bytes()


def test_a_folder_that_is_a_file(cube, tmp_path):
    (tmp_path / "netcdf").write_text("in the way")
    with pytest.raises(AlignsarError, match="could not be written"):
        write_netcdf(cube, tmp_path / "netcdf")


@pytest.fixture(scope="module")
def together(cube, tmp_path_factory):
    path = netcdf_file(cube, tmp_path_factory.mktemp("one"))
    write_dates(cube, path, workers=2)
    return path


class TestAllDatesInOneFile:
    def test_it_is_named_after_the_first_and_the_last(self, together):
        assert together.name == "20220104_20220116.nc"

    def test_each_date_is_that_of_its_own_file(self, together, paths):
        with xr.open_dataset(together) as all_dates:
            for index, path in enumerate(paths):
                with xr.open_dataset(path) as alone:
                    date = all_dates.isel(time=[index])
                    assert set(date.variables) == set(alone.variables)
                    for name in alone.variables:
                        assert date[name].dims == alone[name].dims, name
                        np.testing.assert_array_equal(date[name].values, alone[name].values, err_msg=name)

    def test_what_is_the_same_on_all_dates_is_there_once(self, together):
        with xr.open_dataset(together) as file:
            assert file.sigma0_vv.dims == ("time", "azimuth", "range")
            assert file.longitude.dims == ("azimuth", "range")
            assert "longitude" in file.sigma0_vv.coords

    def test_attributes_say_what_all_dates_say(self, together):
        with xr.open_dataset(together) as file:
            assert file.attrs["title"].endswith("2022-01-04 to 2022-01-16")
            assert file.attrs["id"].endswith("-20220104-20220116")
            assert file.attrs["platform"] == "Sentinel-1A, Sentinel-1B"
            assert len(file.attrs["sar_date_time"].split()) == len(file.attrs["sar_absolute_orbit"]) == 3
            assert file.attrs["time_coverage_start"] < file.attrs["sar_date_time"].split()[0]
            assert file.attrs["time_coverage_end"] > file.attrs["sar_date_time"].split()[-1]

    def test_one_date_is_possible(self, cube, tmp_path):
        write_dates(cube.isel(time=[1]), tmp_path / "x.nc")
        with xr.open_dataset(tmp_path / "x.nc") as file:
            assert dict(file.sizes) == {"time": 1, "azimuth": 7, "range": 13}
            assert file.attrs["title"].endswith(", 2022-01-10")
