"""Boxes and detections in files of COCO, and what is refused."""

import json

import numpy as np
import pandas as pd
import pytest

from alignsar_gpu.errors import AlignsarError

pytest.importorskip("torch")
annotations = pytest.importorskip("alignsar_gpu.learn.detection.annotations")

CATEGORIES = [
    {"id": 1, "name": "ship", "supercategory": "ship"},
    {"id": 2, "name": "oil", "supercategory": "slick"},
]
IMAGES = [
    {"id": 4, "file_name": "images/test/a_20220101.png"},
    {"id": 9, "file_name": "../yolo/b_20220101.png"},
]


def annotated(image, category, box, **more):
    return {"image_id": image, "category_id": category, "bbox": box, "iscrowd": 0, "object": 1} | more


@pytest.fixture
def run(tmp_path):
    """A folder of a run with annotations of a split, and a table of its ships."""
    boxes = [
        annotated(9, 1, [10, 20, 30, 4], object=7),
        annotated(4, 2, [1, 2, 3, 4], object=7),
        annotated(4, 1, [5, 6, 7, 8], object=9, iscrowd=1),
    ]
    (tmp_path / "chips" / "coco").mkdir(parents=True)
    content = {"images": IMAGES, "annotations": boxes, "categories": CATEGORIES}
    (tmp_path / "chips" / "coco" / "val.json").write_text(json.dumps(content))
    (tmp_path / "labels").mkdir()
    table = pd.DataFrame({"number": [3, 7], "rcs_vv": [1.0, 2500.0]})
    table.to_parquet(tmp_path / "labels" / "ship.parquet")
    return tmp_path


def test_objects_have_lines_first_and_cross_sections_of_their_table(run):
    read = annotations.read_annotations(run, "validation")
    assert read.images == {"a_20220101": 4, "b_20220101": 9}
    assert read.categories == ["ship", "oil"]
    objects = read.objects
    assert objects.box.tolist() == [[20, 10, 4, 30], [2, 1, 4, 3], [6, 5, 8, 7]]
    assert objects.image.tolist() == [9, 4, 4]
    assert objects.category.tolist() == [0, 1, 0]
    assert objects.crowd.tolist() == [False, False, True]
    np.testing.assert_array_equal(objects.cross_section, [2500.0, np.nan, np.nan])


def test_results_name_images_as_ultralytics_does(run):
    read = annotations.read_annotations(run, "validation")
    results = [
        {"image_id": "a_20220101", "category_id": 2, "bbox": [1.5, 2, 3, 4], "score": 0.5},
        {"image_id": 9, "category_id": 1, "bbox": [10, 20, 30, 4], "score": 0.25},
    ]
    path = run / "predictions.json"
    path.write_text(json.dumps(results))
    found = annotations.read_results(path, read)
    assert found.image.tolist() == [4, 9]
    assert found.category.tolist() == [1, 0]
    assert found.score.tolist() == [0.5, 0.25]
    assert found.box.tolist() == [[2.0, 1.5, 4.0, 3.0], [20.0, 10.0, 4.0, 30.0]]


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ({"image_id": "c"}, "a detection in image c of category 1, which the split does not have"),
        ({"category_id": 3}, "in image 9 of category 3"),
        ({"score": None}, "is no list of detections"),
        ({"bbox": [1, 2, 3]}, "is no list of detections"),
    ],
)
def test_other_results_are_refused(run, result, words):
    read = annotations.read_annotations(run, "validation")
    path = run / "predictions.json"
    usual = {"image_id": 9, "category_id": 1, "bbox": [10, 20, 30, 4], "score": 0.25}
    path.write_text(json.dumps([usual | result]))
    with pytest.raises(AlignsarError, match=words):
        annotations.read_results(path, read)


def test_files_that_are_none_are_refused(run):
    path = run / "chips" / "coco" / "val.json"
    with pytest.raises(
        AlignsarError, match=r"make the chips with chips.products=\[zarr,coco\] and chips.boxes"
    ):
        annotations.read_annotations(run, "test")
    path.write_text("{")
    with pytest.raises(AlignsarError, match="cannot be read as JSON"):
        annotations.read_annotations(run, "validation")
    path.write_text(json.dumps({"images": []}))
    with pytest.raises(AlignsarError, match="is no file of boxes"):
        annotations.read_annotations(run, "validation")
    path.write_text("[1]")
    with pytest.raises(AlignsarError, match="is no file of boxes"):
        annotations.read_annotations(run, "validation")
