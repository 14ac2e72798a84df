"""The card as a stage: what the dataset is, for readers and for programs, and a taster of its chips."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignsar_gpu.application.chips.stage import CHIPS
from alignsar_gpu.application.dataset.derived import open_dataset
from alignsar_gpu.application.dataset.output import open_flow
from alignsar_gpu.application.dataset.part import CUBE
from alignsar_gpu.application.dataset.stage import read_quality
from alignsar_gpu.application.fingerprints import write_text
from alignsar_gpu.application.stage import Stage, keys_of
from alignsar_gpu.card.checks import FILE as CROISSANT
from alignsar_gpu.card.croissant import as_text, croissant
from alignsar_gpu.card.limits import unknown
from alignsar_gpu.card.pictures import write_pictures
from alignsar_gpu.card.subject import TASTER, Keys, Subject
from alignsar_gpu.card.taster import write_taster
from alignsar_gpu.card.text import card_text, page_of
from alignsar_gpu.device import cpu_threads
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.progress import LOGGER

if TYPE_CHECKING:
    from collections.abc import Mapping

    from alignsar_gpu.application.folder import RunFolder
    from alignsar_gpu.config import Config

README, PAGE, PICTURES = "README.md", "card.html", "card"


class CardStage(Stage):
    """README.md, card.html with its pictures, croissant.json and taster/."""

    name = "card"
    reads = ("dataset", "netcdf", "geocoding", "chips", "objects", "report")
    products = (README, PAGE, PICTURES, CROISSANT, TASTER)
    shown = (("card", PAGE, ""), ("taster", TASTER, "(alignsar_gpu.open_dataset)"))

    @classmethod
    def is_wanted(cls, config: Config) -> bool:
        """See `Stage.is_wanted`."""
        return config.card.write

    def settings(self) -> Mapping[str, Any]:
        """See `Stage.settings`."""
        return keys_of(self.run.config.card, "write") | keys_of(self.run.config.catalog)

    def make(self, folder: RunFolder) -> None:
        """See `Stage.make`."""
        config, catalog = self.run.config.card, self.run.config.catalog
        if not (folder.work / CHIPS).is_dir():
            raise AlignsarError("card.write=true: this run has no chips; make them too: chips.size=[256,256]")
        subject = Subject(
            folder=folder.work,
            cube=open_dataset(folder.work / CUBE),
            quality=read_quality(folder.work),
            keys=Keys(
                limits=config.limits,
                tasks=config.tasks,
                citation=catalog.citation,
                doi=catalog.doi,
                address=catalog.href,
            ),
        )
        with self.run.timer.stage(self.name, 3) as advance:
            chips = 0
            if config.taster:
                flow = open_flow(self.run.device)
                chips = write_taster(subject, folder.work / TASTER, config.taster, flow, cpu_threads())
            advance(1)
            write_pictures(subject, folder.work / PICTURES)
            advance(1)
            text = card_text(subject, chips)
            write_text(folder.work / README, text)
            write_text(folder.work / PAGE, page_of(text, subject.title))
            write_text(folder.work / CROISSANT, as_text(croissant(subject)))
            advance(1)
        for text, key in unknown(subject).items():
            LOGGER.info("not stated %s (%s): %s says so", text, key, README)
