"""Samples of land cover: images of all dates of a place, and the class of each of its pixels."""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import torch

from alignsar_gpu.dataset.chips.description import read_facts, read_statistics
from alignsar_gpu.dataset.chips.opening import folder_of
from alignsar_gpu.dataset.chips.samples import SampleOptions, Samples
from alignsar_gpu.errors import AlignsarError, choose_from
from alignsar_gpu.learn.batches import Batches
from alignsar_gpu.learn.channels import channels_of, is_part, require_channels, scaling_of, stacked

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.learn.channels import Channel, Scaling
    from alignsar_gpu.learn.options import FitOptions

UNKNOWN = -1
CODES = 256  # of a mask


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """Samples of a split.

    Attributes
    ----------
    samples : with all dates of a place.
    classes : codes of the label by name; outputs of networks are in this order.
    scaling : of the channels.
    parts : whether images are the parts of complex layers, or all others.
    """

    samples: Samples
    classes: Mapping[str, int]
    scaling: Scaling
    parts: bool = False

    @property
    def channels(self) -> list[Channel]:
        """Channels of the images."""
        return channels_of(self.samples, parts=self.parts)

    @property
    def blocks(self) -> list[str]:
        """The block of ground that each sample lies in."""
        of = self.samples.index["block"].to_numpy()
        return [str(of[self.samples.rows(number)[0]]) for number in range(len(self.samples))]

    @property
    def ids(self) -> list[str]:
        """The name of the place of each sample."""
        of = self.samples.index["place_id"].to_numpy()
        return [str(of[self.samples.rows(number)[0]]) for number in range(len(self.samples))]

    def read(self, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Read a sample: image [channel, line, sample], and numbers of classes [line, sample], -1 where unknown."""
        sample = self.samples[number]
        image = self.scaling(stacked(sample, self.samples, parts=self.parts))
        return torch.from_numpy(image), _numbers(self.classes)[torch.from_numpy(sample["mask"])]

    def shown(self, image: torch.Tensor) -> NDArray[np.float32]:
        """Return what is shown of an image: the mean over the dates of its last power, in its own unit."""
        powers = [number for number, factor in enumerate(self.scaling.decibels) if factor]
        layer = self.channels[powers[-1] if powers else 0].layer
        chosen = [number for number, channel in enumerate(self.channels) if channel.layer == layer]
        rows = [image[n] * self.scaling.deviation[n] + self.scaling.mean[n] for n in chosen]
        shown: NDArray[np.float32] = torch.stack(rows).mean(dim=0).numpy()
        return shown

    def batches(self, options: FitOptions, *, shuffle: bool = False) -> Batches:
        """Return the samples in batches; ``shuffle`` gives each the classes of another, at random pixels."""
        read = partial(self._shuffled, options.seed) if shuffle else self.read
        return Batches(len(self.samples), read, options)

    def _shuffled(self, seed: int, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        generator = torch.Generator().manual_seed(seed)
        other = int(torch.randperm(len(self.samples), generator=generator)[number])
        classes = self.read(other)[1]
        order = torch.randperm(classes.numel(), generator=generator.manual_seed((seed << 20) + number))
        return self.read(number)[0], classes.reshape(-1)[order].reshape(classes.shape)


def _numbers(classes: Mapping[str, int]) -> torch.Tensor:
    table = torch.full((CODES,), UNKNOWN, dtype=torch.int64)
    for number, code in enumerate(classes.values()):
        table[code] = number
    return table


def choose_label(chips: Path, label: str) -> str:
    """Return the label of classes that is asked for, or the only one.

    Raises AlignsarError where there is none, where it is not clear which, and for one that is no label of classes.
    """
    facts = read_facts(folder_of(chips))
    there = [name for name, layer in facts["layers"].items() if layer["array"] == "classes"]
    if not there:
        raise AlignsarError(
            f"{chips}: has no label of classes, so there is nothing to learn; make one, such as "
            "radarcoding.layers.cover.set=worldcover, and chips with it"
        )
    if label:
        if label not in there:
            raise AlignsarError(f"learn.label={label}: is no label of classes; {choose_from(label, there)}")
        return label
    if len(there) > 1:
        raise AlignsarError(f"learn.label: must be given, for there are several: {', '.join(there)}")
    return str(there[0])


@dataclass(frozen=True, kw_only=True)
class Inputs:
    """What samples are read for.

    Attributes
    ----------
    label : layer of classes.
    layers : names of inputs; none: all.
    parts : see `Split`.
    """

    label: str
    layers: Sequence[str] = ()
    parts: bool = False

    def samples(self, chips: Path, split: str | Sequence[str]) -> Samples:
        """Open samples of a split, or of several; values are those of the layers."""
        options = SampleOptions(
            layers=self.layers,
            label=self.label,
            dates="together",
            decibel=False,
            normalize=False,
            fill=float("nan"),
        )
        return Samples(chips, split, options)

    def training(self, chips: Path) -> Split:
        """Open the training split, which decides about classes and scaling."""
        samples = self.samples(chips, "train")
        scaling = scaling_of(channels_of(samples, parts=self.parts), samples.folder)
        return Split(
            samples=samples, classes=_learned(samples, self.label), scaling=scaling, parts=self.parts
        )

    def like(self, training: Split, chips: Path, split: str | Sequence[str]) -> Split:
        """Open another split, or that of another dataset, for a model that was trained on ``training``.

        Raises AlignsarError where the channels or the classes differ.
        """
        samples = self.samples(chips, split)
        found = replace(training, samples=samples)
        require_channels(training.channels, found.channels, str(chips))
        codes = {name: samples.classes.get(name) for name in training.classes}
        if codes != dict(training.classes):
            raise AlignsarError(
                f"{chips}: its label {self.label} has the classes {', '.join(samples.classes)}, and the model was "
                f"trained on {', '.join(training.classes)}; name a dataset with the same classes and codes"
            )
        return found


def _learned(samples: Samples, label: str) -> dict[str, int]:
    """Return the classes that the training split has pixels of: others cannot be learned."""
    pixels = read_statistics(samples.folder)["classes"][label].get("train", {})
    classes = {name: code for name, code in samples.classes.items() if pixels.get(str(code))}
    if len(classes) < 2:
        found = ", ".join(classes) or "none"
        raise AlignsarError(
            f"learn.label={label}: the training split has one class ({found}), so there is nothing to tell apart; "
            "choose another label, or chips.split.balance=[LABEL] and smaller blocks"
        )
    return classes


def has_parts(samples: Samples) -> bool:
    """Return whether samples have complex layers."""
    return any(is_part(name) for name in samples.channels)


def class_weights(batches: Batches, classes: int) -> torch.Tensor:
    """Return the weight of each class in the loss, by the square root of how rare it is; their mean is 1."""
    counts = np.zeros(classes)
    for _, mask in batches.ordered():
        counts += np.bincount(mask[mask >= 0].numpy(), minlength=classes)[:classes]
    weights = np.sqrt(counts.sum() / np.maximum(counts, 1.0))
    return torch.as_tensor(weights / weights.mean(), dtype=torch.float32)
