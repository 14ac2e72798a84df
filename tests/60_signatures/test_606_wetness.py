"""The relative wetness index: five dates, percentiles that an outlier does not move, the incidence angle cancelled."""

import numpy as np
import pytest
from alignsar_gpu.kernels import change_index
from synthetic_stack import simulate_stack

from alignsar_gpu.application.dataset.signature_choice import available, options_of
from alignsar_gpu.config import Config, InterferometryConfig, SignaturesConfig
from alignsar_gpu.signatures import select
from alignsar_gpu.signatures.percentiles import outer_percentiles

SHARE = 0.1


def stack_of(dates, seed=0, lines=6, samples=40):
    """Powers of some dates with gaps, zeros, negative ones and many that are the same; and where they are valid."""
    rng = np.random.default_rng(seed)
    power = rng.exponential(0.1, (dates, lines, samples)).astype(np.float32)
    power[rng.random(power.shape) < 0.1] = np.float32(0.05)
    power[rng.random(power.shape) < 0.05] = rng.choice([-0.01, 0.0])
    power[:, 0, :8] = np.float32(0.02)
    power[:, 0, 8:16] = np.where(np.arange(dates)[:, None] == dates // 2, 0.02, 0.03)
    power[rng.random(power.shape) < 0.15] = np.nan
    return power, np.isfinite(power)


def counted(power, valid):
    return np.where(valid & (power > 0.0), power, np.nan)


@pytest.mark.parametrize("dates", [2, 5, 6, 11, 21, 40])
@pytest.mark.parametrize("share", [0.1, 0.25])
def test_percentiles_are_those_of_numpy(dates, share):
    power, valid = stack_of(dates, seed=dates)
    found = outer_percentiles(power, valid, share, np)
    values = counted(power, valid)
    enough = np.isfinite(values).sum(axis=0) >= 5
    assert enough.any() == (dates > 2)
    for got, percent in zip(found, (100.0 * share, 100.0 - 100.0 * share), strict=True):
        assert got.dtype == np.float32
        assert np.array_equal(np.isfinite(got), enough)
        if enough.any():
            expected = np.nanpercentile(values.astype(np.float64), percent, axis=0)
            np.testing.assert_allclose(got[enough], expected[enough], rtol=1e-6)


def test_an_outlier_hardly_moves_them():
    """The lowest and the highest date would move by as much as the outlier does."""
    rng = np.random.default_rng(2)
    power = rng.uniform(0.1, 0.2, (21, 4, 5)).astype(np.float32)
    bright = power.copy()
    bright[7] *= 100.0
    dry, wet = outer_percentiles(power, np.isfinite(power), SHARE, np)
    low, high = outer_percentiles(bright, np.isfinite(bright), SHARE, np)
    assert np.abs(10 * np.log10(high / wet)).max() < 0.5
    assert np.abs(10 * np.log10(low / dry)).max() < 0.5
    assert 10 * np.log10(bright.max(axis=0) / power.max(axis=0)).min() > 15.0


def wetness(power):
    valid = np.isfinite(power)
    dry, wet = outer_percentiles(power, valid, SHARE, np)
    return np.stack([change_index(one, dry, wet, mask) for one, mask in zip(power, valid, strict=True)])


def test_normalising_the_incidence_angle_cancels():
    """Wagner's sigma0(40) = sigma0(angle) - slope (angle - 40 degrees), in dB: the index is the same without it."""
    power, _ = stack_of(12, seed=3)
    angle = np.linspace(29.0, 46.0, power.shape[2])
    for slope in (-0.05, -0.15):  # dB a degree
        normalised = (power * 10.0 ** (-0.1 * slope * (angle - 40.0))).astype(np.float32)
        np.testing.assert_allclose(wetness(normalised), wetness(power), atol=1e-4)


def config(**signatures):
    settings = Config(products=None)
    settings.signatures = SignaturesConfig(**signatures)
    settings.interferometry = InterferometryConfig()
    return settings


@pytest.mark.parametrize("dates", [2, 4, 5])
def test_what_few_dates_do_not_tell_is_left_out_and_said(dates):
    """Of two dates one is dry and the other wet in every pixel, and a season takes four."""
    product = simulate_stack(lines=16, samples=24, dates=dates, polarizations=("vv",), seed=1, flattened=True)
    chosen, left_out = available(product, select(["temporal"]), options_of(product, config(), None))
    names = {signature.name for signature in chosen}
    assert ("relative_wetness_index" in names) == (dates >= 5)
    assert ("seasonal_amplitude" in names) == (dates >= 4)
    assert {"intensity_mean", "log_ratio_previous"} <= names
    said = [
        f"left out, because they need {fewest} dates or more, and the product has {dates}: {names}"
        for fewest, names in ((4, "seasonal_amplitude, seasonal_peak_day"), (5, "relative_wetness_index"))
    ]
    assert left_out == [text for text, fewest in zip(said, (4, 5), strict=True) if dates < fewest]


def test_the_index_is_named_for_what_it_is():
    (signature,) = select(["relative_wetness_index"])
    assert (signature.units, signature.valid_range) == ("1", (0.0, 1.0))
    assert "Wagner et al. 1999" in signature.references
    assert "Bauer-Marschallinger et al. 2019" in signature.references
