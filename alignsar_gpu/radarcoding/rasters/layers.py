"""Raster layers: class fractions, majority classes, and area-weighted values of radar pixels."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu import kernels
from alignsar_gpu.geometry.ellipsoid import geodetic_to_ecef
from alignsar_gpu.radarcoding.layers import NONE, UNKNOWN, LayerSpec, class_flags, mask_layer, mask_name
from alignsar_gpu.radarcoding.rasters.classes import NO_CLASS
from alignsar_gpu.radarcoding.rasters.config import CATEGORICAL
from alignsar_gpu.radarcoding.rasters.opening import open_raster
from alignsar_gpu.radarcoding.rasters.series import open_series

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.kernels.gathering.interface import GatherMethod
    from alignsar_gpu.radarcoding.layers import LabelScene
    from alignsar_gpu.radarcoding.level_ground import GroundCells
    from alignsar_gpu.radarcoding.rasters.config import RasterLayerConfig
    from alignsar_gpu.radarcoding.rasters.files import LabelRaster
    from alignsar_gpu.radarcoding.rasters.series import Match, RasterSeries

MARGIN = 3  # pixels of the raster around those that cells lie in: what a cubic interpolation reaches
SIDE, PIXELS = 1024, 2048  # cells, and pixels of the raster, along a side of a block, at most or about
FIBONACCI = (1, 2, 3, 5, 8, 13, 21, 34, 55, 89, 144)  # one less than these are the points in a cell
LEAST = 4  # of them where pixels of the raster have edges: the mean error of shares between 0 and 1 is 0.008
TOGETHER = 8  # points of all cells that are in memory
TAKEN: dict[str, GatherMethod] = {
    "mean": "nearest",
    "bilinear": "bilinear",
    "cubic": "cubic",
}  # the value of a cell
AREAS = (*CATEGORICAL, "mean")  # what looks at the areas of a raster's pixels
DESCRIPTIONS = {
    "mean": "mean over the ground of the pixel, by area",
    "bilinear": "mean over the ground of the pixel, by area, of values interpolated bilinearly",
    "cubic": "mean over the ground of the pixel, by area, of values interpolated by cubic convolution",
}


@dataclass(frozen=True, kw_only=True, eq=False)
class RasterLayers:
    """A raster and the layers that are made of it: one, or one for each class or band.

    Attributes
    ----------
    name : of the layer; where there are several, they are called after it and the class or band, NAME_CLASS.
    method : fraction, majority, mean, bilinear or cubic.
    attributes : further attributes of the layers.
    colors : "#rrggbb" of classes, by name.
    series : rasters of several dates, of which each image has its own, and ``file`` is the first; None for one raster.
    matches : what each image is given of them, found by `require_inside`.
    """

    name: str
    file: LabelRaster
    method: str
    attributes: Mapping[str, Any] = field(default_factory=dict)
    colors: Mapping[str, str] = field(default_factory=dict)
    series: RasterSeries | None = None
    matches: list[Match] = field(default_factory=list)
    bytes_per_cell: float = 16.0  # classes at some points of a cell, or its value

    @property
    def files(self) -> tuple[Path | str, ...]:
        """See `layers.Source`."""
        return self.file.files if self.series is None else self.series.files

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names of the layers."""
        if self.method == "majority" or (self.method != "fraction" and len(self.file.bands) == 1):
            return (self.name,)
        parts = self.file.class_names if self.method == "fraction" else self.file.bands
        return tuple(f"{self.name}_{part}" for part in parts)

    @property
    def fractions(self) -> tuple[str, ...]:
        """Names of the layers that hold area fractions, the same for all dates."""
        return self.names if self.method == "fraction" and self.series is None else ()

    @property
    def layers(self) -> tuple[LayerSpec, ...]:
        """See `layers.Source`."""
        if self.series is None:
            return self._layers
        days = {
            "days_from_images": [round(match.days, 2) for match in self.matches],
            "rasters_of_images": ", ".join(self.series.named(match) for match in self.matches),
        }
        return tuple(
            replace(
                spec,
                dated=True,
                attributes={
                    **spec.attributes,
                    **days,
                    "description": f"{spec.attributes['description']}; of each image {self.series.how}",
                },
            )
            for spec in self._layers
        )

    @property
    def _layers(self) -> tuple[LayerSpec, ...]:
        """Layers without what is said of dates."""
        dtype = "uint8" if self.method == "majority" else "float32"
        known = "where ground of the pixel has data; shares and means are of the ground with data"
        specs = [
            LayerSpec(name=name, dtype=dtype, attributes={**self._attributes(name), **self.attributes})
            for name in self.names
        ]
        return (*specs, mask_layer(self.name, known))

    def _attributes(self, name: str) -> dict[str, Any]:
        words = name.replace("_", " ")
        if self.method == "majority":
            classes = self.file.class_names
            return {
                **class_flags(classes, [self.colors.get(one, "") for one in classes]),
                "long_name": f"{words}: class of most of the pixel",
                "description": (
                    f"class with the largest area on the ground of the pixel with data; {NONE}: codes of no class, "
                    f"{UNKNOWN}: no data"
                ),
            }
        if self.method == "fraction":
            return {
                "units": "1",
                "long_name": f"area fraction of {words}",
                "description": "area of the class on the ground of the pixel, over the ground in it with data",
                "valid_range": [0.0, 1.0],
            }
        unit = self.file.units.get(self.file.bands[self.names.index(name)], "1")
        return {"units": unit, "long_name": words, "description": DESCRIPTIONS[self.method]}

    def require_inside(self, scene: LabelScene) -> None:
        """See `layers.Source`."""
        if self.series is None:
            self.file.require_inside(*scene.ground_points(), "the image")
            return
        places = scene.ground_points()
        usable = [number for number, raster in enumerate(self.series.rasters) if raster.is_inside(*places)]
        if not usable:
            self.file.require_inside(*places, "the image")
        self.matches[:] = self.series.matches(scene.times, usable)

    def tile(self, scene: LabelScene, ground: GroundCells) -> Iterator[tuple[str, int | None, Any]]:
        """See `layers.CellSource`. Rasters that images have in common are read once."""
        if self.series is None:
            yield from ((name, None, values) for name, values in self._made(self.file, scene, ground))
            return
        made: dict[int, dict[str, Any]] = {}
        for date in np.argsort(scene.times, kind="stable"):
            shares = self.matches[date].shares
            made = {
                number: made.get(number) or dict(self._made(self.series.rasters[number], scene, ground))
                for number in shares
            }
            for spec in self._layers:
                parts = [(made[number][spec.name], share) for number, share in shares.items()]
                yield spec.name, int(date), _mixed(parts, spec.dtype, ground)

    def _made(self, file: LabelRaster, scene: LabelScene, ground: GroundCells) -> Iterator[tuple[str, Any]]:
        """Make the layers of one raster: pairs of name and values."""
        sampling = _Sampling(file=file, method=self.method, scene=scene, ground=ground)
        if self.method in CATEGORICAL:
            yield from self._classes(ground, sampling.classes())
            return
        xp = ground.device.xp
        known = xp.ones(ground.tile.shape, dtype=bool)
        for name, band in zip(self.names, file.bands, strict=True):
            sums = ground.push(sampling.values(band)[np.newaxis])
            here = sums[1] > 0.0
            yield name, xp.where(here, sums[0] / xp.where(here, sums[1], 1.0), np.nan).astype(np.float32)
            known &= here
        yield mask_name(self.name), known

    def _classes(self, ground: GroundCells, planes: Iterator[Any]) -> Iterator[tuple[str, Any]]:
        """Make layers of the classes at the points of cells, a plane [row, column] for each point."""
        xp, count = ground.device.xp, len(self.file.class_names)
        sums = xp.zeros((count + 1, *ground.tile.shape), dtype=np.float64)
        for plane in planes:
            sums += ground.push(plane[np.newaxis], count + 1)[:-1]
        total = sums.sum(axis=0)
        known = total > 0.0
        yield mask_name(self.name), known
        if self.method == "majority":
            most = (xp.argmax(sums, axis=0) + 1) % (count + 1)
            yield self.name, xp.where(known, most, UNKNOWN).astype(np.uint8)
            return
        shares = xp.where(known, sums / xp.where(known, total, 1.0), np.nan).astype(np.float32)
        yield from zip(self.names, shares[:-1], strict=True)

    def facts(self) -> dict[str, Any]:
        """See `layers.Source`."""
        facts = {
            "coordinates": self.file.operation,
            "resolution_m": [round(metres, 3) for metres in self.file.resolution],
            "method": self.method,
            "classes": list(self.file.class_names),
        }
        if self.series is not None:
            facts["rasters_of_images"] = [self.series.named(match) for match in self.matches]
            facts["days_from_images"] = [round(match.days, 2) for match in self.matches]
        return {self.name: facts}

    def warnings(self) -> list[str]:
        """See `layers.Source`."""
        without = sum(not match.shares for match in self.matches)
        if self.series is not None and without:
            missing = (
                f"{self.name}: {without} of {len(self.matches)} images have no raster {self.series.within}, and are "
                "unknown in its layers; give rasters of these dates, or allow for more (nearest_days)"
            )
            return [missing, *self._placed()]
        return self._placed()

    def _placed(self) -> list[str]:
        operation = self.file.operation
        if "Ballpark" in operation:
            system = f"{self.name}: {self.file.crs.name!r} does not name its datum"
            return [f"{system}; it is taken for WGS84, and may lie some hundred metres off"]
        if "a better one needs" in operation:
            return [f"{self.name}: placed by {operation} (projsync fetches it)"]
        return []


