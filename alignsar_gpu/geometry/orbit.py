"""Orbit: state vectors of one satellite pass, and their interpolation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import PPoly

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.bounds import require
from alignsar_gpu.geometry.orbit_check import find_misfit
from alignsar_gpu.kernels import OrbitTable

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.geometry.grid import RadarGrid

STENCIL = 4  # state vectors that the polynomial of an interval goes through
DEGREE = 2 * STENCIL - 1
ORBIT_AGAIN = "get the product or the orbit file again, or give another orbit"


def _cubics(
    time: NDArray[np.float64], value: NDArray[np.float64], slope: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Between each two of n times the cubic in u = 0..1 with these values and slopes: (n - 1, 4, 3)."""
    step = np.diff(time)[:, np.newaxis]
    first, last = step * slope[:-1], step * slope[1:]
    rise = np.diff(value, axis=0)
    return np.stack([value[:-1], first, 3.0 * rise - 2.0 * first - last, first + last - 2.0 * rise], axis=1)


def _powers(u: float, count: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """1, u, u^2, ... (``count`` terms) and their derivatives."""
    exponents = np.arange(count, dtype=np.float64)
    return u**exponents, exponents * u ** np.maximum(exponents - 1.0, 0.0)


def _coefficients(
    time: NDArray[np.float64], position: NDArray[np.float64], velocity: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Per interval the polynomial in u = 0..1 through ``STENCIL`` vectors around it, (n - 1, 8, 3).

    Hermite's polynomial, written as the cubic H(u) of the interval's own two vectors plus
    u^2 (1 - u)^2 q(u), where q takes up what is missing at the stencil's other vectors: their residuals
    against H are small, so that nothing is lost to rounding.
    """
    count = len(time)
    size = min(STENCIL, count)
    result = np.zeros((count - 1, DEGREE + 1, 3))
    result[:, :4] = _cubics(time, position, velocity)
    for k in range(count - 1):
        first = min(max(k + 1 - size // 2, 0), count - size)
        others = [i for i in range(first, first + size) if i not in {k, k + 1}]
        step = time[k + 1] - time[k]
        rows, residuals = [], []
        for i in others:
            u = (time[i] - time[k]) / step
            value, slope = _powers(u, 4)
            bump, bump_slope = (u * (1.0 - u)) ** 2, 2.0 * u * (1.0 - u) * (1.0 - 2.0 * u)
            own, own_slope = _powers(u, 2 * len(others))
            rows += [bump * own, bump_slope * own + bump * own_slope]
            residuals += [position[i] - value @ result[k, :4], step * velocity[i] - slope @ result[k, :4]]
        if others:
            q = np.linalg.solve(np.array(rows), np.array(residuals))
            for shift, factor in ((2, 1.0), (3, -2.0), (4, 1.0)):
                result[k, shift : shift + len(q)] += factor * q
    return result


@dataclass(frozen=True, kw_only=True, eq=False)
class Orbit:
    """State vectors in the Earth-fixed frame (ECEF, WGS84).

    Between two vectors the position is Hermite's polynomial of degree 7 through four of them (positions and
    velocities), as in ISCE3; it is continuous with its first derivative.

    Attributes
    ----------
    epoch : the midnight (UTC) that times count from.
    time : (n,) float64, seconds since ``epoch``, increasing.
    position : (n, 3) float64, metres.
    velocity : (n, 3) float64, metres per second, in the rotating frame.
    source : where the vectors come from: an orbit file's name, or "annotation".

    Raises AlignsarError for vectors that do not increase in time, or that no flight goes through: one off by metres,
    with a wrong sign or time; see `geometry.orbit_check`.
    """

    epoch: np.datetime64
    time: NDArray[np.float64]
    position: NDArray[np.float64]
    velocity: NDArray[np.float64]
    source: str

    def __repr__(self) -> str:
        midnight = self.epoch.astype("datetime64[s]")
        first, last = (midnight + np.timedelta64(round(float(t)), "s") for t in self.time[[0, -1]])
        return f"Orbit({self.source!r}, {len(self.time)} state vectors from {first} to {last})"

    def __post_init__(self) -> None:
        count = len(self.time)
        if count < 2 or self.position.shape != (count, 3) or self.velocity.shape != (count, 3):
            raise AlignsarError(
                f"orbit {self.source!r}: needs at least two state vectors with three components each, got "
                f"{count} times, positions {self.position.shape}, velocities {self.velocity.shape}"
            )
        if not np.all(np.diff(self.time) > 0):
            raise AlignsarError(f"orbit {self.source!r}: the times of its state vectors do not increase")
        if not (np.isfinite(self.position).all() and np.isfinite(self.velocity).all()):
            raise AlignsarError(f"orbit {self.source!r}: a state vector is not a finite number")
        with np.errstate(over="ignore"):
            require(
                "orbit_radius", np.linalg.norm(self.position, axis=1), f"orbit {self.source!r}", ORBIT_AGAIN
            )
            require(
                "orbit_speed", np.linalg.norm(self.velocity, axis=1), f"orbit {self.source!r}", ORBIT_AGAIN
            )
        misfit = find_misfit(self.time, self.position, self.velocity)
        if misfit is not None:
            raise AlignsarError(
                f"orbit {self.source!r}: state vector {misfit.index + 1} of {count}, {self.time[misfit.index]:.3f} s "
                f"after {self.epoch}, is {misfit.position:.3g} m and {misfit.velocity:.3g} m/s off the flight between "
                f"its neighbours: damaged; {ORBIT_AGAIN}"
            )

    @cached_property
    def table(self) -> OrbitTable:
        """The table that the kernels interpolate from."""
        return OrbitTable(
            time=np.ascontiguousarray(self.time, dtype=np.float64),
            coefficients=_coefficients(self.time, self.position, self.velocity),
        )

    @cached_property
    def _polynomials(self) -> tuple[PPoly, PPoly, PPoly]:
        step = np.diff(self.time)[:, np.newaxis, np.newaxis]
        per_second = self.table.coefficients / step ** np.arange(DEGREE + 1)[:, np.newaxis]
        position = PPoly(per_second[:, ::-1].transpose(1, 0, 2), self.time, extrapolate=False)
        return position, position.derivative(), position.derivative(2)

    def require(self, first: float, last: float, *, margin: int = 0) -> None:
        """Raise AlignsarError unless the vectors cover ``first`` to ``last`` (s since epoch).

        ``margin`` vectors more are asked for on either side: with one, times lie in the middle of the
        vectors that they are interpolated from.
        """
        before = np.searchsorted(self.time, first, side="right")
        after = len(self.time) - np.searchsorted(self.time, last, side="left")
        if min(before, after) <= margin:
            more = f", with {margin} more vectors on either side" if margin else ""
            raise AlignsarError(
                f"orbit {self.source!r} covers {self.time[0]:.3f} s to {self.time[-1]:.3f} s of {self.epoch}, "
                f"but the acquisition needs {first:.3f} s to {last:.3f} s{more}: give an orbit that covers it"
            )

    def require_epoch_of(self, grid: RadarGrid) -> None:
        """Raise AlignsarError unless its times and those of a radar grid count from the same day."""
        if grid.epoch != self.epoch:
            raise AlignsarError(
                f"orbit {self.source!r}: its times count from {self.epoch}, those of the radar grid from {grid.epoch}"
            )

    def require_image(self, grid: RadarGrid) -> None:
        """Raise AlignsarError unless the vectors cover all lines of a radar grid, with one more on either side."""
        self.require_epoch_of(grid)
        first, last = grid.azimuth_time([0, grid.lines - 1])
        self.require(float(first), float(last), margin=1)

    def position_at(self, time: ArrayLike) -> NDArray[np.float64]:
        """Interpolate the position (..., 3) in metres at ``time`` (s since epoch); NaN outside the state vectors.

        The polynomial's error is below a micrometre for vectors of a low orbit 10 s apart.
        """
        return np.asarray(self._polynomials[0](np.asarray(time, dtype=np.float64)))

    def velocity_at(self, time: ArrayLike) -> NDArray[np.float64]:
        """Interpolate the velocity (..., 3) in metres per second at ``time`` (s since epoch)."""
        return np.asarray(self._polynomials[1](np.asarray(time, dtype=np.float64)))

    def acceleration_at(self, time: ArrayLike) -> NDArray[np.float64]:
        """Interpolate the acceleration (..., 3) in metres per second squared at ``time`` (s since epoch)."""
        return np.asarray(self._polynomials[2](np.asarray(time, dtype=np.float64)))
