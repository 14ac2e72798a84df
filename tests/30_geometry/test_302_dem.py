"""Dem: rasters made here, with heights that are known everywhere."""

import json
import pickle
import subprocess
import sys
import tracemalloc

import numpy as np
import pyproj
import pytest
import rasterio
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from netCDF4 import Dataset
from rasterio import Affine
from rasterio.windows import Window

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.dem import BLOCK, open_dem

WGS84 = "EPSG:4326"
UTM29 = "EPSG:32629"
HOLE = np.nan


def from_origin(west, north, across, down):
    """Affine of a raster whose corner is (west, north)."""
    return Affine(across, 0.0, west, 0.0, -down, north)


def place(affine, column, row):
    """(x, y): affine's own operator is being renamed, with warnings."""
    return affine.a * column + affine.b * row + affine.c, affine.d * column + affine.e * row + affine.f


def write(path, heights, west, north, step, *, crs=WGS84, dtype="float64", mask=None, tags=None, **options):
    """A raster whose first post (pixel centre) is (west, north)."""
    heights = np.atleast_3d(np.asarray(heights, dtype).T).T
    transform = options.pop("transform", from_origin(west - step / 2, north + step / 2, step, step))
    profile = {"driver": "GTiff", "dtype": dtype, "crs": crs, "transform": transform, **options}
    count, rows, columns = heights.shape
    with rasterio.open(path, "w", count=count, height=rows, width=columns, **profile) as file:
        if tags:
            file.update_tags(**tags)
        file.write(heights)
        if mask is not None:
            file.write_mask(mask)
    return path


def plane(x, y, *, a=100.0, b=3.0, c=-2.0):
    return a + b * x + c * y


def write_plane(path, west, north, step, rows, columns, *, height=plane, **options):
    x, y = west + step * np.arange(columns), north - step * np.arange(rows)
    return write(path, height(x[None, :], y[:, None]), west, north, step, **options)


def everything(dem):
    return dem.posts(slice(0, dem.shape[0]), slice(0, dem.shape[1]))


@pytest.fixture
def geoid(tmp_path):
    """A regional geoid of 40 to 60 m around Morocco, curved."""
    return write_plane(
        tmp_path / "geoid.tif", -12.0, 36.0, 0.25, 41, 41, height=lambda x, y: 50 + np.sin(x) + 0.02 * y * y
    )


class TestPosts:
    def test_posts_are_pixel_centres(self, tmp_path):
        heights = np.arange(12.0).reshape(3, 4)
        dem = open_dem(write(tmp_path / "d.tif", heights, 10.0, 50.0, 0.5), "ellipsoid")
        posts = everything(dem)
        assert dem.shape == (3, 4)
        np.testing.assert_array_equal(posts.height, heights)
        np.testing.assert_allclose(posts.longitude, np.tile(10.0 + 0.5 * np.arange(4), (3, 1)), atol=1e-12)
        np.testing.assert_allclose(posts.latitude, np.tile(50.0 - 0.5 * np.arange(3)[:, None], 4), atol=1e-12)
        assert all(a.dtype == np.float64 and a.flags.c_contiguous for a in vars(posts).values())

    def test_pixel_is_point_or_area(self, tmp_path):
        heights = np.arange(12.0).reshape(3, 4)
        posts = {}
        for kind in ("Area", "Point"):
            path = write(tmp_path / f"{kind}.tif", heights, 10.0, 50.0, 0.5, tags={"AREA_OR_POINT": kind})
            with rasterio.Env(GTIFF_POINT_GEO_IGNORE=True), rasterio.open(path) as file:
                tie_point = file.transform.c  # as the file stores it
            assert tie_point == {"Area": 9.75, "Point": 10.0}[kind]
            posts[kind] = everything(open_dem(path, "ellipsoid"))
        np.testing.assert_array_equal(posts["Area"].longitude, posts["Point"].longitude)
        np.testing.assert_array_equal(posts["Area"].latitude, posts["Point"].latitude)
        assert posts["Point"].longitude[0, 0] == pytest.approx(10.0, abs=1e-12)

    def test_utm(self, tmp_path):
        dem = open_dem(write_plane(tmp_path / "d.tif", 6e5, 3.5e6, 100.0, 30, 40, crs=UTM29), "ellipsoid")
        posts = everything(dem)
        back = pyproj.Transformer.from_crs(WGS84, UTM29, always_xy=True)
        x, y = back.transform(posts.longitude, posts.latitude)
        np.testing.assert_allclose(x, np.tile(6e5 + 100.0 * np.arange(40), (30, 1)), atol=1e-6)
        np.testing.assert_allclose(y, np.tile(3.5e6 - 100.0 * np.arange(30)[:, None], 40), atol=1e-6)
        assert dem.posting == pytest.approx(100.0, rel=1e-3)
        assert dem.facts()["horizontal_transformation"].startswith("Inverse of UTM zone 29N")

    def test_another_datum(self, tmp_path):
        """The Dutch grid lies about 100 m from where its coordinates would be on WGS84 without a shift."""
        path = write_plane(tmp_path / "d.tif", 155000.0, 463000.0, 25.0, 5, 5, crs="EPSG:28992")
        dem = open_dem(path, "ellipsoid")
        posts = everything(dem)
        # Amersfoort, the origin: published coordinates on ETRS89.
        assert posts.latitude[0, 0] == pytest.approx(52.15517440, abs=1e-5)
        assert posts.longitude[0, 0] == pytest.approx(5.38720621, abs=1.5e-5)
        assert "accurate to 1 m" in dem.facts()["horizontal_transformation"]

    def test_rotated_and_south_up(self, tmp_path):
        cos, sin = 0.1 * np.cos(0.5), 0.1 * np.sin(0.5)
        turned = Affine(cos, -sin, 10.0, sin, cos, 50.0)
        for name, transform in {
            "turned": turned,
            "south_up": Affine(0.1, 0, 10, 0, 0.1, 50),
        }.items():
            column, row = np.meshgrid(np.arange(9) + 0.5, np.arange(7) + 0.5)
            x, y = place(transform, column, row)
            path = write(tmp_path / f"{name}.tif", plane(x, y), 0, 0, 1, transform=transform)
            dem = open_dem(path, "ellipsoid")
            posts = everything(dem)
            np.testing.assert_allclose(posts.longitude, x, rtol=0, atol=1e-12)
            np.testing.assert_allclose(posts.latitude, y, rtol=0, atol=1e-12)
            lon, lat = place(transform, 4.3, 2.9)
            assert dem.height_at(lon, lat) == pytest.approx(plane(lon, lat), abs=1e-9)

    def test_geoid_is_added(self, tmp_path, geoid):
        path = write(tmp_path / "d.tif", np.full((5, 6), 7, np.int16), -9.0, 32.0, 0.01, dtype="int16")
        dem = open_dem(path, "egm96", geoid)
        posts = everything(dem)
        expected = 7 + 50 + np.sin(posts.longitude) + 0.02 * posts.latitude**2
        np.testing.assert_allclose(
            posts.height, expected, rtol=0, atol=1e-3
        )  # nodes of the geoid: 0.25 degree
        assert dem.facts()["geoid"] == f"geoid.tif from {geoid}"
        json.dumps(dem.facts())

    def test_geoid_with_gaps_is_refused(self, tmp_path):
        values = np.full((41, 41), 50.0)
        values[16, 12] = -999.0
        grid = write(tmp_path / "geoid.tif", values, -12.0, 36.0, 0.25, nodata=-999.0)
        dem = open_dem(write_plane(tmp_path / "d.tif", -9.0, 32.0, 0.01, 5, 6), "egm96", grid)
        with pytest.raises(AlignsarError, match="no undulation at 30 posts"):
            everything(dem)

    def test_windows_outside_are_a_mistake_of_the_program(self, tmp_path):
        dem = open_dem(write_plane(tmp_path / "d.tif", 10.0, 50.0, 0.1, 5, 6), "ellipsoid")
        for rows in (slice(-1, 3), slice(0, 6), slice(3, 3), slice(0, 4, 2)):
            with pytest.raises(ValueError, match="not inside 0 to 5"):
                dem.posts(rows, slice(0, 6))


