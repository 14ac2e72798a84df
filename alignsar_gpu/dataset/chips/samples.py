"""Chips as samples for training: layers and labels by name, in decibels, normalised, as numpy arrays."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import combinations, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from alignsar_gpu.dataset.chips.change import CHANGES, Changes
from alignsar_gpu.dataset.chips.description import read_facts, read_statistics
from alignsar_gpu.dataset.chips.index import choose_chips, read_index
from alignsar_gpu.dataset.chips.layout import ARRAYS, CLASSES, TARGETS
from alignsar_gpu.dataset.chips.opening import folder_of
from alignsar_gpu.dataset.chips.store import ChipStore
from alignsar_gpu.errors import AlignsarError, choose_from

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

INPUTS = ("images", "pairs", "ground")
DATES = ("each", "together", "pairs", "all_pairs")
COLUMNS = (
    "id",
    "place_id",
    "chip",
    "place",
    "is_reference",
    "time",
)  # of the index, that samples are read by


@dataclass(frozen=True, kw_only=True, eq=False)
class Scaling:
    """How the layers of an array become what a network takes: decibels, then zero mean and unit deviation.

    Attributes
    ----------
    decibels : what the logarithm of a layer is multiplied by, [layer, 1, 1]; 0 where it stays linear.
    mean, deviation : [layer, 1, 1].
    """

    decibels: NDArray[np.float32]
    mean: NDArray[np.float32]
    deviation: NDArray[np.float32]

    @classmethod
    def of(
        cls,
        names: Sequence[str],
        facts: Mapping[str, Any],
        statistics: Mapping[str, Any],
        *,
        decibel: bool,
        normalize: bool,
    ) -> Scaling:
        """Scale layers by the statistics of the training split."""
        factors = [facts["layers"][name].get("decibel", 0.0) if decibel else 0.0 for name in names]
        known = [
            statistics["layers"][name]["decibel" if factor else "linear"]
            for name, factor in zip(names, factors, strict=True)
        ]
        mean = [of["mean"] or 0.0 if normalize else 0.0 for of in known]
        deviation = [of["deviation"] or 1.0 if normalize else 1.0 for of in known]
        columns = (
            np.array(v, dtype=np.float32)[:, np.newaxis, np.newaxis] for v in (factors, mean, deviation)
        )
        return cls(**dict(zip(("decibels", "mean", "deviation"), columns, strict=True)))

    def __call__(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        """Scale values [layer, line, sample] in place."""
        for layer in np.flatnonzero(self.decibels):
            with np.errstate(divide="ignore", invalid="ignore"):
                np.log10(values[layer], out=values[layer])
            values[layer] *= self.decibels[layer]
        values -= self.mean
        values /= self.deviation
        return values


@dataclass(frozen=True, kw_only=True)
class SampleOptions:
    """What samples hold; see `alignsar_gpu.torch.ChipDataset`."""

    layers: Sequence[str] = ()
    label: str | Sequence[str] = ()
    dates: str = ""
    query: str = ""
    decibel: bool = True
    normalize: bool = True
    fill: float = 0.0
    complex_images: bool = False

    def __post_init__(self) -> None:
        if self.dates not in {"", *DATES}:
            raise AlignsarError(f"dates={self.dates}: {choose_from(self.dates, DATES)}")


class Samples:
    """Samples of a split as numpy arrays; threads and processes may read them at once."""

    def __init__(self, path: Path, split: str | Sequence[str], options: SampleOptions) -> None:
        self.folder = folder_of(path)
        self.facts, self._store = read_facts(self.folder), ChipStore.open(self.folder)
        self.layers = self._choose(options.layers, INPUTS, "layers") or self._all(INPUTS)
        self.labels, self.changes = self._choose_labels(options)
        self.masks = [name for name in self.labels if self._array_of(name) in CLASSES]
        self.targets = [name for name in self.labels if name not in self.masks]
        self._complex = self._complex_layers() if options.complex_images else {}
        self._scaling = self._scalings(options)
        self._fill = np.float32(options.fill)
        self._dates = options.dates or self.facts["dates"]
        index = read_index(self.folder)
        wanted = [split] if isinstance(split, str) else list(split)
        for name in wanted:
            if name not in self.facts["counts"]:
                raise AlignsarError(f"split={name}: {choose_from(name, self.facts['counts'])}")
        self.index = choose_chips(index[index["split"].isin(wanted)], options.query)
        self._of = {name: self.index[name].to_numpy() for name in COLUMNS}
        self._rows = self._samples()

    def _all(self, arrays: Sequence[str]) -> dict[str, list[str]]:
        return {name: list(self._store.layers[name]) for name in arrays if name in self._store.layers}

    def _choose(self, names: Sequence[str], arrays: Sequence[str], key: str) -> dict[str, list[str]]:
        """Sort names of layers by their arrays, in the order of the names."""
        where = {layer: array for array, layers in self._all(arrays).items() for layer in layers}
        chosen: dict[str, list[str]] = {}
        for name in names:
            if name not in where:
                raise AlignsarError(f"{key}={name}: {choose_from(name, where)}")
            chosen.setdefault(where[name], []).append(name)
        return {array: chosen[array] for array in arrays if array in chosen}

    def _choose_labels(self, options: SampleOptions) -> tuple[list[str], Changes | None]:
        """Return the labels in the order of their names, and how change is told from them if it is."""
        names = [options.label] if isinstance(options.label, str) else list(options.label)
        names = list(dict.fromkeys(name for name in names if name))
        self._choose(names, (*CLASSES, *TARGETS), "label")
        changes = None
        if names and options.dates in {"pairs", "all_pairs"}:
            changes = Changes.of(names, self.facts["layers"])
        return names, changes

    def _complex_layers(self) -> dict[str, list[str]]:
        """Take layers that are real and imaginary parts out of the inputs: both, by the name of the whole."""
        parts = [name for name in self.layers.get("images", ()) if "part" in self.facts["layers"][name]]
        if not parts:
            raise AlignsarError(
                "complex_images: these chips have no complex layers; make them with signatures.slc=true and "
                "chips.layers=[slc]"
            )
        self.layers["images"] = [name for name in self.layers["images"] if name not in parts]
        wholes = dict.fromkeys(name.rpartition("_")[0] for name in parts)
        self.layers = {array: names for array, names in self.layers.items() if names}
        return {whole: [f"{whole}_real", f"{whole}_imag"] for whole in wholes}

    def _scalings(self, options: SampleOptions) -> dict[str, Scaling]:
        statistics = read_statistics(self.folder)
        how = {"decibel": options.decibel, "normalize": options.normalize}
        return {a: Scaling.of(names, self.facts, statistics, **how) for a, names in self.layers.items()}

    def _samples(self) -> list[NDArray[np.intp]]:
        """Rows of the index of each sample: one, or those of all dates, or of two dates, of a place."""
        if self.together:
            groups = pd.Series(self._of["place_id"]).groupby(self._of["place_id"], sort=True).indices
            rows_of_places = [np.asarray(rows, dtype=np.intp) for rows in groups.values()]
            times = self._of["time"]
            places = [rows[np.argsort(times[rows], kind="stable")] for rows in rows_of_places]
            if self._dates == "together":
                most = max(map(len, places), default=0)
                return [rows for rows in places if len(rows) == most]
            pairs = pairwise if self._dates == "pairs" else partial(combinations, r=2)
            return [np.array(pair, dtype=np.intp) for rows in places for pair in pairs(rows.tolist())]
        rows = np.arange(len(self.index))
        if "pairs" in self.layers:
            rows = rows[~self._of["is_reference"]]
        return [rows[[number]] for number in range(len(rows))]

    def __len__(self) -> int:
        return len(self._rows)

    @property
    def channels(self) -> list[str]:
        """Names of the channels of ``image``."""
        return [layer for name in self._arrays for layer in self.layers[name]]

    @property
    def together(self) -> bool:
        """Whether a sample has several dates."""
        return self._dates != "each"

    @property
    def classes(self) -> dict[str, Any]:
        """Values of the classes that occur in ``mask``, by name; where it has several layers, by layer and name."""
        if self.changes is not None:
            return dict(CHANGES)
        found = {name: dict(self.facts["classes"][name]) for name in self.masks}
        return found if len(found) != 1 else found[self.masks[0]]

    @property
    def _arrays(self) -> list[str]:
        """Arrays whose layers become channels of ``image``."""
        return [name for name in INPUTS if name in self.layers and not (self.together and name == "pairs")]

    def rows(self, number: int) -> NDArray[np.intp]:
        """Return which rows of ``index`` a sample is made of, by their position."""
        return self._rows[number]

    def name(self, number: int) -> str:
        """Return the ``id`` of a sample: that of its chip, of its place, or of a pair its place and both days."""
        rows = self._rows[number]
        if not self.together:
            return str(self._of["id"][rows[0]])
        days = () if self._dates == "together" else self._of["time"][rows].astype("datetime64[D]")
        return "_".join([str(self._of["place_id"][rows[0]]), *(str(day).replace("-", "") for day in days)])

    def read_labels(self, number: int) -> dict[str, NDArray[Any]]:
        """Read the labels of a sample alone: ``mask`` and ``target``, as far as they are asked for."""
        rows = self._rows[number]
        days = self._of["time"][rows].astype("datetime64[D]")
        return self._read_labels(self._of["chip"][rows].tolist(), int(self._of["place"][rows[0]]), days)

    def __getitem__(self, number: int) -> dict[str, Any]:
        """Read a sample: ``image``, ``valid``, ``id``, and what else is asked for."""
        of = {name: values[self._rows[number]] for name, values in self._of.items()}
        chips = of["chip"].tolist()
        parts: dict[str, Any] = {"valid": [self._store.read("valid", chip) for chip in chips]}
        if self.layers:
            parts["image"] = [
                self._image(*numbers) for numbers in zip(chips, of["place"].tolist(), strict=True)
            ]
        if self._complex:
            parts["complex"] = [self._read_complex(chip) for chip in chips]
        named = {**self.read_labels(number), "id": self.name(number)}
        if not self.together:
            return {**{name: values[0] for name, values in parts.items()}, **named}
        compared = of["chip"][~of["is_reference"]].tolist() if "pairs" in self.layers else []
        if compared and self._dates == "together":
            parts["pairs"] = [self._read("pairs", chip) for chip in compared]
        return {**{part: np.stack(values) for part, values in parts.items()}, **named}

    def _read_complex(self, chip: int) -> NDArray[np.complex64]:
        """Read complex layers of a chip, [layer, line, sample]."""
        wholes = []
        for parts in self._complex.values():
            real, imag = self._layers_of("images", chip, parts).astype(np.float32, copy=False)
            wholes.append(real + np.complex64(1j) * imag)
        images: NDArray[np.complex64] = np.nan_to_num(np.stack(wholes)).astype(np.complex64, copy=False)
        return images

    def _image(self, chip: int, place: int) -> NDArray[np.float32]:
        parts = [self._read(name, place if name == "ground" else chip) for name in self._arrays]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _read(self, array: str, number: int) -> NDArray[np.float32]:
        """Read the chosen layers of an array, scaled; what is not known becomes ``fill``."""
        values = self._layers_of(array, number, self.layers[array])
        scaled = self._scaling[array](values.astype(np.float32, copy=False))
        scaled[~np.isfinite(scaled)] = self._fill
        return scaled

    def _layers_of(self, array: str, number: int, names: Sequence[str]) -> NDArray[Any]:
        values, there = self._store.read(array, number), self._store.layers[array]
        return values if list(names) == list(there) else values[[there.index(name) for name in names]]

    def _read_labels(
        self, chips: Sequence[int], place: int, days: NDArray[np.datetime64]
    ) -> dict[str, NDArray[Any]]:
        """Read labels: ``mask`` of classes (int64; 255 where not known), ``target`` of numbers (NaN there).

        Of several dates, labels that change are read of each; of pairs, ``mask`` is their change.
        """
        if self.changes is not None:
            of_dates = np.stack([self._label(self.labels, chip, place) for chip in chips])
            return {"mask": self.changes.mask(of_dates, days)}
        labels: dict[str, NDArray[Any]] = {}
        for part, names, dtype in (("mask", self.masks, np.int64), ("target", self.targets, np.float32)):
            is_dated = any(ARRAYS[self._array_of(name)][0] == "chip" for name in names)
            if names:
                values = np.stack(
                    [self._label(names, chip, place) for chip in (chips if is_dated else chips[:1])]
                )
                values = values[:, 0] if part == "mask" and len(names) == 1 else values
                labels[part] = (values if is_dated and self.together else values[0]).astype(dtype, copy=False)
        return labels

    def _label(self, names: Sequence[str], chip: int, place: int) -> NDArray[Any]:
        """Read labels of a chip, [label, line, sample], in the order of their names."""
        arrays = {name: self._array_of(name) for name in names}
        stored = {
            array: self._store.read(array, chip if ARRAYS[array][0] == "chip" else place)
            for array in dict.fromkeys(arrays.values())
        }
        return np.stack(
            [stored[array][self._store.layers[array].index(name)] for name, array in arrays.items()]
        )

    def _array_of(self, layer: str) -> str:
        return str(self.facts["layers"][layer]["array"])
