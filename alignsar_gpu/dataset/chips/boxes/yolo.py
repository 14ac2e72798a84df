"""Label files and data.yaml of YOLO, as Ultralytics reads them.

https://docs.ultralytics.com/datasets/detect and https://docs.ultralytics.com/datasets/obb: a text file an image, a line
an object, coordinates as shares of the image. A file without lines is an image without objects.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from alignsar_gpu.dataset.chips.boxes.shown import ShownObject

FOLDER = "yolo"
TEST = "test"


def label_text(objects: Iterable[ShownObject], shape: tuple[int, int], *, oriented: bool) -> str:
    """Return the label file of an image: class, middle, width and height, or class and four corners."""
    return "".join(f"{_line(shown, shape, oriented=oriented)}\n" for shown in objects)


def _line(shown: ShownObject, shape: tuple[int, int], *, oriented: bool) -> str:
    size = np.array(shape[::-1], dtype=float)
    corners = np.clip(shown.corners(oriented=oriented) / size, 0.0, 1.0)
    low, high = corners[0], corners[2]
    values = corners if oriented else np.stack([0.5 * (low + high), high - low])
    return " ".join([str(shown.category), *(f"{value:.6f}" for value in values.ravel())])


def data_files(categories: Sequence[str], folders: Mapping[str, str]) -> dict[str, str]:
    """Return data.yaml, or of folds a file a fold that is tested, by their names.

    ``folders`` are those of the images of each split. Without a validation split, that is the test split, or the
    training split.
    """
    names = dict(enumerate(categories))
    if "train" not in folders:
        return {
            f"{fold}.yaml": _yaml(
                {"train": [path for name, path in folders.items() if name != fold], "val": folder}, names
            )
            for fold, folder in folders.items()
        }
    train, test = folders["train"], folders.get(TEST)
    parts = {"train": train, "val": folders.get("validation", test or train)}
    return {"data.yaml": _yaml(parts | ({TEST: test} if test else {}), names)}


def _yaml(parts: Mapping[str, str | list[str]], names: Mapping[int, str]) -> str:
    """Write a file without ``path``: Ultralytics then looks beside it, wherever the folder is."""
    lines = [f"{name}: {json.dumps(value)}" for name, value in parts.items()]  # JSON is YAML too
    return "\n".join([*lines, "names:", *(f"  {number}: {json.dumps(n)}" for number, n in names.items()), ""])
