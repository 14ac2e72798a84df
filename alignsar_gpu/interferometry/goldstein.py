"""Goldstein filter: adaptive filtering of a multilooked interferogram, patch by patch of its spectrum."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import scipy.fft

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.kernels import amplitude_intensity_phase

if TYPE_CHECKING:
    from collections.abc import Iterator

REFERENCES = "Goldstein and Werner 1998, Geophysical Research Letters 25(21)"
ADAPTIVE_REFERENCES = f"{REFERENCES}; Baran et al. 2003, IEEE TGRS 41(9)"
PATCHES = (32, 64)
OVERLAP = 4  # patches that cover a pixel along each axis: each begins a quarter of a patch after the last


def _check(alpha: float | None, patch: int) -> None:
    if alpha is not None and not 0.0 <= alpha <= 1.0:
        raise AlignsarError(f"Goldstein filter: alpha={alpha} must lie between 0 (no filtering) and 1")
    if patch not in PATCHES:
        raise AlignsarError(f"Goldstein filter: patch={patch}, choose from {PATCHES[0]} and {PATCHES[1]}")


def _padded(image: Any, patch: int, xp: Any) -> Any:
    """``image`` amid zeros, so that whole patches cover each of its pixels OVERLAP times along each axis."""
    step = patch // OVERLAP
    # Without zeros before the first pixel, the border would lie at patches' own borders, which take in what is
    # at their other end: fringes are bent there by up to 1 rad, against 0.04 rad.
    before = patch - step
    return xp.pad(image, [(before, before + -size % step) for size in image.shape])


def _patches(strip: Any, xp: Any) -> Any:
    """The square patches of a strip as high as they are, [patch, line, sample], each a step after the last."""
    size = strip.shape[0]
    step = size // OVERLAP
    steps = strip.reshape(size, -1, step).transpose(1, 0, 2)
    count = len(steps) - OVERLAP + 1
    result = xp.empty((count, size, size), strip.dtype)
    for part in range(OVERLAP):
        result[:, :, part * step : (part + 1) * step] = steps[part : part + count]
    return result


def _add_patches(patches: Any, strip: Any) -> None:
    """Add patches to the strip at the places that `_patches` took them from."""
    count, size, _ = patches.shape
    step = size // OVERLAP
    steps = strip.reshape(size, -1, step).transpose(1, 0, 2)
    for part in range(OVERLAP):
        steps[part : part + count] += patches[:, :, part * step : (part + 1) * step]


def _smoothed(magnitude: Any, xp: Any) -> Any:
    """Sums of 3 x 3 over the last two axes; a spectrum goes on at its other end."""
    for axis in (-1, -2):
        magnitude = magnitude + xp.roll(magnitude, 1, axis) + xp.roll(magnitude, -1, axis)
    return magnitude


def _filtered(patches: Any, alpha: Any, xp: Any) -> Any:
    """Patches with their spectra Z multiplied by (S / max S)^alpha, S the smoothed |Z|."""
    fft = scipy.fft if xp is np else xp.fft  # NumPy's own takes four times as long on many short rows
    spectra = fft.fft2(patches)
    response = _smoothed(xp.abs(spectra), xp)
    peak = response.max(axis=(-2, -1), keepdims=True)
    response /= xp.where(peak > 0, peak, np.float32(1))
    spectra *= response**alpha
    return fft.ifft2(spectra)


def _strips(lines: int, patch: int) -> Iterator[slice]:
    """The lines of every row of patches in a padded image of ``lines``."""
    for first in range(0, lines - patch + 1, patch // OVERLAP):
        yield slice(first, first + patch)


def _exponents(coherence: Any, xp: Any) -> Any:
    """1 - mean coherence of each patch, over its pixels that are not zero; [patch, 1, 1]."""
    count = (coherence > 0).sum(axis=(-2, -1), keepdims=True, dtype=np.float32)
    mean = coherence.sum(axis=(-2, -1), keepdims=True) / xp.maximum(count, np.float32(1))
    return np.float32(1) - xp.minimum(mean, np.float32(1))


def goldstein(
    interferogram: Any, xp: Any, *, alpha: float | None, coherence: Any = None, patch: int = 32
) -> Any:
    """Filter an interferogram: the dominant fringes of each patch are raised above the noise.

    Each patch's spectrum is multiplied by the alpha-th power of its own magnitude, smoothed over 3 x 3 and
    divided by its maximum; patches overlap by three quarters and are added up with triangular weights
    (Goldstein and Werner 1998). One row of patches is worked on at a time.

    Parameters
    ----------
    interferogram : complex64 [line, sample] of ``xp``, zero where there is no data. Its amplitude says how much
        a pixel counts; it may be 1 everywhere.
    xp : numpy or CuPy.
    alpha : 0 (nothing is filtered) to 1; None: 1 - mean coherence of each patch (Baran et al. 2003), for
        which ``coherence`` must be given.
    coherence : float32 [line, sample] in 0..1, zero where there is no data.
    patch : lines and samples of a patch, 32 or 64.

    Returns
    -------
    complex64 [line, sample], where ``interferogram`` is; pixels without data get what is around them.

    Raises AlignsarError for another alpha or patch.
    """
    _check(alpha, patch)
    if alpha is None and coherence is None:
        raise ValueError("coherence: must be given where alpha is None")
    padded = _padded(interferogram, patch, xp)
    weighing = _padded(coherence, patch, xp) if alpha is None else None
    ramp = xp.minimum(xp.arange(patch), xp.arange(patch)[::-1]).astype(np.float32) + np.float32(0.5)
    ramp *= np.float32(2 / (OVERLAP * (patch // 2)))  # so that the weights of a pixel add up to 1
    weights = ramp[:, np.newaxis] * ramp
    total = xp.zeros_like(padded)
    for lines in _strips(len(padded), patch):
        exponent = np.float32(alpha) if weighing is None else _exponents(_patches(weighing[lines], xp), xp)
        _add_patches(_filtered(_patches(padded[lines], xp), exponent, xp) * weights, total[lines])
    before = patch - patch // OVERLAP
    height, width = interferogram.shape
    return xp.ascontiguousarray(total[before : before + height, before : before + width])


def filtered_phase(phase: Any, coherence: Any, xp: Any, *, alpha: float | None, patch: int = 32) -> Any:
    """Filter the phase by `goldstein`, each pixel weighted by its coherence.

    Parameters
    ----------
    phase : float32 radians [line, sample] of ``xp`` (numpy or CuPy), NaN where there is no data.
    coherence : float32 in 0..1, the same shape; None: all pixels count the same.
    alpha, patch : as in `goldstein`.

    Returns
    -------
    float32 radians [line, sample]; NaN where ``phase`` or ``coherence`` is.

    Raises AlignsarError for another alpha or patch.
    """
    known = xp.isfinite(phase) if coherence is None else xp.isfinite(phase) & xp.isfinite(coherence)
    weight = known.astype(np.float32) if coherence is None else xp.where(known, coherence, np.float32(0))
    angle = xp.where(known, phase, np.float32(0))
    interferogram = xp.empty(phase.shape, np.complex64)
    interferogram.real = weight * xp.cos(angle)
    interferogram.imag = weight * xp.sin(angle)
    given = None if coherence is None else weight
    filtered = goldstein(interferogram, xp, alpha=alpha, coherence=given, patch=patch)
    return amplitude_intensity_phase(filtered, known)[2]
