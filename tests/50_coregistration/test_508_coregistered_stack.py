"""Dates brought together: what is left of phase and timing, coherence, seams, blocks; on simulated products."""

from dataclasses import replace
from itertools import pairwise

import numba
import numpy as np
import pytest
from simulated_stack import CPU, Interferogram, Products

from alignsar_gpu.coregistration.carrier import burst_carrier
from alignsar_gpu.coregistration.corrections.corrections import Corrections, location_shift
from alignsar_gpu.coregistration.mosaic import mosaic_of
from alignsar_gpu.coregistration.timing.shifts import BAND_SAMPLES, _most_certain
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.simulate.ground.backscatter import URBAN

ACROSS = 8  # lines or samples on either side of a seam


@pytest.fixture(scope="module")
def rough(tmp_path_factory):
    """A coherent pair of 300 m baseline, and one of none, over 400 m of relief."""
    return Products(
        tmp_path_factory.mktemp("rough"),
        dates=3,
        baselines=(0.0, 300.0, 0.0),
        noise_equivalent_sigma0=-50.0,
        samples=1200,
    )


@pytest.fixture(scope="module")
def brought_together(rough):
    stack = rough.stack(choice={"reference": rough.choose().selection.dates[0]})
    return stack, [Interferogram(stack, date) for date in (1, 2)]


def seams(stack):
    """Lines, and samples, that pieces of the mosaic meet at, with what they have in common along them."""
    for one in stack.mosaic.pieces:
        for other in stack.mosaic.pieces:
            if one.lines.stop == other.lines.start and one.samples == other.samples:
                yield (
                    (slice(one.lines.stop - ACROSS, one.lines.stop), one.samples),
                    (slice(one.lines.stop, one.lines.stop + ACROSS), one.samples),
                )
            if one.samples.stop == other.samples.start:
                lines = slice(max(one.lines.start, other.lines.start), min(one.lines.stop, other.lines.stop))
                if lines.start < lines.stop:
                    yield (
                        (lines, slice(one.samples.stop - ACROSS, one.samples.stop)),
                        (lines, slice(one.samples.stop, one.samples.stop + ACROSS)),
                    )


def test_the_flattened_phase_has_no_bias_and_does_not_go_with_height(brought_together):
    stack, interferograms = brought_together
    assert stack.acquisitions[1].flattened
    for found in interferograms:
        assert found.valid.mean() > 0.6
        assert abs(found.mean_phase()) < 0.01
        whole, height = found.whole, found.height
        slope = np.polyfit(height[whole] - height[whole].mean(), found.phase[whole], 1)[0]
        assert abs(slope) * np.ptp(height[whole]) < 0.01  # from the lowest ground to the highest


def synchronous(frequency):
    """Coherence of two bursts whose Doppler frequencies differ by so much: what their bands have in common."""
    at = np.linspace(-243.0, 243.0, 4001)

    def band(centre):
        away = at - centre
        return np.where(np.abs(away) < 163.0, 0.7 + 0.3 * np.cos(2.0 * np.pi * away / 326.0), 0.0)

    return (band(0.0) * band(frequency)).sum() / (band(0.0) ** 2).sum()


