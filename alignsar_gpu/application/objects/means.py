"""Means of layers over objects, of all strips one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.application.objects.regions import Classes, Objects
    from alignsar_gpu.device import Device

SUMS = 3  # of an object and a layer: how many values, and two of what they are


@dataclass(frozen=True, kw_only=True, eq=False)
class Averaged:
    """A layer of a date that is averaged over objects.

    Attributes
    ----------
    name : of the columns that it becomes.
    read : returns the values of some lines [line, sample]; NaN where there is none.
    turn : what angles repeat after, in their unit, which are averaged as phasors; 0 for numbers.
    attributes : of the layer.
    """

    name: str
    read: Callable[[slice], NDArray[np.floating]]
    turn: float = 0.0
    attributes: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True, eq=False)
class Statistics:
    """Of a layer, for each object: how many pixels have a value, their sum, their mean, and their deviation."""

    count: NDArray[np.float64]
    total: NDArray[np.float64]
    mean: NDArray[np.float64]
    deviation: NDArray[np.float64]


def measure_objects(
    classes: Classes,
    objects: Objects,
    layers: Sequence[Averaged],
    advance: Callable[[int], None] = lambda _: None,
) -> dict[str, Statistics]:
    """Average layers over objects, by name; sums go pixel by pixel, so that on the CPU strips make no difference."""
    device = classes.device
    xp = device.xp
    sums = {layer.name: xp.zeros((SUMS, objects.count), dtype=np.float64) for layer in layers}
    for strip, lines in enumerate(objects.strips):
        advance(1)
        if not objects.numbers[strip][0].size:
            continue
        found = objects.image(classes, strip).ravel()
        pixel = xp.flatnonzero(found)
        found = found[pixel] - 1
        for layer in layers:
            values = device.upload(layer.read(lines)).ravel()[pixel]
            _add(sums[layer.name], found, values, layer.turn, device)
    return {layer.name: _statistics(device.download(sums[layer.name]), layer.turn) for layer in layers}


def _add(sums: Any, found: Any, values: Any, turn: float, device: Device) -> None:
    """Add the values of pixels to the sums of their objects."""
    xp = device.xp
    known = xp.isfinite(values)
    if not known.all():
        found, values = found[known], values[known]
    values = values.astype(np.float64)
    angle = values * (2.0 * np.pi / turn) if turn else None
    xp.add.at(sums[0], found, 1.0)
    xp.add.at(sums[1], found, values if angle is None else xp.cos(angle))
    xp.add.at(sums[2], found, values * values if angle is None else xp.sin(angle))


def _statistics(sums: NDArray[np.float64], turn: float) -> Statistics:
    """Make means of sums; NaN where an object has no value. Of angles, the deviation is sqrt(-2 ln R) (Mardia 1972)."""
    count, first, second = sums
    few = np.where(count > 0.0, count, np.nan)
    if turn:
        length = np.clip(np.hypot(first, second) / few, 1e-300, 1.0)
        mean, deviation = np.arctan2(second, first), np.sqrt(-2.0 * np.log(length))
        mean, deviation = (
            np.where(count > 0.0, part, np.nan) * (turn / (2.0 * np.pi)) for part in (mean, deviation)
        )
    else:
        mean = first / few
        deviation = np.sqrt(np.maximum(second / few - mean**2, 0.0))
    return Statistics(count=count, total=first, mean=mean, deviation=deviation)
