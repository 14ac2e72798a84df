"""Decompositions of the power of four channels, as measures of T3; see :mod:`.scalar_quad`.

Where the diagonal of T3 has negative powers, left by noise subtraction, they count as 0, and the others share the span.
But for Krogager's, which is coherent, powers are at least 0 and add up to the span.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import FOUR, ONE, TWO, ZERO, arctangent2

from .scalar_dual import DEGREES, HALF
from .scalar_quad import FLOOR, TINY, at_least_zero, copolar_shares

FUNCTIONS = (  # in the order in which they call each other
    "unit_diagonal",
    "two_mechanisms",
    "polarized_share",
    "least_cross_polarized",
    "four_components",
    "model_free_quad",
    "freeman_durden_quad",
    "rotated_components",
    "yamaguchi_quad",
    "yamaguchi_rotated_quad",
    "yamaguchi_extended_quad",
    "van_zyl_quad",
    "krogager_quad",
)
INLINED = FUNCTIONS

# What each measure returns: the names of its signatures.
MEASURES = (
    (
        "model_free_quad",
        (
            "degree_of_polarization_quad",
            "mf3cf_surface",
            "mf3cf_double_bounce",
            "mf3cf_volume",
            "mf3cf_theta",
        ),
    ),
    ("freeman_durden_quad", ("freeman_surface", "freeman_double_bounce", "freeman_volume")),
    (
        "yamaguchi_quad",
        ("yamaguchi_surface", "yamaguchi_double_bounce", "yamaguchi_volume", "yamaguchi_helix"),
    ),
    (
        "yamaguchi_rotated_quad",
        (
            "yamaguchi_rotated_surface",
            "yamaguchi_rotated_double_bounce",
            "yamaguchi_rotated_volume",
            "yamaguchi_rotated_helix",
        ),
    ),
    (
        "yamaguchi_extended_quad",
        (
            "yamaguchi_extended_surface",
            "yamaguchi_extended_double_bounce",
            "yamaguchi_extended_volume",
            "yamaguchi_extended_helix",
        ),
    ),
    (
        "van_zyl_quad",
        ("van_zyl_surface", "van_zyl_double_bounce", "van_zyl_volume", "van_zyl_remainder"),
    ),
    ("krogager_quad", ("krogager_sphere", "krogager_diplane", "krogager_helix")),
)

PLAIN = False
EXTENDED = True

EIGHT = np.float32(8.0)
THIRD = np.float32(1.0 / 3.0)
SIXTH = np.float32(1.0 / 6.0)
TWO_DECIBELS = np.float32(10.0**0.2)
FOUR_AND_A_HALF = np.float32(4.5)
TWENTY_SEVEN = np.float32(27.0)

# Yamaguchi's volumes: powers per 2 t33 - helix, for dipoles evenly oriented, dipoles more often along H or V, and
# dihedrals; and the limits of the test for dihedrals.
EVEN = np.float32(2.0)
UNEVEN = np.float32(15.0 / 8.0)
DIHEDRALS = np.float32(15.0 / 16.0)
SEVEN_EIGHTHS = np.float32(7.0 / 8.0)
SIXTEENTH = np.float32(1.0 / 16.0)


def unit_diagonal(t11: Any, t22: Any, t33: Any) -> Any:
    """The diagonal without what is negative, scaled to the sum 1, and the scale."""
    a = at_least_zero(t11)
    b = at_least_zero(t22)
    c = at_least_zero(t33)
    scale = ONE / (a + b + c)
    return a * scale, b * scale, c * scale, scale


def two_mechanisms(s: Any, d: Any, squared: Any, surface: Any) -> Any:
    """Powers of surface and double bounce, of what is left of T3: s, d and |t12|^2, and whether s is the larger.

    The dominant one is of rank one with t12 in it, the other has what the first leaves of its own element, which is
    Freeman's and Durden's alpha = -1 or beta = 1. What would be below 0 is 0.
    """
    total = at_least_zero(s + d)
    large = s if surface else d
    small = d if surface else s
    lesser = at_least_zero(small - squared / (large if large > TINY else ONE))
    greater = total - lesser
    return (greater if surface else lesser), (lesser if surface else greater)


def polarized_share(a: Any, b: Any, c: Any, x: Any, y: Any, u: Any, v: Any, p: Any, q: Any) -> Any:
    """Barakat's degree of polarization sqrt(1 - 27 det) of a matrix of trace 1.

    With D the difference to a third of the identity, 1 - 27 det = 9/2 tr(D^2) - 27 det(D): nothing cancels.
    """
    d = a - THIRD
    e = b - THIRD
    f = c - THIRD
    xx = x * x + y * y
    uu = u * u + v * v
    pp = p * p + q * q
    trace = d * d + e * e + f * f + TWO * (xx + uu + pp)
    triple = u * (x * p - y * q) + v * (x * q + y * p)
    determinant = d * e * f + TWO * triple - d * pp - e * uu - f * xx
    squared = at_least_zero(FOUR_AND_A_HALF * trace - TWENTY_SEVEN * determinant)
    return np.float32(math.sqrt(ONE if squared > ONE else squared))


def least_cross_polarized(b: Any, c: Any, x: Any, y: Any, u: Any, v: Any, p: Any) -> Any:
    """T3 turned about the line of sight until t33 is least: t22, t33 and t12; from t12 = (x, y), t13 and re t23.

    With the turn of T3 within 90 degrees to each side: that of the scatterer, half of it, within 45.
    """
    mean = HALF * (b + c)
    d = HALF * (b - c)
    radius = np.float32(math.sqrt(d * d + p * p))
    turned = radius > TINY
    inverse = ONE / (radius if turned else ONE)
    wide = np.float32(math.sqrt(HALF + HALF * abs(d) * inverse)) if turned else ONE
    narrow = HALF * abs(p) * inverse / wide
    cosine = wide if d >= ZERO else narrow
    sine = narrow if d >= ZERO else wide
    sine = -sine if p < ZERO else sine
    return mean + radius, at_least_zero(mean - radius), cosine * x + sine * u, cosine * y + sine * v


def four_components(a: Any, b: Any, c: Any, x: Any, y: Any, helix: Any, extended: Any) -> Any:
    """Yamaguchi's shares of surface, double bounce, volume and helix, from t11, t22, t33, t12 and 2 |im t23|.

    ``extended``: with dihedrals as volume where double bounce dominates, as Sato et al. 2012.
    """
    dihedrals = extended and a - b + SEVEN_EIGHTHS * c + SIXTEENTH * helix <= ZERO
    # More helix than t33 has room for: there is none. A pure helix is on the edge, and stays one.
    room = TWO * c - helix
    none = room < -FLOOR
    room = TWO * c if none else at_least_zero(room)
    helix = ZERO if none else (ONE if helix > ONE else helix)
    hh, vv = copolar_shares(a, b, x)
    horizontal = hh > TWO_DECIBELS * vv
    vertical = vv > TWO_DECIBELS * hh
    volume = (DIHEDRALS if dihedrals else (UNEVEN if horizontal or vertical else EVEN)) * room
    s = a if dihedrals else a - HALF * volume
    d = ONE - volume - helix - s
    lean = SIXTH * volume
    lean = lean if horizontal else (-lean if vertical else ZERO)
    re = x if dihedrals else x - lean
    surface, double = two_mechanisms(s, d, re * re + y * y, s > d)
    return surface, double, at_least_zero(ONE - helix - surface - double), helix


def model_free_quad(
    t11: Any, t22: Any, t33: Any, t12_re: Any, t12_im: Any, t13_re: Any, t13_im: Any, t23_re: Any, t23_im: Any
) -> Any:
    """Degree of polarization, and the model-free powers of surface, double bounce and volume, and theta (degrees)."""
    a, b, c, scale = unit_diagonal(t11, t22, t33)
    m = polarized_share(
        a,
        b,
        c,
        scale * t12_re,
        scale * t12_im,
        scale * t13_re,
        scale * t13_im,
        scale * t23_re,
        scale * t23_im,
    )
    y = m * (a - b - c)
    x = a * (b + c) + m * m
    squared = x * x + y * y
    span = t11 + t22 + t33
    half = HALF * m * span / (squared if squared > TINY else ONE)
    plus = x + y
    minus = x - y  # 1 + sin(2 theta) = (x + y)^2 / (x^2 + y^2)
    return (
        m,
        half * plus * plus,
        half * minus * minus,
        span * (ONE - m),
        DEGREES * arctangent2(y, x),
    )


def freeman_durden_quad(
    t11: Any, t22: Any, t33: Any, t12_re: Any, t12_im: Any, t13_re: Any, t13_im: Any, t23_re: Any, t23_im: Any
) -> Any:
    """Freeman's and Durden's powers of surface, double bounce and volume."""
    a, b, c, scale = unit_diagonal(t11, t22, t33)
    x = scale * t12_re
    y = scale * t12_im
    s = a - TWO * c
    d = b - c
    hh, vv = copolar_shares(s, d, x)
    surface, double = two_mechanisms(s, d, x * x + y * y, s >= d)
    room = hh > -FLOOR and vv > -FLOOR
    surface = surface if room else ZERO
    double = double if room else ZERO
    span = t11 + t22 + t33
    return span * surface, span * double, span * at_least_zero(ONE - surface - double)


def yamaguchi_quad(
    t11: Any, t22: Any, t33: Any, t12_re: Any, t12_im: Any, t13_re: Any, t13_im: Any, t23_re: Any, t23_im: Any
) -> Any:
    """Yamaguchi's powers of surface, double bounce, volume and helix."""
    a, b, c, scale = unit_diagonal(t11, t22, t33)
    helix = TWO * scale * abs(t23_im)
    surface, double, volume, helix = four_components(a, b, c, scale * t12_re, scale * t12_im, helix, PLAIN)
    span = t11 + t22 + t33
    return span * surface, span * double, span * volume, span * helix


