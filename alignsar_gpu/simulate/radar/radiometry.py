"""Radiometric tables for the loops: backscatter, temporal coherence, calibration and noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.products.slc import Burst, Channel
    from alignsar_gpu.simulate.ground.backscatter import GroundClass
    from alignsar_gpu.simulate.radar.window import EchoWindow

BINS = 512  # of the cosine of the local incidence angle


@dataclass(frozen=True, kw_only=True, eq=False)
class Radiometry:
    """Backscatter and coherence of the classes on one date, as tables for the loops.

    Attributes
    ----------
    amplitude : (class, channel, n) float32, root of sigma nought over the cosine of the local incidence angle.
    correlation : (class,) complex64, of the two channels.
    coherence : (class, 2): the part that stays for ever, and the part common to two dates close together.
    steps : (class, date + 1): what is left of the fading part from each date to the next; the first is 0.
    """

    amplitude: NDArray[np.float32]
    correlation: NDArray[np.complex64]
    coherence: NDArray[np.float64]
    steps: NDArray[np.float64]


def tabulate(classes: Sequence[GroundClass], days: NDArray[np.float64], date: int) -> Radiometry:
    """Tabulate ``classes`` on a date of ``days``."""
    incidence = np.degrees(np.arccos(np.linspace(0.0, 1.0, BINS + 1)))
    power = [[one.sigma0(name, incidence) for name in ("vv", "vh")] for one in classes]
    apart = np.diff(days[: date + 1])
    left = [np.exp(-apart / one.decay) for one in classes]
    return Radiometry(
        amplitude=np.sqrt(power).astype(np.float32),
        correlation=np.array([one.correlation for one in classes], dtype=np.complex64),
        coherence=np.array([[one.coherence_final, one.coherence_initial] for one in classes]),
        steps=np.concatenate([np.zeros((len(classes), 1)), np.reshape(left, (len(classes), -1))], axis=1),
    )


def _rows(
    table: NDArray[np.float64], at: NDArray[np.float64], wanted: NDArray[np.float64]
) -> NDArray[np.float32]:
    """Vectors (vector, n) brought to other ranges; two of them at least."""
    rows = np.array([np.interp(wanted, at, row) for row in table], dtype=np.float32)
    return rows if len(rows) > 1 else np.repeat(rows, 2, axis=0)


def _vector_positions(vectors: NDArray[np.float64], times: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.interp(times, vectors, np.arange(len(vectors), dtype=np.float64))


def _axes(grid: RadarGrid, window: EchoWindow) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    lines = np.arange(window.lines.start, window.lines.stop)
    return grid.azimuth_time(lines), grid.slant_range(np.arange(window.samples.start, window.samples.stop))


def gain_table(
    channel: Channel, grid: RadarGrid, window: EchoWindow
) -> tuple[NDArray[np.float32], NDArray[np.float64]]:
    """Tabulate digital numbers per root of beta nought, (vector, sample), and the lines' positions between vectors.

    1 where the product has no calibration.
    """
    times, ranges = _axes(grid, window)
    table = channel.calibration
    if table is None:
        return np.ones((2, len(ranges)), dtype=np.float32), np.zeros(len(times))
    return _rows(table.beta_nought, table.slant_range, ranges), _vector_positions(table.azimuth_time, times)


def noise_table(
    channel: Channel, burst: Burst, window: EchoWindow
) -> tuple[NDArray[np.float32], NDArray[np.float64], NDArray[np.float32]]:
    """Tabulate noise power (vector, sample), the lines' positions between vectors, and azimuth factors (line, sample).

    Zero where the product has none.
    """
    times, ranges = _axes(burst.grid, window)
    noise = channel.noise
    factor = np.ones((len(times), 1), dtype=np.float32)
    if noise is None:
        return np.zeros((2, len(ranges)), dtype=np.float32), np.zeros(len(times)), factor
    line = burst.index * burst.grid.lines + np.arange(window.lines.start, window.lines.stop)
    if len(noise.azimuth) == 1:
        factor[:, 0] = np.interp(line, noise.azimuth[0].line, noise.azimuth[0].factor)
    elif noise.azimuth:
        factor = np.ones((len(times), len(ranges)), dtype=np.float32)
        for part in noise.azimuth:
            rows = (line >= part.first_line) & (line <= part.last_line)
            columns = (ranges >= part.first_slant_range) & (ranges <= part.last_slant_range)
            factor[np.ix_(rows, columns)] = np.interp(line[rows], part.line, part.factor)[:, np.newaxis]
    return (
        _rows(noise.range_power, noise.slant_range, ranges),
        _vector_positions(noise.azimuth_time, times),
        factor,
    )
