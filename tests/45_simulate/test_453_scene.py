"""The scene of a simulated campaign: rasters, terrain, targets, changes, motion, atmosphere, files."""

import json
import pickle

import numpy as np
import pytest
import rasterio
import shapely
from full_disk import files_of_at_most
from hypothesis import given, settings
from hypothesis import strategies as st
from pyproj import Geod

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.simulate.ground import files
from alignsar_gpu.simulate.ground.atmosphere import AtmosphereParameters, delay_of
from alignsar_gpu.simulate.ground.backscatter import (
    BARE_SOIL,
    CLASSES,
    FIELD,
    GRASSLAND,
    NAMES,
    OIL,
    RUBBLE,
    URBAN,
    WATER,
    Backscatter,
    GroundClass,
)
from alignsar_gpu.simulate.ground.changes import ChangeParameters, generate_changes
from alignsar_gpu.simulate.ground.drainage import drain
from alignsar_gpu.simulate.ground.files import write_scene
from alignsar_gpu.simulate.ground.land.map import LandParameters
from alignsar_gpu.simulate.ground.motion import Bowl, draw_bowls, motion_raster
from alignsar_gpu.simulate.ground.noise import NoiseField, power_law
from alignsar_gpu.simulate.ground.raster import Bounds, Raster, metres_per_degree
from alignsar_gpu.simulate.ground.scene import SceneParameters, make_scene
from alignsar_gpu.simulate.ground.targets.reflector_files import read_reflectors
from alignsar_gpu.simulate.ground.targets.targets import (
    PointTarget,
    TargetParameters,
    generate_objects,
    ship_cross_section,
    trihedral_cross_section,
)
from alignsar_gpu.simulate.ground.terrain import fractal_terrain, terrain_from

WAVELENGTH = 0.055465763
DAYS = np.array(["2022-01-09", "2022-01-21", "2022-02-02", "2022-02-14"], dtype="datetime64[D]")


def box(wide, high, west=5.0, north=52.1):
    """Bounds of so many kilometres."""
    east_metres, north_metres = metres_per_degree(north)
    return Bounds(
        west=west, south=north - high * 1e3 / north_metres, east=west + wide * 1e3 / east_metres, north=north
    )


def raster(values, west=5.0, north=52.0, step=0.01):
    return Raster(longitude=west, latitude=north, step_longitude=step, step_latitude=step, values=values)


@pytest.fixture(scope="module")
def scene():
    return make_scene(box(12.0, 9.0), DAYS, seed=1, wavelength=WAVELENGTH)


# --- rasters


def test_metres_per_degree_are_those_of_the_ellipsoid():
    geod = Geod(ellps="WGS84")
    for latitude in (0.0, 31.7, 52.1, -70.0):
        east, north = metres_per_degree(latitude)
        assert east * 2e-4 == pytest.approx(geod.inv(5.0, latitude, 5.0002, latitude)[2], rel=1e-6)
        assert north * 2e-4 == pytest.approx(
            geod.inv(5.0, latitude - 1e-4, 5.0, latitude + 1e-4)[2], rel=1e-6
        )


@settings(max_examples=40, deadline=None)
@given(st.data())
def test_sampling_gives_posts_and_linear_fields_exactly(data):
    rows, columns = data.draw(st.integers(2, 9)), data.draw(st.integers(2, 9))
    west = data.draw(st.sampled_from([-175.0, 4.0, 179.96]))
    a, b, c = (data.draw(st.floats(-50.0, 50.0)) for _ in range(3))
    i, j = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    flat = raster(a + b * i + c * j, west=west)
    lon, lat = np.meshgrid(flat.longitudes, flat.latitudes)
    np.testing.assert_allclose(flat.sample(lon, lat), flat.values, rtol=0, atol=1e-8)
    np.testing.assert_allclose(flat.on_triangles(lon, lat), flat.values, rtol=0, atol=1e-8)
    v = np.array(data.draw(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3))) * (rows - 1)
    u = np.array(data.draw(st.lists(st.floats(0.0, 1.0), min_size=3, max_size=3))) * (columns - 1)
    place = flat.longitude + 0.01 * u, flat.latitude - 0.01 * v
    for turn in (-360.0, 0.0, 360.0):
        found = flat.sample(place[0] + turn, place[1])
        np.testing.assert_allclose(found, a + b * v + c * u, rtol=0, atol=1e-6)
    np.testing.assert_allclose(flat.on_triangles(*place), a + b * v + c * u, rtol=0, atol=1e-6)


def test_bilinear_and_triangles_differ_where_four_posts_are_no_plane():
    twisted = raster(np.array([[0.0, 0.0], [0.0, 4.0]]))
    assert twisted.sample(5.005, 51.995) == pytest.approx(1.0)
    assert twisted.on_triangles(5.005, 51.995) == pytest.approx(0.0)
    assert twisted.on_triangles(5.0075, 51.9925) == pytest.approx(2.0)


def test_classes_are_those_of_the_nearest_post_half_a_step_beyond():
    classes = raster(np.array([[1, 2], [3, 4]], dtype=np.uint8))
    assert classes.sample([4.9951, 5.0049, 5.0051], [52.0, 52.0, 51.9949]).tolist() == [1, 1, 4]
    assert classes.sample(5.0, 52.0).dtype == np.uint8
    with pytest.raises(AlignsarError, match=r"outside the raster from 5\.000000 to 5\.010000"):
        classes.sample(5.0151, 52.0)


