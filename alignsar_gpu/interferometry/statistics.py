"""Bias of the coherence estimator, and its removal."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.interpolate import CubicSpline
from scipy.special import hyp2f1, i0e

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from numpy.typing import NDArray

MAX_LOOKS = 100_000
NODES = 20_000
LARGE_DEGREE = 200
KNOTS = 129  # of a table, where the mean is integrated
STEPS = 512  # of a table, where it is interpolated linearly


def _log_legendre(degree: float, z: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithm of the Legendre function P_degree of x = (1 + z) / (1 - z), for 0 <= z < 1 and degree >= 1.

    By its three-term recurrence for ratios, which grows from the fraction of the degree, where P_f(x) =
    (1 - z)^-f 2F1(-f, -f; 1; z) (Abramowitz and Stegun 15.4.14 and 15.3.3); beyond degree 200 by the Bessel function
    that it goes to (Olver 1974, Asymptotics and Special Functions, chapter 12), which moves a mean coherence by less
    than 1e-6.
    """
    if degree > LARGE_DEGREE:
        angle = 2.0 * np.arctanh(np.sqrt(z))
        flat = np.divide(angle, np.sinh(angle), out=np.ones_like(angle), where=angle > 0.0)
        scaled = (degree + 0.5) * angle
        return np.asarray(0.5 * np.log(flat) + np.log(i0e(scaled)) + scaled)
    x = (1.0 + z) / (1.0 - z)
    f = degree % 1.0
    below = hyp2f1(-f, -f, 1.0, z)
    ratio = hyp2f1(-1.0 - f, -1.0 - f, 1.0, z) / below / (1.0 - z)
    log = np.log(below) - f * np.log1p(-z) + np.log(ratio)
    for n in range(2, int(degree) + 1):
        order = n + f
        ratio = ((2.0 * order - 1.0) * x - (order - 1.0) / ratio) / order
        log += np.log(ratio)
    return np.asarray(log)


def expected_coherence(coherence: float, looks: float) -> float:
    """Compute the mean of the sample coherence over ``looks`` independent pixels of true ``coherence``.

    The estimate is biased upwards, most for few looks and low coherence. The mean is integrated over the
    density of Touzi et al. 1999 (IEEE TGRS 37(1), probability density of the sample coherence),
    p(d) = 2 (L - 1) (1 - g^2)^L d (1 - d^2)^(L - 2) 2F1(L, L; 1; d^2 g^2), with
    2F1(L, L; 1; z) = (1 - z)^(-L) P_(L-1)((1 + z) / (1 - z)) (Abramowitz and Stegun 15.4.14), also for numbers of
    looks that are not whole, as those of correlated pixels (`alignsar_gpu.interferometry.looks`).

    Raises AlignsarError for a coherence outside 0 to 1, or looks outside 2 to 100,000.
    """
    if not 0.0 <= coherence <= 1.0:
        raise AlignsarError(f"coherence {coherence}: must lie between 0 and 1")
    _check_looks(looks)
    if coherence == 1.0:
        return 1.0
    d = (np.arange(NODES) + 0.5) / NODES
    z = (d * coherence) ** 2
    log_density = (
        np.log(d)
        + looks * np.log((1.0 - coherence**2) / (1.0 - z))
        + (looks - 2) * np.log1p(-(d**2))
        + _log_legendre(looks - 1, z)
    )
    density = np.exp(log_density - log_density.max())
    return float(np.sum(density * d) / np.sum(density))


def _check_looks(looks: float) -> None:
    if not 2 <= looks <= MAX_LOOKS:
        raise AlignsarError(f"looks {looks}: must lie between 2 and {MAX_LOOKS}")


@lru_cache(maxsize=16)
def _table(looks: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean estimates, and the true coherence that has them: even in its root, for the inverse is steepest at 0."""
    knots = np.linspace(0.0, 1.0, KNOTS)
    means = CubicSpline(knots, [expected_coherence(float(knot**2), looks) for knot in knots])
    root = np.linspace(0.0, 1.0, STEPS + 1)
    found = np.maximum.accumulate(means(root))
    rising = np.diff(found, prepend=-1.0) > 0.0  # at the smallest coherences it is the same to the last digit
    return found[rising], root[rising] ** 2


def remove_coherence_bias(coherence: Any, looks: float, xp: Any = np) -> Any:
    """Remove the bias of an estimated coherence: the true value whose estimates have this mean.

    The inverse of `expected_coherence`, to 1e-4; 0 where an estimate is no larger than the mean of no coherence at
    all (Touzi et al. 1999, IEEE TGRS 37(1)). The mean of estimates over an area of one coherence becomes that
    coherence, whatever it is. An estimate by itself still scatters, and the inverse is not linear: what comes out,
    averaged *afterwards*, keeps a part of the bias where coherence is low, and is a little too low above. Of 9 looks
    the mean of estimates is off by 0.300, 0.095 and 0.023 at coherences of 0, 0.3 and 0.6; that of their inverses by
    0.154, -0.017 and -0.013; of 33 looks by 0.155, 0.023 and 0.005, and by 0.077, -0.010 and 0.000.

    Parameters
    ----------
    coherence : float32 of any shape, 0 to 1, of ``xp``; NaN stays.
    looks : number of independent looks of the estimates, whole or not.
    xp : numpy or CuPy.

    Returns
    -------
    float32 of that shape.

    Raises AlignsarError for looks outside 2 to 100,000.
    """
    _check_looks(looks)
    means, true = (xp.asarray(array) for array in _table(float(looks)))
    flat = xp.ascontiguousarray(coherence).reshape(-1)
    return xp.interp(flat, means, true).astype(np.float32).reshape(coherence.shape)
