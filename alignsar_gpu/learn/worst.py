"""The samples that a model gets most wrong, kept to be looked at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import writing

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

FILE = "worst.npz"
SHOWN = 6


@dataclass(frozen=True, kw_only=True, eq=False)
class Worst:
    """Samples, the worst first.

    Attributes
    ----------
    ids : their names.
    image : what is shown of them [sample, line, sample], decibels or the layer's own unit.
    truth, predicted : numbers of classes, uint8; 255 where not known.
    """

    ids: Sequence[str]
    image: NDArray[np.float32]
    truth: NDArray[np.uint8]
    predicted: NDArray[np.uint8]

    def write(self, folder: Path) -> Path:
        """Write worst.npz into a folder."""
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / FILE
        with writing(path):
            np.savez_compressed(path, **{**vars(self), "ids": np.array(list(self.ids))})
        return path


def read_worst(path: Path) -> dict[str, Any]:
    """Read worst.npz as arrays by name."""
    with np.load(path, allow_pickle=False) as file:
        return dict(file)
