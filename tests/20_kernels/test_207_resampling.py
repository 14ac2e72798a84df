"""Resampling on the CPU: scalar functions, weights, accuracy against sums of waves, carriers, edges, bits, errors."""

from __future__ import annotations

import math
import re
from fractions import Fraction

import numba
import numpy as np
import pytest
from alignsar_gpu.kernels.driving.families import plain_drivers
from alignsar_gpu.kernels.resampling import cpu as cpu_resampling
from alignsar_gpu.kernels.resampling import scalar as scalar_resampling
from band_limited import AZIMUTH, RANGE, Speckle, relative_error
from hypothesis import given
from hypothesis import strategies as st
from speckle import speckle

from alignsar_gpu import kernels

BOUND = 0.01  # relative rms error, -40 dB
INTERVAL = 1 / 486.4863
TABLE = {taps: kernels.weights(taps, 0.7) for taps in kernels.TAPS}


def carrier(samples, slope=0.0, centroid=0.0, first_time=0.0):
    return kernels.CarrierTable(np.full(samples, slope), np.full(samples, centroid), first_time, INTERVAL)


def positions(rng, shape, image, margin=0.0):
    return (rng.uniform(-margin, size - 1 + margin, shape) for size in image)


def resample(image, line, sample, taps=(8, 8), **options):
    tables = {"down": TABLE[taps[0]], "across": TABLE[taps[1]], "carrier": carrier(np.shape(image)[-1])}
    return kernels.resample(image, line, sample, **(tables | options))


def same_bits(a, b):
    return all(x.dtype == y.dtype and x.tobytes() == y.tobytes() for x, y in zip(a, b, strict=True))


# The mathematics


@given(st.floats(-1e6, 1e6))
def test_wrapped_turns_are_those_of_exact_arithmetic(turns):
    exact = Fraction(turns)
    assert abs(Fraction(float(scalar_resampling.wrapped(turns))) - (exact - round(exact))) < 3.1e-8


@given(st.floats(-5000, 5000), st.floats(-500, 500), st.floats(-2, 2))
def test_the_carriers_phase_is_the_integral_of_its_frequency(slope, centroid, time):
    middle = centroid + slope * time / 2
    assert scalar_resampling.carrier_turns(slope, centroid, time) == pytest.approx(middle * time, abs=1e-9)


@given(st.floats(0, 9))
def test_between_is_linear_interpolation(position):
    table = np.array([3.0, -1.0, 4.0, 1.0, -5.0, 9.0, 2.0, -6.0, 5.0, 3.0])
    wanted = np.interp(position, np.arange(10), table)
    assert scalar_resampling.between(table, position) == pytest.approx(wanted, abs=1e-12)


@given(st.floats(-1e6, 1e6), st.sampled_from(kernels.TAPS))
def test_taps_surround_the_nearest_step(position, taps):
    first, row = scalar_resampling.first_tap(position, taps)
    assert 0 <= row < scalar_resampling.STEPS
    found = int(first) + taps // 2 - 1 + Fraction(int(row), scalar_resampling.STEPS)
    assert abs(found - Fraction(position)) <= Fraction(1, 2 * scalar_resampling.STEPS)


def test_sums_of_taps_are_those_of_numpy():
    rng = np.random.default_rng(1)
    image = speckle(rng, (20, 30))
    pixels = image.view(np.float32).reshape(-1)
    down, across = (rng.standard_normal((5, 8)).astype(np.float32) for _ in range(2))
    start, stride = np.uint64(2 * (3 * 30 + 7)), np.uint64(60)
    wanted = down[2] @ image[3:11, 7:15] @ across[4]
    columns = np.array(
        [
            scalar_resampling.column(pixels, start + np.uint64(c), stride, down.ravel(), np.uint64(16))
            for c in range(16)
        ]
    )
    np.testing.assert_allclose(columns.view(np.complex64), down[2] @ image[3:11, 7:15], rtol=3e-6)
    combined = scalar_resampling.combined(columns, across.ravel(), np.uint64(32))
    value = scalar_resampling.value(
        pixels, start, stride, down.ravel(), np.uint64(16), across.ravel(), np.uint64(32)
    )
    assert combined == value
    assert abs(complex(*value) - wanted) < 1e-5
    assert all(isinstance(part, np.float32) for part in value)


