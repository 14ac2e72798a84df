"""The chart of a scene: its ground by the line and sample where it would be seen at one height.

On a terrain, several places may share a pixel, and a pixel may lie on several places (layover). At one height,
every place has one line and sample of its own: a smooth map, whose cells are then moved to where the antenna sees
them at the terrain's height. So nothing on the ground is lost, and nothing counted twice.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu import kernels
from alignsar_gpu.geometry.ellipsoid import geodetic_to_ecef
from alignsar_gpu.radarcoding.shifts import NO_SHIFTS, Shifts

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from alignsar_gpu.device import Device
    from alignsar_gpu.geometry.terrain.terrain import Terrain

    Pair = tuple[NDArray[np.float64], NDArray[np.float64]]

# Pixels between the nodes at which the map is exact; linear in between: at Sentinel-1's ranges the ground's
# curvature is 8 mm over 64 pixels, and 20 mm over 32 of an airborne radar at 12 km.
STEP = 32
# Cells to a line and to a sample: the mean error of fractions between 0 and 1 is 0.002 to 0.005.
DETAIL = (4, 4)
LEAST_RELIEF = 50.0  # m up and down: what the bend of the displacement with height is found over
MARGIN_POSTS = 2
BYTES_PER_CELL = 16.0  # displacements, area, and what is computed on the way; without what covers the cell


@dataclass(frozen=True, kw_only=True)
class Tile:
    """Some lines and samples of an image."""

    lines: slice
    samples: slice

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and samples."""
        return self.lines.stop - self.lines.start, self.samples.stop - self.samples.start