@pytest.mark.parametrize("place", [(5.02, 52.0), (5.0, 52.001), (5.0, 51.9), (np.nan, 52.0)])
def test_a_place_outside_is_refused_by_name(place):
    with pytest.raises(AlignsarError, match=r"asked for longitude .*wider bounds"):
        raster(np.zeros((2, 2))).sample(*place)


def test_rasters_cover_their_bounds_at_the_posting_asked_for():
    bounds = box(5.0, 3.0, west=179.99)
    over = Raster.over(bounds, 30.0, 7.0, np.float32)
    assert over.posting == pytest.approx((30.0, 30.0), rel=1e-3)
    assert over.shape == (101, 168)
    assert over.longitudes[-1] >= bounds.east - 1e-9
    assert over.latitudes[-1] <= bounds.south + 1e-9
    assert (over.values == 7.0).all()
    assert rasterio.transform.xy(over.transform, 0, 0) == pytest.approx(
        (bounds.west, bounds.north), abs=1e-12
    )
    across, down = over.plane.position(*over.plane.degrees(123.0, 456.0))
    assert (float(across), float(down)) == pytest.approx((123.0, 456.0))
    for posting in (0.0, -5.0, np.nan, 1e-3):
        with pytest.raises(AlignsarError, match="posting"):
            Raster.over(bounds, posting, 0.0, np.uint8)


@pytest.mark.parametrize(
    "sides", [(5, 52, 4, 53), (5, 53, 6, 52), (5, 52, np.nan, 53), (5, 52, 80, 53), (5, 80, 6, 91)]
)
def test_bounds_that_are_no_box_are_refused(sides):
    with pytest.raises(AlignsarError, match="are not west,south,east,north"):
        Bounds(west=sides[0], south=sides[1], east=sides[2], north=sides[3])


# --- noise and drainage


def slope_of(field, spacing):
    """Exponent of the power along rows, averaged; between an eighth and a 40th of the highest frequency."""
    window = np.hanning(field.shape[1])
    power = np.mean(np.abs(np.fft.rfft((field - field.mean()) * window, axis=1)) ** 2, axis=0)
    frequency = np.fft.rfftfreq(field.shape[1], spacing)
    used = (frequency > frequency[-1] / 40.0) & (frequency < frequency[-1] / 4.0)
    return np.polyfit(np.log(frequency[used]), np.log(power[used]), 1)[0]


@pytest.mark.parametrize("exponent", [11.0 / 3.0, 3.0])
def test_noise_has_the_spectrum_it_should(exponent):
    field = power_law((512, 640), (30.0, 30.0), exponent, np.random.default_rng(5))
    assert field.dtype == np.float32
    assert abs(float(field.mean())) < 1e-5
    assert float(field.std()) == pytest.approx(1.0, abs=1e-5)
    assert slope_of(field, 30.0) == pytest.approx(-(exponent - 1.0), abs=0.15)  # along a line one less


def test_fields_are_the_same_at_points_and_on_crossings():
    field = NoiseField.noise((900.0, 700.0), 25.0, 300.0, np.random.default_rng(1))
    x, y = np.array([0.0, 13.0, 699.0]), np.array([3.0, 500.0])
    across, down = np.meshgrid(x, y)
    np.testing.assert_allclose(field.on(x, y), field.at(across, down), atol=1e-5)
    assert field.nearest(np.array([37.0]), np.array([38.0]))[0, 0] == field.values[2, 1]


