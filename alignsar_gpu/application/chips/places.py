"""Places of chips in the image, and what is known of each before any is cut: data, labels, ground."""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import product
from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import shapely

from alignsar_gpu.application.chips.classes import UNKNOWN
from alignsar_gpu.application.chips.layers import is_part
from alignsar_gpu.errors import AlignsarError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from alignsar_gpu.application.chips.source import Source
    from alignsar_gpu.config.chips import ChipsConfig

POINTS = 5  # along each side of a place, whose hull is its footprint
PLACE_BYTES = 2048  # that a place takes while splits are made, about
SCREENED = 1 << 24  # pixels of a block in which places are looked at, where memory has room for them
PIXEL = 32  # bytes of each: coordinates and a label


@dataclass(frozen=True, kw_only=True)
class Windows:
    """Places of equal size and distance in an image, row by row.

    Attributes
    ----------
    size, stride : lines and samples of a place, and from one to the next.
    halo : pixels around each.
    counts : rows and columns of places.
    """

    size: tuple[int, int]
    stride: tuple[int, int]
    halo: int
    counts: tuple[int, int]

    @classmethod
    def of(cls, config: ChipsConfig, shape: tuple[int, int]) -> Windows:
        """Lay places over an image. Raises AlignsarError for one that has no room for any."""
        size = _pair(config.size or ())
        stride = _pair(config.stride) if config.stride else size
        if size[0] > shape[0] or size[1] > shape[1]:
            raise AlignsarError(
                f"chips.size=[{size[0]},{size[1]}]: is larger than the image of {shape[0]} x {shape[1]} pixels; give "
                "smaller chips"
            )
        counts = tuple((shape[axis] - size[axis]) // stride[axis] + 1 for axis in (0, 1))
        return cls(size=size, stride=stride, halo=config.halo, counts=(counts[0], counts[1]))

    def require_memory(self, budget: int) -> None:
        """Raise AlignsarError for more places than can be held in ``budget`` bytes."""
        count, most = math.prod(self.counts), budget // PLACE_BYTES
        if count > most:
            raise AlignsarError(
                f"chips.stride=[{self.stride[0]},{self.stride[1]}]: makes {count} places, and device.memory_gib="
                f"{budget / (1 << 30):.2f} has room for {most}; give a larger stride"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """Lines and samples of a chip, with its halo."""
        return self.size[0] + 2 * self.halo, self.size[1] + 2 * self.halo

    def parts(self, pixels: int) -> list[slice]:
        """Divide the columns of places into parts, such that the window of a part has about ``pixels`` pixels."""
        columns = max(1, (pixels // self.shape[0] - self.shape[1]) // self.stride[1] + 1)
        return [slice(c, min(c + columns, self.counts[1])) for c in range(0, self.counts[1], columns)]

    def window(self, row: int, columns: slice, halo: int = 0) -> tuple[slice, slice]:
        """Return lines and samples that places of a row cover, with pixels around them."""
        first = row * self.stride[0], columns.start * self.stride[1]
        width = (columns.stop - columns.start - 1) * self.stride[1] + self.size[1]
        return (
            slice(first[0] - halo, first[0] + self.size[0] + halo),
            slice(first[1] - halo, first[1] + width + halo),
        )

    def numbers(self, row: int, columns: slice) -> NDArray[np.int64]:
        """Return the numbers of places of a row."""
        return row * self.counts[1] + np.arange(columns.start, columns.stop, dtype=np.int64)

    def origin(self, number: Any) -> tuple[Any, Any]:
        """Return the first line and sample of places, without their halo."""
        row, column = np.divmod(number, self.counts[1])
        return row * self.stride[0], column * self.stride[1]


def _pair(values: Sequence[int]) -> tuple[int, int]:
    lines, samples = values
    return int(lines), int(samples)


@dataclass(frozen=True, kw_only=True, eq=False)
class Screened:
    """What is known of each place.

    Attributes
    ----------
    valid : share of its pixels with data, [date, place].
    labelled : share of its pixels whose labels are all known, [date, place]; NaN without labels.
    fractions : pixels of each class, [place, class], of ``classes``; of labels that change, the mean of all dates.
    known : pixels where the label of each class is known, [place, class], likewise.
    ignored : pixels of each class that is ignored, [place, class], of all dates.
    classes : names of the classes (or of layers of fractions) that splits are balanced by.
    uncertainty : mean standard deviation of the labels' position, samples; NaN where it is not known.
    hulls : footprints, in metres; empty where a place has no coordinates.
    """

    valid: NDArray[np.float64]
    labelled: NDArray[np.float64]
    fractions: NDArray[np.float64]
    known: NDArray[np.float64]
    ignored: NDArray[np.float64]
    classes: Sequence[str]
    uncertainty: NDArray[np.float64]
    hulls: gpd.GeoSeries


@dataclass(frozen=True, kw_only=True)
class CountedClass:
    """A class that splits are balanced by: a value of a layer of classes, or a layer of shares or ids (no value)."""

    layer: str
    value: int | None
    name: str


def balance_of(source: Source, labels: Sequence[str], wanted: Sequence[str]) -> list[CountedClass]:
    """Choose what splits are balanced by: the labels ``wanted``, or without any the first one with classes."""
    of_classes, shares = [], []
    for group in [[name for name in labels if is_part(name, label)] for label in wanted] or [list(labels)]:
        layers = [name for name in group if source.data[name].dtype == np.uint8]
        of_classes += layers[:1]
        if not layers:
            shares += [n for n in group if list(source.data[n].attrs.get("valid_range", ())) == [0.0, 1.0]]
            shares += [n for n in group if wanted and source.data[n].dtype == np.int32]  # ids
    counted = [(layer, value, name) for layer in of_classes for name, value in source.classes(layer).items()]
    names = [name for *_, name in counted]
    return [
        *(
            CountedClass(layer=layer, value=value, name=name if names.count(name) == 1 else f"{layer}_{name}")
            for layer, value, name in counted
        ),
        *(CountedClass(layer=layer, value=None, name=layer) for layer in shares),
    ]


def screen(
    source: Source,
    windows: Windows,
    labels: Sequence[str],
    balance: Sequence[CountedClass],
    advance: Callable[[int], None],
) -> Screened:
    """Look at every place; see `Screened`. ``advance`` is called after each row with 1."""
    count, dates = windows.counts[0] * windows.counts[1], len(source.dates)
    valid, labelled = np.zeros((dates, count)), np.full((dates, count), np.nan)
    (fractions, of), uncertainty = np.zeros((2, count, len(balance))), np.full(count, np.nan)
    ignored = np.zeros((count, len(source.ignored_classes)))
    hulls = np.empty(count, dtype=object)
    pixels = min(SCREENED, source.held // PIXEL)
    for row, columns in product(range(windows.counts[0]), windows.parts(pixels)):
        numbers, window = windows.numbers(row, columns), windows.window(row, columns)
        sums = _Sums(windows, columns)
        for date in range(dates):
            valid[date, numbers] = sums.mean(source.valid(date, *window))
        if labels:
            labelled[:, numbers] = _labelled(source, labels, window, sums)
        fractions[numbers], of[numbers] = _class_sums(source, balance, window, sums)
        ignored[numbers] = _ignored_sums(source, window, sums)
        if "position_uncertainty" in source.data:
            uncertainty[numbers] = sums.finite_mean(source.window("position_uncertainty", None, *window))
        hulls[numbers] = _hulls(_points(source, windows, row, columns))
        if columns.stop == windows.counts[1]:
            advance(1)
    return Screened(
        valid=valid,
        labelled=labelled,
        fractions=fractions,
        known=of,
        ignored=ignored,
        classes=[of_class.name for of_class in balance],
        uncertainty=uncertainty,
        hulls=gpd.GeoSeries(hulls, crs=source.crs),
    )


def _is_known(values: NDArray[Any]) -> NDArray[np.bool_]:
    if values.dtype == np.int32:  # ids
        return np.asarray(values >= 0)
    known: NDArray[np.bool_] = values != UNKNOWN if values.dtype == np.uint8 else ~np.isnan(values)
    return known


def _labelled(
    source: Source, labels: Sequence[str], window: tuple[slice, slice], sums: _Sums
) -> NDArray[np.float64]:
    """Share of pixels whose labels are all known in each place of a part of a row, [date, place]."""
    known: dict[int | None, NDArray[np.bool_]] = {}
    for name in labels:
        for date in source.dates_of(name):
            of_label = _is_known(source.window(name, date, *window))
            known[date] = known[date] & of_label if date in known else of_label
    always = known.pop(None, np.array(True))  # noqa: FBT003
    return np.stack([sums.mean(of_date & always) for of_date in known.values() or (always,)])


def _class_sums(
    source: Source, balance: Sequence[CountedClass], window: tuple[slice, slice], sums: _Sums
) -> NDArray[np.float64]:
    """Pixels of each class in each place of a part of a row, and those where its label is known, [2, place, class]."""
    found = np.zeros((2, len(sums.first), len(balance)))
    for layer in dict.fromkeys(of_class.layer for of_class in balance):
        dates = source.dates_of(layer)
        for date in dates:
            values = source.window(layer, date, *window)
            known = sums.sum(_is_known(values)) / len(dates)
            for number, of_class in enumerate(balance):
                if of_class.layer == layer:
                    found[:, :, number] += sums.sum(_share(values, of_class.value)) / len(dates), known
    return found


def _share(values: NDArray[Any], value: int | None) -> NDArray[Any]:
    """Return the share of each pixel that belongs to a class; of ids, all features are one class."""
    if value is not None:
        return np.asarray(values == value)
    return np.asarray(values > 0 if values.dtype.kind == "i" else np.nan_to_num(values))


def _ignored_sums(source: Source, window: tuple[slice, slice], sums: _Sums) -> NDArray[np.float64]:
    """Pixels of each class that is ignored in each place of a part of a row, of all dates, [place, class]."""
    found = np.zeros((len(sums.first), len(source.ignored_classes)))
    for number, (layer, _, value) in enumerate(source.ignored_classes):
        for date in source.dates_of(layer):
            found[:, number] += sums.sum(source.stored(layer, date, *window) == value)
    return found


class _Sums:
    """Sums over the places of a part of a row, of an array that covers them."""

    def __init__(self, windows: Windows, columns: slice) -> None:
        self.first = np.arange(columns.stop - columns.start) * windows.stride[1]
        self._last = self.first + windows.size[1]
        self._pixels = windows.size[0] * windows.size[1]

    def sum(self, values: NDArray[Any]) -> NDArray[np.float64]:
        columns = values.sum(axis=0, dtype=np.float64)
        sums = np.concatenate([[0.0], np.cumsum(columns)])
        result: NDArray[np.float64] = sums[self._last] - sums[self.first]
        return result

    def mean(self, values: NDArray[Any]) -> NDArray[np.float64]:
        return self.sum(values) / self._pixels

    def finite_mean(self, values: NDArray[Any]) -> NDArray[np.float64]:
        known = np.isfinite(values)
        with np.errstate(invalid="ignore"):
            return self.sum(np.where(known, values, 0.0)) / self.sum(known)


def _points(source: Source, windows: Windows, row: int, columns: slice) -> NDArray[np.float64]:
    """Places on the ground of a lattice of pixels of each place of a part of a row, [place, point, (x, y)]."""
    numbers = windows.numbers(row, columns)
    line, sample = windows.origin(numbers)
    step = np.linspace(0.0, 1.0, POINTS)
    lines, samples = (
        first[:, np.newaxis] - windows.halo - 0.5 + step * size
        for first, size in zip((line[:1], sample), windows.shape, strict=True)
    )
    asked, inverse = np.unique(samples, return_inverse=True)
    x, y = source.points(lines[0], asked)
    taken = np.stack([x, y], axis=-1)[:, inverse.reshape(samples.shape)]  # [point, place, point, 2]
    return np.moveaxis(taken, 1, 0).reshape(len(numbers), POINTS * POINTS, 2)


def _hulls(points: NDArray[np.float64]) -> NDArray[Any]:
    """Convex hulls of the points of each place that are known; empty where there are fewer than three."""
    known = np.asarray(np.isfinite(points).all(axis=-1))
    whole = known.sum(axis=1) >= 3
    # A point that is not known becomes one of the others of its place, which changes no hull.
    first = points[np.arange(len(points)), known.argmax(axis=1)]
    filled = np.where(known[..., np.newaxis], points, first[:, np.newaxis])
    hulls = np.full(len(points), shapely.Polygon(), dtype=object)
    if whole.any():
        hulls[whole] = shapely.convex_hull(shapely.multipoints(filled[whole]))
    areas = shapely.area(hulls) > 0.0
    hulls[~areas] = shapely.Polygon()
    return hulls
