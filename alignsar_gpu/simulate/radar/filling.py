"""Write simulated pixels into the SAFE products of a campaign."""

from __future__ import annotations

from contextlib import ExitStack
from itertools import groupby
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.simulate.radar.ground_mesh import sight_mesh
from alignsar_gpu.simulate.radar.imaging import image_window
from alignsar_gpu.simulate.radar.window import windows
from alignsar_gpu.simulate.safe.product import measurement_writer

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from alignsar_gpu.products.slc import Burst
    from alignsar_gpu.simulate.radar.campaign import Campaign, GroundState
    from alignsar_gpu.simulate.radar.ground_mesh import ChebyshevSeries
    from alignsar_gpu.simulate.radar.passes.view import PassView
    from alignsar_gpu.simulate.safe.measurement_writer import MeasurementWriter


def fill_swath(
    campaign: Campaign,
    ground: GroundState,
    view: PassView,
    bursts: Sequence[Burst],
    safe: Path,
    advance: Callable[[int], None],
) -> int:
    """Write the measurements of ``bursts``, all of a subswath of one date; return the number of saturated pixels.

    ``safe`` is the folder of the date, which `finish_product` finishes. ``advance`` is told of every burst.
    Raises AlignsarError where the scene does not cover what the radar sees.
    """
    sight = sight_mesh(campaign.mesh, view.satellite)
    saturated, first = 0, bursts[0]
    with ExitStack() as stack:
        writers = [
            stack.enter_context(measurement_writer(safe, first.swath, name)) for name in first.channels
        ]
        for burst in bursts:
            saturated += _fill_burst(campaign, ground, view, sight, burst, writers)
            advance(1)
        _leave_empty(writers, writers[0].lines, first.grid.samples)
    return saturated


def _leave_empty(writers: list[MeasurementWriter], stop: int, samples: int) -> None:
    """Zeros up to the line ``stop``: where nothing is valid."""
    for writer in writers:
        if writer.written < stop:
            writer.write(writer.written, np.zeros((stop - writer.written, samples, 2), dtype=np.int16))


def _fill_burst(
    campaign: Campaign,
    ground: GroundState,
    view: PassView,
    sight: ChebyshevSeries,
    burst: Burst,
    writers: list[MeasurementWriter],
) -> int:
    saturated, top = 0, burst.index * burst.grid.lines
    for lines, row in groupby(windows(burst), key=lambda window: (window.lines.start, window.lines.stop)):
        pixels = np.zeros((len(writers), lines[1] - lines[0], burst.grid.samples, 2), dtype=np.int16)
        for window in row:
            part, clipped = image_window(campaign, ground, view, sight, burst, window)
            pixels[:, :, window.samples] = part
            saturated += clipped
        _leave_empty(writers, top + lines[0], burst.grid.samples)
        for writer, own in zip(writers, pixels, strict=True):
            writer.write(top + lines[0], own)
    return saturated
