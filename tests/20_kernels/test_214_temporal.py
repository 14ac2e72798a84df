"""Statistics over the dates of a pixel, on the CPU: against NumPy in float64, and against their own plain Python."""

from __future__ import annotations

import math

import numba
import numpy as np
import pytest
from alignsar_gpu.kernels.driving import mathematics
from alignsar_gpu.kernels.temporal import cpu as cpu_temporal
from alignsar_gpu.kernels.temporal import scalar as scalar_temporal
from hypothesis import given, settings
from hypothesis import strategies as st
from speckle import same_bits

from alignsar_gpu import kernels

NAN = np.float32(np.nan)
SHAPES = [
    (1, 3, 5),
    (2, 7, 211),
    (3, 2, 700),
    (4, 1, 513),
    (5, 1, 1),
    (7, 40, 30),
    (13, 3, 600),
    (30, 5, 130),
]


def stack(seed, shape, missing=0.15):
    """Powers of four looks, with garbage where they are missing, and a mask; some powers are NaN in spite of it."""
    rng = np.random.default_rng(seed)
    power = (rng.gamma(4.0, 0.05, shape) * 10.0 ** rng.uniform(-2, 2, shape[1:])).astype(np.float32)
    valid = rng.random(shape) >= missing
    power[~valid] = rng.choice([np.nan, np.inf, 1e30, -1.0], size=np.count_nonzero(~valid))
    power[rng.random(shape) < missing / 3] = np.nan
    return power, valid


def known(power, valid):
    """The values that count, float64, NaN where there is none."""
    return np.where(valid & np.isfinite(power), power, np.nan).astype(np.float64)


def moments(values):
    """Mean, deviation with n - 1, and their ratio over the dates, float64."""
    with np.errstate(all="ignore"):
        count = np.sum(np.isfinite(values), axis=0)
        mean = np.nansum(values, axis=0) / np.where(count > 0, count, np.nan)
        squares = np.nansum((values - mean) ** 2, axis=0)
        deviation = np.sqrt(squares / np.where(count > 1, count - 1.0, np.nan))
        return mean, deviation, np.where(mean > 0, deviation / mean, np.nan)


def oracle(power, valid):
    values = known(power, valid)
    mean, deviation, ratio = moments(values)
    with np.errstate(invalid="ignore"):
        dispersion = moments(np.sqrt(np.where(values >= 0, values, np.nan)))[2]
    return dict(zip(kernels.STATISTICS, (mean, deviation, ratio, dispersion), strict=True))


def assert_statistics(got, wanted, rtol=1e-6):
    for name, array in got.items():
        assert array.dtype == np.float32
        np.testing.assert_allclose(array, wanted[name], rtol=rtol, atol=0, err_msg=name)


# The logarithm


def test_logarithm_is_within_its_stated_relative_error_also_around_one():
    rng = np.random.default_rng(0)
    wide = 2.0 ** rng.uniform(-126, 127.99, 200_000)
    near = 1.0 + rng.uniform(-0.3, 0.5, 200_000)
    close = 1.0 + rng.choice([-1.0, 1.0], 50_000) * 10.0 ** rng.uniform(-7, -1, 50_000)
    x = np.concatenate([wide, near, close]).astype(np.float32)
    got = kernels.log_ratio(x, np.ones_like(x), np.ones(x.shape, dtype=bool))
    exact = 10.0 * np.log10(x.astype(np.float64))
    assert np.abs(got - exact)[exact != 0].max() > 0  # float32 against float64
    np.testing.assert_allclose(got, exact, rtol=5e-7, atol=0)
    for power in range(-126, 128):
        assert mathematics.binary_logarithm(np.float32(2.0**power)) == power


# Moments


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_statistics_against_float64(shape):
    power, valid = stack(shape[0], shape)
    got = kernels.temporal_statistics(power, valid)
    assert list(got) == list(kernels.STATISTICS)
    assert all(array.shape == shape[1:] for array in got.values())
    assert_statistics(got, oracle(power, valid))


