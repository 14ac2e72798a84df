"""Detection at a constant false-alarm rate (CFAR), by averages of the cells around each pixel.

H. M. Finn and R. S. Johnson 1968, RCA Review 29(3): a cell is compared with the mean of N cells around it, without
those that the object itself may fill (the guard). Of L looks, cell and mean are gamma-distributed, and their ratio has
an F distribution with 2L and 2LN degrees of freedom; with one look, the threshold is N (P^(-1/N) - 1).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import ndimage
from scipy.stats import f as ratio_of_gammas

from alignsar_gpu.learn.detection.boxes import Detections

if TYPE_CHECKING:
    from numpy.typing import NDArray

Window = tuple[int, int]  # lines and samples, odd
TOUCHING = (3, 3)


class Compared(NamedTuple):
    """Pixels and what is around them, each [line, sample]; NaN where not known.

    Attributes
    ----------
    ratio : of the intensity, averaged over ``smooth``, to ``around``.
    around : mean of the cells around the pixel.
    cells : their number.
    """

    ratio: NDArray[np.float64]
    around: NDArray[np.float64]
    cells: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Cfar:
    """How objects are told from what is around them.

    Attributes
    ----------
    smooth : window that intensities are averaged over first.
    guard : window around a pixel that an object may fill.
    training : window around the guard, whose mean the pixel is compared with.
    false_alarms : probability that a pixel without an object is detected.
    looks : independent ones in the averaged intensities.
    dark : objects are darker than what is around them.
    join : window around a detected pixel, in which others belong to the same object; (3, 3): pixels that touch.
    smallest : pixels of a detection, at least.
    """

    smooth: Window = (1, 1)
    guard: Window
    training: Window
    false_alarms: float
    looks: float = 1.0
    dark: bool = False
    join: Window = TOUCHING
    smallest: int = 1

    def compare(self, intensity: NDArray[np.floating]) -> Compared:
        """Compare each pixel of an image of intensities with the mean around it."""
        values = intensity.astype(np.float64)
        known = np.isfinite(values)
        (wide, many), (near, few), (own, own_cells) = (
            [_window_sum(part, window) for part in (np.where(known, values, 0.0), known.astype(np.float64))]
            for window in (self.training, self.guard, self.smooth)
        )
        cells = np.where(known, np.rint(many - few), 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            around = np.where(cells > 0.0, (wide - near) / cells, np.nan)
            return Compared(own / own_cells / around, around, cells / math.prod(self.smooth))

    def threshold(self, cells: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return what the ratio of a pixel to the mean of ``cells`` is beyond with the wanted probability."""
        degrees = 2.0 * self.looks, 2.0 * self.looks * np.maximum(cells, 1.0)
        limit = ratio_of_gammas.ppf if self.dark else ratio_of_gammas.isf
        return np.asarray(limit(self.false_alarms, *degrees))

    def detect(self, ratio: NDArray[np.float64], cells: NDArray[np.float64]) -> NDArray[np.bool_]:
        """Return which pixels are beyond the threshold."""
        counts, number = np.unique(cells, return_inverse=True)
        limit = self.threshold(counts)[number.reshape(cells.shape)]
        with np.errstate(invalid="ignore"):
            return np.asarray((ratio < limit if self.dark else ratio > limit) & (cells > 0.0))


def _window_sum(values: NDArray[np.float64], window: Window) -> NDArray[np.float64]:
    """Return the sum of a window around each pixel; there is nothing beyond the image."""
    return np.asarray(ndimage.uniform_filter(values, window, mode="constant") * math.prod(window))


def connected(
    detected: NDArray[np.bool_], strength: NDArray[np.float64], cfar: Cfar, image: int
) -> Detections:
    """Put boxes around detected pixels that belong together; the score of each is the greatest strength of these."""
    half = [size // 2 for size in cfar.join]
    numbers, count = ndimage.label(ndimage.binary_dilation(detected, np.ones(half)), np.ones((3, 3)))
    numbers *= detected
    pixels = np.bincount(numbers.ravel(), minlength=count + 1)[1:]
    places = ndimage.find_objects(numbers)
    box = [[part.start for part in place] + [part.stop - part.start for part in place] for place in places]
    score = ndimage.maximum(strength, numbers, np.arange(1, count + 1))
    found = Detections(
        image=np.full(count, image, dtype=np.int64),
        category=np.zeros(count, dtype=np.int64),
        score=np.asarray(score, dtype=np.float64).reshape(count),
        box=np.array(box, dtype=np.float64).reshape(count, 4),
    )
    return found.take(pixels >= cfar.smallest)
