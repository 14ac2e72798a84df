"""Make the files with boxes of a run's chips: objects of the whole image first, then the files, unit by unit."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.application.chips.boxes.layers import choose_box_layers, choose_image, facts_of
from alignsar_gpu.application.chips.boxes.numbering import number_objects
from alignsar_gpu.application.chips.boxes.writing import BoxFiles
from alignsar_gpu.application.chips.layers import decibels_of
from alignsar_gpu.dataset.chips.boxes import coco, yolo
from alignsar_gpu.dataset.chips.boxes.pictures import Channel
from alignsar_gpu.dataset.chips.summing import in_order
from alignsar_gpu.device import cpu_threads

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    import geopandas as gpd

    from alignsar_gpu.application.chips.boxes.layers import BoxLayer
    from alignsar_gpu.application.chips.boxes.numbering import NumberedImage, PointBoxes
    from alignsar_gpu.application.chips.cutting import Cutting
    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.application.stage import Run
    from alignsar_gpu.dataset.chips.store import ChipStore

BATCH = 256  # chips whose files are a unit
STAGE = "boxes"


def make_boxes(
    run: Run,
    folder: RunFolder,
    path: Path,
    cutting: Cutting,
    store: ChipStore,
    index: gpd.GeoDataFrame,
    statistics: Mapping[str, Any],
) -> dict[str, Any]:
    """Write the files with boxes into ``path``, the folder of chips; return what dataset.json says of them.

    ``statistics`` are those of the training split, by which the images are scaled.
    """
    chosen = choose_image(run.config.chips.boxes.image, cutting.layers)
    channels = [Channel.of(name, store, decibels_of(name), statistics) for name in chosen]
    if any(channel.array == "pairs" for channel in channels):
        index = index[~index["is_reference"]]  # which is not compared with itself
    layers = _number(run, folder.work, cutting)
    files = BoxFiles(
        path=path,
        config=run.config.chips,
        cutting=cutting,
        store=store,
        index=index,
        layers=layers,
        channels=channels,
        workers=cpu_threads(),
    )
    _write(run, folder, files)
    return files.facts()


def _number(run: Run, temporary: Path, cutting: Cutting) -> list[tuple[BoxLayer, NumberedImage | PointBoxes]]:
    source, boxes = cutting.source, run.config.chips.boxes
    layers = choose_box_layers(run.config.chips, facts_of(source))
    numbered, first = [], 0
    with run.timer.stage("objects", len(layers)) as advance:
        for layer in layers:
            image = number_objects(source, layer, first, boxes, run.device, temporary)
            numbered.append((layer, image))
            first += len(layer.classes)
            advance(1)
    return numbered


def _write(run: Run, folder: RunFolder, files: BoxFiles) -> None:
    products, rows = run.config.chips.box_products, np.arange(len(files.index))
    batches = [rows[first : first + BATCH].tolist() for first in range(0, len(rows), BATCH)]
    splits = files.splits if coco.FOLDER in products else []
    with run.timer.stage(STAGE, len(batches) + len(splits)) as advance:
        for number, batch in enumerate(batches):
            unit = f"chips/images-{number}"
            if not folder.is_recorded(unit):
                written = in_order(files.write_chip, batch, files.workers)
                folder.record(unit, [path for of_chip in written for path in of_chip])
            advance(1)
        for split in splits:
            unit = f"chips/coco-{split}"
            if not folder.is_recorded(unit):
                folder.record(unit, [files.write_annotations(split)])
            advance(1)
        if yolo.FOLDER in products:
            files.write_data()
