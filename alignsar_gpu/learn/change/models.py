"""The models of change, and the training of each."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from alignsar_gpu.dataset.chips.description import read_facts
from alignsar_gpu.learn.batches import Batches
from alignsar_gpu.learn.change.data import UNKNOWN
from alignsar_gpu.learn.change.floors import BOUNDS, find_floor, score_of
from alignsar_gpu.learn.model_files import ModelFacts, model_path, save_model
from alignsar_gpu.learn.networks import build
from alignsar_gpu.learn.scores import class_scores, confusion
from alignsar_gpu.learn.training import fit
from alignsar_gpu.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from alignsar_gpu.learn.batches import Batch
    from alignsar_gpu.learn.change.data import Pairs
    from alignsar_gpu.learn.change.floors import Floor
    from alignsar_gpu.learn.options import FitOptions
    from alignsar_gpu.learn.request import Request

FLIPPED = 0.5  # of the batches, along each axis
WITH_CHANGE = 0.5  # of the pairs that training draws, at least


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model of change.

    Attributes
    ----------
    title : in tables.
    epochs : of its training, unless they are given; 0: it has none.
    parts : whether it takes complex pixels: needs them (True), can do without (None), never takes them (False).
    """

    title: str
    epochs: int = 0
    parts: bool | None = None


MODELS = {
    "log_ratio": Model(title="Log ratio of mean powers, above a threshold"),
    "coherence_loss": Model(title="Loss of coherence, above a threshold", parts=True),
    "siamese": Model(title="Siamese network", epochs=12),
    "siamese_powers": Model(title="Siamese network, without coherence and phase", epochs=12, parts=False),
}

Answer = tuple[torch.Tensor, torch.Tensor]  # score of change and number of the class, [image, line, sample]


@dataclass(frozen=True, kw_only=True, eq=False)
class Trained:
    """A model that is ready.

    Attributes
    ----------
    reader : from pairs to what reads one of them by its number: what the model takes, and the classes.
    answer : from batches of what it takes to scores and classes.
    options : of batches.
    bounds : of scores.
    facts : of floors, for metrics.json.
    history : of networks, see `fit`.
    """

    reader: Callable[[Pairs], Callable[[int], Batch]]
    answer: Callable[[torch.Tensor], Answer]
    options: FitOptions
    bounds: tuple[float, float]
    facts: dict[str, Any] = field(default_factory=dict)
    history: list[dict[str, float]] = field(default_factory=list)

    def batches(self, pairs: Pairs) -> Batches:
        """Return all pairs of a split in batches."""
        return Batches(len(pairs.samples), self.reader(pairs), self.options)


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """A model with what it is trained on.

    Attributes
    ----------
    name : of the model.
    train, validation : pairs of these splits.
    request : see `Request`.
    folder : of the model's files.
    """

    name: str
    train: Pairs
    validation: Pairs
    request: Request
    folder: Path

    def run(self, seed: int, advance: Callable[[int], None]) -> Trained:
        """Train with a seed."""
        epochs = self.request.fit.epochs or MODELS[self.name].epochs
        options = replace(self.request.fit, seed=seed, epochs=epochs)
        if self.name in BOUNDS:
            floor = find_floor(self.name, self._shuffled(seed), self.validation)
            advance(1)
            return _floor_trained(floor, options)
        return self._run_network(options, advance)

    def _shuffled(self, seed: int) -> Pairs:
        """Return the training split; as a control each pair with the change of another, if that is asked for."""
        return replace(self.train, shuffle=seed) if self.request.shuffle else self.train

    def _run_network(self, options: FitOptions, advance: Callable[[int], None]) -> Trained:
        train, classes = self._shuffled(options.seed), len(self.train.classes)
        counts = train.counts()
        training = Batches(len(train.samples), _image_reader(train), options, sample_weights(counts))
        torch.manual_seed(options.seed)
        network = build("siamese", self._arguments(classes))
        loss = partial(change_loss, class_weights(counts))
        validation = Batches(len(self.validation.samples), _image_reader(self.validation), options)

        def validate(network: nn.Module) -> float:
            answer = partial(answer_network, network, device=options.device)
            matrix = np.sum(matrices(answer, validation, classes), axis=0)
            return float(class_scores(change_matrix(matrix))["f1"][1])

        checkpoint = self.folder / f"seed-{options.seed}.checkpoint"
        history = fit(network, loss, training, validate, options, checkpoint, advance)
        save_model(
            model_path(self.folder, options.seed), network, self._facts(network.arguments(), options.seed)
        )
        checkpoint.unlink()
        answer = partial(answer_network, network, device=options.device)
        return Trained(
            reader=_image_reader, answer=answer, options=options, bounds=(0.0, 1.0), history=history
        )

    def _arguments(self, classes: int) -> dict[str, Any]:
        """Return the arguments of the network; the order of dates counts where there are kinds of change."""
        channels, parts = len(self.train.layers), self.train.parts
        return {"channels": channels, "outputs": classes, "parts": parts, "directed": classes > 2}

    def _facts(self, arguments: dict[str, Any], seed: int) -> ModelFacts:
        twice = {
            name: [*values, *values] for name, values in vars(self.train.scaling).items()
        }  # of the first date, and of the second
        return ModelFacts(
            task="change",
            model="siamese",
            arguments=arguments,
            label=",".join(self.train.labels),
            classes=self.train.classes,
            channels=self.train.channels,
            scaling=type(self.train.scaling)(**twice),
            seed=seed,
            software=f"alignsar_gpu {VERSION}",
            dataset=str(read_facts(self.train.samples.folder)["id"]),
        )


