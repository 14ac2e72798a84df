"""Average precision of detections, as COCO defines it.

Detections are matched to objects from the highest score on, each to the free object that it overlaps most, at a
threshold of intersection over union. Precision is taken at 101 recalls, as the largest at that recall or beyond.
What is matched to a crowd does not count. T.-Y. Lin et al. 2014, Microsoft COCO, ECCV; `COCOeval` of pycocotools
gives the same numbers (tests/85_learn/test_860_average_precision.py).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.learn.detection.boxes import overlaps, rows_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.learn.detection.boxes import Detections, Objects

THRESHOLDS = np.linspace(0.5, 0.95, 10)  # of intersection over union
RECALLS = np.linspace(0.0, 1.0, 101)
MOST = 100  # detections of a category in an image that count


@dataclass(frozen=True, kw_only=True, eq=False)
class Matched:
    """Detections of a category, from the highest score on, and whether they are right.

    Attributes
    ----------
    image : of each detection.
    right, counts : [threshold, detection]: it has found an object; it counts at all.
    objects : image of each object that is no crowd.
    """

    image: NDArray[np.int64]
    right: NDArray[np.bool_]
    counts: NDArray[np.bool_]
    objects: NDArray[np.int64]

    def average_precision(
        self, weights: NDArray[np.float64], levels: int = len(THRESHOLDS)
    ) -> NDArray[np.float64]:
        """Compute the average precision at each of the first ``levels`` thresholds; NaN without objects.

        ``weights`` say how often each image counts, for a bootstrap; 1 everywhere otherwise.
        """
        total = weights[self.objects].sum()
        if not total:
            return np.full(levels, np.nan)
        weight = weights[self.image] * self.counts[:levels]
        right = np.cumsum(weight * self.right[:levels], axis=1)
        found = np.cumsum(weight, axis=1)
        precision = right / np.maximum(found, np.finfo(float).tiny)
        best = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        best = np.pad(best, ((0, 0), (0, 1)))  # recalls that are not reached
        return np.array(
            [p[np.searchsorted(r, RECALLS)].mean() for p, r in zip(best, right / total, strict=True)]
        )


def match(found: Detections, objects: Objects, category: int) -> Matched:
    """Match the detections of a category to its objects at all thresholds."""
    found, objects = found.take(found.category == category), objects.take(objects.category == category)
    found = found.take(np.lexsort([-found.score, found.image]))
    of_image, parts, kept = rows_of(objects.image), [], []
    for image, rows in rows_of(found.image).items():
        kept.append(rows[:MOST])
        parts.append(_match_image(found.take(kept[-1]), objects.take(of_image.get(image, rows[:0]))))
    chosen = found.take(np.concatenate(kept)) if kept else found
    right, counts = np.concatenate(parts, axis=-1) if parts else np.zeros((2, len(THRESHOLDS), 0), dtype=bool)
    order = np.argsort(-chosen.score, kind="stable")
    return Matched(
        image=chosen.image[order],
        right=right[:, order],
        counts=counts[:, order],
        objects=objects.image[~objects.crowd],
    )


def _match_image(found: Detections, objects: Objects) -> NDArray[np.bool_]:
    """Match sorted detections to the objects of their image; return ``right`` and ``counts`` of `Matched`."""
    right = np.zeros((len(THRESHOLDS), len(found)), dtype=bool)
    counts = np.ones_like(right)
    objects = objects.take(np.argsort(objects.crowd, kind="stable"))
    shared, real = overlaps(found.box, objects.box, objects.crowd), ~objects.crowd
    for level, threshold in enumerate(THRESHOLDS):
        free = np.ones(len(objects), dtype=bool)
        for number, values in enumerate(shared):
            fits = free & (values >= threshold)
            if (fits & real).any():
                fits &= real
            elif not fits.any():
                continue
            best = np.flatnonzero(fits)
            chosen = best[values[best] == values[best].max()][-1]
            right[level, number] = counts[level, number] = real[chosen]
            free[chosen] = not real[chosen]
    return np.stack([right, counts])


def mean_precision(
    matched: Sequence[Matched], weights: NDArray[np.float64], levels: int = len(THRESHOLDS)
) -> float:
    """Return the mean over the first ``levels`` thresholds and the categories that have objects; NaN if none has."""
    values = np.stack([of.average_precision(weights, levels) for of in matched])
    known = values[~np.isnan(values).any(axis=1)]
    return float(known.mean()) if len(known) else float("nan")
