"""Slopes and gradients of rasters of heights."""

import numpy as np
import pyproj
import pytest
from raster_maps import SYSTEMS, around, write

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.rasters.config import RasterLayerConfig
from alignsar_gpu.radarcoding.rasters.layers import RasterLayers
from alignsar_gpu.radarcoding.rasters.opening import open_raster

KEY = "radarcoding.layers.ground"
GEOD = pyproj.Geod(ellps="WGS84")
EAST, NORTH = 0.21, -0.34  # metres a metre, about
PER_DEGREE = 111e3
WHOLE = slice(0, 40), slice(0, 50)


def opened(path, **keys):
    return open_raster(RasterLayerConfig(path=str(path), derivatives=True, **keys), KEY)


@pytest.fixture(params=SYSTEMS, ids=[one[0] for one in SYSTEMS])
def plane(request, tmp_path):
    """A raster of heights that rise evenly by longitude and latitude, and these."""
    crs, place, resolution = request.param
    transform = around(crs, place, resolution)
    flat = open_raster(
        RasterLayerConfig(
            path=str(write(tmp_path / "a.tif", np.zeros((40, 50), np.float32), transform, crs))
        ),
        KEY,
    )
    row, column = np.mgrid[0:40, 0:50].astype(np.float64)
    lon, lat = (part.reshape(40, 50) for part in flat.frame.geodetic(row.ravel(), column.ravel()))
    scale = PER_DEGREE * np.cos(np.radians(place[1]))
    height = EAST * scale * (lon - lon[0, 0]) + NORTH * PER_DEGREE * (lat - lat[0, 0])
    return opened(write(tmp_path / "b.tif", height.astype(np.float32), transform, crs)), lon, lat, scale


def test_gradients_are_those_of_the_ground(plane):
    """Against geodesics: a thousandth of a degree to the east, and to the north."""
    file, lon, lat, scale = plane
    _, _, across = GEOD.inv(lon - 5e-4, lat, lon + 5e-4, lat)
    _, _, along = GEOD.inv(lon, lat - 5e-4, lon, lat + 5e-4)
    east, north = EAST * scale * 1e-3 / across, NORTH * PER_DEGREE * 1e-3 / along
    truth = {
        "gradient_east": east,
        "gradient_north": north,
        "slope": np.degrees(np.arctan(np.hypot(east, north))),
    }
    for band, bound in (("gradient_east", 1e-4), ("gradient_north", 1e-4), ("slope", 0.01)):
        found = file.read(*WHOLE, band)
        assert found.dtype == np.float32
        assert np.abs(found - truth[band])[1:-1, 1:-1].max() < bound
        edge = np.ones(found.shape, dtype=bool)
        edge[1:-1, 1:-1] = False
        assert np.isnan(found[edge]).all()
        coarse = file.read(slice(0, 40), slice(0, 48), band, 4) - truth[band][2::4, 2:48:4]
        assert np.abs(coarse[1:-1, 1:-1]).max() < bound


def test_any_window_has_the_same_bits(tmp_path):
    height = np.random.default_rng(1).uniform(0.0, 30.0, (600, 700)).astype(np.float32)
    file = opened(
        write(tmp_path / "a.tif", height, around("EPSG:32631", (3.5, 52.0), 10.0, height.shape), "EPSG:32631")
    )
    whole = file.read(slice(0, 600), slice(0, 700), "slope")
    part = file.read(slice(200, 400), slice(230, 530), "slope")
    np.testing.assert_array_equal(part[1:-1, 1:-1], whole[201:399, 231:529])
    assert whole[1:-1, 1:-1].std() > 1.0


def test_around_a_hole_nothing_is_known(tmp_path):
    height = np.zeros((40, 50), np.float32)
    height[20, 30] = np.nan
    file = opened(write(tmp_path / "a.tif", height, around("EPSG:32631", (3.5, 52.0), 10.0), "EPSG:32631"))
    unknown = np.isnan(file.read(*WHOLE, "slope")[1:-1, 1:-1])
    assert unknown[18:21, 28:31].all()
    assert unknown.sum() == 9


def test_layers_and_what_is_refused(tmp_path):
    transform = around("EPSG:32631", (3.5, 52.0), 10.0)
    one = write(tmp_path / "a.tif", np.zeros((40, 50), np.float32), transform, "EPSG:32631")
    made = RasterLayers(name="ground", file=opened(one), method="mean").layers
    assert [(layer.name, layer.attributes["units"]) for layer in made[:-1]] == [
        ("ground_slope", "degrees"),
        ("ground_gradient_east", "1"),
        ("ground_gradient_north", "1"),
    ]
    two = write(tmp_path / "b.tif", np.zeros((2, 40, 50), np.float32), transform, "EPSG:32631")
    with pytest.raises(
        AlignsarError, match=rf"{KEY}: .*heights must be in one band, and 2 bands are read; name one"
    ):
        opened(two)
    assert opened(two, bands=[2]).bands == ("slope", "gradient_east", "gradient_north")
