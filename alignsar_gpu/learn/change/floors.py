"""Change without learning: the log ratio of powers, and the loss of coherence, above a threshold.

Windows and thresholds are chosen on the training split: Otsu's threshold and that of the best F1, of which the one that
is better on the validation split counts.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from alignsar_gpu.dataset.chips.samples import SampleOptions, Samples
from alignsar_gpu.learn.change.features import compare, log_ratio
from alignsar_gpu.learn.change.thresholds import ScoreCounts
from alignsar_gpu.learn.channels import is_part

if TYPE_CHECKING:
    from collections.abc import Callable

    from alignsar_gpu.learn.change.data import Pairs
    from alignsar_gpu.learn.change.features import Window

    Score = Callable[[int], torch.Tensor]  # from the number of a pair to a score of change, [line, sample]

WINDOWS: tuple[Window, ...] = (
    (3, 11),
    (5, 17),
    (7, 25),
    (9, 33),
)  # lines and samples; about square on the ground
BOUNDS = {"log_ratio": (0.0, 40.0), "coherence_loss": (-1.0, 1.0)}  # decibels, and differences of coherence


@dataclass(frozen=True, kw_only=True)
class Floor:
    """A window and a threshold.

    Attributes
    ----------
    name : "log_ratio" or "coherence_loss".
    window : lines and samples.
    thresholds : by the way they were found.
    chosen : the way that counts.
    """

    name: str
    window: Window
    thresholds: dict[str, float]
    chosen: str

    @property
    def threshold(self) -> float:
        """The threshold that counts."""
        return self.thresholds[self.chosen]

    def facts(self) -> dict[str, Any]:
        """Return what metrics.json says of it."""
        rounded = {name: round(value, 4) for name, value in self.thresholds.items()}
        return {"window": list(self.window), "thresholds": rounded, "chosen": self.chosen}


def find_floor(name: str, training: Pairs, validation: Pairs) -> Floor:
    """Choose the window with the best F1 on the training split, and the threshold."""
    scores = {window: score_of(name, training, window) for window in WINDOWS}
    counts = {window: count_scores(score, training, BOUNDS[name]) for window, score in scores.items()}
    window = max(WINDOWS, key=lambda one: counts[one].f1(counts[one].best_f1()))
    thresholds = {"otsu": counts[window].otsu(), "best_f1": counts[window].best_f1()}
    checked = count_scores(score_of(name, validation, window), validation, BOUNDS[name])
    chosen = max(("best_f1", "otsu"), key=lambda way: checked.f1(thresholds[way]))
    return Floor(name=name, window=window, thresholds=thresholds, chosen=chosen)


def count_scores(score: Score, pairs: Pairs, bounds: tuple[float, float]) -> ScoreCounts:
    """Count the scores of all pixels of pairs whose change is known."""
    counts = ScoreCounts(low=bounds[0], high=bounds[1])
    for number in range(len(pairs.samples)):
        truth = pairs.truth(number).numpy()
        known = truth >= 0
        counts.add(score(number).numpy()[known], truth[known] > 0)
    return counts


def score_of(name: str, pairs: Pairs, window: Window) -> Score:
    """Return what scores the pairs of a split by a floor."""
    if name == "log_ratio":
        return lambda number: ratio_score(pairs.powers(number), window)
    return CoherenceLoss(pairs, window)


def ratio_score(powers: torch.Tensor, window: Window) -> torch.Tensor:
    """Return the absolute log ratio of powers [date, image, line, sample], decibels, averaged over the images."""
    first, second = powers
    return torch.nanmean(log_ratio(first, second, window).abs(), dim=0)


class CoherenceLoss:
    """Score pairs by the coherence that they lack.

    It is the coherence that is expected of a place, less that of the pair (coherence change detection, Yun et al. 2015,
    Rapid damage mapping for the 2015 Mw 7.8 Gorkha earthquake, Seismological Research Letters 86(6)). Where places have
    two dates alone, 1 is expected everywhere.
    """

    def __init__(self, pairs: Pairs, window: Window) -> None:
        self._pairs, self._window = pairs, window
        layers = [name for name in pairs.layers if is_part(name)]
        options = SampleOptions(layers=layers, dates="each", decibel=False, normalize=False)
        self._dates = Samples(pairs.samples.folder, sorted(set(pairs.samples.index["split"])), options)
        self._place, self._time = (pairs.samples.index[name].to_numpy() for name in ("place_id", "time"))
        # pairs of a place follow each other
        self._of_place = lru_cache(maxsize=1)(self._coherence)

    def _coherence(self, place: str) -> tuple[list[int], torch.Tensor]:
        """Return the rows of a place in the order of their dates, and the coherence of each with the next."""
        rows = np.flatnonzero(self._place == place)
        rows = rows[np.argsort(self._time[rows], kind="stable")]
        images = [torch.from_numpy(self._dates[row]["image"])[None] for row in rows.tolist()]
        pairs = [compare(*pair, self._window).coherence for pair in pairwise(images)]
        return rows.tolist(), torch.cat(pairs)

    def __call__(self, number: int) -> torch.Tensor:
        """Return the score of a pair, [line, sample]: the mean over its complex images."""
        row = self._pairs.samples.rows(number)[0]
        rows, coherence = self._of_place(self._place[row])
        return coherence_loss(coherence, rows.index(row)).mean(dim=0)


def coherence_loss(coherence: torch.Tensor, number: int) -> torch.Tensor:
    """Return the expected coherence of a place less that of one of its pairs.

    ``coherence`` is [pair, channel, line, sample], of dates that follow each other. Expected is the mean over the pairs
    before, or that over the pairs after, whichever is larger: what is pulled down was coherent before, and what is
    built is so afterwards.
    """
    sides = [side.mean(dim=0) for side in (coherence[:number], coherence[number + 1 :]) if len(side)]
    expected = torch.stack(sides).amax(dim=0) if sides else torch.ones_like(coherence[0])
    return expected - coherence[number]
