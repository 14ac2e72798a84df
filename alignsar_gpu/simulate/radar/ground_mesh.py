"""Polynomials of where every pass sees the ground of a campaign: fast, smooth, and independent of the pipeline.

A place on the ground is named by how the reference pass would see it on the ellipsoid: (u, v), the zero-Doppler
time and the slant range of the point at ``base_height`` with its longitude and latitude. SciPy's root finders
solve the equations at the nodes of a coarse mesh; Chebyshev polynomials carry them to the scatterers.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import chebyshev
from scipy.optimize import newton

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.simulate.geometry import ellipsoid_normal, ellipsoid_point, solve_ground

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.simulate.orbit import Pass

DEGREES = (
    6,
    18,
    4,
)  # in u, v and height, for a whole campaign: three subswaths, half a minute, 4 km of relief
BLOCK_DEGREES = (5, 7, 3)  # for a block of lines and samples
CHECKS = 64  # random places where a mesh is compared with the equations themselves
TIME_ERROR, LENGTH_ERROR = 2e-9, 1e-6  # seconds, metres: what a mesh may be wrong by
CHECK_SEED = 40


@dataclass(frozen=True, kw_only=True, eq=False)
class ChebyshevSeries:
    """Quantities over a box as tensor Chebyshev series.

    Attributes
    ----------
    low, high : (axis,) the box.
    coefficients : (quantity, i, j) or (quantity, i, j, k) float64.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    coefficients: NDArray[np.float64]

    def scaled(self, axis: int, value: ArrayLike) -> NDArray[np.float64]:
        """Scale coordinates along an axis to -1 to 1."""
        low, high = self.low[axis], self.high[axis]
        return np.asarray((2.0 * np.asarray(value, dtype=np.float64) - low - high) / (high - low))

    def __call__(self, *place: ArrayLike) -> NDArray[np.float64]:
        """The quantities (quantity, ...) at coordinates of one shape."""
        scaled = np.broadcast_arrays(*(self.scaled(axis, value) for axis, value in enumerate(place)))
        result = np.moveaxis(self.coefficients, 0, -1)
        result = chebyshev.chebval(scaled[0], result, tensor=True)
        for one in scaled[1:]:
            result = chebyshev.chebval(one, result, tensor=False)
        return np.asarray(result)


def _nodes(low: ArrayLike, high: ArrayLike, degrees: tuple[int, ...]) -> list[NDArray[np.float64]]:
    boxes = zip(np.atleast_1d(low), np.atleast_1d(high), degrees, strict=True)
    return [a + (b - a) * (chebyshev.chebpts1(n + 1) + 1.0) / 2.0 for a, b, n in boxes]


