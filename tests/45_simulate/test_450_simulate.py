"""The simulated stack: its statistics against its truth, its geometry against brute force."""

import numpy as np
import pytest
from scipy.optimize import brentq, least_squares
from synthetic_stack import mesh, scene, simulate_stack
from synthetic_stack import stack as stacks
from synthetic_stack.land_cover import CLASSES

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.simulate.geometry import ellipsoid_point
from alignsar_gpu.simulate.orbit import CircularPass


def make(**change):
    options = {"lines": 288, "samples": 832, "dates": 4, "polarizations": ("vv", "vh"), "seed": 1}
    return simulate_stack(**(options | change))


@pytest.fixture(scope="module")
def stack():
    return make()


@pytest.fixture(scope="module")
def read(stack):
    return stack.read_pixels(0, 288)


def small(**change):
    return make(**({"lines": 64, "samples": 97, "dates": 3} | change))


class TestReproducible:
    def test_the_same_seed_gives_the_same_bytes(self):
        for seed in (1, 5):
            one = small(seed=seed)
            for drawn_once in (scene.make_scene, mesh.scene_mesh, stacks._passes):
                drawn_once.cache_clear()
            other = small(seed=seed)
            assert one.read_pixels(0, 64)[0].tobytes() == other.read_pixels(0, 64)[0].tobytes()
            assert one.truth.phase.tobytes() == other.truth.phase.tobytes()

    def test_another_seed_gives_another_scene(self):
        one, other = small(seed=1), small(seed=2)
        assert not np.array_equal(one.truth.land_cover, other.truth.land_cover)
        assert not np.array_equal(one.read_pixels(0, 64)[0], other.read_pixels(0, 64)[0])
        assert not np.array_equal(one.truth.phase, other.truth.phase)

    def test_parts_are_those_of_the_whole(self):
        stack = small()
        whole, valid = stack.read_pixels(0, 64)
        for first, stop in ((0, 1), (13, 40), (40, 64)):
            part, mask = stack.read_pixels(first, stop)
            assert part.tobytes() == np.ascontiguousarray(whole[:, :, first:stop]).tobytes()
            np.testing.assert_array_equal(mask, valid[:, :, first:stop])
            ground, all_ground = stack.read_ground(first, stop), stack.read_ground(0, 64)
            np.testing.assert_array_equal(ground.latitude, all_ground.latitude[first:stop])

    def test_refused(self):
        with pytest.raises(AlignsarError, match=r"polarizations of vv, vh \(got hh\)"):
            small(polarizations=("hh",))
        with pytest.raises(AlignsarError, match="at least two dates"):
            small(dates=1)
        with pytest.raises(AlignsarError, match=r"\(got vv, vv\)"):
            small(polarizations=("vv", "vv"))
        with pytest.raises(AlignsarError, match="multiple of the 12 days"):
            small(revisit_days=6)


