"""Orbit, radar grid, zero Doppler, baselines: against closed forms."""

import dataclasses

import numpy as np
import pytest
from circular_orbit import EPOCH, RADIUS, RATE, TILT, circle, circular_orbit, grid
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.ellipsoid import SEMI_MAJOR_AXIS, ellipsoid_normal, geodetic_to_ecef
from alignsar_gpu.geometry.grid import RadarGrid
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar, incidence_angle
from alignsar_gpu.geometry.track import GroundPoint, baseline, ground_speed, heading


def circle_zero_doppler(target, *, tilt=TILT, middle=1020.0):
    """Time at which the circle is closest to ``target``: the angle of its projection on the orbit's plane."""
    along = np.array([0.0, np.cos(tilt), np.sin(tilt)])
    return middle + np.arctan2(target @ along, target[..., 0]) / RATE


class TestOrbit:
    @pytest.mark.parametrize(("interval", "bound"), [(1.0, 1e-6), (10.0, 1e-6), (60.0, 1e-3)])
    def test_interpolation_between_the_vectors(self, interval, bound):
        orbit = circular_orbit(interval, 41, start=1020.0 - 20 * interval)
        time = np.linspace(orbit.time[2], orbit.time[-3], 1003)
        position, velocity = circle(time)
        assert np.abs(orbit.position_at(time) - position).max() < bound
        assert np.abs(orbit.velocity_at(time) - velocity).max() < bound
        assert np.abs(orbit.acceleration_at(time) + RATE**2 * position).max() < 1e-3

    def test_outside_there_is_nothing(self):
        orbit = circular_orbit()
        assert np.isnan(orbit.position_at([999.9, 1040.1])).all()
        with pytest.raises(AlignsarError, match=r"covers 1000\.000 s to 1040\.000 s"):
            orbit.require(990.0, 1010.0)
        orbit.require(1000.0, 1040.0)

    def test_a_margin_of_vectors(self):
        orbit = circular_orbit()
        orbit.require(1001.0, 1039.0, margin=1)
        for first, last in [(1000.5, 1020.0), (1020.0, 1039.5)]:
            with pytest.raises(AlignsarError, match="with 1 more vectors on either side"):
                orbit.require(first, last, margin=1)

    @pytest.mark.parametrize("count", [2, 3, 4])
    def test_few_vectors_still_pass_through_them(self, count):
        orbit = circular_orbit(10.0, count)
        np.testing.assert_allclose(orbit.position_at(orbit.time), orbit.position, atol=1e-8, rtol=0)
        np.testing.assert_allclose(orbit.velocity_at(orbit.time[:-1]), orbit.velocity[:-1], atol=1e-9, rtol=0)
        middle = orbit.time[0] + 5.0
        truth = circle(middle, middle=1000.0 + 5.0 * (count - 1))[0]
        assert np.abs(orbit.position_at(middle) - truth).max() < {2: 1e-3, 3: 1e-5, 4: 1e-6}[count]

    def test_vectors_must_make_sense(self):
        orbit = circular_orbit()
        for change, words in [
            ({"time": orbit.time[::-1]}, "do not increase"),
            ({"position": orbit.position[:, :2]}, "three components"),
            ({"velocity": np.full_like(orbit.velocity, np.nan)}, "finite"),
        ]:
            with pytest.raises(AlignsarError, match=words):
                dataclasses.replace(orbit, **change)


class TestRadarGrid:
    @given(st.floats(-1e5, 1e5))
    def test_coordinates_there_and_back(self, value):
        assert abs(grid().line(grid().azimuth_time(value)) - value) < 1e-6
        assert abs(grid().sample(grid().slant_range(value)) - value) < 1e-6

    def test_axes_are_line_and_sample(self):
        assert grid().shape == (500, 300)
        assert grid().azimuth_time(10) == pytest.approx(1019.52, abs=1e-12)
        assert grid().slant_range(10) == pytest.approx(850_023.0, abs=1e-9)
        with pytest.raises(TypeError):
            RadarGrid(EPOCH, 0.0, 0.002, 850e3, 2.3, 0.05, "right", 5, 3)

    @pytest.mark.parametrize("name", ["azimuth_interval", "range_spacing", "wavelength", "lines", "samples"])
    def test_what_must_be_positive(self, name):
        with pytest.raises(AlignsarError, match=name):
            grid(**{name: 0})