def stacks_of_tiles(folder, geoid):
    """DEMs of every kind, with the geoid."""
    rng = np.random.default_rng(5)
    rough = rng.uniform(0, 900, (60, 70))
    first = write(folder / "a.tif", rough, -9.0, 32.0, 0.01)
    half = write(folder / "b.tif", rough, -8.305, 32.005, 0.01)
    coarse = write(folder / "c.tif", rough, -9.0, 32.9, 0.015)
    utm = write(folder / "u.tif", rough, 6e5, 3.5e6, 900.0, crs=UTM29)
    return {
        "geographic": open_dem(first, "egm96", geoid),
        "utm": open_dem(utm, "egm96", geoid),
        "misaligned": open_dem([first, half, coarse], "egm96", geoid),
        "systems": open_dem([first, utm], "egm96", geoid),
        "systems, UTM first": open_dem([utm, first], "egm96", geoid),
    }


@pytest.fixture(scope="module")
def kinds(tmp_path_factory):
    folder = tmp_path_factory.mktemp("kinds")
    grid = write_plane(
        folder / "geoid.tif", -12.0, 36.0, 0.25, 41, 41, height=lambda x, y: 50 + np.sin(x) + 0.02 * y * y
    )
    return {name: (dem, everything(dem)) for name, dem in stacks_of_tiles(folder, grid).items()}


@pytest.mark.parametrize("kind", ["geographic", "utm", "misaligned", "systems", "systems, UTM first"])
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_post_has_the_same_bits_in_every_window(kinds, kind, data):
    dem, whole = kinds[kind]
    part = []
    for count in dem.shape:
        start = data.draw(st.integers(0, count - 1))
        part.append(slice(start, data.draw(st.integers(start + 1, count))))
    posts = pickle.loads(pickle.dumps(dem)).posts(*part)
    np.testing.assert_array_equal(posts.height, whole.height[tuple(part)])
    np.testing.assert_array_equal(posts.longitude, whole.longitude[tuple(part)])
    np.testing.assert_array_equal(posts.latitude, whole.latitude[tuple(part)])


