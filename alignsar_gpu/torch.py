"""Chips for PyTorch (extra ``torch``): `ChipDataset`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch.utils.data import Dataset

from alignsar_gpu.dataset.chips.samples import SampleOptions, Samples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from os import PathLike


class ChipDataset(Dataset[dict[str, Any]]):
    """Chips of a split, as tensors. Map style: any sample by its number, by several workers at once.

    Parameters
    ----------
    path : folder of a run, or its folder chips/.
    split : name of a split, or several.
    transform : called with each sample.
    layers : names of inputs, which become the channels in the order of the arrays of chips.zarr; by default all.
    label : layers of classes, which become ``mask``, and layers of numbers, which become ``target``, each in the order
        of their names; by default none.
    dates : "each", "together": a sample is a place on one date, or on all (places that lack one are left out); "pairs",
        "all_pairs": on two dates that follow each other, or on any two; by default as the dataset was made.
    query : which chips of the split, by columns of the index, as of `pandas.DataFrame.query`.
    decibel : powers and amplitudes in decibels; by default True.
    normalize : every layer with mean 0 and deviation 1 by the statistics of the training split; by default True.
    fill : what stands where a layer has no value, after that; by default 0.
    complex_images : layers that are stored as real and imaginary parts become one tensor ``complex``, [layer, line,
        sample], unscaled; by default False.

    A sample has ``image`` (float32 [channel, line, sample]; together: [date, channel, line, sample], and layers that
    compare a date with the reference date apart, as ``pairs``), ``valid`` (bool), ``id``, and labels: ``mask`` (int64,
    255 where not known; [line, sample], of several layers [label, line, sample]) and ``target`` (float32 [label, line,
    sample], NaN where not known). Labels that change with the date have it as their first axis where a sample has
    several. With layers that compare a date with the reference date, the reference date itself is no sample.

    A pair of dates has ``image`` [2, channel, line, sample], without layers that compare with the reference date, and
    with a label ``mask`` is its change: 1, 0 where there is none, 255 where not known. The label is one of classes that
    change with the date, or of days of events; see docs/chips.md.

    Raises AlignsarError where there are no chips, and for names that they do not have.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        split: str | Sequence[str] = "train",
        transform: Callable[[dict[str, Any]], Any] | None = None,
        **options: Any,
    ) -> None:
        self.samples = Samples(Path(path), split, SampleOptions(**options))
        self.transform = transform

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def channels(self) -> list[str]:
        """Names of the channels of ``image``."""
        return self.samples.channels

    @property
    def classes(self) -> dict[str, Any]:
        """Values of the classes that occur in ``mask``, by name; of several layers, by layer and name."""
        return self.samples.classes

    def __getitem__(self, number: int) -> Any:
        """Read a sample."""
        sample = {
            name: value if isinstance(value, str) else torch.from_numpy(value)
            for name, value in self.samples[number].items()
        }
        return sample if self.transform is None else self.transform(sample)
