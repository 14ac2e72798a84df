"""Runs the CUDA kernels that sample images in numba's simulator: python run_gather.py CASES.npz RESULTS.npz.

As run_kernels.py; a case is the method and what is special about it.
"""

from __future__ import annotations

import os
import sys

os.environ["NUMBA_ENABLE_CUDASIM"] = "1"

import numpy as np
from alignsar_gpu.kernels.driving import gpujit
from numba import cuda

from alignsar_gpu import kernels


def main(cases_file: str, results_file: str) -> None:
    assert gpujit.SIMULATED
    cases: dict[str, dict[str, object]] = {}
    for key, array in np.load(cases_file).items():
        case, name = key.split("/")
        cases.setdefault(case, {})[name] = cuda.to_device(array)
    with np.errstate(invalid="ignore"):  # infinities are no data
        results = {case: kernels.gather(**given, method=case.split("-")[0]) for case, given in cases.items()}
    np.savez(results_file, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
