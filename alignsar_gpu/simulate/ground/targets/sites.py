"""Find sites for point targets: open ground, open water, ground beside a town."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from scipy.ndimage import distance_transform_edt, uniform_filter

from alignsar_gpu.simulate.ground.backscatter import BARE_SOIL, FIELD, GRASSLAND, URBAN, WATER

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.simulate.ground.changes import Change
    from alignsar_gpu.simulate.ground.raster import Plane, Raster

MOST = 2000  # cells of the long side in which sites are looked for
STEEPEST = 0.05  # m per m, of the ground under a target
TRIES = 400
CLEAR = 50.0  # m from a change
TOWN, BUILT_UP = 400.0, 0.3  # m, and share of houses within them: a farm is no town
EDGE = 100.0  # m from the edge of the map


class Sites:
    """Search for sites on a map, in cells of some pixels that must all be of a class."""

    def __init__(self, cover: Raster, heights: Raster, changes: Sequence[Change]) -> None:
        self.cover, self.heights, self.changes = cover, heights, changes
        self.plane: Plane = cover.plane
        self.step = max(1, int(np.ceil(max(cover.shape) / MOST)))
        self.cell = tuple(self.step * metres for metres in cover.posting)
        (x, y), (u, v) = (
            cover.axes_in(self.plane),
            heights.axes_in(self.plane),
        )  # both reach beyond the bounds
        self.reach = max(x[0], u[0]), min(x[-1], u[-1]), max(y[0], v[0]), min(y[-1], v[-1])
        self._room: dict[tuple[int, ...], NDArray[np.float32]] = {}

    def _distance(self, *classes: int) -> NDArray[np.float32]:
        """Metres from the middle of each cell to the nearest that is not wholly of these classes."""
        if classes not in self._room:
            wanted = np.zeros(256, dtype=bool)
            wanted[list(classes)] = True
            rows, columns = (count // self.step for count in self.cover.shape)
            whole = np.ones((rows, columns), dtype=bool)
            for i in range(self.step):
                for j in range(self.step):
                    part = self.cover.values[i : i + rows * self.step : self.step]
                    whole &= wanted[part[:, j : j + columns * self.step : self.step]]
            padded = np.pad(whole, 1)  # the map ends like a shore
            away = distance_transform_edt(padded, sampling=self.cell)[1:-1, 1:-1]
            self._room[classes] = np.asarray(away, dtype=np.float32)
        return self._room[classes]

    def _cell_middle(self, row: int, column: int) -> tuple[float, float]:
        """x and y of a cell's middle."""
        middle = 0.5 * (self.step - 1)
        down, across = self.cover.posting
        return (column * self.step + middle) * across, (row * self.step + middle) * down

    def ground(self, x: float, y: float) -> tuple[float, float, float]:
        """Return longitude, latitude and height of the ground at a place."""
        longitude, latitude = self.plane.degrees(x, y)
        return float(longitude), float(latitude), float(self.heights.on_triangles(longitude, latitude))

    def _is_level(self, x: float, y: float, reach: float) -> bool:
        across, down = (
            x + reach * np.array([0.0, 1.0, -1.0, 0.0, 0.0]),
            y + reach * np.array([0.0, 0, 0, 1, -1]),
        )
        ground = self.heights.on_triangles(*self.plane.degrees(across, down))
        return bool(np.abs(ground - ground[0]).max() <= STEEPEST * reach)

    def _is_clear(self, x: float, y: float, reach: float, date: int | None = None) -> bool:
        """Whether no change is near, on any date or on one."""
        (left, right, top, bottom), (first, last) = self._changed
        near = (left - reach < x) & (x < right + reach) & (top - reach < y) & (y < bottom + reach)
        return not (near if date is None else near & (first <= date) & (date <= last)).any()

    @cached_property
    def _changed(self) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """Boxes around the changes (left, right, top, bottom) and their first and last dates, [4 and 2, change]."""
        west, south, east, north = np.reshape([one.shape.bounds for one in self.changes], (-1, 4)).T
        left, top = self.plane.position(west, north)
        right, bottom = self.plane.position(east, south)
        dates = np.reshape([(one.first, one.last) for one in self.changes], (-1, 2)).astype(np.int64)
        return np.stack([left, right, top, bottom]), dates.T

    def _inside(self, x: float, y: float, margin: float) -> bool:
        west, east, north, south = self.reach
        return bool(west + margin <= x <= east - margin and north + margin <= y <= south - margin)

    def _draw(
        self, room: NDArray[np.float32], least: float, rng: np.random.Generator
    ) -> list[tuple[float, float]]:
        """Places with enough room, in random order, not all of them."""
        found = np.flatnonzero(room.ravel() >= least)
        if not len(found):
            return []
        chosen = rng.choice(found, min(TRIES, len(found)), replace=False)
        return [self._cell_middle(*divmod(int(cell), room.shape[1])) for cell in chosen]

    def open_ground(self, count: int, reach: float, rng: np.random.Generator) -> list[tuple[float, float]]:
        """Find up to ``count`` places with ``reach`` metres of field or pasture around, far from each other."""
        if not count:
            return []
        taken: list[tuple[float, float]] = []
        down, across = (
            size * metres for size, metres in zip(self.cover.shape, self.cover.posting, strict=True)
        )
        apart = 0.5 * np.sqrt(down * across / count)
        for room in (reach, 0.5 * reach):  # a small country has small fields
            for x, y in self._draw(self._distance(FIELD, GRASSLAND, BARE_SOIL), room, rng):
                far = all(np.hypot(x - u, y - v) >= apart for u, v in taken)
                fits = self._inside(x, y, EDGE) and self._is_clear(x, y, reach + CLEAR)
                if len(taken) < count and far and fits and self._is_level(x, y, reach):
                    taken.append((x, y))
        return taken

    def open_water(
        self,
        reach: float,
        date: int,
        berths: Sequence[tuple[float, float, float]],
        rng: np.random.Generator,
    ) -> tuple[float, float] | None:
        """Find a place with ``reach`` metres of water around on a date, clear of other ships (x, y, length)."""
        u, v, length = np.reshape(berths, (-1, 3)).T
        for x, y in self._draw(self._distance(WATER), reach, rng):
            free = bool((np.hypot(x - u, y - v) > reach + length).all())
            if free and self._inside(x, y, reach) and self._is_clear(x, y, reach, date):
                return x, y
        return None

    def beside_town(
        self, reach: float, taken: Sequence[tuple[float, float, float]], rng: np.random.Generator
    ) -> tuple[float, float] | None:
        """Find a place with ``reach`` metres of open ground around, close to a town, clear of others (x, y, reach)."""
        houses = (self.cover.values[:: self.step, :: self.step] == URBAN).astype(np.float32)
        town = uniform_filter(houses, [max(1, round(TOWN / metres)) for metres in self.cell]) > BUILT_UP
        if not town.any():
            return None
        away = distance_transform_edt(~town, sampling=self.cell)
        best: tuple[float, tuple[float, float]] | None = None
        for x, y in self._draw(self._distance(FIELD, GRASSLAND, BARE_SOIL), reach, rng):
            row, column = int(y / self.cell[0]), int(x / self.cell[1])
            far = float(away[min(row, away.shape[0] - 1), min(column, away.shape[1] - 1)])
            fits = self._inside(x, y, reach) and self._is_clear(x, y, reach)
            fits = fits and all(np.hypot(x - u, y - v) > reach + other for u, v, other in taken)
            if fits and self._is_level(x, y, reach) and (best is None or far < best[0]):
                best = far, (x, y)
        return best[1] if best else None
