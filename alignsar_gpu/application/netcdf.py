"""NetCDF as stages: one file a date beside the cube, or one of all dates; and files as AlignSAR's code reads them."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from alignsar_gpu.application.dataset.derived import open_dataset
from alignsar_gpu.application.dataset.part import CUBE
from alignsar_gpu.application.stage import Stage
from alignsar_gpu.dataset.netcdf.alignsar import alignsar_files, choose_layers, write_alignsar_date
from alignsar_gpu.dataset.netcdf.files import netcdf_file, netcdf_files, write_date, write_dates
from alignsar_gpu.device import cpu_threads

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.application.stage import Run
    from alignsar_gpu.config import Config

NETCDF = "netcdf"
ALIGNSAR = "alignsar"


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
        if self.run.config.netcdf == "dates":
            write = partial(write_date, cube, workers=cpu_threads())
            write_units(self, folder, netcdf_files(cube, target), write)
        else:
            file = netcdf_file(cube, target)
            write_units(
                self, folder, [file], lambda _, path, **__: write_dates(cube, path, workers=cpu_threads())
            )


class AlignsarStage(Stage):
    """alignsar/netcdf_<YYYYMMDD>_full_attributes.nc: the layers, names and attributes that AlignSAR's code reads."""

    name = "alignsar"
    reads = ("dataset",)
    products = (ALIGNSAR,)
    shown = (("", ALIGNSAR, "(as AlignSAR's code reads it)"),)

    def __init__(self, run: Run) -> None:
        super().__init__(run)
        self._absent: tuple[str, ...] = ()

    @classmethod
    def is_wanted(cls, config: Config) -> bool:
        """See `Stage.is_wanted`."""
        return config.dataset.alignsar_layout

    def make(self, folder: RunFolder) -> None:
        """See `Stage.make`; a file is a unit."""
        cube = open_dataset(folder.work / CUBE)
        self._absent = choose_layers(cube).absent
        write = partial(write_alignsar_date, cube, workers=cpu_threads())
        write_units(self, folder, alignsar_files(cube, folder.work / ALIGNSAR), write)

    def warnings(self) -> Sequence[str]:
        """See `Stage.warnings`."""
        if not self._absent:
            return ()
        warning = (
            f"dataset.alignsar_layout=true: the dataset has no {', '.join(self._absent)}; code that takes layers by "
            "their order needs all (signatures.names, radarcoding.layers)"
        )
        return (warning,)


def write_units(stage: Stage, folder: RunFolder, files: Sequence[Path], write: Callable[..., None]) -> None:
    """Write the files of a stage that the folder has not recorded yet, each by its index and path.

    ``other`` is a file that is there already: what all dates share is copied from it.
    """
    with stage.run.timer.stage(stage.name, len(files)) as advance:
        for index, file in enumerate(files):
            unit = f"{stage.name}/{file.name}"
            if folder.is_recorded(unit):
                advance.keep(1)
                continue
            others = [other for other in files[:index] if other.is_file()]
            write(index, file, other=others[0] if others else None)
            folder.record(unit, [file])
            advance(1)
