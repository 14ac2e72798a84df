"""Objects as a stage: connected regions of the classes of labels, and the means of signatures over each."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow.parquet as pq

from alignsar_gpu.application.dataset.derived import open_dataset
from alignsar_gpu.application.dataset.part import CUBE
from alignsar_gpu.application.objects.choice import HALF, LayerFacts, choose, class_names
from alignsar_gpu.application.objects.means import Averaged, measure_objects
from alignsar_gpu.application.objects.regions import Classes, find_objects
from alignsar_gpu.application.objects.table import PLACES, rows_of, schema_of
from alignsar_gpu.application.space import in_units
from alignsar_gpu.application.stage import Stage, keys_of
from alignsar_gpu.dataset.blocks import ChunkGrid
from alignsar_gpu.dataset.cube import DIMENSIONS, OF_REFERENCE
from alignsar_gpu.dataset.dates import date_name
from alignsar_gpu.dataset.wrapped import is_wrapped
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.progress import LOGGER

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import xarray as xr
    from numpy.typing import NDArray

    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.config import Config

OBJECTS = "objects.parquet"
MEMORY = 0.25  # share of the memory for a strip, and for the sums of all objects each
PIXEL, SUM = 128, 64  # bytes of a pixel of a strip, and of an object's statistics of a layer and date


class ObjectsStage(Stage):
    """objects.parquet: a row for each connected region of each class of the labels that are named."""

    name = "objects"
    reads = ("dataset",)
    products = (OBJECTS,)
    shown = (("objects", OBJECTS, "(pandas.read_parquet)"),)

    @classmethod
    def is_wanted(cls, config: Config) -> bool:
        """See `Stage.is_wanted`."""
        return config.objects.is_wanted

    def settings(self) -> Mapping[str, Any]:
        """See `Stage.settings`."""
        return keys_of(self.run.config.objects) | {"device": self.run.device.kind}

    def make(self, folder: RunFolder) -> None:
        """See `Stage.make`; the whole table is a unit."""
        unit, path = f"{self.name}/table", folder.work / OBJECTS
        if folder.is_recorded(unit):
            return
        cube, config = open_dataset(folder.work / CUBE), self.run.config.objects
        layers = {
            str(name): LayerFacts(cube[name].dtype, cube[name].attrs, "time" in cube[name].dims)
            for name in cube.variables
            if set(cube[name].dims) >= set(DIMENSIONS[1:])
        }
        chosen = choose(config, layers)
        averaged = [plane for name in chosen.averaged for plane in _planes(cube, name)]
        places = [name for name in PLACES if name in layers]
        schema = schema_of(places, averaged, _about(config.connectivity, config.smallest))
        averaged += [plane for name in places for plane in _planes(cube, name)]
        strips = self._strips(cube[chosen.labels[0]])
        beside = path.with_name(f"{path.name}.part")
        with (
            self.run.timer.stage(self.name, 2 * len(strips) * len(chosen.labels)) as advance,
            pq.ParquetWriter(beside, schema, compression="zstd") as writer,
        ):
            for label in chosen.labels:
                named = class_names(label, layers[label])
                classes = Classes(
                    read=partial(_classes, cube[label].variable, np.array(list(named))),
                    count=len(named),
                    connectivity=config.connectivity,
                    device=self.run.device,
                )
                objects = find_objects(classes, strips, config.smallest, advance)
                self._require_memory(objects.count, len(averaged))
                found = measure_objects(classes, objects, averaged, advance)
                writer.write_table(rows_of(label, list(named.values()), objects, found, schema))
                LOGGER.info("objects    %d of %s", objects.count, label)
        beside.replace(path)
        folder.record(unit, [path])

    @property
    def _share(self) -> int:
        return int(MEMORY * self.run.device.memory_budget)

    def _strips(self, label: xr.DataArray) -> Sequence[slice]:
        """Divide the image into strips that the memory has room for, of whole rows of chunks if it has."""
        pixels = max(1, self._share // PIXEL)
        return ChunkGrid.of(label).rows(pixels, most=pixels)

    def _require_memory(self, objects: int, layers: int) -> None:
        """Raise AlignsarError for more objects than the memory has room for."""
        needed = objects * layers * SUM
        if needed > self._share:
            raise AlignsarError(
                f"objects.smallest={self.run.config.objects.smallest}: {objects} objects with means of {layers} layers "
                f"take {in_units(needed)}, and {in_units(self._share)} may be taken; give a larger one, fewer "
                "objects.signatures, or more device.memory_gib"
            )


def _about(connectivity: int, smallest: int) -> dict[str, str]:
    return {
        "description": f"connected regions of the classes of labels; pixels that touch at "
        f"{'sides' if connectivity == 4 else 'sides or corners'} are connected",
        "smallest": f"{smallest} pixels",
        "share": f"of layers with the share of a class, pixels with {HALF:g} of it or more",
    }


def _classes(label: xr.Variable, codes: NDArray[Any], lines: slice) -> NDArray[np.uint8]:
    """Read the classes of a label in some lines, numbered in the order of their ``codes`` from 1 on, 0 for none."""
    values = np.asarray(label[lines].values)
    if values.dtype.kind == "f":
        return (values >= HALF).astype(np.uint8)
    number_of = np.zeros(256, dtype=np.uint8)
    number_of[codes] = 1 + np.arange(codes.size)
    return np.asarray(number_of[values])


def _planes(cube: xr.Dataset, name: str) -> Iterator[Averaged]:
    """The images of a layer, of each date where dates differ.

    What compares dates with the reference is left out of the reference date: with itself, coherence is 1 and phase 0.
    """
    layer = cube[name]
    about = {key: str(layer.attrs[key]) for key in ("units", "long_name") if key in layer.attrs}
    turn = 360.0 if name == "longitude" else 2.0 * np.pi * is_wrapped(layer.attrs)
    if DIMENSIONS[0] not in layer.dims:
        yield Averaged(name=name, read=partial(_read, layer.variable), turn=turn, attributes=about)
        return
    reference = str(cube.attrs["reference_date"]).replace("-", "")
    for date, time in enumerate(cube[DIMENSIONS[0]].values):
        if OF_REFERENCE in layer.attrs and date_name(time) == reference:
            continue
        yield Averaged(
            name=f"{name}_{date_name(time)}",
            read=partial(_read, layer.variable, date=date),
            turn=turn,
            attributes=about,
        )


def _read(layer: xr.Variable, lines: slice, date: int | None = None) -> NDArray[np.floating]:
    return np.asarray((layer[lines] if date is None else layer[date, lines]).values)
