"""Elementary functions shared by kernel families, as plain Python functions of scalars.

:mod:`.binding` hands these functions to a compiler; every driver, on the CPU and on CUDA, calls them. They
also run as they are, which is how the tests check the compiled ones. What keeps them the same everywhere:
float32 constants are written ``np.float32(...)`` (a bare literal is float64 on CUDA), rounding to an integer
is two additions, and nothing rests on the order in which a compiler may put an addition.

A number is a float32 or float64 of numpy or of the compiler; for a type checker it is ``Any``. Squares of
amplitudes leave the range of float32 outside 1e-18 to 1e18.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

FUNCTIONS = (  # in the order in which they call each other
    "reduce_turns",
    "sine_cosine_turns",
    "arctangent2",
    "binary_logarithm",
)
INLINED = FUNCTIONS

NAN = np.float32(np.nan)
ZERO = np.float32(0.0)
ONE = np.float32(1.0)
TWO = np.float32(2.0)
FOUR = np.float32(4.0)
HALF_PI = np.float32(math.pi / 2.0)
PI = np.float32(math.pi)
INFINITY = math.inf
TURNS_PER_RADIAN = 1.0 / (2.0 * math.pi)

# x + C - C rounds x to the nearest integer, ties to even, for |x| below 2^51 (float64) or 2^22 (float32).
ROUND_FLOAT64 = 1.5 * 2.0**52
ROUND_FLOAT32 = np.float32(1.5 * 2.0**23)

# Least-maximum fits by Lawson's iteration; errors before rounding: sin(pi/2 r) = r S(r^2) 1.2e-9 and
# cos(pi/2 r) = 1 + r^2 C(r^2) 5e-11 over |r| <= 1/2, atan(a) = a + a^3 A(a^2) 4.9e-8 over 0 <= a <= 1.
S0 = np.float32(1.5707963050853828)
S1 = np.float32(-0.6459629381643908)
S2 = np.float32(0.07967590294174898)
S3 = np.float32(-0.004592289000368798)
C0 = np.float32(-1.233700543353462)
C1 = np.float32(0.2536692440293597)
C2 = np.float32(-0.020860288503512944)
C3 = np.float32(0.0009040216594248356)
A0 = np.float32(-0.3333165902743306)
A1 = np.float32(0.19962703880082328)
A2 = np.float32(-0.139765815064063)
A3 = np.float32(0.0979423277399421)
A4 = np.float32(-0.057773563138986794)
A5 = np.float32(0.02304011618679048)
A6 = np.float32(-0.0043554000265663625)

# A float32 is 2^e (1 + f) with 1 + f from sqrt(1/2) to sqrt(2), whose bits are these.
ROOT_HALF_BITS = np.int32(0x3F3504F3)
EXPONENT_BITS = np.int32(23)
# log2(1 + f) = f L(f); relative error before rounding 2.6e-8: a least-maximum fit by Lawson's iteration.
L0 = np.float32(1.4426950036522412)
L1 = np.float32(-0.7213473467999119)
L2 = np.float32(0.48091064298951386)
L3 = np.float32(-0.3607036831416033)
L4 = np.float32(0.28791624669102356)
L5 = np.float32(-0.23894481272493956)
L6 = np.float32(0.21571561270613518)
L7 = np.float32(-0.2072698129636897)
L8 = np.float32(0.12583708335248062)


def reduce_turns(phase: Any) -> Any:
    """Wrap a phase in radians, float64, to turns within [-1/2, 1/2], float32.

    What float64 holds of the phase is kept: at 1e8 rad its last place is 1.5e-8 rad.
    """
    turns = phase * TURNS_PER_RADIAN
    nearest = (turns + ROUND_FLOAT64) - ROUND_FLOAT64
    return np.float32(turns - nearest)


def sine_cosine_turns(turns: Any) -> Any:
    """Compute sine and cosine, float32, of turns within [-1/2, 1/2], float32; absolute error 1.2e-7."""
    quarters = FOUR * turns
    quadrant = (quarters + ROUND_FLOAT32) - ROUND_FLOAT32
    r = quarters - quadrant
    u = r * r
    sine = r * (S0 + u * (S1 + u * (S2 + u * S3)))
    cosine = ONE + u * (C0 + u * (C1 + u * (C2 + u * C3)))
    # Quadrant 0: (sine, cosine); 1: (cosine, -sine); -1: (-cosine, sine); 2 and -2: (-sine, -cosine).
    odd = abs(quadrant) == ONE
    opposite = abs(quadrant) == TWO
    s = cosine if odd else sine
    c = sine if odd else cosine
    s = -s if (opposite or quadrant == -ONE) else s
    c = -c if (opposite or quadrant == ONE) else c
    return s, c


def arctangent2(y: Any, x: Any) -> Any:
    """Compute the angle of (x, y) in radians within [-pi, pi], float32; absolute error 4e-7.

    The ratio of the smaller to the larger component, a polynomial, unfolded by octant. The sign is that of
    y, zeros included; (0, 0) gives 0 with either sign of x. NaN if a component is NaN or both are infinite.
    """
    width = abs(x)
    height = abs(y)
    steep = height > width
    large = height if steep else width
    small = width if steep else height
    a = small / (ONE if large == ZERO else large)
    u = a * a
    angle = a + a * u * (A0 + u * (A1 + u * (A2 + u * (A3 + u * (A4 + u * (A5 + u * A6))))))
    angle = HALF_PI - angle if steep else angle
    angle = PI - angle if x < ZERO else angle
    return np.float32(math.copysign(angle, y))


def binary_logarithm(x: Any) -> Any:
    """Compute log2, float32, of a normal, finite, positive float32; relative error 4e-7, also around 1."""
    bits = np.float32(x).view(np.int32)
    exponent = np.int32((bits - ROOT_HALF_BITS) >> EXPONENT_BITS)
    f = np.int32(bits - (exponent << EXPONENT_BITS)).view(np.float32) - ONE
    g = L4 + f * (L5 + f * (L6 + f * (L7 + f * L8)))
    return np.float32(exponent) + f * (L0 + f * (L1 + f * (L2 + f * (L3 + f * g))))
