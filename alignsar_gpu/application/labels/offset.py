"""Measure the offset of labels against the image of the stack, and describe it in the cube; nothing is moved."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.application.labels.statistics import LabelStatistics
from alignsar_gpu.radarcoding.offset.measurement import OffsetMeter

if TYPE_CHECKING:
    from collections.abc import Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from alignsar_gpu.application.labels.writer import Labels
    from alignsar_gpu.config import RadarcodingConfig

POWERS = ("sigma0", "intensity", "gamma0", "beta0", "amplitude")  # in the order in which they are taken
MOST_CLASSES = 8
SOME_LINES = 256  # by which it is estimated how much of an image a class covers
AS_WIDELY = 0.8  # of where the best-known class is known
SIGN = "positive where labels lie at larger lines or samples than what the image shows; measured, not applied"


def measure_labels(
    cube: xr.Dataset, labels: Labels, settings: RadarcodingConfig, polarizations: Sequence[str]
) -> tuple[dict[str, Any] | None, dict[str, Any]]:
    """Measure the offset of labels against the mean power of the dates, and what their classes are like.

    The offset is None where it is not asked for, or no layer holds fractions; where it cannot be measured, its numbers
    are NaN and ``reason`` says why. Pixels in layover and shadow do not count for it, nor for the brightness of
    classes.
    """
    image = next((f"{n}_{p}" for n in POWERS for p in polarizations if f"{n}_{p}" in cube), None)
    wanted = settings.offset and bool(labels.fractions)
    names = _compared(cube, labels.fractions) if wanted and image is not None else []
    shape, search = (
        (cube.sizes["azimuth"], cube.sizes["range"]),
        (settings.offset_lines, settings.offset_samples),
    )
    meter = OffsetMeter(len(names), shape, search=search) if names else None
    statistics = LabelStatistics(cube, labels, image)
    step = int(cube["ground_area"].encoding["chunks"][0])
    for first in range(0, shape[0], step):
        part = slice(first, first + step)
        power = None
        if image is not None and (meter is not None or statistics.classified):
            power = _power(cube, image, part)
        statistics.add(part, power)
        if meter is not None and power is not None:
            meter.add(np.stack([cube[name][part].values for name in names]), power)
    offset: dict[str, Any] | None = None
    if meter is not None:
        offset = asdict(meter.result()) | {"image": f"mean over the dates of {image}", "classes": names}
    elif wanted:
        offset = {"reason": f"the dataset has none of {', '.join(POWERS)} to compare labels with"}
    return offset, statistics.result()


def _compared(cube: xr.Dataset, fractions: Sequence[str]) -> list[str]:
    """Select the fractions that are known about as widely as any, and of these the largest.

    Where one is unknown, nothing is compared.
    """
    step = max(cube.sizes["azimuth"] // SOME_LINES, 1)
    known, area = {}, {}
    for name in fractions:
        values = cube[name][::step].values
        known[name], area[name] = np.count_nonzero(np.isfinite(values)), float(np.nansum(values))
    names = [name for name in fractions if known[name] >= AS_WIDELY * max(known.values())]
    return names if len(names) <= MOST_CLASSES else sorted(names, key=lambda name: -area[name])[:MOST_CLASSES]


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
