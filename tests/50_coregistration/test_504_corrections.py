"""Corrections for absolute location: signs by simulating the signal, sizes by closed forms and published values."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from fake_safe import FakeSafe, annotations_in, rewrite, write_safe
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsar_gpu.coregistration.carrier import burst_carrier
from alignsar_gpu.coregistration.corrections.corrections import (
    Corrections,
    LineOfSight,
    azimuth_fm_rate,
    bistatic_delay,
    displacement_shift,
    doppler_range_shift,
    fm_rate_shift,
    location_shift,
    tropospheric_shift,
)
from alignsar_gpu.coregistration.corrections.location import HEIGHTS
from alignsar_gpu.coregistration.corrections.tide import ARCSECOND, Sky, _moon, _sun, sky, solid_earth_tide
from alignsar_gpu.coregistration.corrections.troposphere import zenith_delay
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.ellipsoid import ecef_to_geodetic, ellipsoid_normal, geodetic_to_ecef
from alignsar_gpu.geometry.grid import SPEED_OF_LIGHT
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar, incidence_angle
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.products.selection import Match
from alignsar_gpu.products.sentinel1.annotation import read_annotation
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.products.slc import Transmission
from alignsar_gpu.products.xml import parse_xml

C = 299792458.0
SINGLE = {
    "bistatic": Corrections(bistatic=True),
    "doppler_range": Corrections(doppler_range=True),
    "fm_rate": Corrections(fm_rate=True),
    "tide": Corrections(tide=True),
    "troposphere": Corrections(troposphere="model"),
}
ALL = Corrections(bistatic=True, doppler_range=True, fm_rate=True, tide=True, troposphere="model")
IN_TIME, IN_RANGE = {"bistatic", "fm_rate", "tide"}, {"doppler_range", "tide", "troposphere"}
MOROCCO, AZORES = "s1_pair_morocco_20230904_20230916", "s1_iw_slc_azores_20220918"
TIME, METRES = 1e-8, 1e-4  # s and m: what polynomials are good to


def peak(correlation, first, step):
    """Where the magnitude of correlation(x) is largest near ``first``: by ever smaller parabolas."""
    at = first
    for _ in range(12):
        left, middle, right = (abs(correlation(at + k * step)) for k in (-1, 0, 1))
        at += np.clip(0.5 * (left - right) / (left - 2.0 * middle + right), -1.0, 1.0) * step
        step *= 0.5
    return at


# ---- signs, by simulation ----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("swath", "rank", "pulse_interval"), [(5.40e-3, 9, 5.8237e-4), (6.40e-3, 10, 5.9318e-4)]
)
def test_bistatic_delay_of_pulses_on_their_way(swath, rank, pulse_interval):
    """Pulses are sent and received by a moving antenna, filed as Sentinel-1 files them, and focused."""
    closest, speed, wavelength, bulk = 0.5 * C * swath, 7100.0, 0.0555, 2.926e-3
    sent = pulse_interval * np.arange(-300, 301)

    def away(time):
        return np.hypot(closest, speed * time)

    received = sent + 2.0 * away(sent) / C
    for _ in range(5):
        received = sent + (away(sent) + away(received)) / C
    # The echo comes in the interval that begins rank intervals after its pulse.
    filed = sent + rank * pulse_interval
    assert np.all((received >= filed) & (received < filed + pulse_interval))
    echo = np.exp(-2j * np.pi * C / wavelength * (received - sent))

    def focused(time):
        """For a target that a monostatic antenna is closest to at ``time``, on the axis that echoes are filed on."""
        return np.sum(echo * np.exp(4j * np.pi / wavelength * away(filed - time)))

    annotated = peak(focused, rank * pulse_interval - 0.5 * swath, 2e-4) - bulk
    transmission = Transmission(pulse_interval=pulse_interval, rank=rank, chirp_rate=1e12, bulk_delay=bulk)
    correction = float(bistatic_delay(transmission, bulk, closest))
    assert correction > 1e-4
    assert abs(annotated + correction) < 1e-3 * correction  # closest approach is at 0


def compressed(frequency, chirp_rate, delay=2e-5):
    """Where an echo of a Doppler frequency, compressed with the chirp that was sent, is found (s)."""
    length, rate = 2e-5, 6e7
    time = np.arange(0.0, 6e-5, 1.0 / rate)

    def chirp(t):
        inside = np.abs(t) <= 0.5 * length
        return np.where(inside, np.exp(1j * np.pi * chirp_rate * t**2), 0.0)

    window = np.hanning(2001)  # edges that lie between samples must not matter

    def smooth(t):
        return chirp(t) * np.interp(
            t, np.linspace(-0.5 * length, 0.5 * length, 2001), window, left=0.0, right=0.0
        )

    echo = smooth(time - 1.5 * delay) * np.exp(2j * np.pi * frequency * time)
    return peak(lambda at: np.sum(echo * np.conj(smooth(time - 0.5 * delay - at))), delay, 2e-8)


@pytest.mark.parametrize("chirp_rate", [1.078e12, -8.0e11])
@pytest.mark.parametrize("frequency", [2600.0, -900.0])
def test_doppler_shifts_the_compressed_pulse(frequency, chirp_rate):
    delay = 2e-5
    annotated = 0.5 * C * compressed(frequency, chirp_rate)
    correction = float(doppler_range_shift(frequency, chirp_rate))
    assert np.sign(correction) == np.sign(frequency * chirp_rate)
    assert abs(correction) > 0.1
    assert annotated + correction == pytest.approx(0.5 * C * delay, abs=0.01 * abs(correction))


def focused_at(frequency, true, used):
    """Where a target of closest approach at 0, seen at a Doppler frequency, is focused to with another rate (s)."""
    bandwidth, sampling = 320.0, 6000.0
    middle, half = frequency / true, 0.5 * bandwidth / abs(true)
    time = np.arange(middle - half, middle + half, 1.0 / sampling)
    echo = np.hanning(len(time)) * np.exp(1j * np.pi * true * time**2)
    return peak(lambda at: np.sum(echo * np.exp(-1j * np.pi * used * (time - at) ** 2)), 0.0, 5e-4)


@pytest.mark.parametrize("frequency", [2400.0, -2400.0, 1000.0])
@pytest.mark.parametrize("miss", [0.5, -0.3])
def test_a_wrong_rate_shifts_what_is_seen_under_squint(frequency, miss):
    true, used = -2300.0, -2300.0 + miss
    correction = float(fm_rate_shift(frequency, used, true))
    assert abs(correction) > 5e-5
    assert focused_at(frequency, true, used) + correction == pytest.approx(0.0, abs=0.01 * abs(correction))


# ---- the product ---------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def product(tmp_path_factory):
    fake = FakeSafe(swaths=(1, 2), lines=1500, samples=2000, pixels=False)
    return open_sentinel1(write_safe(tmp_path_factory.mktemp("corrections"), fake))


@pytest.fixture
def match(product):
    return Match(product=product, burst=product.bursts[0])


def places(burst, count=300, seed=0):
    rng = np.random.default_rng(seed)
    line, sample = (rng.uniform(0.0, extent - 1.0, count) for extent in burst.grid.shape)
    return line, sample, rng.uniform(*HEIGHTS, count)


def sight_of(match, line, sample, height):
    grid, orbit = match.burst.grid, match.product.orbit
    time, away = grid.azimuth_time(line), grid.slant_range(sample)
    longitude, latitude = radar_to_ground(orbit, time, away, height, grid.look_side)
    ground = geodetic_to_ecef(longitude, latitude, height)
    sight = LineOfSight(
        antenna=orbit.position_at(time),
        velocity=orbit.velocity_at(time),
        acceleration=orbit.acceleration_at(time),
        ground=ground,
    )
    return sight, longitude, latitude


def at_pixels(match, corrections, line, sample, height):
    """The corrections pixel by pixel, without polynomials."""
    burst = match.burst
    frequency = burst_carrier(burst, "vv", match.product.orbit).frequency(line, sample)
    away = burst.grid.slant_range(sample)
    sight, longitude, latitude = sight_of(match, line, sample, height)
    time, metres = np.zeros(line.shape), np.zeros(line.shape)
    if corrections.bistatic:
        time += bistatic_delay(burst.transmission, burst.transmission.bulk_delay, away)
    if corrections.doppler_range:
        metres += doppler_range_shift(frequency, burst.transmission.chirp_rate)
    if corrections.fm_rate:
        true = azimuth_fm_rate(sight, burst.grid.wavelength)
        time += fm_rate_shift(frequency, burst.azimuth_fm_rate.at(away), true)
    if corrections.tide:
        middle = round(1e6 * float(burst.grid.azimuth_time(0.5 * burst.grid.lines)))
        moved = solid_earth_tide(sight.ground, sky(burst.grid.epoch + np.timedelta64(middle, "us")))
        earlier, nearer = displacement_shift(sight, moved)
        time, metres = time + earlier, metres + nearer
    if corrections.troposphere == "model":
        delay = zenith_delay(height, latitude)
        metres += tropospheric_shift(sight, ellipsoid_normal(longitude, latitude), delay)
    return time, metres


def test_without_corrections_nothing_is_added(match):
    shift = location_shift(match, "vv", Corrections())
    line, sample, height = places(match.burst)
    height[:9] = np.nan
    for one in (shift, shift.inverse()):
        assert not one.azimuth(line, sample, height).any()
        assert not one.slant_range(line, sample, height).any()


@pytest.mark.parametrize("name", [*SINGLE, "all"])
def test_polynomials_are_what_each_pixel_has(match, name):
    corrections = SINGLE.get(name, ALL)
    pixels = places(match.burst)
    shift = location_shift(match, "vv", corrections)
    time, metres = at_pixels(match, corrections, *pixels)
    np.testing.assert_allclose(shift.azimuth(*pixels), time, atol=TIME, rtol=0.0)
    np.testing.assert_allclose(shift.slant_range(*pixels), metres, atol=METRES, rtol=0.0)
    assert np.any(time) == (name in IN_TIME or name == "all")
    assert np.any(metres) == (name in IN_RANGE or name == "all")


def test_polynomials_reach_over_a_long_stripmap_scene(match):
    """30 s and 100 km of slant range, without steering."""
    grid = match.burst.grid
    long = replace(grid, lines=50000, samples=25000, azimuth_interval=6e-4, range_spacing=4.0)
    scene = Match(product=match.product, burst=replace(match.burst, grid=long, steering_rate=0.0))
    for corrections in SINGLE.values():
        pixels = places(scene.burst)
        shift = location_shift(scene, "vv", corrections)
        time, metres = at_pixels(scene, corrections, *pixels)
        np.testing.assert_allclose(shift.azimuth(*pixels), time, atol=TIME, rtol=0.0)
        np.testing.assert_allclose(shift.slant_range(*pixels), metres, atol=METRES, rtol=0.0)


def test_switches_are_independent(match):
    pixels = places(match.burst)
    whole = location_shift(match, "vv", ALL)
    parts = [location_shift(match, "vv", corrections) for corrections in SINGLE.values()]
    time, metres = (sum(getattr(one, axis)(*pixels) for one in parts) for axis in ("azimuth", "slant_range"))
    np.testing.assert_allclose(whole.azimuth(*pixels), time, atol=1e-8, rtol=0.0)
    np.testing.assert_allclose(whole.slant_range(*pixels), metres, atol=1e-5, rtol=0.0)
    for name, one in zip(SINGLE, parts, strict=True):
        assert one.azimuth(*pixels).any() == (name in IN_TIME)
        assert one.slant_range(*pixels).any() == (name in IN_RANGE)


@settings(max_examples=30, deadline=None)
@given(st.sets(st.sampled_from(sorted(SINGLE))), st.integers(0, 2**31))
def test_from_annotated_to_true_and_back(product, names, seed):
    chosen = Corrections(
        troposphere="model" if "troposphere" in names else "none",
        **dict.fromkeys(names - {"troposphere"}, True),
    )
    match = Match(product=product, burst=product.bursts[seed % len(product.bursts)])
    line, sample, height = places(match.burst, seed=seed)
    there = location_shift(match, "vv", chosen)
    back = there.inverse()
    grid = match.burst.grid
    true_line = line + there.azimuth(line, sample, height) / grid.azimuth_interval
    true_sample = sample + there.slant_range(line, sample, height) / grid.range_spacing
    again = true_line - back.azimuth(true_line, true_sample, height) / grid.azimuth_interval
    assert np.abs(again - line).max() < 1e-6
    again = true_sample - back.slant_range(true_line, true_sample, height) / grid.range_spacing
    assert np.abs(again - sample).max() < 1e-6


def test_blocks_of_any_size_are_the_same_bits(match):
    shift = location_shift(match, "vv", ALL)
    line, sample = np.arange(400.0)[:, np.newaxis] + 0.25, np.arange(900.0) + 0.5
    height = np.random.default_rng(3).uniform(0.0, 3000.0, (400, 900))
    for axis in (shift.azimuth, shift.slant_range):
        whole = axis(line, sample, height)
        assert whole.shape == (400, 900)
        full = np.broadcast_to(line, whole.shape), np.broadcast_to(sample, whole.shape)
        np.testing.assert_array_equal(axis(*full, height), whole)
        np.testing.assert_array_equal(axis(line[7:90], sample[11:], height[7:90, 11:]), whole[7:90, 11:])
        assert axis(line[8, 0], sample[12], height[8, 12]) == whole[8, 12]
        assert axis(line[:0], sample, height[:0]).shape == (0, 900)


def test_a_height_that_is_not_known(match):
    height = np.array([np.nan, 100.0])
    for name, corrections in SINGLE.items():
        shift = location_shift(match, "vv", corrections)
        for axis, concerned in ((shift.azimuth, IN_TIME), (shift.slant_range, IN_RANGE)):
            known = name in {"bistatic", "doppler_range"} or name not in concerned
            assert np.isfinite(axis(50.0, 60.0, height)).tolist() == [known, True]


# ---- sizes ---------------------------------------------------------------------------------------------------------


def test_bistatic_delay_of_a_subswath(match):
    """Of a pixel as near as the middle of IW2 it is the whole two-way time less the pulses in the air."""
    burst = match.burst
    bulk = 0.5 * (5.334431e-3 + 0.5 * 0.36e-3)
    assert burst.transmission == Transmission(
        pulse_interval=5.823674372819869e-4, rank=9, chirp_rate=1.078230321255894e12, bulk_delay=bulk
    )
    sample = burst.grid.sample(C * bulk)
    found = location_shift(match, "vv", Corrections(bistatic=True)).azimuth(0.0, sample, 0.0)
    assert found == pytest.approx(2.0 * bulk - 9 * 5.823674372819869e-4, abs=1e-12)


def test_fm_rate_is_the_second_difference_of_the_range(match):
    line, sample, height = places(match.burst, count=20)
    sight, _, _ = sight_of(match, line, sample, height)
    time, step = match.burst.grid.azimuth_time(line), 0.05
    away = [
        np.linalg.norm(match.product.orbit.position_at(time + k * step) - sight.ground, axis=-1)
        for k in (-2, -1, 0, 1, 2)
    ]
    second = (-away[0] + 16 * away[1] - 30 * away[2] + 16 * away[3] - away[4]) / (12.0 * step**2)
    expected = -2.0 / match.burst.grid.wavelength * second
    np.testing.assert_allclose(azimuth_fm_rate(sight, match.burst.grid.wavelength), expected, rtol=1e-7)
    assert np.all((expected < -1500.0) & (expected > -3000.0))


def test_displaced_ground_is_seen_where_it_is_not_displaced(match):
    rng = np.random.default_rng(5)
    line, sample, height = places(match.burst, count=40)
    sight, longitude, latitude = sight_of(match, line, sample, height)
    displacement = rng.uniform(-0.4, 0.4, (40, 3))
    time, metres = displacement_shift(sight, displacement)
    seed = match.burst.grid.azimuth_time(line)
    moved = ecef_to_geodetic(sight.ground + displacement)
    seen, still = (
        ground_to_radar(match.product.orbit, *p, seed) for p in (moved, (longitude, latitude, height))
    )
    np.testing.assert_allclose(seen[0] + time, still[0], atol=1e-9, rtol=0.0)
    np.testing.assert_allclose(seen[1] + metres, still[1], atol=1e-6, rtol=0.0)
    assert np.abs(time).max() > 2e-5
    assert np.abs(metres).max() > 0.2


class TestTide:
    """IERS Conventions 2010, chapter 7."""

    # Test cases of DEHANTTIDEINEL, the routine of the Conventions: day, station, Sun, Moon, displacement (m)
    CASES = (
        (
            "2009-04-13",
            (4075578.385, 931852.890, 4801570.154),
            (137859926952.015, 54228127881.4350, 23509422341.6960),
            (-179996231.920342, -312468450.131567, -169288918.592160),
            (0.0770042, 0.0630406, 0.0551657),
        ),
        (
            "2012-07-13",
            (1112189.660, -4842955.026, 3985352.284),
            (-54537460436.2357, 130244288385.279, 56463429031.5996),
            (300396716.912, 243238281.451, 120548075.939),
            (-0.0203683, 0.0565825, -0.0759768),
        ),
    )
    # The whole model by pyTMD 3.0.9 with Moon and Sun of astropy 7: time, longitude, latitude, east, north, up (m)
    WHOLE = (
        ("2023-03-31T05:58:30", 4.9, 52.4, (0.0094, -0.0118, -0.1204)),
        ("2023-09-04T06:37:40", -8.8, 31.8, (-0.0428, -0.0131, 0.0464)),
        ("2022-09-18T07:49:30", -28.0, 38.5, (0.0056, -0.0154, 0.1172)),
        ("2016-01-12T22:05:00", 101.7, -1.2, (-0.0567, 0.0203, 0.0782)),
        ("2019-07-02T13:40:00", -150.0, 64.9, (0.0142, 0.0127, -0.1568)),
        ("2026-08-12T17:45:00", -25.2, 65.2, (-0.0553, -0.0211, -0.0664)),
    )

    @pytest.mark.parametrize("case", CASES)
    def test_cases_of_the_conventions(self, case):
        day, station, sun, moon, expected = case
        sidereal = sky(np.datetime64(day, "us")).sidereal
        above = Sky(moon=np.array(moon), sun=np.array(sun), sidereal=sidereal)
        np.testing.assert_allclose(solid_earth_tide(np.array(station), above), expected, atol=2e-3)

    @pytest.mark.parametrize("case", WHOLE)
    def test_the_whole_model_at_places_and_times(self, case):
        time, longitude, latitude, expected = case
        moved = solid_earth_tide(geodetic_to_ecef(longitude, latitude, 0.0), sky(np.datetime64(time, "us")))
        np.testing.assert_allclose(axes(longitude, latitude) @ moved, expected, atol=5e-3)

    def test_what_textbooks_say_of_bodies_overhead(self):
        """Equilibrium tides of 0.358 m and 0.164 m (Moon and Sun) times Love's 0.61, half of it down on the horizon."""
        point = np.array([[6378137.0, 0.0, 0.0], [0.0, 6378137.0, 0.0], [-6378137.0, 0.0, 0.0]])
        far = np.array([0.0, 0.0, 1e15])
        for body, equilibrium in (("moon", 0.358), ("sun", 0.164)):
            distance = {"moon": 384.4e6, "sun": 149.6e9}[body]
            both = {"moon": far, "sun": far} | {body: np.array([distance, 0.0, 0.0])}
            moved = solid_earth_tide(point, Sky(sidereal=0.0, **both))
            up = np.sum(moved * point, axis=-1) / 6378137.0
            np.testing.assert_allclose(up, 0.608 * equilibrium * np.array([1.0, -0.5, 1.0]), rtol=0.015)
            assert np.abs(moved[0, 1:]).max() < 1e-6
            assert up[0] > up[2]  # degree 3
            assert np.linalg.norm(moved[1] - up[1] * np.array([0.0, 1.0, 0.0])) < 1e-3

    def test_a_year_at_middle_latitude(self):
        times = np.datetime64("2023-01-01", "us") + np.arange(0, 365 * 24, 3) * np.timedelta64(1, "h")
        place = geodetic_to_ecef(5.0, 52.0, 0.0)
        east, north, up = np.array([axes(5.0, 52.0) @ solid_earth_tide(place, sky(t)) for t in times]).T
        assert 0.30 < np.ptp(up) < 0.50
        assert 0.05 < np.ptp(east) < 0.15
        assert 0.05 < np.ptp(north) < 0.15

    def test_moon_and_sun_of_meeus(self):
        """Astronomical Algorithms, examples 47.a (1992-04-12.0 TD) and 25.a (1992-10-13.0 TD)."""
        longitude, latitude, distance = _moon(-0.077221081451)
        assert longitude % (2.0 * np.pi) == pytest.approx(np.radians(133.162655), abs=300 * ARCSECOND)
        assert latitude == pytest.approx(np.radians(-3.229126), abs=100 * ARCSECOND)
        assert distance == pytest.approx(368409.7e3, abs=500e3)
        longitude, _, distance = _sun(-0.072183436)
        assert longitude % (2.0 * np.pi) == pytest.approx(np.radians(199.90988), abs=60 * ARCSECOND)
        assert distance == pytest.approx(0.99766 * 149597870.7e3, rel=2e-4)

    def test_where_they_stand_over_the_earth(self):
        """An equinox; the eclipse of 2024-04-08, whose axis passed the Earth's centre at 0.343 of its radius."""
        sun = sky(np.datetime64("2023-03-20T21:24", "us")).sun
        assert abs(np.degrees(np.arcsin(sun[2] / np.linalg.norm(sun)))) < 0.02
        noon = sky(np.datetime64("2023-03-20T12:00", "us")).sun
        assert np.degrees(np.arctan2(noon[1], noon[0])) == pytest.approx(
            7.4 / 4.0, abs=0.05
        )  # minutes behind
        above = sky(np.datetime64("2024-04-08T18:17:20", "us"))
        one, other = (body / np.linalg.norm(body) for body in (above.moon, above.sun))
        towards = above.moon - above.sun
        passing = np.linalg.norm(np.cross(above.moon, towards)) / np.linalg.norm(towards)
        assert np.degrees(np.arccos(one @ other)) < 0.5
        assert passing == pytest.approx(0.343 * 6378e3, abs=700e3)  # 6' of the Moon


