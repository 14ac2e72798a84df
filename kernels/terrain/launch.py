"""The CUDA drivers: launch the kernels of `cuda`. Import it late: it imports numba.cuda."""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.gpujit import FEWEST_BLOCKS, MOST_BLOCKS
from alignsar_gpu.kernels.driving.launching import array_module, elementwise, launch

from .cuda import KERNEL, LINES
from .scalar import FARTHEST

MOST_SHARES = 32  # threads that share a facet of a terrain at most


def rasterize_terrain(posts: Any, bends: Any, first: int, margin: int, images: Any, flags: Any) -> None:
    """As :func:`.cpu.rasterize_terrain`; takes 12 bytes of scratch for each pixel, margin included.

    Large facets, of a terrain much coarser than the pixels, are shared by several threads each, a facet of
    s^2 pixels by about s / 4.
    """
    lines, samples = flags.shape
    shape = (lines * (margin + samples),)
    keys = array_module().full(shape, -1, dtype=np.int64)
    farthest = array_module().full(shape, FARTHEST, dtype=np.int32)
    cells = (posts.shape[0] - 1) * (posts.shape[1] - 1)
    share = 1
    while share < MOST_SHARES and 64 * share * share * cells <= flags.size:
        share *= 2
    size = (lines, samples, margin)
    elementwise(KERNEL["claim_pixels"], 2 * cells * share, posts, bends, first, *size, share, keys, farthest)
    outputs = [array.reshape(-1) for array in images]
    elementwise(KERNEL["draw_pixels"], flags.size, posts, bends, first, samples, margin, keys, *outputs)
    grid = min(max(-(-lines // LINES), FEWEST_BLOCKS), MOST_BLOCKS)
    launch(KERNEL["cast_shadows"], grid, keys, farthest, *size, flags.reshape(-1))
