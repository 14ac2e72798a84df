"""Map grids: where their pixels are, against PROJ for each of them; snapping, the choice of a zone, what is refused."""

import numpy as np
import pytest
from pyproj import CRS, Transformer

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geocoding.map_grid import MapGrid, utm_or_ups
from alignsar_gpu.geometry.lattice import CELL, smooth_pair

PIXEL = 1e-3  # of the coordinates of pixels, against PROJ
ENGINEERING = (
    'ENGCRS["site",EDATUM["a"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'
)


def box_around(longitude, latitude, degrees=0.4):
    """Longitudes and latitudes of the outline of an area."""
    along = np.linspace(-degrees, degrees, 41)
    none = np.full(41, degrees)
    across = 1.0 / max(np.cos(np.radians(latitude)), 0.02)
    east = np.concatenate([along, none, along, -none])
    north = np.concatenate([none, along, -none, along])
    return longitude + east * across, np.clip(latitude + north, -90.0, 90.0)


AREAS = {  # longitude, latitude, system, resolution
    "utm": (5.5, 52.0, None, 40.0),
    "utm of two kilometres": (5.5, 52.0, None, 2000.0),
    "degrees": (5.5, 52.0, "EPSG:4326", 0.001),
    "another datum in degrees": (5.5, 52.0, "EPSG:4258", 0.001),
    "rd": (5.5, 52.0, "EPSG:28992", 50.0),
    "mercator": (5.5, 52.0, "EPSG:3857", 70.0),
    "equal area": (5.5, 52.0, "EPSG:3035", 50.0),
    "far from its meridian": (12.0, 65.0, "EPSG:32631", 50.0),
    "polar stereographic": (-45.0, 80.0, "EPSG:3413", 100.0),
    "around the pole": (40.0, 89.7, None, 100.0),
    "around the south pole": (0.0, -89.9, None, 200.0),
    "across the antimeridian": (179.9, -17.0, None, 40.0),
    "across the antimeridian in degrees": (-179.9, -17.0, "EPSG:4326", 0.001),
    "feet": (-122.0, 37.5, "EPSG:2227", 150.0),
}


@pytest.fixture(params=AREAS)
def area(request):
    longitude, latitude, crs, resolution = AREAS[request.param]
    points = box_around(longitude, latitude)
    return points, MapGrid.over(*points, crs=crs, resolution=resolution)


def by_proj(grid, row, column):
    """Coordinates of pixels as PROJ itself gives them."""
    a, _, c, _, e, f = grid.affine
    x, y = c + a * (column + 0.5), f + e * (row + 0.5)
    way = Transformer.from_crs(grid.crs, "EPSG:4326", always_xy=True)
    return way.transform(x, y)


def apart(grid, places, others):
    """Distance between places, in pixels of the grid at latitude and resolution."""
    unit = grid.crs.axis_info[0].unit_conversion_factor * (6.371e6 if grid.crs.is_geographic else 1.0)
    east = (places[0] - others[0] + 180.0) % 360.0 - 180.0
    metres = np.hypot(east * np.cos(np.radians(others[1])), places[1] - others[1]) * 111_195.0
    # of an angle in longitude, and of Mercator's metres, the ground has less
    narrow = np.cos(np.radians(others[1])) if grid.crs.is_geographic or "Mercator" in grid.crs.name else 1.0
    return metres / (abs(grid.affine[0]) * unit * narrow)