def _fit(low: ArrayLike, high: ArrayLike, values: NDArray[np.float64]) -> ChebyshevSeries:
    """The series through ``values`` (quantity, nodes of u, of v, ...) at the Chebyshev nodes of a box."""
    coefficients = values
    for axis, count in enumerate(values.shape[1:], start=1):
        inverse = np.linalg.inv(chebyshev.chebvander(chebyshev.chebpts1(count), count - 1))
        coefficients = np.moveaxis(np.tensordot(inverse, coefficients, axes=(1, axis)), 0, axis)
    return ChebyshevSeries(
        low=np.asarray(low, dtype=np.float64),
        high=np.asarray(high, dtype=np.float64),
        coefficients=np.ascontiguousarray(coefficients),
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class GroundMesh:
    """Longitude and latitude (degrees) over (u, v), on the ellipsoid at ``base_height`` (m)."""

    reference: Pass
    base_height: float
    heights: tuple[float, float]
    coordinates: ChebyshevSeries
    degrees: tuple[int, int, int]

    def within(
        self, times: tuple[float, float], slant_ranges: tuple[float, float], heights: tuple[float, float]
    ) -> GroundMesh:
        """Return the same ground between narrower limits, by polynomials of fewer terms."""
        low, high = np.array([times, slant_ranges]).T
        u, v = np.meshgrid(*_nodes(low, high, BLOCK_DEGREES[:2]), indexing="ij")
        return GroundMesh(
            reference=self.reference,
            base_height=self.base_height,
            heights=heights,
            coordinates=_fit(low, high, self.coordinates(u, v)),
            degrees=BLOCK_DEGREES,
        )

    @property
    def box(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Lowest and highest u, v and height."""
        low = np.append(self.coordinates.low, self.heights[0])
        return low, np.append(self.coordinates.high, self.heights[1])

    def points(self, u: ArrayLike, v: ArrayLike, height: ArrayLike | None = None) -> NDArray[np.float64]:
        """Compute the Earth-fixed position (..., 3) of places, at ``base_height`` or another height (m)."""
        longitude, latitude = self.coordinates(u, v)
        high = np.broadcast_to(self.base_height if height is None else height, longitude.shape)
        return ellipsoid_point(longitude, latitude, high)

    def incidence(self, u: ArrayLike, v: ArrayLike) -> NDArray[np.float64]:
        """Compute the angle (radians) between the reference's line of sight and the ellipsoid's normal at (u, v)."""
        longitude, latitude = self.coordinates(u, v)
        up = self.reference.position(u) - self.points(u, v)
        up /= np.linalg.norm(up, axis=-1, keepdims=True)
        return np.asarray(np.arccos(np.sum(up * ellipsoid_normal(longitude, latitude), axis=-1)))


def ground_mesh(
    reference: Pass,
    times: tuple[float, float],
    slant_ranges: tuple[float, float],
    heights: tuple[float, float],
    start: tuple[float, float],
) -> GroundMesh:
    """Fit the ground between two zero-Doppler times and slant ranges of the reference, to the right of its track.

    ``heights`` are the lowest and the highest of the terrain; ``start`` (longitude, latitude) is a place near
    the middle. Raises AlignsarError where the reference does not see the ellipsoid.
    """
    base = 0.5 * (heights[0] + heights[1])
    low, high = np.array([times, slant_ranges]).T
    nodes = _nodes(low, high, DEGREES[:2])
    places = np.empty((2, len(nodes[0]), len(nodes[1])))
    try:
        for i, u in enumerate(nodes[0]):
            for j, v in enumerate(nodes[1]):
                start = solve_ground(reference, u, v, base, start)
                places[:, i, j] = start
    except ArithmeticError as error:
        raise AlignsarError(f"simulated products: the pass does not see the ground there ({error})") from None
    places[0] = np.unwrap(np.unwrap(places[0], period=360.0, axis=1), period=360.0, axis=0)
    mesh = GroundMesh(
        reference=reference,
        base_height=base,
        heights=heights,
        coordinates=_fit(low, high, places),
        degrees=DEGREES,
    )
    u, v, _ = _random_places(mesh)
    points = mesh.points(u, v)
    sight = points - reference.position(u)
    doppler = np.abs(np.sum(sight * reference.velocity(u), axis=-1)) / np.sum(
        reference.velocity(u) ** 2, axis=-1
    )
    _check("ground", doppler, np.abs(np.linalg.norm(sight, axis=-1) - v))
    return mesh


def zero_doppler(satellite: Pass, points: NDArray[np.float64], guess: ArrayLike) -> NDArray[np.float64]:
    """Find the times (s) when ``points`` (..., 3) are at right angles to the velocity of a pass (Earth-fixed).

    Closed in by secants from ``guess``, which must be within a few minutes.
    """

    def closing(time: NDArray[np.float64]) -> NDArray[np.float64]:
        velocity = satellite.velocity(time)
        ahead = np.sum(velocity * (points - satellite.position(time)), axis=-1)
        return np.asarray(ahead / np.sum(velocity**2, axis=-1))

    first = np.broadcast_to(np.asarray(guess, dtype=np.float64), points.shape[:-1]).copy()
    time = newton(closing, first, x1=first + closing(first), tol=1e-11, rtol=0.0, maxiter=50)
    return np.asarray(time, dtype=np.float64)


def sight_mesh(mesh: GroundMesh, satellite: Pass) -> ChebyshevSeries:
    """Fit zero-Doppler time (s) minus u, and slant range (m) minus v, of ``satellite`` over (u, v, height).

    The time counts from the midnight of the satellite's own date.
    """
    low, high = mesh.box
    u, v, height = np.meshgrid(*_nodes(low, high, mesh.degrees), indexing="ij")
    series = _fit(low, high, np.array(_to_radar(mesh, satellite, u, v, height)))
    u, v, height = _random_places(mesh)
    error = np.abs(series(u, v, height) - _to_radar(mesh, satellite, u, v, height))
    _check("sight", error[0], error[1])
    return series


def look_mesh(mesh: GroundMesh) -> ChebyshevSeries:
    """Fit the angle (radians) at the reference satellite between nadir and the point at (u, v, height)."""
    low, high = mesh.box
    u, v, height = np.meshgrid(*_nodes(low, high, mesh.degrees), indexing="ij")
    points = mesh.points(u, v, height)
    position = mesh.reference.position(zero_doppler(mesh.reference, points, u))
    sight = points - position
    cosine = -np.sum(sight * position, axis=-1) / np.linalg.norm(sight, axis=-1)
    return _fit(low, high, np.arccos(cosine / np.linalg.norm(position, axis=-1))[np.newaxis])


def _to_radar(
    mesh: GroundMesh, satellite: Pass, u: NDArray[np.float64], v: NDArray[np.float64], height: ArrayLike
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    points = mesh.points(u, v, height)
    guess = u - mesh.reference.centre_time + satellite.centre_time
    time = zero_doppler(satellite, points, guess)
    return time - u, np.linalg.norm(points - satellite.position(time), axis=-1) - v


def _random_places(mesh: GroundMesh) -> tuple[NDArray[np.float64], ...]:
    low, high = mesh.box
    return tuple(np.random.default_rng(CHECK_SEED).uniform(low, high, (CHECKS, 3)).T)


def _check(what: str, time: NDArray[np.float64], length: NDArray[np.float64]) -> None:
    if time.max() > TIME_ERROR or length.max() > LENGTH_ERROR:
        raise AlignsarError(
            f"simulated products: the {what} mesh is wrong by {time.max():.1e} s and {length.max():.1e} m: the "
            "area is too large for its polynomials; simulate fewer bursts or subswaths at a time"
        )
