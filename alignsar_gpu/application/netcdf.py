"""NetCDF as a stage: one file a date beside the cube, or one of all dates."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignsar_gpu.application.dataset.derived import open_dataset
from alignsar_gpu.application.dataset.part import CUBE
from alignsar_gpu.application.stage import Stage
from alignsar_gpu.dataset.netcdf.files import netcdf_file, netcdf_files, write_date, write_dates
from alignsar_gpu.device import cpu_threads

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.config import Config

NETCDF = "netcdf"


class NetcdfStage(Stage):
    """netcdf/<YYYYMMDD>.nc, or netcdf/<first>_<last>.nc."""

    name = "netcdf"
    reads = ("dataset",)
    products = (NETCDF,)
    shown = (("", NETCDF, ""),)

    def settings(self) -> Mapping[str, Any]:
        """See `Stage.settings`."""
        return {} if self.run.config.netcdf == "none" else {"files": self.run.config.netcdf}

    @classmethod
    def is_wanted(cls, config: Config) -> bool:
        """See `Stage.is_wanted`."""
        return config.netcdf != "none"

    def make(self, folder: RunFolder) -> None:
        """See `Stage.make`; a file is a unit."""
        cube, target = open_dataset(folder.work / CUBE), folder.work / NETCDF
        together = self.run.config.netcdf == "one"
        files = [netcdf_file(cube, target)] if together else netcdf_files(cube, target)
        with self.run.timer.stage(self.name, len(files)) as advance:
            for index, file in enumerate(files):
                unit = f"{self.name}/{file.name}"
                if folder.is_recorded(unit):
                    advance.keep(1)
                    continue
                if together:
                    write_dates(cube, file, workers=cpu_threads())
                else:
                    others = [other for other in files[:index] if other.is_file()]
                    write_date(cube, index, file, other=others[0] if others else None, workers=cpu_threads())
                folder.record(unit, [file])
                advance(1)
