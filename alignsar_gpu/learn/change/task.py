"""Train models of change on pairs of dates, and test them on blocks of ground that training has not seen."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.chips.description import read_facts
from alignsar_gpu.dataset.chips.opening import folder_of
from alignsar_gpu.errors import AlignsarError, choose_from
from alignsar_gpu.learn.change.data import training_pairs
from alignsar_gpu.learn.change.features import log_ratio
from alignsar_gpu.learn.change.models import MODELS, Training, change_matrix
from alignsar_gpu.learn.change.thresholds import ScoreCounts
from alignsar_gpu.learn.channels import as_plain, is_part
from alignsar_gpu.learn.scores import by_block, by_class, class_scores, confusion, plain, summary
from alignsar_gpu.learn.unseen import all_splits
from alignsar_gpu.learn.worst import SHOWN, Worst

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

    from alignsar_gpu.learn.change.data import Pairs
    from alignsar_gpu.learn.change.models import Trained
    from alignsar_gpu.learn.request import Request

SCORES = ("f1", "precision", "recall", "iou")  # of the pixels that change
SPLITS = ("train", "validation", "test")
UNKNOWN_CLASS = 255
SHOWN_WINDOW = (3, 11)  # lines and samples that shown images are averaged over


def train(
    chips: Path, folder: Path, request: Request, advance: Callable[[int], None] = lambda _: None
) -> dict[str, Any]:
    """Train the models of a request, test them, and return what metrics.json says of them.

    Weights and the worst predictions are written into ``folder``, in a folder for each model. ``advance`` is called
    with 1 after each epoch, as often as `steps` says.

    Raises AlignsarError for chips of one date, for labels that tell no change, for a split without change, for models
    that are not there or need other inputs, and for other datasets with other channels.
    """
    whole = training_pairs(chips, request.label, request.layers)
    for split in SPLITS:
        _require_change(whole.alike(chips, split), split, chips)
    metrics: dict[str, Any] = {
        "task": "change",
        "label": ",".join(whole.labels),
        "classes": whole.classes,
        "dataset": read_facts(folder_of(chips))["id"],
        "models": {},
    }
    for name in chosen_models(whole, request):
        layers = [layer for layer in whole.layers if MODELS[name].parts is not False or not is_part(layer)]
        training = training_pairs(chips, request.label, layers)
        splits = {"train": training} | {one: training.alike(chips, one) for one in ("validation", "test")}
        others = {path.name: training.alike(path, all_splits(path)) for path in request.others}
        metrics["samples"] = {split: len(pairs.samples) for split, pairs in splits.items()}
        tests = Tests(request=request, splits={"test": splits["test"]} | others, folder=folder / name)
        metrics["models"][name] = tests.run(
            Training(
                name=name,
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
    models = [
        MODELS[name] for name in chosen_models(training_pairs(chips, request.label, request.layers), request)
    ]
    networks, floors = [one for one in models if one.epochs], [one for one in models if not one.epochs]
    return len(floors) + len(request.seeds) * sum(request.fit.epochs or one.epochs for one in networks)


def chosen_models(pairs: Pairs, request: Request) -> list[str]:
    """Return the models that are asked for, or all that the chips have inputs for.

    Raises AlignsarError for a name that is none, and for a model whose inputs are missing.
    """
    parts, powers = pairs.parts > 0, pairs.parts < len(pairs.layers)
    for name in request.models:
        if name not in MODELS:
            raise AlignsarError(f"learn.models={name}: {choose_from(name, MODELS)}")
        if MODELS[name].parts and not parts:
            raise AlignsarError(
                f"learn.models={name}: the coherence of any two dates needs complex pixels, and these chips have none; "
                "make them with signatures.slc=true and slc among chips.layers"
            )
        if MODELS[name].parts is False and not powers:
            raise AlignsarError(
                f"learn.models={name}: needs a layer such as sigma0_vv, and learn.layers has none"
            )
    there = {True: parts, False: powers, None: True}
    every = [name for name, model in MODELS.items() if there[model.parts]]
    return list(request.models) or [name for name in every if parts or name != "siamese_powers"]


def _require_change(pairs: Pairs, split: str, chips: Path) -> None:
    pixels = pairs.counts().sum(axis=0)
    for name, number in pairs.classes.items():
        if not pixels[number]:
            raise AlignsarError(
                f"{chips}: no pixel of the split {split} is {name} between two dates by the label "
                f"{', '.join(pairs.labels)}, so nothing can be learned or tested; choose another label, more dates, "
                "smaller blocks (chips.split.block), or another chips.split.seed"
            )


@dataclass(frozen=True, kw_only=True, eq=False)
class Found:
    """What a model finds in a split.

    Attributes
    ----------
    matrices : confusion matrix of each pair, [truth, predicted].
    scores : counts of the scores.
    """

    matrices: list[NDArray[np.int64]]
    scores: ScoreCounts

    @classmethod
    def by(cls, trained: Trained, pairs: Pairs, classes: int) -> Found:
        """Let a model answer about all pairs of a split."""
        scores, matrices = ScoreCounts(low=trained.bounds[0], high=trained.bounds[1]), []
        for inputs, every in trained.batches(pairs).ordered():
            for truth, score, predicted in zip(
                every.numpy(), *map(_arrays, trained.answer(inputs)), strict=True
            ):
                matrices.append(confusion(truth, predicted, classes))
                scores.add(score[truth >= 0], truth[truth >= 0] > 0)
        return cls(matrices=matrices, scores=scores)


def _arrays(values: torch.Tensor) -> NDArray[Any]:
    found: NDArray[Any] = values.numpy()
    return found


def change_scores(matrix: NDArray[np.int64]) -> dict[str, float]:
    """Return the scores of the pixels that change, of any kind."""
    scores = class_scores(change_matrix(matrix))
    return {name: float(scores[name][1]) for name in SCORES}


class Tests:
    """Tests of a model that was trained with several seeds.

    Parameters
    ----------
    request : seeds and resamples.
    splits : the split for testing, and other datasets by the names of their folders.
    folder : of the model's files.
    """

    def __init__(self, *, request: Request, splits: Mapping[str, Pairs], folder: Path) -> None:
        self._request, self._splits, self._folder = request, splits, folder

    def run(self, training: Training, advance: Callable[[int], None]) -> dict[str, Any]:
        """Train with each seed, test, and describe the model. Nothing about floors is random: they get one seed."""
        is_floor, names = not MODELS[training.name].epochs, list(training.train.classes)
        seeds: dict[str, Any] = {}
        counts: dict[str, list[NDArray[np.int64]]] = {name: [] for name in self._splits}
        described: dict[str, Any] = {}
        for seed in self._request.seeds[:1] if is_floor else self._request.seeds:
            trained = training.run(seed, advance)
            found = {name: Found.by(trained, pairs, len(names)) for name, pairs in self._splits.items()}
            for name, pairs in self._splits.items():
                counts[name].append(by_block(found[name].matrices, pairs.blocks))
            if not seeds:
                described = {
                    "curves": {"precision_recall": found["test"].scores.curve()},
                    "worst": self._keep_worst(trained, found["test"].matrices),
                    **({"floor": self._of_floor(trained, found["test"])} if is_floor else {}),
                }
            seeds[str(seed)] = {
                "test": _of_seed(found["test"], names, kinds=not is_floor),
                "history": [{key: plain(value) for key, value in row.items()} for row in trained.history],
            }
        total = counts["test"][0].sum(axis=0)
        return {
            "title": MODELS[training.name].title,
            "channels": as_plain(training.train.channels),
            "seeds": seeds,
            "test": self._summary(counts["test"]),
            "confusion": (change_matrix(total) if is_floor else total).tolist(),
            "others": {name: self._summary(counts[name]) for name in self._splits if name != "test"},
            **described,
        }

    def _summary(self, counts: Sequence[NDArray[np.int64]]) -> dict[str, Any]:
        """Describe the scores over the seeds; ``counts`` has a matrix a block of each."""

        def score(name: str, of_blocks: NDArray[np.int64], drawn: NDArray[np.intp]) -> float:
            return change_scores(of_blocks[drawn].sum(axis=0))[name]

        resamples = self._request.bootstrap
        return {
            name: summary(len(counts[0]), [partial(score, name, of) for of in counts], resamples)
            for name in SCORES
        }

    def _of_floor(self, trained: Trained, test: Found) -> dict[str, Any]:
        """Describe the thresholds, and their F1 on the split for testing."""
        thresholds = trained.facts["thresholds"]
        return trained.facts | {
            "f1": {way: plain(test.scores.f1(value)) for way, value in thresholds.items()}
        }

    def _keep_worst(self, trained: Trained, matrices: Sequence[NDArray[np.int64]]) -> list[str]:
        """Write the pairs with the most pixels that are told wrong; return their names."""
        pairs = self._splits["test"]
        wrong = [int(matrix.sum() - np.trace(matrix)) for matrix in map(change_matrix, matrices)]
        chosen = np.argsort(wrong, kind="stable")[::-1][:SHOWN].tolist()
        samples = list(map(trained.reader(pairs), chosen))
        ids = [pairs.ids[number] for number in chosen]
        truth = np.stack([one.numpy() for _, one in samples])
        Worst(
            ids=ids,
            image=np.stack([shown(pairs, number) for number in chosen]),
            truth=np.where(truth < 0, UNKNOWN_CLASS, truth).astype(np.uint8),
            predicted=np.stack([trained.answer(one[None])[1][0].numpy() for one, _ in samples]).astype(
                np.uint8
            ),
        ).write(self._folder)
        return ids


def _of_seed(found: Found, names: Sequence[str], *, kinds: bool) -> dict[str, Any]:
    total = np.sum(found.matrices, axis=0)
    scores = {name: plain(value) for name, value in change_scores(total).items()}
    return scores | {"classes": by_class(names, total)} if kinds else scores


def shown(pairs: Pairs, number: int) -> NDArray[np.float32]:
    """Return what is shown of a pair: the ratio of its first power, the second date to the first, decibels."""
    first, second = pairs.powers(number)[:, 0]
    ratio: NDArray[np.float32] = log_ratio(first, second, SHOWN_WINDOW).numpy()
    return ratio
