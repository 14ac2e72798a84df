"""Ground to radar and viewing angles on the CPU, against closed forms, bisection and vector formulas."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from alignsar_gpu.kernels.geometry import cpu as cpu_geometry
from alignsar_gpu.kernels.geometry import scalar as scalar_geometry
from hypothesis import given, settings
from hypothesis import strategies as st
from radar_scene import CIRCLE, MIDDLE, RADIUS, RATE, TURNING, ecef, mesh, place, seen_by

from alignsar_gpu import kernels

TIME_BOUND, RANGE_BOUND = 1e-9, 1e-6  # s, m
DOPPLER = kernels.DopplerTable(
    np.array([[210.0, -60.0, 5.0], [-400.0, 30.0, 0.0]]), MIDDLE, 850e3, 1.0, 50e3, 0.028
)


def speed(time, slant_range):
    """lambda f / 2 of DOPPLER, written out."""
    x, y = time - MIDDLE, (slant_range - 850e3) / 50e3
    return 0.028 * (210.0 - 60.0 * y + 5.0 * y * y - 400.0 * x + 30.0 * x * y)


def image(path=TURNING, shape=(7, 700), spacing=2e-4, side=1.0, slant_range=850e3):
    """Longitude, latitude and steep heights of points that lie as an image's do."""
    lon, lat = mesh(place(path, MIDDLE, slant_range, side), spacing, shape)
    rng = np.random.default_rng(1)
    return lon, lat, rng.uniform(-400.0, 8800.0, shape)


def seeds(lon, value=MIDDLE):
    return np.full(len(lon), value)


def assert_seen(got, wanted):
    for g, w, bound in zip(got, wanted, (TIME_BOUND, RANGE_BOUND), strict=True):
        assert g.dtype == np.float64
        assert np.abs(g - w).max() < bound


def same_bits(a, b):
    return all(
        x.dtype == y.dtype and np.array_equal(x.view(np.uint8), y.view(np.uint8))
        for x, y in zip(a, b, strict=True)
    )


# The mathematics


def test_sine_and_cosine_are_exact_to_the_last_place():
    degrees = np.concatenate([np.linspace(-720.0, 720.0, 20_011), np.arange(-8, 9) * 45.0])
    exact_turn = np.remainder(degrees, 360.0)
    for angle, folded in zip(degrees, exact_turn, strict=True):
        s, c = scalar_geometry.sine_cosine(angle)
        assert abs(s - math.sin(math.radians(folded))) < 1.2e-15  # radians of up to 2 pi are 4e-16 off
        assert abs(c - math.cos(math.radians(folded))) < 1.2e-15
        assert abs(s * s + c * c - 1.0) < 4.5e-16
    for quarters, wanted in {0: (0, 1), 1: (1, 0), 2: (0, -1), 3: (-1, 0), -1: (-1, 0), -2: (0, -1)}.items():
        assert scalar_geometry.sine_cosine(90.0 * quarters) == wanted
    s, c = scalar_geometry.sine_cosine(30.0)
    assert abs(s - 0.5) < 1e-16
    assert abs(c - math.sqrt(0.75)) < 2e-16
    assert all(math.isnan(value) for value in scalar_geometry.sine_cosine(math.nan))


@given(st.floats(-180, 180), st.floats(-90, 90), st.floats(-500, 9000))
def test_position_is_that_of_the_ellipsoid(lon, lat, h):
    assert np.abs(np.array(scalar_geometry.position(lon, lat, h)) - ecef(lon, lat, h)).max() < 1e-8


@settings(max_examples=30)
@given(st.floats(-180, 180), st.floats(-85, 85), st.floats(-0.57, 0.57), st.floats(-0.57, 0.57))
def test_position_around_an_anchor_is_within_what_it_says(lon, lat, dlon, dlat):
    trig = scalar_geometry.trigonometry(lon, lat)
    got, own = scalar_geometry.position_nearby(dlon, dlat, 500.0, trig)
    assert np.abs(np.array(got) - ecef(lon + dlon, lat + dlat, 500.0)).max() < 3e-8
    assert np.abs(np.array(own) - scalar_geometry.trigonometry(lon + dlon, lat + dlat)).max() < 1e-12


@given(st.floats(1000, 1160))
def test_orbit_and_its_derivatives(time):
    states = scalar_geometry.orbit_state(time, *CIRCLE.table())
    p, v, a, j, s = (np.array(state) for state in states)
    assert np.abs(p - CIRCLE.position(time)).max() < 1e-7
    assert np.abs(v - CIRCLE.velocity(time)).max() < 1e-7
    assert np.abs(a + RATE**2 * p).max() < 1e-6
    assert np.abs(j + RATE**2 * v).max() < 1e-6
    assert np.abs(s - RATE**4 * p).max() < 1e-5