@pytest.mark.parametrize("down", kernels.TAPS)
@pytest.mark.parametrize("across", kernels.TAPS)
def test_the_compiled_driver_does_what_its_functions_do_as_python(down, across):
    rng = np.random.default_rng(2)
    image = speckle(rng, (23, 26))
    line, sample = positions(rng, (4, 9), image.shape, 2.0)
    line[0, 3] = sample[1, 4] = np.nan
    line[3, :3], sample[3, :3] = 11.0, (12.0, 12.5, 13.0 - 1e-9)
    table = kernels.CarrierTable(*rng.uniform(-2e3, 2e3, (2, 26)), -0.7, INTERVAL)
    box = kernels.Box(-math.inf, 20.5, 1.5, 22.25)
    for turns in (np.empty((4, 0)), rng.uniform(-1e5, 1e5, (4, 9))):
        got = resample(
            image,
            line,
            sample,
            (down, across),
            carrier=table,
            turns=turns if turns.size else None,
            box=box,
        )
        values, valid = np.empty((4, 9), np.complex64), np.empty((4, 9), bool)
        tables = (TABLE[down], TABLE[across])
        numbers = (*table[2:], *box)
        plain_drivers("resampling")["resample"](
            image.view(np.float32), (line, sample, turns), tables, table[:2], numbers, values, valid
        )
        assert valid.any()
        assert same_bits(got, (values, valid))


# Weights

# Relative rms error in percent of 8, 12 and 16 taps, as the docstring of weights has it.
DOCUMENTED = {
    ("IW1", "range"): (3.23, 1.24, 0.51),
    ("IW2", "range"): (0.69, 0.11, 0.02),
    ("IW3", "range"): (0.22, 0.02, 0.00),
    ("IW1", "azimuth"): (0.22, 0.02, 0.00),
    ("IW2", "azimuth"): (0.14, 0.01, 0.00),
    ("IW3", "azimuth"): (0.15, 0.01, 0.00),
    ("EW1", "range"): (3.49, 1.41, 0.60),
    ("S6", "range"): (3.82, 1.62, 0.73),
}


def band_of(swath, axis):
    return (RANGE if axis == "range" else AZIMUTH)[swath]


