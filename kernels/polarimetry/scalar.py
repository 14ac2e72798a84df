"""From the pixels of several channels to their covariance matrix, as plain Python functions of scalars.

Two channels: c11, c22 and c12 = <first conj(second)>. Four: the covariance C3 of [HH, sqrt(2) X, VV] with
X = (HV + VH) / 2, from which the coherency T3 of [HH + VV, HH - VV, 2 X] / sqrt(2) follows. Sums of powers are in
float32: nothing is ever subtracted from them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import NAN, ONE, ZERO

FUNCTIONS = (  # in the order in which they call each other
    "products_dual",
    "products_quad",
    "radiometric",
    "matrix_dual",
    "coherency",
    "matrix_quad",
)
INLINED = FUNCTIONS

HALF = np.float32(0.5)
ROOT_OF_HALF = np.float32(math.sqrt(0.5))
LARGEST = np.float32(1e37)


def products_dual(ar: Any, ai: Any, br: Any, bi: Any, valid: Any) -> Any:
    """What a window sums: |a|^2, |b|^2, a conj(b) as re and im, and one for a valid pixel; all 0 where not valid.

    Computed first and chosen after, as in `.scalar.products`.
    """
    p = ar * ar + ai * ai
    q = br * br + bi * bi
    re = ar * br + ai * bi
    im = ai * br - ar * bi
    return (
        (p if valid else ZERO),
        (q if valid else ZERO),
        (re if valid else ZERO),
        (im if valid else ZERO),
        (ONE if valid else ZERO),
    )


def products_quad(ar: Any, ai: Any, br: Any, bi: Any, cr: Any, ci: Any, dr: Any, di: Any, valid: Any) -> Any:
    """The same of HH, HV, VH and VV: the three powers of C3, its c12, c13 and c23 as re and im, and the count."""
    xr = ROOT_OF_HALF * (br + cr)
    xi = ROOT_OF_HALF * (bi + ci)
    p = ar * ar + ai * ai
    q = xr * xr + xi * xi
    r = dr * dr + di * di
    return (
        (p if valid else ZERO),
        (q if valid else ZERO),
        (r if valid else ZERO),
        (ar * xr + ai * xi if valid else ZERO),
        (ai * xr - ar * xi if valid else ZERO),
        (ar * dr + ai * di if valid else ZERO),
        (ai * dr - ar * di if valid else ZERO),
        (xr * dr + xi * di if valid else ZERO),
        (xi * dr - xr * di if valid else ZERO),
        (ONE if valid else ZERO),
    )


def radiometric(power: Any, gain: Any, noise: Any, lowest: Any) -> Any:
    """power * gain - noise, NaN where that is below the lowest power that is let through."""
    value = power * gain - noise
    return value if value >= lowest else NAN


def matrix_dual(
    p: Any,
    q: Any,
    re: Any,
    im: Any,
    count: Any,
    own_p: Any,
    own_q: Any,
    gain_p: Any,
    gain_q: Any,
    noise_p: Any,
    noise_q: Any,
    lowest: Any,
) -> Any:
    """c11, c22, re and im of c12, both powers of the pixel alone, and one where the matrix means something, or 0.

    Sums over ``count`` pixels; gains (of power) and noise are those of the window's middle pixel, which are the
    same all over the window to 1e-4. A power that noise leaves below zero makes the matrix meaningless.
    """
    mean = ONE / (count if count > ZERO else ONE)
    c11 = p * mean * gain_p - noise_p
    c22 = q * mean * gain_q - noise_q
    scale = mean * np.float32(math.sqrt(gain_p * gain_q))
    span = c11 + c22
    good = ZERO < span < LARGEST and c11 >= ZERO and c22 >= ZERO
    first = radiometric(own_p, gain_p, noise_p, lowest)
    second = radiometric(own_q, gain_q, noise_q, lowest)
    return c11, c22, re * scale, im * scale, first, second, (ONE if good else ZERO)


def coherency(c11: Any, c22: Any, c33: Any, ar: Any, ai: Any, br: Any, bi: Any, cr: Any, ci: Any) -> Any:
    """T3 of C3: t11, t22, t33, then t12, t13 and t23 as re and im (Lee and Pottier 2009, section 3.3)."""
    half = HALF * (c11 + c33)
    return (
        half + br,
        half - br,
        c22,
        HALF * (c11 - c33),
        -bi,
        ROOT_OF_HALF * (ar + cr),
        ROOT_OF_HALF * (ai - ci),
        ROOT_OF_HALF * (ar - cr),
        ROOT_OF_HALF * (ai + ci),
    )


def matrix_quad(
    p: Any,
    q: Any,
    r: Any,
    ar: Any,
    ai: Any,
    br: Any,
    bi: Any,
    cr: Any,
    ci: Any,
    count: Any,
    gain_p: Any,
    gain_q: Any,
    gain_r: Any,
    noise_p: Any,
    noise_q: Any,
    noise_r: Any,
) -> Any:
    """T3 from the sums of C3 as `matrix_dual`, and one where it means something, or 0."""
    mean = ONE / (count if count > ZERO else ONE)
    c11 = p * mean * gain_p - noise_p
    c22 = q * mean * gain_q - noise_q
    c33 = r * mean * gain_r - noise_r
    gp = np.float32(math.sqrt(gain_p))
    gq = np.float32(math.sqrt(gain_q))
    gr = np.float32(math.sqrt(gain_r))
    x = mean * gp * gq
    y = mean * gp * gr
    z = mean * gq * gr
    t11, t22, t33, a, b, c, d, e, f = coherency(c11, c22, c33, x * ar, x * ai, y * br, y * bi, z * cr, z * ci)
    span = c11 + c22 + c33
    good = ZERO < span < LARGEST and c11 >= ZERO and c22 >= ZERO and c33 >= ZERO
    return t11, t22, t33, a, b, c, d, e, f, (ONE if good else ZERO)
