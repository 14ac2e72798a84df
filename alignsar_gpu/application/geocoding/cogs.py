"""The files of a map: a Cloud-Optimized GeoTIFF for each layer and date, and a picture of each date."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.dataset.cube import open_layer
from alignsar_gpu.dataset.dates import date_name, iso
from alignsar_gpu.geocoding.cog_layouts import NO_CLASS, class_names, layer_layout, picture_layout
from alignsar_gpu.geocoding.cogs import CogWriter
from alignsar_gpu.geocoding.visual import channels, describe, stretch, visual, visual_layers
from alignsar_gpu.report.drawing.palette import colours_of, stated_colours

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.application.geocoding.mapping import Mapping
    from alignsar_gpu.dataset.cube import CubeLayer
    from alignsar_gpu.geocoding.cog_layouts import CogLayout
    from alignsar_gpu.geocoding.map_grid import MapGrid
    from alignsar_gpu.geocoding.visual import Limits

    Colour = tuple[int, int, int]

BLOCK = 512  # rows that are read and written at a time
VISUAL = "visual"
LOOKS = 4  # rows and columns whose mean powers the limits of pictures come from: single pixels are speckle
MOST_LOOKED_AT = 1 << 20  # such means, of all dates
MOST_DATES = 16


@dataclass(frozen=True, kw_only=True, eq=False)
class MapFile:
    """A file that is to be written; ``read`` gives rows of what is in it."""

    path: Path
    grid: MapGrid
    layout: CogLayout
    read: Callable[[slice], NDArray[Any]]

    def write(self) -> list[Path]:
        """Write it; returns the files that there are then."""
        rows = self.grid.shape[0]
        with CogWriter(self.path, self.grid, self.layout) as writer:
            for first in range(0, rows, BLOCK):
                writer.write(first, self.read(slice(first, min(first + BLOCK, rows))))
        return writer.files


def cog_files(cube: Path, folder: Path, mapping: Mapping) -> list[MapFile]:
    """Return the files of a map cube: those of ground layers first, then of each date, its picture first."""
    times = mapping.cube["time"].values
    tags = {"fingerprint": str(mapping.cube.attrs["fingerprint"])}
    dated = [layer for layer in mapping.layers if layer.dated]
    files = [_layer_file(cube, folder, mapping, layer, tags) for layer in mapping.layers if not layer.dated]
    shown = visual_layers([layer.name for layer in dated])
    limits = picture_limits(cube, shown, len(times)) if shown else ()
    for date, time in enumerate(times):
        about = tags | {"time": iso(time)}
        if shown:
            files.append(
                MapFile(
                    path=folder / f"{VISUAL}_{date_name(time)}.tif",
                    grid=mapping.grid,
                    layout=picture_layout(describe(shown), about),
                    read=partial(_picture, cube, shown, limits, date),
                )
            )
        files += [_layer_file(cube, folder, mapping, layer, about, date) for layer in dated]
    return files


def _layer_file(
    cube: Path,
    folder: Path,
    mapping: Mapping,
    layer: CubeLayer,
    tags: dict[str, str],
    date: int | None = None,
) -> MapFile:
    suffix = "" if date is None else f"_{date_name(mapping.cube['time'].values[date])}"
    return MapFile(
        path=folder / f"{layer.name}{suffix}.tif",
        grid=mapping.grid,
        layout=layer_layout(layer, colours=class_colours(layer), tags=tags),
        read=partial(_rows, cube, layer.name, date),
    )


def class_colours(layer: CubeLayer) -> dict[int, Colour]:
    """Return the colours of a layer's classes, those of the report; none of other layers."""
    names = {code: name for code, name in class_names(layer).items() if code != NO_CLASS}
    if "flag_values" not in layer.attributes:
        return {}
    chosen = colours_of([name.replace(" ", "_") for name in names.values()])
    colours = dict(zip(names, chosen, strict=True)) | stated_colours(layer.attributes)
    return {
        code: tuple(int(colours[code][place : place + 2], 16) for place in (1, 3, 5))  # type: ignore[misc]  # of three
        for code in names
    }


def _rows(cube: Path, name: str, date: int | None, rows: slice) -> NDArray[Any]:
    return np.asarray(open_layer(cube, name)[rows if date is None else (date, rows)])


def _picture(cube: Path, shown: Sequence[str], limits: Limits, date: int, rows: slice) -> NDArray[np.uint8]:
    return visual({name: _rows(cube, name, date, rows) for name in shown}, limits)


def picture_limits(cube: Path, shown: Sequence[str], dates: int) -> Limits:
    """Return the limits of the pictures of all dates, from mean powers, on up to 16 dates."""
    chosen = np.unique(np.linspace(0, dates - 1, min(dates, MOST_DATES)).round().astype(int)).tolist()
    parts = [part for date in chosen for part in _means(cube, shown, date, MOST_LOOKED_AT // len(chosen))]
    return stretch(np.concatenate(parts, axis=1)[:, :, np.newaxis])


def _means(cube: Path, shown: Sequence[str], date: int, most: int) -> Iterator[NDArray[np.float32]]:
    """Yield what a picture shows of some cells of a date, [channel, cell]."""
    rows, columns = open_layer(cube, shown[0]).shape[1:]
    cells = [max(count // LOOKS, 1) for count in (rows, columns)]
    step = max(round((cells[0] * cells[1] / most) ** 0.5), 1)
    for first in range(0, rows, BLOCK):
        part = slice(first, min(first + BLOCK, rows))
        layers = {name: _looked(_rows(cube, name, date, part))[::step, ::step] for name in shown}
        found = channels(layers)
        yield found.reshape(len(found), -1)


def _looked(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Average cells of pixels; of a map that is smaller, all there is."""
    down, across = (min(LOOKS, count) for count in values.shape)
    rows, columns = (count // looks for count, looks in zip(values.shape, (down, across), strict=True))
    cells = values[: rows * down, : columns * across].reshape(rows, down, columns, across)
    return np.asarray(cells.mean(axis=(1, 3)))
