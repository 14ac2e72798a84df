"""By how much stored chips differ from the layers that they were cut from, where they are rounded."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.application.chips.cutting import Cutting
    from alignsar_gpu.dataset.chips.store import ChipStore


@dataclass
class LayerError:
    """The largest differences of a layer, and their mean square."""

    absolute: float = 0.0
    relative: float = 0.0
    squares: float = 0.0
    count: int = 0

    def add(self, exact: NDArray[Any], stored: NDArray[Any]) -> None:
        """Compare values where there are any."""
        known = np.isfinite(exact)
        true = exact[known].astype(np.float64)
        off = np.abs(stored[known] - true)
        self.absolute = max(self.absolute, float(off.max(initial=0.0)))
        some = true != 0.0
        self.relative = max(self.relative, float((off[some] / np.abs(true[some])).max(initial=0.0)))
        self.squares += float(np.square(off).sum())
        self.count += true.size

    def described(self) -> dict[str, float]:
        """Return what dataset.json says of them, in units of the layer but for the relative one."""
        return {
            "largest_absolute_error": self.absolute,
            "largest_relative_error": self.relative,
            "rms_error": (self.squares / self.count) ** 0.5 if self.count else 0.0,
        }


def measure_errors(cutting: Cutting, store: ChipStore, pixels: int) -> dict[str, dict[str, float]]:
    """Cut all chips again, exactly, and compare those that are stored; nothing where these are exact."""
    if cutting.dtype == "float32" and cutting.mantissa_bits is None:
        return {}
    exact = replace(cutting, dtype="float32", mantissa_bits=None)
    errors = {
        plane.name: LayerError()
        for name in ("images", "pairs", "ground")
        for plane in cutting.arrays.get(name, ())
    }
    for unit in exact.units:
        for name, number, values in exact.chips(unit, pixels):
            if name in {"images", "pairs", "ground"}:
                stored = store.read(name, number)
                for plane, true, found in zip(cutting.arrays[name], values, stored, strict=True):
                    errors[plane.name].add(true, found)
    return {name: error.described() for name, error in errors.items()}