class TestEllipsoid:
    def test_known_points(self):
        np.testing.assert_allclose(geodetic_to_ecef(0, 0, 10), [SEMI_MAJOR_AXIS + 10, 0, 0], atol=1e-9)
        np.testing.assert_allclose(geodetic_to_ecef(90, 0, 0), [0, SEMI_MAJOR_AXIS, 0], atol=1e-9)
        np.testing.assert_allclose(geodetic_to_ecef(0, 90, 0), [0, 0, 6356752.314245], atol=1e-6)

    @given(st.floats(-180, 180), st.floats(-90, 90), st.floats(-500, 9000))
    def test_height_is_along_the_normal(self, longitude, latitude, height):
        on_surface = geodetic_to_ecef(longitude, latitude, 0.0)
        above = geodetic_to_ecef(longitude, latitude, height)
        normal = ellipsoid_normal(longitude, latitude)
        np.testing.assert_allclose(above - on_surface, height * normal, atol=2e-8)
        axes = np.array([SEMI_MAJOR_AXIS, SEMI_MAJOR_AXIS, 6356752.314245179])
        assert np.sum((on_surface / axes) ** 2) == pytest.approx(1.0, abs=1e-12)


class TestGroundToRadar:
    @settings(max_examples=30, deadline=None)
    @given(st.floats(-6, 6), st.floats(-1.0, 1.0), st.floats(0, 3000), st.floats(-0.5, 0.5))
    def test_closed_form_on_a_circular_orbit(self, longitude, latitude, height, seed):
        orbit = circular_orbit(count=121, start=960.0)
        target = geodetic_to_ecef(longitude, latitude, height)
        truth = circle_zero_doppler(target)
        time, slant_range = ground_to_radar(orbit, longitude, latitude, height, 1020.0 + seed)
        assert time.shape == slant_range.shape == ()
        assert abs(time - truth) < 2e-8  # 1e-5 of a Sentinel-1 line
        assert abs(slant_range - np.linalg.norm(target - circle(truth)[0])) < 1e-6

    def test_late_in_the_day_every_pixel_settles(self):
        start = 86_350.0
        orbit = circular_orbit(count=81, start=start)
        rng = np.random.default_rng(1)
        longitude, latitude = rng.uniform(2, 6, 20_000), rng.uniform(-0.7, 0.7, 20_000)
        target = geodetic_to_ecef(longitude, latitude, 0.0)
        time, _ = ground_to_radar(orbit, longitude, latitude, 0.0, start + 40.0)
        assert np.abs(time - circle_zero_doppler(target, middle=start + 40.0)).max() < 2e-8

    def test_nothing_where_there_is_none(self):
        orbit = circular_orbit()
        time, slant_range = ground_to_radar(orbit, [3.0, np.nan, 3.0], [0.0, 0.0, 40.0], 0.0, 1020.0)
        np.testing.assert_array_equal(np.isfinite(time), [True, False, False])
        np.testing.assert_array_equal(np.isfinite(slant_range), [True, False, False])

    def test_no_points(self):
        time, slant_range = ground_to_radar(circular_orbit(), np.zeros((0, 5)), 0.0, 0.0, 1020.0)
        assert time.shape == slant_range.shape == (0, 5)

    def test_a_row_does_not_depend_on_the_others(self):
        orbit = circular_orbit()
        rng = np.random.default_rng(3)
        shape = (20, 700)
        lon, lat, h = rng.uniform(2, 6, shape), rng.uniform(-0.7, 0.7, shape), rng.uniform(0, 3000, shape)
        seed = rng.uniform(1010.0, 1030.0, (20, 1))
        together = ground_to_radar(orbit, lon, lat, h, seed)
        for i in range(20):
            alone = ground_to_radar(orbit, lon[i], lat[i], h[i], seed[i])
            np.testing.assert_array_equal((together[0][i], together[1][i]), alone)

    def test_incidence_angle_of_the_triangle(self):
        """On the equator plane of the circle, with the earth's radius a: law of cosines."""
        orbit = circular_orbit(tilt=np.pi / 2)
        longitude = 4.0
        a, gamma = SEMI_MAJOR_AXIS, np.radians(longitude)
        side = np.sqrt(a**2 + RADIUS**2 - 2 * a * RADIUS * np.cos(gamma))
        expected = np.degrees(np.arcsin(RADIUS * np.sin(gamma) / side))
        assert incidence_angle(orbit, longitude, 0.0, 0.0, 1020.0) == pytest.approx(expected, abs=1e-4)


