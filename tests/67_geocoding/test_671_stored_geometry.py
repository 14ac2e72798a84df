"""The geometry that a cube keeps: the same bits of positions and heights as the products' own, from it alone."""

import shutil

import numpy as np
import pytest
import rasterio
import zarr
from geocoding_scene import Scene
from rasterio.transform import Affine
from rough_terrain import DOPPLER, write_heights

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.stored.dem import DemPart
from alignsar_gpu.geometry.stored.geometry import read_geometry, write_geometry
from alignsar_gpu.geometry.terrain.terrain import Terrain

MARGIN = 16  # lines and samples around the image


def keep(folder, scene, dem=None):
    """Write the geometry of a scene into an empty cube; its path."""
    terrain = Terrain(
        grid=scene.radar, orbit=scene.orbit, dem=dem or scene.dem, doppler=scene.doppler, partial=True
    )
    window = terrain.window(*(slice(-2 * MARGIN, count + 2 * MARGIN) for count in scene.radar.shape))
    zarr.create_group(folder / "cube.zarr", zarr_format=3)
    files = write_geometry(
        folder / "cube.zarr",
        DemPart(dem=terrain.dem, window=window),
        grid=scene.radar,
        orbit=scene.orbit,
        doppler=scene.doppler,
    )
    assert files == sorted(path for path in (folder / "cube.zarr" / "geometry").rglob("*") if path.is_file())
    return folder / "cube.zarr"


def same(found, wanted):
    return found.dtype == wanted.dtype and found.tobytes() == wanted.tobytes()


@pytest.mark.parametrize(
    "place",
    [
        {"side": "left", "descending": True, "doppler": DOPPLER},
        {"latitude": 81.7},
        {"longitude": 180.0, "latitude": -17.0},
    ],
    ids=["doppler", "pole", "antimeridian"],
)
def test_positions_have_the_same_bits(tmp_path, place):
    scene = Scene(tmp_path, **place)
    kept = read_geometry(keep(tmp_path, scene))
    assert kept.grid == scene.radar
    assert kept.orbit.epoch == scene.orbit.epoch
    for name in ("time", "position", "velocity"):
        assert same(getattr(kept.orbit, name), getattr(scene.orbit, name))
    map_grid = scene.map_grid(40.0)
    wanted = scene.geocoding(map_grid).positions(0, map_grid.shape[0])
    found = scene.geocoding(map_grid, **vars(kept)).positions(0, map_grid.shape[0])
    inside = np.ones(map_grid.shape, dtype=bool)
    for position, count in zip(wanted, scene.radar.shape, strict=True):
        inside &= (position > -MARGIN) & (position < count + MARGIN)
    assert inside.mean() > 0.3
    for a, b in zip(found, wanted, strict=True):
        assert same(a[inside], b[inside])
    kept_posts, posts = (np.prod(dem.mosaic.tiles[0].raster.shape) for dem in (kept.dem, scene.dem))
    assert kept_posts < 0.8 * posts


def check_heights(kept, dem, scene):
    """Heights and longitudes of places around the middle of a scene."""
    rng = np.random.default_rng(1)
    east, north = rng.uniform(-0.005, 0.005, (2, 2000))
    place = scene.centre[0] + east, scene.centre[1] + north
    wanted = dem.height_at(*place)
    assert np.isfinite(wanted).mean() > 0.9
    assert same(kept.dem.height_at(*place), wanted)


def write_geoid(folder):
    """A global grid of undulations, a node every degree; its path."""
    latitude, longitude = np.radians(90.0 - np.arange(181)[:, None]), np.radians(np.arange(360))
    values = 40.0 * np.cos(3 * longitude) * np.cos(2 * latitude) + 5.0 * np.sin(40 * latitude)
    profile = {"driver": "GTiff", "count": 1, "dtype": "float32", "crs": "EPSG:4326"}
    transform = Affine(1.0, 0.0, -0.5, 0.0, -1.0, 90.5)
    with rasterio.open(
        folder / "geoid.tif", "w", width=360, height=181, transform=transform, **profile
    ) as file:
        file.write(values.astype(np.float32), 1)
    return folder / "geoid.tif"


