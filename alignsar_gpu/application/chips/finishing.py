"""What is known of chips once they are stored: their index, statistics, and facts of the dataset."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pandas as pd

from alignsar_gpu.application.chips.describing import dataset_facts, decibels, index_columns
from alignsar_gpu.dataset.chips.description import DATASET
from alignsar_gpu.dataset.chips.index import index_of
from alignsar_gpu.dataset.chips.summing import locate, training_splits, training_statistics
from alignsar_gpu.dataset.chips.webdataset import FOLDER as WEBDATASET

if TYPE_CHECKING:
    from collections.abc import Mapping

    import geopandas as gpd

    from alignsar_gpu.application.chips.cutting import Cutting
    from alignsar_gpu.application.chips.growth import Earlier
    from alignsar_gpu.application.chips.places import Screened
    from alignsar_gpu.config.chips import ChipsConfig
    from alignsar_gpu.dataset.chips.store import ChipStore


@dataclass(frozen=True, kw_only=True, eq=False)
class Finishing:
    """Chips that are stored, and those that they were added to.

    Attributes
    ----------
    cutting : how they were cut.
    screened : what is known of all places.
    window : the widest that layers were computed over, m.
    earlier : the dataset that they are added to; None for a new one.
    """

    cutting: Cutting
    screened: Screened
    window: float
    earlier: Earlier | None

    @property
    def version(self) -> int:
        """Number of the version of the dataset, from 1."""
        return 1 if self.earlier is None else self.earlier.facts["version"] + 1

    @property
    def has_tars(self) -> bool:
        """Whether the chips that were there are in tar files."""
        return self.earlier is not None and (self.earlier.folder / WEBDATASET).is_dir()

    def indices(self, store: ChipStore, workers: int) -> tuple[gpd.GeoDataFrame, gpd.GeoDataFrame]:
        """Return the index of the new chips, and of all."""
        selection, first = self.cutting.selection, self.cutting.first
        stored = locate(store, first["chip"], first["place"] + selection.place, workers)
        hulls = self.screened.hulls.iloc[selection.places[selection.place]]
        own = index_of(index_columns(self.cutting, self.screened, stored), hulls)
        if self.earlier is None:
            return own, own
        return own, pd.concat([self.earlier.index, own], ignore_index=True)

    def statistics(self, store: ChipStore, index: gpd.GeoDataFrame, workers: int) -> dict[str, Any]:
        """Compute the statistics of the training split of all chips; of all of them where folds are split."""
        return training_statistics(
            store, index, decibels(self.cutting.layers), training_splits(index), workers
        )

    def _ignored(self) -> dict[str, dict[str, int]]:
        """Count the pixels of classes that are ignored in the places of the chips, by layer."""
        pixels = self.screened.ignored[self.cutting.selection.places].sum(axis=0)
        counts: dict[str, dict[str, int]] = {}
        for (layer, name, _), count in zip(self.cutting.source.ignored_classes, pixels.tolist(), strict=True):
            counts.setdefault(layer, {})[name] = round(count)
        return counts

    def facts(
        self,
        config: ChipsConfig,
        index: gpd.GeoDataFrame,
        statistics: Mapping[str, Any],
        errors: Mapping[str, Mapping[str, float]],
    ) -> dict[str, Any]:
        """Return what dataset.json says, but for its files."""
        facts = dataset_facts(self.cutting, config, self.window, statistics, errors, self._ignored())
        if self.earlier is None:
            return facts
        checksum = hashlib.sha256((self.earlier.folder / DATASET).read_bytes()).hexdigest()
        counts = index["split"].value_counts().sort_index()
        return self.earlier.continued(facts, checksum, {str(k): int(v) for k, v in counts.items()})
