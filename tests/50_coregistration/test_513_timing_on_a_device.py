"""Timing measured on a device, with the stand-in for CuPy: the CPU's results, and what goes up and down for them."""

import threading
import tracemalloc
import weakref
from collections import Counter
from contextlib import contextmanager
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from alignsar_gpu.kernels.driving import threads
from simulated_stack import CPU, Products
from stand_in import device, stand_in

from alignsar_gpu.coregistration import assemble
from alignsar_gpu.coregistration.assemble import coregistered_stack
from alignsar_gpu.coregistration.offsets import OffsetField, patch_offset
from alignsar_gpu.coregistration.timing import patches, scene_offsets, shifts
from alignsar_gpu.coregistration.timing.diversity import _with_exact_sums, double_difference
from alignsar_gpu.coregistration.timing.patches import BLOCK_BYTES, PIXEL_BYTES, TimingPatch, within_memory
from alignsar_gpu.coregistration.timing.scene_offsets import SIZE, _patches, residual_offsets
from alignsar_gpu.coregistration.timing.shifts import _most_certain
from alignsar_gpu.coregistration.timing.sublooks import band_shift
from alignsar_gpu.device import HOST, Device
from alignsar_gpu.products.crop import crop_grid
from alignsar_gpu.simulate.ground.backscatter import URBAN

MIB = 1 << 20
# The same code with other Fourier transforms: the stand-in has NumPy's, not SciPy's. Overlaps need none; there, only
# loops of NumPy differ in the last bit, by where arrays begin.
SAME, SAME_OVERLAP = 1e-6, 1e-9  # pixel


@pytest.fixture(scope="module")
def bursts(tmp_path_factory):
    """Three dates of two bursts that overlap, late by fractions of a pixel."""
    return Products(
        tmp_path_factory.mktemp("bursts"),
        kind=URBAN,
        subswaths=("IW2",),
        lines=240,
        samples=640,
        dates=3,
        baselines=(0.0, 50.0, -30.0),
        errors=[(0.0, 0.0), (0.03, 0.1), (-0.02, 0.2)],
    )


@contextmanager
def counting(monkeypatch):
    """The stand-in, and what goes up and comes down inside the block: bytes, and the images among them."""
    with stand_in() as cupy:
        moved = SimpleNamespace(xp=cupy, images=[], **cupy.traffic)
        begin = Device.begin_upload

        def begun(own, array):
            moved.images.append(array)
            return begin(own, array)

        with monkeypatch.context() as patched:
            patched.setattr(Device, "begin_upload", begun)
            yield moved


def readers(monkeypatch):
    """The readers of patches that stacks are made with from here on."""
    made, real = [], assemble.measure_shifts

    def kept(reader, *arguments, **options):
        made.append(reader)
        return real(reader, *arguments, **options)

    monkeypatch.setattr(assemble, "measure_shifts", kept)
    return made


def scene_patches(reader):
    """The patches that scenes are matched in."""
    return [patch for piece in reader.mosaic.pieces for patch in _patches(piece)]


def test_shifts_are_those_of_the_cpu_and_little_comes_down(bursts, monkeypatch):
    chosen = bursts.choose()
    wanted = coregistered_stack(chosen.selection, bursts.dem, CPU, around=chosen.around)
    read = Counter()
    view = patches.PatchReader._view
    monkeypatch.setattr(patches.PatchReader, "_view", lambda *given: read.update(views=1) or view(*given))
    with counting(monkeypatch) as moved:
        got = coregistered_stack(chosen.selection, bursts.dem, device(), around=chosen.around)
    wanted, got = wanted.facts["timing"], got.facts["timing"]
    for one, other in zip(wanted["overlaps"], got["overlaps"], strict=True):
        assert one["shift_lines"] == pytest.approx(other["shift_lines"], abs=SAME_OVERLAP)
        assert one["deviation_lines"] == pytest.approx(other["deviation_lines"], abs=SAME_OVERLAP)
    assert wanted["dates"].keys() == got["dates"].keys()
    for date, facts in wanted["dates"].items():
        for name, value in facts.items():
            assert got["dates"][date][name] == pytest.approx(value, abs=SAME), name
    assert facts["azimuth_from"] == "overlaps of bursts"
    assert facts["range_samples"] == pytest.approx(0.2, abs=0.01)
    assert max(moved.down) < min(image.nbytes for image in moved.images) / 8  # sums, no pixels
    assert len(moved.images) == read["views"] * 3  # once a date and burst of a patch
    assert {image.dtype for image in moved.images} == {np.dtype(np.int16)}
    assert (
        sum(size == 4 * 8192 * 12 for size in moved.up) == 2
    )  # weights that resample, for lines and for samples