@pytest.mark.parametrize("place", [{}, {"latitude": 81.7}, {"longitude": 0.0}], ids=["plain", "pole", "zero"])
def test_heights_above_a_geoid(tmp_path, place):
    """The nodes of the geoid are kept too: its file, and the DEM's, may be gone."""
    scene = Scene(tmp_path, **place)
    dem = open_dem(tmp_path / "dem.tif", "egm96", write_geoid(tmp_path))
    cube = keep(tmp_path, scene, dem)
    scene.dem.height_at(*scene.centre)
    wanted = open_dem(tmp_path / "dem.tif", "egm96", tmp_path / "geoid.tif")
    kept = read_geometry(cube)
    check_heights(kept, wanted, scene)
    assert np.abs(wanted.height_at(*scene.centre) - scene.dem.height_at(*scene.centre)) > 1.0
    assert kept.dem.vertical_datum == "egm96"
    assert kept.dem.facts()["geoid"] == dem.facts()["geoid"]


def test_tiles_of_other_grids_become_one_part(tmp_path):
    """Heights between posts do not fit into float32, and are kept as they are."""
    scene = Scene(tmp_path)
    with rasterio.open(tmp_path / "dem.tif") as file:
        heights, transform = file.read(1), file.transform
    west = heights[:, :300]
    write_heights(tmp_path / "west.tif", west, transform, "EPSG:4326")
    a, _, c, _, e, f = transform[:6]
    moved = Affine(a, 0.0, c + 300.4 * a, 0.0, e, f + 0.3 * e)
    write_heights(tmp_path / "east.tif", heights[:, 300:], moved, "EPSG:4326")
    dem = open_dem([tmp_path / "west.tif", tmp_path / "east.tif"], "ellipsoid")
    cube = keep(tmp_path, scene, dem)
    wanted = open_dem([tmp_path / "west.tif", tmp_path / "east.tif"], "ellipsoid")
    check_heights(read_geometry(cube), wanted, scene)
    assert zarr.open_array(cube, path="geometry/dem/heights", mode="r").dtype == np.float64
    assert len(read_geometry(cube).dem.mosaic.tiles) == 1


def test_a_dem_all_around_the_earth(tmp_path):
    """It goes round twice, so that a scene across Greenwich lies in it in one piece, and in two parts as well."""
    scene = Scene(tmp_path, longitude=0.0)
    latitude = np.arange(600)[::-1, None] * 0.01 + scene.centre[1] - 3.0
    heights = (500.0 + 300.0 * np.sin(latitude + 7.0 * np.arange(3600) / 3600)).astype(np.float32)
    transform = Affine(0.1, 0.0, -180.05, 0.0, -0.01, float(latitude[0, 0]) + 0.005)
    dem = open_dem(write_heights(tmp_path / "earth.tif", heights, transform, "EPSG:4326"), "ellipsoid")
    assert dem.shape == (600, 7200)
    check_heights(read_geometry(keep(tmp_path, scene, dem)), dem, scene)


class TestRefused:
    @pytest.fixture
    def cube(self, tmp_path):
        return keep(tmp_path, Scene(tmp_path))

    def test_a_cube_without(self, cube, tmp_path):
        shutil.rmtree(cube / "geometry")
        with pytest.raises(AlignsarError, match=r"cube\.zarr: has no geometry .* make it again"):
            read_geometry(cube)
        with pytest.raises(AlignsarError, match="is no cube"):
            read_geometry(tmp_path)

    def test_heights_that_are_damaged(self, cube):
        (file,) = (path for path in (cube / "geometry/dem/heights/c").rglob("*") if path.is_file())
        content = bytearray(file.read_bytes())
        content[300] ^= 255
        file.write_bytes(content)
        dem = read_geometry(cube).dem
        with pytest.raises(AlignsarError, match=r"cannot be read .* copy the cube again"):
            dem.posts(slice(0, dem.shape[0]), slice(0, dem.shape[1]))

    @pytest.mark.parametrize(
        ("name", "word", "other"),
        [
            ("zarr.json", b'"grid"', b'"girl"'),
            ("zarr.json", b'"format"', b'"format": 9, "was"'),
            ("dem/zarr.json", b'"affine"', b'"define"'),
            ("orbit_time/zarr.json", b'"float64"', b'"float99"'),
            ("orbit_time/zarr.json", b'"float64"', b'"complex128"'),
            ("orbit_position/c/0/0", b"", b"x"),
        ],
    )
    def test_other_damage(self, cube, name, word, other):
        file = cube / "geometry" / name
        file.write_bytes(file.read_bytes().replace(word, other, 1))
        with pytest.raises(AlignsarError, match=r"make it again|make the cube again|which is not read"):
            read_geometry(cube)
