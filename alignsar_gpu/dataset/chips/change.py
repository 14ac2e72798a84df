"""Masks of change between two dates: from classes of each date, or from the day of an event."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.cube import SINCE
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

CHANGES = {"unchanged": 0, "changed": 1}
UNKNOWN = 255


@dataclass(frozen=True, kw_only=True)
class Changes:
    """Labels from which change is told, in order.

    Attributes
    ----------
    epochs : of each, the day that its values count from; None for classes of dates.
    """

    epochs: Sequence[np.datetime64 | None]

    @classmethod
    def of(cls, names: Sequence[str], layers: Mapping[str, Mapping[str, Any]]) -> Changes:
        """Find out how labels tell change, by ``layers`` of dataset.json.

        Raises AlignsarError for a label that does not: one that is the same on all dates.
        """
        return cls(epochs=[_epoch(name, layers[name]) for name in names])

    def mask(self, labels: NDArray[Any], days: NDArray[np.datetime64]) -> NDArray[np.int64]:
        """Return where the ground changes between two days: 1, 0 where not, 255 where that is not known.

        ``labels`` are those of both dates, [date, label, line, sample]. An event belongs to the pair whose first day is
        before it and whose second is not. The mask is [label, line, sample], or [line, sample] of a single label.
        """
        masks = [
            _of_classes(*labels[:, number]) if epoch is None else _of_days(labels[0, number], days - epoch)
            for number, epoch in enumerate(self.epochs)
        ]
        return masks[0] if len(masks) == 1 else np.stack(masks)


def tells_change(layer: Mapping[str, Any]) -> bool:
    """Return whether a layer of dataset.json has classes of dates, or days of events."""
    return layer["array"] == "dated_classes" or SINCE in str(layer.get("units", ""))


def _epoch(name: str, layer: Mapping[str, Any]) -> np.datetime64 | None:
    units = str(layer.get("units", ""))
    if layer["array"] == "dated_classes":
        return None
    if SINCE in units:
        try:
            return np.datetime64(units.partition(SINCE)[2].strip()[:10], "D")
        except ValueError:
            raise AlignsarError(
                f"label={name}: its unit is {units!r}, which names no day; make it again"
            ) from None
    raise AlignsarError(
        f"label={name}: is the same on all dates and has no days of events, so it tells no change; name a label of "
        "classes that change with the date, or one of days (a vector's attribute of dates with method: mean)"
    )


def _of_classes(before: NDArray[Any], after: NDArray[Any]) -> NDArray[np.int64]:
    known = (before != UNKNOWN) & (after != UNKNOWN)
    return np.where(known, before != after, UNKNOWN).astype(np.int64)


def _of_days(event: NDArray[np.float32], days: NDArray[np.timedelta64]) -> NDArray[np.int64]:
    first, second = days.astype("timedelta64[D]").astype(np.float64)
    day = np.floor(event.astype(np.float64))
    return np.where(np.isnan(event), UNKNOWN, (first < day) & (day <= second)).astype(np.int64)
