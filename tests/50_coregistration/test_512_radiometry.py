"""Backscatter without thermal noise and terrain-flattened, on simulated products, against what they are made of."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from fake_snap import write_znap
from simulated_campaign import Small
from simulated_stack import COHERENT, CPU, Products
from synthetic_stack import simulate_stack

from alignsar_gpu.coregistration.mosaic import mosaic_of
from alignsar_gpu.coregistration.placement import Placement
from alignsar_gpu.coregistration.records import noises
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.dem.dem import open_dem
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.products.snap.reader import open_stack
from alignsar_gpu.signatures.radiometry import FAINTEST, backscatter, flattened, gains_and_noise
from alignsar_gpu.simulate.ground.backscatter import CLASSES, FIELD, FOREST, GRASSLAND, NAMES, WATER
from alignsar_gpu.simulate.ground.files import write_scene
from alignsar_gpu.simulate.radar.campaign import make_campaign
from alignsar_gpu.stack.block import load_stack
from alignsar_gpu.stack.noise import JoinedNoise

STRIPES = (WATER, FIELD, FOREST, GRASSLAND)
DECIBEL = 0.1
POLARIZATIONS = ("vv", "vh")
BLOCK = 40, 40  # pixels whose means are independent, for standard errors


class Striped(Products):
    """Stripes of four classes on level ground, from west to east, under thermal noise."""

    def __init__(self, folder, **passes):
        self.folder = folder
        (folder / "products").mkdir()
        self.small = small = Small(folder / "products", kind=WATER, passes=passes, scene=COHERENT)
        base = small.scene.base
        stripe = np.clip((np.arange(base.shape[1]) * 16) // base.shape[1] - 4, 0, 7) // 2
        values = np.broadcast_to(np.array(STRIPES, dtype=base.values.dtype)[stripe], base.shape)
        small.scene = replace(small.scene, base=base.with_values(np.ascontiguousarray(values)))
        small.campaign = make_campaign(small.views, 0, small.scene, 3, 2)
        write_scene(small.scene, folder / "scene")
        for date in range(len(small.views)):
            small.write(date)
        self.dem = open_dem([folder / "scene" / "dem.tif"], "ellipsoid")

    def classes(self, ground):
        """The class of every pixel, and whether it is 100 m from any other."""
        base = self.small.scene.base
        step = (base.longitudes[-1] - base.longitudes[0]) / (base.shape[1] - 1)
        column = np.rint((ground.longitude - base.longitudes[0]) / step).astype(int)
        kinds = base.values[0]
        return kinds[column], np.logical_and.reduce([kinds[column] == kinds[column + k] for k in (-2, 2)])


class Seen:
    """A stack with its ground, and backscatter of its pixels."""

    def __init__(self, products, **options):
        self.products = products
        self.product = products.stack(timing=False, **options)
        lines = self.product.grid.lines
        self.ground = self.product.read_ground(0, lines)
        self.area = self.product.read_area_ratio(0, lines)
        self.stack = load_stack(self.product, CPU, 0, lines, 0)

    def intensity(self, date, polarization):
        which = date, self.stack.polarizations.index(polarization)
        power = np.abs(self.stack.pixels[which]) ** 2
        return np.where(self.stack.valid[which], power, np.float32(np.nan))

    def backscatter(self, date, polarization, quantity, **how):
        intensity = self.intensity(date, polarization)
        return backscatter(self.stack, date, polarization, quantity, intensity, **how)


@pytest.fixture(scope="module")
def level(tmp_path_factory):
    """Two dates 100 m apart; the dark class is as dark as the noise, or darker. Long bursts, for their scallops."""
    products = Striped(
        tmp_path_factory.mktemp("level"),
        baselines=(0.0, 100.0),
        lines=1200,
        samples=1400,
        noise_equivalent_sigma0=-25.0,
    )
    return Seen(products)


@pytest.fixture(scope="module")
def hills(tmp_path_factory):
    """Forest, whose gamma0 is the same whichever way it is tilted, on slopes of up to 30 degrees."""
    products = Products(
        tmp_path_factory.mktemp("hills"),
        kind=FOREST,
        dates=2,
        baselines=(0.0, 150.0),
        noise_equivalent_sigma0=-18.0,
        samples=900,
        polarizations=("vv",),
        scene={"relief": 1300.0},
    )
    return Seen(products)


def mean_and_error(values):
    """Mean of values [line, sample] that are numbers, and its standard error from means over blocks."""
    down, across = (n // size for n, size in zip(values.shape, BLOCK, strict=True))
    cut = values[: down * BLOCK[0], : across * BLOCK[1]].astype(np.float64)
    blocks = cut.reshape(down, BLOCK[0], across, BLOCK[1]).swapaxes(1, 2).reshape(down * across, -1)
    full = blocks[np.isfinite(blocks).mean(axis=1) > 0.5]
    means = np.nanmean(full, axis=1)
    return np.nanmean(values.astype(np.float64)), means.std() / np.sqrt(len(means))


class TestBackscatter:
    @pytest.mark.parametrize("date", [0, 1])
    @pytest.mark.parametrize("polarization", POLARIZATIONS)
    def test_sigma0_is_that_of_the_class(self, level, date, polarization):
        """Over what the class has at the pixel's incidence; with the noise in, dark classes are far too bright."""
        kind, inside = level.products.classes(level.ground)
        removed, kept = (
            level.backscatter(date, polarization, "sigma_nought", noise=noise, negative="kept")
            for noise in ("removed", "kept")
        )
        for one in STRIPES:
            true = CLASSES[one].sigma0(polarization, level.ground.viewing.incidence_angle)
            there = inside & (kind == one)
            ratio, error = mean_and_error(np.where(there, removed / true, np.nan))
            assert 4.343 * error < 0.5 * DECIBEL, NAMES[one]
            assert abs(10.0 * np.log10(ratio)) < DECIBEL, NAMES[one]
            noisy = 10.0 * np.log10(np.nanmean(np.where(there, kept / true, np.nan)))
            if one == WATER:
                assert noisy > (0.7 if polarization == "vv" else 3.5)
            elif polarization == "vh":
                assert noisy > 0.25

    def test_quantities_are_related_by_the_incidence_angle(self, level):
        incidence = np.radians(level.ground.viewing.incidence_angle)
        sigma, beta, gamma = (
            level.backscatter(1, "vv", f"{name}_nought", noise="removed", negative="kept")
            for name in ("sigma", "beta", "gamma")
        )
        known = np.isfinite(sigma) & (np.abs(sigma) > 1e-4)
        assert known.mean() > 0.8
        assert np.abs(sigma / (beta * np.sin(incidence)) - 1.0)[known].max() < 1e-3
        assert np.abs(gamma / (sigma / np.cos(incidence)) - 1.0)[known].max() < 1e-3

    def test_no_silent_negatives(self, level):
        kept, masked = (
            level.backscatter(0, "vh", "sigma_nought", noise="removed", negative=negative)
            for negative in ("kept", "masked")
        )
        below = kept < 0
        assert 0.05 < below.mean() < 0.6
        assert np.isnan(masked[below]).all()
        np.testing.assert_array_equal(masked[~below], kept[~below])
        assert np.nanmin(masked) >= 0.0
        invalid = ~level.stack.valid[0, 1]
        assert np.isnan(kept[invalid]).all()
        default = level.backscatter(0, "vh", "sigma_nought")
        assert np.nanmin(default) >= 0.0
        assert (np.isnan(default) == invalid).all()

    def test_gains_and_noise_are_what_backscatter_is_made_of(self, level):
        gain, noise = gains_and_noise(level.stack, 1, "vv", "beta_nought", "removed")
        assert gain.dtype == noise.dtype == np.float32
        expected = level.backscatter(1, "vv", "beta_nought", noise="removed", negative="kept")
        np.testing.assert_array_equal(level.intensity(1, "vv") * gain - noise, expected)
        again, none = gains_and_noise(level.stack, 1, "vv", "beta_nought", "kept")
        np.testing.assert_array_equal(again, gain)
        assert none is None

    def test_blocks_have_the_bits_of_the_whole(self, level):
        whole = level.backscatter(1, "vv", "sigma_nought", noise="removed")
        for first, stop in ((0, 1), (300, 410), (700, level.product.grid.lines)):
            part = load_stack(level.product, CPU, first, stop, 3)
            power = np.abs(part.pixels[1, 0, part.core]) ** 2
            power = np.where(part.valid[1, 0, part.core], power, np.float32(np.nan))
            found = backscatter(part, 1, "vv", "sigma_nought", power, noise="removed")
            np.testing.assert_array_equal(found, whole[first:stop])
            ratio = level.product.read_area_ratio(first, stop)
            np.testing.assert_array_equal(ratio, level.area[first:stop])

    def test_what_is_lacking_is_said(self, level):
        stack = level.stack
        bare = replace(stack.acquisitions[0], calibration={}, noise={})
        silent = replace(stack.acquisitions[0], noise={})
        power = level.intensity(0, "vv")
        for acquisition, message in (
            (bare, "calibration records of VV"),
            (silent, "thermal noise records of VV"),
        ):
            lacking = replace(stack, acquisitions=(acquisition, stack.acquisitions[1]))
            with pytest.raises(AlignsarError, match=message):
                backscatter(lacking, 0, "vv", "sigma_nought", power, noise="removed")
        quiet = replace(stack, acquisitions=(silent, stack.acquisitions[1]))
        assert np.nanmean(backscatter(quiet, 0, "vv", "sigma_nought", power)) > 0.0
        for given in ({"noise": "off"}, {"negative": "zero"}):
            with pytest.raises(AlignsarError, match="expected one of"):
                backscatter(stack, 0, "vv", "sigma_nought", power, **given)
        with pytest.raises(AlignsarError, match="quantity: expected one of"):
            gains_and_noise(stack, 0, "vv", "dn", "kept")


