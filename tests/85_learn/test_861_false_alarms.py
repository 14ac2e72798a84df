"""Detections against false alarms, and by radar cross-section, against what is counted one by one."""

import numpy as np
import pytest

pytest.importorskip("torch")

from alignsar_gpu.learn.detection.boxes import Detections, Objects
from alignsar_gpu.learn.detection.false_alarms import notice, wilson


def scene(seed=0, images=6, objects=30, found=80):
    rng = np.random.default_rng(seed)

    def boxes(count):
        return np.concatenate([rng.integers(0, 30, (count, 2)), rng.integers(2, 12, (count, 2))], axis=1)

    there = Objects(
        image=rng.integers(0, images, objects),
        category=rng.integers(0, 3, objects),
        box=boxes(objects).astype(float),
        crowd=rng.random(objects) < 0.2,
        cross_section=10 ** rng.uniform(1.0, 4.0, objects),
    )
    seen = Detections(
        image=rng.integers(0, images, found),
        category=rng.integers(0, 3, found),
        score=rng.random(found),
        box=boxes(found).astype(float),
    )
    return seen, there


def inside(box, other):
    middle = box[:2] + box[2:] / 2
    return bool((middle >= other[:2]).all() and (middle <= other[:2] + other[2:]).all())


def brute_force(found, objects, categories, threshold):
    """Objects noticed above a score, and false alarms there."""
    kept = [n for n in range(len(found)) if found.category[n] in categories and found.score[n] > threshold]
    of_object = [
        [n for n in kept if found.image[n] == objects.image[k] and inside(found.box[n], objects.box[k])]
        for k in range(len(objects))
    ]
    real = [k for k in range(len(objects)) if not objects.crowd[k] and objects.category[k] in categories]
    hits = {n for of in of_object for n in of}
    return [bool(of_object[k]) for k in real], len(kept) - len(hits)


@pytest.mark.parametrize("categories", [[0, 1, 2], [1], [0, 2]])
def test_curve_is_counted_one_by_one(categories):
    found, objects = scene()
    noticed, area = notice(found, objects, categories), np.full(6, 0.5)
    curve = noticed.curve(area)
    assert len(curve["x"]) >= 3
    levels = np.unique(noticed.score[np.isfinite(noticed.score)])[::-1]
    for level, alarms, share in zip(levels, curve["x"], curve["y"], strict=True):
        seen, false = brute_force(found, objects, categories, np.nextafter(level, 0.0))
        assert alarms == pytest.approx(false / 3.0, abs=1e-6)
        assert share == pytest.approx(np.mean(seen), abs=1e-6)


def test_threshold_has_as_many_false_alarms_as_are_wanted():
    found, objects = scene(1)
    noticed, area = notice(found, objects, [0, 1, 2]), np.full(6, 0.5)
    for rate in (0.0, 1.0, 3.0):
        threshold = noticed.threshold(rate, area, np.ones(6))
        seen, false = brute_force(found, objects, [0, 1, 2], threshold)
        assert false <= rate * 3.0 < brute_force(found, objects, [0, 1, 2], np.nextafter(threshold, 0.0))[1]
        assert noticed.probability(threshold, np.ones(6)) == pytest.approx(np.mean(seen))
    assert noticed.threshold(100.0, area, np.ones(6)) == -np.inf
    weights = np.array([3.0, 0, 1, 0, 0, 2])
    assert np.isinf(noticed.score).any()  # some are never noticed
    share = (weights[noticed.image] * (noticed.score > 0.5)).sum() / weights[noticed.image].sum()
    assert noticed.probability(0.5, weights) == pytest.approx(share)


def test_probability_by_cross_section():
    found, objects = scene(2, objects=200, found=300)
    noticed = notice(found, objects, [0, 1, 2])
    curve = noticed.by_cross_section(0.4)
    decibels = 10 * np.log10(noticed.cross_section)
    for x, y, count, low, high in zip(
        *(curve[name] for name in ("x", "y", "count", "low", "high")), strict=True
    ):
        of_bin = (decibels >= x - 2.5) & (decibels < x + 2.5)
        assert count == of_bin.sum() > 0
        assert y == pytest.approx((noticed.score[of_bin] > 0.4).mean(), abs=1e-6)
        assert low <= y <= high
    assert sum(curve["count"]) == len(decibels)


def test_intervals_are_those_of_wilson():
    low, high = wilson(np.array([0.0, 0.5, 1.0]), np.array([10, 10, 10]))
    assert low == pytest.approx([0.0, 0.2366, 0.7225], abs=1e-4)  # as statsmodels' proportion_confint
    assert high == pytest.approx([0.2775, 0.7634, 1.0], abs=1e-4)