class TestHeightAt:
    def test_two_triangles(self, tmp_path):
        a, b, d, e = 10.0, 20.0, 40.0, 400.0
        dem = open_dem(write(tmp_path / "d.tif", [[a, b], [d, e]], 10.0, 50.0, 1.0), "ellipsoid")
        u, v = (
            np.array([0.0, 1.0, 0.0, 1.0, 0.25, 0.5, 0.75, 0.9]),
            np.array([0, 0, 1, 1, 0.5, 0.5, 0.5, 0.2]),
        )
        expected = [a, b, d, e, 10 + 0.25 * 10 + 0.5 * 30, 30, 400 - 0.25 * 360 - 0.5 * 380, 400 - 36 - 304]
        np.testing.assert_allclose(dem.height_at(10 + u, 50 - v), expected, rtol=0, atol=1e-9)

    @settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(
        west=st.floats(-179, 170), north=st.floats(-50, 80), step=st.floats(1e-4, 0.2),
        slopes=st.tuples(st.floats(-50, 50), st.floats(-50, 50)), seed=st.integers(0, 99),
    )  # fmt: skip
    def test_a_plane_stays_a_plane(self, tmp_path_factory, west, north, step, slopes, seed):
        b, c = slopes
        folder = tmp_path_factory.mktemp("plane")

        def height(x, y):
            return plane(x - west, y - north, b=b, c=c)

        dem = open_dem(write_plane(folder / "d.tif", west, north, step, 23, 31, height=height), "ellipsoid")
        rng = np.random.default_rng(seed)
        lon, lat = west + rng.uniform(0, 30, 200) * step, north - rng.uniform(0, 22, 200) * step
        for turns in (-360, 0, 360):
            found = dem.height_at(lon + turns, lat)
            # Rounding of longitudes of up to 540 degrees (1e-13) times slopes.
            np.testing.assert_allclose(found, height(lon, lat), rtol=0, atol=1e-9)

    def test_plane_in_easting_and_northing(self, tmp_path):
        def height(x, y):
            return plane(x - 6e5, y - 3.5e6, b=0.5, c=0.1)

        dem = open_dem(
            write_plane(tmp_path / "d.tif", 6e5, 3.5e6, 50.0, 80, 90, height=height, crs=UTM29), "ellipsoid"
        )
        rng = np.random.default_rng(3)
        x, y = 6e5 + rng.uniform(0, 4450, (7, 50)), 3.5e6 - rng.uniform(0, 3950, (7, 50))
        lon, lat = pyproj.Transformer.from_crs(UTM29, WGS84, always_xy=True).transform(x, y)
        np.testing.assert_allclose(dem.height_at(lon, lat), height(x, y), rtol=0, atol=1e-6)

    def test_posts_edges_and_outside(self, kinds):
        for dem, whole in kinds.values():
            found = dem.height_at(whole.longitude, whole.latitude)
            known = ~np.isnan(
                found
            )  # a post beside a hole may fall a rounding error into the cell of the hole
            np.testing.assert_allclose(found[known], whole.height[known], rtol=0, atol=1e-5)
            inner = ~np.isnan(
                whole.height[:-1, :-1] + whole.height[1:, :-1] + whole.height[:-1, 1:] + whole.height[1:, 1:]
            )
            assert known[1:-1, 1:-1][inner[1:, 1:] & inner[:-1, 1:] & inner[1:, :-1] & inner[:-1, :-1]].all()
        dem, whole = kinds["geographic"]
        assert not np.isnan(dem.height_at(whole.longitude, whole.latitude)).any()
        assert np.isnan(dem.height_at([-9.00001, -9.0, -9.0, np.nan], [32.0, 32.00001, 31.0, 32.0])).all()
        assert dem.height_at([], []).shape == (0,)

    def test_over_many_blocks(self, tmp_path):
        size = 2 * BLOCK + 40
        rng = np.random.default_rng(4)
        heights = rng.uniform(0, 100, (size, size)).astype(np.float32)
        dem = open_dem(write(tmp_path / "d.tif", heights, 10.0, 50.0, 0.001, dtype="float32"), "ellipsoid")
        row, column = rng.integers(0, size - 1, 3000), rng.integers(0, size - 1, 3000)
        row[:4], column[:4] = [BLOCK - 1, BLOCK - 1, BLOCK, size - 2], [BLOCK - 1, BLOCK, BLOCK, size - 2]
        lon, lat = 10.0 + 0.001 * (column + 0.25), 50.0 - 0.001 * (row + 0.5)
        a, b, d = heights[row, column], heights[row, column + 1], heights[row + 1, column]
        expected = a.astype(float) + 0.25 * (b.astype(float) - a) + 0.5 * (d.astype(float) - a)
        np.testing.assert_allclose(dem.height_at(lon, lat), expected, rtol=0, atol=1e-6)