def test_what_is_held_of_a_patch_is_what_is_counted(bursts, monkeypatch):
    made = readers(monkeypatch)
    coregistered_stack(bursts.choose().selection, bursts.dem, CPU)
    (reader,) = made
    (patch,) = patches.patches_of(reader.matches, reader.mosaic)
    pixels = (patch.lines.stop - patch.lines.start) * (patch.samples.stop - patch.samples.start)
    arrays = [
        array
        for view in reader.views(patch, "vv")
        for kind in (view.pixels, view.valid)
        for array in kind.values()
    ]
    held = sum(array.nbytes for array in arrays)
    assert held == 2 * 3 * pixels * PIXEL_BYTES
    layers = patches.Terrain(
        grid=crop_grid(reader.mosaic.ground, (patch.lines, patch.samples)),
        orbit=reader.matches[patch.bursts[0]].product.orbit,
        dem=bursts.dem,
        partial=True,
    ).lines(0, patch.lines.stop - patch.lines.start)
    monkeypatch.setattr(patches.Terrain, "lines", lambda *_: layers)
    tracemalloc.start()
    try:
        reader.views(patch, "vv")
        beside = tracemalloc.get_traced_memory()[1] - held
    finally:
        tracemalloc.stop()
    assert 0.2 * BLOCK_BYTES < (beside + sum(layer.nbytes for layer in layers)) / pixels < BLOCK_BYTES


def test_a_patch_is_cut_to_what_the_posts_of_its_dem_leave(bursts, monkeypatch):
    made = readers(monkeypatch)
    coregistered_stack(bursts.choose().selection, bursts.dem, CPU)
    (reader,) = made
    (patch,) = patches.patches_of(reader.matches, reader.mosaic)
    monkeypatch.setattr(patches.Terrain, "bytes_of", lambda terrain, *_: terrain.grid.samples * MIB)
    whole, part = (replace(reader, memory=samples * MIB).views(patch, "vv")[0] for samples in (10000, 400))
    begin, count = whole.pixels[1].shape[1] // 4, whole.pixels[1].shape[1] // 2
    assert part.pixels[1].shape[1] == count
    assert np.array_equal(part.pixels[0], whole.pixels[0][:, begin : begin + count])


def test_pixels_of_a_patch_are_let_go_before_the_next(bursts, monkeypatch):
    held, real, views = [], shifts.patches_of, patches.PatchReader.views
    monkeypatch.setattr(shifts, "patches_of", lambda *given: 2 * real(*given))

    def alone(*given):
        assert not any(view() for view in held)
        read = views(*given)
        held.extend(map(weakref.ref, read))
        return read

    monkeypatch.setattr(patches.PatchReader, "views", alone)
    with counting(monkeypatch) as moved:
        coregistered_stack(bursts.choose().selection, bursts.dem, device())
        assert moved.xp.memory.used < MIB  # tables of weights
    assert len(held) == 4


@pytest.mark.parametrize("axis", [0, 1])
@pytest.mark.parametrize("shape", [(16, 2000), (100, 600)])
def test_parts_of_the_band_take_the_memory_that_is_counted(shape, axis):
    rng = np.random.default_rng(1)
    noise = rng.standard_normal((2, *shape, 2), dtype=np.float32).view(np.complex64)[..., 0]
    valid = np.ones(shape, dtype=bool)

    def compare():
        return band_shift(noise[0], noise[0] + noise[1], valid, axis=axis, band=0.67, looks=0.4)

    assert np.isfinite(compare().deviation)
    tracemalloc.start()
    try:
        compare()
        used = tracemalloc.get_traced_memory()[1] / valid.size
    finally:
        tracemalloc.stop()
    assert 0.2 * BLOCK_BYTES < used < BLOCK_BYTES


