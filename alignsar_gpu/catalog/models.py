"""STAC items of models that were trained on a dataset, by the machine-learning model extension (MLM)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pystac

from alignsar_gpu.catalog.cog import class_of
from alignsar_gpu.opening.texts import load_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from alignsar_gpu.catalog.footprint import Footprint

LENGTH = 8  # bytes before the header of a file of safetensors, which say how long it is
LONGEST = 100_000_000  # bytes of a header, as safetensors reads it
FACTS = "alignsar_gpu"  # key of the metadata that holds what a model is
ARTIFACT = "safetensors.torch.save_file"
SAFETENSORS = "application/vnd.safetensors"
TASKS = {
    "land_cover": ["semantic-segmentation"],
    "change": ["semantic-segmentation"],
    "detection": ["object-detection"],
}
DECIBELS = "{factor:g} * log10({name})"


@dataclass(frozen=True, kw_only=True)
class CataloguedModel:
    """A model that a catalogue lists.

    Attributes
    ----------
    name : of its folder.
    title : for people.
    weights : files of safetensors, one a seed.
    card : README.md, if there is one.
    scores : its scores on the test split, means over the seeds.
    """

    name: str
    title: str
    weights: Sequence[Path]
    card: Path | None
    scores: Mapping[str, float]


def read_header(path: Path) -> tuple[dict[str, Any], int]:
    """Read what a file of safetensors says of its model, and the number of its parameters, without the weights."""
    with path.open("rb") as file:
        length = int.from_bytes(file.read(LENGTH), "little")
        header = load_json(file.read(min(length, LONGEST)))
    facts: dict[str, Any] = load_json(header.pop("__metadata__")[FACTS])
    return facts, sum(math.prod(tensor["shape"]) for tensor in header.values())


def model_item(model: CataloguedModel, collection: pystac.Collection, outline: Footprint) -> pystac.Item:
    """Make the item of a model, without assets: where and when the data are from that it was trained on."""
    facts, parameters = read_header(model.weights[0])
    first, last = collection.extent.temporal.intervals[0]
    item = pystac.Item(
        id=f"{collection.id}-model-{model.name}",
        geometry=outline.geometry,
        bbox=outline.bbox,
        datetime=None,
        start_datetime=first,
        end_datetime=last,
        properties={
            "title": f"{model.title}, trained on {collection.title}",
            "description": f"Seed {facts['seed']} of {len(model.weights)}; on the test split: "
            + ", ".join(f"{name} {value:.3f}" for name, value in model.scores.items()),
            **_fields(model, facts, parameters),
        },
    )
    item.add_link(
        pystac.Link("derived_from", collection, "application/json", "Dataset that it was trained on")
    )
    return item


def _band_name(channel: Mapping[str, Any]) -> str:
    """Return the layer of a channel, with the number of its date, 1 the earliest."""
    return channel["layer"] if channel["date"] is None else f"{channel['layer']}_date{channel['date'] + 1}"


def _fields(model: CataloguedModel, facts: Mapping[str, Any], parameters: int) -> dict[str, Any]:
    tasks, channels = TASKS[facts["task"]], len(facts["channels"])
    arguments = dict(facts["arguments"])
    return {
        "bands": [{"name": _band_name(channel), "data_type": "float32"} for channel in facts["channels"]],
        "mlm:name": model.name,
        "mlm:architecture": model.title,
        "mlm:framework": "PyTorch",
        "mlm:tasks": tasks,
        "mlm:total_parameters": parameters,
        "mlm:pretrained": False,
        "mlm:pretrained_source": None,
        "mlm:hyperparameters": {**arguments, "seed": facts["seed"]},
        "mlm:input": [
            {
                "name": "radar images",
                "description": "in radar geometry, of any size; what is not known is 0 after scaling",
                "bands": [_input_band(facts, number) for number in range(channels)],
                "input": _structure(channels, "channel"),
                "value_scaling": [
                    {"type": "z-score", "mean": mean, "stddev": deviation}
                    for mean, deviation in zip(
                        facts["scaling"]["mean"], facts["scaling"]["deviation"], strict=True
                    )
                ],
            }
        ],
        "mlm:output": [
            {
                "name": facts["label"] or "objects",
                "tasks": tasks,
                "result": _structure(-1 if facts["task"] == "detection" else len(facts["classes"]), "class"),
                "classification:classes": [
                    class_of(int(code), name.replace("_", " ")) for name, code in facts["classes"].items()
                ],
            }
        ],
    }


def _input_band(facts: Mapping[str, Any], number: int) -> dict[str, str]:
    """Name a band, and say how it is computed where it is in decibels."""
    channel, factor = facts["channels"][number], facts["scaling"]["decibels"][number]
    band = {"name": _band_name(channel)}
    return band | (
        {"format": "python", "expression": DECIBELS.format(factor=factor, name=channel["layer"])}
        if factor
        else {}
    )


def _structure(channels: int, axis: str) -> dict[str, Any]:
    return {
        "shape": [-1, channels, -1, -1],
        "dim_order": ["batch", axis, "height", "width"],
        "data_type": "float32",
    }
