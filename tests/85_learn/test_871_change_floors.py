"""Floors of change: thresholds and their curves in closed form, the coherence that is expected of a place."""

import numpy as np
import pytest

torch = pytest.importorskip("torch")
torch.set_num_threads(1)

from alignsar_gpu.learn.change.floors import coherence_loss, ratio_score  # noqa: E402
from alignsar_gpu.learn.change.thresholds import BINS, ScoreCounts  # noqa: E402


def counted(unchanged, changed, low=0.0, high=10.0):
    counts = ScoreCounts(low=low, high=high)
    scores = np.concatenate([unchanged, changed]).astype(np.float32)
    counts.add(scores, np.arange(len(scores)) >= len(unchanged))
    return counts


def between_variance(values, threshold):
    below, above = values[values < threshold], values[values >= threshold]
    return len(below) * len(above) * (below.mean() - above.mean()) ** 2 if len(below) and len(above) else 0.0


def test_otsu_parts_two_peaks_in_their_middle():
    found = counted(np.full(900, 2.0), np.full(100, 6.0)).otsu()
    assert found == pytest.approx(4.0, abs=2 * 10.0 / BINS)


def test_otsu_has_the_largest_variance_between_of_all_thresholds():
    rng = np.random.default_rng(0)
    unchanged, changed = rng.normal(3.0, 1.0, 900), rng.normal(7.0, 0.5, 300)
    counts, values = counted(unchanged, changed), np.concatenate([unchanged, changed])
    best = max(between_variance(values, edge) for edge in counts.edges)
    assert between_variance(values, counts.otsu()) == pytest.approx(best, rel=1e-3)


def test_best_f1_and_curve_are_those_of_sorted_scores():
    metrics = pytest.importorskip("sklearn.metrics")
    rng = np.random.default_rng(1)
    # in the middles of bins, so that no threshold divides one
    scores = (
        (rng.integers(0, BINS // 2, 400) + np.where(np.arange(400) < 60, BINS // 3, 0) + 0.5) * 10.0 / BINS
    )
    changed = np.arange(400) < 60
    counts = counted(scores[~changed], scores[changed])
    every = {edge: metrics.f1_score(changed, scores >= edge, zero_division=0) for edge in np.unique(scores)}
    assert counts.f1(counts.best_f1()) == pytest.approx(max(every.values()))
    assert metrics.f1_score(changed, scores >= counts.best_f1()) == pytest.approx(max(every.values()))
    curve = counts.curve()
    assert curve["area"] == pytest.approx(metrics.average_precision_score(changed, scores), abs=1e-3)
    assert np.all(np.diff(curve["x"]) > 0.0)
    assert curve["x"][-1] == 1.0
    assert curve["y"][-1] >= 0.15 - 1e-9


def test_scores_beyond_the_bounds_count_and_nan_does_not():
    counts = counted([-5.0, np.nan, 1.0], [99.0, np.nan])
    assert counts.counts.sum() == 3
    assert (counts.counts[0, 0], counts.counts[1, -1]) == (1, 1)


def test_ratio_score_is_the_mean_of_absolute_decibels():
    powers = torch.ones(2, 2, 4, 6)
    powers[1, 0], powers[1, 1] = 10.0, 0.01
    torch.testing.assert_close(ratio_score(powers, (1, 1)), torch.full((4, 6), 15.0))
    torch.testing.assert_close(ratio_score(powers.flip(0), (3, 3)), torch.full((4, 6), 15.0))


def test_expected_coherence_is_that_of_the_better_side():
    coherence = torch.tensor([0.9, 0.2, 0.3, 0.5])[:, None, None, None]
    lost = [coherence_loss(coherence, number).item() for number in range(4)]
    np.testing.assert_allclose(
        lost, [1 / 3 - 0.9, 0.9 - 0.2, 0.55 - 0.3, (0.9 + 0.2 + 0.3) / 3 - 0.5], atol=1e-6
    )


def test_one_pair_alone_is_expected_to_be_coherent():
    assert coherence_loss(torch.full((1, 1, 1, 1), 0.25), 0).item() == 0.75
