"""Measure the offset of labels against the image of the stack, and describe it in the cube; nothing is moved."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.radarcoding.offset.measurement import OffsetMeter

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from alignsar_gpu.config import RadarcodingConfig

POWERS = ("sigma0", "intensity", "gamma0", "beta0", "amplitude")  # in the order in which they are taken
MOST_CLASSES = 8
SOME_LINES = 256  # by which it is estimated how much of an image a class covers
SIGN = "positive where labels lie at larger lines or samples than what the image shows; measured, not applied"


def measure_offset(
    cube: xr.Dataset, fractions: Sequence[str], settings: RadarcodingConfig, polarizations: Sequence[str]
) -> dict[str, Any] | None:
    """Measure the offset of layers of fractions against the mean power of the dates; None without such layers.

    Where it cannot be measured, numbers are NaN and ``reason`` says why. Pixels in layover do not count.
    """
    if not settings.offset or not fractions:
        return None
    image = next((f"{n}_{p}" for n in POWERS for p in polarizations if f"{n}_{p}" in cube), None)
    if image is None:
        return {"reason": f"the dataset has none of {', '.join(POWERS)} to compare labels with"}
    classes = _largest(cube, fractions)
    shape = cube.sizes["azimuth"], cube.sizes["range"]
    meter = OffsetMeter(len(classes), shape, search=(settings.offset_lines, settings.offset_samples))
    step = int(cube[image].encoding["chunks"][-2])
    for first in range(0, shape[0], step):
        part = slice(first, first + step)
        meter.add(np.stack([cube[name][part].values for name in classes]), _power(cube, image, part))
    return asdict(meter.result()) | {"image": f"mean over the dates of {image}", "classes": classes}


def _largest(cube: xr.Dataset, fractions: Sequence[str]) -> list[str]:
    """Select the fractions that cover most of the image, as many as are worth the time."""
    if len(fractions) <= MOST_CLASSES:
        return list(fractions)
    step = max(cube.sizes["azimuth"] // SOME_LINES, 1)
    share = {name: float(np.nansum(cube[name][::step].values)) for name in fractions}
    return sorted(fractions, key=lambda name: -share[name])[:MOST_CLASSES]


def _power(cube: xr.Dataset, name: str, lines: slice) -> NDArray[np.float32]:
    """Average the power over the dates; NaN in layover and shadow."""
    total: Any = 0.0
    count: Any = 0
    for date in range(cube.sizes["time"]):
        values = cube[name][date, lines].values.astype(np.float64)
        power = values * values if name.startswith("amplitude") else values
        known = np.isfinite(power)
        total = total + np.where(known, power, 0.0)
        count = count + known
    with np.errstate(invalid="ignore"):
        mean = np.where(count > 0, total / np.maximum(count, 1), np.nan)
    if "layover_shadow" in cube:
        mean[cube["layover_shadow"][lines].values > 0] = np.nan
    return np.asarray(mean, dtype=np.float32)


def offset_attributes(offset: dict[str, Any] | None) -> dict[str, Any]:
    """Return the attributes of the cube on the offset of its labels."""
    if offset is None:
        return {}
    if offset["reason"]:
        return {"label_offset": f"not measured: {offset['reason']}"}
    return {
        "label_offset": SIGN,
        **{
            f"label_offset_{name}": float(offset[name])
            for name in ("lines", "samples", "lines_standard_deviation", "samples_standard_deviation")
        },
    }
