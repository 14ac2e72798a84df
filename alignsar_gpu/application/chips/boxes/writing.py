"""Write chips as 8-bit images with the boxes of their objects, for YOLO and COCO."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.application.chips.boxes.layers import categories_of
from alignsar_gpu.application.fingerprints import write_text
from alignsar_gpu.dataset.chips.boxes import coco, yolo
from alignsar_gpu.dataset.chips.boxes.pictures import PERCENTILES, picture, write_picture
from alignsar_gpu.dataset.chips.boxes.splits import split_folder
from alignsar_gpu.dataset.chips.summing import in_order
from alignsar_gpu.errors import writing

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import geopandas as gpd
    from numpy.typing import NDArray

    from alignsar_gpu.application.chips.boxes.layers import BoxLayer
    from alignsar_gpu.application.chips.boxes.numbering import NumberedImage, PointBoxes
    from alignsar_gpu.application.chips.cutting import Cutting
    from alignsar_gpu.config.chips import ChipsConfig
    from alignsar_gpu.dataset.chips.boxes.pictures import Channel
    from alignsar_gpu.dataset.chips.boxes.shown import ShownObject
    from alignsar_gpu.dataset.chips.store import ChipStore


@dataclass(frozen=True, kw_only=True, eq=False)
class BoxFiles:
    """The files that have boxes, of all chips that have an image.

    Attributes
    ----------
    path : folder of the dataset.
    config : of the chips.
    cutting : how they were cut.
    store, index : chips as they are stored; those that the images show.
    layers : labels whose objects have boxes, and these objects in the whole image.
    channels : what the images show.
    workers : threads.
    """

    path: Path
    config: ChipsConfig
    cutting: Cutting
    store: ChipStore
    index: gpd.GeoDataFrame
    layers: Sequence[tuple[BoxLayer, NumberedImage | PointBoxes]]
    channels: Sequence[Channel]
    workers: int

    @cached_property
    def categories(self) -> list[str]:
        """Names of the categories, in order."""
        return categories_of([layer for layer, _ in self.layers])

    @cached_property
    def _columns(self) -> dict[str, list[Any]]:
        names = ("id", "chip", "place", "date", "split", "first_line", "first_sample")
        return {name: self.index[name].tolist() for name in names}

    @property
    def splits(self) -> list[str]:
        """Names of the splits."""
        return sorted(set(self._columns["split"]))

    def objects(self, row: int) -> list[ShownObject]:
        """Return what a chip shows of each object."""
        of, windows = self._columns, self.cutting.windows
        first = of["first_line"][row] - windows.halo, of["first_sample"][row] - windows.halo
        window = [slice(start, start + size) for start, size in zip(first, windows.shape, strict=True)]
        date = self.cutting.source.dates.index(of["date"][row])
        return [shown for _, image in self.layers for shown in image.shown(date, window[0], window[1])]

    def boxed(self, row: int) -> list[ShownObject]:
        """Return the objects of which a chip shows enough."""
        return [shown for shown in self.objects(row) if shown.visible >= self.config.boxes.least_visible]

    def _image_name(self, row: int) -> str:
        split = self._columns["split"][row]
        return f"images/{split_folder(split)}/{self._columns['id'][row]}.png"

    def write_chip(self, row: int) -> list[Path]:
        """Write the image of a chip, and its label file."""
        of, first = self._columns, self.config.box_products[0]
        image = picture(self.store, self.channels, of["chip"][row], of["place"][row])
        files = [write_picture(self.path / first / self._image_name(row), image)]
        if first == yolo.FOLDER:
            name = self._image_name(row).replace("images", "labels", 1).replace(".png", ".txt")
            label = self.path / yolo.FOLDER / name
            label.parent.mkdir(parents=True, exist_ok=True)
            oriented = self.config.boxes.shape == "oriented"
            text = yolo.label_text(self.boxed(row), self.cutting.windows.shape, oriented=oriented)
            with writing(label):
                label.write_text(text)
            files.append(label)
        return files

    def write_data(self) -> None:
        """Write data.yaml, or those of folds."""
        folders = {split: f"images/{split_folder(split)}" for split in self.splits}
        for name, text in yolo.data_files(self.categories, folders).items():
            write_text(self.path / yolo.FOLDER / name, text)

    def write_annotations(self, split: str) -> Path:
        """Write the COCO file of a split."""
        rows = [row for row, name in enumerate(self._columns["split"]) if name == split]
        path = self.path / coco.FOLDER / f"{split_folder(split)}.json"
        images = (self._image(row) for row in rows)
        return coco.write_annotations(path, self._coco_facts(), images, self._annotations(rows))

    def _coco_facts(self) -> dict[str, Any]:
        of = self.cutting.source.data.attrs
        sources = [layer.name for layer, _ in self.layers for _ in layer.classes]
        names = zip(self.categories, sources, strict=True)
        return {
            "info": {"description": str(of.get("title", "")), "version": "1"},
            "licenses": [{"id": 1, "name": str(of["license"])}] if "license" in of else [],
            "categories": [
                {"id": 1 + number, "name": name, "supercategory": layer}
                for number, (name, layer) in enumerate(names)
            ],
        }

    def _image(self, row: int) -> dict[str, Any]:
        height, width = self.cutting.windows.shape
        first = self.config.box_products[0]
        beside = "" if first == coco.FOLDER else f"../{first}/"
        of = self._columns
        return {
            "id": 1 + of["chip"][row],
            "file_name": f"{beside}{self._image_name(row)}",
            "height": height,
            "width": width,
            "date_captured": of["date"][row],
        }

    def _annotations(self, rows: Sequence[int]) -> Iterator[dict[str, Any]]:
        numbers, shape = count(1), self.cutting.windows.shape
        for row, shown in zip(rows, in_order(self.objects, rows, self.workers), strict=True):
            image = 1 + self._columns["chip"][row]
            for one in shown:
                yield coco.annotation(one, next(numbers), image, shape, self.config.boxes.least_visible)

    def facts(self) -> dict[str, Any]:
        """Return what dataset.json says of boxes."""
        boxes = self.config.boxes
        return {
            "products": self.config.box_products,
            "categories": self.categories,
            "layers": [layer.name for layer, _ in self.layers],
            "shape": boxes.shape,
            "smallest": boxes.smallest,
            "least_visible": boxes.least_visible,
            "point": list(boxes.point),
            "image": {
                channel.name: {
                    "array": channel.array,
                    "unit": "dB" if channel.decibel else "linear",
                    "limits": list(channel.limits),
                    "percentiles": list(PERCENTILES),
                }
                for channel in self.channels
            },
            "counts": self._counts(),
        }

    def _counts(self) -> Mapping[str, Mapping[str, int]]:
        """Count the boxes of each category in each split."""
        sums = {split: np.zeros(len(self.categories), dtype=np.int64) for split in self.splits}
        rows = list(range(len(self.index)))
        for row, found in zip(rows, in_order(self._count, rows, self.workers), strict=True):
            sums[self._columns["split"][row]] += found
        return {
            split: dict(zip(self.categories, found.tolist(), strict=True)) for split, found in sums.items()
        }

    def _count(self, row: int) -> NDArray[np.int64]:
        categories = np.array([shown.category for shown in self.boxed(row)], dtype=np.int64)
        return np.bincount(categories, minlength=len(self.categories))
