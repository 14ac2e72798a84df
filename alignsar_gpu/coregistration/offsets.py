"""Residual offsets of a whole image: patches matched by their amplitudes, and a polynomial through what they say.

Amplitudes of two patches are compared at every offset by their normalised correlation over the pixels that both
have, computed by FFT (Padfield, 2012, Masked object registration in the Fourier domain): neither edges nor masked
pixels draw the offset towards 0. Detection doubles the bandwidth, so that patches are oversampled by 2 before
(Bamler and Eineder, 2005; De Zan, 2014, Accuracy of incoherent speckle tracking for circular Gaussian signals).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy.fft import fft2, ifft2, irfft2, next_fast_len, rfft2
from scipy.interpolate import RectBivariateSpline
from scipy.ndimage import binary_erosion, maximum_filter

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

OVERSAMPLING = 2
REACH = 16  # pixels that are searched each way
FRINGE = 2  # pixels along masked ones and edges that oversampling blurs
OVERLAP = 0.3  # of a patch that two must share to be compared
AROUND = 4  # oversampled pixels each way that the peak is interpolated from
FINE = 32  # parts of an oversampled pixel


@dataclass(frozen=True, kw_only=True, eq=False)
class Offset:
    """What a patch says of the offset of the secondary.

    Attributes
    ----------
    line, sample : place of the patch.
    down, across : lines and samples that the secondary is late, its features at larger indices; NaN for unknown.
    peak : correlation of the amplitudes there; 0 where nothing is known.
    contrast : by how many deviations of the correlation elsewhere the peak stands above the next one.
    """

    line: float
    sample: float
    down: float
    across: float
    peak: float
    contrast: float
