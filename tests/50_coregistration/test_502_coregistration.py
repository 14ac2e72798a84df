"""The parts of coregistration that need no resampling: carriers, the reference date, spectral diversity."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_campaign import Small, aligned, deramped, esa_doppler

from alignsar_gpu.coregistration.carrier import burst_carrier
from alignsar_gpu.coregistration.reference import central_date
from alignsar_gpu.coregistration.timing.diversity import NOTHING, OverlapShift, overlap_shift, solve_timing
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.simulate.ground.backscatter import FIELD, URBAN
from alignsar_gpu.simulate.radar.passes.view import spectral_bands


def test_the_carrier_is_esas(tmp_path):
    small = Small(tmp_path, kind=FIELD, passes={"dates": 1, "bursts": 1})
    burst, orbit = small.burst(), small.views[0].product.orbit
    carrier = burst_carrier(burst, "vv", orbit)
    line, sample = np.arange(burst.grid.lines)[:, np.newaxis], np.arange(burst.grid.samples)
    expected = esa_doppler(burst, orbit, sample, line)[0]
    np.testing.assert_allclose(carrier.frequency(line, sample), expected, atol=1e-9)
    pixels = np.ones(burst.grid.shape, dtype=np.complex128)
    time = carrier.first_time + line * carrier.interval
    phase = 2.0 * np.pi * (0.5 * carrier.slope * time + carrier.centroid) * time
    ours, theirs = pixels * np.exp(-1j * phase), deramped(burst, orbit, pixels)
    turned = np.angle(ours * np.conj(theirs))
    assert (
        np.ptp(np.unwrap(turned, axis=0), axis=0).max() < 1e-6
    )  # they differ by a function of the range alone


def test_a_scene_without_steering_has_the_centroid_alone(tmp_path):
    small = Small(tmp_path, kind=FIELD, passes={"dates": 1, "bursts": 1})
    burst = replace(small.burst(), steering_rate=0.0)
    carrier = burst_carrier(burst, "vv", small.views[0].product.orbit)
    assert not carrier.slope.any()
    expected = burst.channels["vv"].doppler_centroid.at(burst.grid.slant_range(np.arange(burst.grid.samples)))
    np.testing.assert_array_equal(carrier.centroid, expected)


def interferograms(small):
    """Both bursts' interferograms over their overlap, their Doppler difference, and what is valid."""
    first, second = small.burst(index=0), small.burst(index=1)
    step = (second.grid.first_azimuth_time - first.grid.first_azimuth_time) / first.grid.azimuth_interval
    shift = round(step)
    (above, samples), (below, _) = small.inside(index=0, margin=0), small.inside(index=1, margin=0)
    lines = slice(below.start + shift, above.stop)
    later = slice(lines.start - shift, lines.stop - shift)
    found = [
        small.pixels(0, index)[0][part, samples] * np.conj(small.pixels(1, index)[0][part, samples])
        for index, part in ((0, lines), (1, later))
    ]
    orbit = small.views[0].product.orbit
    line, sample = np.arange(lines.start, lines.stop)[:, np.newaxis], np.arange(samples.start, samples.stop)
    apart = burst_carrier(first, "vv", orbit).frequency(line, sample)
    apart = apart - burst_carrier(second, "vv", orbit).frequency(line - step, sample)
    return (*found, apart)


@pytest.mark.parametrize("error", [0.0, 0.01, -0.05])
def test_a_timing_error_is_found_within_its_deviation(tmp_path, error):
    small = aligned(tmp_path, URBAN, error=error, passes={"samples": 1200})
    earlier, later, apart = interferograms(small)
    band = spectral_bands(small.burst())
    found = overlap_shift(
        earlier, later, apart, np.ones(earlier.shape, dtype=bool), band[0].width * band[1].width
    )
    interval = small.burst().grid.azimuth_interval
    assert found.deviation / interval < 0.001
    assert abs(found.seconds / interval - error) < 3.5 * found.deviation / interval
    assert found.phase == pytest.approx(2.0 * np.pi * apart.mean() * error * interval, abs=0.02)
    assert abs(found.left) < 1e-6
    assert found.coherence > 0.8
    assert found.share > 0.99


