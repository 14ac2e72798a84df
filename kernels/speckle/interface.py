"""Public functions for speckle filters. Checks the arguments and chooses the driver."""

from __future__ import annotations

import math
import numbers
import operator
from typing import TYPE_CHECKING, Any

import numpy as np
from alignsar_gpu.kernels.driving.arrays import Arrays, half_window, lines_between

from .cpu import BOXCAR, GAMMA_MAP, LEE, REFINED_LEE

if TYPE_CHECKING:
    from numpy.typing import NDArray

SPECKLE_METHODS = {"boxcar": BOXCAR, "lee": LEE, "refined_lee": REFINED_LEE, "gamma_map": GAMMA_MAP}
WIDEST = 255  # lines and samples of a window
NARROWEST_REFINED = 5


def _checked_method(method: str, planes: int, half: tuple[int, int], window: tuple[int, int]) -> int:
    if method not in SPECKLE_METHODS:
        raise ValueError(f"method: expected one of {', '.join(SPECKLE_METHODS)}, got {method!r}")
    if method == "gamma_map" and planes != 1:
        raise ValueError(
            f"planes: gamma_map filters an intensity, which is one plane, got {planes}; "
            "boxcar, lee and refined_lee filter matrices"
        )
    refined = method == "refined_lee"
    if refined and (half[0] != half[1] or 2 * half[0] + 1 < NARROWEST_REFINED):
        raise ValueError(
            f"window: refined_lee takes a square one of {NARROWEST_REFINED} x {NARROWEST_REFINED} pixels or more, "
            f"got {window!r}"
        )
    if 2 * max(half) + 1 > WIDEST:
        raise ValueError(f"window: expected at most {WIDEST} lines and samples, got {window!r}")
    return SPECKLE_METHODS[method]


def _checked_looks(looks: Any) -> float:
    if not isinstance(looks, numbers.Real):
        raise TypeError(f"looks: expected a number, got {looks!r}")
    number = float(looks)
    if not 0.0 < number < math.inf:
        raise ValueError(f"looks: expected a number above 0, got {looks!r}")
    return number


def _checked_powers(powers: int, planes: int) -> int:
    try:
        count = operator.index(powers)
    except TypeError:
        raise TypeError(f"powers: expected a number of planes, got {powers!r}") from None
    if not 1 <= count <= planes:
        raise ValueError(f"powers: expected 1 to {planes}, the number of planes, got {powers}")
    return count


def speckle_filter(
    planes: NDArray[np.float32],
    valid: NDArray[np.bool_],
    *,
    method: str,
    window: tuple[int, int],
    looks: float,
    powers: int,
    first: int = 0,
    stop: int | None = None,
) -> NDArray[np.float32]:
    """Filter the speckle of an intensity or of the elements of a covariance matrix.

    ===========  ===================================================================================================
    boxcar       mean over the window
    lee          mean + b (pixel - mean), b = var(x) / var(y) of the span over the window, for all planes alike: the
                 least mean squared error under multiplicative speckle (Lee 1980, Digital image enhancement and noise
                 filtering by use of local statistics, IEEE TPAMI 2(2))
    refined_lee  the same over the half of the window on the pixel's side of the strongest of four edges, found from
                 the span's means over 3 x 3 sub-windows that fill the window (Lee 1981, Refined filtering of image
                 noise using local statistics, CGIP 15; of matrices: Lee, Grunes and de Grandi 1999, Polarimetric SAR
                 speckle filtering and its implication for classification, IEEE TGRS 37(5))
    gamma_map    the mean where the window is speckle alone, the pixel where it holds a target, and in between the
                 most probable value of a Gamma-distributed scene (Lopes, Touzi and Nezry 1990, Adaptive speckle
                 filters and scene heterogeneity, IEEE TGRS 28(6)); it is a mode, and so below the mean
    ===========  ===================================================================================================

    b is at most looks / (looks + 1): of a bright point in an image of one look, both forms of Lee keep half, of four
    looks four fifths. All sums are over the valid pixels of the window within the image, in float64, and nothing is
    ever subtracted from them.

    Parameters
    ----------
    planes : float32 [plane, line, sample], C-contiguous; numpy, or on the device. One plane of intensity, or the
        elements of a matrix, powers first (C2 as c11, c22, Re c12, Im c12, for instance).
    valid : bool [line, sample]: where all planes mean something. A valid pixel that is not finite spoils the windows
        that hold it.
    method : "boxcar", "lee", "refined_lee" or "gamma_map".
    window : lines and samples of the window, odd, 255 at most; of refined_lee square, 5 or more, usually 7.
    looks : of the planes; 1 for single-look complex data. It may have a fraction.
    powers : so many leading planes are powers, whose sum is the span.
    first, stop : the lines to return; all by default. The lines before and after these serve as halo.

    Returns
    -------
    float32 [plane, stop - first, sample], where ``planes`` is; NaN where the pixel is not valid. A window of zeros
    gives zero. A matrix stays positive semidefinite: the result is a mean of matrices. The bits depend neither on
    threads nor on blocks with a halo of half a window, or up to the edge of the image.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, planes=planes, valid=valid)
    images = arrays.checked("planes", np.float32, "planes")
    mask = arrays.checked("valid", np.bool_, "valid")
    if images.ndim != 3 or images.shape[0] == 0:
        raise ValueError(f"planes: expected planes of lines and samples, got the shape {images.shape}")
    if mask.shape != images.shape[1:]:
        raise ValueError(f"valid: expected the shape {images.shape[1:]} of a plane, got {mask.shape}")
    begin, end = lines_between("valid", mask, first, stop)
    half = half_window(window)
    code = _checked_method(method, images.shape[0], half, window)
    settings = (_checked_powers(powers, images.shape[0]), code, _checked_looks(looks))
    out: NDArray[np.float32] = arrays.empty((images.shape[0], end - begin, images.shape[2]), np.float32)
    if out.size:
        arrays.run("filter_speckle", images, mask, *settings, half, begin, out)
    return out


def multitemporal_filter(
    powers: NDArray[np.float32], means: NDArray[np.float32], valid: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Filter the speckle of a series of intensities: the local mean of each date times the mean ratio of all dates.

    J_k = E[I_k] / N sum_i I_i / E[I_i], N dates: what changes from date to date is in the local means E, and the
    speckle that is left is the mean of N (Quegan, Le Toan, Yu, Ribbes and Floury 2000, Multitemporal ERS SAR analysis
    applied to forest mapping, IEEE TGRS 38(2); Quegan and Yu 2001, Filtering of multichannel SAR images, IEEE TGRS
    39(11), for images whose speckle is independent).

    Parameters
    ----------
    powers : float32 [date, ...], C-contiguous; numpy, or on the device.
    means : the same shape: local means of each date, as `speckle_filter` makes them by "boxcar".
    valid : bool, the same shape. A date that is not valid at a pixel, or whose mean is 0 there, is not in its sum.

    Returns
    -------
    float32 of that shape, where ``powers`` is; NaN where not valid, and 0 where the mean is.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, powers=powers, means=means, valid=valid)
    images = arrays.checked("powers", np.float32, "powers")
    if images.ndim < 2:
        raise ValueError(f"powers: expected dates of pixels, got the shape {images.shape}")
    given = (
        images,
        arrays.checked("means", np.float32, "powers"),
        arrays.checked("valid", np.bool_, "powers"),
    )
    out: NDArray[np.float32] = arrays.empty(images.shape, np.float32)
    if out.size:
        flat: list[Any] = [array.reshape(len(array), -1) for array in (*given, out)]
        arrays.run("filter_multitemporal", *flat)
    return out
