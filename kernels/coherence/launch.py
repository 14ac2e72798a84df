"""The CUDA drivers: launch the kernels of :mod:`.cuda` and its neighbours. Import it late: it imports numba.cuda."""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.cells.launch import (
    cover_cells,
    displace_cells,
    lattice_cells,
    push_cells,
    settle_cells,
)
from alignsar_gpu.kernels.driving.gpujit import FEWEST_BLOCKS, MOST_BLOCKS, THREADS
from alignsar_gpu.kernels.driving.launching import array_module, elementwise, empty, launch
from alignsar_gpu.kernels.gather.launch import gather_bilinear, gather_cubic, gather_nearest, gather_triangles
from alignsar_gpu.kernels.geometry import cuda as cuda_geometry
from alignsar_gpu.kernels.geometry.cpu import SEGMENT
from alignsar_gpu.kernels.polarimetry.launch import (
    matrix_signatures_dual,
    matrix_signatures_quad,
    window_signatures_dual,
    window_signatures_quad,
)
from alignsar_gpu.kernels.resampling import cuda as cuda_resampling
from alignsar_gpu.kernels.speckle.launch import filter_multitemporal, filter_speckle
from alignsar_gpu.kernels.temporal.launch import (
    change_index,
    log_ratio,
    seasonal_fit,
    temporal_extremes,
    temporal_mean_minimum,
    temporal_statistics,
)
from alignsar_gpu.kernels.terrain import cuda as cuda_terrain
from alignsar_gpu.kernels.terrain.scalar import FARTHEST
from alignsar_gpu.kernels.terrain_area.launch import facet_areas, sight_points, spread_areas

from . import cuda
from .cuda import GROUP, LINES, WIDEST_TILED_WINDOW

__all__ = [  # what is launched elsewhere
    "change_index",
    "cover_cells",
    "displace_cells",
    "facet_areas",
    "filter_multitemporal",
    "filter_speckle",
    "gather_bilinear",
    "gather_cubic",
    "gather_nearest",
    "gather_triangles",
    "lattice_cells",
    "log_ratio",
    "matrix_signatures_dual",
    "matrix_signatures_quad",
    "push_cells",
    "seasonal_fit",
    "settle_cells",
    "sight_points",
    "spread_areas",
    "temporal_extremes",
    "temporal_mean_minimum",
    "temporal_statistics",
    "window_signatures_dual",
    "window_signatures_quad",
]

KERNEL = cuda.KERNEL | cuda_geometry.KERNEL | cuda_resampling.KERNEL | cuda_terrain.KERNEL
MOST_SHARES = 32  # threads that share a facet of a terrain at most


def amplitude_intensity_phase(pixels: Any, valid: Any, amplitude: Any, intensity: Any, phase: Any) -> None:
    """As :func:`.cpu.amplitude_intensity_phase`."""
    elementwise(KERNEL["amplitude_intensity_phase"], pixels.size, pixels, valid, amplitude, intensity, phase)


def phase_difference(reference: Any, secondary: Any, valid: Any, phase: Any) -> None:
    """As :func:`.cpu.phase_difference`."""
    elementwise(KERNEL["phase_difference"], reference.size, reference, secondary, valid, phase)


def rotate_phase(pixels: Any, phase: Any, rotated: Any) -> None:
    """As :func:`.cpu.rotate_phase`."""
    elementwise(KERNEL["rotate_phase"], pixels.size, pixels, phase, rotated)


def boxcar_coherence(
    reference: Any,
    secondary: Any,
    valid: Any,
    half: tuple[int, int],
    first: int,
    magnitude: Any,
    angle: Any,
) -> None:
    """As :func:`.cpu.boxcar_coherence`."""
    if magnitude.size == 0:
        return
    rows, samples = magnitude.shape
    inputs = [array.reshape(-1) for array in (reference, secondary, valid)]
    outputs = [array.reshape(-1) for array in (magnitude, angle)]
    sizes = (reference.shape, half, (first, rows))
    if 2 * half[1] + 1 > WIDEST_TILED_WINDOW:
        elementwise(KERNEL["boxcar_coherence_direct"], magnitude.size, *inputs, *sizes, *outputs)
    else:
        across = -(-samples // ((THREADS - 2 * half[1]) // GROUP * GROUP))
        down = min(max(-(-rows // LINES), -(-FEWEST_BLOCKS // across)), MOST_BLOCKS)
        launch(KERNEL["boxcar_coherence_tile"], (across, down), *inputs, *sizes, *outputs)


def ground_to_radar(points: Any, seed: Any, orbit: Any, doppler: Any, time: Any, slant_range: Any) -> None:
    """As :func:`.cpu_geometry.ground_to_radar`; takes 0.9 byte of scratch for each point of a full segment."""
    rows, columns = time.shape
    segments = rows * -(-columns // SEGMENT)
    lon, lat, h = (array.reshape(-1) for array in points)
    results = (time.reshape(-1), slant_range.reshape(-1))
    coefficients, *rest = doppler
    table = (coefficients, tuple(float(number) for number in rest))
    anchors = empty((segments * cuda_geometry.ANCHOR,), np.float64)
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
    """As :func:`.cpu_geometry.viewing_angles`, every point from its own time."""
    arrays = [array.reshape(-1) for array in (*points, *slopes, time)]
    outputs = [array.reshape(-1) for array in results]
    elementwise(KERNEL["viewing_angles"], time.size, *arrays, *orbit, *outputs)


def draw_terrain(posts: Any, bends: Any, first: int, margin: int, images: Any, flags: Any) -> None:
    """As :func:`.cpu_terrain.draw_terrain`; takes 12 bytes of scratch for each pixel, margin included.

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
    grid = min(max(-(-lines // cuda_terrain.LINES), FEWEST_BLOCKS), MOST_BLOCKS)
    launch(KERNEL["cast_shadows"], grid, keys, farthest, *size, flags.reshape(-1))


def ramp(image: Any, slope: Any, centroid: Any, time: Any, sign: int, out: Any) -> None:
    """As :func:`.cpu_resampling.ramp`."""
    if image.size == 0:
        return
    lines, samples = image.shape
    grid = (-(-samples // THREADS), min(max(lines, FEWEST_BLOCKS), MOST_BLOCKS))
    launch(KERNEL["ramp"], grid, image.reshape(-1), slope, centroid, time, sign, out.reshape(-1))


def resample(
    image: Any, positions: Any, tables: Any, carrier: Any, numbers: Any, out: Any, valid: Any
) -> None:
    """As :func:`.cpu_resampling.resample`, for the numbers of taps of the tables."""
    name = "resample_{}_{}".format(*(table.shape[1] for table in tables))
    shape = (image.shape[0], image.shape[1] // 2)
    inputs = [array.reshape(-1) for array in (*positions, *tables)]
    outputs = (out.reshape(-1), valid.reshape(-1))
    elementwise(KERNEL[name], out.size, image.reshape(-1), shape, *inputs, *carrier, numbers, *outputs)