def open_layer(name: str, layer: RasterLayerConfig, key: str, attributes: Mapping[str, str]) -> RasterLayers:
    """Open the raster of a layer; see `kinds.LabelKind`."""
    colors = layer.colors or {}
    if layer.dates != "none":
        series = open_series(layer, key)
        return RasterLayers(
            name=name,
            file=series.rasters[0],
            method=layer.method,
            attributes=attributes,
            colors=colors,
            series=series,
        )
    file = open_raster(layer, key)
    stated = file.validity.attributes() if file.validity is not None and layer.date is None else {}
    return RasterLayers(
        name=name, file=file, method=layer.method, attributes={**stated, **attributes}, colors=colors
    )


def _mixed(parts: Sequence[tuple[Any, float]], dtype: str, ground: GroundCells) -> Any:
    """Add up values by their shares, known where all are; without any, nothing is known."""
    xp, shape = ground.device.xp, ground.tile.shape
    if not parts:
        return xp.full(shape, {"bool": False, "uint8": UNKNOWN}.get(dtype, np.nan), dtype=dtype)
    if len(parts) == 1:
        return parts[0][0]
    (first, share), (second, other) = parts
    if dtype == "bool":
        return first & second
    return (share * first.astype(np.float64) + other * second.astype(np.float64)).astype(np.float32)


