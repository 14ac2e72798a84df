"""Pixels moved by fractions of one: on the CPU against numpy, the CUDA kernels in the simulator against the CPU."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_kernels import run_simulated

from alignsar_gpu import kernels

SHAPES = [
    (5, 300),
    (1, 9),
    (7, 1),
    (2, 2),
]  # more than a block of threads, and less than what neighbours need


def surface(seed, shape, dtype=np.float64):
    """An image with holes, offsets of fractions of a pixel and flags."""
    rng = np.random.default_rng(seed)
    image = rng.normal(50.0, 1.0, shape).astype(dtype)
    image[rng.random(shape) < 0.1] = np.nan
    down, across = rng.uniform(-0.9, 0.9, (2, *shape))
    down[rng.random(shape) < 0.1] = 0.0
    return image, down, across, (rng.random(shape) < 0.2).astype(np.uint8)


def polynomials(seed, shape, powers=(4, 6, 6)):
    rng = np.random.default_rng(seed)
    coefficients = rng.normal(size=(2, *powers)) * (rng.random((2, *powers)) < 0.4)
    line, sample = (np.linspace(-1.0, 1.0, count) for count in shape)
    height = rng.uniform(-1.0, 1.0, shape)
    height[0, 0] = np.nan
    return {"host_coefficients": coefficients, "host_line": line, "host_sample": sample, "height": height}


def gradient(layer, axis):
    return np.gradient(layer, axis=axis) if layer.shape[axis] > 1 else np.zeros_like(layer)


def neighbours(image, axis):
    """The pixels behind and ahead along an axis; at the edges, the pixels themselves."""
    count = image.shape[axis]
    return (image.take(np.clip(np.arange(count) + step, 0, count - 1), axis) for step in (-1, 1))


def between(image, offset, axis):
    behind, ahead = neighbours(image, axis)
    moved = image + np.abs(offset).astype(np.float32) * (np.where(offset > 0.0, ahead, behind) - image)
    return np.where(np.isfinite(moved), moved, image)


@given(st.integers(0, 2**32), st.tuples(st.integers(1, 12), st.integers(1, 40)))
@settings(max_examples=40, deadline=None)
def test_coordinates_are_those_at_the_offsets(seed, shape):
    layer, down, across, flags = surface(seed, shape)
    there = layer + down * gradient(layer, 0) + across * gradient(layer, 1)
    wanted = np.where(np.isfinite(there) & (flags == 0), there, layer)
    found = kernels.move_places(layer, layer + 1.0, -layer, flags, down, across)
    np.testing.assert_array_equal(found[0], wanted)
    np.testing.assert_allclose(found[1], wanted + 1.0, rtol=1e-14)
    np.testing.assert_array_equal(found[2], -wanted)


@given(st.integers(0, 2**32), st.tuples(st.integers(1, 12), st.integers(1, 40)))
@settings(max_examples=40, deadline=None)
def test_an_image_is_interpolated_along_lines_and_then_along_samples(seed, shape):
    image, down, across, _ = surface(seed, shape, np.float32)
    wanted = between(between(image, down, 0), across, 1)
    np.testing.assert_array_equal(kernels.move_image(image, down, across), wanted)


def test_coordinates_on_a_plane_are_exact():
    line, sample = np.mgrid[0.0:20.0, 0.0:600.0]
    plane = 3.0 + 2.0 * line - 0.25 * sample
    down, across = np.full(plane.shape, 0.3), np.full(plane.shape, -0.7)
    flags = np.zeros(plane.shape, np.uint8)
    for found in kernels.move_places(plane, plane, plane, flags, down, across):
        np.testing.assert_allclose(found, plane + 0.3 * 2.0 + 0.7 * 0.25, rtol=0.0, atol=1e-12)


@pytest.mark.parametrize("powers", [(4, 6, 6), (1, 1, 1), (1, 3, 2)])
def test_polynomials_are_those_of_numpy(powers):
    given = {name.removeprefix("host_"): array for name, array in polynomials(1, (9, 700), powers).items()}
    found = kernels.evaluate_polynomials(**given)
    places = np.broadcast_arrays(given["line"][:, np.newaxis], given["sample"], given["height"])
    for number, coefficients in enumerate(given["coefficients"]):
        wanted = np.polynomial.polynomial.polyval3d(*places, coefficients)
        known = ~np.isnan(given["height"])
        np.testing.assert_allclose(found[number][known], wanted[known], rtol=0.0, atol=1e-13)


def test_heights_that_nothing_rests_on_may_be_unknown():
    coefficients = np.zeros((2, 2, 2, 3))
    coefficients[0, 1, 1, 0] = 5.0
    line, sample = np.array([0.5, 1.0]), np.array([2.0, 3.0, 4.0])
    found = kernels.evaluate_polynomials(coefficients, line, sample, np.full((2, 3), np.nan))
    np.testing.assert_array_equal(found[0], 5.0 * line[:, np.newaxis] * sample)
    assert not found[1].any()


def cases():
    found = {}
    for number, shape in enumerate(SHAPES):
        layer, down, across, flags = surface(number, shape)
        offsets = {"down": down, "across": across}
        layers = {"longitude": layer, "latitude": layer + 1.0, "height": -layer}
        found[f"move_places-{number}"] = layers | offsets | {"flags": flags}
        found[f"move_image-{number}"] = {"image": layer.astype(np.float32)} | offsets
        found[f"evaluate_polynomials-{number}"] = polynomials(number, shape)
    return found


def test_simulated_kernels_give_what_the_cpu_gives(tmp_path):
    simulated = run_simulated("run_kernels.py", cases(), tmp_path)
    for case, arrays in cases().items():
        plain = {name.removeprefix("host_"): array for name, array in arrays.items()}
        wanted = getattr(kernels, case.split("-")[0])(**plain)
        wanted = wanted if isinstance(wanted, tuple) else (wanted,)
        for number, array in enumerate(wanted):
            np.testing.assert_array_equal(simulated[f"{case}/{number}"], array, err_msg=case)


def test_arrays_that_do_not_fit_are_refused():
    image = np.zeros((3, 4))
    with pytest.raises(ValueError, match=r"down: expected the shape \(3, 4\) of image"):
        kernels.move_image(image.astype(np.float32), image[:2], image)
    with pytest.raises(TypeError, match=r"flags: expected dtype uint8"):
        kernels.move_places(image, image, image, image, image, image)
    with pytest.raises(ValueError, match=r"height: expected the shape \(2, 4\)"):
        kernels.evaluate_polynomials(np.zeros((1, 2, 2, 2)), np.zeros(2), np.zeros(4), image)
