"""Radar to ground at known heights, and back; the Doppler that an image is focused to; baselines of pixels."""

import numpy as np
import pytest
from circular_orbit import circular_orbit
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.doppler import Doppler
from alignsar_gpu.geometry.ellipsoid import ecef_to_geodetic, geodetic_to_ecef
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.geometry.range_doppler import radar_to_ground

LINE, SAMPLE = 2e-8, 2.3e-5  # s and m: 1e-5 of a line and of a sample of Sentinel-1


class TestGeodetic:
    @given(st.floats(-179.99, 180), st.floats(-90, 90), st.floats(-10_000, 1e6))
    def test_there_and_back(self, longitude, latitude, height):
        position = geodetic_to_ecef(longitude, latitude, height)
        found = ecef_to_geodetic(position)
        np.testing.assert_allclose(geodetic_to_ecef(*found), position, atol=2e-8, rtol=0)
        assert abs(found[2] - height) < 2e-8


class TestRadarToGround:
    @settings(max_examples=25, deadline=None)
    @given(
        st.floats(-15, 15),
        st.floats(750e3, 1000e3),
        st.floats(-400, 8800),
        st.sampled_from(["right", "left"]),
    )
    def test_there_and_back(self, after, slant_range, height, side):
        orbit = circular_orbit(10.0, 9, start=1000.0)
        longitude, latitude = radar_to_ground(orbit, 1040.0 + after, slant_range, height, side)
        time, found = ground_to_radar(orbit, longitude, latitude, height, 1040.0)
        assert abs(time - 1040.0 - after) < LINE
        assert abs(found - slant_range) < SAMPLE
        assert (longitude > 0) == (side == "right")  # the orbit flies northwards over longitude 0

    def test_shapes_are_broadcast(self):
        orbit = circular_orbit()
        longitude, latitude = radar_to_ground(
            orbit, [[1010.0], [1020.0]], [850e3, 860e3, 870e3], 0.0, "right"
        )
        assert longitude.shape == latitude.shape == (2, 3)
        alone = radar_to_ground(orbit, 1020.0, 860e3, 0.0, "right")
        np.testing.assert_array_equal((longitude[1, 1], latitude[1, 1]), alone)

    def test_nothing_where_there_is_none(self):
        orbit = circular_orbit()
        longitude, _ = radar_to_ground(orbit, [1020.0, 2000.0, 1020.0], [600e3, 850e3, 850e3], 0.0, "right")
        np.testing.assert_array_equal(np.isfinite(longitude), [False, False, True])


DOPPLER = Doppler(
    coefficients=np.array([[350.0, -40.0, 3.0], [12.0, 1.0, 0.0]]),
    time=1040.0,
    slant_range=850e3,
    time_scale=10.0,
    range_scale=50e3,
)
WAVELENGTH = 0.24


class TestDoppler:
    @pytest.mark.parametrize("side", ["right", "left"])
    def test_the_equation_holds_and_leads_back(self, side):
        orbit = circular_orbit(10.0, 9, start=1000.0)
        rng = np.random.default_rng(5)
        time = 1040.0 + rng.uniform(-0.3, 0.3, (4, 300))  # around anchors
        time[2:] += rng.uniform(-20, 20, (2, 300))  # far from them
        slant_range = rng.uniform(800e3, 900e3, time.shape)
        height = rng.uniform(0, 3000, time.shape)
        speed = 0.5 * WAVELENGTH * DOPPLER.at(time, slant_range)
        longitude, latitude = radar_to_ground(orbit, time, slant_range, height, side, speed)
        sight = geodetic_to_ecef(longitude, latitude, height) - orbit.position_at(time)
        frequency = 2 * np.sum(sight * orbit.velocity_at(time), axis=-1) / (WAVELENGTH * slant_range)
        np.testing.assert_allclose(frequency, DOPPLER.at(time, slant_range), atol=1e-6, rtol=0)
        found = ground_to_radar(
            orbit, longitude, latitude, height, 1040.0, doppler=DOPPLER, wavelength=WAVELENGTH
        )
        assert np.abs(found[0] - time).max() < LINE
        assert np.abs(found[1] - slant_range).max() < SAMPLE

    def test_a_constant_zero_is_zero_doppler(self):
        orbit = circular_orbit()
        zero = Doppler(coefficients=np.zeros((1, 1)))
        place = (np.linspace(3, 4, 50), 0.1, 200.0, 1020.0)
        with_zero = ground_to_radar(orbit, *place, doppler=zero, wavelength=0.05)
        np.testing.assert_allclose(with_zero, ground_to_radar(orbit, *place), atol=1e-8, rtol=0)

    @pytest.mark.parametrize("coefficients", [np.zeros(3), np.zeros((0, 0)), np.full((1, 1), np.nan)])
    def test_what_is_no_polynomial(self, coefficients):
        with pytest.raises(AlignsarError, match="expected finite coefficients"):
            Doppler(coefficients=coefficients)
