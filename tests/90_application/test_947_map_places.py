"""Maps of scenes across 180 degrees and near the poles: their grid, and layers where they belong."""

from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
import xarray as xr
from fake_cube import fake_cube
from geocoding_scene import CPU, GROUND, Scene
from pyproj import CRS, Transformer

from alignsar_gpu.application.folder import RunFolder, StageRecord
from alignsar_gpu.application.geocoding.stage import GeocodingStage
from alignsar_gpu.application.stage import Run
from alignsar_gpu.config.geocoding import GeocodingConfig
from alignsar_gpu.dataset.cube import FORMAT, write_dataset
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.geometry.stored.dem import DemPart
from alignsar_gpu.geometry.stored.geometry import write_geometry
from alignsar_gpu.progress import StageTimer

EAST, NORTH = "intensity_vv", "sigma0_vv"  # layers of metres from the centre of the scene
NEAR = 0.05  # pixels of the map


def ground_of(scene):
    """Longitude and latitude of the pixels of a scene, on its DEM."""
    line, sample = np.indices(scene.radar.shape).astype(np.float64)
    time, slant_range = scene.radar.azimuth_time(line), scene.radar.slant_range(sample)
    height = np.full(line.shape, GROUND)
    for _ in range(6):
        place = radar_to_ground(scene.orbit, time, slant_range, height, scene.radar.look_side, 0.0)
        height = scene.dem.height_at(*place)
    return place


def metres_from_centre(scene):
    """From any system to metres to the east and north of the middle of a scene."""
    longitude, latitude = scene.centre
    local = CRS(f"+proj=aeqd +lon_0={longitude} +lat_0={latitude} +datum=WGS84")
    return lambda crs, x, y: Transformer.from_crs(crs, local, always_xy=True).transform(x, y)


def write_cube(path, scene):
    """Write the cube of a scene whose layers say where their pixels are, and its geometry."""
    cube = fake_cube(*scene.radar.shape, dates=1, polarizations=("vv",), complex_slc=False)
    place = ground_of(scene)
    for name, values in zip((EAST, NORTH), metres_from_centre(scene)("EPSG:4326", *place), strict=True):
        cube[name].values[0] = values
    write_dataset(path, cube.assign_attrs(cube_format=FORMAT))
    window = tuple(slice(0, count) for count in scene.dem.shape)
    write_geometry(path, DemPart(dem=scene.dem, window=window), grid=scene.radar, orbit=scene.orbit)


@pytest.mark.parametrize(
    ("place", "keys", "system"),
    [
        ({"longitude": 180.0, "latitude": -17.0}, {}, {"EPSG:32701", "EPSG:32760"}),
        ({"longitude": 180.0, "latitude": -17.0}, {"crs": "EPSG:4326", "resolution": 2e-4}, {"EPSG:4326"}),
        ({"latitude": 81.7, "longitude": 30.0}, {}, {"EPSG:5041"}),
    ],
    ids=["across", "across-degrees", "pole"],
)
def test_layers_are_where_they_belong(tmp_path, place, keys, system):
    scene = Scene(tmp_path, steepness=0.02, size={"lines": 48, "samples": 300}, **place)
    config = GeocodingConfig(**{"resolution": 20.0, "layers": [EAST, NORTH]} | keys)
    context = Run(config=SimpleNamespace(geocoding=config), published=None, device=CPU, timer=StageTimer())
    with RunFolder(
        tmp_path / "out", [StageRecord(name="root", digest="f", products=("cube.zarr",))], ""
    ) as folder:
        folder.begin()
        write_cube(folder.work / "cube.zarr", scene)
        GeocodingStage(context).make(folder)
        cube = xr.open_zarr(folder.work / "map.zarr").load()
        (path,) = (folder.work / "cogs").glob(f"{EAST}_*.tif")
        with rasterio.open(path) as file:
            crs, bounds, values = file.crs, file.bounds, file.read(1)
    assert str(crs) in system
    np.testing.assert_array_equal(values, cube[EAST][0].values)
    known = np.isfinite(values)
    assert 0.3 < known.mean() < 1.0
    assert max(values.shape) < 500  # the scene alone, not once round the Earth
    if "crs" in keys:
        assert bounds.left < 180.0 < bounds.right
    x, y = np.meshgrid(cube["x"].values, cube["y"].values)
    size = np.hypot(*(np.nanmedian(np.abs(np.diff(cube[name][0], axis=1))) for name in (EAST, NORTH)))
    inner = np.zeros(known.shape, bool)
    inner[2:-2, 2:-2] = np.lib.stride_tricks.sliding_window_view(known, (5, 5)).all(axis=(2, 3))
    for name, wanted in zip((EAST, NORTH), metres_from_centre(scene)(crs, x, y), strict=True):
        assert np.abs(cube[name][0].values - wanted)[inner].max() < NEAR * size
