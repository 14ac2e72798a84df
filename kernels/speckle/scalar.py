"""The mathematics of speckle filters, as plain Python functions of scalars: see :mod:`driving.mathematics`.

Sums over windows are float64: the variance is a difference of two of them, and speckle of a thousand looks leaves
a thousandth of the squares. Sums over dates are float32: nothing is subtracted from them.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.mathematics import NAN, ONE, ZERO

FUNCTIONS = (  # in the order in which they call each other
    "counted",
    "window_mean",
    "mmse_weight",
    "mmse_value",
    "gamma_map_value",
    "subwindow_mean",
    "facing_window",
    "run_of",
    "relative_power",
    "multitemporal_value",
)
INLINED = FUNCTIONS

MISSING = -1e300  # mean of a sub-window without valid pixels; NaN would not survive fast-math

# Windows: what lies to one side of an edge through the centre, the edge itself included, or everything.
RIGHT, LEFT, BELOW, ABOVE, ABOVE_RIGHT, BELOW_LEFT, BELOW_RIGHT, ABOVE_LEFT, WHOLE = range(9)
EDGES = 8  # windows that are half of the whole


def counted(x: Any, valid: Any) -> Any:
    """What a window sums of a pixel, float64; 0 where not valid. See :func:`coherence.scalar.products`."""
    value = np.float64(x)
    return value if valid else 0.0


def window_mean(total: Any, count: Any, valid: Any) -> Any:
    """Mean over the valid pixels of a window, float32; NaN where the centre is not valid."""
    mean = np.float32(total / count)
    return mean if valid else NAN


def mmse_weight(total: Any, squares: Any, count: Any, noise: Any) -> Any:
    """Weight of the pixel against the mean of its window, 0 to 1: var(x) / var(y), from the sums of y and y^2.

    y = x v with speckle v of mean 1 and variance ``noise``: var(x) = (var(y) - mean^2 noise) / (1 + noise). At most
    1 / (1 + noise). Lee 1981, Refined filtering of image noise using local statistics, Computer Graphics and Image
    Processing 15; Lee, Grunes and de Grandi 1999, Polarimetric SAR speckle filtering and its implication for
    classification, IEEE TGRS 37(5).
    """
    share = 1.0 / count
    mean = total * share
    variance = squares * share - mean * mean
    signal = variance - mean * mean * noise
    return signal / (variance * (1.0 + noise)) if signal > 0.0 else 0.0


def mmse_value(total: Any, count: Any, weight: Any, centre: Any, valid: Any) -> Any:
    """Mean + weight (centre - mean), float32; NaN where the centre is not valid."""
    mean = total / count
    value = np.float32(mean + weight * (np.float64(centre) - mean))
    return value if valid else NAN


def gamma_map_value(total: Any, squares: Any, count: Any, centre: Any, looks: Any, valid: Any) -> Any:
    """Most probable intensity given a Gamma-distributed scene under Gamma-distributed speckle, float32.

    By the window's coefficient of variation C: the mean where C is at most Cu = 1 / sqrt(looks), that of speckle; the
    pixel where it is at least Cmax = sqrt(1 + 2 / looks); between them the positive root of
    alpha R^2 - (alpha - looks - 1) mean R - looks mean centre = 0, alpha = (1 + Cu^2) / (C^2 - Cu^2).
    NaN where the centre is not valid. Lopes, Touzi and Nezry 1990, Adaptive speckle filters and scene heterogeneity,
    IEEE TGRS 28(6); Lopes, Nezry, Touzi and Laur 1990, Maximum a posteriori speckle filtering and first order
    texture models in SAR images, IGARSS.
    """
    mean = total / count
    pixel = np.float64(centre)
    speckle = 1.0 / looks
    variation = squares / count - mean * mean
    texture = variation - speckle * (mean * mean)
    between = texture > 0.0 and mean > 0.0
    alpha = (1.0 + speckle) * (mean * mean) / (texture if between else 1.0)
    linear = alpha - looks - 1.0
    product = 4.0 * alpha * looks * (pixel / (mean if between else 1.0))
    root = math.sqrt(linear * linear + (product if product > 0.0 else 0.0))
    found = mean * (linear + root) / (2.0 * (alpha if alpha > 0.0 else 1.0))
    value = found if between else mean
    value = pixel if (between and variation >= (1.0 + 2.0 * speckle) * (mean * mean)) else value
    result = np.float32(value)
    return result if valid else NAN


def subwindow_mean(total: Any, count: Any) -> Any:
    """Mean over the valid pixels of a sub-window, float64; MISSING if there are none."""
    return total / count if count > 0.0 else MISSING


def facing_window(nw: Any, n: Any, ne: Any, w: Any, centre: Any, e: Any, sw: Any, s: Any, se: Any) -> Any:
    """The half window on the pixel's side of the strongest edge, RIGHT to ABOVE_LEFT, int64.

    From the means of nine sub-windows: the edge through the centre with the largest difference between the three on
    one side and the three on the other (of equal ones, a diagonal); and of these two sides the one whose middle is
    nearer to the centre. A sub-window without valid pixels is taken as the centre. Lee 1981, as above.
    """
    nw = nw if nw > MISSING else centre
    n = n if n > MISSING else centre
    ne = ne if ne > MISSING else centre
    w = w if w > MISSING else centre
    e = e if e > MISSING else centre
    sw = sw if sw > MISSING else centre
    s = s if s > MISSING else centre
    se = se if se > MISSING else centre
    upright = abs((ne + e + se) - (nw + w + sw))
    level = abs((sw + s + se) - (nw + n + ne))
    falling = abs((n + ne + e) - (w + sw + s))
    rising = abs((e + s + se) - (nw + n + w))
    # Diagonals first: of a corner alone that differs, they hold it on one side, the others may hold it on both.
    strongest = falling
    window = np.int64(ABOVE_RIGHT) if abs(ne - centre) <= abs(sw - centre) else np.int64(BELOW_LEFT)
    side = np.int64(BELOW_RIGHT) if abs(se - centre) <= abs(nw - centre) else np.int64(ABOVE_LEFT)
    window = side if rising > strongest else window
    strongest = rising if rising > strongest else strongest
    side = np.int64(RIGHT) if abs(e - centre) <= abs(w - centre) else np.int64(LEFT)
    window = side if upright > strongest else window
    strongest = upright if upright > strongest else strongest
    side = np.int64(BELOW) if abs(s - centre) <= abs(n - centre) else np.int64(ABOVE)
    return side if level > strongest else window


def run_of(window: Any, line: Any, half: Any) -> Any:
    """First and last sample of a window in one of its lines, all counted from the centre; (1, 0) if it has none."""
    first = -half
    last = half
    if window == RIGHT:
        first = 0
    elif window == LEFT:
        last = 0
    elif window == ABOVE_RIGHT:
        first = line
    elif window == BELOW_LEFT:
        last = line
    elif window == BELOW_RIGHT:
        first = -line
    elif window == ABOVE_LEFT:
        last = -line
    elif (window == BELOW and line < 0) or (window == ABOVE and line > 0):
        first = 1
        last = 0
    return first, last


def relative_power(power: Any, mean: Any, valid: Any) -> Any:
    """Power over the local mean of its date, and 1; twice 0 where not valid or where the mean is not positive."""
    counts = valid and mean > ZERO
    ratio = power / (mean if counts else ONE)
    return (ratio if counts else ZERO), (ONE if counts else ZERO)


def multitemporal_value(mean: Any, total: Any, count: Any, valid: Any) -> Any:
    """The filtered power of a date from the sum of the relative powers of all, float32; NaN where not valid.

    J = E[I] / N sum I_i / E[I_i]. Quegan, Le Toan, Yu, Ribbes and Floury 2000, Multitemporal ERS SAR analysis applied
    to forest mapping, IEEE TGRS 38(2); Quegan and Yu 2001, Filtering of multichannel SAR images, IEEE TGRS 39(11).
    """
    value = mean * (total / (count if count > ZERO else ONE))
    return value if valid else NAN
