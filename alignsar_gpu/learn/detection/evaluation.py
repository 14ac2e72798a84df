"""Score the detections of a model in a split: average precision, false alarms, and how sure the scores are."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.learn.detection.false_alarms import Noticed, notice
from alignsar_gpu.learn.detection.scoring import THRESHOLDS, Matched, match, mean_precision
from alignsar_gpu.learn.scores import plain

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.learn.detection.boxes import Detections
    from alignsar_gpu.learn.detection.data import Split

RATE = 0.1  # false alarms per km2, at which models are compared
SCORES = ("map50", "map50_95", "detected")


@dataclass(frozen=True, kw_only=True, eq=False)
class Evaluation:
    """Detections in a split, compared with its objects.

    Attributes
    ----------
    split : with the objects.
    found : detections.
    matched : of each category.
    noticed : objects with a radar cross-section (all where none is known), and false alarms of their categories.
    area : of each image, km2.
    block : number of the block of ground of each image.
    """

    split: Split
    found: Detections
    matched: list[Matched]
    noticed: Noticed
    area: NDArray[np.float64]
    block: NDArray[np.intp]

    @property
    def blocks(self) -> int:
        """Number of blocks of ground."""
        return int(self.block.max(initial=-1)) + 1

    def score(self, name: str, drawn: NDArray[np.intp] | None = None) -> float:
        """Compute ``map50``, ``map50_95``, or the share of objects ``detected`` at RATE; of blocks that are drawn."""
        weights = np.ones(len(self.split))
        if drawn is not None:
            weights = np.bincount(drawn, minlength=self.blocks)[self.block].astype(np.float64)
        if name == "detected":
            return self.noticed.probability(self.noticed.threshold(RATE, self.area, weights), weights)
        return mean_precision(self.matched, weights, 1 if name == "map50" else len(THRESHOLDS))

    @property
    def threshold(self) -> float:
        """The lowest score with at most RATE false alarms per km2."""
        return self.noticed.threshold(RATE, self.area, np.ones(len(self.split)))

    def by_category(self) -> dict[str, dict[str, Any]]:
        """Return the average precision of each category, and the number of its objects."""
        found = {}
        for name, matched in zip(self.split.categories, self.matched, strict=True):
            precision = matched.average_precision(np.ones(len(self.split)))
            found[name] = {
                "ap50": plain(precision[0]),
                "ap50_95": plain(float(precision.mean())),
                "objects": len(matched.objects),
            }
        return found

    def curves(self) -> dict[str, Any]:
        """Return curves of detections against false alarms per km2, and against the radar cross-section at RATE."""
        own = {
            f"froc_{name}": notice(self.found, self.split.objects, [number]).curve(self.area)
            for number, name in enumerate(self.split.categories)
        }
        by_cross_section = self.noticed.by_cross_section(self.threshold)
        return {"froc": self.noticed.curve(self.area), **own, "by_cross_section": by_cross_section}

    def worst(self) -> NDArray[np.intp]:
        """Return the images in order of their false alarms and objects that are missed at RATE, the worst first."""
        wrong = np.bincount(
            self.noticed.alarm_image[self.noticed.alarms > self.threshold], minlength=len(self.split)
        )
        wrong += np.bincount(
            self.noticed.image[self.noticed.score <= self.threshold], minlength=len(self.split)
        )
        return np.argsort(-wrong, kind="stable")


def evaluate(found: Detections, split: Split) -> Evaluation:
    """Compare detections with the objects of a split."""
    objects, every = split.objects, range(len(split.categories))
    known = np.unique(objects.category[np.isfinite(objects.cross_section)]).tolist()
    _, block = np.unique(split.column("block").astype(str), return_inverse=True)
    return Evaluation(
        split=split,
        found=found,
        matched=[match(found, objects, category) for category in every],
        noticed=notice(found, objects, known or list(every)),
        area=split.area,
        block=block,
    )