def test_a_hollow_fills_to_its_lip_and_drains_there():
    ground = np.full((9, 9), 10.0, dtype=np.float32)
    ground[3:6, 3:6] = 2.0
    ground[4, 6:] = 6.0  # the lip, and the way out
    drainage = drain(ground)
    assert (drainage.level[3:6, 3:6] == 6.0).all()
    assert drainage.level[0, 0] == 10.0
    assert drainage.downstream[4 * 9 + 8] == -1
    assert drainage.cells[4, 8] >= 9 + 3


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000), st.integers(3, 14), st.integers(3, 14))
def test_all_water_reaches_the_edge_and_never_climbs(seed, rows, columns):
    ground = np.random.default_rng(seed).integers(0, 5, (rows, columns)).astype(np.float32)
    drainage = drain(ground)
    level, below = drainage.level.ravel(), drainage.downstream
    assert (drainage.level >= ground).all()
    inner = np.flatnonzero(below >= 0)
    assert (level[below[inner]] <= level[inner]).all()
    out = np.flatnonzero(below < 0)
    assert drainage.cells.ravel()[out].sum() == ground.size
    on_edge = (out // columns % (rows - 1) == 0) | (out % columns % (columns - 1) == 0)
    assert on_edge.all()
    ends = {river[-1] for river in drainage.rivers(1)}
    assert set(np.concatenate(drainage.rivers(1)).tolist()) == set(range(ground.size))
    assert set(out.tolist()) & ends


# --- terrain


def test_terrain_has_its_relief_and_is_the_same_for_a_seed():
    bounds = box(9.0, 7.0)
    terrain = fractal_terrain(bounds, 30.0, 3, 180.0, base_height=40.0)
    assert terrain.values.dtype == np.float32
    assert float(terrain.values.min()) == pytest.approx(40.0, abs=1e-3)
    assert float(terrain.values.max()) == pytest.approx(220.0, abs=1e-3)
    assert (
        fractal_terrain(bounds, 30.0, 3, 180.0, base_height=40.0).values.tobytes() == terrain.values.tobytes()
    )
    other = fractal_terrain(bounds, 30.0, 4, 180.0, base_height=40.0).values
    assert abs(np.corrcoef(other.ravel(), terrain.values.ravel())[0, 1]) < 0.9


def test_terrain_without_relief_is_a_plane():
    assert (fractal_terrain(box(3.0, 3.0), 50.0, 1, 0.0, base_height=12.5).values == 12.5).all()


@pytest.mark.parametrize("roughness", [0.6, 0.95])
def test_terrain_is_as_rough_as_asked_for(roughness):
    terrain = fractal_terrain(box(18.0, 18.0), 30.0, 2, 300.0, roughness, valleys=False)
    assert slope_of(terrain.values.astype(np.float64), 30.0) == pytest.approx(
        -(2.0 * roughness + 1.0), abs=0.2
    )
    cut = fractal_terrain(box(18.0, 18.0), 30.0, 2, 300.0, roughness)
    assert slope_of(cut.values.astype(np.float64), 30.0) == pytest.approx(-(2.0 * roughness + 1.0), abs=0.7)


def test_valleys_leave_no_hollows_but_lakes():
    bounds = box(12.0, 10.0)
    filled = []
    for valleys in (False, True):
        coarse = fractal_terrain(bounds, 30.0, 6, 250.0, valleys=valleys).values
        filled.append(float(np.mean(drain(coarse).level > coarse + 1.0)))
    assert filled[0] > 0.08
    assert filled[1] < 0.06


def test_sea_is_level_and_of_the_share_asked_for():
    terrain = fractal_terrain(box(9.0, 9.0), 30.0, 2, 200.0, sea_share=0.3, base_height=0.0)
    assert np.mean(terrain.values == terrain.values.min()) == pytest.approx(0.3, abs=0.02)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"relief": -1.0}, "relief must lie in"),
        ({"relief": np.nan}, "relief must lie in"),
        ({"roughness": 0.4}, "roughness must lie in 0.5 to 1"),
        ({"sea_share": 1.0}, "sea_share must lie in"),
    ],
)
def test_terrain_that_cannot_be_is_refused(arguments, message):
    with pytest.raises(AlignsarError, match=message):
        fractal_terrain(box(2.0, 2.0), 50.0, 1, **arguments)


def write_dem(path, heights, *, crs, west, north, step):
    transform = rasterio.Affine(step, 0.0, west - 0.5 * step, 0.0, -step, north + 0.5 * step)
    profile = {"driver": "GTiff", "dtype": "float32", "count": 1, "crs": crs, "transform": transform}
    with rasterio.open(
        path, "w", height=heights.shape[0], width=heights.shape[1], nodata=-9999, **profile
    ) as file:
        file.write(heights.astype(np.float32), 1)
    return open_dem(path, "ellipsoid")


def test_the_posts_of_a_given_dem_are_taken_as_they_are(tmp_path):
    heights = np.random.default_rng(2).uniform(0.0, 500.0, (50, 60)).astype(np.float32)
    dem = write_dem(tmp_path / "dem.tif", heights, crs="EPSG:4326", west=5.0, north=52.0, step=0.001)
    terrain = terrain_from(dem, Bounds(west=5.0105, south=51.9605, east=5.0295, north=51.9795))
    np.testing.assert_array_equal(terrain.values, heights[20:41, 10:31])
    assert terrain.longitude == pytest.approx(5.010, abs=1e-12)
    assert terrain.latitude == pytest.approx(51.980, abs=1e-12)
    lon, lat = np.random.default_rng(1).uniform([5.0105, 51.9605], [5.0295, 51.9795], (100, 2)).T
    np.testing.assert_allclose(terrain.on_triangles(lon, lat), dem.height_at(lon, lat), atol=1e-3)


def test_a_projected_dem_is_sampled(tmp_path):
    rows, columns = np.mgrid[0:120, 0:120]
    dem = write_dem(
        tmp_path / "dem.tif",
        100.0 + 0.5 * columns - rows,
        crs="EPSG:32631",
        west=640000.0,
        north=5760000.0,
        step=50.0,
    )
    bounds = Bounds(west=5.06, south=51.938, east=5.10, north=51.958)
    terrain = terrain_from(dem, bounds)
    assert terrain.posting == pytest.approx((50.0, 50.0), rel=0.03)
    assert terrain.longitudes[-1] == pytest.approx(bounds.east)
    lon, lat = np.meshgrid(terrain.longitudes[3:-3:5], terrain.latitudes[3:-3:5])
    np.testing.assert_allclose(terrain.sample(lon, lat), dem.height_at(lon, lat), atol=1e-3)


def test_holes_and_ends_of_a_dem_are_refused_with_the_place(tmp_path):
    heights = np.full((30, 30), 10.0)
    heights[12, 9] = -9999
    dem = write_dem(tmp_path / "dem.tif", heights, crs="EPSG:4326", west=5.0, north=52.0, step=0.001)
    with pytest.raises(
        AlignsarError, match=r"1 posts without height .* longitude 5.009000, latitude 51.988000"
    ):
        terrain_from(dem, Bounds(west=5.005, south=51.98, east=5.015, north=51.995))
    with pytest.raises(AlignsarError, match="simulated scene"):
        terrain_from(dem, Bounds(west=5.005, south=51.98, east=5.05, north=51.995))


