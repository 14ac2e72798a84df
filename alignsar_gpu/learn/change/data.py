"""Samples of change: images of a place on two dates that follow each other, and which pixels change between them."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from alignsar_gpu.dataset.chips.change import CHANGES, tells_change
from alignsar_gpu.dataset.chips.description import read_facts, read_statistics
from alignsar_gpu.dataset.chips.opening import folder_of
from alignsar_gpu.dataset.chips.samples import SampleOptions, Samples
from alignsar_gpu.errors import AlignsarError, choose_from
from alignsar_gpu.learn.channels import Channel, Scaling, is_part, require_channels, scaling_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

UNKNOWN = -1
NO_DATA = 255  # in masks of samples
LASTING = ("subsiding",)  # layers, shares of ground that moves between any two dates
MOST = 0.5  # of a pixel: from that share on it is ground of the label


@dataclass(frozen=True, kw_only=True, eq=False)
class Pairs:
    """Pairs of dates of a split, in the order of their places and dates.

    Attributes
    ----------
    samples : of pairs; values are those of the layers.
    lasting : samples of each date with the labels of `LASTING`, if there are any.
    labels : layers that tell change, each by its events or by its classes, or because it lasts.
    scaling : of the channels of a date, for networks.
    shuffle : seed by which each pair is given the change of another, at random pixels, as a control; None: its own.
    """

    samples: Samples
    lasting: Samples | None
    labels: Sequence[str]
    scaling: Scaling
    shuffle: int | None = None

    @property
    def classes(self) -> dict[str, int]:
        """Numbers of the classes by name: of several labels each is a class."""
        if len(self.labels) == 1 and self.lasting is None:
            return dict(CHANGES)
        return {"unchanged": 0} | {name: number for number, name in enumerate(self.labels, 1)}

    @property
    def layers(self) -> list[str]:
        """Layers of a date: parts of complex layers are the last."""
        return sorted(self.samples.channels, key=is_part)

    @property
    def parts(self) -> int:
        """How many of the layers are parts of complex layers."""
        return sum(map(is_part, self.layers))

    @property
    def channels(self) -> list[Channel]:
        """Channels of the images that networks get: the layers of the first date, then those of the second."""
        return [Channel(layer=name, date=date) for date in (0, 1) for name in self.layers]

    @property
    def blocks(self) -> list[str]:
        """The block of ground that each pair lies in, the same for all pairs of a place."""
        of = self.samples.index["block"].to_numpy()
        return [str(of[self.samples.rows(number)[0]]) for number in range(len(self.samples))]

    @property
    def ids(self) -> list[str]:
        """The name of each pair: its place and both days."""
        return [self.samples.name(number) for number in range(len(self.samples))]

    def values(self, number: int) -> NDArray[np.float32]:
        """Read the layers of both dates as they are, [date, layer, line, sample]."""
        there = self.samples.channels
        images: NDArray[np.float32] = self.samples[number]["image"][
            :, [there.index(name) for name in self.layers]
        ]
        return images

    def powers(self, number: int) -> torch.Tensor:
        """Read the powers of both dates, [date, image, line, sample]: of layers in decibels, else of complex ones."""
        values = torch.from_numpy(self.values(number))
        logarithmic = [layer for layer, factor in enumerate(self.scaling.decibels) if factor]
        if logarithmic:
            return values[:, logarithmic]
        parts = values[:, len(self.layers) - self.parts :].square()
        return parts[:, ::2] + parts[:, 1::2]

    def truth(self, number: int) -> torch.Tensor:
        """Read the class of each pixel of a pair, [line, sample]; `UNKNOWN` where not known."""
        if self.shuffle is not None:
            other = int(np.random.default_rng(self.shuffle).permutation(len(self.samples))[number])
            pixels = self._classes(other)
            generator = np.random.default_rng((self.shuffle, number))
            return torch.from_numpy(generator.permutation(pixels.reshape(-1)).reshape(pixels.shape))
        return torch.from_numpy(self._classes(number))

    def _classes(self, number: int) -> NDArray[np.int64]:
        found = self._masks(number)
        masks = np.stack([found[name] for name in self.labels])
        classes = np.arange(1, len(masks) + 1)[:, np.newaxis, np.newaxis] * (masks == 1)
        return np.where((masks == NO_DATA).any(axis=0), UNKNOWN, classes.max(axis=0))

    def _masks(self, number: int) -> dict[str, NDArray[np.int64]]:
        """Read where the ground changes by each label, [line, sample]: 1, 0 where not, `NO_DATA` where not known."""
        masks: dict[str, NDArray[np.int64]] = {}
        if self.samples.labels:
            mask = self.samples.read_labels(number)["mask"]
            masks = dict(zip(self.samples.labels, mask.reshape(-1, *mask.shape[-2:]), strict=True))
        if self.lasting is not None:
            shares = self.lasting.read_labels(int(self.samples.rows(number)[0]))["target"]
            found = np.where(np.isnan(shares), NO_DATA, shares >= MOST)
            masks |= dict(zip(self.lasting.labels, found, strict=True))
        return masks

    def read(self, number: int) -> torch.Tensor:
        """Read the image of a pair for networks, [channel, line, sample]."""
        return torch.from_numpy(np.concatenate([self.scaling(date) for date in self.values(number)]))

    def counts(self) -> NDArray[np.int64]:
        """Count the pixels of each class in each pair, [pair, class]."""
        found = [
            np.bincount(truth[truth >= 0], minlength=len(self.classes))
            for truth in (self.truth(number).numpy() for number in range(len(self.samples)))
        ]
        return np.stack(found)

    def alike(self, path: Path, split: str | Sequence[str]) -> Pairs:
        """Open pairs of another split, or of other chips, for a model that was trained on these.

        Raises AlignsarError where there is none, or where channels are missing.
        """
        there = _of_dates(folder_of(path))
        require_channels(self.channels, [one for one in self.channels if one.layer in there], str(path))
        samples, lasting = _samples(path, split, self.labels, self.layers)
        return replace(self, samples=samples, lasting=lasting)


def training_pairs(chips: Path, label: str, layers: Sequence[str] = ()) -> Pairs:
    """Open the pairs of the training split, which decides about the scaling.

    Parameters
    ----------
    label : layer that tells change, or several with commas between them; empty: the only one.
    layers : names of inputs; none: all that dates have.

    Raises AlignsarError for labels that tell no change, for chips of one date, and for layers without powers.
    """
    folder = folder_of(chips)
    labels, inputs = choose_labels(chips, label), _inputs(folder, layers)
    samples, lasting = _samples(chips, "train", labels, inputs)
    ordered = sorted(samples.channels, key=is_part)
    scaling = scaling_of([Channel(layer=name) for name in ordered], folder)
    scaling = _unbiased(scaling, ordered, folder)
    found = Pairs(samples=samples, lasting=lasting, labels=labels, scaling=scaling)
    if not found.parts and not any(scaling.decibels):
        raise AlignsarError(
            f"learn.layers=[{','.join(ordered)}]: no power is among them, in which change could be seen; add layers "
            "such as sigma0_vv"
        )
    return found


def choose_labels(chips: Path, label: str) -> list[str]:
    """Return the labels that are asked for, or the only one that tells change.

    Raises AlignsarError where there is none, and where it is not clear which.
    """
    there = [name for name, layer in read_facts(folder_of(chips))["layers"].items() if tells_change(layer)]
    if label:
        return [name.strip() for name in label.split(",") if name.strip()]
    if not there:
        raise AlignsarError(
            f"{chips}: has no label that tells change; make one of days of events (a vector's attribute of dates with "
            "method: mean), or of classes that change with the date, and chips with it"
        )
    if len(there) > 1:
        raise AlignsarError(f"learn.label: must be given, for several layers tell change: {', '.join(there)}")
    return there


def _inputs(folder: Path, layers: Sequence[str]) -> list[str]:
    """Return the inputs that dates have, of those that are asked for."""
    there = _of_dates(folder)
    for name in layers:
        if name not in there:
            raise AlignsarError(f"learn.layers={name}: is no layer of each date; {choose_from(name, there)}")
    return [name for name in there if not layers or name in layers]


def _of_dates(folder: Path) -> list[str]:
    """Return the layers of chips that are there for each date."""
    return [name for name, layer in read_facts(folder)["layers"].items() if layer["array"] == "images"]


def _samples(
    path: Path, split: str | Sequence[str], labels: Sequence[str], layers: Sequence[str]
) -> tuple[Samples, Samples | None]:
    """Open pairs of dates with the labels that tell change, and each date with those that last."""
    options = SampleOptions(layers=layers, dates="pairs", decibel=False, normalize=False, fill=float("nan"))
    samples = Samples(path, split, replace(options, label=[name for name in labels if name not in LASTING]))
    if not len(samples):
        named = split if isinstance(split, str) else ", ".join(split)
        raise AlignsarError(
            f"{path}: the split {named} has no place on two dates, so nothing can change; make chips of several dates, "
            "or with other shares or smaller blocks"
        )
    lasting = [name for name in labels if name in LASTING]
    of_dates = replace(options, dates="each", label=lasting)
    return samples, Samples(path, split, of_dates) if lasting else None


def _unbiased(scaling: Scaling, layers: Sequence[str], folder: Path) -> Scaling:
    """Let parts of complex layers keep their phase: nothing is taken away from them, and all get one scale."""
    statistics: Mapping[str, Any] = read_statistics(folder)["layers"]
    parts = [number for number, name in enumerate(layers) if is_part(name)]
    powers = [(statistics[layers[number]]["linear"]["deviation"] or 1.0) ** 2 for number in parts]
    mean, deviation = list(scaling.mean), list(scaling.deviation)
    for number in parts:
        mean[number], deviation[number] = 0.0, float(np.sqrt(np.mean(powers)))
    return replace(scaling, mean=mean, deviation=deviation)
