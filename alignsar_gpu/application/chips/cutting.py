"""Cut chips out of the source and write them: places first, then dates, row by row."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu.application.chips.layers import Plane
from alignsar_gpu.dataset.chips.layout import ARRAYS, CLASSES, TARGETS, ChipArray, ChipLayout
from alignsar_gpu.dataset.chips.writer import ChipWriter
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from alignsar_gpu.application.chips.layers import ChosenLayers
    from alignsar_gpu.application.chips.places import Windows
    from alignsar_gpu.application.chips.selection import Selection
    from alignsar_gpu.application.chips.source import Source
    from alignsar_gpu.dataset.flow import Flow

MOST_EXACT = 1 << 24  # of whole numbers as float32
VALID = (Plane(name="valid", variable="valid"),)


@dataclass(frozen=True, kw_only=True, eq=False)
class Cutting:
    """All that says which pixels of the source become which chips.

    Attributes
    ----------
    source : that chips are cut from.
    windows : places in it.
    layers : of the chips, by array.
    selection : places and dates that are chips.
    dtype, mantissa_bits : of the inputs.
    compressed : whether numbers are.
    first : numbers of the first chip and place, where there are others before them.
    """

    source: Source
    windows: Windows
    layers: ChosenLayers
    selection: Selection
    dtype: str
    mantissa_bits: int | None
    compressed: bool = True
    first: Mapping[str, int] = field(default_factory=lambda: {"chip": 0, "place": 0})

    @property
    def counts(self) -> dict[str, int]:
        """How many chips and places there are."""
        return {"chip": self.selection.place.size, "place": self.selection.places.size}

    @cached_property
    def layout(self) -> ChipLayout:
        """The layout of chips.zarr."""
        return ChipLayout(
            shape=self.windows.shape,
            dimensions=("line", "sample") if self.source.geometry == "radar" else ("y", "x"),
            counts={name: self.first[name] + count for name, count in self.counts.items()},
            arrays=[self._array(name, planes) for name, planes in self.arrays.items()],
        )

    @cached_property
    def arrays(self) -> Mapping[str, Sequence[Plane]]:
        """Layers of each array that is there, in the order of ARRAYS."""
        there = {**self.layers.arrays, "valid": VALID}
        if not self.of_pairs.size:
            there.pop("pairs", None)
        return {name: there[name] for name in ARRAYS if name in there}

    def _array(self, name: str, planes: Sequence[Plane]) -> ChipArray:
        names = () if name == "valid" else tuple(plane.name for plane in planes)
        if name in {"valid", *CLASSES}:
            return ChipArray(name=name, layers=names, dtype="bool" if name == "valid" else "uint8")
        numbers = ChipArray(name=name, layers=names, dtype="float32", compressed=self.compressed)
        if name in TARGETS:
            return numbers
        return replace(numbers, dtype=self.dtype, mantissa_bits=self.mantissa_bits)

    @cached_property
    def of_pairs(self) -> NDArray[np.int64]:
        """Numbers of the chips that are not of the reference date."""
        return np.flatnonzero(self.selection.date != self.source.reference)

    def bursts(self, line: NDArray[np.int64], sample: NDArray[np.int64]) -> NDArray[np.str_]:
        """Return the burst that the middle of each place is of; an empty text where that is not known."""
        middle = line + self.windows.size[0] // 2, sample + self.windows.size[1] // 2
        found = np.full(len(line), "", dtype=object)
        for name, of in self.source.bursts.items():
            place = middle[0] - of["first_line"], middle[1] - of["first_sample"]
            inside = (place[0] >= 0) & (place[0] < of["lines"])
            found[inside & (place[1] >= 0) & (place[1] < of["samples"])] = name
        return found.astype(str)

    def writers(self, path: Path, flow: Flow) -> dict[str, ChipWriter]:
        """Open a writer of each array of the store at ``path``."""
        chips, places = (np.arange(self.first[name], self.layout.counts[name]) for name in ("chip", "place"))
        numbers = {"pairs": self.first["chip"] + self.of_pairs}
        return {
            array.name: ChipWriter(
                path,
                self.layout,
                array,
                numbers.get(array.name, chips if array.along == "chip" else places),
                flow,
            )
            for array in self.layout.arrays
        }

    @cached_property
    def units(self) -> list[tuple[int | None, int]]:
        """What is written one after the other: rows of places, and then of every date; those with chips."""
        rows = self.selection.places // self.windows.counts[1]
        of_chips = np.stack([self.selection.date, rows[self.selection.place]], axis=1)
        dated = [(int(date), int(row)) for date, row in np.unique(of_chips, axis=0)]
        return [*((None, int(row)) for row in np.unique(rows)), *dated]

    def chips(self, unit: tuple[int | None, int], pixels: int) -> Iterator[tuple[str, int, NDArray[Any]]]:
        """Yield the chips of a unit: array, number, and values [layer, line, sample].

        Windows of about ``pixels`` pixels of all layers are held at a time.
        """
        date, row = unit
        along = "place" if date is None else "chip"
        names = [name for name in self.arrays if ARRAYS[name][0] == along]
        if date == self.source.reference:
            names = [name for name in names if name != "pairs"]
        planes = sum(len(self.arrays[name]) for name in names)
        for columns in self.windows.parts(max(1, pixels // max(1, planes))):
            first, stop = np.searchsorted(self._keys(date), self._key(date, row, columns))
            if first < stop:
                yield from self._part(names, date, row, np.arange(first, stop))

    def _keys(self, date: int | None) -> NDArray[np.int64]:
        return self.selection.places if date is None else self._keys_of_chips

    @cached_property
    def _keys_of_chips(self) -> NDArray[np.int64]:
        count = self.windows.counts[0] * self.windows.counts[1]
        return self.selection.date * count + self.selection.places[self.selection.place]

    def _key(self, date: int | None, row: int, columns: slice) -> tuple[int, int]:
        """The keys between which chips of a part of a row lie."""
        rows, across = self.windows.counts
        begin = (date or 0) * rows * across + row * across
        return begin + columns.start, begin + columns.stop

    def _part(
        self, names: Sequence[str], date: int | None, row: int, numbers: NDArray[np.int64]
    ) -> Iterator[tuple[str, int, NDArray[Any]]]:
        places = self.selection.places[numbers if date is None else self.selection.place[numbers]]
        column = places % self.windows.counts[1]
        lines, samples = self.windows.window(
            row, slice(int(column[0]), int(column[-1]) + 1), self.windows.halo
        )
        first = (column - column[0]) * self.windows.stride[1]
        along = "place" if date is None else "chip"
        for name in names:
            array, planes = self._array(name, self.arrays[name]), self.arrays[name]
            chips = np.empty((len(numbers), len(planes), *self.windows.shape), dtype=array.dtype)
            for index, plane in enumerate(planes):
                values = self._values(plane, date, lines, samples)
                with np.errstate(over="ignore"):  # of float16, which is looked for below
                    for place, left in enumerate(first):
                        chips[place, index] = values[:, left : left + self.windows.shape[1]]
                self._require_finite(chips[:, index], values, plane)
            for number, chip in zip(numbers, chips if name != "valid" else chips[:, 0], strict=True):
                yield name, self.first[along] + int(number), chip

    def _values(self, plane: Plane, date: int | None, lines: slice, samples: slice) -> NDArray[Any]:
        if plane in VALID:
            return self.source.valid(date or 0, lines, samples)
        values = plane.of(self.source.window(plane.variable, date, lines, samples))
        if values.dtype == np.int32:
            return _as_numbers(values, plane)
        return np.full_like(values, np.nan) if plane.compares and date == self.source.reference else values

    def _require_finite(self, stored: NDArray[Any], values: NDArray[Any], plane: Plane) -> None:
        """Raise AlignsarError for a layer whose values the type of the chips has no numbers for."""
        if stored.dtype == np.float16 and np.isinf(stored).any() and not np.isinf(values).any():
            raise AlignsarError(
                f"chips.type=float16: {plane.name} has values up to {np.nanmax(np.abs(values)):.4g}, and float16 ends "
                "at 65504; leave the layer out of chips.layers, or use chips.digits=3 instead"
            )


def _as_numbers(ids: NDArray[np.int32], plane: Plane) -> NDArray[np.float32]:
    """Return ids as numbers, NaN where they are not known. Raises AlignsarError for those that are not exact."""
    if ids.size and ids.max() > MOST_EXACT:
        raise AlignsarError(
            f"chips.labels={plane.name}: has the id {ids.max()}, and ids are exact in chips up to {MOST_EXACT}; name "
            "other labels"
        )
    return np.where(ids < 0, np.nan, ids).astype(np.float32)
