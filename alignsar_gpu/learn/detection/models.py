"""The models of detection, and the training of each with a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from alignsar_gpu.dataset.chips.description import read_facts
from alignsar_gpu.learn.batches import Batches
from alignsar_gpu.learn.detection.boxes import Detections, rows_of
from alignsar_gpu.learn.detection.centres import flipped_loss, peaks, targets
from alignsar_gpu.learn.detection.evaluation import evaluate
from alignsar_gpu.learn.detection.floor import train_floor
from alignsar_gpu.learn.model_files import ModelFacts, model_path, save_model
from alignsar_gpu.learn.networks import build
from alignsar_gpu.learn.training import fit
from alignsar_gpu.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from torch import nn

    from alignsar_gpu.learn.batches import Batch
    from alignsar_gpu.learn.detection.data import Split
    from alignsar_gpu.learn.detection.floor import Detector
    from alignsar_gpu.learn.options import FitOptions
    from alignsar_gpu.learn.request import Request

    Predict = Callable[[Split], Detections]


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model of detection.

    Attributes
    ----------
    title : in tables.
    epochs : of its training, unless they are given; 0: it has none.
    """

    title: str
    epochs: int


MODELS = {
    "cfar": Model(title="Constant false-alarm rate (CA-CFAR)", epochs=0),
    "heatmap": Model(title="Network of centres on a U-Net", epochs=30),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """A model with what it is trained on.

    Attributes
    ----------
    name : of the model.
    train, validation : splits.
    request : see `Request`.
    folder : of the model's files.
    """

    name: str
    train: Split
    validation: Split
    request: Request
    folder: Path

    def run(self, seed: int, advance: Callable[[int], None]) -> tuple[Predict, list[dict[str, float]]]:
        """Train with a seed; return what predicts, and the history of the training."""
        epochs = self.request.fit.epochs or MODELS[self.name].epochs
        options = replace(self.request.fit, seed=seed, epochs=epochs)
        train = shuffled(self.train, seed) if self.request.shuffle else self.train
        if self.name == "cfar":
            detectors = train_floor(train)
            advance(1)
            return lambda split: predict_floor(detectors, split), []
        return self._run_network(train, options, advance)

    def _run_network(
        self, train: Split, options: FitOptions, advance: Callable[[int], None]
    ) -> tuple[Predict, list[dict[str, float]]]:
        torch.manual_seed(options.seed)
        arguments = {"channels": len(train.channels), "categories": len(train.categories)}
        network = build(self.name, arguments)
        images = Batches(len(self.validation), lambda image: (self.validation.scaled(image),), options)

        def validate(network: nn.Module) -> float:
            found = predict_network(network, images, options.device)
            return float(np.nan_to_num(evaluate(found, self.validation).score("map50")))

        checkpoint = self.folder / f"seed-{options.seed}.checkpoint"
        history = fit(network, flipped_loss, batches(train, options), validate, options, checkpoint, advance)
        path = model_path(self.folder, options.seed)
        save_model(path, network, self._facts(network.arguments(), options.seed))
        checkpoint.unlink()

        def predict(split: Split) -> Detections:
            images = Batches(len(split), lambda image: (split.scaled(image),), options)
            return predict_network(network, images, options.device)

        return predict, history

    def _facts(self, arguments: dict[str, Any], seed: int) -> ModelFacts:
        return ModelFacts(
            task="detection",
            model=self.name,
            arguments=arguments,
            label=",".join(self.train.categories),
            classes={name: 1 + number for number, name in enumerate(self.train.categories)},
            channels=self.train.channels,
            scaling=self.train.scaling,
            seed=seed,
            software=f"alignsar_gpu {VERSION}",
            dataset=str(read_facts(self.train.samples.folder)["id"]),
        )


def shuffled(split: Split, seed: int) -> Split:
    """Move the objects of each image to another image: a control, by which nothing can be learned."""
    order = np.random.default_rng(seed).permutation(len(split))
    return replace(split, objects=replace(split.objects, image=order[split.objects.image]))


def batches(split: Split, options: FitOptions) -> Batches:
    """Return images with what the network of centres is trained on; two thirds of them or more show objects."""
    of_image = rows_of(split.objects.image)

    def read(image: int) -> Batch:
        objects = split.objects.take(of_image.get(image, np.zeros(0, dtype=np.intp)))
        return split.scaled(image), *targets(objects, len(split.categories), split.shape)

    shown = np.isin(np.arange(len(split)), split.objects.image)
    others = 0.5 * shown.sum() / max(1, int((~shown).sum()))
    return Batches(len(split), read, options, weights=np.where(shown, 1.0, min(1.0, others)).tolist())


def predict_network(network: nn.Module, images: Batches, device: str) -> Detections:
    """Return the boxes that a network finds in images, each category by itself."""
    found, first = [Detections.none()], 0
    with torch.inference_mode():
        for (image,) in images.ordered():
            found.append(peaks(network(image.to(device)), first))
            first += len(image)
    return Detections.joined(found)


def predict_floor(detectors: list[Detector], split: Split) -> Detections:
    """Return the boxes that CFAR finds in the images of a split."""
    found = [Detections.none()]
    for image in range(len(split)):
        values = split.values(image)
        found += [detector.detect(detector.compare(values), image) for detector in detectors]
    return Detections.joined(found)
