"""Multilooked interferograms of a stack, and their filter."""

import tracemalloc
from dataclasses import replace

import numpy as np
import pytest
from alignsar_gpu.kernels import boxcar_coherence
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from synthetic_stack import simulate_stack

from alignsar_gpu.application.dataset.description import describe_scene
from alignsar_gpu.device import Device
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.ellipsoid import geodetic_to_ecef
from alignsar_gpu.interferometry import multilooking
from alignsar_gpu.interferometry.flattening import flatten
from alignsar_gpu.interferometry.goldstein import filtered_phase, goldstein
from alignsar_gpu.interferometry.multilooking import cell_centres, multilooked
from alignsar_gpu.interferometry.networks import pairs_of
from alignsar_gpu.stack.block import Stack, load_stack
from alignsar_gpu.stack.ground import Ground

CPU = Device("cpu", "test", "test", 1 << 30)
PAIRS = ((1, 0), (0, 2), (1, 2))


@pytest.fixture(scope="module")
def product():
    return simulate_stack(lines=210, samples=131, dates=3, polarizations=("vv", "vh"), seed=5, flattened=True)


@pytest.fixture(scope="module")
def grid(product):
    return product.grid


@pytest.fixture(scope="module")
def content(product):
    """Pixels and masks of three dates, each with holes of its own; some cells are almost empty."""
    pixels, valid = (array.copy() for array in product.read_pixels(0, 210))
    rng = np.random.default_rng(3)
    for date in range(3):
        valid[date, :, 30 * date : 30 * date + 25, 20:40] = False
        valid[date] &= rng.random(valid[date].shape) > 0.25 * (np.arange(131) > 90)
    pixels[~valid] = 0
    return pixels, valid


def block(grid, content, first=0, stop=None, halo=0):
    """The stack of lines ``first:stop`` with a halo, as `load_stack` gives it."""
    stop = grid.lines if stop is None else stop
    begin, end = max(first - halo, 0), min(stop + halo, grid.lines)
    pixels, valid = (np.ascontiguousarray(array[:, :, begin:end]) for array in content)
    return Stack(
        device=CPU,
        grid=grid,
        begin=begin,
        acquisitions=(None,) * len(pixels),
        reference=1,
        polarizations=("vv", "vh"),
        pixels=pixels,
        valid=valid,
        first=first - begin,
        stop=stop - begin,
    )


def by_cells(content, pair, polarization, looks):
    """Mean and coherence cell by cell in float64, in the plainest way."""
    pixels, valid = (array[:, polarization] for array in content)
    shape = pixels.shape[1] // looks[0], pixels.shape[2] // looks[1]
    mean, coherence = np.full(shape, np.nan, complex), np.full(shape, np.nan)
    for i, j in np.ndindex(shape):
        cell = np.s_[i * looks[0] : (i + 1) * looks[0], j * looks[1] : (j + 1) * looks[1]]
        both = valid[pair[0]][cell] & valid[pair[1]][cell]
        a, b = (pixels[date][cell][both].astype(complex) for date in pair)
        if 2 * both.sum() >= looks[0] * looks[1]:
            mean[i, j] = np.mean(a * b.conj())
            coherence[i, j] = abs(np.sum(a * b.conj())) / np.sqrt(np.sum(abs(a) ** 2) * np.sum(abs(b) ** 2))
    return mean, coherence


