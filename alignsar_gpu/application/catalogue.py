"""The STAC catalogue as a stage: what is beside the cube, with sizes and checksums."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from alignsar_gpu.application.card import README
from alignsar_gpu.application.chips.stage import CHIPS
from alignsar_gpu.application.dataset.derived import open_dataset
from alignsar_gpu.application.dataset.interferograms import INTERFEROGRAMS
from alignsar_gpu.application.dataset.part import CUBE, TABLES
from alignsar_gpu.application.dataset.quality import QUALITY
from alignsar_gpu.application.fingerprints import write_text
from alignsar_gpu.application.folder import CONFIGURATION
from alignsar_gpu.application.geocoding.stage import COGS, MAP
from alignsar_gpu.application.journal import read_json
from alignsar_gpu.application.learn.cards import CARD
from alignsar_gpu.application.learn.describing import LEARN
from alignsar_gpu.application.learn.page import PAGE
from alignsar_gpu.application.learn.predicting import DETECTIONS, MAPPED, PREDICTIONS
from alignsar_gpu.application.learn.stage import METRICS
from alignsar_gpu.application.netcdf import ALIGNSAR, NETCDF
from alignsar_gpu.application.objects.stage import OBJECTS
from alignsar_gpu.application.report import REPORT
from alignsar_gpu.application.stage import Stage, keys_of
from alignsar_gpu.card.checks import FILE as CROISSANT
from alignsar_gpu.catalog.models import CataloguedModel
from alignsar_gpu.catalog.stac import Products, Publication, write_stac
from alignsar_gpu.dataset.chips.index import INDEX

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from alignsar_gpu.application.folder import RunFolder

STAC = "stac"


def trained_models(learn: Path) -> list[CataloguedModel]:
    """List the models in the folder of what was learned that have weights."""
    metrics, found = read_json(learn / METRICS), []
    for name, of in metrics.get("models", {}).items():
        card = learn / name / CARD
        if weights := sorted((learn / name).glob("*.safetensors")):
            means = {score: one["mean"] for score, one in of["test"].items() if one["mean"] is not None}
            found.append(
                CataloguedModel(
                    name=name,
                    title=of["title"],
                    weights=weights,
                    card=card if card.is_file() else None,
                    scores=means,
                )
            )
    return found


class CatalogueStage(Stage):
    """stac/catalog.json, a collection, and an item a date."""

    name = "stac"
    reads = ("dataset", "netcdf", "alignsar", "geocoding", "chips", "objects", "learn", "card", "report")
    products = (STAC,)
    shown = (("catalogue", f"{STAC}/catalog.json", ""),)

    def settings(self) -> Mapping[str, Any]:
        """See `Stage.settings`."""
        return keys_of(self.run.config.catalog)

    def make(self, folder: RunFolder) -> None:
        """See `Stage.make`."""

        def there(name: str) -> Path | None:
            return folder.work / name if (folder.work / name).exists() else None

        config = self.run.config.catalog
        write_text(folder.work / CONFIGURATION, self.run.published.configuration)
        with self.run.timer.stage(self.name):
            write_stac(
                open_dataset(folder.work / CUBE),
                folder.work / STAC,
                Products(
                    netcdf=sorted((folder.work / NETCDF).glob("*.nc")),
                    alignsar=sorted((folder.work / ALIGNSAR).glob("*.nc")),
                    cube=folder.work / CUBE,
                    interferograms=there(INTERFEROGRAMS),
                    report=there(f"{REPORT}/index.html"),
                    map=there(MAP),
                    chips=there(f"{CHIPS}/{INDEX}"),
                    objects=there(OBJECTS),
                    predictions=there(PREDICTIONS),
                    detections=there(DETECTIONS),
                    models=there(f"{LEARN}/{PAGE}"),
                    metrics=there(f"{LEARN}/{METRICS}"),
                    tables=sorted((folder.work / TABLES).glob("*.parquet")),
                    cogs=[
                        *sorted((folder.work / COGS).glob("*.tif")),
                        *sorted((folder.work / MAPPED).glob("*.tif")),
                    ],
                    metadata=(folder.work / QUALITY, folder.work / CONFIGURATION),
                    card=[path for name in (README, CROISSANT) if (path := there(name)) is not None],
                    trained=trained_models(folder.work / LEARN),
                ),
                checksum=folder.journal.checksums.of,
                publication=Publication(address=config.href, citation=config.citation, doi=config.doi),
            )
