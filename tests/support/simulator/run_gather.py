"""Runs the CUDA kernels that sample and average images in the simulator: python run_gather.py CASES.npz RESULTS.npz.

As run_kernels.py; a case is the method, or "average", and what is special about it.
"""

from __future__ import annotations

import os
import sys
from typing import Any

os.environ["NUMBA_ENABLE_CUDASIM"] = "1"

import numpy as np
from alignsar_gpu.kernels.driving import gpujit
from numba import cuda

from alignsar_gpu import kernels

ALONG, COLUMNS = (np.arange(8.0) - 4.0) / 4.0, slice(3, 61)  # of the case "parabolas"


def result(method: str, given: dict[str, Any]) -> object:
    if method == "average":
        return kernels.average_parts(given["values"], (2, 3), 3)
    if method == "phases":
        return kernels.phasors_to_phases(cuda.to_device(kernels.phases_to_phasors(given["phase"])))
    if method == "parabolas":
        return kernels.spread_parabolas(*(given[name] for name in "pqb"), ALONG, COLUMNS)
    return kernels.gather(**given, method=method)


def main(cases_file: str, results_file: str) -> None:
    assert gpujit.SIMULATED
    cases: dict[str, dict[str, Any]] = {}
    for key, array in np.load(cases_file).items():
        case, name = key.split("/")
        cases.setdefault(case, {})[name] = cuda.to_device(array)
    with np.errstate(invalid="ignore"):  # infinities are no data
        results = {case: result(case.split("-")[0], given) for case, given in cases.items()}
    np.savez(results_file, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
