"""State vectors that no flight goes through: each is held against its neighbours."""

import numpy as np
import pytest
from circular_orbit import EPOCH, circle
from fake_orbit import earth_fixed
from hypothesis import given
from hypothesis import strategies as st

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.orbit import Orbit
from alignsar_gpu.geometry.orbit_check import find_misfit

TIMES = 600.0 + 10.0 * np.arange(17)
POSITION, VELOCITY = earth_fixed(TIMES, 20.0)


def orbit(time=TIMES, position=POSITION, velocity=VELOCITY):
    return Orbit(epoch=EPOCH, time=time, position=position, velocity=velocity, source="S1A.EOF")


def off_by_metres(time, position, velocity, index):
    position[index, 0] += 10.0


def with_a_sign(time, position, velocity, index):
    position[index, 1] *= -1.0


def with_a_sign_in_velocity(time, position, velocity, index):
    velocity[index, 2] *= -1.0


def with_swapped_components(time, position, velocity, index):
    position[index, [0, 1]] = position[index, [1, 0]]


def with_swapped_velocity(time, position, velocity, index):
    velocity[index, [1, 2]] = velocity[index, [2, 1]]


def off_by_metres_a_second(time, position, velocity, index):
    velocity[index, 1] += 2.0


def a_second_late(time, position, velocity, index):
    time[index] += 1.0


DAMAGES = [
    off_by_metres,
    with_a_sign,
    with_a_sign_in_velocity,
    with_swapped_components,
    with_swapped_velocity,
    off_by_metres_a_second,
    a_second_late,
]


class TestDamage:
    @pytest.mark.parametrize("index", range(len(TIMES)))
    @pytest.mark.parametrize("damage", DAMAGES, ids=lambda f: f.__name__)
    def test_of_any_vector_is_refused_by_its_number(self, damage, index):
        time, position, velocity = TIMES.copy(), POSITION.copy(), VELOCITY.copy()
        damage(time, position, velocity, index)
        with pytest.raises(AlignsarError, match=f"S1A.EOF.*state vector {index + 1} of 17"):
            orbit(time, position, velocity)

    def test_is_said_in_metres(self):
        position = POSITION.copy()
        position[8, 2] -= 10.0
        with pytest.raises(AlignsarError, match=r"is 10 m and .* m/s off the flight between its neighbours"):
            orbit(position=position)

    @pytest.mark.parametrize("count", [4, 5, 6])
    def test_is_found_among_few(self, count):
        for index in range(count):
            position = POSITION[:count].copy()
            position[index, 0] += 10.0
            assert find_misfit(TIMES[:count], position, VELOCITY[:count]).index == index

    def test_of_all_velocities_alike(self):
        with pytest.raises(AlignsarError, match="off the flight"):
            orbit(velocity=-VELOCITY)

    @pytest.mark.parametrize(
        ("factor", "what"), [(0.5, "distance of the antenna"), (10.0, "distance of the")]
    )
    def test_of_all_positions_alike(self, factor, what):
        with pytest.raises(AlignsarError, match=what):
            orbit(position=factor * POSITION)

    def test_with_huge_numbers(self):
        position = POSITION.copy()
        position[3] = 1e300
        with pytest.raises(AlignsarError):
            orbit(position=position)


class TestOrbitsThatAreRight:
    @pytest.mark.parametrize("interval", [0.1, 1.0, 10.0, 60.0])
    @pytest.mark.parametrize("count", [2, 3, 4, 5, 17])
    def test_circles_in_a_frame_that_does_not_turn(self, interval, count):
        time = 1000.0 + interval * np.arange(count)
        assert find_misfit(time, *circle(time)) is None

    def test_positions_and_times_are_rounded(self):
        """As annotations are: to the microsecond, and with noise of a centimetre and a millimetre a second."""
        rng = np.random.default_rng(308)
        noise = rng.normal(0.0, 0.01, POSITION.shape), rng.normal(0.0, 1e-3, POSITION.shape)
        assert find_misfit(TIMES, POSITION + noise[0], VELOCITY + noise[1]) is None

    @given(st.lists(st.floats(0.5, 30.0), min_size=3, max_size=20), st.floats(6.6e6, 8e6))
    def test_circles_of_any_height_and_steps(self, steps, radius):
        time = 1000.0 + np.cumsum(steps)
        if np.diff(time).max(initial=1.0) < 10.0 * np.diff(time).min(initial=1.0):
            assert find_misfit(time, *circle(time, radius=radius)) is None

    def test_an_aeroplane_in_a_turn(self):
        """250 m/s at 12 km, a turn with 0.3 g of lateral acceleration, vectors a second apart."""
        time = np.arange(60.0)
        angle, radius = 0.012 * time, 20_800.0
        flat = radius * np.stack([np.sin(angle), 1.0 - np.cos(angle)])
        slope = radius * 0.012 * np.stack([np.cos(angle), np.sin(angle)])
        position = np.stack([np.full(60, 6.39e6), *flat], axis=-1)
        velocity = np.stack([np.zeros(60), *slope], axis=-1)
        assert find_misfit(time, position, velocity) is None
