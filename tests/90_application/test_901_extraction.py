"""Blocks: they fit into the budget, cover what is pending once, and hold nothing else."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_stack import CPU
from synthetic_stack import simulate_stack

from alignsar_gpu.application.dataset.blocks import (
    MOST_LINES,
    PIXEL_BYTES,
    WORK_BYTES,
    bytes_per_pixel,
    rows_per_block,
)
from alignsar_gpu.application.dataset.description import describe_scene
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.orbit import Orbit
from alignsar_gpu.signatures import select
from alignsar_gpu.signatures.options import SignatureOptions, Windows
from alignsar_gpu.stack.block import Stack

COPIES = 3
OPTIONS = SignatureOptions(windows=Windows(coherence=(3, 11), phase=(1, 1)))


def product(dates, polarizations, samples, ground_bytes=lambda lines: 0):
    return SimpleNamespace(
        acquisitions=(None,) * dates,
        polarizations=("vv", "vh")[:polarizations],
        grid=SimpleNamespace(shape=(1, samples)),
        ground_bytes=ground_bytes,
        pixel_copies=COPIES,
    )


def pixel_bytes(stack, names=("category1",), options=OPTIONS):
    return bytes_per_pixel(stack, select(names), options)


@given(
    dates=st.integers(2, 60),
    polarizations=st.integers(1, 2),
    samples=st.integers(1, 80_000),
    chunk_lines=st.sampled_from([32, 96, 256]),
    halo=st.integers(0, 20),
    budget=st.integers(1 << 20, 1 << 36),
)
def test_a_block_fits_into_the_budget_whatever_the_number_of_dates(
    dates, polarizations, samples, chunk_lines, halo, budget
):
    stack = product(dates, polarizations, samples)
    line = samples * (dates * polarizations * COPIES * PIXEL_BYTES + WORK_BYTES)
    try:
        rows = rows_per_block(stack, chunk_lines, halo, budget, pixel_bytes(stack))
    except AlignsarError as error:
        assert line * (chunk_lines + 2 * halo) > budget, str(error)  # noqa: PT017  (both ends are tested)
    else:
        assert rows >= 1
        assert line * (rows * chunk_lines + 2 * halo) <= budget
        most = max(MOST_LINES // chunk_lines, 1)
        assert rows == most or line * ((rows + 1) * chunk_lines + 2 * halo) > budget


def test_too_little_memory_says_how_much_is_needed():
    with pytest.raises(AlignsarError, match=r"one row of chunks of 30 dates needs 11\.27 GiB"):
        rows_per_block(product(30, 2, 25_000), 256, 1, 1 << 30, pixel_bytes(product(30, 2, 25_000)))


@given(
    posts=st.integers(0, 1 << 26),
    per_line=st.integers(0, 1 << 20),
    halo=st.integers(0, 20),
    budget=st.integers(1 << 20, 1 << 32),
)
def test_what_the_ground_takes_counts(posts, per_line, halo, budget):
    """Posts around a block, however small, and some more for every line."""
    stack = product(1, 2, 500, lambda lines: posts + per_line * lines)
    line = 500 * (2 * COPIES * PIXEL_BYTES + WORK_BYTES) + per_line

    def needed(rows):
        return posts + line * (32 * rows + 2 * halo)

    try:
        rows = rows_per_block(stack, 32, halo, budget, pixel_bytes(stack))
    except AlignsarError as error:
        assert needed(1) > budget
        assert f"one row of chunks of 1 date needs {needed(1) / 2**30:.2f} GiB" in str(error)  # noqa: PT017
    else:
        assert needed(rows) <= budget
        assert rows == MOST_LINES // 32 or needed(rows + 1) > budget


def test_what_is_compared_takes_memory_too():
    """Layers that a pass computes together, powers of all dates, filters."""
    stack = product(30, 2, 100)
    plain = pixel_bytes(stack)
    together = pixel_bytes(stack, ["category1", "all_dual"])
    assert together >= plain + 4 * 25
    assert pixel_bytes(stack, ["category1", "temporal"]) >= plain + 4 * 30
    filtered = replace(OPTIONS, filter="lee", multitemporal=True)
    assert pixel_bytes(stack, ["category1", "all_dual"], filtered) > together + 4 * 30


@given(
    begin=st.integers(0, 40),
    lines=st.integers(1, 60),
    inside=st.tuples(st.integers(0, 59), st.integers(1, 60)),
    halo=st.integers(0, 9),
)
def test_a_part_of_a_block_has_the_lines_of_the_grid(begin, lines, inside, halo):
    """With as much of the halo as the block holds."""
    first = begin + min(inside[0], lines - 1)
    stop = min(first + inside[1], begin + lines)
    pixels = np.arange(begin, begin + lines, dtype=np.complex64)[np.newaxis, np.newaxis, :, np.newaxis]
    block = Stack(
        device=None,
        grid=None,
        begin=begin,
        acquisitions=(),
        reference=0,
        polarizations=(),
        pixels=pixels,
        valid=pixels.real < 0,
        first=0,
        stop=lines,
    )
    part = block.part(first, stop, halo)
    assert part.pixels[0, 0, part.core, 0].real.tolist() == list(range(first, stop))
    assert part.pixels[0, 0, :, 0].real.tolist() == list(
        range(max(first - halo, begin), min(stop + halo, begin + lines))
    )
    assert part.begin + part.first == first
    assert part.valid.shape == part.pixels.shape


@pytest.mark.parametrize("date", [0, 1, 2])
def test_an_orbit_must_cover_every_line(date):
    """Cut in the middle of the scene, an orbit would leave half of the image without geometry."""
    stack = simulate_stack(lines=64, samples=97, dates=3, polarizations=("vv",), seed=3)
    describe_scene(stack, CPU)
    orbit = stack.acquisitions[date].orbit
    end = describe_scene(stack, CPU).baselines[date].azimuth_time + 0.01
    inside = orbit.time < end
    time = np.append(orbit.time[inside], end)
    cut = Orbit(
        epoch=orbit.epoch,
        time=time,
        position=orbit.position_at(time),
        velocity=orbit.velocity_at(time),
        source="cut.EOF",
    )
    acquisitions = list(stack.acquisitions)
    acquisitions[date] = replace(acquisitions[date], orbit=cut)
    with pytest.raises(AlignsarError, match=r"orbit 'cut\.EOF' covers .* give an orbit that covers it"):
        describe_scene(replace(stack, acquisitions=tuple(acquisitions)), CPU)
