"""The CUDA drivers of :mod:`.cuda`, as in :mod:`coherence.launch`. Import it late: it imports numba.cuda."""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.launching import array_module, elementwise

from .cuda import KERNEL

MOST_SHARES = 32  # threads that share a facet of a terrain at most


def sight_points(ground: Any, time: Any, orbit: Any, doppler: Any, pixel: float, points: Any) -> None:
    """As :func:`.cpu.sight_points`."""
    coefficients, *numbers = doppler
    arrays = [array.reshape(-1) for array in (*ground, time)]
    table = (coefficients, tuple(float(number) for number in numbers))
    elementwise(KERNEL["sight_points"], time.size, *arrays, *orbit, *table, pixel, points.reshape(-1))


def facet_areas(points: Any, heights: Any, ceiling: float, areas: Any) -> None:
    """As :func:`.cpu.facet_areas`."""
    elementwise(KERNEL["facet_areas"], areas.size, points, heights, ceiling, areas.reshape(-1))


def spread_areas(places: Any, areas: Any, first: int, ratio: Any) -> None:
    """As :func:`.cpu.spread_areas`; takes 16 bytes of scratch for each pixel.

    Large facets, of a terrain much coarser than the pixels, are shared by several threads each.
    """
    area, covered = (array_module().zeros(ratio.size, dtype=np.float64) for _ in range(2))
    share = 1
    while share < MOST_SHARES and 32 * share * share * areas.size <= ratio.size:
        share *= 2
    size = (first, *ratio.shape)
    elementwise(
        KERNEL["spread_areas"], areas.size * share, places, areas.reshape(-1), *size, share, area, covered
    )
    elementwise(KERNEL["finish_areas"], ratio.size, area, covered, ratio.reshape(-1))