def test_a_scene_on_real_terrain(real_data):
    folder = real_data("s1_pair_morocco_20230904_20230916") / "dem"
    dem = open_dem(
        sorted(folder.iterdir())[1], "ellipsoid"
    )  # which it is not: the datum is not looked at here
    bounds = Bounds(west=-9.3, south=31.72, east=-9.15, north=31.85)
    made = make_scene(bounds, DAYS[:2], seed=1, wavelength=WAVELENGTH, dem=dem)
    assert made.heights.step_latitude == pytest.approx(1.0 / 1800.0, rel=1e-6)
    shares = np.bincount(made.base.values.ravel(), minlength=len(CLASSES)) / made.base.values.size
    assert (shares[[FIELD, GRASSLAND, URBAN]] > 0.01).all()
    reflectors = [one for one in made.targets if one.kind == "corner_reflector"]
    assert reflectors
    for one in reflectors:
        assert one.height == pytest.approx(float(dem.height_at(one.longitude, one.latitude)), abs=1e-3)


# --- classes


def test_classes_follow_their_closed_forms():
    assert NAMES[:3] == ("water", "field", "grassland")
    assert len(set(NAMES)) == len(NAMES)
    for one in CLASSES:
        for name, law in (("vv", one.vv), ("vh", one.vh)):
            assert 10.0 * np.log10(one.sigma0(name, 38.0)) == pytest.approx(law.decibels)
            expected = (
                10 ** (law.decibels / 10)
                * (np.cos(np.radians(45.0)) / np.cos(np.radians(38.0))) ** law.exponent
            )
            assert one.sigma0(name, [45.0, -45.0]) == pytest.approx([expected, expected])
            assert (np.diff(one.sigma0(name, np.linspace(0.0, 89.0, 50))) < 0.0).all()
        assert one.coherence(0.0) == 1.0
        rest = (one.coherence_initial - one.coherence_final) * np.exp(-12.0 / one.decay)
        assert one.coherence([12.0, -12.0]) == pytest.approx(one.coherence_final + rest)
        assert (one.unchanging().coherence([0.0, 6.0, 1000.0]) == 1.0).all()
        assert one.vv.decibels > one.vh.decibels
        assert abs(one.correlation) < 1.0


def test_oil_is_darker_than_water_as_oil_is():
    water, oil = CLASSES[WATER], CLASSES[OIL]
    assert 8.0 <= water.vv.decibels - oil.vv.decibels <= 10.0
    assert water.vh.decibels - oil.vh.decibels == pytest.approx(5.0)
    fall = 10 * np.log10(water.sigma0("vv", 35.0) / water.sigma0("vv", 36.0))
    assert 0.3 < fall < 0.6  # dB per degree: much steeper than land
    assert fall > 3 * 10 * np.log10(CLASSES[FIELD].sigma0("vv", 35.0) / CLASSES[FIELD].sigma0("vv", 36.0))


def test_classes_that_cannot_be_are_refused():
    good = {
        "name": "x",
        "vv": Backscatter(decibels=-1, exponent=1),
        "vh": Backscatter(decibels=-2, exponent=1),
    }
    good |= {
        "correlation": 0.1 + 0j,
        "coherence_initial": 0.5,
        "coherence_final": 0.2,
        "decay": 1.0,
        "colour": (1, 2, 3),
    }
    GroundClass(**good)
    for wrong in (
        {"coherence_final": 0.6},
        {"coherence_initial": 1.1},
        {"decay": 0.0},
        {"correlation": 1.0 + 0j},
    ):
        with pytest.raises(AlignsarError, match="ground class 'x'"):
            GroundClass(**(good | wrong))
    with pytest.raises(AlignsarError, match="must be vv or vh, got 'hh'"):
        CLASSES[0].sigma0("hh", 38.0)


# --- targets


def targets_of(*arguments, **keys):
    """All scatterers of the objects of a map."""
    return [target for one in generate_objects(*arguments, **keys) for target in one.scatterers]


def test_reflectors_stand_on_open_ground_with_the_cross_section_of_a_trihedral(scene):
    assert trihedral_cross_section(1.5, 0.0555) == pytest.approx(4 * np.pi * 1.5**4 / (3 * 0.0555**2))
    reflectors = [one for one in scene.targets if one.kind == "corner_reflector"]
    assert len(reflectors) == 6
    edges = (1.5, 2.0, 1.0)
    for number, one in enumerate(reflectors):
        assert one.rcs_vv == pytest.approx(trihedral_cross_section(edges[number % 3], WAVELENGTH))
        assert (one.rcs_vh, one.phase, one.dates) == (0.0, 0.0, (0, 1, 2, 3))
        assert one.height == pytest.approx(float(scene.heights.on_triangles(one.longitude, one.latitude)))
        x, y = scene.base.plane.position(one.longitude, one.latitude)
        around = scene.base.plane.degrees(
            x + 25.0 * np.array([0, 1, -1, 0, 0]), y + 25.0 * np.array([0, 0, 0, 1, -1])
        )
        for date in range(4):
            assert np.isin(scene.cover(date).sample(*around), [FIELD, GRASSLAND, BARE_SOIL]).all()


