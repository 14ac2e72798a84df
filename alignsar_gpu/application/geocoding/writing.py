"""Write a map: its cube, row of tiles by row, and its GeoTIFFs, so that a run that was stopped goes on."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING

from alignsar_gpu.application.dataset.output import open_flow, record_written
from alignsar_gpu.application.geocoding.cogs import cog_files
from alignsar_gpu.dataset.cube import create_cube, finish_cube
from alignsar_gpu.dataset.writer import CubeWriter
from alignsar_gpu.device import cpu_threads

if TYPE_CHECKING:
    from pathlib import Path

    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.application.geocoding.mapping import Mapping
    from alignsar_gpu.application.stage import Run


def fill_map(folder: RunFolder, run: Run, mapping: Mapping, path: Path, stage: str) -> None:
    """Write a map cube to ``path``; a row of tiles is a unit of ``stage``."""
    layout, unit = mapping.layout(), f"{stage}/layout"
    if not folder.is_recorded(unit):
        create_cube(path, layout)
        folder.record(unit, sorted(path.glob("*/zarr.json")))
    with run.timer.stage(stage, mapping.tiles.count) as advance:
        with open_flow(run.device) as flow:
            writer = CubeWriter(path, layout, flow)
            done = folder.journal.resume(f"{stage}_row", mapping.tiles.count, [writer])
            advance.keep(done)
            for row in range(done, mapping.tiles.count):
                for tile, layer, date, values in mapping.row(row):
                    writer.write(layer.name, tile.rows.start, values, date, left=tile.columns.start)
                record_written(flow, folder, f"{stage}_row-{row}", [writer], advance)
        finish_cube(path, {})


def write_cogs(folder: RunFolder, run: Run, mapping: Mapping, cube: Path, into: Path, stage: str) -> None:
    """Write the GeoTIFFs of a map cube into a folder; a file is a unit of ``stage``."""
    files = cog_files(cube, into, mapping)
    with run.timer.stage(into.name, len(files)) as advance, ThreadPoolExecutor(cpu_threads()) as pool:
        pending = []
        for file in files:
            if folder.is_recorded(f"{stage}/{file.path.name}"):
                advance.keep(1)
            else:
                pending.append((file, pool.submit(file.write)))
        for file, written in pending:
            folder.record(f"{stage}/{file.path.name}", written.result())
            advance(1)
