"""What is said of a dataset beside its truth: known errors, put into made-up datasets, must be found."""

from dataclasses import dataclass
from types import SimpleNamespace

import numpy as np
import pytest
import xarray as xr

from alignsar_gpu.interferometry.statistics import expected_coherence
from alignsar_gpu.simulate.assessment import product_assessment
from alignsar_gpu.simulate.assessment.class_coherence import ClassCoherence, noise_equivalent
from alignsar_gpu.simulate.assessment.phase_errors import (
    ErrorPatch,
    PhaseErrors,
    mean_jump,
    seams,
    weights_of,
)
from alignsar_gpu.simulate.assessment.product_assessment import METRES_PER_DEGREE, ProductAssessment
from alignsar_gpu.simulate.assessment.product_truth import (
    KnownDate,
    Lattice,
    PieceTruth,
    ProductTruth,
    linear,
    nearest,
)

RNG = np.random.default_rng(20261122)


@dataclass(frozen=True)
class Piece:
    name: str
    lines: slice
    samples: slice
    first_line: int
    first_sample: int


def noisy(shape, spread=0.8, mean=0.0):
    return np.exp(1j * (mean + RNG.normal(scale=spread, size=shape)))


class TestPhaseErrors:
    def test_mean_and_its_deviation(self):
        """Over many trials the means scatter as much as is said, with weights, and with pixels that are not alone."""
        weight = RNG.uniform(0.1, 2.0, 1500)
        found = []
        for _ in range(300):
            total = PhaseErrors(independent=0.5)
            pairs = np.repeat(noisy(750, mean=0.1), 2)  # each pixel twice
            total.add(pairs, np.repeat(weight[:750], 2))
            found.append((total.mean, total.deviation))
        means, deviations = np.transpose(found)
        assert means.mean() == pytest.approx(0.1, abs=4 * means.std() / np.sqrt(300))
        assert deviations.mean() == pytest.approx(means.std(), rel=0.15)

    def test_what_is_not_known_or_has_no_weight_does_not_count(self):
        error, weight = noisy(100, spread=0.0, mean=0.3), np.ones(100)
        error[:10] = np.nan
        error[10:30] = np.exp(2j)
        weight[10:30] = 0.0
        total = PhaseErrors(independent=1.0)
        assert np.isnan([total.mean, total.deviation, total.correlation_with_height]).all()
        total.add(error, weight)
        assert total.pixels == 70
        assert total.mean == pytest.approx(0.3)
        assert total.deviation == pytest.approx(0.0, abs=1e-6)

    def test_errors_that_go_with_height(self):
        height = RNG.uniform(50.0, 300.0, 4000)
        noise = RNG.normal(scale=0.1, size=4000)
        error = 0.002 * (height - 200.0) + noise
        weight = RNG.uniform(0.5, 1.0, 4000)
        total = PhaseErrors(independent=1.0)
        for part in (slice(0, 1000), slice(1000, 4000)):
            total.add(np.exp(1j * error[part]), weight[part], height[part])
        expected = np.cov(error, height, aweights=weight)
        expected = expected[0, 1] / np.sqrt(expected[0, 0] * expected[1, 1])
        assert total.correlation_with_height == pytest.approx(expected, rel=1e-9)
        assert expected > 0.7

    def test_weights_grow_with_coherence_and_end(self):
        weights = weights_of(np.array([np.nan, 0.0, 0.5, 0.8, 0.95, 1.0], np.float32))
        assert weights[:2].tolist() == [0.0, 0.0]
        assert weights[2] == pytest.approx(0.5 / 0.75**0.5)
        assert weights[2] < weights[3] < weights[4] == weights[5] < 10.0

    def test_weights_are_near_the_best(self):
        """Against those of each coherence by itself: a mean phasor over its variance across."""
        coherence = np.array([0.3, 0.5, 0.7, 0.85])
        best = []
        for value in coherence:
            one, two = speckle(value, 400_000)
            phasor = np.exp(1j * np.angle(one * np.conj(two)))
            best.append(phasor.mean().real / np.mean(phasor.imag**2))
        ratio = weights_of(coherence) / best
        assert ratio.max() / ratio.min() < 1.25


