"""Pixels as products store them, the carrier taken off them, and how far positions reach."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import array_shapes, arrays

from alignsar_gpu import kernels

NUMBERS = st.sampled_from([0, 1, -1, 7, -32768, 32767])
POSITIONS = st.floats(-1e6, 1e6) | st.sampled_from([np.nan, np.inf, -np.inf])


def same_bits(one, other):
    return all((a.view("u1") == b.view("u1")).all() for a, b in zip(one, other, strict=True))


@given(
    arrays(
        np.int16, array_shapes(min_dims=2, max_dims=2, max_side=40).map(lambda n: (*n, 2)), elements=NUMBERS
    )
)
@settings(deadline=None)
def test_pairs_of_integers_are_the_pixels_that_they_stand_for(stored):
    lines, samples = stored.shape[:2]
    image = stored.astype(np.float32).view(np.complex64)[..., 0]
    wanted = np.arange(lines) % 3 < 2
    pixels, known = kernels.decode(stored, wanted)
    np.testing.assert_array_equal(known, (image != 0) & wanted[:, np.newaxis])
    np.testing.assert_array_equal(pixels, np.where(known, image, 0))
    assert same_bits(kernels.decode(image, wanted), (pixels, known))
    tables = (
        np.linspace(-2000.0, 2000.0, samples),
        np.linspace(-90.0, 90.0, samples),
        np.linspace(-1, 1, lines),
    )
    assert same_bits([kernels.ramp(stored, *tables, -1)], [kernels.ramp(image, *tables, -1)])


def test_what_is_not_a_number_is_no_pixel():
    image = np.array([[1 + 1j, np.nan, complex(0.0, np.inf), 0.0, complex(np.nan, 2.0)]], np.complex64)
    pixels, known = kernels.decode(image, np.array([True]))
    assert known.tolist() == [[True, False, False, False, False]]
    assert pixels.tolist() == [[1 + 1j, 0, 0, 0, 0]]


@given(arrays(np.float64, array_shapes(min_dims=2, max_dims=2, max_side=700), elements=POSITIONS))
@settings(max_examples=30, deadline=None)
def test_extents_are_those_of_the_finite_positions(line):
    sample = -line[:, ::-1].copy()
    finite = line[np.isfinite(line)]
    found = kernels.extents(line, sample)
    if not finite.size:
        assert found is None
        return
    assert found == ((finite.min(), finite.max()), (-finite.max(), -finite.min()))


def test_stored_pixels_of_another_kind_are_refused():
    tables = np.zeros(3), np.zeros(3), np.zeros(2)
    with pytest.raises(TypeError, match=r"image: expected dtype complex64, got int32"):
        kernels.ramp(np.zeros((2, 3, 2), np.int32), *tables, 1)
    with pytest.raises(ValueError, match=r"image: expected the dimensions line, sample and part"):
        kernels.decode(np.zeros((2, 3, 3), np.int16), np.ones(2, bool))
    with pytest.raises(ValueError, match=r"out: expected the shape \(2, 3\) of image"):
        kernels.ramp(np.zeros((2, 3, 2), np.int16), *tables, 1, out=np.zeros((2, 4), np.complex64))