# Ground to radar


@pytest.mark.parametrize("side", [1.0, -1.0], ids=["right", "left"])
def test_an_image_against_bisection(side):
    points = image(side=side)
    got = kernels.ground_to_radar(*points, seeds(points[0]), TURNING.table())
    assert_seen(got, seen_by(TURNING, ecef(*points)))


def test_an_image_against_the_closed_form_of_a_circle():
    points = image(CIRCLE)
    target = ecef(*points)
    along = target @ CIRCLE.velocity(MIDDLE) / (RADIUS * RATE)
    time = MIDDLE + np.arctan2(along, target[..., 0]) / RATE
    wanted = time, np.linalg.norm(target - CIRCLE.position(time), axis=-1)
    assert_seen(kernels.ground_to_radar(*points, seeds(points[0]), CIRCLE.table()), wanted)


@pytest.mark.parametrize("seed", [MIDDLE - 70.0, MIDDLE + 70.0, -1e5, 1e5])
def test_scattered_points_from_any_seed(seed):
    rng = np.random.default_rng(2)
    lon0, lat0 = place(TURNING, MIDDLE, 850e3)
    lon, lat = lon0 + rng.uniform(-2, 5, (5, 301)), lat0 + rng.uniform(-3, 3, (5, 301))
    h = rng.uniform(-400.0, 8800.0, lon.shape)
    got = kernels.ground_to_radar(lon, lat, h, seeds(lon, seed), TURNING.table())
    assert_seen(got, seen_by(TURNING, ecef(lon, lat, h)))


@pytest.mark.parametrize("spacing", [0.0022, 0.0045, 0.015])
def test_points_up_to_the_widest_angle_and_beyond(spacing):
    """Half a segment is 0.28, 0.576 and 1.9 degrees: inside, at the limit, and far outside."""
    for points in (image(shape=(3, 513), spacing=spacing), image(shape=(513, 3), spacing=spacing)):
        lon, lat, h = (np.ascontiguousarray(a.T if a.shape[0] > a.shape[1] else a) for a in points)
        got = kernels.ground_to_radar(lon, lat, h, seeds(lon), TURNING.table())
        assert_seen(got, seen_by(TURNING, ecef(lon, lat, h)))


def test_a_row_that_goes_along_the_track():
    """Its segments last for longer than the expansion in time holds."""
    lat = np.linspace(-2.0, 2.0, 1000)[None]
    lon = place(TURNING, MIDDLE, 850e3)[0] - 0.12 * lat
    h = np.zeros_like(lat)
    got = kernels.ground_to_radar(lon, lat, h, seeds(lon), TURNING.table())
    assert np.ptp(got[0][0, :256]) > 2.0 * scalar_geometry.LONGEST_TIME
    assert_seen(got, seen_by(TURNING, ecef(lon, lat, h)))


def test_points_without_coordinates_are_nan_and_the_others_as_before():
    points = image(shape=(4, 600))
    whole = kernels.ground_to_radar(*points, seeds(points[0]), TURNING.table())
    holes = np.zeros(points[0].shape, dtype=bool)
    holes[0, [3, 128, 384]] = True  # two of them in the middle of a segment, where the anchor is
    holes[1, :256] = True
    holes[2] = True
    for array in points:
        spoiled = array.copy()
        spoiled[holes] = np.nan
        given = [spoiled if array is a else a for a in points]
        seen = kernels.ground_to_radar(*given, seeds(spoiled), TURNING.table())
        for got, wanted, bound in zip(seen, whole, (TIME_BOUND, RANGE_BOUND), strict=True):
            np.testing.assert_array_equal(np.isnan(got), holes)
            assert np.abs(got - wanted)[~holes].max() < bound


def test_outside_the_orbit_there_is_nothing():
    lon, lat = mesh(place(TURNING, 1080.0, 850e3), 1e-3, (3, 300))
    h = np.zeros_like(lon)
    wanted = seen_by(TURNING, ecef(lon, lat, h))
    orbit = TURNING.table(first=1000.0, interval=10.0, count=9)  # ends among the points, at 1080 s
    inside = wanted[0] <= 1080.0
    assert inside.any()
    assert not inside.all()
    for seed in (1000.0, 1080.0, 5000.0):
        got = kernels.ground_to_radar(lon, lat, h, seeds(lon, seed), orbit)
        for g, w, bound in zip(got, wanted, (TIME_BOUND, RANGE_BOUND), strict=True):
            np.testing.assert_array_equal(np.isnan(g), ~inside)
            assert np.abs(g - w)[inside].max() < bound
        for far in (40.0, -40.0):
            for g in kernels.ground_to_radar(lon, lat + far, h, seeds(lon, seed), orbit):
                assert np.isnan(g).all()


