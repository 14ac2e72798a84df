"""Polarimetric pixels of known kinds, and plain float64 covariance matrices, for tests."""

from __future__ import annotations

import numpy as np


def channels(rng, shape, count=2):
    """Correlated speckle of two or four channels, complex64, over two decades of power."""
    real = rng.standard_normal((2, count, *shape))
    noise = real[0] + 1j * real[1]
    mixed = np.stack([noise[k] + 0.4j * noise[0] * k for k in range(count)])
    power = 10.0 ** rng.uniform(-1.0, 1.0, shape)
    return [np.ascontiguousarray(np.sqrt(power) * one).astype(np.complex64) for one in mixed]


def window_mean(image, valid, window):
    """Mean of an image over the valid pixels of the windows, cut off at its edges, complex128."""
    lines, samples = valid.shape
    half = window[0] // 2, window[1] // 2
    values = np.pad(np.where(valid, image, 0).astype(np.complex128), [(h, h) for h in half])
    counts = np.pad(valid.astype(float), [(h, h) for h in half])
    total, number = np.zeros(valid.shape, complex), np.zeros(valid.shape)
    for i in range(window[0]):
        for j in range(window[1]):
            total += values[i : i + lines, j : j + samples]
            number += counts[i : i + lines, j : j + samples]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(valid, total / number, np.nan)


def covariance(images, valid, window):
    """<k conj(k)^T> of the images [line, sample, i, j] over windows, complex128."""
    clean = [np.where(valid, image, 0).astype(np.complex128) for image in images]
    return np.stack(
        [np.stack([window_mean(a * b.conj(), valid, window) for b in clean], axis=-1) for a in clean], axis=-2
    )
