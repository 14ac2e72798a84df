"""Baselines between two passes: at points, and for every pixel of a radar grid."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.ellipsoid import ellipsoid_normal, geodetic_to_ecef
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.geometry.range_doppler import radar_to_ground

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.geometry.orbit import Orbit

NODES = (9, 65)  # lines and samples: with heights 2 km apart, linear to 2e-5 of a baseline over a burst


class Components(NamedTuple):
    """A baseline seen from points on the ground, float64 arrays of their shape.

    Attributes
    ----------
    perpendicular : metres across the line of sight in the zero-Doppler plane, positive when the secondary looks
        more steeply (under the smaller look angle): the sign that SNAP gives.
    parallel : metres along the line of sight, positive when the secondary is closer to the point.
    ground_distance : slant range times the sine of the incidence angle, metres.
    azimuth_time : zero-Doppler time in the secondary pass, seconds since its orbit's epoch.
    """

    perpendicular: NDArray[np.float64]
    parallel: NDArray[np.float64]
    ground_distance: NDArray[np.float64]
    azimuth_time: NDArray[np.float64]


def baseline_components(
    reference: Orbit, secondary: Orbit, longitude: ArrayLike, latitude: ArrayLike, height: ArrayLike
) -> Components:
    """The baseline of ``secondary`` against ``reference`` at points (degrees, degrees, metres).

    Raises AlignsarError when an orbit does not see one of the points at zero Doppler.
    """
    lon, lat, h = np.broadcast_arrays(longitude, latitude, height)
    times = []
    for orbit in (reference, secondary):
        time, _ = ground_to_radar(orbit, lon, lat, h, 0.5 * (orbit.time[0] + orbit.time[-1]))
        if np.isnan(time).any():
            lost = np.flatnonzero(np.isnan(time))[0]
            raise AlignsarError(
                f"orbit {orbit.source!r} never sees {lat.flat[lost]:.4f} N {lon.flat[lost]:.4f} E at zero "
                "Doppler: it belongs to another place or covers too short a time"
            )
        times.append(time)
    target, antenna = geodetic_to_ecef(lon, lat, h), reference.position_at(times[0])
    separation = secondary.position_at(times[1]) - antenna
    sight = target - antenna
    slant_range = np.linalg.norm(sight, axis=-1)
    look = sight / slant_range[..., np.newaxis]
    up = ellipsoid_normal(lon, lat)
    across = np.cross(look, reference.velocity_at(times[0]))
    # one sign for right- and left-looking antennas
    size = np.linalg.norm(across, axis=-1) * np.sign(np.sum(across * up, axis=-1))
    return Components(
        perpendicular=np.sum(separation * across, axis=-1) / size,
        parallel=np.sum(separation * look, axis=-1),
        ground_distance=slant_range * np.sqrt(1.0 - np.sum(look * up, axis=-1) ** 2),
        azimuth_time=times[1],
    )


class PixelBaselines(NamedTuple):
    """Metres, float64 [line, sample]; signs as in `Components`.

    Attributes
    ----------
    height_of_ambiguity : metres of height for one cycle of phase, with the sign of ``perpendicular``.
    """

    perpendicular: NDArray[np.float64]
    parallel: NDArray[np.float64]
    height_of_ambiguity: NDArray[np.float64]


@dataclass(frozen=True, kw_only=True, eq=False)
class BaselineField:
    """Baselines of every pixel, interpolated from nodes on a coarse grid at two heights.

    Attributes
    ----------
    wavelength : metres.
    line : (n,) float64, of the nodes.
    heights : the two heights, metres; linear between them and beyond.
    table : (3, 2, n, samples) float64: perpendicular, parallel and ground distance at both heights.
    """

    wavelength: float
    line: NDArray[np.float64]
    heights: tuple[float, float]
    table: NDArray[np.float64]

    def lines(self, first: int, stop: int, height: NDArray[np.float64]) -> PixelBaselines:
        """Baselines of lines ``first:stop`` on terrain of ``height`` (m), [line, sample].

        Height of ambiguity: lambda R sin(theta) / (2 B) (Hanssen 2001, Radar Interferometry, chapter 2).
        """
        position = np.interp(np.arange(first, stop), self.line, np.arange(len(self.line)))
        node = np.minimum(position.astype(int), len(self.line) - 2)
        weight = (position - node)[:, np.newaxis]
        share = (height - self.heights[0]) / (self.heights[1] - self.heights[0])

        def field(index: int) -> NDArray[np.float64]:
            low, high = (t[node] * (1.0 - weight) + t[node + 1] * weight for t in self.table[index])
            return np.asarray(low + share * (high - low))

        perpendicular, parallel, ground_distance = (field(i) for i in range(3))
        with np.errstate(divide="ignore"):
            ambiguity = 0.5 * self.wavelength * ground_distance / perpendicular
        return PixelBaselines(perpendicular, parallel, ambiguity)


def baseline_field(
    reference: Orbit, secondary: Orbit, grid: RadarGrid, heights: tuple[float, float]
) -> BaselineField:
    """Baselines over the radar ``grid`` of the reference pass, for terrain between two heights (m).

    Raises AlignsarError when an orbit does not see the ground there.
    """
    low, high = heights
    high = max(high, low + 1.0)
    line, sample = np.linspace(0, grid.lines - 1, NODES[0]), np.linspace(0, grid.samples - 1, NODES[1])
    times, ranges = grid.azimuth_time(line)[:, np.newaxis], grid.slant_range(sample)
    tables = []
    for height in (low, high):
        longitude, latitude = radar_to_ground(reference, times, ranges, height, grid.look_side)
        found = baseline_components(reference, secondary, longitude, latitude, height)
        tables.append(np.stack([found.perpendicular, found.parallel, found.ground_distance]))
    coarse = np.stack(tables, axis=1)
    samples = np.arange(grid.samples)
    fine = np.apply_along_axis(lambda values: np.interp(samples, sample, values), -1, coarse)
    return BaselineField(wavelength=grid.wavelength, line=line, heights=(low, high), table=fine)
