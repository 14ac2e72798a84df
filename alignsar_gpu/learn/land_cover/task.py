"""Train models of land cover on chips, and test them on blocks of ground that training has not seen."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.chips.description import read_facts
from alignsar_gpu.dataset.chips.opening import folder_of
from alignsar_gpu.errors import AlignsarError, choose_from
from alignsar_gpu.learn.channels import as_plain
from alignsar_gpu.learn.land_cover.data import Inputs, choose_label, has_parts
from alignsar_gpu.learn.land_cover.models import MODELS, Training, matrices
from alignsar_gpu.learn.scores import by_block, by_class, overall_scores, plain, summary
from alignsar_gpu.learn.unseen import all_splits
from alignsar_gpu.learn.worst import SHOWN, Worst

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.learn.land_cover.data import Split
    from alignsar_gpu.learn.request import Request

SCORES = ("macro_f1", "accuracy", "kappa")
UNKNOWN_CLASS = 255


def train(
    chips: Path, folder: Path, request: Request, advance: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Train the models of a request, test them, and return what metrics.json says of them.

    Weights and the worst predictions are written into ``folder``, in a folder for each model. ``advance`` is called
    with 1 after each epoch, as often as `steps` says.

    Raises AlignsarError for chips without a label of classes, with one class, or without a split for testing, for
    models that are not there or need other inputs, and for other datasets with other channels or classes.
    """
    label, models = choose_label(chips, request.label), chosen_models(chips, request)
    metrics: dict[str, Any] = {
        "task": "land_cover",
        "label": label,
        "dataset": read_facts(folder_of(chips))["id"],
        "models": {},
    }
    for name in models:
        inputs = Inputs(label=label, layers=request.layers, parts=MODELS[name].parts)
        training = inputs.training(chips)
        splits = {"train": training} | {
            split: inputs.like(training, chips, split) for split in ("validation", "test")
        }
        _require_places(chips, splits)
        others = {path.name: inputs.like(training, path, all_splits(path)) for path in request.others}
        tests = Tests(request=request, test=splits["test"], others=others, folder=folder / name)
        metrics |= {
            "classes": dict(training.classes),
            "samples": {n: len(s.samples) for n, s in splits.items()},
        }
        metrics["models"][name] = tests.run(
            Training(
                name=name,
                inputs=inputs,
                train=training,
                validation=splits["validation"],
                request=request,
                folder=folder / name,
            ),
            advance,
        )
    return metrics


def steps(chips: Path, request: Request) -> int:
    """Return how often `train` calls ``advance``."""
    epochs = [
        request.fit.epochs or MODELS[n].epochs if MODELS[n].epochs else 1
        for n in chosen_models(chips, request)
    ]
    return len(request.seeds) * sum(epochs)


def chosen_models(chips: Path, request: Request) -> list[str]:
    """Return the models that are asked for, or all that the chips have inputs for.

    Raises AlignsarError for a name that is none, and for a model whose inputs are missing.
    """
    label = choose_label(chips, request.label)
    parts = has_parts(Inputs(label=label, layers=request.layers).samples(chips, "train"))
    for name in request.models:
        if name not in MODELS:
            raise AlignsarError(f"learn.models={name}: {choose_from(name, MODELS)}")
        if MODELS[name].parts and not parts:
            raise AlignsarError(
                f"learn.models={name}: takes complex pixels, and these chips have none; make them with "
                "signatures.slc=true and slc among chips.layers"
            )
    return list(request.models) or [name for name, model in MODELS.items() if parts or not model.parts]


def _require_places(chips: Path, splits: dict[str, Split]) -> None:
    for name, split in splits.items():
        if not len(split.samples):
            raise AlignsarError(
                f"{chips}: the split {name} has no place with all its dates; make the chips with "
                "chips.dates=together, or with other shares or smaller blocks"
            )


class Tests:
    """Tests of a model that was trained with several seeds.

    Parameters
    ----------
    request : seeds and resamples.
    test : split.
    others : other datasets by the names of their folders, all splits.
    folder : of the model's files.
    """

    def __init__(self, *, request: Request, test: Split, others: dict[str, Split], folder: Path) -> None:
        self._request, self._folder = request, folder
        self._splits = {"test": test} | others

    def run(self, training: Training, advance: Callable[[int], None]) -> dict[str, Any]:
        """Train with each seed, test, and describe the model."""
        names, fit = list(training.train.classes), self._request.fit
        seeds: dict[str, Any] = {}
        counts: dict[str, list[NDArray[np.int64]]] = {name: [] for name in self._splits}
        for seed in self._request.seeds:
            predict, history = training.run(seed, advance)
            found = {
                name: matrices(predict, split.batches(fit).ordered(), len(names))
                for name, split in self._splits.items()
            }
            for name, split in self._splits.items():
                counts[name].append(by_block(list(found[name]), split.blocks))
            if not seeds:
                worst = self._keep_worst(predict, found["test"])
            total = found["test"].sum(axis=0)
            scores = {name: plain(value) for name, value in overall_scores(total).items()}
            seeds[str(seed)] = {
                "test": scores | {"classes": by_class(names, total)},
                "history": [{k: plain(v) for k, v in row.items()} for row in history],
            }
        return {
            "title": MODELS[training.name].title,
            "channels": as_plain(training.train.channels),
            "seeds": seeds,
            "test": self._summary(counts["test"]),
            "confusion": counts["test"][0].sum(axis=0).tolist(),
            "others": {name: self._summary(counts[name]) for name in self._splits if name != "test"},
            "worst": worst,
        }

    def _summary(self, counts: Sequence[NDArray[np.int64]]) -> dict[str, Any]:
        """Describe the scores over the seeds; ``counts`` has a matrix a block of each."""

        def score(name: str, of_blocks: NDArray[np.int64], drawn: NDArray[np.intp]) -> float:
            return overall_scores(of_blocks[drawn].sum(axis=0))[name]

        resamples = self._request.bootstrap
        return {
            name: summary(len(counts[0]), [partial(score, name, of) for of in counts], resamples)
            for name in SCORES
        }

    def _keep_worst(self, predict: Any, found: NDArray[np.int64]) -> list[str]:
        """Write the samples with the lowest share of right pixels; return their names."""
        split = self._splits["test"]
        right = np.trace(found, axis1=1, axis2=2) / np.maximum(found.sum(axis=(1, 2)), 1)
        chosen = np.argsort(right, kind="stable")[:SHOWN].tolist()
        images, truth, predicted = [], [], []
        for number in chosen:
            image, mask = split.read(number)
            images.append(split.shown(image))
            truth.append(mask.numpy())
            predicted.append(predict(image[np.newaxis])[0])
        ids = [split.ids[number] for number in chosen]
        Worst(
            ids=ids,
            image=np.stack(images),
            truth=np.where(np.stack(truth) < 0, UNKNOWN_CLASS, np.stack(truth)).astype(np.uint8),
            predicted=np.stack(predicted).astype(np.uint8),
        ).write(self._folder)
        return ids
