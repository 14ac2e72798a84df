"""Public functions for moving pixels by fractions of one. Checks arguments and chooses the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from alignsar_gpu.kernels.driving.arrays import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Image = NDArray[np.float64]

__all__ = ["evaluate_polynomials", "move_image", "move_places"]


def evaluate_polynomials(coefficients: Image, line: Image, sample: Image, height: Image) -> Image:
    """Evaluate polynomials of line, sample and height at every pixel.

    Parameters
    ----------
    coefficients : [number, power of line, of sample, of height] float64, numpy.
    line, sample : (lines,) and (samples,) float64, numpy.
    height : [line, sample] float64, C-contiguous; numpy, or on the device.

    Returns
    -------
    float64 [number, line, sample], where ``height`` is; NaN where that is, of polynomials that have a power of it
    above 0.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, height=height)
    z = arrays.checked("height", np.float64, "height")
    if z.shape != (len(line), len(sample)):
        raise ValueError(
            f"height: expected the shape {(len(line), len(sample))} of lines and samples, got {z.shape}"
        )
    if coefficients.ndim != 4 or coefficients.dtype != np.float64:
        raise ValueError(
            f"coefficients: expected four dimensions, float64, got the shape {coefficients.shape}"
        )
    # What lines make of the coefficients is the same for all pixels of a line; powers that none has are left out.
    of_lines = np.einsum(
        "li,nijk->lnjk", np.vander(line, coefficients.shape[1], increasing=True), coefficients
    )
    used = [
        int(np.flatnonzero(np.any(coefficients, axis=axes))[-1:].sum()) + 1 for axes in ((0, 1, 3), (0, 1, 2))
    ]
    kept = np.ascontiguousarray(of_lines[:, :, : used[0], : used[1]])
    out: Image = arrays.empty((len(coefficients), *z.shape), np.float64)
    if out.size:
        arrays.run("polynomials", arrays.place(kept), arrays.place(np.asarray(sample, np.float64)), z, out)
    return out


def move_places(
    longitude: Image, latitude: Image, height: Image, flags: NDArray[np.uint8], down: Image, across: Image
) -> tuple[Image, Image, Image]:
    """Interpolate coordinates of pixels at offsets of fractions of a pixel, by their differences.

    Parameters
    ----------
    longitude, latitude, height : float64 [line, sample], C-contiguous; numpy, or on the device.
    flags : uint8, of the same shape, and where these are; only pixels without a flag are moved.
    down, across : float64, likewise: lines and samples.

    Returns
    -------
    The three coordinates, where they are: coordinate + down * (change by line) + across * (change by sample), by
    differences of the neighbours on either side. A coordinate stays where the result is not finite.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    given = {"longitude": longitude, "latitude": latitude, "height": height, "down": down, "across": across}
    arrays = Arrays(__package__, **given, flags=flags)
    if longitude.ndim != 2:
        raise ValueError(
            f"longitude: expected two dimensions, line and sample, got the shape {longitude.shape}"
        )
    checked = {name: arrays.checked(name, np.float64, "longitude") for name in given}
    layers = checked["longitude"], checked["latitude"], checked["height"]
    seen = arrays.checked("flags", np.uint8, "longitude")
    first, second, third = (arrays.empty(seen.shape, np.float64) for _ in range(3))
    if seen.size:
        arrays.run("move_places", layers, seen, checked["down"], checked["across"], (first, second, third))
    return first, second, third


def move_image(image: NDArray[np.float32], down: Image, across: Image) -> NDArray[np.float32]:
    """Interpolate an image at offsets of less than a pixel, between lines and then between samples.

    float32 [line, sample], with offsets in lines and samples, float64 of the same shape; C-contiguous; numpy, or all on
    the device. Returns an image where these are; a pixel stays as it is where its neighbour is not known.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, image=image, down=down, across=across)
    own = arrays.checked("image", np.float32, "image")
    if own.ndim != 2:
        raise ValueError(f"image: expected two dimensions, line and sample, got the shape {own.shape}")
    offsets: list[Any] = [arrays.checked(name, np.float64, "image") for name in ("down", "across")]
    out: NDArray[np.float32] = arrays.empty(own.shape, np.float32)
    if out.size:
        arrays.run("move_image", own, *offsets, out)
    return out
