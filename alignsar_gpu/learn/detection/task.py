"""Train detectors on chips with boxes, and test them on blocks of ground that training has not seen."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.chips.description import read_facts
from alignsar_gpu.dataset.chips.opening import folder_of
from alignsar_gpu.errors import AlignsarError, choose_from
from alignsar_gpu.learn.channels import as_plain
from alignsar_gpu.learn.detection.annotations import read_annotations, read_results
from alignsar_gpu.learn.detection.data import open_like, open_split, open_training, renumbered
from alignsar_gpu.learn.detection.evaluation import RATE, SCORES, evaluate
from alignsar_gpu.learn.detection.models import MODELS, Training
from alignsar_gpu.learn.detection.worst import keep_worst
from alignsar_gpu.learn.scores import plain, summary
from alignsar_gpu.learn.unseen import all_splits

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

    from alignsar_gpu.learn.detection.data import Split
    from alignsar_gpu.learn.detection.evaluation import Evaluation
    from alignsar_gpu.learn.request import Request

TEST = "test"


def train(
    chips: Path, folder: Path, request: Request, advance: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Train the models of a request, test them, and return what metrics.json says of them.

    Weights and the worst predictions are written into ``folder``, in a folder for each model. ``advance`` is called
    with 1 after each epoch, as often as `steps` says.

    Raises AlignsarError for chips without boxes, without an object to learn from, or without a split for testing, for
    models that are not there, and for other datasets with other channels or categories.
    """
    models = chosen_models(request)
    training = open_training(chips, request.layers, request.label)
    splits = {"train": training} | {
        name: _open(training, chips, name, request.label) for name in ("validation", TEST)
    }
    others = {
        path.name: open_like(training, path, all_splits(path), request.label) for path in request.others
    }
    metrics: dict[str, Any] = {
        "task": "detection",
        "label": request.label,
        "classes": {name: 1 + number for number, name in enumerate(training.categories)},
        "channels": as_plain(training.channels),
        "dataset": read_facts(folder_of(chips))["id"],
        "samples": {name: len(split) for name, split in splits.items()},
        "objects": {name: _count(split) for name, split in splits.items()},
        "area_km2": {name: round(float(split.area.sum()), 3) for name, split in splits.items()},
        "false_alarms_per_km2": RATE,
        "models": {},
    }
    for name in models:
        model = Training(
            name=name,
            train=training,
            validation=splits["validation"],
            request=request,
            folder=folder / name,
        )
        metrics["models"][name] = _describe(model, {TEST: splits[TEST]} | others, advance)
    return metrics


def score_results(
    chips: str | PathLike[str], results: str | PathLike[str], bootstrap: int = 1000
) -> dict[str, Any]:
    """Score the detections of another program in the test split, from a file of COCO results.

    Returns what metrics.json has of a model: ``test`` scores with their 95 % intervals, ``classes`` and ``curves``.
    Raises AlignsarError for detections in other images, or of other categories.
    """
    split = open_split(Path(chips), TEST, [])
    read = read_results(Path(results), read_annotations(Path(chips), TEST))
    found = evaluate(renumbered(read, split.numbers), split)
    return {
        "test": _summary([found], bootstrap),
        "classes": found.by_category(),
        "curves": found.curves(),
    }


def steps(chips: Path, request: Request) -> int:  # noqa: ARG001  (as of all tasks)
    """Return how often `train` calls ``advance``."""
    epochs = [
        request.fit.epochs or MODELS[name].epochs if MODELS[name].epochs else 1
        for name in chosen_models(request)
    ]
    return len(request.seeds) * sum(epochs)


def chosen_models(request: Request) -> list[str]:
    """Return the models that are asked for, or all. Raises AlignsarError for a name that is none."""
    for name in request.models:
        if name not in MODELS:
            raise AlignsarError(f"learn.models={name}: {choose_from(name, MODELS)}")
    return list(request.models) or list(MODELS)


def _open(training: Split, chips: Path, name: str, label: str) -> Split:
    """Open the split for validation or testing. Raises AlignsarError if it has no objects."""
    split = open_like(training, chips, name, label)
    if not (~split.objects.crowd).any():
        raise AlignsarError(
            f"{chips}: its split {name} shows no object of {', '.join(split.categories)}, so nothing can be tested; "
            "make the chips with another chips.split.seed, smaller chips.split.block, or of a larger scene"
        )
    return split


def _count(split: Split) -> dict[str, int]:
    objects = split.objects.take(~split.objects.crowd)
    counts = np.bincount(objects.category, minlength=len(split.categories)).tolist()
    return dict(zip(split.categories, counts, strict=True))


def _describe(model: Training, tests: dict[str, Split], advance: Callable[[int], None]) -> dict[str, Any]:
    """Train a model with each seed, test it, and describe it; curves and worst images are those of the first seed."""
    seeds: dict[str, Any] = {}
    found: dict[str, list[Evaluation]] = {name: [] for name in tests}
    for seed in model.request.seeds:
        predict, history = model.run(seed, advance)
        for name, split in tests.items():
            found[name].append(evaluate(predict(split), split))
        test = found[TEST][-1]
        scores = {name: plain(test.score(name)) for name in SCORES}
        seeds[str(seed)] = {
            "test": scores | {"classes": test.by_category()},
            "history": [{key: plain(value) for key, value in row.items()} for row in history],
        }
    first, resamples = found[TEST][0], model.request.bootstrap
    return {
        "title": MODELS[model.name].title,
        "seeds": seeds,
        "test": _summary(found[TEST], resamples),
        "curves": first.curves(),
        "others": {name: _summary(of, resamples) for name, of in found.items() if name != TEST},
        "worst": keep_worst(first, model.folder),
    }


def _summary(found: list[Evaluation], resamples: int) -> dict[str, Any]:
    """Describe the scores over the seeds."""

    return {
        name: summary(found[0].blocks, [partial(of.score, name) for of in found], resamples)
        for name in SCORES
    }
