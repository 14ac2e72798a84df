"""Detection at a constant false-alarm rate in chips: the floor that networks are measured against.

The training split decides which categories are darker than what is around them, how large the windows are, and which
false-alarm rate and gaps within objects are best. CFAR does not tell categories apart: a detection gets the one whose
surroundings are most often as bright.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.learn.detection.boxes import Detections, rows_of
from alignsar_gpu.learn.detection.cfar import TOUCHING, Cfar, Compared, connected
from alignsar_gpu.learn.detection.scoring import match

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.learn.detection.boxes import Objects
    from alignsar_gpu.learn.detection.data import Split

RATES = (1e-2, 1e-3, 1e-4, 1e-5, 1e-6)  # of false alarms, of which the best is taken
JOINS = (TOUCHING, (5, 17), (9, 33))  # of `Cfar`, of which the best is taken too
SMOOTH = (3, 11)  # lines and samples, for what is dark
LEAST_GUARD = (5, 17)  # lines and samples
WIDER = 2.5  # times the guard: the training window
SMALLEST = {False: 2, True: 60}  # pixels of a detection that is bright, or dark
TRIED = 100  # images with objects, and as many without, that rates are tried on
LEAST_SPREAD = 1.0  # dB
CORRELATED = 0.5  # independent looks a pixel: neighbouring pixels of an SLC are alike


@dataclass(frozen=True, kw_only=True, eq=False)
class Detector:
    """CFAR for the categories that are bright, or for those that are dark.

    Attributes
    ----------
    cfar : windows and threshold.
    powers : channels whose ratios to what is around are averaged.
    categories : indices of the categories.
    level, spread : mean and deviation of what is around their objects, dB, [category, power].
    """

    cfar: Cfar
    powers: Sequence[int]
    categories: NDArray[np.intp]
    level: NDArray[np.float64]
    spread: NDArray[np.float64]

    def compare(self, values: NDArray[np.float32]) -> list[Compared]:
        """Compare the powers of an image [channel, line, sample] of linear values with what is around."""
        return [self.cfar.compare(values[power]) for power in self.powers]

    def detect(self, compared: Sequence[Compared], image: int) -> Detections:
        """Detect objects in an image whose powers are compared."""
        ratio, cells = np.mean([of.ratio for of in compared], axis=0), compared[0].cells
        with np.errstate(divide="ignore", invalid="ignore"):
            strength = np.nan_to_num(10.0 * np.log10(ratio) * (-1.0 if self.cfar.dark else 1.0))
        found = connected(self.cfar.detect(ratio, cells), strength, self.cfar, image)
        return replace(found, category=self._category(levels_around(compared, found.box)))

    def _category(self, level: NDArray[np.float64]) -> NDArray[np.int64]:
        """Return the category whose surroundings are most often as bright as ``level``, [detection, power]."""
        apart = ((level[:, np.newaxis] - self.level) / self.spread) ** 2 + 2.0 * np.log(self.spread)
        best = apart.sum(axis=2).argmin(axis=1)
        return np.asarray(self.categories[best], dtype=np.int64)


def decibels(power: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return powers in decibels; NaN where they are not positive."""
    with np.errstate(divide="ignore", invalid="ignore"):
        values = 10.0 * np.log10(power)
    return np.where(np.isfinite(values), values, np.nan)


