"""Averages of the parts of pixels, against NumPy and as plain Python."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from alignsar_gpu.kernels.driving import families

from alignsar_gpu import kernels

SHAPE, PARTS, LEAST = (19, 23), (2, 3), 3
KINDS = ("float32", "complex64", "uint8")


def parts_of(kind, shape=SHAPE, parts=PARTS):
    rng = np.random.default_rng(226)
    whole = shape[0] * parts[0], shape[1] * parts[1]
    lost = rng.random(whole) < 0.4
    if kind == "uint8":
        return np.where(lost, 255, rng.choice([0, 3, 7, 254], whole)).astype(np.uint8)
    values = rng.standard_normal((*whole, 2), np.float32)
    values[lost, rng.integers(0, 2)] = np.nan
    values[0, 0] = np.inf
    return values.view(np.complex64)[..., 0] if kind == "complex64" else values.min(axis=2)


def by_numpy(values, parts, least):
    rows, columns = (n // m for n, m in zip(values.shape, parts, strict=True))
    cells = values.reshape(rows, parts[0], columns, parts[1]).transpose(0, 2, 1, 3).reshape(rows, columns, -1)
    if values.dtype == np.uint8:
        counts = np.stack([(cells == code).sum(axis=2) for code in range(255)], axis=2)
        return np.where(counts.sum(axis=2) >= least, counts.argmax(axis=2), 255)
    known = np.isfinite(cells)
    total = np.where(known, cells, 0).sum(axis=2, dtype=np.complex128)
    with np.errstate(all="ignore"):
        mean = total / known.sum(axis=2)
    return np.where(known.sum(axis=2) >= least, mean, np.nan)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("parts", "least"), [(PARTS, LEAST), ((1, 1), 1), ((5, 1), 1)])
def test_averages_are_those_of_numpy(kind, parts, least):
    values = parts_of(kind, parts=parts)
    got, wanted = kernels.average_parts(values, parts, least), by_numpy(values, parts, least)
    assert (got.dtype, got.shape) == (values.dtype, SHAPE)
    missing = got == 255 if kind == "uint8" else np.isnan(got)
    assert 0 < missing.sum() < missing.size
    np.testing.assert_allclose(got, wanted, rtol=2e-7, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_bits_are_those_of_plain_python_and_of_any_rows(kind):
    values = parts_of(kind)
    got = kernels.average_parts(values, PARTS, LEAST)
    for threads in (1, 2):
        numba.set_num_threads(min(threads, numba.config.NUMBA_NUM_THREADS))
        some = kernels.average_parts(values[2 * 5 : 2 * 9], PARTS, LEAST)
        np.testing.assert_array_equal(some, got[5:9])
    numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    plain = np.empty_like(got)
    drivers = families.plain_drivers("averaging")
    with np.errstate(all="ignore"):
        if kind == "uint8":
            drivers["majority_of_parts"](values.reshape(-1), PARTS, LEAST, plain)
        else:
            planes = values.itemsize // 4
            flat, out = values.reshape(-1).view(np.float32), plain.view(np.float32)
            drivers["mean_of_parts"](flat, planes, PARTS, LEAST, out)
    np.testing.assert_array_equal(plain, got)


def test_sums_do_not_lose_what_is_small_beside_what_is_large():
    values = np.ones((1, 1000), np.float32)
    values[0, 0] = 1e8
    assert kernels.average_parts(values, (1, 1000), 1)[0, 0] == np.float32((1e8 + 999) / 1000)


def test_no_pixels_and_what_is_refused():
    assert kernels.average_parts(np.zeros((0, 6), np.float32), PARTS, 1).shape == (0, 2)
    values = np.zeros((4, 6), np.float32)
    with pytest.raises(TypeError, match="values: expected float32"):
        kernels.average_parts(values.astype(np.float64), PARTS, 1)
    with pytest.raises(ValueError, match="whole pixels"):
        kernels.average_parts(values, (3, 3), 1)
    with pytest.raises(ValueError, match="positive"):
        kernels.average_parts(values, PARTS, 0)
    with pytest.raises(ValueError, match="C-contiguous"):
        kernels.average_parts(values.T, (3, 2), 1)


def test_phases_are_those_of_numpy_and_come_back():
    rng = np.random.default_rng(227)
    phase = rng.uniform(-np.pi, np.pi, (40, 1000)).astype(np.float32)
    phase[3, 5:9] = np.nan, np.inf, 0.0, np.pi
    with np.errstate(invalid="ignore"):
        wanted = np.exp(1j * phase.astype(np.float64))
    phasors = kernels.phases_to_phasors(phase)
    assert phasors.dtype == np.complex64
    np.testing.assert_allclose(phasors, wanted, atol=3e-7)
    back = kernels.phasors_to_phases(phasors)
    known = np.isfinite(phase)
    assert np.isnan(back[~known]).all()
    assert np.abs(np.exp(1j * (back[known] - phase[known])) - 1.0).max() < 1e-6
    assert kernels.phasors_to_phases(np.zeros(3, np.complex64)).tolist() == [0.0, 0.0, 0.0]
