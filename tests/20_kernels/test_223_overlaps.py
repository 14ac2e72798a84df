"""Covers of cells settled: against sums in numpy, what hides what, 32 bits, errors."""

from __future__ import annotations

import numba
import numpy as np
import pytest
from alignsar_gpu.kernels.cells import cpu_covers

from alignsar_gpu import kernels

NONE = np.zeros(0, np.int64)


def settled(sums, order=()):
    """By definition: sums along rows, no less than none and no more than all; then what is above is taken off."""
    wanted = np.clip(np.cumsum(sums, axis=2, dtype=np.int64), 0, kernels.WHOLE_CELL)
    left = np.full(sums.shape[1:], kernels.WHOLE_CELL)
    for plane in order:
        wanted[plane] = np.minimum(wanted[plane], left)
        left = left - wanted[plane]
    return wanted


@pytest.mark.parametrize("order", [[], [0], [3], [0, 1, 2, 3], [3, 1, 2, 0], [2, 0]])
def test_settled_covers(order):
    rng = np.random.default_rng(6)
    sums = np.diff(rng.integers(-(1 << 19), 3 << 19, (4, 19, 40)), axis=2, prepend=0).astype(np.int32)
    sums[:, 3:5] //= 3
    cover = sums.copy()
    kernels.resolve_overlaps(cover, np.array(order, np.int64))
    np.testing.assert_array_equal(cover, settled(sums, order))
    assert cover.dtype == np.int32
    assert 0 == cover.min() < cover.max() == kernels.WHOLE_CELL
    if order:
        total = cover[order].sum(axis=0)
        assert total.max() == kernels.WHOLE_CELL
        assert total.min() < kernels.WHOLE_CELL
    plain = sums.copy()
    cpu_covers.resolve_overlaps(plain, np.array(order, np.int64))
    np.testing.assert_array_equal(plain, cover)


def test_the_first_plane_hides_later_ones():
    quarters = np.array(
        [[[4, 4, 2, 0], [0, 0, 0, 0]], [[0, 3, 4, 4], [0, 3, 4, 4]], [[4, 4, 4, 4], [0, 0, 0, 0]]]
    )
    sums = (np.diff(quarters, axis=2, prepend=0) * (kernels.WHOLE_CELL // 4)).astype(np.int32)
    wanted = {
        (0, 1, 2): [[4, 4, 2, 0], [0, 0, 2, 4], [0, 0, 0, 0]],
        (1, 0, 2): [[4, 1, 0, 0], [0, 3, 4, 4], [0, 0, 0, 0]],
        (2, 0, 1): [[0, 0, 0, 0], [0, 0, 0, 0], [4, 4, 4, 4]],
        (1, 2): [[4, 4, 2, 0], [0, 3, 4, 4], [4, 1, 0, 0]],
        (): [[4, 4, 2, 0], [0, 3, 4, 4], [4, 4, 4, 4]],
    }
    for order, seen in wanted.items():
        cover = sums.copy()
        kernels.resolve_overlaps(cover, np.array(order, np.int64))
        np.testing.assert_array_equal(cover[:, 0] * 4 / kernels.WHOLE_CELL, seen)


def test_sums_of_32_bits():
    """What comes after a sum too large is right again, for it is counted round."""
    largest = 2**31 - 1
    cover = np.array([[[largest, 5, -largest - 1, 7, 0, -11]]], np.int32)
    kernels.resolve_overlaps(cover, NONE)
    np.testing.assert_array_equal(cover[0, 0], [kernels.WHOLE_CELL, 0, 4, 11, 11, 0])


def test_bits_do_not_depend_on_threads():
    rng = np.random.default_rng(7)
    sums = np.diff(rng.integers(0, 2 << 19, (3, 90, 70)), axis=2, prepend=0).astype(np.int32)
    together, alone = sums.copy(), sums.copy()
    kernels.resolve_overlaps(together, np.array([1, 0]))
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        kernels.resolve_overlaps(alone, np.array([1, 0]))
    finally:
        numba.set_num_threads(threads)
    np.testing.assert_array_equal(alone, together)


def test_nothing_to_settle():
    for shape in ((0, 3, 4), (2, 0, 4), (2, 3, 0)):
        kernels.resolve_overlaps(np.zeros(shape, np.int32), NONE)


def test_what_is_refused():
    with pytest.raises(TypeError, match="order: expected whole numbers, got dtype float64"):
        kernels.resolve_overlaps(np.zeros((2, 3, 4), np.int32), np.array([0.7, 1.2]))
    cover = np.zeros((2, 3, 4), np.int32)
    with pytest.raises(TypeError, match="cover: expected dtype int32, got int64"):
        kernels.resolve_overlaps(cover.astype(np.int64), NONE)
    with pytest.raises(ValueError, match=r"cover: expected \[plane, row, column\], got \(3, 4\)"):
        kernels.resolve_overlaps(cover[0], NONE)
    for order in ([0, 0], [[0, 1]]):
        with pytest.raises(ValueError, match="order: expected numbers of planes, each once at most"):
            kernels.resolve_overlaps(cover, np.array(order))
    for order in ([-1], [0, 2]):
        with pytest.raises(ValueError, match="order: expected numbers of planes, of which there are 2"):
            kernels.resolve_overlaps(cover, np.array(order))
