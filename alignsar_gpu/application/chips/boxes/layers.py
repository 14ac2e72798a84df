"""Which labels have boxes, what their objects are, and what the images show."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from alignsar_gpu.application.chips.layers import (
    decibels_of,
    inputs_and_labels,
    named_labels,
    named_layers,
)
from alignsar_gpu.application.chips.source import TIME
from alignsar_gpu.application.objects.choice import LayerFacts, class_names
from alignsar_gpu.errors import AlignsarError, choose_from

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alignsar_gpu.application.chips.layers import ChosenLayers
    from alignsar_gpu.application.chips.source import Source
    from alignsar_gpu.config.chips import ChipsConfig

KEY, IMAGE = "chips.boxes.layers", "chips.boxes.image"
COUNT = "_count"  # ends the names of layers that count points
CO_POLARIZED = ("_vv", "_hh")


@dataclass(frozen=True, kw_only=True)
class BoxLayer:
    """A label whose objects have boxes.

    Attributes
    ----------
    name : of the layer.
    kind : regions of classes or shares, features that are numbered by their ids, or points that are counted.
    classes : names of its categories, by the code of the class; of features and points one, with the code 1.
    """

    name: str
    kind: Literal["regions", "features", "points"]
    classes: Mapping[int, str]


def choose_box_layers(config: ChipsConfig, layers: Mapping[str, LayerFacts]) -> list[BoxLayer]:
    """Choose the labels that are configured. Raises AlignsarError for those that have no objects."""
    _, labels = inputs_and_labels({name: facts.attributes for name, facts in layers.items()})
    chosen = dict.fromkeys(named_labels(config.boxes.layers, labels, KEY))
    return [_box_layer(name, layers[name], config.ignore) for name in chosen]


def _box_layer(name: str, facts: LayerFacts, ignored: Sequence[str]) -> BoxLayer:
    if classes := class_names(name, facts):
        kept = {code: word for code, word in classes.items() if f"{name}.{word}" not in ignored}
        return BoxLayer(name=name, kind="regions", classes=kept)
    if facts.dtype.kind in "iu":
        return BoxLayer(name=name, kind="features", classes={1: name})
    if name.endswith(COUNT):
        return BoxLayer(name=name, kind="points", classes={1: name.removesuffix(COUNT)})
    raise AlignsarError(
        f"{KEY}={name}: has no objects; name a layer of classes, of the share of a class, of ids or of counts of points"
    )


def categories_of(layers: Sequence[BoxLayer]) -> list[str]:
    """Return the names of all categories, in order; a name that two layers have begins with that of the layer."""
    pairs = [(layer.name, name) for layer in layers for name in layer.classes.values()]
    names = [name for _, name in pairs]
    return [name if names.count(name) == 1 else f"{layer}_{name}" for layer, name in pairs]


def facts_of(source: Source) -> dict[str, LayerFacts]:
    """Return what is known of the layers of a source."""
    data, sizes = source.data, set(source.dimensions)
    return {
        str(name): LayerFacts(data[name].dtype, data[name].attrs, TIME in data[name].dims)
        for name in data.variables
        if set(data[name].dims) >= sizes
    }


def check_boxes(config: ChipsConfig, layers: Mapping[str, LayerFacts]) -> None:
    """Raise AlignsarError for labels and inputs that the cube will not have, or that do not serve."""
    if config.box_products:
        choose_box_layers(config, layers)
        inputs, _ = inputs_and_labels({name: facts.attributes for name, facts in layers.items()})
        chosen = named_layers(config.layers, inputs, "chips.layers")
        _require_inputs(config.boxes.image, [name for name in chosen if layers[name].dtype.kind == "f"])


def _require_inputs(names: Sequence[str], inputs: Iterable[str]) -> None:
    known = list(inputs)
    for name in names:
        if name not in known:
            raise AlignsarError(f"{IMAGE}={name}: is no input of the chips; {choose_from(name, known)}")


def choose_image(names: Sequence[str], layers: ChosenLayers) -> list[str]:
    """Choose the inputs that images show. Raises AlignsarError for names that chips do not have as an input."""
    arrays = {plane.name: array for array, plane in layers.planes if array in {"images", "pairs", "ground"}}
    _require_inputs(names, arrays)
    if names:
        return list(names)
    dated = [name for name, array in arrays.items() if array == "images"] or list(arrays)
    ordered = sorted(dated, key=lambda name: (not decibels_of(name), not name.endswith(CO_POLARIZED), name))
    return ordered[:3] if len(ordered) >= 3 else ordered[:1]
