"""Average precision against pycocotools, and against cases that can be counted by hand."""

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch")

from alignsar_gpu.learn.detection.boxes import Detections, Objects, overlaps, rows_of
from alignsar_gpu.learn.detection.scoring import THRESHOLDS, match, mean_precision

CASES = json.loads((Path(__file__).parents[1] / "support" / "pycocotools_cases.json").read_text())["cases"]
BOX = [10.0, 20.0, 4.0, 10.0]


def objects_of(rows):
    """Rows of image, category, box and crowd."""
    columns = np.array(rows, dtype=float).reshape(-1, 7)
    return Objects(
        image=columns[:, 0].astype(int),
        category=columns[:, 1].astype(int),
        box=columns[:, 2:6],
        crowd=columns[:, 6] > 0,
        cross_section=np.full(len(columns), np.nan),
    )


def detections_of(rows):
    """Rows of image, category, score and box."""
    columns = np.array(rows, dtype=float).reshape(-1, 7)
    return Detections(
        image=columns[:, 0].astype(int),
        category=columns[:, 1].astype(int),
        score=columns[:, 2],
        box=columns[:, 3:],
    )


@pytest.mark.parametrize("case", CASES, ids=range(len(CASES)))
def test_is_that_of_pycocotools(case):
    found, objects = detections_of(case["found"]), objects_of(case["objects"])
    matched = [match(found, objects, category) for category in range(3)]
    assert mean_precision(matched, np.ones(12), 1) == pytest.approx(case["map50"], abs=1e-12)
    assert mean_precision(matched, np.ones(12)) == pytest.approx(case["map50_95"], abs=1e-12)
    ap50 = [of.average_precision(np.ones(12))[0] for of in matched]
    assert ap50 == pytest.approx(case["ap50"], abs=1e-12)


@pytest.mark.parametrize(
    ("scores", "boxes", "expected"),
    [
        ([0.9], [BOX], 1.0),
        ([0.9, 0.8], [BOX, [50.0, 50.0, 4.0, 4.0]], 1.0),  # a false alarm below the object
        ([0.8, 0.9], [BOX, [50.0, 50.0, 4.0, 4.0]], 0.5),  # and above it
        ([0.9], [[10.0, 20.0, 4.0, 8.0]], 7 / 10),  # overlaps by 0.8: right at 0.5, 0.55, ... 0.8
        ([], [], 0.0),
    ],
)
def test_of_one_object(scores, boxes, expected):
    found = detections_of([[0, 0, score, *box] for score, box in zip(scores, boxes, strict=True)])
    precision = match(found, objects_of([[0, 0, *BOX, 0]]), 0).average_precision(np.ones(1))
    assert precision.mean() == pytest.approx(expected, abs=1e-12)
    assert len(precision) == len(THRESHOLDS)


def test_without_objects_is_not_known():
    matched = match(detections_of([[0, 0, 0.9, *BOX]]), objects_of([]), 0)
    assert np.isnan(matched.average_precision(np.ones(1))).all()
    assert np.isnan(mean_precision([matched], np.ones(1)))


def test_weights_are_images_that_are_drawn_more_than_once():
    case = CASES[1]
    found, objects = detections_of(case["found"]), objects_of(case["objects"])
    weights = np.random.default_rng(0).integers(0, 3, 12)
    copies = np.repeat(np.arange(12), weights)

    def drawn(of):
        rows = rows_of(of.image)
        parts = [of.take(rows.get(image, np.zeros(0, int))) for image in copies.tolist()]
        joined = type(of).joined(parts)
        lengths = [len(part) for part in parts]
        return type(of)(**vars(joined) | {"image": np.repeat(np.arange(len(parts)), lengths)})

    for category in range(3):
        expected = match(drawn(found), drawn(objects), category).average_precision(np.ones(len(copies)))
        weighted = match(found, objects, category).average_precision(weights.astype(float))
        # where several images have the same score, their copies stand in another order
        assert weighted == pytest.approx(expected, abs=0.02)


def test_overlaps_are_those_of_pixels():
    rng = np.random.default_rng(0)
    boxes = np.concatenate([rng.integers(0, 12, (20, 2)), rng.integers(1, 9, (20, 2))], axis=1).astype(float)
    crowd = rng.random(20) < 0.3
    masks = np.zeros((20, 24, 24), bool)
    for mask, (line, sample, lines, samples) in zip(masks, boxes.astype(int), strict=True):
        mask[line : line + lines, sample : sample + samples] = True
    shared = (masks[:, None] & masks).sum(axis=(2, 3))
    union = np.where(crowd, masks.sum(axis=(1, 2))[:, None], (masks[:, None] | masks).sum(axis=(2, 3)))
    np.testing.assert_allclose(overlaps(boxes, boxes, crowd), shared / union)
