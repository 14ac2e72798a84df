"""8-bit images of chips, scaled by the statistics of the training split."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from alignsar_gpu.errors import writing

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.dataset.chips.store import ChipStore

PERCENTILES = ("1", "99")  # of the training split, that become the least and the greatest number
LEAST, GREATEST = 1, 255  # 0: no data


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A layer that images show.

    Attributes
    ----------
    name : of the layer.
    array, index : where it is stored.
    decibel : what its logarithm is multiplied by; 0 where it stays linear.
    limits : values (or decibels) that become LEAST and GREATEST.
    """

    name: str
    array: str
    index: int
    decibel: float
    limits: tuple[float, float]

    @classmethod
    def of(cls, name: str, store: ChipStore, decibel: float, statistics: Mapping[str, Any]) -> Channel:
        """Scale a layer by the statistics of the training split (content of statistics.json)."""
        array = next(array for array, layers in store.layers.items() if name in layers)
        values = statistics["layers"][name]["decibel" if decibel else "linear"]["percentiles"]
        low, high = (float(values.get(percent, 0.0)) for percent in PERCENTILES)
        return cls(
            name=name,
            array=array,
            index=store.layers[array].index(name),
            decibel=decibel,
            limits=(low, high if high > low else low + 1.0),
        )

    def of_byte(self, values: NDArray[Any]) -> NDArray[np.uint8]:
        """Turn values into numbers from LEAST to GREATEST, and 0 where there is no data."""
        known = np.isfinite(values)
        scaled = values.astype(np.float64)
        if self.decibel:
            with np.errstate(divide="ignore", invalid="ignore"):
                scaled = self.decibel * np.log10(np.maximum(scaled, 0.0))
        low, high = self.limits
        share = np.clip((scaled - low) / (high - low), 0.0, 1.0)
        return np.where(known, np.rint(LEAST + share * (GREATEST - LEAST)), 0.0).astype(np.uint8)


def picture(store: ChipStore, channels: Sequence[Channel], chip: int, place: int) -> NDArray[np.uint8]:
    """Return the image of a chip, [line, sample] of one channel or [line, sample, channel] of three."""
    stored = {
        array: store.read(array, place if array == "ground" else chip)
        for array in dict.fromkeys(channel.array for channel in channels)
    }
    planes = [channel.of_byte(stored[channel.array][channel.index]) for channel in channels]
    return planes[0] if len(planes) == 1 else np.stack(planes, axis=-1)


def write_picture(path: Path, image: NDArray[np.uint8]) -> Path:
    """Write an image as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path):
        Image.fromarray(image).save(path)
    return path
