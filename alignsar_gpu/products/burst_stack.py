"""A stack of one date: a burst with the terrain that it lies on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.terrain import Terrain
from alignsar_gpu.products.acquisition import Acquisition, Ground, Viewing
from alignsar_gpu.products.crop import crop_grid, window_around
from alignsar_gpu.products.orbit_files import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from alignsar_gpu.geometry.dem import Dem
    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.products.selection import Match


@dataclass(frozen=True, kw_only=True, eq=False)
class BurstStack:
    """A `StackProduct` of one burst of one date, cut to a window of it. Made by `burst_stack`.

    Attributes
    ----------
    match : the burst, and the product that it is from.
    window : lines and samples of the burst that the grid has.
    terrain : what the antenna sees, on the same grid.
    """

    grid: RadarGrid
    acquisitions: tuple[Acquisition, ...]
    polarizations: tuple[str, ...]
    source: str
    facts: Mapping[str, Any]
    match: Match
    window: tuple[slice, slice]
    terrain: Terrain
    reference: int = 0
    has_heights: bool = True
    has_viewing: bool = True

    def read_pixels(self, first: int, stop: int) -> tuple[NDArray[np.complex64], NDArray[np.bool_]]:
        """See `StackProduct.read_pixels`. Zero is no data, and so is a line that the annotation says is invalid."""
        shape = (1, len(self.polarizations), stop - first, self.grid.samples)
        pixels, valid = np.empty(shape, dtype=np.complex64), np.empty(shape, dtype=bool)
        burst, (lines, samples) = self.match.burst, self.window
        block = slice(lines.start + first, lines.start + stop)
        for index, name in enumerate(self.polarizations):
            pixels[0, index] = burst.read(name, block, samples)
            taken = burst.channels[name].first_valid_sample[block] >= 0
            valid[0, index] = (pixels[0, index] != 0) & np.isfinite(pixels[0, index]) & taken[:, np.newaxis]
        pixels[~valid] = 0
        return pixels, valid

    def read_ground(self, first: int, stop: int) -> Ground:
        """See `StackProduct.read_ground`."""
        drawn = self.terrain.lines(first, stop)
        return Ground(
            # across the antimeridian the DEM's longitudes go on beyond 180
            longitude=np.where(drawn.longitude > 180.0, drawn.longitude - 360.0, drawn.longitude),
            latitude=drawn.latitude,
            height=drawn.height,
            viewing=Viewing(
                incidence_angle=drawn.incidence,
                local_incidence_angle=drawn.local_incidence,
                layover_shadow=drawn.flags,
            ),
        )

    def ground_bytes(self, lines: int) -> int:
        """See `StackProduct.ground_bytes`."""
        count = min(lines, self.grid.lines)
        return max(self.terrain.bytes_of(first, count) for first in (0, (self.grid.lines - count) // 2))


def _acquisition(match: Match) -> Acquisition:
    product, burst = match.product, match.burst
    return Acquisition(
        product_id=product.product_id,
        platform=product.platform,
        start=product.start,
        orbit=product.orbit,
        pass_direction=product.pass_direction,
        absolute_orbit=product.absolute_orbit,
        relative_orbit=product.relative_orbit,
        instrument_mode=product.instrument_mode,
        swath=burst.swath,
        processor=product.processor,
        flattened=True,
        flattened_how="the reference date, which phases are relative to",
        calibration={
            name: channel.calibration
            for name, channel in burst.channels.items()
            if channel.calibration is not None
        },
    )


def _facts(match: Match, window: tuple[slice, slice], dem: Dem) -> dict[str, Any]:
    product, burst = match.product, match.burst
    lines, samples = window
    kind = product.orbit.source.split(" ", 1)[0]
    return {
        "product": {**product.facts, "product_id": product.product_id},
        "burst": {"id": burst.name, "swath": burst.swath, "index": burst.index, "anx_time_s": burst.anx_time},
        "crop": {
            "first_line": lines.start,
            "lines": lines.stop - lines.start,
            "first_sample": samples.start,
            "samples": samples.stop - samples.start,
        },
        "orbit": {"source": product.orbit.source, "kind": kind if kind in KINDS else "annotation"},
        "dem": dem.facts(),
    }


def burst_stack(
    match: Match, dem: Dem, area: BaseGeometry | None = None, facts: Mapping[str, Any] | None = None
) -> BurstStack:
    """The valid part of a burst, cut to ``area`` (longitude and latitude) where one is given.

    ``facts`` are added to those of the burst. Raises AlignsarError when the product comes without pixels,
    the burst has no valid pixel in the area, or the DEM does not cover the image.
    """
    product, burst = match.product, match.burst
    lacking = [name.upper() for name, channel in burst.channels.items() if channel.measurement is None]
    if lacking:
        raise AlignsarError(
            f"{product.product_id}: has no pixels of {', '.join(lacking)}, only annotation; give the whole product"
        )
    window = burst.valid
    if area is not None:
        window = window_around(area, burst.grid, window, product.orbit, dem)
    grid = crop_grid(burst.grid, window)
    return BurstStack(
        grid=grid,
        acquisitions=(_acquisition(match),),
        polarizations=tuple(name for name in product.polarizations if name in burst.channels),
        source=f"burst {burst.name} of {product.product_id}",
        facts={**_facts(match, window, dem), **(facts or {})},
        match=match,
        window=window,
        terrain=Terrain(grid=grid, orbit=product.orbit, dem=dem),
    )