def test_a_patch_is_cut_to_what_fits():
    patch = TimingPatch(bursts=("a", "b"), lines=slice(0, 100), samples=slice(0, 25000))
    pixel = 2 * 30 * PIXEL_BYTES + BLOCK_BYTES
    assert within_memory(patch, 30, 100 * 25000 * pixel) == patch
    part = within_memory(patch, 30, 100 * 5000 * pixel)
    assert part.samples == slice(10000, 15000)


def test_a_date_is_compared_where_it_is(monkeypatch):
    """The parts of a shift with a device: the widest part, both axes, and the double difference."""
    rng = np.random.default_rng(2)
    shape = (24, 9000)
    noise = rng.standard_normal((2, *shape, 2), dtype=np.float32).view(np.complex64)[..., 0]
    one, other = noise[0], noise[0] + 0.5 * noise[1]
    valid = rng.random(shape) > 0.01
    apart = np.broadcast_to(4500.0 + 0.01 * np.arange(shape[1]), shape)
    with counting(monkeypatch) as moved:
        up = [moved.xp.asarray(np.ascontiguousarray(array)) for array in (one, other, valid, apart)]
        part = _most_certain(*up[:3], device())
        assert part == _most_certain(one, other, valid)
        for axis in (0, 1):
            options = {"axis": axis, "band": 0.7, "looks": 0.4}
            wanted = band_shift(one[:, part], other[:, part], valid[:, part], **options)
            got = band_shift(*(array[:, part] for array in up[:3]), **options, device=device())
            assert got.seconds == pytest.approx(wanted.seconds, abs=SAME)
            assert got.deviation == pytest.approx(wanted.deviation, abs=SAME)
        wanted = double_difference(one, other, apart, valid, 0.4)
        got = double_difference(*up[:2], up[3], up[2], 0.4, device())
        assert max(moved.down) < valid.size  # bytes, of which a pixel has eight
    for name in ("frequency", "total", "weight", "power", "square"):
        np.testing.assert_allclose(getattr(got, name), getattr(wanted, name), rtol=1e-6, atol=1e-3)
    assert (got.used, got.count) == (wanted.used, wanted.count)


def test_the_order_of_pixels_does_not_change_a_bit_of_their_sums():
    """A device adds numbers of a bin in any order."""
    rng = np.random.default_rng(3)
    size = 20000
    values = (rng.standard_normal(size) * rng.lognormal(0, 3, size)).astype(np.float32)
    place, order = rng.integers(0, 64, size), rng.permutation(size)
    assert np.any(np.bincount(place, values) != np.bincount(place[order], values[order]))
    exact = _with_exact_sums(values)
    sums = np.bincount(place, exact)
    assert np.array_equal(sums, np.bincount(place[order], exact[order]))
    assert np.abs(exact - values).max() < 1e-11 * np.abs(values).max()
    assert not _with_exact_sums(np.zeros(3, np.float32)).any()


@pytest.mark.parametrize("shape", [(SIZE, SIZE), (33, 27)])
def test_a_stripmap_patch_gives_the_offset_of_the_cpu(shape, monkeypatch):
    rng = np.random.default_rng(4)
    noise = rng.standard_normal((150, 150, 2), dtype=np.float32).view(np.complex64)[..., 0]
    spectrum = np.fft.fft2(noise)
    spectrum[45:-45], spectrum[:, 45:-45] = 0, 0
    scene = np.fft.ifft2(spectrum).astype(np.complex64)
    one, other = (
        np.ascontiguousarray(scene[a : a + shape[0], b : b + shape[1]]) for a, b in ((5, 9), (3, 12))
    )
    valid = rng.random(shape) > 0.02
    wanted = patch_offset(one, other, valid, line=1.0, sample=2.0)
    assert (wanted.down, wanted.across) == pytest.approx((2.0, -3.0), abs=0.1)
    with counting(monkeypatch) as moved:
        up = [moved.xp.asarray(array) for array in (one, other, valid)]
        got = patch_offset(*up, line=1.0, sample=2.0, device=device())
        assert sum(size > 16 for size in moved.down) == 3  # two amplitudes and a mask
        assert max(moved.down) < MIB
        lost = [moved.xp.asarray(array) for array in (one, other, ~valid)]
        assert np.isinf(patch_offset(*lost, line=1.0, sample=2.0, device=device()).deviation)
    for name in ("line", "sample", "down", "across", "deviation", "peak"):
        assert getattr(got, name) == pytest.approx(getattr(wanted, name), abs=SAME)


