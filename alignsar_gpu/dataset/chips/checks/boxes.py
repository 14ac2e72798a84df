"""Check images and boxes of YOLO and COCO against the index: in the folder of their split, boxes inside of images."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.chips.boxes import coco, yolo
from alignsar_gpu.dataset.chips.boxes.splits import split_folder
from alignsar_gpu.dataset.chips.description import DATASET
from alignsar_gpu.opening.texts import load_json

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.dataset.chips.checks.findings import Dataset, Findings

COLUMNS = {"straight": 5, "oriented": 9}  # of a line of a label file


def check_boxes(dataset: Dataset, findings: Findings) -> None:
    """Check the files with boxes, if there are any."""
    facts = dataset.facts.get("boxes")
    if facts is None:
        return
    index = dataset.index
    if not facts["products"] or "is_reference" not in index:
        findings.fail(DATASET, "boxes: names no products, or the index has no column is_reference")
        return
    before, first, count = len(findings.failures), facts["products"][0], 0
    if any(channel["array"] == "pairs" for channel in facts["image"].values()):
        index = index[~index["is_reference"]]
    expected = {f"{split_folder(s)}/{name}" for name, s in zip(index["id"], index["split"], strict=True)}
    _compare(dataset.folder / first / "images", ".png", expected, findings)
    if yolo.FOLDER in facts["products"]:
        labels = dataset.folder / yolo.FOLDER / "labels"
        _compare(labels, ".txt", expected, findings)
        wrong = [path.name for path in sorted(labels.rglob("*.txt")) if not _is_right(path, facts)]
        findings.require(wrong, f"{yolo.FOLDER}/labels", "files with other lines than of boxes in the image")
    if coco.FOLDER in facts["products"]:
        size = [pixels + 2 * dataset.facts["halo"] for pixels in dataset.facts["size"]]
        for split in sorted(set(index["split"])):
            chips = set((1 + index["chip"][index["split"] == split]).tolist())
            path = dataset.folder / coco.FOLDER / f"{split_folder(split)}.json"
            count += _check_annotations(path, chips, size, len(facts["categories"]), findings)
    if len(findings.failures) == before:
        boxes = f", {count} boxes of {coco.FOLDER} lie inside" if count else ""
        findings.prove(f"{len(expected)} images are each in the folder of their split{boxes}")


def _compare(folder: Path, ending: str, expected: set[str], findings: Findings) -> None:
    """Check that a folder has a file for each chip, in the folder of its split, and no others."""
    there = {str(path.relative_to(folder).with_suffix("")) for path in folder.rglob(f"*{ending}")}
    where = f"{folder.parent.name}/{folder.name}"
    findings.require(sorted(expected - there), where, "chips that have no file in the folder of their split")
    findings.require(
        sorted(there - expected), where, "files in the folder of a split that their chip is not in"
    )


def _is_right(path: Path, facts: Any) -> bool:
    """Whether each line of a label file has a category and coordinates from 0 to 1."""
    columns = COLUMNS.get(facts["shape"], 0)
    try:
        rows = [[float(word) for word in line.split()] for line in path.read_text("ascii").splitlines()]
    except ValueError:
        return False
    if any(len(row) != columns for row in rows):
        return False
    values: NDArray[np.float64] = np.array(rows).reshape(-1, columns)
    category, places = values[:, 0], values[:, 1:]
    is_known = np.isin(category, np.arange(len(facts["categories"])))
    return bool(is_known.all() and ((places >= 0.0) & (places <= 1.0)).all())


def _check_annotations(
    path: Path, chips: set[int], size: list[int], categories: int, findings: Findings
) -> int:
    """Check a COCO file: its images are the chips of the split, and boxes lie inside; return how many there are."""
    where = f"{coco.FOLDER}/{path.name}"
    try:
        content = load_json(path.read_bytes())
        images = {image["id"] for image in content["images"]}
        annotations = content["annotations"]
        boxes = np.array([one["bbox"] for one in annotations], dtype=float).reshape(-1, 4)
        named = np.array([one["category_id"] for one in annotations], dtype=float)
        of = {one["image_id"] for one in annotations}
    except (OSError, ValueError, KeyError, TypeError) as error:
        findings.fail(where, f"cannot be read ({error!r})")
        return 0
    findings.require(sorted(images ^ chips), where, "images that are not the chips of its split")
    findings.require(sorted(of - images), where, "images of boxes that it does not name")
    ends = boxes[:, :2] + boxes[:, 2:]
    inside = (boxes[:, :2] >= 0.0).all(axis=1) & (boxes[:, 2:] > 0.0).all(axis=1)
    inside &= (ends <= size[::-1]).all(axis=1) & np.isin(named, 1 + np.arange(categories))
    findings.require(np.flatnonzero(~inside).tolist(), where, "boxes outside of the image, or of no category")
    return len(boxes)