def test_ships_lie_on_the_water_of_their_date_and_elsewhere_on_the_next(scene):
    ships = {}
    for one in (one for one in scene.targets if one.kind == "ship"):
        assert len(one.dates) == 1
        ships.setdefault(one.name.rpartition(",")[0], []).append(one)
    assert len(ships) >= 8
    middles = {}
    for parts in ships.values():
        date = parts[0].dates[0]
        assert 10 <= len(parts) <= 30
        lon, lat = (np.array([getattr(one, axis) for one in parts]) for axis in ("longitude", "latitude"))
        assert (scene.cover(date).sample(lon, lat) == WATER).all()
        total = sum(one.rcs_vv for one in parts)
        assert ship_cross_section(80.0) <= total <= ship_cross_section(250.0)
        assert sum(one.rcs_vh for one in parts) == pytest.approx(0.12 * total)
        x, y = scene.base.plane.position(lon, lat)
        length = float(np.hypot(np.ptp(x), np.ptp(y)))
        assert 40.0 < length < 260.0
        above = np.array([one.height for one in parts]) - scene.heights.on_triangles(lon, lat)
        assert ((above > 0.5) & (above < 17.0)).all()
        middles.setdefault(date, []).append((x.mean(), y.mean()))
    for date in range(1, 4):
        apart = np.linalg.norm(np.subtract.outer(middles[0], middles[date])[:, [0, 1], :, [0, 1]], axis=0)
        assert apart.min() > 20.0


def test_without_water_there_is_no_ship_and_without_a_town_no_tank():
    cover = Raster.over(box(4.0, 4.0), 20.0, FIELD, np.uint8)
    heights = Raster.over(box(4.0, 4.0), 100.0, 5.0, np.float32)
    made = targets_of(cover, heights, dates=2, seed=1, wavelength=WAVELENGTH)
    assert {one.kind for one in made} == {"corner_reflector"}


def test_tanks_stand_beside_a_town_and_their_roofs_float(scene):
    parts = [one for one in scene.targets if one.kind == "tank"]
    for number in range(1, 5):
        tank = [one for one in parts if one.name.startswith(f"tank {number} ")]
        base = [one for one in tank if " base" in one.name]
        rim = [one for one in tank if " rim" in one.name]
        assert all(one.dates == (0, 1, 2, 3) for one in base + rim)
        x, y = scene.base.plane.position([one.longitude for one in rim], [one.latitude for one in rim])
        radius = np.hypot(x - x.mean(), y - y.mean())
        assert np.ptp(radius) < 1e-3
        assert 15.0 <= radius[0] <= 40.0
        tall = rim[0].height - base[0].height
        assert 12.0 <= tall <= 22.0
        roofs = [
            {one.height for one in tank if " roof" in one.name and date in one.dates} for date in range(4)
        ]
        assert all(len(heights) == 1 for heights in roofs)
        levels = [heights.pop() - base[0].height for heights in roofs]
        assert len(set(levels)) == 4
        assert 0.0 < min(levels) < max(levels) < tall
    fixed = targets_of(
        scene.base,
        scene.heights,
        dates=3,
        seed=1,
        wavelength=WAVELENGTH,
        parameters=TargetParameters(refill=False),
    )
    assert all(one.dates == (0, 1, 2) for one in fixed if one.kind == "tank")


@pytest.mark.parametrize("seed", range(4))
def test_targets_keep_to_ground_whose_height_is_known(seed):
    cover = Raster.over(box(3.0, 2.0), 40.0, FIELD, np.uint8)  # reaches further than the heights
    heights = Raster.over(box(3.0, 2.0), 15.0, 5.0, np.float32)
    many = TargetParameters(reflectors=60)
    made = targets_of(cover, heights, dates=1, seed=seed, wavelength=WAVELENGTH, parameters=many)
    assert len(made) > 20
    assert {one.height for one in made} == {5.0}


@pytest.mark.parametrize("wrong", [{"ships": -1}, {"edges": ()}, {"edges": (0.0,)}, {"reflectors": 5000}])
def test_targets_that_cannot_be_are_refused(wrong):
    with pytest.raises(AlignsarError, match="simulated targets"):
        TargetParameters(**wrong)


def test_the_reflectors_of_tu_delft_are_read(real_data):
    path = real_data("nl_bgt_otterlo") / "tudelft_reflectors.json"
    found = read_reflectors(path, dates=3, wavelength=WAVELENGTH)
    assert len(found) == 29
    assert found[0].name == "STIL"
    assert (found[0].longitude, found[0].latitude, found[0].height) == (
        6.48201033888888,
        53.261566575,
        44.0762,
    )
    assert found[0].rcs_vv == pytest.approx(trihedral_cross_section(0.9, WAVELENGTH))
    assert found[0].dates == (0, 1, 2)
    west, north = 6.45, 53.30
    bounds = Bounds(west=west, south=north - 0.05, east=west + 0.08, north=north)
    made = make_scene(
        bounds, DAYS[:2], seed=1, wavelength=WAVELENGTH, parameters=SceneParameters(reflectors=path)
    )
    assert "STIL" in {one.name for one in made.targets}
    assert "BARN" not in {one.name for one in made.targets}
    with pytest.raises(AlignsarError, match="none of the 29 lies inside"):
        make_scene(
            box(3.0, 3.0), DAYS, seed=1, wavelength=WAVELENGTH, parameters=SceneParameters(reflectors=path)
        )


