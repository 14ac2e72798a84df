"""The models of land cover, and the training of each with a seed."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from alignsar_gpu.dataset.chips.description import read_facts
from alignsar_gpu.learn.land_cover.data import UNKNOWN, class_weights
from alignsar_gpu.learn.land_cover.forest import predict_forest, train_forest
from alignsar_gpu.learn.model_files import ModelFacts, model_path, save_model
from alignsar_gpu.learn.networks import build
from alignsar_gpu.learn.scores import confusion, overall_scores
from alignsar_gpu.learn.training import fit
from alignsar_gpu.version import VERSION

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from alignsar_gpu.learn.batches import Batch
    from alignsar_gpu.learn.land_cover.data import Inputs, Split
    from alignsar_gpu.learn.options import FitOptions
    from alignsar_gpu.learn.request import Request

    Predict = Callable[
        [torch.Tensor], NDArray[np.int64]
    ]  # images to numbers of classes, [image, line, sample]

FLIPPED = 0.5  # of the batches, along each axis


@dataclass(frozen=True, kw_only=True)
class Model:
    """A model of land cover.

    Attributes
    ----------
    title : in tables.
    epochs : of its training, unless they are given; 0: it has none.
    parts : whether it takes complex pixels.
    """

    title: str
    epochs: int
    parts: bool = False


MODELS = {
    "random_forest": Model(title="Random forest, each pixel by itself", epochs=0),
    "ann": Model(title="AlignSAR's network, each pixel by itself", epochs=20),
    "unet": Model(title="U-Net", epochs=40),
    "complex_unet": Model(title="U-Net on complex pixels", epochs=40, parts=True),
}


@dataclass(frozen=True, kw_only=True, eq=False)
class Training:
    """A model with what it is trained on.

    Attributes
    ----------
    name : of the model.
    inputs : which samples are read.
    train, validation : splits.
    request : see `Request`.
    folder : of the model's files.
    """

    name: str
    inputs: Inputs
    train: Split
    validation: Split
    request: Request
    folder: Path

    def run(self, seed: int, advance: Callable[[int], None]) -> tuple[Predict, list[dict[str, float]]]:
        """Train with a seed; return what predicts, and the history of the training."""
        options = replace(
            self.request.fit, seed=seed, epochs=self.request.fit.epochs or MODELS[self.name].epochs
        )
        training = self.train.batches(options, shuffle=self.request.shuffle)
        if self.name == "random_forest":
            forest = train_forest(training.ordered(), seed, options.threads)
            advance(1)
            return lambda images: predict_forest(forest, images.numpy()), []
        return self._run_network(training, options, advance)

    def _run_network(
        self, training: Any, options: FitOptions, advance: Callable[[int], None]
    ) -> tuple[Predict, list[dict[str, float]]]:
        classes = len(self.train.classes)
        torch.manual_seed(options.seed)
        network = build(self.name, {"channels": len(self.train.channels), "outputs": classes})
        loss = partial(flipped_cross_entropy, class_weights(training, classes))
        validation = self.validation.batches(options)

        def validate(network: nn.Module) -> float:
            predict = partial(predict_network, network, device=options.device)
            return overall_scores(matrices(predict, validation.ordered(), classes).sum(axis=0))["macro_f1"]

        checkpoint = self.folder / f"seed-{options.seed}.checkpoint"
        history = fit(network, loss, training, validate, options, checkpoint, advance)
        save_model(
            model_path(self.folder, options.seed), network, self._facts(network.arguments(), options.seed)
        )
        checkpoint.unlink()
        return partial(predict_network, network, device=options.device), history

    def _facts(self, arguments: dict[str, Any], seed: int) -> ModelFacts:
        return ModelFacts(
            task="land_cover",
            model=self.name,
            arguments=arguments,
            label=self.inputs.label,
            classes=self.train.classes,
            channels=self.train.channels,
            scaling=self.train.scaling,
            seed=seed,
            software=f"alignsar_gpu {VERSION}",
            dataset=str(read_facts(self.train.samples.folder)["id"]),
        )


def flipped_cross_entropy(weights: torch.Tensor, network: nn.Module, batch: Batch) -> torch.Tensor:
    """Compute the cross entropy of a batch, which is flipped along lines and samples at random."""
    image, classes = batch
    for axis in (-1, -2):
        if torch.rand(()) < FLIPPED:
            image, classes = image.flip(axis), classes.flip(axis)
    found = network(image).float()
    return functional.cross_entropy(found, classes, weight=weights.to(found.device), ignore_index=UNKNOWN)


def predict_network(network: nn.Module, images: torch.Tensor, *, device: str) -> NDArray[np.int64]:
    """Predict the class of each pixel of images, [image, line, sample]."""
    with torch.inference_mode():
        found: NDArray[np.int64] = network(images.to(device)).argmax(dim=1).cpu().numpy()
    return found


def matrices(predict: Predict, batches: Any, classes: int) -> NDArray[np.int64]:
    """Return the confusion matrix of each sample, [sample, truth, predicted]."""
    found = [
        confusion(truth, predicted, classes)
        for images, mask in batches
        for truth, predicted in zip(mask.numpy(), predict(images), strict=True)
    ]
    return np.stack(found)