def axes(longitude, latitude):
    """East, north and up as rows."""
    lon = np.radians(longitude)
    east = np.array([-np.sin(lon), np.cos(lon), 0.0])
    up = ellipsoid_normal(longitude, latitude)
    return np.stack([east, np.cross(up, east), up])


class TestTroposphere:
    @pytest.mark.parametrize("height", [0.0, 1500.0, 4000.0])
    def test_refractivity_summed_up(self, height):
        """Smith & Weintraub's refractivity of the standard atmosphere and of the model's vapour, to 80 km."""
        h = np.arange(height, 80e3, 5.0)
        temperature = np.maximum(288.15 - 0.0065 * h, 216.65)
        gravity = 9.80665 * (6371e3 / (6371e3 + h)) ** 2
        inner = np.cumsum(5.0 * gravity / (287.05 * temperature))
        start = 1013.25 * (1.0 - 0.0065 * height / 288.15) ** 5.25588
        pressure = start * np.exp(-inner)
        celsius = temperature - 273.15
        vapour = 0.5 * 6.11 * 10.0 ** (7.5 * celsius / (237.3 + celsius))
        summed = 5e-6 * np.sum(77.6 * pressure / temperature + 3.73e5 * vapour / temperature**2)
        assert zenith_delay(height, 45.0) == pytest.approx(summed, abs=0.02)

    def test_it_makes_ranges_too_long(self, match):
        burst, orbit = match.burst, match.product.orbit
        line, sample = 700.0, np.array([0.0, 900.0, 1999.0])
        time, away = burst.grid.azimuth_time(line), burst.grid.slant_range(sample)
        longitude, latitude = radar_to_ground(orbit, time, away, 0.0, "right")
        incidence = np.radians(incidence_angle(orbit, longitude, latitude, np.zeros(3), time))
        shift = location_shift(match, "vv", Corrections(troposphere="model")).slant_range(line, sample, 0.0)
        np.testing.assert_allclose(shift, -2.39 / np.cos(incidence), rtol=0.01)

    def test_a_delay_that_is_given(self, match):
        """It is that at sea level, and falls with height as the model's."""
        corrections = Corrections(troposphere="given")
        model = location_shift(match, "vv", Corrections(troposphere="model"))
        wet = location_shift(match, "vv", corrections, zenith=2.6)
        line, sample, height = places(match.burst)
        ratio = wet.slant_range(line, sample, height) / model.slant_range(line, sample, height)
        np.testing.assert_allclose(ratio, 2.6 / zenith_delay(0.0, 31.5), rtol=2e-3)
        for zenith in (None, -0.1, 5.0, np.nan):
            with pytest.raises(
                AlignsarError, match=r"needs a zenith delay of every date from 0 m to 4 m; got"
            ):
                location_shift(match, "vv", corrections, zenith=zenith)

    def test_what_is_not_known(self):
        with pytest.raises(AlignsarError, match="troposphere 'wet' is none of none, model, given"):
            Corrections(troposphere="wet")


