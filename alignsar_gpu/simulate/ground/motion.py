"""Subsidence: bowls of sinking ground whose displacement is known in closed form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.simulate.ground.raster import Raster, metres_per_degree

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.simulate.ground.raster import Bounds

MOTION_STREAM = 32
PER_RADIUS = 16  # posts: between them a bowl is at most 1 / 2048 of its depth from a straight line
MOST_POSTS = 4000  # of the long side


@dataclass(frozen=True, kw_only=True)
class Bowl:
    """A subsidence bowl: -rate days exp(-r^2 / (2 radius^2)), r the distance from its middle.

    Attributes
    ----------
    longitude, latitude : degrees, of its middle.
    radius : m; there it sinks by 61 % of what it does in its middle.
    rate : mm per day in its middle, downwards; negative where the ground rises.
    """

    longitude: float
    latitude: float
    radius: float
    rate: float

    def __post_init__(self) -> None:
        if not (np.isfinite([self.longitude, self.latitude, self.rate]).all() and 0.0 < self.radius < np.inf):
            raise AlignsarError(
                "simulated motion: a bowl needs a place, a rate and a positive radius, got longitude "
                f"{self.longitude:g}, latitude {self.latitude:g}, rate {self.rate:g} mm/day, radius {self.radius:g} m"
            )

    def displacement(self, longitude: ArrayLike, latitude: ArrayLike, days: float) -> NDArray[np.float64]:
        """Compute the upward displacement (m) after ``days`` at points (degrees); r lies in the plane of its middle."""
        east, north = metres_per_degree(self.latitude)
        across = np.asarray(longitude, dtype=np.float64) - self.longitude
        across = (across - 360.0 * np.rint(across / 360.0)) * east
        down = (np.asarray(latitude, dtype=np.float64) - self.latitude) * north
        shape = np.exp(-0.5 * (across**2 + down**2) / self.radius**2)
        return np.asarray(-1e-3 * self.rate * days * shape)


def draw_bowls(bounds: Bounds, seed: int, *, count: int, rate: float, radius: float) -> tuple[Bowl, ...]:
    """Draw ``count`` bowls at random inside ``bounds``, the first of the given rate (mm/day), others weaker."""
    rng = np.random.default_rng((seed, MOTION_STREAM))
    bowls = []
    for number in range(count):
        u, v = rng.uniform(0.25, 0.75, 2).tolist()
        bowls.append(
            Bowl(
                longitude=bounds.west + u * (bounds.east - bounds.west),
                latitude=bounds.south + v * (bounds.north - bounds.south),
                radius=radius * (1.0 if number == 0 else float(rng.uniform(0.5, 1.5))),
                rate=rate * (1.0 if number == 0 else float(rng.uniform(-0.5, 0.8))),
            )
        )
    return tuple(bowls)


def motion_raster(
    bounds: Bounds, bowls: Sequence[Bowl], days: float, *, per_radius: int = PER_RADIUS
) -> Raster:
    """Compute the upward displacement (m, float32) after ``days``, at posts close enough for bilinear interpolation.

    With ``per_radius`` of them in the least radius: between those of the default it is within 1 / 2048 of the depth of
    every bowl, unless 4000 posts a side are not enough.
    """
    shortest, longest = sorted(bounds.size)
    wanted = min((bowl.radius / per_radius for bowl in bowls), default=shortest)
    posting = float(np.clip(wanted, longest / MOST_POSTS, shortest))
    raster = Raster.over(bounds, posting, 0.0, np.float32, "simulated motion")
    if days != 0.0:
        for row, latitude in enumerate(raster.latitudes):
            sunk = [bowl.displacement(raster.longitudes, latitude, days) for bowl in bowls]
            raster.values[row] = np.sum(sunk, axis=0) if sunk else 0.0
    return raster