def responses(table, band, hamming):
    """Of 64 rows of a table: complex gains [row, frequency] over a band, and the power of Hamming's spectrum there."""
    rows, taps = 64 + 128 * np.arange(64), table.shape[1]
    share = (np.arange(400) + 0.5) / 400 - 0.5
    power = (hamming + (1 - hamming) * np.cos(2 * np.pi * share)) ** 2
    away = np.arange(taps) - (taps // 2 - 1) - rows[:, np.newaxis] / 8192
    waves = np.exp(2j * np.pi * band * share * away[..., np.newaxis])
    return np.einsum("pk,pkf->pf", table[rows].astype(float), waves), power / power.sum()


def spectral_error(table, band, hamming=1.0):
    """Relative rms error of a signal with Hamming's spectrum, at 64 rows of a table."""
    response, power = responses(table, band, hamming)
    return math.sqrt(np.mean(np.abs(response - 1) ** 2 @ power))


@pytest.mark.parametrize(("swath", "axis"), DOCUMENTED)
def test_errors_are_those_documented(swath, axis):
    band, hamming = band_of(swath, axis)
    found = [
        100 * spectral_error(kernels.weights(taps, band, hamming), band, hamming) for taps in kernels.TAPS
    ]
    assert found == pytest.approx(DOCUMENTED[swath, axis], abs=0.006)
    written = " ".join(f"{value:.2f}" for value in DOCUMENTED[swath, axis])
    assert f"{swath}, {axis} {band} {written}" in re.sub(r"\s+", " ", kernels.weights.__doc__)


@pytest.mark.parametrize("taps", kernels.TAPS)
@pytest.mark.parametrize(
    ("band", "hamming"), [(0.3, 1.0), (0.67, 0.7), (0.88, 0.75), (0.9, 0.75), (1.0, 1.0)]
)
def test_power_is_kept_wherever_a_position_lies(taps, band, hamming):
    """Windowed sincs brighten IW1 by up to 0.14 dB, by an amount that depends on the position."""
    response, power = responses(kernels.weights(taps, band, hamming), band, hamming)
    gain = np.abs(response) ** 2 @ power
    assert np.abs(gain - 1).max() < 5e-6  # 400 frequencies stand for the band


@pytest.mark.parametrize("taps", kernels.TAPS)
@pytest.mark.parametrize(("band", "hamming"), [(0.64, 0.7), (0.8, 1.0), (0.9, 0.75)])
def test_no_other_weights_that_keep_power_and_constants_are_better(taps, band, hamming):
    """Steps along random directions that keep both, from the weights on, make the error larger."""
    rng = np.random.default_rng(11)
    table = kernels.weights(taps, band, hamming).astype(float)
    best = spectral_error(table, band, hamming)
    share = (np.arange(400) + 0.5) / 400 - 0.5
    power = (hamming + (1 - hamming) * np.cos(2 * np.pi * share)) ** 2
    apart = np.arange(taps)[:, np.newaxis] - np.arange(taps)
    own = np.cos(2 * np.pi * band * share * apart[..., np.newaxis]) @ (power / power.sum())
    for size in (1e-3, 1e-2, 0.1):
        other = table + size * rng.standard_normal(table.shape)
        mean = 1.0 / np.linalg.solve(own, np.ones(taps)).sum() * np.linalg.solve(own, np.ones(taps))
        shape = other - other.sum(axis=1, keepdims=True) * mean
        power_of = np.einsum("pi,ij,pj->p", shape, own, shape)
        shape *= np.sqrt((1.0 - mean @ own @ mean) / power_of)[:, np.newaxis]
        assert spectral_error(mean + shape, band, hamming) >= best


@pytest.mark.parametrize("taps", kernels.TAPS)
@pytest.mark.parametrize(("band", "hamming"), [(0.3, 1.0), (0.5, 1.0), (0.88, 0.75), (1.0, 0.5)])
def test_rows_of_weights(taps, band, hamming):
    table = kernels.weights(taps, band, hamming)
    assert table.shape == (8192, taps)
    assert table.dtype == np.float32
    assert table.flags.c_contiguous
    assert np.abs(table.sum(axis=1, dtype=np.float64) - 1).max() < 6e-8
    pixel = np.zeros(taps)
    pixel[taps // 2 - 1] = 1
    assert np.abs(table[0] - pixel).max() < 1e-7
    assert np.abs(table[1:] - table[:0:-1, ::-1]).max() < 2e-7  # seen from the other side


# Accuracy


@pytest.mark.parametrize(
    ("swath", "taps"),
    [
        ("IW1", (8, 16)),
        ("IW2", (8, 8)),
        ("IW3", (8, 8)),
        ("IW2", (12, 12)),
        ("EW1", (12, 16)),
        ("S6", (12, 16)),
    ],
)
def test_speckle_at_random_offsets_within_40_db(swath, taps):
    rng = np.random.default_rng(3)
    bands = (AZIMUTH[swath], RANGE[swath])
    signal = Speckle(rng, (96, 120), bands)
    line, sample = rng.uniform(8, 86, (60, 50)), rng.uniform(8, 110, (60, 50))
    tables = {
        "down": kernels.weights(taps[0], *bands[0]),
        "across": kernels.weights(taps[1], *bands[1]),
    }
    values, valid = resample(signal.image(), line, sample, **tables)
    assert valid.all()
    exact = signal.at(line.ravel(), sample.ravel())
    error = relative_error(values.ravel(), exact)
    assert error < BOUND
    parts = [spectral_error(table, *band) for table, band in zip(tables.values(), bands, strict=True)]
    assert error == pytest.approx(math.hypot(*parts), rel=0.2, abs=1e-4)
    assert np.mean(np.abs(values) ** 2) / np.mean(np.abs(exact) ** 2) == pytest.approx(1.0, abs=1e-3)


def test_the_nearest_step_is_near_enough():
    """With as many taps as a narrow band could wish for, what remains is the rounding of positions."""
    rng = np.random.default_rng(4)
    signal = Speckle(rng, (64, 64), ((0.4, 1.0), (0.4, 1.0)))
    line, sample = rng.uniform(9, 54, (2, 40, 40))
    table = kernels.weights(16, 0.4)
    values, _ = resample(signal.image(), line, sample, down=table, across=table)
    assert relative_error(values.ravel(), signal.at(line.ravel(), sample.ravel())) < 10 ** (-85 / 20)


def test_positions_of_pixels_give_the_pixels():
    image = speckle(np.random.default_rng(5), (30, 40))
    line, sample = (array.astype(float) for array in np.mgrid[0:30, 0:40])
    values, valid = resample(image, line, sample)
    assert valid[3:26, 3:36].all()
    assert np.count_nonzero(valid) == 23 * 33
    assert np.abs(values - image)[valid].max() < 1e-6


def test_constants_are_kept():
    image = np.full((30, 30), 3 - 4j, np.complex64)
    line, sample = np.random.default_rng(6).uniform(8, 21, (2, 30, 30))
    for taps in kernels.TAPS:
        values, valid = resample(image, line, sample, (taps, taps))
        assert valid.all()
        assert np.abs(values - (3 - 4j)).max() < 5e-6


def tops(shape, bands, reach):
    """A burst whose Doppler frequency runs from -reach to reach, its carrier, and it at shifted pixels."""
    rng = np.random.default_rng(7)
    lines, samples = shape
    signal = Speckle(rng, shape, bands)
    half = 0.5 * (lines - 1) * INTERVAL
    slope = -reach / half * np.linspace(1.0, 0.97, samples)
    table = kernels.CarrierTable(slope, np.linspace(-60.0, 80.0, samples), -half, INTERVAL)

    def shifted(down, across):
        line, sample = np.arange(lines) + down, np.arange(samples) + across
        time = (line * INTERVAL - half)[:, np.newaxis]
        at = np.arange(samples)
        along = np.interp(sample, at, slope), np.interp(sample, at, table.centroid)
        phase = 2 * np.pi * (0.5 * along[0] * time**2 + along[1] * time)
        return signal.grid(line, sample) * np.exp(1j * phase)

    return table, shifted


def grids(shape, down, across):
    line, sample = np.mgrid[0 : shape[0], 0 : shape[1]]
    return line + down, sample + across


@pytest.mark.parametrize(("down", "across"), [(0.37, 0.0), (-2.5, 1.62), (0.001, -0.5)])
def test_a_tops_burst_shifted_by_a_known_fraction(down, across):
    shape, bands = (1500, 40), (AZIMUTH["IW2"], RANGE["IW3"])
    table, shifted = tops(shape, bands, 2400.0)
    burst = shifted(0, 0).astype(np.complex64)
    time = table.first_time + INTERVAL * np.arange(shape[0])
    # Raw, neighbouring lines have nothing to do with each other; deramped, they do.
    base = kernels.ramp(burst, table.slope, table.centroid, time, -1)
    assert abs(np.vdot(burst[:-1], burst[1:])) < 0.05 * np.vdot(burst, burst).real
    assert abs(np.vdot(base[:-1], base[1:])) > 0.6 * np.vdot(burst, burst).real
    tables = {"down": kernels.weights(8, *bands[0]), "across": kernels.weights(8, *bands[1])}
    values, valid = resample(base, *grids(shape, down, across), **tables, carrier=table)
    assert valid[8:-8, 8:-8].all()
    assert relative_error(values[valid], shifted(down, across)[valid]) < BOUND


def test_shifting_forth_and_back():
    shape, bands = (400, 60), (AZIMUTH["IW2"], RANGE["IW3"])
    table, shifted = tops(shape, bands, 800.0)
    burst = shifted(0, 0).astype(np.complex64)
    tables = {"down": kernels.weights(8, *bands[0]), "across": kernels.weights(8, *bands[1])}
    image = burst
    for down, across in ((0.4, -0.3), (-0.4, 0.3)):
        time = table.first_time + INTERVAL * np.arange(shape[0])
        base = kernels.ramp(image, table.slope, table.centroid, time, -1)
        image, valid = resample(base, *grids(shape, down, across), **tables, carrier=table)
        # The carrier moves along with the image; from sample to sample it grows evenly.
        slope, centroid = (row + across * (row[1] - row[0]) for row in table[:2])
        table = kernels.CarrierTable(slope, centroid, table.first_time + down * INTERVAL, INTERVAL)
    inner = np.s_[12:-12, 12:-12]
    assert valid[inner].all()
    assert relative_error(image[inner], burst[inner]) < BOUND


def test_turns_are_added_without_loss():
    image = speckle(np.random.default_rng(8), (20, 20))
    line, sample = np.random.default_rng(9).uniform(5, 14, (2, 6, 7))
    plain, _ = resample(image, line, sample)
    turns = np.random.default_rng(10).uniform(-1e8, 1e8, line.shape)
    values, valid = resample(image, line, sample, turns=turns)
    assert valid.all()
    exact = plain * np.exp(2j * np.pi * (turns - np.round(turns)))
    assert np.abs(values - exact).max() < 1e-6 * np.abs(plain).max()


# Carriers alone


@pytest.mark.parametrize("sign", [-1, 1])
def test_ramp_is_the_exponential(sign):
    rng = np.random.default_rng(11)
    image = speckle(rng, (7, 1100))
    slope, centroid = rng.uniform(-2500, 2500, 1100), rng.uniform(-500, 500, 1100)
    time = np.linspace(-1.5, 1.5, 7)
    t = time[:, np.newaxis]
    wanted = image * np.exp(sign * 2j * np.pi * (0.5 * slope * t**2 + centroid * t))
    got = kernels.ramp(image, slope, centroid, time, sign)
    assert got.dtype == np.complex64
    assert (np.abs(got - wanted) < 5e-7 * np.abs(image)).all()
    other = np.empty_like(image)
    assert kernels.ramp(image, slope, centroid, time, sign, out=other) is other
    kept = image.copy()
    assert kernels.ramp(image, slope, centroid, time, sign, out=image) is image
    assert same_bits((got, got), (other, image))
    kernels.ramp(image, slope, centroid, time, -sign, out=image)
    assert (np.abs(image - kept) < 1e-6 * np.abs(kept)).all()
    plain = np.empty((2, 30), np.complex64)
    cpu_resampling.ramp(
        kept[:2, :30].copy().view(np.float32), slope[:30], centroid[:30], time[:2], sign, plain
    )
    assert same_bits((plain,), (got[:2, :30].copy(),))


# Where there is a value


def test_there_are_values_where_the_taps_are_inside():
    image = np.ones((20, 25), np.complex64)
    special = np.array([-np.inf, np.inf, np.nan, 1e300, -1e300, -0.0, 1e18, -1e-12, 24.0, 19.0])
    line, sample = (
        np.concatenate([a.ravel(), special, np.full(10, 10.0)])
        for a in np.meshgrid(np.arange(-2, 27, 0.25), np.arange(-2, 27, 0.25))
    )
    sample = np.concatenate([sample[:-20], np.full(10, 10.0), special])
    line, sample = line.reshape(1, -1), sample.reshape(1, -1)
    for down in kernels.TAPS:
        for across in kernels.TAPS:
            values, valid = resample(image, line, sample, (down, across))
            with np.errstate(invalid="ignore"):
                top, left = np.floor(line) - (down // 2 - 1), np.floor(sample) - (across // 2 - 1)
                wanted = (top >= 0) & (top + down <= 20) & (left >= 0) & (left + across <= 25)
            np.testing.assert_array_equal(valid, wanted)
            assert (values[~valid] == 0).all()
            assert np.abs(values[valid] - 1).max() < 1e-6


def test_positions_and_turns_that_are_no_numbers_have_no_value():
    image = np.ones((20, 20), np.complex64)
    line, sample, turns = (np.full((3, 4), value) for value in (9.5, 9.25, 0.1))
    line[0, 0] = sample[1, 1] = turns[2, 2] = np.nan
    turns[0, 3] = np.inf
    values, valid = resample(image, line, sample, turns=turns)
    wanted = np.ones((3, 4), bool)
    wanted[[0, 1, 2, 0], [0, 1, 2, 3]] = False
    np.testing.assert_array_equal(valid, wanted)
    assert (values[~wanted] == 0).all()
    assert np.abs(values[wanted] - np.exp(0.2j * np.pi)).max() < 1e-6


def test_the_box_and_its_edges_are_inside():
    image = np.ones((30, 40), np.complex64)
    line, sample = (a.astype(float) for a in np.mgrid[8:22:0.25, 8:32:0.25])
    box = kernels.Box(9.5, 18.25, 10.0, 30.75)
    _, valid = resample(image, line, sample, box=box)
    np.testing.assert_array_equal(valid, (line >= 9.5) & (line <= 18.25) & (sample >= 10) & (sample <= 30.75))
    assert not resample(image, line, sample, box=kernels.Box(18.0, 9.0, 0.0, 39.0))[1].any()


@pytest.mark.parametrize("shape", [(0, 0), (0, 9), (9, 0), (1, 1), (7, 40), (40, 7), (8, 8)])
def test_tiny_images(shape):
    image = np.ones(shape, np.complex64)
    line, sample = np.mgrid[-1:9:0.5, -1:9:0.5]
    values, valid = resample(image, line, sample)
    wanted = (line >= 3) & (line < 4) & (sample >= 3) & (sample < 4) & (min(shape) >= 8)
    if shape == (8, 8):
        np.testing.assert_array_equal(valid, wanted)
    else:
        assert not valid.any()
    assert (values[~valid] == 0).all()
    empty, nothing = resample(image, np.empty((0, 5)), np.empty((0, 5)))
    assert empty.shape == nothing.shape == (0, 5)
    assert kernels.ramp(image, np.ones(shape[1]), np.ones(shape[1]), np.zeros(shape[0]), 1).shape == shape


# Bits


def case():
    rng = np.random.default_rng(12)
    image = speckle(rng, (50, 700))
    line, sample = grids((37, 1300), rng.uniform(0, 10, (37, 1300)), rng.uniform(-300, 300, (37, 1300)))
    table = kernels.CarrierTable(*rng.uniform(-2e3, 2e3, (2, 700)), -0.7, INTERVAL)
    return image, line, sample, {"carrier": table, "turns": rng.uniform(-1e3, 1e3, line.shape)}


@pytest.mark.parametrize("taps", [(8, 8), (8, 16), (12, 12)])
def test_blocks_give_the_bits_of_the_whole(taps):
    image, line, sample, options = case()
    whole = resample(image, line, sample, taps, **options)
    assert 0.1 < whole[1].mean() < 0.9
    for cut in (np.s_[5:6, :], np.s_[3:20, 1:514], np.s_[:, 700:1300], np.s_[36:, 1299:]):
        own = options | {"turns": options["turns"][cut].copy()}
        part = resample(image, line[cut].copy(), sample[cut].copy(), taps, **own)
        assert same_bits(part, [array[cut].copy() for array in whole])


def test_blocks_of_the_image_give_the_bits_of_the_whole():
    image, line, sample, options = case()
    lines = np.s_[11:40]  # of the image; its positions count from there, and lose nothing
    whole = resample(image, line, sample, **options)
    options["carrier"] = options["carrier"]._replace(first_line=11.0)
    part = resample(image[lines], line - 11, sample, **options)
    both = part[1]
    assert 0.05 < both.mean() < whole[1].mean()
    assert same_bits((part[0][both],), (whole[0][both],))


def test_threads_do_not_change_a_bit():
    image, line, sample, options = case()
    before = numba.get_num_threads()
    results = []
    try:
        for threads in {1, min(2, numba.config.NUMBA_NUM_THREADS), numba.config.NUMBA_NUM_THREADS}:
            numba.set_num_threads(threads)
            table = options["carrier"]
            turned = kernels.ramp(image, table.slope, table.centroid, np.linspace(-1, 1, 50), -1)
            results.append((*resample(image, line, sample, **options), turned))
    finally:
        numba.set_num_threads(before)
    assert all(same_bits(results[0], other) for other in results[1:])


def test_arrays_that_may_not_be_written_are_accepted():
    image, line, sample, options = case()
    wanted = resample(image, line, sample, **options)
    for array in (image, line, sample, options["turns"], *options["carrier"][:2]):
        array.setflags(write=False)
    assert same_bits(resample(image, line, sample, **options), wanted)


# Errors


class OnDevice:
    """Says that it lies on a device, like a CuPy array."""

    __cuda_array_interface__ = {"version": 3}  # noqa: RUF012 - as arrays have it


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"image": np.ones((9, 9))}, TypeError, "image: expected dtype complex64, got float64"),
        ({"image": np.ones(9, np.complex64)}, ValueError, "image: expected two dimensions"),
        ({"image": np.ones((9, 18), np.complex64)[:, ::2]}, ValueError, "image: expected a C-contiguous"),
        ({"image": [[1j]]}, TypeError, "image: expected a numpy array.*got list"),
        ({"line": np.ones((2, 3), np.float32)}, TypeError, "line: expected dtype float64, got float32"),
        ({"line": np.ones(3), "sample": np.ones(3)}, ValueError, "line: expected two dimensions"),
        ({"sample": np.ones((3, 2))}, ValueError, r"sample: expected the shape \(2, 3\) of line"),
        ({"sample": np.ones((3, 2)).T}, ValueError, "sample: expected a C-contiguous"),
        ({"turns": np.ones((2, 4))}, ValueError, r"turns: expected the shape \(2, 3\) of line"),
        ({"turns": OnDevice()}, TypeError, "image is on the host, .*turns is on the device"),
        ({"down": np.ones((8192, 8))}, TypeError, "down: expected dtype float32, got float64"),
        ({"down": np.ones((8192, 10), np.float32)}, ValueError, r"down: .*the shape \(8192, 10\)"),
        ({"across": np.ones((4096, 8), np.float32)}, ValueError, r"across: .*the shape \(4096, 8\)"),
        ({"across": 8}, ValueError, "across: expected a table"),
        ({"carrier": carrier(8)}, ValueError, r"carrier.slope: expected the shape \(9,\), got \(8,\)"),
        (
            {"carrier": carrier(9)._replace(centroid=np.ones(9, int))},
            TypeError,
            "carrier.centroid: expected dtype float64",
        ),
        ({"carrier": carrier(9)._replace(slope=[0.0] * 9)}, TypeError, "carrier.slope: expected an array"),
        ({"box": (0, 8, 0)}, ValueError, "box: expected first and last line"),
        ({"box": (0, 8, 0, math.nan)}, ValueError, "box: expected first and last line"),
    ],
)
def test_errors_name_the_argument(changes, error, message):
    arguments = {"image": np.ones((9, 9), np.complex64), "line": np.ones((2, 3)), "sample": np.ones((2, 3))}
    with pytest.raises(error, match=message):
        resample(**(arguments | changes))


