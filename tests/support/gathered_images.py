"""Images, positions and the values that are to be found there."""

from __future__ import annotations

import numpy as np
from speckle import speckle

from alignsar_gpu import kernels

SHAPE = (13, 17)


METHODS = [(dtype, method) for dtype, methods in kernels.GATHER_METHODS.items() for method in methods]


def image_of(dtype, rng, shape=SHAPE, missing=0.0):
    """An image, some of whose pixels are no data: of complex ones now and then one part alone."""
    lost = rng.random(shape) < missing
    if dtype == "uint8":
        return np.where(lost, 255, rng.integers(0, 7, shape)).astype(np.uint8)
    if dtype == "complex64":
        image = speckle(rng, shape)
        image.imag[lost] = np.nan
        image.real[lost & (rng.random(shape) < 0.5)] = -np.inf
        return image
    image = rng.standard_normal(shape).astype(np.float32)
    image[lost] = rng.choice([np.nan, np.inf, -np.inf], int(lost.sum()))
    return image


def positions(rng, shape=(60, 70), image=SHAPE, beyond=1.5):
    """All over an image and around it, some on whole and half pixels, on its edges, or not anywhere."""
    row, column = (rng.uniform(-beyond, n - 1 + beyond, shape) for n in image)
    row[:4], column[:, :4] = np.rint(row[:4]), np.rint(column[:, :4])
    row[4:6], column[:, 4:6] = np.rint(2 * row[4:6]) / 2, np.rint(2 * column[:, 4:6]) / 2
    row[6, ::9], column[7, ::9], row[8, 3], column[9, 4] = np.nan, np.nan, np.inf, -1e300
    return row, column


def known(image):
    return image != 255 if image.dtype == np.uint8 else np.isfinite(image)
