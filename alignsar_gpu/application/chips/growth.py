"""A dataset of chips that grows: those of another run are added to it, as a new version; its shards stay."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from pyproj import CRS

from alignsar_gpu.application.chips.classes import classes_of
from alignsar_gpu.application.chips.describing import chip_ids
from alignsar_gpu.config.keys import as_given
from alignsar_gpu.dataset.chips.checks.keys import FACTS, NUMBER, wrong_keys
from alignsar_gpu.dataset.chips.description import BLOCKS, DATASET, read_facts
from alignsar_gpu.dataset.chips.index import read_index
from alignsar_gpu.dataset.chips.layout import ARRAYS, CLASSES, STORE
from alignsar_gpu.dataset.chips.opening import folder_of
from alignsar_gpu.dataset.chips.splits.files import read_blocks
from alignsar_gpu.dataset.chips.store import ChipStore
from alignsar_gpu.dataset.chips.webdataset import FOLDER as WEBDATASET
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import geopandas as gpd
    from numpy.typing import NDArray

    from alignsar_gpu.application.chips.cutting import Cutting
    from alignsar_gpu.application.chips.layers import ChosenLayers
    from alignsar_gpu.application.chips.selection import Selection
    from alignsar_gpu.application.chips.source import Source
    from alignsar_gpu.config.chips import ChipsConfig

NEEDED = FACTS | {
    "id": str,
    "version": int,
    "geometry": str,
    "crs": str,
    "stride": [int],
    "dates": str,
    "split": {"by": str, "buffer_m": NUMBER, "block_m": NUMBER, "folds": int},
}  # keys of its dataset.json


@dataclass(frozen=True, kw_only=True, eq=False)
class Earlier:
    """A dataset that chips are added to.

    Attributes
    ----------
    folder : of it.
    facts : its dataset.json.
    index : of its chips.
    """

    folder: Path
    facts: Mapping[str, Any]
    index: gpd.GeoDataFrame

    @classmethod
    def open(cls, path: str) -> Earlier:
        """Open the dataset at ``path``. Raises AlignsarError where there is none."""
        folder = folder_of(Path(path).expanduser())
        try:
            facts, index = read_facts(folder), read_index(folder)
        except AlignsarError as error:
            raise AlignsarError(f"chips.onto={path}: {error}") from None
        if wrong := [*wrong_keys(facts, NEEDED)]:
            raise AlignsarError(
                f"chips.onto={path}: {DATASET} is damaged ({wrong[0]}); copy it again, and check it: alignsar_gpu check"
            )
        earlier = cls(folder=folder, facts=facts, index=index)
        for name, of in facts["files"].items():
            if not (folder / name).is_file() or (folder / name).stat().st_size != of["size"]:
                raise earlier._damage(name)
        return earlier

    def _damage(self, name: str) -> AlignsarError:
        return AlignsarError(
            f"chips.onto={self.folder}: {name} is missing or not what it was; copy it again, and check all: "
            "alignsar_gpu check"
        )

    def require_unchanged(self, files: Mapping[str, Mapping[str, Any]]) -> None:
        """Raise AlignsarError where a shard that was put into another folder is not what its dataset.json says."""
        for path in self._shards:
            name = str(path.relative_to(self.folder))
            if files[name]["sha256"] != self.facts["files"].get(name, {}).get("sha256"):
                raise self._damage(name)

    @property
    def _shards(self) -> list[Path]:
        found = [*self.folder.glob(f"{STORE}/*/c/**/*"), *self.folder.glob(f"{WEBDATASET}/*.tar")]
        return [path for path in found if path.is_file()]

    @property
    def crs(self) -> CRS:
        """The coordinate reference system that its places are measured in."""
        return CRS.from_user_input(self.facts["crs"])

    @property
    def split(self) -> Mapping[str, Any]:
        """How it is split."""
        of: Mapping[str, Any] = self.facts["split"]
        return of

    def _lacks(self, ids: Sequence[str]) -> NDArray[np.bool_]:
        """Return which of the chips are not there yet. Raises AlignsarError where all are."""
        there = set(self.index["id"])
        lacking = np.array([name not in there for name in ids], dtype=bool)
        if not lacking.any():
            raise AlignsarError(
                f"chips.onto={self.folder}: has all chips of this run already; give another run"
            )
        return lacking

    def _first(self) -> dict[str, int]:
        """Return the numbers of the first new chip and place: those behind the last shards, which stay whole."""
        result = {"chip": 0, "place": 0}
        for name, array in ChipStore.open(self.folder).arrays.items():
            along = ARRAYS[name][0]
            step = array.shard[0]
            result[along] = max(result[along], -(-array.shape[0] // step) * step)
        return result

    def with_blocks(self, selection: Selection) -> Selection:
        """Return new chips with the blocks that are there too, where each scene is one."""
        if self.split["by"] != "scenes":
            return selection
        there = read_blocks(self.folder / BLOCKS, self.crs)
        there = there[~there["block"].isin(selection.blocks["block"])]
        return replace(selection, blocks=pd.concat([there, selection.blocks], ignore_index=True))

    def continuing(self, config: ChipsConfig) -> ChipsConfig:
        """Return the configuration of chips that go on with its blocks. Raises AlignsarError for chips of another kind.

        What only the cube tells is left to `grown`.
        """
        size = list(config.size or ())
        ours = {
            "size": size,
            "stride": list(config.stride) or size,
            "halo": config.halo,
            "geometry": config.geometry,
            "dates": config.dates,
        }
        for name, value in ours.items():
            if value != self.facts[name]:
                raise AlignsarError(
                    f"chips.{name}={as_given(value)}: the dataset chips.onto={self.folder} has "
                    f"{as_given(self.facts[name])}; give the same"
                )
        if config.split.by != self.split["by"]:
            raise AlignsarError(
                f"chips.split.by={config.split.by}: the dataset chips.onto={self.folder} is split by "
                f"{self.split['by']}; give the same"
            )
        if self.split["by"] == "scenes":
            return replace(config, split=replace(config.split, buffer=self.split["buffer_m"]))
        if self.split["by"] not in {"blocks", "folds"}:
            return config
        split = replace(
            config.split,
            file=str(self.folder / BLOCKS),
            block=self.split["block_m"],
            buffer=self.split["buffer_m"],
            folds=self.split["folds"],
        )
        return replace(config, split=split)

    def grown(self, cutting: Cutting) -> Cutting:
        """Return how chips are cut that are not there yet, numbered behind those that are.

        Raises AlignsarError where there are none, or where they are of another kind.
        """
        self._require_same(cutting)
        self._require_same_classes(cutting.layers, cutting.source)
        selection = cutting.selection.only(self._lacks(chip_ids(cutting)), "there already")
        selection = self.with_blocks(selection)
        return replace(cutting, selection=selection, first=self._first())

    def _require_same(self, cutting: Cutting) -> None:
        """Raise AlignsarError for other layers or types than those of the chips that are there."""
        store = ChipStore.open(self.folder)
        missing = set(store.arrays) - {array.name for array in cutting.layout.arrays} - {"pairs"}
        if missing:
            name = min(missing)
            raise AlignsarError(
                f"chips.layers: chips.onto={self.folder} has {name} ({', '.join(store.layers.get(name, ()))}), and "
                "these chips have none; give the same layers and labels"
            )
        for array in cutting.layout.arrays:
            there = store.layers.get(array.name, ())
            if array.layers != tuple(there) or array.dtype != store.arrays[array.name].dtype:
                raise AlignsarError(
                    f"chips.layers: {array.name} of chips.onto={self.folder} are {', '.join(there)}, of these chips "
                    f"{', '.join(array.layers)} ({array.dtype}); give the same layers, labels and type"
                )

    def _require_same_classes(self, layers: ChosenLayers, source: Source) -> None:
        """Raise AlignsarError for a layer of classes whose numbers mean others than in the chips that are there."""
        ours_ignored = {(layer, name) for layer, name, _ in source.ignored_classes}
        ignored = {(layer, name) for layer, names in self.facts.get("ignored", {}).items() for name in names}
        if ignored != ours_ignored:
            said = ", ".join(f"{name} of {layer}" for layer, name in sorted(ignored)) or "none"
            raise AlignsarError(
                f"chips.ignore: the dataset chips.onto={self.folder} ignores {said}; give the same"
            )
        for plane in (plane for name in CLASSES for plane in layers.arrays.get(name, ())):
            there = self.facts["classes"].get(plane.name, {})
            ours = classes_of(source.data[plane.variable])
            names = {value: name for name, value in ours.items()}
            for name, value in there.items():
                if ours.get(name, value) != value or names.get(value, name) != name:
                    raise AlignsarError(
                        f"chips.onto={self.folder}: {name} of {plane.name} is {value} there, and {value} is "
                        f"{names.get(value, 'no class')} here; give the label the same classes, in the same order"
                    )

    def link(self, target: Path) -> None:
        """Put the shards into another folder: as links of the file system, or where it has none copied."""
        for path in self._shards:
            place = target / path.relative_to(self.folder)
            if not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                try:
                    os.link(path, place)
                except OSError:
                    shutil.copyfile(path, place)

    def continued(self, facts: Mapping[str, Any], checksum: str, counts: Mapping[str, int]) -> dict[str, Any]:
        """Return dataset.json of the new version: what is the same for all, and what is new."""
        known = {scene["id"] for scene in facts["scenes"]}
        layers = {name: _larger(self.facts["layers"][name], of) for name, of in facts["layers"].items()}
        return {
            **facts,
            "id": self.facts["id"],
            "version": self.facts["version"] + 1,
            "scenes": [*(s for s in self.facts["scenes"] if s["id"] not in known), *facts["scenes"]],
            "window_m": max(self.facts["window_m"], facts["window_m"]),
            "chip_m": max(self.facts["chip_m"], facts["chip_m"]),
            "layers": layers,
            "classes": {
                name: self.facts["classes"].get(name, {}) | of for name, of in facts["classes"].items()
            },
            "counts": dict(counts),
            "difference": {
                "since_version": self.facts["version"],
                f"sha256_of_its_{DATASET}": checksum,
                "chips_added": sum(facts["counts"].values()),
                "chips_kept": len(self.index),
                "scenes_added": [scene["id"] for scene in facts["scenes"]],
            },
        }


def _larger(one: Mapping[str, Any], other: Mapping[str, Any]) -> dict[str, Any]:
    """The facts of a layer, with the larger of the errors of two versions."""
    errors = {
        name: max(value, one.get(name, 0.0)) for name, value in other.items() if name.endswith("_error")
    }
    return {**other, **errors}