def test_deviations_are_what_repetitions_scatter_by():
    """Pairs of circular Gaussian interferograms of coherence 0.6 in both bursts, independent pixels."""
    rng = np.random.default_rng(4)
    shape, coherence, frequency = (40, 200), 0.6, 1000.0

    def interferogram(phase):
        white = rng.standard_normal((3, *shape, 2)).view(np.complex128)[..., 0]
        one = np.sqrt(coherence) * white[0] + np.sqrt(1 - coherence) * white[1]
        other = np.sqrt(coherence) * white[0] + np.sqrt(1 - coherence) * white[2]
        return one * np.conj(other) * np.exp(1j * phase)

    seconds = 3e-5
    found = [
        overlap_shift(
            interferogram(0.8 + 2.0 * np.pi * frequency * seconds),
            interferogram(0.8),
            np.full(shape, frequency),
            np.ones(shape, dtype=bool),
            1.0,
        )
        for _ in range(60)
    ]
    errors = np.array([one.seconds - seconds for one in found])
    deviation = np.mean([one.deviation for one in found])
    assert abs(errors.mean()) < 4.0 * deviation / np.sqrt(60)
    assert 0.75 < errors.std() / deviation < 1.3


def test_too_little_says_that_nothing_is_known():
    pixels = np.ones((30, 30), dtype=np.complex64)
    apart, few = np.full((30, 30), 900.0), np.zeros((30, 30), dtype=bool)
    few[:3, :3] = True
    assert overlap_shift(pixels, pixels, apart, few, 1.0) == NOTHING
    assert overlap_shift(0 * pixels, pixels, apart, np.ones((30, 30), dtype=bool), 1.0) == NOTHING


def shift(seconds, deviation=1e-6):
    return OverlapShift(seconds=seconds, deviation=deviation, coherence=0.7, phase=0.1, left=0.0, share=1.0)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e-4, 1e-4), min_size=3, max_size=6), st.integers(0, 2), st.randoms())
def test_a_network_gives_back_the_timing_that_it_was_made_from(timing, reference, random):
    dates = len(timing)
    pairs = [(i, j) for i in range(dates) for j in range(i + 1, dates)]
    random.shuffle(pairs)
    shifts = [[shift(timing[j] - timing[i]), shift(timing[j] - timing[i], 3e-6)] for i, j in pairs]
    found = solve_timing(pairs, shifts, dates, reference)
    np.testing.assert_allclose(found.seconds, np.array(timing) - timing[reference], atol=1e-15)
    assert found.deviation[reference] == 0.0
    assert np.all(found.deviation < 1e-6)
    assert np.abs(found.residual).max() < 1e-15


def test_the_better_of_two_pairs_counts_more_and_residuals_show_it():
    found = solve_timing([(0, 1), (0, 1)], [[shift(1e-5, 1e-6)], [shift(2e-5, 3e-6)]], 2, 0)
    assert found.seconds[1] == pytest.approx(1.1e-5)
    assert found.deviation[1] == pytest.approx(1e-6 / np.sqrt(1.0 + 1.0 / 9.0))
    np.testing.assert_allclose(found.residual, [-1e-6, 9e-6])


def test_dates_that_nothing_is_known_of_keep_their_geometry():
    found = solve_timing([(0, 1), (2, 3), (0, 4)], [[shift(1e-5)], [shift(5e-5)], [NOTHING]], 5, 0)
    np.testing.assert_allclose(found.seconds, [0.0, 1e-5, 0.0, 0.0, 0.0])
    assert np.isinf(found.deviation[2:]).all()
    assert np.isnan(found.residual[2])
    assert not solve_timing([], [], 3, 1).seconds.any()
    with pytest.raises(AlignsarError, match="do not fit 2 dates"):
        solve_timing([(0, 2)], [[shift(0.0)]], 2, 0)


def test_the_reference_is_the_date_in_the_middle():
    assert central_date([0, 12, 24, 36, 48], [0, 0, 0, 0, 0]) == 2
    assert central_date([0, 12, 24], [150.0, -100.0, 0.0]) in {1, 2}
    assert central_date([0, 12, 24], [10.0, -300.0, 0.0]) == 2
    assert central_date([0], [0.0]) == 0
    assert central_date([0, 0], [0.0, 0.0]) == 0
    with pytest.raises(AlignsarError, match="as many"):
        central_date([0, 12], [0.0])
