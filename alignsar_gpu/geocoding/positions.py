"""Geocoding: where the pixels of a map are in the image.

Every pixel of the map has a height on the DEM; the range-Doppler equations say in which line and sample of the image
it is seen (Schreier 1993, SAR Geocoding: Data and Systems), and there layers are sampled (`geocoding.tiles`). Ground in
layover gets what it shares with other ground, ground in shadow what lies over it in the image: the radar grid's flags
of both, geocoded themselves (nearest), say where.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu import kernels
from alignsar_gpu.geocoding.coverage import is_on_look_side, require_coverage
from alignsar_gpu.geometry.dem.dem import Dem
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar
from alignsar_gpu.geometry.lattice import smooth_pair

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Pair = tuple[NDArray[np.float64], NDArray[np.float64]]

    from alignsar_gpu.device import Device
    from alignsar_gpu.geocoding.map_grid import MapGrid
    from alignsar_gpu.geometry.doppler import Doppler
    from alignsar_gpu.geometry.grid import RadarGrid
    from alignsar_gpu.geometry.orbit import Orbit
    from alignsar_gpu.geometry.stored.surface import PixelSurface

PART_COLUMNS = (
    2048  # of a map, worked on together: a multiple of the segments of kernels and cells of the lattice
)
WINDOW_SHARE = 0.25  # of the memory, for the part of a layer or of the DEM that is read at a time
BYTES_PER_POST = 64  # of the arrays that the DEM makes of a window
REACH = 2  # pixels around the outermost positions that a window has: what cubic interpolation takes


@dataclass(frozen=True, kw_only=True, eq=False)
class Geocoding:
    """Compute where the pixels of a map grid are in the image of a radar grid.

    Attributes
    ----------
    grid : the radar grid.
    orbit : what the antenna moves along; its times count from the grid's epoch.
    dem : the surface that the map's pixels lie on: a DEM, or that of the image's own pixels.
    map_grid : where layers are wanted.
    device : where the arithmetic runs.
    doppler : what the image is focused to; None for zero Doppler.
    offset : lines and samples that the image shows everything later and farther than ``grid`` says: two numbers,
        or a function that gives both for lines and samples [row, column] (arrays on the device).
    partial : whether the DEM need not reach all that map and image share: what it does not reach is no data.

    Raises AlignsarError when the orbit does not cover the lines, when the map shows nothing of the image, and when
    the DEM does not reach what both share: by how much.
    """

    grid: RadarGrid
    orbit: Orbit
    dem: Dem | PixelSurface
    map_grid: MapGrid
    device: Device
    doppler: Doppler | None = None
    offset: tuple[float, float] | Callable[[Any, Any], tuple[Any, Any]] = (0.0, 0.0)
    partial: bool = False

    def __post_init__(self) -> None:
        self.orbit.require_image(self.grid)
        require_coverage(
            self.grid, self.orbit, self.dem, self.map_grid, doppler=self.doppler, partial=self.partial
        )

    # Positions

    @cached_property
    def _middle_time(self) -> float:
        return float(self.grid.azimuth_time(0.5 * self.grid.lines))

    def positions(self, first: int, stop: int, columns: slice | None = None) -> tuple[Any, Any]:
        """Return the fractional line and sample of the image for the pixels of the map's rows ``first:stop``.

        float64 [row, column] on the device, of all columns or a part of them; NaN where the DEM has no surface, on the
        other side of the track, and where the orbit ends. A row has the same bits in any block of the same columns.
        """
        xp = self.device.xp
        wanted = columns or slice(0, self.map_grid.shape[1])
        if wanted.stop - wanted.start <= PART_COLUMNS:
            return self._positions(first, stop, wanted)
        line, sample = (
            xp.empty((stop - first, wanted.stop - wanted.start), dtype=np.float64) for _ in range(2)
        )
        for begin in range(wanted.start, wanted.stop, PART_COLUMNS):
            part = slice(begin, min(begin + PART_COLUMNS, wanted.stop))
            inside = slice(part.start - wanted.start, part.stop - wanted.start)
            line[:, inside], sample[:, inside] = self._positions(first, stop, part)
        return line, sample

    def _positions(self, first: int, stop: int, columns: slice) -> tuple[Any, Any]:
        xp, rows = self.device.xp, slice(first, stop)
        longitude, latitude = self.map_grid.to_geodetic(first, stop, columns, xp)
        if isinstance(self.dem, Dem):
            height = self._heights(*smooth_pair(self._posts, rows, columns, xp)).astype(np.float64)
        else:
            place = (self.device.download(values) for values in (longitude, latitude))
            height = self.device.upload(self.dem.height_at(*place))
        self._hide_other_side(rows, columns, height)
        table = kernels.ZERO_DOPPLER if self.doppler is None else self.doppler.table(self.grid.wavelength)
        seed = xp.full(stop - first, self._middle_time)
        line, sample = kernels.ground_to_radar(longitude, latitude, height, seed, self.orbit.table, table)
        line -= self.grid.first_azimuth_time
        line /= self.grid.azimuth_interval
        sample -= self.grid.first_slant_range
        sample /= self.grid.range_spacing
        later, farther = self.offset(line, sample) if callable(self.offset) else self.offset
        line += later
        sample += farther
        return line, sample

    def seen(
        self, row: NDArray[np.float64], column: NDArray[np.float64], height: NDArray[np.float64]
    ) -> Pair:
        """Return line and sample at which places of the map (fractional rows and columns) are seen at heights (m)."""
        time, slant_range = ground_to_radar(
            self.orbit,
            *self.map_grid.geodetic(row, column),
            height,
            self._middle_time,
            doppler=self.doppler,
            wavelength=self.grid.wavelength,
        )
        return self.grid.line(time), self.grid.sample(slant_range)

    def _posts(self, row: NDArray[np.float64], column: NDArray[np.float64]) -> Pair:
        """Return fractional row and column of the DEM for those of the map."""
        assert isinstance(self.dem, Dem)
        return self.dem.frame.position(*self.map_grid.geodetic(row, column))

    def _heights(self, row: Any, column: Any) -> Any:
        """Interpolate heights (m) at rows and columns of the DEM, float32; as `Dem.height_at`, to 0.2 mm."""
        dem = self.dem
        assert isinstance(dem, Dem)

        heights = self.device.xp.full(row.shape, np.float32(np.nan))
        most = max(int(WINDOW_SHARE * self.device.memory_budget) // BYTES_PER_POST, 1)
        parts = [(slice(0, row.shape[0]), slice(0, row.shape[1]))]
        while parts:
            part = parts.pop()
            y, x = (self.device.xp.ascontiguousarray(position[part]) for position in (row, column))
            down, across = window_around(y, x, dem.shape)
            count = (down.stop - down.start) * (across.stop - across.start)
            if count > most and y.size > 1:
                parts += halves_of(*part)
            elif count:
                posts = self.device.upload(dem.posts(down, across).height.astype(np.float32))
                place = y - down.start, x - across.start
                heights[part] = kernels.gather(posts, *place, "triangles")
        return heights

    def _hide_other_side(self, rows: slice, columns: slice, height: Any) -> None:
        """Set heights on the far side of the track to NaN: both sides have the same times and ranges.

        The track is straight enough to pass between the corners of a part that has pixels of both sides.
        """
        ends = [np.linspace(s.start, s.stop - 1, 3) for s in (rows, columns)]
        visible = self._is_seen(*np.meshgrid(*ends, indexing="ij"))
        if visible.all():
            return
        if visible.any():
            pixels = (np.arange(s.start, s.stop, dtype=np.float64) for s in (rows, columns))
            visible = self._is_seen(*np.meshgrid(*pixels, indexing="ij"))
            height[~self.device.upload(visible)] = np.nan
        else:
            height[...] = np.nan

    def _is_seen(self, row: NDArray[np.float64], column: NDArray[np.float64]) -> NDArray[np.bool_]:
        return is_on_look_side(self.grid, self.orbit, *self.map_grid.geodetic(row, column))


def window_around(line: Any, sample: Any, shape: tuple[int, int]) -> tuple[slice, slice]:
    """Return the part of an image of this shape that encloses positions on it; empty where they are all outside."""
    ends = kernels.extents(line, sample)
    if ends is None:
        return slice(0, 0), slice(0, 0)
    down, across = (_reached(*axis, count) for axis, count in zip(ends, shape, strict=True))
    return down, across


def _reached(first: float, last: float, count: int) -> slice:
    if last < -1.0 or first > count:
        return slice(0, 0)
    return slice(max(math.floor(first) - REACH, 0), min(math.ceil(last) + REACH + 1, count))


def halves_of(rows: slice, columns: slice) -> list[tuple[slice, slice]]:
    """Divide a part of an array in halves, across its longer side."""
    if rows.stop - rows.start >= columns.stop - columns.start:
        middle = (rows.start + rows.stop) // 2
        return [(slice(rows.start, middle), columns), (slice(middle, rows.stop), columns)]
    middle = (columns.start + columns.stop) // 2
    return [(rows, slice(columns.start, middle)), (rows, slice(middle, columns.stop))]
