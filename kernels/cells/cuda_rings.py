"""The CUDA kernels of :mod:`.scalar_rings`, a block a ring, as in :mod:`coherence.cuda`. Import it late, too.

What is added are integers, in any order: the sums have the same bits every time.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from alignsar_gpu.kernels.driving.binding import bind
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import THREADS, cuda, device_function, device_functions, kernel

from . import cuda_covers, scalar_covers, scalar_rings
from .scalar import FARTHEST_PIXEL
from .scalar_covers import cover_edge
from .scalar_rings import is_seen, spread_cell

if TYPE_CHECKING:
    from collections.abc import Callable

DECLARED = {
    "cover_rings": Declared(
        arguments="ddqqw", registers=88, float64=180, why_float64=cuda_covers.WHY_FLOAT64
    ),
    "reach_rings": Declared(arguments="qffif", registers=48, float64=0),
    "spread_rings": Declared(
        arguments="ssssfffiqwqsq", registers=96, float64=64, why_float64="places of cells, and areas"
    ),
}


def add_wide(numbers: Any, at: int, amount: int) -> None:
    """Add to one of the numbers, of 64 bits, at the same time as others."""
    cuda.atomic.add(numbers, at, amount)


def cover_rings(x: Any, y: Any, rings: Any, windows: Any, covers: Any) -> None:
    """Driver of :func:`.scalar_covers.cover_edge`: threads take edges, then rows.

    The rest as :func:`.cpu_rings.cover_rings`, flat.
    """
    ring = cuda.blockIdx.x
    while 5 * ring < windows.size:
        top, left, place = windows[5 * ring], windows[5 * ring + 2], windows[5 * ring + 4]
        rows, columns = windows[5 * ring + 1] - top, windows[5 * ring + 3] - left
        for k in range(rings[3 * ring] + cuda.threadIdx.x, rings[3 * ring + 1] - 1, THREADS):
            edge = (x[k] - left, y[k] - top, x[k + 1] - left, y[k + 1] - top)
            cover_edge(edge, rings[3 * ring + 2], (0, rows), covers, place, columns)
        cuda.syncthreads()
        for i in range(cuda.threadIdx.x, rows, THREADS):
            total = 0
            for at in range(place + i * columns, place + (i + 1) * columns):
                total += covers[at]
                covers[at] = total
        ring += cuda.gridDim.x


def reach_rings(windows: Any, down: Any, across: Any, columns: int, reach: Any) -> None:
    """Least and greatest displacements, see :func:`.cpu_rings.reach_rings`, flat: threads take corners."""
    ring = cuda.blockIdx.x
    while 5 * ring < windows.size:
        w = 5 * ring
        wide = windows[w + 3] - windows[w + 2] + 1
        top, left = FARTHEST_PIXEL, FARTHEST_PIXEL
        bottom, right = -FARTHEST_PIXEL, -FARTHEST_PIXEL
        for k in range(cuda.threadIdx.x, (windows[w + 1] - windows[w] + 1) * wide, THREADS):
            at = (windows[w] + k // wide) * (columns + 1) + windows[w + 2] + k % wide
            if is_seen(down[at], across[at]):
                top, bottom = min(top, down[at]), max(bottom, down[at])
                left, right = min(left, across[at]), max(right, across[at])
        if top <= bottom:
            cuda.atomic.min(reach, 4 * ring, top)
            cuda.atomic.max(reach, 4 * ring + 1, bottom)
            cuda.atomic.min(reach, 4 * ring + 2, left)
            cuda.atomic.max(reach, 4 * ring + 3, right)
        ring += cuda.gridDim.x


def spread_rings(
    line: Any,
    sample: Any,
    height: Any,
    width: Any,
    down: Any,
    across: Any,
    area: Any,
    columns: int,
    windows: Any,
    covers: Any,
    pixels: Any,
    scale: Any,
    areas: Any,
) -> None:
    """Driver of :func:`.scalar_rings.spread_cell`, a thread a cell.

    ``line`` and ``sample`` of the first corner, ``height`` and ``width`` of a cell; the rest as
    :func:`.cpu_rings.spread_rings`, flat.
    """
    ring = cuda.blockIdx.x
    while 5 * ring < windows.size:
        w = 5 * ring
        wide = windows[w + 3] - windows[w + 2]
        seen = (pixels[w], pixels[w + 1], pixels[w + 2], pixels[w + 3], pixels[w + 4])
        for k in range(cuda.threadIdx.x, (windows[w + 1] - windows[w]) * wide, THREADS):
            cover = covers[windows[w + 4] + k]
            if cover != 0:
                i = windows[w] + k // wide
                j = windows[w + 2] + k % wide
                place = (i, j, line + i * height, sample + j * width)
                spread_cell(cover, place, (height, width), down, across, area, columns, seen, scale, areas)
        ring += cuda.gridDim.x


def _compiled(function: Callable[..., Any]) -> Any:
    return kernel(function) if function.__name__ in DECLARED else device_function(function)


def _bound() -> dict[str, Any]:
    # In one scope each: the simulator gives its atomic additions to functions that share a kernel's globals.
    own = vars(sys.modules[__name__])
    edges = tuple(name for name in scalar_covers.FUNCTIONS if name != "add_to")
    given = own | {"add_to": cuda_covers.add_to}
    forms = bind(_compiled, ("add_to", *edges, "cover_rings"), scalar_covers, {}, given)
    found = {"cover_rings": forms[cover_rings]}
    cells = device_functions(str(__package__))
    given = own | {"add_to": add_wide}
    forms = bind(
        _compiled,
        ("add_to", *scalar_rings.FUNCTIONS, "reach_rings", "spread_rings"),
        scalar_rings,
        cells,
        given,
    )
    return found | {"reach_rings": forms[reach_rings], "spread_rings": forms[spread_rings]}


KERNEL = _bound()