@pytest.mark.parametrize("name", kernels.STATISTICS)
def test_an_output_alone_has_the_bits_that_it_has_among_all(name):
    power, valid = stack(2, (5, 4, 300))
    alone = kernels.temporal_statistics(power, valid, outputs=[name])
    assert list(alone) == [name]
    assert same_bits(alone.values(), [kernels.temporal_statistics(power, valid)[name]])


def test_one_date_has_a_mean_and_nothing_else():
    power = np.full((1, 2, 3), 0.7, dtype=np.float32)
    got = kernels.temporal_statistics(power, np.ones(power.shape, dtype=bool))
    np.testing.assert_array_equal(got.pop("intensity_mean"), power[0])
    assert all(np.isnan(array).all() for array in got.values())


def test_nothing_valid_is_nan_everywhere():
    power, _ = stack(3, (6, 5, 7))
    nothing = np.zeros(power.shape, dtype=bool)
    results = [
        *kernels.temporal_statistics(power, nothing).values(),
        *kernels.seasonal_fit(power, nothing, np.arange(6) * 60.0, outputs=kernels.SEASONAL).values(),
        *kernels.temporal_extremes(power, nothing),
        *kernels.temporal_mean_minimum(np.full(power.shape, NAN)),
        kernels.log_ratio(power, power, nothing),
        kernels.change_index(power, power, power, nothing),
    ]
    assert len(results) == 12
    assert all(np.isnan(array).all() for array in results)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e-7, 3.3e12, 1e30])
def test_deviation_of_equal_dates_is_exactly_zero(value):
    power = np.full((11, 3, 40), value, dtype=np.float32)
    valid = np.random.default_rng(4).random(power.shape) > 0.3
    valid[:2] = True
    got = kernels.temporal_statistics(power, valid)
    assert (got["intensity_mean"] == np.float32(value)).all()
    assert (got["intensity_deviation"] == 0).all()
    for name in ("coefficient_of_variation", "amplitude_dispersion"):
        assert np.isnan(got[name]).all() if value == 0 else (got[name] == 0).all()


@pytest.mark.parametrize("spread", [1.0, 30.0, 1e4])
def test_small_deviation_of_a_large_mean(spread):
    rng = np.random.default_rng(5)
    power = (1e6 + spread * rng.standard_normal((12, 10, 60))).astype(np.float32)
    valid = np.ones(power.shape, dtype=bool)
    assert_statistics(kernels.temporal_statistics(power, valid), oracle(power, valid), rtol=1e-6)


def test_a_first_date_far_brighter_than_the_others_leaves_no_trace_in_their_deviation():
    """The difference to the first date is what is summed: 80 and 200 dB above the others."""
    power, valid = stack(6, (9, 4, 300), missing=0.0)
    power[0, :, :100] *= np.float32(1e8)
    power[0, :, 100:200] *= np.float32(1e20)
    power[4] *= np.float32(1e4)
    assert_statistics(kernels.temporal_statistics(power, valid), oracle(power, valid), rtol=1e-5)


def test_negative_powers_count_in_the_mean_and_not_in_the_amplitude():
    power = np.array([-0.5, 1.0, 4.0, -0.1, 9.0], dtype=np.float32).reshape(5, 1, 1)
    got = kernels.temporal_statistics(power, np.ones(power.shape, dtype=bool))
    exact = power.astype(np.float64)
    assert got["intensity_mean"] == np.float32(exact.mean())
    assert got["intensity_deviation"] == np.float32(exact.std(ddof=1))
    assert got["amplitude_dispersion"] == pytest.approx(0.5)  # of 1, 2 and 3


def test_zero_is_an_amplitude():
    power = np.array([0.0, 4.0, 0.0, 4.0], dtype=np.float32).reshape(4, 1, 1)
    got = kernels.temporal_statistics(
        power, np.ones(power.shape, dtype=bool), outputs=["amplitude_dispersion"]
    )
    assert got["amplitude_dispersion"] == pytest.approx(math.sqrt(4.0 / 3.0))