def test_reflectors_of_tables_and_vectors_are_read(tmp_path):
    table = tmp_path / "r.csv"
    table.write_text("name,longitude,latitude,height,edge,rcs\nA,5.1,52.1,43.5,1.0,\n,5.2,52.2,44,,1000\n")
    first, second = read_reflectors(table, dates=2, wavelength=WAVELENGTH)
    assert first == PointTarget(
        name="A",
        kind="corner_reflector",
        longitude=5.1,
        latitude=52.1,
        height=43.5,
        rcs_vv=trihedral_cross_section(1.0, WAVELENGTH),
        rcs_vh=0.0,
        dates=(0, 1),
    )
    assert (second.name, second.rcs_vv) == ("line 3", 1000.0)
    points = tmp_path / "r.geojson"
    feature = {"type": "Feature", "geometry": {"type": "Point", "coordinates": [5.1, 52.1, 43.5]}}
    feature["properties"] = {"name": "B", "rcs": 50.0, "rcs_vh": 5.0, "phase": 0.5}
    points.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    (one,) = read_reflectors(points, dates=1, wavelength=WAVELENGTH)
    assert (one.longitude, one.latitude, one.height, one.rcs_vv, one.rcs_vh, one.phase) == (
        5.1,
        52.1,
        43.5,
        50,
        5,
        0.5,
    )


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.csv", "longitude,latitude,height\n5,52,1\n", "line 2: has neither edge nor rcs"),
        ("a.csv", "longitude,latitude,edge\n5,52,1\n", "line 2: has no height"),
        ("a.csv", "longitude,latitude,height,edge\n5,x,1,1\n", "line 2: latitude is 'x', not a number"),
        ("a.csv", "longitude,latitude,height,edge\n5,95,1,1\n", "a place on Earth"),
        ("a.csv", "longitude,latitude,height,edge\n5,52,1,-1\n", "positive sizes"),
        ("a.csv", "longitude,latitude,height,edge\n", "holds no reflector"),
        ("a.json", "{", "is no JSON"),
        ("a.json", '{"stations": [{"id": "X"}]}', "station 1: lacks"),
        ("a.geojson", "{}", "cannot be read as vectors"),
    ],
)
def test_wrong_files_of_reflectors_are_refused(tmp_path, name, text, message):
    (tmp_path / name).write_text(text)
    with pytest.raises(AlignsarError, match=message):
        read_reflectors(tmp_path / name, dates=1, wavelength=WAVELENGTH)
    with pytest.raises(AlignsarError, match="no such file"):
        read_reflectors(tmp_path / "other", dates=1, wavelength=WAVELENGTH)


# --- changes


def test_changes_are_there_on_their_dates_and_nowhere_else(scene):
    kinds = [change.kind for change in scene.changes]
    assert kinds.count("demolition") == kinds.count("construction") == 2
    assert kinds.count("oil slick") == 1
    assert scene.cover(0) is scene.base
    transform = scene.base.transform
    for date in range(4):
        expected = scene.base.values.copy()
        for change in scene.changed(date):
            outline = rasterio.features.geometry_mask([change.shape], expected.shape, transform, invert=True)
            before = np.unique(scene.base.values[outline])
            assert tuple(NAMES[index] for index in before) == change.before
            assert outline.sum() * np.prod(scene.base.posting) == pytest.approx(change.area)
            expected[outline] = NAMES.index(change.after)
        np.testing.assert_array_equal(scene.cover(date).values, expected)
    for change in scene.changes:
        assert change.first >= 1
        assert change.last == (change.first if change.kind == "oil slick" else 3)
        assert {"demolition": RUBBLE, "construction": URBAN, "oil slick": OIL}[change.kind] == change.value
    (slick,) = (change for change in scene.changes if change.kind == "oil slick")
    assert slick.before == ("water",)
    rectangle = shapely.get_coordinates(shapely.minimum_rotated_rectangle(slick.shape))
    east, north = metres_per_degree(52.0)
    sides = np.hypot(*(np.diff(rectangle[:3], axis=0) * (east, north)).T)
    assert max(sides) > 1.6 * min(sides)
    assert slick.shape.area < 0.75 * shapely.minimum_rotated_rectangle(slick.shape).area


def test_changes_need_ground_and_dates():
    fields = Raster.over(box(3.0, 3.0), 20.0, FIELD, np.uint8)
    assert {change.kind for change in generate_changes(fields, 3, 1)} == {"construction"}
    assert generate_changes(fields, 1, 1) == ()
    lake = Raster.over(box(3.0, 3.0), 20.0, WATER, np.uint8)
    assert {change.kind for change in generate_changes(lake, 3, 1)} == {"oil slick"}
    with pytest.raises(AlignsarError, match="demolitions must lie in"):
        ChangeParameters(demolitions=-1)


# --- motion and atmosphere