class TestTrack:
    POINT = GroundPoint(longitude=4.0, latitude=0.0, height=0.0)

    @pytest.mark.parametrize("side", [1.0, -1.0])
    def test_baseline_of_a_displaced_orbit(self, side):
        """A pass raised by d: parallel -d cos(look), perpendicular d sin(look): higher looks more steeply."""
        point = dataclasses.replace(self.POINT, longitude=side * 4.0)
        reference = circular_orbit(tilt=np.pi / 2)
        raised = circular_orbit(tilt=np.pi / 2, radius=RADIUS + 100.0)
        target = geodetic_to_ecef(point.longitude, 0.0, 0.0)
        look = target - np.array([RADIUS, 0.0, 0.0])
        slant_range = np.linalg.norm(look)
        sin_look, cos_look = abs(look[1]) / slant_range, -look[0] / slant_range
        found = baseline(reference, raised, point, 0.0555)
        assert found.perpendicular == pytest.approx(100 * sin_look, abs=1e-4)
        assert found.parallel == pytest.approx(-100 * cos_look, abs=1e-4)
        sin_incidence = np.sin(np.radians(incidence_angle(reference, point.longitude, 0.0, 0.0, 1020.0)))
        ambiguity = 0.0555 * slant_range * sin_incidence / (2 * found.perpendicular)
        assert found.height_of_ambiguity == pytest.approx(ambiguity, rel=1e-5)

    def test_with_itself(self):
        orbit = circular_orbit()
        found = baseline(orbit, orbit, self.POINT, 0.0555)
        assert (found.perpendicular, found.parallel, found.temporal) == (0.0, 0.0, 0.0)
        assert np.isnan(found.height_of_ambiguity)

    def test_days_from_the_reference(self):
        later = circular_orbit(epoch=EPOCH + 12)
        assert baseline(circular_orbit(), later, self.POINT, 0.05).temporal == pytest.approx(12.0, abs=1e-9)
        assert baseline(later, circular_orbit(), self.POINT, 0.05).temporal == pytest.approx(-12.0, abs=1e-9)

    def test_an_orbit_over_another_place_is_refused(self):
        far = GroundPoint(longitude=4.0, latitude=50.0, height=0.0)
        with pytest.raises(AlignsarError, match="never sees"):
            baseline(circular_orbit(), circular_orbit(), far, 0.0555)

    @pytest.mark.parametrize(("tilt", "expected"), [(90.0, 0.0), (98.2, 351.8), (80.0, 10.0)])
    def test_heading_over_the_equator(self, tilt, expected):
        orbit = circular_orbit(tilt=np.radians(tilt))
        below = GroundPoint(longitude=0.0, latitude=0.0, height=0.0)
        assert (heading(orbit, below) - expected + 180) % 360 - 180 == pytest.approx(0.0, abs=1e-6)

    def test_ground_speed_is_what_targets_along_track_show(self):
        orbit = circular_orbit()
        step = 1e-5
        north = GroundPoint(longitude=4.0, latitude=step, height=0.0)
        times = [
            float(ground_to_radar(orbit, p.longitude, p.latitude, 0.0, 1020.0)[0])
            for p in (self.POINT, north)
        ]
        metres = np.linalg.norm(geodetic_to_ecef(4.0, step, 0.0) - geodetic_to_ecef(4.0, 0.0, 0.0))
        azimuth = np.radians(heading(orbit, self.POINT))
        assert ground_speed(orbit, self.POINT) == pytest.approx(
            metres * np.cos(azimuth) / (times[1] - times[0]), rel=2e-3
        )
