"""Pictures of radar images for people: backscatter in decibels as red, green, blue and opacity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    Limits = Sequence[tuple[float, float]]

# Powers by preference: calibrated, then as they are in the product; an amplitude is the root of a power.
POWERS = ("sigma0", "gamma0", "gamma0_flattened", "beta0", "intensity", "amplitude")
PAIRS = (("vv", "vh"), ("hh", "hv"), ("hh", "vv"))  # shown in colours, the brighter one first
ALONE = ("vv", "hh", "vh", "hv")
PERCENTILES = (2.0, 98.0)


def visual_layers(names: Iterable[str]) -> tuple[str, ...]:
    """Choose the layers that a picture shows: two polarizations, else one; none where there is no backscatter."""
    there = set(names)
    for power in POWERS:
        for polarizations in (*PAIRS, *((one,) for one in ALONE)):
            layers = tuple(f"{power}_{polarization}" for polarization in polarizations)
            if there.issuperset(layers):
                return layers
    return ()


def describe(layers: Sequence[str]) -> str:
    """Say what the colours of a picture show, for people who look at it."""
    if len(layers) == 1:
        return f"{layers[0]} in dB"
    first, second = layers
    return f"red: {first} in dB, green: {second} in dB, blue: {first} minus {second} in dB"


def channels(layers: Mapping[str, NDArray[np.float32]]) -> NDArray[np.float32]:
    """Return what a picture shows in decibels, [channel, row, column]: one channel, or red, green and blue.

    ``layers`` are those of `visual_layers`, in their order. Pixels without data are NaN, those without power, as
    subtracted noise leaves them, minus infinity.
    """
    decibels = [_decibels(name, values) for name, values in layers.items()]
    if len(decibels) == 1:
        return decibels[0][np.newaxis]
    first, second = decibels
    with np.errstate(invalid="ignore"):
        return np.stack([first, second, first - second])


def _decibels(name: str, values: NDArray[np.float32]) -> NDArray[np.float32]:
    factor = (20.0 if name.startswith("amplitude") else 10.0) / math.log(10.0)
    with np.errstate(divide="ignore"):
        decibels = np.log(np.maximum(values, np.float32(0.0)))  # numpy's log10 is several times slower
    decibels *= np.float32(factor)
    return decibels


def stretch(shown: NDArray[np.float32], percentiles: tuple[float, float] = PERCENTILES) -> Limits:
    """Return the limits (dB) of each channel between which most of its pixels lie, for `visual`.

    ``shown`` are `channels` of some pixels, of all dates that are to share the limits. Averaged powers, of 4 x 4 pixels
    say, give more contrast than speckle does. 0 and 1 where none is known.
    """
    limits = []
    for channel in shown:
        known = channel[np.isfinite(channel)]
        low, high = np.percentile(known, percentiles).tolist() if known.size else (0.0, 1.0)
        limits.append((low, max(high, low + 1e-3)))
    return limits


def visual(layers: Mapping[str, NDArray[np.float32]], limits: Limits) -> NDArray[np.uint8]:
    """Return a picture of layers, uint8 [4, row, column]: red, green, blue, and opacity (0 or 255).

    Parameters
    ----------
    layers : see `channels`.
    limits : in decibels, of each channel: what is black and what is full; see `stretch`.
    """
    known = np.logical_and.reduce([~np.isnan(values) for values in layers.values()]).view(np.uint8)
    low, high = np.array(limits, dtype=np.float32).T[:, :, np.newaxis, np.newaxis]
    levels = channels(layers)
    levels -= low
    levels *= np.float32(255.0) / (high - low)
    levels += np.float32(0.5)
    np.fmin(np.fmax(levels, np.float32(0.0), out=levels), np.float32(255.0), out=levels)  # NaN becomes 0
    picture = np.empty((4, *known.shape), dtype=np.uint8)
    picture[:3] = levels.astype(np.uint8)  # of one channel, three times
    picture[:3] *= known
    picture[3] = known * np.uint8(255)
    return picture