@pytest.mark.parametrize(
    ("changes", "error", "message"),
    [
        ({"image": np.ones((4, 5), np.complex128)}, TypeError, "image: expected dtype complex64"),
        ({"slope": np.ones(4)}, ValueError, r"slope: expected the shape \(5,\), got \(4,\)"),
        ({"centroid": np.ones(5, np.float32)}, TypeError, "centroid: expected dtype float64, got float32"),
        ({"centroid": np.ma.ones(5)}, TypeError, "centroid: expected an array, got MaskedArray"),
        ({"time": np.ones(5)}, ValueError, r"time: expected the shape \(4,\), got \(5,\)"),
        ({"sign": 0}, ValueError, "sign: expected -1 or 1, got 0"),
        ({"out": np.ones((5, 4), np.complex64)}, ValueError, r"out: expected the shape \(4, 5\) of image"),
        ({"out": OnDevice()}, TypeError, "image is on the host, out is on the device"),
    ],
)
def test_errors_of_ramp_name_the_argument(changes, error, message):
    arguments = {
        "image": np.ones((4, 5), np.complex64),
        "slope": np.ones(5),
        "centroid": np.ones(5),
        "time": np.ones(4),
        "sign": 1,
    }
    with pytest.raises(error, match=message):
        kernels.ramp(**(arguments | changes))


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ((10, 0.7), ValueError, r"taps: expected one of \(8, 12, 16\), got 10"),
        ((8.0, 0.7), TypeError, "taps: expected one of"),
        ((8, 0.0), ValueError, "band: expected a part"),
        ((8, 1.1), ValueError, "band: expected a part"),
        ((8, math.nan), ValueError, "band: expected a part"),
        ((8, 0.7, 0.4), ValueError, "hamming: expected a coefficient"),
        ((8, 0.7, 1.1), ValueError, "hamming: expected a coefficient"),
        ((8, 0.7, math.nan), ValueError, "hamming: expected a coefficient"),
    ],
)
def test_errors_of_weights_name_the_argument(arguments, error, message):
    with pytest.raises(error, match=message):
        kernels.weights(*arguments)
