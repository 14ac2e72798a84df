"""Runs the CUDA kernels over dates in numba's simulator: python run_temporal.py CASES.npz RESULTS.npz.

As run_kernels.py. Numbers and what is float64 (the days) stay on the host; a case is named after its function, and
what follows a dash; the results of a dictionary come in its order.
"""

from __future__ import annotations

import os
import sys

os.environ["NUMBA_ENABLE_CUDASIM"] = "1"

import numpy as np
from alignsar_gpu.kernels.driving import gpujit
from numba import cuda

from alignsar_gpu import kernels


def argument(name: str, array: np.ndarray) -> object:
    if name == "outputs":
        return array.tolist()
    if array.ndim == 0:
        return array.item()
    return array if name == "days" else cuda.to_device(array)


def main(cases_file: str, results_file: str) -> None:
    assert gpujit.SIMULATED
    cases: dict[str, dict[str, object]] = {}
    for key, array in np.load(cases_file).items():
        case, name = key.split("/")
        cases.setdefault(case, {})[name] = argument(name, array)
    results = {}
    for case, given in cases.items():
        got = getattr(kernels, case.split("-")[0])(**given)
        arrays = got.values() if isinstance(got, dict) else got if isinstance(got, tuple) else (got,)
        results |= {f"{case}/{i}": array for i, array in enumerate(arrays)}
    np.savez(results_file, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
