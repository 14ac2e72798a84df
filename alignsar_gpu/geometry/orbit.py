"""Orbit: state vectors of one satellite pass and their interpolation."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.interpolate import CubicHermiteSpline

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray


@dataclass(frozen=True, kw_only=True, eq=False)
class Orbit:
    """State vectors in the Earth-fixed frame (ECEF, WGS84).

    Attributes
    ----------
    epoch : the midnight (UTC) that times count from.
    time : (n,) float64, seconds since ``epoch``, increasing.
    position : (n, 3) float64, metres.
    velocity : (n, 3) float64, metres per second, in the rotating frame.
    source : where the vectors come from: an orbit file's name, or "annotation".
    """

    epoch: np.datetime64
    time: NDArray[np.float64]
    position: NDArray[np.float64]
    velocity: NDArray[np.float64]
    source: str

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

    @cached_property
    def _spline(self) -> CubicHermiteSpline:
        return CubicHermiteSpline(self.time, self.position, self.velocity, axis=0, extrapolate=False)

    @cached_property
    def _derivatives(self) -> tuple[CubicHermiteSpline, CubicHermiteSpline]:
        return self._spline.derivative(), self._spline.derivative(2)

    def require(self, first: float, last: float) -> None:
        """Raise AlignsarError unless the state vectors cover ``first`` to ``last`` (s since epoch)."""
        if first < self.time[0] or last > self.time[-1]:
            raise AlignsarError(
                f"orbit {self.source!r} covers {self.time[0]:.3f} s to {self.time[-1]:.3f} s of {self.epoch}, "
                f"but the acquisition needs {first:.3f} s to {last:.3f} s: give an orbit that covers it"
            )

    def position_at(self, time: ArrayLike) -> NDArray[np.float64]:
        """Position (..., 3) in metres at ``time`` (s since epoch); NaN outside the state vectors.

        Cubic Hermite interpolation: its error, h^4 / 384 times the fourth derivative (7e-6 m/s^4 in low
        orbit), is 2e-8 m for vectors 1 s apart and 0.2 mm for vectors 10 s apart.
        """
        return np.asarray(self._spline(np.asarray(time, dtype=np.float64)))

    def velocity_at(self, time: ArrayLike) -> NDArray[np.float64]:
        """Velocity (..., 3) in metres per second at ``time`` (s since epoch)."""
        return np.asarray(self._derivatives[0](np.asarray(time, dtype=np.float64)))

    def acceleration_at(self, time: ArrayLike) -> NDArray[np.float64]:
        """Acceleration (..., 3) in metres per second squared at ``time`` (s since epoch)."""
        return np.asarray(self._derivatives[1](np.asarray(time, dtype=np.float64)))
