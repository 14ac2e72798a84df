"""The CUDA drivers: launch the kernels of `cuda`. Import it late: it imports numba.cuda."""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.launching import elementwise, empty

from .cpu import SEGMENT
from .cuda import ANCHOR, KERNEL


def ground_to_radar(points: Any, seed: Any, orbit: Any, doppler: Any, time: Any, slant_range: Any) -> None:
    """As :func:`.cpu.ground_to_radar`; takes 0.9 byte of scratch for each point of a full segment."""
    rows, columns = time.shape
    segments = rows * -(-columns // SEGMENT)
    lon, lat, h = (array.reshape(-1) for array in points)
    results = (time.reshape(-1), slant_range.reshape(-1))
    coefficients, *rest = doppler
    table = (coefficients, tuple(float(number) for number in rest))
    anchors = empty((segments * ANCHOR,), np.float64)
    far = empty((segments,), np.bool_)
    given = (lon, lat, h, seed, *orbit, *table, columns)
    elementwise(KERNEL["ground_to_radar_anchors"], segments, *given, segments, anchors, far)
    if coefficients.size:
        given_doppler = (lon, lat, h, *table, columns)
        elementwise(KERNEL["ground_to_radar_doppler"], lon.size, *given_doppler, anchors, far, *results)
    else:
        elementwise(
            KERNEL["ground_to_radar_zero_doppler"], lon.size, lon, lat, h, columns, anchors, far, *results
        )
    elementwise(KERNEL["ground_to_radar_far"], lon.size, *given, anchors, far, *results)


def viewing_angles(points: Any, slopes: Any, time: Any, orbit: Any, results: Any) -> None:
    """As :func:`.cpu.viewing_angles`, every point from its own time."""
    arrays = [array.reshape(-1) for array in (*points, *slopes, time)]
    outputs = [array.reshape(-1) for array in results]
    elementwise(KERNEL["viewing_angles"], time.size, *arrays, *orbit, *outputs)
