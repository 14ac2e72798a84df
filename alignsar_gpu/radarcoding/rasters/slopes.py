"""Slope and gradients to the east and north of a raster of heights."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

import numpy as np

from alignsar_gpu.geometry.ellipsoid import ECCENTRICITY_SQUARED, SEMI_MAJOR_AXIS
from alignsar_gpu.radarcoding.rasters.files import LabelRaster

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

DERIVATIVES = ("slope", "gradient_east", "gradient_north")
NODE = 256  # rows and columns from one place to the next at which it is known how many metres a pixel has


class SlopeRaster(LabelRaster):
    """A raster of heights in metres whose bands are their slope and gradients (`DERIVATIVES`)."""

    units: ClassVar[Mapping[str, str]] = {"slope": "degrees"}  # gradients: metres a metre

    def read(self, rows: slice, columns: slice, band: str, step: int = 1) -> NDArray[np.float32]:
        """Compute a derivative by Horn (1981), Proc. IEEE 69, eq. 2 to 4, over three rows and three columns.

        NaN where one of nine heights is not known. With a ``step``, of means of so many rows and columns.
        """
        height = super().read(rows, columns, band, step).astype(np.float64)
        out = np.full(height.shape, np.nan)
        if min(height.shape) < 3:
            return out.astype(np.float32)
        sides = height[:, 2:] - height[:, :-2]
        across = (sides[:-2] + 2.0 * sides[1:-1] + sides[2:]) / (8.0 * step)
        sides = height[2:] - height[:-2]
        down = (sides[:, :-2] + 2.0 * sides[:, 1:-1] + sides[:, 2:]) / (8.0 * step)
        inner = [
            part.start + (np.arange(1, count - 1) + 0.5) * step - 0.5
            for part, count in zip((rows, columns), height.shape, strict=True)
        ]
        east_down, north_down, east_across, north_across = self._metres(*inner)
        area = east_across * north_down - east_down * north_across
        east = (across * north_down - down * north_across) / area
        north = (down * east_across - across * east_down) / area
        derivative = {
            "slope": np.degrees(np.arctan(np.hypot(east, north))),
            "gradient_east": east,
            "gradient_north": north,
        }[band]
        out[1:-1, 1:-1] = np.where(np.isnan(height[1:-1, 1:-1]), np.nan, derivative)
        return out.astype(np.float32)

    def _metres(self, row: NDArray[np.float64], column: NDArray[np.float64]) -> list[NDArray[np.float64]]:
        """Return the metres to the east and north of one row down, then of one column across: [row, column].

        Linear between places that do not depend on what is asked for.
        """
        nodes = [np.arange(place[0] // NODE, place[-1] // NODE + 2) * NODE for place in (row, column)]
        at = np.meshgrid(*nodes, indexing="ij")
        known = []
        for half_row, half_column in ((0.5, 0.0), (0.0, 0.5)):
            lon, lat = self.frame.geodetic(
                *(
                    np.stack([a - half, a + half]).ravel()
                    for a, half in zip(at, (half_row, half_column), strict=True)
                )
            )
            lon, lat = (np.radians(angle).reshape(2, *at[0].shape) for angle in (lon, lat))
            middle = 0.5 * (lat[0] + lat[1])
            bent = 1.0 - ECCENTRICITY_SQUARED * np.sin(middle) ** 2
            normal = SEMI_MAJOR_AXIS / np.sqrt(bent)
            known.append((lon[1] - lon[0]) * normal * np.cos(middle))
            known.append((lat[1] - lat[0]) * normal * (1.0 - ECCENTRICITY_SQUARED) / bent)
        return [
            _between(
                _between(metres, row / NODE - nodes[0][0] / NODE).T, column / NODE - nodes[1][0] / NODE
            ).T
            for metres in known
        ]


def _between(values: NDArray[np.float64], place: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate values [node, ...] linearly between nodes."""
    node = place.astype(np.int64)
    share = (place - node)[:, np.newaxis]
    return values[node] + share * (values[node + 1] - values[node])
