"""Files of models: weights as safetensors, and what they were trained on."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import safetensors
import safetensors.torch

from alignsar_gpu.errors import AlignsarError, writing
from alignsar_gpu.learn.channels import Channel, Scaling
from alignsar_gpu.learn.networks import NETWORKS, build
from alignsar_gpu.opening.texts import load_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from alignsar_gpu.learn.networks.network import Network

FACTS = "alignsar_gpu"  # key of the metadata of a file


@dataclass(frozen=True, kw_only=True)
class ModelFacts:
    """What a model is, and what it was trained on.

    Attributes
    ----------
    task : "land_cover", "detection" or "change".
    model : name of the network, one of `networks.NETWORKS`.
    arguments : of its constructor.
    label : layer that it predicts.
    classes : codes of the label by the names of the classes, in the order of the outputs.
    channels : what it gets.
    scaling : of the channels.
    seed : of the training.
    software : name and version.
    dataset : identifier of the chips that it was trained on.
    """

    task: str
    model: str
    arguments: Mapping[str, Any]
    label: str
    classes: Mapping[str, int]
    channels: Sequence[Channel]
    scaling: Scaling
    seed: int
    software: str
    dataset: str


def model_path(folder: Path, seed: int) -> Path:
    """Return where the weights of a training with a seed lie, in the folder of the model."""
    return folder / f"seed-{seed}.safetensors"


def save_model(path: Path, network: Network, facts: ModelFacts) -> Path:
    """Write the weights of a network and its facts; the same give the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.partial")
    tensors = {name: value.detach().cpu().contiguous() for name, value in network.state_dict().items()}
    with writing(path):
        safetensors.torch.save_file(tensors, beside, metadata={FACTS: json.dumps(asdict(facts))})
        beside.replace(path)
    return path


def load_model(path: Path) -> tuple[ModelFacts, Network]:
    """Read a model. Raises AlignsarError for a file that is no safetensors, or not a model of ours."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118  (no mapping)
    except FileNotFoundError:
        raise AlignsarError(
            f"{path}: is not there; name a model that a run has trained, such as {EXAMPLE}"
        ) from None
    except (OSError, safetensors.SafetensorError) as error:
        raise AlignsarError(
            f"{path}: is no file of safetensors ({error}); name a model such as {EXAMPLE}"
        ) from None
    try:
        facts = _facts(load_json(metadata[FACTS]))
        network = build(facts.model, facts.arguments)
        network.load_state_dict(tensors)
    except (KeyError, RuntimeError, TypeError, ValueError) as error:
        raise AlignsarError(
            f"{path}: is no model that this version of alignsar_gpu knows ({_short(error)}); train it again"
        ) from None
    return facts, network.eval()


EXAMPLE = "outputs/mine/learn/unet/seed-1.safetensors"


def _facts(content: dict[str, Any]) -> ModelFacts:
    if content["model"] not in NETWORKS:
        raise ValueError(f"network {content['model']}")
    channels = [Channel(**one) for one in content.pop("channels")]
    return ModelFacts(channels=channels, scaling=Scaling(**content.pop("scaling")), **content)


def _short(error: Exception) -> str:
    """Return the first line of what a library says."""
    return str(error).strip().partition("\n")[0]


def require_classes(facts: ModelFacts, classes: Mapping[str, int], where: str) -> None:
    """Raise AlignsarError if the classes of a dataset are not those of a model."""
    if dict(facts.classes) != dict(classes):
        raise AlignsarError(
            f"{where}: its label {facts.label} has the classes {', '.join(classes)}, and the model was trained on "
            f"{', '.join(facts.classes)}; name a dataset with the same classes and codes"
        )
