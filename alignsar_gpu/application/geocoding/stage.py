"""The map as a stage: map.zarr block by block, and files of it for people and programs that know maps."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignsar_gpu.application.dataset.output import open_flow, record_written
from alignsar_gpu.application.dataset.part import CUBE
from alignsar_gpu.application.geocoding.cogs import cog_files
from alignsar_gpu.application.geocoding.mapping import open_mapping
from alignsar_gpu.application.geocoding.netcdf import write_map_date
from alignsar_gpu.application.space import check_map_space
from alignsar_gpu.application.stage import Stage, keys_of
from alignsar_gpu.dataset.cube import create_cube, finish_cube
from alignsar_gpu.dataset.writer import CubeWriter
from alignsar_gpu.device import cpu_threads
from alignsar_gpu.geocoding.cogs import require_storable
from alignsar_gpu.geometry.stored.surface import PixelSurface
from alignsar_gpu.progress import LOGGER

if TYPE_CHECKING:
    from collections.abc import Mapping as Facts
    from collections.abc import Sequence

    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.application.geocoding.mapping import Mapping
    from alignsar_gpu.application.stage import Run
    from alignsar_gpu.config import Config

MAP, COGS, DATES = "map.zarr", "cogs", "map_netcdf"
LEVEL = 1.0  # m: heights that differ by less are none
SHOWN = {
    "cogs": ("map", COGS, "(GeoTIFFs; visual_<date>.tif to look at)"),
    "cube": ("map cube", MAP, "(xarray.open_zarr)"),
    "netcdf": ("map files", DATES, ""),
}


class GeocodingStage(Stage):
    """map.zarr, cogs/ and map_netcdf/: the layers of the cube on a map, by what the cube says of its geometry."""

    name = "geocoding"
    reads = ("dataset",)

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._warnings: list[str] = []
        self._wanted = run.config.geocoding.products
        self.shown = tuple(SHOWN[name] for name in self._wanted)
        self.products = tuple(product for _, product, _ in self.shown)

    @classmethod
    def is_wanted(cls, config: Config) -> bool:
        """See `Stage.is_wanted`."""
        return config.geocoding.is_wanted

    def settings(self) -> Facts[str, Any]:
        """See `Stage.settings`."""
        return keys_of(self.run.config.geocoding, "match") | {"device": self.run.device.kind}

    def files(self) -> Sequence[Sequence[Path | str]]:
        """See `Stage.files`."""
        match = self.run.config.geocoding.match
        return () if match is None else ((Path(match).expanduser(),),)

    def make(self, folder: RunFolder) -> None:
        """See `Stage.make`; a row of tiles is a unit, and then a file."""
        mapping = open_mapping(folder.work / CUBE, self.run.config.geocoding, self.run.device)
        if "cogs" in self._wanted:
            require_storable(mapping.grid)
        rows, columns = mapping.grid.shape
        LOGGER.info(
            "map        %d x %d pixels of %g, %s",
            *(rows, columns, abs(mapping.grid.affine[0]), mapping.grid.crs.name),
        )
        check_map_space(mapping.layout(), self._wanted, folder.work, self.products)
        self._warn_of_level_ground(mapping)
        self._fill(folder, mapping)
        if "cogs" in self._wanted:
            self._write_cogs(folder, mapping)
        if "netcdf" in self._wanted:
            self._write_dates(folder, mapping)

    def _warn_of_level_ground(self, mapping: Mapping) -> None:
        surface = mapping.tiles.geocoding.dem
        if isinstance(surface, PixelSurface) and surface.highest - surface.lowest < LEVEL:
            self._warnings.append(
                "the stack has no heights, so that its map is that of the ellipsoid: ground above it is moved, by more "
                "than its height; make the dataset again with a DEM (dem=copernicus dem.path=FOLDER)"
            )

    def warnings(self) -> Sequence[str]:
        """See `Stage.warnings`."""
        return self._warnings

    def _fill(self, folder: RunFolder, mapping: Mapping) -> None:
        path, layout = folder.work / MAP, mapping.layout()
        unit = f"{self.name}/layout"
        if not folder.is_recorded(unit):
            create_cube(path, layout)
            folder.record(unit, sorted(path.glob("*/zarr.json")))
        with self.run.timer.stage(self.name, mapping.tiles.count) as advance:
            with open_flow(self.run.device) as flow:
                writer = CubeWriter(path, layout, flow)
                done = folder.journal.resume(f"{self.name}_row", mapping.tiles.count, [writer])
                advance.keep(done)
                for row in range(done, mapping.tiles.count):
                    for tile, layer, date, values in mapping.row(row):
                        writer.write(layer.name, tile.rows.start, values, date, left=tile.columns.start)
                    record_written(flow, folder, f"{self.name}_row-{row}", [writer], advance)
            finish_cube(path, {})

    def _write_cogs(self, folder: RunFolder, mapping: Mapping) -> None:
        files = cog_files(folder.work / MAP, folder.work / COGS, mapping)
        with (
            self.run.timer.stage(COGS, len(files)) as advance,
            ThreadPoolExecutor(cpu_threads()) as pool,
        ):
            pending = []
            for file in files:
                if folder.is_recorded(f"{self.name}/{file.path.name}"):
                    advance.keep(1)
                else:
                    pending.append((file, pool.submit(file.write)))
            for file, written in pending:
                folder.record(f"{self.name}/{file.path.name}", written.result())
                advance(1)

    def _write_dates(self, folder: RunFolder, mapping: Mapping) -> None:
        count = mapping.cube.sizes["time"]
        with self.run.timer.stage(DATES, count) as advance:
            for index in range(count):
                unit = f"{self.name}/date-{index}"
                if folder.is_recorded(unit):
                    advance.keep(1)
                    continue
                folder.record(unit, [write_map_date(folder.work / MAP, folder.work / DATES, index)])
                advance(1)