class TestTiles:
    @pytest.mark.parametrize("overlap", [0, 1, 3])
    def test_aligned_tiles_are_one(self, tmp_path, overlap):
        """Copernicus tiles touch, SRTM tiles share a row and a column."""
        rng = np.random.default_rng(6)
        heights = rng.integers(0, 3000, (60, 60)).astype(np.int16)
        whole = open_dem(
            write(tmp_path / "all.tif", heights, 7.0, 46.0, 1 / 1200, dtype="int16"), "ellipsoid"
        )
        folder = tmp_path / "tiles"
        folder.mkdir()
        for i in (0, 1):
            for j in (0, 1):
                part = heights[30 * i : 30 * i + 30 + overlap, 30 * j : 30 * j + 30 + overlap]
                west, north = round(7.0 + 30 * j / 1200, 9), round(46.0 - 30 * i / 1200, 9)
                write(folder / f"{i}{j}.tif", part, west, north, 1 / 1200, dtype="int16")
        dem = open_dem(folder, "ellipsoid")
        assert dem.facts()["resampled_files"] == 0
        assert dem.facts()["files"] == 4
        np.testing.assert_array_equal(everything(dem).height, heights)
        np.testing.assert_allclose(everything(dem).longitude, everything(whole).longitude, rtol=0, atol=1e-9)

    def test_the_first_valid_height_counts(self, tmp_path):
        low, high = np.full((4, 4), 1.0), np.full((4, 4), 2.0)
        low[1, 1] = HOLE
        a = write(tmp_path / "a.tif", low, 0.0, 1.0, 0.1)
        b = write(tmp_path / "b.tif", high, 0.1, 1.0, 0.1)
        found = everything(open_dem([a, str(b)], "ellipsoid")).height
        np.testing.assert_array_equal(found[:, :4], np.where(np.isnan(low), 2.0, 1.0))
        np.testing.assert_array_equal(found[:, 4], 2.0)
        assert np.all(everything(open_dem([b, a], "ellipsoid")).height[:, 1:] == 2.0)

    def test_no_seam_between_tiles_with_other_posts(self, tmp_path):
        """North of 50 degrees Copernicus tiles have a wider posting in longitude; pixels touch."""
        south = from_origin(6.0 - 0.0005, 50.0 + 0.0005, 0.001, 0.001)
        north = from_origin(6.0 - 0.000625, 50.1 + 0.0005, 0.00125, 0.001)
        east = from_origin(6.2 - 0.000625, 50.1 + 0.0005, 0.00125, 0.001)
        paths = []
        for name, transform, rows, columns in (
            ("s", south, 90, 350),
            ("n", north, 100, 160),
            ("e", east, 100, 120),
        ):
            x, y = place(transform, *np.meshgrid(np.arange(columns) + 0.5, np.arange(rows) + 0.5))
            paths.append(
                write(
                    tmp_path / f"{name}.tif",
                    plane(x, y, b=1000, c=500, a=-30500),
                    0,
                    0,
                    1,
                    transform=transform,
                )
            )
        dem = open_dem(paths, "ellipsoid")
        posts = everything(dem)
        assert dem.facts()["resampled_files"] == 2
        assert dem.shape == (190, 350)
        assert not np.isnan(posts.height).any()
        error = np.abs(posts.height - plane(posts.longitude, posts.latitude, b=1000, c=500, a=-30500))
        assert (
            np.nanmax(error) < 0.75 * 1.0 + 1e-6
        )  # half a pixel beyond the last post: its height, 0.75 m off
        assert np.nanmedian(error) < 1e-6

    @pytest.mark.parametrize("shift", [0.5, 0.3])
    def test_misaligned_neighbours(self, tmp_path, shift):
        a = write_plane(tmp_path / "a.tif", 10.0, 50.0, 0.01, 20, 20)
        b = write_plane(tmp_path / "b.tif", 10.0 + 0.01 * (20 - shift), 50.0 + 0.01 * shift, 0.01, 20, 20)
        for paths in ([a, b], [b, a]):
            posts = everything(open_dem(paths, "ellipsoid"))
            middle = posts.height[1:-1]
            assert not np.isnan(middle[:, :-1]).any()
            error = np.abs(posts.height - plane(posts.longitude, posts.latitude))
            assert np.nanmax(error) < 0.005 * 5 + 1e-9  # half a post of 3 + 2 m a degree at the outer edges
            assert np.abs(error[2:-2, 1:-1]).max() < 1e-9

    @pytest.mark.parametrize(
        ("down", "latitudes"),
        [(0.005, {49.91, 49.9}), *((0.01 * k, {round(49.9 + 0.01 * k, 2)}) for k in (-3, -2, -1, 0))],
    )
    def test_holes_of_a_resampled_tile_stay_holes(self, tmp_path, down, latitudes):
        heights = np.full((20, 20), 5.0)
        heights[10, 10] = HOLE
        a = write(tmp_path / "a.tif", np.full((20, 20), 5.0), 10.0, 50.0, 0.01)
        b = write(tmp_path / "b.tif", heights, 10.205, 50.0 + down, 0.01)
        posts = everything(open_dem([a, b], "ellipsoid"))
        inside = (posts.longitude > 10.202) & (posts.longitude < 10.398) & (posts.latitude < 49.968)
        inside &= posts.latitude > 49.822
        holes = np.isnan(posts.height) & inside
        found = zip(posts.longitude[holes].round(6), posts.latitude[holes].round(6), strict=True)
        assert set(found) == {(lon, lat) for lon in (10.3, 10.31) for lat in latitudes}
        assert inside.sum() == 14 * 19

    def test_tiles_in_other_systems(self, kinds):
        dem = kinds["systems"][0]
        assert dem.facts()["resampled_files"] == 1
        posts = kinds["utm"][1]
        inside = np.s_[5:-5, 5:-5]
        lon, lat = posts.longitude[inside], posts.latitude[inside]
        here = kinds["geographic"][0].height_at(lon, lat)
        found = dem.height_at(lon, lat)
        np.testing.assert_array_equal(found[~np.isnan(here)], here[~np.isnan(here)])
        assert not np.isnan(found).any()

    def test_a_projected_plane_beside_a_geographic_one(self, tmp_path):
        """Both give heights 0.001 northing (zone 29): resampling keeps a smooth surface."""
        forward = pyproj.Transformer.from_crs(WGS84, UTM29, always_xy=True)
        lon, lat = np.meshgrid(-9.0 + 0.001 * np.arange(100), 32.0 - 0.001 * np.arange(80))
        a = write(tmp_path / "a.tif", 1e-3 * forward.transform(lon, lat)[1], -9.0, 32.0, 0.001)
        b = write_plane(
            tmp_path / "b.tif",
            505000.0,
            3542000.0,
            90.0,
            120,
            120,
            crs=UTM29,
            height=lambda x, y: 1e-3 * y + 0 * x,
        )
        dem = open_dem([a, b], "ellipsoid")
        posts = everything(dem)
        known = ~np.isnan(posts.height)
        northing = forward.transform(posts.longitude, posts.latitude)[1]
        assert known.mean() > 0.6
        # Exact in the tile's own system but for half a pixel (45 m, 0.045 m of height) at its edges.
        assert np.abs(posts.height - 1e-3 * northing)[known].max() < 0.0451
        assert known.sum() > 80 * 100


