"""Where the pixels of the reference lie on Earth, and how far they are from the other passes.

Nothing here uses the geometry of ``alignsar_gpu.geometry``, which this is there to check: the equations
are solved by SciPy's root finders at the nodes of a coarse mesh in (line, sample, height), and the
solutions, smooth as they are, are carried to the pixels by a Chebyshev interpolation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import chebyshev
from scipy.optimize import brentq, root

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.simulate.orbit import Pass

SEMI_MAJOR_AXIS = 6378137.0  # m, WGS84
FLATTENING = 1.0 / 298.257223563
DEGREES = (8, 6, 4)  # of the interpolation, in line, sample and height
START = (6.0, 50.8)  # longitude, latitude: where the root finder starts


def ellipsoid_normal(longitude: ArrayLike, latitude: ArrayLike) -> NDArray[np.float64]:
    """Unit vector (..., 3) away from the WGS84 ellipsoid; degrees in, Earth-fixed out."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def ellipsoid_point(longitude: ArrayLike, latitude: ArrayLike, height: ArrayLike) -> NDArray[np.float64]:
    """Earth-fixed position (..., 3) in metres of WGS84 degrees and metres."""
    normal = ellipsoid_normal(longitude, latitude)
    flat = (1.0 - FLATTENING) ** 2
    curvature = SEMI_MAJOR_AXIS / np.sqrt(1.0 - (1.0 - flat) * normal[..., 2] ** 2)
    radius = np.stack([curvature, curvature, curvature * flat], axis=-1)
    return np.asarray((radius + np.asarray(height, dtype=np.float64)[..., None]) * normal)


def solve_ground(
    satellite: Pass,
    time: float,
    slant_range: float,
    height: float,
    start: tuple[float, float] = START,
) -> tuple[float, float]:
    """Longitude and latitude (degrees) of the point at ``height`` seen at zero Doppler and ``slant_range``.

    Solves V . (P - S) = 0 and |P - S| = R for the P near ``start``, which is on the right of the pass.
    """
    position, velocity = satellite.position(time), satellite.velocity(time)
    ahead = velocity / np.linalg.norm(velocity)

    def misfit(place: NDArray[np.float64]) -> list[float]:
        sight = ellipsoid_point(place[0], place[1], height) - position
        return [float(ahead @ sight), float(np.linalg.norm(sight)) - slant_range]

    solution = root(misfit, start, method="hybr", options={"xtol": 1e-15})
    worst = max(abs(value) for value in solution.fun)
    if worst > 1e-7:
        raise ArithmeticError(f"no ground point at {slant_range} m, height {height} m: misfit {worst} m")
    return float(solution.x[0]), float(solution.x[1])


def closest_approach(satellite: Pass, point: NDArray[np.float64]) -> float:
    """Time (s) when ``satellite`` passes ``point`` (Earth-fixed, metres) at zero Doppler."""

    def closing(time: float) -> float:
        return float(satellite.velocity(time) @ (point - satellite.position(time)))

    middle = satellite.centre_time
    return float(brentq(closing, middle - 60.0, middle + 60.0, xtol=1e-11))


def baseline_directions(
    satellite: Pass, time: float, point: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Unit vectors (perpendicular, parallel) that a baseline is measured along, Earth-fixed.

    Parallel is the look direction, from the satellite to ``point``. Perpendicular is at right angles to it
    in the zero-Doppler plane, on the side away from the Earth: a baseline is positive where the secondary
    sees the point under the smaller look (and incidence) angle. That is SNAP's sign: its Amsterdam pairs
    2023-03-31/2023-03-19 (33.90 m) and 2023-03-31/2023-01-06 (107.59 m) come out of their orbit vectors
    as +33.75 m and +107.50 m so. The interferometric phase then falls with height (SNAP's height of
    ambiguity is negative where the baseline is positive).
    """
    position, velocity = satellite.position(time), satellite.velocity(time)
    look = (point - position) / np.linalg.norm(point - position)
    across = position - (position @ velocity) / (velocity @ velocity) * velocity
    outward = across - (across @ look) * look
    return outward / np.linalg.norm(outward), look


def baseline(
    reference: Pass, secondary: Pass, time: float, point: NDArray[np.float64]
) -> tuple[float, float]:
    """Perpendicular and parallel baseline (m) of ``secondary`` at ``point``, seen from ``reference`` at ``time``.

    Each satellite is taken where it passes the point at zero Doppler. Signs: ``baseline_directions``.
    """
    perpendicular, parallel = baseline_directions(reference, time, point)
    apart = secondary.position(closest_approach(secondary, point)) - reference.position(time)
    return float(apart @ perpendicular), float(apart @ parallel)


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


def scene_mesh(grid: RadarGrid, passes: Sequence[Pass], reference: int, heights: tuple[float, float]) -> Mesh:
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
