"""Plan of one simulated Sentinel-1 product: everything that is written for one date."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from alignsar_gpu.products.sentinel1.relative_orbit import sentinel1_relative_orbit
from alignsar_gpu.simulate.safe.plan.bursts import microsecond

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from alignsar_gpu.simulate.orbit import CircularPass
    from alignsar_gpu.simulate.safe.plan.parameters import PassParameters
    from alignsar_gpu.simulate.safe.plan.swaths import SwathPlan


@dataclass(frozen=True, kw_only=True, eq=False)
class ProductPlan:
    """Plan of the product of one date.

    Attributes
    ----------
    parameters : what it was planned from. date : its index.
    product_id : the product's name, without ".SAFE".
    true_pass : how the satellite flew, times in seconds since ``epoch``.
    epoch : midnight (UTC) of the day of the product's first line, which all times count from.
    node_time : of the ascending node that ``absolute_orbit`` begins at; negative where that is the day before.
    perpendicular_baseline : metres, in the middle of the scene.
    swaths : from near to far range.
    footprint : (n, 2) longitude and latitude around all bursts at the mean height, degrees, not closed; longitudes
        are continuous.
    """

    parameters: PassParameters
    date: int
    product_id: str
    true_pass: CircularPass
    epoch: np.datetime64
    node_time: float
    absolute_orbit: int
    perpendicular_baseline: float
    swaths: tuple[SwathPlan, ...]
    footprint: NDArray[np.float64]

    @property
    def platform(self) -> str:
        """Name of the satellite, for example "Sentinel-1A"."""
        return self.parameters.platform

    @property
    def relative_orbit(self) -> int:
        """Track number, 1 to 175."""
        return sentinel1_relative_orbit(self.platform, self.absolute_orbit)

    @property
    def start(self) -> float:
        """Time of the first line of all bursts, seconds since ``epoch``."""
        return min(swath.first_time for swath in self.swaths)

    @property
    def stop(self) -> float:
        """Time of the last line of all bursts, seconds since ``epoch``."""
        return microsecond(max(swath.last_time for swath in self.swaths))
