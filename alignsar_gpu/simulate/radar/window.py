"""Blocks of a burst that are imaged one by one, with the windows of echoes that they need."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import fft

from alignsar_gpu.simulate.radar.passes.view import burst_middle, carrier_table

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from alignsar_gpu.products.slc import Burst
    from alignsar_gpu.simulate.radar.passes.view import PassView

HALO = 64, 128  # lines and samples around a block whose echoes reach into it: -48 dB of them lies farther out
BLOCK = 2048, 1536  # lines and samples of a block


@dataclass(frozen=True, kw_only=True)
class EchoWindow:
    """A block of a burst: its lines and samples, and the larger window whose echoes it needs."""

    lines: slice
    samples: slice
    first: tuple[int, int]
    shape: tuple[int, int]


def windows(burst: Burst) -> list[EchoWindow]:
    """List the blocks of the valid part of a burst, line by line."""
    first = np.array([channel.first_valid_sample for channel in burst.channels.values()])
    last = np.array([channel.last_valid_sample for channel in burst.channels.values()])
    lines = np.flatnonzero((first >= 0).any(axis=0))
    samples = int(first[first >= 0].min()), int(last.max()) + 1
    blocks = []
    for line in range(int(lines[0]), int(lines[-1]) + 1, BLOCK[0]):
        for sample in range(*samples, BLOCK[1]):
            down = slice(line, min(line + BLOCK[0], int(lines[-1]) + 1))
            across = slice(sample, min(sample + BLOCK[1], samples[1]))
            shape = tuple(
                fft.next_fast_len(part.stop - part.start + 2 * halo)
                for part, halo in zip((down, across), HALO, strict=True)
            )
            corner = line - HALO[0], sample - HALO[1]
            blocks.append(EchoWindow(lines=down, samples=across, first=corner, shape=(shape[0], shape[1])))
    return blocks


@dataclass(frozen=True, kw_only=True, eq=False)
class WindowFrame:
    """Zero-Doppler time, slant range and carrier of a window, as annotated."""

    time: float
    slant_range: float
    view: NDArray[np.float64]
    carrier: NDArray[np.float64]


def frame_window(burst: Burst, view: PassView, window: EchoWindow) -> WindowFrame:
    """Compute the frame of a window, as the loops need it."""
    grid = burst.grid
    time, slant_range = float(grid.azimuth_time(window.first[0])), float(grid.slant_range(window.first[1]))
    samples = window.first[1] + np.arange(window.shape[1], dtype=np.float64)
    return WindowFrame(
        time=time,
        slant_range=slant_range,
        view=np.array([time, grid.azimuth_interval, slant_range, grid.range_spacing, burst_middle(burst)]),
        carrier=carrier_table(burst, view.satellite, samples),
    )
