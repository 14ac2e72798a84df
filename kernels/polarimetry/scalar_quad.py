"""Polarimetry of four channels (see :mod:`driving.mathematics` for how it is compiled).

A measure is a function of a pixel's coherency matrix T3 = <k k^H>, averaged over its window, with
k = [HH + VV, HH - VV, 2 HV] / sqrt(2): the powers t11, t22 and t33, then t12 = <k1 conj(k2)>, t13 and t23 as re and
im, all float32. It returns a tuple of float32. That the trace is positive and finite is seen to before.

Everything is divided by the trace first: the results of powers from 1e-30 to 1e30 are the same. Where noise was
subtracted a matrix may have negative eigenvalues: those count as 0. A share of the trace below `FLOOR` is lost in the
rounding of T3; what is divided by it is undefined, NaN. Decompositions are in :mod:`.scalar_decompositions`.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import FOUR, NAN, ONE, TWO, ZERO, arctangent2, binary_logarithm

from .scalar_dual import DEGREES, HALF, surprise

FUNCTIONS = (  # in the order in which they call each other
    "at_least_zero",
    "copolar_shares",
    "turned_pair",
    "real_form",
    "jacobi_rotation",
    "jacobi_sweep",
    "in_descending_order",
    "vector_angles",
    "dilogarithm",
    "phase_variance",
    "powers_quad",
    "ratios_quad",
    "copolar_quad",
    "eigen_quad",
)
INLINED = FUNCTIONS

# What each measure returns: the names of its signatures.
MEASURES = (
    ("powers_quad", ("span_quad", "pauli_surface", "pauli_double_bounce", "pauli_volume")),
    ("ratios_quad", ("rvi_quad", "copolar_ratio", "crosspolar_ratio_hh", "crosspolar_ratio_vv")),
    ("copolar_quad", ("copolar_phase_difference", "copolar_correlation", "copolar_phase_deviation")),
    (
        "eigen_quad",
        (
            "entropy_quad",
            "anisotropy_quad",
            "alpha_quad",
            "beta_quad",
            "delta_quad",
            "gamma_quad",
            "eigenvalue_1",
            "eigenvalue_2",
            "eigenvalue_3",
            "alpha_1",
            "pedestal_height",
            "rvi_eigenvalue",
        ),
    ),
)

FLOOR = np.float32(1e-6)  # -60 dB of the span
TINY = np.float32(1e-30)  # below the rounding of anything here, but not below float32
LOG3_OF_2 = np.float32(math.log(2.0) / math.log(3.0))
LOG_OF_2 = np.float32(math.log(2.0))
SIXTH_OF_PI_SQUARED = np.float32(math.pi**2 / 6.0)

# Li2(x) = z - z^2 / 4 + z^3 / 36 - z^5 / 3600 + z^7 / 211680, z = -ln(1 - x): error 3e-9 for 0 <= x <= 1/2.
L2 = np.float32(-1.0 / 4.0)
L3 = np.float32(1.0 / 36.0)
L5 = np.float32(-1.0 / 3600.0)
L7 = np.float32(1.0 / 211680.0)


def at_least_zero(x: Any) -> Any:
    """A number, or 0 if it is negative."""
    return x if x > ZERO else ZERO


def copolar_shares(t11: Any, t22: Any, t12_re: Any) -> Any:
    """The powers of HH and VV."""
    mean = HALF * (t11 + t22)
    return mean + t12_re, mean - t12_re


def turned_pair(a: Any, b: Any, cosine: Any, sine: Any) -> Any:
    """Two numbers, turned."""
    return cosine * a - sine * b, sine * a + cosine * b


def real_form(
    t22: Any, t33: Any, t12_re: Any, t12_im: Any, t13_re: Any, t13_im: Any, t23_re: Any, t23_im: Any
) -> Any:
    """T3 as Q R Q^H with a real tridiagonal R, Q = 1 beside a unitary 2 x 2 matrix.

    Returns R as r22, r33, r12, r23 (r11 = t11), and Q as u, v and w, each as re and im:
    its columns are [1, 0, 0], [0, conj(u), conj(v)] and [0, -v, u] conj(w).
    """
    squared = t12_re * t12_re + t12_im * t12_im + t13_re * t13_re + t13_im * t13_im
    large = squared > TINY
    r12 = np.float32(math.sqrt(squared if large else ONE))
    inverse = ONE / r12
    ur = t12_re * inverse if large else ONE
    ui = t12_im * inverse if large else ZERO
    vr = t13_re * inverse if large else ZERO
    vi = t13_im * inverse if large else ZERO
    uu = ur * ur + ui * ui
    vv = vr * vr + vi * vi
    # u conj(v), and t23 turned by it
    xr = ur * vr + ui * vi
    xi = ui * vr - ur * vi
    g = TWO * (xr * t23_re - xi * t23_im)
    # r23 = u v (t33 - t22) + u^2 t23 - v^2 conj(t23)
    d = t33 - t22
    ar = ur * t23_re - ui * t23_im
    ai = ur * t23_im + ui * t23_re
    br = vr * t23_re + vi * t23_im
    bi = vi * t23_re - vr * t23_im
    er = (ur * vr - ui * vi) * d + (ur * ar - ui * ai) - (vr * br - vi * bi)
    ei = (ur * vi + ui * vr) * d + (ur * ai + ui * ar) - (vr * bi + vi * br)
    squared = er * er + ei * ei
    turned = squared > TINY
    r23 = np.float32(math.sqrt(squared if turned else ONE))
    inverse = ONE / r23
    wr = er * inverse if turned else ONE
    wi = ei * inverse if turned else ZERO
    return (
        uu * t22 + vv * t33 + g,
        vv * t22 + uu * t33 - g,
        (r12 if large else ZERO),
        (r23 if turned else ZERO),
        ur,
        ui,
        vr,
        vi,
        wr,
        wi,
    )


def jacobi_rotation(p: Any, q: Any, c: Any) -> Any:
    """Cosine and sine of the turn by at most 45 degrees that makes [[p, c], [c, q]] diagonal, and its new diagonal."""
    d = q - p
    t = TWO * c / (abs(d) + np.float32(math.sqrt(d * d + FOUR * c * c)) + TINY)
    t = -t if d < ZERO else t
    cosine = ONE / np.float32(math.sqrt(ONE + t * t))
    return cosine, t * cosine, p - t * c, q + t * c


def jacobi_sweep(a: Any, b: Any, c: Any, ab: Any, ac: Any, bc: Any, p: Any, q: Any, r: Any) -> Any:
    """One sweep over the real symmetric matrix of diagonal a, b, c; p, q and r are the rows of its eigenvectors."""
    cosine, sine, a, b = jacobi_rotation(a, b, ab)
    ac, bc = turned_pair(ac, bc, cosine, sine)
    pa, pb = turned_pair(p[0], p[1], cosine, sine)
    qa, qb = turned_pair(q[0], q[1], cosine, sine)
    ra, rb = turned_pair(r[0], r[1], cosine, sine)
    cosine, sine, a, c = jacobi_rotation(a, c, ac)
    ab, bc = turned_pair(ZERO, bc, cosine, sine)
    pa, pc = turned_pair(pa, p[2], cosine, sine)
    qa, qc = turned_pair(qa, q[2], cosine, sine)
    ra, rc = turned_pair(ra, r[2], cosine, sine)
    cosine, sine, b, c = jacobi_rotation(b, c, bc)
    ab, ac = turned_pair(ab, ZERO, cosine, sine)
    pb, pc = turned_pair(pb, pc, cosine, sine)
    qb, qc = turned_pair(qb, qc, cosine, sine)
    rb, rc = turned_pair(rb, rc, cosine, sine)
    return a, b, c, ab, ac, ZERO, (pa, pb, pc), (qa, qb, qc), (ra, rb, rc)


def in_descending_order(a: Any, x: Any, b: Any, y: Any, c: Any, z: Any) -> Any:
    """Three numbers, each with another, by descending first: the three, and what was with the largest."""
    swap = b > a
    a, b, x, y = (b if swap else a), (a if swap else b), (y if swap else x), (x if swap else y)
    swap = c > a
    a, c, x = (c if swap else a), (a if swap else c), (z if swap else x)
    swap = c > b
    return a, (c if swap else b), (b if swap else c), x


def vector_angles(y1: Any, y2: Any, y3: Any, second: Any, third: Any) -> Any:
    """Alpha, beta, delta and gamma (radians) of an eigenvector.

    It is [y1, x2, x3] with x2 = y2 a + y3 b of ``second``, a and b as re and im, and x3 in the same way.
    """
    ar, ai, br, bi = second
    cr, ci, dr, di = third
    xr = y2 * ar + y3 * br
    xi = y2 * ai + y3 * bi
    zr = y2 * cr + y3 * dr
    zi = y2 * ci + y3 * di
    x = xr * xr + xi * xi
    z = zr * zr + zi * zi
    alpha = arctangent2(np.float32(math.sqrt(x + z)), abs(y1))
    beta = arctangent2(np.float32(math.sqrt(z)), np.float32(math.sqrt(x)))
    sign = -ONE if y1 < ZERO else ONE
    return alpha, beta, arctangent2(sign * xi, sign * xr), arctangent2(sign * zi, sign * zr)


def dilogarithm(z: Any) -> Any:
    """Li2(x) of z = -ln(1 - x), for x within 0 and 1/2."""
    s = z * z
    return z * (ONE + z * L2 + s * (L3 + s * (L5 + s * L7)))


def phase_variance(incoherent: Any, coherence: Any) -> Any:
    """Variance (rad^2) of the phase of one look, from the coherence and 1 - its square.

    Bamler and Hartl 1998, pi^2 / 3 - pi asin(g) + asin(g)^2 - Li2(g^2) / 2 with g the coherence, written with
    x = acos(g) and, near g = 1, with Li2(g^2) = pi^2 / 6 - ln(g^2) ln(1 - g^2) - Li2(1 - g^2): nothing cancels.
    """
    x = arctangent2(np.float32(math.sqrt(incoherent)), coherence)
    rest = ONE - incoherent
    near = incoherent < HALF
    smaller = incoherent if near else rest
    larger = rest if near else incoherent
    z = -LOG_OF_2 * binary_logarithm(larger)
    li2 = dilogarithm(z)
    logarithms = -z * LOG_OF_2 * binary_logarithm(smaller)
    return x * x + HALF * (logarithms + li2 if near else SIXTH_OF_PI_SQUARED - li2)


def powers_quad(
    t11: Any, t22: Any, t33: Any, t12_re: Any, t12_im: Any, t13_re: Any, t13_im: Any, t23_re: Any, t23_im: Any
) -> Any:
    """Span and the three Pauli powers."""
    return t11 + t22 + t33, t11, t22, t33


def ratios_quad(
    t11: Any, t22: Any, t33: Any, t12_re: Any, t12_im: Any, t13_re: Any, t13_im: Any, t23_re: Any, t23_im: Any
) -> Any:
    """Radar vegetation index, and the ratios of powers HH / VV, HV / HH and HV / VV."""
    scale = ONE / (t11 + t22 + t33)
    hh, vv = copolar_shares(scale * t11, scale * t22, scale * t12_re)
    cross = scale * at_least_zero(t33)
    hv = HALF * cross
    return (
        FOUR * cross,
        (at_least_zero(hh) / vv if vv > FLOOR else NAN),
        (hv / hh if hh > FLOOR else NAN),
        (hv / vv if vv > FLOOR else NAN),
    )


def copolar_quad(
    t11: Any, t22: Any, t33: Any, t12_re: Any, t12_im: Any, t13_re: Any, t13_im: Any, t23_re: Any, t23_im: Any
) -> Any:
    """Phase difference of HH and VV (rad), their correlation, and the deviation of the phase of one look (rad)."""
    scale = ONE / (t11 + t22 + t33)
    a = scale * t11
    b = scale * t22
    x = scale * t12_re
    y = scale * t12_im
    hh, vv = copolar_shares(a, b, x)
    defined = hh > FLOOR and vv > FLOOR
    power = hh * vv if defined else ONE
    re = HALF * (a - b)
    correlation = np.float32(math.sqrt((re * re + y * y) / power))
    correlation = ONE if correlation > ONE else correlation
    incoherent = (a * b - x * x - y * y) / power  # 1 - correlation^2
    incoherent = ONE if incoherent > ONE else at_least_zero(incoherent)
    deviation = np.float32(math.sqrt(at_least_zero(phase_variance(incoherent, correlation))))
    phase = arctangent2(-y, re)
    return (phase if defined else NAN), (correlation if defined else NAN), (deviation if defined else NAN)


def eigen_quad(
    t11: Any, t22: Any, t33: Any, t12_re: Any, t12_im: Any, t13_re: Any, t13_im: Any, t23_re: Any, t23_im: Any
) -> Any:
    """What comes of the eigenvalues and eigenvectors of T3; angles in degrees.

    Entropy, anisotropy, the means of alpha, beta, delta and gamma, the eigenvalues by size, alpha of the first,
    the smallest over the largest, and 4 times the smallest over their sum. An eigenvector is
    [cos(alpha), sin(alpha) cos(beta) exp(j delta), sin(alpha) sin(beta) exp(j gamma)] but for a common phase.
    """
    span = t11 + t22 + t33
    a = t11 / span
    b, c, ab, bc, ur, ui, vr, vi, wr, wi = real_form(
        t22 / span,
        t33 / span,
        t12_re / span,
        t12_im / span,
        t13_re / span,
        t13_im / span,
        t23_re / span,
        t23_im / span,
    )
    p, q, r = (ONE, ZERO, ZERO), (ZERO, ONE, ZERO), (ZERO, ZERO, ONE)
    a, b, c, ab, ac, bc, p, q, r = jacobi_sweep(a, b, c, ab, ZERO, bc, p, q, r)
    a, b, c, ab, ac, bc, p, q, r = jacobi_sweep(a, b, c, ab, ac, bc, p, q, r)
    a, b, c, ab, ac, bc, p, q, r = jacobi_sweep(a, b, c, ab, ac, bc, p, q, r)
    second = ur, -ui, -(vr * wr + vi * wi), vr * wi - vi * wr
    third = vr, -vi, ur * wr + ui * wi, ui * wr - ur * wi
    alpha_a, beta_a, delta_a, gamma_a = vector_angles(p[0], q[0], r[0], second, third)
    alpha_b, beta_b, delta_b, gamma_b = vector_angles(p[1], q[1], r[1], second, third)
    alpha_c, beta_c, delta_c, gamma_c = vector_angles(p[2], q[2], r[2], second, third)
    first, middle, last, alpha_1 = in_descending_order(a, alpha_a, b, alpha_b, c, alpha_c)
    largest = ONE - (middle + last)  # a rounding or two, where it has gone through many
    first = largest if largest > middle else middle
    a, b, c = at_least_zero(a), at_least_zero(b), at_least_zero(c)
    middle, last = at_least_zero(middle), at_least_zero(last)
    rest = middle + last
    inverse = ONE / (first + rest)
    degrees = inverse * DEGREES
    entropy = LOG3_OF_2 * (surprise(inverse * first) + surprise(inverse * middle) + surprise(inverse * last))
    return (
        (ONE if entropy > ONE else entropy),
        ((middle - last) / rest if rest > FLOOR else NAN),
        degrees * (a * alpha_a + b * alpha_b + c * alpha_c),
        degrees * (a * beta_a + b * beta_b + c * beta_c),
        degrees * (a * delta_a + b * delta_b + c * delta_c),
        degrees * (a * gamma_a + b * gamma_b + c * gamma_c),
        span * first,
        span * middle,
        span * last,
        DEGREES * alpha_1,
        last / first,
        FOUR * last * inverse,
    )