def test_what_is_coherent_stays_coherent(brought_together):
    """Without a baseline nothing decorrelates but that the bursts of two dates are not synchronous."""
    stack, (apart, together) = brought_together
    assert np.median(apart.coherence[apart.whole]) > 0.94  # 300 m of the 5 km that leave nothing
    coherence, whole = together.coherence, together.whole
    for piece in stack.mosaic.pieces:
        pair = stack.pairs[2, piece.name]
        first, second = (
            burst_carrier(match.burst, "vv", match.product.orbit)
            for match in (pair.reference, pair.secondary)
        )
        line = 0.5 * (piece.lines.start + piece.lines.stop) - piece.first_line
        ground = stack._ground_of(piece, piece.lines, (0, stack.grid.lines))
        place = pair.to_radar(ground).line[len(ground.height) // 2, 100]
        frequency = second.frequency(place, 500.0) - first.frequency(line, 500.0)
        part = (piece.lines, piece.samples)
        found = np.median(coherence[part][whole[part]])
        assert 0.99 < synchronous(frequency) <= 1.0
        assert found > 0.995 * synchronous(frequency)


def test_seams_cannot_be_seen(brought_together):
    stack, interferograms = brought_together
    found = list(seams(stack))
    assert len(found) >= 3
    image = np.abs(interferograms[0].one).astype(np.float64)
    for one, other in found:
        for interferogram in interferograms:
            jump = np.angle(interferogram.product[one].sum() * np.conj(interferogram.product[other].sum()))
            assert abs(jump) < 0.02
        inside, beyond = ((image[part] ** 2)[interferograms[0].valid[part]].mean() for part in (one, other))
        assert abs(inside / beyond - 1.0) < 0.1


def test_any_pair_of_dates_can_be_formed(rough, brought_together):
    stack, _ = brought_together
    pixels, valid = stack.read_pixels(0, stack.grid.lines)
    both = valid[1, 0] & valid[2, 0] & (stack.read_ground(0, stack.grid.lines).viewing.layover_shadow == 0)
    assert abs(np.angle(np.sum((pixels[1, 0] * np.conj(pixels[2, 0]))[both]))) < 0.01


def test_left_in_the_pixels_where_that_is_asked_for(rough, brought_together):
    stack = rough.stack(flatten=False, timing=False)
    assert not stack.acquisitions[1].flattened
    flattened = rough.stack(timing=False)
    lines = slice(100, 140)
    raw, flat = (s.read_pixels(lines.start, lines.stop)[0][1, 0] for s in (stack, flattened))
    known = (raw != 0) & (flat != 0)
    np.testing.assert_allclose(np.abs(raw[known]), np.abs(flat[known]), rtol=1e-5)
    ground = stack.read_ground(lines.start, lines.stop)
    fringes = np.angle(raw * np.conj(flat))[known]
    assert np.ptp(np.unwrap(fringes)) > 6.0
    assert np.isfinite(ground.height).all()


def test_blocks_give_the_bits_of_the_whole(rough, brought_together):
    stack, _ = brought_together
    pixels, valid = stack.read_pixels(0, stack.grid.lines)
    edges = [0, 1, 17, 150, 151, 400, stack.grid.lines]
    for begin, end in pairwise(edges):
        part, known = stack.read_pixels(begin, end)
        assert part.tobytes() == pixels[:, :, begin:end].tobytes()
        assert known.tobytes() == valid[:, :, begin:end].tobytes()


def test_threads_give_the_same_bits(rough, brought_together):
    stack, _ = brought_together
    before = stack.read_pixels(100, 260)
    numba.set_num_threads(1)
    try:
        stack._drawn.clear()
        after = stack.read_pixels(100, 260)
    finally:
        numba.set_num_threads(numba.config.NUMBA_NUM_THREADS)
    assert all(one.tobytes() == other.tobytes() for one, other in zip(before, after, strict=True))


def test_timing_at_coherence_0_6(tmp_path):
    """Errors of up to 0.05 lines, which make 0.1 between two dates: more than half a turn of the overlaps' phase."""
    errors = (0.0, 0.05, -0.05)
    products = Products(
        tmp_path,
        errors=[(error, 0.0) for error in errors],
        dates=3,
        baselines=(0.0, 60.0, -80.0),
        kind=URBAN,
        subswaths=("IW2",),
        bursts=3,
        lines=400,
        samples=2400,
        noise_equivalent_sigma0=-4.3,
        scene={"relief": 150.0},
    )
    stack = products.stack(choice={"reference": products.choose().selection.dates[0]})
    found = Interferogram(stack)
    assert 0.55 < np.median(found.coherence[found.whole]) < 0.68
    timing = stack.facts["timing"]
    for date, error in zip(stack.acquisitions[1:], errors[1:], strict=True):
        facts = timing["dates"][date.date]
        assert facts["azimuth_from"] == "overlaps of bursts"
        assert abs(facts["azimuth_lines"] - error) < 0.0005
        assert facts["azimuth_deviation_lines"] < 0.0005
        assert abs(facts["range_samples"]) < 4.0 * facts["range_deviation_samples"] + 0.002
    assert len(timing["overlaps"]) == 2 * 3
    for overlap in timing["overlaps"]:
        assert abs(overlap["phase_after_rad"]) < 0.02
        assert overlap["share_of_pixels"] > 0.85
    before = [abs(overlap["phase_before_rad"]) for overlap in timing["overlaps"]]
    assert max(before) > 0.5


def test_the_mosaic_has_every_pixel_once(rough):
    product = open_sentinel1(rough.small.safes[0])
    mosaic = mosaic_of(product.bursts)
    count = np.zeros(mosaic.grid.shape, dtype=int)
    for piece in mosaic.pieces:
        count[piece.lines, piece.samples] += 1
        burst = next(b for b in product.bursts if b.name == piece.name)
        lines, samples = burst.valid
        assert piece.lines.start - piece.first_line >= lines.start
        assert piece.lines.stop - piece.first_line <= lines.stop
        assert piece.samples.start - piece.first_sample >= samples.start
        assert piece.samples.stop - piece.first_sample <= samples.stop
        time = mosaic.grid.azimuth_time(piece.first_line) + piece.time_offset
        assert time == pytest.approx(burst.grid.first_azimuth_time, abs=1e-9)
        assert abs(piece.time_offset) < 2e-6
    assert count.max() == 1
    assert count.mean() > 0.7


def test_the_reference_is_as_it_was_delivered(rough, brought_together):
    stack, _ = brought_together
    piece = stack.mosaic.pieces[1]
    burst = stack.matches[piece.name].burst
    lines = slice(piece.lines.start - piece.first_line, piece.lines.stop - piece.first_line)
    samples = slice(piece.samples.start - piece.first_sample, piece.samples.stop - piece.first_sample)
    pixels, _ = stack.read_pixels(piece.lines.start, piece.lines.stop)
    own = pixels[stack.reference, 0][:, piece.samples]
    np.testing.assert_array_equal(own, burst.read("vv", lines, samples))


def test_memory_budget_leaves_samples_of_overlaps_out_not_dates(rough):
    whole = rough.stack()
    small = rough.stack(device=replace(CPU, memory_budget=3_000_000))
    for date, facts in small.facts["timing"]["dates"].items():
        other = whole.facts["timing"]["dates"][date]
        assert facts["azimuth_deviation_lines"] > other["azimuth_deviation_lines"]
        assert abs(facts["azimuth_lines"]) < 4.0 * facts["azimuth_deviation_lines"]


SWITCHES = Corrections(bistatic=True, doppler_range=True, tide=True, troposphere="model")


@pytest.fixture(scope="module")
def corrected(rough):
    first = rough.choose().selection.dates[0]
    return rough.stack(choice={"reference": first}, corrections=SWITCHES, timing=False)


class TestCorrections:
    """Simulated images have none of the effects, so that corrections move what pixels are said to show."""

    def test_ground_is_where_the_corrected_coordinates_see_it(self, corrected):
        """Every pixel's ground, seen again, has the annotated coordinates and the corrections."""
        grid, orbit = corrected.grid, corrected.acquisitions[0].orbit
        for piece in corrected.mosaic.pieces:
            lines = slice(piece.lines.start + 20, piece.lines.start + 60)
            ground = corrected.read_ground(lines.start, lines.stop)
            part = (slice(None), piece.samples)
            plain = (ground.viewing.layover_shadow == 0)[part]
            line = np.arange(lines.start, lines.stop)[:, np.newaxis]
            sample = np.arange(piece.samples.start, piece.samples.stop)
            time, slant_range = ground_to_radar(
                orbit,
                ground.longitude[part],
                ground.latitude[part],
                ground.height[part],
                grid.azimuth_time(line),
            )
            shift = location_shift(corrected.matches[piece.name], "vv", SWITCHES)
            own = (line - piece.first_line, sample - piece.first_sample, ground.height[part])
            late = grid.line(time) - line - shift.azimuth(*own) / grid.azimuth_interval
            far = grid.sample(slant_range) - sample - shift.slant_range(*own) / grid.range_spacing
            assert np.abs(shift.azimuth(*own)).max() > 2e-5
            assert np.abs(shift.slant_range(*own)).max() > 2.0
            assert np.sqrt(np.mean(late[plain] ** 2)) < 0.002
            assert np.sqrt(np.mean(far[plain] ** 2)) < 0.02  # facets of the terrain bend between pixels

    def test_blocks_give_the_bits_of_the_whole(self, corrected):
        whole = corrected.read_ground(0, 300)
        for begin, end in ((0, 1), (1, 130), (130, 300)):
            part = corrected.read_ground(begin, end)
            for name in ("longitude", "latitude", "height"):
                assert getattr(part, name).tobytes() == getattr(whole, name)[begin:end].tobytes()

    def test_phase_between_dates_stays(self, corrected):
        assert abs(Interferogram(corrected, 2).mean_phase()) < 0.01

    def test_facts_say_what_was_done(self, corrected):
        facts = corrected.facts["corrections"]
        assert facts["bistatic"] is True
        assert facts["fm_rate"] is False
        assert facts["mean_slant_range_m"] < -2.0

    def test_given_delays_need_one_a_date(self, rough):
        given = Corrections(troposphere="given")
        with pytest.raises(AlignsarError, match=r"zenith_delays: none for \d{8}"):
            rough.stack(corrections=given, zenith={rough.choose().selection.dates[0]: 2.4}, timing=False)


def test_of_wide_patches_the_part_that_says_most_is_looked_at():
    rng = np.random.default_rng(9)
    shape = (40, BAND_SAMPLES + 6000)
    one, other = (
        rng.standard_normal((*shape, 2)).view(np.complex128)[..., 0].astype(np.complex64) for _ in "ab"
    )
    coherent = slice(5000, 5000 + BAND_SAMPLES)
    other[:, coherent] = one[:, coherent]
    part = _most_certain(one, other, np.ones(shape, dtype=bool))
    assert abs(part.start - coherent.start) <= 8
    assert part.stop - part.start == BAND_SAMPLES
    assert _most_certain(one[:, :999], other[:, :999], np.ones((40, 999), dtype=bool)) == slice(0, 999)
