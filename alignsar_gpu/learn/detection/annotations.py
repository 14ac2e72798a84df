"""Read the boxes of objects of a run, and the detections of other programs, from files of COCO."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from alignsar_gpu.dataset.chips.boxes import coco
from alignsar_gpu.dataset.chips.boxes.splits import split_folder
from alignsar_gpu.dataset.chips.opening import folder_of
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.learn.detection.boxes import Detections, Objects

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

TABLES = "labels"  # folder of a run: a table of features for each label of ids
NUMBER, CROSS_SECTION = "number", "rcs_vv"  # columns of such a table
COLUMNS = ("image_id", "category_id", "bbox", "iscrowd", "object")  # of annotations
KEYS = "chips.products=[zarr,coco] and chips.boxes.layers=[LABEL]"


@dataclass(frozen=True, kw_only=True)
class Annotations:
    """The objects of a split.

    Attributes
    ----------
    images : numbers of the images, by the ids of their chips.
    categories : names, in order.
    objects : with the numbers of images, and indices of categories.
    """

    images: Mapping[str, int]
    categories: Sequence[str]
    objects: Objects


def read_annotations(chips: Path, split: str) -> Annotations:
    """Read the objects of a split of a run. Raises AlignsarError where its chips have no boxes."""
    folder = folder_of(chips)
    path = folder / coco.FOLDER / f"{split_folder(split)}.json"
    if not path.is_file():
        raise AlignsarError(
            f"{path}: is not there, so there are no boxes to learn from; make the chips with {KEYS}"
        )
    content = coco.read_file(path)
    try:
        return _annotations(content, folder.parent / TABLES)
    except (KeyError, TypeError, ValueError) as error:
        raise AlignsarError(f"{path}: is no file of boxes ({error!r}); make the chips again") from None


def _annotations(content: Mapping[str, Any], tables: Path) -> Annotations:
    rows = pd.DataFrame(content["annotations"], columns=list(COLUMNS))
    names = {one["id"]: one["name"] for one in content["categories"]}
    category = np.searchsorted(list(names), rows["category_id"].to_numpy(dtype=np.int64))
    layers = np.array([one["supercategory"] for one in content["categories"]], dtype=object)
    return Annotations(
        images={PurePosixPath(one["file_name"]).stem: one["id"] for one in content["images"]},
        categories=list(names.values()),
        objects=Objects(
            image=rows["image_id"].to_numpy(dtype=np.int64),
            category=category,
            box=_by_lines(rows["bbox"]),
            crowd=rows["iscrowd"].to_numpy(dtype=bool),
            cross_section=_cross_sections(tables, layers[category], rows["object"]),
        ),
    )


def _by_lines(boxes: Iterable[Sequence[float]]) -> NDArray[np.float64]:
    """Return boxes of COCO (first sample, first line, samples, lines) in the order of `Detections.box`."""
    return np.array(list(boxes), dtype=np.float64).reshape(-1, 4)[:, [1, 0, 3, 2]]


def _cross_sections(tables: Path, layers: NDArray[Any], features: pd.Series) -> NDArray[np.float64]:
    """Look up the radar cross-section of each object in the table of its label; NaN where that has none."""
    found = np.full(len(features), np.nan)
    for layer in dict.fromkeys(layers.tolist()):
        path = tables / f"{layer}.parquet"
        table = pd.read_parquet(path) if path.is_file() else pd.DataFrame()
        if {NUMBER, CROSS_SECTION} <= set(table.columns):
            of_number = table.set_index(NUMBER)[CROSS_SECTION]
            found[layers == layer] = features[layers == layer].map(of_number).to_numpy(dtype=np.float64)
    return found


def read_results(path: Path, annotations: Annotations) -> Detections:
    """Read detections from a file of COCO results: a list of image_id, category_id (from 1 on), bbox and score.

    An image may be given by its number in the annotations, or by the name of its file without ending, as
    ``yolo detect val ... save_json=True`` gives it. Raises AlignsarError for others, and for categories that the
    annotations do not have.
    """
    content = coco.read_file(path)
    try:
        given = [(one["image_id"], int(one["category_id"]) - 1, float(one["score"])) for one in content]
        box = _by_lines(one["bbox"] for one in content)
    except (KeyError, TypeError, ValueError) as error:
        raise AlignsarError(
            f"{path}: is no list of detections ({error!r}); give image_id, category_id, bbox and score of each"
        ) from None
    known = set(annotations.images.values())
    images = [annotations.images.get(image, image) for image, _, _ in given]
    for image, (_, category, _) in zip(images, given, strict=True):
        if image not in known or not 0 <= category < len(annotations.categories):
            raise AlignsarError(
                f"{path}: has a detection in image {image} of category {category + 1}, which the split does not have; "
                "give detections of its images, with the categories of the same dataset"
            )
    return Detections(
        image=np.array(images, dtype=np.int64),
        category=np.array([category for _, category, _ in given], dtype=np.int64),
        score=np.array([score for _, _, score in given], dtype=np.float64),
        box=box,
    )