class TestAntimeridian:
    @staticmethod
    def height(x, y):
        return plane(np.where(x < 0, x + 360.0, x) - 180.0, y)

    @pytest.mark.parametrize("order", [(0, 1), (1, 0)])
    def test_tiles_on_both_sides_are_one(self, tmp_path, order):
        east = write_plane(tmp_path / "e.tif", 179.0, -16.0, 0.01, 50, 100, height=self.height)
        west = write_plane(tmp_path / "w.tif", -180.0, -16.0, 0.01, 50, 100, height=self.height)
        dem = open_dem([(east, west)[k] for k in order], "ellipsoid")
        posts = everything(dem)
        assert dem.shape == (50, 200)
        assert dem.facts()["resampled_files"] == 0
        np.testing.assert_allclose(posts.longitude[0], 179.0 + 0.01 * np.arange(200), rtol=0, atol=1e-9)
        np.testing.assert_allclose(posts.height, plane(posts.longitude - 180.0, posts.latitude), atol=1e-9)
        expected = slice(10, 22), slice(50, 151)
        for lon in ([179.505, -179.505], [179.505, 180.495], [-180.495, -179.505]):
            assert dem.window(lon, [-16.105, -16.205], 0) == expected
        dem.require([179.5, -179.5], [-16.1, -16.2], "it")
        lon = np.array([179.991, 179.996, 180.004, -179.996, -179.5])
        np.testing.assert_allclose(
            dem.height_at(lon, -16.2), plane(np.where(lon < 0, lon + 360, lon) - 180.0, -16.2), atol=1e-9
        )

    def test_utm_across(self, tmp_path):
        path = write_plane(tmp_path / "d.tif", 8e5, 8.2e6, 1000.0, 60, 80, crs="EPSG:32760")
        posts = everything(open_dem(path, "ellipsoid"))
        assert posts.longitude.min() < 180.0 < posts.longitude.max()
        assert np.all(np.diff(posts.longitude, axis=1) > 0)

    @pytest.mark.parametrize("west", [-180.0, 0.0, -180.5])
    def test_a_dem_round_the_earth(self, tmp_path, west):
        def around(x, y):
            return 100.0 * np.cos(np.radians(x)) + y

        path = write_plane(tmp_path / "d.tif", west, 60.0, 0.5, 40, 720, height=around)
        dem = open_dem(path, "ellipsoid")
        for middle in (-180.0, -90.0, 0.0, 90.0, 179.9, 359.75):
            lon = middle + np.array([-1.3, 1.3, 1.3, -1.3])
            for outline in (lon, (lon + 180.0) % 360.0 - 180.0):
                rows, columns = dem.window(outline, [45.0, 45.0, 47.0, 47.0], 1)
                posts = dem.posts(rows, columns)
                assert posts.height.shape[1] <= 10
                assert np.all(np.diff(posts.longitude, axis=1) == pytest.approx(0.5, abs=1e-9))
                np.testing.assert_allclose(posts.height, around(posts.longitude, posts.latitude), atol=1e-9)
                dem.require(outline, [45.0, 45.0, 47.0, 47.0], "it")
        lon = np.linspace(-180.0, 180.0, 1441)
        assert (
            np.abs(dem.height_at(lon, 50.0) - around(lon, 50.0)).max() < 100 * np.radians(0.5) ** 2 / 8 + 1e-9
        )


class TestHoles:
    @pytest.mark.parametrize(
        ("dtype", "value", "options"),
        [
            ("int16", -32768, {"nodata": -32768}),
            ("int16", -32768, {}),  # raw SRTM: nothing in the file says so
            ("int16", 0, {"nodata": 0}),
            ("float32", -9999.0, {}),
            ("float32", np.nan, {}),
            ("float32", np.nan, {"nodata": np.nan}),
            ("float32", -3.4028234663852886e38, {"nodata": -3.4028234663852886e38}),
            ("float64", 17.0, {"nodata": 17.0}),
            ("uint16", 65535, {}),
            ("float64", np.inf, {}),
        ],
    )
    def test_no_data(self, tmp_path, dtype, value, options):
        heights = np.full((4, 5), 100, dtype)
        heights[2, 3] = value
        posts = everything(
            open_dem(write(tmp_path / "d.tif", heights, 1, 2, 0.1, dtype=dtype, **options), "ellipsoid")
        )
        assert np.argwhere(np.isnan(posts.height)).tolist() == [[2, 3]]
        assert np.nanmin(posts.height) == np.nanmax(posts.height) == 100
        assert np.isfinite(posts.longitude).all()

    def test_zero_is_a_height(self, tmp_path):
        posts = everything(open_dem(write(tmp_path / "d.tif", np.zeros((4, 5)), 1, 2, 0.1), "ellipsoid"))
        assert (posts.height == 0.0).all()

    def test_mask_and_alpha(self, tmp_path):
        mask = np.full((4, 5), 255, np.uint8)
        mask[1, 1] = 0
        with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=True):
            masked = write(tmp_path / "m.tif", np.full((4, 5), 7), 1, 2, 0.1, dtype="int16", mask=mask)
        alpha = write(
            tmp_path / "a.tif",
            [np.full((4, 5), 7), mask],
            1,
            2,
            0.1,
            dtype="uint8",
            photometric="MINISBLACK",
            alpha="YES",
        )
        for path in (masked, alpha):
            found = everything(open_dem(path, "ellipsoid")).height
            assert np.argwhere(np.isnan(found)).tolist() == [[1, 1]]

    def test_triangles_of_a_hole(self, tmp_path):
        heights = np.full((3, 3), 5.0)
        heights[0, 0] = HOLE
        dem = open_dem(write(tmp_path / "d.tif", heights, 0.0, 2.0, 1.0), "ellipsoid")
        lon, lat = np.array([0.4, 0.6, 1.5]), np.array([1.7, 1.3, 1.5])
        np.testing.assert_array_equal(dem.height_at(lon, lat), [HOLE, 5.0, 5.0])


