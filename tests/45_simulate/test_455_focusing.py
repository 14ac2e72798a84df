"""The parts that focus simulated echoes: spreading, filters, random numbers, passes, each against direct sums."""

import numpy as np
import pytest
from alignsar_gpu.kernels.driving.threads import in_threads
from hypothesis import given, settings
from hypothesis import strategies as st

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.orbit import Orbit
from alignsar_gpu.simulate.ground.backscatter import CLASSES, FIELD, URBAN
from alignsar_gpu.simulate.orbit import CircularPass
from alignsar_gpu.simulate.radar import loops, spreading_loops, truth_loops
from alignsar_gpu.simulate.radar.focusing import SpectralBand, focus, receiver_noise
from alignsar_gpu.simulate.radar.passes.recorded import recorded_pass
from alignsar_gpu.simulate.radar.radiometry import tabulate

INTERVAL = 2.055556299999998e-3
SAMPLING = 6.434523812571428e7
BANDS = {  # subswath: azimuth (Hz, window), range (Hz)
    "IW1": (327.0, 0.70, 56.5e6),
    "IW2": (313.0, 0.75, 48.3e6),
    "IW3": (314.0, 0.75, 42.79e6),
}


def bands(swath):
    azimuth, window, across = BANDS[swath]
    return (
        SpectralBand(width=azimuth * INTERVAL, hamming=window, taps=6),
        SpectralBand(width=across / SAMPLING, hamming=0.75, taps=8),
    )


