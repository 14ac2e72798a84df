"""Public functions for interpolating images and lattices. Checks the arguments and chooses the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
from alignsar_gpu.kernels.driving.arrays import Arrays

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["GATHER_METHODS", "NO_DATA", "GatherMethod", "gather", "spread_parabolas"]

GatherMethod = Literal["nearest", "bilinear", "cubic", "triangles"]
# By dtype, what stands for no data, and the methods that there are.
NO_DATA: dict[str, Any] = {
    "float32": np.float32(np.nan),
    "complex64": np.complex64(complex(np.nan, np.nan)),
    "uint8": np.uint8(255),
}
GATHER_METHODS: dict[str, tuple[str, ...]] = {
    "float32": get_args(GatherMethod),
    "complex64": ("nearest", "bilinear", "cubic"),
    "uint8": ("nearest",),
}
FEWEST_CUBIC = 4  # rows and columns of an image that has sixteen pixels around a position anywhere


def gather(
    image: NDArray[Any], row: NDArray[np.float64], column: NDArray[np.float64], method: GatherMethod
) -> NDArray[Any]:
    """Interpolate an image at positions between its pixels.

    Parameters
    ----------
    image : [row, column] float32 or complex64 (what is not finite is no data) or uint8 (255 is no data),
        C-contiguous; numpy, or on the device.
    row, column : float64 [r, c], C-contiguous, of equal shape, where the image is: positions that count from the
        first pixel's centre; any numbers. The whole pixel is taken off in float64, what is left is float32.
    method : "nearest", of two pixels as near the later one; for uint8 there is nothing else.
        "bilinear": the weights of those of the four pixels that have data are divided by their sum; no data
        where the nearest of them has none.
        "cubic": Keys' convolution with a = -1/2 (Keys 1981, Cubic convolution interpolation for digital image
        processing, IEEE Trans. ASSP 29(6)); bilinear where one of the sixteen pixels has no data or is not there.
        "triangles", of float32: the surface of a DEM's posts, whose cells are two planes each, divided from the
        upper right to the lower left; no data where one of the three posts has none.

    Returns
    -------
    Values of the image's dtype and the positions' shape, where the image is. No data at positions that are NaN, or
    more than half a pixel beyond the outermost centres (for "triangles", beyond these). The bits depend neither on
    threads nor on which positions are computed in one call, and a part of an image, the whole number of its first
    row and column taken off the positions, gives those of the whole.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, image=image, row=row, column=column)
    kind = np.dtype(image.dtype).name
    if kind not in NO_DATA:
        raise TypeError(f"image: expected one of {', '.join(NO_DATA)}, got {kind}")
    pixels = arrays.checked("image", image.dtype, "image")
    y, x = (arrays.checked(name, np.float64, "row") for name in ("row", "column"))
    for name, array in (("image", pixels), ("row", y)):
        if array.ndim != 2:
            raise ValueError(f"{name}: expected two dimensions, row and column, got the shape {array.shape}")
    if method not in GATHER_METHODS[kind]:
        known = ", ".join(GATHER_METHODS[kind])
        raise ValueError(f"method: expected one of {known} for an image of {kind}, got {method!r}")
    out: NDArray[Any] = arrays.empty(y.shape, image.dtype)
    shape = (int(pixels.shape[0]), int(pixels.shape[1]))
    if not pixels.size:
        out[...] = NO_DATA[kind]
    elif y.size:
        _run(arrays, pixels.reshape(-1), shape, (y, x), method, out)
    return out


def _run(arrays: Arrays, image: Any, shape: tuple[int, int], positions: Any, method: str, out: Any) -> None:
    if method == "nearest":
        arrays.run("gather_nearest", image, shape, *positions, NO_DATA[np.dtype(image.dtype).name], out)
    elif method == "triangles":
        arrays.run("gather_triangles", image, shape, *positions, out)
    else:
        cubic = method == "cubic" and min(shape) >= FEWEST_CUBIC
        planes = image.dtype.itemsize // 4
        given = (image.view(np.float32), planes, shape, *positions, out.view(np.float32))
        arrays.run("gather_cubic" if cubic else "gather_bilinear", *given)


def spread_parabolas(
    p: NDArray[np.float64],
    q: NDArray[np.float64],
    b: NDArray[np.float64],
    along: NDArray[np.float64],
    columns: slice,
) -> NDArray[np.float64]:
    """Compute b + s (q + s p) for the columns of cells, each with coefficients of its own.

    Parameters
    ----------
    p, q, b : float64 [row, cell], C-contiguous, of equal shape; numpy, or on the device.
    along : (n,) float64 numpy array, s of the n columns of any cell.
    columns : start and stop, counted from the first column of the first cell; within the cells.

    Returns
    -------
    float64 [row, column], where ``p`` is. The bits depend neither on threads nor on what is computed in one call.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, p=p, q=q, b=b)
    given = [arrays.checked(name, np.float64, "p") for name in "pqb"]
    if given[0].ndim != 2 or not 0 <= columns.start <= columns.stop <= given[0].shape[1] * along.size:
        raise ValueError(
            f"columns: {columns.start} to {columns.stop} are not in {given[0].shape[1]} cells of {along.size}"
        )
    out: NDArray[np.float64] = arrays.empty((given[0].shape[0], columns.stop - columns.start), np.float64)
    if out.size:
        arrays.run("spread_parabolas", *given, arrays.place(along), columns.start, out)
    return out
