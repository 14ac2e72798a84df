"""The map as a stage: map.zarr block by block, and files of it for people and programs that know maps."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from alignsar_gpu.application.dataset.part import CUBE
from alignsar_gpu.application.geocoding.mapping import open_mapping
from alignsar_gpu.application.geocoding.netcdf import write_map_date
from alignsar_gpu.application.geocoding.writing import fill_map, write_cogs
from alignsar_gpu.application.space import check_map_space
from alignsar_gpu.application.stage import Stage, keys_of
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
        fill_map(folder, self.run, mapping, folder.work / MAP, self.name)
        if "cogs" in self._wanted:
            write_cogs(folder, self.run, mapping, folder.work / MAP, folder.work / COGS, self.name)
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
