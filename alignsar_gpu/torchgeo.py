"""Chips for torchgeo 0.8 and later (extra ``torchgeo``): `Chips`, a dataset, and `ChipDataModule` for its trainers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torchgeo.datamodules import NonGeoDataModule
from torchgeo.datasets import NonGeoDataset

from alignsar_gpu.torch import ChipDataset

if TYPE_CHECKING:
    from collections.abc import Callable
    from os import PathLike

SPLITS = {"val": "validation"}  # what torchgeo calls them otherwise


class Chips(ChipDataset, NonGeoDataset):
    """Chips of a split, as torchgeo has them: `ChipDataset` with ``bounds`` (west, south, east, north) in ``crs``.

    The split "val" is "validation"; ``options`` are those of `ChipDataset`.
    """

    def __init__(
        self,
        path: str | PathLike[str],
        split: str = "train",
        transforms: Callable[[dict[str, Any]], Any] | None = None,
        **options: Any,
    ) -> None:
        super().__init__(path, SPLITS.get(split, split), None, **options)
        self.transforms = transforms
        footprints = self.samples.index["footprint"]
        self.crs = footprints.crs
        self._bounds = torch.tensor(footprints.bounds.to_numpy())

    def __getitem__(self, number: int) -> Any:
        """Read a sample."""
        sample = super().__getitem__(number)
        sample["bounds"] = self._bounds[int(self.samples.rows(number)[0])]
        return sample if self.transforms is None else self.transforms(sample)


class ChipDataModule(NonGeoDataModule):
    """Splits of chips for trainers of torchgeo and Lightning; keys are those of `Chips`.

    Chips are normalised by the statistics of their training split, so torchgeo does not do it again.
    """

    mean, std = torch.tensor(0), torch.tensor(1)

    def __init__(
        self, path: str | PathLike[str], batch_size: int = 16, num_workers: int = 0, **options: Any
    ) -> None:
        super().__init__(Chips, batch_size, num_workers, path=path, **options)