class TestPixels:
    def test_are_where_proj_puts_them(self, area):
        grid = area[1]
        longitude, latitude = grid.to_geodetic(0, grid.shape[0])
        assert longitude.shape == latitude.shape == grid.shape
        assert longitude.dtype == latitude.dtype == np.float64
        rng = np.random.default_rng(1)
        row, column = (rng.integers(0, n, 20_000) for n in grid.shape)
        there = by_proj(grid, row, column)
        found = longitude[row, column], latitude[row, column]
        assert np.isfinite(found).all()
        assert apart(grid, found, there).max() < PIXEL
        assert apart(grid, grid.geodetic(row.astype(float), column.astype(float)), there).max() < 1e-6

    def test_hold_the_area_and_little_more(self, area):
        (longitude, latitude), grid = area
        row, column = grid.position(longitude, latitude)
        for place, count in ((row, grid.shape[0]), (column, grid.shape[1])):
            assert place.min() == pytest.approx(0.0, abs=0.51)
            assert place.max() == pytest.approx(count - 1.0, abs=0.51)
        a, _, c, _, e, f = grid.affine
        assert c / a == pytest.approx(round(c / a), abs=1e-6)
        assert f / e == pytest.approx(round(f / e), abs=1e-6)
        x, y = grid.axes()
        assert (len(y), len(x)) == grid.shape
        assert grid.bounds == pytest.approx((x[0] - a / 2, y[-1] + e / 2, x[-1] + a / 2, y[0] - e / 2))

    def test_position_is_the_way_back(self, area):
        grid = area[1]
        rng = np.random.default_rng(2)
        row, column = (rng.uniform(-0.5, n - 0.5, 500) for n in grid.shape)
        found = grid.position(*grid.geodetic(row, column))
        # the way back of a change of datum is not its inverse to the last digit
        np.testing.assert_allclose(found, (row, column), rtol=0, atol=1e-4)

    def test_any_block_has_the_same_bits(self, area):
        grid = area[1]
        whole = grid.to_geodetic(0, grid.shape[0])
        rows, columns = (min(n, m) for n, m in zip(grid.shape, (333, 777), strict=True))
        first, begin = rows // 3, columns // 4
        part = grid.to_geodetic(first, rows, slice(begin, columns))
        for mine, all_of_it in zip(part, whole, strict=True):
            assert mine.flags.c_contiguous
            assert mine.tobytes() == np.ascontiguousarray(all_of_it[first:rows, begin:columns]).tobytes()

    def test_longitudes_go_on_across_the_antimeridian(self):
        for longitude in (179.9, -179.9):
            for crs in (None, "EPSG:4326"):
                resolution = 100.0 if crs is None else 0.001
                grid = MapGrid.over(*box_around(longitude, -17.0), crs=crs, resolution=resolution)
                found, _ = grid.to_geodetic(0, grid.shape[0])
                assert np.ptp(found) < 1.0
                assert found.min() < 180.0 * np.sign(found.mean()) < found.max()


class TestLattice:
    def test_few_points_are_asked_for(self):
        asked = 0

        def exact(row, column):
            nonlocal asked
            asked += row.size
            return row + 1e-6 * column**2, column - 1e-6 * row * column

        rows, columns = slice(100, 1500), slice(64, 2000)
        u, v = smooth_pair(exact, rows, columns)
        row, column = np.mgrid[rows, columns].astype(float)
        np.testing.assert_allclose(u, row + 1e-6 * column**2, rtol=0, atol=1e-9)
        np.testing.assert_allclose(v, column - 1e-6 * row * column, rtol=0, atol=1e-9)
        assert asked < u.size / 100

    def test_what_is_not_smooth_is_computed(self):
        """A fold in the third row of cells, a place without coordinates, and waves that nodes do not see."""

        def exact(row, column):
            bent = (
                row
                + np.maximum(row - 2.5 * CELL, 0.0)
                + 0.01 * np.sin(np.pi * column / 16) * (column >= 8 * CELL)
            )
            return np.where((row < 20) & (column < 20), np.nan, bent), column + 0.0

        u, v = smooth_pair(exact, slice(0, 400), slice(0, 700))
        row, column = np.mgrid[0:400, 0:700].astype(float)
        np.testing.assert_allclose(u, exact(row, column)[0], rtol=0, atol=PIXEL)
        np.testing.assert_allclose(v, column, rtol=0, atol=PIXEL)
        assert np.isnan(u).sum() == 400

    def test_errors_that_cancel_are_found(self):
        """Of the third order down and across, with opposite signs: on one diagonal of a cell there is none."""
        for sign in (-1.0, 1.0):

            def exact(row, column, sign=sign):
                return row + 1e-7 * (row**3 + sign * column**3), column + 0.0

            u, _ = smooth_pair(exact, slice(0, 320), slice(0, 320))
            row, column = np.mgrid[0:320, 0:320].astype(float)
            np.testing.assert_allclose(u, exact(row, column)[0], rtol=0, atol=PIXEL)


class TestChoice:
    @pytest.mark.parametrize(
        ("longitude", "latitude", "code"),
        [
            (5.5, 52.0, 32631),
            (6.5, 52.0, 32632),
            (-180.0, 1.0, 32601),
            (179.9, 1.0, 32660),
            (180.0, -1.0, 32701),
            (-58.5, -34.6, 32721),
            (10.0, 84.1, 5041),
            (10.0, -80.1, 5042),
        ],
    )
    def test_of_a_zone(self, longitude, latitude, code):
        assert utm_or_ups(longitude, latitude).to_epsg() == code

    def test_is_by_the_middle_of_the_area(self):
        for shift in (0.0, 360.0):
            longitude, latitude = box_around(179.8, 10.0)
            wrapped = (longitude + shift + 180.0) % 360.0 - 180.0
            grid = MapGrid.over(wrapped, latitude, resolution=100.0)
            assert grid.crs.to_epsg() == 32660
            assert grid.shape[1] * 100.0 < 100e3

    def test_points_without_coordinates_do_not_count(self):
        longitude, latitude = box_around(5.5, 52.0)
        more = np.append(longitude, np.nan), np.append(latitude, 3.0)
        assert MapGrid.over(*more, resolution=100.0) == MapGrid.over(longitude, latitude, resolution=100.0)


