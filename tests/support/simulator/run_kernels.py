"""Runs the CUDA kernels in numba's simulator: python run_kernels.py CASES.npz RESULTS.npz.

A process of its own, because the simulator is chosen once, before numba is first imported. For every case
the file of arguments holds ``<case>/<argument>``, ``<case>/host_<argument>`` for what stays on the host; the file of
results gets ``<case>/<number>``.
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
    cases: dict[str, dict[str, np.ndarray]] = {}
    for key, array in np.load(cases_file).items():
        case, name = key.split("/")
        cases.setdefault(case, {})[name] = array
    results = {}
    for case, given in cases.items():
        host = {name.removeprefix("host_"): given[name] for name in given if name.startswith("host_")}
        sent = {name: array for name, array in given.items() if not name.startswith("host_")}
        arrays = host | {
            name: cuda.to_device(array) for name, array in sent.items() if array.dtype != np.int64
        }
        numbers = {name: array for name, array in sent.items() if array.dtype == np.int64}
        options = {"window": tuple(numbers["window"].tolist())} if "window" in numbers else {}
        options |= {name: int(numbers[name]) for name in ("first", "stop") if name in numbers}
        got = getattr(kernels, case.split("-")[0])(**arrays, **options)
        for i, array in enumerate(got if isinstance(got, tuple) else (got,)):
            results[f"{case}/{i}"] = array
    np.savez(results_file, **results)


if __name__ == "__main__":
    main(*sys.argv[1:])
