"""AlignSAR's own signatures by its own formulas (Zhang et al. 2025; scipy.signal.convolve2d, numpy.linalg.eigvals).

On a real pair of Sentinel-1 (its two dates as two channels), on a made stack of that size, and on a date of the
published datasets' size, 940 x 2350; benchmarks/signatures.py compares all seven dates of such a stack.
"""

from __future__ import annotations

import math

import numpy as np
import pytest
from polarimetry import channels
from scipy.signal import convolve2d

from alignsar_gpu import kernels
from alignsar_gpu.products.snap.reader import open_stack

NAMES = (
    "intensity_sum",
    "intensity_difference",
    "intensity_ratio",
    "cross_correlation",
    "cross_product",
    "entropy",
)
KERNEL = np.ones((3, 3)) / 9.0
INSIDE = (slice(1, -1), slice(1, -1))  # of what it pads with zeros


def real_pair(real_data):
    stack = open_stack(real_data("s1_amsterdam_snap_stack"))
    pixels, valid = stack.read_pixels(0, stack.grid.lines)
    lines = slice(2, 45)  # between two of its three pixels without data
    assert valid[..., lines, :].all()
    return [np.ascontiguousarray(one[0, lines]) for one in pixels]


@pytest.fixture(scope="module", params=["Amsterdam, real", "7 dates of Amsterdam's size", "940 x 2350"])
def pairs(request, real_data):
    if request.param == "Amsterdam, real":
        return [real_pair(real_data)]
    rng = np.random.default_rng(5)
    dates, shape = (7, (84, 338)) if "7" in request.param else (1, (940, 2350))
    return [channels(rng, shape) for _ in range(dates)]


def mean(values):
    return convolve2d(values, KERNEL, boundary="symm", mode="valid")


@pytest.fixture(scope="module")
def compared(pairs):
    """For each date what we find, its covariance matrix and its amplitudes."""
    found = []
    for first, second in pairs:
        valid = np.ones(first.shape, bool)
        ours = kernels.polarimetric_signatures([first, second], valid, NAMES, window=(3, 3))
        ours |= {
            f"amplitude_{k}": kernels.amplitude_intensity_phase(one, valid)[0]
            for k, one in enumerate((first, second))
        }
        a, b = first.astype(np.complex128), second.astype(np.complex128)
        rows = [[a * a.conj(), a * b.conj()], [b * a.conj(), b * b.conj()]]
        c = np.array([[mean(product) for product in row] for row in rows])
        found.append((ours, c, np.abs(a), np.abs(b)))
    return found


def equal(found, expected):
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_amplitude(compared):
    for found, _, a, b in compared:
        equal(found["amplitude_0"], a)
        equal(found["amplitude_1"], b)


def test_sum_difference_and_ratio(compared):
    for found, _, a, b in compared:
        equal(found["intensity_sum"], a**2 + b**2)
        assert np.max(np.abs(found["intensity_difference"] - (a**2 - b**2)) / (a**2 + b**2)) < 1e-5
        equal(found["intensity_ratio"], a**2 / b**2)


def test_correlation(compared):
    for found, c, _, _ in compared:
        equal(found["cross_correlation"][INSIDE], np.abs(c[0, 1] / np.sqrt(c[0, 0] * c[1, 1])))


def test_entropy(compared):
    for found, c, _, _ in compared:
        eigenvalues = np.sort(np.abs(np.linalg.eigvals(c.transpose(2, 3, 0, 1))), axis=-1)
        p = eigenvalues / eigenvalues.sum(-1, keepdims=True)
        equal(found["entropy"][INSIDE], -(p * np.log(p) / math.log(2)).sum(-1))


def test_the_cross_product_is_one(compared):
    """Its code gives the difference of the powers under this name."""
    for found, c, _, _ in compared:
        product = found["cross_product"][INSIDE]
        assert np.max(np.abs(product - np.abs(c[0, 1])) / (c[0, 0] + c[1, 1]).real) < 1e-6
        assert np.median(np.abs(product - np.abs(c[0, 0] - c[1, 1])) / product) > 0.1
