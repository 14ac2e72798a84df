"""The lines of docs/chips.md, and what is to be expected of the classifier in them."""

import re
from pathlib import Path

import numpy as np
from scipy.stats import norm

DOCUMENTATION = Path(__file__).parents[2] / "docs" / "chips.md"
SHUFFLES = 20


def run_lines(name):
    """Run the block of code that is marked with a name; returns its names."""
    marked = rf"<!-- run by \S+: {name} -->\n```python\n(.*?)```"
    names = {}
    exec(re.search(marked, DOCUMENTATION.read_text(), re.DOTALL)[1], names)
    return names


def expected_accuracy(values, names, true):
    """The share of samples of classes ``true`` that is right at least, of Gaussian classes, and its deviation.

    Of classes with one covariance, one is taken for another with the probability Phi(-d / 2), of their Mahalanobis
    distance d; their sum bounds from above how many are wrong. Distances are those of the training samples.
    """
    classes = np.unique(names)
    within = sum((names == n).sum() * np.cov(values[names == n].T, bias=True) for n in classes)
    root = np.linalg.cholesky(np.linalg.inv(within / (len(names) - len(classes))))
    means = np.stack([values[names == n].mean(axis=0) for n in classes]) @ root
    distance = np.linalg.norm(means[:, np.newaxis] - means, axis=-1)
    wrong = norm.cdf(-distance / 2).sum(axis=1) - 0.5
    expected = 1.0 - wrong[np.searchsorted(classes, true)].mean()
    return expected, np.sqrt(expected * (1.0 - expected) / len(true))


def shuffled_recall(classifier, training, testing):
    """Train with shuffled labels; the mean of the recalls of all classes, and its deviation. By chance: 1 / classes."""
    rng, (values, names), (others, true) = np.random.default_rng(0), training, testing
    recalls = []
    for _ in range(SHUFFLES):
        right = classifier.fit(values, rng.permutation(names)).predict(others) == true
        recalls.append(np.mean([right[true == name].mean() for name in np.unique(true)]))
    return np.mean(recalls), np.std(recalls) / np.sqrt(SHUFFLES)
