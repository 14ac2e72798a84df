"""Terrain in radar geometry: where the pixels of a radar grid lie on a DEM, and how they are seen.

The posts of the DEM are seen by the radar, and the facets between them are drawn into its grid: a DEM has
many times fewer posts than an image has pixels. Lines come out in blocks of any size, with the same bits.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu import kernels
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geometry.ellipsoid import ECCENTRICITY_SQUARED, SEMI_MAJOR_AXIS
from alignsar_gpu.geometry.range_doppler import radar_to_ground

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.geometry.dem import Dem
    from alignsar_gpu.geometry.doppler import Doppler
    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.geometry.orbit import Orbit

LOWEST, HIGHEST = -500.0, 9000.0  # m above the ellipsoid: what the Earth's surface has, with a margin
SHADOW_MARGIN = 256  # samples before the first that are looked at for what casts shadows
POST_MARGIN = 4  # posts around the outline of a block: slopes take one on either side
BYTES_PER_POST = 240  # of the arrays that `_posts` holds at a time
BYTES_PER_PIXEL = 64  # of what is returned, and of the kernels' scratch
ROWS_AT_A_TIME = 512
COVERAGE_ITERATIONS = 5  # each halves the distance to the terrain at least where it is not in layover

ALL, FIRST, LAST = slice(None), slice(None, -1), slice(1, None)
SIDES = (  # of a cell: from which posts to which
    ((ALL, FIRST), (ALL, LAST)),  # to the right
    ((FIRST, ALL), (LAST, ALL)),  # downwards
    ((FIRST, LAST), (LAST, FIRST)),  # from the post to the right to the post below
)


@dataclass(frozen=True, kw_only=True, eq=False)
class Terrain:
    """The surface of a DEM as an antenna sees it.

    Attributes
    ----------
    grid : the radar grid.
    orbit : what the antenna moves along; its times count from the grid's epoch.
    dem : the surface: facets between its posts, flat in longitude, latitude and height.
    doppler : what the image is focused to; None for zero Doppler.
    needed : lines and samples that the DEM has to reach, such as the valid part of a burst; None for all.

    Raises AlignsarError when the orbit does not cover the lines, or the DEM the image: by how much.
    """

    grid: RadarGrid
    orbit: Orbit
    dem: Dem
    doppler: Doppler | None = None
    needed: tuple[slice, slice] | None = None

    def __post_init__(self) -> None:
        if self.grid.epoch != self.orbit.epoch:
            raise AlignsarError(
                f"orbit {self.orbit.source!r}: its times count from {self.orbit.epoch}, those of the radar grid "
                f"from {self.grid.epoch}"
            )
        first, last = self.grid.azimuth_time([0, self.grid.lines - 1])
        self.orbit.require(float(first), float(last), margin=1)
        self._require_coverage()

    def _require_coverage(self) -> None:
        """Raise AlignsarError unless the outline of what is needed, on the terrain, is inside the DEM."""
        lines, samples = self.needed or (slice(0, self.grid.lines), slice(0, self.grid.samples))
        outline = _outline(lines, samples)
        height = np.full(outline[0].shape, 0.5 * sum(self.heights))
        for _ in range(COVERAGE_ITERATIONS):
            longitude, latitude = self._place(*outline, height)
            found = self.dem.height_at(longitude, latitude)
            height = np.where(np.isfinite(found), found, height)
        self.dem.require(longitude, latitude, "the image")

    def _place(
        self, line: NDArray[np.float64], sample: NDArray[np.float64], height: NDArray[np.float64] | float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Longitude and latitude of (fractional) lines and samples at heights."""
        time, slant_range = self.grid.azimuth_time(line), self.grid.slant_range(sample)
        speed = (
            0.0 if self.doppler is None else 0.5 * self.grid.wavelength * self.doppler.at(time, slant_range)
        )
        longitude, latitude = radar_to_ground(
            self.orbit, time, slant_range, height, self.grid.look_side, speed
        )
        if np.isnan(longitude).any():
            near, far = self.grid.slant_range([0, self.grid.samples - 1])
            raise AlignsarError(
                f"slant ranges of {near:.0f} m to {far:.0f} m do not meet the ground along orbit "
                f"{self.orbit.source!r}"
            )
        return longitude, latitude

    def _around(
        self, first: int, stop: int, heights: tuple[float, ...]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Longitudes and latitudes around lines ``first:stop`` and what may cast shadows, at these heights."""
        outline = _outline(slice(first, stop), slice(-SHADOW_MARGIN, self.grid.samples))
        places = [self._place(*outline, height) for height in heights]
        return np.concatenate([p[0] for p in places]), np.concatenate([p[1] for p in places])

    @cached_property
    def heights(self) -> tuple[float, float]:
        """Lowest and highest post (m) of the part of the DEM that may be in the image.

        Raises AlignsarError when the DEM has no surface there.
        """
        rows, columns = self.dem.window(
            *self._around(0, self.grid.lines, (LOWEST, 0.0, HIGHEST)), POST_MARGIN
        )
        low, high = np.inf, -np.inf
        for begin in range(rows.start, rows.stop, ROWS_AT_A_TIME):
            part = self.dem.posts(slice(begin, min(begin + ROWS_AT_A_TIME, rows.stop)), columns).height
            low = min(low, float(np.min(part, where=np.isfinite(part), initial=np.inf)))
            high = max(high, float(np.max(part, where=np.isfinite(part), initial=-np.inf)))
        if not low <= high:
            raise AlignsarError(f"{self.dem.source}: the DEM has nothing but holes where the image is")
        return low, high

    def window(self, first: int, stop: int) -> tuple[slice, slice]:
        """Rows and columns of the DEM that lines ``first:stop`` are drawn from.

        Columns begin and end at multiples of the kernels' segments, which share an anchor.
        """
        rows, columns = self.dem.window(*self._around(first, stop, self.heights), POST_MARGIN)
        segment = kernels.SEGMENT
        begin, end = columns.start // segment * segment, -(-columns.stop // segment) * segment
        return rows, slice(begin, min(end, self.dem.shape[1]))

    def lines(self, first: int, stop: int, xp: Any = np) -> kernels.Drawing:
        """Coordinates, angles and flags of the pixels of lines ``first:stop``, [line, sample].

        NaN where the DEM has no surface. ``xp`` is the library whose arrays are wanted: numpy, or CuPy for
        the work to be done on its device.
        """
        posts, bends = self._posts(*self.window(first, stop), xp)
        return kernels.draw_terrain(
            posts,
            bends,
            first=first,
            lines=stop - first,
            samples=self.grid.samples,
            margin=SHADOW_MARGIN,
        )

    def block_lines(self, memory: int) -> int:
        """How many lines at a time `lines` can take in so many bytes.

        Raises AlignsarError when not even one fits.
        """
        count = self.grid.lines
        while count >= 1:
            needed = max(self.bytes_of(first, count) for first in (0, (self.grid.lines - count) // 2))
            if needed <= memory:
                return count
            count //= 2
        raise AlignsarError(
            f"one line of {self.grid.samples} samples over {self.dem.source} takes {self.bytes_of(0, 1) / 2**20:.0f} "
            f"MiB, and {memory / 2**20:.0f} MiB are given: give more memory or a coarser DEM"
        )

    def bytes_of(self, first: int, count: int) -> int:
        """Memory that `lines` takes for ``count`` lines from ``first`` on."""
        rows, columns = self.window(first, first + count)
        posts = (rows.stop - rows.start) * (columns.stop - columns.start)
        return int(posts) * BYTES_PER_POST + count * (self.grid.samples + SHADOW_MARGIN) * BYTES_PER_PIXEL

    def blocks(self, memory: int) -> Iterator[tuple[int, int]]:
        """First line and the line after the last of each block that fits into so many bytes."""
        count = self.block_lines(memory)
        for first in range(0, self.grid.lines, count):
            yield first, min(first + count, self.grid.lines)

    def _seen(self, points: Sequence[Any], xp: Any) -> tuple[Any, Any]:
        """Azimuth time and slant range of longitudes, latitudes and heights [row, column]."""
        middle = float(self.grid.azimuth_time(0.5 * self.grid.lines))
        seed = xp.full(points[0].shape[0], middle)
        table = kernels.ZERO_DOPPLER if self.doppler is None else self.doppler.table(self.grid.wavelength)
        return kernels.ground_to_radar(points[0], points[1], points[2], seed, self.orbit.table, table)

    def _pixel(self, time: Any, slant_range: Any) -> tuple[Any, Any]:
        """Fractional sample and line, in the library of the arrays."""
        sample = (slant_range - self.grid.first_slant_range) / self.grid.range_spacing
        return sample, (time - self.grid.first_azimuth_time) / self.grid.azimuth_interval

    def _posts(self, rows: slice, columns: slice, xp: Any) -> tuple[Any, Any]:
        """Posts and bends, as `kernels.draw_terrain` takes them."""
        window = self.dem.posts(rows, columns)
        longitude, latitude, height = (
            xp.asarray(a) for a in (window.longitude, window.latitude, window.height)
        )
        time, slant_range = self._seen((longitude, latitude, height), xp)
        east, north = _slopes(longitude, latitude, height, xp)
        angles = kernels.viewing_angles(longitude, latitude, height, time, east, north, self.orbit.table)
        sample, line = self._pixel(time, slant_range)
        posts = xp.stack([sample, line, longitude, latitude, height, *angles], axis=-1)
        bends = xp.zeros((*sample.shape, 6), dtype=np.float32)
        for side, (here, there) in enumerate(SIDES):
            # Middles have the shape of the posts, so that segments begin at the same columns.
            middles = [a.copy() for a in (longitude, latitude, height)]
            shape = sample[here].shape
            part = slice(0, shape[0]), slice(0, shape[1])
            for middle, values in zip(middles, (longitude, latitude, height), strict=True):
                middle[part] = 0.5 * (values[here] + values[there])
            time, slant_range = (a[part] for a in self._seen(middles, xp))
            far, late = self._pixel(time, slant_range)
            bends[(*part, 2 * side)] = far - 0.5 * (sample[here] + sample[there])
            bends[(*part, 2 * side + 1)] = late - 0.5 * (line[here] + line[there])
        return posts, bends


def _outline(lines: slice, samples: slice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lines and samples of points around a part of an image."""
    down, across = (
        np.linspace(lines.start, lines.stop - 1, 9),
        np.linspace(samples.start, samples.stop - 1, 33),
    )
    line = np.concatenate([np.repeat(down[[0, -1]], across.size), np.tile(down, 2)])
    sample = np.concatenate([np.tile(across, 2), np.repeat(across[[0, -1]], down.size)])
    return line, sample


def _slopes(longitude: Any, latitude: Any, height: Any, xp: Any) -> tuple[Any, Any]:
    """Slopes of a surface to the east and to the north, metres a metre, from the posts on either side."""
    sine_squared = xp.sin(xp.radians(latitude)) ** 2
    root = xp.sqrt(1.0 - ECCENTRICITY_SQUARED * sine_squared)
    prime_vertical = SEMI_MAJOR_AXIS / root
    meridian = prime_vertical * (1.0 - ECCENTRICITY_SQUARED) / root**2
    east_scale = xp.radians(1.0) * prime_vertical * xp.sqrt(1.0 - sine_squared)
    north_scale = xp.radians(1.0) * meridian
    down, right = ([xp.gradient(a, axis=axis) for a in (longitude, latitude, height)] for axis in (0, 1))
    area = east_scale * north_scale * (right[0] * down[1] - down[0] * right[1])
    east = north_scale * (right[2] * down[1] - down[2] * right[1]) / area
    north = east_scale * (down[2] * right[0] - right[2] * down[0]) / area
    return east, north
