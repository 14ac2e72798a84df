"""Runs kernels that sum windows in tiles in numba's simulator: python run_windows.py CASES.npz RESULTS.npz.

As run_kernels.py, but with blocks of few threads, so that small images have several tiles; where a case's name ends in
``one_block``, one of them makes all tiles. A case is called by its function and what is special about it.
"""

from __future__ import annotations

import os
import sys
from unittest import mock

os.environ["NUMBA_ENABLE_CUDASIM"] = "1"

import numpy as np
from alignsar_gpu.kernels.driving import gpujit, launching
from numba import cuda

from alignsar_gpu import kernels

assert gpujit.SIMULATED
gpujit.THREADS = launching.THREADS = 32

from alignsar_gpu.kernels.polarimetry import launch as polarimetry  # noqa: E402 - makes kernels of so many threads
from alignsar_gpu.kernels.speckle import launch as speckle  # noqa: E402


def on_device(given: dict[str, np.ndarray]) -> dict[str, object]:
    """Images on the device; names and numbers on the host."""
    found: dict[str, object] = {}
    for name, array in given.items():
        if name == "channels":
            found[name] = [cuda.to_device(channel) for channel in array]
        elif array.ndim > 1:
            found[name] = cuda.to_device(array)
        else:
            found[name] = tuple(array.tolist()) if name == "window" else array.tolist()
    return found


def results(case: str, given: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    grid = {"return_value": (1, 1)} if case.endswith("one_block") else {"side_effect": speckle.tile_grid}
    with mock.patch.object(polarimetry, "tile_grid", **grid), mock.patch.object(speckle, "tile_grid", **grid):
        got = getattr(kernels, case.partition("-")[0])(**on_device(given))
    return got if isinstance(got, dict) else {"0": got}


def main(cases_file: str, results_file: str) -> None:
    cases: dict[str, dict[str, np.ndarray]] = {}
    for key, array in np.load(cases_file).items():
        case, name = key.split("/")
        cases.setdefault(case, {})[name] = array
    found = {
        f"{case}/{name}": array
        for case, given in cases.items()
        for name, array in results(case, given).items()
    }
    np.savez(results_file, **found)


if __name__ == "__main__":
    main(*sys.argv[1:])
