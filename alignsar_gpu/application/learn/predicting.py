"""Predict the scene of a run by one of its models: predictions.zarr, the same on a map, and detected objects."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import xarray as xr

from alignsar_gpu.application.dataset.derived import open_dataset
from alignsar_gpu.application.dataset.output import open_flow, record_written
from alignsar_gpu.application.dataset.part import CUBE
from alignsar_gpu.application.geocoding.grids import grid_of, stored_grid
from alignsar_gpu.application.geocoding.mapping import open_mapping
from alignsar_gpu.application.geocoding.stage import COGS, MAP
from alignsar_gpu.application.geocoding.writing import fill_map, write_cogs
from alignsar_gpu.application.learn.outputs import OUTPUTS
from alignsar_gpu.application.learn.reading import ChannelReader
from alignsar_gpu.config.geocoding import GeocodingConfig
from alignsar_gpu.dataset.blocks import ChunkGrid
from alignsar_gpu.dataset.cube import CubeLayer, CubeLayout, create_cube, fill_value, finish_cube, open_cube
from alignsar_gpu.dataset.writer import CubeWriter
from alignsar_gpu.errors import AlignsarError, choose_from

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.application.learn.outputs import Outputs
    from alignsar_gpu.application.stage import Run
    from alignsar_gpu.geocoding.map_grid import MapGrid
    from alignsar_gpu.learn.networks.network import Network
    from alignsar_gpu.learn.scenes import Tile

PREDICTIONS, MAPPED, DETECTIONS = "predictions.zarr", "predictions", "detections.parquet"
PRODUCTS = (PREDICTIONS, MAPPED, DETECTIONS)
ROWS_FOUND = "detections"  # folder of what is found in rows of tiles, while they are predicted
MAP_CUBE = "predictions_map.zarr"  # what GeoTIFFs are made of
TILE = 256, 1024  # lines and samples of a tile, about: whole chunks
PLACES = ("longitude", "latitude")


def chosen_model(predict: str | None, metrics: Mapping[str, Any], learn: Path) -> Path | None:
    """Return the file of the model whose predictions are wanted, of its first seed; None for no predictions.

    ``predict`` is the name of a model; None: the best of ``metrics`` that has a file. Raises AlignsarError for others.
    """
    files = {
        name: learn / name / f"seed-{next(iter(of['seeds']))}.safetensors"
        for name, of in metrics["models"].items()
    }
    there: dict[str, Path] = {name: file for name, file in files.items() if file.is_file()}
    if predict:
        if predict not in there:
            raise AlignsarError(f"learn.predict={predict}: {choose_from(predict, there)}")
        return there[predict]
    if predict is not None or not there:
        return None
    return there[max(there, key=lambda name: main_score(metrics["models"][name]))]


def main_score(model: Mapping[str, Any]) -> float:
    """Return the first score of a model on the split for testing, its mean over the seeds; -1 where it has none."""
    first: Mapping[str, Any] = next(iter(model["test"].values()), {})
    found = first.get("mean")
    return -1.0 if found is None else float(found)


def predict_scene(folder: RunFolder, run: Run, model: Path, metrics: Mapping[str, Any], stage: str) -> None:
    """Write what a model predicts of the whole scene; a row of tiles is a unit of ``stage``."""
    from alignsar_gpu.learn.model_files import load_model  # noqa: PLC0415  (torch is an extra)

    facts, network = load_model(model)
    device = "cuda" if run.device.kind == "cuda" else "cpu"
    cube, name = open_dataset(folder.work / CUBE), model.parent.name
    scores: Mapping[str, Any] = metrics["models"][name]["test"]
    about = {
        "model": str(metrics["models"][name]["title"]),
        "model_file": model.relative_to(folder.work).as_posix(),
        "test_scores": ", ".join(
            f"{score} {of['mean']:.3f}" for score, of in scores.items() if of["mean"] is not None
        ),
    }
    outputs = OUTPUTS[facts.task](facts, ChannelReader(cube, facts, name), about)
    scene = Scene(cube=cube, outputs=outputs, network=network.to(device), device=device)
    _fill(folder, run, scene, about, stage)
    if facts.task == "detection":
        from alignsar_gpu.application.learn.detections import write_detections  # noqa: PLC0415  (torch is an extra)

        write_detections(folder.work / ROWS_FOUND, folder.work / DETECTIONS, list(facts.classes), cube, about)


@dataclass(frozen=True, kw_only=True, eq=False)
class Scene:
    """A scene, and what predicts it.

    Attributes
    ----------
    cube : opened, lazily.
    outputs : what predictions become.
    network : on the device, set to evaluation.
    device : "cpu" or "cuda".
    """

    cube: xr.Dataset
    outputs: Outputs
    network: Network
    device: str

    @property
    def coordinates(self) -> list[CubeLayer]:
        """Coordinates that are images, as they are in the cube."""
        return [
            CubeLayer(
                name=name,
                dtype=self.cube[name].dtype.name,
                dated=False,
                coordinate=True,
                attributes=self.cube[name].attrs,
            )
            for name in PLACES
            if name in self.cube.coords
        ]

    def layout(self, about: Mapping[str, Any]) -> CubeLayout:
        """Return the layout of predictions.zarr: the grid, coordinates and attributes of the cube."""
        grid = ChunkGrid.of(self.cube["valid"])
        small = {
            name: self.cube[name].variable.load() for name in self.cube.coords if self.cube[name].ndim < 2
        }
        known = {
            "id": f"{self.cube.attrs['id']}-predictions",
            "summary": f"Predictions of a model ({about['model']}) on the radar grid of the dataset.",
        }
        return CubeLayout(
            shape=(self.cube.sizes["time"], *grid.shape),
            chunk=grid.chunk,
            coordinates=xr.Dataset(coords=small),
            layers=[*self.outputs.layers(self.cube), *self.coordinates],
            attributes={**self.cube.attrs, **known, **about},
        )

    def rows(self, layout: CubeLayout) -> list[list[Tile]]:
        """Divide the scene into rows of tiles of whole chunks."""
        from alignsar_gpu.learn.scenes import rows_of_tiles  # noqa: PLC0415  (torch is an extra)

        lines, samples = (c * max(1, t // c) for c, t in zip(layout.chunk, TILE, strict=True))
        return rows_of_tiles(layout.shape[1:], (lines, samples), self.network)

    def predict(self, tile: Tile, layout: CubeLayout, writer: CubeWriter) -> list[dict[str, NDArray[Any]]]:
        """Write the layers of a tile; return the objects that are found in it, of a network that finds objects."""
        from alignsar_gpu.learn.scenes import Tile, predict_tile  # noqa: PLC0415  (torch is an extra)

        found, (first, left) = [], (part.start for part in tile.core)
        whole = Tile(core=tile.window, window=tile.window)
        for dates, date in self.outputs.samples():
            image = self.outputs.reader.read(dates, tile.window)
            of_window = predict_tile(self.network, image, whole, self.device)
            known = self.outputs.reader.known(dates, tile.core)
            for name, values in self.outputs.values(of_window[(slice(None), *tile.inside)], known).items():
                writer.write(name, first, values, date, left=left)
            if self.outputs.facts.task == "detection":
                from alignsar_gpu.application.learn.detections import objects_in  # noqa: PLC0415  (torch is an extra)

                found.append(objects_in(of_window, tile, known, date))
        size = [part.stop - part.start for part in tile.core]
        for layer in layout.layers:
            for date in self.outputs.empty() if layer.dated else ():
                writer.write(
                    layer.name, first, np.full(size, fill_value(layer.dtype), layer.dtype), date, left=left
                )
        for layer in self.coordinates:
            writer.write(layer.name, first, self.cube[layer.name].variable[tile.core].values, left=left)
        return found


def _fill(folder: RunFolder, run: Run, scene: Scene, about: Mapping[str, Any], stage: str) -> None:
    path, layout, unit = folder.work / PREDICTIONS, scene.layout(about), f"{stage}/predictions"
    rows, found = scene.rows(layout), folder.work / ROWS_FOUND
    if not folder.is_recorded(unit):
        create_cube(path, layout)
        folder.record(unit, sorted(path.glob("*/zarr.json")))
    with run.timer.stage("predicting", len(rows)) as advance:
        with open_flow(run.device) as flow:
            writer = CubeWriter(path, layout, flow)
            done = folder.journal.resume(f"{stage}_row", len(rows), [writer])
            advance.keep(done)
            for number in range(done, len(rows)):
                objects = [part for tile in rows[number] for part in scene.predict(tile, layout, writer)]
                if objects:
                    found.mkdir(exist_ok=True)
                    columns: dict[str, Any] = {
                        name: np.concatenate([part[name] for part in objects]) for name in objects[0]
                    }
                    np.savez(found / f"{number:06d}.npz", **columns)
                record_written(flow, folder, f"{stage}_row-{number}", [writer], advance)
        finish_cube(path, {})


def map_predictions(folder: RunFolder, run: Run, stage: str) -> None:
    """Write the predictions on the map of the run as GeoTIFFs; nothing for a run without a map."""
    grid = _map_of(folder.work)
    if grid is None:
        return
    predictions = open_cube(folder.work / PREDICTIONS)
    layers = [str(name) for name in predictions.data_vars]
    mapping = open_mapping(folder.work / CUBE, GeocodingConfig(layers=layers), run.device, predictions, grid)
    fill_map(folder, run, mapping, folder.work / MAP_CUBE, f"{stage}_map")
    write_cogs(folder, run, mapping, folder.work / MAP_CUBE, folder.work / MAPPED, f"{stage}_map")


def _map_of(work: Path) -> MapGrid | None:
    """Return the pixels of the map that the run has made; None where it has made none."""
    if (work / MAP / "zarr.json").is_file():
        return stored_grid(work / MAP)
    file = next(iter(sorted((work / COGS).glob("*.tif"))), None)
    return None if file is None else grid_of(str(file))
