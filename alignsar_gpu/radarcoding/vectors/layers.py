"""Vector layers: area fraction of every class in each radar pixel, and the class with the largest."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

import numpy as np

from alignsar_gpu import kernels
from alignsar_gpu.errors import AlignsarError
from alignsar_gpu.radarcoding.layers import NONE, UNKNOWN, LayerSpec, class_flags, mask_layer, mask_name
from alignsar_gpu.radarcoding.vectors.classes import MOST_CLASSES, Classes
from alignsar_gpu.radarcoding.vectors.coverage import Coverage, find_coverages, open_coverage
from alignsar_gpu.radarcoding.vectors.files import open_vectors
from alignsar_gpu.radarcoding.vectors.formats.paths import listed
from alignsar_gpu.radarcoding.vectors.placed import PlacedBatches
from alignsar_gpu.radarcoding.vectors.polygons import cover
from alignsar_gpu.radarcoding.vectors.ring_store import RingStore
from alignsar_gpu.radarcoding.vectors.rings import Counts
from alignsar_gpu.radarcoding.vectors.values.ids import IdTable
from alignsar_gpu.radarcoding.vectors.values.layers import (
    BYTES_PER_CELL,
    PLANES,
    FeatureValues,
    feature_values,
    table_name,
    value_facts,
    value_layer,
    value_tile,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path

    from alignsar_gpu.radarcoding.layers import LabelScene
    from alignsar_gpu.radarcoding.level_ground import GroundCells
    from alignsar_gpu.radarcoding.vectors.config import VectorLayerConfig
    from alignsar_gpu.radarcoding.vectors.files import VectorFile
    from alignsar_gpu.radarcoding.vectors.ring_store import RingBatch

FRACTION = (
    "area of the class on the ground of the pixel, over all ground in it, seen or in shadow; NaN where the map does "
    "not cover that ground"
)
OF_DAY = {
    "features_of_images": "that are valid on the day of each image"
}  # attributes of layers of each date
CREDITS = ("source", "license", "attribution", "references")  # attributes of layers that the label has of all
COVERED = 0.99  # of the ground of a pixel that a map must cover for the pixel to be known


@dataclass(frozen=True, kw_only=True, eq=False)
class VectorSource:
    """A vector file and the layers that are made of it: one, or one for each class.

    Attributes
    ----------
    name : of the layer; with classes, each layer is called after it and its class, NAME_CLASS.
    attributes : further attributes of the layers.
    polygons : what the map covers, where that is a file of its own; see `coverage.find_coverages`.
    """

    name: str
    file: VectorFile
    polygons: VectorFile | None = None
    attributes: Mapping[str, Any] = field(default_factory=dict)
    counts: Counts = field(default_factory=Counts)

    @property
    def has_values(self) -> bool:
        """Whether features have values of their own, and no classes."""
        return self.file.config.by_feature

    @property
    def each_date(self) -> bool:
        """Whether each date has the features of its day."""
        return self.file.config.each_date

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the layers of shares, and none of values."""
        if self.has_values:
            return ()
        return tuple(f"{self.name}_{label}" for label in self.file.classes) or (self.name,)

    @property
    def colours(self) -> tuple[str, ...]:
        """Colours ("#rrggbb") of the layers; an empty text where the configuration gives none."""
        given = self.file.config.colors or {}
        return tuple(given.get(name, "") for name in self.file.classes or (self.name,))

    def sentences(self) -> list[str]:
        """Return what users should know of the file, as sentences."""
        file = self.file
        missed = f"{file.name}: no feature has the values {listed(list(file.unmatched))}"
        return [
            *self.counts.sentences(file.name, each_date=self.each_date),
            *([missed] if file.unmatched else []),
        ]


def open_layer(name: str, layer: VectorLayerConfig, key: str, attributes: Mapping[str, str]) -> VectorSource:
    """Open the vector file of a layer; see `kinds.LabelKind`."""
    return VectorSource(
        name=name, file=open_vectors(layer, key), polygons=open_coverage(layer, key), attributes=attributes
    )


@dataclass(frozen=True, kw_only=True, eq=False)
class LineRings:
    """Rings that some lines may show.

    Attributes
    ----------
    batches : rings, those of the classes first; without those of each date.
    of_dates : rings of classes of each date.
    maps : number of planes after those of the classes: areas that maps cover.
    map_of : the plane of each source's map among them; None where it covers the whole scene.
    values : of each source that has values, its rings.
    dates : how many there are.
    """

    batches: Sequence[RingBatch]
    of_dates: Sequence[RingBatch]
    values: Mapping[str, Sequence[RingBatch]]
    dates: int
    maps: int
    map_of: Sequence[int | None]