# ---- reading -------------------------------------------------------------------------------------------------------


def change(folder, old, new):
    for file in annotations_in(folder):
        rewrite(file, old, new)


class TestReading:
    def test_without_the_middle_subswath(self, tmp_path):
        """Its range is what the processor's delay is of: without the annotation of EW3 there is no correction."""
        product = open_sentinel1(write_safe(tmp_path, FakeSafe(mode="EW", pixels=False)))
        match = Match(product=product, burst=product.bursts[0])
        assert match.burst.transmission.bulk_delay is None
        with pytest.raises(AlignsarError, match=r"_ew1: the bistatic delay .* without the annotation of EW3"):
            location_shift(match, "vv", Corrections(bistatic=True))
        assert location_shift(match, "vv", Corrections(doppler_range=True)).slant_range(0.0, 0.0, 0.0)

    def test_subswaths_that_are_not_asked_for_still_say(self, tmp_path):
        folder = write_safe(tmp_path, FakeSafe(swaths=(1, 2), pixels=False))
        whole, part = open_sentinel1(folder), open_sentinel1(folder, swaths=["iw1"])
        assert part.bursts[0].transmission == whole.bursts[0].transmission
        assert part.bursts[0].transmission.bulk_delay is not None

    @pytest.mark.parametrize(("mode", "swaths"), [("EW", (1, 3)), ("SM", (3,))])
    def test_other_modes(self, tmp_path, mode, swaths):
        fake = FakeSafe(mode=mode, swaths=swaths, pixels=False)
        product = open_sentinel1(write_safe(tmp_path, fake))
        grid = product.bursts[0].grid
        middle = (grid.first_slant_range + 0.5 * grid.samples * grid.range_spacing) / SPEED_OF_LIGHT
        assert product.bursts[0].transmission.bulk_delay == pytest.approx(middle)

    def test_a_processor_that_took_nothing_off(self, tmp_path):
        folder = write_safe(tmp_path, FakeSafe(pixels=False))
        change(folder, "CorrectionApplied>true", "CorrectionApplied>false")
        assert open_sentinel1(folder).bursts[0].transmission.bulk_delay == 0.0

    def test_an_annotation_without_downlink(self, tmp_path):
        folder = write_safe(tmp_path, FakeSafe(swaths=(1, 2), pixels=False))
        change(folder, "<downlinkInformation>.*</downlinkInformation>", "")
        product = open_sentinel1(folder)
        match = Match(product=product, burst=product.bursts[0])
        assert match.burst.transmission is None
        for corrections in (Corrections(bistatic=True), Corrections(doppler_range=True)):
            with pytest.raises(
                AlignsarError, match=r"t052_110431_iw1: the product does not say how its pulses"
            ):
                location_shift(match, "vv", corrections)
        location_shift(match, "vv", Corrections(fm_rate=True, tide=True, troposphere="model"))

    @pytest.mark.parametrize(
        ("old", "new", "message"),
        [
            ("<rank>9", "<rank>9.5", "rank: 9.5 is not a whole number"),
            ("<pri>[^<]*", "<pri>1.0", "pri: pulse repetition interval is 1 s, and can only be"),
            (
                "<txPulseRampRate>[^<]*",
                "<txPulseRampRate>0.0",
                "txPulseRampRate: magnitude of the chirp rate is 0",
            ),
            ("CorrectionApplied>true", "CorrectionApplied>perhaps", "'perhaps' is neither true nor false"),
        ],
    )
    def test_senseless_values(self, tmp_path, old, new, message):
        folder = write_safe(tmp_path, FakeSafe(pixels=False))
        change(folder, old, new)
        with pytest.raises(AlignsarError, match=message):
            open_sentinel1(folder)


