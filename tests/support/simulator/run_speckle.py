"""Runs the CUDA kernels against speckle in numba's simulator: python run_speckle.py CASES.npz RESULTS.npz.

As run_kernels.py. A case is called by its method and what is special about it; numbers stay on the host.
"""

from __future__ import annotations

import os
import sys

os.environ["NUMBA_ENABLE_CUDASIM"] = "1"

import numpy as np
from alignsar_gpu.kernels.driving import gpujit
from numba import cuda

from alignsar_gpu import kernels


def filtered(case: str, given: dict[str, np.ndarray]) -> np.ndarray:
    arrays = {name: cuda.to_device(array) for name, array in given.items() if array.ndim > 1}
    if case == "multitemporal":
        return kernels.multitemporal_filter(**arrays)
    numbers = {name: array.tolist() for name, array in given.items() if array.ndim <= 1}
    numbers["window"] = tuple(numbers["window"])
    return kernels.speckle_filter(**arrays, **numbers, method=case.split("-", maxsplit=1)[0])


def main(cases_file: str, results_file: str) -> None:
    assert gpujit.SIMULATED
    cases: dict[str, dict[str, np.ndarray]] = {}
    for key, array in np.load(cases_file).items():
        case, name = key.split("/")
        cases.setdefault(case, {})[name] = array
    np.savez(results_file, **{case: filtered(case, given) for case, given in cases.items()})


if __name__ == "__main__":
    main(*sys.argv[1:])
