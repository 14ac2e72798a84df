"""List of the point targets' positions in the images of a campaign: targets.csv."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.simulate.radar.campaign import ground_on
from alignsar_gpu.simulate.radar.imaging import target_places

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from alignsar_gpu.simulate.radar.campaign import Campaign
    from alignsar_gpu.simulate.radar.passes.view import PassView

COLUMNS = (
    "date",
    "burst",
    "line",
    "sample",
    "name",
    "kind",
    "longitude",
    "latitude",
    "height",
    "rcs_vv",
    "rcs_vh",
)


def write_targets(path: Path, campaign: Campaign, views: Sequence[PassView]) -> None:
    """Write a row for every target, date and burst whose valid part holds it.

    ``line`` and ``sample`` count in the burst, from the centre of its first pixel, as the date really shows the
    target: with motion, delay and the errors of its annotation. Cross-sections are in square metres.
    """
    with path.open("w", newline="", encoding="utf-8") as file:
        table = csv.writer(file)
        table.writerow(COLUMNS)
        for view in views:
            ground = ground_on(campaign.scene, view.index)
            time, slant_range = target_places(ground, view)
            for burst in view.product.bursts:
                grid, (lines, samples) = burst.grid, burst.valid
                line = (time + view.azimuth_error - grid.first_azimuth_time) / grid.azimuth_interval
                sample = (slant_range + view.range_error - grid.first_slant_range) / grid.range_spacing
                inside = (line >= lines.start) & (line <= lines.stop - 1)
                inside &= (sample >= samples.start) & (sample <= samples.stop - 1)
                for index in np.flatnonzero(inside).tolist():
                    one = ground.targets[index]
                    place = f"{line[index]:.4f}", f"{sample[index]:.4f}"
                    what = (
                        one.name,
                        one.kind,
                        f"{one.longitude:.8f}",
                        f"{one.latitude:.8f}",
                        f"{one.height:.3f}",
                    )
                    sections = f"{one.rcs_vv:.6g}", f"{one.rcs_vh:.6g}"
                    table.writerow((view.product.date, burst.name, *place, *what, *sections))