@pytest.mark.parametrize("power", [(1.0, -1.0), (1.0, -2.0)])
def test_ratio_to_a_mean_that_is_not_positive_is_nan(power):
    images = np.array(power, dtype=np.float32).reshape(2, 1, 1)
    got = kernels.temporal_statistics(images, np.ones(images.shape, dtype=bool))
    assert np.isnan(got["coefficient_of_variation"]).all()
    assert got["intensity_deviation"] > 0
    assert np.isnan(got["amplitude_dispersion"]).all()  # of one amplitude


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), dates=st.integers(2, 12), exponent=st.integers(-12, 12))
def test_scale_and_order_of_the_dates(seed, dates, exponent):
    power, valid = stack(seed, (dates, 3, 50))
    power = np.where(valid & np.isfinite(power), power, NAN)
    before = kernels.temporal_statistics(power, valid)
    order = np.random.default_rng(seed).permutation(dates)
    assert_statistics(kernels.temporal_statistics(power[order], valid[order]), before, rtol=2e-6)
    factor = np.float32(4.0**exponent)  # exact, and so is its root
    after = kernels.temporal_statistics(power * factor, valid)
    for name in kernels.STATISTICS[:2]:
        np.testing.assert_array_equal(after[name], before[name] * factor)
    for name in kernels.STATISTICS[2:]:
        np.testing.assert_array_equal(after[name], before[name])


# The annual harmonic


def harmonic(days, offset, amplitude, peak):
    """Power, float32, of a harmonic of the dB with its maximum on a day of the year."""
    turns = (days[:, np.newaxis, np.newaxis] - peak) / 365.25
    return (10.0 ** ((offset + amplitude * np.cos(2 * np.pi * turns)) / 10.0)).astype(np.float32)


def fitted(power, valid, days):
    """The same fit by numpy.linalg.lstsq, a pixel at a time: b, c, and how well the dates determine them."""
    counts = valid & (power > 0) & np.isfinite(power)
    turns = 2 * np.pi * days / 365.25
    design = np.stack([np.ones_like(days), np.cos(turns), np.sin(turns)], axis=1)
    fits = np.full((3, *power.shape[1:]), np.nan)
    for pixel in np.ndindex(power.shape[1:]):
        use = counts[(slice(None), *pixel)]
        if np.count_nonzero(use) < 4:
            continue
        y = 10 * np.log10(power[(use, *pixel)].astype(np.float64))
        fits[(slice(2), *pixel)] = np.linalg.lstsq(design[use], y, rcond=None)[0][1:]
        spread = np.linalg.eigvalsh(np.cov(design[use, 1:].T, bias=True))[0]
        fits[(2, *pixel)] = np.sqrt(0.5 / spread)
    return fits


def test_a_harmonic_is_found_with_its_amplitude_and_day():
    rng = np.random.default_rng(7)
    days = np.sort(rng.uniform(0, 900, 25)) + 3 * 365.25
    shape = (4, 150)
    offset, amplitude, peak = (
        rng.uniform(-25, 5, shape),
        rng.uniform(0.5, 6, shape),
        rng.uniform(0, 365, shape),
    )
    power = harmonic(days, offset, amplitude, peak)
    valid = rng.random(power.shape) > 0.2
    power[~valid] = 1e9
    got = kernels.seasonal_fit(power, valid, days, outputs=kernels.SEASONAL)
    assert list(got) == list(kernels.SEASONAL)
    assert np.abs(got["seasonal_amplitude"] - amplitude).max() < 1e-4
    late = np.remainder(got["seasonal_peak_day"] - peak + 180, 365.25) - 180
    assert np.abs(late).max() < 0.01
    assert got["seasonal_peak_day"].min() >= 0
    assert got["seasonal_peak_day"].max() < 365.25


