"""Annotation files of COCO: images, objects with box and mask, categories.

https://cocodataset.org/#format-data: boxes are first sample, first line, width and height in pixels; masks are run
lengths, column by column, which are exact for pixels.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from alignsar_gpu.errors import AlignsarError, writing
from alignsar_gpu.opening.texts import load_json

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

    from alignsar_gpu.dataset.chips.boxes.shown import ShownObject

FOLDER = "coco"


def annotation(
    shown: ShownObject, number: int, image: int, shape: tuple[int, int], least_visible: float
) -> dict[str, Any]:
    """Describe an object; one that shows too little of itself is a crowd, which is neither right nor wrong to find."""
    return {
        "id": number,
        "image_id": image,
        "category_id": shown.category + 1,
        "bbox": list(shown.box),
        "area": shown.area,
        "segmentation": {"size": list(shape), "counts": shown.runs(shape)},
        "iscrowd": int(shown.visible < least_visible),
        "visible": round(shown.visible, 6),
        "object": shown.number,
    }


def write_annotations(
    path: Path,
    facts: Mapping[str, Any],
    images: Iterable[Mapping[str, Any]],
    annotations: Iterable[Mapping[str, Any]],
) -> Path:
    """Write a file with ``facts`` (info, categories), images and annotations, which are taken one after the other."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with writing(path), path.open("w", encoding="utf-8") as file:
        file.write(json.dumps(dict(facts))[:-1])
        for name, items in (("images", images), ("annotations", annotations)):
            file.write(f', "{name}": [')
            for number, item in enumerate(items):
                file.write(",\n" * (number > 0) + json.dumps(item, allow_nan=False))
            file.write("]")
        file.write("}\n")
    return path


def read_file(path: Path) -> Any:
    """Read annotations or results. Raises AlignsarError for a file that is not there, or is no JSON."""
    try:
        return load_json(path.read_bytes())
    except (OSError, ValueError) as error:
        raise AlignsarError(f"{path}: cannot be read as JSON ({error}); name a file of COCO") from None
