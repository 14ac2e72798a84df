"""Speckle over dates, and the equivalent number of looks: against speckle of known looks."""

from __future__ import annotations

import math

import numpy as np
import pytest

from alignsar_gpu import kernels
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.signatures.speckle import equivalent_number_of_looks, multitemporal_quegan


def speckled(looks, shape, seed=0):
    return np.random.default_rng(seed).gamma(looks, 1.0 / looks, shape).astype(np.float32)


def looks_of(image, **options):
    return equivalent_number_of_looks(image, np.ones(image.shape, dtype=bool), np, **options)


# The multi-temporal filter


def local_means(powers, valid, window):
    means = [
        kernels.speckle_filter(power[np.newaxis], mask, method="boxcar", window=window, looks=1, powers=1)[0]
        for power, mask in zip(powers, valid, strict=True)
    ]
    return np.array(means)


@pytest.mark.parametrize("looks", [1, 4])
@pytest.mark.parametrize(("dates", "window"), [(4, (7, 7)), (10, (9, 9)), (30, (15, 15))])
def test_quegan_multiplies_the_looks_as_theory_says(dates, window, looks):
    """With n pixels in the means and N dates, ENL = L n N / (n + N - 1), to first order in 1 / (n L)."""
    powers = speckled(looks, (dates, 256, 256)) * np.float32(3.0)
    valid = np.ones(powers.shape, dtype=bool)
    got = multitemporal_quegan(powers, local_means(powers, valid, window), valid, np)
    inside = got[:, 10:-10, 10:-10].astype(np.float64)
    measured = np.mean(inside.mean(axis=(1, 2)) ** 2 / inside.var(axis=(1, 2)))
    pixels = window[0] * window[1]
    assert measured == pytest.approx(looks * pixels * dates / (pixels + dates - 1), rel=0.05)
    assert inside.mean() == pytest.approx(3.0, rel=0.005)


def test_quegan_keeps_fine_structure_and_the_levels_of_dates():
    """Lines one pixel wide, of no speckle: each date is its level times the structure that all dates share."""
    structure = np.where(np.arange(60) % 10 == 0, 20.0, 1.0) * np.ones((40, 1))
    levels = np.array([0.5, 2.0, 8.0])[:, np.newaxis, np.newaxis]
    powers = (levels * structure).astype(np.float32)
    valid = np.ones(powers.shape, dtype=bool)
    got = multitemporal_quegan(powers, local_means(powers, valid, (7, 7)), valid, np)
    np.testing.assert_allclose(got, powers, rtol=1e-5)


def test_quegan_takes_any_layout_and_leaves_missing_dates_out():
    powers = speckled(2, (20, 30, 5), seed=1).astype(np.float64).transpose(2, 0, 1)
    means = np.full(powers.shape, 1.0)
    valid = np.random.default_rng(2).random(powers.shape) > 0.4
    powers[~valid] = np.nan
    got = multitemporal_quegan(powers, means, valid, np)
    with np.errstate(invalid="ignore"):
        wanted = np.where(valid, powers, 0.0).sum(axis=0) / valid.sum(axis=0)
    for date in range(5):
        np.testing.assert_allclose(got[date], np.where(valid[date], wanted, np.nan), rtol=1e-5)


# The equivalent number of looks


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("looks", [0.5, 1, 2, 4.4, 20, 100, 1000])
def test_looks_of_developed_speckle(looks, seed):
    assert looks_of(speckled(looks, (300, 300), seed)) == pytest.approx(looks, rel=0.05)


@pytest.mark.parametrize("window", [(3, 3), (5, 5), (5, 21), (15, 15)])
def test_looks_do_not_depend_on_the_window(window):
    for looks in (1, 5):
        assert looks_of(speckled(looks, (512, 512)), window=window) == pytest.approx(looks, rel=0.06)


def test_looks_of_a_small_image_are_still_near():
    found = [looks_of(speckled(4, (100, 100), seed)) for seed in range(8)]
    assert max(found) < 4.0 * 1.12
    assert min(found) > 4.0 * 0.88


@pytest.mark.parametrize("looks", [1, 4, 16])
def test_texture_edges_and_targets_do_not_fool_it(looks):
    """Two fifths of the image textured (as K-distributed sea), a bright field, targets: global moments are lost."""
    rng = np.random.default_rng(3)
    scene = np.ones((512, 512))
    scene[:, :200] = rng.gamma(3, 1 / 3, (512, 200))
    scene[100:300, 200:] *= 8.0
    scene[rng.integers(0, 512, 40), rng.integers(0, 512, 40)] *= 300.0
    image = (scene * speckled(looks, scene.shape, 4)).astype(np.float32)
    assert looks_of(image) == pytest.approx(looks, rel=0.10)
    assert image.mean() ** 2 / image.var() < 0.1 * looks


def test_looks_of_what_filters_leave():
    """With pixels of a block as far apart as the filter's window is wide, those of the moments."""
    image = speckled(1, (1, 1024, 1024), 5)
    valid = np.ones(image.shape[1:], dtype=bool)
    for method in ("boxcar", "lee", "refined_lee", "gamma_map"):
        got = kernels.speckle_filter(image, valid, method=method, window=(7, 7), looks=1, powers=1)[0]
        inside = got[10:-10, 10:-10].astype(np.float64)
        wanted = inside.mean() ** 2 / inside.var()
        found = equivalent_number_of_looks(got, valid, np, spacing=(7, 7))
        assert found == pytest.approx(wanted, rel=0.15)
        if method == "boxcar":
            assert found == pytest.approx(49, rel=0.05)


def test_scale_does_not_matter_and_the_answer_is_the_same_twice():
    image = speckled(3, (200, 200), 6)
    found = looks_of(image)
    assert looks_of(image) == found
    for factor in (2.0**-40, 2.0**40):
        assert looks_of(image * np.float32(factor)) == pytest.approx(found, rel=1e-9)


def test_strips_do_not_change_the_answer(monkeypatch):
    image = speckled(3, (210, 140), 7)
    found = looks_of(image)
    monkeypatch.setattr("alignsar_gpu.signatures.speckle.STRIP_PIXELS", 2000)
    assert looks_of(image) == found


def test_pixels_that_are_not_valid_or_zero_leave_their_blocks_out():
    image = speckled(3, (300, 300), 8)
    valid = np.ones(image.shape, dtype=bool)
    image[:, 150:] = np.random.default_rng(9).choice([np.nan, np.inf, 0.0, -1.0, 1.0], (300, 150))
    valid[100:200, :150] = False
    image[100:200, :150] = 7.0
    assert equivalent_number_of_looks(image, valid, np) == pytest.approx(3, rel=0.10)


def test_what_has_no_speckle_and_what_has_no_blocks():
    assert looks_of(np.full((40, 40), 3.3, dtype=np.float32)) == math.inf
    assert math.isnan(looks_of(np.ones((6, 40), dtype=np.float32)))
    assert math.isnan(looks_of(np.ones((40, 6), dtype=np.float32)))
    assert math.isnan(looks_of(np.zeros((40, 40), dtype=np.float32)))


@pytest.mark.parametrize("options", [{"window": (1, 1)}, {"window": (0, 7)}, {"spacing": (0, 1)}])
def test_blocks_that_cannot_be_are_refused(options):
    with pytest.raises(AlignsarError, match=r"window .*, spacing"):
        looks_of(np.ones((40, 40), dtype=np.float32), **options)
