"""Runs the CUDA kernels of the area in numba's simulator: python run_area.py CASES.npz RESULTS.npz.

As run_geometry.py; arrays without dimensions are numbers, and every case has one result.
"""

from __future__ import annotations

import os
import sys

os.environ["NUMBA_ENABLE_CUDASIM"] = "1"

import numpy as np
from alignsar_gpu.kernels.driving import gpujit
from numba import cuda

from alignsar_gpu import kernels


def arguments(given: dict[str, np.ndarray]) -> dict[str, object]:
    found: dict[str, object] = {}
    for name, array in given.items():
        if not array.ndim:
            found[name] = array.item()
        elif not name.startswith(("orbit_", "doppler_")):
            found[name] = cuda.to_device(array)
    if "orbit_time" in given:
        found["orbit"] = kernels.OrbitTable(given["orbit_time"], given["orbit_coefficients"])
    if "doppler_coefficients" in given:
        found["doppler"] = kernels.DopplerTable(
            given["doppler_coefficients"], *given["doppler_numbers"].tolist()
        )
    return found


def main(cases_file: str, results_file: str) -> None:
    assert gpujit.SIMULATED
    cases: dict[str, dict[str, np.ndarray]] = {}
    for key, array in np.load(cases_file).items():
        case, name = key.split("/")
        cases.setdefault(case, {})[name] = array
    np.savez(
        results_file,
        **{case: getattr(kernels, case.split("-")[0])(**arguments(given)) for case, given in cases.items()},
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
