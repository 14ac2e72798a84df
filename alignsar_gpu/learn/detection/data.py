"""Samples of detection: chips of single dates, and the objects that they show."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeVar

import numpy as np
import torch

from alignsar_gpu.dataset.chips.samples import SampleOptions, Samples
from alignsar_gpu.errors import AlignsarError, choose_from
from alignsar_gpu.learn.channels import channels_of, require_channels, scaling_of, stacked
from alignsar_gpu.learn.detection.annotations import KEYS, read_annotations
from alignsar_gpu.learn.detection.boxes import Detections, Objects

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.learn.channels import Channel, Scaling

Boxes = TypeVar("Boxes", Detections, Objects)
SQUARE_KM = 1e6  # m2
RAW = {"dates": "each", "decibel": False, "normalize": False, "fill": float("nan")}


@dataclass(frozen=True, kw_only=True, eq=False)
class Split:
    """Chips of a split, or of several, that have boxes.

    Attributes
    ----------
    samples : values as they are stored, NaN where unknown.
    rows : numbers of the samples that are images, in order.
    numbers : of the images in files of COCO.
    categories : names of the categories.
    objects : ``image`` counts the images from 0 on.
    scaling : of the channels.
    """

    samples: Samples
    rows: NDArray[np.intp]
    numbers: NDArray[np.int64]
    categories: Sequence[str]
    objects: Objects
    scaling: Scaling

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def channels(self) -> list[Channel]:
        """Channels of the images."""
        return channels_of(self.samples)

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and samples of the images."""
        facts = self.samples.facts
        lines, samples = (size + 2 * facts["halo"] for size in facts["size"])
        return lines, samples

    def column(self, name: str) -> NDArray[np.generic]:
        """Return a column of the index for each image."""
        chips = [self.samples.rows(row)[0] for row in self.rows.tolist()]
        return np.asarray(self.samples.index[name].to_numpy()[chips])

    @property
    def area(self) -> NDArray[np.float64]:
        """Ground with data of each image, km2."""
        whole = math.prod(self.shape) / math.prod(self.samples.facts["size"])  # with the halo
        footprints = self.samples.index["footprint"].area.to_numpy()
        chips = [self.samples.rows(row)[0] for row in self.rows.tolist()]
        return np.asarray(whole * footprints[chips] * self.column("valid_share") / SQUARE_KM)

    def values(self, image: int) -> NDArray[np.float32]:
        """Read the channels of an image as they are stored, [channel, line, sample]."""
        values: NDArray[np.float32] = stacked(self.samples[int(self.rows[image])], self.samples)
        return values

    def scaled(self, image: int) -> torch.Tensor:
        """Read the channels of an image as networks get them."""
        return torch.from_numpy(self.scaling(self.values(image)))


def open_split(chips: Path, split: str | Sequence[str], layers: Sequence[str], label: str = "") -> Split:
    """Open the chips of a split, or of several; ``label`` is the only category that is wanted, empty: all.

    Raises AlignsarError for chips without boxes, and for a label that is no category.
    """
    samples = Samples(chips, split, SampleOptions(layers=layers, **RAW))  # type: ignore[arg-type]
    names = [split] if isinstance(split, str) else split
    parts = [read_annotations(chips, name) for name in names]
    number_of = {chip: number for part in parts for chip, number in part.images.items()}
    ids = samples.index["id"].to_numpy()
    rows = [row for row in range(len(samples)) if ids[samples.rows(row)[0]] in number_of]
    numbers = np.array([number_of[ids[samples.rows(row)[0]]] for row in rows], dtype=np.int64)
    found = Split(
        samples=samples,
        rows=np.array(rows, dtype=np.intp),
        numbers=numbers,
        categories=parts[0].categories,
        objects=renumbered(Objects.joined([part.objects for part in parts]), numbers),
        scaling=scaling_of(channels_of(samples), samples.folder),
    )
    return _only(found, label) if label else found


def _only(split: Split, label: str) -> Split:
    """Keep the objects of one category."""
    if label not in split.categories:
        raise AlignsarError(f"learn.label={label}: has no boxes; {choose_from(label, split.categories)}")
    objects = split.objects.take(split.objects.category == list(split.categories).index(label))
    return replace(split, categories=[label], objects=replace(objects, category=0 * objects.category))


def renumbered(boxes: Boxes, numbers: NDArray[np.int64]) -> Boxes:
    """Count the images of boxes from 0 on, by their ``numbers`` in files of COCO; leave out those of other images."""
    kept = boxes.take(np.isin(boxes.image, numbers))
    order = np.argsort(numbers)
    return replace(kept, image=order[np.searchsorted(numbers[order], kept.image)])


def open_training(chips: Path, layers: Sequence[str], label: str) -> Split:
    """Open the training split. Raises AlignsarError if it has no objects."""
    split = open_split(chips, "train", layers, label)
    if not (~split.objects.crowd).any():
        raise AlignsarError(
            f"{chips}: its training split shows no object of {', '.join(split.categories)}, so there is nothing to "
            f"learn; make chips of a scene that has some, with {KEYS}, or another chips.split.seed"
        )
    return split


def open_like(training: Split, chips: Path, split: str | Sequence[str], label: str) -> Split:
    """Open another split, or another dataset, for a model that was trained on ``training``.

    Raises AlignsarError where the channels or the categories differ.
    """
    layers = [channel.layer for channel in training.channels]
    found = open_split(chips, split, layers, label)
    require_channels(training.channels, found.channels, str(chips))
    if list(found.categories) != list(training.categories):
        raise AlignsarError(
            f"{chips}: its boxes are of {', '.join(found.categories)}, and those that the model was trained on of "
            f"{', '.join(training.categories)}; make the chips with the same chips.boxes.layers"
        )
    return replace(found, scaling=training.scaling)
