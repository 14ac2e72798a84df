"""The pass of a real satellite from its state vectors, computed independently of the pipeline."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.polynomial import chebyshev

from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.geometry.orbit import Orbit

DEGREE = 12
SPAN = 100.0  # s on either side of what is seen: the vectors that are fitted
LARGEST_MISFIT = 0.01  # m, m/s


@dataclass(frozen=True, kw_only=True, eq=False)
class RecordedPass:
    """A recorded pass: a Chebyshev polynomial a coordinate, fitted to positions and velocities; see `Pass`.

    Attributes
    ----------
    centre_time, half : middle and half the length (s) of the fitted time.
    coefficients : (degree + 1, 3), metres.
    """

    centre_time: float
    half: float
    coefficients: NDArray[np.float64]

    def position(self, time: ArrayLike) -> NDArray[np.float64]:
        """Compute the Earth-fixed position (..., 3) at ``time``, metres."""
        return self._value(time, self.coefficients)

    def velocity(self, time: ArrayLike) -> NDArray[np.float64]:
        """Compute the velocity (..., 3) in the rotating frame at ``time``, metres per second."""
        slopes: NDArray[np.float64] = chebyshev.chebder(self.coefficients).astype(np.float64)
        return self._value(time, slopes / self.half)

    def _value(self, time: ArrayLike, coefficients: NDArray[np.float64]) -> NDArray[np.float64]:
        scaled = (np.asarray(time, dtype=np.float64) - self.centre_time) / self.half
        return np.asarray(np.moveaxis(chebyshev.chebval(scaled, coefficients), 0, -1))


def recorded_pass(orbit: Orbit, first: float, last: float) -> RecordedPass:
    """Fit the pass between two times (s since the orbit's epoch) to the state vectors around them.

    Raises AlignsarError where the vectors do not lie on one smooth way to a centimetre.
    """
    near = (orbit.time >= first - SPAN) & (orbit.time <= last + SPAN)
    time, position, velocity = orbit.time[near], orbit.position[near], orbit.velocity[near]
    if 2 * len(time) <= DEGREE + 1:
        raise AlignsarError(
            f"orbit {orbit.source!r}: {len(time)} state vectors around the acquisition are too few to simulate from"
        )
    centre, half = 0.5 * (time[0] + time[-1]), 0.5 * (time[-1] - time[0])
    scaled = (time - centre) / half
    by_position = chebyshev.chebvander(scaled, DEGREE)
    slopes = chebyshev.chebder(np.eye(DEGREE + 1), axis=0)
    by_velocity = chebyshev.chebvander(scaled, DEGREE - 1) @ slopes
    # A vector's velocity, times half the length, weighs like its position after a thousandth of that time.
    weight = 1e-3
    matrix = np.concatenate([by_position, weight * by_velocity])
    values = np.concatenate([position, weight * half * velocity])
    coefficients, *_ = np.linalg.lstsq(matrix, values, rcond=None)
    found = RecordedPass(centre_time=float(centre), half=float(half), coefficients=coefficients)
    inner = (time >= first - 20.0) & (time <= last + 20.0)
    misfit = np.abs(found.position(time[inner]) - position[inner]).max()
    if misfit > LARGEST_MISFIT:
        raise AlignsarError(f"orbit {orbit.source!r}: its state vectors are {misfit:.3f} m off a smooth way")
    return found
