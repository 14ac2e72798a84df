"""What a cube keeps of its geometry, as a part of the dataset: it is geocoded by that, years later too."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.application.dataset.part import CUBE, Part
from alignsar_gpu.application.geocoding.grids import map_grid
from alignsar_gpu.application.inputs import open_surface, surface_files
from alignsar_gpu.application.labels.places import fill_nearest, fit_plane
from alignsar_gpu.dataset.bounds import bounds_of
from alignsar_gpu.dataset.cube import layer_bounds, open_layer
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.geocoding.coverage import image_outline
from alignsar_gpu.geometry.ground_to_radar import ground_to_radar, height_of
from alignsar_gpu.geometry.stored.dem import DemPart
from alignsar_gpu.geometry.stored.geometry import FORMAT, write_geometry
from alignsar_gpu.geometry.stored.offset import OffsetTable
from alignsar_gpu.geometry.stored.surface import PixelHeights
from alignsar_gpu.geometry.terrain.terrain import Terrain
from alignsar_gpu.products.readers import reader_of
from alignsar_gpu.stack.product import radar_grid

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.application.dataset.part import Plan
    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.geometry.dem.dem import Dem
    from alignsar_gpu.geometry.stored.geometry import Surface
    from alignsar_gpu.stack.product import StackProduct

UNIT = "geometry"
MARGIN = 8  # lines and samples around the image whose ground is kept too
SPACING = 16, 64  # lines and samples between nodes of the offsets
STEP = 4  # lines and samples between pixels whose coordinates are looked at
OUTLINE = 9  # lines, among them the first and the last
NEGLIGIBLE = 1e-3  # lines and samples
NOWHERE = "none of its pixels has a place on the ground"


class GeometryPart(Part):
    """The group ``geometry`` of the cube: orbit, radar grid, and the surface under the image.

    The surface is the DEM that the stack was coregistered on, or one that the configuration names for a stack that has
    no heights; otherwise that of the cube's own pixels.
    """

    name = "geometry"

    @cached_property
    def _dem(self) -> Dem | None:
        """The DEM that is named for a stack that comes coregistered; None where none is."""
        config = self.run.config
        if reader_of(config.products.reader).coregisters or config.dem.path is None:
            return None
        return open_surface(config.dem)

    def settings(self) -> Mapping[str, Any]:
        """See `Stage.settings`."""
        return {"geometry": [FORMAT, None if self._dem is None else self._dem.vertical_datum]}

    def files(self) -> Sequence[Sequence[Path | str]]:
        """See `Stage.files`."""
        return () if self._dem is None else surface_files(self._dem)

    def begin(self, plan: Plan) -> bool:
        """See `Part.begin`; looks for the map too, which is to be made of the cube.

        Raises AlignsarError for a DEM that does not cover the image, or is of no use, and for a map that has too many
        pixels or does not show the image.
        """
        product, config = plan.product, self.run.config
        if self._dem is not None and product.has_heights and not config.radarcoding.layers:
            raise AlignsarError(
                f"dem.path={config.dem.path}: the stack has heights of its own, by which it is mapped; leave it out"
            )
        self._terrain = product.terrain
        if self._terrain is None and self._dem is not None and not product.has_heights:
            orbit = product.acquisitions[product.reference].orbit
            self._terrain = Terrain(grid=radar_grid(product), orbit=orbit, dem=self._dem)
        if config.geocoding.is_wanted:
            longitude, latitude = self._outline(product)
            if np.isfinite(longitude).any():
                plan.map_grid = map_grid(config.geocoding, longitude, latitude)
        return super().begin(plan)

    def _outline(self, product: StackProduct) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return longitude and latitude (degrees) around the image; of a stack without terrain, of some lines."""
        if (terrain := self._terrain) is not None:
            return image_outline(terrain.grid, terrain.orbit, terrain.dem, terrain.doppler)
        lines = np.unique(np.linspace(0, product.grid.shape[0] - 1, OUTLINE).round().astype(int))
        ground = [product.read_ground(line, line + 1) for line in lines.tolist()]
        return (
            np.concatenate([np.ravel(row.longitude) for row in ground]),
            np.concatenate([np.ravel(row.latitude) for row in ground]),
        )

    def make(self, folder: RunFolder) -> None:
        """Write the group, unless it is there."""
        if folder.is_recorded(UNIT):
            return
        product, cube, terrain = self.plan.product, folder.work / CUBE, self._terrain
        with self.run.timer.stage(self.name):
            if product.terrain is None:
                pixels = Pixels(product, cube)
                kept: dict[str, Any] = {"grid": pixels.grid, "orbit": pixels.orbit, "offset": pixels.offset()}
            else:
                kept = {name: getattr(product.terrain, name) for name in ("grid", "orbit", "doppler")}
                kept["offset"] = offset_of(product, cube)
            if terrain is None:
                surface: Surface | str = pixels.heights()
            else:
                lines, samples = (slice(-MARGIN, count + MARGIN) for count in terrain.grid.shape)
                surface = DemPart(dem=terrain.dem, window=terrain.window(lines, samples))
            files = write_geometry(cube, surface, **kept, published=self.run.published)
        folder.record(UNIT, files)


