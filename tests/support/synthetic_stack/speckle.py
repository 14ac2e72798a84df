"""Speckle: circular Gaussian pixels with the exact covariance between dates and polarizations."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from synthetic_stack.land_cover import CLASSES

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

SPECKLE_STREAM = 1


def class_factors(days: NDArray[np.float64], polarizations: Sequence[str]) -> NDArray[np.complex128]:
    """Cholesky factors (class, n, n) of the correlation matrices over n = dates x polarizations.

    The matrix of a class is the Kronecker product of its coherence between dates (``days``) and its
    polarimetric correlation; both are positive definite, so it is.
    """
    apart = days[:, np.newaxis] - days
    matrices = [np.kron(one.coherence(apart), one.polarimetric(polarizations)) for one in CLASSES]
    return np.asarray(np.linalg.cholesky(np.array(matrices)), dtype=np.complex128)


def draw_line(
    seed: int, line: int, land_cover: NDArray[np.uint8], factors: NDArray[np.complex128]
) -> NDArray[np.complex128]:
    """Unit-power speckle (dates x polarizations, sample) of one line, whose classes are ``land_cover``.

    Each line has a random stream of its own, so the pixels do not depend on how the lines are read.
    """
    rng = np.random.default_rng((seed, SPECKLE_STREAM, line))
    parts = rng.standard_normal((2, factors.shape[1], land_cover.size))
    white = (parts[0] + 1j * parts[1]) * np.sqrt(0.5)
    speckle = np.empty(white.shape, dtype=np.complex128)
    for index in np.unique(land_cover):
        here = land_cover == index
        speckle[:, here] = factors[index] @ white[:, here]
    return speckle
