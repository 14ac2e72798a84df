"""The CUDA kernels that accumulate ground cells in pixels, a thread a cell. Import it late: it imports numba.cuda.

Each cell is divided as on the CPU, and what it gives to a pixel is added there at the same time as others do: the
order, and so the rounding of the sums, is not fixed.
"""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING, Any

import numpy as np
from alignsar_gpu.kernels.driving.binding import bind
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import THREADS, cuda, device_function, device_functions, kernel
from alignsar_gpu.kernels.driving.mathematics import ONE

from .scalar import cell_area, line_share, share_through, weighted
from .scalar_rings import cell_lines, cell_pixels, sides

if TYPE_CHECKING:
    from collections.abc import Callable

WHY_FLOAT64 = "places of cells, and sums of areas"
DECLARED = {
    "accumulate_float32": Declared(
        arguments="ssssffffppd", registers=88, float64=64, why_float64=WHY_FLOAT64
    ),
    "accumulate_int32": Declared(arguments="ssssfffwppd", registers=88, float64=64, why_float64=WHY_FLOAT64),
    "accumulate_uint8": Declared(
        arguments="ssssfffuppd", registers=88, float64=48, why_float64=WHY_FLOAT64
    ),  # numbers of classes
}


def add_values(planes: Any, at: Any, cells: int, part: Any, place: int, pixels: int, sums: Any) -> None:
    """Add a part of a cell's area to a pixel: in the last plane, and times the cell's values in the others."""
    count = planes.size // cells
    cuda.atomic.add(sums, count * pixels + place, part)
    for plane in range(count):
        value = planes[np.uint64(plane * cells) + at]
        if value != 0:
            cuda.atomic.add(sums, plane * pixels + place, weighted(part, value))


def add_classes(planes: Any, at: Any, cells: int, part: Any, place: int, pixels: int, sums: Any) -> None:
    """Add a part of a cell's area to a pixel: in the last plane, and in that of the cell's class."""
    count = sums.size // pixels - 1
    cuda.atomic.add(sums, count * pixels + place, part)
    number = np.int64(planes[at])
    if number < count:
        cuda.atomic.add(sums, number * pixels + place, part)


add = add_values  # or the other: bound for each kind of planes


def accumulate_cells(
    line: Any,
    sample: Any,
    height: Any,
    width: Any,
    down: Any,
    across: Any,
    area: Any,
    planes: Any,
    size: Any,
    shape: Any,
    sums: Any,
) -> None:
    """Cells into pixels, each with its area; a row of blocks takes a row of cells.

    ``line`` and ``sample`` of the first corner, ``height`` and ``width`` of a cell; ``size``: rows and columns of
    cells; ``shape``: lines and samples of ``sums``. The rest as :func:`.cpu_accumulate.accumulate_cells`, flat.
    """
    lines, samples = shape
    stride = np.uint64(size[1] + 1)
    for i in range(cuda.blockIdx.y, size[0], cuda.gridDim.y):
        row = line + i * height
        begin = np.int64(math.floor(row))
        for j in range(cuda.blockIdx.x * THREADS + cuda.threadIdx.x, size[1], cuda.gridDim.x * THREADS):
            at = np.uint64(i * size[1] + j)
            corner = at + np.uint64(i)
            displaced = sides(across, corner, stride)
            upper = sides(down, corner, stride)
            whole_area = cell_area(1.0, area[at], upper, displaced, planes[at])
            if not whole_area > 0.0:
                continue
            low, high, whole, top, bottom = cell_lines(upper, np.float32(height), row, begin, lines)
            left = sample + j * width
            span, reach, origin, first, last = cell_pixels(displaced, np.float32(width), left, samples)
            for n in range(top, bottom + 1):
                weight = line_share(low, high, np.float32(n - begin) - whole) * whole_area
                pixel = first
                before = share_through(np.float32(first - 1), reach, span)
                while pixel <= last and before < ONE:
                    after = share_through(np.float32(pixel), reach, span)
                    part = weight * (np.float64(after) - np.float64(before))
                    if part > 0.0:
                        place = n * samples + origin + pixel
                        add(planes, at, size[0] * size[1], part, place, lines * samples, sums)
                    before = after
                    pixel += 1


def _compiled(function: Callable[..., Any]) -> Any:
    return kernel(function) if function.__name__ == "accumulate_cells" else device_function(function)


def _bound() -> dict[str, Any]:
    module = sys.modules[__name__]
    forms = device_functions(str(__package__))
    found = {}
    for name in DECLARED:
        # In one scope: the simulator gives its atomic additions to functions that share a kernel's globals.
        given = {"add": add_classes if name == "accumulate_uint8" else add_values}
        own = bind(_compiled, ("add", "accumulate_cells"), module, forms, given)
        found[name] = own[accumulate_cells]
    return found


KERNEL = _bound()