class TestStatistics:
    def calibrated(self, stack, read, date, polarization):
        """Amplitudes in units of sqrt(sigma0): divided by the calibration vectors, interpolated by hand."""
        calibration = stack.acquisitions[date].calibration[stack.polarizations[polarization]]
        times = stack.grid.azimuth_time(np.arange(stack.grid.lines))
        ranges = stack.grid.slant_range(np.arange(stack.grid.samples))
        across = np.array(
            [np.interp(ranges, calibration.slant_range, row) for row in calibration.sigma_nought]
        )
        gain = np.array([np.interp(times, calibration.azimuth_time, column) for column in across.T]).T
        pixels, valid = read
        return np.where(valid[date, polarization], pixels[date, polarization] / gain, np.nan)

    def classes(self, stack):
        for index, one in enumerate(CLASSES):
            here = stack.truth.land_cover == index
            assert here.sum() > 2000, one.name
            yield index, here

    @pytest.mark.parametrize("date", [0, 1, 2, 3])
    @pytest.mark.parametrize("polarization", [0, 1])
    def test_single_look_intensity(self, stack, read, date, polarization):
        image = self.calibrated(stack, read, date, polarization)
        for index, here in self.classes(stack):
            intensity = np.abs(image[here]) ** 2
            intensity = intensity[np.isfinite(intensity)]
            bound = max(0.02, 4 * np.sqrt(2 / intensity.size))
            assert intensity.std() / intensity.mean() == pytest.approx(1.0, abs=bound)
            decibels = 10 * np.log10(intensity.mean() / stack.truth.sigma0[index, polarization])
            assert abs(decibels) < 0.2

    def test_polarimetric_correlation(self, stack, read):
        vv, vh = (self.calibrated(stack, read, 0, p) for p in range(2))
        for index, here in self.classes(stack):
            powers = np.mean(np.abs(vv[here]) ** 2) * np.mean(np.abs(vh[here]) ** 2)
            correlation = np.mean(vv[here] * vh[here].conj()) / np.sqrt(powers)
            assert abs(correlation - CLASSES[index].correlation) < 4 / np.sqrt(here.sum())

    @pytest.mark.parametrize("date", [0, 2, 3])
    def test_coherence_and_phase(self, stack, read, date):
        """Whole-class averages after removing the true phases: coherence and no phase left."""
        truth, wavelength = stack.truth, stack.grid.wavelength
        reference = self.calibrated(stack, read, stack.reference, 0)
        secondary = self.calibrated(stack, read, date, 0)
        flattening = np.exp(4j * np.pi / wavelength * truth.range_difference[date])
        product = reference * secondary.conj() * flattening * np.exp(-1j * truth.phase[date])
        for index, here in self.classes(stack):
            good = here & np.isfinite(product)
            powers = np.mean(np.abs(reference[good]) ** 2) * np.mean(np.abs(secondary[good]) ** 2)
            gamma = np.mean(product[good]) / np.sqrt(powers)
            assert abs(gamma - truth.coherence[date, index]) < max(0.01, 4 / np.sqrt(good.sum()))

    def test_flattened_is_raw_turned(self):
        raw, flat = small(), small(flattened=True)
        turn = np.exp(-4j * np.pi / raw.grid.wavelength * raw.truth.range_difference)
        expected = raw.read_pixels(0, 64)[0] * turn[:, np.newaxis]
        found = flat.read_pixels(0, 64)[0]
        assert np.abs(found - expected).max() < 1e-5 * np.abs(expected).max()
        assert [a.flattened for a in flat.acquisitions] == [True] * 3
        assert [a.flattened for a in raw.acquisitions] == [False, True, False]

    def test_signal_is_gentle_and_grows(self, stack):
        phase = stack.truth.phase
        assert np.abs(np.diff(phase, axis=1)).max() < 0.05
        assert np.abs(np.diff(phase, axis=2)).max() < 0.03
        assert (phase[stack.reference] == 0).all()
        assert np.ptp(phase[3]) > 1.5

    def test_signal_of_a_long_series_is_gentle_too(self):
        phase = small(dates=12, polarizations=("vv",)).truth.phase
        assert 0.02 < np.abs(np.diff(phase, axis=1)).max() < 0.05
        assert 0.01 < np.abs(np.diff(phase, axis=2)).max() < 0.03

    def test_calibration_of_another_date_or_polarization_shows(self, stack):
        tables = [a.calibration[p].sigma_nought for a in stack.acquisitions for p in stack.polarizations]
        for index, one in enumerate(tables):
            for other in tables[:index]:
                assert np.abs(20 * np.log10(one / other)).min() > 0.05
        for one, other in zip(stack.acquisitions[:-1], stack.acquisitions[1:], strict=True):
            step = other.calibration["vv"].sigma_nought / one.calibration["vv"].sigma_nought
            assert 20 * np.log10(step.min()) > 0.2
        first = stack.acquisitions[0].calibration
        assert 20 * np.log10((first["vh"].sigma_nought / first["vv"].sigma_nought).min()) > 0.2

    def test_no_data(self, stack, read):
        pixels, valid = read
        assert valid[:3].all()
        assert 0.02 < np.mean(~valid[3]) < 0.1
        assert (pixels[~valid] == 0).all()
        assert not valid[3, 0, 0, 0]
        assert valid[3, 0, -1, 0] or valid[3, 0, -1, 5]

    def test_no_data_spares_the_reference(self):
        pair = small(dates=2)
        valid = pair.read_pixels(0, 64)[1]
        assert valid[pair.reference].all()
        assert not valid[0].all()

    def test_nothing_is_symmetric(self, stack):
        image = stack.truth.land_cover
        square = image[:, : image.shape[0]]
        for other in (square.T, square[::-1], square[:, ::-1], square[::-1, ::-1]):
            assert np.mean(square != other) > 0.3