@pytest.mark.parametrize("dates", [4, 5, 8, 17])
def test_fit_against_least_squares(dates):
    rng = np.random.default_rng(dates)
    days = np.sort(rng.uniform(0, 500, dates))
    power, valid = stack(dates, (dates, 6, 50))
    power[2, :, ::7] = -0.3
    b, c, inflation = fitted(power, valid, days)
    determined = inflation <= 2.5
    got = kernels.seasonal_fit(power, valid, days)["seasonal_amplitude"]
    assert got.dtype == np.float32
    np.testing.assert_array_equal(np.isnan(got), ~determined)
    assert determined.mean() > 0.1
    assert determined.all() == (dates == 17)
    assert np.abs(got - np.hypot(b, c))[determined].max() < 1e-4
    for limit in (1.0, 1.7, 30.0):
        some = kernels.seasonal_fit(power, valid, days, largest_inflation=limit)["seasonal_amplitude"]
        np.testing.assert_array_equal(np.isnan(some), ~(inflation <= limit))


@pytest.mark.parametrize(("part", "inflation"), [(0.25, 8.0), (1 / 3, 4.7), (0.5, 2.3), (1.0, 1.0)])
def test_inflation_of_dates_spread_over_a_part_of_a_year(part, inflation):
    days = 40.0 + (np.arange(400) + 0.5) / 400 * part * 365.25
    power = harmonic(days, np.full((1, 1), -10.0), 2.0, 100.0)
    valid = np.ones(power.shape, dtype=bool)
    for limit, found in ((inflation - 0.06, False), (inflation + 0.06, True)):
        if limit >= 1:
            got = kernels.seasonal_fit(power, valid, days, largest_inflation=limit)["seasonal_amplitude"]
            assert np.isfinite(got).all() == found


def test_dates_of_one_season_or_fewer_than_four_give_no_harmonic():
    rng = np.random.default_rng(8)
    for days in (
        np.arange(10) * 12.0,
        np.array([0.0, 120.0, 240.0]),
        np.array([0.0, 365.25, 730.5, 1095.75, 90.0]),
    ):
        power = rng.gamma(4, 1, (len(days), 2, 3)).astype(np.float32)
        got = kernels.seasonal_fit(power, np.ones(power.shape, dtype=bool), days, outputs=kernels.SEASONAL)
        assert all(np.isnan(array).all() for array in got.values())


def test_noise_of_the_amplitude_grows_as_the_inflation_says():
    rng = np.random.default_rng(9)
    amplitude = {}
    for part in (1.0, 0.5):
        days = (np.arange(40) + 0.5) / 40 * part * 365.25
        steady = np.full((40, 100, 200), 1.0)
        power = (steady * 10.0 ** (0.1 * rng.standard_normal(steady.shape))).astype(np.float32)
        valid = np.ones(power.shape, dtype=bool)
        amplitude[part] = kernels.seasonal_fit(power, valid, days)["seasonal_amplitude"]
    # of 1 dB of noise sqrt(2 / n) in each direction; over half a year 2.3 times that in one of them
    assert np.mean(amplitude[1.0] ** 2.0) == pytest.approx(2 * 2 / 40, rel=0.03)
    assert np.mean(amplitude[0.5] ** 2.0) == pytest.approx((1.0 + 2.297**2) * 2 / 40, rel=0.03)


# Extremes, means and ratios


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_extremes_against_numpy(shape):
    power, valid = stack(20 + shape[0], shape)
    power[0] = -np.abs(power[0])
    for positive in (False, True):
        values = known(power, valid)
        if positive:
            values = np.where(values > 0, values, np.nan)
        lowest, highest = kernels.temporal_extremes(power, valid, positive=positive)
        np.testing.assert_array_equal(lowest, np.fmin.reduce(values, axis=0).astype(np.float32))
        np.testing.assert_array_equal(highest, np.fmax.reduce(values, axis=0).astype(np.float32))


@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_mean_and_minimum_against_numpy(shape):
    rng = np.random.default_rng(30)
    values = rng.random(shape, dtype=np.float32)
    values[rng.random(shape) < 0.3] = np.nan
    mean, minimum = kernels.temporal_mean_minimum(values)
    np.testing.assert_allclose(mean, moments(values.astype(np.float64))[0], rtol=1e-7)
    np.testing.assert_array_equal(minimum, np.fmin.reduce(values, axis=0))