class TestNoise:
    def seams(self, product):
        """Consecutive pieces of a subswath, with the lines of the mosaic on either side of where they meet."""
        pieces = sorted(product.mosaic.pieces, key=lambda one: (one.samples.start, one.lines.start))
        return [(one, other) for one, other in pairwise(pieces) if one.samples == other.samples]

    def power(self, seen, date, polarization, lines, samples):
        grid = seen.product.grid
        noise = seen.product.acquisitions[date].noise[polarization]
        assert isinstance(noise, JoinedNoise)
        return noise.power(grid.azimuth_time(lines), grid.slant_range(samples), np)

    @pytest.mark.parametrize("polarization", POLARIZATIONS)
    def test_of_the_reference_is_each_burst_s_own(self, level, polarization):
        """To the last line before a seam and from the first after it, though their times overlap."""
        product = level.product
        assert len(self.seams(product)) == 1
        factors = []
        for piece in product.mosaic.pieces:
            burst = product.matches[piece.name].burst
            lines = np.arange(piece.lines.start, piece.lines.stop)
            samples = np.arange(piece.samples.start, piece.samples.stop)
            own = slice(lines[0] - piece.first_line, lines[-1] + 1 - piece.first_line)
            across = slice(samples[0] - piece.first_sample, samples[-1] + 1 - piece.first_sample)
            noise = burst.channels[polarization].noise
            expected = noise.power(burst.grid, burst.index * burst.grid.lines, own, across, np)
            found = self.power(level, 0, polarization, lines, samples)
            np.testing.assert_allclose(found, expected, rtol=1e-5)
            factors.append(expected[:, 0] / expected[:, 0].min())
        assert all(factor.max() > 1.06 for factor in factors)  # descalloping starts again at every seam

    def test_of_a_secondary_is_that_of_the_lines_it_is_resampled_from(self, level):
        product = level.product
        ground = level.ground
        for piece in product.mosaic.pieces:
            pair = product.pairs[1, piece.name]
            burst, orbit = pair.secondary.burst, pair.secondary.product.orbit
            noise = burst.channels["vv"].noise
            for line in (piece.lines.start, piece.lines.stop - 1):
                samples = np.array([piece.samples.start + 3, piece.samples.stop - 4])
                place = [a[line, samples] for a in (ground.longitude, ground.latitude, ground.height)]
                seed = product.grid.azimuth_time([line]) + pair.delay
                time, slant_range = ground_to_radar(orbit, *place, np.repeat(seed, 2))
                own = burst.grid.line(time)
                assert abs(own[0] - (line - piece.first_line)) > 0.02  # resampled, not copied
                for k, sample in enumerate(samples):
                    expected = noise.at(
                        time[k : k + 1],
                        burst.index * burst.grid.lines + own[k : k + 1],
                        slant_range[k : k + 1],
                        burst.grid.range_spacing,
                        np,
                    )
                    found = self.power(level, 1, "vv", np.array([line]), np.array([sample]))
                    assert found[0, 0] == pytest.approx(float(expected[0, 0]), rel=5e-4)

    @pytest.mark.parametrize("date", [0, 1])
    def test_is_in_the_pixels_where_it_is_said_to_be(self, level, date):
        """Over the dark class |DN|^2 - noise is as much at the ends of bursts as in their middles."""
        kind, inside = level.products.classes(level.ground)
        sigma = level.backscatter(date, "vh", "sigma_nought", noise="removed", negative="kept")
        noise = level.backscatter(date, "vh", "sigma_nought", noise="kept") - sigma
        water = inside & (kind == WATER)
        true = CLASSES[WATER].sigma0("vh", level.ground.viewing.incidence_angle)
        ends, middles = [], []
        for piece in level.product.mosaic.pieces:
            whole = np.arange(piece.lines.start, piece.lines.stop)
            far = np.abs(whole - piece.first_line - 0.5 * level.product.matches[piece.name].burst.grid.lines)
            ends += whole[far > 430].tolist()
            middles += whole[far < 150].tolist()
        excess = [
            np.nanmean(np.where(water, (sigma - true) / noise, np.nan)[rows]) for rows in (ends, middles)
        ]
        assert np.abs(excess).max() < 0.02
        scallops = [np.nanmean(noise[rows]) for rows in (ends, middles)]
        assert scallops[0] > 1.04 * scallops[1]

    def test_is_zero_beside_all_parts(self, level):
        noise = level.product.acquisitions[0].noise["vv"]
        grid = level.product.grid
        beside = noise.power(grid.azimuth_time([-50.0, -49.0]), grid.slant_range(np.arange(4)), np)
        assert beside.shape == (2, 4)
        assert not beside.any()
        assert noise.source == level.product.acquisitions[0].product_id

    def test_goes_by_the_lines_of_the_whole_image(self, level):
        """A factor that does not start again with every burst: each burst has another part of it."""
        product = level.product
        selection = level.products.choose().selection
        date = selection.reference
        bursts = {}
        for name, found in selection.bursts.items():
            channel = found[date].burst.channels["vv"]
            (block,) = channel.noise.azimuth
            rising = replace(block, line=np.array([0.0, 3000.0]), factor=np.array([1.0, 4.0]))
            channel = replace(channel, noise=replace(channel.noise, azimuth=(rising,)))
            burst = replace(found[date].burst, channels={"vv": channel})
            bursts[name] = {date: replace(found[date], burst=burst)}
        risen = noises(replace(selection, bursts=bursts), date, product.mosaic, ("vv",), 50.0)["vv"]
        grid = product.grid
        for piece in product.mosaic.pieces:
            burst = bursts[piece.name][date].burst
            line, sample = piece.lines.start + 5, piece.samples.start + 7
            own = slice(line - piece.first_line, line - piece.first_line + 1)
            across = slice(sample - piece.first_sample, sample - piece.first_sample + 1)
            noise = burst.channels["vv"].noise
            expected = noise.power(burst.grid, burst.index * burst.grid.lines, own, across, np)
            found = risen.power(grid.azimuth_time([line]), grid.slant_range([sample]), np)
            np.testing.assert_allclose(found, expected, rtol=1e-5)

    def test_is_left_out_where_a_burst_has_none(self, level):
        products = level.products
        selection = products.choose().selection
        name = next(iter(selection.bursts))
        match = selection.bursts[name][selection.dates[1]]
        channels = dict(match.burst.channels)
        channels["vv"] = replace(channels["vv"], noise=None)
        lacking = replace(match, burst=replace(match.burst, channels=channels))
        bursts = dict(selection.bursts) | {name: dict(selection.bursts[name]) | {selection.dates[1]: lacking}}
        mosaic = mosaic_of([found[selection.reference].burst for found in selection.bursts.values()])
        found = noises(replace(selection, bursts=bursts), selection.dates[1], mosaic, POLARIZATIONS, 50.0)
        assert list(found) == ["vh"]


