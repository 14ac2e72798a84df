"""Objects of a label in the whole image: every pixel has the number of its object."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np
import shapely
from scipy import ndimage

from alignsar_gpu.application.objects.choice import read_classes
from alignsar_gpu.application.objects.regions import Classes, find_objects
from alignsar_gpu.dataset.blocks import ChunkGrid
from alignsar_gpu.dataset.chips.boxes.shown import ShownObject

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    import xarray as xr
    from numpy.typing import NDArray

    from alignsar_gpu.application.chips.boxes.layers import BoxLayer
    from alignsar_gpu.application.chips.source import Source
    from alignsar_gpu.application.objects.regions import Facts, Objects
    from alignsar_gpu.config.chips import BoxesConfig
    from alignsar_gpu.device import Device

CONNECTIVITY = 8
NO_ID = 0  # in layers of ids; what is not known is less
PIXEL = 128  # bytes of a pixel of a strip while regions are looked for
Counted = tuple[
    "NDArray[np.int64]", "NDArray[np.int64]", "NDArray[np.int64]"
]  # category, pixels, name of each object


@dataclass(kw_only=True, eq=False)
class NumberedImage:
    """Numbers of objects, from 1 on, of each pixel of a label.

    Attributes
    ----------
    numbers : [date, line, sample], 0 without an object; one date where all share the label.
    category, pixels, name : of each object; of number 0 too, which is none. Its name is the number that users see: the
        id of a feature, on all dates; of others, their own number.
    """

    numbers: NDArray[np.int32]
    category: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    pixels: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, dtype=np.int64))
    name: NDArray[np.int64] = field(default_factory=lambda: np.zeros(1, dtype=np.int64))

    def add(self, category: NDArray[Any], pixels: NDArray[Any], name: NDArray[Any]) -> None:
        """Add objects behind those that are there."""
        self.category = np.concatenate([self.category, category])
        self.pixels = np.concatenate([self.pixels, pixels])
        self.name = np.concatenate([self.name, name])

    @property
    def count(self) -> int:
        """How many objects there are."""
        return self.pixels.size - 1

    def shown(self, date: int, lines: slice, samples: slice) -> Iterator[ShownObject]:
        """Yield the objects that a window shows, which may reach beyond the image."""
        numbers = self._window(date if len(self.numbers) > 1 else 0, lines, samples)
        there = np.unique(numbers[numbers > 0])
        local = np.where(numbers > 0, 1 + np.searchsorted(there, numbers), 0)
        for index, part in enumerate(ndimage.find_objects(local)):
            number, mask = int(there[index]), local[part] == 1 + index
            yield ShownObject(
                number=int(self.name[number]),
                category=int(self.category[number]),
                line=part[0].start,
                sample=part[1].start,
                mask=mask,
                visible=float(np.count_nonzero(mask) / self.pixels[number]),
            )

    def _window(self, date: int, *window: slice) -> NDArray[np.int32]:
        """Read the numbers of a window; 0 beyond the image."""
        inside = [
            slice(max(part.start, 0), min(part.stop, size))
            for part, size in zip(window, self.numbers.shape[1:], strict=True)
        ]
        missing = [
            (own.start - part.start, part.stop - own.stop) for own, part in zip(inside, window, strict=True)
        ]
        return np.pad(self.numbers[date][tuple(inside)], missing)


@dataclass(frozen=True, kw_only=True, eq=False)
class PointBoxes:
    """Boxes around points, those in pixels that touch in one.

    Attributes
    ----------
    category : of all of them.
    boxes : first line and sample, and those behind the last, [object, 4].
    """

    category: int
    boxes: NDArray[np.int64]

    @classmethod
    def of(cls, facts: Facts, least: Sequence[int], category: int) -> PointBoxes:
        """Put boxes around regions of pixels with points; smaller ones are widened to ``least`` lines and samples."""
        ends = []
        for axis, size in zip(("line", "sample"), least, strict=True):
            first, stop = facts[f"first_{axis}"], facts[f"last_{axis}"] + 1
            begin = first - np.maximum(size - (stop - first), 0) // 2
            ends.append((begin, begin + np.maximum(stop - first, size)))
        (top, bottom), (left, right) = ends
        return cls(category=category, boxes=np.stack([top, left, bottom, right], axis=1))

    @cached_property
    def _tree(self) -> shapely.STRtree:
        return shapely.STRtree(shapely.box(*self.boxes.T))

    def shown(self, date: int, lines: slice, samples: slice) -> Iterator[ShownObject]:  # noqa: ARG002
        """Yield the boxes that a window shows, on any date; see `NumberedImage`."""
        found = self._tree.query(shapely.box(lines.start, samples.start, lines.stop, samples.stop))
        for number in np.sort(found).tolist():
            box = self.boxes[number]
            first = np.maximum(box[:2], (lines.start, samples.start))
            size = np.minimum(box[2:], (lines.stop, samples.stop)) - first
            if (size > 0).all():
                yield ShownObject(
                    number=1 + number,
                    category=self.category,
                    line=int(first[0] - lines.start),
                    sample=int(first[1] - samples.start),
                    mask=np.ones(size, dtype=bool),
                    visible=float(size.prod() / (box[2:] - box[:2]).prod()),
                )


@dataclass(frozen=True, kw_only=True, eq=False)
class _Label:
    """The values of a label on a date, in strips."""

    values: xr.Variable
    strips: Sequence[slice]
    layer: BoxLayer
    device: Device

    def parts(self) -> Iterator[tuple[slice, NDArray[Any]]]:
        """Yield the values of each strip."""
        return ((lines, np.asarray(self.values[lines].values)) for lines in self.strips)

    def regions(self, smallest: int) -> tuple[Classes, Objects]:
        """Find the connected regions of the classes, or of pixels with points."""
        classes = Classes(
            read=partial(read_classes, self.values, np.array(list(self.layer.classes))),
            count=len(self.layer.classes),
            connectivity=CONNECTIVITY,
            device=self.device,
        )
        return classes, find_objects(classes, self.strips, smallest)


def number_objects(
    source: Source, layer: BoxLayer, first: int, config: BoxesConfig, device: Device, temporary: Path
) -> NumberedImage | PointBoxes:
    """Find the objects of a label; ``first`` is the index of its first category.

    Numbers are kept in a file in the folder ``temporary``, which is gone as soon as they are.
    """
    data = source.data[layer.name].transpose(..., *source.dimensions)
    dates = [data.variable] if data.ndim == 2 else [data.variable[date] for date in range(len(data))]
    most = max(1, source.held // PIXEL)
    strips = ChunkGrid.of(data, source.dimensions).rows(most, most=most)
    labels = [_Label(values=values, strips=strips, layer=layer, device=device) for values in dates]
    if layer.kind == "points":
        return PointBoxes.of(labels[0].regions(1)[1].facts, config.point, first)
    with tempfile.TemporaryFile(dir=temporary) as file:
        numbers = np.memmap(file, dtype=np.int32, mode="w+", shape=(len(dates), *source.shape))
    image = NumberedImage(numbers=numbers)
    number = _regions if layer.kind == "regions" else _features
    for label, of_date in zip(labels, numbers, strict=True):
        category, pixels, name = number(label, image.count, of_date, config.smallest)
        image.add(category + first, pixels, name)
    return image


def _regions(label: _Label, before: int, numbers: NDArray[np.int32], smallest: int) -> Counted:
    """Number the connected regions of each class, behind those ``before``; return what is known of them."""
    classes, objects = label.regions(smallest)
    for strip, lines in enumerate(label.strips):
        found = label.device.download(objects.image(classes, strip))
        numbers[lines] = np.where(found > 0, found + before, 0)
    pixels = objects.facts["pixels"]
    return objects.facts["class"] - 1, pixels, before + 1 + np.arange(len(pixels))


def _features(label: _Label, before: int, numbers: NDArray[np.int32], smallest: int) -> Counted:
    """Number features by their ids, all parts of one together, likewise."""
    found = [np.unique(values, return_counts=True) for _, values in label.parts()]
    ids, part = np.unique(np.concatenate([of for of, _ in found]), return_inverse=True)
    pixels = np.bincount(part, np.concatenate([count for _, count in found])).astype(np.int64)
    kept = (ids > NO_ID) & (pixels >= smallest)
    number_of = np.where(kept, before + np.cumsum(kept), 0)
    for lines, values in label.parts():
        numbers[lines] = number_of[np.searchsorted(ids, values)]
    return np.zeros(np.count_nonzero(kept), dtype=np.int64), pixels[kept], ids[kept].astype(np.int64)