LAID = {  # two subswaths of two bursts each, the second later; lines, samples, error
    "a1": (slice(0, 60), slice(0, 100), 0.1),
    "b1": (slice(60, 130), slice(0, 100), 0.35),
    "a2": (slice(25, 90), slice(100, 180), -0.2),
    "b2": (slice(90, 150), slice(100, 180), 3.0),
}


class TestSeams:
    def edges(self, **changes):
        found = {}
        for name, (lines, samples, angle) in LAID.items():
            shape = lines.stop - lines.start, samples.stop - samples.start
            patch = ErrorPatch(
                lines=lines,
                samples=samples,
                error=np.full(shape, np.exp(1j * angle)),
                weight=np.full(shape, changes.get(name, 1.0)),
            )
            found[name] = patch.edges()
        return found

    def test_every_place_where_pieces_meet(self):
        found = {(seam.pieces, seam.along): seam.jump for seam in seams(self.edges(), 1.0)}
        assert found.keys() == {
            (("a1", "b1"), "azimuth"),
            (("a2", "b2"), "azimuth"),
            (("a1", "a2"), "range"),
            (("b1", "a2"), "range"),
            (("b1", "b2"), "range"),
        }
        jumps = {pieces: jump for (pieces, _), jump in found.items()}
        assert jumps["a1", "b1"] == pytest.approx(0.25)
        assert jumps["a1", "a2"] == pytest.approx(-0.3)
        assert jumps["b1", "b2"] == pytest.approx(2.65)
        assert jumps["a2", "b2"] == pytest.approx(3.2 - 2 * np.pi)

    def test_a_piece_without_weight_has_no_seam(self):
        assert {seam.pieces for seam in seams(self.edges(b1=0.0), 1.0)} == {("a2", "b2"), ("a1", "a2")}

    def test_only_what_faces_the_other_counts(self):
        """Beside a1 lies nothing in its first 25 lines: what is there must not count at its far edge."""
        edges = self.edges()
        edges["a1"]["far"].error[:25] = np.exp(2j)
        jumps = {seam.pieces: seam.jump for seam in seams(edges, 1.0)}
        assert jumps["a1", "a2"] == pytest.approx(-0.3)

    def test_the_mean_is_by_certainty(self):
        assert np.isnan(mean_jump([])).all()
        jump, deviation = mean_jump(
            [SimpleNamespace(jump=1.0, deviation=0.1), SimpleNamespace(jump=2.0, deviation=0.2)]
        )
        assert jump == pytest.approx((100 * 1.0 + 25 * 2.0) / 125)
        assert deviation == pytest.approx(125**-0.5)


LINES, SAMPLES, STEP = 150, 240, (2, 4)
DATES = ("20220114", "20220126")
WAVELENGTH = 0.0555


def smooth(line, sample):
    """A surface that linear interpolation gets right."""
    return 3.0 + 0.02 * line - 0.01 * sample


def kept_of(piece, height=smooth):
    """truth.zarr of a burst that is ten lines and four samples larger than its piece on either side."""
    lines = np.arange(0, piece.lines.stop - piece.lines.start + 20, STEP[0])
    samples = np.arange(0, piece.samples.stop - piece.samples.start + 8, STEP[1])
    line, sample = np.meshgrid(lines + piece.first_line, samples + piece.first_sample, indexing="ij")
    shape = line.shape
    kind = np.where(sample < 120, 0, 1).astype(np.uint8)
    return xr.Dataset(
        {
            "longitude": (("line", "sample"), 6.0 + 1e-4 * sample),
            "latitude": (("line", "sample"), 50.0 + 1e-4 * line),
            "height": (("line", "sample"), height(line, sample).astype(np.float32)),
            "layover_shadow": (("line", "sample"), np.zeros(shape, np.uint8)),
            "land_cover": (("date", "line", "sample"), np.stack([kind, kind])),
            "coherence": (
                ("date", "line", "sample"),
                np.stack([np.ones(shape), np.where(kind == 0, 0.8, 0.3)]).astype(np.float32),
            ),
            "flattened_phase": (
                ("date", "line", "sample"),
                np.stack([np.zeros(shape), smooth(line, sample)]).astype(np.float32),
            ),
            "delay": (("date", "line", "sample"), np.stack([np.full(shape, 0.01), np.full(shape, 0.03)])),
            "displacement": (("date", "line", "sample"), np.stack([np.zeros(shape), np.full(shape, 0.004)])),
        },
        coords={"line": lines, "sample": samples},
    )


