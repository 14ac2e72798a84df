"""Location errors of a burst's annotated coordinates, as polynomials of line, sample and height."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.kernels import evaluate_polynomials

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.geometry.grid import RadarGrid

HEIGHTS = -500.0, 9000.0  # m: of all ground there is
NODES = 4, 6, 6  # in line, sample and height
ITERATIONS = 4  # each makes the error of an inverse 1000 times smaller
NEGLIGIBLE = 1e-9, 1e-6  # s and m: what all terms that are left out may add up to


def _spans(grid: RadarGrid) -> tuple[tuple[float, float], ...]:
    """Middle and half of the extent of lines, samples and heights."""
    line, sample = (0.5 * max(count - 1, 1) for count in grid.shape)
    return (line, line), (sample, sample), (0.5 * sum(HEIGHTS), 0.5 * (HEIGHTS[1] - HEIGHTS[0]))


def nodes(grid: RadarGrid) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Return the Chebyshev nodes for polynomials: lines (n, 1, 1), samples (m, 1) and heights (k,)."""
    line, sample, height = (
        middle + half * _points(count) for (middle, half), count in zip(_spans(grid), NODES, strict=True)
    )
    return line[:, np.newaxis, np.newaxis], sample[:, np.newaxis], height


def _points(count: int) -> NDArray[np.float64]:
    """Chebyshev's points of -1 to 1."""
    return np.asarray(np.cos(np.pi * (np.arange(count) + 0.5) / count))


def fitted(grid: RadarGrid, time: NDArray[np.float64], slant_range: NDArray[np.float64]) -> LocationShift:
    """Fit polynomials to shifts (s and m) given at the `nodes`, each [line, sample, height]."""
    return LocationShift(
        grid=grid,
        time_coefficients=_powers(time, NEGLIGIBLE[0]),
        range_coefficients=_powers(slant_range, NEGLIGIBLE[1]),
    )


def _powers(values: NDArray[np.float64], negligible: float) -> NDArray[np.float64]:
    """Coefficients [power of line, of sample, of height] of what has these values at the nodes."""
    for axis, count in enumerate(NODES):
        inverse = np.linalg.inv(np.polynomial.polynomial.polyvander(_points(count), count - 1))
        values = np.moveaxis(np.tensordot(inverse, values, axes=(1, axis)), 0, axis)
    return np.where(np.abs(values) * values.size < negligible, 0.0, values)


def _evaluate(coefficients: NDArray[np.float64], variables: tuple[NDArray[np.float64], ...]) -> Any:
    """Horner's scheme in the last variable, of what the others make of the coefficients of its powers."""
    if not variables:
        return float(coefficients)
    rest, variable = variables[:-1], variables[-1]
    used = np.flatnonzero(coefficients.any(axis=tuple(range(coefficients.ndim - 1))))
    highest = int(used[-1]) if used.size else 0
    total = _evaluate(coefficients[..., highest], rest)
    for power in reversed(range(highest)):
        total = total * variable + _evaluate(coefficients[..., power], rest)
    return total


@dataclass(frozen=True, kw_only=True, eq=False)
class LocationShift:
    """Offsets from the annotated coordinates of a burst's pixels to their true zero-Doppler coordinates.

    Attributes
    ----------
    grid : of the burst.
    time_coefficients, range_coefficients : [power of line, of sample, of height] float64, seconds of azimuth time
        and metres of slant range; of lines, samples and HEIGHTS scaled to -1 to 1.
    """

    grid: RadarGrid
    time_coefficients: NDArray[np.float64]
    range_coefficients: NDArray[np.float64]

    def azimuth(self, line: ArrayLike, sample: ArrayLike, height: ArrayLike) -> NDArray[np.float64]:
        """Compute the azimuth shift (s) at (fractional) lines, samples and heights (m), broadcast.

        NaN where the height is, as far as a correction needs it.
        """
        return self._at(self.time_coefficients, line, sample, height)

    def slant_range(self, line: ArrayLike, sample: ArrayLike, height: ArrayLike) -> NDArray[np.float64]:
        """Compute the slant-range shift (m) at (fractional) lines, samples and heights (m), broadcast."""
        return self._at(self.range_coefficients, line, sample, height)

    def inverse(self) -> LocationShift:
        """Invert the shift: what to subtract from true coordinates to get the annotated ones.

        Its lines and samples are those of the true coordinates on the grid. Exact to 1e-6 line and sample.
        """
        line, sample, height = nodes(self.grid)
        own_line, own_sample = line, sample
        for _ in range(ITERATIONS):
            time = self.azimuth(own_line, own_sample, height)
            away = self.slant_range(own_line, own_sample, height)
            own_line = line - time / self.grid.azimuth_interval
            own_sample = sample - away / self.grid.range_spacing
        return fitted(self.grid, time, away)

    def of_pixels(
        self, line: NDArray[np.float64], sample: NDArray[np.float64], height: Any
    ) -> tuple[Any, Any]:
        """Compute both shifts (s and m) of every pixel of some lines (n,) and samples (m,).

        ``height`` is float64 [line, sample], numpy or on the device, where the shifts are too.
        """
        x, y, z = _spans(self.grid)
        scaled = height - z[0]
        scaled /= z[1]
        time, slant_range = evaluate_polynomials(
            np.stack([self.time_coefficients, self.range_coefficients]),
            (line - x[0]) / x[1],
            (sample - y[0]) / y[1],
            scaled,
        )
        return time, slant_range

    def _at(
        self, coefficients: NDArray[np.float64], line: ArrayLike, sample: ArrayLike, height: ArrayLike
    ) -> NDArray[np.float64]:
        places = np.broadcast_arrays(line, sample, height)
        x, y, z = (
            (place - middle) / half for place, (middle, half) in zip(places, _spans(self.grid), strict=True)
        )
        return np.asarray(_evaluate(coefficients, (x, y, z)) + np.zeros(x.shape))