class TestGeometry:
    def test_pixels_lie_where_the_equations_say(self, stack):
        """At random pixels: on the ellipsoid plus height, at the slant range, at zero Doppler."""
        rng = np.random.default_rng(5)
        ground = stack.read_ground(0, 288)
        origin = CircularPass(centre_time=float(stack.grid.azimuth_time(144)))
        for line, sample in zip(rng.integers(0, 288, 40), rng.integers(0, 832, 40), strict=True):
            time, slant_range = stack.grid.azimuth_time(line), stack.grid.slant_range(sample)
            height = ground.height[line, sample]
            assert height == stack.truth.height[line, sample]
            position, velocity = origin.position(time), origin.velocity(time)
            point = ellipsoid_point(ground.longitude[line, sample], ground.latitude[line, sample], height)
            assert abs(np.linalg.norm(point - position) - slant_range) < 1e-3
            assert abs((point - position) @ velocity / np.linalg.norm(velocity)) < 1e-3

            def misfit(place, height=height, position=position, velocity=velocity, slant_range=slant_range):
                sight = ellipsoid_point(place[0], place[1], height) - position
                return [sight @ velocity / 7500.0, np.linalg.norm(sight) - slant_range]

            start = (ground.longitude[line, sample] + 0.02, ground.latitude[line, sample] - 0.02)
            solved = least_squares(misfit, start, xtol=1e-15, ftol=1e-15, gtol=1e-15).x
            assert np.linalg.norm(ellipsoid_point(*solved, height) - point) < 1e-3

    def test_range_differences(self, stack):
        """From the state vectors of each date: closest approach to the pixel's point, by bisection."""
        rng = np.random.default_rng(6)
        ground = stack.read_ground(0, 288)
        for line, sample in zip(rng.integers(0, 288, 10), rng.integers(0, 832, 10), strict=True):
            where = (v[line, sample] for v in (ground.longitude, ground.latitude, ground.height))
            point = ellipsoid_point(*where)
            for date, acquisition in enumerate(stack.acquisitions):
                orbit = acquisition.orbit

                def closing(time, orbit=orbit, point=point):
                    return orbit.velocity_at(time) @ (point - orbit.position_at(time))

                time = brentq(closing, orbit.time[1], orbit.time[-2], xtol=1e-12)
                slant_range = np.linalg.norm(point - orbit.position_at(time))
                expected = stack.grid.slant_range(sample) - slant_range
                assert abs(expected - stack.truth.range_difference[date, line, sample]) < 1e-6

    def test_velocity_is_the_derivative_of_position(self):
        one = CircularPass(centre_time=100.0, offset=(50.0, -20.0, 30.0), offset_rate=(0.01, 0.02, -0.01))
        time = np.linspace(90, 110, 7)
        step = 5e-3
        derivative = (one.position(time + step) - one.position(time - step)) / (2 * step)
        assert np.abs(derivative - one.velocity(time)).max() < 1e-6

    def test_baselines(self, stack):
        baselines = stack.truth.perpendicular_baseline
        assert baselines[stack.reference] == 0.0
        assert np.abs(baselines).max() < 151
        assert 0 < np.abs(baselines[-1]) < 4
        assert baselines.min() < -20
        assert baselines.max() > 20

    def test_acquisitions(self, stack):
        starts = [a.start for a in stack.acquisitions]
        assert starts == sorted(starts)
        assert [a.date for a in stack.acquisitions] == ["20220109", "20220121", "20220202", "20220214"]
        assert len({a.product_id for a in stack.acquisitions}) == 4
        assert {a.relative_orbit for a in stack.acquisitions} == {15}
        assert np.all(np.diff([a.absolute_orbit for a in stack.acquisitions]) == 175)
