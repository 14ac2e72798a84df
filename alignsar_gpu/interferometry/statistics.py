"""What the estimator of coherence makes of a true coherence."""

from __future__ import annotations

import numpy as np

from alignsar_gpu.errors import AlignsarError

MAX_LOOKS = 100_000
NODES = 20_000


def _log_legendre(degree: int, x: np.ndarray) -> np.ndarray:
    """Logarithm of the Legendre polynomial P_degree(x), x >= 1, by its three-term recurrence for ratios."""
    log, ratio = np.zeros_like(x), np.ones_like(x)
    for n in range(1, degree + 1):
        ratio = ((2 * n - 1) * x - (n - 1) / ratio) / n
        log += np.log(ratio)
    return log


def expected_coherence(coherence: float, looks: int) -> float:
    """Mean of the sample coherence magnitude over ``looks`` independent pixels of true ``coherence``.

    The estimate is biased upwards, most for few looks and low coherence. The mean is integrated over the
    density of Touzi et al. 1999 (IEEE TGRS 37(1), probability density of the sample coherence),
    p(d) = 2 (L - 1) (1 - g^2)^L d (1 - d^2)^(L - 2) 2F1(L, L; 1; d^2 g^2), with
    2F1(L, L; 1; z) = (1 - z)^(-L) P_(L-1)((1 + z) / (1 - z)) (Abramowitz and Stegun 15.4.14).

    Raises AlignsarError for a coherence outside 0 to 1, or looks outside 2 to 100,000.
    """
    if not 0.0 <= coherence <= 1.0:
        raise AlignsarError(f"coherence {coherence}: must lie between 0 and 1")
    if not 2 <= looks <= MAX_LOOKS:
        raise AlignsarError(f"looks {looks}: must lie between 2 and {MAX_LOOKS}")
    if coherence == 1.0:
        return 1.0
    d = (np.arange(NODES) + 0.5) / NODES
    z = (d * coherence) ** 2
    log_density = (
        np.log(d)
        + looks * np.log((1.0 - coherence**2) / (1.0 - z))
        + (looks - 2) * np.log1p(-(d**2))
        + _log_legendre(looks - 1, (1.0 + z) / (1.0 - z))
    )
    density = np.exp(log_density - log_density.max())
    return float(np.sum(density * d) / np.sum(density))