@dataclass(frozen=True, kw_only=True, eq=False)
class _Sampling:
    """Sample a raster at points of the ground cells of a tile, block by block, so that little of it is in memory."""

    file: LabelRaster
    method: str
    scene: LabelScene
    ground: GroundCells

    @cached_property
    def _cell(self) -> tuple[float, float]:
        """Length of the shorter and the longer side of a cell in the middle of the image, metres."""
        grid, (down, across) = self.scene.level_ground.terrain.grid, self.ground.cells.cell
        line, sample = 0.5 * grid.lines, 0.5 * grid.samples
        ends = self.scene.level_ground.to_ground(
            line + np.array([0.0, down, 0.0]), sample + np.array([0.0, 0.0, across])
        )
        points = geodetic_to_ecef(*ends, 0.0)
        sides = np.linalg.norm(points[1:] - points[0], axis=-1)
        return float(sides.min()), float(sides.max())

    @cached_property
    def step(self) -> int:
        """Number of raster pixels along each side that are averaged to one, where cells are much larger.

        By the middle of the image: the same for all tiles.
        """
        coarsest = max(self.file.resolution)
        if self.method in CATEGORICAL or not coarsest > 0.0:
            return 1
        return max(int(self._cell[0] // coarsest), 1)

    @cached_property
    def _points(self) -> NDArray[np.float64]:
        """Points of a cell at which the raster is sampled, rows and columns from its middle: [point, 2].

        As many as the cell has pixels of the raster, or `LEAST`. A lattice of Fibonacci without its corner: the same
        from both ends, and no two points on a line along the cell's sides, so that the share of a cell beyond an edge
        is met closely, wherever the edge goes. By the middle of the image: the same for all tiles.
        """
        area = self.step**2 * self.file.resolution[0] * self.file.resolution[1]
        pixels = self._cell[0] * self._cell[1] / area if area > 0.0 else 1.0
        needed = max(pixels, float(LEAST) if self.method in AREAS else 1.0)
        pairs = list(pairwise(FIBONACCI))
        before, count = next((pair for pair in pairs if pair[1] - 1 >= needed), pairs[-1])
        number = np.arange(1, count)
        return (np.stack([number, number * before % count], axis=1) - 0.5) / (count - 1) - 0.5

    @cached_property
    def _side(self) -> int:
        """Number of cells along a side of a block."""
        finest = min(self.file.resolution) * self.step
        return min(max(int(PIXELS * finest / self._cell[1]), 1), SIDE) if finest > 0.0 else SIDE

    @cached_property
    def _lattices(self) -> list[Any]:
        """Rows and columns of the raster at the nodes of level ground [2, row, column], for each point of a cell."""
        level_ground, cell = self.scene.level_ground, self.ground.cells.cell
        _, (line, sample) = level_ground.nodes(self.ground.window)
        lattices = []
        for down, across in self._points:
            place = np.stack(
                self.file.position(*level_ground.to_ground(line + down * cell[0], sample + across * cell[1]))
            )
            lattices.append(self.ground.device.upload((place + 0.5) / self.step - 0.5))
        return lattices

    def classes(self) -> Iterator[Any]:
        """Return the numbers of classes of the cells, uint8 [row, column], for one point of the cells after another."""
        xp, shape = self.ground.device.xp, self.ground.shape
        for first in range(0, len(self._lattices), TOGETHER):
            lattices = self._lattices[first : first + TOGETHER]
            numbers = xp.full((len(lattices), *shape), NO_CLASS, dtype=np.uint8)
            for part, places, window in self._blocks(lattices):
                image = self.ground.device.upload(self.file.read_classes(*window))
                for point, place in enumerate(places):
                    numbers[(point, *part)] = kernels.gather(image, *place, "nearest")
            yield from numbers

    def values(self, band: str) -> Any:
        """Return the values of a band in the cells, float32 [row, column]: means over the points with data."""
        xp = self.ground.device.xp
        means = xp.full(self.ground.shape, np.nan, dtype=np.float32)
        for part, places, window in self._blocks(self._lattices):
            image = self.ground.device.upload(self.file.read(*window, band, self.step))
            total, count = (xp.zeros(places[0][0].shape, dtype=np.float32) for _ in range(2))
            for place in places:
                values = kernels.gather(image, *place, TAKEN[self.method])
                known = xp.isfinite(values)
                total += xp.where(known, values, np.float32(0.0))
                count += known
            means[part] = xp.where(
                count > 0.0, total / xp.maximum(count, np.float32(1.0)), np.float32(np.nan)
            )
        return means

    def _blocks(
        self, lattices: Sequence[Any]
    ) -> Iterator[tuple[tuple[slice, slice], list[tuple[Any, Any]], tuple[slice, slice]]]:
        """Divide the cells into blocks; with each, the positions of its points in a raster window, and the window."""
        rows, columns = self.ground.shape
        for top in range(0, rows, self._side):
            for left in range(0, columns, self._side):
                shape = min(self._side, rows - top), min(self._side, columns - left)
                start = self.ground.cells.start
                cells = self.ground.cells._replace(start=(start[0] + top, start[1] + left))
                down, across = self._extents(lattices, cells, shape)
                window = self.file.window(down, across, MARGIN, self.step)
                if window is None:
                    continue
                places = [kernels.lattice_cells(lattice, cells, shape) for lattice in lattices]
                origin = [part.start // self.step for part in window]
                inside = [tuple(place[:, axis] - origin[axis] for axis in range(2)) for place in places]
                yield (slice(top, top + shape[0]), slice(left, left + shape[1])), inside, window

    def _extents(
        self, lattices: Sequence[Any], cells: kernels.Cells, shape: tuple[int, int]
    ) -> list[tuple[float, float]]:
        """Return the lowest and highest row, and column, between nodes; low above high where there are none."""
        xp = self.ground.device.xp
        rows, columns = (
            slice(first // step, (first + count) // step + 2)
            for first, count, step in zip(cells.start, shape, cells.steps, strict=True)
        )
        nodes = xp.stack([lattice[:, rows, columns] for lattice in lattices])
        known = xp.isfinite(nodes)
        low = xp.where(known, nodes, np.inf).min(axis=(0, 2, 3))
        high = xp.where(known, nodes, -np.inf).max(axis=(0, 2, 3))
        return [(float(low[axis]), float(high[axis])) for axis in range(2)]