def rotated_components(
    t11: Any, t22: Any, t33: Any, x: Any, y: Any, u: Any, v: Any, p: Any, q: Any, extended: Any
) -> Any:
    """Yamaguchi's powers of T3 turned until t33 is least; t12 = (x, y), t13 = (u, v), t23 = (p, q)."""
    a, b, c, scale = unit_diagonal(t11, t22, t33)
    helix = TWO * scale * abs(q)
    b, c, x, y = least_cross_polarized(b, c, scale * x, scale * y, scale * u, scale * v, scale * p)
    surface, double, volume, helix = four_components(a, b, c, x, y, helix, extended)
    span = t11 + t22 + t33
    return span * surface, span * double, span * volume, span * helix


def yamaguchi_rotated_quad(
    t11: Any, t22: Any, t33: Any, t12_re: Any, t12_im: Any, t13_re: Any, t13_im: Any, t23_re: Any, t23_im: Any
) -> Any:
    """The same of T3 turned until t33 is least."""
    return rotated_components(t11, t22, t33, t12_re, t12_im, t13_re, t13_im, t23_re, t23_im, PLAIN)


def yamaguchi_extended_quad(
    t11: Any, t22: Any, t33: Any, t12_re: Any, t12_im: Any, t13_re: Any, t13_im: Any, t23_re: Any, t23_im: Any
) -> Any:
    """The same of T3 turned until t33 is least, with dihedrals as volume where double bounce dominates."""
    return rotated_components(t11, t22, t33, t12_re, t12_im, t13_re, t13_im, t23_re, t23_im, EXTENDED)


