"""Terrain in radar geometry: ground position and viewing angles of the pixels of a radar grid on a DEM.

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
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar, incidence_angle
from alignsar_gpu.geometry.range_doppler import radar_to_ground
from alignsar_gpu.geometry.terrain.area import window_area_ratio
from alignsar_gpu.geometry.terrain.posts import BYTES_PER_POST, radar_posts

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import ArrayLike, NDArray

    from alignsar_gpu.geometry.dem.dem import Dem
    from alignsar_gpu.geometry.doppler import Doppler
    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.geometry.orbit import Orbit

LOWEST, HIGHEST = -500.0, 9000.0  # m above the ellipsoid: what the Earth's surface has, with a margin
PART_SAMPLES = 8192  # samples drawn together: a slanted swath needs far fewer posts in parts than as a whole
FLATTEST = 0.1  # cosine of the largest incidence angle that shadows are followed under
NEIGHBOURS = 8  # points of a list that are taken to lie near each other
POST_MARGIN = 4  # posts around the outline of a block: slopes take one on either side
BYTES_PER_PIXEL = 48  # of a part and of the whole: what is returned, and the kernels' scratch
COVERAGE_ITERATIONS = 5  # each halves the distance to the terrain at least where it is not in layover


@dataclass(frozen=True, kw_only=True, eq=False)
class Terrain:
    """The surface of a DEM as an antenna sees it.

    Attributes
    ----------
    grid : the radar grid.
    orbit : what the antenna moves along; its times count from the grid's epoch.
    dem : the surface: facets between its posts, flat in longitude, latitude and height.
    doppler : what the image is focused to; None for zero Doppler.
    partial : whether the DEM need not reach all of the image: what it does not reach is NaN.

    Raises AlignsarError when the orbit does not cover the lines, or the DEM the image: by how much.
    """

    grid: RadarGrid
    orbit: Orbit
    dem: Dem
    doppler: Doppler | None = None
    partial: bool = False

    def __post_init__(self) -> None:
        self.orbit.require_image(self.grid)
        if not self.partial:
            self._require_coverage()

    def _require_coverage(self) -> None:
        """Raise AlignsarError unless the outline of the image, on the terrain, is inside the DEM."""
        outline = _outline(slice(0, self.grid.lines), slice(0, self.grid.samples))
        height = np.full(outline[0].shape, 0.5 * sum(self.heights))
        for _ in range(COVERAGE_ITERATIONS):
            longitude, latitude = self.to_ground(*outline, height)
            found = self.dem.height_at(longitude, latitude)
            height = np.where(np.isfinite(found), found, height)
        if np.isnan(longitude).any():
            raise self._above_ground()
        self.dem.require(longitude, latitude, "the image")

    def to_ground(
        self, line: NDArray[np.float64], sample: NDArray[np.float64], height: NDArray[np.float64] | float
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Convert (fractional) lines and samples at heights (m) to longitude and latitude; NaN if there is no point."""
        time, slant_range = self.grid.azimuth_time(line), self.grid.slant_range(sample)
        speed = (
            0.0 if self.doppler is None else 0.5 * self.grid.wavelength * self.doppler.at(time, slant_range)
        )
        return radar_to_ground(self.orbit, time, slant_range, height, self.grid.look_side, speed)

    def to_radar(
        self, longitude: ArrayLike, latitude: ArrayLike, height: ArrayLike
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Fractional line and sample of places (degrees) at heights (m); NaN where the orbit does not see them."""
        shape = np.broadcast_shapes(np.shape(longitude), np.shape(latitude), np.shape(height))
        if len(shape) == 1 and shape[0] > NEIGHBOURS:
            count = shape[0]
            rows = [_in_rows(np.broadcast_to(values, shape)) for values in (longitude, latitude, height)]
            line, sample = self.to_radar(*rows)
            return line.ravel()[:count], sample.ravel()[:count]
        middle = self.grid.azimuth_time(0.5 * self.grid.lines)
        time, slant_range = ground_to_radar(
            self.orbit,
            longitude,
            latitude,
            height,
            middle,
            doppler=self.doppler,
            wavelength=self.grid.wavelength,
        )
        return self.grid.line(time), self.grid.sample(slant_range)

    def _around(
        self, lines: slice, samples: slice, heights: tuple[float, ...]
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Longitudes and latitudes around lines and samples at these heights, where there are any."""
        outline = _outline(lines, samples)
        places = [self.to_ground(*outline, height) for height in heights]
        longitude, latitude = (np.concatenate([place[axis] for place in places]) for axis in (0, 1))
        known = np.isfinite(longitude)
        if not known.any():
            raise self._above_ground()
        return longitude[known], latitude[known]

    def _above_ground(self) -> AlignsarError:
        near, far = self.grid.slant_range([0, self.grid.samples - 1])
        return AlignsarError(
            f"slant ranges of {near:.0f} m to {far:.0f} m do not meet the ground along orbit {self.orbit.source!r}"
        )

    @cached_property
    def heights(self) -> tuple[float, float]:
        """Lowest and highest height (m) of the part of the DEM that may be in the image.

        Raises AlignsarError when the DEM has no surface there.
        """
        rows, columns = self.dem.window(
            *self._around(slice(0, self.grid.lines), slice(0, self.grid.samples), (LOWEST, 0.0, HIGHEST)),
            POST_MARGIN,
        )
        return self.dem.lowest_and_highest(rows, columns, "the image")

    @cached_property
    def margin(self) -> int:
        """Samples before a pixel that may hold what casts a shadow on it or shares its layover.

        Along a line of sight, from the highest to the lowest ground under the largest incidence angle.
        """
        low, high = self.heights
        line, sample = np.array([0.5 * self.grid.lines]), np.array([self.grid.samples - 1.0])
        longitude, latitude = self.to_ground(line, sample, low)
        angle = incidence_angle(self.orbit, longitude, latitude, low, self.grid.azimuth_time(line))
        steepness = max(float(np.cos(np.radians(angle[0]))), FLATTEST)
        return int(np.ceil((high - low) / steepness / self.grid.range_spacing)) + 1

    @property
    def _parts(self) -> list[slice]:
        """The samples that are drawn together: always the same, whatever the lines."""
        starts = range(0, self.grid.samples, PART_SAMPLES)
        return [slice(start, min(start + PART_SAMPLES, self.grid.samples)) for start in starts]

    def window(self, lines: slice, samples: slice) -> tuple[slice, slice]:
        """Return the rows and columns of the DEM that some lines and samples are computed from.

        Columns begin and end at multiples of the kernels' segments, which share an anchor.
        """
        seen = slice(samples.start - self.margin, samples.stop)
        rows, columns = self.dem.window(*self._around(lines, seen, self.heights), POST_MARGIN)
        segment = kernels.SEGMENT
        begin, end = columns.start // segment * segment, -(-columns.stop // segment) * segment
        return rows, slice(begin, min(end, self.dem.shape[1]))

    def lines(self, first: int, stop: int, xp: Any = np) -> kernels.TerrainLayers:
        """Compute coordinates, angles and flags of the pixels of lines ``first:stop``, [line, sample].

        NaN where the DEM has no surface. ``xp`` is the library whose arrays are wanted: numpy, or CuPy for
        the work to be done on its device.
        """
        parts = self._parts
        if len(parts) == 1:
            return self._draw(slice(first, stop), parts[0], xp)
        images: list[Any] = []
        for part in parts:
            drawing = self._draw(slice(first, stop), part, xp)
            shape = stop - first, self.grid.samples
            images = images or [xp.empty(shape, dtype=piece.dtype) for piece in drawing]
            for image, piece in zip(images, drawing, strict=True):
                image[:, part] = piece
        return kernels.TerrainLayers(*images)

    def _draw(self, lines: slice, samples: slice, xp: Any) -> kernels.TerrainLayers:
        window = self.dem.posts(*self.window(lines, samples))
        posts, bends = radar_posts(window, self.grid, self.orbit, self.doppler, samples.start, xp)
        return kernels.rasterize_terrain(
            posts,
            bends,
            first=lines.start,
            lines=lines.stop - lines.start,
            samples=samples.stop - samples.start,
            margin=self.margin,
        )

    def area_ratio(self, first: int, stop: int, xp: Any = np) -> Any:
        """Compute A_gamma / A_beta: the terrain's area as the antenna sees it over the pixel's slant-range area.

        Of lines ``first:stop``, float32 [line, sample]; beta0 divided by it is terrain-flattened gamma0 (Small 2011).
        Facets that are turned away or in cast shadow do not count, in layover all that share a pixel do. A facet
        is in shadow as a whole if terrain stands on the line of sight from its middle: pixels at the edges of
        shadows are by up to a facet's size other than those flagged by `lines`. NaN where nothing is lit, and
        where the DEM does not cover the whole pixel. Lines have the same bits in any block.
        ``xp`` as in `lines`. Takes less memory than `lines`.
        """
        ratio = xp.empty((stop - first, self.grid.samples), dtype=np.float32)
        for part in self._parts:
            around = slice(first - 1, stop + 1), slice(part.start - 1, part.stop + 1)
            ratio[:, part] = window_area_ratio(
                self.dem.posts(*self.window(*around)),
                self.grid,
                self.orbit,
                self.doppler,
                lines=slice(first, stop),
                samples=part,
                ceiling=self.heights[1],
                xp=xp,
            )
        return ratio

    def block_lines(self, memory: int) -> int:
        """Return how many lines `lines` can process at a time in ``memory`` bytes.

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
        """Return the memory (bytes) that `lines` needs for ``count`` lines from ``first`` on."""
        largest = 0
        for part in self._parts:
            rows, columns = self.window(slice(first, first + count), part)
            posts = (rows.stop - rows.start) * (columns.stop - columns.start)
            pixels = count * (part.stop - part.start + self.margin)
            largest = max(largest, posts * BYTES_PER_POST + pixels * BYTES_PER_PIXEL)
        return int(largest) + count * self.grid.samples * BYTES_PER_PIXEL

    def blocks(self, memory: int) -> Iterator[tuple[int, int]]:
        """Iterate over blocks of lines (first, stop) that fit into ``memory`` bytes."""
        count = self.block_lines(memory)
        for first in range(0, self.grid.lines, count):
            yield first, min(first + count, self.grid.lines)


def _in_rows(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """A list in rows of a few neighbours, which are solved together; NaN after the last."""
    rows = np.full((-(-len(values) // NEIGHBOURS), NEIGHBOURS), np.nan)
    rows.reshape(-1)[: len(values)] = values
    return rows


def _outline(lines: slice, samples: slice) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lines and samples of points around a part of an image."""
    down, across = (
        np.linspace(lines.start, lines.stop - 1, 9),
        np.linspace(samples.start, samples.stop - 1, 33),
    )
    line = np.concatenate([np.repeat(down[[0, -1]], across.size), np.tile(down, 2)])
    sample = np.concatenate([np.tile(across, 2), np.repeat(across[[0, -1]], down.size)])
    return line, sample
