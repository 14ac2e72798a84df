"""The report as a stage: a page of pictures beside the cube."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignsar_gpu.application.chips.stage import CHIPS
from alignsar_gpu.application.dataset.derived import open_dataset
from alignsar_gpu.application.dataset.part import CUBE
from alignsar_gpu.application.dataset.stage import read_quality
from alignsar_gpu.application.dataset.truth import TRUTH, open_truth
from alignsar_gpu.application.geocoding.cogs import VISUAL
from alignsar_gpu.application.geocoding.stage import COGS
from alignsar_gpu.application.learn.describing import LEARN
from alignsar_gpu.application.learn.page import PAGE as MODELS
from alignsar_gpu.application.netcdf import NETCDF
from alignsar_gpu.application.objects.stage import OBJECTS
from alignsar_gpu.application.stage import Stage, keys_of
from alignsar_gpu.dataset.chips.index import INDEX
from alignsar_gpu.report import SECTIONS, write_report

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.config import Config

REPORT = "report"


class ReportStage(Stage):
    """report/index.html."""

    name = "report"
    reads = ("dataset", "netcdf", "geocoding", "chips", "objects", "learn")
    products = (REPORT,)
    shown = (("report", f"{REPORT}/index.html", ""),)

    @classmethod
    def is_wanted(cls, config: Config) -> bool:
        """See `Stage.is_wanted`."""
        return config.report.kind != "none"

    def settings(self) -> Mapping[str, Any]:
        """See `Stage.settings`."""
        return keys_of(self.run.config.report, "kind")

    def make(self, folder: RunFolder) -> None:
        """See `Stage.make`."""
        cube, truth = open_dataset(folder.work / CUBE), folder.work / TRUTH
        with self.run.timer.stage(self.name, len(SECTIONS), len(SECTIONS)) as advance:
            quality = read_quality(folder.work)
            quality["stages"] |= self.run.timer.seconds
            write_report(
                cube,
                quality,
                folder.work / REPORT,
                truth=open_truth(truth, cube) if truth.exists() else None,
                configuration=self.run.published.configuration,
                files=[
                    *(folder.work / NETCDF).glob("*.nc"),
                    *sorted((folder.work / COGS).glob(f"{VISUAL}_*.tif")),
                    *(folder.work / CHIPS).glob(INDEX),
                    *folder.work.glob(OBJECTS),
                    *folder.work.glob(f"{LEARN}/{MODELS}"),
                ],
                dates=self.run.config.report.dates,
                advance=advance,
            )