def van_zyl_quad(
    t11: Any, t22: Any, t33: Any, t12_re: Any, t12_im: Any, t13_re: Any, t13_im: Any, t23_re: Any, t23_im: Any
) -> Any:
    """Surface, double bounce, as much volume as leaves no negative eigenvalue, and the cross-polarized rest.

    The volume diag(2, 1, 1) w with the largest w that keeps t33 - w and det [[t11 - 2 w, t12], [., t22 - w]] at
    least 0; the two eigenvalues of what is left of the latter are surface and double bounce.
    """
    a, b, c, scale = unit_diagonal(t11, t22, t33)
    x = scale * t12_re
    y = scale * t12_im
    squared = x * x + y * y
    both = a + TWO * b
    difference = a - TWO * b
    root = both + np.float32(math.sqrt(difference * difference + EIGHT * squared))
    w = TWO * at_least_zero(a * b - squared) / (root if root > TINY else ONE)
    w = c if c < w else w
    s = a - TWO * w
    d = b - w
    total = at_least_zero(s + d)
    half = HALF * (s - d)
    lesser = at_least_zero(HALF * total - np.float32(math.sqrt(half * half + squared)))
    greater = total - lesser
    odd = s >= d
    span = t11 + t22 + t33
    return (
        span * (greater if odd else lesser),
        span * (lesser if odd else greater),
        span * FOUR * w,
        span * (c - w),
    )


def krogager_quad(
    t11: Any, t22: Any, t33: Any, t12_re: Any, t12_im: Any, t13_re: Any, t13_im: Any, t23_re: Any, t23_im: Any
) -> Any:
    """Krogager's powers of sphere, diplane and helix, of the mean powers in circular polarization.

    |RL|^2 = t11 / 2, |RR|^2 and |LL|^2 = (t22 + t33) / 2 + and - im t23.
    """
    a, b, c, scale = unit_diagonal(t11, t22, t33)
    mean = HALF * (b + c)
    part = scale * abs(t23_im)
    smaller = at_least_zero(mean - part)
    helix = np.float32(math.sqrt(mean + part)) - np.float32(math.sqrt(smaller))
    span = t11 + t22 + t33
    return span * a, span * TWO * smaller, span * helix * helix
