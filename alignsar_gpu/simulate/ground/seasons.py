"""Seasons of a simulated scene: backscatter and coherence of fields, grassland and forest by the day of the year.

Round numbers in the sense of what was measured by Sentinel-1: backscatter of crops rises with their biomass until the
middle of summer (M. Vreugdenhil et al., Remote Sensing 10, 1396, 2018), that of deciduous forest falls a little while
it has leaves (M. Rüetschi, M. E. Schaepman and D. Small, Remote Sensing 10, 55, 2018), and vegetation that grows loses
coherence (K. Voormansik et al., Remote Sensing 12, 3784, 2020). An amplitude of 2 to 3 dB is usual for crops.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from alignsar_gpu.simulate.ground.backscatter import Backscatter, GroundClass

YEAR = 365.25  # days
SUMMER = 196  # day of the year, 15 July, on which a season is highest; south of the equator half a year later
SHARES = {"field": 1.0, "grassland": 0.5, "forest": -0.25}  # of the amplitude
COHERENCE_LOSS = 0.15  # of coherence in the middle of summer, for each dB of amplitude that a class has


def season_of(day: float, latitude: float) -> float:
    """Return the season on a day of the year: 1 in the middle of summer, -1 in that of winter."""
    later = 0.0 if latitude >= 0.0 else 0.5 * YEAR
    return float(np.cos(2.0 * np.pi * (day - SUMMER - later) / YEAR))


def in_season(classes: Sequence[GroundClass], amplitude: float, season: float) -> tuple[GroundClass, ...]:
    """Return classes as they are in a season, see `season_of`.

    sigma0 of a class is ``amplitude`` (dB) times its share times the season higher; what stays of the coherence of two
    dates is the root of the product of both their `kept_coherence`.
    """
    return tuple(_in_season(one, amplitude * SHARES.get(one.name, 0.0), season) for one in classes)


def kept_coherence(amplitude: float, season: float) -> float:
    """Return the share of coherence that a class with an amplitude (dB) of its own keeps in a season."""
    return max(0.0, 1.0 - COHERENCE_LOSS * abs(amplitude) * 0.5 * (1.0 + season))


def _in_season(one: GroundClass, amplitude: float, season: float) -> GroundClass:
    def changed(law: Backscatter) -> Backscatter:
        return replace(law, decibels=law.decibels + amplitude * season)

    if amplitude == 0.0:
        return one
    kept = (
        1.0 if one.coherence_final == 1.0 else kept_coherence(amplitude, season)
    )  # what never changes stays
    return replace(
        one,
        vv=changed(one.vv),
        vh=changed(one.vh),
        coherence_initial=kept * one.coherence_initial,
        coherence_final=kept * one.coherence_final,
    )
