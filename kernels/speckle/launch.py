"""The CUDA drivers of :mod:`.cuda`. Import it late: it imports numba.cuda."""

from __future__ import annotations

from typing import Any

from alignsar_gpu.kernels.driving.gpujit import FEWEST_BLOCKS, MOST_BLOCKS, THREADS
from alignsar_gpu.kernels.driving.launching import elementwise, launch
from alignsar_gpu.kernels.driving.tiling import is_tiled, tile_grid

from .cpu import BOXCAR, GAMMA_MAP, LEE, REFINED_LEE
from .cuda import KERNEL
from .cuda_tiles import KERNEL as TILED

NAMES = {BOXCAR: "speckle_boxcar", LEE: "speckle_lee", GAMMA_MAP: "speckle_gamma_map"}


def filter_speckle(
    planes: Any,
    valid: Any,
    powers: int,
    method: int,
    looks: float,
    half: tuple[int, int],
    first: int,
    out: Any,
) -> None:
    """As :func:`.cpu.filter_speckle`."""
    count, rows, samples = out.shape
    sizes = ((count, powers), valid.shape, half, (first, rows))
    parameter = {BOXCAR: (), GAMMA_MAP: (looks,)}.get(method, (1.0 / looks,))
    inputs = (planes.reshape(-1), valid.reshape(-1))
    given = (*inputs, *sizes, *parameter, out.reshape(-1))
    down = min(max(rows, FEWEST_BLOCKS), MOST_BLOCKS)
    if method == REFINED_LEE:  # threads at the ends take means for the others
        across = -(-samples // (THREADS - 2 * (half[0] - (half[0] + 2) // 3)))
        launch(KERNEL["speckle_refined_lee"], (across, down), *given)
    elif is_tiled(half):
        launch(TILED[f"{NAMES[method]}_tile"], tile_grid(rows, samples, half), *given)
    else:
        launch(KERNEL[f"{NAMES[method]}_direct"], (-(-samples // THREADS), down), *given)


def filter_multitemporal(powers: Any, means: Any, valid: Any, out: Any) -> None:
    """As :func:`.cpu_multitemporal.filter_multitemporal`."""
    dates, pixels = out.shape
    inputs = [array.reshape(-1) for array in (powers, means, valid)]
    elementwise(KERNEL["multitemporal"], pixels, *inputs, dates, out.reshape(-1))
