"""Polarimetry of two channels (see :mod:`driving.mathematics` for how it is compiled).

A measure is a function of a pixel's covariance matrix, averaged over its window: the powers c11 and c22 of the first
(co-polarized) and the second (cross-polarized) channel, c12 = <first conj(second)> as re and im, and the two powers of
the pixel alone, all float32. It returns a tuple of float32. That c11 + c22 is positive and finite is seen to before.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import NAN, ONE, TWO, ZERO, arctangent2, binary_logarithm

FUNCTIONS = (  # in the order in which they call each other
    "surprise",
    "binary_entropy",
    "polarization",
    "polarized_angle",
    "surface_index",
    "angle_and_cosine",
    "intensities_dual",
    "powers_dual",
    "cross_dual",
    "eigen_dual",
    "stokes_dual",
    "scattering_dual",
    "covariance_dual",
)
INLINED = FUNCTIONS

# What each measure returns: the names of its signatures.
MEASURES = (
    ("intensities_dual", ("intensity_sum", "intensity_difference", "intensity_ratio")),
    ("powers_dual", ("span", "normalized_difference", "rvi")),
    ("cross_dual", ("cross_product", "cross_product_phase", "cross_correlation")),
    ("eigen_dual", ("entropy", "anisotropy", "alpha", "dprvi", "prvi")),
    ("stokes_dual", ("stokes_0", "stokes_1", "stokes_2", "stokes_3", "degree_of_polarization")),
    (
        "scattering_dual",
        ("dprbi", "dprsi", "scattering_angle", "dihedral_power", "surface_power", "diffuse_power"),
    ),
    ("covariance_dual", ("covariance_11", "covariance_22", "covariance_12_re", "covariance_12_im")),
)

HALF = np.float32(0.5)
FOUR = np.float32(4.0)
DEGREES = np.float32(180.0 / math.pi)
RIGHT_ANGLE = np.float32(90.0)
ROOT_OF_THREE = np.float32(math.sqrt(3.0))

# Verma et al. 2024 call a co-polarized power below -16 dB noise. They scale the Stokes parameters by the extremes of
# the scene, so that a pixel's value hangs on pixels far away; here the scale is a power of 0 dB in every scene.
NOISE_LEVEL = np.float32(10.0**-1.6)
STOKES_LEVEL = np.float32(1.0)


def surprise(p: Any) -> Any:
    """-p log2(p), 0 where p is 0."""
    return -p * binary_logarithm(p) if p > ZERO else ZERO


def binary_entropy(m: Any) -> Any:
    """Entropy in bits of the shares (1 + m) / 2 and (1 - m) / 2."""
    return surprise(HALF * (ONE + m)) + surprise(HALF * (ONE - m))


def polarization(c11: Any, c22: Any, re: Any, im: Any) -> Any:
    """(c11 - c22) / span, 2 |c12| / span, and the degree of polarization (l1 - l2) / (l1 + l2), at most 1."""
    inverse = ONE / (c11 + c22)
    d = (c11 - c22) * inverse
    x = TWO * re * inverse
    y = TWO * im * inverse
    squared = x * x + y * y
    m = np.float32(math.sqrt(d * d + squared))
    return d, np.float32(math.sqrt(squared)), (ONE if m > ONE else m)


def polarized_angle(d: Any, c: Any, m: Any) -> Any:
    """Alpha of the larger eigenvalue, degrees: the angle of its eigenvector to the first channel.

    tan(alpha) = 2 |c12| / (c11 - c22 + l1 - l2), taken from the side where nothing cancels.
    """
    u = abs(d) + m
    angle = DEGREES * arctangent2(c, u)
    return angle if d >= ZERO else RIGHT_ANGLE - angle


def intensities_dual(c11: Any, c22: Any, re: Any, im: Any, first: Any, second: Any) -> Any:
    """Sum, difference and ratio of the powers of the pixel alone."""
    return first + second, first - second, (first / second if second > ZERO else NAN)


def powers_dual(c11: Any, c22: Any, re: Any, im: Any, first: Any, second: Any) -> Any:
    """Span, normalized difference (c11 - c22) / span, and radar vegetation index 4 c22 / span."""
    span = c11 + c22
    return span, (c11 - c22) / span, FOUR * c22 / span


def cross_dual(c11: Any, c22: Any, re: Any, im: Any, first: Any, second: Any) -> Any:
    """Magnitude of c12, its phase, and correlation |c12| / sqrt(c11 c22).

    Scaled by the span, so that no product leaves the range of float32.
    """
    span = c11 + c22
    inverse = ONE / span
    x = re * inverse
    y = im * inverse
    magnitude = np.float32(math.sqrt(x * x + y * y))
    power = (c11 * inverse) * (c22 * inverse)
    correlation = magnitude / np.float32(math.sqrt(power)) if power > ZERO else NAN
    return magnitude * span, arctangent2(y, x), (ONE if correlation > ONE else correlation)


def eigen_dual(c11: Any, c22: Any, re: Any, im: Any, first: Any, second: Any) -> Any:
    """Entropy, anisotropy, mean alpha (degrees), DpRVI and PRVI from the closed-form eigenvalues.

    With m = (l1 - l2) / (l1 + l2), the shares of the eigenvalues are (1 + m) / 2 and (1 - m) / 2, and the two
    eigenvectors are perpendicular: their alphas add up to 90 degrees.
    """
    d, c, m = polarization(c11, c22, re, im)
    larger = HALF * (ONE + m)
    alpha = polarized_angle(d, c, m)
    mean = larger * alpha + (ONE - larger) * (RIGHT_ANGLE - alpha)
    return binary_entropy(m), m, mean, ONE - m * larger, (ONE - m) * c22


def stokes_dual(c11: Any, c22: Any, re: Any, im: Any, first: Any, second: Any) -> Any:
    """The Stokes parameters of the received wave, and its degree of polarization."""
    _, _, m = polarization(c11, c22, re, im)
    return c11 + c22, c11 - c22, TWO * re, -TWO * im, m


def surface_index(entropy: Any, stokes_1: Any, noise: Any) -> Any:
    """DpRSI from the entropy, the first Stokes parameter scaled to 0..1, and whether the pixel is noise."""
    shape = np.float32(math.sqrt(ONE - stokes_1 * stokes_1))
    return shape if noise else (ONE - entropy) * shape


def angle_and_cosine(buildings: Any, surface: Any) -> Any:
    """The scattering angle (degrees, 0 to 90) of the indices DpRBI and DpRSI, and the cosine of twice it.

    Half the sum of atan(b / (1 - b)) and atan((1 - s) / s): the angle of a product of two complex numbers.
    """
    a = ONE - buildings
    t = ONE - surface
    x = a * surface - buildings * t
    y = buildings * surface + a * t
    return HALF * DEGREES * arctangent2(y, x), x / np.float32(math.sqrt(x * x + y * y))


def scattering_dual(c11: Any, c22: Any, re: Any, im: Any, first: Any, second: Any) -> Any:
    """DpRBI, DpRSI, scattering angle (degrees), and dihedral-like, surface-like and diffuse power."""
    span = c11 + c22
    _, _, m = polarization(c11, c22, re, im)
    s1 = abs(c11 - c22) / STOKES_LEVEL
    s2 = TWO * abs(re) / STOKES_LEVEL
    s3 = TWO * abs(im) / STOKES_LEVEL
    s1 = ONE if s1 > ONE else s1
    s2 = ONE if s2 > ONE else s2
    s3 = ONE if s3 > ONE else s3
    buildings = np.float32(math.sqrt(s1 * s1 + s2 * s2 + s3 * s3)) / ROOT_OF_THREE
    noise = not c11 > NOISE_LEVEL
    surface = surface_index(binary_entropy(m), s1, noise)
    angle, cosine = angle_and_cosine(buildings, surface)
    polarized = (HALF * (ONE + m) if noise else m) * span
    return (
        buildings,
        surface,
        angle,
        HALF * polarized * (ONE - cosine),
        HALF * polarized * (ONE + cosine),
        span - polarized,
    )


def covariance_dual(c11: Any, c22: Any, re: Any, im: Any, first: Any, second: Any) -> Any:
    """The matrix itself."""
    return c11, c22, re, im