class TestUnits:
    @pytest.mark.parametrize(
        ("unit", "metres"), [("ft", 0.3048), ("US survey foot", 1200 / 3937), ("metre", 1.0), ("cm", 0.01)]
    )
    def test_units_scale_and_offset(self, tmp_path, unit, metres):
        path = write(tmp_path / "d.tif", np.full((4, 5), 1000), 1, 2, 0.1, dtype="int16", nodata=-1)
        with rasterio.open(path, "r+") as file:
            file.units, file.scales, file.offsets = (unit,), (0.5,), (20.0,)
        assert everything(open_dem(path, "ellipsoid")).height == pytest.approx(520.0 * metres, abs=1e-9)

    @pytest.mark.parametrize(
        ("scale", "offset", "what"),
        [
            (0.0, 0.0, "magnitude of the scale of heights is 0 m"),
            (np.nan, 0.0, "magnitude of the scale of heights is nan m"),
            (1.0, np.inf, "offset of heights is inf m"),
        ],
    )
    def test_a_scale_that_leaves_nothing(self, tmp_path, scale, offset, what):
        path = write(tmp_path / "d.tif", np.full((4, 5), 1000), 1, 2, 0.1, dtype="int16", nodata=-1)
        with rasterio.open(path, "r+") as file:
            file.scales, file.offsets = (scale,), (offset,)
        with pytest.raises(AlignsarError, match=rf"d\.tif: {what}, and can only be"):
            open_dem(path, "ellipsoid")

    def test_unknown_unit(self, tmp_path):
        path = write(tmp_path / "d.tif", np.full((4, 5), 1000), 1, 2, 0.1)
        with rasterio.open(path, "r+") as file:
            file.units = ("fathom",)
        with pytest.raises(AlignsarError, match="heights in 'fathom'"):
            open_dem(path, "ellipsoid")


class TestVerticalDatum:
    @pytest.mark.parametrize("datum", [None, "", "wgs84", "EGM96"])
    def test_missing_or_unknown(self, tmp_path, datum):
        path = write_plane(tmp_path / "d.tif", 10.0, 50.0, 0.1, 5, 6)
        with pytest.raises(AlignsarError, match="does not say which surface") as error:
            open_dem(path, datum)
        for part in (str(path), "egm2008 for the Copernicus DEM", "egm96 for SRTM", "dem.vertical_datum"):
            assert part in str(error.value)

    @pytest.mark.parametrize(
        ("crs", "stated"),
        [
            ("EPSG:4326+5773", "egm96"),
            ("EPSG:4326+3855", "egm2008"),
            ("EPSG:4979", "ellipsoid"),
            ("EPSG:32629+3855", "egm2008"),
        ],
    )
    def test_the_file_says(self, tmp_path, geoid, crs, stated):
        west, north, step = (-9.0, 32.0, 0.1) if crs.startswith("EPSG:4") else (6e5, 3.5e6, 90.0)
        heights = np.full((5, 6), 9.0)
        path = write(tmp_path / "d.tif", heights, west, north, step, crs=crs)
        with pytest.raises(AlignsarError, match=f"says that its heights count from '{stated}'"):
            open_dem(path, None)
        for datum in ("egm96", "egm2008", "ellipsoid"):
            grid = None if datum == "ellipsoid" else geoid
            if datum == stated:
                high = everything(open_dem(path, datum, grid)).height
                assert np.all(high == 9.0) if datum == "ellipsoid" else np.all(high > 59.0)
            else:
                with pytest.raises(AlignsarError, match=f"{stated}'.*but .*vertical_datum says {datum}"):
                    open_dem(path, datum, grid)

    def test_a_national_datum_is_refused(self, tmp_path):
        path = write_plane(tmp_path / "d.tif", -100.0, 40.0, 0.1, 5, 6, crs="EPSG:4269+5703")
        with pytest.raises(AlignsarError, match="NAVD88 height"):
            open_dem(path, "egm96")

    def test_a_geoid_for_ellipsoidal_heights(self, tmp_path, geoid):
        path = write_plane(tmp_path / "d.tif", -9.0, 32.0, 0.1, 5, 6)
        with pytest.raises(AlignsarError, match="remove one of the two"):
            open_dem(path, "ellipsoid", geoid)