@dataclass(frozen=True, kw_only=True, eq=False)
class Chart:
    """The ground of a terrain by lines and samples at one height.

    Attributes
    ----------
    terrain : the surface, the orbit and the radar grid that it is seen in.
    shifts : what lines and samples of the image are off from those of the geometry.
    """

    terrain: Terrain
    shifts: Shifts = field(default=NO_SHIFTS)

    @cached_property
    def heights(self) -> tuple[float, float]:
        """Lowest and highest ground, or what may be taken for it where it is flat, metres."""
        low, high = self.terrain.heights
        middle = 0.5 * (low + high)
        return min(low, middle - LEAST_RELIEF), max(high, middle + LEAST_RELIEF)

    @cached_property
    def height(self) -> float:
        """The height of the chart, metres above WGS84."""
        return 0.5 * sum(self.heights)

    def places(self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> Pair:
        """Line and sample of places (degrees) on the chart; NaN where the orbit does not see them."""
        return self.terrain.seen(longitude, latitude, self.height)

    def ground(self, line: NDArray[np.float64], sample: NDArray[np.float64]) -> Pair:
        """Longitude and latitude (degrees) of lines and samples of the chart."""
        return self.terrain.place(line, sample, self.height)

    def _displacement(self, line: NDArray[np.float64], sample: NDArray[np.float64]) -> NDArray[np.float64]:
        """Lines by metre and by metre squared of height above the chart's, then samples: [4, ...]."""
        longitude, latitude = self.ground(line, sample)
        rise = np.array([height - self.height for height in self.heights])
        found = [self.terrain.seen(longitude, latitude, height) for height in self.heights]
        moved = np.stack([[one[0] - line, one[1] - sample] for one in found])  # [height, axis, ...]
        rate = moved / rise.reshape(2, *(1,) * (moved.ndim - 1))
        bend = (rate[1] - rate[0]) / (rise[1] - rise[0])
        slope = rate[0] - bend * rise[0]
        return np.stack([slope[0], bend[0], slope[1], bend[1]])

    @cached_property
    def _moves(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Smallest and largest displacement by height over the image: lines, samples."""
        grid = self.terrain.grid
        line, sample = np.meshgrid(
            np.linspace(0.0, grid.lines - 1.0, 9), np.linspace(0.0, grid.samples - 1.0, 33), indexing="ij"
        )
        found = self._displacement(line, sample)
        rise = [height - self.height for height in self.heights]
        down, across = (np.stack([found[k] * h + found[k + 1] * h * h for h in rise]) for k in (0, 2))
        return (
            (float(np.nanmin(down)), float(np.nanmax(down))),
            (float(np.nanmin(across)), float(np.nanmax(across))),
        )

    @cached_property
    def reach(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """How far ground is seen before and after its place on the chart at most: lines, samples."""
        ends = []
        for (low, high), shift in zip(self._moves, self.shifts.largest, strict=True):
            margin = 0.5 + shift + 0.02 * max(abs(low), abs(high))
            ends.append((low - margin, high + margin))
        return ends[0], ends[1]

    def window(self, tile: Tile) -> tuple[slice, slice]:
        """Lines and samples of the chart whose ground may be seen in a tile; pixel n lies from n - 0.5 to n + 0.5."""
        (before, after), (nearer, farther) = self.reach
        return (
            slice(int(np.floor(tile.lines.start - after)), int(np.ceil(tile.lines.stop - before))),
            slice(int(np.floor(tile.samples.start - farther)), int(np.ceil(tile.samples.stop - nearer))),
        )

    def nodes(self, window: tuple[slice, slice]) -> tuple[tuple[int, int], Pair]:
        """Where the lattice of a window begins (line, sample), and lines and samples of its nodes [row, column]."""
        first = window[0].start // STEP * STEP, window[1].start // STEP * STEP
        axes = [
            np.arange(begin, part.stop + 2 * STEP, STEP) - 0.5
            for begin, part in zip(first, window, strict=True)
        ]
        line, sample = np.meshgrid(*axes, indexing="ij")
        return first, (line, sample)

    def area(self, line: NDArray[np.float64], sample: NDArray[np.float64]) -> NDArray[np.float64]:
        """Area of the ground of a pixel of the chart, m2 on the ellipsoid, as that of maps."""
        down, across = (
            np.stack([geodetic_to_ecef(*self.ground(line + 0.5 * a, sample + 0.5 * b), 0.0) for a, b in pair])
            for pair in (((1, 0), (-1, 0)), ((0, 1), (0, -1)))
        )
        return np.asarray(np.linalg.norm(np.cross(down[0] - down[1], across[0] - across[1]), axis=-1))

    def _across(self, tile: Tile, of: Callable[..., NDArray[np.float64]]) -> NDArray[np.float64]:
        """What hardly changes along the track, at the pixels of a tile: that of the middle of the image."""
        first = tile.samples.start // STEP * STEP
        sample = np.arange(first, tile.samples.stop + STEP, STEP, dtype=np.float64)
        values = of(np.full(len(sample), 0.5 * self.terrain.grid.lines), sample)
        own = np.interp(np.arange(tile.samples.start, tile.samples.stop), sample, values)
        return np.broadcast_to(own, tile.shape)

    def pixel_area(self, tile: Tile) -> NDArray[np.float64]:
        """Area of the ground that pixels would have if it were level, m2: [line, sample]."""
        return self._across(tile, self.area)

    def samples_per_metre(self, tile: Tile) -> NDArray[np.float64]:
        """By how many samples ground is seen nearer if it lies a metre higher: [line, sample]."""
        return self._across(tile, lambda line, sample: -self._displacement(line, sample)[2])

    def bytes_of(self, tile: Tile) -> int:
        """Memory that `cells` takes, without what is to cover them."""
        lines, samples = self.window(tile)
        pixels = (lines.stop - lines.start) * (samples.stop - samples.start)
        return int(pixels * DETAIL[0] * DETAIL[1] * BYTES_PER_CELL)

    def cells(self, tile: Tile, device: Device) -> GroundCells:
        """The ground that may be seen in a tile, in cells, on a device."""
        window = self.window(tile)
        first, nodes = self.nodes(window)
        longitude, latitude = self.ground(*nodes)
        dem = self.terrain.dem
        row, column = dem.frame.position(longitude.ravel(), latitude.ravel())
        place = np.stack([row, column]).reshape(2, *longitude.shape)
        lattice = np.ascontiguousarray(np.concatenate([place, self._displacement(*nodes)]))
        cells = kernels.Cells(
            start=(
                (window[0].start - first[0]) * DETAIL[0],
                (window[1].start - first[1]) * DETAIL[1],
            ),
            steps=(STEP * DETAIL[0], STEP * DETAIL[1]),
            chart=(window[0].start - 0.5 - tile.lines.start, window[1].start - 0.5 - tile.samples.start),
            cell=(1.0 / DETAIL[0], 1.0 / DETAIL[1]),
        )
        shape = (
            (window[0].stop - window[0].start) * DETAIL[0],
            (window[1].stop - window[1].start) * DETAIL[1],
        )
        posts, origin = self._posts(place)
        shifts, begin = self.shifts.of(tile)
        down, across = kernels.displace_cells(
            device.upload(lattice),
            cells,
            shape,
            device.upload(posts),
            origin,
            device.upload(shifts),
            (*begin, self.shifts.spacing),
        )
        area = np.ascontiguousarray(self.area(*nodes)[np.newaxis]) / (DETAIL[0] * DETAIL[1])
        areas = kernels.lattice_cells(device.upload(area), cells, shape)[:, 0]
        return GroundCells(
            chart=self,
            tile=tile,
            window=window,
            device=device,
            cells=cells,
            shape=shape,
            down=down,
            across=across,
            area=device.xp.ascontiguousarray(areas.astype(np.float32)),
        )

    def _posts(self, place: NDArray[np.float64]) -> tuple[NDArray[np.float32], tuple[int, int]]:
        """Heights of the DEM above the chart's around places [row or column, ...], and the first row and column."""
        window = []
        for position, count in zip(place, self.terrain.dem.shape, strict=True):
            known = position[np.isfinite(position)]
            low, high = (known.min(), known.max()) if known.size else (0.0, 0.0)
            first, stop = int(np.floor(low)) - MARGIN_POSTS, int(np.ceil(high)) + MARGIN_POSTS + 1
            first = min(max(first, 0), count - 2)
            window.append(slice(first, max(min(stop, count), first + 2)))
        height = self.terrain.dem.posts(window[0], window[1]).height
        return (height - self.height).astype(np.float32), (window[0].start, window[1].start)


@dataclass(frozen=True, kw_only=True, eq=False)
class GroundCells:
    """The ground of a tile, in cells of a chart.

    Attributes
    ----------
    window : lines and samples of the chart.
    cells, shape : how they lie, rows and columns.
    down, across, area : on ``device``, see `kernels.accumulate_cells`.
    """

    chart: Chart
    tile: Tile
    window: tuple[slice, slice]
    device: Device
    cells: kernels.Cells
    shape: tuple[int, int]
    down: Any
    across: Any
    area: Any

    def push(self, planes: Any, classes: int = 0) -> Any:
        """What is seen in the pixels of the tile: float64 [plane + 1, line, sample], see `kernels.accumulate_cells`."""
        count = classes or planes.shape[0]
        sums = self.device.xp.zeros((count + 1, *self.tile.shape), dtype=np.float64)
        kernels.accumulate_cells(self.cells, self.down, self.across, self.area, planes, sums)
        return sums

    def ground_area(self) -> Any:
        """Area of the ground in each pixel of the tile, m2, float32 [line, sample]; NaN without ground."""
        xp = self.device.xp
        whole = xp.zeros((1, *self.shape), dtype=np.float32)
        area = self.push(whole)[-1]
        return xp.where(area > 0.0, area, np.nan).astype(np.float32)

    def column_and_row(self, line: NDArray[np.float64], sample: NDArray[np.float64]) -> Pair:
        """Columns and rows, counted in cells from the upper left corner, of lines and samples of the chart."""
        return (
            (sample + 0.5 - self.window[1].start) * DETAIL[1],
            (line + 0.5 - self.window[0].start) * DETAIL[0],
        )
