"""Sampling an image between its pixels: against sums over all of its pixels, edges, no data, bits, errors."""

from __future__ import annotations

import itertools

import numba
import numpy as np
import pytest
from alignsar_gpu.kernels.gathering import cpu as cpu_gather
from alignsar_gpu.kernels.gathering import scalar as scalar_gather
from gathered_images import METHODS, SHAPE, image_of, known, positions
from hypothesis import given
from hypothesis import strategies as st

from alignsar_gpu import kernels

ROUNDING = 1e-6


def no_data(dtype):
    return kernels.NO_DATA[np.dtype(dtype).name]


def tent(away):
    return np.maximum(1.0 - np.abs(away), 0.0)


def keys(away):
    """Keys 1981, equation 15: the cubic convolution kernel with a = -1/2."""
    x = np.abs(away)
    near, far = 1.5 * x**3 - 2.5 * x**2 + 1.0, -0.5 * x**3 + 2.5 * x**2 - 4.0 * x + 2.0
    return np.where(x < 1.0, near, np.where(x < 2.0, far, 0.0))


def over_all_pixels(image, row, column, kernel, pixels):
    """Of every position: the sum over all pixels times a kernel of the distance, and the same of ``pixels``."""
    down = kernel(np.clip(row, 0, len(image) - 1)[..., None] - np.arange(image.shape[0]))
    across = kernel(np.clip(column, 0, image.shape[1] - 1)[..., None] - np.arange(image.shape[1]))
    clean = np.where(pixels, np.nan_to_num(image, nan=0.0, posinf=0.0, neginf=0.0), 0).astype(complex)
    return (np.einsum("...i,ij,...j", down, what, across) for what in (clean, pixels.astype(float)))


def expected(image, row, column, method):
    """By definition, in float64."""
    rows, columns = image.shape
    with np.errstate(invalid="ignore"):
        inside = (row >= -0.5) & (row <= rows - 0.5) & (column >= -0.5) & (column <= columns - 0.5)
    y, x = np.where(inside, row, 0.0), np.where(inside, column, 0.0)
    place = tuple(np.clip(p, 0, n - 1) for p, n in zip((y, x), image.shape, strict=True))
    near = tuple(np.floor(p + 0.5).astype(int) for p in place)
    if method == "nearest":
        return np.where(inside, image[near], no_data(image.dtype))
    there = inside & known(image)[near]
    total, weight = over_all_pixels(image, *place, tent, known(image))
    values = total / np.where(there, weight, 1.0)
    if method == "cubic":
        cubic, _ = over_all_pixels(image, *place, keys, known(image))
        first = [np.minimum(p.astype(int), n - 2) for p, n in zip(place, image.shape, strict=True)]
        around = [[f + k for k in range(-1, 3)] for f in first]
        whole = (around[0][0] >= 0) & (around[0][3] < rows) & (around[1][0] >= 0) & (around[1][3] < columns)
        for i, j in itertools.product(*around):
            whole &= known(image)[np.clip(i, 0, rows - 1), np.clip(j, 0, columns - 1)]
        values = np.where(whole, cubic, values)
    return np.where(there, values if image.dtype == np.complex64 else values.real, np.nan)


def assert_close(got, wanted, bound=ROUNDING):
    np.testing.assert_array_equal(known(got), known(np.asarray(wanted)))
    mine = known(got)
    np.testing.assert_allclose(got[mine], np.asarray(wanted)[mine], rtol=0, atol=bound * 4)


# The mathematics


@given(st.floats(0, 1))
def test_cubic_weights_are_those_of_keys(t):
    found = [float(w) for w in scalar_gather.cubic_weights(np.float32(t))]
    assert found == pytest.approx(list(keys(float(np.float32(t)) - np.arange(-1, 3))), abs=2e-7)
    assert all(isinstance(w, np.float32) for w in scalar_gather.cubic_weights(np.float32(t)))


@given(st.floats(0, 9), st.integers(1, 10))
def test_whole_and_fraction_make_the_position(position, count):
    place = min(position, count - 1.0)
    first = int(scalar_gather.whole(place, count))
    share = scalar_gather.fraction(place, count)
    assert 0 <= first <= max(count - 2, 0)
    assert isinstance(share, np.float32)
    assert 0 <= share <= 1
    assert first + float(share) == pytest.approx(place, abs=6e-8)


@np.errstate(invalid="ignore")  # of infinities, which no compiler minds
def test_the_compiled_drivers_do_what_they_do_as_python():
    rng = np.random.default_rng(1)
    row, column = positions(rng, (12, 15))
    for dtype, method in METHODS:
        image = image_of(dtype, rng, missing=0.1)
        wanted = kernels.gather(image, row, column, method)
        got = np.empty_like(wanted)
        flat, driver = image.reshape(-1), getattr(cpu_gather, f"gather_{method}")
        if method == "nearest":
            driver(flat, SHAPE, row, column, no_data(dtype), got)
        elif method == "triangles":
            driver(flat, SHAPE, row, column, got)
        else:
            planes = image.itemsize // 4
            driver(flat.view(np.float32), planes, SHAPE, row, column, got.view(np.float32))
        np.testing.assert_array_equal(got, wanted)