class TestCoverage:
    @pytest.fixture
    def dem(self, tmp_path):
        return open_dem(write_plane(tmp_path / "d.tif", 10.0, 50.0, 0.01, 101, 201), "ellipsoid")

    def test_inside(self, dem):
        dem.require([10.0, 12.0, 12.0, 10.0], [50.0, 50.0, 49.0, 49.0], "burst 1")

    def test_how_much_is_missing(self, dem):
        lon, lat = [9.5, 12.25, 11.0, 11.0], [49.5, 49.5, 50.2, 48.9]
        with pytest.raises(AlignsarError) as error:
            dem.require(lon, lat, "burst 7 of IW2")
        text = str(error.value)
        # A degree of the meridian is 111.2 km at 50 degrees; of the parallel at 49.5, 72.4 km.
        for part in (
            "does not cover burst 7 of IW2: 4 of 4 points",
            "0.2000 degrees (22.2 km) beyond its northern edge",
            "0.1000 degrees (11.1 km) beyond its southern edge",
            "0.5000 degrees (36.2 km) beyond its western edge",
            "0.2500 degrees (18.1 km) beyond its eastern edge",
            "Needed: longitude 9.5000 to 12.2500, latitude 48.9000 to 50.2000",
            "covers longitude 10.0000 to 12.0000, latitude 49.0000 to 50.0000",
            "d.tif",
        ):
            assert part in text

    def test_only_the_sides_that_lack(self, dem):
        with pytest.raises(AlignsarError) as error:
            dem.require([10.0, 12.0], [49.0, 50.01], "it")
        assert "1 of 2 points" in str(error.value)
        assert "0.0100 degrees (1.1 km) beyond its northern edge. Needed" in str(error.value)

    def test_projected(self, tmp_path):
        dem = open_dem(write_plane(tmp_path / "d.tif", 6e5, 3.5e6, 100.0, 101, 101, crs=UTM29), "ellipsoid")
        lon, lat = pyproj.Transformer.from_crs(UTM29, WGS84, always_xy=True).transform(605000.0, 3505000.0)
        with pytest.raises(
            AlignsarError, match=r"0\.045\d degrees \(5\.0 km\) beyond its northern edge\. Needed"
        ):
            dem.require([lon], [lat], "it")
        with pytest.raises(AlignsarError, match=r"edge|no coordinates"):
            dem.require([-9.0 + 180.0], [0.0], "it")

    def test_window(self, dem):
        lon, lat = [10.105, 10.305], [49.895, 49.505]
        assert dem.window(lon, lat, 0) == (slice(10, 51), slice(10, 32))
        assert dem.window(lon, lat, 3) == (slice(7, 54), slice(7, 35))
        assert dem.window(lon, lat, 500) == (slice(0, 101), slice(0, 201))
        assert dem.window([*lon, np.nan], [*lat, 49.0], 0) == dem.window(np.array(lon) + 360, lat, 0)
        assert dem.window([9.0, 10.005], [49.5, 49.505], 0)[1] == slice(0, 2)
        assert dem.window([12.0], [49.0], 0) == (slice(99, 101), slice(199, 201))

    def test_window_of_nothing(self, dem):
        with pytest.raises(AlignsarError, match="beyond its eastern edge"):
            dem.window([13.0, 14.0], [49.5, 49.6], 5)
        with pytest.raises(AlignsarError, match="no finite coordinates"):
            dem.window([np.nan], [49.5], 5)


