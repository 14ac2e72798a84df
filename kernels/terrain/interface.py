"""Public function for terrain in radar geometry. Checks the arguments and chooses the driver."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from alignsar_gpu.kernels.driving.arrays import Arrays

from .scalar import LAYOVER, QUANTITIES, SHADOW, SIDES

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = ["LAYOVER", "SHADOW", "TerrainLayers", "rasterize_terrain"]


class TerrainLayers(NamedTuple):
    """Layers of a terrain on a radar grid, each [line, sample]; NaN where there is no surface.

    Attributes
    ----------
    longitude, latitude : float64, degrees.
    height : float64, metres.
    incidence, local_incidence : float32, degrees.
    flags : uint8, the sum of ``LAYOVER`` and ``SHADOW`` where they hold.
    """

    longitude: NDArray[np.float64]
    latitude: NDArray[np.float64]
    height: NDArray[np.float64]
    incidence: NDArray[np.float32]
    local_incidence: NDArray[np.float32]
    flags: NDArray[np.uint8]


def rasterize_terrain(
    posts: NDArray[np.float64],
    bends: NDArray[np.float32],
    *,
    first: int,
    lines: int,
    samples: int,
    margin: int = 0,
) -> TerrainLayers:
    """Rasterize the surface between the posts of a terrain into the pixels of a radar grid.

    Four neighbouring posts are the corners of two facets, divided from the upper right to the lower left,
    flat in longitude, latitude and height. Every pixel is solved on the facet that it lies in; where there
    are several (layover), on that seen under the smallest look angle, the first along the ground.

    Parameters
    ----------
    posts : float64 [row, column, 8], C-contiguous; numpy, or on the device: sample and line (fractional),
        longitude, latitude, height, and what `viewing_angles` returns. NaN where there is no post.
    bends : float32 [row, column, 6]: how much farther (samples) and later (lines) the middle of a side is seen
        than the mean of its ends, of the sides to the right, downwards, and from the post to the right to
        the post below.
    first, lines : the lines to draw.
    samples : the samples of a line.
    margin : so many samples before the first are looked at too, for what casts shadows.

    Lines come out the same bits whichever lines and posts they are drawn with. Scratch memory, of pixels with
    the margin's: on the CPU 8 bytes a pixel of the 32 lines that each thread draws at a time, and 0.25 byte a
    post; on the device 12 bytes a pixel of all lines.

    Raises TypeError or ValueError that names the argument which is not as described.
    """
    arrays = Arrays(__package__, posts=posts, bends=bends)
    p = arrays.checked("posts", np.float64, "posts")
    if p.ndim != 3 or p.shape[2] != QUANTITIES or min(p.shape[:2]) < 2:
        raise ValueError(
            f"posts: expected [row, column, {QUANTITIES}] with two rows and columns at least, got {p.shape}"
        )
    b = arrays.checked("bends", np.float32, "bends")
    if b.shape != (*p.shape[:2], SIDES):
        raise ValueError(f"bends: expected the shape {(*p.shape[:2], SIDES)}, got {b.shape}")
    if min(lines, samples) < 1 or margin < 0:
        raise ValueError(
            f"lines, samples, margin: expected 1, 1, 0 or more, got {lines}, {samples}, {margin}"
        )
    shape = (lines, samples)
    lon, lat, h = (arrays.empty(shape, np.float64) for _ in range(3))
    incidence, local = (arrays.empty(shape, np.float32) for _ in range(2))
    flags: NDArray[np.uint8] = arrays.empty(shape, np.uint8)
    arrays.run("rasterize_terrain", p, b, first, margin, (lon, lat, h, incidence, local), flags)
    return TerrainLayers(lon, lat, h, incidence, local, flags)
