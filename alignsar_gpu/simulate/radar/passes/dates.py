"""Dates of a campaign: their products without pixels, and the passes that they are imaged from."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.sentinel1.reader import open_sentinel1
from alignsar_gpu.simulate.radar.passes.recorded import recorded_pass
from alignsar_gpu.simulate.radar.passes.view import PassView
from alignsar_gpu.simulate.safe.orbit_eof import NumberedNode, write_pass

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from alignsar_gpu.products.slc import SlcProduct
    from alignsar_gpu.simulate.orbit import Pass

STEP, MARGIN = 5.0, 60.0  # s between the vectors of an orbit file, and around the lines
LARGEST_ERROR = 20.0  # lines, samples: what echoes may be displaced by


def per_date(values: Sequence[float], dates: int, name: str) -> list[float]:
    """Return one number a date, 0 if none are given. Raises AlignsarError for another count."""
    if not values:
        return [0.0] * dates
    if len(values) != dates:
        raise AlignsarError(
            f"simulate.{name}: {len(values)} numbers for {dates} dates; give one a date, or none"
        )
    if not all(abs(value) <= LARGEST_ERROR for value in values):  # refuses NaN, too
        raise AlignsarError(
            f"simulate.{name}={list(values)}: must be between -{LARGEST_ERROR:g} and {LARGEST_ERROR:g}"
        )
    return list(values)


def view_of(
    index: int,
    safe: Path,
    satellite: Pass | None,
    *,
    errors: tuple[float, float],
    swaths: Sequence[str],
    polarizations: Sequence[str],
) -> PassView:
    """Make the view of a date from its SAFE folder.

    ``satellite`` is the true pass, None where it is that of the annotated state vectors. ``errors`` are what the
    annotated times and ranges are too high by, in lines and samples.
    """
    product = open_sentinel1(safe, swaths=swaths, polarizations=polarizations)
    grid = product.bursts[0].grid
    return PassView(
        index=index,
        product=product,
        satellite=satellite or _annotated_pass(product),
        azimuth_error=errors[0] * grid.azimuth_interval,
        range_error=errors[1] * grid.range_spacing,
    )


def _ends(product: SlcProduct) -> tuple[float, float]:
    """Times (s) of the first line of all bursts and after the last."""
    first = min(burst.grid.first_azimuth_time for burst in product.bursts)
    return first, max(float(burst.grid.azimuth_time(burst.grid.lines)) for burst in product.bursts)


def _annotated_pass(product: SlcProduct) -> Pass:
    return recorded_pass(product.orbit, *_ends(product))


def write_annotated_orbit(view: PassView, folder: Path) -> Path:
    """Write the orbit file of a date that has annotated state vectors, as far as the simulation knows it."""
    product, burst = view.product, view.product.bursts[0]
    first, last = _ends(product)
    return write_pass(
        view.satellite,
        folder,
        platform=product.platform.removeprefix("Simulated "),
        epoch=product.orbit.epoch,
        times=[
            float(time) for time in np.arange(np.floor(first) - MARGIN, np.ceil(last) + MARGIN + 1.0, STEP)
        ],
        node=NumberedNode(
            time=burst.grid.first_azimuth_time - burst.anx_time, absolute_orbit=product.absolute_orbit
        ),
    )


def check_dates(views: Sequence[PassView]) -> None:
    """Raise AlignsarError unless the dates are in time order and see the same bursts from the same track."""
    if any(b.product.start - a.product.start < np.timedelta64(12, "h") for a, b in pairwise(views)):
        listed = ", ".join(view.product.date for view in views)
        raise AlignsarError(f"simulate.templates: the dates {listed} must be different and in order of time")
    own = views[0].product
    for view in views[1:]:
        other = view.product
        if other.relative_orbit != own.relative_orbit or other.polarizations != own.polarizations:
            raise AlignsarError(
                f"simulate.templates: {other.product_id} is of relative orbit {other.relative_orbit} "
                f"({', '.join(other.polarizations).upper()}), {own.product_id} of {own.relative_orbit} "
                f"({', '.join(own.polarizations).upper()}): give dates of one track and the same polarizations"
            )
        if not {b.burst_id for b in other.bursts} & {b.burst_id for b in own.bursts}:
            raise AlignsarError(
                f"simulate.templates: {other.product_id} has no burst in common with {own.product_id}"
            )