class TestFiles:
    def test_a_large_dem_is_not_loaded(self, tmp_path):
        """A VRT of 200,000 x 200,000 posts, 160 GB in memory, around a small tile."""
        tile = write_plane(tmp_path / "t.tif", 10.0, 50.0, 0.0001, 300, 300, dtype="float32")
        vrt = tmp_path / "country.vrt"
        vrt.write_text(
            '<VRTDataset rasterXSize="200000" rasterYSize="200000"><SRS>EPSG:4326</SRS>'
            "<GeoTransform>0.99995, 0.0001, 0, 59.00005, 0, -0.0001</GeoTransform>"
            '<VRTRasterBand dataType="Float32" band="1"><NoDataValue>-9999</NoDataValue><ComplexSource>'
            f'<SourceFilename relativeToVRT="0">{tile}</SourceFilename><SourceBand>1</SourceBand>'
            '<SrcRect xOff="0" yOff="0" xSize="300" ySize="300"/>'
            '<DstRect xOff="90000" yOff="90000" xSize="300" ySize="300"/></ComplexSource></VRTRasterBand></VRTDataset>'
        )
        tracemalloc.start()
        dem = open_dem(vrt, "ellipsoid")
        lon, lat = np.linspace(10.001, 10.02, 50), np.linspace(49.99, 49.971, 50)
        posts = dem.posts(*dem.window(lon, lat, 2))
        found = dem.height_at(lon, lat)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        np.testing.assert_allclose(found, plane(lon, lat), rtol=0, atol=1e-3)
        assert posts.height.shape[0] < 200
        assert peak < 60e6
        assert np.isnan(dem.height_at(3.0, 55.0))

    def test_a_folder(self, tmp_path):
        for name in ("Copernicus_DSM_10_N49_DEM.tif", "Copernicus_DSM_10_N49_HEM.tif", "x_WBM.tif"):
            write_plane(tmp_path / name, 10.0, 50.0, 0.1, 5, 6)
        (tmp_path / "readme.txt").write_text("nothing")
        dem = open_dem(str(tmp_path), "ellipsoid")
        assert dem.source == str(tmp_path / "Copernicus_DSM_10_N49_DEM.tif")

    def test_srtm_as_it_is_distributed(self, tmp_path):
        """Raw tiles of big-endian numbers, placed by their names, sharing a row or a column of posts."""
        rng = np.random.default_rng(8)
        heights = rng.integers(0, 3000, (1201, 2401)).astype(">i2")
        heights[700, 300] = -32768
        heights[:, :1201].tofile(tmp_path / "N31W009.hgt")
        heights[:, 1200:].tofile(tmp_path / "N31W008.hgt")
        dem = open_dem(tmp_path, "ellipsoid")
        posts = everything(dem)
        np.testing.assert_array_equal(posts.height, np.where(heights == -32768, HOLE, heights))
        corners = posts.longitude[0, [0, 1200, -1]], posts.latitude[[0, -1], 0]
        np.testing.assert_allclose(np.concatenate(corners), [-9, -8, -7, 32, 31], rtol=0, atol=1e-9)

    def test_one_variable_of_several(self, tmp_path):
        with Dataset(tmp_path / "d.nc", "w") as file:
            for name, count in (("lat", 5), ("lon", 6)):
                file.createDimension(name, count)
                file.createVariable(name, "f8", (name,))[:] = np.arange(count)
                file[name].units = {"lat": "degrees_north", "lon": "degrees_east"}[name]
            mapping = file.createVariable("crs", "i4")
            mapping.setncatts(
                {
                    "grid_mapping_name": "latitude_longitude",
                    "spatial_ref": rasterio.CRS.from_epsg(4326).to_wkt(),
                }
            )
            for name, value in (("elevation", 3.0), ("error", 1.0)):
                file.createVariable(name, "f4", ("lat", "lon"))[:] = value
                file[name].grid_mapping = "crs"
        with pytest.raises(AlignsarError, match=r'netcdf:.*d\.nc"?:elevation.*name one of these'):
            open_dem(tmp_path / "d.nc", "ellipsoid")
        dem = open_dem(f"netcdf:{tmp_path}/d.nc:elevation", "ellipsoid")
        assert (everything(dem).height == 3.0).all()

    def test_nothing_there(self, tmp_path):
        with pytest.raises(AlignsarError, match="no such file or folder"):
            open_dem(tmp_path / "none.tif", "egm96")
        with pytest.raises(AlignsarError, match="holds no raster of heights"):
            open_dem(tmp_path, "egm96")
        with pytest.raises(AlignsarError, match="no file is named"):
            open_dem([], "egm96")

    @pytest.mark.parametrize(
        ("options", "words"),
        [
            ({"heights": np.ones((3, 5, 6)), "dtype": "uint8"}, "has 3 bands"),
            ({"dtype": "complex64"}, "are complex64"),
            ({"crs": None}, "no coordinate reference system"),
            ({"west": 500000.0, "north": 4e6, "step": 30.0}, "has latitudes from"),
            ({"heights": np.ones((1, 6))}, "has 1 x 6 posts"),
        ],
    )
    def test_not_a_dem(self, tmp_path, options, words):
        given = {"heights": np.ones((5, 6)), "west": 10.0, "north": 50.0, "step": 0.1} | options
        path = write(tmp_path / "d.tif", **given)
        with pytest.raises(AlignsarError, match=words) as error:
            open_dem(path, "ellipsoid")
        assert str(path) in str(error.value)

    def test_not_a_raster(self, tmp_path):
        (tmp_path / "d.tif").write_text("heights")
        with pytest.raises(AlignsarError, match=r"d\.tif: cannot be opened as a raster"):
            open_dem(tmp_path / "d.tif", "egm96")
        (tmp_path / "d.pgm").write_bytes(b"P5\n9 9\n255\n" + bytes(81))
        with pytest.raises(AlignsarError, match="no georeference"):
            open_dem(tmp_path / "d.pgm", "egm96")

    def test_cut_off(self, tmp_path):
        path = write_plane(tmp_path / "d.tif", 10.0, 50.0, 0.001, 300, 300)
        path.write_bytes(path.read_bytes()[:9000])
        dem = open_dem(path, "ellipsoid")
        with pytest.raises(AlignsarError, match=r"d\.tif: cannot be read.*copy it again"):
            everything(dem)


def test_morocco(real_data, tmp_path):
    """The crops of SRTM: whole metres above the geoid, whichever crop, each with its own posts."""
    folder = real_data("s1_pair_morocco_20230904_20230916") / "dem"
    grid = write(tmp_path / "geoid.tif", np.full((181, 360), 46.5), -180.0, 90.0, 1.0)
    dems = []
    for path in sorted(folder.glob("*.tiff")):
        with rasterio.open(path) as file:
            window = Window(700, 100, 500, 400)
            values, lon, lat = file.read(1, window=window), *place(file.transform, 700.5, 100.5)
        dem = open_dem(path, "egm96", grid)
        posts = dem.posts(slice(100, 500), slice(700, 1200))
        # The geoid's interpolation weights add up to one within rounding.
        np.testing.assert_allclose(posts.height, values + 46.5, rtol=0, atol=1e-11)
        assert (posts.longitude[0, 0], posts.latitude[0, 0]) == (lon, lat)
        assert 45.0 < dem.posting < 65.0
        dems.append(dem)
    both = open_dem(folder, "egm96", grid)
    assert both.facts()["resampled_files"] == 1
    lon, lat = np.meshgrid(np.linspace(-8.88, -8.76, 50), np.linspace(31.66, 31.88, 50))
    one, two = (dem.height_at(lon, lat) for dem in dems)
    np.testing.assert_allclose(both.height_at(lon, lat), one, rtol=0, atol=1e-9)
    assert np.abs(one - two).max() < 10.0
    dems[0].require([-8.8, -7.9], [31.6, 31.85], "it")
    with pytest.raises(AlignsarError, match="beyond its eastern edge"):
        dems[1].require([-8.8, -7.9], [31.7, 31.85], "it")


def test_orbits_load_no_geospatial_library():
    heavy = ["rasterio", "pyproj", "netCDF4"]
    code = f"import sys, alignsar_gpu.geometry.orbit; print([m for m in {heavy} if m in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"
