"""CUDA kernels in numba's simulator, which has to be chosen before numba is imported: in another process."""

import subprocess
import sys
from pathlib import Path

import numpy as np

SCRIPTS = Path(__file__).parent / "simulator"


def run_simulated(script, cases, folder):
    """What a script of simulator/ makes of cases (arrays by name, by case), by the names that it gives."""
    flat = {f"{case}/{name}": array for case, given in cases.items() for name, array in given.items()}
    np.savez(folder / "cases.npz", **flat)
    done = subprocess.run(
        [sys.executable, str(SCRIPTS / script), str(folder / "cases.npz"), str(folder / "results.npz")],
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )
    assert done.returncode == 0, done.stderr
    return dict(np.load(folder / "results.npz"))
