"""Apply a trained network of change to two images, of any size and any source."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.learn.change.models import answer_network

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from torch import nn

    from alignsar_gpu.learn.model_files import ModelFacts


def change_probability(
    facts: ModelFacts,
    network: nn.Module,
    first: Mapping[str, NDArray[Any]],
    second: Mapping[str, NDArray[Any]],
    device: str = "cpu",
) -> NDArray[np.float32]:
    """Return the probability that pixels change between two dates, [line, sample].

    Parameters
    ----------
    facts, network : of `load_model`.
    first, second : images [line, sample] of both dates by the names of the layers that the network was trained on, in
        their units; NaN where nothing is known. Images of another kind are given under the name that they stand for,
        such as gamma0 as sigma0.
    device : "cpu" or "cuda".

    Returns NaN where a layer of one of the dates is not known.

    Raises AlignsarError for another task's model, for a layer that is missing, and for images of different sizes.
    """
    if facts.task != "change":
        raise AlignsarError(f"the model is one of {facts.task}, not of change; name one of learn.task=change")
    images = [_layer((first, second)[channel.date or 0], channel.layer) for channel in facts.channels]
    shapes = {image.shape for image in images}
    if len(shapes) != 1 or len(images[0].shape) != 2:
        raise AlignsarError(
            f"the images of two dates must be of one size, lines and samples; they are {sorted(shapes)}"
        )
    stacked = np.stack(images).astype(np.float32)
    known = np.isfinite(stacked).all(axis=0)
    change, _ = answer_network(network, torch.from_numpy(facts.scaling(stacked))[None], device=device)
    return np.where(known, change[0].numpy(), np.float32(np.nan))


def _layer(images: Mapping[str, NDArray[Any]], name: str) -> NDArray[Any]:
    if name not in images:
        raise AlignsarError(
            f"{name}: is an input of the model and is not given (there are {', '.join(images) or 'none'}); give it, or "
            "train a model without it (learn.layers)"
        )
    return images[name]
