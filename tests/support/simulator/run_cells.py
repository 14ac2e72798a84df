"""Runs the CUDA kernels of ground cells in numba's simulator: python run_cells.py CASES.npz RESULTS.npz.

As run_kernels.py; a case is the function and what is special about it. Of a function that changes an array in place,
the result is that array.
"""

from __future__ import annotations

import os
import sys

os.environ["NUMBA_ENABLE_CUDASIM"] = "1"

import numpy as np
from alignsar_gpu.kernels.cells import launch as launch_cells
from alignsar_gpu.kernels.driving import gpujit, launching
from numba import cuda

from alignsar_gpu import kernels

IN_PLACE = {
    "cover_cells": "cover",
    "resolve_overlaps": "cover",
    "accumulate_cells": "sums",
    "cover_rings": "covers",
    "spread_rings": "areas",
}
PAIRS = ("shape", "origin", "nodes")

# In the simulator, kernels are otherwise given copies, which are changed in vain.
launching.as_array = lambda array: array._ary
launch_cells.MOST_BLOCKS = 3  # so that blocks take several rows each


def call(function: str, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    arguments: dict[str, object] = {name: tuple(given.pop(name).tolist()) for name in PAIRS if name in given}
    if "start" in given:
        places = {name: tuple(given.pop(name).tolist()) for name in kernels.Cells._fields}
        arguments["cells"] = kernels.Cells(**places)
    if "order" in given:
        arguments["order"] = given.pop("order")
    if "scale" in given:
        arguments["scale"] = float(given.pop("scale"))
    arguments |= {name: cuda.to_device(array) for name, array in given.items()}
    found = getattr(kernels, function)(**arguments)
    if function in IN_PLACE:
        found = arguments[IN_PLACE[function]].copy_to_host()
    return {str(k): array for k, array in enumerate(found if isinstance(found, tuple) else (found,))}


def main(cases_file: str, results_file: str) -> None:
    assert gpujit.SIMULATED
    cases: dict[str, dict[str, np.ndarray]] = {}
    for key, array in np.load(cases_file).items():
        case, name = key.split("/")
        cases.setdefault(case, {})[name] = array
    results = {}
    with np.errstate(invalid="ignore"):  # what is not finite is no data
        for case, given in cases.items():
            found = call(case.split("-")[0], given)
            results |= {f"{case}/{name}": array for name, array in found.items()}
    np.savez(results_file, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
