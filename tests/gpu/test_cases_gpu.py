"""Every kernel of every family on the device against the CPU, as benchmarks/gpu.py calls it, on part of a burst."""

from __future__ import annotations

import sys
from pathlib import Path

import numba
import pytest

sys.path.append(str(Path(__file__).parents[2] / "benchmarks"))

from device.case import SMALL, TINY, agreements, agrees
from device.cases import FAMILIES

SIZE = TINY if numba.config.ENABLE_CUDASIM else SMALL


@pytest.mark.parametrize(
    ("family", "name"), [(family, name) for family, cases in FAMILIES.items() for name in cases]
)
def test_kernel_gives_what_the_cpu_gives(cupy, family, name):
    case = FAMILIES[family][name](SIZE)
    wanted = case.run(*case.arrays)
    got = case.run(*(cupy.asarray(array) for array in case.arrays))
    for g, w in zip(got, wanted, strict=True):
        assert isinstance(g, cupy.ndarray)
        assert (g.dtype, g.shape) == (w.dtype, w.shape)
    found = agreements(case, tuple(cupy.asnumpy(each) for each in got), wanted)
    assert agrees(case, found), found
