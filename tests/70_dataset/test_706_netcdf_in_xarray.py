"""NetCDF files of several dates open as one, and the pictures of a date are named after it, from the cube too."""

import warnings

import matplotlib.pyplot as plt
import netCDF4
import numpy as np
import pytest
import xarray as xr
from fake_cube import fake_cube, write_netcdf

from alignsar_gpu.dataset.cube import finish_cube, open_cube, write_dataset
from alignsar_gpu.dataset.netcdf.files import write_date


@pytest.fixture(scope="module")
def cube():
    return fake_cube()


@pytest.fixture(scope="module")
def paths(cube, tmp_path_factory):
    return write_netcdf(cube, tmp_path_factory.mktemp("run") / "netcdf")


def test_all_files_open_as_one_without_a_warning(cube, paths):
    pytest.importorskip("dask")
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        with xr.open_mfdataset(f"{paths[0].parent}/*.nc", combine="by_coords") as together:
            assert dict(together.sizes) == {"time": 3, "azimuth": 7, "range": 13}
            for name in ("sigma0_vv", "height", "longitude", "absolute_orbit", "incidence_angle"):
                assert together[name].dims == cube[name].dims, name
                np.testing.assert_array_equal(together[name].values, cube[name].values, err_msg=name)
            np.testing.assert_array_equal(together.time, cube.time)


def test_a_date_is_a_dimension_and_what_all_dates_share_is_not(cube, paths):
    for path in paths:
        with xr.open_dataset(path) as file:
            assert file.sigma0_vv.dims == ("time", "azimuth", "range")
            assert file.height.dims == ("azimuth", "range")
            assert {"height", "incidence_angle", "crs"} <= set(file.coords)
            assert "coordinates" not in file.attrs


def titles(dataset):
    for date in range(2):
        _, axes = plt.subplots()
        dataset.sigma0_vv.isel(time=date).plot(ax=axes)
        yield axes.get_title()
        plt.close(axes.figure)


def test_pictures_are_named_after_their_date(cube, paths, tmp_path):
    write_dataset(tmp_path / "cube.zarr", cube)
    finish_cube(tmp_path / "cube.zarr", {})
    for opened in (open_cube(tmp_path / "cube.zarr"), xr.open_zarr(tmp_path / "cube.zarr")):
        for title, date in zip(titles(opened), ("04", "10"), strict=True):
            assert title.startswith(f"time = 2022-01-{date}T17:25:41")
    with xr.concat([xr.open_dataset(path) for path in paths[:2]], "time", data_vars="minimal") as files:
        for title, date in zip(titles(files), ("04", "10"), strict=True):
            assert title.startswith(f"time = 2022-01-{date}T17:25:41")


def test_the_chain_of_software_is_named_whole(cube, tmp_path):
    stack = cube.assign_attrs(stack_software="SNAP 12.0.0 (Back-Geocoding 1.0)")
    write_date(stack, 1, tmp_path / "x.nc")
    with netCDF4.Dataset(tmp_path / "x.nc") as file:
        assert (
            file.sar_processing_software == "IPF 3.41; SNAP 12.0.0 (Back-Geocoding 1.0); alignsar_gpu 0.1.0"
        )


def test_bounds_are_those_of_the_pixels(cube, paths, tmp_path):
    with netCDF4.Dataset(paths[0]) as file:
        corners = [
            tuple(map(float, pair.split())) for pair in file.geospatial_bounds[10:-2].split(", ")
        ]  # latitude, longitude
        assert corners[0] == corners[-1] == pytest.approx((file.geospatial_lat_min, file.geospatial_lon_min))
        assert corners[2] == pytest.approx((file.geospatial_lat_max, file.geospatial_lon_max))
        assert file.time_coverage_resolution == "PT0.002056S"
    write_date(
        cube.assign_attrs(geospatial_lon_min=179.0, geospatial_lon_max=-179.0), 0, tmp_path / "across.nc"
    )
    with netCDF4.Dataset(tmp_path / "across.nc") as file:
        assert "geospatial_bounds" not in file.ncattrs()
