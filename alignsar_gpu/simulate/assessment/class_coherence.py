"""Coherence per land-cover class of a dataset made from simulated products, beside its expected value."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter

from alignsar_gpu.interferometry.statistics import expected_coherence
from alignsar_gpu.simulate.assessment.product_truth import EVERY_PIXEL, NO_CLASS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.products.slc import Channel
    from alignsar_gpu.simulate.assessment.product_truth import Lattice, PieceTruth

FEWEST = 2000  # pixels: a few rivers and ponds are no sample of water, most of all in the glare of what is beside them


def pure(
    land_cover: NDArray[np.uint8], valid: NDArray[np.bool_], window: tuple[int, int]
) -> NDArray[np.bool_]:
    """Find pixels whose whole ``window`` (lines, samples) lies in the image and in one class, and is valid."""
    outside = 255
    low = minimum_filter(land_cover, window, mode="constant", cval=outside)
    high = maximum_filter(land_cover, window, mode="constant", cval=outside)
    complete: NDArray[np.bool_] = minimum_filter(valid, window, mode="constant", cval=0)
    one_class: NDArray[np.bool_] = (low == high) & complete
    return one_class


@dataclass(kw_only=True, eq=False)
class ClassCoherence:
    """Coherence sums per class over pixels whose whole window lies in the class on both dates.

    Pixels in layover or shadow are left out.

    Attributes
    ----------
    classes : how many.
    window : lines and samples that coherence was estimated over.
    independent : share of the pixels that are independent of each other.
    lattice : pixels that are looked at.
    """

    classes: int
    window: tuple[int, int]
    independent: float
    lattice: Lattice = EVERY_PIXEL

    def __post_init__(self) -> None:
        self._pixels = np.zeros(self.classes)
        self._sums = np.zeros((3, self.classes))  # true, estimated, what noise leaves

    @property
    def looks(self) -> int:
        """Number of independent pixels of the window."""
        return max(2, round(self.window[0] * self.window[1] * self.independent))

    @property
    def _around(self) -> tuple[int, int]:
        """Lines and samples of the lattice that `window` around one of its pixels lies within."""
        lines, samples = (
            2 * -(-(size // 2) // step) + 1 for size, step in zip(self.window, self.lattice.step, strict=True)
        )
        return lines, samples

    def add(
        self,
        truth: PieceTruth,
        dates: tuple[int, int],
        estimated: NDArray[np.floating[Any]],
        sigma0: Sequence[NDArray[np.floating[Any]]],
        noise: float,
    ) -> None:
        """Add a piece of the mosaic, all arrays (line, sample) of the lattice in it.

        Parameters
        ----------
        dates : the reference and the other, in truth.zarr.
        estimated : coherence; NaN where it is not known.
        sigma0 : of both dates, with noise; none where it is not known.
        noise : noise-equivalent sigma nought.
        """
        before, after = (truth.nearest("land_cover", date, self.lattice) for date in dates)
        same = (before == after) & (truth.nearest("layover_shadow", lattice=self.lattice) == 0)
        kind = np.where(same, before, NO_CLASS).astype(np.uint8)
        use = pure(kind, np.isfinite(estimated), self._around)
        true = truth.nearest("coherence", dates[1], self.lattice)
        for index in range(self.classes):
            here = use & (kind == index)
            count = np.count_nonzero(here)
            if count:
                power = [max(float(np.mean(image[here], dtype=np.float64)), noise) for image in sigma0]
                signal = float(np.sqrt(np.prod([1.0 - noise / one for one in power])))
                self._pixels[index] += count * self.lattice.pixels
                self._sums[:, index] += self.lattice.pixels * np.array(
                    [
                        np.sum(true[here], dtype=np.float64),
                        np.sum(estimated[here], dtype=np.float64),
                        count * signal,
                    ]
                )

    def means(self) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
        """Return true, expected and estimated coherence of every class; NaN for one with too few pixels.

        Expected is what as many looks find on average (`expected_coherence`) of the true coherence, lowered by the
        noise. What the baseline takes, a few hundredths per hundred metres, is not in it.
        """
        true, estimated, signal = np.where(
            self._pixels >= FEWEST, self._sums / np.maximum(self._pixels, 1.0), np.nan
        )
        expected = [
            expected_coherence(float(min(g, 1.0)), self.looks) if np.isfinite(g) else np.nan
            for g in true * signal
        ]
        return true, np.array(expected), estimated


def noise_equivalent(channel: Channel) -> float:
    """Compute the mean noise-equivalent sigma nought of a polarization of a burst; 0 without noise records."""
    if channel.noise is None or channel.calibration is None:
        return 0.0
    return float(np.mean(channel.noise.range_power) / np.mean(channel.calibration.sigma_nought) ** 2)