def _image_reader(pairs: Pairs) -> Callable[[int], Batch]:
    return lambda number: (pairs.read(number), pairs.truth(number))


def _floor_trained(floor: Floor, options: FitOptions) -> Trained:
    def reader(pairs: Pairs) -> Callable[[int], Batch]:
        score = score_of(floor.name, pairs, floor.window)
        return lambda number: (score(number), pairs.truth(number))

    return Trained(
        reader=reader,
        answer=lambda score: (score, (score >= floor.threshold).long()),
        options=replace(options, threads=1, memory=0),
        bounds=BOUNDS[floor.name],
        facts=floor.facts(),
    )


def sample_weights(counts: NDArray[np.int64]) -> list[float]:
    """Return how often each pair is drawn: those with change at least in half of the draws.

    ``counts`` are pixels, [pair, class]; a pair of which nothing is known is never drawn.
    """
    known, changed = counts.sum(axis=1) > 0, counts[:, 1:].sum(axis=1) > 0
    share = max(WITH_CHANGE, float(changed.sum() / max(1, int(known.sum()))))
    weights = np.where(
        changed, share / max(1, int(changed.sum())), (1.0 - share) / max(1, int((known & ~changed).sum()))
    )
    found: list[float] = np.where(known, weights, 0.0).tolist()
    return found


def class_weights(counts: NDArray[np.int64]) -> torch.Tensor:
    """Return the weight of each class in the cross entropy, by the square root of how rare it is; their mean is 1."""
    pixels = np.maximum(counts.sum(axis=0), 1).astype(np.float64)
    weights = np.sqrt(pixels.sum() / pixels)
    return torch.as_tensor(weights / weights.mean(), dtype=torch.float32)


def change_loss(weights: torch.Tensor, network: nn.Module, batch: Batch) -> torch.Tensor:
    """Compute the loss of a batch, which is flipped at random: cross entropy, and how little of the change overlaps.

    The second is 1 - 2 sum(p t) / (sum p + sum t) with the probability of change p (Dice loss, Milletari et al. 2016).
    """
    image, truth = batch
    for axis in (-1, -2):
        if torch.rand(()) < FLIPPED:
            image, truth = image.flip(axis), truth.flip(axis)
    found = network(image).float()
    entropy = functional.cross_entropy(found, truth, weight=weights.to(found.device), ignore_index=UNKNOWN)
    known = truth != UNKNOWN
    change, changed = (1.0 - found.softmax(dim=1)[:, 0]) * known, ((truth > 0) & known).float()
    overlap = 2.0 * (change * changed).sum() / (change.sum() + changed.sum()).clamp_min(1.0)
    loss: torch.Tensor = entropy + 1.0 - overlap
    return loss


def answer_network(network: nn.Module, images: torch.Tensor, *, device: str) -> Answer:
    """Return the probability that pixels change, and their most likely class."""
    with torch.inference_mode():
        found = network(images.to(device)).float().softmax(dim=1).cpu()
    return 1.0 - found[:, 0], found.argmax(dim=1)


def matrices(
    answer: Callable[[torch.Tensor], Answer], batches: Batches, classes: int
) -> list[NDArray[np.int64]]:
    """Return the confusion matrix of each pair, [truth, predicted]."""
    return [
        confusion(truth, predicted, classes)
        for inputs, every in batches.ordered()
        for truth, predicted in zip(every.numpy(), answer(inputs)[1].numpy(), strict=True)
    ]


def change_matrix(matrix: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count all kinds of change as one: [..., class, class] to [..., 2, 2]."""
    parts = (slice(0, 1), slice(1, None))
    sums = [[matrix[..., row, column].sum(axis=(-2, -1)) for column in parts] for row in parts]
    return np.moveaxis(np.array(sums), (0, 1), (-2, -1))
