"""Level ground: the ground of a scene by the line and sample that it would have if all of it lay at one height.

On a terrain, several places may share a pixel, and a pixel may show several places (layover). At one height, every
place has one line and sample of its own: a smooth map, whose cells are then moved to where the antenna sees them at
the terrain's height. So nothing on the ground is lost, and nothing counted twice.
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
    from alignsar_gpu.radarcoding.tiles import ImageTile

    Pair = tuple[NDArray[np.float64], NDArray[np.float64]]

# Pixels between the nodes at which the map is exact; linear in between: at Sentinel-1's ranges the ground's
# curvature is 8 mm over 64 pixels, and 20 mm over 32 of an airborne radar at 12 km.
STEP = 32
# Cells to a line and to a sample: the mean error of fractions between 0 and 1 is 0.002 to 0.005.
DETAIL = (4, 4)
LEAST_RELIEF = 50.0  # m up and down: what the bend of the displacement with height is found over
MARGIN_POSTS = 2
BYTES_PER_CELL = 16.0  # displacements, area, and what is computed on the way; without what covers the cell


@dataclass(frozen=True, kw_only=True, eq=False)
class LevelGround:
    """Map the ground of a terrain to radar lines and samples as if it all lay at one height.

    Attributes
    ----------
    terrain : the surface, with the orbit and the radar grid that it is seen from.
    shifts : offsets of the lines and samples of the image from those of the geometry.
    """

    terrain: Terrain
    shifts: Shifts = field(default=NO_SHIFTS)

    @cached_property
    def heights(self) -> tuple[float, float]:
        """Lowest and highest ground, metres; at least `LEAST_RELIEF` below and above the middle."""
        low, high = self.terrain.heights
        middle = 0.5 * (low + high)
        return min(low, middle - LEAST_RELIEF), max(high, middle + LEAST_RELIEF)

    @cached_property
    def height(self) -> float:
        """Height of the level ground, metres above WGS84."""
        return 0.5 * sum(self.heights)

    def to_radar(self, longitude: NDArray[np.float64], latitude: NDArray[np.float64]) -> Pair:
        """Return the line and sample of places (degrees) on the level ground; NaN where the orbit does not see them."""
        return self.terrain.to_radar(longitude, latitude, self.height)

    def to_ground(self, line: NDArray[np.float64], sample: NDArray[np.float64]) -> Pair:
        """Return the longitude and latitude (degrees) of lines and samples of the level ground."""
        return self.terrain.to_ground(line, sample, self.height)

    def _displacement(self, line: NDArray[np.float64], sample: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the displacement by height above the level ground: lines a metre and a metre squared, then samples.

        [4, ...], quadratic through the lowest and the highest ground.
        """
        longitude, latitude = self.to_ground(line, sample)
        rise = np.array([height - self.height for height in self.heights])
        places = [self.terrain.to_radar(longitude, latitude, height) for height in self.heights]
        moved = np.stack([[place[0] - line, place[1] - sample] for place in places])  # [height, axis, ...]
        rate = moved / rise.reshape(2, *(1,) * (moved.ndim - 1))
        bend = (rate[1] - rate[0]) / (rise[1] - rise[0])
        slope = rate[0] - bend * rise[0]
        return np.stack([slope[0], bend[0], slope[1], bend[1]])

    @cached_property
    def _moves(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Smallest and largest displacement by height over the image: of lines, then of samples."""
        grid = self.terrain.grid
        line, sample = np.meshgrid(
            np.linspace(0.0, grid.lines - 1.0, 9), np.linspace(0.0, grid.samples - 1.0, 33), indexing="ij"
        )
        slopes = self._displacement(line, sample)
        rise = [height - self.height for height in self.heights]
        down, across = (np.stack([slopes[k] * h + slopes[k + 1] * h * h for h in rise]) for k in (0, 2))
        return (
            (float(np.nanmin(down)), float(np.nanmax(down))),
            (float(np.nanmin(across)), float(np.nanmax(across))),
        )

    @cached_property
    def reach(self) -> tuple[tuple[float, float], tuple[float, float]]:
        """Largest displacement of ground from its level line and sample, before and after: of lines, of samples."""
        ends = []
        for (low, high), shift in zip(self._moves, self.shifts.largest, strict=True):
            margin = 0.5 + shift + 0.02 * max(abs(low), abs(high))
            ends.append((low - margin, high + margin))
        return ends[0], ends[1]

    def window(self, tile: ImageTile) -> tuple[slice, slice]:
        """Return the lines and samples of the level ground that a tile may show; pixel n is from n - 0.5 to n + 0.5."""
        (before, after), (nearer, farther) = self.reach
        return (
            slice(int(np.floor(tile.lines.start - after)), int(np.ceil(tile.lines.stop - before))),
            slice(int(np.floor(tile.samples.start - farther)), int(np.ceil(tile.samples.stop - nearer))),
        )

    def nodes(self, window: tuple[slice, slice]) -> tuple[tuple[int, int], Pair]:
        """Return the lattice of a window: its first line and sample, and lines and samples of nodes [row, column]."""
        first = window[0].start // STEP * STEP, window[1].start // STEP * STEP
        axes = [
            np.arange(begin, part.stop + 2 * STEP, STEP) - 0.5
            for begin, part in zip(first, window, strict=True)
        ]
        line, sample = np.meshgrid(*axes, indexing="ij")
        return first, (line, sample)

    def area(self, line: NDArray[np.float64], sample: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the area of pixels of the level ground, m2 on the ellipsoid, as maps measure it."""
        down, across = (
            np.stack(
                [geodetic_to_ecef(*self.to_ground(line + 0.5 * a, sample + 0.5 * b), 0.0) for a, b in pair]
            )
            for pair in (((1, 0), (-1, 0)), ((0, 1), (0, -1)))
        )
        return np.asarray(np.linalg.norm(np.cross(down[0] - down[1], across[0] - across[1]), axis=-1))

    def _across(self, tile: ImageTile, function: Callable[..., NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return a function of line and sample that hardly changes along the track, at the pixels of a tile.

        It is evaluated at the middle line of the image.
        """
        first = tile.samples.start // STEP * STEP
        sample = np.arange(first, tile.samples.stop + STEP, STEP, dtype=np.float64)
        values = function(np.full(len(sample), 0.5 * self.terrain.grid.lines), sample)
        across = np.interp(np.arange(tile.samples.start, tile.samples.stop), sample, values)
        return np.broadcast_to(across, tile.shape)

    def pixel_area(self, tile: ImageTile) -> NDArray[np.float64]:
        """Return the area of each pixel of a tile if the ground were level, m2 [line, sample]."""
        return self._across(tile, self.area)

    def samples_per_metre(self, tile: ImageTile) -> NDArray[np.float64]:
        """Return by how many samples a metre of height moves ground towards the sensor, [line, sample]."""
        return self._across(tile, lambda line, sample: -self._displacement(line, sample)[2])

    def bytes_of(self, tile: ImageTile) -> int:
        """Estimate the memory that `cells` takes, without what covers the cells."""
        lines, samples = self.window(tile)
        pixels = (lines.stop - lines.start) * (samples.stop - samples.start)
        return int(pixels * DETAIL[0] * DETAIL[1] * BYTES_PER_CELL)

    def cells(self, tile: ImageTile, device: Device) -> GroundCells:
        """Divide the ground that a tile may show into cells, on a device."""
        window = self.window(tile)
        first, nodes = self.nodes(window)
        longitude, latitude = self.to_ground(*nodes)
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
        shifts, begin = self.shifts.around(tile)
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
            level_ground=self,
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
        """Return the DEM's heights above the level ground around places, and the first row and column.

        ``place`` : rows and columns of the DEM, [2, ...].
        """
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
    """The ground of a tile, in cells of level ground.

    Attributes
    ----------
    window : lines and samples of the level ground that are divided into cells.
    cells, shape : their positions, and the number of rows and columns.
    down, across, area : displacements and areas of the cells, on ``device``, see `kernels.accumulate_cells`.
    """

    level_ground: LevelGround
    tile: ImageTile
    window: tuple[slice, slice]
    device: Device
    cells: kernels.Cells
    shape: tuple[int, int]
    down: Any
    across: Any
    area: Any
    _areas: list[Any] = field(default_factory=list)  # of the ground in the pixels, once something was pushed

    def push(self, planes: Any, classes: int = 0) -> Any:
        """Sum what covers the cells over the pixels that show them: float64 [plane + 1, line, sample].

        See `kernels.accumulate_cells`.
        """
        count = classes or planes.shape[0]
        sums = self.device.xp.zeros((count + 1, *self.tile.shape), dtype=np.float64)
        kernels.accumulate_cells(self.cells, self.down, self.across, self.area, planes, sums)
        if not self._areas and planes.dtype.kind in "iu":  # whole numbers leave no cell out
            self._areas.append(sums[-1].copy())
        return sums

    def areas(self) -> Any:
        """Return the area of the ground in each pixel of the tile, m2, float64 [line, sample]."""
        if not self._areas:
            self.push(self.device.xp.zeros((1, *self.shape), dtype=np.int32))
        return self._areas[0]

    def ground_area(self) -> Any:
        """Return the area of the ground in each pixel of the tile, m2, float32 [line, sample]; NaN without ground.

        Costs nothing once covers or classes were pushed.
        """
        xp = self.device.xp
        area = self.areas()
        return xp.where(area > 0.0, area, np.nan).astype(np.float32)

    def column_and_row(self, line: NDArray[np.float64], sample: NDArray[np.float64]) -> Pair:
        """Convert lines and samples of the level ground to columns and rows of cells from the upper left corner."""
        return (
            (sample + 0.5 - self.window[1].start) * DETAIL[1],
            (line + 0.5 - self.window[0].start) * DETAIL[0],
        )
