"""A stack that lives on the device: flattening and every signature against the CPU. Needs SciPy too."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("scipy")

from alignsar_gpu.device import Device, choose_device
from alignsar_gpu.interferometry.flattening import flatten
from alignsar_gpu.signatures import all_signatures
from alignsar_gpu.signatures.view import PolarizationView, Windows
from alignsar_gpu.simulate import simulate_stack
from alignsar_gpu.stack import load_stack

CPU = Device("cpu", "test", "test", 1 << 30)
WINDOWS = Windows(coherence=(3, 11), phase=(1, 1))
PHASES = {"slc_phase", "interferometric_phase"}


def config(kind):
    """As `alignsar_gpu.config.DeviceConfig`, which needs Hydra: a GPU machine may not have it."""
    return SimpleNamespace(kind=kind, memory_gib=None, threads=None)


@pytest.fixture(scope="module")
def product():
    return simulate_stack(lines=96, samples=161, dates=3, polarizations=("vv", "vh"), seed=3)


def flattened(product, device):
    stack = load_stack(product, device, 32, 96, WINDOWS.halo)
    return flatten(stack, product.read_ground(stack.begin, 96), [0.0] * 3)


def test_the_device_is_chosen_and_named(cupy):
    device = choose_device(config("auto"))
    assert device.kind == "cuda"
    assert device.name
    assert 0 < device.memory_budget < cupy.cuda.runtime.memGetInfo()[1]


def test_signatures_on_the_device(cupy, product):
    device = dataclasses.replace(choose_device(config("cuda")), memory_budget=1 << 30)
    ours, theirs = flattened(product, device), flattened(product, CPU)
    assert isinstance(ours.pixels, cupy.ndarray)
    np.testing.assert_array_equal(cupy.asnumpy(ours.valid), theirs.valid)
    for date in range(3):
        for polarization in range(2):
            views = [
                PolarizationView(stack=s, windows=WINDOWS, date=date, polarization=polarization)
                for s in (ours, theirs)
            ]
            for signature in all_signatures():
                on_device, expected = (signature.compute(view) for view in views)
                assert isinstance(on_device, cupy.ndarray)
                assert on_device.dtype == np.float32
                found = device.download(on_device)
                np.testing.assert_array_equal(np.isnan(found), np.isnan(expected))
                if signature.name in PHASES:
                    weight = np.minimum(np.abs(views[1].pixels), 1.0)
                    error = weight * np.abs(np.angle(np.exp(1j * (found - expected))))
                else:
                    error = np.abs(found - expected) / np.maximum(np.abs(expected), 1e-6)
                assert np.nanmax(error) < 1e-4 if signature.name in PHASES else np.nanmax(error) < 1e-5
