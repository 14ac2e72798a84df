"""Runs the CUDA kernels of resampling in numba's simulator: python run_resampling.py CASES.npz RESULTS.npz.

As run_kernels.py. Tables of weights and what a case names carrier with an underscore stay on the host.
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
        if name == "sign":
            found[name] = int(array)
        elif name == "box":
            found[name] = kernels.Box(*array.tolist())
        elif name in {"down", "across"}:
            found[name] = kernels.weights(int(array), 0.7)
        elif not name.startswith("carrier_"):
            found[name] = cuda.to_device(array)
    if "carrier_slope" in given:
        times = given["carrier_times"].tolist()
        found["carrier"] = kernels.CarrierTable(given["carrier_slope"], given["carrier_centroid"], *times)
    return found


def main(cases_file: str, results_file: str) -> None:
    assert gpujit.SIMULATED
    cases: dict[str, dict[str, np.ndarray]] = {}
    for key, array in np.load(cases_file).items():
        case, name = key.split("/")
        cases.setdefault(case, {})[name] = array
    results = {}
    for case, given in cases.items():
        got = getattr(kernels, case.split("-")[0])(**arguments(given))
        if case.startswith("extents"):
            got = np.array([] if got is None else got)
        for i, array in enumerate(got if isinstance(got, tuple) else (got,)):
            results[f"{case}/{i}"] = array
    np.savez(results_file, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