def levels_around(compared: Sequence[Compared], box: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how bright the surroundings of boxes are, dB, [box, power]; 0 where that is not known."""
    middle = (box[:, :2] + 0.5 * box[:, 2:]).astype(int)
    line, sample = np.minimum(middle, np.array(compared[0].around.shape) - 1).T
    return np.stack([np.nan_to_num(decibels(of.around[line, sample])) for of in compared], axis=1)


def train_floor(split: Split) -> list[Detector]:
    """Return the detectors that find most in the training split, for bright and for dark categories."""
    powers = [number for number, factor in enumerate(split.scaling.decibels) if factor]
    if not powers:
        raise AlignsarError(
            "learn.models=cfar: needs intensities, and the channels have none; name others by learn.layers, or leave "
            "cfar out"
        )
    is_dark = _dark_categories(split, powers[-1])
    detectors = []
    for dark in (False, True):
        categories = np.flatnonzero(is_dark == dark)
        if len(categories):
            detectors.append(_best(split, powers, categories, dark=dark))
    return detectors


def _dark_categories(split: Split, power: int) -> NDArray[np.bool_]:
    """Return which categories are darker than what is around their boxes, in most of the training split."""
    contrast: list[list[float]] = [[] for _ in split.categories]
    for image, rows in rows_of(split.objects.image).items():
        values = split.values(image)[power]
        for row in rows[~split.objects.crowd[rows]].tolist():
            contrast[split.objects.category[row]].append(_contrast(values, split.objects.box[row]))
    return np.array([bool(of) and np.nanmedian(of) < 0.0 for of in contrast])


def _contrast(values: NDArray[np.float32], box: NDArray[np.float64]) -> float:
    """Return how much brighter a box is than a frame of half its size around it, dB."""
    first, size = box[:2].astype(int), np.maximum(box[2:].astype(int), 1)
    inside = tuple(slice(a, a + b) for a, b in zip(first, size, strict=True))
    wider = tuple(slice(max(a - b // 2 - 1, 0), a + b + b // 2 + 1) for a, b in zip(first, size, strict=True))
    frame = values.copy()
    frame[inside] = np.nan
    known = [part[np.isfinite(part)] for part in (values[inside], frame[wider])]
    means = decibels(np.array([float(part.mean()) if part.size else np.nan for part in known]))
    return float(means[0] - means[1])


def _best(split: Split, powers: Sequence[int], categories: NDArray[np.intp], *, dark: bool) -> Detector:
    """Return the detector whose false-alarm rate and gaps give the best average precision in the training split."""
    objects = split.objects.take(np.isin(split.objects.category, categories) & ~split.objects.crowd)
    detector = _untuned(objects, powers, categories, split, dark=dark)
    shown = np.isin(np.arange(len(split)), objects.image)
    order = np.random.default_rng(0).permutation(len(split))
    images = np.concatenate([order[shown[order]][:TRIED], order[~shown[order]][:TRIED]])
    tried = [
        replace(detector, cfar=replace(detector.cfar, false_alarms=rate, join=join))
        for rate, join in product(RATES, JOINS)
    ]
    found: list[list[Detections]] = [[Detections.none()] for _ in tried]
    for image in images.tolist():
        compared = detector.compare(split.values(image))
        for one, of in zip(tried, found, strict=True):
            of.append(one.detect(compared, image))
    there = split.objects.take(np.isin(split.objects.image, images))
    scores = [_precision(Detections.joined(of), there, categories, len(split)) for of in found]
    return tried[int(np.argmax(scores))]


def _precision(found: Detections, objects: Objects, categories: NDArray[np.intp], images: int) -> float:
    precision = [
        match(found, objects, category).average_precision(np.ones(images))[0]
        for category in categories.tolist()
    ]
    return float(np.nan_to_num(precision).mean())


def _untuned(
    objects: Objects, powers: Sequence[int], categories: NDArray[np.intp], split: Split, *, dark: bool
) -> Detector:
    """Return a detector with windows as large as the objects, and what is around these."""
    shape = np.array(split.shape)
    size = np.median(objects.box[:, 2:], axis=0) if len(objects) else np.zeros(2)
    guard = np.clip(2.0 * size, LEAST_GUARD, shape // 2).astype(int) | 1
    cfar = Cfar(
        smooth=SMOOTH if dark else (1, 1),
        guard=(int(guard[0]), int(guard[1])),
        training=(int(WIDER * guard[0]) | 1, int(WIDER * guard[1]) | 1),
        false_alarms=RATES[0],
        looks=len(powers) * (CORRELATED * SMOOTH[0] * SMOOTH[1] if dark else 1.0),
        dark=dark,
        smallest=SMALLEST[dark],
    )
    shape_of = (len(categories), len(powers))
    detector = Detector(
        cfar=cfar,
        powers=powers,
        categories=categories,
        level=np.zeros(shape_of),
        spread=np.ones(shape_of),
    )
    levels = np.zeros((len(objects), len(powers)))
    for image, rows in rows_of(objects.image).items():
        levels[rows] = levels_around(detector.compare(split.values(image)), objects.box[rows])
    of_category = [levels[objects.category == category] for category in categories.tolist()]
    return replace(
        detector,
        level=np.stack([of.mean(axis=0) if len(of) else np.zeros(len(powers)) for of in of_category]),
        spread=np.stack(
            [
                np.maximum(of.std(axis=0), LEAST_SPREAD) if len(of) else np.ones(len(powers))
                for of in of_category
            ]
        ),
    )
