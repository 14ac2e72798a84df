"""The phase that a simulated stack hides: a bowl that sinks, and an atmosphere of its own for every date."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

BOWL = 3.0  # rad in its middle after BOWL_DAYS
BOWL_DAYS = 36.0
BOWL_PLACE = (0.60, 0.34)  # of the lines, of the samples
BOWL_SIZE = (0.19, 0.17)  # standard deviations, likewise
ATMOSPHERE = 0.5  # rad
WAVES = 3
FULL_SIZE = (288, 640)  # from here on the signal has its full strength; smaller scenes get a gentler one
SIGNAL_STREAM = 2
STEEPEST = (0.045, 0.027)  # rad from line to line, from sample to sample


def phase_signal(
    shape: tuple[int, int], days: NDArray[np.float64], reference: int, seed: int
) -> NDArray[np.float32]:
    """Phase (date, line, sample) in radians of reference * conj(date) after flattening; 0 for the reference.

    Its gradient stays below 0.05 rad from line to line and 0.03 rad from sample to sample: a longer series
    makes the whole signal shallower.
    """
    lines, samples = shape
    y = (np.arange(lines)[:, np.newaxis] + 0.5) / lines
    x = (np.arange(samples)[np.newaxis, :] + 0.5) / samples
    strength = min(1.0, lines / FULL_SIZE[0], samples / FULL_SIZE[1])
    distance = ((y - BOWL_PLACE[0]) / BOWL_SIZE[0]) ** 2 + ((x - BOWL_PLACE[1]) / BOWL_SIZE[1]) ** 2
    bowl = np.exp(-0.5 * distance)
    signal = np.empty((len(days), lines, samples), dtype=np.float64)
    for date, day in enumerate(days):
        rng = np.random.default_rng((seed, SIGNAL_STREAM, date))
        signal[date] = BOWL * (day - days[0]) / BOWL_DAYS * bowl
        for _ in range(WAVES):
            waves_down, waves_across = rng.uniform(-1.2, 1.2, 2)
            amplitude, start = ATMOSPHERE * rng.uniform(0.5, 1.0), rng.uniform(0.0, 2.0 * np.pi)
            signal[date] += amplitude * np.cos(2.0 * np.pi * (waves_down * y + waves_across * x) + start)
    signal = strength * (signal - signal[reference])
    steepness = max(
        float(np.abs(np.diff(signal, axis=axis)).max()) / bound for axis, bound in enumerate(STEEPEST, 1)
    )
    return np.asarray(signal / max(steepness, 1.0), dtype=np.float32)
