"""A scene across 180 degrees: the cube, its NetCDF files and its catalogue have the same bounds."""

import netCDF4
import numpy as np
import pystac
import pytest
from fake_cube import fake_cube, write_netcdf

from alignsar_gpu.application.dataset.description import bounds
from alignsar_gpu.catalog.stac import Products, write_stac
from alignsar_gpu.dataset.cube import finish_cube, open_cube, write_dataset


@pytest.fixture(scope="module", params=[175.09985, -4.9], ids=["across", "beside"])
def run(request, tmp_path_factory):
    """A finished run, and west and east of what it shows, counted on beyond 180."""
    output = tmp_path_factory.mktemp("run")
    cube = fake_cube(lines=7, samples=13)
    longitude = cube["longitude"].values + request.param
    cube["longitude"].values[:] = (longitude + 180.0) % 360.0 - 180.0
    for name in [name for name in cube.attrs if name.startswith("geospatial_")]:
        del cube.attrs[name]
    write_dataset(output / "cube.zarr", cube)
    finish_cube(output / "cube.zarr", bounds(output / "cube.zarr"))
    cube = open_cube(output / "cube.zarr")
    products = Products(netcdf=write_netcdf(cube, output / "netcdf"), cube=output / "cube.zarr")
    write_stac(cube, output / "stac", products)
    return output, float(np.nanmin(longitude)), float(np.nanmax(longitude))


def end_of(longitude):
    return longitude - 360.0 if longitude > 180.0 else longitude


def test_the_cube(run):
    output, west, east = run
    found = open_cube(output / "cube.zarr").attrs
    assert found["geospatial_lon_min"] == pytest.approx(end_of(west), abs=1e-9)
    assert found["geospatial_lon_max"] == pytest.approx(end_of(east), abs=1e-9)
    assert (found["geospatial_lon_min"] > found["geospatial_lon_max"]) == (west < 180.0 < east)
    assert found["geospatial_lat_min"] < found["geospatial_lat_max"]


def test_netcdf(run):
    output, west, east = run
    paths = sorted((output / "netcdf").glob("*.nc"))
    assert len(paths) == 3
    for path in paths:
        with netCDF4.Dataset(path) as file:
            assert file.geospatial_lon_min == pytest.approx(end_of(west), abs=1e-9)
            assert file.geospatial_lon_max == pytest.approx(end_of(east), abs=1e-9)
            assert file.geospatial_lon_units == "degrees_east"


def test_the_catalogue(run):
    output, west, east = run
    items = list(pystac.Catalog.from_file(str(output / "stac" / "catalog.json")).get_items(recursive=True))
    assert len(items) == 3
    for item in items:
        assert [item.bbox[0], item.bbox[2]] == pytest.approx([end_of(west), end_of(east)], abs=1e-6)
        assert item.geometry["type"] == ("MultiPolygon" if west < 180.0 < east else "Polygon")