class TestFlattening:
    def test_level_ground_has_its_gamma0(self, level):
        """And so has the sum over all pixels, whose facets are divided between them."""
        for date in (0, 1):
            beta, gamma = (
                level.backscatter(date, "vv", f"{name}_nought", noise="removed", negative="kept")
                for name in ("beta", "gamma")
            )
            found = flattened(beta, level.area, np)
            known = np.isfinite(found) & (np.abs(gamma) > 1e-4)
            assert known.mean() > 0.8
            assert np.abs(found / gamma - 1.0)[known].max() < 1e-3

    def test_gamma0_does_not_go_with_the_slope(self, hills):
        """The simulator's facets have sigma0 = k cos(local incidence) a square metre: gamma0 = k on any slope."""
        viewing = hills.ground.viewing
        local = viewing.local_incidence_angle
        truth = CLASSES[FOREST].sigma0("vv", 0.0)
        assert CLASSES[FOREST].vv.exponent == 1.0
        for date in (0, 1):
            beta, sigma = (
                hills.backscatter(date, "vv", f"{name}_nought", noise="removed", negative="kept")
                for name in ("beta", "sigma")
            )
            clear = np.isfinite(beta) & np.isfinite(hills.area) & (viewing.layover_shadow == 0)
            bins = np.linspace(*np.percentile(local[clear], [1, 99]), 9)
            gammas, sigmas = [], []
            for low, high in pairwise(bins):
                there = clear & (local >= low) & (local < high)
                assert there.sum() > 2000
                # the mean weighted by area: a quotient of single pixels is biased where image and DEM are not as sharp
                gammas.append(10.0 * np.log10(beta[there].sum() / hills.area[there].sum() / truth))
                sigmas.append(10.0 * np.log10(sigma[there].mean()))
            assert np.ptp(sigmas) > 5.0
            assert np.ptp(gammas) < 0.08 * np.ptp(sigmas)
            assert np.abs(gammas).max() < 0.25
            whole = 10.0 * np.log10(beta[clear].sum() / hills.area[clear].sum() / truth)
            assert abs(whole) < DECIBEL
            single = flattened(beta, hills.area, np)[clear].mean()
            assert abs(10.0 * np.log10(single / truth)) < 2 * DECIBEL

    def test_against_the_angle_alone(self, hills):
        """beta0 tan(local incidence), the angle in place of the area, leaves more of the slopes along the track."""
        viewing = hills.ground.viewing
        beta = hills.backscatter(0, "vv", "beta_nought", noise="removed", negative="kept")
        clear = np.isfinite(beta) & np.isfinite(hills.area) & (viewing.layover_shadow == 0)
        by_angle = 1.0 / np.tan(np.radians(viewing.local_incidence_angle.astype(np.float64)))
        metres = 13.9  # from a line to the next
        along = clear & (np.abs(np.gradient(hills.ground.height, axis=0)) > metres * np.tan(np.radians(15.0)))
        assert along.sum() > 5000
        truth = CLASSES[FOREST].sigma0("vv", 0.0)
        with_area, with_angle = (
            10.0 * np.log10(beta[along].sum() / divisor[along].sum() / truth)
            for divisor in (hills.area, by_angle)
        )
        assert abs(with_area) < DECIBEL
        assert abs(with_angle) > 3 * DECIBEL

    def test_what_is_nearly_dark_is_not_a_number(self):
        beta = np.array([[0.1, 0.1, np.nan, 0.2]], dtype=np.float32)
        area = np.array([[0.5 * FAINTEST, np.nan, 1.0, 2.0]], dtype=np.float32)
        found = flattened(beta, area, np)
        assert found.dtype == np.float32
        np.testing.assert_array_equal(found, np.array([[np.nan, np.nan, np.nan, 0.1]], np.float32))


