"""Where the pixels of a stack lie on Earth, and how the antenna sees them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, kw_only=True, eq=False)
class Ground:
    """Where the pixels of some lines lie on Earth, and how they are seen; each array (lines, samples).

    ``longitude`` and ``latitude`` in degrees, ``height`` in metres above the WGS84 ellipsoid, float64; NaN
    where the product does not say. ``viewing`` only where the product has a terrain. Numpy arrays, or all on the
    device.
    """

    longitude: Any
    latitude: Any
    height: Any
    viewing: Viewing | None = None

    def part(self, lines: slice) -> Ground:
        """Return some of the lines; a view."""
        return Ground(
            longitude=self.longitude[lines],
            latitude=self.latitude[lines],
            height=self.height[lines],
            viewing=None if self.viewing is None else self.viewing.part(lines),
        )


@dataclass(frozen=True, kw_only=True, eq=False)
class Viewing:
    """How the antenna sees the terrain in the pixels of some lines; each array (lines, samples).

    ``incidence_angle`` (against the ellipsoid's normal) and ``local_incidence_angle`` (against the terrain's)
    in degrees, float32, NaN where there is no terrain; ``layover_shadow`` uint8, 1 where several places lie
    in one pixel, 2 in the radar's shadow, 3 for both. Numpy arrays, or all on the device.
    """

    incidence_angle: Any
    local_incidence_angle: Any
    layover_shadow: Any

    def part(self, lines: slice) -> Viewing:
        """Return some of the lines; a view."""
        return Viewing(
            incidence_angle=self.incidence_angle[lines],
            local_incidence_angle=self.local_incidence_angle[lines],
            layover_shadow=self.layover_shadow[lines],
        )
