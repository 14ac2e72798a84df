"""NetCDF files in radar geometry: GDAL brings their layers to a map by itself, as docs/maps.md says."""

import numpy as np
import pytest
import rasterio
from fake_cube import fake_cube, write_netcdf


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    cube = fake_cube(lines=7, samples=13)
    return cube, write_netcdf(cube, tmp_path_factory.mktemp("run") / "netcdf")[0]


def test_gdal_finds_longitude_and_latitude_of_every_pixel(path):
    with rasterio.open(f'NETCDF:"{path[1]}":sigma0_vv') as layer:
        found = layer.tags(ns="GEOLOCATION")
        assert found["SRS"].startswith('GEOGCS["WGS 84"')
        assert found["GEOREFERENCING_CONVENTION"] == "PIXEL_CENTER"
        assert (found["LINE_OFFSET"], found["LINE_STEP"], found["PIXEL_OFFSET"]) == ("0", "1", "0")
        for axis, name in (("X", "longitude"), ("Y", "latitude")):
            with rasterio.open(found[f"{axis}_DATASET"]) as place:
                np.testing.assert_array_equal(place.read(1), path[0][name].values)
