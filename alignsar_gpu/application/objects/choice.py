"""Which labels have objects, and what is averaged over these."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from alignsar_gpu.application.chips.layers import NO_INPUTS, inputs_and_labels, named_labels, named_layers
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from alignsar_gpu.config.objects import ObjectsConfig
    from alignsar_gpu.dataset.cube import CubeLayer

AREA = "ground_area"
NO_CLASS = ("none", "unknown")  # as flag_meanings call what has no objects
HALF = 0.5  # share of a pixel from which on it counts as that class


class LayerFacts(NamedTuple):
    """What is known of a layer before it is read."""

    dtype: np.dtype[Any]
    attributes: Mapping[str, Any]
    dated: bool


class Chosen(NamedTuple):
    """Names of layers: labels that have objects, and what is averaged."""

    labels: Sequence[str]
    averaged: Sequence[str]


def choose(config: ObjectsConfig, layers: Mapping[str, LayerFacts]) -> Chosen:
    """Choose among the layers of a cube. Raises AlignsarError, naming the key, for those that do not serve."""
    inputs, labels = inputs_and_labels({name: facts.attributes for name, facts in layers.items()})
    chosen = named_labels(config.layers or (), labels, "objects.layers")
    for name in chosen:
        if not class_names(name, layers[name]):
            raise AlignsarError(
                f"objects.layers={name}: has neither classes nor shares of a class, and so no objects; name one that "
                "has, such as a raster with method: majority"
            )
        if layers[name].dated:
            raise AlignsarError(
                f"objects.layers={name}: has other classes on each date, and objects are the same on all; name a layer "
                "without dates"
            )
    numbers = [name for name in inputs if layers[name].dtype.kind == "f" and name not in {AREA, *NO_INPUTS}]
    for name in config.signatures:
        if name in inputs and name not in numbers:
            raise AlignsarError(
                f"objects.signatures={name}: flags, places and complex pixels have no mean; leave it out, or name the "
                "layer of its intensity or phase"
            )
    return Chosen(
        labels=list(dict.fromkeys(chosen)),
        averaged=list(dict.fromkeys(named_layers(config.signatures, numbers, "objects.signatures"))),
    )


def check_objects(config: ObjectsConfig, layers: Sequence[CubeLayer]) -> None:
    """Raise AlignsarError for layers that the cube will not have, or that do not serve."""
    choose(
        config,
        {layer.name: LayerFacts(np.dtype(layer.dtype), layer.attributes, layer.dated) for layer in layers},
    )


def class_names(name: str, layer: LayerFacts) -> dict[int, str]:
    """Return the classes of a label by their code; of a share of a class, that class, its name the layer's."""
    attributes = layer.attributes
    if "flag_values" in attributes:
        meanings = str(attributes["flag_meanings"]).split()
        codes = np.atleast_1d(attributes["flag_values"]).tolist()
        return {code: word for code, word in zip(codes, meanings, strict=True) if word not in NO_CLASS}
    is_share = layer.dtype.kind == "f" and list(attributes.get("valid_range", ())) == [0.0, 1.0]
    return {1: name} if is_share else {}