class TestWithin:
    def test_is_snapped_outwards(self):
        grid = MapGrid.within((101.0, -29.0, 140.0, 31.0), crs="EPSG:32631", resolution=20.0)
        assert grid.bounds == (100.0, -40.0, 140.0, 40.0)
        assert grid.shape == (4, 2)
        assert MapGrid.within(grid.bounds, crs=grid.crs, resolution=20.0) == grid

    def test_of_its_own_bounds_is_itself(self):
        """Multiples of a resolution that float64 does not hold."""
        for resolution in (1 / 3600, 0.1, 1e-5, 7.3):
            grid = MapGrid.within((5.1234, 52.2, 5.3, 52.3), crs="EPSG:4326", resolution=resolution)
            assert MapGrid.within(grid.bounds, crs="EPSG:4326", resolution=resolution) == grid

    def test_a_point_is_a_pixel(self):
        assert MapGrid.within((5.0, 5.0, 5.0, 5.0), crs="EPSG:32631", resolution=10.0).shape == (1, 1)

    def test_the_horizontal_part_of_a_system_counts(self):
        assert MapGrid.within((0, 0, 9, 9), crs="EPSG:7415", resolution=1.0).crs == CRS.from_epsg(28992)


class TestRefused:
    @pytest.mark.parametrize(
        ("change", "words"),
        [
            ({"crs": "EPSG:999999"}, "no coordinate reference system that PROJ knows: name one by its code"),
            ({"crs": "Erewhon"}, "'Erewhon' is no coordinate reference system"),
            ({"crs": "EPSG:4978"}, "neither a map projection nor longitude and latitude"),
            ({"crs": "EPSG:3855"}, "neither a map projection"),
            ({"crs": ENGINEERING}, "'site' is neither a map projection"),
            ({"resolution": 0.0}, "a resolution of 0.0 is not possible: give a positive number of metres"),
            ({"resolution": -10.0}, "resolution of -10.0"),
            ({"resolution": np.nan}, "resolution of nan"),
            ({"resolution": 1e-4}, r"100000000 columns.*is the resolution of 0.0001 meant in units of .*UTM"),
            ({"bounds": (10.0, 0.0, 5.0, 9.0)}, "is no box: give left, bottom, right and top"),
            ({"bounds": (0.0, 0.0, np.inf, 9.0)}, "is no box"),
        ],
    )
    def test_what_is_no_grid(self, change, words):
        given = {"bounds": (0.0, 0.0, 1e4, 1e4), "crs": "EPSG:32631", "resolution": 10.0} | change
        with pytest.raises(AlignsarError, match=words):
            MapGrid.within(given.pop("bounds"), **given)

    def test_another_planet(self):
        with pytest.raises(AlignsarError, match="PROJ knows no way from 'GCS_Moon_2000'"):
            MapGrid.over([1.0, 2.0], [3.0, 4.0], crs="ESRI:104903", resolution=0.1)

    def test_a_turned_grid(self):
        with pytest.raises(AlignsarError, match="is turned: give a grid with b = d = 0"):
            MapGrid(crs=CRS.from_epsg(32631), affine=(10.0, 1.0, 0.0, 1.0, -10.0, 0.0), shape=(5, 5))
        with pytest.raises(AlignsarError, match="finite steps"):
            MapGrid(crs=CRS.from_epsg(32631), affine=(0.0, 0.0, 0.0, 0.0, -10.0, 0.0), shape=(5, 5))

    def test_areas_that_a_map_does_not_hold(self):
        with pytest.raises(AlignsarError, match="no points with coordinates"):
            MapGrid.over([np.nan], [3.0], resolution=10.0)
        with pytest.raises(AlignsarError, match=r"is in pieces in 'WGS 84 / Pseudo-Mercator'"):
            MapGrid.over(*box_around(179.9, -17.0), crs="EPSG:3857", resolution=100.0)
        with pytest.raises(
            AlignsarError, match=r"has no coordinates for longitude 93\.0000, latitude 0\.0000"
        ):
            MapGrid.over([93.0], [0.0], crs="EPSG:32631", resolution=1000.0)