# Values


@pytest.mark.parametrize("missing", [0.0, 0.15, 1.0])
@pytest.mark.parametrize(("dtype", "method"), [m for m in METHODS if m[1] != "triangles"])
def test_values_are_those_of_the_definition(dtype, method, missing):
    rng = np.random.default_rng(2)
    image = image_of(dtype, rng, missing=missing)
    row, column = positions(rng)
    got = kernels.gather(image, row, column, method)
    assert got.dtype == image.dtype
    assert got.shape == row.shape
    if method == "nearest":
        wanted = expected(image, row, column, method)
        np.testing.assert_array_equal(known(got), known(wanted))
        np.testing.assert_array_equal(got[known(got)], wanted[known(got)])
    else:
        assert_close(got, expected(image, row, column, method))
    assert 0.0 < np.mean(~known(got)) < (1.0 if missing < 1.0 else 1.1)


def test_triangles_are_the_surface_of_a_dem():
    """Against the plane through the three posts, of one position at a time."""
    rng = np.random.default_rng(3)
    image = image_of("float32", rng)
    row, column = rng.uniform(0, SHAPE[0] - 1, (20, 25)), rng.uniform(0, SHAPE[1] - 1, (20, 25))
    got = kernels.gather(image, row, column, "triangles")
    for value, y, x in zip(got.flat, row.flat, column.flat, strict=True):
        i, j = int(y), int(x)
        upper = (y - i) + (x - j) <= 1.0
        corners = [(0, 1), (1, 0), (0, 0) if upper else (1, 1)]
        heights = [float(image[i + a, j + b]) for a, b in corners]
        plane = np.linalg.solve([[a, b, 1.0] for a, b in corners], heights)
        assert value == pytest.approx(plane @ [y - i, x - j, 1.0], abs=4 * ROUNDING)


def test_triangles_need_three_posts_and_end_with_them():
    image = np.arange(12, dtype=np.float32).reshape(3, 4)
    image[0, 0] = np.nan
    place = np.array([[0.2, 0.8, 0.0, -1e-7, -1e-4, 2.0 + 1e-7, 2.0001, 1.0]])
    other = np.array([[0.2, 0.8, 1.0, 2.5, 2.5, 3.0 + 1e-7, 3.0, 3.0001]])
    got = kernels.gather(image, place, other, "triangles")
    np.testing.assert_allclose(got, [[np.nan, 4.0, 1.0, 2.5, np.nan, 11.0, np.nan, np.nan]], rtol=1e-6)


def test_whole_positions_give_the_pixels_themselves():
    rng = np.random.default_rng(4)
    row, column = (np.ascontiguousarray(a) for a in np.mgrid[0.0 : SHAPE[0], 0.0 : SHAPE[1]])
    for dtype, method in METHODS:
        image = image_of(dtype, rng, missing=0.2)
        got = kernels.gather(image, row, column, method)
        kept = known(got) if method == "triangles" else known(image)
        np.testing.assert_array_equal(known(got), kept)
        assert kept.mean() > 0.2
        bound = 2e-7 if method == "triangles" else 0.0  # its last posts are found from the ones across
        np.testing.assert_allclose(got[kept], image[kept], rtol=0, atol=4 * bound)


def test_a_constant_is_kept_to_the_bit_where_data_is_missing():
    """Fractions of 1 do not become more than 1."""
    rng = np.random.default_rng(5)
    image = np.where(rng.random(SHAPE) < 0.3, np.nan, 1.0).astype(np.float32)
    row, column = positions(rng)
    got = kernels.gather(image, row, column, "bilinear")
    assert set(np.unique(got[known(got)])) == {1.0}
    ramp = rng.random(SHAPE).astype(np.float32)
    assert kernels.gather(ramp, row, column, "bilinear")[known(got)].max() <= ramp.max()


def test_cubic_reproduces_a_parabola():
    """Keys' kernel is of third order: quadratic surfaces are kept wherever there are sixteen pixels."""
    i, j = np.mgrid[0.0 : SHAPE[0], 0.0 : SHAPE[1]]
    image = (0.3 * i**2 - 0.2 * j**2 + 0.7 * i - j + 0.5 * i * j).astype(np.float32)
    rng = np.random.default_rng(6)
    y, x = rng.uniform(1, SHAPE[0] - 2, (30, 30)), rng.uniform(1, SHAPE[1] - 2, (30, 30))
    wanted = 0.3 * y**2 - 0.2 * x**2 + 0.7 * y - x + 0.5 * x * y
    np.testing.assert_allclose(kernels.gather(image, y, x, "cubic"), wanted, atol=5e-5)


@pytest.mark.parametrize("shape", [(1, 1), (1, 5), (6, 1), (2, 2), (3, 9), (4, 4)])
@pytest.mark.parametrize(("dtype", "method"), [m for m in METHODS if m[1] != "triangles"])
def test_tiny_images(shape, dtype, method):
    rng = np.random.default_rng(7)
    image = image_of(dtype, rng, shape)
    row, column = positions(rng, (14, 15), shape, 0.7)
    got = kernels.gather(image, row, column, method)
    if method == "cubic" and min(shape) < 4:
        method = "bilinear"
    assert_close(got, expected(image, row, column, method))
    assert known(got).any()


