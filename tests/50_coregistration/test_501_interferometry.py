"""Flattening, and what the coherence estimator does to a true coherence."""

import numpy as np
import pytest
from synthetic_stack import simulate_stack

from alignsar_gpu.device import Device
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.ground_to_radar import slant_range_to
from alignsar_gpu.interferometry.flattening import flatten, slant_ranges
from alignsar_gpu.interferometry.statistics import expected_coherence
from alignsar_gpu.stack.block import load_stack

CPU = Device("cpu", "test", "test", 1 << 30)


@pytest.fixture(scope="module")
def raw():
    return simulate_stack(lines=64, samples=97, dates=3, polarizations=("vv",), seed=4, flattened=False)


@pytest.fixture(scope="module")
def flat():
    return simulate_stack(lines=64, samples=97, dates=3, polarizations=("vv",), seed=4, flattened=True)


def delays_of(product):
    """Zero-Doppler delay of every date at the middle of the scene, from brute force over the orbit."""
    ground = product.read_ground(0, product.grid.lines)
    middle = product.grid.lines // 2, product.grid.samples // 2
    where = [v[middle] for v in (ground.longitude, ground.latitude, ground.height)]
    times = []
    for acquisition in product.acquisitions:
        orbit = acquisition.orbit
        seeds = np.linspace(orbit.time[0], orbit.time[-1], 2001)
        position = orbit.position_at(seeds)
        from alignsar_gpu.geometry.ellipsoid import geodetic_to_ecef  # noqa: PLC0415

        times.append(seeds[np.argmin(np.linalg.norm(position - geodetic_to_ecef(*where), axis=-1))])
    return np.array(times) - times[product.reference]


class TestFlattening:
    def test_ranges_are_those_of_the_simulator(self, raw):
        """The simulator solves the same ranges in another way: the phases agree to a millicycle or better."""
        ground = raw.read_ground(0, 64)
        times = raw.grid.azimuth_time(np.arange(64))
        reference = raw.acquisitions[raw.reference].orbit
        for date, delay in enumerate(delays_of(raw)):
            orbit = raw.acquisitions[date].orbit
            ranges = slant_ranges(reference, ground, times), slant_ranges(orbit, ground, times + delay)
            phase = 4 * np.pi / raw.grid.wavelength * (ranges[0] - ranges[1])
            truth = 4 * np.pi / raw.grid.wavelength * raw.truth.range_difference[date]
            assert np.abs(phase - truth).max() < 2 * np.pi * 1e-3

    def test_reference_ranges_are_those_of_the_grid(self, raw):
        ground = raw.read_ground(0, 64)
        times = raw.grid.azimuth_time(np.arange(64))[:, np.newaxis]
        orbit = raw.acquisitions[raw.reference].orbit
        found = slant_range_to(orbit, ground.longitude, ground.latitude, ground.height, times)
        assert np.abs(found - raw.grid.slant_range(np.arange(97))).max() < 1e-3

    def test_raw_becomes_flat(self, raw, flat):
        """The same scene, delivered raw and delivered flattened, is the same after the chain."""
        stack = flatten(load_stack(raw, CPU, 0, 64, 1), raw.read_ground(0, 64), delays_of(raw))
        expected, valid = flat.read_pixels(0, 64)
        np.testing.assert_array_equal(stack.valid, valid)
        assert np.abs(stack.pixels - expected).max() < 1e-2 * np.abs(expected).max()
        error = np.angle(stack.pixels[valid] * np.conj(expected[valid]))
        assert np.sqrt(np.mean(error**2)) < 0.005

    def test_a_flattened_stack_is_not_flattened_twice(self, flat):
        stack = load_stack(flat, CPU, 0, 64, 0)
        assert flatten(stack, flat.read_ground(0, 64), delays_of(flat)) is stack

    def test_pixels_without_coordinates_become_invalid(self, raw):
        ground = raw.read_ground(0, 64)
        ground.height[10:20, 30:40] = np.nan
        stack = flatten(load_stack(raw, CPU, 0, 64, 0), ground, delays_of(raw))
        for date in range(3):
            hole = stack.valid[date, :, 10:20, 30:40]
            assert hole.all() if date == raw.reference else not hole.any()
            if date != raw.reference:
                assert (stack.pixels[date, :, 10:20, 30:40] == 0).all()

    def test_phase_beyond_float32(self, raw):
        """At 850 km the phase is 2e8 rad: a float32 step there is 16 rad. Float64 until wrapped."""
        stack = load_stack(raw, CPU, 0, 64, 0)
        ranges = np.broadcast_to(raw.grid.slant_range(np.arange(97)), (64, 97))
        from alignsar_gpu.kernels import rotate_phase  # noqa: PLC0415

        phase = 4 * np.pi / raw.grid.wavelength * ranges
        turned = rotate_phase(stack.pixels[0, 0], phase)
        expected = stack.pixels[0, 0] * np.exp(1j * np.remainder(phase, 2 * np.pi))
        np.testing.assert_allclose(turned, expected, rtol=0, atol=1e-5 * np.abs(expected).max())


class TestStack:
    def test_halo_and_core(self, flat):
        stack = load_stack(flat, CPU, 10, 30, 3)
        assert (stack.begin, stack.first, stack.stop) == (7, 3, 23)
        whole, _ = flat.read_pixels(0, 64)
        np.testing.assert_array_equal(stack.pixels[:, :, stack.core], whole[:, :, 10:30])
        np.testing.assert_array_equal(stack.azimuth_time, flat.grid.azimuth_time(np.arange(7, 33)))

    def test_halo_ends_at_the_image(self, flat):
        stack = load_stack(flat, CPU, 0, 64, 5)
        assert (stack.begin, stack.first, stack.stop) == (0, 0, 64)


class TestExpectedCoherence:
    @pytest.mark.parametrize("looks", [2, 9, 33])
    @pytest.mark.parametrize("coherence", [0.0, 0.3, 0.6, 0.9])
    def test_against_a_monte_carlo(self, coherence, looks):
        rng = np.random.default_rng(8)
        count = 20_000
        noise = rng.normal(size=(2, count, looks, 2)) @ [1, 1j]
        first = noise[0]
        second = coherence * noise[0] + np.sqrt(1 - coherence**2) * noise[1]
        powers = np.sum(np.abs(first) ** 2, axis=1) * np.sum(np.abs(second) ** 2, axis=1)
        sample = np.abs(np.sum(first * second.conj(), axis=1)) / np.sqrt(powers)
        bound = 4 * sample.std() / np.sqrt(count)
        assert abs(expected_coherence(coherence, looks) - sample.mean()) < bound

    def test_of_no_coherence_and_two_looks(self):
        """In closed form 2/3: the density is 2 d."""
        assert expected_coherence(0.0, 2) == pytest.approx(2 / 3, abs=1e-6)

    def test_many_looks_have_no_bias(self):
        assert expected_coherence(0.5, 20_000) == pytest.approx(0.5, abs=1e-3)
        assert expected_coherence(1.0, 5) == 1.0

    @pytest.mark.parametrize(("coherence", "looks"), [(1.1, 9), (-0.1, 9), (np.nan, 9), (0.5, 1)])
    def test_refused(self, coherence, looks):
        with pytest.raises(AlignsarError, match=r"coherence|looks"):
            expected_coherence(coherence, looks)