def truth_of(piece, **options):
    lines = np.arange(0, piece.lines.stop - piece.lines.start + 20, STEP[0]) + piece.first_line
    samples = np.arange(0, piece.samples.stop - piece.samples.start + 8, STEP[1]) + piece.first_sample
    rows = (lines >= piece.lines.start) & (lines < piece.lines.stop)
    columns = (samples >= piece.samples.start) & (samples < piece.samples.stop)
    kept = kept_of(piece, **options).isel(line=np.flatnonzero(rows), sample=np.flatnonzero(columns))
    return PieceTruth(kept=kept, lines=lines[rows], samples=samples[columns], piece=piece)


# the second burst begins at an odd line of the mosaic: its kept pixels do not go on where the first's end
PIECES = (
    Piece("early", slice(0, 75), slice(0, SAMPLES), -10, -4),
    Piece("late", slice(75, LINES), slice(0, SAMPLES), 65, -4),
)


def speckle(coherence, shape):
    """Two images (line, sample) of a coherence (an array), with independent pixels."""
    one, other = ((RNG.normal(size=shape) + 1j * RNG.normal(size=shape)) / np.sqrt(2) for _ in range(2))
    return one, coherence * one + np.sqrt(1 - coherence**2) * other


def boxed(image, window=(3, 11)):
    padded = np.pad(image, [(size // 2, size // 2) for size in window])
    return np.lib.stride_tricks.sliding_window_view(padded, window).sum(axis=(2, 3))


def made_cube(jump=0.0, bias=0.0, shift=(0.0, 0.0, 0.0), noise=0.0):
    """A dataset of the two pieces, of exactly the truth but for the given errors."""
    line, sample = np.indices((LINES, SAMPLES))
    true = np.where(sample < 120, 0.8, 0.3)
    one, two = speckle(true, (LINES, SAMPLES))
    one, two = (
        image * np.sqrt(1 - noise) + np.sqrt(noise) * speckle(0.0, (LINES, SAMPLES))[0]
        for image in (one, two)
    )
    phase = smooth(line, sample) + bias + np.where(line >= 75, jump, 0.0)
    interferogram = one * np.conj(two) * np.exp(1j * phase)
    coherence = np.abs(boxed(one * np.conj(two))) / np.sqrt(boxed(np.abs(one) ** 2) * boxed(np.abs(two) ** 2))
    ones = np.ones((LINES, SAMPLES))
    degrees = shift[0] / METRES_PER_DEGREE / np.cos(np.radians(50.0)), shift[1] / METRES_PER_DEGREE

    def dated(first, second):
        return ("time", "azimuth", "range"), np.stack([first, second]).astype(np.float32)

    return xr.Dataset(
        {
            "interferometric_phase_vv": dated(0 * ones, np.angle(interferogram)),
            "coherence_vv": dated(ones, coherence),
            "sigma0_vv": dated(np.abs(one) ** 2, np.abs(two) ** 2),
        },
        coords={
            "time": np.array(["2022-01-14T05:00:00.123456789", "2022-01-26"], "datetime64[ns]"),
            "azimuth": 1000.0 + 0.002 * np.arange(LINES),
            "range": 800e3 + 2.3 * np.arange(SAMPLES),
            "longitude": (("azimuth", "range"), 6.0 + 1e-4 * sample + degrees[0]),
            "latitude": (("azimuth", "range"), 50.0 + 1e-4 * line + degrees[1]),
            "height": (("azimuth", "range"), smooth(line, sample) + shift[2]),
        },
        attrs={"flattened": "true", "range_spacing": 2.3},
    )


def assessment(cube, noise=0.0, **options):
    records = SimpleNamespace(
        noise=SimpleNamespace(range_power=np.full((2, 3), 100.0 * noise)),
        calibration=SimpleNamespace(sigma_nought=np.full((2, 3), 10.0)),
    )
    burst = SimpleNamespace(channels={"vv": records})
    known = {
        "a": KnownDate(index=0, azimuth_lines=0.01, range_samples=0.0, perpendicular_baseline=0.0),
        "b": KnownDate(index=1, azimuth_lines=0.04, range_samples=0.1, perpendicular_baseline=120.0),
    }
    return ProductAssessment(
        cube=cube,
        truth=ProductTruth(folder=None, class_names=("field", "forest"), dates=known),
        pieces=[truth_of(piece, **options) for piece in PIECES],
        bursts={piece.name: burst for piece in PIECES},
        dates=list(known.values()),
        names=DATES,
        timing={
            "20220126": {
                "azimuth_lines": 0.031,
                "azimuth_deviation_lines": 0.002,
                "range_samples": 0.11,
                "range_deviation_samples": 0.003,
            }
        },
        polarization="vv",
        window=(3, 11),
        independent=1.0,
    )


class TestTruthOnTheMosaic:
    def test_smooth_layers_are_linear_and_others_nearest(self):
        line, sample = np.indices((LINES, SAMPLES))
        for piece in PIECES:
            truth = truth_of(piece)
            inside = slice(piece.lines.start + 1, piece.lines.stop - 1), slice(0, SAMPLES - 4)
            own = slice(1, -1), slice(0, SAMPLES - 4)
            expected = smooth(line, sample)[inside]
            np.testing.assert_allclose(truth.linear("flattened_phase", 1)[own], expected, atol=2e-6)
            cover = truth.nearest("land_cover", 0)
            assert cover.shape == (75, SAMPLES)
            assert set(np.unique(cover[:, :117])) == {0}
            assert set(np.unique(cover[:, 122:])) == {1}

    def test_pixels_that_nothing_is_known_of_spoil_no_others(self):
        truth = truth_of(PIECES[0])
        truth.kept["flattened_phase"][1, 10, 20] = np.nan
        found = truth.linear("flattened_phase", 1)
        line, sample = truth.lines[10], truth.samples[20]
        missing = np.argwhere(np.isnan(found))
        assert np.abs(missing - (line, sample)).max(axis=0).tolist() == [1, 3]
        assert len(missing) == 3 * 7


class TestAssessment:
    def test_an_exact_dataset(self):
        part, facts = assessment(made_cube()).date(1)
        assert abs(facts["phase_bias_rad"]) < 3.5 * facts["phase_bias_deviation_rad"] < 0.05
        assert abs(facts["mean_jump_at_seams_rad"]) < 3.5 * facts["mean_jump_deviation_rad"] < 0.15
        assert abs(facts["phase_error_correlation_with_height"]) < 0.03
        assert set(facts["coherence_difference"]) == {"field", "forest"}
        assert max(map(abs, facts["coherence_difference"].values())) < 0.01
        line, sample = np.indices((LINES, SAMPLES - 4))
        found = part["phase_true"].values[0, :, :-4]
        edges = np.isin(line, [0, 74, 75, 149])  # beyond the last kept line its value goes on
        np.testing.assert_allclose(found[~edges], smooth(line, sample)[~edges], atol=2e-6)
        assert np.abs(found - smooth(line, sample)).max() < 0.03
        assert part["perpendicular_baseline_true"].values.tolist() == [120.0]

    def test_errors_of_phase_are_found(self):
        _, facts = assessment(made_cube(jump=0.3, bias=0.1)).date(1)
        assert facts["phase_bias_rad"] == pytest.approx(0.25, abs=3.5 * facts["phase_bias_deviation_rad"])
        (name,) = facts["seams"]
        assert name == "early to late"
        seam = facts["seams"][name]
        assert seam["jump_rad"] == pytest.approx(0.3, abs=3.5 * seam["deviation_rad"])
        assert seam["deviation_rad"] < 0.05
        assert facts["mean_jump_at_seams_rad"] == pytest.approx(seam["jump_rad"])

    def test_a_phase_with_topography_in_it(self):
        """Heights that rise in azimuth, and a phase that goes with them."""
        line, _ = np.indices((LINES, SAMPLES))
        cube = made_cube()
        phase = cube["interferometric_phase_vv"].values
        phase[1] += 0.01 * (line - 75)
        _, facts = assessment(cube, height=lambda line, sample: 2.0 * line + 0.0 * sample).date(1)
        assert facts["phase_error_correlation_with_height"] > 0.15

    def test_noise_lowers_what_is_expected(self):
        """A fifth of the power: no difference where it is known, a large one where it is taken for nothing."""
        cube = made_cube(noise=0.2)
        _, facts = assessment(cube, noise=0.2).date(1)
        assert max(map(abs, facts["coherence_difference"].values())) < 0.015
        _, facts = assessment(cube, noise=0.0).date(1)
        assert facts["coherence_difference"]["field"] < -0.1

    def test_places(self):
        ground, facts = assessment(made_cube(shift=(0.5, -0.25, 0.125))).ground()
        for name, expected in (("east", 0.5), ("north", -0.25), ("up", 0.125)):
            assert facts[f"{name}_mean_m"] == pytest.approx(expected, rel=1e-3)
            assert facts[f"{name}_deviation_m"] < 1e-3
        assert ground["land_cover"].attrs["class_names"] == "field,forest"
        assert ground["land_cover"].dtype == np.uint8
        assert not np.isnan(ground["height_true"].values).any()

    def test_layover_counts_nowhere(self):
        one = assessment(made_cube(bias=0.5, shift=(9.0, 9.0, 9.0)))
        for piece in one.pieces:
            piece.kept["layover_shadow"][...] = 1
        _, facts = one.date(1)
        assert np.isnan(facts["phase_bias_rad"])
        assert facts["seams"] == {}
        assert facts["coherence_difference"] == {}
        assert one.ground()[1] == {}

    def test_timing_is_against_the_reference_and_ranges_hold_the_air(self):
        _, facts = assessment(made_cube()).date(1)
        assert facts["azimuth_true_lines"] == pytest.approx(0.03)
        assert facts["azimuth_error_lines"] == pytest.approx(0.001)
        assert facts["azimuth_deviation_lines"] == 0.002
        longer = 0.1 + (0.02 - 0.004) / 2.3
        assert facts["range_true_samples"] == pytest.approx(longer)
        assert facts["range_error_samples"] == pytest.approx(0.11 - longer)

    def test_the_reference_date_has_no_differences(self):
        part, facts = assessment(made_cube()).date(0)
        assert facts == {}
        assert np.isnan(part["coherence_estimated"].values).all()
        assert np.nanmax(np.abs(part["phase_true"].values)) == 0.0

    def test_without_phase_coherence_or_timing(self):
        cube = made_cube()[["sigma0_vv"]]
        one = assessment(cube)
        object.__setattr__(one, "timing", {})
        _, facts = one.date(1)
        assert facts.keys() == {"azimuth_true_lines", "range_true_samples", "coherence_difference"}

    def test_of_fewer_pixels_it_says_the_same(self, monkeypatch):
        """A fifth of the pixels: the same errors within larger deviations, and truth on pixels of the cube."""
        cube = made_cube(jump=0.3, bias=0.1)
        whole_part, whole = assessment(cube).date(1)
        for name in ("COMPARED", "SHOWN"):
            monkeypatch.setattr(product_assessment, name, LINES * SAMPLES // 5)
        one = assessment(cube)
        assert one.compared == one.shown == Lattice(step=(2, 3))
        part, facts = one.date(1)
        assert facts.keys() == whole.keys()
        deviation = facts["phase_bias_deviation_rad"]
        assert 2.0 < deviation / whole["phase_bias_deviation_rad"] < 3.0  # pixels are independent here
        assert facts["phase_bias_rad"] == pytest.approx(whole["phase_bias_rad"], abs=3.5 * deviation)
        (seam,) = facts["seams"].values()
        assert seam["jump_rad"] == pytest.approx(0.3, abs=3.5 * seam["deviation_rad"])
        for kind, difference in facts["coherence_difference"].items():
            assert difference == pytest.approx(whole["coherence_difference"][kind], abs=0.01)
        np.testing.assert_array_equal(part["phase_true"][0], whole_part["phase_true"][0, ::2, ::3])
        np.testing.assert_array_equal(part["azimuth"], cube["azimuth"][::2])
        ground, places = one.ground()
        np.testing.assert_array_equal(ground["land_cover"], assessment(cube).ground()[0]["land_cover"])
        assert places == assessment(cube).ground()[1]

    def test_places_of_fewer_pixels(self, monkeypatch):
        cube = made_cube(shift=(0.5, -0.25, 0.125))
        monkeypatch.setattr(product_assessment, "PLACED", 1000)
        one = assessment(cube)
        assert 0 < sum(piece.lines.size * piece.samples.size for piece in one.placed) < 1100
        _, facts = one.ground()
        for name, expected in (("east", 0.5), ("north", -0.25), ("up", 0.125)):
            assert facts[f"{name}_mean_m"] == pytest.approx(expected, rel=1e-3)


class TestLattice:
    def test_has_no_more_pixels_than_asked_for(self):
        for shape in ((1, 1), (1243, 1910), (13_000, 60_000)):
            for most in (1, 7, 10_000, 10**10):
                lattice = Lattice.of(shape, most)
                lines, samples = lattice.slices
                count = len(range(shape[0])[lines]) * len(range(shape[1])[samples])
                assert count <= max(most, 1) + shape[0] // lattice.step[0] + shape[1] // lattice.step[1] + 1
        assert Lattice.of((100, 100), 10_000) == Lattice()

    def test_pieces_have_all_of_it(self):
        lattice = Lattice(step=(7, 11))
        image = np.zeros((len(range(0, LINES, 7)), len(range(0, SAMPLES, 11))))
        for piece in PIECES:
            image[lattice.inside(piece)] += 1
            lines, samples = lattice.places(piece)
            assert lines[0] >= piece.lines.start
            assert lines[-1] < piece.lines.stop
            assert (lines % 7 == 0).all()
            assert (samples % 11 == 0).all()
        assert (image == 1).all()

    def test_between_pixels(self):
        image = np.array([[0.0, 4.0], [2.0, 6.0]])
        at, wanted = ((np.array([0, 2]), np.array([0, 4]))), (np.array([0, 1, 2, 3]), np.array([0, 1, 3]))
        np.testing.assert_array_equal(linear(image, at, wanted)[:, 1], [1.0, 2.0, 3.0, 3.0])
        np.testing.assert_array_equal(nearest(image, at, wanted)[:, 2], [4.0, 4.0, 6.0, 6.0])


def test_coherence_of_a_class_needs_enough_pixels():
    found = ClassCoherence(classes=2, window=(3, 11), independent=0.4)
    assert found.looks == 13
    truth = truth_of(PIECES[0])
    estimated = np.full((75, SAMPLES), 0.5, np.float32)
    estimated[:, 120:] = np.nan
    estimated[:60, 130:150] = 0.4  # 59 x 10 windows of forest: too few
    found.add(truth, (0, 1), estimated, [], 0.0)
    true, expected, mean = found.means()
    assert true[0] == pytest.approx(0.8)
    assert expected[0] == pytest.approx(expected_coherence(0.8, 13))
    assert mean[0] == pytest.approx(0.5)
    assert np.isnan([true[1], expected[1], mean[1]]).all()


def test_noise_equivalent_of_products_without_records():
    assert noise_equivalent(SimpleNamespace(noise=None, calibration=None)) == 0.0