class TestMultilooking:
    @pytest.mark.parametrize("looks", [(4, 9), (1, 1), (3, 20), (7, 2)])
    def test_against_cells_one_by_one(self, grid, content, looks):
        found = list(multilooked(block(grid, content), PAIRS, looks))
        assert [(one.pair, one.polarization) for one in found] == [
            (pair, name) for name in ("vv", "vh") for pair in range(3)
        ]
        for one in found:
            mean, coherence = by_cells(content, PAIRS[one.pair], ("vv", "vh").index(one.polarization), looks)
            assert (one.phase.dtype, one.coherence.dtype, one.mean.dtype) == ("f4", "f4", "c8")
            assert 0.02 < np.isnan(mean).mean() < 0.6
            for layer in (one.phase, one.coherence, one.mean):
                np.testing.assert_array_equal(np.isnan(layer), np.isnan(mean))
            known = ~np.isnan(mean)
            np.testing.assert_allclose(one.coherence[known], coherence[known], rtol=0, atol=1e-5)
            # float32 rounds each of the products, so errors are relative to the sum of their magnitudes
            size = np.abs(mean[known]) / np.maximum(coherence[known], 1e-9)
            assert np.max(np.abs(one.mean[known] - mean[known]) / size) < 1e-5
            turned = np.angle(np.exp(1j * one.phase[known]) * mean[known].conj())
            assert np.max(np.abs(turned) * coherence[known]) < 1e-5

    @pytest.mark.parametrize("looks", [(4, 9), (3, 1), (6, 131)])
    @pytest.mark.parametrize("cells", [1, 2, 5, 11])
    def test_blocks_of_any_height_give_the_same_bits(self, grid, content, looks, cells, monkeypatch):
        whole = list(multilooked(block(grid, content), PAIRS, looks))
        monkeypatch.setattr(multilooking, "STRIP_PIXELS", 131 * looks[0] * 2)
        step = cells * looks[0]
        parts = [
            list(multilooked(block(grid, content, first, min(first + step, 210), halo=5), PAIRS, looks))
            for first in range(0, 210, step)
        ]
        for index, one in enumerate(whole):
            for layer in ("phase", "coherence", "mean"):
                joined = np.concatenate([getattr(part[index], layer) for part in parts])
                assert joined.tobytes() == getattr(one, layer).tobytes()

    def test_sums_kept_of_a_date_change_no_bits(self, grid, product, content):
        """Where the masks of two dates are the same, powers are taken from the date's last pair."""
        pixels, _ = product.read_pixels(0, 210)
        common = content[1].all(axis=(0, 1))
        # beyond what all dates have, each has pixels that no other has: masks differ, their intersections do not
        owner = np.arange(210 * 131).reshape(210, 131) % 3
        more = np.broadcast_to(common, pixels.shape).copy()
        for date in range(3):
            more[date] |= ~common & (owner == date)
        same = list(
            multilooked(block(grid, (pixels * common, np.broadcast_to(common, pixels.shape))), PAIRS, (4, 9))
        )
        other = list(multilooked(block(grid, (pixels * more, more)), PAIRS, (4, 9)))
        assert len(same) == len(other) == 6
        for one, two in zip(same, other, strict=True):
            for layer in ("phase", "coherence", "mean"):
                np.testing.assert_array_equal(getattr(one, layer), getattr(two, layer))

    def test_half_of_a_cell_is_enough(self, grid):
        pixels = np.ones((2, 1, 210, 131), np.complex64)
        valid = np.zeros(pixels.shape, bool)
        valid[0, 0, :, :12] = True
        valid[1, 0, :4, :12] = True
        valid[1, 0, 1:4, 4:6] = False
        pixels[~valid] = 0
        stack = replace(block(grid, (pixels, valid)), polarizations=("vv",))
        (one,) = multilooked(stack, [(0, 1)], (3, 4))
        # columns 0-3: full; 4-7: lines 1, 2 lack 2 of 4 samples, 8 of 12 valid
        np.testing.assert_array_equal(one.coherence[0, :4], np.float32([1, 1, 1, np.nan]))
        # lines 3 to 5: only line 3 is valid on both dates, a third of the cell at most
        assert np.isnan(one.coherence[1]).all()
        (one,) = multilooked(stack, [(0, 1)], (2, 2))
        # lines 0, 1 and samples 4, 5: two of four pixels; lines 2, 3: none
        np.testing.assert_array_equal(one.phase[:2, 2], np.float32([0, np.nan]))

    def test_phase_is_averaged_as_complex_numbers(self, grid):
        """The average of 3 and -3 is pi, not 0."""
        pixels = np.ones((2, 1, 210, 131), np.complex64)
        pixels[0, 0, ::2] = np.exp(3j)
        pixels[0, 0, 1::2] = np.exp(-3j)
        stack = replace(block(grid, (pixels, np.ones(pixels.shape, bool))), polarizations=("vv",))
        (one,) = multilooked(stack, [(0, 1)], (2, 3))
        np.testing.assert_allclose(np.abs(one.phase), np.pi, atol=1e-6)
        np.testing.assert_allclose(one.mean, np.cos(3.0), atol=1e-6)

    def test_sign_and_order_of_a_pair(self, grid, content):
        stack = block(grid, content)
        there, back, own = (next(multilooked(stack, [p], (4, 9))) for p in ((0, 2), (2, 0), (1, 1)))
        known = ~np.isnan(there.phase)
        assert np.std(there.phase[known]) > 0.1
        weight = there.coherence[known]  # float32 rounds each product
        assert np.max(weight * np.abs(there.phase + back.phase)[known]) < 1e-5
        np.testing.assert_allclose(there.coherence, back.coherence, rtol=0, atol=1e-5)
        known = ~np.isnan(own.phase)
        assert np.abs(own.phase[known]).max() < 1e-6
        np.testing.assert_allclose(own.coherence[known], 1, rtol=1e-6)
        assert own.coherence[known].max() <= 1

    def test_bright_dark_and_broken_pixels(self, grid):
        """Next to a target 80 dB brighter, and of any scale, coherence is right; what is not finite is no data."""
        rng = np.random.default_rng(1)
        pixels = (rng.normal(size=(2, 1, 210, 131, 2)) @ [1, 1j]).astype(np.complex64)
        pixels[1] = 0.5 * pixels[0] + 0.5 * pixels[1]
        clean = pixels.copy()
        pixels[:, :, 100, 60] *= 1e4
        pixels[:, :, 50, 50] *= np.inf
        pixels[:, :, 0:4, 0:9] = 0
        everywhere = np.ones(pixels.shape, bool)
        stack, plain = (replace(block(grid, (p, everywhere)), polarizations=("vv",)) for p in (pixels, clean))
        found, expected = (next(multilooked(s, [(0, 1)], (4, 9))) for s in (stack, plain))
        lost = np.zeros(found.phase.shape, bool)
        lost[0, 0] = lost[50 // 4, 50 // 9] = True
        np.testing.assert_array_equal(np.isnan(found.coherence), lost)
        same = ~lost
        same[100 // 4, 60 // 9] = False
        np.testing.assert_array_equal(found.coherence[same], expected.coherence[same])
        for scale in (1e-12, 1e12):
            scaled = replace(plain, pixels=(clean * np.float32(scale)))
            (one,) = multilooked(scaled, [(0, 1)], (4, 9))
            np.testing.assert_allclose(one.coherence, expected.coherence, atol=1e-5)
            assert np.abs(np.angle(np.exp(1j * (one.phase - expected.phase)))).max() < 1e-4

    def test_a_block_must_not_cut_cells(self, grid, content):
        for first, stop in ((2, 8), (4, 10)):
            with pytest.raises(ValueError, match=r"cut cells of 4 lines"):
                next(multilooked(block(grid, content, first, stop), PAIRS, (4, 9)))

    def test_a_last_block_without_a_whole_cell(self, grid, content):
        (one, *_) = multilooked(block(grid, content, 208, 210), PAIRS, (4, 9))
        assert one.phase.shape == one.coherence.shape == one.mean.shape == (0, 14)

    @pytest.mark.parametrize("looks", [(5, 9), (3, 21)])
    def test_against_the_kernel_of_windows(self, grid, content, looks):
        """A window of a cell's size around its central pixel holds the same pixels."""
        pixels, valid = content
        centres = np.s_[looks[0] // 2 : 210 // looks[0] * looks[0] : looks[0], looks[1] // 2 :: looks[1]]
        for one in multilooked(block(grid, content), PAIRS, looks):
            first, second = ((date, ("vv", "vh").index(one.polarization)) for date in PAIRS[one.pair])
            both = valid[first] & valid[second]
            coherence, phase = boxcar_coherence(pixels[first], pixels[second], both, window=looks)
            shape = one.phase.shape
            coherence, phase = (layer[centres][: shape[0], : shape[1]] for layer in (coherence, phase))
            known = ~np.isnan(one.phase) & ~np.isnan(phase)
            assert known.mean() > 0.7
            assert np.abs(one.coherence - coherence)[known].max() < 1e-5
            assert np.max((coherence * np.abs(error(one.phase, phase)))[known]) < 1e-5


class TestCells:
    @pytest.mark.parametrize("looks", [(1, 1), (4, 9), (5, 8), (2, 6), (3, 3)])
    def test_centres_lie_on_the_ground(self, product, looks):
        """Between pixels the ground is flat to a millimetre, and centres are where the pixels' mean is."""
        ground = product.read_ground(0, 210)
        flat = replace(ground, height=np.add.outer(0.25 * np.arange(210), 0.5 * np.arange(131)))
        longitude, latitude, height = cell_centres(flat, slice(10, 208), looks)
        shape = 198 // looks[0], 131 // looks[1]
        assert longitude.shape == latitude.shape == height.shape == shape
        line = 10 + looks[0] * np.arange(shape[0]) + (looks[0] - 1) / 2
        sample = looks[1] * np.arange(shape[1]) + (looks[1] - 1) / 2
        np.testing.assert_allclose(height, np.add.outer(0.25 * line, 0.5 * sample), rtol=0, atol=1e-12)
        assert longitude.dtype == latitude.dtype == height.dtype == np.float64
        if looks[0] % 2 and looks[1] % 2:
            middle = np.ix_(line.astype(int), sample.astype(int))
            np.testing.assert_array_equal(longitude, ground.longitude[middle])
            np.testing.assert_array_equal(latitude, ground.latitude[middle])
        else:
            around = [
                np.ix_(f(line).astype(int), g(sample).astype(int))
                for f in (np.floor, np.ceil)
                for g in (np.floor, np.ceil)
            ]
            points = np.mean(
                [geodetic_to_ecef(ground.longitude[a], ground.latitude[a], 0.0) for a in around], axis=0
            )
            assert np.abs(geodetic_to_ecef(longitude, latitude, 0.0) - points).max() < 1e-3

    def test_centres_at_the_antimeridian(self):
        longitude = np.array([[179.999, -179.999], [-179.998, -179.996]])
        ground = Ground(longitude=longitude, latitude=np.zeros((2, 2)), height=np.zeros((2, 2)))
        (found, _, _) = cell_centres(ground, slice(0, 2), (1, 2))
        np.testing.assert_allclose(found, [[180.0], [-179.997]], atol=1e-9)
        (found, _, _) = cell_centres(ground, slice(0, 2), (2, 1))
        np.testing.assert_allclose(found, [[-179.9995, -179.9975]], atol=1e-9)

    def test_centres_beside_unknown_ground_are_unknown(self):
        known = np.array([[1.0, np.nan, 3.0, 4.0]])
        ground = Ground(longitude=known, latitude=known, height=known)
        for layer in cell_centres(ground, slice(0, 1), (1, 2)):
            np.testing.assert_array_equal(layer, [[np.nan, 3.5]])


def ramp(shape, cycles):
    """Phase of fringes with so many cycles a line and a sample, rad, not wrapped."""
    line, sample = np.indices(shape)
    return 2 * np.pi * (cycles[0] * line + cycles[1] * sample)


def noisy(phase, coherence, looks, seed):
    """Multilooked normalised interferogram of circular Gaussian speckle: phase and coherence."""
    rng = np.random.default_rng(seed)
    one, two = rng.normal(size=(2, looks, *phase.shape, 2)) @ [1, 1j]
    two = coherence * one + np.sqrt(1 - coherence**2) * two
    product = np.sum(one * two.conj(), axis=0)
    product /= np.sqrt(np.sum(np.abs(one) ** 2, axis=0) * np.sum(np.abs(two) ** 2, axis=0))
    product *= np.exp(1j * phase)
    return np.angle(product).astype(np.float32), np.abs(product).astype(np.float32)


def error(found, truth):
    """Difference of two phases, wrapped."""
    return np.angle(np.exp(1j * (found - truth)))


def rms(values):
    return np.sqrt(np.mean(values**2))


RAMPS = [(0.0, 0.125), (0.047, 0.11), (0.013, -0.023), (-0.17, 0.31), (0.002, 0.005)]


class TestGoldstein:
    @given(
        arrays(
            np.float32, st.tuples(st.integers(1, 70), st.integers(1, 70)), elements=st.floats(-3, 3, width=32)
        ),
        st.sampled_from([32, 64]),
    )
    def test_without_filtering_nothing_changes(self, phase, patch):
        image = np.exp(1j * phase).astype(np.complex64)
        assert np.abs(goldstein(image, np, alpha=0.0, patch=patch) - image).max() < 1e-6
        same = filtered_phase(phase, None, np, alpha=0.0, patch=patch)
        assert np.abs(error(same, phase)).max() < 1e-6

    @pytest.mark.parametrize("cycles", RAMPS)
    @pytest.mark.parametrize(("alpha", "factor"), [(0.5, 3.0), (1.0, 8.0), (None, 2.8)])
    def test_noise_is_reduced(self, cycles, alpha, factor):
        """Coherence 0.5, 16 looks: 0.33 rad of noise becomes 0.11 rad at alpha = 0.5, 0.04 rad at alpha = 1."""
        truth = ramp((200, 300), cycles)
        phase, coherence = noisy(truth, 0.5, 16, seed=2)
        before = error(phase, truth)
        assert 0.3 < rms(before) < 0.4
        after = error(filtered_phase(phase, coherence, np, alpha=alpha), truth)
        assert rms(before) / rms(after) > factor
        # the border of a patch's step is as good as the inside, to a third
        assert rms(before[:8]) / rms(after[:8]) > factor * 2 / 3
        assert rms(before[:, -8:]) / rms(after[:, -8:]) > factor * 2 / 3
        # the mean is that of the noise: 0.33 rad / sqrt(60,000 independent pixels), three times over
        assert abs(after.mean()) < 3 * rms(before) / np.sqrt(before.size)

    def test_more_alpha_filters_more(self):
        truth = ramp((96, 130), (0.047, 0.11))
        phase, coherence = noisy(truth, 0.5, 16, seed=3)
        left = [
            rms(error(filtered_phase(phase, coherence, np, alpha=a), truth)) for a in (0, 0.25, 0.5, 0.75, 1)
        ]
        assert left == sorted(left, reverse=True)

    @pytest.mark.parametrize("cycles", RAMPS)
    @pytest.mark.parametrize("alpha", [0.5, 1.0])
    @pytest.mark.parametrize("patch", [32, 64])
    def test_a_ramp_stays_where_it_is(self, cycles, alpha, patch):
        truth = ramp((150, 170), cycles)
        after = error(filtered_phase(truth.astype(np.float32), None, np, alpha=alpha, patch=patch), truth)
        assert abs(after.mean()) < 0.002
        inside = after[patch:-patch, patch:-patch]
        assert np.abs(inside).max() < 0.02
        assert np.abs(after).max() < 0.06

    def test_alpha_by_coherence_filters_where_there_is_noise(self):
        truth = ramp((128, 256), (0.013, 0.047))
        phase, coherence = noisy(truth, 0.3, 16, seed=4)
        phase[:, :128], coherence[:, :128] = truth[:, :128] + 0.3 * (np.indices((128, 128))[1] % 2), 1.0
        found = filtered_phase(phase, coherence, np, alpha=None)
        # where coherence is 1 nothing is filtered, a wiggle of one pixel included
        assert np.abs(error(found, phase))[:, :90].max() < 1e-5
        assert rms(error(found, truth)[:, 160:]) < 0.5 * rms(error(phase, truth)[:, 160:])
        with pytest.raises(ValueError, match="coherence: must be given"):
            goldstein(np.ones((9, 9), np.complex64), np, alpha=None)

    def test_holes(self):
        """A hole stays one, takes nothing else with it, and bends nothing around it."""
        truth = ramp((128, 160), (0.047, 0.11))
        phase, coherence = noisy(truth, 0.7, 16, seed=5)
        hole = np.zeros(phase.shape, bool)
        hole[40:90, 50:110] = True
        hole[:, 140:] = True
        broken = np.where(hole, np.float32(np.nan), phase)
        found = filtered_phase(broken, np.where(hole, np.float32(np.nan), coherence), np, alpha=0.8)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(np.isnan(found), hole)
        whole = filtered_phase(phase, coherence, np, alpha=0.8)
        beside = ~hole & (
            np.roll(hole, 2, 0) | np.roll(hole, -2, 0) | np.roll(hole, 2, 1) | np.roll(hole, -2, 1)
        )
        assert rms(error(found, truth)[beside]) < 2 * rms(error(whole, truth)[beside])
        far = np.s_[:8, :16]
        np.testing.assert_array_equal(found[far], whole[far])
        nothing = np.full((40, 40), np.nan, np.float32)
        assert np.isnan(filtered_phase(nothing, nothing, np, alpha=0.5)).all()
        # unknown coherence beside known phase is no data either
        lacking = coherence.copy()
        lacking[3, 4] = np.nan
        assert np.flatnonzero(np.isnan(filtered_phase(phase, lacking, np, alpha=None))) == [3 * 160 + 4]

    @pytest.mark.parametrize("alpha", [0.5, 1.0])
    def test_amplitude_is_kept(self, alpha):
        """Fringes that are one line of the spectrum pass as they are; any scale comes out as it went in."""
        truth = ramp((120, 140), (3 / 32, -5 / 32))
        image = np.exp(1j * truth).astype(np.complex64)
        inside = np.s_[32:-32, 32:-32]
        assert np.abs(goldstein(image, np, alpha=alpha)[inside] - image[inside]).max() < 1e-5
        phase, coherence = noisy(truth, 0.5, 4, seed=7)
        image = (coherence * np.exp(1j * phase)).astype(np.complex64)
        found, large = (goldstein(image * np.float32(scale), np, alpha=alpha) for scale in (1, 1e12))
        np.testing.assert_allclose(large, found * np.float32(1e12), rtol=0, atol=1e7)

    def test_pixels_count_by_their_amplitude(self):
        """Two halves of a patch with fringes of their own: the filter follows the stronger one."""
        one, other = (ramp((64, 64), cycles) for cycles in ((0.0, 0.25), (0.25, 0.0)))
        image = (np.exp(1j * one) + 0.2 * np.exp(1j * other)).astype(np.complex64)
        found = goldstein(image, np, alpha=1.0)
        assert rms(error(np.angle(found), one)) < 0.3 * rms(error(np.angle(image), one))

    @pytest.mark.parametrize("patch", [32, 64])
    def test_an_image_is_filtered_by_what_is_near(self, patch):
        """The result of a row depends on no line a patch away: strips of any height give the same bits."""
        phase, coherence = noisy(ramp((256, 90), (0.047, 0.11)), 0.5, 4, seed=6)
        whole = filtered_phase(phase, coherence, np, alpha=0.7, patch=patch)
        step = patch // 4
        for first, stop in ((0, 2 * patch), (step, 256), (256 - 3 * patch, 256)):
            part = filtered_phase(phase[first:stop], coherence[first:stop], np, alpha=0.7, patch=patch)
            inner = slice(first + patch if first else 0, stop - patch if stop < 256 else 256)
            np.testing.assert_array_equal(part[inner.start - first : inner.stop - first], whole[inner])

    def test_memory(self):
        """Beyond what is given and returned: the image and its like, and one row of patches."""
        shape = 600, 700
        image = np.ones(shape, np.complex64)
        goldstein(image[:40, :40], np, alpha=0.5)
        tracemalloc.start()
        try:
            goldstein(image, np, alpha=0.5)
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert peak < 3.5 * image.nbytes + 128 * shape[1] * 64

    @pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
    def test_alpha_out_of_bounds(self, alpha):
        with pytest.raises(AlignsarError, match=r"alpha=.* must lie between 0 \(no filtering\) and 1"):
            goldstein(np.ones((40, 40), np.complex64), np, alpha=alpha)

    def test_patch_out_of_bounds(self):
        with pytest.raises(AlignsarError, match="patch=33, choose from 32 and 64"):
            goldstein(np.ones((40, 40), np.complex64), np, alpha=0.5, patch=33)


def test_against_the_truth_of_a_simulated_stack():
    """Raw stack, flattened, any two dates paired: the phase is that of motion and delay, filtered or not."""
    raw = simulate_stack(lines=288, samples=832, dates=4, polarizations=("vv",), seed=1)
    stack = flatten(load_stack(raw, CPU, 0, 288, 0), raw.read_ground(0, 288), describe_scene(raw, CPU).delays)
    pairs = pairs_of("sequential", [0, 12, 24, 36], [0.0] * 4, raw.reference, neighbours=2)
    assert len(pairs) == 5
    height = raw.truth.height.reshape(72, 4, 64, 13).mean(axis=(1, 3))
    for one in multilooked(stack, pairs, (4, 13)):
        first, second = pairs[one.pair]
        turn = np.exp(1j * (raw.truth.phase[second] - raw.truth.phase[first]))
        truth = np.angle(turn.reshape(72, 4, 64, 13).mean(axis=(1, 3)))
        known = one.coherence > 0.5
        assert known.mean() > 0.3
        before = error(one.phase, truth)[known]
        after = error(filtered_phase(one.phase, one.coherence, np, alpha=0.5), truth)[known]
        assert abs(before.mean()) < 0.01
        assert abs(after.mean()) < 0.01
        assert abs(np.corrcoef(before, height[known])[0, 1]) < 4 / np.sqrt(known.sum())
        assert rms(after) < 0.5 * rms(before)
