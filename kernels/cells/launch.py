"""The CUDA drivers: launch the kernels of :mod:`.cuda` and of its neighbours. Import it late, too."""

from __future__ import annotations

from typing import Any

from alignsar_gpu.kernels.driving.gpujit import FEWEST_BLOCKS, MOST_BLOCKS, THREADS
from alignsar_gpu.kernels.driving.launching import array_module, elementwise, launch

from . import cuda as cuda_cells
from . import cuda_accumulate, cuda_covers, cuda_rings
from .cuda_covers import PARTS

KERNEL = cuda_cells.KERNEL | cuda_covers.KERNEL | cuda_accumulate.KERNEL | cuda_rings.KERNEL


def row_by_row(kernel: Any, rows: int, columns: int, *arguments: Any) -> None:
    """Run a kernel of which a row of blocks takes a row."""
    grid = (-(-columns // THREADS), min(max(rows, FEWEST_BLOCKS), MOST_BLOCKS))
    launch(kernel, grid, *arguments)


def displace_cells(
    lattice: Any,
    start: Any,
    steps: Any,
    posts: Any,
    shape: Any,
    origin: Any,
    chart: Any,
    cell: Any,
    shifts: Any,
    nodes: Any,
    down: Any,
    across: Any,
) -> None:
    """As :func:`.cpu.displace_cells`."""
    given = (lattice, start, steps, posts, tuple(shape), origin, *chart, *cell, shifts, nodes[:2], nodes[2])
    outputs = (tuple(down.shape), down.reshape(-1), across.reshape(-1))
    row_by_row(KERNEL["displace_cells"], *down.shape, *given, *outputs)


def lattice_cells(lattice: Any, start: Any, steps: Any, values: Any) -> None:
    """As :func:`.cpu.lattice_cells`."""
    size = (values.shape[0], values.shape[2])
    row_by_row(KERNEL["lattice_cells"], *size, lattice, start, steps, size, values.reshape(-1))


def cover_cells(x: Any, y: Any, rings: Any, extents: Any, shape: Any, deltas: Any) -> None:
    """As :func:`.cpu_covers.cover_cells`; takes up to 40 bytes of scratch for each ring."""
    reaching = (extents[:, 0] < shape[0]) & (extents[:, 1] > 0.0)
    edges = (rings[:, 1] - rings[:, 0] - 1).clip(0) * reaching
    ends = array_module().cumsum(edges)
    given = (x, y, rings.reshape(-1), ends, tuple(shape), deltas)
    elementwise(KERNEL["cover_edges"], x.size * PARTS, *given)


def resolve_overlaps(cover: Any, order: Any) -> None:
    """As :func:`.cpu_covers.resolve_overlaps`."""
    planes, rows, columns = cover.shape
    grid = min(max(planes * rows, FEWEST_BLOCKS), MOST_BLOCKS)
    launch(KERNEL["sum_rows"], grid, cover.reshape(-1), columns)
    if order.size > 0:
        elementwise(KERNEL["order_cells"], rows * columns, cover.reshape(-1), order, rows * columns)


def accumulate_cells(
    chart: Any, cell: Any, down: Any, across: Any, area: Any, planes: Any, classes: Any, sums: Any
) -> None:
    """As :func:`.cpu_accumulate.accumulate_cells`; numbers of classes have a kernel of their own."""
    arrays = [array.reshape(-1) for array in (down, across, area, planes)]
    sizes = (tuple(area.shape), tuple(sums.shape[1:]))
    kernel = KERNEL[f"accumulate_{planes.dtype.name}"]
    row_by_row(kernel, *area.shape, *chart, *cell, *arrays, *sizes, sums.reshape(-1))


def cover_rings(x: Any, y: Any, rings: Any, windows: Any, covers: Any) -> None:
    """As :func:`.cpu_rings.cover_rings`."""
    launch(KERNEL["cover_rings"], blocks_of(rings), x, y, rings.reshape(-1), windows.reshape(-1), covers)


def reach_rings(windows: Any, down: Any, across: Any, columns: int, reach: Any) -> None:
    """As :func:`.cpu_rings.reach_rings`."""
    given = (windows.reshape(-1), down, across, columns, reach.reshape(-1))
    launch(KERNEL["reach_rings"], blocks_of(windows), *given)


def spread_rings(
    chart: Any,
    cell: Any,
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
    """As :func:`.cpu_rings.spread_rings`."""
    given = (*chart, *cell, down, across, area, columns, windows.reshape(-1), covers, pixels.reshape(-1))
    launch(KERNEL["spread_rings"], blocks_of(windows), *given, scale, areas)


def blocks_of(rings: Any) -> int:
    """How many blocks take a ring each, one after the other."""
    return min(max(len(rings), FEWEST_BLOCKS), MOST_BLOCKS)
