"""A stack that lives on the device: flattening and every signature against the CPU. Needs SciPy too."""

from __future__ import annotations

import dataclasses
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("scipy")

from synthetic_stack import simulate_stack

from alignsar_gpu.device import Device, choose_device
from alignsar_gpu.interferometry.flattening import flatten
from alignsar_gpu.signatures import all_signatures
from alignsar_gpu.signatures.block import signature_layers
from alignsar_gpu.signatures.options import SignatureOptions, Windows
from alignsar_gpu.stack.block import load_stack

CPU = Device("cpu", "test", "test", 1 << 30)
OPTIONS = SignatureOptions(windows=Windows(coherence=(3, 11), phase=(1, 1), matrix=(5, 5)))


def config(kind):
    """As `alignsar_gpu.config.DeviceConfig`, which needs Hydra: a GPU machine may not have it."""
    return SimpleNamespace(kind=kind, memory_gib=None, threads=None)


@pytest.fixture(scope="module")
def product():
    return simulate_stack(lines=96, samples=161, dates=6, polarizations=("vv", "vh"), seed=3)


def flattened(product, device):
    stack = load_stack(product, device, 32, 96, OPTIONS.halo)
    return flatten(stack, product.read_ground(stack.begin, 96), [0.0] * 6)


def test_the_device_is_chosen_and_named(cupy):
    device = choose_device(config("auto"))
    assert device.kind == "cuda"
    assert device.name
    assert 0 < device.memory_budget < cupy.cuda.runtime.memGetInfo()[1]


@pytest.mark.parametrize("filtered", ["none", "lee", "refined_lee", "gamma_map"])
def test_signatures_on_the_device(cupy, product, filtered):
    device = dataclasses.replace(choose_device(config("cuda")), memory_budget=1 << 30)
    ours, theirs = flattened(product, device), flattened(product, CPU)
    assert isinstance(ours.pixels, cupy.ndarray)
    np.testing.assert_array_equal(cupy.asnumpy(ours.valid), theirs.valid)
    options = dataclasses.replace(OPTIONS, filter=filtered, multitemporal=filtered == "lee")
    signatures = [s for s in all_signatures() if s.needs != "quad" and not s.needs_terrain]
    layers = [signature_layers(stack, signatures, options) for stack in (ours, theirs)]
    for (name, date, on_device), (same, same_date, expected) in zip(*layers, strict=True):
        assert (name, date) == (same, same_date)
        assert isinstance(on_device, cupy.ndarray)
        assert on_device.dtype == np.float32
        found = device.download(on_device)
        np.testing.assert_array_equal(np.isnan(found), np.isnan(expected), err_msg=name)
        if "phase" in name:
            error = np.abs(np.angle(np.exp(1j * (found - expected))))
            assert np.nanmedian(error) < 1e-5, name  # of small products, the phase is uncertain
        elif not np.isnan(expected).all():
            scale = np.maximum(np.abs(expected), np.nanmedian(np.abs(expected)))
            assert np.nanmax(np.abs(found - expected) / scale) < 1e-4, name
