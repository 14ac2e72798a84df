"""Bounds of longitudes, which go round the Earth."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alignsar_gpu.dataset.bounds import bounds_of, longitude_bounds


def wrapped(longitude):
    return (np.asarray(longitude) + 180.0) % 360.0 - 180.0


def test_across_the_antimeridian_west_is_greater_than_east():
    rows = [np.array([179.2, np.nan, 179.9]), np.array([-179.9, -179.4]), np.array([np.nan])]
    assert longitude_bounds(rows) == pytest.approx((179.2, -179.4), abs=1e-12)
    assert longitude_bounds(rows[::-1]) == pytest.approx((179.2, -179.4), abs=1e-12)


@pytest.mark.parametrize("west", [-180.0, 180.0 - 0.25, 0.0, -0.1, 5.7])
def test_elsewhere_they_are_the_smallest_and_the_largest(west):
    values = west + np.array([0.2, 0.0, 0.25])
    assert longitude_bounds([values]) == (values.min(), values.max())
    assert longitude_bounds([values]) == bounds_of([values])


def test_around_a_pole_they_hold_everything():
    west, east = longitude_bounds([np.linspace(-180.0, 180.0, 73)])
    assert (west, east) == (-180.0, 180.0)


def test_of_nothing():
    assert np.isnan(longitude_bounds([np.array([np.nan])])).all()
    assert np.isnan(longitude_bounds([])).all()


@given(st.floats(-180.0, 180.0), st.floats(1e-3, 179.0), st.integers(1, 4))
def test_any_scene_less_than_half_around(west, width, parts):
    inside = np.random.default_rng(0).uniform(0.0, width, 50)
    longitude = wrapped(west + np.concatenate([[0.0, width], inside]))
    found = longitude_bounds(np.array_split(longitude, parts))
    assert all(-180.0 <= end <= 180.0 for end in found)
    assert (found[1] - found[0]) % 360.0 == pytest.approx(width, abs=1e-9)
    assert abs(wrapped(found[0] - west)) < 1e-9