# A Doppler frequency that is not zero


@pytest.mark.parametrize("side", [1.0, -1.0], ids=["right", "left"])
def test_doppler_against_bisection(side):
    points = image(side=side)
    got = kernels.ground_to_radar(*points, seeds(points[0]), TURNING.table(), DOPPLER)
    assert_seen(got, seen_by(TURNING, ecef(*points), speed))
    zero = kernels.ground_to_radar(*points, seeds(points[0]), TURNING.table())
    assert np.abs(got[0] - zero[0]).min() > 0.01


def test_doppler_of_scattered_points():
    rng = np.random.default_rng(3)
    lon0, lat0 = place(TURNING, MIDDLE, 850e3)
    lon, lat = lon0 + rng.uniform(-1, 1, (3, 301)), lat0 + rng.uniform(-0.1, 0.1, (3, 301))
    h = rng.uniform(-400.0, 8800.0, lon.shape)
    got = kernels.ground_to_radar(lon, lat, h, seeds(lon), TURNING.table(), DOPPLER)
    assert_seen(got, seen_by(TURNING, ecef(lon, lat, h), speed))


@pytest.mark.parametrize("hertz", [-600.0, 0.0, 900.0])
def test_doppler_against_the_closed_form_of_a_circle(hertz):
    """With X in the orbit's plane rho from its centre, and w = lambda f / 2:

    rho V sin d = w R and R^2 = C - 2 rho a cos d give a quadratic for the cosine of the angle d between them.
    """
    points = image(CIRCLE)
    target, v, w = ecef(*points), RADIUS * RATE, 0.028 * hertz
    along = target @ CIRCLE.velocity(MIDDLE) / v
    rho = np.hypot(target[..., 0], along)
    square = np.sum(target**2, axis=-1) + RADIUS**2
    a, b, c = (rho * v) ** 2, -(w**2) * rho * RADIUS, w**2 * square - (rho * v) ** 2
    cosine = (-b + np.sqrt(b * b - a * c)) / a
    slant_range = np.sqrt(square - 2.0 * rho * RADIUS * cosine)
    ahead = np.arcsin(w * slant_range / (rho * v))
    time = MIDDLE + (np.arctan2(along, target[..., 0]) - ahead) / RATE
    table = kernels.DopplerTable(np.array([[hertz]]), 0.0, 0.0, 1.0, 1.0, 0.028)
    got = kernels.ground_to_radar(*points, seeds(points[0]), CIRCLE.table(), table)
    assert_seen(got, (time, slant_range))


# Viewing angles


def vectors(path, lon, lat, h, time, east_slope, north_slope):
    """The three cosines that viewing_angles gives in its way, from vectors."""
    sight = ecef(lon, lat, h) - path.position(time)
    sight /= np.linalg.norm(sight, axis=-1, keepdims=True)
    sl, cl, sp, cp = (f(np.radians(a)) for a in (lon, lat) for f in (np.sin, np.cos))
    east = np.stack([-sl, cl, 0.0 * sl], axis=-1)
    north = np.stack([-sp * cl, -sp * sl, cp], axis=-1)
    up = np.stack([cp * cl, cp * sl, sp], axis=-1)
    normal = up - east_slope[..., None] * east - north_slope[..., None] * north
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True)
    centre = -path.position(time)
    centre /= np.linalg.norm(centre, axis=-1, keepdims=True)
    return tuple(np.sum(sight * other, axis=-1) for other in (up, normal, centre))


@pytest.mark.parametrize("spacing", [2e-4, 0.008])
def test_viewing_angles_against_vectors(spacing):
    lon, lat, h = image(spacing=spacing)
    time, _ = kernels.ground_to_radar(lon, lat, h, seeds(lon), TURNING.table())
    rng = np.random.default_rng(4)
    east, north = rng.normal(0.0, 1.0, (2, *lon.shape))
    got = kernels.viewing_angles(lon, lat, h, time, east, north, TURNING.table())
    up, normal, centre = vectors(TURNING, lon, lat, h, time, east, north)
    for g, w in zip(got, (1.0 + up, 1.0 + normal, centre), strict=True):
        assert g.dtype == np.float64
        assert np.abs(g - w).max() < 1e-10
    incidence = np.degrees(np.arccos(1.0 - got[0]))
    assert 10.0 < incidence.min() < incidence.max() < 60.0


