"""What a card is about: a dataset of chips, the cube that they were cut from, and what was measured of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from alignsar_gpu.dataset.chips.description import read_facts, read_statistics
from alignsar_gpu.dataset.chips.index import read_index
from alignsar_gpu.dataset.chips.store import ChipStore

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    import geopandas as gpd
    import xarray as xr

CHIPS, TASTER = "chips", "taster"
SHARE = "fraction_"  # begins the columns of the index that say what share of a chip a class has
ORDER = ("train", "validation", "test")
INPUTS = ("images", "pairs", "ground")
# Folders and files of a run that a reader may find beside the chips, and what they are.
BESIDE = {
    "taster": "a small dataset of some of the chips, in the same form",
    "truth.zarr": "what the simulated images were made from (Zarr 3)",
    "cube.zarr": "all pixels that the chips were cut from, with all layers (Zarr 3; open with xarray)",
    "map.zarr": "layers of the cube on a map (Zarr 3)",
    "cogs": "layers of the cube on a map (Cloud Optimized GeoTIFF)",
    "netcdf": "the cube as NetCDF",
    "labels": "tables of the features that labels were made of (Parquet)",
    "objects.parquet": "connected regions of the classes, with means of signatures",
    "report": "pictures and quality of the images that the chips were cut from (report/index.html)",
    "quality.json": "everything that was measured while the dataset was made",
}
# What every run writes, after the card.
AFTER = {"run.yaml": "the configuration that it was made with", "stac": "STAC catalogue of all files"}


@dataclass(frozen=True, kw_only=True)
class Keys:
    """What the configuration says for the card.

    Attributes
    ----------
    limits : known limits, in the words of who made the dataset.
    tasks : task categories of Hugging Face; none: those of the labels.
    citation, doi, address : as in the catalogue; may be empty.
    """

    limits: Sequence[str] = ()
    tasks: Sequence[str] = ()
    citation: str = ""
    doi: str = ""
    address: str = ""


@dataclass(frozen=True, kw_only=True, eq=False)
class Subject:
    """A dataset of chips in a run's folder.

    Attributes
    ----------
    folder : of the run.
    cube : that the (last) chips were cut from.
    quality : what was measured of it.
    keys : of the configuration.
    """

    folder: Path
    cube: xr.Dataset
    quality: Mapping[str, Any]
    keys: Keys

    @property
    def chips(self) -> Path:
        """Folder of the chips."""
        return self.folder / CHIPS

    @cached_property
    def facts(self) -> dict[str, Any]:
        """What dataset.json says."""
        return read_facts(self.chips)

    @cached_property
    def statistics(self) -> dict[str, Any]:
        """What statistics.json says."""
        return read_statistics(self.chips)

    @cached_property
    def index(self) -> gpd.GeoDataFrame:
        """A row a chip."""
        return read_index(self.chips)

    @cached_property
    def store(self) -> ChipStore:
        """The chips."""
        return ChipStore.open(self.chips)

    @property
    def title(self) -> str:
        """Title of the dataset."""
        return str(self.facts.get("title") or self.facts["id"])

    @property
    def tasks(self) -> list[str]:
        """What the dataset is for, as Hugging Face calls it."""
        if self.keys.tasks or not self.labels:
            return list(self.keys.tasks) if self.labels else []
        return ["object-detection" if "boxes" in self.facts else "image-segmentation"]

    @property
    def is_simulated(self) -> bool:
        """Whether no satellite has taken the images."""
        return str(self.cube.attrs.get("simulated", "false")) == "true"

    @property
    def warnings(self) -> list[str]:
        """What the run warned of, but for what it was not told, which the card says itself."""
        return [
            text for text in map(str, self.quality.get("warnings") or ()) if not text.startswith("dataset.")
        ]

    @property
    def splits(self) -> list[str]:
        """Splits: for training, validation and testing, then others by name."""
        counts = self.facts["counts"]
        return [*(s for s in ORDER if s in counts), *sorted(set(counts) - set(ORDER))]

    @property
    def dates(self) -> list[str]:
        """All dates, as YYYY-MM-DD."""
        return [f"{day[:4]}-{day[4:6]}-{day[6:]}" for day in sorted(set(self.index["date"]))]

    @property
    def box(self) -> tuple[float, ...]:
        """West, south, east and north of all chips, degrees; west is larger than east across the antimeridian."""
        bounds = self.index.geometry.bounds
        west, south, east, north = (float(value) for value in self.index.total_bounds)
        if east - west > 180.0:
            middle = bounds[["minx", "maxx"]].to_numpy()
            west, east = float(middle[middle > 0.0].min()), float(middle[middle < 0.0].max())
        return west, south, east, north

    @cached_property
    def class_shares(self) -> list[str]:
        """Columns of the index with the share of a class that occurs."""
        return [
            str(name) for name in self.index if str(name).startswith(SHARE) and self.index[name].max() > 0.0
        ]

    def layers_in(self, *arrays: str) -> Iterator[tuple[str, dict[str, Any]]]:
        """Yield the layers of some arrays with their facts, in the order of their channels."""
        for array in arrays:
            there = [(name, of) for name, of in self.facts["layers"].items() if of["array"] == array]
            yield from sorted(there, key=lambda layer: layer[1]["index"])

    @property
    def labels(self) -> list[tuple[str, dict[str, Any]]]:
        """Layers that are labels, with their facts."""
        return list(self.layers_in(*(a for a in dict.fromkeys(self._arrays) if a not in {*INPUTS, "valid"})))

    @property
    def _arrays(self) -> list[str]:
        return [of["array"] for of in self.facts["layers"].values()]

    @property
    def beside(self) -> list[tuple[str, str]]:
        """Files and folders that are there beside the chips, and what they are."""
        return [(name, text) for name, text in BESIDE.items() if (self.folder / name).exists()]
