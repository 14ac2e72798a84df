"""What the outputs of a network become: layers of predictions.zarr, by task."""

from __future__ import annotations

from abc import ABC, abstractmethod
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.cube import CubeLayer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from alignsar_gpu.application.learn.reading import ChannelReader
    from alignsar_gpu.learn.model_files import ModelFacts

NO_CLASS = 255
PREFIX = "predicted_"
FLAGS = ("flag_values", "flag_meanings", "flag_colors")


class Outputs(ABC):
    """The layers that a model's predictions become.

    Parameters
    ----------
    facts : of the model.
    reader : of the channels.
    about : attributes of all layers: which model it was.
    """

    def __init__(self, facts: ModelFacts, reader: ChannelReader, about: Mapping[str, Any]) -> None:
        self.facts, self.reader, self._about = facts, reader, about
        reader.require(len(self.samples()[0][0]) if self.samples() else 0)

    @abstractmethod
    def samples(self) -> list[tuple[Sequence[int], int | None]]:
        """List the dates of each sample, and the date that its layers get; None for layers without time."""

    @abstractmethod
    def layers(self, cube: xr.Dataset) -> list[CubeLayer]:
        """Describe the layers."""

    @abstractmethod
    def values(self, outputs: NDArray[np.float32], known: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
        """Return the layers [line, sample] by name from what the network gives, [output, line, sample]."""

    def empty(self) -> list[int]:
        """List dates that layers have, and no sample."""
        found = [date for _, date in self.samples()]
        return [] if None in found else [date for date in self.reader.dates if date not in found]

    def _layer(self, name: str, **attributes: Any) -> CubeLayer:
        is_dated = any(date is not None for _, date in self.samples())
        dtype = "uint8" if "flag_values" in attributes else "float32"
        return CubeLayer(
            name=name, dtype=dtype, dated=is_dated, attributes={"units": "1", **attributes, **self._about}
        )


class LandCover(Outputs):
    """The class of each pixel by the images of all dates, and its probability."""

    def samples(self) -> list[tuple[Sequence[int], int | None]]:
        """See `Outputs.samples`."""
        return [(self.reader.dates, None)]

    @property
    def _name(self) -> str:
        return f"{PREFIX}{self.facts.label}"

    def layers(self, cube: xr.Dataset) -> list[CubeLayer]:
        """See `Outputs.layers`."""
        label = self.facts.label
        words = label.replace("_", " ")
        return [
            self._layer(
                self._name,
                **_flags(self.facts.classes, cube[label].attrs if label in cube else {}),
                long_name=f"predicted {words}",
                description=f"class of {words} with the highest probability; {NO_CLASS}: no date has data",
            ),
            self._layer(
                f"{self._name}_probability",
                long_name=f"probability of predicted {words}",
                description="softmax of the class that is predicted; not calibrated",
                valid_range=[0.0, 1.0],
            ),
        ]

    def values(self, outputs: NDArray[np.float32], known: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
        """See `Outputs.values`."""
        codes = np.array(list(self.facts.classes.values()), dtype=np.uint8)
        classes = codes[outputs.argmax(axis=0)]
        probability = 1.0 / np.exp(outputs - outputs.max(axis=0)).sum(axis=0)
        return {
            self._name: np.where(known, classes, np.uint8(NO_CLASS)),
            f"{self._name}_probability": np.where(known, probability, np.float32(np.nan)),
        }


class Change(Outputs):
    """The probability that a pixel changes between two dates that follow each other, at the second of them."""

    def samples(self) -> list[tuple[Sequence[int], int | None]]:
        """See `Outputs.samples`."""
        return [(pair, pair[1]) for pair in pairwise(self.reader.dates)]

    def layers(self, cube: xr.Dataset) -> list[CubeLayer]:  # noqa: ARG002  (of all cubes alike)
        """See `Outputs.layers`."""
        return [
            self._layer(
                f"{PREFIX}change",
                long_name="probability of change since the date before",
                description="1 less the softmax of no change; not calibrated; the first date has none",
                valid_range=[0.0, 1.0],
            )
        ]

    def values(self, outputs: NDArray[np.float32], known: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
        """See `Outputs.values`."""
        shares = np.exp(outputs - outputs.max(axis=0))
        change = 1.0 - shares[0] / shares.sum(axis=0)
        return {f"{PREFIX}change": np.where(known, change, np.float32(np.nan))}


class Detection(Outputs):
    """How likely a pixel is the middle of an object of each kind, on each date."""

    def samples(self) -> list[tuple[Sequence[int], int | None]]:
        """See `Outputs.samples`."""
        without = self.reader.reference if self.reader.compares else None
        return [((date,), date) for date in self.reader.dates if date != without]

    def layers(self, cube: xr.Dataset) -> list[CubeLayer]:  # noqa: ARG002  (of all cubes alike)
        """See `Outputs.layers`."""
        return [
            self._layer(
                f"{PREFIX}{kind}",
                long_name=f"score of the middle of an object: {kind.replace('_', ' ')}",
                description="sigmoid of the network of centres; its peaks are in detections.parquet",
                valid_range=[0.0, 1.0],
            )
            for kind in self.facts.classes
        ]

    def values(self, outputs: NDArray[np.float32], known: NDArray[np.bool_]) -> dict[str, NDArray[Any]]:
        """See `Outputs.values`."""
        heat = 1.0 / (1.0 + np.exp(-outputs[: len(self.facts.classes)]))
        return {
            f"{PREFIX}{kind}": np.where(known, heat[number], np.float32(np.nan))
            for number, kind in enumerate(self.facts.classes)
        }


OUTPUTS: dict[str, type[Outputs]] = {"land_cover": LandCover, "change": Change, "detection": Detection}


def _flags(classes: Mapping[str, int], label: Mapping[str, Any]) -> dict[str, Any]:
    """Return the codes, names and colours of classes: those of the label, if it has them all."""
    of_label = [int(code) for code in label.get("flag_values", ())]
    if set(classes.values()) <= set(of_label):
        return {name: label[name] for name in FLAGS if name in label}
    return {
        "flag_values": [*classes.values(), NO_CLASS],
        "flag_meanings": " ".join([*(name.replace(" ", "_") for name in classes), "unknown"]),
    }
