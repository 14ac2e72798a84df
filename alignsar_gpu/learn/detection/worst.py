"""The images in which detections are most wrong, kept to be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import writing
from alignsar_gpu.learn.worst import FILE, SHOWN

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.learn.detection.boxes import Detections, Objects
    from alignsar_gpu.learn.detection.data import Split
    from alignsar_gpu.learn.detection.evaluation import Evaluation


def keep_worst(found: Evaluation, folder: Path) -> list[str]:
    """Write the images with most objects missed and false alarms into worst.npz; return the ids of their chips.

    Arrays: ``image`` [image, line, sample] (decibels, or the layer's own unit), ``boxes_truth`` and
    ``boxes_predicted`` [box, 5] (image, first line, first sample, lines, samples), their ``categories_...``, ``ids``.
    """
    folder.mkdir(parents=True, exist_ok=True)
    split, worst = found.split, found.worst()[:SHOWN]
    ids = [str(name) for name in split.column("id")[worst]]
    seen = found.found.take(found.found.score > found.threshold)
    arrays: dict[str, Any] = {
        "image": np.stack([_shown(split, image) for image in worst.tolist()]),
        "ids": np.array(ids),
    }
    for name, boxes in (("truth", split.objects), ("predicted", seen)):
        arrays |= {f"{part}_{name}": values for part, values in _boxes(boxes, worst).items()}
    path = folder / FILE
    with writing(path):
        np.savez_compressed(path, **arrays)
    return ids


def _shown(split: Split, image: int) -> NDArray[np.float32]:
    """Return the last power of an image in decibels, or its first channel."""
    powers = [number for number, factor in enumerate(split.scaling.decibels) if factor]
    values = split.values(image)[powers[-1] if powers else 0]
    if powers:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.float32(split.scaling.decibels[powers[-1]]) * np.log10(values)
    return np.asarray(values, dtype=np.float32)


def _boxes(boxes: Detections | Objects, images: NDArray[np.intp]) -> dict[str, NDArray[np.generic]]:
    of_image = [np.flatnonzero(boxes.image == image) for image in images]
    rows = np.concatenate(of_image)
    number = np.repeat(np.arange(len(images)), [len(of) for of in of_image])
    return {
        "boxes": np.column_stack([number, boxes.box[rows]]),
        "categories": boxes.category[rows].astype(np.uint8),
    }
