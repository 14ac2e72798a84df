"""The CUDA kernels of :mod:`.scalar` that place cells, as in :mod:`coherence.cuda`. Import it late, too.

A row of blocks takes a row of cells.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from alignsar_gpu.kernels.driving.declared import Declared
from alignsar_gpu.kernels.driving.gpujit import THREADS, cuda, kernels_of
from alignsar_gpu.kernels.gathering.scalar import is_data

from .scalar import (
    COLUMN,
    LINE_BEND,
    LINE_SLOPE,
    ROW,
    SAMPLE_BEND,
    SAMPLE_SLOPE,
    at_node,
    displacement,
    moved_by,
    node_of,
    post_height,
)

DEVICE_FUNCTIONS = ()
WHY_FLOAT64 = "geometry: places on the lattice and among the posts"
DECLARED = {
    "displace_cells": Declared(
        arguments="3ppfppssssFpipff", registers=88, float64=110, why_float64=WHY_FLOAT64
    ),
    "lattice_cells": Declared(arguments="3pppd", registers=72, float64=104, why_float64=WHY_FLOAT64),
}


def displace_cells(
    lattice: Any,
    start: Any,
    steps: Any,
    posts: Any,
    shape: Any,
    origin: Any,
    line: Any,
    sample: Any,
    height: Any,
    width: Any,
    shifts: Any,
    node: Any,
    spacing: int,
    size: Any,
    down: Any,
    across: Any,
) -> None:
    """Driver of :func:`.scalar.displacement`, a thread a corner; ``size``: rows and columns of corners.

    The rest as :func:`.cpu.displace_cells`.
    """
    nodes = (node[0], node[1], spacing)
    for i in range(cuda.blockIdx.y, size[0], cuda.gridDim.y):
        below = node_of(start[0] + i, steps[0])
        for j in range(cuda.blockIdx.x * THREADS + cuda.threadIdx.x, size[1], cuda.gridDim.x * THREADS):
            beside = node_of(start[1] + j, steps[1])
            row = at_node(lattice, ROW, below, beside) - origin[0]
            column = at_node(lattice, COLUMN, below, beside) - origin[1]
            h = post_height(posts, shape, row, column)
            lines = displacement(
                h, at_node(lattice, LINE_SLOPE, below, beside), at_node(lattice, LINE_BEND, below, beside)
            )
            samples = displacement(
                h, at_node(lattice, SAMPLE_SLOPE, below, beside), at_node(lattice, SAMPLE_BEND, below, beside)
            )
            if shifts.size > 0 and is_data(lines + samples):
                seen = (np.float64(line + i * height) + lines, np.float64(sample + j * width) + samples)
                lines -= moved_by(shifts, 0, seen[0], seen[1], nodes)
                samples -= moved_by(shifts, 1, seen[0], seen[1], nodes)
            at = np.uint64(i) * np.uint64(size[1]) + np.uint64(j)
            down[at] = lines
            across[at] = samples


def lattice_cells(lattice: Any, start: Any, steps: Any, size: Any, values: Any) -> None:
    """Driver of :func:`.scalar.at_node`, a thread a cell; ``size``: rows and columns of cells."""
    planes = lattice.shape[0]
    for i in range(cuda.blockIdx.y, size[0], cuda.gridDim.y):
        below = node_of(start[0] + i + 0.5, steps[0])
        for j in range(cuda.blockIdx.x * THREADS + cuda.threadIdx.x, size[1], cuda.gridDim.x * THREADS):
            beside = node_of(start[1] + j + 0.5, steps[1])
            for plane in range(planes):
                at = np.uint64(i * planes + plane) * np.uint64(size[1]) + np.uint64(j)
                values[at] = at_node(lattice, plane, below, beside)


KERNEL = kernels_of(__name__)