def test_a_bowl_sinks_as_its_closed_form_says():
    bounds = box(12.0, 9.0)
    bowls = draw_bowls(bounds, 4, count=3, rate=2.0, radius=900.0)
    first = bowls[0]
    assert first.displacement(first.longitude, first.latitude, 12.0) == pytest.approx(-0.024)
    north = metres_per_degree(first.latitude)[1]
    away = first.displacement(first.longitude, first.latitude + 900.0 / north, 12.0)
    assert away == pytest.approx(-0.024 * np.exp(-0.5))
    assert first.displacement(first.longitude + 360.0, first.latitude, 12.0) == pytest.approx(-0.024)
    sunk = motion_raster(bounds, bowls, 24.0)
    assert sunk.values.dtype == np.float32
    lon, lat = (
        np.random.default_rng(3)
        .uniform([bounds.west, bounds.south], [bounds.east, bounds.north], (3000, 2))
        .T
    )
    truth = sum(bowl.displacement(lon, lat, 24.0) for bowl in bowls)
    deepest = sum(abs(bowl.rate) * 24e-3 for bowl in bowls)
    np.testing.assert_allclose(sunk.sample(lon, lat), truth, rtol=0, atol=deepest / 2048.0 + 1e-7)
    np.testing.assert_allclose(
        sunk.values[5],
        sum(b.displacement(sunk.longitudes, sunk.latitudes[5], 24.0) for b in bowls),
        atol=1e-7,
    )
    assert not motion_raster(bounds, (), 24.0).values.any()
    with pytest.raises(AlignsarError, match="positive radius"):
        Bowl(longitude=5.0, latitude=52.0, radius=0.0, rate=1.0)


def test_screens_have_their_strength_and_spectrum():
    bounds = box(60.0, 50.0)
    parameters = AtmosphereParameters(turbulent=8.0, stratified=20.0, scale_height=1500.0)
    slopes = []
    for date in range(4):
        delay = delay_of(bounds, date, 7, parameters)
        values = delay.screen.values
        assert delay.screen.posting == pytest.approx((150.0, 150.0), rel=1e-3)
        assert float(np.sqrt(np.mean(values.astype(np.float64) ** 2))) == pytest.approx(8e-3, rel=1e-4)
        slopes.append(slope_of(values.astype(np.float64), 150.0))
    assert np.mean(slopes) == pytest.approx(-8.0 / 3.0, abs=0.15)
    height = np.array([0.0, 700.0])
    lon, lat = np.full(2, 5.3), np.full(2, 51.9)
    expected = delay.screen.sample(lon, lat) + delay.stratified * np.exp(-height / 1500.0)
    np.testing.assert_allclose(delay.zenith(lon, lat, height), expected)
    layered = [delay_of(box(2.0, 2.0), date, 7, parameters).stratified for date in range(400)]
    assert np.std(layered) == pytest.approx(20e-3, rel=0.12)
    still = delay_of(bounds, 0, 7, AtmosphereParameters(turbulent=0.0, stratified=0.0))
    assert not still.screen.values.any()
    assert not still.zenith(lon, lat, height).any()
    for wrong in ({"turbulent": -1.0}, {"stratified": np.nan}, {"scale_height": 0.0}):
        with pytest.raises(AlignsarError, match="simulated atmosphere"):
            AtmosphereParameters(**wrong)


# --- the whole


def test_the_scene_puts_all_together(scene):
    assert scene.names == ("20220109", "20220121", "20220202", "20220214")
    assert scene.days.tolist() == [0.0, 12.0, 24.0, 36.0]
    assert scene.lowest_and_highest == (float(scene.heights.values.min()), float(scene.heights.values.max()))
    assert not scene.motion(0).values.any()
    bowl = scene.bowls[0]
    sunk = scene.motion(2).sample(bowl.longitude, bowl.latitude)
    assert sunk == pytest.approx(-0.5e-3 * 24.0, rel=1e-3)
    assert scene.delay(1).screen.values.tobytes() != scene.delay(2).screen.values.tobytes()
    corners = [5.0, scene.bounds.east], [scene.bounds.south, scene.bounds.north]
    for raster in (scene.heights, scene.cover(3), scene.motion(3), scene.delay(3).screen):
        raster.sample(*corners)
    for date in (-1, 4):
        with pytest.raises(IndexError):
            scene.cover(date)


def test_the_same_seed_is_the_same_scene_and_dates_do_not_depend_on_how_many_there_are(scene):
    again = make_scene(box(12.0, 9.0), DAYS, seed=1, wavelength=WAVELENGTH)
    assert pickle.dumps(again.base.values) == pickle.dumps(scene.base.values)
    assert again.targets == scene.targets
    assert again.bowls == scene.bowls
    assert [one.shape.wkb for one in again.changes] == [one.shape.wkb for one in scene.changes]
    longer = make_scene(box(12.0, 9.0), np.arange(40.0) * 12.0, seed=1, wavelength=WAVELENGTH)
    assert longer.base.values.tobytes() == scene.base.values.tobytes()
    assert longer.delay(2).screen.values.tobytes() == scene.delay(2).screen.values.tobytes()
    assert longer.motion(2).values.tobytes() == scene.motion(2).values.tobytes()
    assert longer.names[1] == "day0012"
    grown = len(pickle.dumps(longer)) - len(pickle.dumps(scene))
    assert grown < 36 * 40_000  # targets, no rasters: one map alone is a megabyte
    other = make_scene(box(12.0, 9.0), DAYS, seed=2, wavelength=WAVELENGTH)
    assert other.base.values.tobytes() != scene.base.values.tobytes()
    assert other.delay(0).stratified != scene.delay(0).stratified