# ---- real annotations ----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def morocco(real_data):
    return open_sentinel1(min(real_data(MOROCCO).glob("*.SAFE")))


@pytest.fixture(scope="module")
def azores(real_data):
    return open_sentinel1(next(real_data(AZORES).glob("*.xml")))


class TestReal:
    """What the corrections are on real annotations, and what they do where bursts overlap."""

    @staticmethod
    def overlaps(product, swath):
        """Neighbours, and lines and samples of the same ground in both, from the middle of their overlap."""
        bursts = [burst for burst in product.bursts if burst.swath == swath]
        for first, second in pairwise(bursts):
            step = (
                second.grid.first_azimuth_time - first.grid.first_azimuth_time
            ) / first.grid.azimuth_interval
            line = 0.5 * (first.valid[0].stop + second.valid[0].start + step)
            sample = np.linspace(first.valid[1].start, first.valid[1].stop - 1.0, 5)
            matches = [Match(product=product, burst=burst) for burst in (first, second)]
            assert first.grid.first_slant_range == second.grid.first_slant_range
            yield matches, (line, line - step), sample

    def jumps(self, product, swath, corrections, height=500.0):
        """Later burst less earlier one: of azimuth times and slant ranges."""
        for matches, lines, sample in self.overlaps(product, swath):
            one, other = (location_shift(match, "vv", corrections) for match in matches)
            yield (
                other.azimuth(lines[1], sample, height) - one.azimuth(lines[0], sample, height),
                other.slant_range(lines[1], sample, height) - one.slant_range(lines[0], sample, height),
            )

    @pytest.mark.parametrize("swath", ["IW1", "IW2", "IW3"])
    def test_the_bistatic_delay_has_no_jump(self, morocco, swath):
        found = list(self.jumps(morocco, swath, Corrections(bistatic=True)))
        assert len(found) == 8
        assert max(np.abs(time).max() for time, _ in found) < 1e-9

    def test_the_bistatic_delay_of_the_subswaths(self, morocco):
        """By hand from the annotation: rank 9, 8, 10; at the first valid sample of IW1 0.354 ms, 2.4 m."""
        first = {burst.swath: burst for burst in reversed(morocco.bursts)}
        assert {swath: burst.transmission.rank for swath, burst in first.items()} == {
            "IW1": 9,
            "IW2": 8,
            "IW3": 10,
        }
        for burst in first.values():
            shift = location_shift(Match(product=morocco, burst=burst), "vv", Corrections(bistatic=True))
            ends = shift.azimuth(0.0, np.array([burst.valid[1].start, burst.valid[1].stop - 1.0]), 0.0)
            assert np.all((ends > 0.0) & (ends < 6e-4))
            width = (burst.valid[1].stop - 1 - burst.valid[1].start) * burst.grid.range_spacing
            assert ends[1] - ends[0] == pytest.approx(width / C)
        one = location_shift(Match(product=morocco, burst=first["IW1"]), "vv", Corrections(bistatic=True))
        assert one.azimuth(0.0, first["IW1"].valid[1].start, 0.0) == pytest.approx(3.54e-4, abs=1e-6)

    @pytest.mark.parametrize("swath", ["IW1", "IW2", "IW3"])
    def test_the_doppler_range_shift_removes_a_jump(self, morocco, swath):
        """Compressed pulses of the two Doppler frequencies lie apart by what the correction adds."""
        found = list(self.jumps(morocco, swath, Corrections(doppler_range=True)))
        for (matches, lines, sample), (_, jump) in zip(self.overlaps(morocco, swath), found, strict=True):
            frequencies = [
                burst_carrier(match.burst, "vv", morocco.orbit).frequency(line, sample[2])
                for match, line in zip(matches, lines, strict=True)
            ]
            assert frequencies[0] > 1500.0
            assert frequencies[1] < -1500.0
            assert np.all((jump < -0.65) & (jump > -0.95))
        rate = matches[0].burst.transmission.chirp_rate
        annotated = [0.5 * C * compressed(float(frequency), rate) for frequency in frequencies]
        assert annotated[1] - annotated[0] + jump[2] == pytest.approx(0.0, abs=0.01)

    @pytest.mark.parametrize("swath", ["IW1", "IW2", "IW3"])
    def test_the_rate_mismatch_removes_a_jump(self, morocco, swath):
        """Targets that are focused with the annotated rates lie apart by what the correction adds."""
        found = list(self.jumps(morocco, swath, Corrections(fm_rate=True)))
        for (matches, lines, sample), (jump, _) in zip(self.overlaps(morocco, swath), found, strict=True):
            annotated = []
            for match, line in zip(matches, lines, strict=True):
                sight, _, _ = sight_of(match, line, sample[2], 500.0)
                frequency = float(burst_carrier(match.burst, "vv", morocco.orbit).frequency(line, sample[2]))
                used = float(match.burst.azimuth_fm_rate.at(match.burst.grid.slant_range(sample[2])))
                true = float(azimuth_fm_rate(sight, match.burst.grid.wavelength))
                annotated.append(focused_at(frequency, true, used))
            assert annotated[1] - annotated[0] + jump[2] == pytest.approx(0.0, abs=2e-6)
        largest = max(found, key=lambda one: abs(one[0][2]))[0]
        assert 2e-4 < np.abs(largest).max() < 6e-4  # over the Atlas, whose bursts are focused for 2000 m

    @pytest.mark.parametrize("swath", ["IW1", "IW3"])
    def test_opposite_signs_at_the_ends_and_nothing_in_the_middle(self, morocco, swath):
        for burst in (one for one in morocco.bursts if one.swath == swath):
            match = Match(product=morocco, burst=burst)
            lines = np.array([burst.valid[0].start, 0.5 * burst.grid.lines, burst.valid[0].stop - 1.0])
            sample = 0.5 * burst.grid.samples
            metres = location_shift(match, "vv", Corrections(doppler_range=True)).slant_range(
                lines, sample, 0.0
            )
            assert metres[0] < -0.3
            assert metres[2] > 0.3
            assert abs(metres[1]) < 0.02
            time = location_shift(match, "vv", Corrections(fm_rate=True)).azimuth(lines, sample, 5000.0)
            assert time[0] * time[2] < 0.0
            assert abs(time[1]) < 0.03 * abs(time[0])

    def test_tide_and_troposphere_have_no_jump(self, morocco):
        for time, metres in self.jumps(morocco, "IW2", Corrections(tide=True)):
            assert np.abs(time).max() < 1e-8
            assert np.abs(metres).max() < 1e-4
        for _, metres in self.jumps(morocco, "IW2", Corrections(troposphere="model")):
            assert np.abs(metres).max() < 2e-3

    def test_rates_were_made_for_the_height_of_the_ground(self, morocco, azores, real_data):
        """Where annotated and true rates agree is the mean height of each burst, as its geolocation grid has it."""
        folder = min(real_data(MOROCCO).glob("*.SAFE")) / "annotation"
        file = next(folder.glob("s1a-iw1-slc-vv*.xml"))
        heights = read_annotation(parse_xml(file.read_bytes(), file.name)).geolocation.height.mean(axis=1)
        bursts = [burst for burst in morocco.bursts if burst.swath == "IW1"]
        found = np.array([self.agreement(Match(product=morocco, burst=burst)) for burst in bursts])
        expected = 0.5 * (heights[1:] + heights[:-1])
        assert np.abs(found - expected).max() < 250.0
        assert np.corrcoef(found, expected)[0, 1] > 0.97
        sea = [self.agreement(Match(product=azores, burst=burst)) for burst in azores.bursts]
        assert np.all(np.abs(np.array(sea) - 30.0) < 40.0)  # 2e-6 of the rate in the middle of the Atlantic

    @staticmethod
    def agreement(match):
        """Height at which the annotated rate is the true one, in the middle of the burst."""
        heights, grid = np.linspace(-3000.0, 9000.0, 25), match.burst.grid
        sample = np.full(heights.shape, 0.5 * grid.samples)
        sight, _, _ = sight_of(match, np.full(heights.shape, 0.5 * grid.lines), sample, heights)
        differ = azimuth_fm_rate(sight, grid.wavelength) - match.burst.azimuth_fm_rate.at(
            grid.slant_range(sample)
        )
        order = np.argsort(differ)
        return np.interp(0.0, differ[order], heights[order])

    @pytest.mark.parametrize("name", ["morocco", "azores"])
    def test_polynomials_are_what_each_pixel_has(self, request, name):
        """Annotated state vectors are rounded: their acceleration jumps from one to the next, and with it the rate."""
        product = request.getfixturevalue(name)
        corrections = replace(ALL, bistatic=False)
        for burst in product.bursts:
            match = Match(product=product, burst=burst)
            pixels = places(burst, seed=burst.index)
            time, metres = at_pixels(match, corrections, *pixels)
            shift = location_shift(match, "vv", corrections)
            np.testing.assert_allclose(shift.azimuth(*pixels), time, atol=2e-7, rtol=0.0)
            np.testing.assert_allclose(shift.slant_range(*pixels), metres, atol=METRES, rtol=0.0)

    def test_one_annotation_alone(self, azores):
        jumps = [metres for _, metres in self.jumps(azores, "IW3", Corrections(doppler_range=True))]
        assert len(jumps) == 8
        assert np.all((np.array(jumps) < -0.65) & (np.array(jumps) > -0.95))