def test_images_and_positions_without_pixels():
    place = np.zeros((2, 3))
    for dtype, method in METHODS:
        for shape in ((0, 0), (0, 4), (4, 0)):
            got = kernels.gather(np.zeros(shape, dtype), place, place, method)
            assert got.shape == (2, 3)
            assert not known(got).any()
        for shape in ((0, 3), (3, 0)):
            empty = np.zeros(shape)
            assert kernels.gather(np.zeros((5, 5), dtype), empty, empty, method).shape == shape


# Bits


@pytest.mark.parametrize(("dtype", "method"), METHODS)
def test_bits_depend_neither_on_threads_nor_on_blocks(dtype, method):
    rng = np.random.default_rng(8)
    image = image_of(dtype, rng, (50, 60), 0.05)
    row, column = positions(rng, (30, 2 * cpu_gather.RUN + 37), (50, 60))
    whole = kernels.gather(image, row, column, method)
    threads = numba.get_num_threads()
    try:
        numba.set_num_threads(1)
        alone = kernels.gather(image, row, column, method)
    finally:
        numba.set_num_threads(threads)
    assert alone.tobytes() == whole.tobytes()
    cut = np.s_[7:19, 100:400]
    part = kernels.gather(image, *(np.ascontiguousarray(a[cut]) for a in (row, column)), method)
    assert part.tobytes() == np.ascontiguousarray(whole[cut]).tobytes()


@pytest.mark.parametrize(("dtype", "method"), METHODS)
def test_a_part_of_an_image_gives_the_bits_of_the_whole(dtype, method):
    """Positions in it, less its first row and column, with the two pixels around them that cubic needs."""
    rng = np.random.default_rng(9)
    image = image_of(dtype, rng, (900, 80), 0.05)
    row, column = rng.uniform(700, 760, (20, 30)), rng.uniform(20, 40, (20, 30))
    whole = kernels.gather(image, row, column, method)
    part = np.ascontiguousarray(image[698:763, 18:43])
    assert kernels.gather(part, row - 698.0, column - 18.0, method).tobytes() == whole.tobytes()


def test_fractions_are_taken_before_rounding():
    """A float32 of a position near 25000 is 0.001 pixel away from it."""
    image = np.zeros((2, 30000), np.float32)
    image[:, 25001] = 1.0
    place = 25000.0 + np.linspace(0.0, 1.0, 400)[np.newaxis]
    got = kernels.gather(image, np.zeros_like(place), place, "bilinear")
    np.testing.assert_allclose(got, place - 25000.0, atol=1e-7)


# Errors


def test_what_is_refused():
    image, place = np.zeros((4, 5), np.float32), np.zeros((2, 3))
    with pytest.raises(TypeError, match="image: expected one of float32, complex64, uint8, got int16"):
        kernels.gather(image.astype(np.int16), place, place, "nearest")
    with pytest.raises(TypeError, match="row: expected dtype float64, got float32"):
        kernels.gather(image, place.astype(np.float32), place, "nearest")
    with pytest.raises(ValueError, match=r"column: expected the shape \(2, 3\) of row, got \(1, 3\)"):
        kernels.gather(image, place, place[:1], "nearest")
    with pytest.raises(ValueError, match="image: expected a C-contiguous array"):
        kernels.gather(image[:, ::2], place, place, "nearest")
    with pytest.raises(ValueError, match=r"image: expected two dimensions.*got the shape \(20,\)"):
        kernels.gather(image.ravel(), place, place, "nearest")
    with pytest.raises(ValueError, match=r"row: expected two dimensions.*got the shape \(3,\)"):
        kernels.gather(image, place[0], place[0], "nearest")
    with pytest.raises(
        ValueError, match="method: expected one of nearest for an image of uint8, got 'cubic'"
    ):
        kernels.gather(image.astype(np.uint8), place, place, "cubic")
    with pytest.raises(
        ValueError, match="method: expected one of nearest, bilinear, cubic for an image of comp"
    ):
        kernels.gather(image.astype(np.complex64), place, place, "triangles")
    with pytest.raises(TypeError, match="a masked array is not accepted"):
        kernels.gather(np.ma.array(image), place, place, "nearest")


def test_parabolas_are_spread_over_the_columns_of_their_cells():
    rng = np.random.default_rng(217)
    p, q, b = (rng.standard_normal((40, 5)) for _ in range(3))
    along = (np.arange(16.0) - 8.0) / 8.0
    whole = ((p[..., np.newaxis] * along + q[..., np.newaxis]) * along + b[..., np.newaxis]).reshape(40, -1)
    for columns in (slice(0, 80), slice(3, 78), slice(17, 30), slice(20, 20)):
        got = kernels.spread_parabolas(p, q, b, along, columns)
        np.testing.assert_array_equal(got, whole[:, columns])
    with pytest.raises(ValueError, match="columns: 3 to 81 are not in 5 cells of 16"):
        kernels.spread_parabolas(p, q, b, along, slice(3, 81))
