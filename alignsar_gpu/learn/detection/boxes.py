"""Boxes of objects and detections in many images, and how far boxes overlap."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Self

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray


class _Rows:
    """Columns of equal length."""

    def __len__(self) -> int:
        return len(getattr(self, fields(self)[0].name))  # type: ignore[arg-type]

    def take(self, rows: NDArray[Any]) -> Self:
        """Return some rows, by their numbers or a mask."""
        names = [item.name for item in fields(self)]  # type: ignore[arg-type]
        return type(self)(**{name: getattr(self, name)[rows] for name in names})

    @classmethod
    def joined(cls, parts: Sequence[Self]) -> Self:
        """Return the rows of all parts, one after the other."""
        names = [item.name for item in fields(cls)]  # type: ignore[arg-type]
        return cls(**{name: np.concatenate([getattr(part, name) for part in parts]) for name in names})


@dataclass(frozen=True, kw_only=True, eq=False)
class Detections(_Rows):
    """Boxes that a model has found.

    Attributes
    ----------
    image : number of the image.
    category : index of the category.
    score : the larger, the surer.
    box : first line, first sample, lines and samples, [detection, 4].
    """

    image: NDArray[np.int64]
    category: NDArray[np.int64]
    score: NDArray[np.float64]
    box: NDArray[np.float64]

    @classmethod
    def none(cls) -> Detections:
        """Return no detections."""
        number = np.zeros(0, dtype=np.int64)
        return cls(image=number, category=number, score=np.zeros(0), box=np.zeros((0, 4)))


@dataclass(frozen=True, kw_only=True, eq=False)
class Objects(_Rows):
    """Boxes of the objects that are there.

    Attributes
    ----------
    image, category, box : see `Detections`.
    crowd : objects that show too little of themselves: finding them is neither right nor wrong.
    cross_section : radar cross-section in VV, m2; NaN where it is not known.
    """

    image: NDArray[np.int64]
    category: NDArray[np.int64]
    box: NDArray[np.float64]
    crowd: NDArray[np.bool_]
    cross_section: NDArray[np.float64]


def rows_of(image: NDArray[np.int64]) -> dict[int, NDArray[np.intp]]:
    """Return the rows of each image, in their order."""
    order = np.argsort(image, kind="stable")
    numbers, first = np.unique(image[order], return_index=True)
    return dict(zip(numbers.tolist(), np.split(order, first[1:]), strict=True)) if len(image) else {}


def shared_areas(boxes: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
    """Compute the area that each box shares with each other one, [box, other]."""
    first = np.maximum(boxes[:, np.newaxis, :2], others[np.newaxis, :, :2])
    ends = (part[..., :2] + part[..., 2:] for part in (boxes[:, np.newaxis], others[np.newaxis]))
    sides = np.maximum(np.minimum(*ends) - first, 0.0)
    return np.asarray(sides.prod(axis=-1))


def overlaps(
    boxes: NDArray[np.float64], others: NDArray[np.float64], crowd: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """Compute the intersection over union of boxes with objects, [box, object]; of crowds, over the box alone."""
    shared = shared_areas(boxes, others)
    area, other = (part[:, 2] * part[:, 3] for part in (boxes, others))
    union = area[:, np.newaxis] + np.where(crowd, 0.0, other - shared)
    return shared / np.maximum(union, np.finfo(float).tiny)