class TestAreaOfAStack:
    def test_is_the_terrain_s(self, hills):
        product = hills.product
        assert product.has_viewing
        np.testing.assert_array_equal(hills.area, product.terrain.area_ratio(0, product.grid.lines))

    def test_is_moved_with_the_ground_where_that_is_corrected(self, hills):
        """By a quarter of a line and half a sample: between the pixels, in any block."""

        class Beside:
            def of_pixels(self, line, sample, height):
                grid = hills.product.grid
                return (
                    np.full(height.shape, 0.25 * grid.azimuth_interval),
                    np.full(height.shape, -0.5 * grid.range_spacing),
                )

        product = hills.product
        shifts = {piece.name: Beside() for piece in product.mosaic.pieces}
        mean = next(iter(product.pairs.values())).shift.__class__()
        moved = replace(product, placement=Placement(mean=mean, shifts=shifts, between={}), _drawn={})
        whole = moved.read_area_ratio(0, product.grid.lines)
        across = 0.5 * (hills.area[:, 1:] + hills.area[:, :-1])
        expected = 0.75 * across[:-1] + 0.25 * across[1:]
        filled = np.zeros(hills.area.shape, dtype=bool)
        for piece in product.mosaic.pieces:
            filled[piece.lines.start : piece.lines.stop - 1, piece.samples.start + 1 : piece.samples.stop] = (
                True
            )
        inside = np.isfinite(expected) & filled[:-1, 1:]
        assert inside.mean() > 0.7
        np.testing.assert_allclose(whole[:-1, 1:][inside], expected[inside], rtol=1e-5)
        for first, stop in ((0, 3), (100, 131)):
            np.testing.assert_array_equal(moved.read_area_ratio(first, stop), whole[first:stop])

    def test_stacks_without_a_terrain_say_so(self, tmp_path):
        product = simulate_stack(lines=20, samples=30, dates=2, polarizations=("vv",), seed=5, flattened=True)
        write_znap(product, tmp_path, [0, 1])
        for stack in (product, open_stack(tmp_path)):
            assert not stack.has_viewing
            with pytest.raises(AlignsarError, match="have no terrain"):
                stack.read_area_ratio(0, 20)
            assert not any(acquisition.noise for acquisition in stack.acquisitions)
