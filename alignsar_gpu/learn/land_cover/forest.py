"""The random forest, which other models of land cover are measured against."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.ensemble import RandomForestClassifier

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from alignsar_gpu.learn.batches import Batch

TREES = 100
LEAST_LEAF = 3  # pixels
MOST_PIXELS = 60_000  # of the training split: more make it slower, not better


def train_forest(batches: Iterable[Batch], seed: int, threads: int) -> RandomForestClassifier:
    """Train a random forest (Breiman 2001) on random pixels; rare classes count as much as others."""
    generator = np.random.default_rng(seed)
    values, classes = _drawn(batches, generator)
    forest = RandomForestClassifier(
        TREES,
        min_samples_leaf=LEAST_LEAF,
        class_weight="balanced_subsample",
        n_jobs=threads,
        random_state=seed,
    )
    return forest.fit(values, classes)


def _drawn(batches: Iterable[Batch], generator: np.random.Generator) -> tuple[NDArray[Any], NDArray[Any]]:
    """Draw pixels with known classes: each has the same chance, whatever the number of batches."""
    values, classes, keys = [], [], []
    for image, mask in batches:
        pixels, truth = as_pixels(image.numpy()), mask.numpy().reshape(-1)
        known = truth >= 0
        values.append(pixels[known])
        classes.append(truth[known])
        keys.append(generator.random(int(known.sum())))
        values, classes, keys = _smallest(values, classes, keys)
    return values[0], classes[0]


def _smallest(
    values: list[Any], classes: list[Any], keys: list[Any]
) -> tuple[list[Any], list[Any], list[Any]]:
    """Keep the pixels with the smallest keys."""
    v, c, k = np.concatenate(values), np.concatenate(classes), np.concatenate(keys)
    kept = np.argsort(k, kind="stable")[:MOST_PIXELS]
    return [v[kept]], [c[kept]], [k[kept]]


def as_pixels(images: NDArray[Any]) -> NDArray[Any]:
    """Return images [image, channel, line, sample] as pixels [pixel, channel]."""
    return np.moveaxis(images, 1, -1).reshape(-1, images.shape[1])


def predict_forest(forest: RandomForestClassifier, images: NDArray[Any]) -> NDArray[np.int64]:
    """Predict the class of each pixel of images, [image, line, sample]."""
    found: NDArray[np.int64] = forest.predict(as_pixels(images)).astype(np.int64)
    return found.reshape(images.shape[0], *images.shape[2:])
