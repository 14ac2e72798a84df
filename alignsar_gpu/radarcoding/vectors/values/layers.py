"""Layers of a feature's value in each pixel: the mean of a number by area, and the id with the largest area."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.radarcoding.vectors.values.areas import areas_of, ground_surface, pixel_surface, steps_of
from alignsar_gpu.radarcoding.vectors.values.ids import Ids, IdTable
from alignsar_gpu.radarcoding.vectors.values.numbers import DATES, DAYS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from alignsar_gpu.radarcoding.level_ground import GroundCells
    from alignsar_gpu.radarcoding.vectors.placed import PlacedBatches
    from alignsar_gpu.radarcoding.vectors.values.areas import RingAreas
    from alignsar_gpu.radarcoding.vectors.values.numbers import NumberList, Numbers

NO_OBJECT, UNKNOWN_OBJECT = 0, -1  # numbers in layers of ids: surely none, and not known
HALF_BITS = (
    20  # of a number, relative to the range of all: sums over thousands of whole pixels stay below 64 bits
)
BYTES_PER_CELL, PLANES = 8.0, 4  # memory for a tile: of a cell, and of a pixel as planes of sums


def value_layer(legend: Numbers | Ids, units: str, name: str) -> tuple[str, dict[str, Any]]:
    """Return the type and the attributes of the layer of values; ``units`` are those of numbers."""
    words, attribute = name.replace("_", " "), legend.attribute
    if isinstance(legend, Ids):
        return "int32", {
            "units": "1",
            "long_name": f"{attribute} of the largest area in the pixel: {words}",
            "description": (
                f"number of the feature, or of the features of the same {attribute}, with the largest area on the "
                f"ground of the pixel, the first of equal ones: the row with this number of {table_name(name)}; "
                f"{NO_OBJECT} where there is none, {UNKNOWN_OBJECT} where the map does not cover that ground"
            ),
            "table": table_name(name),
        }
    return "float32", {
        "units": DAYS if legend.kind == DATES else units,
        "long_name": f"mean {attribute}: {words}",
        "description": (
            "mean over the features on the ground of the pixel, by area, of those with a value; NaN where there are "
            "none, and where the map does not cover that ground"
        ),
    }


def table_name(name: str) -> str:
    """Return the path, in the folder of a run, of the table of a layer of ids."""
    return f"labels/{name}.parquet"


@dataclass(frozen=True, kw_only=True, eq=False)
class FeatureValues:
    """What is known of the features (f) of a scene once all were read.

    Attributes
    ----------
    is_mean : whether they are numbers, not ids.
    groups : int32 (f,): features of the same number are taken together.
    high, low : int64 (f,): numbers in whole steps from the least, two halves; empty for ids.
    least, step : the least number, and a step.
    """

    is_mean: bool
    groups: NDArray[np.int32]
    high: NDArray[np.int64]
    low: NDArray[np.int64]
    least: float = 0.0
    step: float = 0.0


def feature_values(found: NumberList | IdTable) -> FeatureValues:
    """Prepare the values of all features of a scene."""
    if isinstance(found, IdTable):
        nothing = np.zeros(0, dtype=np.int64)
        return FeatureValues(is_mean=False, groups=found.objects(), high=nothing, low=nothing)
    values = found.values
    least, most = (float(values.min()), float(values.max())) if len(values) else (0.0, 0.0)
    step = (most - least) / 2.0 ** (2 * HALF_BITS)
    whole = np.rint((values - least) / (step or 1.0)).astype(np.int64)
    return FeatureValues(
        is_mean=True,
        groups=np.arange(len(values), dtype=np.int32),
        high=whole >> HALF_BITS,
        low=whole & ((1 << HALF_BITS) - 1),
        least=least,
        step=step,
    )


def value_tile(ground: GroundCells, placed: PlacedBatches, values: FeatureValues, known: Any) -> Any:
    """Make the layer of a tile [line, sample], on the device; ``known``: where the map is."""
    device, tile = ground.device, ground.tile
    surfaces = ((ground_surface, placed.cells), (pixel_surface, placed.pixels))
    parts = [(of(ground), rings) for of, rings in surfaces if any(len(part.table) for part in rings)]
    scale = steps_of(ground.level_ground)
    entries = areas_of(parts, values.groups, tile, scale, device)
    make = _mean if values.is_mean else _largest
    layer = make(entries, values, tile.shape, device)
    unknown = np.float32(np.nan) if values.is_mean else np.int32(UNKNOWN_OBJECT)
    return device.xp.where(known, layer, unknown)


def _mean(entries: Iterator[RingAreas], values: FeatureValues, shape: tuple[int, int], device: Any) -> Any:
    """Return the mean by area (float32), NaN where there is nothing; sums are of whole numbers."""
    xp = device.xp
    sums = xp.zeros((3, shape[0] * shape[1]), dtype=np.uint64)
    halves = [device.upload(half) for half in (values.high, values.low)]
    for entry in entries:
        for total, weight in zip(sums, (1, *(half[entry.feature] for half in halves)), strict=True):
            xp.add.at(total, entry.pixel, (entry.area * weight).view(np.uint64))
    area, high, low = (total.view(np.int64).astype(np.float64) for total in sums)
    there = area > 0.0
    steps = (high * 2.0**HALF_BITS + low) / xp.where(there, area, 1.0)
    mean = xp.where(there, values.least + steps * values.step, np.nan)
    return mean.astype(np.float32).reshape(shape)


def _largest(entries: Iterator[RingAreas], values: FeatureValues, shape: tuple[int, int], device: Any) -> Any:
    """Return the number of the group with the largest area (int32), the first of equal ones; 0 where there is none."""
    xp = device.xp
    best = xp.zeros(shape[0] * shape[1], dtype=np.uint64)
    number = xp.zeros(shape[0] * shape[1], dtype=np.int32)
    groups = device.upload(values.groups)
    for entry in entries:
        pixel, group, area = _summed(entry.pixel, groups[entry.feature], entry.area, xp)
        before = best[pixel]
        xp.maximum.at(best, pixel, area)
        wins = (area == best[pixel]) & (area > before)
        pixel, group = pixel[wins], group[wins]
        is_first = xp.ones(pixel.shape, dtype=np.bool_)
        is_first[1:] = pixel[1:] != pixel[:-1]
        number[pixel[is_first]] = group[is_first] + 1
    return number.reshape(shape)


def _summed(pixel: Any, group: Any, area: Any, xp: Any) -> tuple[Any, Any, Any]:
    """Add up the areas of each group in each pixel; in order of pixels and groups, of those that have any."""
    key = (pixel.astype(np.int64) << 31) | group.astype(np.int64)
    order = xp.argsort(key)
    key, total = key[order], xp.cumsum(area[order])
    is_last = xp.ones(key.shape, dtype=np.bool_)
    is_last[:-1] = key[1:] != key[:-1]
    key, total = key[is_last], total[is_last]
    own = total.copy()
    own[1:] -= total[:-1]
    keep = own > 0
    key = key[keep]
    return key >> 31, (key & ((1 << 31) - 1)).astype(np.int32), own[keep].astype(np.uint64)


def value_facts(found: NumberList | IdTable, name: str) -> dict[str, Any]:
    """Return what quality.json says of the values: the table and its rows, or the range of the numbers."""
    if isinstance(found, IdTable):
        return {"table": table_name(name), "rows": int(found.objects().max(initial=-1)) + 1}
    values = found.values
    return {"lowest": float(values.min()), "highest": float(values.max())} if len(values) else {}
