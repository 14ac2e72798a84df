"""Scores against scikit-learn, and their intervals against a closed form."""

import numpy as np
import pytest

pytest.importorskip("torch")
metrics = pytest.importorskip("sklearn.metrics")

from alignsar_gpu.learn import scores  # noqa: E402  (needs the extra)

CLASSES = 5


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(1)
    truth = rng.integers(-1, CLASSES, (6, 20, 30))
    predicted = np.where(
        rng.random(truth.shape) < 0.6, np.maximum(truth, 0), rng.integers(0, CLASSES, truth.shape)
    )
    return truth, predicted


def test_as_scikit_learn(images):
    truth, predicted = images
    matrix = scores.confusion(truth, predicted, CLASSES)
    known = truth >= 0
    pair = truth[known], predicted[known]
    np.testing.assert_array_equal(matrix, metrics.confusion_matrix(*pair))
    found = scores.overall_scores(matrix)
    assert found["macro_f1"] == pytest.approx(metrics.f1_score(*pair, average="macro"))
    assert found["accuracy"] == pytest.approx(metrics.accuracy_score(*pair))
    assert found["kappa"] == pytest.approx(metrics.cohen_kappa_score(*pair))
    each = scores.class_scores(matrix)
    expected = metrics.precision_recall_fscore_support(*pair)
    for name, values in zip(("precision", "recall", "f1"), expected, strict=False):
        np.testing.assert_allclose(each[name], values)
    np.testing.assert_allclose(each["iou"], metrics.jaccard_score(*pair, average=None))


def test_a_class_that_does_not_occur_does_not_count():
    matrix = np.array([[8, 2, 0], [1, 9, 0], [0, 0, 0]])
    assert np.isnan(scores.class_scores(matrix)["f1"][2])
    assert scores.overall_scores(matrix)["macro_f1"] == pytest.approx((16 / 19 + 18 / 21) / 2)
    assert scores.by_class(["a", "b", "c"], matrix)["c"] == dict.fromkeys(
        ("precision", "recall", "f1", "iou")
    ) | {"pixels": 0}


def test_a_class_that_is_never_found_counts_as_nothing():
    matrix = np.array([[10, 0], [5, 0]])
    assert scores.class_scores(matrix)["precision"][1] == 0.0
    assert scores.class_scores(matrix)["f1"][1] == 0.0


def test_matrices_of_blocks(images):
    matrices = [scores.confusion(t, p, CLASSES) for t, p in zip(*images, strict=True)]
    found = scores.by_block(matrices, ["b", "a", "b", "c", "a", "b"])
    np.testing.assert_array_equal(found[0], matrices[1] + matrices[4])
    np.testing.assert_array_equal(found[1], matrices[0] + matrices[2] + matrices[5])
    np.testing.assert_array_equal(found[2], matrices[3])


def test_the_interval_of_a_mean_is_that_of_its_standard_error():
    values = np.random.default_rng(2).normal(0.5, 0.1, 400)
    low, high = scores.interval(400, lambda drawn: float(values[drawn].mean()), 2000)
    half = 1.96 * values.std() / 20.0
    assert low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_blocks_are_drawn_and_not_their_pixels():
    """Two blocks that are quite right and quite wrong: half of the draws have one of them alone."""
    matrices = np.array([[[1000, 0], [0, 1000]], [[0, 1000], [1000, 0]]])

    def accuracy(drawn):
        return scores.overall_scores(matrices[drawn].sum(axis=0))["accuracy"]

    assert scores.interval(2, accuracy, 400) == (0.0, 1.0)


def test_summary_over_seeds():
    found = scores.summary(3, [lambda drawn, level=level: level for level in (0.5, 0.7, 0.9)], 10)
    assert found == {"mean": 0.7, "deviation": 0.2, "low": 0.7, "high": 0.7}
    assert scores.summary(3, [lambda drawn: 0.5], 10)["deviation"] is None
    assert scores.summary(3, [lambda drawn: float("nan")], 10)["mean"] is None
