"""Thirty dates need no more memory than they may take."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from simulated_stack import CPU, Products

from alignsar_gpu.application.dataset.blocks import bytes_per_pixel, rows_per_block
from alignsar_gpu.application.dataset.extraction import Extraction, _ground_layers
from alignsar_gpu.coregistration.assemble import coregistered_stack
from alignsar_gpu.signatures import select
from alignsar_gpu.signatures.block import signature_layers
from alignsar_gpu.signatures.options import SignatureOptions, Windows
from alignsar_gpu.stack.block import load_stack

DATES, CHUNK_LINES = 30, 32
BUDGET = 100 << 20
DEVICE = replace(CPU, memory_budget=BUDGET)


@pytest.fixture(scope="module")
def selection(tmp_path_factory):
    """Two dates, each again and again, and the terrain's DEM."""
    products = Products(
        tmp_path_factory.mktemp("dates"), subswaths=("IW2",), lines=240, samples=800, baselines=(0.0, 40.0)
    )
    chosen = products.choose().selection
    first, second = chosen.dates
    days = tuple(f"202203{day:02d}" for day in range(1, DATES + 1))
    bursts = {
        name: {day: found[(first, second)[number % 2]] for number, day in enumerate(days)}
        for name, found in chosen.bursts.items()
    }
    return replace(chosen, reference=days[0], dates=days, bursts=bursts), products.dem


def peak(call):
    """Most bytes of arrays that were held during a call, beyond what was there before."""
    tracemalloc.start()
    try:
        result = call()
        return tracemalloc.get_traced_memory()[1], result
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="module")
def brought_together(selection):
    """The bytes that it took, and the stack."""
    dates, dem = selection
    return peak(lambda: coregistered_stack(dates, dem, DEVICE))


def test_timing_stays_within_the_budget(brought_together):
    used, stack = brought_together
    assert len(stack.facts["timing"]["overlaps"]) == (3 * DATES - 6) + (
        DATES - 1 - 3
    )  # neighbours, and the reference
    assert used < BUDGET


def test_blocks_stay_within_the_budget(brought_together):
    _, stack = brought_together
    options = SignatureOptions(windows=Windows(coherence=(3, 11), phase=(1, 1)))
    signatures = [s for s in select(["category1", "temporal"]) if not s.needs_terrain]
    rows = rows_per_block(
        stack, CHUNK_LINES, options.halo, BUDGET, bytes_per_pixel(stack, signatures, options)
    )
    stop = min(rows * CHUNK_LINES, stack.grid.lines)
    assert stop < stack.grid.lines  # the whole would not fit
    work = Extraction(
        product=stack,
        device=DEVICE,
        signatures=signatures,
        options=options,
        flatten=True,
        area_ratio=False,
        delays=[0.0] * DATES,
        layout=None,
        slc=True,
    )

    def block():
        loaded = load_stack(stack, DEVICE, 0, stop, options.halo)
        ground = stack.read_ground(loaded.begin, loaded.begin + loaded.pixels.shape[-2])
        for _, layer in _ground_layers(work, loaded, ground):
            assert layer.shape[1] == stack.grid.samples
        for name, _, layer in signature_layers(loaded, signatures, options):
            assert np.isfinite(layer).any() or name.startswith(("seasonal", "log_ratio_previous"))

    used, _ = peak(block)
    assert 0.3 * BUDGET < used < BUDGET
