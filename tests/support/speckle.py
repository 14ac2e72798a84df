"""Small images for the tests of the kernels, and how their results are compared."""

from __future__ import annotations

import numpy as np


def speckle(rng, shape):
    """Circular Gaussian speckle of power 2, complex64."""
    return np.asarray(rng.standard_normal(shape) + 1j * rng.standard_normal(shape), dtype=np.complex64)


def pair(rng, shape, invalid=0.1):
    """Two images of coherence 0.8, and a mask with garbage under it in the reference."""
    common = speckle(rng, shape)
    reference = (common + 0.5 * speckle(rng, shape)).astype(np.complex64)
    secondary = (common * np.exp(0.7j) + 0.5 * speckle(rng, shape)).astype(np.complex64)
    valid = rng.random(shape) >= invalid
    reference[~valid] = rng.choice([np.nan, np.inf, 1e30], size=np.count_nonzero(~valid))
    return reference, secondary, valid


def same_bits(a, b):
    """Whether two sequences of arrays are equal bit for bit, NaN included."""
    return all(np.array_equal(x.view(np.uint32), y.view(np.uint32)) for x, y in zip(a, b, strict=True))
