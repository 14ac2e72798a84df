"""What labels are like: where each map is known, and the pixels and brightness of each class."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.radarcoding.layers import mask_name

if TYPE_CHECKING:
    import xarray as xr
    from numpy.typing import NDArray

    from alignsar_gpu.application.labels.writer import Labels

CODES = 256  # of a layer of class numbers, one byte


class LabelStatistics:
    """Count the pixels of each class of a cube, sum up their power, and count where each source is known.

    Layers of several dates count with all of them. ``image`` : the name of the layer of powers, or of amplitudes; None
    without any.
    """

    def __init__(self, cube: xr.Dataset, labels: Labels, image: str | None) -> None:
        self._cube, self._image = cube, image
        self._known = {name: 0.0 for name in labels.sources if mask_name(name) in cube}
        self._ground = 0
        layers = [layer.name for layer in labels.layers if "flag_values" in layer.attributes]
        self._sums = {name: np.zeros((3, CODES)) for name in layers}  # pixels, those with power, their power

    @property
    def classified(self) -> tuple[str, ...]:
        """Layers of class numbers."""
        return tuple(self._sums)

    def add(self, lines: slice, power: NDArray[np.float32] | None) -> None:
        """Add some lines; ``power`` is NaN where it does not count."""
        ground = np.isfinite(self._cube["ground_area"][lines].values)
        self._ground += int(np.count_nonzero(ground))
        for name in self._known:
            mask = self._cube[mask_name(name)].isel(azimuth=lines).values
            self._known[name] += np.count_nonzero(mask & ground) / (len(mask) if mask.ndim == 3 else 1)
        for name, sums in self._sums.items():
            dated = self._cube[name].isel(azimuth=lines).values
            codes = dated.ravel()
            sums[0] += np.bincount(codes, minlength=CODES)
            if power is not None:
                of_codes = np.broadcast_to(power, dated.shape).ravel()
                usable = np.isfinite(of_codes)
                sums[1] += np.bincount(codes[usable], minlength=CODES)
                sums[2] += np.bincount(codes[usable], of_codes[usable], minlength=CODES)

    def result(self) -> dict[str, Any]:
        """Return the share of the ground where each source is known, and the classes of each layer."""
        return {
            "known": {name: count / max(self._ground, 1) for name, count in self._known.items()},
            "classes": {name: self._classes(name) for name in self._sums},
            "brightness_of": self._image,
        }

    def _classes(self, layer: str) -> dict[str, dict[str, float]]:
        """By the names of the classes: ``pixels``, their ``share`` of all, and their mean power, dB."""
        attributes, (pixels, counted, power) = self._cube[layer].attrs, self._sums[layer]
        meanings = str(attributes["flag_meanings"]).split()
        with np.errstate(divide="ignore", invalid="ignore"):
            decibels = 10.0 * np.log10(power / counted)
        return {
            name: {
                "pixels": int(pixels[code]),
                "share": float(pixels[code] / pixels.sum()),
                "brightness_db": float(decibels[code]),
            }
            for name, code in zip(meanings, attributes["flag_values"], strict=True)
        }
