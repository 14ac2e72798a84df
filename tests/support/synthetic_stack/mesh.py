"""Where the pixels of the reference lie on Earth, and how far they are from the other passes.

The equations are solved at the nodes of a coarse mesh in (line, sample, height), and the solutions, smooth as they
are, are carried to the pixels by a Chebyshev interpolation.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import chebyshev

from alignsar_gpu.simulate.geometry import closest_approach, ellipsoid_normal, ellipsoid_point, solve_ground

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.simulate.orbit import Pass

DEGREES = (8, 6, 4)  # of the interpolation, in line, sample and height


@dataclass(frozen=True, kw_only=True, eq=False)
class Mesh:
    """Quantities over (line, sample, height) as tensor Chebyshev series.

    Attributes
    ----------
    domain : (3, 2) lowest and highest line, sample and height.
    coefficients : (quantity, i, j, k).
    """

    domain: NDArray[np.float64]
    coefficients: NDArray[np.float64]

    def __call__(
        self, line: ArrayLike, sample: ArrayLike, height: NDArray[np.floating]
    ) -> NDArray[np.float64]:
        """The quantities (quantity, n, m) at ``line`` (n,) and ``sample`` (m,) with ``height`` (n, m)."""
        count = self.coefficients.shape[1:]
        by_line = chebyshev.chebvander(self._scaled(0, line), count[0] - 1)
        by_sample = chebyshev.chebvander(self._scaled(1, sample), count[1] - 1)
        by_height = chebyshev.chebvander(self._scaled(2, height), count[2] - 1)
        result = np.zeros((len(self.coefficients), *height.shape))
        for quantity, series in enumerate(self.coefficients):
            for k in range(count[2]):
                result[quantity] += by_line @ series[:, :, k] @ by_sample.T * by_height[..., k]
        return result

    def _scaled(self, axis: int, value: ArrayLike) -> NDArray[np.float64]:
        low, high = self.domain[axis]
        return np.asarray((2.0 * np.asarray(value, dtype=np.float64) - low - high) / (high - low))


def fit_mesh(domain: ArrayLike, quantities: Callable[[float, float, float], Sequence[float]]) -> Mesh:
    """Interpolate ``quantities(line, sample, height)`` over ``domain`` ((3, 2), lowest and highest)."""
    bounds = np.asarray(domain, dtype=np.float64)
    nodes = [chebyshev.chebpts1(degree + 1) for degree in DEGREES]
    places = [
        low + (high - low) * (node + 1.0) / 2.0 for node, (low, high) in zip(nodes, bounds, strict=True)
    ]
    values = np.array([[[quantities(i, j, k) for k in places[2]] for j in places[1]] for i in places[0]])
    coefficients = np.moveaxis(values, -1, 0)
    for axis, node in enumerate(nodes, start=1):
        inverse = np.linalg.inv(chebyshev.chebvander(node, len(node) - 1))
        coefficients = np.moveaxis(np.tensordot(inverse, coefficients, axes=(1, axis)), 0, axis)
    return Mesh(domain=bounds, coefficients=coefficients)


@cache  # of half a second, which every run of a test would take anew
def scene_mesh(
    grid: RadarGrid, passes: tuple[Pass, ...], reference: int, heights: tuple[float, float]
) -> Mesh:
    """Longitude, latitude, incidence angle (degrees), then R_ref - R_d (m) for every pass d.

    Over the lines and samples of ``grid`` with a tenth to spare on each side, and ``heights`` (lowest,
    highest, metres above the ellipsoid). R_d is the zero-Doppler range of pass d to the point that the
    reference sees at (line, sample, height).
    """

    def quantities(line: float, sample: float, height: float) -> list[float]:
        time, slant_range = float(grid.azimuth_time(line)), float(grid.slant_range(sample))
        longitude, latitude = solve_ground(passes[reference], time, slant_range, height)
        point = ellipsoid_point(longitude, latitude, height)
        to_satellite = (passes[reference].position(time) - point) / slant_range
        incidence = float(np.degrees(np.arccos(to_satellite @ ellipsoid_normal(longitude, latitude))))
        differences = [
            0.0
            if index == reference
            else slant_range - float(np.linalg.norm(point - one.position(closest_approach(one, point))))
            for index, one in enumerate(passes)
        ]
        return [longitude, latitude, incidence, *differences]

    margins = 0.1 * grid.lines, 0.1 * grid.samples
    domain = [
        (-margins[0], grid.lines + margins[0]),
        (-margins[1], grid.samples + margins[1]),
        (heights[0] - 1.0, heights[1] + 1.0),
    ]
    return fit_mesh(domain, quantities)