def spread(position, weight, span, bands, planes):
    """Echoes at positions, spread over planes."""
    in_threads(spreading_loops.spans, len(span), position, span)
    strips = -(-planes.shape[1] // spreading_loops.STRIP)
    in_threads(
        spreading_loops.deposit, strips, position, weight, span, *(band.spreading() for band in bands), planes
    )


@pytest.mark.parametrize("swath", BANDS)
@pytest.mark.parametrize("slope", [0.0, 1783.0, 2500.0])
def test_echoes_are_gathered_as_a_direct_sum_says(swath, slope):
    rng = np.random.default_rng(1)
    azimuth, across = bands(swath)
    shape, chirp = (256, 320), slope * INTERVAL**2
    position = np.stack([rng.uniform(80, 176, (4, 10)), rng.uniform(100, 220, (4, 10))])
    weight = (rng.standard_normal((1, 4, 10)) + 1j * rng.standard_normal((1, 4, 10))).astype(np.complex64)
    span, planes = np.empty((4, 2)), np.zeros((2, *shape), dtype=np.float32)
    spread(position, weight, span, (azimuth, across), planes)
    image = focus(planes, (azimuth, across), chirp, 1)
    frequency = [np.fft.fftfreq(count) for count in shape]
    responses = azimuth.response(shape[0], chirp) * azimuth.spread_spectrum(shape[0]), across.window(shape[1])
    expected = np.zeros(shape, dtype=np.complex128)
    for value, line, sample in zip(weight.ravel(), *position.reshape(2, -1), strict=True):
        down = np.fft.ifft(responses[0] * np.exp(-2j * np.pi * frequency[0] * line))
        expected += value * np.outer(
            down, np.fft.ifft(responses[1] * np.exp(-2j * np.pi * frequency[1] * sample))
        )
    error = np.linalg.norm(image - expected) / np.linalg.norm(expected)
    assert 20.0 * np.log10(error) < -74.0


@pytest.mark.parametrize("swath", BANDS)
def test_the_response_has_energy_one_and_no_phase_in_its_middle(swath):
    azimuth, across = bands(swath)
    response = azimuth.response(512, 1783.0 * INTERVAL**2) * azimuth.spread_spectrum(512)
    assert np.mean(np.abs(response) ** 2) == pytest.approx(1.0, rel=1e-12)
    assert abs(np.angle(response.mean())) < 1e-12
    assert np.all(response[np.abs(np.fft.fftfreq(512)) > 0.5 * azimuth.width] == 0.0)
    # Without a chirp it is the Hamming window of the processed band.
    still = across.response(512, 0.0) * across.spread_spectrum(512)
    np.testing.assert_allclose(still, across.window(512), atol=1e-12)


def test_noise_has_unit_power_in_the_band_alone():
    azimuth, across = bands("IW1")
    noise = receiver_noise((512, 600), (azimuth, across), np.random.default_rng(3), 1)
    assert np.mean(np.abs(noise) ** 2) == pytest.approx(1.0, abs=0.01)
    spectrum = np.abs(np.fft.fft2(noise)) ** 2
    outside = np.abs(np.fft.fftfreq(512)) > 0.5 * azimuth.width
    assert spectrum[outside].sum() < 1e-9 * spectrum.sum()


@settings(max_examples=40, deadline=None)
@given(
    st.floats(20.0, 76.0), st.floats(20.0, 70.0), st.integers(0, 5), st.sampled_from([(6, 8), (8, 6), (4, 4)])
)
def test_spreading_keeps_the_weight_whatever_the_place(line, sample, channel_seed, taps):
    """The sum over pixels of a spreading function is that of its spectrum at zero, to its own ripple."""
    down = SpectralBand(width=0.67, hamming=0.7, taps=taps[0])
    across = SpectralBand(width=0.75, hamming=0.7, taps=taps[1])
    weight = np.exp(1j * channel_seed) * np.ones((1, 1, 1), dtype=np.complex64)
    position, span = np.array([line, sample]).reshape(2, 1, 1), np.empty((1, 2))
    planes = np.zeros((2, 96, 90), dtype=np.float32)
    spread(position, weight.astype(np.complex64), span, (down, across), planes)
    total = planes[0].sum(dtype=np.float64) + 1j * planes[1].sum(dtype=np.float64)
    expected = weight[0, 0, 0] * down.spread_spectrum(1)[0] * across.spread_spectrum(1)[0]
    assert abs(total / expected - 1.0) < 0.02
    assert np.count_nonzero(planes[0]) <= taps[0] * taps[1]


def test_random_numbers_are_gaussian_independent_and_their_own():
    keys = [np.uint64(loops.scatterer_key(7, i, j, 1)) for i in range(200) for j in range(200)]
    assert len(set(keys)) == len(keys)
    drawn = np.array([complex(*loops.gaussian(key, 5)) for key in keys])
    other = np.array([complex(*loops.gaussian(key, 6)) for key in keys])
    bound = 4.0 / np.sqrt(len(keys))
    assert np.mean(np.abs(drawn) ** 2) == pytest.approx(1.0, abs=bound)
    assert np.mean(np.abs(drawn) ** 4) == pytest.approx(2.0, abs=5.0 * bound)
    for value in (drawn.mean(), np.mean(drawn**2), np.mean(drawn * np.conj(other))):
        assert abs(value) < bound
    grid = drawn.reshape(200, 200)
    assert abs(np.mean(grid[1:] * np.conj(grid[:-1]))) < bound
    assert abs(np.mean(grid[:, 1:] * np.conj(grid[:, :-1]))) < bound
    apart = np.array([loops.scatter(7, i, j) for i in range(100) for j in range(100)])
    assert apart.min() >= -0.5
    assert apart.max() < 0.5
    assert apart.std() == pytest.approx(1.0 / np.sqrt(12.0), rel=0.03)
    assert loops.scatterer_key(7, 3, 4, 1) != loops.scatterer_key(7, 4, 3, 1)
    assert loops.scatterer_key(7, 3, 4, 1) != loops.scatterer_key(8, 3, 4, 1)


def test_the_parts_of_a_class_make_its_coherence():
    days = np.array([0.0, 12.0, 36.0, 84.0])
    for kind in (FIELD, URBAN):
        one = CLASSES[kind]
        for first in range(4):
            for second in range(first + 1, 4):
                tables = [tabulate(CLASSES, days, date) for date in (first, second)]
                stays, initial = tables[1].coherence[kind]
                left = np.prod(tables[1].steps[kind, first + 1 : second + 1])
                assert stays + (initial - stays) * left == pytest.approx(
                    one.coherence(days[second] - days[first])
                )
                assert np.array_equal(tables[0].steps[kind], tables[1].steps[kind, : first + 1])


def test_brightness_tables_are_those_of_the_classes():
    table = tabulate(CLASSES, np.array([0.0]), 0)
    cosine = np.linspace(0.1, 1.0, 37)
    place = cosine * (table.amplitude.shape[2] - 1)
    for kind, one in enumerate(CLASSES):
        for channel, name in enumerate(("vv", "vh")):
            amplitude = np.interp(place, np.arange(table.amplitude.shape[2]), table.amplitude[kind, channel])
            expected = one.sigma0(name, np.degrees(np.arccos(cosine)))
            np.testing.assert_allclose(amplitude**2, expected, rtol=2e-3)


def test_a_recorded_pass_goes_through_its_vectors_and_between_them_as_the_true_one():
    true = CircularPass(centre_time=40_000.0, offset=(30.0, 10.0, -50.0), offset_rate=(0.01, 0.0, 0.005))
    time = np.arange(39_880.0, 40_131.0, 10.0)
    orbit = Orbit(
        epoch=np.datetime64("2022-01-01", "us"),
        time=time,
        position=true.position(time),
        velocity=true.velocity(time),
        source="test",
    )
    found = recorded_pass(orbit, 39_990.0, 40_020.0)
    between = np.linspace(39_985.0, 40_025.0, 101)
    assert np.abs(found.position(between) - true.position(between)).max() < 1e-6
    assert np.abs(found.velocity(between) - true.velocity(between)).max() < 1e-7
    wild = orbit.position.copy()
    wild[12] += 0.1
    broken = Orbit(epoch=orbit.epoch, time=time, position=wild, velocity=orbit.velocity, source="test")
    with pytest.raises(AlignsarError, match="off a smooth way"):
        recorded_pass(broken, 39_990.0, 40_020.0)
    short = Orbit(
        epoch=orbit.epoch,
        time=time[:5],
        position=orbit.position[:5],
        velocity=orbit.velocity[:5],
        source="test",
    )
    with pytest.raises(AlignsarError, match="too few"):
        recorded_pass(short, 39_890.0, 39_900.0)


def test_facets_are_drawn_onto_pixels_with_folds_and_shadows():
    """A lattice whose samples run forth, back and forth again: pixels in between are seen three times."""
    rows, columns = 12, 40
    line = np.repeat(np.arange(rows)[:, np.newaxis] * 0.9 + 0.05, columns, axis=1)
    along = np.concatenate(
        [np.linspace(1.0, 12.0, 20), np.linspace(11.5, 8.5, 6), np.linspace(9.0, 17.0, 14)]
    )
    sample = np.repeat(along[np.newaxis], rows, axis=0)
    visible = np.where(np.arange(columns) < 36, 1.0, -1.0)
    number = np.repeat(np.arange(columns, dtype=np.float64)[np.newaxis], rows, axis=0)
    fields = np.stack([number, 2.0 * line, np.zeros_like(line), np.repeat(visible[np.newaxis], rows, axis=0)])
    out, folded = np.full((4, 9, 20), np.nan), np.zeros((9, 20), dtype=np.uint8)
    span = np.stack([line.min(axis=1), line.max(axis=1)], axis=-1)
    strips = -(-len(folded) // truth_loops.STRIP)
    in_threads(truth_loops.draw, strips, line, sample, span, fields, out, folded)
    assert np.isnan(out[0, :, :1]).all()
    assert np.isnan(out[0, :, 18:]).all()
    inner = out[:, 1:8, 1:17]
    assert np.isfinite(inner).all()
    np.testing.assert_allclose(
        inner[1], np.repeat(2.0 * np.arange(1, 8)[:, np.newaxis], 16, axis=1), atol=1e-9
    )
    np.testing.assert_allclose(
        inner[0][:, :8], np.interp(np.arange(1, 9), along[:20], np.arange(20.0))[np.newaxis].repeat(7, 0)
    )
    assert folded[4, 9:12].all()
    assert not folded[4, 1:8].any()
    assert out[3, 4, 17] <= 0.0
    assert out[3, 4, 5] > 0.0
