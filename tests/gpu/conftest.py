"""Tests on a CUDA device. They need numpy, numba, numba-cuda, CuPy and pytest alone."""

from __future__ import annotations

import importlib
import importlib.util
import os
import warnings

import numba
import pytest


@pytest.fixture(scope="session")
def cupy():
    """The module CuPy; skips everything that asks for it where there is no device."""
    for name in ("cupy",) if numba.config.ENABLE_CUDASIM else ("cupy", "numba_cuda"):
        if importlib.util.find_spec(name) is None:
            pytest.skip(f"no CUDA: {name} is not installed")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # what they find odd about an installation is not what is tested
        module = importlib.import_module("cupy")
        importlib.import_module("numba.cuda")
    try:
        count = module.cuda.runtime.getDeviceCount()
    except module.cuda.runtime.CUDARuntimeError as error:
        pytest.skip(f"no CUDA: {error}")
    if count == 0:
        pytest.skip("no CUDA: the driver reports no device")
    if os.environ.get("ALIGNSAR_GPU_POOL") == "0":  # each array by itself, for a memory checker
        module.cuda.set_allocator(None)
    return module
