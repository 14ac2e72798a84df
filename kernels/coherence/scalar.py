"""Amplitude, phase and coherence of a pixel, as plain Python functions of scalars: see `driving.mathematics`."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import (
    INFINITY,
    NAN,
    ONE,
    ZERO,
    arctangent2,
    reduce_turns,
    sine_cosine_turns,
)

FUNCTIONS = ("rotate", "detect", "difference", "products", "coherence", "complex_coherence")
INLINED = FUNCTIONS


def rotate(re: Any, im: Any, phase: Any) -> Any:
    """(re, im) * exp(i phase), float32, with the phase in radians, float64; error 4e-7 of the amplitude."""
    s, c = sine_cosine_turns(reduce_turns(phase))
    return re * c - im * s, re * s + im * c


def detect(re: Any, im: Any, valid: Any) -> Any:
    """Amplitude, intensity and phase (radians) of a pixel, float32; NaN where it is not valid."""
    intensity = re * re + im * im
    amplitude = np.float32(math.sqrt(intensity))
    phase = arctangent2(im, re)
    return (amplitude if valid else NAN), (intensity if valid else NAN), (phase if valid else NAN)


def difference(rr: Any, ri: Any, sr: Any, si: Any, valid: Any) -> Any:
    """arg(r conj(s)) in radians, float32, of r = rr + i ri and s = sr + i si; NaN where not valid."""
    phase = arctangent2(ri * sr - rr * si, rr * sr + ri * si)
    return phase if valid else NAN


def products(rr: Any, ri: Any, sr: Any, si: Any, valid: Any) -> Any:
    """What a coherence window sums: re and im of r conj(s), |r|^2 and |s|^2, float64; 0 where not valid.

    Converted before multiplying: the product of two float32 is exact in float64. Computed first and chosen
    after: with the choice first, LLVM makes gathers of the loads, three times slower.
    """
    a = np.float64(rr)
    b = np.float64(ri)
    c = np.float64(sr)
    d = np.float64(si)
    re = a * c + b * d
    im = b * c - a * d
    p = a * a + b * b
    q = c * c + d * d
    return (re if valid else 0.0), (im if valid else 0.0), (p if valid else 0.0), (q if valid else 0.0)


def coherence(re: Any, im: Any, power_r: Any, power_s: Any, valid: Any) -> Any:
    """Coherence within [0, 1] and phase (radians), float32, from the four window sums, float64.

    NaN in both where the centre is not valid, or where a power is 0 or not finite.
    """
    power = power_r * power_s
    squared = np.float32((re * re + im * im) / power) if 0.0 < power < INFINITY else NAN
    squared = ONE if squared > ONE else squared
    magnitude = np.float32(math.sqrt(squared)) if valid else NAN
    angle = arctangent2(np.float32(im), np.float32(re))
    return magnitude, (angle if magnitude >= ZERO else NAN)


def complex_coherence(re: Any, im: Any, power_r: Any, power_s: Any) -> Any:
    """Real and imaginary part, float32, of the coherence of a block, from its four sums, float64.

    0 where a power is 0 or not finite.
    """
    power = power_r * power_s
    known = 0.0 < power < INFINITY
    level = math.sqrt(power) if known else 1.0
    return (np.float32(re / level) if known else ZERO), (np.float32(im / level) if known else ZERO)
