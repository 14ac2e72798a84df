"""Labels and other observations as layers of the cube: strip by strip, after the pixels of the stack."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.application.dataset.output import open_flow, record_written
from alignsar_gpu.application.dataset.part import CUBE
from alignsar_gpu.application.labels.places import shifts_of
from alignsar_gpu.dataset.cube import CubeLayer, open_layer
from alignsar_gpu.dataset.writer import CubeWriter
from alignsar_gpu.device import GIB
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.dates import days_from_images, too_far, validity_of
from alignsar_gpu.radarcoding.layers import LayerSpec, Strip
from alignsar_gpu.radarcoding.level_ground import DETAIL
from alignsar_gpu.radarcoding.tiles import ImageTile

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.dataset.cube import CubeLayout
    from alignsar_gpu.progress import Advance
    from alignsar_gpu.radarcoding.dates import Validity
    from alignsar_gpu.radarcoding.layers import CellSource, LabelScene, StripSource
    from alignsar_gpu.radarcoding.level_ground import GroundCells
    from alignsar_gpu.radarcoding.vectors.layers import LineRings, VectorLayers
    from alignsar_gpu.stack.product import StackProduct

PART_SAMPLES = 4096  # samples of a tile at most
SHARE_OF_BUDGET = 0.5  # of the memory, for the cells of a tile; the rest for rings, rasters and layers
PIXEL_BYTES = 64  # sums of a pixel, and what is computed on the way


@dataclass(frozen=True, kw_only=True, eq=False)
class Labels:
    """What a dataset inherits from other observations.

    Attributes
    ----------
    vectors : all vector layers together; None without any.
    cells : what is pushed from ground cells besides.
    strips : what is made of strips as a whole.
    height_error : standard deviation of the DEM's heights, m; None where it is not known.
    """

    vectors: VectorLayers | None
    cells: Sequence[CellSource]
    strips: Sequence[StripSource]
    height_error: float | None

    @property
    def _sources(self) -> list[Any]:
        return [*([] if self.vectors is None else [self.vectors]), *self.cells, *self.strips]

    @property
    def files(self) -> list[list[Path | str]]:
        """What is read, for the fingerprint of a run."""
        return [list(source.files) for source in self._sources]

    @property
    def layers(self) -> list[CubeLayer]:
        """The layers of the cube."""
        made = [*self._geometry(), *(layer for source in self._sources for layer in source.layers)]
        return [
            CubeLayer(name=one.name, dtype=one.dtype, dated=one.dated, attributes=one.attributes)
            for one in made
        ]

    @property
    def sources(self) -> list[str]:
        """Names of the layers in the configuration."""
        vectors = [] if self.vectors is None else [source.name for source in self.vectors.sources]
        return [*vectors, *(source.name for source in (*self.cells, *self.strips))]

    @property
    def fractions(self) -> list[str]:
        """Layers that hold area fractions."""
        vectors = [] if self.vectors is None else self.vectors.fractions
        return [*vectors, *(name for source in self.cells for name in source.fractions)]

    def _geometry(self) -> list[LayerSpec]:
        area = {
            "units": "m2",
            "long_name": "area of the ground in the pixel",
            "description": "of all ground that the antenna has at the pixel's time and range, as maps measure it",
        }
        found = [LayerSpec(name="ground_area", dtype="float32", attributes=area)]
        if self.height_error is not None:
            position = {
                "units": "1",
                "long_name": "standard deviation of the position of labels along range, in samples",
                "description": (
                    "error of the DEM's heights times the samples by which ground is seen nearer for each metre that "
                    "it lies higher, which is the cosine of the incidence angle over the range spacing"
                ),
                "height_standard_deviation": self.height_error,
            }
            found.append(LayerSpec(name="position_uncertainty", dtype="float32", attributes=position))
        return found

    def checked_layers(self, scene: LabelScene, others: Sequence[CubeLayer]) -> list[CubeLayer]:
        """The layers of a cube that has others besides.

        Raises AlignsarError where two layers have the same name, or a file has nothing for the scene.
        """
        taken = {layer.name for layer in others} | {"time", "azimuth", "range"}
        for layer in self.layers:
            if layer.name in taken:
                raise AlignsarError(
                    f"radarcoding.layers: {layer.name!r} is the name of another layer of the dataset; choose another"
                )
            taken.add(layer.name)
        for source in self._sources:
            source.require_inside(scene)
        return [_with_days(layer, scene.times) for layer in self.layers]

    @property
    def _named(self) -> list[Any]:
        vectors = [] if self.vectors is None else self.vectors.sources
        return [*vectors, *self.cells, *self.strips]

    @property
    def _validities(self) -> dict[str, Validity]:
        """The time that each map is of, where it is known."""
        found = {source.name: validity_of(source.attributes) for source in self._named}
        return {name: validity for name, validity in found.items() if validity is not None}

    def facts(self, times: NDArray[np.datetime64]) -> dict[str, Any]:
        """What was found while reading, and how far maps are from the dates of the stack, for quality.json."""
        facts = {name: dict(fact) for source in self._sources for name, fact in source.facts().items()}
        for name, validity in self._validities.items():
            facts[name] |= {**validity.attributes(), "days_from_images": days_from_images(validity, times)}
        return facts

    def warnings(self, times: NDArray[np.datetime64]) -> list[str]:
        """What users must know, each a sentence."""
        texts = [text for source in self._sources for text in source.warnings()]
        texts += [too_far(name, validity, times) for name, validity in self._validities.items()]
        return [text for text in texts if text]


def _with_days(layer: CubeLayer, times: NDArray[np.datetime64]) -> CubeLayer:
    """Add how far a map is from each date of the stack to the attributes of its layer."""
    validity = validity_of(layer.attributes)
    if validity is None:
        return layer
    return replace(
        layer, attributes={**layer.attributes, "days_from_images": days_from_images(validity, times)}
    )


def _in_file(shape: tuple[int, ...], dtype: Any, folder: Path | None) -> NDArray[Any]:
    """Return an array in a file that vanishes with it."""
    with TemporaryFile(dir=folder) as file:
        return np.memmap(file, dtype=dtype, mode="w+", shape=shape)


@dataclass(frozen=True, kw_only=True, eq=False)
class LabelWriter:
    """Labels, what they are put onto, and where they go."""

    labels: Labels
    scene: LabelScene
    product: StackProduct
    layout: CubeLayout

    @property
    def samples(self) -> int:
        """Of the image."""
        return self.scene.level_ground.terrain.grid.samples

    def fill(self, folder: RunFolder, advance: Advance) -> None:
        """Fill the layers of the cube in ``folder``; strips that its journal knows are kept."""
        path, count = folder.work / CUBE, self.layout.rows
        if self.labels.vectors is not None:
            self.labels.vectors.look_through(self.scene)
            self._write_tables(self.labels.vectors, folder)
        with open_flow(self.scene.device) as flow:
            writer = CubeWriter(path, self.layout, flow)
            done = folder.journal.resume("labels", count, [writer])
            advance.keep(done)
            for row in range(done, count):
                first = row * self.layout.chunk[0]
                lines = slice(first, min(first + self.layout.chunk[0], self.layout.shape[1]))
                for name, date, values in self._strip(path, lines):
                    writer.write(name, first, values, date)
                record_written(flow, folder, f"labels-{row}", [writer], advance)

    def _write_tables(self, vectors: VectorLayers, folder: RunFolder) -> None:
        """Write the tables of layers of ids that are not there yet."""
        for name, write in vectors.tables(self.scene):
            path = folder.work / name
            unit = f"table-{path.stem}"
            if not folder.is_recorded(unit):
                path.parent.mkdir(exist_ok=True)
                write(path)
                folder.record(unit, [path])

    def _strip(self, path: Path, lines: slice) -> Iterator[tuple[str, int | None, NDArray[Any]]]:
        longitude, latitude, incidence, height = (
            open_layer(path, name) for name in ("longitude", "latitude", "incidence_angle", "height")
        )
        strip = Strip(
            lines=lines,
            samples=self.samples,
            longitude=np.asarray(longitude[lines]),
            latitude=np.asarray(latitude[lines]),
            incidence=np.asarray(incidence[lines]),
        )
        shifts = shifts_of(self.product, self.scene.level_ground, height, lines)
        scene = replace(self.scene, level_ground=replace(self.scene.level_ground, shifts=shifts))
        for name, values in self.cells(scene, lines).items():
            if values.ndim == 2:
                yield name, None, values
            else:
                yield from ((name, date, image) for date, image in enumerate(values))
        for source in self.labels.strips:
            yield from source.strip(scene, strip)

    def cells(self, scene: LabelScene, lines: slice) -> dict[str, NDArray[Any]]:
        """The layers of some lines that are pushed from ground cells, by name: [line, sample] or [date, line, sample].

        Those of dates are large, and are kept in files that vanish.
        """
        whole: dict[str, NDArray[Any]] = {}
        shape = lines.stop - lines.start, self.samples
        rings = None if self.labels.vectors is None else self.labels.vectors.prepare(scene, lines)
        for tile in self._tiles(scene, lines):
            ground = scene.level_ground.cells(tile, scene.device)
            for name, date, values in self._tile(scene, ground, rings):
                if name not in whole:
                    whole[name] = (
                        np.empty(shape, dtype=values.dtype)
                        if date is None
                        else _in_file((len(scene.times), *shape), values.dtype, scene.temporary)
                    )
                part = slice(tile.lines.start - lines.start, tile.lines.stop - lines.start), tile.samples
                image = whole[name] if date is None else whole[name][date]
                image[part] = scene.device.download(values)
            del ground
        return whole

    def _tile(
        self, scene: LabelScene, ground: GroundCells, rings: LineRings | None
    ) -> Iterator[tuple[str, int | None, Any]]:
        if self.labels.height_error is not None:
            per_metre = scene.level_ground.samples_per_metre(ground.tile)
            yield "position_uncertainty", None, (self.labels.height_error * per_metre).astype(np.float32)
        if self.labels.vectors is not None and rings is not None:
            yield from self.labels.vectors.tile(ground, rings)
        for source in self.labels.cells:
            yield from source.tile(scene, ground)
        yield "ground_area", None, ground.ground_area()

    def _tiles(self, scene: LabelScene, lines: slice) -> Iterator[ImageTile]:
        """Parts of a strip whose cells fit into the memory. Raises AlignsarError when not even one line does."""
        samples = [
            slice(first, min(first + PART_SAMPLES, self.samples))
            for first in range(0, self.samples, PART_SAMPLES)
        ]
        memory = int(scene.device.memory_budget * SHARE_OF_BUDGET)
        count = lines.stop - lines.start
        while (needed := max(self._bytes(scene, lines.start, count, part) for part in samples)) > memory:
            if count == 1:
                raise AlignsarError(
                    f"device.memory_gib={scene.device.memory_budget / GIB:.2f}: the labels of one line need "
                    f"{needed / SHARE_OF_BUDGET / GIB:.2f} GiB; raise it"
                )
            count = -(-count // 2)
        for first in range(lines.start, lines.stop, count):
            for part in samples:
                yield ImageTile(lines=slice(first, min(first + count, lines.stop)), samples=part)

    def _bytes(self, scene: LabelScene, first: int, count: int, samples: slice) -> int:
        tile = ImageTile(lines=slice(first, first + count), samples=samples)
        down, across = scene.level_ground.window(tile)
        cells: int = (down.stop - down.start) * (across.stop - across.start) * DETAIL[0] * DETAIL[1]
        vectors = 0.0 if self.labels.vectors is None else self.labels.vectors.bytes_per_cell
        covers: float = max([vectors, *(source.bytes_per_cell for source in self.labels.cells)])
        planes = 1 if self.labels.vectors is None else self.labels.vectors.planes + 1
        pixels: int = count * (samples.stop - samples.start)
        return scene.level_ground.bytes_of(tile) + math.ceil(cells * covers) + pixels * PIXEL_BYTES * planes
