"""Where the real data is, and what the suite may cost.

Imports nothing but pytest, for tests/gpu runs on machines that have little else.
"""

import gc
import os
from pathlib import Path

import pytest


def pytest_configure(config):
    """Measure what the tests cost; let the workers of pytest-xdist share the cores."""
    from suite_budget import BUDGET, OUTSIDE_LAYERS, OneThread, SuiteBudget  # noqa: PLC0415

    config.pluginmanager.register(SuiteBudget(Path(__file__).parent, BUDGET | OUTSIDE_LAYERS))
    if hasattr(config, "workerinput"):
        # Two threads can be asked for, and one is taken otherwise. Numba reads this when it is imported.
        os.environ.setdefault("NUMBA_NUM_THREADS", "2")
        config.pluginmanager.register(OneThread())


def pytest_collection_finish():
    """Leave the half a million objects of modules and tests out of what the garbage collector goes through again."""
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def real_data():
    """Folder of a real data set by name, or a skip with the reason."""
    named = os.environ.get("ALIGNSAR_TEST_DATA")
    root = Path(named) if named else Path(__file__).parents[2] / "shared" / "data"

    def find(name):
        if not (root / name).is_dir():
            pytest.skip(f"no real data: {name} is not in {'ALIGNSAR_TEST_DATA' if named else 'shared/data'}")
        return root / name

    return find
