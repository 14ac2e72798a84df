"""Runs the CUDA kernels of polarimetry in numba's simulator: python run_polarimetry.py CASES.npz RESULTS.npz.

As run_kernels.py. Outputs and numbers stay on the host.
"""

from __future__ import annotations

import os
import sys

os.environ["NUMBA_ENABLE_CUDASIM"] = "1"

import numpy as np
from alignsar_gpu.kernels.driving import gpujit
from numba import cuda

from alignsar_gpu import kernels


def on_device(given: dict[str, np.ndarray]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, array in given.items():
        if name == "channels":
            found[name] = [cuda.to_device(np.ascontiguousarray(channel)) for channel in array]
        elif name == "outputs":
            found[name] = array.tolist()
        elif name == "window":
            found[name] = tuple(array.tolist())
        elif array.ndim == 0:
            found[name] = array.item()
        else:
            found[name] = cuda.to_device(array)
    return found


def main(cases_file: str, results_file: str) -> None:
    assert gpujit.SIMULATED
    cases: dict[str, dict[str, np.ndarray]] = {}
    for key, array in np.load(cases_file).items():
        case, name = key.split("/")
        cases.setdefault(case, {})[name] = array
    results = {}
    for case, given in cases.items():
        for name, array in getattr(kernels, case.split("-")[0])(**on_device(given)).items():
            results[f"{case}/{name}"] = array
    np.savez(results_file, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