def test_viewing_angles_where_a_point_or_its_time_is_missing():
    lon, lat, h = image(shape=(2, 300))
    time, _ = kernels.ground_to_radar(lon, lat, h, seeds(lon), TURNING.table())
    level = np.zeros_like(h)
    whole = kernels.viewing_angles(lon, lat, h, time, level, level, TURNING.table())
    time[0, :5] = h[0, 128] = lon[1] = np.nan
    for got, wanted in zip(
        kernels.viewing_angles(lon, lat, h, time, level, level, TURNING.table()), whole, strict=True
    ):
        np.testing.assert_array_equal(np.isnan(got), np.isnan(lon + h + time))
        assert np.nanmax(np.abs(got - wanted)) < 1e-12


# Blocks and threads, and the compiled code against the plain one


def run(points, columns=slice(None), rows=slice(None)):
    lon, lat, h = (np.ascontiguousarray(a[rows, columns]) for a in points)
    seen = kernels.ground_to_radar(lon, lat, h, seeds(lon), TURNING.table(), DOPPLER)
    zero = kernels.ground_to_radar(lon, lat, h, seeds(lon), TURNING.table())
    return *seen, *zero, *kernels.viewing_angles(lon, lat, h, zero[0], 1e-3 * h, 1e-4 * h, TURNING.table())


@pytest.mark.parametrize("spacing", [2e-4, 0.02])
def test_blocks_of_rows_and_of_whole_segments_keep_the_bits(spacing):
    points = image(shape=(6, 900), spacing=spacing)
    points[2][2, 300:700] = np.nan
    whole = run(points)
    by_rows = [run(points, rows=slice(a, a + 1)) for a in range(6)]
    assert same_bits(whole, [np.concatenate(part) for part in zip(*by_rows, strict=True)])
    step = 2 * kernels.SEGMENT
    by_columns = [run(points, columns=slice(a, a + step)) for a in range(0, 900, step)]
    assert same_bits(whole, [np.concatenate(part, axis=1) for part in zip(*by_columns, strict=True)])


def test_threads_do_not_change_a_bit():
    points = image(shape=(40, 600))
    before = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = run(points)
    finally:
        numba.set_num_threads(before)
    assert same_bits(run(points), alone)


def test_compiled_drivers_are_the_plain_python_ones():
    lon, lat, h = image(shape=(2, 300), spacing=0.001)
    h[0, [5, 128]] = np.nan
    lon[1, 200:] += 3.0
    orbit = TURNING.table()
    east = 1e-4 * h
    for doppler in (kernels.ZERO_DOPPLER, DOPPLER):
        plain = np.empty((5, *lon.shape))
        with np.errstate(invalid="ignore"):
            cpu_geometry.ground_to_radar((lon, lat, h), seeds(lon), orbit, doppler, plain[0], plain[1])
            cpu_geometry.viewing_angles((lon, lat, h), (east, -east), plain[0], orbit, tuple(plain[2:]))
        seen = kernels.ground_to_radar(lon, lat, h, seeds(lon), orbit, doppler)
        angles = kernels.viewing_angles(lon, lat, h, seen[0], east, -east, orbit)
        np.testing.assert_array_equal((*seen, *angles), plain)


# Arguments


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"latitude": np.zeros((3, 5))}, ValueError, r"latitude: expected the shape \(3, 4\) of longitude"),
        ({"height": np.zeros((3, 4), np.float32)}, TypeError, "height: expected dtype float64, got float32"),
        ({"height": np.zeros((4, 3)).T}, ValueError, "height: expected a C-contiguous array"),
        (
            {"seed": np.zeros(4)},
            ValueError,
            r"seed: expected one time for each of 3 rows, got the shape \(4,\)",
        ),
        ({"seed": np.zeros(3, int)}, TypeError, "seed: expected dtype float64"),
    ],
)
def test_errors_name_the_argument(change, error, message):
    given = {name: np.zeros((3, 4)) for name in ("longitude", "latitude", "height")}
    with pytest.raises(error, match=message):
        kernels.ground_to_radar(**(given | {"seed": np.zeros(3)} | change), orbit=TURNING.table())


def test_points_must_have_rows_and_columns():
    flat = np.zeros(5)
    with pytest.raises(ValueError, match="longitude: expected two dimensions"):
        kernels.ground_to_radar(flat, flat, flat, np.zeros(5), TURNING.table())
    with pytest.raises(ValueError, match="longitude: expected two dimensions"):
        kernels.viewing_angles(flat, flat, flat, flat, flat, flat, TURNING.table())


def test_no_points_give_no_results():
    empty = np.zeros((0, 5))
    assert [a.shape for a in kernels.ground_to_radar(empty, empty, empty, np.zeros(0), TURNING.table())] == [
        (0, 5)
    ] * 2
