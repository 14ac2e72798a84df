"""The dates of a campaign: their products without pixels, and the passes that they are seen from."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.products.sentinel1 import open_sentinel1
from alignsar_gpu.simulate.recorded_pass import recorded_pass
from alignsar_gpu.simulate.view import View, read_bands

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.products.slc import SlcProduct
    from alignsar_gpu.simulate.orbit import Pass

LARGEST_ERROR = 20.0  # lines, samples: what echoes may be displaced by


def per_date(values: Sequence[float], dates: int, name: str) -> list[float]:
    """One number a date: as given, or 0 where nothing is. Raises AlignsarError for another count."""
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
) -> View:
    """A date from its SAFE folder.

    ``satellite`` is the true pass, None where it is that of the annotated state vectors. ``errors`` are what the
    annotated times and ranges are too high by, in lines and samples.
    """
    product = open_sentinel1(safe, swaths=swaths, polarizations=polarizations)
    grid = product.bursts[0].grid
    return View(
        index=index,
        product=product,
        satellite=satellite or _annotated_pass(product),
        azimuth_error=errors[0] * grid.azimuth_interval,
        range_error=errors[1] * grid.range_spacing,
        bands=read_bands(safe),
    )


def _annotated_pass(product: SlcProduct) -> Pass:
    first = min(burst.grid.first_azimuth_time for burst in product.bursts)
    last = max(float(burst.grid.azimuth_time(burst.grid.lines)) for burst in product.bursts)
    return recorded_pass(product.orbit, first, last)


def days_of(views: Sequence[View]) -> NDArray[np.float64]:
    """Days of every date since the first. Raises AlignsarError where dates are not in order, or one comes twice."""
    start = np.array([view.product.start for view in views])
    days = (start - start[0]) / np.timedelta64(1, "D")
    if np.any(np.diff(days) <= 0.5):
        listed = ", ".join(view.product.date for view in views)
        raise AlignsarError(f"simulate.templates: the dates {listed} must be different and in order of time")
    return np.asarray(np.round(days), dtype=np.float64)


def check_same_track(views: Sequence[View]) -> None:
    """Raise AlignsarError unless all dates see the same bursts from the same track."""
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
