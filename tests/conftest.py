"""Where the real data is. Imports nothing but pytest, for tests/gpu runs on machines that have little else."""

import os
from pathlib import Path

import pytest


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
