"""NetCDF as a stage: one file a date beside the cube."""

from __future__ import annotations

from typing import TYPE_CHECKING

from alignsar_gpu.application.dataset.derived import open_dataset
from alignsar_gpu.application.dataset.part import CUBE
from alignsar_gpu.application.stage import Stage
from alignsar_gpu.dataset.netcdf import netcdf_files, write_date
from alignsar_gpu.device import cpu_threads

if TYPE_CHECKING:
    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.config import Config

NETCDF = "netcdf"


class NetcdfStage(Stage):
    """netcdf/<YYYYMMDD>.nc."""

    name = "netcdf"
    reads = ("dataset",)
    products = (NETCDF,)
    shown = (("", NETCDF, "(one file a date)"),)

    @classmethod
    def is_wanted(cls, config: Config) -> bool:
        """See `Stage.is_wanted`."""
        return config.netcdf != "none"

    def make(self, folder: RunFolder) -> None:
        """See `Stage.make`; a date is a unit."""
        cube = open_dataset(folder.work / CUBE)
        files = netcdf_files(cube, folder.work / NETCDF)
        with self.run.timer.stage(self.name, len(files)) as advance:
            for index, file in enumerate(files):
                unit = f"{self.name}/{file.name}"
                if folder.is_recorded(unit):
                    advance.keep(1)
                else:
                    others = [other for other in files[:index] if other.is_file()]
                    write_date(cube, index, file, other=others[0] if others else None, workers=cpu_threads())
                    folder.record(unit, [file])
                    advance(1)