def test_switches_switch_off():
    bare = SceneParameters(
        relief=0.0,
        land=LandParameters(lake_share=0.0, forest_share=0.0, town_share=0.0, river_width=0.0, railways=0),
        temporal_decorrelation=False,
        targets=TargetParameters(reflectors=0, ships=0, tanks=0),
        changes=ChangeParameters(demolitions=0, constructions=0, oil_slicks=0),
        bowls=0,
        atmosphere=AtmosphereParameters(turbulent=0.0, stratified=0.0),
    )
    made = make_scene(box(4.0, 4.0), DAYS, seed=1, wavelength=WAVELENGTH, parameters=bare)
    assert made.lowest_and_highest == (50.0, 50.0)
    assert (made.targets, made.changes, made.bowls) == ((), (), ())
    assert all(one.coherence(1e4) == 1.0 for one in made.classes)
    assert not np.isin(made.base.values, [WATER, OIL, RUBBLE]).any()
    assert not made.motion(3).values.any()
    assert not made.delay(3).screen.values.any()


@pytest.mark.parametrize(
    ("days", "message"),
    [
        (DAYS[::-1], "a list that rises"),
        (DAYS[:0], "at least one"),
        (np.array([0.0, np.nan]), "a list that rises"),
        (np.array([0.0, 0.2]), "two dates on one day"),
    ],
)
def test_dates_that_cannot_be_are_refused(days, message):
    with pytest.raises(AlignsarError, match=message):
        make_scene(box(3.0, 3.0), days, seed=1, wavelength=WAVELENGTH)
    with pytest.raises(AlignsarError, match="wavelength"):
        make_scene(box(3.0, 3.0), DAYS, seed=1, wavelength=0.0)
    with pytest.raises(AlignsarError, match="bowls must lie in"):
        SceneParameters(bowls=-1)


@pytest.mark.parametrize("missing", [1, 100, 10_000])
def test_a_scene_on_a_disk_that_is_full_is_refused(scene, tmp_path, missing):
    """GDAL does not say what it cannot store while it closes a file: the last bytes."""
    heights = {"description": "heights", "units": "m"}
    size = files._write_raster(tmp_path / "dem.tif", scene.heights, heights).stat().st_size
    with (
        pytest.raises(AlignsarError, match=r"other\.tif: cannot be written \("),
        files_of_at_most(size - missing),
    ):
        files._write_raster(tmp_path / "other.tif", scene.heights, heights)
    assert not (tmp_path / "other.tif").exists()


def test_a_scene_is_written_and_opened_again(scene, tmp_path):
    one = write_scene(scene, tmp_path / "one")
    two = write_scene(scene, tmp_path / "two")
    assert [path.name for path in one] == [path.name for path in two]
    assert all(a.read_bytes() == b.read_bytes() for a, b in zip(one, two, strict=True))
    assert sorted(path.name for path in (tmp_path / "one").iterdir()) == sorted(path.name for path in one)
    dem = open_dem(tmp_path / "one" / "dem.tif", "ellipsoid")
    with pytest.raises(AlignsarError, match="heights count from 'ellipsoid'"):
        open_dem(tmp_path / "one" / "dem.tif", "egm96")
    bounds = scene.bounds
    lon, lat = (
        np.random.default_rng(8).uniform([bounds.west, bounds.south], [bounds.east, bounds.north], (500, 2)).T
    )
    np.testing.assert_allclose(dem.height_at(lon, lat), scene.heights.on_triangles(lon, lat), atol=1e-3)
    with rasterio.open(tmp_path / "one" / "land_cover.tif") as file:
        np.testing.assert_array_equal(file.read(1), scene.base.values)
        assert file.tags()["class_03"] == "forest"
        assert file.colormap(1)[WATER][:3] == CLASSES[WATER].colour
        assert file.crs.to_epsg() == 4326
        assert file.index(bounds.west, bounds.north) == (0, 0)
    differing = {f"land_cover_{scene.names[date]}.tif" for date in range(4) if scene.changed(date)}
    assert {path.name for path in one if path.name.startswith("land_cover_")} == differing
    date = max(range(4), key=lambda date: len(scene.changed(date)))
    with rasterio.open(tmp_path / "one" / f"land_cover_{scene.names[date]}.tif") as file:
        np.testing.assert_array_equal(file.read(1), scene.cover(date).values)
    with rasterio.open(tmp_path / "one" / "motion_20220214.tif") as file:
        np.testing.assert_array_equal(file.read(1), scene.motion(3).values)
        assert file.units == ("m",)
    with rasterio.open(tmp_path / "one" / "delay_20220121.tif") as file:
        np.testing.assert_array_equal(file.read(1), scene.delay(1).screen.values)
        assert float(file.tags()["stratified"]) == scene.delay(1).stratified
    targets = json.loads((tmp_path / "one" / "targets.geojson").read_text())["features"]
    assert len(targets) == len(scene.targets)
    assert targets[0]["geometry"]["coordinates"][2] == scene.targets[0].height
    changes = json.loads((tmp_path / "one" / "changes.geojson").read_text())["features"]
    assert len(changes) == len(scene.changes) + len(scene.bowls)
    assert changes[0]["properties"]["date"].replace("-", "") == changes[0]["properties"]["first"]
