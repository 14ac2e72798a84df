"""The CUDA drivers: launch the kernels of :mod:`.cuda` and its neighbours. Import it late: it imports numba.cuda."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

import numpy as np

from . import cuda, cuda_geometry, cuda_resampling, cuda_terrain
from .cpu_geometry import SEGMENT
from .cuda import GROUP, LINES, WIDEST_TILED_WINDOW
from .gpujit import FEWEST_BLOCKS, MOST_BLOCKS, SIMULATED, THREADS
from .gpujit import cuda as numba_cuda
from .scalar_terrain import FARTHEST

if TYPE_CHECKING:
    from types import ModuleType

KERNEL = cuda.KERNEL | cuda_geometry.KERNEL | cuda_resampling.KERNEL | cuda_terrain.KERNEL
MOST_SHARES = 32  # threads that share a facet of a terrain at most


def _array_module() -> ModuleType:
    return np if SIMULATED else importlib.import_module("cupy")


def as_array(array: Any) -> Any:
    """The device array as a CuPy array, without a copy; in the simulator, as a numpy array."""
    if SIMULATED:
        return array.copy_to_host()
    return _array_module().asarray(array)


def empty(shape: tuple[int, ...], dtype: Any) -> Any:
    """A new CuPy array; in the simulator, a numpy array."""
    return _array_module().empty(shape, dtype)


def place(array: Any) -> Any:
    """A small numpy array on the device."""
    return np.ascontiguousarray(array) if SIMULATED else _array_module().asarray(array)


def _launch(name: str, grid: int | tuple[int, int], *arguments: Any) -> None:
    if SIMULATED:
        KERNEL[name][grid, THREADS](*arguments)
        return
    # On CuPy's current stream: after what fills the arguments, before what reads the results. Left to
    # itself, numba-cuda would wait for that stream once for every argument.
    pointer = _array_module().cuda.get_current_stream().ptr
    stream = numba_cuda.external_stream(pointer) if pointer else 0
    views = [
        numba_cuda.as_cuda_array(a, sync=False) if hasattr(a, "__cuda_array_interface__") else a
        for a in arguments
    ]
    KERNEL[name][grid, THREADS, stream](*views)


def _elementwise(name: str, count: int, *arguments: Any) -> None:
    if count > 0:
        _launch(name, min(max(-(-count // THREADS), FEWEST_BLOCKS), MOST_BLOCKS), *arguments)


def amplitude_intensity_phase(pixels: Any, valid: Any, amplitude: Any, intensity: Any, phase: Any) -> None:
    """As :func:`.cpu.amplitude_intensity_phase`."""
    _elementwise("amplitude_intensity_phase", pixels.size, pixels, valid, amplitude, intensity, phase)


def phase_difference(reference: Any, secondary: Any, valid: Any, phase: Any) -> None:
    """As :func:`.cpu.phase_difference`."""
    _elementwise("phase_difference", reference.size, reference, secondary, valid, phase)


def rotate_phase(pixels: Any, phase: Any, rotated: Any) -> None:
    """As :func:`.cpu.rotate_phase`."""
    _elementwise("rotate_phase", pixels.size, pixels, phase, rotated)


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
        _elementwise("boxcar_coherence_direct", magnitude.size, *inputs, *sizes, *outputs)
    else:
        across = -(-samples // ((THREADS - 2 * half[1]) // GROUP * GROUP))
        down = min(max(-(-rows // LINES), -(-FEWEST_BLOCKS // across)), MOST_BLOCKS)
        _launch("boxcar_coherence_tile", (across, down), *inputs, *sizes, *outputs)


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
    _elementwise("ground_to_radar_anchors", segments, *given, segments, anchors, far)
    if coefficients.size:
        given_doppler = (lon, lat, h, *table, columns)
        _elementwise("ground_to_radar_doppler", lon.size, *given_doppler, anchors, far, *results)
    else:
        _elementwise("ground_to_radar_zero_doppler", lon.size, lon, lat, h, columns, anchors, far, *results)
    _elementwise("ground_to_radar_far", lon.size, *given, anchors, far, *results)


def viewing_angles(points: Any, slopes: Any, time: Any, orbit: Any, results: Any) -> None:
    """As :func:`.cpu_geometry.viewing_angles`, every point from its own time."""
    arrays = [array.reshape(-1) for array in (*points, *slopes, time)]
    outputs = [array.reshape(-1) for array in results]
    _elementwise("viewing_angles", time.size, *arrays, *orbit, *outputs)


def draw_terrain(posts: Any, bends: Any, first: int, margin: int, images: Any, flags: Any) -> None:
    """As :func:`.cpu_terrain.draw_terrain`; takes 12 bytes of scratch for each pixel, margin included.

    Large facets, of a terrain much coarser than the pixels, are shared by several threads each, a facet of
    s^2 pixels by about s / 4.
    """
    lines, samples = flags.shape
    shape = (lines * (margin + samples),)
    keys = _array_module().full(shape, -1, dtype=np.int64)
    farthest = _array_module().full(shape, FARTHEST, dtype=np.int32)
    cells = (posts.shape[0] - 1) * (posts.shape[1] - 1)
    share = 1
    while share < MOST_SHARES and 64 * share * share * cells <= flags.size:
        share *= 2
    size = (lines, samples, margin)
    _elementwise("claim_pixels", 2 * cells * share, posts, bends, first, *size, share, keys, farthest)
    outputs = [array.reshape(-1) for array in images]
    _elementwise("draw_pixels", flags.size, posts, bends, first, samples, margin, keys, *outputs)
    grid = min(max(-(-lines // cuda_terrain.LINES), FEWEST_BLOCKS), MOST_BLOCKS)
    _launch("cast_shadows", grid, keys, farthest, *size, flags.reshape(-1))


def ramp(image: Any, slope: Any, centroid: Any, time: Any, sign: int, out: Any) -> None:
    """As :func:`.cpu_resampling.ramp`."""
    if image.size == 0:
        return
    lines, samples = image.shape
    grid = (-(-samples // THREADS), min(max(lines, FEWEST_BLOCKS), MOST_BLOCKS))
    _launch("ramp", grid, image.reshape(-1), slope, centroid, time, sign, out.reshape(-1))


def resample(
    image: Any, positions: Any, tables: Any, carrier: Any, numbers: Any, out: Any, valid: Any
) -> None:
    """As :func:`.cpu_resampling.resample`, for the numbers of taps of the tables."""
    name = "resample_{}_{}".format(*(table.shape[1] for table in tables))
    shape = (image.shape[0], image.shape[1] // 2)
    inputs = [array.reshape(-1) for array in (*positions, *tables)]
    outputs = (out.reshape(-1), valid.reshape(-1))
    _elementwise(name, out.size, image.reshape(-1), shape, *inputs, *carrier, numbers, *outputs)