@dataclass(frozen=True, kw_only=True, eq=False)
class VectorLayers:
    """All vector layers of a dataset, together: their areas may overlap.

    Attributes
    ----------
    overlaps : "keep" all; "first", "last": the one that is named first or last hides the others. Layers of each date
        and those of all dates do not hide each other.
    label : name of the layer with the class that covers most of a pixel; empty for none.
    least : share of the pixel that this class must cover.
    limit : memory that rings may be kept in, bytes.

    Raises AlignsarError for more classes than a label can hold.
    """

    sources: Sequence[VectorSource]
    overlaps: str
    label: str
    least: float
    limit: int

    def __post_init__(self) -> None:
        if self.label and len(self.names) > MOST_CLASSES:
            raise AlignsarError(
                f"radarcoding.label: the layers have {len(self.names)} classes together, more than the {MOST_CLASSES} "
                "that one byte can hold; name fewer (key values), or set label to an empty text"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the layers of area fractions, in the order of the planes."""
        return tuple(name for source in self.sources for name in source.names)

    @property
    def fractions(self) -> tuple[str, ...]:
        """Names of the layers that hold area fractions, the same for all dates."""
        return tuple(name for source in self.sources if not source.each_date for name in source.names)

    @property
    def bytes_per_cell(self) -> float:
        """Memory that covers take, bytes a cell."""
        return max(4.0 * self.planes, BYTES_PER_CELL * self._has_values)

    @property
    def _has_values(self) -> bool:
        return any(source.has_values for source in self.sources)

    @property
    def planes(self) -> int:
        """Number of planes of covers at most: of classes, and of areas that maps cover; and of sums of values."""
        return len(self.names) + len(self._coverages[0]) + PLANES * self._has_values

    @cached_property
    def _coverages(self) -> tuple[list[Coverage], list[int]]:
        return find_coverages([(source.file, source.polygons) for source in self.sources])

    def _coverage_of(self, source: int) -> Coverage:
        areas, of = self._coverages
        return areas[of[source]]

    @property
    def files(self) -> tuple[Path | str, ...]:
        """See `layers.Source`."""
        maps = [file for source in self.sources for file in source.file.files]
        return (*maps, *(file for area in self._coverages[0] for file in area.files))

    @property
    def layers(self) -> tuple[LayerSpec, ...]:
        """See `layers.Source`."""
        hidden = {"keep": "", "first": "layers named before hide it", "last": "layers named later hide it"}
        specs = [
            LayerSpec(
                name=name,
                dtype="float32",
                dated=source.each_date,
                attributes={
                    "units": "1",
                    "long_name": f"area fraction of {name.replace('_', ' ')}",
                    "description": FRACTION,
                    **(OF_DAY if source.each_date else {}),
                    "valid_range": [0.0, 1.0],
                    **({"comment": hidden[self.overlaps]} if hidden[self.overlaps] else {}),
                    **source.attributes,
                },
            )
            for source in self.sources
            for name in source.names
        ]
        for source in self.sources:
            if not isinstance(legend := source.file.legend, Classes):
                dtype, attributes = value_layer(legend, source.file.config.units, source.name)
                attributes |= {**(OF_DAY if source.each_date else {}), **source.attributes}
                specs.append(
                    LayerSpec(name=source.name, dtype=dtype, attributes=attributes, dated=source.each_date)
                )
        specs += [
            mask_layer(
                source.name,
                f"where the map covers {COVERED:.0%} of the ground of the pixel or more: "
                f"{self._coverage_of(number).text}",
            )
            for number, source in enumerate(self.sources)
        ]
        if self.label and self.names:
            attributes = self._label_attributes()
            specs.append(
                LayerSpec(name=self.label, dtype="uint8", attributes=attributes, dated=self._has_dated_shares)
            )
        return tuple(specs)

    def _label_attributes(self) -> dict[str, Any]:
        return {
            **class_flags(self.names, [colour for source in self._shares for colour in source.colours]),
            **(OF_DAY if self._has_dated_shares else {}),
            "long_name": "class of the pixel",
            "description": (
                f"class with the largest area fraction, at least {self.least:g}; {NONE} where none has it, "
                f"and {UNKNOWN} where one of the maps is unknown"
            ),
            "inherited_from": ", ".join(self._stated("inherited_from")),
            **{name: "; ".join(texts) for name in CREDITS if (texts := self._stated(name))},
        }

    def _stated(self, attribute: str) -> list[str]:
        """List what the sources of classes state in an attribute, each text once."""
        return list(dict.fromkeys(filter(None, (one.attributes.get(attribute, "") for one in self._shares))))

    @property
    def _shares(self) -> list[VectorSource]:
        """Sources of shares, which have classes."""
        return [source for source in self.sources if source.names]

    @property
    def _has_dated_shares(self) -> bool:
        return any(source.each_date for source in self._shares)

    @cached_property
    def _stores(self) -> list[RingStore]:
        first = np.cumsum([0, *(len(source.names) for source in self.sources)])
        share = self.limit // max(len(self.sources), 1)
        return [
            RingStore(source.file, 0 if source.has_values else int(plane), source.counts, share)
            for source, plane in zip(self.sources, first, strict=False)
        ]

    @property
    def _with_stores(self) -> list[tuple[RingStore, VectorSource]]:
        return list(zip(self._stores, self.sources, strict=True))

    @cached_property
    def _map_stores(self) -> dict[int, RingStore]:
        """Of the areas that do not cover everything, by their index."""
        share = self.limit // max(len(self.sources), 1)
        return {
            index: RingStore(area.file, len(self.names) + index, Counts(), share)
            for index, area in enumerate(self._coverages[0])
            if area.file is not None
        }

    @cached_property
    def _values(self) -> dict[str, FeatureValues]:
        """Of each source that has values, those of the features of the scene, once they were read."""
        return {
            source.name: feature_values(store.values)
            for store, source in self._with_stores
            if store.values is not None
        }

    def tables(self, scene: LabelScene) -> Iterator[tuple[str, Callable[[Path], int]]]:
        """Return the tables of ids, each with its path in the folder of a run and what writes it."""
        self.look_through(scene)
        for store, source in self._with_stores:
            if isinstance(store.values, IdTable):
                about = {str(key): str(value) for key, value in source.attributes.items()}
                yield table_name(source.name), partial(store.values.write, about=about)

    def require_inside(self, scene: LabelScene) -> None:
        """See `layers.Source`."""
        for source in self.sources:
            source.file.validity.set_images(scene.times, scene.reference)
            source.file.require_inside(scene.area())

    def look_through(self, scene: LabelScene) -> None:
        """Read all files once, so that their counts are known."""
        for store in self._stores:
            store.look_through(scene)

    def prepare(self, scene: LabelScene, lines: slice) -> LineRings:
        """Return the rings that some lines may show, for all tiles of these lines."""
        areas, of = self._coverages
        partly = [index for index, area in enumerate(areas) if not area.holds(scene)]
        shares = [(store, source.each_date) for store, source in self._with_stores if source.names]
        stores = [*(store for store, dated in shares if not dated), *(self._map_stores[at] for at in partly)]
        return LineRings(
            values={
                source.name: list(store.in_lines(scene, lines))
                for store, source in self._with_stores
                if source.has_values
            },
            of_dates=[batch for store, dated in shares if dated for batch in store.in_lines(scene, lines)],
            dates=len(scene.times),
            batches=[batch for store in stores for batch in store.in_lines(scene, lines)],
            maps=len(areas) if partly else 0,
            map_of=[index if index in partly else None for index in of],
        )

    @property
    def _order(self) -> list[int]:
        planes = list(range(len(self.names)))
        return {"keep": [], "first": planes, "last": planes[::-1]}[self.overlaps]

    def tile(self, ground: GroundCells, rings: LineRings) -> Iterator[tuple[str, int | None, Any]]:
        """See `layers.CellSource`; ``rings`` are those of `prepare`."""
        xp, count = ground.device.xp, len(self.names)
        shares = self._areas(ground, PlacedBatches.of(ground, rings.batches))
        has_ground, none = ground.areas() > 0.0, xp.zeros(ground.tile.shape)
        known = [
            has_ground if area is None else has_ground & (shares.get(count + area, none) >= COVERED)
            for area in rings.map_of
        ]
        yield from (
            (mask_name(source.name), None, mask) for source, mask in zip(self.sources, known, strict=True)
        )
        fractions = self._fractions(shares, known, xp, each_date=False)
        yield from ((name, None, values) for name, values in fractions.items())
        if self.label and self.names and not self._has_dated_shares:
            yield self.label, None, self._label(fractions, xp)
        if self._has_dated_shares:
            yield from self._tile_of_dates(ground, rings, known, fractions)
        for source, is_known in zip(self.sources, known, strict=True):
            if source.has_values:
                yield from self._value_tile(ground, rings, source, is_known)

    def _tile_of_dates(
        self, ground: GroundCells, rings: LineRings, known: Sequence[Any], fractions: Mapping[str, Any]
    ) -> Iterator[tuple[str, int | None, Any]]:
        """Make the shares of each date, and the label of these and of ``fractions``, those of all dates."""
        xp, placed = ground.device.xp, PlacedBatches.of(ground, rings.of_dates)
        for dates in placed.dates_alike(rings.dates):
            own = self._fractions(self._areas(ground, placed.on(dates[0])), known, xp, each_date=True)
            layers = {**own, self.label: self._label({**fractions, **own}, xp)} if self.label else own
            yield from ((name, date, values) for name, values in layers.items() for date in dates)

    def _value_tile(
        self, ground: GroundCells, rings: LineRings, source: VectorSource, known: Any
    ) -> Iterator[tuple[str, int | None, Any]]:
        """Make the layer of values of a source, of each date or of all."""
        placed, values = PlacedBatches.of(ground, rings.values[source.name]), self._values[source.name]
        if not source.each_date:
            yield source.name, None, value_tile(ground, placed, values, known)
            return
        for dates in placed.dates_alike(rings.dates):
            layer = value_tile(ground, placed.on(dates[0]), values, known)
            yield from ((source.name, date, layer) for date in dates)

    def _fractions(
        self, shares: Mapping[int, Any], known: Sequence[Any], xp: Any, *, each_date: bool
    ) -> dict[str, Any]:
        """Return the layers of shares, of each date or of all; NaN where their map is not known."""
        none = xp.zeros(known[0].shape)
        owners = [(name, number) for number, source in enumerate(self.sources) for name in source.names]
        return {
            name: xp.where(known[number], shares.get(plane, none), np.nan).astype(np.float32)
            for plane, (name, number) in enumerate(owners)
            if self.sources[number].each_date == each_date
        }

    def _label(self, of_names: Mapping[str, Any], xp: Any) -> Any:
        """Return the number of the class with the largest fraction, of those by name; see `layers`."""
        fractions = xp.stack([of_names[name] for name in self.names])
        known = xp.isfinite(fractions).all(axis=0)
        shares = xp.where(known, fractions, 0.0)
        enough = shares.max(axis=0) >= max(self.least, 1e-6)
        number = xp.where(enough, xp.argmax(shares, axis=0) + 1, NONE)
        return xp.where(known, number, UNKNOWN).astype(np.uint8)

    def _areas(self, ground: GroundCells, placed: PlacedBatches) -> dict[int, Any]:
        """Return the shares of the ground of each pixel of a tile that is covered, by the plane.

        Planes without any polygon there are left out.
        """
        xp = ground.device.xp
        sums: dict[int, Any] = {}
        planes, covers = cover(placed.cells, ground.shape, ground.device)
        if planes:
            order = [planes.index(plane) for plane in self._order if plane in planes]
            kernels.resolve_overlaps(covers, np.array(order, dtype=np.int64))
            sums |= zip(planes, ground.push(covers), strict=False)
        planes, covers = cover(placed.pixels, ground.tile.shape, ground.device)
        if planes:
            kernels.resolve_overlaps(covers, np.zeros(0, dtype=np.int64))
            area = ground.device.upload(ground.level_ground.pixel_area(ground.tile))
            for plane, own in zip(planes, covers, strict=True):
                sums[plane] = sums.get(plane, 0.0) + own * area
        whole = xp.where(ground.areas() > 0.0, ground.areas(), np.nan) * float(kernels.WHOLE_CELL)
        return {plane: xp.clip(total / whole, 0.0, 1.0) for plane, total in sums.items()}

    def facts(self) -> dict[str, Any]:
        """See `layers.Source`."""
        found: dict[str, Any] = {}
        for number, (store, source) in enumerate(self._with_stores):
            found[source.name] = {
                "coordinates": source.file.operation,
                "classes": list(source.file.classes),
                "coverage": self._coverage_of(number).text,
                **source.counts.as_dict(),
            }
            if store.values is not None:
                found[source.name] |= value_facts(store.values, source.name)
        return found

    def warnings(self) -> list[str]:
        """See `layers.Source`."""
        return [f"{source.name}: {text}" for source in self.sources for text in source.sentences()]