def offset_of(product: StackProduct, cube: Path) -> OffsetTable | None:
    """Return the offsets of a coregistered stack from its terrain's grid; None where there are none."""
    pieces = product.pieces
    lines = nodes_of(product.grid.shape[0], SPACING[0], [piece.lines for piece in pieces])
    samples = nodes_of(product.grid.shape[1], SPACING[1], [piece.samples for piece in pieces])
    layer = open_layer(cube, "height")
    found = []
    for first in range(0, layer.shape[0], layer.chunks[0]):
        here = lines[(lines >= first) & (lines < first + layer.chunks[0])]
        height = np.asarray(layer[first : first + layer.chunks[0]], dtype=np.float64)[:, samples]
        for line in here.tolist():
            row = slice(line, line + 1)
            shifts = product.shifts(row, samples, height[line - first : line - first + 1])
            if shifts is None:
                return None
            found.append(shifts)
    return OffsetTable(
        lines=lines.astype(np.float64),
        samples=samples.astype(np.float64),
        values=-fill_nearest(np.concatenate(found, axis=1)),
    )


def nodes_of(count: int, spacing: int, parts: Sequence[slice]) -> NDArray[np.intp]:
    """Return nodes along an axis: every so many pixels, and the ends of parts, between which values jump."""
    ends = {end for part in parts for end in (part.start, part.stop - 1)}
    return np.array(sorted({*range(0, count, spacing), *ends, count - 1}))


class Pixels:
    """Some pixels of a stack that comes coregistered: where its own coordinates say that they lie."""

    def __init__(self, product: StackProduct, cube: Path) -> None:
        self.grid, self.orbit = radar_grid(product), product.acquisitions[product.reference].orbit
        self._cube, self._has_heights = cube, product.has_heights
        self._lines, self._samples = (np.arange(0, count, STEP) for count in self.grid.shape)
        self._longitude, self._latitude = self._some("longitude"), self._some("latitude")
        self._times = self.grid.azimuth_time(self._lines)[:, np.newaxis]

    def _some(self, layer: str) -> NDArray[np.float64]:
        """The values of a layer of the cube at every STEP-th line and sample."""
        array = open_layer(self._cube, layer)
        rows = max(array.chunks[0] // STEP, 1) * STEP
        parts = [
            np.asarray(array[first : first + rows])[::STEP, ::STEP]
            for first in range(0, array.shape[0], rows)
        ]
        return np.concatenate(parts).astype(np.float64)

    @cached_property
    def _height(self) -> NDArray[np.float64]:
        """Heights of the pixels, or those at which their coordinates lie at their slant ranges."""
        if self._has_heights:
            return self._some("height")
        slant_range = self.grid.slant_range(self._samples)
        return height_of(self.orbit, self._longitude, self._latitude, slant_range, self._times)

    def offset(self) -> OffsetTable | None:
        """Return what the pixels are off from their coordinates; None where it is nothing.

        As planes over the image, for where heights are known a place in layover may be another pixel's.
        """
        place = self._longitude, self._latitude, self._height
        time, slant_range = ground_to_radar(self.orbit, *place, self._times)
        apart = (
            self.grid.line(time) - self._lines[:, np.newaxis],
            self.grid.sample(slant_range) - self._samples,
        )
        if self._has_heights:
            nodes = [np.array([0.0, max(count - 1.0, 1.0)]) for count in self.grid.shape]
            planes = [fit_plane(self._lines, self._samples, values) for values in apart]
            values = np.stack(
                [c + down * nodes[0][:, np.newaxis] + across * nodes[1] for c, down, across in planes]
            )
        else:
            nodes = [STEP * np.arange(len(axis) + 1.0) for axis in (self._lines, self._samples)]
            values = np.stack([extended(fill_nearest(part[np.newaxis])[0]) for part in apart])
        if np.abs(values).max() < NEGLIGIBLE:
            return None
        return OffsetTable(lines=nodes[0], samples=nodes[1], values=-values.astype(np.float32))

    def heights(self) -> PixelHeights | str:
        """Return the heights of the pixels; why, if there are none."""
        if self._has_heights:
            nodes, (lowest, highest) = None, layer_bounds(self._cube, "height")
        else:
            nodes = extended(self._height).astype(np.float32)
            lowest, highest = bounds_of([nodes])
        if not np.isfinite(lowest):
            return NOWHERE
        return PixelHeights(lowest=lowest, highest=highest, nodes=nodes, step=1 if nodes is None else STEP)


def extended(values: NDArray[Any]) -> NDArray[Any]:
    """Continue values [line, sample] by one more of each, in a straight line."""
    return np.pad(values, (0, 1), "reflect", reflect_type="odd")
