"""Boxes of objects in chips: rectangles, label files of YOLO, annotations of COCO, images."""

import json

import numpy as np
import pytest
import yaml

from alignsar_gpu.dataset.chips.boxes import coco, yolo
from alignsar_gpu.dataset.chips.boxes.pictures import Channel
from alignsar_gpu.dataset.chips.boxes.shown import ShownObject

SHAPE = (6, 8)


def shown(mask, line=1, sample=2, category=0, visible=1.0):
    return ShownObject(
        number=7, category=category, line=line, sample=sample, mask=np.array(mask, bool), visible=visible
    )


CORNER = shown([[1, 1, 1], [1, 0, 0]])
DIAGONAL = shown(np.eye(4, dtype=bool), line=2, sample=3)


class TestShownObject:
    def test_runs_give_the_mask_back(self):
        for one in (CORNER, shown([[1]], 0, 0), shown(np.ones(SHAPE), 0, 0), DIAGONAL):
            runs = one.runs(SHAPE)
            flat = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
            mask = flat.reshape(SHAPE[::-1]).T
            x, y, width, height = one.box
            np.testing.assert_array_equal(mask[y : y + height, x : x + width], one.mask)
            assert mask.sum() == one.area

    def test_oriented_boxes_hold_all_pixels_on_the_least_area(self):
        corners = DIAGONAL.corners(oriented=True)
        sides = np.linalg.norm(np.diff(corners, axis=0), axis=1)
        assert sorted(sides[:2]) == pytest.approx([np.sqrt(2.0), 4 * np.sqrt(2.0)])
        assert corners[:, 0].min() == pytest.approx(2.5)
        assert np.ptp(DIAGONAL.corners(oriented=False), axis=0).tolist() == [4.0, 4.0]


class TestYolo:
    def test_lines(self):
        text = yolo.label_text([CORNER, shown([[1]], 5, 7, category=2)], SHAPE, oriented=False)
        assert text == "0 0.437500 0.333333 0.375000 0.333333\n2 0.937500 0.916667 0.125000 0.166667\n"
        assert yolo.label_text([], SHAPE, oriented=False) == ""

    def test_corners_stay_in_the_image(self):
        line = yolo.label_text([shown(np.eye(6, dtype=bool), 0, 0)], SHAPE, oriented=True).split()
        values = np.array(line[1:], dtype=float)
        assert line[0] == "0"
        assert values.size == 8
        assert values.min() == 0.0
        assert values.max() == 1.0

    def test_data_files(self):
        names = ["ship", "field"]
        files = yolo.data_files(names, {"test": "images/test", "train": "images/train"})
        assert yaml.safe_load(files["data.yaml"]) == {
            "train": "images/train",
            "val": "images/test",
            "test": "images/test",
            "names": {0: "ship", 1: "field"},
        }
        folds = yolo.data_files(names, {f"fold_{k}": f"images/fold_{k}" for k in range(3)})
        assert set(folds) == {"fold_0.yaml", "fold_1.yaml", "fold_2.yaml"}
        one = yaml.safe_load(folds["fold_1.yaml"])
        assert (one["train"], one["val"]) == (["images/fold_0", "images/fold_2"], "images/fold_1")


def test_coco(tmp_path):
    annotations = [coco.annotation(CORNER, 1, 5, SHAPE, 0.3), coco.annotation(DIAGONAL, 2, 5, SHAPE, 1.5)]
    path = coco.write_annotations(tmp_path / "coco/train.json", {"info": {}}, iter([{"id": 5}]), annotations)
    found = json.loads(path.read_text())
    assert found["images"] == [{"id": 5}]
    first, second = found["annotations"]
    assert (first["bbox"], first["area"], first["category_id"]) == ([2, 1, 3, 2], 4, 1)
    assert (first["iscrowd"], second["iscrowd"]) == (0, 1)
    assert sum(first["segmentation"]["counts"]) == 48


def test_images_are_scaled_by_percentiles():
    channel = Channel(name="sigma0_vv", array="images", index=0, decibel=10.0, limits=(-20.0, 0.0))
    values = np.array([np.nan, 0.0, 0.001, 0.01, 0.1, 1.0, 5.0, -1.0], dtype=np.float32)
    assert channel.of_byte(values).tolist() == [0, 1, 1, 1, 128, 255, 255, 1]