def test_the_field_of_a_scene_is_that_of_the_cpu(bursts, monkeypatch):
    """The bursts taken for scenes that are not steered: patches are matched by their amplitudes."""
    monkeypatch.setattr(scene_offsets, "MOST", (1, 3))
    made = readers(monkeypatch)
    coregistered_stack(bursts.choose().selection, bursts.dem, CPU)
    (reader,) = made
    matches = {
        name: replace(match, burst=replace(match.burst, steering_rate=0.0))
        for name, match in reader.matches.items()
    }
    wanted = residual_offsets(replace(reader, matches=matches), "vv")
    with counting(monkeypatch) as moved:
        own = device()
        pairs = {key: replace(pair, device=own) for key, pair in reader.pairs.items()}
        got = residual_offsets(replace(reader, matches=matches, device=own, pairs=pairs), "vv")
    assert wanted.keys() == got.keys() == {1, 2}
    for date, field in wanted.items():
        assert field.degree in {0, 1, 2}
        assert (got[date].degree, got[date].share) == (field.degree, field.share)
        assert got[date].coefficients == pytest.approx(field.coefficients, abs=SAME)
        assert got[date].deviation == pytest.approx(field.deviation, abs=SAME)
        place = (100.0, 300.0)
        assert field.at(*place)[1] == pytest.approx((0.1, 0.2)[date - 1], abs=0.05)
    assert max(moved.down) < MIB
    assert len(moved.images) == len(scene_patches(reader)) * 3


@pytest.mark.parametrize("degree", [None, 0, 1, 2])
def test_a_field_is_evaluated_for_a_block_at_once(degree, monkeypatch):
    terms = {None: 1, 0: 1, 1: 3, 2: 6}[degree]
    coefficients = np.random.default_rng(5).standard_normal((terms, 2)) * (degree is not None)
    field = OffsetField(
        degree=degree,
        coefficients=coefficients,
        middle=np.array([3000.0, 9000.0]),
        extent=9000.0,
        rms=0.0,
        deviation=0.0,
        share=1.0,
    )
    lines, samples = np.arange(100, 140), np.arange(7, 200)
    block = [np.broadcast_to(late, (40, 193)) for late in field.on_grid(lines, samples, HOST)]
    for late, wanted in zip(block, field.at(lines[:, np.newaxis], samples), strict=True):
        np.testing.assert_allclose(late, wanted, rtol=0, atol=1e-14)
    for late, whole in zip(field.on_grid(lines[3:5], samples[9:90], HOST), block, strict=True):
        assert np.array_equal(np.broadcast_to(late, (2, 81)), whole[3:5, 9:90])
    with counting(monkeypatch) as moved:
        there = [late.get() for late in field.on_grid(lines, samples, device())]
    assert len(moved.up) == 3  # the samples, and what is of lines for either axis
    assert max(moved.up) <= 3 * lines.nbytes + samples.nbytes
    for late, whole in zip(there, block, strict=True):
        assert np.array_equal(np.broadcast_to(late, whole.shape), whole)


def test_threads_that_come_too_late_hold_no_arrays(monkeypatch):
    """What they would have worked on is free once a kernel is done, though they still wait for their turn."""

    class Loop:
        def __call__(self, first, stop, array):
            array[first:stop] += 1.0

    monkeypatch.setattr(threads, "_number_of_threads", lambda: 2)
    busy = threading.Event()
    waiting = threads._pool(1).submit(busy.wait)
    try:
        array = np.zeros(64)
        held = weakref.ref(array)
        threads.in_threads(Loop(), len(array), array)
        assert (array == 1.0).all()
        del array
        assert held() is None
    finally:
        busy.set()
    assert waiting.result()