def test_log_ratio_against_numpy():
    power, valid = stack(31, (6, 20, 70))
    other = np.abs(np.roll(power, 1, axis=2))
    other[0, 0, :4] = (0.0, 1e-42, -1.0, np.inf)
    got = kernels.log_ratio(power, other, valid)
    with np.errstate(all="ignore"):
        positive = (power > 1e-37) & (other > 1e-37) & np.isfinite(power) & np.isfinite(other)
        wanted = 10 * np.log10(np.where(valid & positive, power.astype(np.float64) / other, np.nan))
    assert got.dtype == np.float32
    np.testing.assert_allclose(got, wanted, rtol=5e-7, atol=2e-6)
    assert (kernels.log_ratio(power, power, valid)[valid & np.isfinite(power)] == 0).all()
    np.testing.assert_allclose(kernels.log_ratio(other, power, valid), -wanted, rtol=5e-7, atol=2e-6)


def test_change_index_is_of_decibels_and_from_dry_to_wet():
    decibels = np.array([[-14.0, -12.0, -9.5, -8.0, -7.0, -16.0]])
    power = (10 ** (decibels / 10)).astype(np.float32)
    dry, wet = (np.full(power.shape, 10 ** (bound / 10), dtype=np.float32) for bound in (-14.0, -8.0))
    valid = np.ones(power.shape, dtype=bool)
    got = kernels.change_index(power, dry, wet, valid)
    np.testing.assert_allclose(got, (decibels + 14.0) / 6.0, atol=1e-6)
    assert np.isnan(kernels.change_index(power, dry, wet, valid, smallest_range=6.1)).all()
    assert np.isnan(kernels.change_index(power, wet, dry, valid)).all()
    assert np.isnan(kernels.change_index(power, np.zeros_like(dry), wet, valid)).all()


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), dates=st.integers(2, 9))
def test_change_index_between_the_extremes_of_a_stack_is_within_zero_and_one(seed, dates):
    power, valid = stack(seed, (dates, 3, 60))
    dry, wet = kernels.temporal_extremes(power, valid, positive=True)
    index = np.stack(
        [kernels.change_index(p, dry, wet, v, smallest_range=0.01) for p, v in zip(power, valid, strict=True)]
    )
    some = np.isfinite(index).any(axis=0)
    assert some.any()
    assert (np.nanmin(index[:, some], axis=0) == 0).all()
    assert (np.nanmax(index[:, some], axis=0) == 1).all()


# Bits


def everything(power, valid, days):
    """All results of a stack, as images."""
    return [
        *kernels.temporal_statistics(power, valid).values(),
        *kernels.seasonal_fit(power, valid, days, outputs=kernels.SEASONAL).values(),
        *kernels.temporal_extremes(power, valid),
        *kernels.temporal_extremes(power, valid, positive=True),
        *kernels.temporal_mean_minimum(np.where(valid, power, NAN)),
        kernels.log_ratio(power[0], power[1], valid[0]),
        kernels.change_index(power[0], power[1], power[2], valid[0]),
    ]


def test_bits_depend_neither_on_threads_nor_on_blocks():
    days = np.array([3.0, 60.0, 141.0, 200.0, 320.0, 380.0])
    power, valid = stack(40, (6, 60, 1111))  # three blocks, the last one short
    assert power[0].size > 2 * cpu_temporal.BLOCK
    whole = everything(power, valid, days)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        assert same_bits(everything(power, valid, days), whole)
    finally:
        numba.set_num_threads(threads)
    for a, b in ((0, 1), (1, 18), (18, 60)):
        part = everything(*(np.ascontiguousarray(array[:, a:b]) for array in (power, valid)), days)
        assert same_bits(part, [array[a:b] for array in whole])


