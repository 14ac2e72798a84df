"""Scores of classifications, how far they spread over seeds, and how sure they are (block bootstrap)."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

INTERVAL = (2.5, 97.5)  # percentiles
DECIMALS = 6  # of numbers in metrics.json


def confusion(truth: NDArray[Any], predicted: NDArray[Any], classes: int) -> NDArray[np.int64]:
    """Count pixels by their true and their predicted class, [truth, predicted]; a truth below 0 is unknown."""
    known = truth >= 0
    cells = truth[known].astype(np.int64) * classes + predicted[known]
    return np.bincount(cells, minlength=classes * classes).reshape(classes, classes)


def by_block(matrices: Sequence[NDArray[np.int64]], blocks: Sequence[str]) -> NDArray[np.int64]:
    """Add up the matrices of the samples of each block, [block, truth, predicted], in the order of blocks' names."""
    _, of_sample = np.unique(np.asarray(blocks), return_inverse=True)
    sums = np.zeros((int(of_sample.max(initial=-1)) + 1, *matrices[0].shape), dtype=np.int64)
    np.add.at(sums, of_sample, np.stack(matrices))
    return sums


def class_scores(matrix: NDArray[Any]) -> dict[str, NDArray[np.float64]]:
    """Compute precision, recall, F1 and intersection over union of each class; NaN for a class that does not occur."""
    counts = matrix.astype(np.float64)
    right, true, found = np.diagonal(counts), counts.sum(axis=1), counts.sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        scores = {
            "precision": np.where(found > 0.0, right / found, 0.0),
            "recall": right / true,
            "f1": 2.0 * right / (true + found),
            "iou": right / (true + found - right),
        }
    return {name: np.where(true > 0.0, values, np.nan) for name, values in scores.items()}


def overall_scores(matrix: NDArray[Any]) -> dict[str, float]:
    """Compute macro F1 (mean over the classes that occur), accuracy, and Cohen's kappa (Cohen 1960)."""
    counts = matrix.astype(np.float64)
    total = counts.sum()
    if not total:
        return {"macro_f1": float("nan"), "accuracy": float("nan"), "kappa": float("nan")}
    accuracy = np.trace(counts) / total
    chance = float((counts.sum(axis=0) * counts.sum(axis=1)).sum()) / total**2
    kappa = (accuracy - chance) / (1.0 - chance) if chance < 1.0 else 0.0
    return {
        "macro_f1": float(np.nanmean(class_scores(matrix)["f1"])),
        "accuracy": float(accuracy),
        "kappa": float(kappa),
    }


def interval(
    blocks: int, score: Callable[[NDArray[np.intp]], float], resamples: int, seed: int = 0
) -> tuple[float, float]:
    """Compute the 95 % interval of a score by a bootstrap over blocks of ground (Efron 1979).

    Pixels and chips of a block are alike, so that blocks are drawn, with replacement; ``score`` gets their numbers.
    """
    generator = np.random.default_rng((seed, blocks))
    drawn = [score(generator.integers(0, blocks, blocks)) for _ in range(resamples)]
    known = [value for value in drawn if np.isfinite(value)]
    low, high = np.percentile(known, INTERVAL) if known else (np.nan, np.nan)
    return float(low), float(high)


def summary(
    blocks: int,
    scores: Sequence[Callable[[NDArray[np.intp]], float]],
    resamples: int,
) -> dict[str, float | None]:
    """Describe a score over the seeds: mean, standard deviation, and the 95 % interval of the mean over blocks.

    ``scores`` has a function for each seed, from numbers of blocks to the score on these.
    """
    every = np.arange(blocks)
    values = [score(every) for score in scores]
    low, high = interval(blocks, lambda drawn: float(np.mean([score(drawn) for score in scores])), resamples)
    deviation = float(np.std(values, ddof=1)) if len(values) > 1 else None
    return {
        "mean": plain(float(np.mean(values))),
        "deviation": None if deviation is None else plain(deviation),
        "low": plain(low),
        "high": plain(high),
    }


def plain(value: float) -> float | None:
    """Round a number for metrics.json; None for NaN, which JSON does not have."""
    return round(float(value), DECIMALS) if np.isfinite(value) else None


def by_class(
    names: Mapping[str, Any] | Sequence[str], matrix: NDArray[Any]
) -> dict[str, dict[str, float | None]]:
    """Return the scores of each class by its name, and its pixels."""
    scores, pixels = class_scores(matrix), matrix.sum(axis=1)
    return {
        name: {
            **{score: plain(values[number]) for score, values in scores.items()},
            "pixels": int(pixels[number]),
        }
        for number, name in enumerate(names)
    }