@pytest.mark.parametrize("dates", [5, 8])
def test_compiled_drivers_are_the_plain_python_ones(dates, monkeypatch):
    monkeypatch.setattr(cpu_temporal, "RUN", 16)
    power, valid = stack(41, (dates, 3, 13))
    days = np.sort(np.random.default_rng(42).uniform(0, 600, dates))
    wanted = everything(power, valid, days)
    plain = [np.empty(39, dtype=np.float32) for _ in wanted]
    flat = (power.reshape(dates, 39), valid.reshape(dates, 39))
    turns = 2 * np.pi * np.remainder(days, 365.25) / 365.25
    table = np.stack([np.cos(turns), np.sin(turns)])
    one, two, three = flat[0][:3]
    with np.errstate(all="ignore"):
        cpu_temporal.temporal_statistics(*flat, plain[:4])
        cpu_temporal.seasonal_fit(*flat, table, 0.5 / 2.5**2, plain[4:6])
        cpu_temporal.temporal_extremes(*flat, -scalar_temporal.LARGEST, *plain[6:8])
        cpu_temporal.temporal_extremes(*flat, scalar_temporal.SMALLEST_NORMAL, *plain[8:10])
        cpu_temporal.temporal_mean_minimum(np.where(flat[1], flat[0], NAN), *plain[10:12])
        cpu_temporal.log_ratio(one, two, flat[1][0], plain[12])
        cpu_temporal.change_index(one, two, three, flat[1][0], np.float32(1.0), plain[13])
    assert same_bits([array.reshape(-1) for array in wanted], plain)


# Arguments


POWER = np.ones((5, 4, 3), dtype=np.float32)
VALID = np.ones((5, 4, 3), dtype=bool)
DAYS = np.arange(5) * 80.0


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: kernels.temporal_statistics(POWER.astype(float), VALID), "power: expected dtype float32"),
        (lambda: kernels.temporal_statistics(POWER[0], VALID[0]), "power: expected three dimensions"),
        (lambda: kernels.temporal_statistics(POWER, VALID[:4]), "valid: expected the shape"),
        (lambda: kernels.temporal_statistics(POWER[:, ::2], VALID[:, ::2]), "power: expected a C-contiguous"),
        (lambda: kernels.temporal_statistics(POWER, VALID, outputs=["median"]), "outputs: expected some of"),
        (lambda: kernels.temporal_statistics(POWER, VALID, outputs=[]), "outputs: expected some of"),
        (
            lambda: kernels.temporal_statistics(POWER, VALID, outputs="intensity_mean"),
            "outputs: expected some of",
        ),
        (lambda: kernels.seasonal_fit(POWER, VALID, DAYS[:4]), "days: expected a number for each of 5"),
        (lambda: kernels.seasonal_fit(POWER, VALID, DAYS * np.nan), "days: expected a number for each of 5"),
        (
            lambda: kernels.seasonal_fit(POWER, VALID, DAYS, largest_inflation=0.9),
            "largest_inflation: expected",
        ),
        (lambda: kernels.temporal_extremes(POWER, VALID.view(np.uint8)), "valid: expected dtype bool"),
        (lambda: kernels.temporal_mean_minimum(POWER[0]), "values: expected three dimensions"),
        (lambda: kernels.log_ratio(POWER, POWER[0], VALID), "other: expected the shape"),
        (lambda: kernels.change_index(POWER, POWER, POWER[1], VALID), "wet: expected the shape"),
        (
            lambda: kernels.change_index(POWER, POWER, POWER, VALID, smallest_range=0.0),
            "smallest_range: expected",
        ),
    ],
)
def test_what_is_refused(call, message):
    with pytest.raises((TypeError, ValueError), match=message):
        call()


@pytest.mark.parametrize("shape", [(0, 2, 3), (4, 0, 3)])
def test_no_dates_or_no_pixels(shape):
    power, valid = np.zeros(shape, dtype=np.float32), np.zeros(shape, dtype=bool)
    results = [
        *kernels.temporal_statistics(power, valid).values(),
        *kernels.seasonal_fit(power, valid, np.zeros(shape[0])).values(),
        *kernels.temporal_extremes(power, valid),
        *kernels.temporal_mean_minimum(power),
    ]
    for array in results:
        assert array.shape == shape[1:]
        assert np.isnan(array).all()
